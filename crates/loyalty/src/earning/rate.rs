//! Reckoning: one occasion, the rules in force, and what comes of each.

use jiff::civil::Date;
use rapport_domain::assignment::{PLACES, bucket};
use rapport_domain::money::{MICROS_PER_UNIT, micros_from_json};
use rapport_domain::{Calendar, PersonId, Timestamp};
use rapport_segments::{Condition, Moment, Subject, holds};

use super::Amounts;
use super::rule::{Base, CapOf, CapPer, Every, Gives, Round, Rule, Window};
use crate::decimal::Decimal;
use crate::document::Holdout;
use crate::program::{Mode, Program};

/// Something that somebody did.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Who did what, with what is known of them; its event must be there.
    pub subject: &'a Subject<'a>,
    /// What an order came to, where it is one.
    pub amounts: &'a Amounts,
    /// When it happened, and the calendar of the programme's zone, weeks from Monday.
    pub moment: Moment<'a>,
}

/// A rule in force.
pub type InForce<'a> = (&'a Rule, i64);

/// What came of an occasion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rated {
    /// A line for each rule that looks at this event, in the order of the rules.
    pub lines: Vec<Line>,
}

/// What came of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its key.
    pub rule: String,
    /// Its version.
    pub version: i64,
    /// Into which wallet.
    pub wallet: String,
    /// What it would have given if nothing cut it.
    pub wanted: i64,
    /// What it gives.
    pub points: i64,
    /// Why.
    pub outcome: Outcome,
}

/// Why a rule gives what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gives what it says.
    Given,
    /// A cap left only a part, or nothing: which of its caps, from 0.
    Capped(usize),
    /// It did not hold at that time.
    OutsideWindow,
    /// Its condition does not hold.
    Condition,
    /// The order's currency has no rate.
    NoRate,
    /// It comes to less than a point.
    TooLittle,
    /// Another rule of its group counts instead.
    Instead(String),
    /// The member is one of those who earn nothing by it, so that its effect can be seen.
    HeldOut,
}

impl Outcome {
    /// A stable word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Capped(_) => "capped",
            Self::OutsideWindow => "outside_window",
            Self::Condition => "condition",
            Self::NoRate => "no_rate",
            Self::TooLittle => "too_little",
            Self::Instead(_) => "instead",
            Self::HeldOut => "held_out",
        }
    }
}

/// A period in which caps count: its kind, and its first day (`None` of all time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// What kind.
    pub every: Every,
    /// Its first day in the programme's zone.
    pub from: Option<Date>,
}

impl Period {
    /// The one that an instant lies in.
    pub fn of(every: Every, at: Timestamp, calendar: &Calendar) -> Self {
        let day = calendar.date(at);
        let from = match every {
            Every::Day => Some(day),
            Every::Week => {
                let back = i64::from(day.weekday().to_monday_zero_offset());
                Some(day.saturating_sub(jiff::Span::new().days(back)))
            }
            Every::Month => Some(day.first_of_month()),
            Every::Year => Some(day.first_of_year()),
            Every::Ever => None,
        };
        Self { every, from }
    }

    /// The periods of every kind that an instant lies in.
    pub fn all(at: Timestamp, calendar: &Calendar) -> [Self; 5] {
        Every::ALL.map(|every| Self::of(every, at, calendar))
    }

    /// As it is written in SQL: `month 2026-05-01`, `ever`.
    pub fn key(self) -> String {
        let word = self.every.key();
        self.from.map_or_else(|| word.to_owned(), |from| format!("{word} {from}"))
    }
}

/// What was given by a rule already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Points.
    pub points: i64,
    /// How often.
    pub times: i64,
}

impl Used {
    /// What a cap counts.
    pub const fn of(self, of: CapOf) -> i64 {
        match of {
            CapOf::Points => self.points,
            CapOf::Times => self.times,
        }
    }
}

/// What comes of an occasion. `used` says what a rule gave before, to this member or to everybody, in a period; it is asked for rules with caps only.
pub fn rate(
    program: &Program,
    rules: &[InForce<'_>],
    occasion: Occasion<'_>,
    used: impl Fn(&str, CapPer, Period) -> Used,
) -> Rated {
    let Some(event) = occasion.subject.event else { return Rated::default() };
    let mut rules: Vec<InForce<'_>> = rules.iter().copied().filter(|(rule, _)| rule.event == event.name).collect();
    rules.sort_by(|(one, _), (other, _)| (one.place, &one.key).cmp(&(other.place, &other.key)));
    let line = |(rule, version): &InForce<'_>| Line {
        rule: rule.key.clone(),
        version: *version,
        wallet: rule.wallet(program).to_owned(),
        wanted: 0,
        points: 0,
        outcome: Outcome::Given,
    };
    let mut lines: Vec<Line> = rules.iter().map(line).collect();
    let looks = Looks { program, occasion };
    for ((rule, _), line) in rules.iter().zip(&mut lines) {
        match looks.at(rule) {
            Ok(wanted) => (line.wanted, line.points) = (wanted, wanted),
            Err(outcome) => line.outcome = outcome,
        }
    }
    let plain = |rule: &Rule| !rule.multiplies();
    settle(program, &rules, &mut lines, occasion.subject.person, plain);
    multiply(&rules, &mut lines);
    settle(program, &rules, &mut lines, occasion.subject.person, Rule::multiplies);
    cap(occasion.moment, &rules, &mut lines, used);
    Rated { lines }
}

/// What rules and challenges see of an occasion.
pub(crate) struct Looks<'a> {
    pub program: &'a Program,
    pub occasion: Occasion<'a>,
}

impl Looks<'_> {
    /// What a rule gives by itself, or why it gives nothing. Of one that multiplies it is not known yet.
    fn at(&self, rule: &Rule) -> Result<i64, Outcome> {
        let at = self.occasion.moment.now;
        if !rule.window.holds(at, self.occasion.moment.calendar) {
            return Err(Outcome::OutsideWindow);
        }
        if !holds(&rule.when, self.occasion.subject, self.occasion.moment) {
            return Err(Outcome::Condition);
        }
        let wanted = match &rule.gives {
            Gives::Times { .. } => return Ok(0),
            Gives::Fixed { points } => *points,
            Gives::Amount { points, each, base, items, round, full_steps } => {
                let amount = self.amount(*base, items.as_ref())?;
                let amount = if *full_steps { amount / each.micros() * each.micros() } else { amount };
                share(*points, amount, each.micros(), *round)
            }
            Gives::Units { points, items, round } => {
                share(*points, self.units(items.as_ref())?, MICROS_PER_UNIT, *round)
            }
            Gives::Number { points, each, property, round } => {
                let event = self.occasion.subject.event.ok_or(Outcome::Condition)?;
                let number = event.property(property).and_then(micros_from_json).unwrap_or(0).max(0);
                share(*points, number, each.micros(), *round)
            }
        };
        if wanted > 0 { Ok(wanted) } else { Err(Outcome::TooLittle) }
    }

    /// How many units the lines have that count, in millionths.
    pub(crate) fn units(&self, items: Option<&Condition>) -> Result<i64, Outcome> {
        let view = self.occasion.subject.event.ok_or(Outcome::Condition)?;
        Ok(self.occasion.amounts.units_of(|item| self.counts(items, item), view))
    }

    /// The amount that a rule goes by, in the programme's currency.
    pub(crate) fn amount(&self, base: Base, items: Option<&Condition>) -> Result<i64, Outcome> {
        let amounts = self.occasion.amounts;
        let amount = match items {
            None => amounts.base(base),
            Some(_) => {
                let view = self.occasion.subject.event.ok_or(Outcome::Condition)?;
                amounts.base_of(base, |item| self.counts(items, item), view)
            }
        };
        let currency = amounts.currency.unwrap_or(self.program.currency);
        self.program.exchanged(amount, currency).ok_or(Outcome::NoRate)
    }

    /// Whether a line of the order counts.
    pub(crate) fn counts(&self, items: Option<&Condition>, item: rapport_segments::EventView<'_>) -> bool {
        let subject = Subject { event: Some(item), ..Subject::NOBODY };
        items.is_none_or(|condition| holds(condition, &subject, self.occasion.moment))
    }
}

/// `points` for each `each` of `amount`.
fn share(points: i64, amount: i64, each: i64, round: Round) -> i64 {
    let (product, each) = (i128::from(points) * i128::from(amount.max(0)), i128::from(each.max(1)));
    let rounded = match round {
        Round::Down => product / each,
        Round::Nearest => (2 * product + each) / (2 * each),
        Round::Up => (product + each - 1) / each,
    };
    i64::try_from(rounded).unwrap_or(i64::MAX).min(crate::program::AMOUNT_MAX)
}

impl Window {
    /// Whether it holds at an instant.
    pub fn holds(&self, at: Timestamp, calendar: &Calendar) -> bool {
        let begins = self.from.map(|from| from.start(calendar));
        let ends = self.until.map(|until| until.until(calendar));
        if begins.is_some_and(|from| at < from) || ends.is_some_and(|until| at >= until) {
            return false;
        }
        if self.weekdays.is_empty() && self.from_hour.is_none() && self.until_hour.is_none() {
            return true;
        }
        let local = at.to_jiff().to_zoned(calendar.zone.clone());
        let hour = u8::try_from(local.hour()).unwrap_or(0);
        let (from, until) = (self.from_hour.unwrap_or(0), self.until_hour.unwrap_or(24));
        let past_midnight = from >= until;
        let in_hours = if past_midnight { hour >= from || hour < until } else { (from..until).contains(&hour) };
        // What began on a Friday evening is still Friday's after midnight.
        let began = if past_midnight && hour < until { local.yesterday().unwrap_or(local) } else { local };
        let day = u8::try_from(began.weekday().to_monday_one_offset()).unwrap_or(0);
        in_hours && (self.weekdays.is_empty() || self.weekdays.contains(&day))
    }
}

/// Whoever is held out of a rule does not have it; then of each group those count that its mode says.
fn settle(program: &Program, rules: &[InForce<'_>], lines: &mut [Line], person: PersonId, of: impl Fn(&Rule) -> bool) {
    let gives = |line: &Line| line.outcome == Outcome::Given && line.points > 0;
    for ((rule, _), line) in rules.iter().zip(lines.iter_mut()).filter(|((rule, _), _)| of(rule)) {
        if gives(line) && is_held_out(rule, person) {
            (line.points, line.outcome) = (0, Outcome::HeldOut);
        }
    }
    for group in &program.groups {
        let is_in = |rule: &Rule| of(rule) && rule.group.as_deref() == Some(&group.key);
        let mut inside: Vec<usize> = (0..rules.len()).filter(|at| is_in(rules[*at].0) && gives(&lines[*at])).collect();
        let chosen = match group.mode {
            Mode::All => continue,
            Mode::First => inside.first().copied(),
            // The first of several that give the same.
            Mode::Best => inside.iter().copied().max_by_key(|at| (lines[*at].points, std::cmp::Reverse(*at))),
        };
        let Some(chosen) = chosen else { continue };
        inside.retain(|at| *at != chosen);
        let key = lines[chosen].rule.clone();
        for at in inside {
            lines[at].points = 0;
            lines[at].outcome = Outcome::Instead(key.clone());
        }
    }
}

/// Whether a member is one of those who earn nothing by a rule: always the same, whatever its other versions say.
pub(crate) fn is_held_out(rule: &Rule, person: PersonId) -> bool {
    holds_out(&rule.salt(), rule.holdout_percent, person)
}

/// Whether a person is one of so many of a hundred who do not have something: always the same for a salt.
pub fn holds_out(salt: &str, percent: u8, person: PersonId) -> bool {
    bucket(salt, person) < u32::from(percent) * (PLACES / 100)
}

/// What multipliers add to what the others give.
fn multiply(rules: &[InForce<'_>], lines: &mut [Line]) {
    for at in 0..rules.len() {
        let Gives::Times { factor, rules: of } = &rules[at].0.gives else { continue };
        if lines[at].outcome != Outcome::Given {
            continue;
        }
        let counts = |(line, (rule, _)): &(&Line, &InForce<'_>)| {
            !rule.multiplies() && line.wallet == lines[at].wallet && (of.is_empty() || of.contains(&line.rule))
        };
        let base: i64 =
            lines.iter().zip(rules).filter(counts).fold(0, |sum, (line, _)| sum.saturating_add(line.points));
        let extra = Decimal::from_micros(factor.micros() - MICROS_PER_UNIT);
        let wanted = share(extra.micros(), base, MICROS_PER_UNIT, Round::Down);
        let line = &mut lines[at];
        (line.wanted, line.points) = (wanted, wanted);
        if wanted == 0 {
            line.outcome = Outcome::TooLittle;
        }
    }
}

/// Cuts what goes past a cap; the tightest of a rule's caps is the one that is named.
fn cap(moment: Moment<'_>, rules: &[InForce<'_>], lines: &mut [Line], used: impl Fn(&str, CapPer, Period) -> Used) {
    for ((rule, _), line) in rules.iter().zip(lines).filter(|(_, line)| line.points > 0) {
        for (number, cap) in rule.caps.iter().enumerate() {
            let used = used(&rule.key, cap.per, Period::of(cap.every, moment.now, moment.calendar));
            let left = match cap.of {
                CapOf::Points => cap.most.saturating_sub(used.points).max(0),
                CapOf::Times if used.times < cap.most => i64::MAX,
                CapOf::Times => 0,
            };
            if left < line.points {
                (line.points, line.outcome) = (left, Outcome::Capped(number));
            }
        }
    }
}
