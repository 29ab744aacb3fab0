//! Where the law says when points may lapse: for which members, and what must be true before.
//!
//! Always holds: points of a member whom a jurisdiction concerns lapse only at an instant at which its law allows it; else their end moves on, at that very instant. Whoever asks the ledger meets the same,
//! whether any night work was there or not, and nothing lapses to be given back.
//!
//! Does not: know where somebody lives, or whether a message arrived. Both are told: by a condition on facts, and as a notice that was proved.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::tz::TimeZone;
use rapport_domain::Timestamp;
use rapport_segments::{Condition, Scope};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::dates::{Activity, Expiry, Unit};
use crate::earning::refuse_history;
use crate::program::{Program, WalletPlan, check_key, check_name};

/// The most jurisdictions of a programme.
pub const JURISDICTIONS_MAX: usize = 20;
/// The earliest notice that a law may ask for, in days.
pub const NOTICE_DAYS_MAX: u16 = 365;

/// A jurisdiction, as staff write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jurisdiction {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Whom it concerns: facts of a member. The first jurisdiction that does is theirs.
    pub when: Condition,
    /// Points never lapse by time alone; where a wallet's points lapse by inactivity, they still do.
    #[serde(default)]
    pub no_expiry_by_time: bool,
    /// Points lapse only after so long without activity.
    #[serde(default)]
    pub inactivity_at_least: Option<Inactivity>,
    /// Points lapse only after a notice that was proved, at least and at most so many days before.
    #[serde(default)]
    pub notice_between: Option<[u16; 2]>,
    /// Wallets that the law leaves out.
    #[serde(default)]
    pub excepted_wallets: Vec<String>,
}

/// A time without activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inactivity {
    /// How many.
    pub count: u16,
    /// Of what.
    pub unit: Unit,
}

impl Inactivity {
    fn as_expiry(self) -> Expiry {
        // What counts is judged where it is noted; here only the length matters.
        Expiry::Inactivity { count: self.count, unit: self.unit, counts: vec![Activity::Earned] }
    }

    /// Until when points must last of somebody who was last active then.
    fn end(self, active_at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.as_expiry().end(active_at, zone)
    }
}

impl Jurisdiction {
    fn check(&self, place: &str, program: &Program) -> Result<(), Error> {
        check_key(&format!("{place}.key"), &self.key)?;
        check_name(&format!("{place}.name"), &self.name)?;
        refuse_history(&format!("{place}.when"), &self.when, Scope::Person)?;
        if !self.when.segment_keys().is_empty() {
            return Err(Error::invalid(
                format!("{place}.when"),
                "asks for a segment; test facts, since the law holds from the moment they are told",
            ));
        }
        if !self.no_expiry_by_time && self.inactivity_at_least.is_none() && self.notice_between.is_none() {
            let what = "says nothing; give `no_expiry_by_time`, `inactivity_at_least` or `notice_between`";
            return Err(Error::invalid(place, what));
        }
        if let Some(inactivity) = self.inactivity_at_least {
            let checked = inactivity.as_expiry().check();
            checked.map_err(|error| Error::invalid(format!("{place}.inactivity_at_least"), error.to_string()))?;
        }
        if let Some([least, most]) = self.notice_between
            && !(1 <= least && least < most && most <= NOTICE_DAYS_MAX)
        {
            let what = format!("two numbers of days, the smaller first, from 1 to {NOTICE_DAYS_MAX}: `[30, 60]`");
            return Err(Error::invalid(format!("{place}.notice_between"), what));
        }
        let mut seen = BTreeSet::new();
        for (at, wallet) in self.excepted_wallets.iter().enumerate() {
            let place = format!("{place}.excepted_wallets[{at}]");
            program.check_wallet(&place, Some(wallet))?;
            if !seen.insert(wallet) {
                return Err(Error::invalid(place, "is named twice"));
            }
        }
        Ok(())
    }
}

/// Refuses jurisdictions that could not be reckoned with.
pub(crate) fn check(program: &Program) -> Result<(), Error> {
    let all = &program.jurisdictions;
    if all.len() > JURISDICTIONS_MAX {
        return Err(Error::invalid("jurisdictions", format!("at most {JURISDICTIONS_MAX}")));
    }
    for (at, it) in all.iter().enumerate() {
        let place = format!("jurisdictions[{at}]");
        it.check(&place, program)?;
        if all[..at].iter().any(|other| other.key == it.key) {
            return Err(Error::invalid(format!("{place}.key"), "another jurisdiction has this key"));
        }
    }
    Ok(())
}

/// What a jurisdiction says of one wallet, as the ledger needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Law {
    /// Whether points that lapse by time never lapse.
    never: bool,
    /// For how long the member must have been inactive.
    inactive: Vec<Inactivity>,
    /// The least and the most days before, in which the notice must be proved.
    notice: Option<[u16; 2]>,
    /// The programme's zone.
    zone: String,
}

impl Law {
    /// What holds in a wallet by each jurisdiction that does not leave it out.
    pub fn of(program: &Program, plan: &WalletPlan) -> BTreeMap<String, Self> {
        let concerned = program.jurisdictions.iter().filter(|it| !it.excepted_wallets.contains(&plan.key));
        let law = |it: &Jurisdiction| {
            let own = match plan.expiry {
                Expiry::Inactivity { count, unit, .. } => Some(Inactivity { count, unit }),
                _ => None,
            };
            let by_inactivity = own.filter(|_| it.no_expiry_by_time);
            let law = Self {
                never: it.no_expiry_by_time && own.is_none(),
                inactive: it.inactivity_at_least.into_iter().chain(by_inactivity).collect(),
                notice: it.notice_between,
                zone: program.zone.clone(),
            };
            (it.key.clone(), law)
        };
        concerned.map(law).collect()
    }
}

/// The law of one account, with the notices of it that were proved.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    law: Law,
    zone: TimeZone,
    proved: BTreeMap<Timestamp, Timestamp>,
}

/// What happens to points at their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They lapse.
    Lapse,
    /// They last until then.
    Until(Timestamp),
    /// They have no end any more.
    Never,
}

impl Guard {
    /// Of an account in which `proved` notices were given: when points lapse that it spoke of, and when it was sent. `None` where nobody knows the zone, which no programme that was saved has.
    pub fn new(law: &Law, proved: BTreeMap<Timestamp, Timestamp>) -> Option<Self> {
        let zone = TimeZone::get(&law.zone).ok()?;
        Some(Self { law: law.clone(), zone, proved })
    }

    /// Within which instants a notice of points that lapse at `end` counts; `None` where the law asks for none.
    pub fn window(&self, end: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let [least, most] = self.law.notice?;
        Some((self.days_from(end, -i64::from(most)), self.days_from(end, -i64::from(least))))
    }

    /// Until when points lapse of which there is to be a notice on the day that begins at `day`; `None` where the law asks for none.
    pub fn notice_until(&self, day: Timestamp) -> Option<Timestamp> {
        let [_, most] = self.law.notice?;
        Some(self.days_from(day, i64::from(most)))
    }

    /// What happens at `at` to points whose end is `end`, of somebody who was last active at `active_at`.
    pub fn verdict(&self, end: Timestamp, active_at: Timestamp, at: Timestamp) -> Verdict {
        if self.law.never {
            return Verdict::Never;
        }
        let inactive = self.law.inactive.iter().filter_map(|it| it.end(active_at, &self.zone)).max();
        if let Some(until) = inactive.filter(|until| *until > at) {
            return Verdict::Until(until);
        }
        let Some(((first, last), [_, most])) = self.window(end).zip(self.law.notice) else { return Verdict::Lapse };
        if self.proved.get(&end).is_some_and(|sent| (first..=last).contains(sent)) {
            return Verdict::Lapse;
        }
        // From now on there is time for a notice.
        Verdict::Until(self.days_from(at, i64::from(most)))
    }

    /// The first instant of the day so many civil days later, or earlier.
    fn days_from(&self, at: Timestamp, days: i64) -> Timestamp {
        let day = at.to_jiff().to_zoned(self.zone.clone()).date();
        let then = day.checked_add(days.days()).and_then(|day| day.to_zoned(self.zone.clone()));
        let beyond = if days < 0 { Timestamp(i64::MIN) } else { Timestamp(i64::MAX) };
        then.and_then(|it| it.start_of_day()).map_or(beyond, |it| it.timestamp().into())
    }
}
