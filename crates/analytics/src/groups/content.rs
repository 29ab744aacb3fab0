//! What a version of the groups is: how people are placed, where the groups lie, what sets each apart, what was tried, and how it stands beside the one before.
//!
//! Always holds: nothing here is of one person: figures are of groups no smaller than staff allow.

use rapport_models::groups::KMeans;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::By;
use super::measures::Scale;
use crate::scores::Sure;
use crate::scores::judged::{Hold, PEOPLE};

/// With fewer of the people staying in their groups, whatever uses them would mean something else.
const STAYING: f64 = 0.5;

/// The place of a group among those of a version, and how far its middle is.
pub(crate) type Near = (usize, f64);

/// A version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// By what people were grouped.
    pub by: By,
    /// How they are placed.
    pub scales: Vec<Scale>,
    /// Where the middle of each group lies.
    pub centres: Vec<Vec<f64>>,
    /// What each is.
    pub groups: Vec<Group>,
    /// What was tried, in that order.
    pub tried: Vec<Tried>,
    /// How well the groups are parted.
    pub silhouette: f64,
    /// How well clouds without groups are at the most.
    pub by_chance: f64,
    /// The two measures in which the groups differ most.
    pub axes: [String; 2],
    /// How many people it was learnt from.
    pub people: u64,
    /// The first day of the window.
    pub from: i32,
    /// The first day after it.
    pub end: i32,
    /// The highest number that a group ever had.
    pub last_number: u32,
    /// Beside the version before.
    pub against: Option<Against>,
}

impl Content {
    /// The place among the groups of whoever lies here, how near they are to its middle, and the next nearest with how near that is.
    pub(crate) fn nearest(&self, row: &[f64]) -> Option<(Near, Option<Near>)> {
        let distance = |centre: &Vec<f64>| row.iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        let mut found: Vec<(usize, f64)> = self.centres.iter().map(distance).enumerate().collect();
        found.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        Some((*found.first()?, found.get(1).copied()))
    }

    /// Of a fit.
    pub(crate) fn centres_of(fit: &KMeans) -> Vec<Vec<f64>> {
        fit.centres.clone()
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CustomerGroupFigures)]
pub struct Group {
    /// Its number, which it keeps while it is mostly the same people.
    pub number: u32,
    /// How many people.
    pub people: u64,
    /// Of all.
    pub share: f64,
    /// What each spent within the window on average.
    pub spent: Sure,
    /// The share of what all spent.
    pub revenue_share: f64,
    /// How well it comes again in samples drawn again: 1 is always, from 0.75 on it is one that comes again.
    pub stability: f64,
    /// What sets it apart, the clearest first.
    pub traits: Vec<Trait>,
    /// What its people are like, beside all.
    pub figures: Vec<Figure>,
}

/// What sets a group apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CustomerGroupTrait)]
pub struct Trait {
    /// `recency`, `purchases`, `average`, `spent`, `cycle`, `tenure`, `reduced`, `returned`, `once`, `category:` with a name, `market:` or `source:`.
    pub key: String,
    /// The mean of the group, or its share.
    pub value: f64,
    /// That of all.
    pub overall: f64,
    /// 100 times the one by the other.
    pub over_index: Option<f64>,
    /// By how many deviations the group's mean is above the others'; null of what somebody is or is not.
    pub effect: Option<f64>,
    /// The share of chance findings among all that differ as clearly; null of what the group was made by, which differs because it was.
    pub q: Option<f64>,
    /// One sentence.
    pub text: String,
}

/// A figure of a group, beside all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CustomerGroupFigure)]
pub struct Figure {
    /// Which measure.
    pub key: String,
    /// Whoever is in the middle of the group; of shares the mean.
    pub value: f64,
    /// A quarter of the group is below.
    pub low: f64,
    /// A quarter is above.
    pub high: f64,
    /// Whoever is in the middle of all; of shares the mean.
    pub overall: f64,
}

/// A number of groups that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = GroupsTried)]
pub struct Tried {
    /// By what: `everything`, `habits`, `basics` or `tastes`.
    pub by: By,
    /// How many groups.
    pub groups: u32,
    /// How well they are parted: from −1 to 1, above 0.25 at all.
    pub silhouette: f64,
    /// How well the least stable group comes again.
    pub stability: f64,
    /// The smallest group.
    pub smallest: u64,
    /// How well clouds without groups are parted at the most; null where it was not looked.
    pub by_chance: Option<f64>,
    /// Why it is not used: `not_parted`, `not_stable`, `too_small`, `by_chance`; null where it could be.
    pub fault: Option<Tell>,
    /// Whether it is used.
    pub is_used: bool,
}

/// Why a number of groups is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GroupsFault)]
pub enum Tell {
    /// The groups run into each other.
    NotParted,
    /// Other samples have other groups.
    NotStable,
    /// A group is smaller than staff allow.
    TooSmall,
    /// As much is found where there are none.
    ByChance,
}

/// How a version stands beside the one before: today's people by both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = GroupsAgainst)]
pub struct Against {
    /// The version before.
    pub version: i64,
    /// How far both agree beyond chance: 1 fully, 0 as by chance (adjusted Rand index).
    pub agreement: f64,
    /// The share of people who stay in the group of their number.
    pub staying: f64,
    /// The numbers of groups that go on.
    pub kept: Vec<u32>,
    /// Those of new ones.
    pub new: Vec<u32>,
    /// Those of groups that are no more.
    pub gone: Vec<u32>,
    /// How many people the one before was learnt from.
    pub people_before: u64,
    /// How many the new one was.
    pub people: u64,
}

impl Against {
    /// Why the new version is to be held; none is a good sign.
    pub fn holds(&self) -> Vec<Hold> {
        let mut holds = Vec::new();
        let mut hold = |code: &str, before: f64, now: f64, text: String| {
            holds.push(Hold { code: code.to_owned(), before, now, text });
        };
        if (self.people as f64) < PEOPLE * self.people_before as f64 {
            let text = format!(
                "It was learnt from {} people, version {} from {}: some seem to be missing.",
                self.people, self.version, self.people_before
            );
            hold("people_missing", self.people_before as f64, self.people as f64, text);
        }
        if self.staying < STAYING {
            let text = format!(
                "Only {:.0} % of the people would stay in their group of version {}: segments and journeys that use the groups would mean others.",
                100.0 * self.staying,
                self.version
            );
            hold("people_move", 1.0, self.staying, text);
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_moves_most_people_or_misses_some_waits() {
        let against = Against {
            version: 2,
            agreement: 0.4,
            staying: 0.5,
            kept: vec![1],
            new: vec![3],
            gone: vec![2],
            people_before: 1_000,
            people: 800,
        };
        let codes = |it: &Against| it.holds().into_iter().map(|it| it.code).collect::<Vec<_>>();
        assert_eq!(codes(&against), Vec::<String>::new());
        assert_eq!(codes(&Against { staying: 0.49, ..against.clone() }), ["people_move"]);
        assert_eq!(codes(&Against { people: 799, ..against }), ["people_missing"]);
    }
}
