//! What the reviews of a product say together.
//!
//! Always holds: the mean of all is there beside the mean of those that are shown; a newer review never counts for less than an older one.

use rapport_models::survey::{Confidence, Measure, Scale, Score, Stratum, Tally, weighted};

use super::State;

/// A review of so many days ago counts half as much as one of today in [`Standing::lately`].
pub const HALF_LIFE_DAYS: f64 = 180.0;

/// Reviews that have their product, state, day and stars in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// A word of [`State`].
    pub state: String,
    /// Since 1970, in UTC.
    pub day: i64,
    /// 1 to 5.
    pub stars: i64,
    /// How many.
    pub reviews: i64,
}

/// What they say. Each mean is on the scale from 1 to 5, with the interval that holds it 19 times of 20.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Of all, whatever their state.
    pub all: Option<Score>,
    /// Of those that everybody may see.
    pub shown: Option<Score>,
    /// Of those too, with newer ones counting for more.
    pub lately: Option<Score>,
    /// How many wait for somebody to look.
    pub waiting: i64,
    /// How many are not shown.
    pub hidden: i64,
    /// How many have one star, two, and so on.
    pub stars: [i64; 5],
}

/// What the reviews of a product say together, on a day since 1970.
pub fn standing(counted: &[Counted], today: i64) -> Standing {
    let is_shown = |one: &&Counted| [State::Shown.as_str(), State::New.as_str()].contains(&one.state.as_str());
    let of = |state: State| counted.iter().filter(|one| one.state == state.as_str()).map(|one| one.reviews).sum();
    let mut stars = [0; 5];
    for one in counted {
        if let Some(place) = usize::try_from(one.stars - 1).ok().and_then(|place| stars.get_mut(place)) {
            *place += one.reviews;
        }
    }
    let shown: Vec<&Counted> = counted.iter().filter(is_shown).collect();
    let mean = |tally: Tally| Measure::Mean.score(&tally.shares()?, Confidence::default());
    Standing {
        all: mean(tally(counted)),
        shown: mean(tally(shown.iter().copied())),
        lately: lately(&shown, today),
        waiting: of(State::Waiting),
        hidden: of(State::Hidden),
        stars,
    }
}

fn tally<'a>(counted: impl IntoIterator<Item = &'a Counted>) -> Tally {
    Tally::new(Scale::CSAT, counted.into_iter().map(|one| (Some(one.stars), one.reviews.unsigned_abs())))
}

/// Each day's reviews are a group that counts for as many as are left of them by now.
fn lately(shown: &[&Counted], today: i64) -> Option<Score> {
    let mut strata = Vec::new();
    for days in shown.chunk_by(|a, b| a.day == b.day) {
        let tally = tally(days.iter().copied());
        let age = (today - days[0].day).max(0) as f64;
        // In millionths of a review, so that what is years old is still something.
        let left = tally.answers() as f64 * 1e6 * 0.5_f64.powf(age / HALF_LIFE_DAYS);
        strata.push(Stratum { population: (left.round() as u64).max(1), tally });
    }
    Measure::Mean.score(&weighted(&strata)?.shares, Confidence::default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(state: State, day: i64, stars: i64, reviews: i64) -> Counted {
        Counted { state: state.as_str().to_owned(), day, stars, reviews }
    }

    #[test]
    fn averages_are_there_with_and_without() {
        let of = [
            counted(State::New, 90, 5, 1),
            counted(State::Shown, 80, 4, 3),
            counted(State::Waiting, 99, 5, 20),
            counted(State::Hidden, 70, 1, 2),
        ];
        let found = standing(&of, 100);
        // (5 + 3·4 + 20·5 + 2·1) / 26 and (5 + 3·4) / 4.
        assert!((found.all.unwrap().estimate - 119.0 / 26.0).abs() < 1e-12);
        assert!((found.shown.unwrap().estimate - 17.0 / 4.0).abs() < 1e-12);
        assert_eq!((found.waiting, found.hidden, found.stars), (20, 2, [2, 0, 0, 3, 21]));
        assert_eq!(
            standing(&[], 100),
            Standing { all: None, shown: None, lately: None, waiting: 0, hidden: 0, stars: [0; 5] }
        );
    }

    /// What was praised a year and a half ago and is called bad since is bad: 10 fives of 540 days count as 1.25.
    #[test]
    fn what_is_new_counts_for_more() {
        let of = [counted(State::Shown, 0, 5, 10), counted(State::Shown, 540, 1, 10)];
        let found = standing(&of, 540);
        assert!((found.shown.unwrap().estimate - 3.0).abs() < 1e-12);
        let lately = found.lately.unwrap();
        assert!((lately.estimate - (1.25 * 5.0 + 10.0) / 11.25).abs() < 1e-6, "{lately:?}");
        assert!(lately.low < lately.estimate && lately.estimate < lately.high && lately.effective < 20.0);
    }

    proptest! {
        /// Against one review at a time with its weight.
        #[test]
        fn weights_are_those_of_each_review(reviews in prop::collection::vec((0i64..800, 1i64..=5), 1..30)) {
            let mut sorted = reviews.clone();
            sorted.sort_unstable();
            let of: Vec<Counted> = sorted.iter().map(|(day, stars)| counted(State::Shown, *day, *stars, 1)).collect();
            let weight = |day: i64| 0.5_f64.powf((800 - day) as f64 / HALF_LIFE_DAYS);
            let sum: f64 = sorted.iter().map(|(day, _)| weight(*day)).sum();
            let mean = sorted.iter().map(|(day, stars)| weight(*day) * *stars as f64).sum::<f64>() / sum;
            let found = standing(&of, 800).lately.unwrap();
            prop_assert!((found.estimate - mean).abs() < 1e-4, "{} {}", found.estimate, mean);
            prop_assert!(found.low >= 1.0 && found.high <= 5.0);
        }
    }
}
