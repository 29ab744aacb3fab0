//! Groups of experiments that may not meet: each has a range of the group's 10,000 places, and nobody is in two ranges.
//!
//! Always holds: the place of a unit in a group does not depend on the experiments that are in it.

use std::ops::Range;

use crate::design::{Place, WHOLE};
use crate::error::Error;

/// The places of an experiment that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The experiment's key.
    pub key: String,
    /// Its places.
    pub range: Range<u32>,
}

/// The ranges that nobody has, in order.
pub fn free(taken: &[Taken]) -> Vec<Range<u32>> {
    let mut ranges: Vec<&Range<u32>> = taken.iter().map(|it| &it.range).collect();
    ranges.sort_by_key(|it| it.start);
    let (mut free, mut from) = (Vec::new(), 0);
    for range in ranges {
        if from < range.start {
            free.push(from..range.start);
        }
        from = from.max(range.end);
    }
    if from < WHOLE {
        free.push(from..WHOLE);
    }
    free
}

/// The first free range with room for so many places, cut to that.
pub fn suggest(taken: &[Taken], places: u32) -> Option<Range<u32>> {
    free(taken).into_iter().find(|it| it.end - it.start >= places).map(|it| it.start..it.start + places)
}

/// Whether a place is free beside the others.
///
/// # Errors
/// [`Error::Overlap`] with the free ranges.
pub fn fits(place: &Place, others: &[Taken]) -> Result<(), Error> {
    let Some(with) = others.iter().find(|it| it.range.start < place.to && place.from < it.range.end) else {
        return Ok(());
    };
    let ranges: Vec<String> = free(others).iter().map(|it| format!("{} to {}", it.start, it.end)).collect();
    let free = if ranges.is_empty() { "none".to_owned() } else { ranges.join(", ") };
    Err(Error::Overlap { group: place.group.clone(), from: place.from, to: place.to, with: with.key.clone(), free })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(range: Range<u32>) -> Taken {
        Taken { key: format!("at-{}", range.start), range }
    }

    #[test]
    fn an_overlap_says_what_is_free() {
        let others = [taken(5_000..8_000), taken(0..2_000)];
        let place = |from, to| Place { group: "checkout".into(), from, to };
        assert!(fits(&place(2_000, 5_000), &others).is_ok() && fits(&place(8_000, 10_000), &others).is_ok());
        let refused = fits(&place(1_999, 3_000), &others).unwrap_err().to_string();
        assert_eq!(
            refused,
            "places 1999 to 3000 of the group `checkout` overlap those of `at-0`; free are 2000 to 5000, 8000 to 10000"
        );
        assert_eq!((suggest(&others, 3_000), suggest(&others, 3_001)), (Some(2_000..5_000), None));
        let refused = fits(&place(1, 2), &[taken(0..10_000)]).unwrap_err().to_string();
        assert!(refused.ends_with("free are none"), "{refused}");
    }

    proptest! {
        /// Oracle: every place by itself.
        #[test]
        fn each_place_is_free_or_taken(ranges in prop::collection::vec((0u32..40, 1u32..10), 0..6), from in 0u32..40, size in 1u32..10) {
            let taken: Vec<Taken> = ranges.iter().map(|(from, size)| taken(from * 250..(from + size).min(40) * 250)).collect();
            let has = |place: u32| taken.iter().any(|it| it.range.contains(&place));
            let free = free(&taken);
            for place in (0..WHOLE).step_by(50) {
                prop_assert_eq!(free.iter().filter(|it| it.contains(&place)).count(), usize::from(!has(place)));
            }
            let wanted = Place { group: "g".into(), from: from * 250, to: (from + size).min(40) * 250 };
            let overlaps = (wanted.from..wanted.to).any(has);
            prop_assert_eq!(fits(&wanted, &taken).is_err(), overlaps);
        }
    }
}
