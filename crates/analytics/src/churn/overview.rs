//! The figures of the page: who is at risk, why, what acting costs and brings, what goes with a risk.
//!
//! Always holds: the figures are sums over the same scores that people get, and name the column of scores by which their people are found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::run::{LOST, Run};
use super::triggers::{Told, Triggers};
use super::when::When;
use super::{Associated, Band, Cause, Definition, Level, Warned};
use crate::foretelling::{self, Reached};
use crate::scores::Sure;
use crate::scores::card::Said;
use crate::value::date_of;

/// What acting from a risk on would have come to where the version was judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnCosted)]
pub struct Costed {
    /// Whom it would have reached.
    #[serde(flatten)]
    pub reached: Reached,
    /// What it would have brought, less what it would have cost, for a thousand customers, if as many are kept as hoped; null where nobody said what acting costs.
    pub gain: Option<f64>,
}

/// The figures of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnOverview)]
pub struct Overview {
    /// The day that they are of.
    pub as_of: String,
    /// The workspace's currency.
    pub currency: String,
    /// What lost means.
    pub definition: Definition,
    /// How many people still buy, or have a subscription.
    pub people: u64,
    /// How many of them are expected to be lost within the horizon: as sure as it was where the version was judged.
    pub expected: Sure,
    /// How many are lost already; 0 with a contract.
    pub lost: u64,
    /// The share that was lost where the version was judged.
    pub base: f64,
    /// What a lost customer costs.
    pub loss: f64,
    /// Whether that was proposed by the data.
    pub loss_is_proposed: bool,
    /// What acting on one costs; null where nobody said so, and levels go by how many are usually lost.
    pub action: Option<f64>,
    /// The part of those who would be lost that acting is hoped to keep.
    pub keeps: f64,
    /// The risk from which on the level is high: where acting pays, or, where its costs are not said, with twice the usual odds; null where acting never pays.
    pub threshold: Option<f64>,
    /// The risk from which on it is medium.
    #[serde(default)]
    pub medium: f64,
    /// People by level.
    pub levels: Vec<Level>,
    /// People by risk.
    pub bands: Vec<Band>,
    /// What was said where the version was judged, beside what came.
    pub reliability: Vec<Said>,
    /// Why.
    pub causes: Vec<Cause>,
    /// What acting costs and brings.
    pub costs: Vec<Costed>,
    /// What goes with a risk.
    pub associated: Vec<Associated>,
    /// What is to be looked at.
    pub warnings: Vec<Warned>,
    /// What comes before a loss more than it should; null of a version that did not look for it.
    #[serde(default)]
    pub triggers: Option<Triggers>,
    /// The same with who has it now.
    #[serde(default)]
    pub triggers_now: Vec<Told>,
    /// When people buy again; null of a run that did not look at it, and with a contract.
    #[serde(default)]
    pub when: Option<When>,
}

impl Run {
    /// The figures of the page.
    pub fn overview(&self, settings: &super::Settings, currency: &str) -> Overview {
        let (chances, content) = (&self.chances, &self.chances.content);
        Overview {
            as_of: date_of(chances.rows.days.last().copied().unwrap_or(content.end) - 1),
            currency: currency.to_owned(),
            definition: content.definition.clone(),
            people: chances.all().len() as u64,
            expected: chances.expected(),
            lost: chances.rows.lost.len() as u64,
            base: content.base(),
            loss: self.costs.loss,
            loss_is_proposed: settings.loss.is_none(),
            action: self.costs.action,
            keeps: self.costs.keeps,
            threshold: self.levels.high,
            medium: self.levels.medium,
            levels: self.by_level(),
            bands: chances.bands(),
            reliability: content.metrics.calibration.clone(),
            causes: chances.causes(),
            costs: self.costed(),
            associated: chances.associated(),
            warnings: content.warnings.clone(),
            triggers: content.triggers.clone(),
            triggers_now: self.triggers_now(),
            when: self.when.clone(),
        }
    }

    fn triggers_now(&self) -> Vec<Told> {
        let Some(triggers) = &self.chances.content.triggers else { return Vec::new() };
        let now = |at: usize| self.triggers.iter().filter(|it| it.contains(&at)).count() as u64;
        let all = triggers.found.iter().enumerate();
        all.map(|(at, it)| Told::of(it, now(at), triggers.window_days)).collect()
    }

    fn by_level(&self) -> Vec<Level> {
        let mut levels = self.chances.by_level(&self.levels);
        let lost = self.chances.rows.lost.len();
        levels.push(Level { level: LOST.to_owned(), people: lost as u64, expected: lost as f64 });
        levels
    }

    fn costed(&self) -> Vec<Costed> {
        let base = self.chances.content.base();
        let gain = |it: &Reached| {
            let action = self.costs.action?;
            Some(1_000.0 * (it.found * base * self.costs.keeps * self.costs.loss - it.acted * action))
        };
        let all = foretelling::reached(&self.chances.content.bins);
        all.into_iter().map(|reached| Costed { gain: gain(&reached), reached }).collect()
    }
}
