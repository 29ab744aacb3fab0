//! What the sample shop's club is: three wallets, and rules of all kinds in all states.

use anyhow::Result;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::Document;
use rapport_loyalty::document::State;
use rapport_loyalty::earning::Rule;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::{self, Saved};
use rapport_loyalty::records::programs;
use rapport_sample::SampleShop;
use rapport_segments::{Condition, Limits};
use rapport_store::Priority;
use serde_json::{Value, json};

use crate::installation::Installation;

pub(super) const POINTS: &str = "points";
pub(super) const STAMPS: &str = "stamps";
pub(super) const CREDIT: &str = "credit";
/// What the shop's system says of somebody whose birthday it is.
pub(super) const BIRTHDAY: &str = "Birthday";
const DAY: i64 = Timestamp::DAY;
/// The club is so old: a year and a half.
const DAYS: i64 = 548;

/// When it began.
pub fn begins(end: Timestamp) -> Timestamp {
    end.plus(-DAYS * DAY)
}

/// A version of a rule: key, how many days ago it was saved, its state, what it says.
type Version = (&'static str, i64, State, Value);

/// Saves the programme and its rules, as if each had been written when it came into force.
pub(super) async fn found(installation: &Installation, workspace: WorkspaceId, end: Timestamp, by: &str) -> Result<()> {
    let at = |days: i64| Saved { in_force_from: end.plus(-days * DAY), at: end.plus(-days * DAY), by };
    let program = Program::from_json(program())?;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    programs::save(&mut tx, workspace, &program, 0, at(DAYS)).await?;
    let mut versions: Vec<Version> = rules(end);
    versions.sort_by_key(|(_, days, ..)| -days);
    for (place, (key, days, state, form)) in versions.iter().enumerate() {
        let seen = versions[..place].iter().filter(|it| it.0 == *key).count() as i64;
        let rule = rule(key, form.clone())?;
        documents::save(&mut tx, workspace, (&rule, *state), seen, at(*days)).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn program() -> Value {
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
