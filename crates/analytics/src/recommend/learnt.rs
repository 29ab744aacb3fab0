//! The model of the version in use, as a table has it: learnt anew from the table's own histories.

use std::fmt;

use rapport_models::Fault;
use rapport_models::recommend::{Histories, Model};

use super::plan::KeptPlan;

/// What a table learnt by the plan of a version.
#[derive(Clone)]
pub struct Learnt {
    /// Which version.
    pub version: i64,
    /// What people call its plan.
    pub name: String,
    /// Whether that is what is popular: then nothing of a person speaks for an offer.
    pub(super) is_popular: bool,
    /// The model, or why these data do not carry it; then offers are made as without any version.
    pub(super) model: Result<Model, Fault>,
}

impl Learnt {
    pub(super) fn fit(version: i64, plan: &KeptPlan, histories: Result<Histories, Fault>) -> Self {
        let model = histories.and_then(|histories| plan.plan().fit(&histories));
        let is_popular = matches!(plan, KeptPlan::Popular { .. });
        Self { version, name: plan.name(), is_popular, model }
    }

    /// Why it says nothing.
    pub fn fault(&self) -> Option<String> {
        self.model.as_ref().err().map(ToString::to_string)
    }
}

impl fmt::Debug for Learnt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "version {}: {} ({:?})", self.version, self.name, self.fault())
    }
}
