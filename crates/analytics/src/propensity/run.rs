//! Everybody who is asked about scored by a version: the chance, its level, in which interval it is, and why.
//!
//! Always holds: whoever is not asked about, or fulfils the condition already, is not scored.

use rapport_domain::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Content, Definition, Truth};
use crate::foretelling::{Chances, Levels, Reason, Rows, Told};

/// The rest of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PropensityDetail)]
pub struct Detail {
    /// The probability that they do it within the horizon.
    pub chance: f64,
    /// `high`, `medium` or `low`, beside how many do it usually.
    pub level: String,
    /// How many weeks ahead it looks.
    pub horizon_weeks: u32,
    /// Why.
    pub because: Vec<Reason>,
}

/// What is said of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Who.
    pub person: PersonId,
    /// The chance, and where it is with 95 %: as it turned out for people of about this chance.
    pub chance: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// 10 for the tenth with the highest.
    pub tenth: u8,
    /// The feature that raises it most; empty where none does.
    pub cause: String,
    /// The rest.
    pub detail: Detail,
}

/// Of whom nothing is foretold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// They fulfil the condition already.
    pub(super) already: u64,
    /// They are not of those asked about.
    pub(super) others: u64,
    /// Nothing was heard of them for too long.
    pub(super) idle: u64,
}

/// Everybody scored by a version.
#[derive(Debug)]
pub struct Run {
    pub(super) chances: Chances<Definition>,
    pub(super) levels: Levels,
    pub(super) left: Left,
}

impl Run {
    /// Scores whoever is asked about by rows of the present; `None` where what was kept of the version is not whole.
    pub fn new(content: Content, mut rows: Rows, truth: &Truth) -> Option<Self> {
        let now = rows.days.last().copied().unwrap_or(content.end);
        let mut left = Left { idle: rows.lost.len() as u64, ..Left::default() };
        rows.rows.retain(|row| {
            let (is_asked, is_so) = (truth.is_asked(row.person, now), truth.is_so(row.person, now));
            left.others += u64::from(!is_asked);
            left.already += u64::from(is_asked && is_so);
            is_asked && !is_so
        });
        let levels = Levels::beside(content.base());
        Some(Self { chances: Chances::new(content, rows)?, levels, left })
    }

    /// How many people it speaks of.
    pub fn people(&self) -> usize {
        self.chances.rows.rows.len()
    }

    /// Some of them.
    pub fn some(&self, from: usize, many: usize) -> Vec<Scored> {
        (from..(from + many).min(self.people())).map(|at| self.one(at)).collect()
    }

    fn one(&self, at: usize) -> Scored {
        let Told { person, chance, low, high, tenth, cause, because } = self.chances.told(at);
        let detail = Detail {
            chance,
            level: self.levels.of(chance).to_owned(),
            horizon_weeks: self.chances.content.definition.horizon_weeks,
            because,
        };
        Scored { person, chance, low, high, tenth, cause: cause.to_owned(), detail }
    }
}
