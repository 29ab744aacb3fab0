//! Whom to ask, and when not: the sample, one quarantine over all surveys, a floor for each kind, and nobody who is in trouble.
//!
//! Always holds: whether somebody is of the sample is a hash of survey, wave and person, so a sample of 10 per cent stays the same tenth however often
//! the occasion comes, and a larger one contains the smaller; of several reasons not to ask the first in the order of [`Suppression`] is given.
//!
//! Does not do: read anything. What is known of somebody is handed in.

use std::collections::BTreeMap;

use rapport_domain::assignment::{PLACES, bucket};
use rapport_domain::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::survey::{Definition, Kind};

/// Why somebody is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suppression {
    /// The survey takes no answers any more.
    Closed,
    /// The person is gone.
    Gone,
    /// Their data may not be used.
    Restricted,
    /// They did not agree, or took it back.
    NoConsent,
    /// They are of those who get nothing, so that it can be said what all of it is worth.
    HeldOut,
    /// There is no address of theirs.
    Unreachable,
    /// They have an open complaint or ticket.
    Trouble,
    /// They could be asked for a review, and nothing of what they got is left to be reviewed.
    NothingLeft,
    /// They answered in this wave already, or can still answer.
    Asked,
    /// They got this survey not long ago.
    Floor,
    /// They got one of its kind not long ago.
    KindFloor,
    /// They got any survey not long ago.
    Quarantine,
    /// The occasion is too long ago to be asked about.
    Late,
}

impl Suppression {
    /// All of them, in the order in which they are given.
    pub const ALL: [Self; 13] = [
        Self::Closed,
        Self::Gone,
        Self::Restricted,
        Self::NoConsent,
        Self::HeldOut,
        Self::Unreachable,
        Self::Trouble,
        Self::NothingLeft,
        Self::Asked,
        Self::Floor,
        Self::KindFloor,
        Self::Quarantine,
        Self::Late,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Gone => "gone",
            Self::Restricted => "restricted",
            Self::NoConsent => "no_consent",
            Self::HeldOut => "held_out",
            Self::Unreachable => "unreachable",
            Self::Trouble => "trouble",
            Self::NothingLeft => "nothing_left",
            Self::Asked => "asked",
            Self::Floor => "floor",
            Self::KindFloor => "kind_floor",
            Self::Quarantine => "quarantine",
            Self::Late => "late",
        }
    }
}

/// How often people are asked in this workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Nobody gets any survey within so many days of the last one, but for those who leave.
    pub quarantine_days: u32,
    /// Nobody gets a survey of a kind within so many days of the last one of that kind.
    pub floor_days: BTreeMap<Kind, u32>,
    /// Nobody is asked who has an open complaint or ticket.
    pub spare_the_troubled: bool,
    /// An occasion can be asked about for so many days.
    pub late_days: u32,
}

impl Default for Settings {
    /// A month between any two, a quarter between two of relationship: what survey programmes recommend.
    fn default() -> Self {
        let floors = [(Kind::Relationship, 90), (Kind::Touchpoint, 30), (Kind::Research, 60), (Kind::Exit, 0)];
        Self { quarantine_days: 30, floor_days: floors.into(), spare_the_troubled: true, late_days: 14 }
    }
}

impl Settings {
    /// What is wrong with them, if anything: the field and why.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let far = 3_650;
        if self.quarantine_days > far || self.floor_days.values().any(|days| *days > far) {
            return Some(("quarantine_days", "at most 3650 days"));
        }
        if !(1..=365).contains(&self.late_days) {
            return Some(("late_days", "1 to 365 days"));
        }
        None
    }
}

/// What is known of somebody who could be asked, at the moment in which it is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// Nobody any more.
    pub is_gone: bool,
    /// Their data may not be used.
    pub is_restricted: bool,
    /// They may not be written to about this.
    pub lacks_consent: bool,
    /// They are of those who get nothing.
    pub is_held_out: bool,
    /// There is a way to reach them.
    pub is_reachable: bool,
    /// They have an open complaint or ticket.
    pub is_troubled: bool,
    /// There is nothing that they could review.
    pub has_nothing: bool,
    /// When they got any survey last.
    pub any_at: Option<Timestamp>,
    /// When they got one of this kind last.
    pub kind_at: Option<Timestamp>,
    /// When they got this one last.
    pub survey_at: Option<Timestamp>,
    /// They have an invitation to it that is open, or answered it in this wave (where it is asked once a wave).
    pub is_asked: bool,
}

/// An occasion to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// When it was.
    pub at: Timestamp,
    /// When it was to be asked about.
    pub due_at: Timestamp,
    /// Whether the survey takes answers.
    pub is_open: bool,
}

/// Whether somebody is of the sample of a wave.
pub fn is_sampled(survey: i64, wave: i64, person: PersonId, definition: &Definition) -> bool {
    // Two decimals of a per cent are the places there are.
    let places = (definition.asking.sample_percent.clamp(0.0, 100.0) * f64::from(PLACES) / 100.0).round();
    f64::from(bucket(&format!("survey/{survey}/{wave}"), person)) < places
}

/// Why somebody is not asked now, if there is a reason.
pub fn judge(
    definition: &Definition,
    settings: &Settings,
    occasion: Occasion,
    who: &Situation,
    now: Timestamp,
) -> Option<Suppression> {
    let kind = definition.asking.kind;
    let within =
        |at: Option<Timestamp>, days: u32| at.is_some_and(|at| now < at.plus(i64::from(days) * Timestamp::DAY));
    let kind_floor = settings.floor_days.get(&kind).copied().unwrap_or_default();
    let of = |suppression| match suppression {
        Suppression::Closed => !occasion.is_open,
        Suppression::Gone => who.is_gone,
        Suppression::Restricted => who.is_restricted,
        Suppression::NoConsent => who.lacks_consent,
        Suppression::HeldOut => who.is_held_out,
        Suppression::Unreachable => !who.is_reachable,
        Suppression::Trouble => settings.spare_the_troubled && who.is_troubled,
        Suppression::NothingLeft => who.has_nothing,
        Suppression::Asked => who.is_asked,
        Suppression::Floor => within(who.survey_at, definition.asking.floor_days.unwrap_or(kind_floor)),
        Suppression::KindFloor => definition.asking.floor_days.is_none() && within(who.kind_at, kind_floor),
        // Whoever leaves can be asked why only once.
        Suppression::Quarantine => kind != Kind::Exit && within(who.any_at, settings.quarantine_days),
        Suppression::Late => now >= occasion.due_at.plus(i64::from(settings.late_days) * Timestamp::DAY),
    };
    Suppression::ALL.into_iter().find(|it| of(*it))
}
