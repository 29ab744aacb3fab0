//! Changes against an exhaustive search, and the Nile.

use super::*;
use crate::resampling::Draws;
use proptest::prelude::*;

/// The flow of the Nile at Aswan, 1871 to 1970, in 10⁸ m³ (Cobb 1978, "The problem of the Nile"; R's `Nile`).
const NILE: [f64; 100] = [
    1120.0, 1160.0, 963.0, 1210.0, 1160.0, 1160.0, 813.0, 1230.0, 1370.0, 1140.0, 995.0, 935.0, 1110.0, 994.0, 1020.0,
    960.0, 1180.0, 799.0, 958.0, 1140.0, 1100.0, 1210.0, 1150.0, 1250.0, 1260.0, 1220.0, 1030.0, 1100.0, 774.0, 840.0,
    874.0, 694.0, 940.0, 833.0, 701.0, 916.0, 692.0, 1020.0, 1050.0, 969.0, 831.0, 726.0, 456.0, 824.0, 702.0, 1120.0,
    1100.0, 832.0, 764.0, 821.0, 768.0, 845.0, 864.0, 862.0, 698.0, 845.0, 744.0, 796.0, 1040.0, 759.0, 781.0, 865.0,
    845.0, 944.0, 984.0, 897.0, 822.0, 1010.0, 771.0, 676.0, 649.0, 846.0, 812.0, 742.0, 801.0, 1040.0, 860.0, 874.0,
    848.0, 890.0, 744.0, 749.0, 838.0, 1050.0, 918.0, 986.0, 797.0, 923.0, 975.0, 815.0, 1020.0, 906.0, 901.0, 1170.0,
    912.0, 746.0, 919.0, 718.0, 714.0, 740.0,
];

/// It fell after 1898, the 28th year, as Cobb found, from 1,097.75 to 849.97 on average.
#[test]
fn the_nile_fell_after_1898() {
    assert_eq!(NILE.iter().sum::<f64>(), 91_935.0, "the mean that R gives is 919.35");
    for kind in [Kind::Level, Kind::LevelAndSpread] {
        let found = Changes::find(&NILE, &Options { shortest: 5, ..Options::of(kind) }).unwrap();
        let [change] = found.changes[..] else { panic!("{found:?}") };
        assert_eq!(change.at, 28);
        assert!((change.before.value - 1_097.75).abs() <= 0.005 && (change.after.value - 849.97).abs() <= 0.005);
        assert!(change.gain > 30.0 && change.before.low > change.after.high);
        assert_eq!((found.alarm(100, 80), found.alarm(100, 20)), (Some(&change), None));
    }
}

#[test]
fn weeks_are_no_changes() {
    let mut draws = Draws::new(4);
    let week = [0.0, 0.0, 0.0, 0.0, 5.0, 30.0, 25.0];
    let series: Vec<f64> =
        (0..140).map(|at| week[at % 7] + normal(&mut draws) + if at < 100 { 0.0 } else { 6.0 }).collect();
    let found = Changes::find(&without_season(&series, 7), &Options::of(Kind::Level)).unwrap();
    assert_eq!(found.changes.iter().map(|it| it.at).collect::<Vec<_>>(), [100]);
    assert_eq!(without_season(&series[..9], 7), &series[..9]);
}

#[test]
fn counts_that_rise() {
    let series: Vec<f64> = [3, 2, 4, 3, 1, 3, 2, 3, 9, 12, 8, 10, 11, 9].map(f64::from).to_vec();
    let found = Changes::find(&series, &Options::of(Kind::Counts)).unwrap();
    assert_eq!(found.changes.iter().map(|it| it.at).collect::<Vec<_>>(), [8]);
    assert!(found.changes[0].before.high < found.changes[0].after.low);
    assert!(Changes::find(&[0.0; 30], &Options::of(Kind::Counts)).unwrap().changes.is_empty());
    assert_eq!(
        Changes::find(&[1.0, 2.0, -1.0, 3.0], &Options::of(Kind::Counts)),
        Err(Fault::Negative { row: vec![2] })
    );
    assert_eq!(
        Changes::find(&[1.0], &Options::of(Kind::Level)),
        Err(Fault::TooFew { what: "values", have: 1, need: 4 })
    );
}

/// Of a level that stays, one that rises steadily, one that changes once and one that rises twice at once, nearly all are told for what they are.
#[test]
fn slopes_are_no_changes() {
    let mut draws = Draws::new(21);
    let mut told = |level: fn(usize) -> f64, is: fn(&Movement) -> bool| {
        (0..100)
            .filter(|_| {
                let series: Vec<f64> = (0..120).map(|at| level(at) + normal(&mut draws)).collect();
                is(&Movement::of(&series, 1).unwrap())
            })
            .count()
    };
    let still = told(|_| 7.0, |it| *it == Movement::Still);
    let steady = told(|at| 0.1 * at as f64, |it| matches!(it, Movement::Steady(by) if (by - 0.1).abs() < 0.03));
    let once = told(|at| if at < 70 { 5.0 } else { 3.0 }, |it| matches!(it, Movement::Changed(_)));
    let twice = told(|at| (at / 40) as f64 * 3.0, |it| matches!(it, Movement::Changed(them) if them.len() == 2));
    assert!(still >= 94 && steady >= 97 && once >= 90 && twice >= 85, "{still} {steady} {once} {twice}");
    let Movement::Changed(found) = Movement::of(&NILE, 1).unwrap() else { panic!("the Nile fell") };
    assert_eq!(found.iter().map(|it| it.at).collect::<Vec<_>>(), [28]);
    // Values whose squares leave the range of numbers, and a line without any noise.
    let level = |at: usize| if at < 20 { 1.0 } else { 2.0 };
    let large: Vec<f64> = (0..40).map(|at| 1e139 * (level(at) + 0.02 * (at * at * 7_919 % 11) as f64)).collect();
    assert!(matches!(&Movement::of(&large, 1), Ok(Movement::Changed(it)) if it[0].at == 20));
    let line: Vec<f64> = (0..40).map(|at| 3.0 * f64::from(at)).collect();
    assert!(matches!(Movement::of(&line, 1), Ok(Movement::Steady(by)) if (by - 3.0).abs() < 1e-9));
    assert_eq!(Movement::of(&[1.0; 30], 7), Ok(Movement::Still));
    assert!(matches!(Movement::of(&[1.0, 2.0], 1), Err(Fault::TooFew { .. })));
}

fn uniform(draws: &mut Draws) -> f64 {
    ((draws.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

fn normal(draws: &mut Draws) -> f64 {
    (-2.0 * uniform(draws).ln()).sqrt() * (std::f64::consts::TAU * uniform(draws)).cos()
}

/// Each value depends so much on the one before.
fn noise(n: usize, dependence: f64, draws: &mut Draws) -> Vec<f64> {
    let mut last = normal(draws) / (1.0 - dependence * dependence).sqrt();
    (0..n)
        .map(|_| {
            last = dependence * last + normal(draws);
            last
        })
        .collect()
}

/// Of 200 series without a change few raise an alarm, whether their values depend on each other or not; of 200 with one of two deviations all but few do, at the
/// right place or next to it.
#[test]
fn false_alarms_are_few_and_true_ones_are_many() {
    for (dependence, most) in [(0.0, 10), (0.5, 20)] {
        let mut draws = Draws::new(11);
        let false_alarms = (0..200).filter(|_| {
            let series = noise(120, dependence, &mut draws);
            !Changes::find(&series, &Options::of(Kind::Level)).unwrap().changes.is_empty()
        });
        let count = false_alarms.count();
        eprintln!("{count} false alarms of 200 with a dependence of {dependence}");
        assert!(count <= most, "{count} of 200 with a dependence of {dependence}");
    }
    let mut draws = Draws::new(12);
    let (mut found, mut near, mut held) = (0, 0, 0);
    for _ in 0..200 {
        let mut series = noise(120, 0.0, &mut draws);
        series[80..].iter_mut().for_each(|it| *it += 2.0);
        let changes = Changes::find(&series, &Options::of(Kind::Level)).unwrap().changes;
        found += usize::from(!changes.is_empty());
        near += usize::from(changes.iter().any(|it| it.at.abs_diff(80) <= 3));
        held += usize::from(changes.last().is_some_and(|it| it.after.low <= 2.0 && 2.0 <= it.after.high));
    }
    eprintln!("{found} {near} {held}");
    assert!(found >= 195 && near >= 180 && held >= 170, "{found} {near} {held}");
}

/// Oracle: every way to part the series.
fn exhaustive(costs: &Costs, from: usize, penalty: f64, shortest: usize) -> f64 {
    let n = costs.len();
    let rest = (from + shortest..=n - shortest.min(n))
        .map(|at| costs.cost(from, at) + penalty + exhaustive(costs, at, penalty, shortest));
    rest.fold(if n - from >= shortest { costs.cost(from, n) } else { f64::INFINITY }, f64::min)
}

proptest! {
    #[test]
    fn no_way_to_part_it_is_better(values in prop::collection::vec(-4i8..9, 6..14), penalty in 0.0f64..12.0, shortest in 1usize..4, kind in 0usize..3) {
        let kind = [Kind::Level, Kind::LevelAndSpread, Kind::Counts][kind];
        let values: Vec<f64> = values.iter().map(|it| f64::from(if kind == Kind::Counts { it.abs() } else { *it })).collect();
        prop_assume!(values.iter().any(|it| *it != values[0]));
        let shortest = if kind == Kind::LevelAndSpread { shortest.max(2) } else { shortest };
        let (costs, _) = Costs::of(&values, kind);
        let edges: Vec<usize> = std::iter::once(0).chain(search::parts(&costs, penalty, shortest)).collect();
        let own: f64 = edges.windows(2).map(|it| costs.cost(it[0], it[1])).sum::<f64>() + penalty * (edges.len() as f64 - 2.0);
        let best = exhaustive(&costs, 0, penalty, shortest);
        prop_assert!(edges.windows(2).all(|it| it[1] - it[0] >= shortest), "{:?}", edges);
        prop_assert!((own - best).abs() <= 1e-9 * (1.0 + best.abs()), "{} {} {:?}", own, best, edges);
    }

    #[test]
    fn absurd_series_have_an_answer_or_a_reason(values in prop::collection::vec(prop_oneof![4 => (-3i8..4).prop_map(f64::from), 1 => prop::sample::select(vec![1e139, -1e139, 1e-300, f64::NAN, f64::INFINITY, 0.0])], 0..30), kind in 0usize..3) {
        let kind = [Kind::Level, Kind::LevelAndSpread, Kind::Counts][kind];
        if let Ok(found) = Changes::find(&values, &Options::of(kind)) {
            for it in &found.changes {
                prop_assert!(it.gain.is_finite() && it.before.low <= it.before.value && it.after.value <= it.after.high);
            }
        }
        prop_assert_eq!(without_season(&values, 3).len(), values.len());
    }
}
