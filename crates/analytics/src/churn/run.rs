//! Everybody scored by a version: the risk, its level, in which interval it is, and why.
//!
//! Always holds: risks are above 0 and below 1; whoever is lost already has 1, by definition, and no reasons but that.

use rapport_domain::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::triggers::{self, Happenings};
use super::when::When;
use super::{Content, Costs, Definition, Levels, Reason, Rows, Settings};
use crate::foretelling::{Chances, Foretold as _, Told};
use crate::value::Bought;

/// Whoever is lost already.
pub(super) const LOST: &str = "lost";

/// The rest of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnDetail)]
pub struct Detail {
    /// The probability that they buy nothing within the horizon, or that their subscription ends within it; 1 where they are lost already.
    pub risk: f64,
    /// `high`, `medium`, `low`, or `lost`.
    pub level: String,
    /// How many weeks ahead it looks.
    pub horizon_weeks: u32,
    /// Days since the last purchase.
    pub days_since: u32,
    /// Days with purchases.
    pub purchases: Option<u32>,
    /// Why.
    pub because: Vec<Reason>,
    /// What happened to them lately that comes before a loss more than it should, by the keys of triggers.
    #[serde(default)]
    pub triggers: Vec<String>,
}

/// What is said of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Who.
    pub person: PersonId,
    /// The risk, and where it is with 95 %: as it turned out for people of about this risk.
    pub risk: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// 10 for the tenth most at risk, 0 of whoever is lost already.
    pub tenth: u8,
    /// The feature that raises it most; empty where none does.
    pub cause: String,
    /// The rest.
    pub detail: Detail,
    /// The words by which they are found: the keys of their triggers, and whether hardly anybody still buys again who has waited so long.
    pub marks: Vec<String>,
}

/// Everybody scored by a version.
#[derive(Debug)]
pub struct Run {
    pub(super) chances: Chances<Definition>,
    pub(super) costs: Costs,
    pub(super) levels: Levels,
    /// What happened to each of those who still buy, by places of triggers.
    pub(super) triggers: Vec<Vec<usize>>,
    /// When people buy again; nothing where a loss is the end of a subscription.
    pub(super) when: Option<When>,
    /// Who of those who still buy, and then of those who are lost, has waited so long that hardly anybody still buys again, or soon will have.
    lapses: Vec<Option<&'static str>>,
}

impl Run {
    /// Scores whoever still buys by rows of the present, with what happened to them, beside what everybody bought until then; `None` where what was kept of the version is not whole.
    pub fn new(
        content: Content,
        rows: Rows,
        (happenings, bought): (&Happenings, &Bought),
        settings: &Settings,
    ) -> Option<Self> {
        let costs = settings.costs(content.worth);
        let levels = costs.levels(content.base());
        let triggers = triggers::present(&content, &rows, happenings);
        let end = rows.days.last().copied().unwrap_or(content.end);
        let people: Vec<PersonId> =
            rows.rows.iter().map(|it| it.person).chain(rows.lost.iter().map(|it| it.0)).collect();
        let is_by_orders = content.definition.contract.is_none();
        let mut when = is_by_orders.then(|| When::of(bought, (end, content.definition.horizon())));
        let lapses = when.as_mut().map_or_else(|| vec![None; people.len()], |it| it.marks(bought, &people, end));
        Some(Self { chances: Chances::new(content, rows)?, costs, levels, triggers, when, lapses })
    }

    /// How many people it speaks of.
    pub fn people(&self) -> usize {
        self.chances.rows.rows.len() + self.chances.rows.lost.len()
    }

    /// Some of them.
    pub fn some(&self, from: usize, many: usize) -> Vec<Scored> {
        let (end, still) = ((from + many).min(self.people()), self.chances.rows.rows.len());
        (from..end).map(|at| if at < still { self.one(at) } else { self.lost(at - still) }).collect()
    }

    fn horizon_weeks(&self) -> u32 {
        self.chances.content.definition.horizon_weeks.unsigned_abs()
    }

    fn one(&self, at: usize) -> Scored {
        let (known, told) = (&self.chances.rows.rows[at].known, self.chances.told(at));
        let Told { person, chance: risk, low, high, tenth, cause, because } = told;
        let days = |it: f64| if it >= 0.0 { it as u32 } else { 0 };
        let detail = Detail {
            risk,
            level: self.levels.of(risk).to_owned(),
            horizon_weeks: self.horizon_weeks(),
            days_since: known.since.unwrap_or(0).unsigned_abs(),
            purchases: Some(days(known.values[2])),
            because,
            triggers: self.triggers[at].iter().filter_map(|it| self.key(*it)).collect(),
        };
        let marks = detail.triggers.iter().cloned().chain(self.lapse(at)).collect();
        Scored { person, risk, low, high, tenth, cause: cause.to_owned(), detail, marks }
    }

    /// The mark of somebody, by their place among all, who has waited so long that hardly anybody still buys again, or soon will have.
    fn lapse(&self, at: usize) -> Option<String> {
        self.lapses[at].map(str::to_owned)
    }

    /// The key of a trigger by its place.
    fn key(&self, at: usize) -> Option<String> {
        self.chances.content.triggers.as_ref()?.found.get(at).map(|it| it.key.clone())
    }

    fn lost(&self, at: usize) -> Scored {
        let (person, since) = self.chances.rows.lost[at];
        let detail = Detail {
            risk: 1.0,
            level: LOST.to_owned(),
            horizon_weeks: self.horizon_weeks(),
            days_since: since.unsigned_abs(),
            purchases: None,
            because: Vec::new(),
            triggers: Vec::new(),
        };
        let marks = self.lapse(self.chances.rows.rows.len() + at).into_iter().collect();
        Scored { person, risk: 1.0, low: 1.0, high: 1.0, tenth: 0, cause: String::new(), detail, marks }
    }
}
