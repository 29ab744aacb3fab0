//! Challenges as pure rules: what an event counts, and how far somebody is, beside a slow reckoning that looks at everything anew for each thing that was done.

mod oracle;

use proptest::prelude::*;
use rapport_domain::calendar::WeekStart;
use rapport_domain::{Calendar, Timestamp};
use rapport_loyalty::Document;
use rapport_loyalty::challenges::{Challenge, Course, Entry, Progress};
use rapport_loyalty::earning::{Amounts, Occasion};
use rapport_loyalty::program::Program;
use rapport_segments::{EventView, Moment, Subject};
use serde_json::{Value, json};

fn program(zone: &str) -> Program {
    let form =
        json!({"name": "Club", "zone": zone, "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
    Program::from_json(form).unwrap()
}

fn challenge(more: Value) -> Challenge {
    let mut form = json!({"key": "c", "name": "C", "event": "Order Completed", "counts": {"kind": "times"}, "steps": [{"target": 3, "points": 10}]});
    for (key, value) in more.as_object().unwrap() {
        form[key] = value.clone();
    }
    Challenge::from_json(form).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn entry(text: &str, units: i64) -> Entry {
    Entry { at: at(text), value: String::new(), amount: units * 1_000_000 }
}

fn walk(challenge: &Challenge, zone: &str, entries: &[Entry], now: &str) -> Progress {
    let calendar = Calendar::new(zone, WeekStart::Monday).unwrap();
    let versions = vec![(Timestamp(0), 1, challenge)];
    Course { versions, calendar: &calendar, from: Timestamp(0), until: None, entries }.progress(at(now))
}

/// Buy nine and get the tenth: twelve at once are a full card and two on the next.
#[test]
fn a_stamp_card_goes_on_with_what_is_over() {
    let card = challenge(
        json!({"counts": {"kind": "units"}, "steps": [{"target": 10, "points": 1}], "recurrence": {"kind": "always"}}),
    );
    let orders = [entry("2026-03-01T10:00:00Z", 12)];
    let card_now = walk(&card, "UTC", &orders, "2026-03-02T10:00:00Z");
    assert_eq!((card_now.rounds, card_now.have, card_now.done.len()), (1, 2_000_000, 1));
    let orders = [entry("2026-03-01T10:00:00Z", 12), entry("2026-03-03T10:00:00Z", 28)];
    let card_now = walk(&card, "UTC", &orders, "2026-03-04T10:00:00Z");
    let rounds: Vec<u32> = card_now.done.iter().map(|done| done.round).collect();
    assert_eq!((card_now.have, rounds), (0, vec![0, 1, 2, 3]));
    // However much is bought at once, it is not a million completions.
    let all = walk(&card, "UTC", &[entry("2026-03-01T10:00:00Z", 1_000_000_000)], "2026-03-02T10:00:00Z");
    assert_eq!((all.done.len(), all.is_finished), (1_000, true));
}

#[test]
fn a_streak_breaks_at_the_end_of_the_day_after() {
    let streak = challenge(
        json!({"counts": {"kind": "in_a_row", "unit": "days"}, "steps": [{"target": 7}], "recurrence": {"kind": "always"}}),
    );
    // In Berlin, over the night in which the clock is put forward; the first just after midnight, the second just before the next.
    let days = [entry("2026-03-27T23:10:00Z", 1), entry("2026-03-29T21:50:00Z", 1), entry("2026-03-30T05:00:00Z", 1)];
    let now = walk(&streak, "Europe/Berlin", &days, "2026-03-30T20:00:00Z").streak.unwrap();
    assert_eq!((now.current, now.longest, now.ends_at), (3, 3, Some(at("2026-03-31T22:00:00Z"))));
    let lost = walk(&streak, "Europe/Berlin", &days, "2026-03-31T22:00:00Z");
    assert_eq!((lost.streak.unwrap().current, lost.streak.unwrap().longest, lost.have, lost.due_at), (0, 3, 0, None));
    // In another zone the same instants are other days, and one is missing.
    assert_eq!(walk(&streak, "Pacific/Auckland", &days, "2026-03-30T20:00:00Z").streak.unwrap().current, 1);
    let freezing =
        challenge(json!({"counts": {"kind": "in_a_row", "unit": "days", "freezes": 1}, "steps": [{"target": 7}]}));
    let gap = [entry("2026-03-01T10:00:00Z", 1), entry("2026-03-03T10:00:00Z", 1)];
    let kept = walk(&freezing, "UTC", &gap, "2026-03-04T10:00:00Z").streak.unwrap();
    assert_eq!((kept.current, kept.freezes_left, kept.ends_at), (2, 0, Some(at("2026-03-05T00:00:00Z"))));
}

#[test]
fn a_lowered_target_counts_with_the_next_thing_that_is_done() {
    let (old, new) = (challenge(json!({})), challenge(json!({"steps": [{"target": 2, "points": 5}]})));
    let calendar = Calendar::default();
    let versions = vec![(Timestamp(0), 1, &old), (at("2026-03-05T00:00:00Z"), 2, &new)];
    let entries = [entry("2026-03-01T10:00:00Z", 1), entry("2026-03-02T10:00:00Z", 1)];
    let course = Course { versions, calendar: &calendar, from: Timestamp(0), until: None, entries: &entries };
    assert_eq!(course.progress(at("2026-03-06T00:00:00Z")).done, []);
    let more = [&entries[..], &[entry("2026-03-07T10:00:00Z", 1)]].concat();
    let done = Course { entries: &more, ..course }.progress(at("2026-03-08T00:00:00Z")).done;
    assert_eq!(done.iter().map(|it| (it.version, it.at)).collect::<Vec<_>>(), [(2, at("2026-03-07T10:00:00Z"))]);
}

#[test]
fn who_joins_late_or_leaves_counts_only_while_they_are_in() {
    let run = challenge(json!({"period": {"kind": "rolling", "days": 3}, "joins": "opt_in", "steps": [{"target": 2}]}));
    let calendar = Calendar::default();
    let entries =
        ["2026-03-01", "2026-03-03", "2026-03-04", "2026-03-09"].map(|day| entry(&format!("{day}T10:00:00Z"), 1));
    let course = |from: &str, until: Option<&str>| {
        let versions = vec![(Timestamp(0), 1, &run)];
        Course { versions, calendar: &calendar, from: at(from), until: until.map(at), entries: &entries }
            .progress(at("2026-03-04T20:00:00Z"))
    };
    // The three days begin with joining, not with the first thing that counts.
    let joined = course("2026-03-02T12:00:00Z", None);
    assert_eq!(
        (joined.period.as_str(), joined.period_end, joined.done.len()),
        ("run 1", Some(at("2026-03-05T00:00:00Z")), 1)
    );
    let left = course("2026-03-02T12:00:00Z", Some("2026-03-04T09:00:00Z"));
    assert_eq!((left.have, left.done.len()), (1_000_000, 0));
}

fn count(challenge: &Challenge, properties: Value) -> Vec<(String, i64)> {
    let (program, calendar) = (program("UTC"), Calendar::default());
    let properties = properties.as_object().unwrap().clone();
    let amounts = Amounts::read(&properties);
    let flat: Vec<(String, Value)> = properties.into_iter().filter(|(_, value)| !value.is_array()).collect();
    let now = at("2026-03-01T10:00:00Z");
    let subject = Subject { event: Some(EventView::new("Order Completed", now, &flat)), ..Subject::NOBODY };
    let occasion = Occasion { subject: &subject, amounts: &amounts, moment: Moment { now, calendar: &calendar } };
    challenge.entries(&program, occasion).into_iter().map(|it| (it.value, it.amount)).collect()
}

#[test]
fn an_order_counts_by_what_is_in_it() {
    let tents = json!({"property": {"path": "category", "op": "equals", "value": "tents"}});
    let order = json!({"subtotal": "100", "store": "Mitte", "products": [
        {"category": "tents", "price": 30, "quantity": 2}, {"category": "ropes", "price": 20, "quantity": 2}, {"category": "tents", "price": 0}]});
    let of = |more: Value| count(&challenge(more), order.clone());
    let one = |amount: i64| vec![(String::new(), amount * 1_000_000)];
    assert_eq!(of(json!({})), one(1));
    assert_eq!(of(json!({"items": tents})), one(1));
    assert_eq!(of(json!({"counts": {"kind": "units"}})), one(5));
    assert_eq!(of(json!({"counts": {"kind": "units"}, "items": tents})), one(3));
    assert_eq!(of(json!({"counts": {"kind": "amount"}, "items": tents})), one(60));
    let distinct = |of_lines: bool, property: &str| {
        of(json!({"counts": {"kind": "distinct", "property": property, "of_lines": of_lines}}))
    };
    assert_eq!(distinct(true, "category"), [("ropes".to_owned(), 1_000_000), ("tents".to_owned(), 1_000_000)]);
    assert_eq!(distinct(false, "store"), [("Mitte".to_owned(), 1_000_000)]);
    assert_eq!(distinct(false, "nothing"), []);
    let none = json!({"property": {"path": "category", "op": "equals", "value": "boats"}});
    assert_eq!(of(json!({"items": none})), [], "an order without such a line does not count");
    assert_eq!(
        count(
            &challenge(json!({"when": {"property": {"path": "store", "op": "equals", "value": "Ost"}}})),
            order.clone()
        ),
        []
    );
    assert_eq!(count(&challenge(json!({"event": "Page Viewed"})), order), []);
}

#[test]
fn a_part_that_goes_back_takes_its_part() {
    let (units, times) = (challenge(json!({"counts": {"kind": "units"}})), challenge(json!({})));
    assert_eq!([0, 50, 100, 120].map(|back| units.left(12, back, 100)), [12, 6, 0, 0]);
    assert_eq!([0, 50, 100].map(|back| times.left(1, back, 100)), [1, 1, 0]);
}

#[test]
fn what_cannot_be_reckoned_is_refused() {
    let program = program("UTC");
    let place = |more: Value| challenge(more).check(&program).unwrap_err().to_string();
    for (more, begins) in [
        (json!({"event": "Points Earned"}), "event"),
        (json!({"event": "Challenge Completed"}), "event"),
        (json!({"name": ""}), "name"),
        (json!({"picture": "http://shop.example/x.png"}), "picture"),
        (json!({"steps": []}), "steps"),
        (json!({"steps": [{"target": 3}, {"target": 3}]}), "steps[1].target"),
        (json!({"steps": [{"target": "1.5"}]}), "steps[0].target"),
        (json!({"steps": [{"target": 0}]}), "steps[0].target"),
        (json!({"steps": [{"target": 1, "points": 0}]}), "steps[0].points"),
        (json!({"steps": [{"target": 1, "points": 1, "wallet": "stars"}]}), "steps[0].wallet"),
        (json!({"steps": [{"target": 1, "badge": "No!"}]}), "steps[0].badge"),
        (json!({"recurrence": {"kind": "times", "count": 0}}), "recurrence.count"),
        (json!({"period": {"kind": "rolling", "days": 0}}), "period.days"),
        (json!({"counts": {"kind": "in_a_row", "unit": "days", "freezes": 31}}), "counts.freezes"),
        (json!({"counts": {"kind": "distinct", "property": ""}}), "counts.property"),
        (json!({"who": {"property": {"path": "store", "op": "equals", "value": "Ost"}}}), "who"),
        (json!({"window": {"weekdays": [8]}}), "window.weekdays"),
    ] {
        let text = place(more.clone());
        assert!(text.starts_with(&format!("{begins}:")), "{more}: {text}");
    }
    assert!(challenge(json!({"counts": {"kind": "amount"}, "steps": [{"target": "19.99"}]})).check(&program).is_ok());
    let began = challenge(json!({}));
    for more in [json!({"counts": {"kind": "units"}}), json!({"period": {"kind": "month"}}), json!({"joins": "opt_in"})]
    {
        assert!(challenge(more).refuse_change(&began).is_err());
    }
    assert!(challenge(json!({"steps": [{"target": 9}], "name": "Another"})).refuse_change(&began).is_ok());
}

const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia"];

fn some_challenge() -> impl Strategy<Value = Challenge> {
    let counts = prop_oneof![
        Just(json!({"kind": "times"})),
        Just(json!({"kind": "units"})),
        Just(json!({"kind": "distinct", "property": "store"})),
        (0..3_usize, 0..3_u8).prop_map(|(unit, freezes)| {
            let unit = ["days", "weeks", "months"][unit];
            json!({"kind": "in_a_row", "unit": unit, "freezes": freezes})
        }),
    ];
    let period = prop_oneof![
        Just(json!({"kind": "ever"})),
        Just(json!({"kind": "day"})),
        Just(json!({"kind": "week"})),
        Just(json!({"kind": "month"})),
        Just(json!({"kind": "quarter"})),
        (1..20_u16).prop_map(|days| json!({"kind": "rolling", "days": days})),
    ];
    let recurrence = prop_oneof![
        Just(json!({"kind": "once"})),
        (1..4_u32).prop_map(|count| json!({"kind": "times", "count": count})),
        Just(json!({"kind": "always"})),
    ];
    let steps = prop_oneof![Just(vec![1]), Just(vec![3]), Just(vec![2, 3]), Just(vec![1, 2, 5])];
    (counts, period, recurrence, steps).prop_map(|(counts, period, recurrence, steps)| {
        let steps: Vec<Value> = steps.into_iter().map(|target| json!({"target": target})).collect();
        challenge(json!({"counts": counts, "period": period, "recurrence": recurrence, "steps": steps}))
    })
}

/// Hours since the beginning of a February, a value, how much.
fn some_entries() -> impl Strategy<Value = Vec<(i64, usize, i64)>> {
    prop::collection::vec((0..1_400_i64, 0..4_usize, 0..4_i64), 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn progress_is_what_the_slow_reckoning_says(challenge in some_challenge(), told in some_entries(), zone in 0..4_usize, from in 0..300_i64, now in 0..1_500_i64, turn in 0..25_usize) {
        let calendar = Calendar::new(ZONES[zone], WeekStart::Monday).unwrap();
        // In São Paulo a day without a midnight lies in it (2018), in Apia a year in which a day is missing is as good as any.
        let begin = at("2018-10-01T00:00:00Z");
        let when = |hours: i64| begin.plus(hours * Timestamp::HOUR);
        let mut entries: Vec<Entry> =
            told.iter().map(|(hours, value, units)| Entry { at: when(*hours), value: format!("v{value}"), amount: units * 1_000_000 }).collect();
        let from = when(from);
        let course = |entries: &[Entry]| {
            let versions = vec![(Timestamp(0), 1, &challenge)];
            Course { versions, calendar: &calendar, from, until: None, entries }.progress(when(now))
        };
        let found = course(&entries);
        let slow = oracle::stand(&challenge, &calendar, &entries, from, when(now));
        let done: Vec<(u32, usize, Timestamp)> = found.done.iter().map(|it| (it.round, it.step, it.at)).collect();
        prop_assert_eq!(done, slow.done);
        prop_assert_eq!(found.streak.map(|it| (it.current, it.longest)), slow.streak);
        if !found.is_finished {
            prop_assert_eq!(found.have, slow.have);
        }
        // Whatever order it was heard in.
        let places = entries.len().max(1);
        entries.rotate_left(turn % places);
        entries.reverse();
        prop_assert_eq!(&course(&entries), &found);
        // Each is completed once.
        let mut places: Vec<_> = found.done.iter().map(|it| (&it.period, it.round, it.step)).collect();
        let all = places.len();
        places.sort_unstable();
        places.dedup();
        prop_assert_eq!(places.len(), all);
        // Until it is due nothing changes.
        if let Some(due) = found.due_at {
            let versions = vec![(Timestamp(0), 1, &challenge)];
            let before = Course { versions, calendar: &calendar, from, until: None, entries: &entries }.progress(due.plus(-1));
            prop_assert_eq!((before.have, before.done, before.streak), (found.have, found.done.clone(), found.streak));
        }
    }
}
