//! Groups of customers: who buys like whom, learnt from what everybody bought, how often, when last, how dear, with which deductions, what of it went back, and of
//! which categories; and what sets each group apart.
//!
//! Always holds: groups are told only where they come again in samples drawn again, are parted, are no smaller than staff allow, and are more than what is found where
//! there are none; otherwise there is a [`Verdict`](crate::scores::Verdict) that says which of it fails. A version holds no persons: whoever is like a group is found by
//! measuring them anew. A group keeps its number from version to version while it is mostly the same people.
//!
//! Does not do: the mathematics (`rapport_models::groups`), or writing anywhere whose group is which.

mod cards;
mod content;
mod described;
mod learning;
mod measures;
mod numbers;
mod people;
mod placing;
mod tried;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scores::within;

pub use content::{Against, Content, Figure, Group, Tell, Trait, Tried};
pub use learning::{Before, Learned, STEPS, learn};
pub use measures::Scale;
pub use people::{Habits, People, Person};
pub use placing::{Detail, Overview, Placed, Run, Size};

/// With fewer people no groups are looked for.
pub const LEAST_PEOPLE: usize = 150;

/// By what people are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GroupsBy)]
pub enum By {
    /// The first of the others, in this order, that gives groups.
    #[default]
    Best,
    /// How they buy and what: all that is known.
    Everything,
    /// How they buy: how lately, how often, how dear, with how many deductions and returns.
    Habits,
    /// How lately, how often and how dear alone.
    Basics,
    /// Which categories they buy of.
    Tastes,
}

impl By {
    /// What is tried, the richest first.
    pub const TRIED: [Self; 4] = [Self::Everything, Self::Habits, Self::Basics, Self::Tastes];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Everything => "everything",
            Self::Habits => "habits",
            Self::Basics => "basics",
            Self::Tastes => "tastes",
        }
    }

    /// In words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Best => "what gives groups first",
            Self::Everything => "how they buy and what",
            Self::Habits => "how they buy",
            Self::Basics => "how lately, how often and how dear they buy",
            Self::Tastes => "what they buy",
        }
    }
}

/// What staff choose of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = GroupSettings)]
pub struct Settings {
    /// By what people are grouped: `best` unless said.
    pub by: By,
    /// How many groups: 2 to 12; the number that comes again and is parted best, of 2 to 8, unless said.
    pub groups: Option<u32>,
    /// A smaller group than this is not told: 20 to 100,000 people.
    pub least_people: u32,
    /// Purchases of so many days are looked at: 90 to 1,825. Whoever bought nothing in them is in no group.
    pub window_days: u32,
    /// After how many days groups are looked for anew: 1 to 90.
    pub fit_days: u32,
    /// After how many hours people are put into the groups anew: 1 to 168.
    pub place_hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { by: By::Best, groups: None, least_people: 30, window_days: 730, fit_days: 28, place_hours: 24 }
    }
}

impl Settings {
    /// What is wrong with them: the field, and what is expected.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        within(self.groups.is_none_or(|it| (2..=12).contains(&it)), "groups", "2 to 12 groups, or null")?;
        within((20..=100_000).contains(&self.least_people), "least_people", "20 to 100,000 people")?;
        within((90..=1_825).contains(&self.window_days), "window_days", "90 to 1,825 days")?;
        within((1..=90).contains(&self.fit_days), "fit_days", "1 to 90 days")?;
        within((1..=168).contains(&self.place_hours), "place_hours", "1 to 168 hours")
    }

    /// What is tried.
    pub(crate) fn tried(&self) -> Vec<By> {
        if self.by == By::Best { By::TRIED.to_vec() } else { vec![self.by] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_their_bounds_are_refused_by_field() {
        assert_eq!(Settings::default().check(), Ok(()));
        let wrong = |json: serde_json::Value| {
            let settings: Settings = serde_json::from_value(json).unwrap();
            settings.check().unwrap_err().0
        };
        assert_eq!(wrong(serde_json::json!({"groups": 1})), "groups");
        assert_eq!(wrong(serde_json::json!({"groups": 13})), "groups");
        assert_eq!(wrong(serde_json::json!({"least_people": 19})), "least_people");
        assert_eq!(wrong(serde_json::json!({"window_days": 89})), "window_days");
        assert_eq!(wrong(serde_json::json!({"fit_days": 0})), "fit_days");
        assert_eq!(wrong(serde_json::json!({"place_hours": 169})), "place_hours");
        assert!(serde_json::from_value::<Settings>(serde_json::json!({"by": "stars"})).is_err());
        assert_eq!(Settings { by: By::Tastes, ..Settings::default() }.tried(), [By::Tastes]);
        assert_eq!(Settings::default().tried(), By::TRIED);
    }
}
