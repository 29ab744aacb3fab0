//! Runs of campaigns, who is in at launch, and days of people.

use std::collections::BTreeSet;

use rapport_domain::Timestamp;
use rapport_engagement::MIGRATIONS;
use rapport_engagement::records::messages::{self, Outcome};
use rapport_engagement::records::{journeys, runs};
use rapport_engagement::service::{launching, scheduling};
use rapport_privacy::MIGRATIONS as PRIVACY;
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_segments::MIGRATIONS as SEGMENTS;
use rapport_store::db_test;
use rapport_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::town::{Town, W, but, later, mail, ts};

const HOUR: i64 = Timestamp::HOUR;
const DAY: i64 = Timestamp::DAY;

/// A mail to the fans.
fn campaign(schedule: Value) -> Value {
    but(mail(json!({"schedule": schedule})), json!({"audience": {"segment": {"key": "fans"}}, "reentry": "after_exit"}))
}

async fn fans(town: &mut Town, count: i64) {
    for number in 1..=count {
        town.willing(number).await;
    }
    let numbers: Vec<i64> = (1..=count).collect();
    town.member("fans", &numbers, true).await;
}

async fn got(town: &Town, count: i64) -> BTreeSet<i64> {
    let mut got = BTreeSet::new();
    for number in 1..=count {
        let rows = town.messages(number).await;
        assert!(rows.len() <= 1, "{number} got it twice");
        if !rows.is_empty() {
            got.insert(number);
        }
    }
    got
}

async fn runs_of(town: &Town) -> Vec<(String, String)> {
    let mut rows = runs::of_journey(&mut town.store.read(), W, "c").await.unwrap();
    rows.sort_by(|a, b| a.run.cmp(&b.run));
    rows.into_iter().map(|row| (row.run, row.state)).collect()
}

fn went(name: &str, state: &str) -> (String, String) {
    (name.to_owned(), state.to_owned())
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_campaign_goes_out_once_to_all(db: TestDatabase) {
    let mut town = Town::new(db).await;
    fans(&mut town, 7).await;
    town.launch("c", campaign(json!({"at": "2026-06-10T15:00"}))).await;
    town.later(3 * HOUR - 1).await;
    assert_eq!(got(&town, 7).await.len(), 0);
    town.later(1).await;
    assert_eq!(got(&town, 7).await.len(), 7);
    assert_eq!(runs_of(&town).await, [went("2026-06-10T15:00:00", "done")]);
    // Asked again out of turn nothing happens, and who comes later does not get it.
    assert!(!scheduling::go_on(&town.store, town.with(), "c", "2026-06-10T15:00:00").await.unwrap());
    town.willing(8).await;
    town.member("fans", &[8], true).await;
    town.later(DAY).await;
    assert_eq!(got(&town, 8).await.len(), 7);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn the_clock_of_each_person_decides(db: TestDatabase) {
    let mut town = Town::new(db).await;
    fans(&mut town, 4).await;
    for (number, zone) in [(1, "Asia/Tokyo"), (2, "America/Los_Angeles"), (3, "Pacific/Kiritimati")] {
        town.fact(number, "trait.timezone", json!(zone)).await;
    }
    town.launch("c", campaign(json!({"at": "2026-06-12T09:00", "clock": "person"}))).await;
    for (now, expected) in [
        ("2026-06-11T18:59:59Z", vec![]),
        ("2026-06-11T19:00:00Z", vec![3]),
        ("2026-06-12T00:00:00Z", vec![1, 3]),
        ("2026-06-12T07:00:00Z", vec![1, 3, 4]),
        ("2026-06-12T15:59:59Z", vec![1, 3, 4]),
        ("2026-06-12T16:00:00Z", vec![1, 2, 3, 4]),
    ] {
        town.clock.set(ts(now));
        town.later(0).await;
        assert_eq!(got(&town, 4).await, expected.into_iter().collect(), "{now}");
    }
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_pace_is_kept_over_crashes(db: TestDatabase) {
    let mut town = Town::new(db).await;
    fans(&mut town, 30).await;
    town.launch("c", campaign(json!({"at": "2026-06-10T13:00", "most_per_hour": 12}))).await;
    let mut counts = Vec::new();
    town.clock.advance(HOUR);
    for _ in 0..4 {
        for _ in 0..12 {
            // It is asked far more often than it has anything to do.
            town.later(0).await;
            town.later(5 * Timestamp::MINUTE).await;
        }
        counts.push(got(&town, 30).await.len());
    }
    assert_eq!(counts, [13, 25, 30, 30]);
    assert_eq!(runs_of(&town).await, [went("2026-06-10T13:00:00", "done")]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn shares_grow_until_everybody_has_it_once(db: TestDatabase) {
    let mut town = Town::new(db).await;
    fans(&mut town, 200).await;
    // People who are out again may come in again; not by the same run.
    town.launch("c", campaign(json!({"at": "2026-06-10T13:00", "ramp_up_percent": 20}))).await;
    town.clock.advance(HOUR);
    let mut counts = Vec::new();
    for _ in 0..4 {
        town.later(0).await;
        counts.push(got(&town, 200).await.len());
        town.later(DAY).await;
    }
    assert!(counts[0] > 20 && counts[0] < 60 && counts[1] > 60 && counts[1] < 100 && counts[2] > 130, "{counts:?}");
    assert_eq!(counts[3], 200);
    assert_eq!(runs_of(&town).await, [went("2026-06-10T13:00:00", "done")]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_share_that_grows_on_the_way_leaves_nobody_out(db: TestDatabase) {
    let mut town = Town::new(db).await;
    fans(&mut town, 40).await;
    // One an hour: going through them takes longer than a day, while the share becomes all.
    town.launch("c", campaign(json!({"at": "2026-06-10T13:00", "ramp_up_percent": 50, "most_per_hour": 1}))).await;
    for _ in 0..(24 * 6) {
        town.later(HOUR).await;
    }
    assert_eq!(got(&town, 40).await.len(), 40);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn recurring_ones_go_on_and_a_new_version_plans_its_own(db: TestDatabase) {
    let mut town = Town::new(db).await;
    fans(&mut town, 1).await;
    town.launch("c", campaign(json!({"at": "2026-06-10T13:00", "every": "day"}))).await;
    town.later(HOUR).await;
    town.later(DAY).await;
    let planned = went("2026-06-12T13:00:00", "planned");
    assert_eq!(
        runs_of(&town).await,
        [went("2026-06-10T13:00:00", "done"), went("2026-06-11T13:00:00", "done"), planned]
    );
    // The same again, on a day on which it went out already: the next is planned, and only once.
    town.launch("c", campaign(json!({"at": "2026-06-10T13:00", "every": "day"}))).await;
    assert_eq!(runs_of(&town).await.last(), Some(&went("2026-06-12T13:00:00", "planned")));
    // Another time of day: what was planned by the old one does not go out beside it.
    town.launch("c", campaign(json!({"at": "2026-06-10T18:00", "every": "day"}))).await;
    let planned: Vec<_> = runs_of(&town).await.into_iter().filter(|(_, state)| state == "planned").collect();
    assert_eq!(planned, [went("2026-06-11T18:00:00", "planned")]);
    town.later(2 * DAY).await;
    assert_eq!(town.told(1).await.len(), 3, "two days late: of what was missed the last is made up for");
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_is_in_at_launch_comes_in_once(db: TestDatabase) {
    let mut town = Town::new(db).await;
    fans(&mut town, 5).await;
    let form = later(json!({"segment_entered": {"when": {"segment": {"key": "fans"}}, "members_at_launch": true}}));
    town.launch("c", form.clone()).await;
    town.later(0).await;
    town.launch("c", form).await;
    town.later(HOUR).await;
    assert_eq!(got(&town, 5).await.len(), 5);
    assert_eq!(runs_of(&town).await, [went("launch", "done")]);
}

fn birthday(entry: Value) -> Value {
    but(mail(json!({"date": entry})), json!({"reentry": "after_exit"}))
}

/// Goes on hour by hour; when each person got what.
async fn hourly(town: &Town, count: i64, hours: i64) -> Vec<Vec<String>> {
    for _ in 0..hours {
        town.later(HOUR).await;
    }
    let mut all = Vec::new();
    for number in 1..=count {
        all.push(town.messages(number).await.iter().map(|row| row.decided_at.to_rfc3339()[..13].to_owned()).collect());
    }
    all
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn days_come_where_people_are(db: TestDatabase) {
    let mut town = Town::new(db).await;
    for (number, zone, born) in [
        (1, "Asia/Tokyo", "1990-06-12"),
        (2, "America/Los_Angeles", "1985-06-12T08:00:00Z"),
        (3, "Europe/Berlin", "2001-06-12"),
        (4, "Europe/Berlin", "2001-06-13"),
        (5, "Europe/Berlin", "06/12/2001"),
        (6, "Pacific/Kiritimati", "1970-06-12"),
    ] {
        town.willing(number).await;
        town.fact(number, "trait.timezone", json!(zone)).await;
        town.fact(number, "trait.birthday", json!(born)).await;
    }
    town.launch("b", birthday(json!({"fact": "trait.birthday", "yearly": true, "at": "09:00"}))).await;
    let got = hourly(&town, 6, 62).await;
    let expected: [&[&str]; 6] =
        [&["2026-06-12T00"], &["2026-06-12T16"], &["2026-06-12T07"], &[], &[], &["2026-06-11T19"]];
    assert_eq!(got, expected);
    // Next year again, once.
    town.clock.set(ts("2027-06-11T10:00:00Z"));
    let got = hourly(&town, 6, 40).await;
    assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2, 0, 0, 2]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_was_born_on_the_29th_has_a_day_each_year(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.fact(1, "trait.birthday", json!("1988-02-29")).await;
    town.willing(2).await;
    town.fact(2, "trait.birthday", json!("1988-02-28")).await;
    town.clock.set(ts("2027-02-26T12:00:00Z"));
    town.launch("b", birthday(json!({"fact": "trait.birthday", "yearly": true, "at": "09:00"}))).await;
    assert_eq!(hourly(&town, 2, 96).await, [["2027-02-28T08"], ["2027-02-28T08"]]);
    town.clock.set(ts("2028-02-27T12:00:00Z"));
    town.later(0).await;
    assert_eq!(hourly(&town, 2, 72).await, [["2027-02-28T08", "2028-02-29T08"], ["2027-02-28T08", "2028-02-28T08"]]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn days_may_be_before_or_after_and_are_not_made_up_for(db: TestDatabase) {
    let mut town = Town::new(db).await;
    for number in 1..=3 {
        town.willing(number).await;
    }
    town.fact(1, "trait.renewal", json!("2026-06-18")).await;
    town.fact(2, "trait.renewal", json!("2025-06-18")).await;
    town.fact(3, "trait.renewal", json!("2026-06-22")).await;
    town.launch("b", birthday(json!({"fact": "trait.renewal", "days": -7, "at": "09:00"}))).await;
    let got = hourly(&town, 3, 36).await;
    assert_eq!(got, [vec!["2026-06-11T07".to_owned()], vec![], vec![]]);
    // The server was off for a week: a greeting that is days late is none.
    town.clock.set(ts("2026-06-20T10:00:00Z"));
    assert_eq!(hourly(&town, 3, 10).await[2], [""; 0]);
    // Stopped and launched again it looks again.
    launching::stop(&town.store, W, "b", town.now()).await.unwrap();
    town.launch("b", birthday(json!({"fact": "trait.renewal", "days": -1, "at": "09:00"}))).await;
    assert_eq!(hourly(&town, 3, 36).await[2], ["2026-06-21T07"]);
}

/// What went out is over by itself, once nobody is in it and nothing of it waits; what may go out again, or waits to, is not.
#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_went_out_is_over(db: TestDatabase) {
    let mut town = Town::new(db).await;
    fans(&mut town, 3).await;
    let schedule = |more: Value| but(json!({"at": "2026-06-10T15:00"}), more);
    let waits = but(later(json!({"schedule": schedule(json!({}))})), json!({"audience": {"segment": {"key": "fans"}}}));
    town.launch("c", campaign(schedule(json!({})))).await;
    town.launch("weekly", campaign(schedule(json!({"every": "week"})))).await;
    town.launch("waits", waits).await;
    town.launch("open", mail(json!({"api": {}}))).await;
    town.launch("ending", later(json!({"api": {}}))).await;
    town.enter("ending", 1, "").await;
    town.run().await;
    let mut tx = town.tx().await;
    launching::change_state(&mut tx, W, "ending", "ending").await.unwrap();
    tx.commit().await.unwrap();
    town.reload().await;
    let states = async |town: &mut Town| {
        launching::finish(&town.store, W, &town.plans).await.unwrap();
        town.reload().await;
        let mut rows = journeys::all(&mut town.store.read(), W).await.unwrap();
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        rows.into_iter().filter(|row| row.state == "finished").map(|row| row.key).collect::<Vec<_>>()
    };
    assert!(states(&mut town).await.is_empty(), "nothing went out");
    town.later(3 * HOUR).await;
    assert_eq!(states(&mut town).await, [""; 0], "mails wait to be sent");
    let sent = async |town: &Town| {
        let mut tx = town.tx().await;
        for id in town.due().await {
            messages::note(&mut tx, &id, &Outcome::of("sent")).await.unwrap();
        }
        tx.commit().await.unwrap();
    };
    sent(&town).await;
    assert_eq!(states(&mut town).await, ["c", "ending"]);
    town.later(HOUR).await;
    sent(&town).await;
    assert_eq!(states(&mut town).await, ["c", "ending", "waits"]);
    town.later(8 * DAY).await;
    sent(&town).await;
    assert_eq!(states(&mut town).await, ["c", "ending", "waits"]);
    // A new launch with another time lets it go out again.
    town.launch("c", campaign(json!({"at": "2026-06-20T15:00"}))).await;
    assert_eq!(states(&mut town).await, ["ending", "waits"]);
    town.later(DAY).await;
    assert_eq!(runs_of(&town).await[1], went("2026-06-20T15:00:00", "planned"));
}
