//! What is foretold, as a version keeps it.

use rapport_segments::Condition;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Label, Settings};
use crate::foretelling::{self, Foretold, Words};

/// All that a version keeps.
pub type Content = foretelling::Content<Definition>;
/// The version before.
pub type Before = foretelling::Before<Definition>;
/// A version, before anybody decided about it.
pub type Learned = foretelling::Learned<Definition>;

/// What is foretold of whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PropensityDefinition)]
pub struct Definition {
    /// What they do, or come to be.
    pub label: Label,
    /// Within so many weeks.
    pub horizon_weeks: u32,
    /// Who is asked about; null is everybody.
    #[schema(value_type = Option<Object>)]
    pub audience: Option<Condition>,
    /// Of whom nothing was heard for so many weeks, nothing is foretold.
    pub active_weeks: u32,
}

impl Definition {
    /// As staff chose it.
    pub fn of(settings: &Settings) -> Self {
        Self {
            label: settings.label.clone(),
            horizon_weeks: settings.horizon_weeks,
            audience: settings.audience.clone(),
            active_weeks: settings.active_weeks,
        }
    }

    /// What is foretold in words, after "Who": `buys in the next 4 weeks`.
    pub fn said(&self) -> String {
        let what = match &self.label {
            Label::Purchase {} => "buys".to_owned(),
            Label::Category { category } => format!("buys something of “{category}”"),
            Label::Event { event, filter: None } if event == "*" => "does anything".to_owned(),
            Label::Event { event, filter: None } => format!("does “{event}”"),
            Label::Event { event, filter: Some(filter) } => format!("does “{event}” where {}", filter.to_text()),
            Label::Condition { condition } => format!("comes to fulfil: {},", condition.to_text()),
        };
        format!("{what} in the next {} weeks", self.horizon_weeks)
    }

    /// Of whom nothing was heard for so many days, nothing is foretold.
    pub fn active_days(&self) -> i32 {
        days(self.active_weeks)
    }
}

impl Foretold for Definition {
    const WORDS: Words = Words {
        few: [("too_few_did", "did it"), ("too_few_did_not", "did not do it")],
        nothing: "What is known of people tells no better than chance who will do it.",
        all_but: "who will do it",
        spent_where: true,
    };

    fn horizon(&self) -> i32 {
        days(self.horizon_weeks)
    }

    fn is_alike(&self, other: &Self) -> bool {
        self == other
    }
}

fn days(weeks: u32) -> i32 {
    i32::try_from(weeks.saturating_mul(7)).unwrap_or(i32::MAX)
}
