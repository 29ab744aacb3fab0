//! An index from 0 to 100 of how loyal each customer is and all are, over product quality, service experience, brand, engagement, behaviour and attitude, of what
//! people say and of what they do.
//!
//! Always holds: measures, scalings and weights are data that staff see and change; of what is not known of a person the rest takes its weight, and how much is known is
//! said; what people say and what they do stand apart as well. A version is a definition: it comes about only where that differs from the one before. Nobody is in it
//! whose data are restricted, or who refused to be understood in numbers.
//!
//! Does not do: the mathematics (`rapport_models::survey::loyalty`), finding the weights, foretelling anything, or writing scores anywhere.

mod cards;
mod definition;
mod effect;
mod learning;
mod people;
mod reading;
mod run;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scores::within;

pub use definition::{BUILT, Built, Definition, FACT, Facet, Measure, Scaling, Source, Weights};
pub use effect::{Effect, Shown, effect};
pub use learning::{Against, Before, Content, LEAST_PEOPLE, Learned, STEPS, learn, settled};
pub(crate) use people::number;
pub use people::{Past, People, Person};
pub use reading::{FacetReading, Kind, KindReading, Mean, Reading};
pub use run::{Band, Detail, FacetOf, MeasureOf, Overview, Run, Scored, WeakFacet};

/// The most measures of an index.
pub const MOST_MEASURES: usize = 30;

/// What staff choose of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = LoyaltyIndexSettings)]
pub struct Settings {
    /// What it is made of, at most 30 measures. Null: of what the workspace knows of enough people.
    pub measures: Option<Vec<Measure>>,
    /// How much each facet counts.
    pub weights: Weights,
    /// The share of the facets' weights of which something must be known of a person for an index: 0 to 1.
    pub least_known: f64,
    /// From where on somebody counts as loyal by what they say, and by what they do: 0 to 100.
    pub cut: f64,
    /// What people did is counted within so many days: 30 to 1,825.
    pub window_days: u32,
    /// After how many days it is looked whether the measures are still the right ones: 1 to 90.
    pub fit_days: u32,
    /// After how many hours people are scored anew: 1 to 168.
    pub score_hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            measures: None,
            weights: Weights::default(),
            least_known: 0.5,
            cut: 50.0,
            window_days: 365,
            fit_days: 7,
            score_hours: 24,
        }
    }
}

impl Settings {
    /// The facts that it may be made of.
    pub fn facts(&self) -> Vec<String> {
        match &self.measures {
            Some(measures) => measures.iter().filter_map(|it| it.fact().map(str::to_owned)).collect(),
            None => definition::FACTS.map(str::to_owned).to_vec(),
        }
    }

    /// The same as a version was made by, so that the next one is not another again.
    #[must_use]
    pub fn following(&self, content: &Content) -> Self {
        let made = &content.definition;
        Self {
            measures: (!content.is_proposed).then(|| made.measures.clone()),
            weights: made.weights,
            least_known: made.least_known,
            cut: made.cut,
            window_days: made.window_days,
            ..*self
        }
    }

    /// What is wrong with them: the field, and what is expected.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if let Some(measures) = &self.measures {
            within((1..=MOST_MEASURES).contains(&measures.len()), "measures", "1 to 30 measures, or null")?;
            for (at, it) in measures.iter().enumerate() {
                within(it.is_known(), "measures", "each of something that is known, or of fact: with a key")?;
                within(measures[..at].iter().all(|other| other.of != it.of), "measures", "each thing once")?;
                within(it.scaling.is_sound(), "measures", "a best that is not the worst, or half above 0")?;
                within((0.0..=100.0).contains(&it.weight), "measures", "weights from 0 to 100")?;
            }
            let counts = |it: &Measure| it.weight > 0.0 && self.weights.of(it.facet) > 0.0;
            within(measures.iter().any(counts), "measures", "at least one with a weight, of a facet with a weight")?;
        }
        let weights = self.weights.all();
        within(weights.iter().all(|it| (0.0..=100.0).contains(it)), "weights", "0 to 100 each")?;
        within(weights.iter().any(|it| *it > 0.0), "weights", "at least one above 0")?;
        within((0.0..=1.0).contains(&self.least_known), "least_known", "0 to 1: 0.5 is half of the weights")?;
        within((0.0..=100.0).contains(&self.cut), "cut", "0 to 100")?;
        within((30..=1_825).contains(&self.window_days), "window_days", "30 to 1,825 days")?;
        within((1..=90).contains(&self.fit_days), "fit_days", "1 to 90 days")?;
        within((1..=168).contains(&self.score_hours), "score_hours", "1 to 168 hours")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_out_of_their_bounds_are_refused_by_field() {
        assert_eq!(Settings::default().check(), Ok(()));
        let stars = json!({"of": "stars", "facet": "product_quality", "source": "said", "scaling": {"between": {"worst": 1, "best": 5}}, "weight": 1});
        let with = |field: &str, value: serde_json::Value| {
            let mut one = stars.clone();
            one[field] = value;
            json!({"measures": [one]})
        };
        for (json, field) in [
            (json!({"measures": []}), "measures"),
            (json!({"measures": [stars, stars]}), "measures"),
            (with("of", json!("mood")), "measures"),
            (with("of", json!("fact:")), "measures"),
            (with("weight", json!(-1)), "measures"),
            (with("weight", json!(0)), "measures"),
            (with("scaling", json!({"between": {"worst": 5, "best": 5}})), "measures"),
            (with("scaling", json!({"half": 0})), "measures"),
            (json!({"measures": [stars], "weights": {"product_quality": 0}}), "measures"),
            (json!({"weights": {"brand": 101}}), "weights"),
            (
                json!({"weights": {"product_quality": 0, "service_experience": 0, "brand": 0, "engagement": 0, "behaviour": 0, "attitude": 0}}),
                "weights",
            ),
            (json!({"least_known": 1.1}), "least_known"),
            (json!({"cut": -1}), "cut"),
            (json!({"window_days": 29}), "window_days"),
            (json!({"fit_days": 0}), "fit_days"),
            (json!({"score_hours": 169}), "score_hours"),
        ] {
            let settings: Settings = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(settings.check().unwrap_err().0, field, "{json}");
        }
        let whole: Settings = serde_json::from_value(json!({"measures": [stars]})).unwrap();
        assert_eq!(whole.check(), Ok(()));
        for wrong in [json!({"measure": []}), with("facet", json!("taste")), with("scaling", json!({"log": 2}))] {
            assert!(serde_json::from_value::<Settings>(wrong).is_err());
        }
    }
}
