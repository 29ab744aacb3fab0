//! What became of a theme and of those who had written about it, before something was changed and after.
//!
//! Two stretches of the same length are compared: the last before the change, and the first after it. The theme's share is of texts; who wrote of it before the change
//! is **affected**, and everybody else who wrote then stands beside them: what of the affected changed less what of the others changed (difference in differences:
//! Card and Krueger 1994). That takes out what changed for everybody, a season say; it does not take out that who was unlucky once is seldom so twice (regression to
//! the mean), so it is association.
//!
//! Always holds: each person counts once; where a side has fewer than [`FEW`] it is said.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{PersonId, Timestamp};
use rapport_models::experiments::Moments;
use rapport_models::survey::{Confidence, Difference, FEW, Measure, share};

use crate::follow_ups::figures::shares;
use crate::results::Share;
use crate::results::behaviour::more;

/// A text somebody wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Who.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// Whether it has the theme.
    pub has_theme: bool,
}

/// The stretches before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretches {
    /// When it was changed.
    pub changed_at: Timestamp,
    /// How long each is.
    pub length: i64,
}

impl Stretches {
    /// As long as has passed since the change, at most so many days; `None` within the first week.
    pub fn new(changed_at: Timestamp, days: u32, now: Timestamp) -> Option<Self> {
        let length = (now.0 - changed_at.0).min(i64::from(days) * Timestamp::DAY);
        (length >= 7 * Timestamp::DAY).then_some(Self { changed_at, length })
    }

    /// From when.
    pub fn from(self) -> Timestamp {
        self.changed_at.plus(-self.length)
    }

    /// Until before when.
    pub fn to(self) -> Timestamp {
        self.changed_at.plus(self.length)
    }

    fn is_before(self, at: Timestamp) -> bool {
        self.from() <= at && at < self.changed_at
    }

    fn is_after(self, at: Timestamp) -> bool {
        self.changed_at <= at && at < self.to()
    }
}

/// How much of what is written has the theme.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Volume {
    /// Texts.
    pub texts: u64,
    /// Of which have it.
    pub with_theme: u64,
    /// Their share.
    pub share: Option<Share>,
}

/// What some people did before and after.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deeds {
    /// How many.
    pub people: u64,
    /// The share that bought before.
    pub bought_before: Option<Share>,
    /// The share that bought after.
    pub bought_after: Option<Share>,
    /// What each spent before, in millionths.
    pub spent_before: Option<f64>,
    /// What each spent after.
    pub spent_after: Option<f64>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The theme before.
    pub before: Volume,
    /// The theme after.
    pub after: Volume,
    /// Its share after less before.
    pub share_change: Option<Difference>,
    /// There are so few texts on a side that nothing can be said.
    pub few_texts: bool,
    /// Who wrote about it before.
    pub affected: Deeds,
    /// Who wrote about something else before.
    pub others: Deeds,
    /// By how much more what each of the affected spent changed than what each of the others did, in millionths, with its interval (Welch).
    pub spent_change: Option<Share>,
    /// There are so few people on a side that nothing can be said.
    pub few_people: bool,
}

/// What became of a theme. `paid` is who paid, when, and how much in millionths.
pub fn effect(
    texts: &[Text],
    paid: &[(PersonId, Timestamp, i64)],
    stretches: Stretches,
    confidence: Confidence,
) -> Effect {
    let volume = |is_in: &dyn Fn(Timestamp) -> bool| {
        let own = texts.iter().filter(|text| is_in(text.at));
        let (texts, with_theme) = own.fold((0, 0), |(all, some), text| (all + 1, some + u64::from(text.has_theme)));
        Volume { texts, with_theme, share: ranged(with_theme, texts, confidence) }
    };
    let before = volume(&|at| stretches.is_before(at));
    let after = volume(&|at| stretches.is_after(at));
    let share_change = shares(after.with_theme, after.texts).zip(shares(before.with_theme, before.texts));
    let share_change = share_change.and_then(|(now, then)| Measure::Top(1).difference(&now, &then, confidence));
    let wrote = |has_theme: bool| -> BTreeSet<PersonId> {
        let own = texts.iter().filter(|text| stretches.is_before(text.at) && text.has_theme == has_theme);
        own.map(|text| text.person).collect()
    };
    let affected = wrote(true);
    let others: BTreeSet<PersonId> = wrote(false).difference(&affected).copied().collect();
    let mut spent: BTreeMap<PersonId, [Option<i64>; 2]> = BTreeMap::new();
    for (person, at, micros) in paid {
        let side = if stretches.is_before(*at) {
            0
        } else if stretches.is_after(*at) {
            1
        } else {
            continue;
        };
        let own = &mut spent.entry(*person).or_default()[side];
        *own = Some(own.unwrap_or_default() + micros);
    }
    let (affected, own_changes) = deeds(&affected, &spent, confidence);
    let (others, other_changes) = deeds(&others, &spent, confidence);
    Effect {
        few_texts: before.texts.min(after.texts) < FEW,
        few_people: affected.people.min(others.people) < FEW,
        spent_change: more(own_changes, other_changes, confidence),
        before,
        after,
        share_change,
        affected,
        others,
    }
}

/// What some people did, and how what each spent changed.
fn deeds(
    people: &BTreeSet<PersonId>,
    spent: &BTreeMap<PersonId, [Option<i64>; 2]>,
    confidence: Confidence,
) -> (Deeds, Moments) {
    let of = |person: &PersonId| spent.get(person).copied().unwrap_or_default();
    let n = people.len() as u64;
    let bought = |side: usize| people.iter().filter(|person| of(person)[side].is_some()).count() as u64;
    let mean = |side: usize| {
        let sum: f64 = people.iter().map(|person| of(person)[side].unwrap_or_default() as f64).sum();
        (n > 0).then(|| sum / n as f64)
    };
    let changes = people.iter().fold(Moments::default(), |sums, person| {
        let [before, after] = of(person).map(|it| it.unwrap_or_default() as f64);
        let change = after - before;
        sums.merged(Moments { n: 1, sum: change, squares: change * change })
    });
    let deeds = Deeds {
        people: n,
        bought_before: ranged(bought(0), n, confidence),
        bought_after: ranged(bought(1), n, confidence),
        spent_before: mean(0),
        spent_after: mean(1),
    };
    (deeds, changes)
}

fn ranged(hits: u64, n: u64, confidence: Confidence) -> Option<Share> {
    share(hits, n, confidence).map(|(estimate, (low, high))| Share { estimate, low, high })
}
