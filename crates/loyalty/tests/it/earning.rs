//! What rules give: published cases, each field by itself, and random sets of rules beside a second way to reckon.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use rapport_domain::calendar::{Calendar, WeekStart};
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::document::Holdout;
use rapport_loyalty::earning::{
    Amounts, Award, Awards, CapPer, Count, Every, Happened, Occasion, Outcome, Period, Rated, Rule, Step, Used, rate,
};
use rapport_loyalty::ledger::{Act, MemberId, Portion, WalletId};
use rapport_loyalty::program::Program;
use rapport_loyalty::{Document, Error};
use rapport_segments::{EventView, FactView, Moment, Subject};
use serde_json::{Value, json};

fn program(change: Value) -> Program {
    let mut value = json!({
        "name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR",
        "wallets": [{"key": "points", "name": "Points"}, {"key": "stamps", "name": "Stamps", "unit": {"kind": "stamps"}}],
    });
    for (key, part) in change.as_object().unwrap() {
        value[key] = part.clone();
    }
    let program: Program = serde_json::from_value(value).unwrap();
    program.check().unwrap();
    program
}

fn rule(key: &str, gives: Value, more: Value) -> Rule {
    let mut value = json!({"key": key, "name": key, "event": "Order Completed", "gives": gives});
    for (field, part) in more.as_object().unwrap() {
        value[field] = part.clone();
    }
    serde_json::from_value(value).unwrap()
}

/// What an order earns under these rules, by somebody whose tier is gold, at an instant.
fn rated_at(
    program: &Program,
    rules: &[Rule],
    order: &Value,
    at: &str,
    used: impl Fn(&str, CapPer, Period) -> Used,
) -> Rated {
    for rule in rules {
        rule.check(program).unwrap();
    }
    let at = Timestamp::parse(at).unwrap();
    let calendar = Calendar::new(&program.zone, WeekStart::Monday).unwrap();
    let order = order.as_object().unwrap();
    let mut properties: Vec<(String, Value)> =
        order.iter().filter(|(_, it)| !it.is_array()).map(|(key, it)| (key.clone(), it.clone())).collect();
    properties.sort_by(|one, other| one.0.cmp(&other.0));
    let gold = json!("gold");
    let facts = [FactView::always("loyalty.tier", &gold)];
    let subject = Subject {
        person: PersonId(7),
        event: Some(EventView::new("Order Completed", at, &properties)),
        facts: &facts,
        ..Subject::NOBODY
    };
    let amounts = Amounts::read(order);
    let occasion = Occasion { subject: &subject, amounts: &amounts, moment: Moment { now: at, calendar: &calendar } };
    let rules: Vec<(&Rule, i64)> = rules.iter().map(|rule| (rule, 1)).collect();
    rate(program, &rules, occasion, used)
}

const NOON: &str = "2026-06-10T10:00:00Z";

fn nothing(_: &str, _: CapPer, _: Period) -> Used {
    Used::default()
}

fn rated(program: &Program, rules: &[Rule], order: &Value) -> Rated {
    rated_at(program, rules, order, NOON, nothing)
}

fn points(rated: &Rated) -> Vec<i64> {
    rated.lines.iter().map(|line| line.points).collect()
}

fn one(rule: Rule, order: Value) -> i64 {
    points(&rated(&program(json!({})), &[rule], &order))[0]
}

/// Square's documentation: a point for each 10 spent makes 10 of 105; a promotion multiplies whole points and drops the fraction.
#[test]
fn published_cases() {
    let base = || rule("base", json!({"kind": "amount", "points": 1, "each": "10"}), json!({}));
    assert_eq!(one(base(), json!({"subtotal": 105})), 10);
    assert_eq!(one(base(), json!({"subtotal": 9.99})), 0);
    let promotion = rule("promotion", json!({"kind": "times", "factor": "1.25"}), json!({}));
    assert_eq!(points(&rated(&program(json!({})), &[base(), promotion], &json!({"subtotal": 105}))), [10, 2]);
}

#[test]
fn the_amount_is_what_the_rule_says() {
    let gives = |base: Value| json!({"kind": "amount", "points": 1, "each": "1", "base": base});
    let order =
        json!({"subtotal": 90, "discount": 10, "tax": 17.1, "shipping": 5, "total": 112.1, "paid_with_points": 30});
    let base = |base: Value| one(rule("base", gives(base), json!({})), order.clone());
    assert_eq!(base(json!({})), 60);
    assert_eq!(base(json!({"with_points": true})), 90);
    assert_eq!(base(json!({"with_tax": true})), 77);
    assert_eq!(base(json!({"with_shipping": true})), 65);
    assert_eq!(base(json!({"before_discounts": true})), 70);
    assert_eq!(base(json!({"with_tax": true, "with_shipping": true, "with_points": true})), 112);
    let plain = |order: Value| one(rule("base", gives(json!({})), json!({})), order);
    assert_eq!(
        plain(json!({"total": 112.1, "tax": 17.1, "shipping": 5})),
        90,
        "of the total, tax and shipping are taken off"
    );
    assert_eq!(plain(json!({"revenue": "42.50", "total": 99})), 42);
    assert_eq!(plain(json!({"discount": 5, "products": [{"price": 10, "quantity": 2}, {"price": "2.50"}]})), 17);
    assert_eq!(plain(json!({"subtotal": 20, "paid_with_points": 50})), 0, "never below 0");
    assert_eq!(plain(json!({"subtotal": -20})), 0);
    assert_eq!(plain(json!({})), 0);
}

#[test]
fn fractions_go_where_the_rule_says() {
    let gives = |round: &str| json!({"kind": "amount", "points": 5, "each": "10", "round": round});
    let of = |round: &str, subtotal: &str| one(rule("base", gives(round), json!({})), json!({"subtotal": subtotal}));
    assert_eq!([of("down", "19.90"), of("nearest", "19.90"), of("up", "19.90")], [9, 10, 10]);
    assert_eq!([of("down", "1"), of("nearest", "1"), of("up", "0.000001")], [0, 1, 1]);
    let steps = json!({"kind": "amount", "points": 5, "each": "10", "full_steps": true});
    assert_eq!(one(rule("base", steps, json!({})), json!({"subtotal": "19.90"})), 5);
}

#[test]
fn lines_carry_their_share_of_what_was_taken_off() {
    let order = json!({"subtotal": 90, "discount": 10, "products": [
        {"price": 40, "quantity": 1, "category": "tents"}, {"price": 20, "quantity": 3, "category": "shoes"}]});
    let items = json!({"property": {"path": "category", "op": "equals", "value": "tents"}});
    let amount = json!({"kind": "amount", "points": 1, "each": "1", "items": items});
    assert_eq!(one(rule("tents", amount, json!({})), order.clone()), 36);
    let units = |items: Value| json!({"kind": "units", "points": 10, "items": items});
    assert_eq!(one(rule("all", units(Value::Null), json!({})), order.clone()), 40);
    assert_eq!(one(rule("tents", units(items), json!({})), order), 10);
    let weighed = json!({"products": [{"price": 4, "quantity": "1.5"}]});
    assert_eq!(one(rule("all", units(Value::Null), json!({})), weighed), 15);
    let number = json!({"kind": "number", "points": 3, "each": "2", "property": "nights"});
    assert_eq!(one(rule("nights", number.clone(), json!({})), json!({"nights": 5})), 7);
    assert_eq!(one(rule("nights", number, json!({})), json!({"nights": "many"})), 0);
}

#[test]
fn other_currencies_need_a_rate() {
    let base = || rule("base", json!({"kind": "amount", "points": 1, "each": "1"}), json!({}));
    let order = json!({"subtotal": 100, "currency": "sek"});
    let without = rated(&program(json!({})), &[base()], &order);
    assert_eq!((without.lines[0].points, &without.lines[0].outcome), (0, &Outcome::NoRate));
    let with = program(json!({"rates": [{"currency": "SEK", "worth": "0.0899"}]}));
    assert_eq!(points(&rated(&with, &[base()], &order)), [8]);
    let fixed = rule("fixed", json!({"kind": "fixed", "points": 50}), json!({}));
    assert_eq!(one(fixed, order), 50, "what does not go by the amount needs none");
}

#[test]
fn rules_of_a_group_stand_in_for_each_other() {
    let fixed = |key: &str, points: i64, place: u32| {
        rule(key, json!({"kind": "fixed", "points": points}), json!({"place": place, "group": "base"}))
    };
    let of = |mode: &str| {
        let program = program(json!({"groups": [{"key": "base", "mode": mode}]}));
        rated(&program, &[fixed("c", 30, 3), fixed("a", 10, 1), fixed("b", 30, 2)], &json!({}))
    };
    assert_eq!(points(&of("first")), [10, 0, 0], "in the order of their places");
    assert_eq!(points(&of("best")), [0, 30, 0], "the first of those that give the same");
    assert_eq!(points(&of("all")), [10, 30, 30]);
    let best = of("best");
    assert_eq!(best.lines[0].outcome, Outcome::Instead("b".to_owned()));
    assert_eq!(best.lines[0].wanted, 10, "it is said what it would have given");
}

#[test]
fn multipliers_do_not_multiply_each_other() {
    let fixed = |key: &str, more: Value| rule(key, json!({"kind": "fixed", "points": 10}), more);
    let times = |key: &str, factor: &str, more: Value| {
        let mut gives = json!({"kind": "times", "factor": factor});
        gives.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule(key, gives, json!({"place": 9}))
    };
    let rules = [
        fixed("base", json!({})),
        fixed("stamp", json!({"wallet": "stamps"})),
        times("double", "2", json!({})),
        times("triple", "3", json!({})),
        times("half", "1.55", json!({"rules": ["base"]})),
        times("none", "2", json!({"rules": ["other"]})),
    ];
    let rated = rated(&program(json!({})), &rules, &json!({}));
    let by_key = |key: &str| rated.lines.iter().find(|line| line.rule == key).unwrap().points;
    assert_eq!(["base", "stamp", "double", "triple", "half", "none"].map(by_key), [10, 10, 10, 20, 5, 0]);
}

#[test]
fn a_rule_holds_in_its_window() {
    let of = |window: Value, at: &str| {
        let rule = rule("night", json!({"kind": "fixed", "points": 1}), json!({"window": window}));
        points(&rated_at(&program(json!({})), &[rule], &json!({}), at, nothing))[0] == 1
    };
    let instants = |at: &str| of(json!({"from": "2026-06-10T00:00:00Z", "until": "2026-06-10T12:00:00Z"}), at);
    assert!(instants("2026-06-10T00:00:00Z") && !instants("2026-06-09T23:59:59Z") && instants("2026-06-10T11:59:59Z"));
    assert!(!instants("2026-06-10T12:00:00Z"));
    let days = |at: &str| of(json!({"from": "2026-06-10", "until": "2026-06-11"}), at);
    assert!(days("2026-06-09T22:00:00Z") && !days("2026-06-09T21:59:59Z"), "days of Berlin");
    assert!(days("2026-06-11T21:59:59Z") && !days("2026-06-11T22:00:00Z"), "to the end of the last one");
    // 10 June 2026 is a Wednesday. Berlin is two hours ahead.
    assert!(of(json!({"weekdays": [3]}), NOON) && !of(json!({"weekdays": [1, 2, 4, 5, 6, 7]}), NOON));
    assert!(of(json!({"weekdays": [4]}), "2026-06-10T22:30:00Z"), "it is Thursday in Berlin");
    assert!(of(json!({"from_hour": 12, "until_hour": 13}), NOON) && !of(json!({"from_hour": 13}), NOON));
    let night = json!({"from_hour": 22, "until_hour": 2, "weekdays": [5]});
    assert!(of(night.clone(), "2026-06-12T20:30:00Z"), "Friday, half past ten in the evening");
    assert!(of(night.clone(), "2026-06-12T23:30:00Z"), "half past one of the same night");
    assert!(!of(night.clone(), "2026-06-11T23:30:00Z"), "half past one of Thursday's night");
    assert!(!of(night, "2026-06-13T20:30:00Z"));
}

#[test]
fn conditions_look_at_the_order_and_at_who_placed_it() {
    let tier = |value: &str| json!({"fact": {"key": "loyalty.tier", "op": "equals", "value": value}});
    let of = |when: Value| {
        one(rule("gold", json!({"kind": "fixed", "points": 5}), json!({"when": when})), json!({"channel": "store"}))
    };
    assert_eq!([of(tier("gold")), of(tier("silver"))], [5, 0]);
    assert_eq!(of(json!({"property": {"path": "channel", "op": "equals", "value": "store"}})), 5);
}

#[test]
fn caps_cut_and_say_which() {
    let caps = json!([
        {"most": 100, "of": "points", "per": "member", "every": "month"},
        {"most": 3, "of": "times", "per": "member", "every": "day"},
        {"most": 1_000, "of": "points", "per": "everybody", "every": "ever"},
    ]);
    let rule = || rule("base", json!({"kind": "fixed", "points": 40}), json!({"caps": caps}));
    let with = |points: i64, times: i64, budget: i64| {
        let used = move |key: &str, per: CapPer, period: Period| {
            assert_eq!(key, "base");
            match (per, period.every) {
                (CapPer::Member, Every::Month) => {
                    assert_eq!(period.key(), "month 2026-06-01");
                    Used { points, times: 99 }
                }
                (CapPer::Member, Every::Day) => Used { points: 9_999, times },
                (CapPer::Everybody, Every::Ever) => Used { points: budget, times: 99 },
                other => panic!("no cap asks for {other:?}"),
            }
        };
        let line = rated_at(&program(json!({})), &[rule()], &json!({}), NOON, used).lines.remove(0);
        (line.points, line.outcome)
    };
    assert_eq!(with(0, 0, 0), (40, Outcome::Given));
    assert_eq!(with(60, 2, 960), (40, Outcome::Given));
    assert_eq!(with(61, 0, 0), (39, Outcome::Capped(0)));
    assert_eq!(with(0, 3, 0), (0, Outcome::Capped(1)));
    assert_eq!(with(50, 0, 999), (1, Outcome::Capped(2)));
    assert_eq!(with(200, 0, 0), (0, Outcome::Capped(0)));
}

#[test]
fn periods_are_civil() {
    let calendar = program(json!({})).calendar().unwrap();
    let key = |every, at: &str| Period::of(every, Timestamp::parse(at).unwrap(), &calendar).key();
    assert_eq!(key(Every::Day, "2026-06-30T22:30:00Z"), "day 2026-07-01");
    assert_eq!(key(Every::Week, "2026-06-14T21:59:00Z"), "week 2026-06-08");
    assert_eq!(key(Every::Week, "2026-06-14T22:00:00Z"), "week 2026-06-15");
    assert_eq!(key(Every::Month, "2025-12-31T23:30:00Z"), "month 2026-01-01");
    assert_eq!(key(Every::Year, "2025-12-31T23:30:00Z"), "year 2026-01-01");
    assert_eq!(key(Every::Ever, NOON), "ever");
}

#[test]
fn some_are_held_out_of_campaigns_and_nobody_of_promises() {
    let fixed = || json!({"kind": "fixed", "points": 20});
    let usual = |gives: Value, more: Value| rule("it", gives, more).usual_percent();
    assert_eq!(usual(fixed(), json!({})), 0);
    assert_eq!(usual(json!({"kind": "amount", "points": 1, "each": "1"}), json!({})), 0);
    assert_eq!(usual(json!({"kind": "times", "factor": "2"}), json!({})), 10);
    assert_eq!(usual(fixed(), json!({"window": {"until": "2026-06-30"}})), 10);
    assert_eq!(usual(fixed(), json!({"window": {"weekdays": [1]}})), 10);
    // Of what was stored before anybody spoke of it, nobody is.
    assert_eq!(rule("it", fixed(), json!({"window": {"weekdays": [1]}})).holdout_percent, 0);
}

#[test]
fn whoever_is_held_out_earns_by_the_next_rule_of_the_group() {
    let program = program(json!({"groups": [{"key": "base", "mode": "best"}]}));
    let calendar = Calendar::new("UTC", WeekStart::Monday).unwrap();
    let at = Timestamp::parse(NOON).unwrap();
    let rules = [
        rule("more", json!({"kind": "fixed", "points": 20}), json!({"group": "base", "holdout_percent": 20})),
        rule("less", json!({"kind": "fixed", "points": 5}), json!({"group": "base"})),
    ];
    let rules: Vec<(&Rule, i64)> = rules.iter().map(|rule| (rule, 1)).collect();
    let mut held = 0;
    for person in 0..5_000 {
        let event = EventView::new("Order Completed", at, &[]);
        let subject = Subject { person: PersonId(person), event: Some(event), ..Subject::NOBODY };
        let amounts = Amounts::default();
        let moment = Moment { now: at, calendar: &calendar };
        let rated = rate(&program, &rules, Occasion { subject: &subject, amounts: &amounts, moment }, nothing);
        let line = |key: &str| rated.lines.iter().find(|line| line.rule == key).unwrap();
        if line("more").outcome == Outcome::HeldOut {
            held += 1;
            assert_eq!((line("more").wanted, line("less").points), (20, 5));
        } else {
            assert_eq!((line("more").points, line("less").points), (20, 0));
        }
    }
    assert!((850..1_150).contains(&held), "a fifth of 5,000 within five standard deviations, not {held}");
}

#[test]
fn what_cannot_be_reckoned_with_is_refused_with_its_place() {
    let whole = program(json!({"groups": [{"key": "base", "mode": "best"}]}));
    let fixed = || json!({"kind": "fixed", "points": 1});
    let place = |gives: Value, more: Value| match rule("r", gives, more).check(&whole) {
        Err(Error::Invalid { place, .. }) => place,
        other => panic!("{other:?}"),
    };
    assert_eq!(place(json!({"kind": "fixed", "points": 0}), json!({})), "gives.points");
    assert_eq!(place(json!({"kind": "amount", "points": 1, "each": "0"}), json!({})), "gives.each");
    assert_eq!(place(json!({"kind": "times", "factor": "1"}), json!({})), "gives.factor");
    assert_eq!(place(json!({"kind": "times", "factor": "101"}), json!({})), "gives.factor");
    assert_eq!(place(json!({"kind": "number", "points": 1, "each": "1", "property": ""}), json!({})), "gives.property");
    assert_eq!(place(fixed(), json!({"wallet": "gems"})), "wallet");
    assert_eq!(place(fixed(), json!({"group": "bonus"})), "group");
    assert_eq!(place(fixed(), json!({"key": "Not a key"})), "key");
    assert_eq!(place(fixed(), json!({"name": "two\nlines"})), "name");
    assert_eq!(place(fixed(), json!({"event": ""})), "event");
    assert_eq!(place(fixed(), json!({"event": "Points Earned"})), "event");
    assert_eq!(place(fixed(), json!({"event": "Member Enrolled"})), "event");
    assert_eq!(place(fixed(), json!({"window": {"from": "2026-06-10", "until": "2026-06-09"}})), "window.until");
    assert_eq!(place(fixed(), json!({"window": {"weekdays": [0]}})), "window.weekdays");
    assert_eq!(place(fixed(), json!({"window": {"from_hour": 24}})), "window.from_hour");
    assert_eq!(
        place(fixed(), json!({"caps": [{"most": 0, "of": "points", "per": "member", "every": "day"}]})),
        "caps[0].most"
    );
    assert_eq!(place(fixed(), json!({"expiry": {"kind": "inactivity", "count": 0, "unit": "days"}})), "expiry");
    assert_eq!(place(fixed(), json!({"holdout_percent": 51})), "holdout_percent");
    let history = json!({"performed": {"event": "Order Completed"}});
    assert_eq!(place(fixed(), json!({"when": history})), "when");
    let nul = json!({"key": "r", "name": "r", "event": "a\u{0}b", "gives": fixed()});
    assert!(matches!(Rule::from_json(nul), Err(Error::Invalid { problem, .. }) if problem.contains("NUL")));
    let deep = json!({"key": "r", "name": "r", "event": "x", "gives": fixed(), "when": {"property": {"path": "p", "op": "equals", "value": "\u{0}"}}});
    assert!(matches!(Rule::from_json(deep), Err(Error::Invalid { problem, .. }) if problem.contains("NUL")));
    let program_place = |change: Value| {
        let mut value = serde_json::to_value(&whole).unwrap();
        value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        match serde_json::from_value::<Program>(value).unwrap().check() {
            Err(Error::Invalid { place, .. }) => place,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(program_place(json!({"name": ""})), "name");
    assert_eq!(program_place(json!({"zone": "Mars/Base"})), "zone");
    assert_eq!(program_place(json!({"wallets": []})), "wallets");
    assert_eq!(program_place(json!({"rates": [{"currency": "EUR", "worth": "1"}]})), "rates[0]");
    assert_eq!(program_place(json!({"rates": [{"currency": "SEK", "worth": "0"}]})), "rates[0]");
    assert_eq!(program_place(json!({"enrolment": {"by": "event", "event": ""}})), "enrolment.event");
    let twice = json!([{"key": "p", "name": "P"}, {"key": "p", "name": "P"}]);
    assert_eq!(program_place(json!({"wallets": twice})), "wallets[1].key");
    assert_eq!(
        program_place(json!({"wallets": [{"key": "p", "name": "P", "amount_max": 0}]})),
        "wallets[0].amount_max"
    );
    assert_eq!(
        program_place(json!({"groups": [{"key": "a", "mode": "all"}, {"key": "a", "mode": "best"}]})),
        "groups[1].key"
    );
}

/// A rule of the second way: what it gives in whole points for so many cents.
#[derive(Clone, Debug)]
struct Simple {
    points: i64,
    each_cents: i64,
    factor_tenths: Option<i64>,
    group: Option<usize>,
    most: Option<i64>,
}

const MODES: [&str; 3] = ["first", "best", "all"];

fn simple() -> impl Strategy<Value = Simple> {
    let group = prop_oneof![2 => Just(None), 3 => (0..MODES.len()).prop_map(Some)];
    let factor = prop_oneof![3 => Just(None), 1 => (11..40_i64).prop_map(Some)];
    let most = prop_oneof![2 => Just(None), 1 => (1..30_i64).prop_map(Some)];
    (1..6_i64, 1..900_i64, factor, group, most).prop_map(|(points, each_cents, factor_tenths, group, most)| Simple {
        points,
        each_cents,
        factor_tenths,
        group,
        most,
    })
}

/// The second way: counts one point after the other.
fn slowly(rules: &[Simple], cents: i64) -> Vec<i64> {
    let count = |most_times: i64, cost: i64| (1..).take_while(|n| n * cost <= most_times).count() as i64;
    let plain: Vec<i64> = rules
        .iter()
        .map(|it| if it.factor_tenths.is_some() { 0 } else { count(it.points * cents, it.each_cents) })
        .collect();
    let choose = |given: &[i64], multiplies: bool| -> Vec<i64> {
        let peers = |at: usize| {
            let group = rules[at].group;
            (0..rules.len()).filter(move |other| {
                rules[*other].group == group && rules[*other].factor_tenths.is_some() == multiplies
            })
        };
        let counts = |at: usize| match rules[at].group {
            _ if given[at] == 0 => false,
            None | Some(2) => true,
            Some(0) => peers(at).all(|other| other >= at || given[other] == 0),
            Some(_) => peers(at).all(|other| given[other] < given[at] || (given[other] == given[at] && other >= at)),
        };
        (0..rules.len()).map(|at| if counts(at) { given[at] } else { 0 }).collect()
    };
    let plain = choose(&plain, false);
    let all: i64 = plain.iter().sum();
    let extra: Vec<i64> =
        rules.iter().map(|it| it.factor_tenths.map_or(0, |tenths| count((tenths - 10) * all, 10))).collect();
    let extra = choose(&extra, true);
    let both = plain.iter().zip(extra).map(|(one, other)| one + other);
    both.zip(rules).map(|(points, it)| it.most.map_or(points, |most| points.min(most))).collect()
}

proptest! {
    #[test]
    fn any_set_of_rules_gives_what_counting_gives(rules in proptest::collection::vec(simple(), 1..8), cents in 0..20_000_i64) {
        let groups: Vec<Value> = MODES.iter().map(|mode| json!({"key": mode, "mode": mode})).collect();
        let program = program(json!({"groups": groups}));
        let written: Vec<Rule> = rules.iter().enumerate().map(|(place, it)| {
            let gives = match it.factor_tenths {
                Some(tenths) => json!({"kind": "times", "factor": format!("{}.{}", tenths / 10, tenths % 10)}),
                None => json!({"kind": "amount", "points": it.points, "each": format!("{}.{:02}", it.each_cents / 100, it.each_cents % 100)}),
            };
            let caps: Vec<Value> = it.most.iter().map(|most| json!({"most": most, "of": "points", "per": "member", "every": "ever"})).collect();
            rule(&format!("r{place}"), gives, json!({"place": place, "group": it.group.map(|at| MODES[at]), "caps": caps}))
        }).collect();
        let order = json!({"subtotal": format!("{}.{:02}", cents / 100, cents % 100)});
        prop_assert_eq!(points(&rated(&program, &written, &order)), slowly(&rules, cents));
    }
}

/// What is told of orders, in any order and any number of times.
#[derive(Clone, Debug)]
enum Told {
    /// The order came to so many cents.
    Placed(u8, i64),
    /// So much of it went back in all, in cents.
    WentBack(u8, i64),
    /// It was called off.
    Cancelled(u8),
}

fn told() -> impl Strategy<Value = Told> {
    let order = 0..3_u8;
    prop_oneof![
        3 => (order.clone(), 0..9_000_i64).prop_map(|(order, cents)| Told::Placed(order, cents)),
        2 => (order.clone(), 0..9_000_i64).prop_map(|(order, cents)| Told::WentBack(order, cents)),
        1 => order.prop_map(Told::Cancelled),
    ]
}

/// A ledger of its own: what each command gave, and how much of it was taken back.
#[derive(Default)]
struct Given(BTreeMap<String, (i64, i64)>);

impl Given {
    fn post(&mut self, step: &Step) {
        for command in &step.commands {
            match &command.act {
                Act::Earn { amount, .. } => {
                    assert!(self.0.insert(command.id.clone(), (*amount, 0)).is_none(), "an id twice")
                }
                Act::Reverse { of, portion, .. } => {
                    let (gave, back) = self.0.get_mut(of).unwrap();
                    *back += match portion {
                        Portion::Points { amount } => *amount,
                        _ => *gave - *back,
                    };
                    assert!(back <= gave, "more is taken back than was given");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn left(&self, order: u8) -> i64 {
        let hash = blake3::hash(format!("order:{order}").as_bytes()).to_hex();
        let own = format!("award:{}:", &hash[..32]);
        self.0.iter().filter(|(id, _)| id.starts_with(&own)).map(|(_, (gave, back))| gave - back).sum()
    }
}

proptest! {
    /// Whatever is told: what is left of each order's points is what its last content earns, less the part that went back, and telling all of it again asks for nothing.
    #[test]
    fn points_follow_the_order(story in proptest::collection::vec(told(), 1..25)) {
        let program = program(json!({}));
        let calendar = program.calendar().unwrap();
        let written = [
            rule("base", json!({"kind": "amount", "points": 1, "each": "1"}), json!({})),
            rule("large", json!({"kind": "fixed", "points": 25}), json!({"when": {"property": {"path": "subtotal", "op": "more_than", "value": 50}}})),
        ];
        let rules: Vec<(&Rule, i64)> = written.iter().map(|rule| (rule, 1)).collect();
        let wallets: HashMap<String, WalletId> = [("points".to_owned(), WalletId(1))].into();
        let mut known: BTreeMap<(String, String), Award> = BTreeMap::new();
        let mut given = Given::default();
        let mut used: HashMap<Count, Used> = HashMap::new();
        let mut orders: BTreeMap<u8, (Option<i64>, i64, bool)> = BTreeMap::new();
        let tell = |order: u8, (content, back, off): (Option<i64>, i64, bool), awards: &mut Awards<'_>| {
            let occasion = format!("order:{order}");
            let at = Timestamp::parse(NOON).unwrap();
            let happened = Happened { occasion: &occasion, member: MemberId(7), at, kind: "order", reference: "1" };
            if let Some(cents) = content {
                let subtotal = cents as f64 / 100.0;
                awards.earned(&happened, &rules, &rated(&program, &written, &json!({"subtotal": subtotal})));
                if off { awards.undone(&happened) } else { awards.went_back(&happened, back, cents) }
            }
        };
        for part in &story {
            let order = match part {
                Told::Placed(order, cents) => { orders.entry(*order).or_default().0 = Some(*cents); *order }
                Told::WentBack(order, cents) => { orders.entry(*order).or_default().1 = *cents; *order }
                Told::Cancelled(order) => { orders.entry(*order).or_default().2 = true; *order }
            };
            // Each time twice: the second time nothing may come of it.
            for again in [false, true] {
                let mut awards = Awards::new(&program, calendar.clone(), &wallets, known.values().cloned(), used.clone());
                tell(order, orders[&order], &mut awards);
                let (steps, kept) = awards.take();
                prop_assert!(!again || (steps.is_empty() && kept.is_empty()), "asked again: {steps:?} {kept:?}");
                let mut put = |award: &Award| known.insert((award.occasion.clone(), award.rule.clone()), award.clone());
                kept.iter().for_each(|award| { put(award); });
                for step in &steps {
                    given.post(step);
                    put(&step.award);
                    for (count, change) in step.counts() {
                        let used = used.entry(count.clone()).or_default();
                        *used = Used { points: used.points + change.points, times: used.times + change.times };
                    }
                }
            }
        }
        let mut all = 0;
        for (order, (content, back, off)) in &orders {
            let earned = content.map_or([0, 0], |cents| [cents / 100, if cents > 5_000 { 25 } else { 0 }]);
            let left = |earned: i64| match content {
                _ if *off => 0,
                Some(cents) if back < cents => earned - ((2 * earned * back + cents) / (2 * cents)),
                _ => 0,
            };
            let expected: i64 = earned.map(left).iter().sum();
            prop_assert_eq!(given.left(*order), expected, "order {}: {:?} of {:?}", order, back, content);
            all += expected;
        }
        let counted = |whose: Option<MemberId>| used.iter().filter(|((_, who, period), _)| *who == whose && period == "ever").map(|(_, used)| used.points).sum::<i64>();
        prop_assert_eq!(counted(None), all);
        prop_assert_eq!(counted(Some(MemberId(7))), all);
    }
}
