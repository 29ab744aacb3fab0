//! How well the loop is closed: how many were spoken with, in time, won back, and what they did afterwards beside those who were not spoken with.
//!
//! What people did afterwards is looked at from the deadline on, for both groups: whoever was spoken with by then counts as spoken with. From an earlier
//! instant on, an order before the call would count for the call (immortal time: Suissa 2008, "Immortal time bias in pharmacoepidemiology"). Each person counts
//! once, by their first follow-up, and only once the days are over. Who is called is not drawn by chance, so this is association: it went with the call, the
//! call may not have caused it.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp};
use rapport_models::experiments::{Better, Moments};
use rapport_models::survey::{Confidence, Difference, FEW, Measure, Scale, Shares, Tally, share};

use super::Outcome;
use super::records::FollowUpRow;
use crate::results::Share;
use crate::results::behaviour::more;

/// What figures are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Whom it is about.
    pub person: PersonId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// By when they were to be spoken with.
    pub due_at: Timestamp,
    /// When they were.
    pub contacted_at: Option<Timestamp>,
    /// What came of it.
    pub outcome: Option<Outcome>,
}

impl Case {
    /// Of a stored follow-up.
    pub fn of(row: &FollowUpRow) -> Self {
        Self {
            person: row.person,
            opened_at: row.opened_at,
            due_at: row.due_at,
            contacted_at: row.contacted_at,
            outcome: row.outcome.as_deref().and_then(Outcome::parse),
        }
    }

    fn counts(&self) -> bool {
        self.outcome != Some(Outcome::NoActionNeeded)
    }

    /// Whether it is known if they were spoken with in time.
    fn is_judged(&self, now: Timestamp) -> bool {
        self.counts() && (self.contacted_at.is_some() || self.due_at <= now || self.outcome.is_some())
    }

    fn is_in_time(&self) -> bool {
        self.contacted_at.is_some_and(|at| at <= self.due_at)
    }
}

/// How well the loop is closed. Those that needed no action count for none of the shares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many were opened.
    pub opened: u64,
    /// Of which by now were spoken with, or should have been, or are done.
    pub judged: u64,
    /// Of these were spoken with.
    pub contacted: Option<Share>,
    /// Of these were spoken with by their deadline.
    pub in_time: Option<Share>,
    /// Of those that are done, content again.
    pub recovered: Option<Share>,
    /// Done, by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The middle of the times until they were spoken with, in microseconds.
    pub usual_time: Option<i64>,
}

/// Figures of follow-ups as they are at `now`.
pub fn figures(cases: &[Case], now: Timestamp, confidence: Confidence) -> Figures {
    let judged: Vec<&Case> = cases.iter().filter(|it| it.is_judged(now)).collect();
    let of = |hits: usize, n: usize| {
        share(hits as u64, n as u64, confidence).map(|(estimate, (low, high))| Share { estimate, low, high })
    };
    let mut outcomes: BTreeMap<&'static str, u64> = Outcome::ALL.map(|it| (it.as_str(), 0)).into();
    for outcome in cases.iter().filter_map(|it| it.outcome) {
        *outcomes.entry(outcome.as_str()).or_default() += 1;
    }
    let done = cases.iter().filter(|it| it.counts() && it.outcome.is_some()).count();
    let recovered = cases.iter().filter(|it| it.outcome == Some(Outcome::Recovered)).count();
    let mut times: Vec<i64> =
        cases.iter().filter(|it| it.counts()).filter_map(|it| Some(it.contacted_at?.0 - it.opened_at.0)).collect();
    times.sort_unstable();
    Figures {
        opened: cases.len() as u64,
        judged: judged.len() as u64,
        contacted: of(judged.iter().filter(|it| it.contacted_at.is_some()).count(), judged.len()),
        in_time: of(judged.iter().filter(|it| it.is_in_time()).count(), judged.len()),
        recovered: of(recovered, done),
        outcomes,
        usual_time: middle(&times),
    }
}

fn middle(sorted: &[i64]) -> Option<i64> {
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(low + (high - low) / 2)
}

/// What a group of people did afterwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// How many people.
    pub people: u64,
    /// The share of those who bought anything.
    pub bought: Option<Share>,
    /// Orders of each on average.
    pub orders: Option<f64>,
    /// What each spent on average, in millionths of the currency.
    pub spent: Option<f64>,
    /// The share of those who were still there in the second half of the days, or later.
    pub stayed: Option<Share>,
}

/// What those did who were spoken with by the deadline, and those who were not.
#[derive(Clone, Debug, PartialEq)]
pub struct Later {
    /// Spoken with.
    pub contacted: Group,
    /// Not spoken with.
    pub others: Group,
    /// How much more of the first bought.
    pub bought_more: Option<Difference>,
    /// How much more of the first stayed.
    pub stayed_more: Option<Difference>,
    /// How much more each of the first spent on average, in millionths, with its interval (Welch).
    pub spent_more: Option<Share>,
    /// One group has so few people that the intervals come before the figures.
    pub few: bool,
    /// People whose days are not over.
    pub too_recent: u64,
}

/// What else is known of people.
#[derive(Clone, Copy, Debug)]
pub struct Deeds<'a> {
    /// Who paid, when, and how much in millionths.
    pub paid: &'a [(PersonId, Timestamp, i64)],
    /// When each was seen last.
    pub seen: &'a BTreeMap<PersonId, Timestamp>,
}

#[derive(Default)]
struct Sums {
    people: u64,
    buyers: u64,
    orders: u64,
    stayed: u64,
    spent: Moments,
}

/// What people did in the `days` after the deadline.
pub fn later(cases: &[Case], deeds: Deeds<'_>, (days, now): (u32, Timestamp), confidence: Confidence) -> Later {
    let span = i64::from(days) * Timestamp::DAY;
    let mut first: BTreeMap<PersonId, &Case> = BTreeMap::new();
    for case in cases.iter().filter(|it| it.counts()) {
        let of = first.entry(case.person).or_insert(case);
        if (case.opened_at, case.due_at) < (of.opened_at, of.due_at) {
            *of = case;
        }
    }
    let known = first.len();
    first.retain(|_, case| case.due_at.plus(span) <= now);
    let mut did: BTreeMap<PersonId, (u64, i64)> = BTreeMap::new();
    for (person, at, micros) in deeds.paid {
        let Some(case) = first.get(person) else { continue };
        if case.due_at <= *at && *at < case.due_at.plus(span) {
            let own = did.entry(*person).or_default();
            *own = (own.0 + 1, own.1 + micros);
        }
    }
    let (mut contacted, mut others) = (Sums::default(), Sums::default());
    for (person, case) in &first {
        let (orders, micros) = did.get(person).copied().unwrap_or_default();
        let of = if case.is_in_time() { &mut contacted } else { &mut others };
        of.people += 1;
        of.orders += orders;
        of.buyers += u64::from(orders > 0);
        of.stayed += u64::from(deeds.seen.get(person).is_some_and(|at| *at >= case.due_at.plus(span / 2)));
        let spent = micros as f64;
        of.spent = of.spent.merged(Moments { n: 1, sum: spent, squares: spent * spent });
    }
    let compared = |of: fn(&Sums) -> u64| {
        let these = shares(of(&contacted), contacted.people)?;
        Measure::Top(1).difference(&these, &shares(of(&others), others.people)?, confidence)
    };
    Later {
        bought_more: compared(|it| it.buyers),
        stayed_more: compared(|it| it.stayed),
        spent_more: more(contacted.spent, others.spent, confidence),
        few: contacted.people.min(others.people) < FEW,
        too_recent: (known - first.len()) as u64,
        contacted: group(&contacted, confidence),
        others: group(&others, confidence),
    }
}

fn group(of: &Sums, confidence: Confidence) -> Group {
    let rate = |hits| share(hits, of.people, confidence).map(|(estimate, (low, high))| Share { estimate, low, high });
    let mean = |sum: f64| (of.people > 0).then(|| sum / of.people as f64);
    Group {
        people: of.people,
        bought: rate(of.buyers),
        orders: mean(of.orders as f64),
        spent: mean(of.spent.sum),
        stayed: rate(of.stayed),
    }
}

/// Hits among `n` as answers on a scale of two values, whose differences are known.
pub(crate) fn shares(hits: u64, n: u64) -> Option<Shares> {
    let scale = Scale::new(0, 1, Better::Higher)?;
    Tally::new(scale, [(Some(1), hits), (Some(0), n.checked_sub(hits)?)]).shares()
}
