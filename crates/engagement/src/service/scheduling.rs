//! Going out on a schedule: runs let the members of an audience in, some at a time; dates let in whose day comes.
//!
//! Always holds: a run goes on where the last commit left it, and whoever came in by it does not come in by it again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::facts;
use rapport_segments::records::memberships;
use rapport_store::{Priority, Queries, Store, Tx};
use serde_json::Value;

use super::entering::{Occasion, With, enter};
use crate::Error;
use crate::journey::definition::{Definition, Entry, Every, Schedule, WhoseClock};
use crate::journey::rules::place;
use crate::plans::Launched;
use crate::records::runs::{self, RunRow};
use crate::situations;
use crate::timing;
use crate::zones::zone_of;

/// The run that lets in who is in the segment at launch.
pub const AT_LAUNCH: &str = "launch";
/// The run that looks whose day comes.
pub const DATES: &str = "dates";
/// So many people are let in by one transaction.
const BATCH: i64 = 500;
/// Dates are looked for so long ahead.
const AHEAD: i64 = 6 * Timestamp::HOUR;
/// The first civil time of a day is so long before it in UTC (UTC+14).
const EARLIEST: i64 = 14 * Timestamp::HOUR;

/// Below the number of any person.
const FROM_THE_START: PersonId = PersonId(i64::MIN);

/// Plans what a launched version needs.
pub(super) async fn plan_first(
    tx: &mut Tx,
    workspace: WorkspaceId,
    journey: &str,
    version: i64,
    definition: &Definition,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<(), Error> {
    runs::forget_planned(tx, workspace, journey).await?;
    match &definition.entry {
        Entry::SegmentEntered { members_at_launch: true, .. } if version == 1 => {
            runs::plan(tx, workspace, &run(AT_LAUNCH.to_owned(), journey, version, now)).await?;
        }
        Entry::Date { .. } => {
            runs::plan(tx, workspace, &run(DATES.to_owned(), journey, version, now)).await?;
        }
        Entry::Schedule(schedule) => {
            // Of a version before this one some have gone out already, and what would have gone out by this one before it was there does not.
            let is_past = |at: Timestamp| version > 1 && schedule.every.is_some() && at < now;
            let mut last: Option<String> = None;
            while let Some((name, at)) = next_run(schedule, last.as_deref(), zone, now) {
                if !is_past(at) && runs::plan(tx, workspace, &run(name.clone(), journey, version, at)).await? {
                    break;
                }
                last = Some(name);
            }
        }
        _ => {}
    }
    Ok(())
}

fn run(run: String, journey: &str, version: i64, at: Timestamp) -> RunRow {
    RunRow {
        journey: journey.to_owned(),
        run,
        version,
        state: "planned".to_owned(),
        planned_at: at,
        next_at: Some(at),
        began_at: at,
        after_person: FROM_THE_START,
        entered: 0,
        people: 0,
        finished_at: None,
    }
}

/// The next run of a schedule after one, or the first: its name (the civil time) and when to begin with it.
pub fn next_run(
    schedule: &Schedule,
    after: Option<&str>,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<(String, Timestamp)> {
    let first: DateTime = schedule.at.parse().ok()?;
    let until: Option<Date> = schedule.until.as_ref().and_then(|day| day.parse().ok());
    let after: Option<DateTime> = after.and_then(|name| name.parse().ok());
    let begin = |civil: DateTime| match schedule.clock {
        WhoseClock::Workspace => timing::at(zone, civil),
        WhoseClock::Person => timing::at(&TimeZone::UTC, civil).map(|at| at.plus(-EARLIEST)),
    };
    // Of those long past none is looked at one by one: a month has at least 28 days, and two more are for zones and half months.
    let from = after.unwrap_or(first).max(timing::civil(zone, now.plus(-3 * Timestamp::DAY)));
    let days = i64::from((from.date() - first.date()).get_days());
    let passed = match schedule.every {
        None => 0,
        Some(Every::Day) => days,
        Some(Every::Week) => days / 7,
        Some(Every::Month) => days / 31,
    };
    for count in (passed - 2).max(0).. {
        let civil = match schedule.every {
            None if count > 0 => return None,
            None => first,
            Some(Every::Day) => first.checked_add(count.days()).ok()?,
            Some(Every::Week) => first.checked_add(count.weeks()).ok()?,
            Some(Every::Month) => first.checked_add(count.months()).ok()?,
        };
        if until.is_some_and(|until| civil.date() > until) {
            return None;
        }
        let at = begin(civil)?;
        // Of what was missed only the last is made up for: nobody wants yesterday's three.
        let is_missed = schedule.every.is_some() && at.plus(Timestamp::DAY) < now;
        if after.is_none_or(|after| civil > after) && !is_missed {
            return Some((civil.to_string(), at));
        }
    }
    None
}

/// The run of a schedule as if it went out at its time of day, within a time: its name, and when.
pub fn as_if(schedule: &Schedule, zone: &TimeZone, (from, to): (Timestamp, Timestamp)) -> Option<(String, Timestamp)> {
    let first: DateTime = schedule.at.parse().ok()?;
    let mut day = timing::civil(zone, from).date();
    let last = timing::civil(zone, to).date();
    while day <= last {
        let civil = DateTime::from_parts(day, first.time());
        let at = timing::at(zone, civil).filter(|at| from <= *at && *at < to);
        if let Some(at) = at {
            return Some((civil.to_string(), at));
        }
        day = day.tomorrow().ok()?;
    }
    None
}

/// When a run is where somebody is.
pub fn of_run(run: &str, zone: &TimeZone) -> Option<Timestamp> {
    timing::at(zone, run.parse().ok()?)
}

/// Goes on with a run that is due; whether there is more to do at once.
///
/// # Errors
/// The store's: nothing was done then.
pub async fn go_on(store: &Store, with: With<'_>, journey: &str, name: &str) -> Result<bool, Error> {
    let now = with.clock.now();
    let Some(one) = with.plans.open(journey) else { return Ok(false) };
    let mut tx = store.begin(Priority::Background).await?;
    let Some(mut row) =
        runs::find(&mut tx, with.workspace, journey, name).await?.filter(|row| row.next_at.is_some_and(|at| at <= now))
    else {
        return Ok(false);
    };
    let more = match &one.definition.entry {
        Entry::Date { fact, yearly, days, at } if name == DATES => {
            dates(&mut tx, with, one, &mut row, (fact, *yearly, *days, at), now).await?
        }
        Entry::Schedule(schedule) => members(&mut tx, with, one, &mut row, Some(schedule), now).await?,
        Entry::SegmentEntered { .. } if name == AT_LAUNCH => members(&mut tx, with, one, &mut row, None, now).await?,
        _ => {
            (row.next_at, row.state) = (None, "cancelled".to_owned());
            false
        }
    };
    runs::update(&mut tx, with.workspace, &row).await?;
    tx.commit().await?;
    Ok(more)
}

/// Lets some members of the audience in.
async fn members(
    tx: &mut Tx,
    with: With<'_>,
    one: &Launched,
    row: &mut RunRow,
    schedule: Option<&Schedule>,
    now: Timestamp,
) -> Result<bool, Error> {
    let when = match (&one.definition.entry, &one.definition.audience) {
        (Entry::SegmentEntered { when, .. }, _) | (_, Some(when)) => when,
        _ => return Ok(false),
    };
    "running".clone_into(&mut row.state);
    if row.after_person == FROM_THE_START {
        row.began_at = now;
    }
    // The share is that of the day on which it began to go through them, or who was passed by would be left out for good.
    let day = (row.began_at.0 - row.planned_at.0).max(0) / Timestamp::DAY;
    let share = schedule.and_then(|schedule| schedule.ramp_up_percent);
    let share = share.map_or(100.0, |first| first * 2_f64.powi(i32::try_from(day).unwrap_or(30).min(30)));
    let limit = schedule.and_then(|schedule| schedule.most_per_hour).map_or(BATCH, |most| pace(most).0.min(BATCH));
    let found = memberships::after(tx, with.workspace, &when.segment(), row.after_person, limit).await?;
    let is_last = i64::try_from(found.len()).unwrap_or(0) < limit;
    let lot = format!("ramp/{}/{}", row.journey, row.run);
    let persons: Vec<PersonId> =
        found.iter().map(|(person,)| *person).filter(|person| place(&lot, *person) < share).collect();
    let occasions = occasions(tx, with, &persons, row, schedule, now).await?;
    let entered = enter(tx, with, one, occasions).await?;
    row.entered += i64::try_from(entered).unwrap_or(0);
    row.people += i64::try_from(found.len()).unwrap_or(0);
    row.after_person = found.last().map_or(row.after_person, |(person,)| *person);
    if !is_last {
        row.next_at = Some(match schedule.and_then(|schedule| schedule.most_per_hour) {
            Some(most) => now.plus(pace(most).1),
            None => now,
        });
        return Ok(schedule.is_none_or(|schedule| schedule.most_per_hour.is_none()));
    }
    if share < 100.0 {
        // Tomorrow twice as many, from the beginning: who came in does not come in by this run again.
        row.next_at = Some(row.planned_at.plus((day + 1) * Timestamp::DAY).max(now));
        (row.after_person, row.people) = (FROM_THE_START, 0);
        return Ok(false);
    }
    (row.state, row.next_at, row.finished_at) = ("done".to_owned(), None, Some(now));
    if let Some(schedule) = schedule
        && let Some((name, at)) = next_run(schedule, Some(&row.run), &with.plans.calendar.zone, now)
    {
        runs::plan(tx, with.workspace, &run(name, &one.key, one.version, at)).await?;
    }
    Ok(false)
}

/// So many at a time, and the time between: at most twenty times a minute.
fn pace(most_per_hour: u32) -> (i64, i64) {
    let each = i64::from(most_per_hour).div_euclid(1_200).max(1);
    (each, Timestamp::HOUR / (i64::from(most_per_hour).max(1) / each).max(1))
}

async fn occasions(
    tx: &mut Tx,
    with: With<'_>,
    persons: &[PersonId],
    row: &RunRow,
    schedule: Option<&Schedule>,
    now: Timestamp,
) -> Result<Vec<Occasion>, Error> {
    if schedule.is_none_or(|it| it.clock != WhoseClock::Person) {
        return Ok(persons.iter().map(|person| Occasion::now(*person, &row.run, now)).collect());
    }
    let people = situations::load(tx, with.workspace, with.plans, persons, now).await?;
    let own = |person: &PersonId| {
        let at = people.get(person).and_then(|it| of_run(&row.run, &it.zone));
        Occasion { from: at.unwrap_or(now), ..Occasion::now(*person, &row.run, now) }
    };
    Ok(persons.iter().map(own).collect())
}

/// Lets in whose day comes until some hours from now.
async fn dates(
    tx: &mut Tx,
    with: With<'_>,
    one: &Launched,
    row: &mut RunRow,
    (fact, yearly, days, at): (&str, bool, i32, &str),
    now: Timestamp,
) -> Result<bool, Error> {
    "running".clone_into(&mut row.state);
    // `planned_at` is up to when days were looked for.
    let (from, until) = (row.planned_at, now.plus(AHEAD));
    let zone = &with.plans.calendar.zone;
    let (found, days) = dated(tx, with.workspace, zone, (fact, yearly, days, at), (from, until), now).await?;
    // A greeting that is a day late is none.
    let timely = days.into_iter().filter(|(_, _, due)| now.0 - due.0 <= Timestamp::DAY);
    let occasion = |(person, day, due): (PersonId, Date, Timestamp)| Occasion {
        from: due,
        ..Occasion::now(person, day.to_string(), now)
    };
    let occasions: Vec<Occasion> = timely.map(occasion).collect();
    row.people += i64::try_from(found).unwrap_or(0);
    row.entered += i64::try_from(enter(tx, with, one, occasions).await?).unwrap_or(0);
    (row.planned_at, row.next_at) = (until, Some(until.plus(-Timestamp::HOUR)));
    Ok(false)
}

/// Whose day comes from an instant until before another, as `now` knows it: of how many it was looked at more closely, and (who, the day, when it is
/// due where they are).
///
/// # Errors
/// The store's.
pub async fn dated(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    zone: &TimeZone,
    (fact, yearly, days, at): (&str, bool, i32, &str),
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<(usize, Vec<(PersonId, Date, Timestamp)>), Error> {
    let mut found = Vec::new();
    for like in patterns(from, until, yearly, days) {
        found.extend(facts::persons_like(db, workspace, fact, &like, now).await?);
    }
    let persons: Vec<PersonId> = found.iter().map(|(person, _)| *person).collect();
    let zones = zones_of(db, workspace, &persons, now).await?;
    let mut due = Vec::new();
    for (person, value) in &found {
        let Ok(Value::String(text)) = serde_json::from_str::<Value>(value) else { continue };
        let zone = zones.get(person).unwrap_or(zone);
        let Some(date) = text.get(..10).and_then(|day| day.parse::<Date>().ok()) else { continue };
        let own = days_of(date, yearly, days, at, zone, from).into_iter();
        due.extend(own.filter(|(_, at)| from <= *at && *at < until).map(|(day, at)| (*person, day, at)));
    }
    Ok((found.len(), due))
}

/// What values look like, as JSON, of dates whose day may come in a time: the days it touches anywhere on earth.
fn patterns(from: Timestamp, until: Timestamp, yearly: bool, days: i32) -> BTreeSet<String> {
    let mut patterns = BTreeSet::new();
    let utc = |at: Timestamp| timing::civil(&TimeZone::UTC, at).date();
    let (mut day, last) = (utc(from.plus(-EARLIEST)), utc(until.plus(EARLIEST)));
    while day <= last {
        if let Ok(own) = day.checked_sub(i64::from(days).days()) {
            let year = if yearly { "____".to_owned() } else { format!("{:04}", own.year()) };
            patterns.insert(format!("\"{year}-{:02}-{:02}%", own.month(), own.day()));
            if yearly && (own.month(), own.day()) == (2, 28) {
                patterns.insert("\"____-02-29%".to_owned());
            }
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    patterns
}

async fn zones_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
    now: Timestamp,
) -> Result<BTreeMap<PersonId, TimeZone>, Error> {
    let keys: Vec<String> = [&crate::zones::ZONE_FACTS[..], &crate::zones::COUNTRY_FACTS]
        .concat()
        .iter()
        .map(|key| (*key).to_owned())
        .collect();
    let mut known: BTreeMap<PersonId, Vec<(String, String)>> = BTreeMap::new();
    for (person, key, value) in facts::current_keys_of(db, workspace, persons, &keys, now).await? {
        if let Ok(Value::String(text)) = serde_json::from_str(&value) {
            known.entry(person).or_default().push((key, text));
        }
    }
    let zone = |facts: &Vec<(String, String)>| {
        zone_of(|key| facts.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str()))
    };
    Ok(known.iter().filter_map(|(person, facts)| Some((*person, zone(facts)?))).collect())
}

/// The days that a date means around an instant: the day itself, or its anniversaries, shifted, with when they begin where the person is. Who was born
/// on 29 February has their day on the 28th in other years.
fn days_of(
    date: Date,
    yearly: bool,
    days: i32,
    at: &str,
    zone: &TimeZone,
    around: Timestamp,
) -> Vec<(Date, Timestamp)> {
    let Some(time) = timing::time_of_day(at) else { return Vec::new() };
    let this_year = timing::civil(zone, around).year();
    let years: Vec<i16> = if yearly { (this_year - 1..=this_year + 1).collect() } else { vec![date.year()] };
    let day = |year: i16| {
        let own = Date::new(year, date.month(), date.day()).or_else(|_| Date::new(year, date.month(), 28)).ok()?;
        let day = own.checked_add(i64::from(days).days()).ok()?;
        Some((day, timing::instant(zone, day, time)?))
    };
    years.into_iter().filter_map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ts(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn schedule(at: &str, every: Option<Every>) -> Schedule {
        Schedule {
            at: at.to_owned(),
            clock: WhoseClock::Workspace,
            every,
            until: Some("2027-03-01".to_owned()),
            most_per_hour: None,
            ramp_up_percent: None,
        }
    }

    #[test]
    fn runs_follow_the_wall_clock() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let weekly = schedule("2026-10-22T09:00", Some(Every::Week));
        let (first, at) = next_run(&weekly, None, &berlin, ts("2026-10-20")).unwrap();
        assert_eq!((first.as_str(), at), ("2026-10-22T09:00:00", ts("2026-10-22T07:00:00Z")));
        // Clocks are put back on the 25th: the next one is an hour later in UTC.
        let (second, at) = next_run(&weekly, Some(&first), &berlin, at).unwrap();
        assert_eq!((second.as_str(), at), ("2026-10-29T09:00:00", ts("2026-10-29T08:00:00Z")));
        let monthly = schedule("2027-01-31T09:00", Some(Every::Month));
        let (second, _) = next_run(&monthly, Some("2027-01-31T09:00:00"), &berlin, ts("2027-01-31")).unwrap();
        assert_eq!(second, "2027-02-28T09:00:00");
        assert_eq!(
            next_run(&monthly, Some(&second), &berlin, ts("2027-02-28")),
            None,
            "that would be after its last day"
        );
        let once = schedule("2026-10-22T09:00", None);
        assert_eq!(next_run(&once, Some("2026-10-22T09:00:00"), &berlin, ts("2026-10-22")), None);
    }

    #[test]
    fn what_was_missed_for_long_is_not_made_up_for() {
        let daily = schedule("2026-10-01T09:00", Some(Every::Day));
        let (name, _) =
            next_run(&daily, Some("2026-10-03T09:00:00"), &TimeZone::UTC, ts("2026-10-09T10:00:00Z")).unwrap();
        assert_eq!(name, "2026-10-09T09:00:00");
    }

    #[test]
    fn a_schedule_does_not_wear_out() {
        let forever = |every| Schedule { until: None, ..schedule("2001-01-31T09:00", Some(every)) };
        for (every, last, next) in [
            (Every::Day, "2026-10-21T09:00:00", "2026-10-22T09:00:00"),
            (Every::Week, "2026-10-21T09:00:00", "2026-10-28T09:00:00"),
            (Every::Month, "2026-09-30T09:00:00", "2026-10-31T09:00:00"),
        ] {
            let found = next_run(&forever(every), Some(last), &TimeZone::UTC, ts("2026-10-21T09:00:30Z")).unwrap();
            assert_eq!(found.0, next, "{every:?}");
        }
    }

    #[test]
    fn each_persons_day_is_where_they_are() {
        let born = Date::constant(1988, 2, 29);
        let of = |zone: &str, around: &str| days_of(born, true, 0, "09:00", &TimeZone::get(zone).unwrap(), ts(around));
        assert_eq!(of("Asia/Tokyo", "2027-02-01")[1], (Date::constant(2027, 2, 28), ts("2027-02-28T00:00:00Z")));
        assert_eq!(of("America/New_York", "2028-02-01")[1], (Date::constant(2028, 2, 29), ts("2028-02-29T14:00:00Z")));
        let before = days_of(Date::constant(2026, 1, 3), false, -7, "09:00", &TimeZone::UTC, ts("2026-12-01"));
        assert_eq!(before, [(Date::constant(2025, 12, 27), ts("2025-12-27T09:00:00Z"))]);
    }

    #[test]
    fn a_pace_is_kept() {
        for most in [1, 7, 60, 1_200, 5_000, 100_000] {
            let (each, apart) = pace(most);
            let an_hour = Timestamp::HOUR / apart * each;
            assert!(an_hour <= i64::from(most) && an_hour * 2 > i64::from(most), "{most}: {each} each {apart}");
        }
    }
}
