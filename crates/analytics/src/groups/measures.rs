//! What people are measured by, and how a measure becomes a place.
//!
//! Always holds: the same person and scales give the same place, so a version needs no persons to say who is in which group. A share of few things says little: it is drawn
//! towards what is usual by as much as one order, or two lines, would.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::By;
use super::people::{People, Person};

/// A person is no farther from the mean in one measure than so many deviations: one absurd value makes no group.
const FARTHEST: f64 = 3.0;
/// Shares that fewer than this part of all people have any of say nothing of most.
const ANY: f64 = 0.02;
/// Weighs as so many orders: what is usual of deductions and returns.
const USUAL_ORDERS: f64 = 1.0;
/// Weighs as so many lines: what is usual of categories.
const USUAL_LINES: f64 = 2.0;
/// Begins the key of a category.
const CATEGORY: &str = "category:";

/// A measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure<'a> {
    /// Days since the last purchase.
    Recency,
    /// Purchases within the window.
    Purchases,
    /// The mean amount of one.
    Average,
    /// The share of orders with something taken off.
    Reduced,
    /// The share of orders of which something went back.
    Returned,
    /// The share of lines of a category.
    Category(&'a str),
    /// What was spent within the window.
    Spent,
    /// Days between purchases.
    Cycle,
    /// Days since the first purchase ever.
    Tenure,
}

impl<'a> Measure<'a> {
    pub(crate) fn parse(key: &'a str) -> Option<Self> {
        Some(match key {
            "recency" => Self::Recency,
            "purchases" => Self::Purchases,
            "average" => Self::Average,
            "reduced" => Self::Reduced,
            "returned" => Self::Returned,
            "spent" => Self::Spent,
            "cycle" => Self::Cycle,
            "tenure" => Self::Tenure,
            key => Self::Category(key.strip_prefix(CATEGORY)?),
        })
    }

    pub(crate) fn key(self) -> String {
        match self {
            Self::Recency => "recency".to_owned(),
            Self::Purchases => "purchases".to_owned(),
            Self::Average => "average".to_owned(),
            Self::Reduced => "reduced".to_owned(),
            Self::Returned => "returned".to_owned(),
            Self::Spent => "spent".to_owned(),
            Self::Cycle => "cycle".to_owned(),
            Self::Tenure => "tenure".to_owned(),
            Self::Category(name) => format!("{CATEGORY}{name}"),
        }
    }

    /// Whether it is a share.
    pub(crate) const fn is_share(self) -> bool {
        matches!(self, Self::Reduced | Self::Returned | Self::Category(_))
    }

    /// What somebody has of it, as it is told to people; `None` where nobody knows.
    pub(crate) fn of(self, it: &Person, people: &Names<'_>) -> Option<f64> {
        let share = |all: u32, of: u32| (all > 0).then(|| f64::from(of) / f64::from(all));
        Some(match self {
            Self::Recency => f64::from((people.end - 1 - it.last).max(0)),
            Self::Purchases => f64::from(it.purchases),
            Self::Average => return (it.priced > 0).then(|| it.spent / f64::from(it.priced)),
            Self::Reduced => return share(it.reduced.0, it.reduced.1),
            Self::Returned => return share(it.orders.0, it.orders.1),
            Self::Category(name) => return share(it.lines, people.lines(it, name)),
            Self::Spent => it.spent,
            Self::Cycle => return it.cycle,
            Self::Tenure => f64::from((people.end - 1 - it.first).max(0)),
        })
    }

    /// The same as it places somebody, where `usual` is what is usual.
    fn placed(self, it: &Person, people: &Names<'_>, usual: f64) -> f64 {
        let drawn = |all: u32, of: u32, weight: f64| (f64::from(of) + weight * usual) / (f64::from(all) + weight);
        match self {
            Self::Reduced => drawn(it.reduced.0, it.reduced.1, USUAL_ORDERS),
            Self::Returned => drawn(it.orders.0, it.orders.1, USUAL_ORDERS),
            Self::Category(name) => drawn(it.lines, people.lines(it, name), USUAL_LINES),
            // Amounts and counts spread by factors.
            other => other.of(it, people).unwrap_or(usual).max(0.0).ln_1p(),
        }
    }
}

/// The names of what people bought of, by which their lines are found.
pub(crate) struct Names<'a> {
    places: HashMap<&'a str, u32>,
    end: i32,
}

impl<'a> Names<'a> {
    pub(crate) fn of(people: &'a People) -> Self {
        Self { places: people.categories.iter().map(String::as_str).zip(0..).collect(), end: people.end }
    }

    fn lines(&self, it: &Person, category: &str) -> u32 {
        let Some(place) = self.places.get(category) else { return 0 };
        it.categories.iter().find(|own| own.0 == *place).map_or(0, |own| own.1)
    }
}

/// How a measure becomes a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Which measure.
    pub key: String,
    /// What is usual of it.
    pub usual: f64,
    /// The mean of all, as they are placed.
    pub mean: f64,
    /// Their deviation.
    pub deviation: f64,
    /// How much it weighs: as much as all measures of its kind together weigh as those of another kind.
    pub weight: f64,
}

/// Where somebody is.
pub(crate) fn place(it: &Person, names: &Names<'_>, scales: &[Scale]) -> Vec<f64> {
    let along = |scale: &Scale| {
        let value = Measure::parse(&scale.key).map_or(scale.mean, |measure| measure.placed(it, names, scale.usual));
        scale.weight * ((value - scale.mean) / scale.deviation).clamp(-FARTHEST, FARTHEST)
    };
    scales.iter().map(along).collect()
}

/// By what people are placed; measures in which they hardly differ are none.
pub(crate) fn scales(people: &People, rows: &[&Person], by: By) -> Vec<Scale> {
    let names = Names::of(people);
    let basics = vec![Measure::Recency, Measure::Purchases, Measure::Average];
    let manner = vec![Measure::Reduced, Measure::Returned];
    let tastes: Vec<Measure<'_>> = people.categories.iter().map(|it| Measure::Category(it)).collect();
    let kinds = match by {
        By::Best | By::Everything => vec![basics, manner, tastes],
        By::Habits => vec![basics, manner],
        By::Basics => vec![basics],
        By::Tastes => vec![tastes],
    };
    let mut found = Vec::new();
    for kind in kinds {
        let mut own: Vec<Scale> = kind.into_iter().filter_map(|it| scale(it, rows, &names)).collect();
        let weight = 1.0 / (own.len() as f64).sqrt().max(1.0);
        own.iter_mut().for_each(|it| it.weight = weight);
        found.extend(own);
    }
    found
}

fn scale(measure: Measure<'_>, rows: &[&Person], names: &Names<'_>) -> Option<Scale> {
    let n = rows.len() as f64;
    let usual = if measure.is_share() {
        let known: Vec<f64> = rows.iter().filter_map(|it| measure.of(it, names)).collect();
        let any = known.iter().filter(|it| **it > 0.0).count() as f64;
        if any < ANY * n || known.len() as f64 - known.iter().filter(|it| **it >= 1.0).count() as f64 <= ANY * n {
            return None;
        }
        known.iter().sum::<f64>() / known.len() as f64
    } else {
        let mut known: Vec<f64> = rows.iter().filter_map(|it| measure.of(it, names)).collect();
        known.sort_by(f64::total_cmp);
        *known.get(known.len() / 2)?
    };
    let placed: Vec<f64> = rows.iter().map(|it| measure.placed(it, names, usual)).collect();
    let mean = placed.iter().sum::<f64>() / n;
    let deviation = (placed.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n).sqrt();
    let differs = deviation > 1e-6 * (1.0 + mean.abs());
    differs.then(|| Scale { key: measure.key(), usual, mean, deviation, weight: 1.0 })
}

#[cfg(test)]
mod tests {
    use rapport_domain::PersonId;

    use super::*;

    fn people() -> People {
        let row = |person, last, purchases, spent, shoes, lines| Person {
            first: 50,
            last,
            purchases,
            priced: purchases,
            spent,
            orders: (purchases, 0),
            lines,
            categories: vec![(0, shoes)],
            ..Person::new(PersonId(person))
        };
        let rows = vec![row(1, 99, 4, 80.0, 8, 8), row(2, 80, 1, 20.0, 0, 2), row(3, 90, 1, 5.0, 1, 2)];
        People { rows, categories: vec!["Shoes".into()], end: 101, ..People::default() }
    }

    #[test]
    fn what_is_told_is_as_it_was_and_what_places_is_drawn_to_the_usual() {
        let people = people();
        let names = Names::of(&people);
        let of = |key: &str, at: usize| Measure::parse(key).unwrap().of(&people.rows[at], &names);
        assert_eq!((of("recency", 0), of("recency", 1)), (Some(1.0), Some(20.0)));
        assert_eq!((of("average", 0), of("cycle", 0), of("tenure", 0)), (Some(20.0), None, Some(50.0)));
        assert_eq!((of("category:Shoes", 0), of("category:Shoes", 2)), (Some(1.0), Some(0.5)));
        assert_eq!((of("category:Hats", 0), of("reduced", 0), of("returned", 0)), (Some(0.0), None, Some(0.0)));
        assert_eq!(Measure::parse("mood"), None);
        let shoes = Measure::Category("Shoes");
        // (8 + 2 × 0.4) / (8 + 2), and without lines what is usual.
        assert!((shoes.placed(&people.rows[0], &names, 0.4) - 0.88).abs() < 1e-12);
        assert!((shoes.placed(&Person::new(PersonId(9)), &names, 0.4) - 0.4).abs() < 1e-12);
        for key in
            ["recency", "purchases", "average", "reduced", "returned", "spent", "cycle", "tenure", "category:A:B"]
        {
            assert_eq!(Measure::parse(key).unwrap().key(), key);
        }
    }

    #[test]
    fn measures_in_which_nobody_differs_are_none_and_each_kind_weighs_the_same() {
        let people = people();
        let rows: Vec<&Person> = people.rows.iter().collect();
        let found = scales(&people, &rows, By::Everything);
        let keys: Vec<&str> = found.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(keys, ["recency", "purchases", "average", "category:Shoes"]);
        let basics: f64 = found[..3].iter().map(|it| it.weight.powi(2)).sum();
        assert!((basics - 1.0).abs() < 1e-12 && (found[3].weight - 1.0).abs() < 1e-12);
        // Of all who were measured the places have mean 0 and deviation 1, as far as nobody is far away.
        let places: Vec<f64> = rows.iter().map(|it| place(it, &Names::of(&people), &found)[3]).collect();
        assert!(places.iter().sum::<f64>().abs() < 1e-9);
        assert!((places.iter().map(|it| it * it).sum::<f64>() / 3.0 - 1.0).abs() < 1e-9);
        let absurd = Person { spent: 1e12, priced: 1, ..people.rows[0].clone() };
        assert!(place(&absurd, &Names::of(&people), &found)[2] <= 3.0 / 3.0_f64.sqrt() + 1e-9);
    }
}
