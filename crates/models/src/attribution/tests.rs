//! Attribution against paths that can be counted by hand, and a slow chain.

use super::*;
use proptest::prelude::*;

fn path(channels: &[u32], conversions: u64, nulls: u64) -> Path {
    Path { channels: channels.to_vec(), conversions, value: 2.0 * conversions as f64, nulls }
}

/// By hand: a or b first with a half each; a is followed by b always, b converts every second time. Without a half is lost, without b all.
#[test]
fn a_small_chain_by_hand() {
    let found = Markov::fit(&[path(&[0, 1], 1, 1), path(&[1], 1, 1)]).unwrap();
    assert_eq!((found.conversion, found.removal_effects.clone()), (0.5, vec![0.5, 1.0]));
    let credits: Vec<f64> = found.credits.iter().map(|it| it.conversions).collect();
    assert!((credits[0] - 2.0 / 3.0).abs() < 1e-12 && (credits[1] - 4.0 / 3.0).abs() < 1e-12);
    assert_eq!(found.transitions[1], [0.0, 1.0, 0.0, 0.0]);
    let again = Markov::intervals(&[path(&[0, 1], 100, 100), path(&[1], 100, 100)], 100, 0.05, 3).unwrap();
    assert!(again[0].low.conversions < 66.7 && again[0].high.conversions > 66.7);
    assert_eq!(Markov::fit(&[path(&[], 1, 1)]), Err(Fault::Missing { row: vec![0] }));
    assert_eq!(Markov::fit(&[path(&[3], 0, 1)]), Err(Fault::TooFew { what: "conversions", have: 0, need: 1 }));
    assert!(Markov::fit(&[path(&[u32::MAX], 1, 1)]).is_err());
}

/// Walks of a chain that is known, of people whose number varies as a Poisson one of 500 does: the intervals hold the credits that it would give to as many, in 200 samples as often as they claim
/// (all but 1 in 1,000 of binomials are in these bounds).
#[test]
fn intervals_hold_the_chains_own_credits() {
    // From the start and from each of three channels: to the channels, a conversion, none.
    let chain =
        [[0.5, 0.3, 0.2, 0.0, 0.0], [0.1, 0.3, 0.1, 0.2, 0.3], [0.2, 0.0, 0.3, 0.1, 0.4], [0.1, 0.1, 0.1, 0.4, 0.3]];
    let mut draws = crate::resampling::Draws::new(5);
    let mut walk = || {
        let (mut at, mut channels) = (0, Vec::new());
        loop {
            let mut u = draws.below(1_000_000) as f64 / 1e6;
            let next = chain[at]
                .iter()
                .position(|it| {
                    u -= it;
                    u < 0.0
                })
                .unwrap_or(4);
            match next {
                3 => break path(&channels, 1, 0),
                4 => break path(&channels, 0, 1),
                channel => {
                    channels.push(channel as u32);
                    at = channel + 1;
                }
            }
        }
    };
    let many: Vec<Path> = (0..400_000).map(|_| walk()).collect();
    let truth: Vec<f64> = Markov::fit(&many).unwrap().credits.iter().map(|it| it.conversions / 400_000.0).collect();
    let mut held = [0; 3];
    for sample in 0..200u32 {
        // Evenly spread, with a deviation of √500.
        let people = 500.0 + 22.36 * ((f64::from(sample) + 0.5) / 200.0 * 2.0 - 1.0) * 1.732;
        let paths: Vec<Path> = (0..people as usize).map(|_| walk()).collect();
        let found = Markov::intervals(&paths, 200, 0.05, u64::from(sample)).unwrap();
        for (held, (interval, truth)) in held.iter_mut().zip(found.iter().zip(&truth)) {
            *held +=
                usize::from(interval.low.conversions <= 500.0 * truth && 500.0 * truth <= interval.high.conversions);
        }
    }
    assert!(held.iter().all(|it| (179..=199).contains(it)), "{held:?}");
}

proptest! {
    /// Oracles: walks of the chain without a channel, step by step; and Shapley's formula over all sets.
    #[test]
    fn effects_and_values_are_what_their_names_say(paths in prop::collection::vec((prop::collection::vec(0u32..4, 1..6), 0u64..4, 0u64..4), 1..8)) {
        let paths: Vec<Path> = paths.iter().map(|it| path(&it.0, it.1, it.2)).collect();
        let all: u64 = paths.iter().map(|it| it.conversions).sum();
        prop_assume!(all > 0);
        let found = Markov::fit(&paths).unwrap();
        let channels = found.removal_effects.len();
        let people: u64 = paths.iter().map(|it| it.conversions + it.nulls).sum();
        prop_assert!((found.conversion - all as f64 / people as f64).abs() < 1e-9, "that which was seen");
        for removed in 0..channels {
            let mut at = found.transitions[0][..channels].to_vec();
            let mut converted = 0.0;
            for _ in 0..3_000 {
                at[removed] = 0.0;
                let mut next = vec![0.0; channels];
                for (channel, share) in at.iter().enumerate() {
                    converted += share * found.transitions[channel + 1][channels];
                    next.iter_mut().zip(&found.transitions[channel + 1]).for_each(|(it, by)| *it += share * by);
                }
                at = next;
            }
            prop_assert!((found.removal_effects[removed] - (1.0 - converted / found.conversion)).abs() < 1e-6);
        }
        let worth = |set: u32| paths.iter().filter(|it| it.channels.iter().all(|c| set >> c & 1 == 1)).map(|it| it.conversions).sum::<u64>() as f64;
        let values = shapley(&paths).unwrap();
        let positions = shapley_by_position(&paths, 3).unwrap();
        for (channel, value) in values.iter().enumerate() {
            let mut wanted = 0.0;
            for set in (0u32..16).filter(|set| set >> channel & 1 == 0) {
                let size = set.count_ones() as usize;
                let weight = [1.0 / 4.0, 1.0 / 12.0, 1.0 / 12.0, 1.0 / 4.0][size];
                wanted += weight * (worth(set | 1 << channel) - worth(set));
            }
            prop_assert!((value.conversions - wanted).abs() < 1e-9);
            let over: f64 = positions.iter().map(|it| it[channel].conversions).sum();
            prop_assert!((over - wanted).abs() < 1e-9);
        }
        let rules = rules(&paths).unwrap();
        for credits in [&found.credits, &values, &rules.first, &rules.last, &rules.linear] {
            prop_assert!((credits.iter().map(|it| it.conversions).sum::<f64>() - all as f64).abs() < 1e-9);
            prop_assert!((credits.iter().map(|it| it.value).sum::<f64>() - 2.0 * all as f64).abs() < 1e-9);
        }
    }
}
