//! Rows to learn from and to score: what was known of everybody at several days.
//!
//! Always holds: a row of a day of the past knows only what had been heard of before it; also the model of buying, of which one feature is what it says, was fitted to
//! what was known then. People whose data may not be used are no rows.

use std::collections::BTreeSet;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_models::buying::{Buying, Histories, History, Likelihood, MbgNbd};

use super::deeds::{Deed, Heard, Own};
use super::features::{ALIVE, Known};
use crate::analytics::{Analytics, Context};
use crate::error::Result;

/// The days that are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// The first days that are not known, ascending.
    pub days: Vec<i32>,
    /// Whether of the last of them all is known that was ever heard of: the present.
    pub is_present: bool,
    /// Who has not bought for so many days is no row.
    pub active: i32,
    /// Whoever did anything counts like whoever bought, and is a row though they never did.
    pub anybody: bool,
    /// About so many rows are made at most: of more people some are taken, always the same.
    pub most: usize,
}

impl Looks {
    /// Whether a place is that of the present.
    pub(crate) fn is_now(&self, look: usize) -> bool {
        self.is_present && look + 1 == self.days.len()
    }

    /// The first day of which it was not heard yet at the day of a place.
    pub(crate) fn heard(&self, look: usize) -> i32 {
        if self.is_now(look) { i32::MAX } else { self.days[look] }
    }
}

/// Of whom it is wanted what was known, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What each source told when.
    pub heard: &'a Heard,
    /// What is looked for beside what is always known.
    pub own: Option<&'a Own>,
    /// Of whom nothing may be learnt or said.
    pub without: &'a BTreeSet<PersonId>,
    /// On which days.
    pub looks: &'a Looks,
    /// How many people there are at most.
    pub people: usize,
    /// The parameters of the model of buying; it is fitted where there are none.
    pub kept: Option<&'a [f64]>,
}

/// What was known of somebody on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Who.
    pub person: PersonId,
    /// The place of the day.
    pub look: usize,
    /// What.
    pub known: Known,
}

/// All of them, by person and day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The days.
    pub days: Vec<i32>,
    /// The rows of whoever was still active.
    pub rows: Vec<Row>,
    /// Whoever had not been active for too long on the last day: who, and days since.
    pub lost: Vec<(PersonId, i32)>,
    /// The parameters of the model of buying of each day, where it could be fitted.
    pub buying: Vec<Option<Vec<f64>>>,
    /// How many deeds were read.
    pub deeds: u64,
    /// How many of them were heard of on a later day.
    pub late: u64,
    histories: Vec<Vec<History>>,
}

impl Rows {
    /// None yet.
    pub fn new(looks: &Looks) -> Self {
        Self { days: looks.days.clone(), histories: vec![Vec::new(); looks.days.len()], ..Self::default() }
    }

    /// Adds what somebody did, in the order of days.
    pub fn add(&mut self, person: PersonId, deeds: &[Deed], looks: &Looks) {
        self.deeds += deeds.len() as u64;
        self.late += deeds.iter().filter(|it| it.heard > it.day).count() as u64;
        let last = looks.days.len().saturating_sub(1);
        for (look, day) in looks.days.iter().enumerate() {
            let Some(known) = Known::at(deeds, *day, looks.heard(look)) else { continue };
            self.histories[look].extend(known.history);
            let since = if looks.anybody { Some(known.seen) } else { known.since };
            let Some(since) = since else { continue };
            if since <= looks.active {
                self.rows.push(Row { person, look, known });
            } else if look == last {
                self.lost.push((person, since));
            }
        }
    }

    /// The parameters of the model of buying of a day.
    pub(super) fn buying_on(&self, day: i32) -> Option<Vec<f64>> {
        let look = self.days.iter().position(|it| *it == day)?;
        self.buying.get(look).cloned().flatten()
    }

    /// Fits the model of buying to what was known on each day, and says by it who is still there. With `kept` these parameters speak of all days.
    pub fn settle(&mut self, kept: Option<&[f64]>) {
        self.buying = match kept {
            Some(kept) => vec![Some(kept.to_vec()); self.days.len()],
            None => self.histories.iter().map(|it| fitted(it)).collect(),
        };
        self.histories.clear();
        let models: Vec<Option<MbgNbd>> = self.buying.iter().map(|it| it.as_deref().and_then(model)).collect();
        for row in &mut self.rows {
            let model = models[row.look].as_ref().zip(row.known.history.as_ref());
            let alive = model.map_or(f64::NAN, |(model, history)| model.alive(history));
            row.known.values[ALIVE] = if (0.0..=1.0).contains(&alive) { alive } else { f64::NAN };
        }
    }
}

fn fitted(histories: &[History]) -> Option<Vec<f64>> {
    let histories = Histories::new(histories).ok()?;
    let parameters = MbgNbd::fit(&histories).ok()?.model.parameters();
    model(&parameters).map(|_| parameters)
}

fn model(parameters: &[f64]) -> Option<MbgNbd> {
    let sound = parameters.len() == 4 && parameters.iter().all(|it| it.is_finite() && *it > 0.0);
    sound.then(|| MbgNbd::with(parameters))
}

/// Which people are taken where there are too many: about one of `every`, always the same ones.
fn is_taken(person: PersonId, every: u64) -> bool {
    let mixed = person.0.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    mixed.is_multiple_of(every)
}

impl Analytics {
    /// What was known of everybody. `also` is given what each of them did, in the order of days.
    ///
    /// # Errors
    /// The lake's, and where what is foretold cannot be looked for.
    pub async fn known_rows(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        wanted: &Wanted<'_>,
        mut also: impl FnMut(PersonId, &[Deed]),
    ) -> Result<Rows> {
        let Wanted { heard, own, without, looks, people, kept } = *wanted;
        let every = (people.saturating_mul(looks.days.len()) / looks.most.max(1) + 1) as u64;
        let until: Timestamp = context.complete_until();
        let mut rows = Rows::new(looks);
        for range in self.ranges(workspace).await? {
            let mut did = self.deeds(workspace, context, (heard, own), range, until).await?;
            self.said(workspace, context, (heard, until), range, &mut did).await?;
            for (person, deeds) in did {
                if !without.contains(&person) && is_taken(person, every) {
                    rows.add(person, &deeds, looks);
                    also(person, &deeds);
                }
            }
        }
        rows.settle(kept);
        Ok(rows)
    }
}
