//! Partners of the sample club: an airline and a café where its members earned and burned points in the last months, told as partners tell it.
//!
//! Always holds: what a partner tells goes the way that all partners' lines go; a month of the airline is closed and paid some days after its end, but for the latest, which is there to be closed.
//!
//! Does not: decide what a point costs.

use anyhow::Result;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_loyalty::Document;
use rapport_loyalty::document::State;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::partners::{Partner, Told, Way};
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::partners::{self as records, Asked, Return};
use rapport_loyalty::records::redemptions::Scene;
use rapport_store::Tx;
use serde_json::{Value, json};

use super::Paying;
use crate::surveying::sample::chance::Chance;

const AIRLINE: &str = "nordwind";
const CAFE: &str = "leuchtturm";
const DAY: i64 = Timestamp::DAY;
/// They joined so many days ago.
pub(super) const SINCE: i64 = 170;
/// On this day of the month the one before is settled.
const SETTLED_ON: i8 = 6;
/// A hundredth of a unit of money.
const CENT: i64 = 10_000;
/// Nobody burns fewer at the airline.
const FLIGHT: i64 = 1_000;
/// A cup.
const CUP: i64 = 250;

fn documents() -> [(&'static str, Value); 2] {
    let airline = json!({"name": "Nordwind Air", "place": 10, "words": "Contract 2217, monthly, 30 days.", "currency": "EUR",
        "gives": {"price": "0.008", "per_unit": "2"}, "burns": {"price": "0.006", "worth": "0.006"},
        "limits": [{"of": "given", "most": 400_000, "per": "everybody", "every": "month"}, {"of": "burned", "most": 20_000, "per": "member", "every": "year"}]});
    let cafe = json!({"name": "Café Leuchtturm", "place": 20, "words": "Three houses by the harbour; Ms Brandt.", "currency": "EUR",
        "gives": {"price": "0.01", "per_unit": "1"}, "burns": {"price": "0.009", "worth": "0.01"},
        "limits": [{"of": "given", "most": 60, "per": "member", "every": "day"}]});
    [(AIRLINE, airline), (CAFE, cafe)]
}

/// Saves both, as if on the day on which they joined.
pub(super) async fn found(tx: &mut Tx, workspace: WorkspaceId, end: Timestamp, by: &str) -> Result<()> {
    let at = end.plus(-SINCE * DAY);
    for (key, mut form) in documents() {
        form["key"] = json!(key);
        let partner = Partner::from_json(form)?;
        records::save(tx, workspace, (&partner, State::Live), 0, Saved { in_force_from: at, at, by }).await?;
    }
    Ok(())
}

/// What partners tell of a day, and the end of a month.
pub(super) async fn day(
    tx: &mut Tx,
    scene: Scene<'_>,
    paying: &Paying<'_>,
    (end, by): (Timestamp, &str),
) -> Result<()> {
    if scene.now < end.plus(-SINCE * DAY) {
        return Ok(());
    }
    for (member, order) in paying.orders {
        visits(tx, scene, (*member, order), paying.available(*member), by).await?;
    }
    settle(tx, scene, end, by).await
}

/// Where somebody was beside their order of the day.
async fn visits(
    tx: &mut Tx,
    scene: Scene<'_>,
    (member, order): (MemberId, &str),
    available: i64,
    by: &str,
) -> Result<()> {
    let mut chance = Chance::of(&format!("elsewhere/{order}"));
    let mut cents = |from: u64, span: u64| {
        let amount = from + chance.next() % span;
        Told::Amount(i64::try_from(amount).unwrap_or_default() * CENT)
    };
    let (fare, bill) = (cents(8_900, 36_000), cents(320, 1_100));
    if chance.happens(0.10) {
        let reference = format!("NW-{order}");
        tell(tx, scene, (AIRLINE, &reference, Way::Given), (member, fare), by).await?;
        // A flight that was called off.
        if chance.happens(0.08) {
            let back = Return {
                partner: AIRLINE,
                reference: &format!("{reference}-R"),
                of: &reference,
                told: None,
                occurred_at: None,
                by,
            };
            records::take_back(tx, scene, back).await?.ok();
        }
    } else if available >= FLIGHT && chance.happens(0.35) {
        let points = Told::Points(available / FLIGHT * FLIGHT);
        tell(tx, scene, (AIRLINE, &format!("NW-{order}-P"), Way::Burned), (member, points), by).await?;
    }
    if chance.happens(0.16) {
        tell(tx, scene, (CAFE, &format!("L{order}"), Way::Given), (member, bill), by).await?;
    } else if (CUP..FLIGHT).contains(&available) && chance.happens(0.10) {
        tell(tx, scene, (CAFE, &format!("L{order}-P"), Way::Burned), (member, Told::Points(CUP)), by).await?;
    }
    Ok(())
}

async fn tell(
    tx: &mut Tx,
    scene: Scene<'_>,
    (partner, reference, way): (&str, &str, Way),
    (member, told): (MemberId, Told),
    by: &str,
) -> Result<()> {
    let asked = Asked { partner, reference, way, member: Some(member), told, occurred_at: None, by };
    // Whom a limit stops has nothing of it, as everywhere.
    records::tell(tx, scene, asked).await?.ok();
    Ok(())
}

/// Closes the airline's month before and notes that it was paid, once its day has come.
async fn settle(tx: &mut Tx, scene: Scene<'_>, end: Timestamp, by: &str) -> Result<()> {
    let month = |at: Timestamp| {
        let date = scene.calendar.date(at);
        i64::from(date.year()) * 12 + i64::from(date.month()) - 1
    };
    let before = month(scene.now) - 1;
    let is_time = scene.calendar.date(scene.now).day() >= SETTLED_ON;
    if !is_time || before >= month(end) - 1 || before < month(end.plus(-SINCE * DAY)) {
        return Ok(());
    }
    if records::closed(tx, scene.workspace, AIRLINE, before).await?.is_some() {
        return Ok(());
    }
    let Ok(closed) = records::close(tx, scene, AIRLINE, before, by).await? else { return Ok(()) };
    if closed.closing != 0 {
        let reference = format!("statement-{:04}-{:02}", before.div_euclid(12), before.rem_euclid(12) + 1);
        records::pay(tx, scene, (AIRLINE, &reference, by), (closed.closing, None)).await?.ok();
    }
    Ok(())
}
