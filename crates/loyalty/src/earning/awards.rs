//! Points follow what happened, however often and in whatever order it is told: an order that is told again with another content earns what that content
//! earns, an order that goes back gives back its part, in as many parts as it goes back.
//!
//! An [`Award`] says what one rule gave for one occasion. Each time it has to be given anew it gets another revision, and so another command on the ledger.
//!
//! Always holds: telling the same again asks for nothing; after everything is told, what an award still gives is what the rules give for the last content, less the
//! part of it that went back, to the point.
//!
//! Does not: read or write; see [`crate::records::awards`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_domain::{Calendar, Timestamp};

use super::rate::{InForce, Line, Outcome, Period, Rated, Used};
use super::rule::{CapPer, Rule};
use crate::dates;
use crate::ledger::{Act, Command, MemberId, Portion, Refusal, Shortage, Source, WalletId, clawed};
use crate::program::Program;

/// What the ids of operations begin with by which rules give points.
pub const OWN_IDS: &str = "award:";

/// What one rule gave for one occasion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// For what: `order:1042`, `event:` and its id.
    pub occasion: String,
    /// By which rule.
    pub rule: String,
    /// How often it was given anew: from 1.
    pub revision: i64,
    /// The rule's version.
    pub version: i64,
    /// Whose points they are.
    pub member: MemberId,
    /// Into which wallet.
    pub wallet: String,
    /// Why it gave that: an [`Outcome::code`], or the code of a refusal of the ledger.
    pub outcome: String,
    /// What it would have given if nothing cut it.
    pub wanted: i64,
    /// What it gave.
    pub points: i64,
    /// How many of them were taken back.
    pub taken_back: i64,
    /// When what they were given for happened.
    pub occurred_at: Timestamp,
}

impl Award {
    /// The id of its command on the ledger. It outlives the person whose points they were, so it does not name the order.
    pub fn command(&self) -> String {
        let hash = blake3::hash(self.occasion.as_bytes()).to_hex();
        format!("{OWN_IDS}{}:{}:{}", &hash[..32], self.rule, self.revision)
    }

    /// What it still gives.
    pub const fn left(&self) -> i64 {
        self.points - self.taken_back
    }
}

/// Why an award is withdrawn that no rule gives any more.
const NO_RULE: &str = "no_rule";

/// Where an award is counted: of a rule, for a member or for all (`None`), in a period.
pub type Count = (String, Option<MemberId>, String);

/// What a rule gave, to a member or to everybody, in a period.
pub fn given(used: &HashMap<Count, Used>, member: MemberId, rule: &str, per: CapPer, period: Period) -> Used {
    let whose = match per {
        CapPer::Member => Some(member),
        CapPer::Everybody => None,
    };
    used.get(&(rule.to_owned(), whose, period.key())).copied().unwrap_or_default()
}

/// An occasion as it is known now.
#[derive(Clone, Debug)]
pub struct Happened<'a> {
    /// Its name among awards.
    pub occasion: &'a str,
    /// Whose.
    pub member: MemberId,
    /// When it happened.
    pub at: Timestamp,
    /// What an operation says it is for: `order`, `event`.
    pub kind: &'a str,
    /// And which one: the order's number, the event's name.
    pub reference: &'a str,
}

/// Commands to be posted together, and the awards that they change: by their place, with what they are if the commands are done.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// All or none of them.
    pub commands: Vec<Command>,
    /// The award that is given or taken back, as it is then.
    pub award: Award,
    /// The one that it replaces, as it is then.
    pub replaced: Option<Award>,
    /// What counts more or less then.
    counts: Vec<(Count, Used)>,
}

/// The awards of some occasions, and what rules gave before, in memory.
#[derive(Debug)]
pub struct Awards<'a> {
    program: &'a Program,
    calendar: Calendar,
    wallets: &'a HashMap<String, WalletId>,
    /// The latest revision of each, by occasion and rule.
    known: BTreeMap<(String, String), Award>,
    used: HashMap<Count, Used>,
    steps: Vec<Step>,
    /// Awards that gave nothing, and why, to be kept.
    nothing: Vec<Award>,
}

impl<'a> Awards<'a> {
    /// With the latest revision of each award of the occasions, and what was given before as far as caps ask for it.
    pub fn new(
        program: &'a Program,
        calendar: Calendar,
        wallets: &'a HashMap<String, WalletId>,
        known: impl IntoIterator<Item = Award>,
        used: HashMap<Count, Used>,
    ) -> Self {
        let known = known.into_iter().map(|award| ((award.occasion.clone(), award.rule.clone()), award)).collect();
        Self { program, calendar, wallets, known, used, steps: Vec::new(), nothing: Vec::new() }
    }

    /// What a rule gave before, for [`super::rate`]; without what it gave for the occasion itself, so that what is told again does not stand in its own way.
    pub fn without(&self, member: MemberId, occasion: &str, rule: &str, per: CapPer, period: Period) -> Used {
        let used = given(&self.used, member, rule, per, period);
        let own = self.known.get(&(occasion.to_owned(), rule.to_owned()));
        let own = own.filter(|award| award.left() > 0 && (per == CapPer::Everybody || award.member == member));
        let own = own.filter(|award| Period::of(period.every, award.occurred_at, &self.calendar) == period);
        own.map_or(used, |award| Used { points: used.points - award.left(), times: used.times - 1 })
    }

    /// An occasion came to this under these rules: gives what is new, and what was given otherwise anew.
    pub fn earned(&mut self, happened: &Happened<'_>, rules: &[InForce<'_>], rated: &Rated) {
        let named: BTreeSet<&str> = rated.lines.iter().map(|line| line.rule.as_str()).collect();
        for line in &rated.lines {
            let Some((rule, _)) = rules.iter().find(|(rule, _)| rule.key == line.rule) else { continue };
            let known = self.known.get(&(happened.occasion.to_owned(), line.rule.clone())).cloned();
            match known {
                Some(award) if award.is_as(line, happened) => {}
                Some(award) => self.replace(happened, rule, line, award),
                None => self.give(happened, rule, line, None),
            }
        }
        let of_it = |award: &&Award| award.occasion == happened.occasion && !named.contains(award.rule.as_str());
        let gone: Vec<Award> = self.known.values().filter(of_it).cloned().collect();
        for award in gone {
            self.withdraw(happened, award, NO_RULE);
        }
    }

    /// So much of the order went back so far: takes back the part of its points.
    pub fn went_back(&mut self, happened: &Happened<'_>, refunded: i64, total: i64) {
        let of_it = |award: &&Award| award.occasion == happened.occasion && award.points > 0 && award.counts();
        let awards: Vec<Award> = self.known.values().filter(of_it).cloned().collect();
        for award in awards {
            // Nothing has gone back of an order that brought nothing, before somebody says so.
            let whole = refunded > 0 && refunded >= total;
            let due = if refunded > 0 { clawed(award.points, refunded, total) } else { 0 };
            match due.cmp(&award.taken_back) {
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => {
                    let amount = due - award.taken_back;
                    let portion = if whole { Portion::Rest } else { Portion::Points { amount } };
                    self.take_back(happened, award, portion);
                }
                // Less went back than was said before: what was taken too much is given again.
                std::cmp::Ordering::Less => self.give_again(happened, award, due),
            }
        }
    }

    /// What happened did not: all of its points are taken back.
    pub fn undone(&mut self, happened: &Happened<'_>) {
        self.went_back(happened, 1, 1);
    }

    /// The latest revision of each award, as it stands.
    pub fn known(&self) -> impl Iterator<Item = &Award> {
        self.known.values()
    }

    /// What is to be posted, in order, and awards that gave nothing.
    pub fn take(&mut self) -> (Vec<Step>, Vec<Award>) {
        (std::mem::take(&mut self.steps), std::mem::take(&mut self.nothing))
    }

    fn replace(&mut self, happened: &Happened<'_>, rule: &Rule, line: &Line, old: Award) {
        if line.points > 0 {
            self.give(happened, rule, line, Some(old));
        } else {
            self.withdraw(happened, old, line.outcome.code());
        }
    }

    /// Takes back an award for which there is no reason any more.
    fn withdraw(&mut self, happened: &Happened<'_>, old: Award, why: &str) {
        let withdrawn = Award { outcome: why.to_owned(), wanted: 0, ..old };
        if withdrawn.left() > 0 {
            self.take_back(happened, withdrawn, Portion::Rest);
        } else {
            self.keep(withdrawn);
        }
    }

    /// Keeps an award for which nothing is posted.
    fn keep(&mut self, award: Award) {
        self.nothing.push(award.clone());
        self.known.insert((award.occasion.clone(), award.rule.clone()), award);
    }

    /// Gives an award, and takes back the one that it replaces.
    fn give(&mut self, happened: &Happened<'_>, rule: &Rule, line: &Line, old: Option<Award>) {
        let keeps = matches!(line.outcome, Outcome::Given | Outcome::Capped(_) | Outcome::HeldOut);
        if !keeps {
            return;
        }
        let award = Award {
            occasion: happened.occasion.to_owned(),
            rule: line.rule.clone(),
            revision: old.as_ref().map_or(1, |award| award.revision + 1),
            version: line.version,
            member: happened.member,
            wallet: line.wallet.clone(),
            outcome: line.outcome.code().to_owned(),
            wanted: line.wanted,
            points: line.points,
            taken_back: 0,
            occurred_at: happened.at,
        };
        if award.points == 0 {
            self.keep(award);
            return;
        }
        let Some(earn) = self.earn(happened, &award, rule.pending, rule.expiry.as_ref()) else { return };
        self.push(happened, earn, award, old);
    }

    /// Gives an award anew of which too much was taken back: as it was, less what is due.
    fn give_again(&mut self, happened: &Happened<'_>, old: Award, due: i64) {
        let award = Award { revision: old.revision + 1, taken_back: due, ..old.clone() };
        let Some(mut earn) = self.earn(happened, &award, None, None) else { return };
        if let Act::Earn { amount, .. } = &mut earn.act {
            *amount = award.left();
        }
        self.push(happened, earn, award, Some(old));
    }

    fn push(&mut self, happened: &Happened<'_>, earn: Command, award: Award, old: Option<Award>) {
        let mut commands = Vec::new();
        let mut counts = Vec::new();
        let replaced = old.filter(|old| old.left() > 0).map(|old| {
            commands.extend(self.reversal(happened, &old, Portion::Rest));
            counts.extend(self.counts(&old, -old.left(), -1));
            Award { taken_back: old.points, ..old }
        });
        commands.push(earn);
        counts.extend(self.counts(&award, award.left(), 1));
        self.step(Step { commands, award, replaced, counts });
    }

    fn take_back(&mut self, happened: &Happened<'_>, award: Award, portion: Portion) {
        let amount = match portion {
            Portion::Points { amount } => amount,
            _ => award.left(),
        };
        if amount <= 0 {
            return;
        }
        let Some(command) = self.reversal(happened, &award, portion) else { return };
        let times = if amount == award.left() { -1 } else { 0 };
        let counts = self.counts(&award, -amount, times);
        let award = Award { taken_back: award.taken_back + amount, ..award };
        self.step(Step { commands: vec![command], award, replaced: None, counts });
    }

    fn step(&mut self, step: Step) {
        for (count, change) in &step.counts {
            let used = self.used.entry(count.clone()).or_default();
            (used.points, used.times) = (used.points + change.points, used.times + change.times);
        }
        let key = (step.award.occasion.clone(), step.award.rule.clone());
        self.known.insert(key, step.award.clone());
        self.steps.push(step);
    }

    /// Where an award counts: in every kind of period, so that a cap that is set later knows what was given before.
    fn counts(&self, award: &Award, points: i64, times: i64) -> Vec<(Count, Used)> {
        let periods = Period::all(award.occurred_at, &self.calendar).map(Period::key);
        let whose = [Some(award.member), None];
        let each =
            |period: &String| whose.map(|whose| ((award.rule.clone(), whose, period.clone()), Used { points, times }));
        periods.iter().flat_map(each).collect()
    }

    fn earn(
        &self,
        happened: &Happened<'_>,
        award: &Award,
        pending: Option<dates::Pending>,
        expiry: Option<&dates::Expiry>,
    ) -> Option<Command> {
        let plan = self.program.wallet(&award.wallet)?;
        let zone = &self.calendar.zone;
        let act = Act::Earn {
            amount: award.points,
            earned_at: Some(award.occurred_at),
            active_from: pending.unwrap_or(plan.pending).end(award.occurred_at, zone),
            expires_at: expiry.unwrap_or(&plan.expiry).end(award.occurred_at, zone),
        };
        self.command(happened, award, award.command(), act)
    }

    fn reversal(&self, happened: &Happened<'_>, award: &Award, portion: Portion) -> Option<Command> {
        let shortage = self.program.wallet(&award.wallet).map_or_else(Shortage::default, |plan| plan.clawback);
        let so_far = match portion {
            Portion::Points { amount } => award.taken_back + amount,
            _ => award.points,
        };
        let act = Act::Reverse { of: award.command(), portion, shortage, grace_until: None };
        self.command(happened, award, format!("{}:back:{so_far}", award.command()), act)
    }

    fn command(&self, happened: &Happened<'_>, award: &Award, id: String, act: Act) -> Option<Command> {
        let wallet = *self.wallets.get(&award.wallet)?;
        let reason = format!("rule {} version {}", award.rule, award.version);
        let source = Source {
            kind: happened.kind.to_owned(),
            reference: happened.reference.to_owned(),
            reason,
            ..Source::default()
        };
        Some(Command { id, member: award.member, wallet, act, source })
    }
}

impl Award {
    /// Whether it gives points, as far as nothing went back.
    pub fn counts(&self) -> bool {
        [Outcome::Given, Outcome::Capped(0)].iter().any(|it| it.code() == self.outcome)
    }

    /// Whether it is what a line gives now. What a cap left of it is not asked again, and what the ledger refused is not tried again.
    fn is_as(&self, line: &Line, happened: &Happened<'_>) -> bool {
        let counts = matches!(line.outcome, Outcome::Given | Outcome::Capped(_));
        let same_reason = self.outcome == line.outcome.code() || (self.counts() && counts) || self.was_refused();
        let wanted = if counts || line.outcome == Outcome::HeldOut { line.wanted } else { 0 };
        (self.version, self.wanted) == (line.version, wanted)
            && same_reason
            && self.wallet == line.wallet
            && self.member == happened.member
    }

    /// Whether the ledger refused it.
    pub fn was_refused(&self) -> bool {
        Refusal::read(&self.outcome).is_some()
    }
}

impl Step {
    /// What counts more or less when it is done.
    pub fn counts(&self) -> &[(Count, Used)] {
        &self.counts
    }
}
