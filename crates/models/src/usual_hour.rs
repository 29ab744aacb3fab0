//! The hour of day at which somebody is usually there.
//!
//! Always holds: exact, in whole numbers; the order of what is told does not matter; one busy hour counts once, however much was done in it.

/// Days looked at.
pub const DAYS: i64 = 90;
/// On so many days somebody must have been there, or nothing is said.
pub const LEAST_DAYS: usize = 3;
/// After so many days a day counts half as much.
const HALVED_EVERY: i64 = 28;
/// What a day of the last [`HALVED_EVERY`] counts: halved three times within [`DAYS`].
const NEWEST: u32 = 8;

/// The usual hour (0 to 23) of somebody who was there in these hours of these days, by the clock where they are; `None` when it were a guess.
///
/// Of each day each hour counts once: 8 in the last 28 days, 4 in the 28 before, then 2, then 1. An hour's score is twice its own sum and once that of
/// each of its neighbours (23 and 0 are neighbours), so that 17:55 and 18:05 do not fall apart. The highest score wins; of equal ones that with the higher
/// own sum, then the earlier one. Days after `today` and more than [`DAYS`] before it do not count.
pub fn usual_hour(active: &[(i64, u8)], today: i64) -> Option<u8> {
    let mut active: Vec<(i64, u8)> =
        active.iter().copied().filter(|(day, hour)| (0..DAYS).contains(&(today - day)) && *hour < 24).collect();
    active.sort_unstable();
    active.dedup();
    let mut sums = [0_u32; 24];
    for (day, hour) in &active {
        sums[usize::from(*hour)] += NEWEST >> ((today - day) / HALVED_EVERY);
    }
    active.dedup_by_key(|(day, _)| *day);
    if active.len() < LEAST_DAYS {
        return None;
    }
    let score = |hour: usize| 2 * sums[hour] + sums[(hour + 23) % 24] + sums[(hour + 1) % 24];
    let best = (0..24).max_by_key(|hour| (score(*hour), sums[*hour], std::cmp::Reverse(*hour)))?;
    u8::try_from(best).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_evenings_are_a_habit_and_two_are_none() {
        assert_eq!(usual_hour(&[(99, 18), (98, 18)], 100), None);
        assert_eq!(usual_hour(&[(99, 18), (99, 17), (99, 19)], 100), None, "one day");
        assert_eq!(usual_hour(&[(99, 18), (98, 18), (97, 18)], 100), Some(18));
        assert_eq!(usual_hour(&[(9, 18), (8, 18), (7, 18)], 100), None, "long ago");
        // A new habit is worth more than a longer old one.
        let old = (0..5).map(|n| (10 + n, 8));
        let new = (0..3).map(|n| (90 + n, 21));
        assert_eq!(usual_hour(&old.chain(new).collect::<Vec<_>>(), 95), Some(21));
    }

    #[test]
    fn midnight_has_neighbours() {
        let days = [(99, 23), (98, 0), (97, 23), (96, 0), (95, 12), (94, 12)];
        assert_eq!(usual_hour(&days, 100), Some(0));
    }

    /// The definition, slowly: each hour of each day that anything was done in gives its weight to hours by their distance on the dial.
    fn slow(active: &[(i64, u8)], today: i64) -> Option<u8> {
        let told = |day: i64, hour: u8| active.contains(&(day, hour));
        let mut best: Option<(i64, i64, u8)> = None;
        let mut days = std::collections::BTreeSet::new();
        for candidate in 0..24_u8 {
            let (mut score, mut own) = (0, 0);
            for age in 0..90 {
                let weight = [8, 4, 2, 1][usize::try_from(age / 28).unwrap()];
                for hour in (0..24_u8).filter(|hour| told(today - age, *hour)) {
                    days.insert(age);
                    let apart = (i64::from(hour) - i64::from(candidate)).rem_euclid(24);
                    match apart {
                        0 => (score, own) = (score + 2 * weight, own + weight),
                        1 | 23 => score += weight,
                        _ => {}
                    }
                }
            }
            if best.is_none_or(|(high, sum, _)| (score, own) > (high, sum)) {
                best = Some((score, own, candidate));
            }
        }
        best.filter(|_| days.len() >= 3).map(|(.., hour)| hour)
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(active in prop::collection::vec((0_i64..130, 0_u8..24), 0..40), today in 90_i64..125) {
            prop_assert_eq!(usual_hour(&active, today), slow(&active, today));
        }
    }
}
