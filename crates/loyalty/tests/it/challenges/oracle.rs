//! The slow one: for each thing that was done it looks at all that was done up to then, from the beginning, with days counted one by one.

use jiff::ToSpan;
use jiff::civil::Date;
use rapport_domain::{Calendar, Timestamp};
use rapport_loyalty::challenges::{Challenge, Counts, Entry, Period, StreakUnit};

const ONE: i64 = 1_000_000;

pub struct Stands {
    pub done: Vec<(u32, usize, Timestamp)>,
    pub have: i64,
    pub streak: Option<(i64, i64)>,
}

fn day(at: Timestamp, calendar: &Calendar) -> Date {
    at.to_jiff().to_zoned(calendar.zone.clone()).date()
}

/// The first day of the civil period in which a day lies.
fn first(period: Period, day: Date) -> Date {
    let month = |month: i8| Date::new(day.year(), month, 1).unwrap();
    match period {
        Period::Day => day,
        Period::Week => {
            (0..7).map(|back| day - back.days()).find(|day| day.weekday().to_monday_one_offset() == 1).unwrap()
        }
        Period::Month => month(day.month()),
        Period::Quarter => month([1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10][usize::try_from(day.month() - 1).unwrap()]),
        Period::Year => month(1),
        Period::Ever | Period::Rolling { .. } => Date::MIN,
    }
}

/// The first day of the streak's unit.
fn unit(unit: StreakUnit, day: Date) -> Date {
    match unit {
        StreakUnit::Days => day,
        StreakUnit::Weeks => first(Period::Week, day),
        StreakUnit::Months => first(Period::Month, day),
    }
}

fn next(unit: StreakUnit, day: Date) -> Date {
    match unit {
        StreakUnit::Days => day.tomorrow().unwrap(),
        StreakUnit::Weeks => day + 7.days(),
        StreakUnit::Months => day + 1.month(),
    }
}

/// In which period each thing lies: their first days, or how many runs began before.
fn groups(challenge: &Challenge, calendar: &Calendar, entries: &[&Entry], now: Timestamp) -> (Vec<Vec<Entry>>, bool) {
    let mut groups: Vec<(Date, Vec<Entry>)> = Vec::new();
    for entry in entries {
        let own = day(entry.at, calendar);
        let goes_on = match (challenge.period, groups.last()) {
            (_, None) => false,
            (Period::Rolling { days }, Some((began, _))) => own < *began + i64::from(days).days(),
            (period, Some((began, _))) => first(period, own) == *began,
        };
        if !goes_on {
            let began =
                if matches!(challenge.period, Period::Rolling { .. }) { own } else { first(challenge.period, own) };
            groups.push((began, Vec::new()));
        }
        groups.last_mut().unwrap().1.push((*entry).clone());
    }
    let today = day(now, calendar);
    let is_open = groups.last().is_some_and(|(began, _)| match challenge.period {
        Period::Rolling { days } => today < *began + i64::from(days).days(),
        period => first(period, today) == *began,
    });
    (groups.into_iter().map(|(_, group)| group).collect(), is_open)
}

pub fn stand(challenge: &Challenge, calendar: &Calendar, entries: &[Entry], from: Timestamp, now: Timestamp) -> Stands {
    let mut counted: Vec<&Entry> = entries.iter().filter(|it| it.amount > 0 && it.at >= from && it.at <= now).collect();
    counted.sort();
    let (groups, is_open) = groups(challenge, calendar, &counted, now);
    let mut stands = Stands { done: Vec::new(), have: 0, streak: None };
    let (mut current, mut longest) = (0, 0);
    for group in &groups {
        let mut known = 0;
        for end in 1..=group.len() {
            let (reached, have, length) = reckon(challenge, calendar, &group[..end]);
            for (round, step) in &reached[known..] {
                stands.done.push((*round, *step, group[end - 1].at));
            }
            known = reached.len();
            stands.have = have;
            current = length;
            longest = longest.max(length);
        }
    }
    if !is_open {
        (stands.have, current) = (0, 0);
    }
    if let Counts::InARow { unit: of, freezes } = challenge.counts {
        // Lost when, from the last one on, more were missed than may be; how many were missed before is counted anew.
        if let Some(last) = groups.last().and_then(|group| group.last()).filter(|_| is_open) {
            let left = i64::from(freezes) - missed(challenge, calendar, groups.last().unwrap());
            let mut end = unit(of, day(last.at, calendar));
            for _ in 0..left + 1 {
                end = next(of, end);
            }
            if unit(of, day(now, calendar)) > end {
                (stands.have, current) = (0, 0);
            }
        }
        stands.streak = Some((current, longest));
    }
    stands
}

/// What is reached by all of this of one period: (round, step) in order, what there is of the round that is open, how long the streak is.
fn reckon(challenge: &Challenge, calendar: &Calendar, group: &[Entry]) -> (Vec<(u32, usize)>, i64, i64) {
    let targets: Vec<i64> = challenge.steps.iter().map(|step| step.target.micros()).collect();
    let whole = *targets.last().unwrap();
    let most = challenge.recurrence.most();
    match challenge.counts {
        Counts::Times | Counts::Units | Counts::Amount { .. } => {
            let sum: i64 = group.iter().map(|it| it.amount).sum();
            let mut reached = Vec::new();
            for round in 0..most.min(200) {
                let base = i64::from(round) * whole;
                reached
                    .extend((0..targets.len()).filter(|step| sum >= base + targets[*step]).map(|step| (round, step)));
            }
            (reached, sum % whole, 0)
        }
        Counts::Distinct { .. } => {
            let (mut reached, mut round, mut seen) = (Vec::new(), 0, Vec::new());
            for entry in group {
                if !seen.contains(&&entry.value) {
                    seen.push(&entry.value);
                }
                let have = seen.len() as i64 * ONE;
                let steps = (0..targets.len()).filter(|step| have >= targets[*step]).map(|step| (round, step));
                if round < most {
                    reached.extend(steps.filter(|it| !reached.contains(it)).collect::<Vec<_>>());
                }
                if have >= whole && round < most {
                    round += 1;
                    seen.clear();
                }
            }
            let have = seen.len() as i64 * ONE;
            (reached, have, 0)
        }
        Counts::InARow { .. } => {
            let (reached, have, length, _) = chain(challenge, calendar, group);
            (reached, have, length)
        }
    }
}

fn missed(challenge: &Challenge, calendar: &Calendar, group: &[Entry]) -> i64 {
    chain(challenge, calendar, group).3
}

/// Goes from unit to unit, also through those in which nothing was done.
fn chain(challenge: &Challenge, calendar: &Calendar, group: &[Entry]) -> (Vec<(u32, usize)>, i64, i64, i64) {
    let Counts::InARow { unit: of, freezes } = challenge.counts else { unreachable!() };
    let targets: Vec<i64> = challenge.steps.iter().map(|step| step.target.micros() / ONE).collect();
    let active: Vec<Date> = group.iter().map(|it| unit(of, day(it.at, calendar))).collect();
    let (mut at, end) = (active[0], *active.last().unwrap());
    let (mut length, mut before, mut missed, mut open) = (0_i64, 0_i64, 0_i64, 0_i64);
    let (mut reached, mut round) = (Vec::new(), 0_u32);
    while at <= end {
        if active.contains(&at) {
            if missed + open > i64::from(freezes) {
                (length, before, missed) = (0, 0, 0);
            } else {
                missed += open;
            }
            open = 0;
            length += 1;
            if round < challenge.recurrence.most() {
                for (step, target) in targets.iter().enumerate() {
                    let is_next = reached.iter().filter(|(of, _)| *of == round).count() == step;
                    if is_next && length - before >= *target {
                        reached.push((round, step));
                    }
                }
                if reached.contains(&(round, targets.len() - 1)) {
                    round += 1;
                    (before, missed) = (length, 0);
                }
            }
        } else {
            open += 1;
        }
        at = next(of, at);
    }
    (reached, (length - before) * ONE, length, missed)
}
