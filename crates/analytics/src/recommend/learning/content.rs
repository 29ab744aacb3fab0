//! What a version of recommendations keeps: its plan, what it was chosen beside, and how good it was.

use rapport_domain::Timestamp;
use rapport_models::Fault;
use rapport_models::recommend::{Choice, Evaluation, Judged, Means, Split};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::plan::KeptPlan;
use super::{Before, above, evaluated};
use crate::scores::Sure;
use crate::scores::judged::{Hold, PEOPLE};

/// So much less nDCG matters.
const MATTERS: f64 = 0.005;
/// People with so many items at most have little history.
const LITTLE: usize = 3;

/// A version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// How its model is made.
    pub plan: KeptPlan,
    /// What was tried, the best first.
    pub tried: Vec<Tried>,
    /// How good it was on the weeks that the choice has not seen.
    pub metrics: Metrics,
    /// Beside the version before.
    pub against: Option<Against>,
    /// What it was learnt from.
    pub seen: Seen,
}

/// A plan that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecommendationTried)]
pub struct Tried {
    /// What people call it.
    pub name: String,
    /// `popular`, `neighbours`, `ease`, `als` or `mean`.
    pub way: String,
    /// nDCG over both windows that plans are tried on.
    pub ndcg: Option<f64>,
    /// By how much the best is above it, over the same people; null for the best.
    pub behind: Option<Sure>,
    /// Why it could not be tried.
    pub fault: Option<String>,
    /// Whether it is the one that is used.
    pub is_best: bool,
}

impl Tried {
    /// All of a choice, the best first.
    pub(super) fn all(choice: &Choice) -> Vec<Self> {
        let one = |(at, it): (usize, &rapport_models::recommend::Tried)| {
            let kept = KeptPlan::of(&it.plan);
            let way = match kept {
                KeptPlan::Popular { .. } => "popular",
                KeptPlan::Neighbours { .. } => "neighbours",
                KeptPlan::Ease { .. } => "ease",
                KeptPlan::Als { .. } => "als",
                KeptPlan::Mean { .. } => "mean",
            };
            Self {
                name: kept.name(),
                way: way.to_owned(),
                ndcg: it.ndcg.as_ref().ok().copied(),
                behind: it.behind.map(Sure::from),
                fault: it.ndcg.as_ref().err().map(ToString::to_string),
                is_best: at == choice.best,
            }
        };
        let mut all: Vec<Self> = choice.tried.iter().enumerate().map(one).collect();
        // What could not be tried comes last; of equals the one that was tried first.
        all.sort_by(|a, b| b.ndcg.unwrap_or(-1.0).total_cmp(&a.ndcg.unwrap_or(-1.0)).then(b.is_best.cmp(&a.is_best)));
        all
    }
}

/// What a version was learnt from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecommendationSeen)]
pub struct Seen {
    /// From when, in microseconds since 1970.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// People who had to do with any product.
    pub people: u64,
    /// Products.
    pub items: u64,
    /// Orders.
    pub orders: u64,
    /// People whose data may not be used.
    pub restricted: u64,
}

/// Measures of the first ten offers, over people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecommendationFigures)]
pub struct Figures {
    /// How many people.
    pub people: u64,
    /// How well what they then took was ranked: 1 is first of all, 0 is not among the offers.
    pub ndcg: Sure,
    /// Which part of what they took was among the offers.
    pub recall: Sure,
    /// Which part of the offers they took.
    pub precision: Sure,
    /// For which part of the people at least one offer was taken.
    pub hit_rate: Sure,
    /// The mean of one divided by the place of the first that was taken.
    pub mrr: Sure,
}

impl Figures {
    fn of(it: &Means) -> Self {
        Self {
            people: it.persons as u64,
            ndcg: it.ndcg.into(),
            recall: it.recall.into(),
            precision: it.precision.into(),
            hit_rate: it.hit_rate.into(),
            mrr: it.mrr.into(),
        }
    }
}

/// Of some of the people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecommendationPart)]
pub struct Group {
    /// How many.
    pub people: u64,
    /// nDCG of their offers.
    pub ndcg: Sure,
    /// For which part of them at least one offer was taken.
    pub hit_rate: Sure,
}

/// How good it was on the weeks that the choice has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecommendationMetrics)]
pub struct Metrics {
    /// From when, in microseconds since 1970.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// Offers that were judged of each person.
    pub k: u64,
    /// Of people who were known before.
    pub chosen: Figures,
    /// The same people, had they been offered what is popular.
    pub popular: Figures,
    /// By how much nDCG is above that of what is popular.
    pub above_popular: Sure,
    /// The share of products that were offered to anybody.
    pub coverage: f64,
    /// The same of what is popular.
    pub coverage_popular: f64,
    /// How rare offers are: bits.
    pub novelty: Option<Sure>,
    /// How unlike each other the offers of a person are: 0 to 1.
    pub diversity: Option<Sure>,
    /// People with three items or fewer; null where there are hardly any.
    pub little: Option<Group>,
    /// People of whom nothing was known: they are offered what is popular.
    pub unknown: Option<Group>,
    /// Things that were taken, and nobody had had anything to do with before: no model can offer them.
    pub unreachable: u64,
}

impl Metrics {
    pub(super) fn of(
        judged: &Evaluation,
        popular: &Evaluation,
        split: &Split,
        (from, until): (Timestamp, Timestamp),
        seed: u64,
    ) -> Result<Self, Fault> {
        let known = |it: &Judged| it.known > 0;
        let means = judged.means_of(known, seed)?;
        let part = |is_in: &dyn Fn(&Judged) -> bool| {
            let it = judged.means_of(is_in, seed).ok()?;
            Some(Group { people: it.persons as u64, ndcg: it.ndcg.into(), hit_rate: it.hit_rate.into() })
        };
        Ok(Self {
            from: from.0,
            until: until.0,
            k: judged.k as u64,
            chosen: Figures::of(&means),
            popular: Figures::of(&popular.means_of(known, seed)?),
            above_popular: above(judged, popular, seed)?,
            coverage: judged.coverage,
            coverage_popular: popular.coverage,
            novelty: means.novelty.map(Sure::from),
            diversity: means.diversity.map(Sure::from),
            little: part(&|it| (1..=LITTLE).contains(&it.known)),
            unknown: part(&|it| it.known == 0),
            unreachable: split.unreachable as u64,
        })
    }
}

/// How a version did beside the one before, on the same people and weeks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecommendationAgainst)]
pub struct Against {
    /// The version before.
    pub version: i64,
    /// What its plan is called.
    pub name: String,
    /// By how much nDCG is above that of the plan before, both learnt from the same: below zero it did worse.
    pub difference: Sure,
    /// How many people the one before was learnt from.
    pub people_before: u64,
    /// How many this one was.
    pub people: u64,
    /// How many products the one before knew.
    pub items_before: u64,
    /// How many this one does.
    pub items: u64,
}

impl Against {
    /// `None` where the plan before cannot be fitted any more.
    pub(super) fn of(before: &Before, judged: &Evaluation, seen: &Seen, split: &Split, seed: u64) -> Option<Self> {
        let other = evaluated(&before.content.plan, split).ok()?;
        Some(Self {
            version: before.version,
            name: before.content.plan.name(),
            difference: above(judged, &other, seed).ok()?,
            people_before: before.content.seen.people,
            people: seen.people,
            items_before: before.content.seen.items,
            items: seen.items,
        })
    }

    /// Why the new version is to be held; none is a good sign.
    pub fn holds(&self) -> Vec<Hold> {
        let mut holds = Vec::new();
        let mut hold = |code: &str, before: f64, now: f64, text: String| {
            holds.push(Hold { code: code.to_owned(), before, now, text });
        };
        if self.difference.high < 0.0 && self.difference.value < -MATTERS {
            let text = format!(
                "It ranked what people took in the weeks held out worse than version {} would have: nDCG lower by {:.3}, and chance does not explain that.",
                self.version, -self.difference.value
            );
            hold("offers_worse", 0.0, self.difference.value, text);
        }
        let missing = |now: u64, before: u64| (now as f64) < PEOPLE * before as f64;
        if missing(self.people, self.people_before) {
            let text = format!(
                "It was learnt from {} people, version {} from {}: some seem to be missing.",
                self.people, self.version, self.people_before
            );
            hold("people_missing", self.people_before as f64, self.people as f64, text);
        }
        if missing(self.items, self.items_before) {
            let text = format!(
                "It knows {} products, version {} knew {}: some seem to be missing.",
                self.items, self.version, self.items_before
            );
            hold("items_missing", self.items_before as f64, self.items as f64, text);
        }
        holds
    }
}
