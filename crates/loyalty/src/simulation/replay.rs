//! One group of people under one set of rules: their events told again, and what their accounts come to.
//!
//! Always holds: what is given, replaced and taken back is what the pipeline would have posted for the same events in the same order.
//!
//! Does not: redeem. Nobody knows what would have been redeemed of other points; what is there at the end is what lapsed nowhere.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::{Calendar, Timestamp};
use rapport_segments::{Moment, Subject};

use crate::earning::{Amounts, Award, Awards, Count, Happened, InForce, Occasion, Used, rate};
use crate::ledger::{AccountKey, Balance, Ledger, MemberId, Standing, WalletId};
use crate::program::{AMOUNT_MAX, Program};

/// The wallets of a programme, by their keys; numbers are their places.
pub fn wallets(program: &Program) -> HashMap<String, WalletId> {
    (1..).zip(&program.wallets).map(|(number, plan)| (plan.key.clone(), WalletId(number))).collect()
}

/// A group of people under one set of rules.
#[derive(Debug)]
pub struct Replay<'a> {
    calendar: &'a Calendar,
    awards: Awards<'a>,
    ledger: Ledger,
    last: Timestamp,
}

/// What came of it.
#[derive(Debug)]
pub struct Replayed {
    /// The latest revision of each award.
    pub awards: Vec<Award>,
    /// What accounts come to at the end.
    pub balances: BTreeMap<AccountKey, Balance>,
}

impl<'a> Replay<'a> {
    /// Begins with what rules gave before, as far as caps ask for it. `wallets` are those of [`wallets`].
    pub fn new(
        program: &'a Program,
        calendar: &'a Calendar,
        wallets: &'a HashMap<String, WalletId>,
        used: HashMap<Count, Used>,
    ) -> Self {
        let mut ledger = Ledger::default();
        for plan in &program.wallets {
            // What was redeemed meanwhile is not known, so that nothing says when an account is full.
            let limits = crate::ledger::Wallet { balance_max: None, arrears_max: AMOUNT_MAX, ..plan.limits() };
            ledger.wallets.insert(wallets[&plan.key], limits);
        }
        let awards = Awards::new(program, calendar.clone(), wallets, [], used);
        Self { calendar, awards, ledger, last: Timestamp(i64::MIN) }
    }

    /// Something happened, or is told again with another content, with the programme and the rules that held then.
    pub fn earned(
        &mut self,
        happened: &Happened<'_>,
        (program, rules): (&Program, &[InForce<'_>]),
        (subject, amounts): (&Subject<'_>, &Amounts),
        heard_at: Timestamp,
    ) {
        let moment = Moment { now: happened.at, calendar: self.calendar };
        let awards = &self.awards;
        let used = |rule: &str, per, period| awards.without(happened.member, happened.occasion, rule, per, period);
        let rated = rate(program, rules, Occasion { subject, amounts, moment }, used);
        self.awards.earned(happened, rules, &rated);
        self.post(happened.member, heard_at);
    }

    /// So much of an order went back so far.
    pub fn went_back(&mut self, happened: &Happened<'_>, refunded: i64, total: i64, heard_at: Timestamp) {
        self.awards.went_back(happened, refunded, total);
        self.post(happened.member, heard_at);
    }

    /// What happened did not.
    pub fn undone(&mut self, happened: &Happened<'_>, heard_at: Timestamp) {
        self.awards.undone(happened);
        self.post(happened.member, heard_at);
    }

    fn post(&mut self, member: MemberId, heard_at: Timestamp) {
        let (steps, _) = self.awards.take();
        if steps.is_empty() {
            return;
        }
        self.ledger.standings.insert(member, Standing::Active);
        for step in steps {
            // Points may be heard of before the clock of whoever sent them says so.
            let now = self.last.max(heard_at).max(step.award.occurred_at);
            self.last = now;
            self.ledger.apply_all(&step.commands, now);
        }
    }

    /// What came of it by `end`, with what lapsed or became available by then.
    pub fn finish(mut self, end: Timestamp) -> Replayed {
        let end = self.last.max(end);
        let keys: Vec<AccountKey> = self.ledger.accounts.keys().copied().collect();
        for key in keys {
            self.ledger.settle(key, end, Timestamp(i64::MIN));
        }
        let balances = self.ledger.accounts.iter().map(|(key, account)| (*key, account.balance())).collect();
        Replayed { awards: self.awards.known().cloned().collect(), balances }
    }
}
