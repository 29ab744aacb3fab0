//! One member's way along a ladder: from instant to instant at which anything can change, up to the present.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use rapport_domain::Timestamp;

use super::period::{Bounds, day, start};
use super::{Anchor, Downgrade, History, Ladder, Length, Period, Tier};

/// So many steps beyond the present are looked at to see until when a tier is sure; more than any period, grace and soft landing take together.
const AHEAD_MAX: usize = 64;

/// A tier that staff gave for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which.
    pub tier: String,
    /// From when on.
    pub from: Timestamp,
    /// Until before when.
    pub until: Timestamp,
}

/// What became of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A higher one was reached.
    Reached,
    /// It was lost, for a lower one or none.
    Lost,
    /// It was looked whether it is held, and it is.
    Kept,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// By what was counted.
    Counted,
    /// A period was over.
    PeriodOver,
    /// What was done is too long ago, or a condition holds no more.
    Lapsed,
    /// The time to catch up was over.
    GraceOver,
    /// The ladder was changed.
    LadderChanged,
    /// Staff gave the tier.
    Matched,
    /// The time for which staff gave it was over.
    MatchOver,
    /// What was known turned out otherwise: something went back, or was heard of late.
    Restated,
}

/// A move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// When.
    pub at: Timestamp,
    /// From which tier; none below the first.
    pub from: Option<String>,
    /// To which.
    pub to: Option<String>,
    /// What it was.
    pub kind: Kind,
    /// Why.
    pub why: Why,
}

/// How a member stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Their tier.
    pub tier: Option<String>,
    /// The tier by what they did, where staff gave them a higher one.
    pub earned: Option<String>,
    /// Since when they have it.
    pub since: Timestamp,
    /// Until when it is theirs if nothing more happens; nothing when it is not lost by that.
    pub until: Option<Timestamp>,
    /// Until when they may still catch up.
    pub grace_until: Option<Timestamp>,
    /// From when on what they do counts for the next tier.
    pub counts_from: Timestamp,
    /// When that begins anew.
    pub period_end: Option<Timestamp>,
    /// How much there is of each measure, in millionths.
    pub have: Vec<(String, i64)>,
    /// All moves, the oldest first.
    pub moves: Vec<Move>,
    /// When it must be looked again although nothing happened.
    pub due_at: Option<Timestamp>,
}

/// What decides how a member stands.
#[derive(Clone, Debug)]
pub struct Course<'a> {
    /// Versions of the ladder and from when on each is in force, the oldest first; at least one.
    pub versions: Vec<(Timestamp, &'a Ladder)>,
    /// Whether there was a programme without it before.
    pub is_late: bool,
    /// The programme's zone.
    pub zone: TimeZone,
    /// What was done before counts for nothing.
    pub counts_from: Timestamp,
    /// When they became a member.
    pub enrolled_at: Timestamp,
    /// What they did.
    pub history: &'a History,
    /// What staff gave.
    pub matches: &'a [Match],
}

impl Course<'_> {
    /// How they stand at `now`.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let mut walk = Walk::begin(self, now);
        while let Some(next) = walk.next().filter(|next| *next <= now) {
            walk.step(next);
        }
        walk.at = walk.at.max(now);
        walk.standing()
    }

    /// From when on something counts by a version of the ladder.
    fn begin(&self, ladder: &Ladder) -> Timestamp {
        if !ladder.from_enrolment {
            return self.counts_from;
        }
        self.counts_from.max(start(day(self.enrolled_at, &self.zone), &self.zone))
    }
}

/// What a review came to.
struct Turn {
    tier: Option<usize>,
    why: Why,
    kept: bool,
}

#[derive(Clone)]
struct Walk<'a> {
    course: &'a Course<'a>,
    at: Timestamp,
    version: usize,
    /// The tier by what they did, by its place.
    tier: Option<usize>,
    /// The tier they have, by its place.
    shown: Option<usize>,
    since: Timestamp,
    period: Option<Bounds>,
    /// Until when they may catch up, and from when on it counts for that.
    grace: Option<(Timestamp, Timestamp)>,
    /// Until when a soft landing lasts.
    soft_until: Option<Timestamp>,
    /// Tiers below which they do not fall any more.
    floors: BTreeSet<&'a str>,
    /// Of a rolling window: each instant at which something was done, and when it leaves.
    leaving: Vec<(Timestamp, Timestamp)>,
    moves: Vec<Move>,
}

impl<'a> Walk<'a> {
    /// Where it begins: with the first thing that counts, or with the ladder.
    fn begin(course: &'a Course<'a>, now: Timestamp) -> Self {
        let (in_force_from, ladder) = course.versions[0];
        let series = ladder.measures.iter().map(|it| course.history.of(&it.counts));
        let first = series.filter_map(|it| it.next(course.begin(ladder).plus(-1))).min();
        let given = course.matches.iter().map(|it| it.from).min();
        let first = [first, given].into_iter().flatten().fold(course.enrolled_at, Timestamp::min);
        let from = if course.is_late { first.max(in_force_from) } else { first };
        let at = from.max(course.counts_from).min(now);
        let version = course.versions.iter().rposition(|(from, _)| *from <= at).unwrap_or(0);
        let mut walk = Self {
            course,
            at,
            version,
            tier: None,
            shown: None,
            since: course.enrolled_at,
            period: None,
            grace: None,
            soft_until: None,
            floors: BTreeSet::new(),
            leaving: Vec::new(),
            moves: Vec::new(),
        };
        walk.tier = walk.ladder().tiers.first().filter(|tier| tier.needs.is_nothing()).map(|_| 0);
        walk.shown = walk.tier;
        walk.measure_anew();
        if walk.ladder().ended {
            (walk.tier, walk.shown) = (None, None);
            return walk;
        }
        let met = walk.met_now();
        walk.settle(Turn { tier: walk.tier.max(met), why: Why::Counted, kept: false });
        walk
    }

    fn ladder(&self) -> &'a Ladder {
        self.course.versions[self.version].1
    }

    fn tier_at(&self, place: Option<usize>) -> Option<&'a Tier> {
        self.ladder().tiers.get(place?)
    }

    /// Reckons the period and the window by the version of the ladder.
    fn measure_anew(&mut self) {
        let zone = &self.course.zone;
        let anniversary =
            |walk: &Self, length: Length, anchor: Timestamp| length.around(day(anchor, zone), walk.at, zone);
        self.period = match self.ladder().period {
            Period::Ever | Period::Rolling { .. } => None,
            Period::Calendar { months, begins: (month, first) } => {
                let length = Length { count: u16::from(months), unit: crate::dates::Unit::Months };
                Some(length.around(jiff::civil::date(2_000, month, first), self.at, zone))
            }
            Period::Anniversary { count, unit, of } => {
                let anchor = if of == Anchor::Tier { self.since } else { self.course.enrolled_at };
                Some(anniversary(self, Length { count, unit }, anchor))
            }
        };
        self.leaving.clear();
        if let Period::Rolling { count, unit } = self.ladder().period {
            let length = Length { count, unit };
            let series = self.ladder().measures.iter().map(|it| self.course.history.of(&it.counts));
            let ats: BTreeSet<Timestamp> = series.flat_map(|it| it.leaving().iter().copied()).collect();
            self.leaving = ats.into_iter().map(|at| (at, length.leaves(at, zone))).collect();
        }
    }

    /// How much there is of a measure.
    fn have(&self, measure: &str, from: Timestamp, to: Timestamp) -> i64 {
        let Some(measure) = self.ladder().measure(measure) else { return 0 };
        let from = from.max(self.course.begin(self.ladder()));
        self.course.history.of(&measure.counts).within(from, to)
    }

    /// The highest tier of which there is what it needs.
    fn met(&self, from: Timestamp, to: Timestamp) -> Option<usize> {
        let within = |measure: &str| self.have(measure, from, to);
        let ever = |measure: &str| self.have(measure, Timestamp(i64::MIN), to);
        let met = |tier: &Tier| tier.needs.met(&within) || tier.for_life.as_ref().is_some_and(|needs| needs.met(&ever));
        self.ladder().tiers.iter().rposition(met)
    }

    /// From when on what is done counts now.
    fn window(&self) -> Timestamp {
        match (self.ladder().period, self.period) {
            (Period::Rolling { .. }, _) => {
                let first = self.leaving.partition_point(|(_, leaves)| *leaves <= self.at);
                self.leaving.get(first).map_or(self.at.plus(1), |(at, _)| *at)
            }
            (_, Some(period)) => period.from,
            (_, None) => Timestamp(i64::MIN),
        }
    }

    fn met_now(&self) -> Option<usize> {
        self.met(self.window(), self.at)
    }

    /// The next instant at which anything can change.
    fn next(&self) -> Option<Timestamp> {
        let later = |at: Timestamp| Some(at).filter(|at| *at > self.at);
        let series = self.ladder().measures.iter().map(|it| self.course.history.of(&it.counts).next(self.at));
        let leaves = self.leaving.partition_point(|(_, leaves)| *leaves <= self.at);
        let given = self.course.matches.iter().flat_map(|it| [it.from, it.until]).filter(|at| *at > self.at);
        let own = [
            self.leaving.get(leaves).map(|(_, leaves)| *leaves),
            self.period.and_then(|period| later(period.end)),
            self.grace.and_then(|(end, _)| later(end)),
            self.soft_until.and_then(later),
            self.course.versions.get(self.version + 1).map(|(from, _)| *from),
        ];
        series.chain(own).flatten().chain(given).filter(|at| *at < Timestamp(i64::MAX)).min()
    }

    fn step(&mut self, at: Timestamp) {
        self.at = at;
        let mut turn = Turn { tier: self.tier, why: Why::Counted, kept: false };
        while self.course.versions.get(self.version + 1).is_some_and(|(from, _)| *from <= at) {
            self.change_ladder(&mut turn);
        }
        if self.ladder().ended {
            turn.tier = None;
            return self.settle(turn);
        }
        self.review(&mut turn);
        let met = self.met_now();
        if met > turn.tier {
            turn = Turn { tier: met, why: Why::Counted, kept: false };
        }
        self.settle(turn);
    }

    /// A tier that is gone becomes the next lower one that is left.
    fn change_ladder(&mut self, turn: &mut Turn) {
        let old = self.ladder();
        self.version += 1;
        let new = self.ladder();
        let place = |place: Option<usize>| {
            old.tiers[..place.map_or(0, |place| place + 1)].iter().rev().find_map(|tier| new.place(&tier.key))
        };
        let is_gone = |at: Option<usize>| at.is_some_and(|at| new.place(&old.tiers[at].key).is_none());
        if new.ended && !old.ended {
            turn.why = Why::LadderChanged;
            turn.tier = None;
        } else if is_gone(self.shown) {
            turn.why = Why::LadderChanged;
            let (from, to) = (self.shown, place(self.shown));
            let key = |ladder: &Ladder, place: Option<usize>| Some(ladder.tiers.get(place?)?.key.clone());
            let lost =
                Move { at: self.at, from: key(old, from), to: key(new, to), kind: Kind::Lost, why: Why::LadderChanged };
            self.moves.push(lost);
            self.since = self.at;
        }
        self.shown = place(self.shown);
        self.tier = place(self.tier);
        turn.tier = self.tier;
        if old.ended && !new.ended {
            self.floors.clear();
            turn.tier = new.tiers.first().filter(|tier| tier.needs.is_nothing()).map(|_| 0);
        }
        let period = self.period;
        self.measure_anew();
        if old.period == new.period {
            self.period = period;
        }
    }

    /// Looks whether the tier is held.
    fn review(&mut self, turn: &mut Turn) {
        match self.period {
            Some(period) => {
                if period.end <= self.at {
                    self.period = Some(self.following(period));
                    if self.grace.is_none() {
                        self.judge(turn, period.from, Why::PeriodOver);
                    }
                }
                self.catch_up(turn);
            }
            None if self.soft_until.is_some_and(|until| self.at < until) => {}
            None => {
                self.soft_until = None;
                let met = self.met_now();
                match self.grace {
                    Some(_) if met >= turn.tier => {
                        self.grace = None;
                        turn.kept = true;
                    }
                    Some((end, _)) if end <= self.at => self.fall(turn, met, Why::GraceOver),
                    Some(_) => {}
                    None if met < turn.tier => self.judge(turn, self.window(), Why::Lapsed),
                    None => {}
                }
            }
        }
    }

    fn following(&self, period: Bounds) -> Bounds {
        let zone = &self.course.zone;
        match self.ladder().period {
            Period::Anniversary { count, unit, of: Anchor::Enrolment } => {
                Length { count, unit }.around(day(self.course.enrolled_at, zone), self.at, zone)
            }
            Period::Anniversary { count, unit, of: Anchor::Tier } => {
                Bounds { from: period.end, end: Length { count, unit }.after(period.end, zone) }
            }
            Period::Calendar { months, begins: (month, first) } => {
                let length = Length { count: u16::from(months), unit: crate::dates::Unit::Months };
                length.around(jiff::civil::date(2_000, month, first), self.at, zone)
            }
            Period::Ever | Period::Rolling { .. } => period,
        }
    }

    /// Whether what was done from an instant on is enough for the tier; it is kept, or falls, now or after the grace.
    fn judge(&mut self, turn: &mut Turn, from: Timestamp, why: Why) {
        let to = if why == Why::PeriodOver { self.at.plus(-1) } else { self.at };
        let met = self.met(from, to);
        if met >= turn.tier {
            turn.kept = true;
        } else if self.target(turn.tier, met) == turn.tier {
            // It stays, whatever they do: for ever, or as the lowest they can fall to.
        } else if let Some(grace) = self.ladder().grace {
            let zone = &self.course.zone;
            let is_start = start(day(self.at, zone), zone) == self.at;
            let end = if is_start { grace.after(self.at, zone) } else { grace.leaves(self.at, zone) };
            self.grace = Some((end, from));
        } else {
            self.fall(turn, met, why);
        }
    }

    /// Within the grace everything counts from the beginning of the period that was not enough.
    fn catch_up(&mut self, turn: &mut Turn) {
        let Some((end, from)) = self.grace else { return };
        let is_over = end <= self.at;
        let met = self.met(from, if is_over { end.plus(-1) } else { self.at });
        if met >= turn.tier {
            self.grace = None;
            turn.kept = true;
        } else if is_over {
            self.fall(turn, met, Why::GraceOver);
        }
    }

    /// To which tier somebody falls.
    fn target(&self, tier: Option<usize>, met: Option<usize>) -> Option<usize> {
        let floor = self.ladder().tiers.iter().rposition(|it| self.floors.contains(it.key.as_str()));
        let to = match self.ladder().downgrade {
            Downgrade::Never => tier,
            Downgrade::Reassess => met,
            Downgrade::OneLevel => met.max(tier.and_then(|place| place.checked_sub(1))),
        };
        to.max(floor.min(tier))
    }

    fn fall(&mut self, turn: &mut Turn, met: Option<usize>, why: Why) {
        self.grace = None;
        turn.tier = self.target(turn.tier, met);
        turn.why = why;
        if let (Downgrade::OneLevel, Period::Rolling { count, unit }) = (self.ladder().downgrade, self.ladder().period)
        {
            self.soft_until = Some(Length { count, unit }.leaves(self.at, &self.course.zone));
        }
    }

    /// Notes what a step came to: at most one move.
    fn settle(&mut self, turn: Turn) {
        let (old, shown) = (self.tier, self.shown);
        self.tier = turn.tier;
        if turn.tier > old {
            (self.grace, self.soft_until) = (None, None);
            let reached = &self.ladder().tiers[..=turn.tier.unwrap_or(0)];
            self.floors.extend(reached.iter().filter(|tier| tier.never_below).map(|tier| tier.key.as_str()));
        }
        if let Period::Anniversary { count, unit, of: Anchor::Tier } = self.ladder().period
            && (turn.tier != old || (turn.kept && self.period.is_none_or(|period| period.from != self.at)))
        {
            let end = Length { count, unit }.after(self.at, &self.course.zone);
            // What reached the tier does not count for the next one; what comes with a new period does.
            let from = if turn.tier > old { self.at.plus(1) } else { self.at };
            self.period = Some(Bounds { from, end });
        }
        let given = self.course.matches.iter().filter(|it| it.from <= self.at && self.at < it.until);
        let given = given.filter(|_| !self.ladder().ended).filter_map(|it| self.ladder().place(&it.tier)).max();
        self.shown = self.tier.max(given);
        let key = |place: Option<usize>| self.tier_at(place).map(|tier| tier.key.clone());
        let (kind, why) = match (self.shown.cmp(&shown), turn.tier == old) {
            (std::cmp::Ordering::Greater, true) => (Kind::Reached, Why::Matched),
            (std::cmp::Ordering::Greater, false) => (Kind::Reached, turn.why),
            (std::cmp::Ordering::Less, true) => (Kind::Lost, Why::MatchOver),
            (std::cmp::Ordering::Less, false) => (Kind::Lost, turn.why),
            (std::cmp::Ordering::Equal, _) => {
                let is_told = turn.kept
                    && self.shown == self.tier
                    && turn.tier == old
                    && self.tier_at(self.tier).is_some_and(|tier| !tier.needs.is_nothing());
                if !is_told {
                    return;
                }
                (Kind::Kept, Why::Counted)
            }
        };
        let (from, to) = (key(shown), key(self.shown));
        if kind != Kind::Kept {
            self.since = self.at;
        }
        // A tier that went with the ladder and one that was reached in the same instant are one move.
        let same = self.moves.last().filter(|last| last.at == self.at).map(|last| last.from.clone());
        let from = match same {
            Some(first) => {
                self.moves.pop();
                first
            }
            None => from,
        };
        self.moves.push(Move { at: self.at, from, to, kind, why });
    }

    fn standing(self) -> Standing {
        let ladder = self.ladder();
        let key = |place: Option<usize>| self.tier_at(place).map(|tier| tier.key.clone());
        let counts_from = self.window().max(self.course.begin(ladder));
        let have = ladder.measures.iter().map(|it| (it.key.clone(), self.have(&it.key, self.window(), self.at)));
        let have: Vec<(String, i64)> = have.collect();
        Standing {
            tier: key(self.shown),
            earned: key(self.tier),
            since: self.since,
            until: self.lost_at(),
            grace_until: self.grace.map(|(end, _)| end),
            counts_from,
            period_end: self.period.map(|period| period.end),
            due_at: self.next().filter(|_| self.may_change(&have)),
            have,
            moves: self.moves,
        }
    }

    /// Whether anything can change by itself.
    fn may_change(&self, have: &[(String, i64)]) -> bool {
        if self.ladder().ended {
            return false;
        }
        let is_bare = self.tier_at(self.tier).is_none_or(|tier| tier.needs.is_nothing());
        let given = self.course.matches.iter().any(|it| it.until > self.at);
        !is_bare || given || have.iter().any(|(_, amount)| *amount != 0)
    }

    /// When the tier goes if nothing more happens.
    fn lost_at(&self) -> Option<Timestamp> {
        let mut ahead = self.clone();
        let known = ahead.moves.len();
        let most = AHEAD_MAX + ahead.leaving.len();
        for _ in 0..most {
            ahead.step(ahead.next()?);
            let lost = ahead.moves.get(known..)?.iter().find(|it| it.kind == Kind::Lost);
            if let Some(lost) = lost {
                return Some(lost.at);
            }
        }
        None
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reached, Self::Lost, Self::Kept];

    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Lost => "lost",
            Self::Kept => "kept",
        }
    }
}

impl Why {
    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::PeriodOver => "period_over",
            Self::Lapsed => "lapsed",
            Self::GraceOver => "grace_over",
            Self::LadderChanged => "ladder_changed",
            Self::Matched => "matched",
            Self::MatchOver => "match_over",
            Self::Restated => "restated",
        }
    }
}
