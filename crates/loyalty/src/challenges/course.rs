//! One member's way through a challenge: all that counted, in its order, up to the present.

use std::collections::BTreeSet;

use rapport_domain::money::MICROS_PER_UNIT;
use rapport_domain::{Calendar, Timestamp};

use super::{Challenge, Counts, Joins, Period, Span};

/// Something that counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Which value, where different ones are counted; else empty.
    pub value: String,
    /// How much is left of it, in millionths.
    pub amount: i64,
}

/// A step that was completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// In which period: [`Span::key`].
    pub period: String,
    /// In which round of it, from 0.
    pub round: u32,
    /// Which step, from 0.
    pub step: usize,
    /// When.
    pub at: Timestamp,
    /// By which version.
    pub version: i64,
    /// Whether it was the last step, so that the challenge was completed.
    pub is_last: bool,
}

/// How a streak stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// How long it is.
    pub current: i64,
    /// How long the longest was.
    pub longest: i64,
    /// When it is lost unless something more is done.
    pub ends_at: Option<Timestamp>,
    /// How many may still be missed.
    pub freezes_left: i64,
}

/// How far a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// In which period: [`Span::key`].
    pub period: String,
    /// When it ends.
    pub period_end: Option<Timestamp>,
    /// How many rounds were completed in it.
    pub rounds: u32,
    /// How much there is in this round, in millionths.
    pub have: i64,
    /// How many steps of this round were completed.
    pub steps: usize,
    /// Whether it cannot be completed again in this period.
    pub is_finished: bool,
    /// How the streak stands, where it is one.
    pub streak: Option<Streak>,
    /// When something last counted.
    pub last_at: Option<Timestamp>,
    /// Everything that was completed, in its order.
    pub done: Vec<Done>,
    /// When it must be looked again although nothing happened.
    pub due_at: Option<Timestamp>,
}

/// What decides how far a member is.
#[derive(Clone, Debug)]
pub struct Course<'a> {
    /// Versions and from when on each is in force, the oldest first; at least one.
    pub versions: Vec<(Timestamp, i64, &'a Challenge)>,
    /// The programme's.
    pub calendar: &'a Calendar,
    /// What was done before counts for nothing: the member was none, or had not joined.
    pub from: Timestamp,
    /// What was done from then on counts for nothing: they left.
    pub until: Option<Timestamp>,
    /// What counted, in any order.
    pub entries: &'a [Entry],
}

impl Course<'_> {
    /// How far they are at `now`.
    pub fn progress(&self, now: Timestamp) -> Progress {
        let counts = |it: &&Entry| it.amount > 0 && it.at >= self.from && self.until.is_none_or(|until| it.at < until);
        let mut entries: Vec<&Entry> = self.entries.iter().filter(counts).collect();
        entries.sort_unstable();
        let (past, to_come) = entries.split_at(entries.partition_point(|it| it.at <= now));
        let mut walk = Walk { course: self, runs: 0, run: None, longest: 0, last_at: None, done: Vec::new() };
        for entry in past {
            walk.take(entry);
        }
        walk.progress(now, to_come.first().map(|it| it.at))
    }

    fn version(&self, at: Timestamp) -> (i64, &Challenge) {
        let held = self.versions.iter().rposition(|(from, ..)| *from <= at).unwrap_or(0);
        let (_, version, challenge) = self.versions[held];
        (version, challenge)
    }

    fn latest(&self) -> &Challenge {
        self.versions[self.versions.len() - 1].2
    }
}

/// What was done in one period.
struct Run {
    span: Span,
    rounds: u32,
    have: i64,
    steps: usize,
    values: BTreeSet<String>,
    chain: Option<Chain>,
}

/// A streak that goes on.
#[derive(Clone, Copy)]
struct Chain {
    /// The number of the day, week or month that was last.
    last: i64,
    last_at: Timestamp,
    length: i64,
    /// Of these so many belong to rounds before.
    before: i64,
    missed: i64,
}

impl Run {
    const fn new(span: Span) -> Self {
        Self { span, rounds: 0, have: 0, steps: 0, values: BTreeSet::new(), chain: None }
    }

    fn count(&mut self, entry: &Entry, challenge: &Challenge, calendar: &Calendar) {
        match &challenge.counts {
            Counts::Times | Counts::Units | Counts::Amount { .. } => self.have = self.have.saturating_add(entry.amount),
            Counts::Distinct { .. } => {
                if self.values.insert(entry.value.clone()) {
                    self.have = self.have.saturating_add(MICROS_PER_UNIT);
                }
            }
            Counts::InARow { unit, freezes } => {
                let number = unit.number(entry.at, calendar);
                let chain = Chain::next(self.chain, number, entry.at, i64::from(*freezes));
                self.have = (chain.length - chain.before) * MICROS_PER_UNIT;
                self.chain = Some(chain);
            }
        }
    }

    fn end_round(&mut self, challenge: &Challenge) {
        self.rounds = self.rounds.saturating_add(1);
        self.steps = 0;
        self.values.clear();
        self.have = match &challenge.counts {
            Counts::Distinct { .. } | Counts::InARow { .. } => 0,
            _ => (self.have - challenge.round()).max(0),
        };
        if let Some(chain) = &mut self.chain {
            (chain.before, chain.missed) = (chain.length, 0);
        }
    }
}

impl Chain {
    fn next(known: Option<Self>, number: i64, at: Timestamp, freezes: i64) -> Self {
        let Some(chain) = known else { return Self { last: number, last_at: at, length: 1, before: 0, missed: 0 } };
        if chain.last == number {
            return Self { last_at: at, ..chain };
        }
        let missed = chain.missed + number - chain.last - 1;
        if missed > freezes {
            return Self::next(None, number, at, freezes);
        }
        Self { last: number, last_at: at, length: chain.length + 1, missed, ..chain }
    }
}

struct Walk<'a> {
    course: &'a Course<'a>,
    /// How many runs began.
    runs: u32,
    run: Option<Run>,
    longest: i64,
    last_at: Option<Timestamp>,
    done: Vec<Done>,
}

impl Walk<'_> {
    fn take(&mut self, entry: &Entry) {
        let course = self.course;
        let (version, challenge) = course.version(entry.at);
        let mut run = self.run.take().filter(|run| entry.at < run.span.end).unwrap_or_else(|| self.begin(entry.at));
        run.count(entry, challenge, course.calendar);
        self.last_at = Some(entry.at);
        self.longest = self.longest.max(run.chain.map_or(0, |chain| chain.length));
        let most = challenge.recurrence.most();
        while run.rounds < most {
            // Of fewer steps than were completed already, the round is over.
            let Some(step) = challenge.steps.get(run.steps) else {
                run.end_round(challenge);
                continue;
            };
            if run.have < step.target.micros() {
                break;
            }
            let is_last = run.steps + 1 == challenge.steps.len();
            let (period, round, step) = (run.span.key.clone(), run.rounds, run.steps);
            self.done.push(Done { period, round, step, at: entry.at, version, is_last });
            run.steps += 1;
            if is_last {
                run.end_round(challenge);
            }
        }
        self.run = Some(run);
    }

    /// The period in which an instant lies, with nothing done in it yet.
    fn begin(&mut self, at: Timestamp) -> Run {
        let challenge = self.course.latest();
        let Period::Rolling { days } = challenge.period else {
            return Run::new(challenge.period.span(at, self.course.calendar));
        };
        self.runs += 1;
        let joined = Span::run(self.runs, self.course.from, days, self.course.calendar);
        let is_first = self.runs == 1 && challenge.joins == Joins::OptIn && at < joined.end;
        Run::new(if is_first { joined } else { Span::run(self.runs, at, days, self.course.calendar) })
    }

    fn progress(mut self, now: Timestamp, next: Option<Timestamp>) -> Progress {
        let challenge = self.course.latest();
        let is_rolling = matches!(challenge.period, Period::Rolling { .. });
        let run = self.run.take().filter(|run| now < run.span.end);
        let run = run.unwrap_or_else(|| {
            let none = Span { key: String::new(), from: now, end: Timestamp(i64::MAX) };
            if is_rolling { Run::new(none) } else { self.begin(now) }
        });
        let is_finished = run.rounds >= challenge.recurrence.most();
        let streak = self.streak(&run, now);
        let is_lost = streak.is_some_and(|streak| streak.current == 0);
        let have = if is_finished {
            challenge.round()
        } else if is_lost {
            0
        } else {
            run.have
        };
        let is_open = run.have > 0 || run.steps > 0 || run.rounds > 0;
        let end = Some(run.span.end).filter(|end| *end < Timestamp(i64::MAX));
        let lost_at = streak.and_then(|streak| streak.ends_at);
        Progress {
            period: run.span.key,
            period_end: end,
            rounds: run.rounds,
            have,
            steps: run.steps,
            is_finished,
            streak,
            last_at: self.last_at,
            done: self.done,
            due_at: [end.filter(|_| is_open), lost_at, next].into_iter().flatten().min(),
        }
    }

    fn streak(&self, run: &Run, now: Timestamp) -> Option<Streak> {
        let Counts::InARow { unit, freezes } = self.course.latest().counts else { return None };
        let none = Streak { longest: self.longest, freezes_left: i64::from(freezes), ..Streak::default() };
        let Some(chain) = run.chain else { return Some(none) };
        let left = (i64::from(freezes) - chain.missed).max(0);
        let many = u32::try_from(left).unwrap_or(0) + 2;
        let ends_at = unit.after(chain.last_at, many, self.course.calendar).min(run.span.end);
        let lives = Streak { current: chain.length, ends_at: Some(ends_at), freezes_left: left, ..none };
        Some(if now < ends_at { lives } else { none })
    }
}
