//! What offers do to a cart: published cases, each kind and each limit by itself, and random offers beside every way to combine them.

use proptest::prelude::*;
use rapport_domain::calendar::{Calendar, WeekStart};
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::document::Holdout;
use rapport_loyalty::earning::{CapPer, Period};
use rapport_loyalty::offers::{Cart, Decision, EffectKind, Looks, Offer, Spent, allot, decide, rolled_back};
use rapport_loyalty::program::Program;
use rapport_loyalty::{Document, Error};
use rapport_segments::{Condition, EventView, FactView, Limits, Moment, Subject};
use serde_json::{Value, json};

const UNIT: i64 = 1_000_000;

fn program(offers: Value) -> Program {
    let value = json!({
        "name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "rates": [{"currency": "SEK", "worth": "0.1"}],
        "wallets": [{"key": "points", "name": "Points", "worth": "0.01"}],
        "groups": [{"key": "first", "mode": "first"}, {"key": "best", "mode": "best"}, {"key": "all", "mode": "all"}],
        "offers": offers,
    });
    let program = Program::from_json(value).unwrap();
    program.check().unwrap();
    program
}

fn offer(key: &str, gives: Value, more: Value) -> Offer {
    let mut value = json!({"key": key, "name": key, "gives": gives});
    for (field, part) in more.as_object().unwrap() {
        let condition = matches!(field.as_str(), "when" | "items") && part.is_string();
        value[field] = if condition {
            Condition::from_text(part.as_str().unwrap(), Limits::DEFAULT).unwrap().to_json()
        } else {
            part.clone()
        };
    }
    Offer::from_json(value).unwrap()
}

fn percent(key: &str, percent: &str, more: Value) -> Offer {
    offer(key, json!({"kind": "percent_off", "percent": percent}), more)
}

struct World {
    program: Program,
    cart: Cart,
    used: Spent,
    facts: Vec<(&'static str, Value)>,
    unlocked: Vec<&'static str>,
    person: i64,
    may_earn: bool,
    settled: Option<Decimal>,
}

impl World {
    fn new(limits: Value, cart: Value) -> Self {
        let cart = Cart::read(cart.as_object().unwrap());
        let (used, facts, unlocked) = (Spent::default(), Vec::new(), Vec::new());
        Self { program: program(limits), cart, used, facts, unlocked, person: 7, may_earn: true, settled: None }
    }

    fn decide(&self, offers: &[Offer]) -> Decision {
        for offer in offers {
            offer.check(&self.program).unwrap();
        }
        let at = Timestamp::parse("2026-06-10T10:00:00Z").unwrap();
        let calendar = Calendar::new(&self.program.zone, WeekStart::Monday).unwrap();
        let channel = [("channel".to_owned(), json!("web"))];
        let facts: Vec<FactView<'_>> = self.facts.iter().map(|(key, value)| FactView::always(key, value)).collect();
        let subject = Subject {
            person: PersonId(self.person),
            event: Some(EventView::new("Cart Priced", at, &channel)),
            facts: &facts,
            ..Subject::NOBODY
        };
        let looks = Looks {
            program: &self.program,
            subject: &subject,
            moment: Moment { now: at, calendar: &calendar },
            cart: &self.cart,
            may_earn: self.may_earn,
            unlocked: &|key| self.unlocked.contains(&key),
            settled: &|_| self.settled,
            used: &|_: &str, _: CapPer, _: Period| self.used,
        };
        let offers: Vec<(&Offer, i64)> = offers.iter().map(|offer| (offer, 1)).collect();
        decide(&looks, &offers)
    }
}

fn codes(decision: &Decision) -> Vec<&'static str> {
    decision.lines.iter().map(|line| line.outcome.code()).collect()
}

/// A tent of 100 that costs the shop 60, two pegs of 2.50 that cost 1, shipping of 5.
fn cart() -> Value {
    json!({"shipping": 5, "products": [
        {"product_id": "tent", "category": "tents", "price": 100, "quantity": 1, "cost": 60},
        {"product_id": "peg", "category": "parts", "price": 2.5, "quantity": 2, "cost": 1},
    ]})
}

/// Voucherify's documentation: of 105, 10 % and then 20 % above 100 leave 94.50; the other way round 75.60.
#[test]
fn order_matters() {
    let ten = |place: u32| percent("ten", "10", json!({"place": place}));
    let twenty = percent("twenty", "20", json!({"place": 5, "least": {"amount": "100"}}));
    let goods = json!({"products": [{"price": 105, "quantity": 1}]});
    let world = World::new(json!({}), goods.clone());
    let first = world.decide(&[ten(1), twenty.clone()]);
    assert_eq!((first.to_pay, codes(&first)), (94_500_000, vec!["given", "too_little"]));
    let last = world.decide(&[ten(9), twenty.clone()]);
    assert_eq!((last.to_pay, codes(&last)), (75_600_000, vec!["given", "given"]));
    // The one that looks at prices as they were does not mind what came before it.
    let initial =
        percent("twenty", "20", json!({"place": 5, "on": "initial", "least": {"amount": "100", "of": "initial"}}));
    assert_eq!(world.decide(&[ten(1), initial]).to_pay, 73_500_000);
    // What is best for the customer leaves out what would spoil it, and says so.
    let best = World::new(json!({"choice": "best_for_customer"}), goods).decide(&[ten(1), twenty]);
    assert_eq!((best.to_pay, codes(&best), best.is_exact), (84_000_000, vec!["better", "given"], true));
}

/// Numscript's documentation: 15 at 80, 8 and 12 hundredths are 13, 1 and 1.
#[test]
fn shares_are_rounded_down_and_the_first_get_what_is_left() {
    assert_eq!(allot(15, &[80, 8, 12]), [13, 1, 1]);
    assert_eq!(allot(2, &[0, 1, 1, 1]), [0, 1, 1, 0]);
    assert_eq!(allot(7, &[0, 0]), [0, 0]);
    assert_eq!(
        allot(i64::MAX, &[i64::MAX, i64::MAX]).iter().map(|it| i128::from(*it)).sum::<i128>(),
        i128::from(i64::MAX)
    );
}

#[test]
fn what_is_given() {
    let world = World::new(json!({}), cart());
    let off = |gives: Value, more: Value| {
        let decision = world.decide(&[offer("o", gives, more)]);
        let on = |at: usize| {
            let of_line = |kind: &EffectKind| matches!(kind, EffectKind::Discount { line, .. } if *line == at);
            decision.effects.iter().filter(|it| of_line(&it.kind)).map(|it| it.value).sum::<i64>()
        };
        (on(0), on(1), decision.shipping_off)
    };
    assert_eq!(off(json!({"kind": "percent_off", "percent": "10"}), json!({})), (10_000_000, 500_000, 0));
    assert_eq!(
        off(json!({"kind": "percent_off", "percent": "10", "most": "4.20"}), json!({})),
        (4_000_000, 200_000, 0),
        "what is too much is taken off each by its part"
    );
    assert_eq!(
        off(json!({"kind": "percent_off", "percent": "10"}), json!({"items": "category = parts"})),
        (0, 500_000, 0)
    );
    assert_eq!(off(json!({"kind": "amount_off", "amount": "21"}), json!({})), (20_000_000, 1_000_000, 0));
    assert_eq!(off(json!({"kind": "amount_off", "amount": "900"}), json!({})), (100 * UNIT, 5 * UNIT, 0));
    assert_eq!(off(json!({"kind": "each_off", "amount": "2"}), json!({})), (2 * UNIT, 4 * UNIT, 0));
    assert_eq!(off(json!({"kind": "each_off", "amount": "3"}), json!({})), (3 * UNIT, 5 * UNIT, 0));
    assert_eq!(off(json!({"kind": "price", "price": "2"}), json!({})), (98 * UNIT, UNIT, 0));
    assert_eq!(off(json!({"kind": "price", "price": "500"}), json!({})), (0, 0, 0));
    assert_eq!(off(json!({"kind": "shipping_off"}), json!({})), (0, 0, 5 * UNIT));
    assert_eq!(off(json!({"kind": "shipping_off", "percent": "50"}), json!({})), (0, 0, 2_500_000));
    // A third of a cent is nobody's.
    assert_eq!(off(json!({"kind": "percent_off", "percent": "0.333"}), json!({})), (330_000, 10_000, 0));
}

#[test]
fn of_three_the_cheapest_is_free() {
    let goods = json!({"products": [
        {"product_id": "a", "price": 30, "quantity": 2}, {"product_id": "b", "price": 10, "quantity": 5},
    ]});
    let world = World::new(json!({}), goods);
    let three = offer("three", json!({"kind": "units_off", "buy": 2, "free": 1}), json!({}));
    let decision = world.decide(&[three]);
    assert_eq!(decision.goods_off, 20 * UNIT, "seven units are two threes");
    assert_eq!(decision.effects[0].kind, EffectKind::Discount { line: 1, units: Some(2) });
    let half = offer("half", json!({"kind": "units_off", "buy": 1, "free": 6, "percent": "50"}), json!({}));
    assert_eq!(world.decide(&[half]).goods_off, 40 * UNIT, "five of 10 and one of 30, at half");
    let many = offer("many", json!({"kind": "units_off", "buy": 7, "free": 1}), json!({}));
    assert_eq!(codes(&world.decide(&[many])), ["nothing"]);
}

#[test]
fn on_top() {
    let mut world = World::new(json!({}), cart());
    let gift = offer("gift", json!({"kind": "free_item", "product_id": "mug", "quantity": 3, "cost": "4"}), json!({}));
    let points = offer("points", json!({"kind": "points", "points": 500}), json!({"place": 1}));
    let decision = world.decide(&[gift, points.clone()]);
    let back = |line: usize, returned: &[i64]| decision.worth_back(&decision.lines[line], &world.cart, returned);
    assert_eq!(
        [back(0, &[UNIT, 0]), back(0, &[UNIT, 2 * UNIT])],
        [0, 12 * UNIT],
        "what came on top goes back with the last of it"
    );
    assert_eq!(
        [back(1, &[UNIT, 0]), back(1, &[UNIT, 2 * UNIT])],
        [4_760_000, 5 * UNIT],
        "100 of 105 were returned: 476 points"
    );
    assert_eq!(decision.lines.iter().map(|line| line.benefit).collect::<Vec<_>>(), [12 * UNIT, 5 * UNIT]);
    assert_eq!(decision.points().map(|(effect, wallet)| (wallet, effect.value)).collect::<Vec<_>>(), [("points", 500)]);
    assert_eq!((decision.to_pay, decision.goods_off), (110 * UNIT, 0));
    world.may_earn = false;
    assert_eq!(codes(&world.decide(&[points])), ["no_member"]);
    world.used = Spent { amount: 97 * UNIT, times: 0 };
    let limited = offer(
        "gift",
        json!({"kind": "free_item", "product_id": "mug", "quantity": 3, "cost": "1"}),
        json!({"budgets": [{"most": "99", "of": "amount", "per": "everybody", "every": "ever"}]}),
    );
    let decision = world.decide(&[limited]);
    assert_eq!((decision.effects[0].value, decision.effects[0].wanted), (2, 3));
}

#[test]
fn who_has_an_offer() {
    let mut world = World::new(json!({}), cart());
    let code = percent("code", "10", json!({"needs_code": true}));
    assert_eq!(codes(&world.decide(std::slice::from_ref(&code))), ["needs_code"]);
    world.unlocked.push("code");
    assert_eq!(codes(&world.decide(&[code])), ["given"]);
    let of = |when: &str| percent("o", "10", json!({"when": when}));
    assert_eq!(codes(&world.decide(&[of("channel = web")])), ["given"]);
    assert_eq!(codes(&world.decide(&[of("channel = store")])), ["condition"]);
    let gold = of("fact tier.status = gold");
    assert_eq!(codes(&world.decide(std::slice::from_ref(&gold))), ["condition"]);
    world.facts.push(("tier.status", json!("gold")));
    assert_eq!(codes(&world.decide(&[gold])), ["given"]);
    let later = percent("later", "10", json!({"window": {"from": "2026-06-11"}}));
    assert_eq!(codes(&world.decide(&[later])), ["outside_window"]);
    let held = percent("held", "10", json!({"holdout_percent": 50}));
    let without = (1..400).filter(|person| {
        world.person = *person;
        codes(&world.decide(std::slice::from_ref(&held))) == ["held_out"]
    });
    let without: Vec<i64> = without.collect();
    assert!((150..250).contains(&without.len()), "{} of 399 are held out", without.len());
    world.person = 0;
    assert_eq!(codes(&world.decide(&[held])), ["given"], "nobody in particular is in no experiment");
}

#[test]
fn some_are_held_out_of_campaigns_and_nobody_of_promises() {
    let usual = |more: Value| offer("it", json!({"kind": "percent_off", "percent": "10"}), more).usual_percent();
    let june = json!({"from": "2026-06-01", "until": "2026-06-30"});
    assert_eq!(usual(json!({})), 0);
    assert_eq!(usual(json!({"window": june})), 10);
    assert_eq!(usual(json!({"window": june, "needs_code": true})), 0, "a code is a promise to whoever has it");
    assert_eq!(usual(json!({"window": june, "announced": true})), 0, "and an announced reduction one to everybody");
}

#[test]
fn by_what_is_known_of_a_person() {
    let share = json!({"by": "score.churn", "steps": [{"from": "0.3", "percent": "5"}, {"from": "0.7", "percent": "20"}], "otherwise": "1"});
    let dear = offer("dear", json!({"kind": "percent_off", "percent": share}), json!({"items": "category = tents"}));
    let mut world = World::new(json!({}), cart());
    let mut off = |score: Option<Value>| {
        world.facts = score.map(|score| ("score.churn", score)).into_iter().collect();
        world.decide(std::slice::from_ref(&dear)).goods_off / UNIT
    };
    assert_eq!([off(None), off(Some(json!(0.1))), off(Some(json!(0.3))), off(Some(json!(0.95)))], [1, 1, 5, 20]);
    assert_eq!(off(Some(json!("much"))), 1);
    world.settled = Some(Decimal::from_micros(7 * UNIT));
    world.facts = vec![("score.churn", json!(0.9))];
    assert_eq!(world.decide(&[dear]).goods_off, 7 * UNIT, "a percentage that is settled stays what it was");
}

#[test]
fn which_count_together() {
    let world = World::new(json!({}), cart());
    let decide = |offers: &[Offer]| {
        let decision = world.decide(offers);
        (decision.goods_off / 10_000, codes(&decision))
    };
    let a = percent("a", "10", json!({"group": "first"}));
    let b = percent("b", "20", json!({"group": "first"}));
    assert_eq!(decide(&[a, b]), (1050, vec!["given", "instead"]));
    let a = percent("a", "10", json!({"group": "best"}));
    let b = percent("b", "20", json!({"group": "best"}));
    assert_eq!(decide(&[a, b]), (2100, vec!["instead", "given"]));
    let a = percent("a", "10", json!({"group": "all"}));
    let b = percent("b", "10", json!({"group": "all"}));
    assert_eq!(decide(&[a.clone(), b.clone()]), (1995, vec!["given", "given"]));
    let alone = percent("c", "50", json!({"stacking": "alone"}));
    assert_eq!(decide(&[a.clone(), b.clone(), alone.clone()]), (1995, vec!["given", "given", "instead"]));
    let always = percent("d", "50", json!({"stacking": "always"}));
    let first = percent("0", "20", json!({"stacking": "alone"}));
    assert_eq!(decide(&[first, a.clone(), always]), (6300, vec!["given", "instead", "given"]));
    let best = World::new(json!({"choice": "best_for_customer"}), cart());
    let best = best.decide(&[a.clone(), b.clone(), alone.clone()]);
    assert_eq!((best.goods_off / 10_000, codes(&best)), (5250, vec!["instead", "instead", "given"]));
    let margin = World::new(json!({"choice": "best_margin"}), cart()).decide(&[a, b, alone]);
    assert_eq!((margin.goods_off / 10_000, codes(&margin)), (1995, vec!["given", "given", "instead"]));
    assert_eq!(margin.margin, Some(105 * UNIT - 19_950_000 - 62 * UNIT));
}

/// A cart and a list of offers that are as long as they may be are answered with the best of the ways that were looked at.
#[test]
fn very_many_offers_are_not_looked_through_to_the_end() {
    let lines: Vec<Value> = (0..500).map(|number| json!({"price": 10 + number % 7, "quantity": 1})).collect();
    let world = World::new(json!({"choice": "best_for_customer"}), json!({"products": lines}));
    let offers: Vec<Offer> =
        (0..40).map(|number| percent(&format!("o{number:02}"), "1", json!({"place": number}))).collect();
    let decision = world.decide(&offers);
    assert!(!decision.is_exact);
    assert!(codes(&decision).iter().all(|code| *code == "given"), "what takes everything is looked at first");
}

#[test]
fn budgets() {
    let mut world = World::new(json!({}), cart());
    let with = |budget: Value| percent("b", "10", json!({"budgets": [budget]}));
    let amount =
        |past: &str| with(json!({"most": "100", "of": "amount", "per": "everybody", "every": "month", "past": past}));
    world.used = Spent { amount: 96 * UNIT, times: 3 };
    let cut = world.decide(&[amount("cut")]);
    assert_eq!((cut.goods_off, codes(&cut)), (4 * UNIT, vec!["budget"]));
    assert_eq!(cut.effects.iter().map(|it| it.wanted).sum::<i64>(), 10_500_000);
    let refused = world.decide(&[amount("refuse")]);
    assert_eq!((refused.goods_off, codes(&refused)), (0, vec!["budget"]));
    let times = |most: u32| with(json!({"most": most, "of": "times", "per": "member", "every": "ever"}));
    assert_eq!(codes(&world.decide(&[times(3)])), ["budget"]);
    assert_eq!(codes(&world.decide(&[times(4)])), ["given"]);
}

#[test]
fn guardrails() {
    let half = || percent("half", "50", json!({}));
    let floor = World::new(json!({"margin_floor_percent": "10"}), cart()).decide(&[half()]);
    // The tent not below 66, the pegs not below 2.20: 34 and 2.50 of the 52.50 are left.
    assert_eq!((floor.goods_off, codes(&floor)), (36_500_000, vec!["margin_floor"]));
    let more = World::new(json!({"margin_floor_percent": "10"}), cart())
        .decide(&[half(), percent("more", "50", json!({"place": 1, "items": "category = tents"}))]);
    assert_eq!(codes(&more), ["margin_floor", "margin_floor"], "nothing is left for the second");
    assert_eq!(more.goods_off, 36_500_000);
    let unknown = json!({"products": [{"price": 100}]});
    assert_eq!(World::new(json!({"margin_floor_percent": "10"}), unknown).decide(&[half()]).goods_off, 50 * UNIT);
    let most =
        World::new(json!({"most_percent": "30"}), cart()).decide(&[half(), percent("more", "5", json!({"place": 1}))]);
    assert_eq!((most.goods_off, codes(&most)), (31_500_000, vec!["most_discount", "most_discount"]));
}

/// What is announced as 20 % off is 20 % off the lowest price of 30 days (Directive 98/6/EC, article 6a; Court of Justice, C-330/23).
#[test]
fn an_announced_reduction_counts_from_the_lowest_price() {
    let mut world = World::new(json!({}), cart());
    world.cart.lines[0].lowest = Some(80 * UNIT);
    let announced = percent("sale", "20", json!({"announced": true, "items": "category = tents"}));
    assert_eq!(world.decide(std::slice::from_ref(&announced)).goods_off, 36 * UNIT);
    world.cart.lines[0].lowest = Some(130 * UNIT);
    assert_eq!(world.decide(&[announced]).goods_off, 20 * UNIT, "today's price is one of them");
}

#[test]
fn other_currencies() {
    let goods = |currency: &str| json!({"currency": currency, "products": [{"price": 1000, "quantity": 1}]});
    let off = offer("o", json!({"kind": "amount_off", "amount": "20"}), json!({}));
    let decision = World::new(json!({"coin": "1"}), goods("SEK")).decide(std::slice::from_ref(&off));
    assert_eq!((decision.goods_off, decision.lines[0].benefit), (200 * UNIT, 20 * UNIT));
    let odd = percent("o", "0.77", json!({}));
    assert_eq!(World::new(json!({"coin": "1"}), goods("SEK")).decide(&[odd]).goods_off, 7 * UNIT);
    assert_eq!(codes(&World::new(json!({}), goods("USD")).decide(&[off])), ["no_rate"]);
}

#[test]
fn what_cannot_be_reckoned_with_is_refused() {
    let program = program(json!({"protected": ["postcode"]}));
    let place = |gives: Value, more: Value| match offer("o", gives, more).check(&program) {
        Err(Error::Invalid { place, .. }) => place,
        other => panic!("{other:?}"),
    };
    let ten = || json!({"kind": "percent_off", "percent": "10"});
    assert_eq!(place(json!({"kind": "percent_off", "percent": "101"}), json!({})), "gives.percent");
    assert_eq!(place(json!({"kind": "amount_off", "amount": "0"}), json!({})), "gives.amount");
    assert_eq!(place(json!({"kind": "units_off", "buy": 0, "free": 1}), json!({})), "gives.buy");
    assert_eq!(place(json!({"kind": "free_item", "product_id": "", "quantity": 1}), json!({})), "gives.product_id");
    assert_eq!(place(json!({"kind": "points", "points": 5, "wallet": "miles"}), json!({})), "gives.wallet");
    assert_eq!(place(ten(), json!({"group": "none"})), "group");
    assert_eq!(place(ten(), json!({"holdout_percent": 51})), "holdout_percent");
    assert_eq!(place(json!({"kind": "price", "price": "5"}), json!({"announced": true})), "announced");
    assert_eq!(
        place(ten(), json!({"budgets": [{"most": "1.5", "of": "times", "per": "member", "every": "ever"}]})),
        "budgets[0].most"
    );
    assert_eq!(place(ten(), json!({"when": "fact profile.gender = f"})), "when");
    assert_eq!(place(ten(), json!({"when": "fact Religion = none"})), "when");
    assert_eq!(place(ten(), json!({"when": "fact postcode = 10115"})), "when");
    let share =
        |steps: Value| json!({"kind": "percent_off", "percent": {"by": "health", "steps": steps, "otherwise": "1"}});
    assert_eq!(place(share(json!([{"from": "1", "percent": "5"}])), json!({})), "when");
    assert_eq!(
        place(share(json!([{"from": "2", "percent": "5"}, {"from": "1", "percent": "5"}])), json!({})),
        "gives.percent.steps"
    );
    let limits = |offers: Value| {
        Program::from_json(json!({
            "name": "C", "zone": "UTC", "currency": "EUR", "wallets": [{"key": "p", "name": "P"}], "offers": offers,
        }))
        .unwrap()
        .check()
    };
    assert!(matches!(limits(json!({"coin": "0"})), Err(Error::Invalid { place, .. }) if place == "offers.coin"));
    assert!(
        matches!(limits(json!({"most_percent": "101"})), Err(Error::Invalid { place, .. }) if place == "offers.most_percent")
    );
}

fn any_offer(number: usize) -> impl Strategy<Value = Offer> {
    let gives = prop_oneof![
        (0_u32..60).prop_map(|it| json!({"kind": "percent_off", "percent": it.to_string()})),
        (1_u32..40).prop_map(|it| json!({"kind": "amount_off", "amount": format!("{it}.99")})),
        (1_u32..9).prop_map(|it| json!({"kind": "each_off", "amount": it.to_string()})),
        (0_u32..30).prop_map(|it| json!({"kind": "price", "price": it.to_string()})),
        (1_u32..3, 1_u32..3).prop_map(|(buy, free)| json!({"kind": "units_off", "buy": buy, "free": free})),
        Just(json!({"kind": "shipping_off", "percent": "70"})),
        (1_u32..900).prop_map(|it| json!({"kind": "points", "points": it})),
    ];
    let group = prop_oneof![Just(Value::Null), Just(json!("first")), Just(json!("best")), Just(json!("all"))];
    let stacking = prop_oneof![4 => Just("common"), 1 => Just("alone"), 1 => Just("always")];
    let least = prop_oneof![Just(Value::Null), (10_u32..150).prop_map(|it| json!({"amount": it.to_string()}))];
    let items = prop_oneof![2 => Just(json!("price > 0")), 1 => Just(json!("kind = a"))];
    (gives, group, stacking, least, items, 0_u32..4).prop_map(move |(gives, group, stacking, least, items, place)| {
        let more = json!({"group": group, "stacking": stacking, "least": least, "items": items, "place": place});
        offer(&format!("o{number}"), gives, more)
    })
}

fn any_cart() -> impl Strategy<Value = Value> {
    let line = (1_u32..9_000, 1_u32..5, prop_oneof![Just("a"), Just("b")], 1_u32..60).prop_map(|(cents, quantity, kind, cost)| {
        json!({"price": f64::from(cents) / 100.0, "quantity": quantity, "kind": kind, "cost": cost})
    });
    (prop::collection::vec(line, 1..5), 0_u32..9)
        .prop_map(|(products, shipping)| json!({"products": products, "shipping": shipping}))
}

proptest! {
    #[test]
    fn nothing_is_given_twice_or_below_nothing(cart in any_cart(), offers in (any_offer(0), any_offer(1), any_offer(2), any_offer(3)), floor in 0_u32..2, returned in prop::collection::vec(0_i64..5, 5)) {
        let offers: Vec<Offer> = vec![offers.0, offers.1, offers.2, offers.3];
        let limits = if floor == 1 { json!({"margin_floor_percent": "5", "most_percent": "40"}) } else { json!({}) };
        let world = World::new(limits, cart);
        let decision = world.decide(&offers);
        let off = |at: usize| -> i64 {
            let of_line = |kind: &EffectKind| matches!(kind, EffectKind::Discount { line, .. } if *line == at);
            decision.effects.iter().filter(|it| of_line(&it.kind)).map(|it| it.value).sum()
        };
        let lines = &world.cart.lines;
        let goods: i64 = lines.iter().map(|line| line.item.micros).sum();
        prop_assert_eq!((0..lines.len()).map(off).sum::<i64>(), decision.goods_off);
        prop_assert_eq!(decision.to_pay, goods - decision.goods_off + world.cart.shipping - decision.shipping_off);
        for (at, line) in lines.iter().enumerate() {
            prop_assert!(off(at) >= 0 && off(at) <= line.item.micros);
            prop_assert_eq!(off(at) % 10_000, 0, "whole cents");
            let costs = line.cost.unwrap() * (line.item.quantity / UNIT) / 100 * 105;
            prop_assert!(floor == 0 || off(at) == 0 || line.item.micros - off(at) >= costs);
        }
        prop_assert!(floor == 0 || decision.goods_off * 100 <= goods * 40);
        for effect in &decision.effects {
            prop_assert!(effect.value >= 0 && effect.value <= effect.wanted);
            // What is returned in two parts is taken back as if it had been returned at once, and everything with everything.
            let part: Vec<i64> = lines.iter().zip(&returned).map(|(line, it)| (it * UNIT).min(line.item.quantity)).collect();
            let all: Vec<i64> = lines.iter().map(|line| line.item.quantity).collect();
            let taken = |returned: &[i64]| rolled_back(effect, &world.cart, &decision.effects, returned);
            prop_assert!(taken(&part) <= taken(&all));
            prop_assert_eq!(taken(&all), effect.value);
            prop_assert_eq!(taken(&vec![0; lines.len()]), 0);
        }
        prop_assert_eq!(decision.lines.len(), offers.len());
    }

    /// The best way is the best of all sets of offers, each reckoned by itself in order.
    #[test]
    fn the_best_is_the_best_of_all(cart in any_cart(), offers in (any_offer(0), any_offer(1), any_offer(2), any_offer(3), any_offer(4))) {
        let offers: Vec<Offer> = vec![offers.0, offers.1, offers.2, offers.3, offers.4];
        let best = World::new(json!({"choice": "best_for_customer"}), cart.clone()).decide(&offers);
        let margin = World::new(json!({"choice": "best_margin"}), cart.clone()).decide(&offers);
        let in_order = World::new(json!({}), cart);
        let worth = |decision: &Decision| decision.lines.iter().map(|line| line.benefit).sum::<i64>();
        let taken = |decision: &Decision| decision.lines.iter().filter(|line| line.benefit > 0).count();
        let mut most = 0;
        for set in 0_u32..32 {
            let some: Vec<Offer> = offers.iter().enumerate().filter(|(at, _)| set & (1 << at) != 0).map(|(_, it)| it.clone()).collect();
            let decision = in_order.decide(&some);
            // A set of which some do not count together is another set.
            if taken(&decision) == some.len() {
                most = most.max(worth(&decision));
            }
        }
        prop_assert_eq!(worth(&best), most);
        prop_assert!(worth(&margin) <= most);
        prop_assert!(best.is_exact && margin.is_exact);
    }
}
