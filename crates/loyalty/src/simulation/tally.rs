//! What came of a simulation for everybody: sums by rule, month and wallet, who gains and loses, and how sure the differences are.
//!
//! Intervals are percentile bootstrap intervals over people: as many people are drawn with replacement as were looked at, [`DRAWS`] times, by a generator with a fixed seed. They say how
//! much the difference would vary with other people of the same kind; where only some of the people were looked at, they say how sure it is for all.
//!
//! Always holds: with the same people in the same order the intervals are the same.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Calendar, PersonId, Rng, SeededRng};

use super::replay::Replayed;
use crate::ledger::{MemberId, WalletId};

/// How often people are drawn.
pub const DRAWS: usize = 1_000;
/// The seed of the draws.
pub const SEED: u64 = 52;
/// So many who gain or lose most are named.
pub const NAMED: usize = 20;

/// What a rule gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfRule {
    /// Points, less those that were taken back.
    pub points: i64,
    /// For how many things.
    pub times: i64,
    /// To how many people.
    pub people: i64,
}

/// What one set of rules came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// How many people earned anything.
    pub earning: i64,
    /// Points by wallet, less those that were taken back.
    pub points: BTreeMap<String, i64>,
    /// Points that lapsed nowhere by the end, less those owed, by wallet.
    pub outstanding: BTreeMap<String, i64>,
    /// By rule and wallet.
    pub rules: BTreeMap<(String, String), OfRule>,
    /// By wallet and month (`2026-05`).
    pub months: BTreeMap<(String, String), i64>,
}

/// What one person has under one set of rules: points and what of them is left, by wallet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    /// What was given and not taken back.
    pub points: BTreeMap<String, i64>,
    /// What of it is left.
    pub outstanding: BTreeMap<String, i64>,
}

impl Side {
    /// Adds what came of a group of people; what each of them has.
    pub fn add(
        &mut self,
        replayed: &Replayed,
        calendar: &Calendar,
        wallets: &BTreeMap<WalletId, String>,
    ) -> BTreeMap<MemberId, Own> {
        let mut each: BTreeMap<MemberId, Own> = BTreeMap::new();
        let mut had: BTreeSet<(MemberId, &str, &str)> = BTreeSet::new();
        for award in replayed.awards.iter().filter(|award| award.left() > 0) {
            let left = award.left();
            *each.entry(award.member).or_default().points.entry(award.wallet.clone()).or_default() += left;
            *self.points.entry(award.wallet.clone()).or_default() += left;
            let date = calendar.date(award.occurred_at);
            let month = format!("{:04}-{:02}", date.year(), date.month());
            *self.months.entry((award.wallet.clone(), month)).or_default() += left;
            let rule = self.rules.entry((award.rule.clone(), award.wallet.clone())).or_default();
            rule.points += left;
            rule.times += 1;
            rule.people += i64::from(had.insert((award.member, &award.rule, &award.wallet)));
        }
        self.earning += i64::try_from(each.len()).unwrap_or(i64::MAX);
        for ((member, wallet), balance) in &replayed.balances {
            let Some(key) = wallets.get(wallet) else { continue };
            let left = balance.pending + balance.available + balance.held - balance.owed;
            *each.entry(*member).or_default().outstanding.entry(key.clone()).or_default() += left;
            *self.outstanding.entry(key.clone()).or_default() += left;
        }
        each
    }
}

/// What changes for one person in one wallet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Who.
    pub person: PersonId,
    /// What they have under today's rules.
    pub before: i64,
    /// And under the others.
    pub after: i64,
}

impl Change {
    /// By how much they have more.
    pub const fn by(&self) -> i64 {
        self.after - self.before
    }
}

/// A difference, and between what it lies with 95 %.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    /// The others less today's.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Everybody, one after the other.
#[derive(Clone, Debug, Default)]
pub struct People {
    changes: BTreeMap<String, Vec<Change>>,
    outstanding: BTreeMap<String, Vec<i64>>,
    earning: Vec<i8>,
}

/// A tenth of the people, by how much changes for them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decile {
    /// How many people.
    pub people: usize,
    /// The smallest change among them.
    pub least: i64,
    /// The largest.
    pub most: i64,
    /// The mean.
    pub mean: f64,
}

impl People {
    /// Adds a person, with what they have under both.
    pub fn add(&mut self, person: PersonId, wallets: &[String], before: &Own, after: &Own) {
        let of = |own: &BTreeMap<String, i64>, wallet: &String| own.get(wallet).copied().unwrap_or(0);
        for wallet in wallets {
            let change = Change { person, before: of(&before.points, wallet), after: of(&after.points, wallet) };
            self.changes.entry(wallet.clone()).or_default().push(change);
            let left = of(&after.outstanding, wallet) - of(&before.outstanding, wallet);
            self.outstanding.entry(wallet.clone()).or_default().push(left);
        }
        let earns = |own: &Own| i8::from(own.points.values().any(|points| *points > 0));
        self.earning.push(earns(after) - earns(before));
    }

    /// How many people.
    pub const fn count(&self) -> usize {
        self.earning.len()
    }

    /// By how much more points are given in a wallet, and by how much more are left, for `scale` times as many people.
    pub fn points(&self, wallet: &str, scale: f64) -> (Difference, Difference) {
        let given: Vec<f64> = self.changes.get(wallet).into_iter().flatten().map(|it| it.by() as f64).collect();
        let left: Vec<f64> = self.outstanding.get(wallet).into_iter().flatten().map(|it| *it as f64).collect();
        (difference(&given, scale), difference(&left, scale))
    }

    /// How many more people earn.
    pub fn earning(&self, scale: f64) -> Difference {
        let values: Vec<f64> = self.earning.iter().map(|it| f64::from(*it)).collect();
        difference(&values, scale)
    }

    /// How many gain, lose, and have the same in a wallet.
    pub fn moved(&self, wallet: &str) -> (usize, usize, usize) {
        let changes = || self.changes.get(wallet).into_iter().flatten().map(Change::by);
        let gain = changes().filter(|by| *by > 0).count();
        let lose = changes().filter(|by| *by < 0).count();
        (gain, lose, changes().count() - gain - lose)
    }

    /// Tenths of the people, those who lose most first.
    pub fn deciles(&self, wallet: &str) -> Vec<Decile> {
        let mut by: Vec<i64> = self.changes.get(wallet).into_iter().flatten().map(Change::by).collect();
        by.sort_unstable();
        let count = by.len();
        let part = |tenth: usize| &by[count * tenth / 10..count * (tenth + 1) / 10];
        let decile = |part: &[i64]| {
            let sum: i128 = part.iter().map(|by| i128::from(*by)).sum();
            let (least, most) = (*part.first()?, *part.last()?);
            Some(Decile { people: part.len(), least, most, mean: sum as f64 / part.len() as f64 })
        };
        (0..10).filter_map(|tenth| decile(part(tenth))).collect()
    }

    /// Who gains most and who loses most, those with the largest change first.
    pub fn named(&self, wallet: &str) -> (Vec<Change>, Vec<Change>) {
        let mut changes: Vec<Change> = self.changes.get(wallet).cloned().unwrap_or_default();
        changes.retain(|it| it.by() != 0);
        changes.sort_by_key(|it| (it.by(), it.person));
        let losing = changes.iter().filter(|it| it.by() < 0).take(NAMED).copied().collect();
        let gaining = changes.iter().rev().filter(|it| it.by() > 0).take(NAMED).copied().collect();
        (gaining, losing)
    }
}

/// The sum of what changes for each, `scale` times, and between what it lies.
pub fn difference(values: &[f64], scale: f64) -> Difference {
    let value = values.iter().sum::<f64>() * scale;
    // Who has no change adds nothing, however often they are drawn: only how many of the others are drawn matters.
    let moved: Vec<f64> = values.iter().copied().filter(|value| *value != 0.0).collect();
    if moved.is_empty() {
        return Difference { value, low: value, high: value };
    }
    let rng = SeededRng::new(SEED);
    let people = u64::try_from(values.len()).unwrap_or(u64::MAX);
    let mut sums: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let draw = || usize::try_from(below(rng.next_u64(), people)).unwrap_or(usize::MAX);
            (0..values.len()).filter_map(|_| moved.get(draw())).sum::<f64>() * scale
        })
        .collect();
    sums.sort_by(f64::total_cmp);
    let at = |share: f64| sums[((DRAWS - 1) as f64 * share).round() as usize];
    Difference { value, low: at(0.025), high: at(0.975) }
}

/// A number below `most`, of 64 random bits.
fn below(bits: u64, most: u64) -> u64 {
    u64::try_from((u128::from(bits) * u128::from(most)) >> 64).unwrap_or(0)
}
