//! Stable assignment by chance: where a unit (a person, or an identifier's text) falls under a salt.
//!
//! The hash is BLAKE3 over the salt's length in bytes (64 bits, little endian), the salt, and the unit: a person's number as 64 bits, little endian; a
//! text as its length likewise and then its bytes. The first 64 bits of it, little endian, are the unit's [`point`]; the upper 64 bits of the point times
//! n are its place among n, an even spread without the bias of a remainder.
//!
//! Always holds: the same salt and unit give the same place for ever, on every machine; other salts place independently; a part `[0, a)` is contained in
//! `[0, b)` for a < b, so that a rollout that grows takes nobody out.
//!
//! Does not do: remember anybody. Where the salt, the weights or the unit change, people move.

use crate::{Handle, PersonId};

/// How many places there are: a place is a hundredth of a per cent.
pub const PLACES: u32 = 10_000;

/// The salt of the one lot of a workspace that decides who gets no marketing at all: journeys, campaigns, slots and experiments ask the same.
pub const GLOBAL_HOLDOUT: &str = "holdout/global";

/// Whether a person is among the first `places` (hundredths of a per cent) of that lot. A part that grows takes in more and lets nobody go.
pub fn is_held_out(person: PersonId, places: u32) -> bool {
    bucket(GLOBAL_HOLDOUT, person) < places
}

/// What is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit<'a> {
    /// A number: a person's, a handle's.
    Number(i64),
    /// A text, such as a device's identifier before anything else is known of it.
    Text(&'a str),
}

impl From<PersonId> for Unit<'_> {
    fn from(person: PersonId) -> Self {
        Self::Number(person.0)
    }
}

impl From<Handle> for Unit<'_> {
    fn from(handle: Handle) -> Self {
        Self::Number(handle.0)
    }
}

impl<'a> From<&'a str> for Unit<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

/// The unit's point under `salt`, evenly spread over all 64-bit numbers.
pub fn point<'a>(salt: &str, unit: impl Into<Unit<'a>>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    let text = |hasher: &mut blake3::Hasher, text: &str| {
        hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    text(&mut hasher, salt);
    match unit.into() {
        Unit::Number(number) => {
            hasher.update(&number.to_le_bytes());
        }
        Unit::Text(unit) => text(&mut hasher, unit),
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// The unit's place under `salt`: 0 to 9,999, in hundredths of a per cent.
pub fn bucket<'a>(salt: &str, unit: impl Into<Unit<'a>>) -> u32 {
    u32::try_from(among(point(salt, unit), u64::from(PLACES))).unwrap_or(PLACES - 1)
}

/// Which of several parts the unit is in, each as large as its weight; `None` where all weights are zero. Weights of the same proportions give the
/// same parts: (1, 1) as (50, 50).
pub fn split<'a>(salt: &str, unit: impl Into<Unit<'a>>, weights: &[u32]) -> Option<usize> {
    let total: u64 = weights.iter().copied().map(u64::from).sum();
    if total == 0 {
        return None;
    }
    let place = among(point(salt, unit), total);
    let mut end = 0;
    weights.iter().position(|weight| {
        end += u64::from(*weight);
        place < end
    })
}

/// The place of a point among `n`.
fn among(point: u64, n: u64) -> u64 {
    u64::try_from((u128::from(point) * u128::from(n)) >> 64).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Computed with another implementation (Python's `blake3` 1.0): other programs that place people can check themselves against these.
    #[test]
    fn published_vectors() {
        let numbers: [(&str, i64, u64, u32); 5] = [
            ("spring", 1, 8_866_716_470_040_742_005, 4_806),
            ("spring", 2, 14_194_450_444_145_640_012, 7_694),
            ("autumn", 1, 15_590_735_469_823_814_875, 8_451),
            ("", 9_223_372_036_854_775_807, 3_355_522_105_292_613_509, 1_819),
            ("春", -1, 10_915_337_546_697_743_895, 5_917),
        ];
        for (salt, unit, point_, bucket_) in numbers {
            assert_eq!(
                (point(salt, Unit::Number(unit)), bucket(salt, Unit::Number(unit))),
                (point_, bucket_),
                "{salt} {unit}"
            );
            assert_eq!(bucket(salt, PersonId(unit)), bucket(salt, Handle(unit)));
        }
        let texts: [(&str, &str, u64, u32); 4] = [
            ("spring", "ann", 7_432_885_083_176_436_426, 4_029),
            ("spring", "1", 9_870_085_227_282_794_034, 5_350),
            ("", "", 824_163_284_354_560_741, 446),
            ("welcome", "0193a7e2-5c11-7d4e-8f00-000000000001", 11_586_701_395_999_233_793, 6_281),
        ];
        for (salt, unit, point_, bucket_) in texts {
            assert_eq!((point(salt, unit), bucket(salt, unit)), (point_, bucket_), "{salt} {unit}");
        }
    }

    /// The 99.9 % points of chi-square with 99 and with 81 degrees of freedom.
    const MOST_99: f64 = 148.23;
    const MOST_81: f64 = 126.08;

    fn chi_square(counts: &[u32], expected: f64) -> f64 {
        counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
    }

    #[test]
    fn places_are_evenly_spread() {
        for salt in ["spring", "", "exp_0193", "春"] {
            let (mut numbers, mut texts) = ([0; 100], [0; 100]);
            for unit in 0..100_000_i64 {
                numbers[bucket(salt, Unit::Number(unit)) as usize / 100] += 1;
                texts[bucket(salt, format!("device-{unit}").as_str()) as usize / 100] += 1;
            }
            for counts in [numbers, texts] {
                let found = chi_square(&counts, 1_000.0);
                assert!(found < MOST_99, "{salt}: {found}");
            }
        }
    }

    /// In a table of the tenths under one salt by those under another, all cells are as full: who is where in one experiment says nothing of another,
    /// also where salts look alike.
    #[test]
    fn salts_place_independently() {
        for (one, other) in [("a", "b"), ("exp_1", "exp_11"), ("exp_1", "exp_2"), ("x", "x/traffic"), ("", "a")] {
            let mut table = [0; 100];
            for unit in 0..100_000_i64 {
                let (left, right) = (bucket(one, Unit::Number(unit)), bucket(other, Unit::Number(unit)));
                table[(left / 1_000 * 10 + right / 1_000) as usize] += 1;
            }
            // Against the products of the margins, which costs 9 + 9 of 99 degrees of freedom.
            let row = |at: usize| (0..10).map(|it| f64::from(table[at * 10 + it])).sum::<f64>();
            let column = |at: usize| (0..10).map(|it| f64::from(table[it * 10 + at])).sum::<f64>();
            let found: f64 = (0..100)
                .map(|at| {
                    let expected = row(at / 10) * column(at % 10) / 100_000.0;
                    (f64::from(table[at]) - expected).powi(2) / expected
                })
                .sum();
            assert!(found < MOST_81, "{one} {other}: {found}");
        }
    }

    #[test]
    fn a_text_is_no_number() {
        let eight = "\u{1}\0\0\0\0\0\0\0";
        assert_ne!(point("s", eight), point("s", Unit::Number(1)));
        // The border between salt and unit counts.
        assert_ne!(point("ab", "c"), point("a", "bc"));
    }

    #[test]
    fn nothing_is_split_into_nothing() {
        assert_eq!((split("s", "u", &[]), split("s", "u", &[0, 0])), (None, None));
        assert_eq!(split("s", "u", &[0, u32::MAX, 0]), Some(1));
    }

    proptest! {
        /// Oracle: one place after the other, each given to the next part with room.
        #[test]
        fn parts_are_as_large_as_their_weights(
            unit: i64,
            salt in "[a-z]{0,8}",
            weights in prop::collection::vec(0u32..20, 1..6),
        ) {
            let parts: Vec<usize> =
                weights.iter().enumerate().flat_map(|(at, weight)| vec![at; *weight as usize]).collect();
            let place = (point(&salt, Unit::Number(unit)) as f64 / 2f64.powi(64) * parts.len() as f64) as usize;
            prop_assert_eq!(split(&salt, Unit::Number(unit), &weights), parts.get(place).copied());
            let larger: Vec<u32> = weights.iter().map(|it| it * 50).collect();
            prop_assert_eq!(split(&salt, Unit::Number(unit), &larger), split(&salt, Unit::Number(unit), &weights));
        }

        /// The form with two parts is the same as a rollout, which only grows.
        #[test]
        fn a_rollout_only_grows(unit: i64, salt in "[a-z]{0,8}", a in 0u32..=PLACES, b in 0u32..=PLACES) {
            let within = |share: u32| bucket(&salt, Unit::Number(unit)) < share;
            prop_assert!(!within(a.min(b)) || within(a.max(b)));
            prop_assert_eq!(split(&salt, Unit::Number(unit), &[a, PLACES - a]) == Some(0), within(a));
        }
    }
}
