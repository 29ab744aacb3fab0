//! The one rule of sending: each reason, its edges, and the rule as a whole beside a slow one that goes minute by minute and counts by lists.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rapport_domain::{Channel, Handle, PersonId, Purpose, Timestamp};
use rapport_engagement::journey::situation::{Other, Sent};
use rapport_engagement::journey::{Class, Situation, Suppressed};
use rapport_engagement::sending::policy::{self, asks_the_holdout, decide_again};
use rapport_engagement::sending::settings::MOST_JITTER;
use rapport_engagement::sending::{Ask, Cap, Decision, Quiet, Reason, Settings, Window, decide};
use rapport_engagement::timing::civil;
use rapport_privacy::consent::State;
use rapport_privacy::{Scope, Statement, Verdict, consent};
use rapport_segments::Duration;
use serde_json::json;

fn ts(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn length(text: &str) -> Duration {
    Duration::parse(text).unwrap()
}

fn statement(state: State, at: &str, channel: Option<Channel>, topic: Option<&str>) -> Statement {
    let scope = Scope { purpose: Purpose::Marketing, channel, topic: topic.map(str::to_owned) };
    Statement { handle: Handle(1), scope, state, at: ts(at), until: None }
}

/// Somebody in Berlin who agreed to everything and got nothing yet.
fn willing() -> Situation {
    let mut person = Situation::of(PersonId(7), zone("Europe/Berlin"));
    person.reach = [Channel::Email, Channel::Sms, Channel::InApp].map(|channel| (channel, Handle(1))).into();
    person.said = vec![statement(State::Granted, "2026-01-01", None, None)];
    person
}

fn open() -> Settings {
    Settings { quiet: None, caps: Vec::new(), ..Settings::default() }
}

fn ask(now: Timestamp) -> Ask<'static> {
    Ask {
        channel: Channel::Email,
        topic: None,
        class: Class::Marketing,
        priority: 0,
        quiet: None,
        chance: 0,
        since: now,
        drop_after: 2 * Timestamp::DAY,
    }
}

const NOON: &str = "2026-06-10T10:00:00Z";

fn reason_of(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Option<Reason> {
    match decide(ask, person, settings, now) {
        Decision::Send => None,
        Decision::Skip(reason) => Some(reason),
        Decision::Hold(until) => panic!("held until {until:?}"),
    }
}

fn why(change: impl FnOnce(&mut Situation)) -> Option<Reason> {
    let mut person = willing();
    change(&mut person);
    reason_of(&ask(ts(NOON)), &person, &open(), ts(NOON))
}

#[test]
fn each_verdict_of_consent_has_its_reason() {
    assert_eq!(why(|_| ()), None);
    assert_eq!(why(|it| it.said.clear()), Some(Reason::NoConsent));
    let then = |state| why(|it| it.said.push(statement(state, "2026-02-01", Some(Channel::Email), None)));
    assert_eq!(then(State::Denied), Some(Reason::ConsentDenied));
    assert_eq!(then(State::Withdrawn), Some(Reason::ConsentDenied));
    // Double opt-in: asked and not confirmed is not agreed, and does not take back what was.
    assert_eq!(why(|it| it.said[0].state = State::Pending), Some(Reason::ConsentPending));
    assert_eq!(then(State::Pending), None);
    assert_eq!(why(|it| it.said[0].until = Some(ts(NOON))), Some(Reason::ConsentExpired));
    assert_eq!(why(|it| it.said[0].until = Some(ts(NOON).plus(1))), None);
    // What is said tomorrow says nothing today, and other purposes and channels say nothing of this one.
    assert_eq!(why(|it| it.said[0].at = ts(NOON).plus(1)), Some(Reason::NoConsent));
    assert_eq!(why(|it| it.said[0].scope.purpose = Purpose::Analytics), Some(Reason::NoConsent));
    assert_eq!(why(|it| it.said[0].scope.channel = Some(Channel::Sms)), Some(Reason::NoConsent));
    // Of two identifiers the stricter counts.
    let other = |it: &mut Situation| {
        it.said.push(Statement { handle: Handle(2), ..statement(State::Denied, "2025-01-01", None, None) });
    };
    assert_eq!(why(other), Some(Reason::ConsentDenied));
}

#[test]
fn a_topic_is_agreed_to_under_a_general_refusal() {
    let now = ts(NOON);
    let mut person = willing();
    person.said = vec![
        statement(State::Denied, "2026-01-01", None, None),
        statement(State::Granted, "2026-02-01", None, Some("sale")),
    ];
    let about = |topic| Ask { topic, ..ask(now) };
    assert_eq!(reason_of(&about(Some("sale")), &person, &open(), now), None);
    assert_eq!(reason_of(&about(Some("news")), &person, &open(), now), Some(Reason::ConsentDenied));
    assert_eq!(reason_of(&about(None), &person, &open(), now), Some(Reason::ConsentDenied));
    // A later general refusal takes the topic with it.
    person.said.push(statement(State::Withdrawn, "2026-03-01", None, None));
    assert_eq!(reason_of(&about(Some("sale")), &person, &open(), now), Some(Reason::ConsentDenied));
}

#[test]
fn what_is_final_is_said_first() {
    let all = |it: &mut Situation| {
        it.said.clear();
        it.is_troubled = true;
        it.is_held_out = true;
        it.is_restricted = true;
        it.suppressed.push((Channel::Email, Suppressed::Everything));
    };
    let order = [
        Reason::Gone,
        Reason::Restricted,
        Reason::Unreachable,
        Reason::Suppressed,
        Reason::NoConsent,
        Reason::Trouble,
        Reason::HeldOut,
    ];
    for (place, expected) in order.into_iter().enumerate() {
        let found = why(|it| {
            all(it);
            it.is_gone = place == 0;
            it.is_restricted = place <= 1;
            if place <= 2 {
                it.reach.clear();
            }
            if place > 3 {
                it.suppressed.clear();
            }
            if place > 4 {
                it.said = willing().said;
            }
            it.is_troubled = place <= 5;
        });
        assert_eq!(found, Some(expected));
    }
    let trouble_is_fine = Settings { spare_the_troubled: false, ..open() };
    let person = Situation { is_troubled: true, ..willing() };
    assert_eq!(reason_of(&ask(ts(NOON)), &person, &trouble_is_fine, ts(NOON)), None);
}

/// Both sides of the lot are noted where it alone decides, whatever the hour: never of whom something else forbids it.
#[test]
fn the_holdout_is_asked_when_nothing_else_forbids_it() {
    let now = ts(NOON);
    let settings = Settings { holdout_percent: 5.0, ..open() };
    for is_held_out in [true, false] {
        let person = Situation { is_held_out, ..willing() };
        let asks = |person: &Situation, settings: &Settings| asks_the_holdout(&ask(now), person, settings, now);
        assert!(asks(&person, &settings));
        let quiet = Settings { holdout_percent: 5.0, ..Settings::default() };
        let night = ts("2026-06-10T01:00:00Z");
        assert!(asks_the_holdout(&ask(night), &person, &quiet, night));
        assert!(!asks(&person, &open()), "nobody is held out");
        assert!(!asks(&Situation { is_troubled: true, ..person.clone() }, &settings));
        assert!(!asks(&Situation { said: Vec::new(), ..person.clone() }, &settings));
        let needed = Ask { class: Class::Transactional, ..ask(now) };
        assert!(!asks_the_holdout(&needed, &person, &settings, now));
    }
}

#[test]
fn transactional_messages_are_not_held_back() {
    let night = ts("2026-06-10T01:00:00Z");
    let needed = Ask { class: Class::Transactional, since: ts("2025-01-01"), ..ask(night) };
    let mut person = willing();
    person.said = vec![statement(State::Denied, "2026-01-01", None, None)];
    person.is_held_out = true;
    person.is_troubled = true;
    person.wished_gap = Some(30 * Timestamp::DAY);
    person.sent = vec![Sent { at: night, channel: Channel::Email, topic: None }; 50];
    person.others = vec![Other { priority: 9, due: night }];
    // Unsubscribed from one topic of marketing is not unreachable.
    person.suppressed = vec![(Channel::Email, Suppressed::Topic("sale".to_owned()))];
    let about = Ask { topic: Some("sale"), ..needed.clone() };
    assert_eq!(decide(&about, &person, &Settings::default(), night), Decision::Send);
    person.suppressed = vec![(Channel::Email, Suppressed::Everything)];
    assert_eq!(decide(&needed, &person, &Settings::default(), night), Decision::Skip(Reason::Suppressed));
    person.is_restricted = true;
    assert_eq!(decide(&needed, &person, &Settings::default(), night), Decision::Skip(Reason::Restricted));
}

#[test]
fn suppression_is_of_a_channel_and_a_topic() {
    let now = ts(NOON);
    let mut person = willing();
    person.suppressed =
        vec![(Channel::Email, Suppressed::Topic("sale".to_owned())), (Channel::Sms, Suppressed::Everything)];
    let of = |channel, topic| reason_of(&Ask { channel, topic, ..ask(now) }, &person, &open(), now);
    assert_eq!(of(Channel::Email, Some("sale")), Some(Reason::Suppressed));
    assert_eq!(of(Channel::Email, Some("news")), None);
    assert_eq!(of(Channel::Email, None), None);
    assert_eq!(of(Channel::Sms, Some("news")), Some(Reason::Suppressed));
    assert_eq!(of(Channel::Push, None), Some(Reason::Unreachable));
    // Who complained about something without a topic gets no marketing there, and still what they need to know.
    person.suppressed = vec![(Channel::Email, Suppressed::Marketing)];
    let as_class = |class, topic| reason_of(&Ask { class, topic, ..ask(now) }, &person, &open(), now);
    assert_eq!(as_class(Class::Marketing, None), Some(Reason::Suppressed));
    assert_eq!(as_class(Class::Marketing, Some("news")), Some(Reason::Suppressed));
    assert_eq!(as_class(Class::Transactional, None), None);
}

#[test]
fn quiet_hours_hold_over_midnight_with_a_share_of_the_jitter() {
    let settings = |jitter| Settings {
        quiet: Some(Quiet { from: "22:00".into(), until: "06:00".into(), jitter_minutes: jitter }),
        ..open()
    };
    let held =
        |now: &str, chance, jitter| decide(&Ask { chance, ..ask(ts(now)) }, &willing(), &settings(jitter), ts(now));
    let at = |text: &str| Decision::Hold(ts(text));
    assert_eq!(held("2026-06-10T20:00:00Z", 0, 30), at("2026-06-11T04:00:00Z"));
    assert_eq!(held("2026-06-11T03:30:00Z", 0, 0), at("2026-06-11T04:00:00Z"));
    assert_eq!(held("2026-06-11T04:00:00Z", 5, 30), Decision::Send);
    // A share is the same whenever it is asked, and below the whole.
    let half_an_hour = 30 * 60_000_000;
    assert_eq!(held("2026-06-10T23:00:00Z", half_an_hour + 7, 30), Decision::Hold(ts("2026-06-11T04:00:00Z").plus(7)));
    assert_eq!(held("2026-06-11T01:00:00Z", half_an_hour + 7, 30), Decision::Hold(ts("2026-06-11T04:00:00Z").plus(7)));
    // The clock is put forward on the 29th: the night is an hour shorter.
    assert_eq!(held("2026-03-28T22:00:00Z", 0, 30), at("2026-03-29T04:00:00Z"));
    // On the company's own site nobody is woken.
    let in_app = Ask { channel: Channel::InApp, ..ask(ts("2026-06-10T22:00:00Z")) };
    assert_eq!(decide(&in_app, &willing(), &settings(30), ts("2026-06-10T22:00:00Z")), Decision::Send);
    // Quiet hours of the journey's own come before the workspace's.
    let own = Quiet { from: "12:00".into(), until: "13:00".into(), jitter_minutes: 0 };
    let night = ts("2026-06-10T22:00:00Z");
    assert_eq!(decide(&Ask { quiet: Some(&own), ..ask(night) }, &willing(), &settings(30), night), Decision::Send);
    assert!(
        Settings::from_json(&json!({"quiet": {"from": "22:00", "until": "06:00", "jitter_minutes": MOST_JITTER + 1}}))
            .is_err()
    );
}

#[test]
fn what_is_held_too_long_is_dropped() {
    let now = ts("2026-06-10T22:00:00Z");
    let settings = Settings::default();
    let until = match decide(&ask(now), &willing(), &settings, now) {
        Decision::Hold(until) => until,
        other => panic!("{other:?}"),
    };
    let exactly = Ask { drop_after: until.0 - now.0, ..ask(now) };
    assert_eq!(decide(&exactly, &willing(), &settings, now), Decision::Hold(until));
    let less = Ask { drop_after: until.0 - now.0 - 1, ..ask(now) };
    assert_eq!(decide(&less, &willing(), &settings, now), Decision::Skip(Reason::TooLate));
    let old = Ask { since: ts(NOON).plus(-2 * Timestamp::DAY), ..ask(ts(NOON)) };
    assert_eq!(decide(&old, &willing(), &open(), ts(NOON)), Decision::Send);
    assert_eq!(decide(&old, &willing(), &open(), ts(NOON).plus(1)), Decision::Skip(Reason::TooLate));
}

fn capped(cap: Cap, sent: &[(&str, Channel, Option<&str>)], now: &str) -> Option<Reason> {
    let mut person = willing();
    let one = |(at, channel, topic): &(&str, Channel, Option<&str>)| Sent {
        at: ts(at),
        channel: *channel,
        topic: topic.map(str::to_owned),
    };
    person.sent = sent.iter().map(one).collect();
    let settings = Settings { caps: vec![cap], ..open() };
    reason_of(&Ask { topic: Some("sale"), ..ask(ts(now)) }, &person, &settings, ts(now))
}

#[test]
fn caps_end_exactly_at_their_edge() {
    let of = |window| Cap { most: 1, window, channel: None, topic: None };
    let mail = |at| [(at, Channel::Email, None)];
    let last = of(Window::Last(length("24h")));
    assert_eq!(
        capped(last.clone(), &mail("2026-06-09T10:00:00Z"), "2026-06-10T09:59:59.999999Z"),
        Some(Reason::Capped)
    );
    assert_eq!(capped(last, &mail("2026-06-09T10:00:00Z"), NOON), None);
    // 23:00 and then 00:00 in Berlin.
    let day = of(Window::Day);
    assert_eq!(capped(day.clone(), &mail("2026-06-09T21:00:00Z"), "2026-06-09T21:59:59Z"), Some(Reason::Capped));
    assert_eq!(capped(day, &mail("2026-06-09T21:00:00Z"), "2026-06-09T22:00:00Z"), None);
    // Sunday evening and Monday; the last day of a month and the first.
    let week = of(Window::Week);
    assert_eq!(capped(week.clone(), &mail("2026-06-14T20:00:00Z"), "2026-06-14T21:59:00Z"), Some(Reason::Capped));
    assert_eq!(capped(week, &mail("2026-06-14T20:00:00Z"), "2026-06-14T22:00:00Z"), None);
    let month = of(Window::Month);
    assert_eq!(capped(month.clone(), &mail("2026-05-31T22:00:00Z"), "2026-06-30T21:00:00Z"), Some(Reason::Capped));
    assert_eq!(capped(month, &mail("2026-05-31T21:00:00Z"), "2026-06-30T21:00:00Z"), None);
}

#[test]
fn caps_are_over_all_or_of_a_channel_or_topic() {
    let cap =
        |channel, topic: Option<&str>| Cap { most: 1, window: Window::Day, channel, topic: topic.map(str::to_owned) };
    let then = "2026-06-10T09:00:00Z";
    let sms = [(then, Channel::Sms, Some("sale"))];
    assert_eq!(capped(cap(None, None), &sms, NOON), Some(Reason::Capped));
    assert_eq!(capped(cap(Some(Channel::Email), None), &sms, NOON), None);
    assert_eq!(capped(cap(Some(Channel::Sms), None), &sms, NOON), None, "it is not of this message's channel");
    assert_eq!(capped(cap(None, Some("sale")), &sms, NOON), Some(Reason::Capped));
    assert_eq!(capped(cap(None, Some("news")), &sms, NOON), None, "it is not of this message's topic");
    assert_eq!(capped(cap(None, Some("sale")), &[(then, Channel::Email, Some("news"))], NOON), None);
    assert_eq!(capped(Cap { most: 0, ..cap(None, None) }, &[], NOON), Some(Reason::Capped));
}

#[test]
fn wished_gaps_are_kept() {
    let now = ts(NOON);
    let mut person = Situation { wished_gap: Some(7 * Timestamp::DAY), ..willing() };
    assert_eq!(reason_of(&ask(now), &person, &open(), now), None);
    let sent = |at| vec![Sent { at, channel: Channel::Sms, topic: None }];
    person.sent = sent(now.plus(-7 * Timestamp::DAY));
    assert_eq!(reason_of(&ask(now), &person, &open(), now), None);
    person.sent = sent(now.plus(1 - 7 * Timestamp::DAY));
    assert_eq!(reason_of(&ask(now), &person, &open(), now), Some(Reason::TooOften));
    let in_app = Ask { channel: Channel::InApp, ..ask(now) };
    assert_eq!(reason_of(&in_app, &person, &open(), now), None);
}

#[test]
fn the_last_room_is_left_to_who_matters_more() {
    let now = ts(NOON);
    let cap = |most| Settings { caps: vec![Cap { most, window: Window::Day, channel: None, topic: None }], ..open() };
    let with = |priority, due| Situation { others: vec![Other { priority, due }], ..willing() };
    let of = |person: &Situation, settings: &Settings| reason_of(&ask(now), person, settings, now);
    assert_eq!(of(&with(1, now.plus(Timestamp::DAY)), &cap(1)), Some(Reason::Yielded));
    assert_eq!(of(&with(1, now.plus(Timestamp::DAY + 1)), &cap(1)), None, "that is not soon");
    assert_eq!(of(&with(0, now), &cap(1)), None, "nobody yields to an equal");
    assert_eq!(of(&with(1, now), &cap(2)), None, "there is room for both");
    assert_eq!(of(&with(1, now), &open()), None, "there is no cap at all");
    // A wish leaves room for one, as long as the other would be too soon after this one.
    let wishing = |due, gap| Situation { wished_gap: Some(gap), ..with(1, due) };
    assert_eq!(of(&wishing(now.plus(Timestamp::HOUR), 7 * Timestamp::DAY), &open()), Some(Reason::Yielded));
    assert_eq!(of(&wishing(now.plus(Timestamp::HOUR), Timestamp::HOUR), &open()), None);
}

#[test]
fn what_was_queued_for_long_is_asked_again_without_its_own_place() {
    let (decided, now) = (ts(NOON), ts("2026-06-10T21:30:00Z"));
    let settings = Settings::default();
    let mut person = willing();
    person.sent = vec![Sent { at: decided, channel: Channel::Email, topic: None }];
    let asked = ask(decided);
    assert_eq!(decide_again(&asked, &person, &settings, decided.plus(Timestamp::HOUR)), Decision::Send);
    assert!(matches!(decide_again(&asked, &person, &settings, now), Decision::Hold(_)), "the night has come");
    let late = decided.plus(3 * Timestamp::DAY);
    assert_eq!(decide_again(&asked, &person, &settings, late), Decision::Skip(Reason::TooLate));
    person.said.push(statement(State::Withdrawn, "2026-06-10T10:00:01Z", None, None));
    assert_eq!(
        decide_again(&asked, &person, &settings, decided.plus(Timestamp::HOUR)),
        Decision::Skip(Reason::ConsentDenied)
    );
}

/// The rule, written from its description: a list of questions, the wall clock minute by minute, and counting by lists of days.
fn slow(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Decision {
    let is_marketing = ask.class == Class::Marketing;
    let is_needed = ask.class == Class::Transactional;
    let wakes = ask.channel != Channel::InApp;
    let said = |purpose| {
        let scope = Scope { purpose, channel: Some(ask.channel), topic: ask.topic.map(str::to_owned) };
        consent::standing(&person.said, &scope, now).verdict
    };
    let verdict = said(Purpose::Marketing);
    let is_refused = [said(Purpose::Service), verdict].contains(&Verdict::Denied);
    let is_dead = person.suppressed.iter().any(|(channel, what)| {
        *channel == ask.channel
            && match what {
                Suppressed::Everything => true,
                Suppressed::Marketing => !is_needed,
                Suppressed::Topic(topic) => !is_needed && Some(topic.as_str()) == ask.topic,
            }
    });
    let questions = [
        (person.is_gone, Reason::Gone),
        (person.is_restricted, Reason::Restricted),
        (!person.reach.keys().any(|channel| *channel == ask.channel), Reason::Unreachable),
        (is_dead, Reason::Suppressed),
        (is_marketing && verdict == Verdict::Unknown, Reason::NoConsent),
        (is_marketing && verdict == Verdict::Denied, Reason::ConsentDenied),
        (is_marketing && verdict == Verdict::Pending, Reason::ConsentPending),
        (is_marketing && verdict == Verdict::Expired, Reason::ConsentExpired),
        (ask.class == Class::Service && is_refused, Reason::ConsentDenied),
        (!is_needed && person.is_troubled && settings.spare_the_troubled, Reason::Trouble),
        (is_marketing && person.is_held_out, Reason::HeldOut),
        (!is_needed && now.0 > ask.since.0 + ask.drop_after, Reason::TooLate),
    ];
    if let Some((_, reason)) = questions.iter().find(|(is_so, _)| *is_so) {
        return Decision::Skip(*reason);
    }
    if is_needed {
        return Decision::Send;
    }
    let quiet = ask.quiet.or(settings.quiet.as_ref()).filter(|_| wakes);
    if let Some(quiet) = quiet {
        let is_quiet = |at: Timestamp| {
            let time = civil(&person.zone, at).strftime("%H:%M").to_string();
            if quiet.from < quiet.until {
                quiet.from <= time && time < quiet.until
            } else {
                quiet.from != quiet.until && (time >= quiet.from || time < quiet.until)
            }
        };
        if is_quiet(now) {
            let mut end = now;
            while is_quiet(end) {
                end = end.plus(Timestamp::MINUTE);
            }
            let jitter = i64::from(quiet.jitter_minutes) * Timestamp::MINUTE;
            let share =
                if jitter == 0 { 0 } else { i64::try_from(ask.chance % u64::try_from(jitter).unwrap()).unwrap() };
            let until = end.plus(share);
            return if until.0 > ask.since.0 + ask.drop_after {
                Decision::Skip(Reason::TooLate)
            } else {
                Decision::Hold(until)
            };
        }
    }
    if !wakes {
        return Decision::Send;
    }
    if let Some(gap) = person.wished_gap
        && person.sent.iter().any(|sent| now.0 < sent.at.0 + gap)
    {
        return Decision::Skip(Reason::TooOften);
    }
    let shown = |at: Timestamp| civil(&person.zone, at).date();
    let is_in = |window: Window, at: Timestamp| match window {
        Window::Last(length) => at.0 + length.micros() > now.0,
        Window::Day => shown(at) == shown(now),
        Window::Week => {
            shown(at).iso_week_date().year() == shown(now).iso_week_date().year()
                && shown(at).iso_week_date().week() == shown(now).iso_week_date().week()
        }
        Window::Month => (shown(at).year(), shown(at).month()) == (shown(now).year(), shown(now).month()),
    };
    let mut rooms = Vec::new();
    for cap in &settings.caps {
        let fits = |channel: Channel, topic: Option<&str>| {
            cap.channel.is_none_or(|of| of == channel) && cap.topic.as_deref().is_none_or(|of| Some(of) == topic)
        };
        if fits(ask.channel, ask.topic) {
            let used =
                person.sent.iter().filter(|it| is_in(cap.window, it.at) && fits(it.channel, it.topic.as_deref()));
            rooms.push(i64::from(cap.most) - i64::try_from(used.count()).unwrap());
        }
    }
    if rooms.iter().any(|room| *room <= 0) {
        return Decision::Skip(Reason::Capped);
    }
    for other in &person.others {
        let is_soon = other.due.0 <= now.0 + settings.yield_within.micros();
        let takes_room = rooms.contains(&1) || person.wished_gap.is_some_and(|gap| other.due.0 < now.0 + gap);
        if other.priority > ask.priority && is_soon && takes_room {
            return Decision::Skip(Reason::Yielded);
        }
    }
    Decision::Send
}

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/Los_Angeles",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
];
const CHANNELS: [Channel; 3] = [Channel::Email, Channel::Sms, Channel::InApp];
const TOPICS: [Option<&str>; 3] = [None, Some("sale"), Some("news")];

fn one_of<T: Clone + std::fmt::Debug + 'static>(list: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(list.to_vec())
}

prop_compose! {
    fn any_settings()(
        quiet in prop::option::of((0u8..48, 0u8..48, one_of(&[0, 0, 30, 240]))),
        caps in prop::collection::vec((0u32..4, 0usize..5, prop::option::of(one_of(&CHANNELS)), one_of(&TOPICS)), 0..4),
        spare_the_troubled in any::<bool>(),
    ) -> Settings {
        let half = |n: u8| format!("{:02}:{:02}", n / 2, n % 2 * 30);
        let windows = [Window::Day, Window::Week, Window::Month, Window::Last(length("24h")), Window::Last(length("7d"))];
        Settings {
            quiet: quiet.map(|(from, until, jitter)| Quiet { from: half(from), until: half(until), jitter_minutes: jitter }),
            caps: caps.into_iter().map(|(most, window, channel, topic)| {
                Cap { most, window: windows[window], channel, topic: topic.map(str::to_owned) }
            }).collect(),
            spare_the_troubled,
            ..Settings::default()
        }
    }
}

prop_compose! {
    fn any_person(now: Timestamp)(
        zone_name in one_of(&ZONES),
        flags in prop::collection::vec(prop::bool::weighted(0.06), 4),
        reach in prop::collection::btree_set(one_of(&[Channel::Email, Channel::Email, Channel::Sms, Channel::InApp]), 1..4),
        suppressed in prop::collection::vec((one_of(&CHANNELS), one_of(&TOPICS), any::<bool>()), 0..2),
        said in prop::collection::vec((0usize..8, 0i64..100, prop::option::of(one_of(&CHANNELS)), one_of(&TOPICS), prop::bool::weighted(0.1)), 1..4),
        wished_gap in prop::option::weighted(0.3, one_of(&[7 * Timestamp::DAY, 30 * Timestamp::DAY])),
        sent in prop::collection::vec((0i64..60 * 24 * 10, one_of(&CHANNELS[..2]), one_of(&TOPICS)), 0..6),
        others in prop::collection::vec((-1i32..3, -60i64..3_000), 0..3),
    ) -> Situation {
        let states = [State::Granted, State::Granted, State::Granted, State::Granted, State::Granted, State::Denied, State::Withdrawn, State::Pending];
        let mut person = Situation::of(PersonId(1), zone(zone_name));
        (person.is_gone, person.is_restricted, person.is_troubled, person.is_held_out) = (flags[0], flags[1], flags[2], flags[3]);
        person.reach = reach.into_iter().map(|channel| (channel, Handle(1))).collect();
        person.suppressed = suppressed.into_iter().map(|(channel, topic, is_marketing)| (channel, match topic {
            Some(topic) => Suppressed::Topic(topic.to_owned()),
            None if is_marketing => Suppressed::Marketing,
            None => Suppressed::Everything,
        })).collect();
        person.said = said.into_iter().map(|(state, hours, channel, topic, expired)| Statement {
            handle: Handle(1 + hours % 2),
            scope: Scope { purpose: if hours % 7 == 0 { Purpose::Service } else { Purpose::Marketing }, channel, topic: topic.map(str::to_owned) },
            state: states[state],
            at: now.plus(-hours * Timestamp::HOUR),
            until: expired.then_some(now),
        }).collect();
        person.wished_gap = wished_gap;
        person.sent = sent.into_iter().map(|(minutes, channel, topic)| Sent {
            at: now.plus(-minutes * Timestamp::MINUTE), channel, topic: topic.map(str::to_owned),
        }).collect();
        person.others = others.into_iter().map(|(priority, minutes)| Other { priority, due: now.plus(minutes * Timestamp::MINUTE) }).collect();
        person
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_rule_is_the_slow_one(
        (now, person) in (one_of(&["2026-03-28", "2026-06-10", "2026-10-24", "2026-04-04", "2026-12-31"]), 0i64..4_000)
            .prop_flat_map(|(day, minutes)| {
                let now = ts(day).plus(minutes * Timestamp::MINUTE);
                (Just(now), any_person(now))
            }),
        settings in any_settings(),
        channel in one_of(&CHANNELS), topic in one_of(&TOPICS), class in one_of(&[Class::Marketing, Class::Marketing, Class::Service, Class::Service, Class::Transactional]),
        priority in 0i32..2, chance in any::<u64>(), waited in 0i64..4_000, drop_after in one_of(&[60i64, 2_880, 20_000]),
    ) {
        let since = now.plus(-waited * Timestamp::MINUTE);
        let ask = Ask { channel, topic, class, priority, quiet: None, chance, since, drop_after: drop_after * Timestamp::MINUTE };
        let decided = decide(&ask, &person, &settings, now);
        prop_assert_eq!(decided, slow(&ask, &person, &settings, now));
        if let Decision::Hold(until) = decided {
            prop_assert!(until > now);
        }
        // Whatever is decided now, who is asked for nothing else is forbidden by the same.
        let forbidden = policy::forbidden(&ask, &person, &settings, now);
        prop_assert!(forbidden.is_none_or(|reason| decided == Decision::Skip(reason)));
    }

    #[test]
    fn settings_come_back(settings in any_settings()) {
        let form = serde_json::to_value(&settings).unwrap();
        let same = settings.quiet.as_ref().is_some_and(|quiet| quiet.from == quiet.until);
        match Settings::from_json(&form) {
            Ok(read) => prop_assert_eq!(read, settings),
            Err(error) => prop_assert!(same, "{error}"),
        }
    }
}

#[test]
fn settings_say_what_is_wrong_and_where() {
    let problem = |form| Settings::from_json(&form).unwrap_err().to_string();
    assert!(problem(json!({"quiet": {"from": "22:00", "until": "6:00"}})).starts_with("quiet:"));
    assert!(problem(json!({"quiet": {"from": "22:00", "until": "22:00"}})).starts_with("quiet:"));
    assert!(problem(json!({"caps": [{"most": 1, "window": {"last": "100d"}}]})).starts_with("caps[0].window:"));
    assert!(problem(json!({"caps": [{"most": 1, "window": "day", "every": 2}]})).starts_with("caps[0].every:"));
    assert!(problem(json!({"holdout_percent": 51})).starts_with("holdout_percent:"));
    assert!(problem(json!({"from": {"name": "a\r\nBcc: x"}})).starts_with("from.name:"));
    assert!(problem(json!({"color": 1})).starts_with("color:"));
}
