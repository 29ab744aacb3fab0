//! Who will do something: of everybody who is asked about, the probability that they do it within a horizon: buy again, buy of a category, do any event, or come to
//! fulfil any condition.
//!
//! Always holds: what is foretold is data; whoever fulfils a condition already is not asked whether they will come to; an order that was called off or went back whole
//! is no purchase.
//!
//! Does not do: how it is learnt ([`foretelling`](crate::foretelling)), writing scores anywhere, or saying what would make anybody do it: reasons are associations.

mod cards;
mod definition;
mod learning;
mod overview;
mod own;
mod run;
mod truth;

use rapport_segments::{Condition, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scores::within;

pub use definition::{Before, Content, Definition, Learned};
pub use learning::{came, learn, looks};
pub use overview::Overview;
pub use run::{Detail, Run, Scored};
pub use truth::{Spans, Truth, spans};

/// The most of a workspace.
pub const MOST: usize = 20;
/// The longest name, in letters.
pub const NAME: usize = 60;
/// The longest name of a category or an event.
const LONGEST: usize = 200;

/// What people do, or come to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = PropensityLabel)]
pub enum Label {
    /// They buy.
    Purchase {},
    /// They buy something of a category.
    Category {
        /// Which, as orders name it.
        category: String,
    },
    /// They do something, for the first time or again.
    Event {
        /// The event's name, or `*` for any.
        event: String,
        /// What the event itself must pass: `property` tests and their combinations.
        #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>)]
        filter: Option<Condition>,
    },
    /// They come to fulfil a condition that they do not fulfil yet. Whoever does already is not asked about.
    Condition {
        /// Which.
        #[schema(value_type = Object)]
        condition: Condition,
    },
}

/// What staff choose of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PropensitySettings)]
pub struct Settings {
    /// What it is called: 1 to 60 letters.
    pub name: String,
    /// What is foretold.
    pub label: Label,
    /// Within so many weeks: 1 to 52.
    #[serde(default = "Settings::usual_horizon")]
    pub horizon_weeks: u32,
    /// Who is asked about; null is everybody.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub audience: Option<Condition>,
    /// Of whom nothing was heard for so many weeks, nothing is foretold: 1 to 156.
    #[serde(default = "Settings::usual_active")]
    pub active_weeks: u32,
    /// After how many days it is fitted anew: 1 to 90.
    #[serde(default = "Settings::usual_fit")]
    pub fit_days: u32,
    /// After how many hours people are scored anew: 1 to 168.
    #[serde(default = "Settings::usual_score")]
    pub score_hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "Next purchase".to_owned(),
            label: Label::Purchase {},
            horizon_weeks: Self::usual_horizon(),
            audience: None,
            active_weeks: Self::usual_active(),
            fit_days: Self::usual_fit(),
            score_hours: Self::usual_score(),
        }
    }
}

impl Settings {
    const fn usual_horizon() -> u32 {
        4
    }

    const fn usual_active() -> u32 {
        52
    }

    const fn usual_fit() -> u32 {
        7
    }

    const fn usual_score() -> u32 {
        24
    }

    /// What is wrong with them: the field, and what is expected.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let letters = self.name.trim().chars().count();
        within((1..=NAME).contains(&letters), "name", "1 to 60 letters")?;
        let named = |it: &str| !it.trim().is_empty() && it.len() <= LONGEST;
        match &self.label {
            Label::Purchase {} => {}
            Label::Category { category } => {
                within(named(category), "label.category", "the name of a category, up to 200 letters")?;
            }
            Label::Event { event, filter } => {
                within(named(event), "label.event", "the name of an event, up to 200 letters")?;
                let fits = filter.as_ref().is_none_or(|it| it.validate(Scope::Event).is_ok());
                within(fits, "label.where", "tests of the event's properties only")?;
            }
            Label::Condition { condition } => {
                within(is_of_people(condition), "label.condition", "a condition of people")?;
            }
        }
        within(self.audience.as_ref().is_none_or(is_of_people), "audience", "a condition of people, or null")?;
        within((1..=52).contains(&self.horizon_weeks), "horizon_weeks", "1 to 52 weeks")?;
        within((1..=156).contains(&self.active_weeks), "active_weeks", "1 to 156 weeks")?;
        within((1..=90).contains(&self.fit_days), "fit_days", "1 to 90 days")?;
        within((1..=168).contains(&self.score_hours), "score_hours", "1 to 168 hours")
    }

    /// The conditions of people in it: what they come to fulfil, and who is asked about.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.label.condition().into_iter().chain(&self.audience)
    }
}

fn is_of_people(condition: &Condition) -> bool {
    condition.validate(Scope::Person).is_ok()
}

impl Label {
    /// The condition that people come to fulfil.
    pub const fn condition(&self) -> Option<&Condition> {
        match self {
            Self::Condition { condition } => Some(condition),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_out_of_their_bounds_are_refused_by_field() {
        let of = |more: serde_json::Value| {
            let mut all = json!({"name": "Again", "label": {"kind": "purchase"}});
            more.as_object().unwrap().iter().for_each(|(key, value)| all[key] = value.clone());
            serde_json::from_value::<Settings>(all)
        };
        let plain = of(json!({})).unwrap();
        assert_eq!((plain.check(), plain.horizon_weeks, plain.active_weeks), (Ok(()), 4, 52));
        let property = json!({"property": {"path": "size", "op": "equals", "value": "XL"}});
        let fact = json!({"fact": {"key": "trait.plan", "op": "equals", "value": "pro"}});
        for (json, field) in [
            (json!({"name": " "}), "name"),
            (json!({"name": "x".repeat(61)}), "name"),
            (json!({"label": {"kind": "category", "category": ""}}), "label.category"),
            (json!({"label": {"kind": "event", "event": " "}}), "label.event"),
            (json!({"label": {"kind": "event", "event": "Clicked", "where": fact}}), "label.where"),
            (json!({"label": {"kind": "condition", "condition": property}}), "label.condition"),
            (json!({"audience": property}), "audience"),
            (json!({"horizon_weeks": 0}), "horizon_weeks"),
            (json!({"horizon_weeks": 53}), "horizon_weeks"),
            (json!({"active_weeks": 157}), "active_weeks"),
            (json!({"fit_days": 0}), "fit_days"),
            (json!({"score_hours": 169}), "score_hours"),
        ] {
            assert_eq!(of(json.clone()).unwrap().check().unwrap_err().0, field, "{json}");
        }
        for json in [
            json!({"label": {"kind": "luck"}}),
            json!({"label": {"kind": "purchase", "sql": "x"}}),
            json!({"label": {"kind": "event"}}),
            json!({"loss": 3}),
            json!({"label": {"kind": "condition", "condition": {"sql": "x"}}}),
        ] {
            assert!(of(json.clone()).is_err(), "{json}");
        }
        let label = Label::Condition { condition: serde_json::from_value(fact.clone()).unwrap() };
        let whole = Settings { label, audience: Some(serde_json::from_value(fact).unwrap()), ..plain };
        assert_eq!((whole.check(), whole.conditions().count()), (Ok(()), 2));
        let again: Settings = serde_json::from_value(serde_json::to_value(&whole).unwrap()).unwrap();
        assert_eq!(again, whole);
    }
}
