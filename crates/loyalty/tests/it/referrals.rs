//! Referrals: how they stand whatever the order in which it was told, against an obvious second implementation; and on both engines what is given, counted and taken back.

mod oracle;
mod records;

use proptest::prelude::*;
use rapport_domain::{Calendar, Timestamp};
use rapport_loyalty::Document;
use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::program::Program;
use rapport_loyalty::referrals::signals::Signal;
use rapport_loyalty::referrals::{
    Act, Claim, Code, Course, Decision, Friend, Kept, Known, Reason, Referral, Referrer, State, Terms, courses,
};
use serde_json::{Value, json};

const DAY: i64 = Timestamp::DAY;

fn program() -> Program {
    let form = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": "earning"},
        "wallets": [{"key": "points", "name": "Points"}, {"key": "stars", "name": "Stars"}]});
    Program::from_json(form).unwrap()
}

fn form() -> Value {
    json!({"key": "friends", "name": "Bring a friend", "page": {"address": "https://shop.example/welcome", "words": "You get 100 points."},
        "referrer": {"steps": [{"from": 1, "points": 200}, {"from": 3, "points": 300}]}, "friend": {"points": 100},
        "qualifies": {"minimum": "20", "within_days": 30}, "stands_days": 14})
}

fn referral() -> Referral {
    Referral::from_json(form()).unwrap()
}

fn calendar() -> Calendar {
    program().calendar().unwrap()
}

const fn day(count: i64) -> Timestamp {
    Timestamp(count * DAY + DAY / 2)
}

const REFERRER: Referrer =
    Referrer { member: MemberId(7), standing: Standing::Active, is_known: true, is_friend: false, suspended_at: None };

fn claim<'a>(id: &'a str, at: Timestamp, referrer: Referrer, terms: &'a Referral) -> Claim<'a> {
    let code = Code::Of { referrer, voided_at: None, terms: Terms::Live(terms) };
    Claim { id, place: (at, 0, [0; 16]), code, known: Known::default() }
}

const fn order(at: Timestamp, euros: i64, kept: Kept) -> Act<'static> {
    Act { at, occasion: "order:1", referral: "friends", holds: true, amount: Some(euros * 1_000_000), kept }
}

fn stand(friend: &Friend<'_>, now: Timestamp) -> (State, Option<Reason>) {
    let course = courses(friend, &calendar(), now).remove(0);
    (course.state, course.reason)
}

#[test]
fn a_friend_comes_orders_and_the_order_stands() {
    let terms = referral();
    let mut friend = Friend { claims: vec![claim("a", day(0), REFERRER, &terms)], ..Friend::default() };
    assert_eq!(stand(&friend, day(1)), (State::Joined, None));
    assert_eq!(stand(&friend, Timestamp(31 * DAY)), (State::Refused, Some(Reason::TooLate)));
    friend.acts = vec![order(day(5), 20, Kept::All)];
    let course = courses(&friend, &calendar(), day(6)).remove(0);
    assert_eq!((course.state, course.qualified_at), (State::Pending, Some(day(5))));
    assert_eq!(course.due_at, Some(Timestamp(20 * DAY)), "fourteen whole days after the day of the order");
    assert_eq!(stand(&friend, Timestamp(20 * DAY - 1)).0, State::Pending);
    assert_eq!(stand(&friend, Timestamp(20 * DAY)), (State::Rewarded, None));
    // It goes back, in part or whole, before or after.
    for (kept, is_enough) in [(Kept::Nothing, false), (Kept::Part(1, 2), false), (Kept::Part(2, 2), true)] {
        friend.acts = vec![order(day(5), 20, kept)];
        let expected = if is_enough { (State::Rewarded, None) } else { (State::Joined, Some(Reason::WentBack)) };
        assert_eq!(stand(&friend, day(21)), expected, "{kept:?}");
    }
    // Another order in time counts instead.
    friend.acts =
        vec![order(day(5), 20, Kept::Nothing), Act { occasion: "order:2", ..order(day(8), 50, Kept::Part(20, 50)) }];
    assert_eq!(stand(&friend, day(21)).0, State::Pending);
    assert_eq!(stand(&friend, day(24)).0, State::Rewarded);
    for (act, reason) in [
        (order(day(5), 19, Kept::All), Reason::BelowMinimum),
        (Act { holds: false, ..order(day(5), 30, Kept::All) }, Reason::Condition),
        (Act { amount: None, ..order(day(5), 30, Kept::All) }, Reason::BelowMinimum),
        (order(day(40), 30, Kept::All), Reason::TooLate),
        (Act { referral: "other", ..order(day(5), 30, Kept::All) }, Reason::TooLate),
    ] {
        friend.acts = vec![act];
        assert_eq!(stand(&friend, day(60)), (State::Refused, Some(reason)));
    }
}

#[test]
fn the_first_valid_code_has_the_friend() {
    let terms = referral();
    let other = Referrer { member: MemberId(8), ..REFERRER };
    let of = |first: Referrer, second: Referrer| {
        let claims = vec![claim("b", day(2), second, &terms), claim("a", day(1), first, &terms)];
        let friend = Friend { claims, ..Friend::default() };
        let found = courses(&friend, &calendar(), day(3));
        found.into_iter().map(|it| (it.id, it.reason, it.is_bound)).collect::<Vec<_>>()
    };
    let a = |reason, is_bound| ("a".to_owned(), reason, is_bound);
    let b = |reason, is_bound| ("b".to_owned(), reason, is_bound);
    assert_eq!(of(REFERRER, other), [a(None, true), b(Some(Reason::AlreadyReferred), false)]);
    assert_eq!(of(REFERRER, REFERRER), [a(None, true), b(Some(Reason::ToldBefore), false)]);
    let oneself = Referrer { is_friend: true, ..REFERRER };
    assert_eq!(of(oneself, other), [a(Some(Reason::SelfReferral), false), b(None, true)]);
    let suspended = Referrer { suspended_at: Some(day(0)), ..REFERRER };
    assert_eq!(of(suspended, other), [a(Some(Reason::Suspended), false), b(None, true)]);
    // At the same instant the one order decides.
    let claims = vec![
        Claim { place: (day(1), 2, [0; 16]), ..claim("a", day(1), REFERRER, &terms) },
        Claim { place: (day(1), 1, [9; 16]), ..claim("b", day(1), other, &terms) },
    ];
    let found = courses(&Friend { claims, ..Friend::default() }, &calendar(), day(3));
    assert_eq!(found.iter().find(|it| it.is_bound).unwrap().id, "b");
}

#[test]
fn every_reason_is_given_where_it_belongs() {
    let terms = referral();
    let plain = || claim("a", day(10), REFERRER, &terms);
    let with = |code| Claim { code, ..plain() };
    let of = |referrer| Code::Of { referrer, voided_at: None, terms: Terms::Live(&terms) };
    let at = |held| Code::Of { referrer: REFERRER, voided_at: None, terms: held };
    let alone = Referral { friend: None, ..terms.clone() };
    let windowed = |window: Value| {
        let mut form = form();
        form["window"] = window;
        Referral::from_json(form).unwrap()
    };
    let (later, over) = (windowed(json!({"from": "1970-02-01"})), windowed(json!({"until": "1970-01-05"})));
    let closed = Referrer { standing: Standing::Closed, ..REFERRER };
    let void = Code::Of { referrer: REFERRER, voided_at: Some(day(10)), terms: Terms::Live(&terms) };
    for (claim, reason) in [
        (with(Code::Unknown), Reason::CodeUnknown),
        (with(void), Reason::CodeVoid),
        (with(at(Terms::NotStarted)), Reason::NotStarted),
        (with(at(Terms::Paused)), Reason::Paused),
        (with(at(Terms::Ended)), Reason::Ended),
        (with(at(Terms::Live(&later))), Reason::NotStarted),
        (with(at(Terms::Live(&over))), Reason::Ended),
        (with(of(Referrer { is_friend: true, ..REFERRER })), Reason::SelfReferral),
        (with(of(Referrer { suspended_at: Some(day(9)), ..REFERRER })), Reason::Suspended),
        (claim("a", day(10), closed, &alone), Reason::ReferrerClosed),
        (claim("a", day(10), Referrer { is_known: false, ..REFERRER }, &alone), Reason::ReferrerClosed),
        (Claim { known: Known { decision: Decision::Refused, ..Known::default() }, ..plain() }, Reason::ByStaff),
        (Claim { known: Known { signals: &[Signal::SamePayment], ..Known::default() }, ..plain() }, Reason::Fraud),
    ] {
        let friend = Friend { claims: vec![claim], ..Friend::default() };
        assert_eq!(stand(&friend, day(11)), (State::Refused, Some(reason)));
    }
    // Whoever was promised something gets it although the member has left.
    let promised = Friend { claims: vec![claim("a", day(10), closed, &terms)], ..Friend::default() };
    assert_eq!(stand(&promised, day(11)).0, State::Joined);
    let old = Friend { first_order_at: Some(day(9)), claims: vec![plain()], ..Friend::default() };
    assert_eq!(stand(&old, day(11)), (State::Refused, Some(Reason::AlreadyCustomer)));
    let same = Friend { first_order_at: Some(day(10)), claims: vec![plain()], ..Friend::default() };
    assert_eq!(stand(&same, day(11)).0, State::Joined, "the order that brings the code is not one before");
    let mut form = form();
    form["newcomer"] = json!({"seen_within_days": 3});
    let strict = Referral::from_json(form).unwrap();
    let seen = |at| Friend {
        first_seen_at: Some(at),
        claims: vec![claim("a", day(10), REFERRER, &strict)],
        ..Friend::default()
    };
    assert_eq!(stand(&seen(day(6)), day(11)), (State::Refused, Some(Reason::SeenBefore)));
    assert_eq!(stand(&seen(day(7)), day(11)).0, State::Joined);
}

#[test]
fn what_is_suspicious_waits_for_somebody() {
    let terms = referral();
    let known = |signals: &'static [Signal], decision| Known { decision, signals, ..Known::default() };
    let flagged: &'static [Signal] = &[Signal::SameNetwork];
    let blocked: &'static [Signal] = &[Signal::SameNetwork, Signal::ClosedLoop];
    let with = |known, referrer| Friend {
        claims: vec![Claim { known, ..claim("a", day(0), referrer, &terms) }],
        acts: vec![order(day(5), 20, Kept::All)],
        ..Friend::default()
    };
    let late = day(30);
    assert_eq!(stand(&with(known(flagged, Decision::None), REFERRER), day(6)).0, State::Pending);
    for (known, referrer, expected) in [
        (known(flagged, Decision::None), REFERRER, (State::Review, Some(Reason::Flagged))),
        (known(flagged, Decision::Approved), REFERRER, (State::Rewarded, None)),
        (known(flagged, Decision::Refused), REFERRER, (State::Refused, Some(Reason::ByStaff))),
        (known(blocked, Decision::None), REFERRER, (State::Refused, Some(Reason::Fraud))),
        (known(blocked, Decision::Approved), REFERRER, (State::Rewarded, None)),
        (
            known(&[], Decision::None),
            Referrer { suspended_at: Some(day(3)), ..REFERRER },
            (State::Review, Some(Reason::Suspended)),
        ),
        (
            known(&[], Decision::None),
            Referrer { standing: Standing::Blocked, ..REFERRER },
            (State::Review, Some(Reason::ReferrerBlocked)),
        ),
        // What was given is not taken back for a mere flag, but for a sign that blocks.
        (Known { is_given: true, ..known(flagged, Decision::None) }, REFERRER, (State::Rewarded, None)),
        (Known { is_given: true, ..known(blocked, Decision::None) }, REFERRER, (State::Refused, Some(Reason::Fraud))),
        (
            Known { closed: Some(Reason::BudgetUsed), ..known(&[], Decision::None) },
            REFERRER,
            (State::Refused, Some(Reason::BudgetUsed)),
        ),
    ] {
        assert_eq!(stand(&with(known, referrer), late), expected);
    }
    let mut form = form();
    form["fraud"] = json!({"same_network": "off"});
    let off = Referral::from_json(form).unwrap();
    let friend = Friend {
        claims: vec![Claim { known: known(flagged, Decision::None), ..claim("a", day(0), REFERRER, &off) }],
        acts: vec![order(day(5), 20, Kept::All)],
        ..Friend::default()
    };
    assert_eq!(stand(&friend, late).0, State::Rewarded, "a sign that is not looked at does nothing");
}

#[test]
fn what_cannot_be_reckoned_with_is_refused_with_its_place() {
    let program = program();
    assert!(referral().check(&program).is_ok());
    for (path, value, place) in [
        ("key", json!("No key"), "key"),
        ("name", json!(""), "name"),
        ("page", json!({"address": "http://shop.example"}), "page.address"),
        ("page", json!({"address": "https://a@b.example"}), "page.address"),
        ("page", json!({"address": "https://a.example", "words": "x".repeat(2001)}), "page.words"),
        ("referrer", json!({"steps": []}), "referrer.steps"),
        ("referrer", json!({"steps": [{"from": 2, "points": 1}]}), "referrer.steps[0].from"),
        ("referrer", json!({"steps": [{"from": 1, "points": 1}, {"from": 1, "points": 2}]}), "referrer.steps[1].from"),
        ("referrer", json!({"steps": [{"from": 1, "points": 0}]}), "referrer.steps[0].points"),
        ("referrer", json!({"wallet": "gold", "steps": [{"from": 1, "points": 1}]}), "referrer.wallet"),
        ("friend", json!({"points": -1}), "friend.points"),
        ("friend", json!({"points": 1, "wallet": "gold"}), "friend.wallet"),
        ("qualifies", json!({"event": ""}), "qualifies.event"),
        ("qualifies", json!({"event": "Referral Made"}), "qualifies.event"),
        ("qualifies", json!({"minimum": "0"}), "qualifies.minimum"),
        ("qualifies", json!({"within_days": 0}), "qualifies.within_days"),
        ("stands_days", json!(731), "stands_days"),
        ("newcomer", json!({"seen_within_days": 731}), "newcomer.seen_within_days"),
        ("caps", json!([{"most": 0, "of": "times", "per": "member", "every": "year"}]), "caps[0].most"),
        ("fraud", json!({"burst_most": 0}), "fraud.burst_most"),
        ("fraud", json!({"suspend_after": 0}), "fraud.suspend_after"),
        ("fraud", json!({"trace_days": 91}), "fraud.trace_days"),
    ] {
        let mut form = form();
        form[path] = value;
        let error = Referral::from_json(form).unwrap().check(&program).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{place}: ")), "{place}: {error}");
    }
    let mut nothing = form();
    nothing.as_object_mut().unwrap().retain(|key, _| key != "referrer" && key != "friend");
    assert!(Referral::from_json(nothing).unwrap().check(&program).unwrap_err().to_string().starts_with("referrer: "));
    let mut unknown = form();
    unknown["surprise"] = json!(1);
    assert!(Referral::from_json(unknown).is_err());
}

#[test]
fn rewards_grow_with_the_number_of_friends() {
    let (terms, program) = (referral(), program());
    let points: Vec<i64> = (1..=5).map(|nth| terms.for_referrer(&program, nth).unwrap().1).collect();
    assert_eq!(points, [200, 200, 300, 300, 300]);
    assert_eq!(terms.for_friend(&program), Some(("points", 100)));
}

/// A small case: codes of two members and of nobody, orders, instants.
fn small() -> impl Strategy<Value = (Vec<oracle::Told>, Vec<oracle::Did>, Option<i64>, i64)> {
    let told = (0..5_usize, 0..40_i64, 0..3_i64, 0..4_u8).prop_map(|(who, at, order, event)| oracle::Told {
        who,
        at,
        order,
        event,
    });
    let did = (0..60_i64, 10..60_i64, 0..4_u8, any::<bool>());
    // Each order has a number of its own.
    let numbered = |did: Vec<(i64, i64, u8, bool)>| -> Vec<oracle::Did> {
        (0_u8..).zip(did).map(|(name, (at, euros, kept, holds))| oracle::Did { at, name, euros, kept, holds }).collect()
    };
    (
        prop::collection::vec(told, 0..6),
        prop::collection::vec(did, 0..6).prop_map(numbered),
        prop::option::of(0..40_i64),
        0..90_i64,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Whatever was told in whatever order, it stands as the obvious implementation says.
    #[test]
    fn how_it_stands_follows_from_what_happened((told, did, first, now) in small(), turn in 0..6_usize) {
        let terms = referral();
        let expected = oracle::stand(&told, &did, first, now);
        let found = |told: &[oracle::Told], did: &[oracle::Did]| {
            let occasions: Vec<String> = did.iter().map(|it| format!("order:{}", it.name)).collect();
            let mut friend = oracle::friend(told, did, &occasions, &terms);
            friend.first_order_at = first.map(day);
            let mut found: Vec<Course> = courses(&friend, &calendar(), day(now));
            found.sort_by(|one, other| one.id.cmp(&other.id));
            found.into_iter().map(|it| (it.id, it.state, it.reason, it.is_bound)).collect::<Vec<_>>()
        };
        prop_assert_eq!(&found(&told, &did), &expected);
        let (mut told, mut did) = (told, did);
        told.reverse();
        let turn = turn.min(did.len());
        did.rotate_left(turn);
        prop_assert_eq!(&found(&told, &did), &expected, "told in another order");
        let twice: Vec<oracle::Told> = told.iter().chain(&told).cloned().collect();
        prop_assert_eq!(&found(&twice, &did), &expected, "told twice");
    }

    /// What is due is due exactly then: just before, it stands as it does now; nothing changes between.
    #[test]
    fn nothing_changes_before_it_is_due((told, did, first, now) in small()) {
        let terms = referral();
        let occasions: Vec<String> = did.iter().map(|it| format!("order:{}", it.name)).collect();
        let mut friend = oracle::friend(&told, &did, &occasions, &terms);
        friend.first_order_at = first.map(day);
        for course in courses(&friend, &calendar(), day(now)) {
            let Some(due) = course.due_at else { continue };
            prop_assert!(due > day(now));
            let at = |at| courses(&friend, &calendar(), at).into_iter().find(|it| it.id == course.id).unwrap();
            prop_assert_eq!(&at(Timestamp(due.0 - 1)), &course);
            prop_assert_ne!(&at(due), &course);
        }
    }
}
