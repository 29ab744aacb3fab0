//! What becomes of the codes that a friend used: one function from what happened and what was decided to how each referral stands.
//!
//! Always holds: the order in which things were told does not matter; the first valid code has the friend, by the one total order; what was given stays given unless there is a reason against the referral itself.
//!
//! Does not: give. A course in state [`State::Rewarded`] says that it is earned; whether the budget still has room is counted by whoever gives.

use std::collections::BTreeMap;

use rapport_domain::{Calendar, Timestamp};

use super::reason::{Reason, State};
use super::referral::{Level, Referral};
use super::signals::Signal;
use crate::dates::Pending;
use crate::ledger::{MemberId, Standing};

/// A place in the one total order: when, the order key, the event.
pub type Place = (Timestamp, i64, [u8; 16]);

/// A code that a friend used; the same code may be told by several events.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// The referral.
    pub id: &'a str,
    /// When it was used.
    pub place: Place,
    /// Whose code it is, and what it stood for then.
    pub code: Code<'a>,
    /// What was found out and decided.
    pub known: Known<'a>,
}

/// A code.
#[derive(Clone, Copy, Debug)]
pub enum Code<'a> {
    /// There is none.
    Unknown,
    /// Somebody's.
    Of {
        /// Whose, as of now.
        referrer: Referrer,
        /// From when on it does not count.
        voided_at: Option<Timestamp>,
        /// The programme as of when the code was used.
        terms: Terms<'a>,
    },
}

/// Whoever brought a friend.
#[derive(Clone, Copy, Debug)]
pub struct Referrer {
    /// Their number.
    pub member: MemberId,
    /// What they may do.
    pub standing: Standing,
    /// Whether it is known who they are.
    pub is_known: bool,
    /// Whether they are the friend themselves.
    pub is_friend: bool,
    /// Since when they are suspended.
    pub suspended_at: Option<Timestamp>,
}

/// A programme at an instant.
#[derive(Clone, Copy, Debug)]
pub enum Terms<'a> {
    /// It was not begun.
    NotStarted,
    /// It was paused.
    Paused,
    /// It was over.
    Ended,
    /// It held.
    Live(&'a Referral),
}

/// What was found out and decided of a referral.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// What somebody of the staff said.
    pub decision: Decision,
    /// Signs of fraud.
    pub signals: &'a [Signal],
    /// Why it was not given when it was earned.
    pub closed: Option<Reason>,
    /// Whether it is given, and was not taken back.
    pub is_given: bool,
}

/// What somebody of the staff said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    #[default]
    None,
    /// Signs of fraud do not count.
    Approved,
    /// It is refused.
    Refused,
}

/// Something that a friend did that may count for a programme.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// When.
    pub at: Timestamp,
    /// Its name: of two at the same instant the lower one comes first.
    pub occasion: &'a str,
    /// For which programme.
    pub referral: &'a str,
    /// Whether its condition held.
    pub holds: bool,
    /// What it came to, in millionths of the programme's currency; nothing of what has no amount or no rate.
    pub amount: Option<i64>,
    /// What was kept of it.
    pub kept: Kept,
}

/// What was kept of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing went back.
    All,
    /// This much of so much.
    Part(i64, i64),
    /// Nothing: it was cancelled, or all of it went back.
    Nothing,
}

/// A friend, and what they did.
#[derive(Clone, Debug, Default)]
pub struct Friend<'a> {
    /// Codes that they used.
    pub claims: Vec<Claim<'a>>,
    /// What they did.
    pub acts: Vec<Act<'a>>,
    /// Their first order that was not cancelled.
    pub first_order_at: Option<Timestamp>,
    /// When they were first seen.
    pub first_seen_at: Option<Timestamp>,
}

/// How a referral stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Which.
    pub id: String,
    /// When the code was first used.
    pub joined_at: Timestamp,
    /// How it stands; [`State::Rewarded`] is earned, whether or not it was given yet.
    pub state: State,
    /// Why. While it is [`State::Joined`]: why what the friend did so far does not count.
    pub reason: Option<Reason>,
    /// When the friend did what counts.
    pub qualified_at: Option<Timestamp>,
    /// When time alone changes it.
    pub due_at: Option<Timestamp>,
    /// Whether the friend came by this code, so that no later one counts.
    pub is_bound: bool,
}

/// How each of a friend's referrals stands, in the order in which their codes were used.
pub fn courses(friend: &Friend<'_>, calendar: &Calendar, now: Timestamp) -> Vec<Course> {
    let mut first: BTreeMap<&str, &Claim<'_>> = BTreeMap::new();
    for claim in &friend.claims {
        let known = first.entry(claim.id).or_insert(claim);
        if claim.place < known.place {
            *known = claim;
        }
    }
    let mut claims: Vec<&Claim<'_>> = first.into_values().collect();
    claims.sort_by_key(|claim| (claim.place, claim.id));
    let mut taken: Option<MemberId> = None;
    let course = |claim| {
        let look = Look { friend, claim, calendar, now };
        match look.code() {
            Err(reason) => look.ends(State::Refused, reason),
            Ok((referrer, _)) if taken.is_some() => {
                let is_same = taken == Some(referrer.member);
                look.ends(State::Refused, if is_same { Reason::ToldBefore } else { Reason::AlreadyReferred })
            }
            Ok((referrer, terms)) => {
                taken = Some(referrer.member);
                Course { is_bound: true, ..look.at(referrer, terms) }
            }
        }
    };
    claims.into_iter().map(course).collect()
}

/// One referral that is looked at.
struct Look<'a> {
    friend: &'a Friend<'a>,
    claim: &'a Claim<'a>,
    calendar: &'a Calendar,
    now: Timestamp,
}

impl Look<'_> {
    fn joined_at(&self) -> Timestamp {
        self.claim.place.0
    }

    fn ends(&self, state: State, reason: Reason) -> Course {
        self.course(state, Some(reason), None, None)
    }

    fn course(
        &self,
        state: State,
        reason: Option<Reason>,
        qualified_at: Option<Timestamp>,
        due_at: Option<Timestamp>,
    ) -> Course {
        let (id, joined_at) = (self.claim.id.to_owned(), self.joined_at());
        Course { id, joined_at, state, reason, qualified_at, due_at, is_bound: false }
    }

    /// Whose code it is and what it stood for; or why it does not count, so that the friend may still come by another.
    fn code(&self) -> Result<(Referrer, &Referral), Reason> {
        let Code::Of { referrer, voided_at, terms } = self.claim.code else { return Err(Reason::CodeUnknown) };
        let (at, is_given) = (self.joined_at(), self.claim.known.is_given);
        if voided_at.is_some_and(|voided| voided <= at) && !is_given {
            return Err(Reason::CodeVoid);
        }
        let terms = match terms {
            Terms::NotStarted => return Err(Reason::NotStarted),
            Terms::Paused => return Err(Reason::Paused),
            Terms::Ended => return Err(Reason::Ended),
            Terms::Live(terms) => terms,
        };
        if !terms.window.holds(at, self.calendar) {
            let is_early = terms.window.from.is_some_and(|from| at < from.start(self.calendar));
            return Err(if is_early { Reason::NotStarted } else { Reason::Ended });
        }
        if referrer.is_friend {
            return Err(Reason::SelfReferral);
        }
        let has_left = !referrer.is_known || referrer.standing == Standing::Closed;
        // A friend who was promised something gets it all the same.
        if has_left && !is_given && terms.friend.is_none() {
            return Err(Reason::ReferrerClosed);
        }
        if referrer.suspended_at.is_some_and(|since| since < at) && !is_given {
            return Err(Reason::Suspended);
        }
        Ok((referrer, terms))
    }

    /// How it stands when the friend came by it.
    fn at(&self, referrer: Referrer, terms: &Referral) -> Course {
        if let Some(reason) = self.is_not_new(terms) {
            return self.ends(State::Refused, reason);
        }
        let known = self.claim.known;
        if known.decision == Decision::Refused {
            return self.ends(State::Refused, Reason::ByStaff);
        }
        let is_approved = known.decision == Decision::Approved;
        let has = |level: Level| known.signals.iter().any(|it| terms.fraud.level(*it) == level);
        if !is_approved && has(Level::Block) {
            return self.ends(State::Refused, Reason::Fraud);
        }
        let zone = &self.calendar.zone;
        let days = |days: u16, at: Timestamp| Pending::ReturnWindow { days }.end(at, zone).unwrap_or(at);
        let until = days(terms.qualifies.within_days, self.joined_at());
        let (qualified, why) = self.qualified(terms, until);
        let Some(at) = qualified else {
            return if self.now < until {
                self.course(State::Joined, why, None, Some(until))
            } else {
                self.ends(State::Refused, why.unwrap_or(Reason::TooLate))
            };
        };
        let stands_at = if terms.stands_days == 0 { at } else { days(terms.stands_days, at) };
        if self.now < stands_at {
            return self.course(State::Pending, None, Some(at), Some(stands_at));
        }
        if known.is_given {
            return self.course(State::Rewarded, None, Some(at), None);
        }
        let waits = if is_approved {
            None
        } else if has(Level::Flag) {
            Some(Reason::Flagged)
        } else if referrer.suspended_at.is_some() {
            Some(Reason::Suspended)
        } else if referrer.standing == Standing::Blocked {
            Some(Reason::ReferrerBlocked)
        } else {
            None
        };
        match (waits, known.closed) {
            (Some(reason), _) => self.course(State::Review, Some(reason), Some(at), None),
            (None, Some(reason)) => self.course(State::Refused, Some(reason), Some(at), None),
            (None, None) => self.course(State::Rewarded, None, Some(at), None),
        }
    }

    fn is_not_new(&self, terms: &Referral) -> Option<Reason> {
        let at = self.joined_at();
        if self.friend.first_order_at.is_some_and(|first| first < at) {
            return Some(Reason::AlreadyCustomer);
        }
        let days = i64::from(terms.newcomer.seen_within_days?);
        let since = self.friend.first_seen_at?;
        (since.plus(days * Timestamp::DAY) < at).then_some(Reason::SeenBefore)
    }

    /// When the friend first did what counts; else why the last thing that they did does not.
    fn qualified(&self, terms: &Referral, until: Timestamp) -> (Option<Timestamp>, Option<Reason>) {
        let is_in_time = |act: &&Act<'_>| act.at >= self.joined_at() && act.at < until;
        let mut acts: Vec<&Act<'_>> =
            self.friend.acts.iter().filter(|act| act.referral == terms.key).filter(is_in_time).collect();
        acts.sort_by_key(|act| (act.at, act.occasion));
        let mut why = None;
        for act in acts {
            match act.counts(terms) {
                Ok(()) => return (Some(act.at), None),
                Err(reason) => why = Some(reason),
            }
        }
        (None, why)
    }
}

impl Act<'_> {
    /// Whether it counts, or why not.
    fn counts(&self, terms: &Referral) -> Result<(), Reason> {
        if !self.holds {
            return Err(Reason::Condition);
        }
        if self.kept == Kept::Nothing {
            return Err(Reason::WentBack);
        }
        let Some(minimum) = terms.qualifies.minimum else { return Ok(()) };
        // Nobody guesses what an order in an unknown currency comes to.
        let amount = self.amount.unwrap_or(0);
        if amount < minimum.micros() {
            return Err(Reason::BelowMinimum);
        }
        let Kept::Part(kept, of) = self.kept else { return Ok(()) };
        let kept = i128::from(amount) * i128::from(kept.max(0));
        if kept < i128::from(minimum.micros()) * i128::from(of) { Err(Reason::WentBack) } else { Ok(()) }
    }
}
