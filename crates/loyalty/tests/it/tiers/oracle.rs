//! The slow one: it goes through every quarter of a day, and looks through everything that was done each time.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rapport_domain::Timestamp;
use rapport_loyalty::dates::Unit;
use rapport_loyalty::tiers::{Downgrade, Kind, Ladder, Length, Match, Move, Needs, Period, Why};

pub const TICK: i64 = Timestamp::DAY / 4;

pub struct Stands {
    pub tier: Option<String>,
    pub moves: Vec<Move>,
}

fn day(at: Timestamp) -> Date {
    at.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().into()
}

fn add(day: Date, length: Length, times: i64) -> Date {
    let many = i64::from(length.count) * times;
    match length.unit {
        Unit::Days => day + many.days(),
        Unit::Months => day + many.months(),
        Unit::Years => day + many.years(),
    }
}

/// All first days of periods near these years.
fn bounds(ladder: &Ladder, enrolled: Timestamp) -> Vec<Timestamp> {
    let (anchor, length) = match ladder.period {
        Period::Calendar { months, begins } => {
            (date(2024, begins.0, begins.1), Length { count: u16::from(months), unit: Unit::Months })
        }
        Period::Anniversary { count, unit, .. } => (day(enrolled), Length { count, unit }),
        Period::Ever | Period::Rolling { .. } => return Vec::new(),
    };
    (-30..60).map(|times| midnight(add(anchor, length, times))).collect()
}

fn needed(needs: &Needs) -> i64 {
    match needs {
        Needs::Of { at_least, .. } => at_least.micros() / 1_000_000,
        _ => 0,
    }
}

#[expect(clippy::too_many_lines, reason = "it goes from top to bottom and hides nothing")]
pub fn stand(
    ladder: &Ladder,
    amounts: &[(i64, i64)],
    matches: &[Match],
    (begin, enrolled): (Timestamp, Timestamp),
    now: Timestamp,
) -> Stands {
    let done: Vec<(Timestamp, i64)> = amounts.iter().map(|(ticks, euros)| (begin.plus(ticks * TICK), *euros)).collect();
    let bounds = bounds(ladder, enrolled);
    let met_of = |from: Timestamp, to: Timestamp| {
        let sum: i64 = done.iter().filter(|(at, _)| (from..=to).contains(at)).map(|it| it.1).sum();
        let ever: i64 = done.iter().filter(|(at, _)| *at <= to).map(|it| it.1).sum();
        let tiers = ladder.tiers.iter().enumerate();
        tiers
            .filter(|(_, it)| sum >= needed(&it.needs) || it.for_life.as_ref().is_some_and(|life| ever >= needed(life)))
            .map(|it| it.0)
            .max()
            .unwrap()
    };
    let rolling = match ladder.period {
        Period::Rolling { count, unit } => Some(Length { count, unit }),
        _ => None,
    };
    let leaves = |at: Timestamp, length: Length| midnight(add(day(at), length, 1).tomorrow().unwrap());
    let (mut tier, mut shown, mut floor) = (0, 0, 0);
    let mut grace: Option<(Timestamp, Timestamp)> = None;
    let mut soft: Option<Timestamp> = None;
    let mut moves: Vec<Move> = Vec::new();
    let mut at = begin;
    while at <= now {
        let (old_tier, mut kept, mut why) = (tier, false, Why::Counted);
        // From when on what was done counts.
        let from = match rolling {
            Some(length) => {
                let still = done.iter().filter(|(done_at, _)| *done_at <= at && leaves(*done_at, length) > at);
                still.map(|it| it.0).min().unwrap_or(at.plus(1))
            }
            None => bounds.iter().copied().filter(|bound| *bound <= at).max().unwrap_or(Timestamp(i64::MIN)),
        };
        let falls_to = |tier: usize, met: usize| match ladder.downgrade {
            Downgrade::Never => tier,
            Downgrade::Reassess => met.max(floor.min(tier)),
            Downgrade::OneLevel => met.max(tier.saturating_sub(1)).max(floor.min(tier)),
        };
        let grace_end = |at: Timestamp, length: Length| {
            if midnight(day(at)) == at { midnight(add(day(at), length, 1)) } else { leaves(at, length) }
        };
        let mut failed: Option<(usize, Timestamp, Why)> = None;
        if bounds.contains(&at) && at > begin && grace.is_none() {
            let ended = bounds.iter().copied().filter(|bound| *bound < at).max().unwrap();
            let met = met_of(ended, at.plus(-1));
            if met >= tier { kept = true } else { failed = Some((met, ended, Why::PeriodOver)) }
        }
        let is_soft = soft.is_some_and(|until| at < until);
        if bounds.is_empty() && !is_soft {
            soft = None;
            let met = met_of(from, at);
            if met >= tier {
                kept = grace.take().is_some();
            } else if grace.is_none() {
                failed = Some((met, from, Why::Lapsed));
            } else if grace.unwrap().0 <= at {
                grace = None;
                tier = falls_to(tier, met);
                why = Why::GraceOver;
                soft = rolling.filter(|_| ladder.downgrade == Downgrade::OneLevel).map(|length| leaves(at, length));
            }
        } else if let Some((end, since)) = grace {
            let met = met_of(since, if end <= at { end.plus(-1) } else { at });
            if met >= tier {
                (grace, kept) = (None, true);
            } else if end <= at {
                grace = None;
                tier = falls_to(tier, met);
                why = Why::GraceOver;
            }
        }
        if let Some((met, since, reason)) = failed
            && falls_to(tier, met) != tier
        {
            match ladder.grace {
                // What is done in its first instant counts for catching up already.
                Some(_) if !bounds.is_empty() && met_of(since, at) >= tier => kept = true,
                Some(length) => grace = Some((grace_end(at, length), since)),
                None => {
                    tier = falls_to(tier, met);
                    why = reason;
                    soft = rolling.filter(|_| ladder.downgrade == Downgrade::OneLevel).map(|length| leaves(at, length));
                }
            }
        }
        let met = met_of(from, at);
        if met > tier {
            (tier, why, kept) = (met, Why::Counted, false);
        }
        if tier > old_tier {
            (grace, soft) = (None, None);
            let reached = (0..=tier).filter(|place| ladder.tiers[*place].never_below).max();
            floor = floor.max(reached.unwrap_or(0));
        }
        let given =
            matches.iter().filter(|it| it.from <= at && at < it.until).map(|it| ladder.place(&it.tier).unwrap()).max();
        let before = shown;
        shown = tier.max(given.unwrap_or(0));
        let key = |place: usize| Some(ladder.tiers[place].key.clone());
        let mut moved = |kind: Kind, why: Why| moves.push(Move { at, from: key(before), to: key(shown), kind, why });
        if shown > before {
            moved(Kind::Reached, if tier == old_tier { Why::Matched } else { why });
        } else if shown < before {
            moved(Kind::Lost, if tier == old_tier { Why::MatchOver } else { why });
        } else if kept && tier == old_tier && shown == tier && tier > 0 {
            moved(Kind::Kept, Why::Counted);
        }
        at = at.plus(TICK);
    }
    Stands { tier: Some(ladder.tiers[shown].key.clone()), moves }
}
