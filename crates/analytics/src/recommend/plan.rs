//! A plan of a model as a version keeps it, and its name.

use rapport_models::recommend::{AlsOptions, EaseOptions, Plan, Way, Weighting};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// With more items than this EASE takes minutes and too much memory for a server that has other things to do.
const MOST_ITEMS: usize = 2_500;

/// How a model is made, as a version keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "way", rename_all = "snake_case")]
#[schema(as = RecommendationPlan)]
pub enum KeptPlan {
    /// What many had to do with.
    Popular {
        /// Whether only whether counts, not how much and how lately.
        whether: bool,
    },
    /// What is like the person's own items.
    Neighbours {
        /// How many neighbours an item keeps.
        keep: usize,
        /// `plain`, `by_person` or `tf_idf`.
        weighting: String,
        /// As above.
        whether: bool,
    },
    /// EASE.
    Ease {
        /// λ.
        penalty: f64,
        /// As above.
        whether: bool,
    },
    /// Implicit ALS.
    Als {
        /// Its settings.
        als: KeptAls,
        /// As above.
        whether: bool,
    },
    /// The mean of EASE and ALS.
    Mean {
        /// λ of EASE.
        ease_penalty: f64,
        /// The settings of ALS.
        als: KeptAls,
        /// As above.
        whether: bool,
    },
}

/// Settings of implicit ALS.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecommendationAls)]
pub struct KeptAls {
    /// Dimensions.
    pub factors: usize,
    /// α.
    pub alpha: f64,
    /// λ.
    pub penalty: f64,
    /// ν.
    pub exponent: f64,
    /// Turns of both sides.
    pub turns: usize,
    /// Steps of conjugate gradients a turn.
    pub steps: usize,
    /// Of the points at the start.
    pub seed: u64,
}

impl From<AlsOptions> for KeptAls {
    fn from(it: AlsOptions) -> Self {
        let AlsOptions { factors, alpha, penalty, exponent, turns, steps, seed } = it;
        Self { factors, alpha, penalty, exponent, turns, steps, seed }
    }
}

impl From<KeptAls> for AlsOptions {
    fn from(it: KeptAls) -> Self {
        let KeptAls { factors, alpha, penalty, exponent, turns, steps, seed } = it;
        Self { factors, alpha, penalty, exponent, turns, steps, seed }
    }
}

fn ease(penalty: f64) -> EaseOptions {
    EaseOptions { penalty, most_items: MOST_ITEMS }
}

impl KeptPlan {
    /// The plan that offers are made by where no version was chosen yet.
    pub fn usual(keep: usize) -> Self {
        Self::Neighbours { keep, weighting: "by_person".to_owned(), whether: false }
    }

    /// As the mathematics takes it.
    pub fn plan(&self) -> Plan {
        let (way, whether) = match self {
            Self::Popular { whether } => (Way::Popular, whether),
            Self::Neighbours { keep, weighting, whether } => {
                let weighting = match weighting.as_str() {
                    "plain" => Weighting::Plain,
                    "by_person" => Weighting::ByPerson,
                    _ => Weighting::TfIdf,
                };
                (Way::Neighbours { keep: *keep, weighting }, whether)
            }
            Self::Ease { penalty, whether } => (Way::Ease(ease(*penalty)), whether),
            Self::Als { als, whether } => (Way::Als((*als).into()), whether),
            Self::Mean { ease_penalty, als, whether } => (Way::Mean(ease(*ease_penalty), (*als).into()), whether),
        };
        Plan { way, whether: *whether }
    }

    /// What is kept of a plan.
    pub fn of(plan: &Plan) -> Self {
        let whether = plan.whether;
        match &plan.way {
            Way::Popular => Self::Popular { whether },
            Way::Neighbours { keep, weighting } => {
                let weighting = match weighting {
                    Weighting::Plain => "plain",
                    Weighting::ByPerson => "by_person",
                    Weighting::TfIdf => "tf_idf",
                };
                Self::Neighbours { keep: *keep, weighting: weighting.to_owned(), whether }
            }
            Way::Ease(it) => Self::Ease { penalty: it.penalty, whether },
            Way::Als(it) => Self::Als { als: (*it).into(), whether },
            Way::Mean(one, other) => Self::Mean { ease_penalty: one.penalty, als: (*other).into(), whether },
        }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        match self {
            Self::Neighbours { keep, weighting, .. } if weighting == "tf_idf" => format!("{keep} neighbours, TF-IDF"),
            Self::Neighbours { keep, whether: false, .. } => format!("{keep} neighbours, the newer counting more"),
            other => other.plan().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rapport_models::recommend::{Histories, Interaction, plans};

    use super::*;

    /// What is kept and read again is the same plan, of all that are ever tried, but for the most items of EASE.
    #[test]
    fn plans_are_kept_as_they_were() {
        let rows: Vec<Interaction> =
            (0..30).map(|at| Interaction { person: at % 7, item: at % 11, weight: 1.0 }).collect();
        let mut tried = plans(&Histories::of(&rows, 7, 11).unwrap(), 5);
        tried.push(KeptPlan::usual(50).plan());
        let mut names = std::collections::BTreeSet::new();
        for plan in tried {
            let kept = KeptPlan::of(&plan);
            let text = serde_json::to_string(&kept).unwrap();
            let read: KeptPlan = serde_json::from_str(&text).unwrap();
            assert_eq!(read.name(), kept.name(), "{text}");
            assert_eq!((KeptPlan::of(&kept.plan()), read.plan().whether), (kept.clone(), plan.whether));
            assert!(names.insert(kept.name()), "{names:?}");
        }
    }
}
