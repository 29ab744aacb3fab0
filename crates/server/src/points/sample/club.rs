//! What the sample shop's club is: three wallets, a ladder, and rules, rewards and offers of all kinds in all states.

use anyhow::Result;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::Document;
use rapport_loyalty::badges::Badge;
use rapport_loyalty::challenges::Challenge;
use rapport_loyalty::document::State;
use rapport_loyalty::earning::Rule;
use rapport_loyalty::leaderboards::Leaderboard;
use rapport_loyalty::offers::Offer;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::{self, Saved};
use rapport_loyalty::records::programs;
use rapport_loyalty::records::vouchers::{self, Owner, Terms};
use rapport_loyalty::referrals::Referral;
use rapport_loyalty::rewards::Reward;
use rapport_sample::SampleShop;
use rapport_segments::{Condition, Limits};
use rapport_store::Priority;
use serde_json::{Value, json};

use super::{doing, elsewhere, friends};
use crate::installation::Installation;

pub(super) const POINTS: &str = "points";
pub(super) const STAMPS: &str = "stamps";
pub(super) const CREDIT: &str = "credit";
pub(super) const VOUCHER: &str = "voucher";
pub(super) const MUG: &str = "mug";
pub(super) const COFFEE: &str = "coffee-bag";
pub(super) const TREES: &str = "trees";
/// The offer that takes a code.
pub(super) const FIRST_ORDER: &str = "first-order";
/// What the shop's system says of somebody whose birthday it is.
pub(super) const BIRTHDAY: &str = "Birthday";
/// Codes of the offer for a first order.
const CODES: usize = 40;
const DAY: i64 = Timestamp::DAY;
/// The club is so old: a year and a half.
const DAYS: i64 = 548;

/// When it began.
pub fn begins(end: Timestamp) -> Timestamp {
    end.plus(-DAYS * DAY)
}

/// A version of a rule: key, how many days ago it was saved, its state, what it says.
pub(super) type Version = (&'static str, i64, State, Value);

/// Saves the programme and its rules, as if each had been written when it came into force.
pub(super) async fn found(installation: &Installation, workspace: WorkspaceId, end: Timestamp, by: &str) -> Result<()> {
    let at = |days: i64| Saved { in_force_from: end.plus(-days * DAY), at: end.plus(-days * DAY), by };
    let program = program()?;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    programs::save(&mut tx, workspace, &program, 0, at(DAYS)).await?;
    let mut versions: Vec<Version> = rules(end);
    versions.sort_by_key(|(_, days, ..)| -days);
    for (place, (key, days, state, form)) in versions.iter().enumerate() {
        let seen = versions[..place].iter().filter(|it| it.0 == *key).count() as i64;
        let rule = rule(key, form.clone())?;
        documents::save(&mut tx, workspace, (&rule, *state), seen, at(*days)).await?;
    }
    for (key, days, state, form) in rewards() {
        documents::save(&mut tx, workspace, (&keyed::<Reward>(key, form)?, state), 0, at(days)).await?;
    }
    for (key, days, state, form) in offers(end) {
        documents::save(&mut tx, workspace, (&keyed::<Offer>(key, form)?, state), 0, at(days)).await?;
    }
    for (key, days, state, form) in doing::badges() {
        documents::save(&mut tx, workspace, (&keyed::<Badge>(key, form)?, state), 0, at(days)).await?;
    }
    for (key, days, state, form) in doing::challenges() {
        documents::save(&mut tx, workspace, (&keyed::<Challenge>(key, form)?, state), 0, at(days)).await?;
    }
    for (key, days, state, form) in doing::leaderboards() {
        documents::save(&mut tx, workspace, (&keyed::<Leaderboard>(key, form)?, state), 0, at(days)).await?;
    }
    for (key, days, state, form) in friends::programs() {
        documents::save(&mut tx, workspace, (&keyed::<Referral>(key, form)?, state), 0, at(days)).await?;
    }
    elsewhere::found(&mut tx, workspace, end, by).await?;
    let (owner, rng) = (Owner { kind: Offer::KIND, key: FIRST_ORDER }, &*installation.rng);
    let terms = Terms { is_live: true, uses: Some(1), valid_until: None };
    vouchers::generate(&mut tx, workspace, owner, CODES, terms, (at(300).at, rng)).await?;
    tx.commit().await?;
    Ok(())
}

/// What points are for.
fn rewards() -> Vec<Version> {
    use State::{Draft, Live};
    let is_gold = json!({"fact": {"key": "tier.status", "op": "equals", "value": "gold"}});
    let voucher = json!({"name": "10 euros off", "place": 10, "words": "A code for your next order of 50 euros or more.",
        "gives": {"kind": "discount", "off": {"kind": "amount", "amount": "10"}, "at_least": "50"},
        "prices": [{"points": 1000}], "valid": {"kind": "after", "count": 90, "unit": "days"}, "cancel_within_hours": 24});
    let mug = json!({"name": "Enamel mug", "place": 20, "words": "Blue, a third of a litre, with the northern lights on it.",
        "gives": {"kind": "delivered"}, "prices": [{"points": 500, "when": is_gold}, {"points": 800}, {"points": 400, "money": "4.50"}],
        "stock": 250, "limits": [{"most": 1, "per": "member", "every": "year"}], "cancel_within_hours": 24});
    let coffee = json!({"name": "A bag of coffee", "place": 30, "words": "250 grams of the roast of the month, at the counter.",
        "gives": {"kind": "code"}, "prices": [{"points": 600}], "valid": {"kind": "after", "count": 30, "unit": "days"},
        "surprises": {"most": 20, "every": "month"}});
    let trees = json!({"name": "Five trees for the Harz", "place": 40, "words": "We plant them each November.",
        "gives": {"kind": "donation", "charity": "harz-forest", "amount": "5"}, "prices": [{"points": 500}]});
    let night = json!({"name": "A night under the northern lights", "place": 50, "words": "Two days in Abisko, with a guide.",
        "gives": {"kind": "delivered"}, "prices": [{"points": 9000}, {"points": 4000, "money": "250"}],
        "stock": 4, "limits": [{"most": 1, "per": "member", "every": "ever"}], "fulfil_within_days": 120});
    vec![
        (VOUCHER, DAYS, Live, voucher),
        (MUG, 420, Live, mug),
        (COFFEE, 400, Live, coffee),
        (TREES, 200, Live, trees),
        ("abisko", 5, Draft, night),
    ]
}

/// What carts may get.
fn offers(end: Timestamp) -> Vec<Version> {
    use State::{Draft, Ended, Live};
    let day = |days: i64| end.plus(-days * DAY).to_rfc3339()[..10].to_owned();
    let category = |name: &str| json!({"property": {"path": "category", "op": "equals", "value": name}});
    let first = json!({"name": "10 % off the first order", "place": 10, "needs_code": true, "stacking": "alone",
        "gives": {"kind": "percent_off", "percent": "10", "most": "25"},
        "budgets": [{"most": "1", "of": "times", "per": "member", "every": "ever"}]});
    let three = json!({"name": "Three bags of coffee, two paid", "place": 20, "items": category("Coffee & Tea"),
        "gives": {"kind": "units_off", "buy": 2, "free": 1}});
    let tents = json!({"name": "15 % off everything for camping", "place": 30, "items": category("Camping"), "announced": true,
        "gives": {"kind": "percent_off", "percent": "15"}, "window": {"from": day(40), "until": day(-20)},
        "budgets": [{"most": "5000", "of": "amount", "per": "everybody", "every": "month"}], "holdout_percent": 10});
    let shipping = json!({"name": "Free shipping from 60 euros", "place": 40, "least": {"amount": "60"}, "stacking": "always",
        "gives": {"kind": "shipping_off"}});
    let spring = json!({"name": "5 euros off in spring", "place": 50, "least": {"amount": "40"}, "gives": {"kind": "amount_off", "amount": "5"}});
    let winter = json!({"name": "100 points for a basket of 150 euros", "place": 60, "least": {"amount": "150", "of": "initial"},
        "gives": {"kind": "points", "points": 100}});
    vec![
        (FIRST_ORDER, 300, Live, first),
        ("three-for-two", 280, Live, three),
        ("camping-weeks", 40, Live, tents),
        ("free-shipping", 365, Live, shipping),
        ("spring", 150, Ended, spring),
        ("winter-points", 2, Draft, winter),
    ]
}

fn keyed<D: Document>(key: &str, mut form: Value) -> Result<D> {
    form["key"] = json!(key);
    Ok(D::from_json(form)?)
}

/// The programme, the same since it began.
pub(super) fn program() -> Result<Program> {
    Ok(Program::from_json(definition())?)
}

fn definition() -> Value {
    json!({
        "name": "Nordlicht Club",
        "zone": SampleShop::ZONE,
        "currency": SampleShop::CURRENCY,
        "enrolment": {"by": "earning"},
        "wallets": [
            {"key": POINTS, "name": "Points", "worth": "0.01", "expiry": {"kind": "after", "count": 12, "unit": "months", "rounding": "month"},
             "pending": {"kind": "return_window", "days": 14}, "clawback": "into_arrears"},
            {"key": STAMPS, "name": "Coffee stamps", "unit": {"kind": "stamps"}, "worth": "1.2", "clawback": "within_balance", "balance_max": 100},
            {"key": CREDIT, "name": "Credit", "unit": {"kind": "money", "currency": "EUR"}, "worth": "0.01",
             "expiry": {"kind": "after", "count": 3, "unit": "months"}, "clawback": "pending_only"},
        ],
        "groups": [{"key": "campaigns", "mode": "best"}],
        "transfers": {"wallets": [POINTS], "least": 100, "most": 2000, "out_per_year": 5000, "in_per_year": 10_000, "times_per_year": 12,
            "claim_days": 30},
        "households": {"wallets": [POINTS], "most_members": 5, "joins_per_year": 2, "used_per_month": 1000},
        "ladders": [{"key": "status", "name": "Status",
            "measures": [{"key": "spent", "name": "Spent", "counts": {"kind": "spent"}}, {"key": "orders", "name": "Orders", "counts": {"kind": "orders"}}],
            "period": {"kind": "calendar", "months": 12}, "grace": {"count": 1, "unit": "months"}, "downgrade": "one_level",
            "tiers": [
                {"key": "friend", "name": "Friend"},
                {"key": "silver", "name": "Silver", "needs": {"measure": "spent", "at_least": "300"}},
                {"key": "gold", "name": "Gold", "needs": {"any": [{"measure": "spent", "at_least": "1000"}, {"measure": "orders", "at_least": 12}]},
                 "for_life": {"measure": "spent", "at_least": "10000"}},
            ],
            "benefits": [
                {"key": "first-look", "name": "First look at the sale", "kind": "early_access", "tiers": ["silver", "gold"]},
                {"key": "repair", "name": "Free tent repair", "kind": "service", "tiers": ["gold"], "times": {"most": 2, "every": "year"}, "cost": "18.50"},
            ]}],
    })
}

/// What the rules say, with their conditions as text: `text` of the event, `lines` of an order's lines.
fn rules(end: Timestamp) -> Vec<Version> {
    use State::{Draft, Ended, Live, Paused};
    let day = |days: i64| end.plus(-days * DAY).to_rfc3339()[..10].to_owned();
    let euro = json!({"name": "A point for each euro", "place": 10, "event": "Order Completed",
        "gives": {"kind": "amount", "points": 1, "each": "1"}});
    let camping = json!({"name": "Double points on camping", "place": 20, "event": "Order Completed",
        "gives": {"kind": "amount", "points": 1, "each": "1", "lines": "category = \"Camping\""}});
    let basket = json!({"name": "50 more for a basket of 100 euros", "place": 30, "event": "Order Completed", "text": "subtotal >= 100",
        "gives": {"kind": "fixed", "points": 50}, "holdout_percent": 10});
    let autumn = |from: i64, until: i64, factor: &str| {
        json!({"name": "Northern Lights weeks", "place": 50, "event": "Order Completed", "gives": {"kind": "times", "factor": factor},
            "group": "campaigns", "window": {"from": day(from), "until": day(until)}, "holdout_percent": 20})
    };
    let mondays = json!({"name": "Mondays count twice", "place": 51, "event": "Order Completed", "group": "campaigns",
        "gives": {"kind": "times", "factor": "2", "rules": ["euro"]}, "window": {"weekdays": [1]}});
    let stamps = json!({"name": "A stamp for each coffee", "place": 60, "event": "Order Completed", "wallet": STAMPS,
        "gives": {"kind": "units", "points": 1, "lines": "category = \"Coffee & Tea\""},
        "caps": [{"most": 5, "of": "points", "per": "member", "every": "day"}]});
    let birthday = json!({"name": "5 euros for your birthday", "place": 70, "event": BIRTHDAY, "wallet": CREDIT,
        "gives": {"kind": "fixed", "points": 500}, "caps": [{"most": 1, "of": "times", "per": "member", "every": "year"}]});
    let review = |points: i64| {
        json!({"name": "A review written", "place": 80, "event": "Product Reviewed", "gives": {"kind": "fixed", "points": points},
            "pending": {"kind": "no"}, "caps": [{"most": 2, "of": "times", "per": "member", "every": "month"}]})
    };
    let survey = json!({"name": "A survey answered", "place": 81, "event": "Survey Answered", "gives": {"kind": "fixed", "points": 20},
        "pending": {"kind": "no"}, "caps": [{"most": 1, "of": "times", "per": "member", "every": "month"},
            {"most": 10_000, "of": "points", "per": "everybody", "every": "month"}]});
    let welcome = json!({"name": "Welcome to the club", "place": 90, "event": "Signed Up", "gives": {"kind": "fixed", "points": 100},
        "caps": [{"most": 1, "of": "times", "per": "member", "every": "ever"}]});
    let visit = json!({"name": "Points for a visit to the shop", "place": 95, "event": "Shop Visited", "gives": {"kind": "fixed", "points": 10}});
    vec![
        ("euro", DAYS, Live, euro),
        ("camping", 300, Live, camping),
        ("big-basket", 270, Live, basket),
        ("northern-lights", 400, Live, autumn(380, 352, "2")),
        ("northern-lights", 30, Live, autumn(20, -12, "3")),
        ("mondays", 200, Live, mondays.clone()),
        ("mondays", 120, Paused, mondays),
        ("coffee", DAYS, Live, stamps),
        ("birthday", DAYS, Live, birthday),
        ("review", 500, Live, review(30)),
        ("review", 150, Live, review(50)),
        ("survey", DAYS, Live, survey),
        ("welcome", DAYS, Live, welcome.clone()),
        ("welcome", 210, Ended, welcome),
        ("visit", 3, Draft, visit),
    ]
}

/// Reads a rule whose conditions are texts.
fn rule(key: &str, mut form: Value) -> Result<Rule> {
    form["key"] = json!(key);
    if let Some(text) = form.as_object_mut().and_then(|fields| fields.remove("text")) {
        form["when"] = condition(&text)?;
    }
    if let Some(text) = form["gives"].as_object_mut().and_then(|fields| fields.remove("lines")) {
        form["gives"]["items"] = condition(&text)?;
    }
    Ok(Rule::from_json(form)?)
}

fn condition(text: &Value) -> Result<Value> {
    Ok(Condition::from_text(text.as_str().unwrap_or_default(), Limits::DEFAULT)?.to_json())
}
