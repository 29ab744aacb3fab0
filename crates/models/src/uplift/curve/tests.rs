//! Curves of uplift against cases that scikit-uplift computed, and bad input.

use super::*;
use crate::learn::Outcome;
use crate::resampling::Draws;
use proptest::prelude::*;

/// 40 rows: two of five treated, with ties among scores.
fn forty() -> (Vec<bool>, Vec<bool>, Vec<f64>) {
    let treated: Vec<bool> = (0..40).map(|it| it * 7 % 5 < 2).collect();
    let labels = (0..40).map(|it| it * 11 % 7 < 2 || treated[it] && it % 3 == 0).collect();
    (treated, labels, (0..40).map(|it| f64::from(it * 13 % 17) / 4.0).collect())
}

/// scikit-uplift 0.5.1: `qini_auc_score`, the same with `negative_effect=False`, `uplift_auc_score`, `uplift_at_k(strategy="overall", k=.3)`, `qini_curve` and
/// `uplift_curve` of the same rows.
#[test]
fn coefficients_and_curves_of_scikit_uplift() {
    let (treated, labels, scores) = forty();
    let comparison = Comparison::new(&treated, Outcome::Class(&labels), None).unwrap();
    let wanted = [
        (Measure::Qini, 0.067_812_627_831_646_86),
        (Measure::QiniWithoutNegative, 0.189_982_610_107_784_58),
        (Measure::Uplift, 0.091_792_384_132_657_47),
    ];
    for (measure, wanted) in wanted {
        let found = measure.coefficient(&scores, &comparison).unwrap();
        assert!((found - wanted).abs() < 1e-12, "{measure:?} {found}");
    }
    let at = super::super::effect::effect_at(&scores, &comparison, 0.3).unwrap();
    assert!((at.value - 0.314_285_714_285_714_3).abs() < 1e-12);
    let qini = Measure::Qini.curve(&scores, &comparison).unwrap();
    assert_eq!(qini.rows[..6], [0.0, 2.0, 4.0, 7.0, 10.0, 12.0]);
    let wanted = [0.0, 1.0, 0.0, 0.25, 2.0, 1.571_428_57];
    assert!(qini.gain.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-8));
    let uplift = Measure::Uplift.curve(&scores, &comparison).unwrap();
    let wanted = [0.0, 1.0, 0.0, 0.583_333_33, 4.0, 3.771_428_57];
    assert!(uplift.gain.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-8));
}

#[test]
fn the_perfect_order_has_1_and_no_order_has_0() {
    let (treated, labels, _) = forty();
    let comparison = Comparison::new(&treated, Outcome::Class(&labels), None).unwrap();
    let perfect: Vec<f64> =
        treated.iter().zip(&labels).map(|(t, y)| f64::from(u8::from(*y)) * if *t { 1.0 } else { -1.0 }).collect();
    assert_eq!(Measure::Qini.coefficient(&perfect, &comparison), Ok(1.0));
    for measure in [Measure::Qini, Measure::QiniWithoutNegative, Measure::Uplift] {
        assert!(measure.coefficient(&[3.0; 40], &comparison).unwrap().abs() < 1e-12);
    }
    assert!(Measure::Qini.curve(&[3.0; 39], &comparison).is_err());
    let mut broken = vec![1.0; 40];
    broken[7] = f64::NAN;
    assert_eq!(Measure::Qini.curve(&broken, &comparison), Err(Fault::NotFinite { row: vec![7] }));
}

/// Rows that had twice the chance to be treated count half: the curve ends at what a trial with even chances has.
#[test]
fn weights_undo_uneven_chances() {
    let mut draws = Draws::new(11);
    let mut uniform = || (draws.next() >> 11) as f64 / (1u64 << 53) as f64;
    let (mut treated, mut spent, mut chances, mut scores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let good = uniform() < 0.5;
        let chance = if good { 0.8 } else { 0.2 };
        let own = uniform() < chance;
        treated.push(own);
        chances.push(chance);
        scores.push(f64::from(u8::from(good)));
        // Good ones spend 10 more with and without the treatment, and 1 more with it.
        spent.push(uniform() + if good { 10.0 } else { 0.0 } + if own && good { 1.0 } else { 0.0 });
    }
    let of = |chances: Option<&[f64]>| Comparison::new(&treated, Outcome::Number(&spent), chances).unwrap();
    let end = |it: &Comparison| {
        let curve = Measure::Uplift.curve(&scores, it).unwrap();
        (curve.gain[1] / curve.rows[1], curve.gain[2] / curve.rows[2])
    };
    let (first, all) = end(&of(Some(&chances)));
    assert!((first - 1.0).abs() < 0.05 && (all - 0.5).abs() < 0.3, "{first} {all}");
    assert!(end(&of(None)).1 > 5.0);
}

proptest! {
    /// The curve against its definition, row set by row set.
    #[test]
    fn curves_are_what_their_definition_says(rows in prop::collection::vec((any::<bool>(), -3i8..4, 0u8..5), 4..40)) {
        let treated: Vec<bool> = rows.iter().map(|it| it.0).collect();
        let spent: Vec<f64> = rows.iter().map(|it| f64::from(it.1)).collect();
        let scores: Vec<f64> = rows.iter().map(|it| f64::from(it.2)).collect();
        let Ok(comparison) = Comparison::new(&treated, Outcome::Number(&spent), None) else { return Ok(()) };
        for measure in [Measure::Qini, Measure::Uplift] {
            let curve = measure.curve(&scores, &comparison).unwrap();
            for (x, gain) in curve.rows.iter().zip(&curve.gain).skip(1) {
                let least = {
                    let mut sorted = scores.clone();
                    sorted.sort_by(|a, b| b.total_cmp(a));
                    sorted[*x as usize - 1]
                };
                let sum = |arm: bool, of: &dyn Fn(usize) -> f64| -> f64 {
                    (0..rows.len()).filter(|at| scores[*at] >= least && treated[*at] == arm).map(of).sum()
                };
                let (nt, nc) = (sum(true, &|_| 1.0), sum(false, &|_| 1.0));
                let (yt, yc) = (sum(true, &|at| spent[at]), sum(false, &|at| spent[at]));
                prop_assert_eq!(nt + nc, *x);
                let over = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
                let wanted = if measure == Measure::Qini { yt - yc * over(nt, nc) } else { (over(yt, nt) - over(yc, nc)) * (nt + nc) };
                prop_assert!((gain - wanted).abs() < 1e-9);
            }
        }
        for measure in [Measure::Qini, Measure::QiniWithoutNegative, Measure::Uplift] {
            if let Ok(it) = measure.coefficient(&scores, &comparison) {
                prop_assert!(it.is_finite());
            }
        }
    }
}
