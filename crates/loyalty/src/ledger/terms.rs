//! What an operation fixed beside its postings: until when a hold holds, and of each lot when its points were earned, can be spent and lapse. It is kept with
//! the operation as it was then, so that its checksum can still be compared after a lot got another end.

use rapport_domain::Timestamp;

use super::{Lot, LotId};

/// How many values a lot's terms have.
const WIDTH: usize = 5;

/// What an operation fixed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Of a hold: when the points come back by themselves.
    pub until: Option<Timestamp>,
    /// Of each lot that it made or gave another end.
    pub lots: Vec<LotTerms>,
}

/// What holds for a lot from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotTerms {
    /// Which lot.
    pub lot: LotId,
    /// When its points were earned.
    pub earned_at: Timestamp,
    /// From when they can be spent.
    pub active_from: Timestamp,
    /// From when they cannot be spent any more.
    pub expires_at: Option<Timestamp>,
    /// The lot that they came from.
    pub origin: Option<LotId>,
}

impl LotTerms {
    /// Those that a lot has.
    pub const fn of(lot: &Lot) -> Self {
        Self {
            lot: lot.id,
            earned_at: lot.earned_at,
            active_from: lot.active_from,
            expires_at: lot.expires_at,
            origin: lot.origin,
        }
    }
}

impl Terms {
    /// In one text: the hold's end, then the values of each lot, a space between two and `-` where there is none; nothing where nothing was fixed.
    pub fn text(&self) -> String {
        if self.until.is_none() && self.lots.is_empty() {
            return String::new();
        }
        let mut values = vec![self.until.map(|at| at.0)];
        for LotTerms { lot, earned_at, active_from, expires_at, origin } in &self.lots {
            values.extend([Some(lot.0), Some(earned_at.0), Some(active_from.0)]);
            values.extend([expires_at.map(|at| at.0), origin.map(|lot| lot.0)]);
        }
        let words: Vec<String> =
            values.into_iter().map(|value| value.map_or_else(|| "-".to_owned(), |value| value.to_string())).collect();
        words.join(" ")
    }

    /// Reads [`Terms::text`].
    pub fn read(text: &str) -> Option<Self> {
        let value = |word: &str| match word {
            "-" => Some(None),
            number => number.parse::<i64>().ok().map(Some),
        };
        let words = text.split(' ').filter(|word| !word.is_empty());
        let values: Vec<Option<i64>> = words.map(value).collect::<Option<_>>()?;
        let Some((until, lots)) = values.split_first() else { return Some(Self::default()) };
        let lots = lots.chunks(WIDTH).map(lot_of).collect::<Option<_>>()?;
        Some(Self { until: until.map(Timestamp), lots })
    }
}

fn lot_of(values: &[Option<i64>]) -> Option<LotTerms> {
    let &[lot, earned_at, active_from, expires_at, origin] = values else { return None };
    Some(LotTerms {
        lot: LotId(lot?),
        earned_at: Timestamp(earned_at?),
        active_from: Timestamp(active_from?),
        expires_at: expires_at.map(Timestamp),
        origin: origin.map(LotId),
    })
}
