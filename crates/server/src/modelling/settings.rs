//! What staff choose of a model, by its kind.

use rapport_analytics::scores::records::models::ModelRow;
use rapport_analytics::scores::{CHURN, LOYALTY_INDEX, PROPENSITY};
use rapport_analytics::{churn, foretelling, loyalty_index, propensity, value};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The settings of a model.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ModelSettings)]
pub enum Settings {
    /// Of what customers are worth.
    Value(value::Settings),
    /// Of who will be lost.
    Churn(churn::Settings),
    /// Of who will do something.
    Propensity(Box<propensity::Settings>),
    /// Of how loyal customers are.
    LoyaltyIndex(loyalty_index::Settings),
}

impl Settings {
    /// Those of a model; what cannot be read any more is as usual.
    pub fn of(row: &ModelRow) -> Self {
        Self::read(&row.kind, row.settings.clone()).unwrap_or_else(|_| match row.kind.as_str() {
            CHURN => Self::Churn(churn::Settings::default()),
            PROPENSITY => Self::Propensity(Box::default()),
            LOYALTY_INDEX => Self::LoyaltyIndex(loyalty_index::Settings::default()),
            _ => Self::Value(value::Settings::default()),
        })
    }

    /// Those of a kind of model, as somebody sent them.
    ///
    /// # Errors
    /// They are none of this kind.
    pub fn read(kind: &str, json: Value) -> serde_json::Result<Self> {
        match kind {
            CHURN => serde_json::from_value(json).map(Self::Churn),
            PROPENSITY => serde_json::from_value(json).map(Self::Propensity),
            LOYALTY_INDEX => serde_json::from_value(json).map(Self::LoyaltyIndex),
            _ => serde_json::from_value(json).map(Self::Value),
        }
    }

    /// What is wrong with them: the field, and what is expected.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        match self {
            Self::Value(it) => it.check(),
            Self::Churn(it) => it.check(),
            Self::Propensity(it) => it.check(),
            Self::LoyaltyIndex(it) => it.check(),
        }
    }

    /// Into how many steps its learning is divided.
    pub fn steps(&self) -> usize {
        match self {
            Self::Value(_) => value::STEPS,
            Self::Churn(_) | Self::Propensity(_) => foretelling::STEPS,
            Self::LoyaltyIndex(_) => loyalty_index::STEPS,
        }
    }

    /// The facts that are told by it.
    pub fn facts(&self, model: &str) -> Vec<String> {
        match self {
            Self::Value(_) => super::FACTS.into_iter().chain([super::NEXT]).map(str::to_owned).collect(),
            Self::Churn(_) => super::CHURN_FACTS.map(str::to_owned).to_vec(),
            // A propensity is called as its fact is.
            Self::Propensity(_) => vec![model.to_owned()],
            Self::LoyaltyIndex(_) => super::LOYALTY_INDEX_FACTS.map(str::to_owned).to_vec(),
        }
    }

    /// After how many days it is fitted anew.
    pub fn fit_days(&self) -> u32 {
        match self {
            Self::Value(it) => it.fit_days,
            Self::Churn(it) => it.fit_days,
            Self::Propensity(it) => it.fit_days,
            Self::LoyaltyIndex(it) => it.fit_days,
        }
    }

    /// After how many hours people are scored anew.
    pub fn score_hours(&self) -> u32 {
        match self {
            Self::Value(it) => it.score_hours,
            Self::Churn(it) => it.score_hours,
            Self::Propensity(it) => it.score_hours,
            Self::LoyaltyIndex(it) => it.score_hours,
        }
    }

    /// Whether staff chose something by which a version with this content was not made, so that a new one is due although nothing else happened.
    pub fn is_changed(&self, content: &Value) -> bool {
        match self {
            Self::LoyaltyIndex(it) => super::loyalty_index::is_changed(it, content),
            Self::Value(_) | Self::Churn(_) | Self::Propensity(_) => false,
        }
    }
}
