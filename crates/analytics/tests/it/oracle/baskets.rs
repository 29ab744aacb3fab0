//! Baskets against an obvious second way: every order, every pair of sides, counted one order after the other; and every person behind a rule.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use rapport_analytics::baskets::{Answer, LEAST_BASKETS, MOST_ITEMS, Question, Whose};
use rapport_domain::Timestamp;
use serde_json::{Value, json};

use super::recommendations::{IDS, happening, ids_of};
use super::world::*;

type Ordered = (i64, Timestamp, Vec<usize>, Option<&'static str>);

fn any_order() -> impl Strategy<Value = Ordered> {
    let number = select(vec![None, None, None, Some("A"), Some("B"), Some("C"), Some("D")]);
    (1i64..6, any_time(), prop::collection::vec(0usize..5, 0..4), number)
}

fn category(at: usize) -> &'static str {
    ["Clothes", "Kitchen", "Garden"][at % 3]
}

fn events(ordered: &[Ordered]) -> Vec<Happening> {
    let event = |(person, at, items, number): &Ordered| {
        let lines: Vec<Value> = items
            .iter()
            .map(|at| json!({"product_id": IDS[*at], "name": IDS[*at].to_uppercase(), "category": category(*at)}))
            .collect();
        happening(*person, ORDER, *at, json!({"products": lines, "order_id": number}))
    };
    ordered.iter().map(event).collect()
}

/// Who, when, and what is in it.
type Basket = (i64, Timestamp, BTreeSet<String>);

/// The baskets of these people from one instant to another.
fn baskets(
    world: &World,
    (from, to): (Timestamp, Timestamp),
    who: &dyn Fn(i64) -> bool,
    gone: &[&str],
    restricted: &BTreeSet<i64>,
) -> Vec<Basket> {
    let mut told: Vec<&Happening> =
        world.events.iter().filter(|it| it.name == ORDER && it.at >= from && it.at < to && who(it.person)).collect();
    told.sort_by_key(|it| (it.at, it.person, it.text("order_id"), it.text("sku"), it.text("products")));
    let mut numbers = BTreeSet::new();
    told.retain(|it| it.text("order_id").is_none_or(|number| numbers.insert(number)));
    told.retain(|it| !restricted.contains(&it.person));
    told.retain(|it| it.text("order_id").is_none_or(|number| !gone.contains(&number.as_str())));
    told.into_iter().map(|it| (it.person, it.at, ids_of(it))).filter(|it| !it.2.is_empty()).collect()
}

fn by_category(baskets: Vec<Basket>) -> Vec<Basket> {
    let name = |id: &String| category(IDS.iter().position(|it| it == id).unwrap()).to_owned();
    baskets.into_iter().map(|(who, at, ids)| (who, at, ids.iter().map(name).collect())).collect()
}

fn holding(baskets: &[Basket], side: &BTreeSet<String>) -> u64 {
    baskets.iter().filter(|it| side.is_subset(&it.2)).count() as u64
}

/// Every rule: (first, second, both, with first, with second).
type Counted = (BTreeSet<String>, String, u64, u64, u64);

fn rules(baskets: &[Basket], least: u64, confidence: (u64, u64), longest: usize) -> BTreeSet<Counted> {
    let items: BTreeSet<&String> = baskets.iter().flat_map(|it| &it.2).collect();
    let items: Vec<&String> = items.into_iter().collect();
    let mut found = BTreeSet::new();
    for mask in 1_usize..1 << items.len() {
        let first: BTreeSet<String> =
            items.iter().enumerate().filter(|it| mask >> it.0 & 1 == 1).map(|it| (*it.1).clone()).collect();
        for second in items.iter().filter(|it| !first.contains(**it)) {
            let one = BTreeSet::from([(*second).clone()]);
            let both = holding(baskets, &first.union(&one).cloned().collect());
            let with_first = holding(baskets, &first);
            if first.len() < longest && both >= least && both * confidence.1 >= with_first * confidence.0 {
                found.insert((first.clone(), (*second).clone(), both, with_first, holding(baskets, &one)));
            }
        }
    }
    found
}

fn counted(answer: &Answer) -> BTreeSet<Counted> {
    let one = |it: &rapport_analytics::baskets::Rule| {
        (it.first.iter().cloned().collect(), it.second.clone(), it.both, it.with_first, it.with_second)
    };
    answer.rules.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rules_and_people_are_what_looking_at_every_order_gives(
        ordered in prop::collection::vec(any_order(), 6..60),
        period in select(vec![json!({"all": true}), json!({"last": "60h"}), json!({"from": "2026-03-27T12:00:00Z", "to": "2026-03-30T21:30:00Z"})]),
        (support, confidence) in (select(vec![None, Some(("0.15", 15)), Some(("0.3", 30))]), select(vec![None, Some(("0.5", 50)), Some(("80%", 80))])),
        (longest, of_category, gone, restricted, only_german) in (2usize..5, any::<bool>(), prop::sample::subsequence(vec!["A", "B"], 0..=2), prop::collection::btree_set(1i64..6, 0..2), any::<bool>()),
    ) {
        let countries: BTreeMap<i64, &str> = [(1, "DE"), (2, "DE"), (3, "AT"), (4, "DE")].into();
        let world = World { events: events(&ordered), countries: countries.clone(), zone: "UTC", now: at("2026-04-01T10:00:00Z") };
        let settled = world.settle();
        settled.cancel(&gone);
        let who = |person: i64| !only_german || countries.get(&person) == Some(&"DE");
        let to = world.now.plus(1);
        let first = world.events.iter().map(|it| it.at).min().unwrap();
        let range = match period.get("last") {
            Some(_) => (to.plus(-60 * Timestamp::HOUR), to),
            None if period.get("from").is_some() => (at("2026-03-27T12:00:00Z"), at("2026-03-30T21:30:00Z")),
            None => (first, to),
        };
        let shaped = |all: Vec<Basket>| if of_category { by_category(all) } else { all };
        let own = shaped(baskets(&world, range, &who, &gone, &restricted));
        let n = own.len() as u64;
        let mut question = json!({"period": period, "of": if of_category { "category" } else { "product" }, "longest": longest});
        if let Some((text, _)) = support { question["support"] = json!(text); }
        if let Some((text, _)) = confidence { question["confidence"] = json!(text); }
        if only_german { question["who"] = json!({"fact": {"key": "trait.country", "op": "equals", "value": "DE"}}); }
        let answer = settled.baskets(&question, &restricted);
        prop_assert_eq!(answer.baskets, n);
        let asked = support.map_or_else(|| n.div_ceil(1_000), |it| (it.1 * n).div_ceil(100));
        let least = asked.max(LEAST_BASKETS);
        let expected = if n < LEAST_BASKETS { BTreeSet::new() } else { rules(&own, least, (confidence.map_or(5, |it| it.1), 100), longest) };
        prop_assert_eq!(counted(&answer), expected);
        prop_assert!(!answer.is_raised && answer.found == answer.rules.len() as u64);
        prop_assert!(answer.rules.windows(2).all(|pair| pair[0].lift_low >= pair[1].lift_low));
        for item in &answer.items {
            prop_assert_eq!(item.baskets, holding(&own, &BTreeSet::from([item.id.clone()])));
            prop_assert_eq!(item.name.clone().unwrap(), if of_category { item.id.clone() } else { item.id.to_uppercase() });
        }
        for rule in answer.rules.iter().take(4) {
            let (a, b, both) = (rule.with_first as f64 / n as f64, rule.with_second as f64 / n as f64, rule.both as f64 / n as f64);
            prop_assert!((rule.support - both).abs() < 1e-12 && (rule.confidence - both / a).abs() < 1e-12);
            prop_assert!((rule.lift - both / (a * b)).abs() < 1e-9 && (rule.leverage - (both - a * b)).abs() < 1e-12);
            prop_assert_eq!(rule.conviction.is_none(), rule.both == rule.with_first && rule.with_second < n);
            prop_assert!(rule.lift_low <= rule.lift && rule.lift <= rule.lift_high && (0.0..=1.0).contains(&rule.q));
            let first_side: BTreeSet<String> = rule.first.iter().cloned().collect();
            let all: BTreeSet<String> = first_side.iter().chain([&rule.second]).cloned().collect();
            let both: BTreeSet<i64> = own.iter().filter(|it| all.is_subset(&it.2)).map(|it| it.0).collect();
            prop_assert_eq!(settled.basket_people(&question, &rule.first, &rule.second, Whose::Both, &restricted), both.into_iter().collect::<Vec<_>>());
            // The second never, as far back as there is anything. An order that was told before the period is of then.
            let ever = shaped(baskets(&world, (first.min(range.0), range.1), &who, &gone, &restricted));
            let has_second: BTreeSet<i64> = ever.iter().filter(|it| it.2.contains(&rule.second)).map(|it| it.0).collect();
            let only: BTreeSet<i64> = ever.iter().filter(|it| it.1 >= range.0 && first_side.is_subset(&it.2) && !has_second.contains(&it.0)).map(|it| it.0).collect();
            prop_assert_eq!(settled.basket_people(&question, &rule.first, &rule.second, Whose::OnlyFirst, &restricted), only.into_iter().collect::<Vec<_>>());
        }
        if let Some(rule) = answer.rules.first() {
            question["item"] = json!(rule.second);
            let about = settled.baskets(&question, &restricted);
            let is_about = |it: &Counted| it.1 == rule.second || it.0.contains(&rule.second);
            prop_assert_eq!(counted(&about), counted(&answer).into_iter().filter(is_about).collect::<BTreeSet<_>>());
        }
    }
}

/// More than there can be looked at is said, and the rest is told with more support; a wholesaler's orders are left out, and counted.
#[test]
fn too_many_sets_raise_the_support_and_say_so() {
    let then = at("2026-03-27T12:00:00Z");
    let order = |number: usize, items: std::ops::Range<usize>| {
        let lines: Vec<Value> = items.map(|at| json!({"product_id": format!("P{at:03}")})).collect();
        let properties = json!({"products": lines, "order_id": number.to_string()});
        happening(1 + i64::try_from(number % 5).unwrap(), ORDER, then.plus(i64::try_from(number).unwrap()), properties)
    };
    // Six orders of ninety items: 117,480 sets of three; twenty of two items.
    let mut events: Vec<Happening> = (0..6).map(|number| order(number, 0..90)).collect();
    events.extend((6..26).map(|number| order(number, 0..2)));
    events.push(order(26, 0..MOST_ITEMS + 1));
    let world = World { events, countries: BTreeMap::new(), zone: "UTC", now: at("2026-04-01T10:00:00Z") };
    let settled = world.settle();
    let nobody = BTreeSet::new();
    let answer = settled.baskets(&json!({}), &nobody);
    assert_eq!((answer.baskets, answer.too_large, answer.is_raised, answer.least), (26, 1, true, 10));
    assert_eq!(answer.rules.len(), 2, "{:?}", answer.rules);
    assert!(
        answer.notes[0].contains("too many to look at") && answer.notes[1].contains("left out"),
        "{:?}",
        answer.notes
    );
    let pairs = settled.baskets(&json!({"longest": 2}), &nobody);
    assert_eq!((pairs.is_raised, pairs.least, pairs.rules.len()), (false, 5, 500));
    assert!(pairs.notes.iter().any(|it| it.contains("surest of")), "{:?}", pairs.notes);
    // Nobody is called somebody without the second who has it in an order too large for rules.
    let only = settled.basket_people(&json!({}), &["P000".to_owned()], "P100", Whose::OnlyFirst, &nobody);
    assert_eq!(only, [1, 3, 4, 5]);
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_place() {
    for (question, place) in [
        (json!({"support": "1.5"}), "support"),
        (json!({"support": "1e-3"}), "support"),
        (json!({"confidence": "'; DROP TABLE orders"}), "confidence"),
        (json!({"longest": 6}), "longest"),
        (json!({"longest": 1}), "longest"),
        (json!({"of": "person"}), "of"),
        (json!({"period": {"last": "soon"}}), "period"),
        (json!({"sql": "SELECT"}), "sql"),
    ] {
        let refusal = Question::from_json(question.clone()).unwrap_err();
        assert!(refusal.to_string().contains(place) && refusal.is_callers(), "{question}: {refusal}");
    }
    let world = World { events: Vec::new(), countries: BTreeMap::new(), zone: "UTC", now: at("2026-04-01T10:00:00Z") };
    let settled = world.settle();
    let answer = settled.baskets(&json!({}), &BTreeSet::new());
    assert_eq!((answer.baskets, answer.sentence.as_str()), (0, "There is no order in this period."));
}
