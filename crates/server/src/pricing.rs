//! What a cart gets by the offers in force: what is known of its customer, and what was used of the offers, is read, and `loyalty::offers` decides.
//!
//! Always holds: the same for a price that is only asked for and for one that is set aside; conditions of offers ask for the cart, facts and segments.
//!
//! Does not: set anything aside (`loyalty::records::checkouts`).

pub mod returns;

use rapport_domain::money::micros_from_json;
use rapport_domain::shop_events::PRODUCT_UPDATED;
use rapport_domain::{Currency, Event, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::offers::{Cart, Decision, Gives, Looks, Offer, Share, decide};
use rapport_loyalty::program::{Enrolment, Program};
use rapport_loyalty::records::offer_uses::{self, Shares, Used};
use rapport_loyalty::records::prices::Price;
use rapport_loyalty::records::{members, prices};
use rapport_profiles::Applied;
use rapport_profiles::records::identifiers;
use rapport_segments::value::{Reading, as_text};
use rapport_segments::{Condition, EventView, Moment};
use rapport_store::{Queries, Tx};
use serde_json::{Map, Value};

use crate::earning::flat;
use crate::installation::Installation;
use crate::knowing::Known;

/// The name of the event that conditions of offers look at.
const CART: &str = "Cart Priced";

/// Whose cart it is.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    /// Who; nobody in particular without one.
    pub person: Option<PersonId>,
    /// Their number, if they are a member.
    pub member: Option<MemberId>,
    /// By what they are known.
    pub handles: Vec<Handle>,
}

impl Customer {
    /// What is known of who they are.
    ///
    /// # Errors
    /// The store's.
    pub async fn of(
        db: &mut impl Queries,
        workspace: WorkspaceId,
        person: Option<PersonId>,
    ) -> rapport_store::Result<Self> {
        let Some(person) = person else { return Ok(Self::default()) };
        let rows = identifiers::by_persons(db, workspace, &[person]).await?;
        let member = members::of(db, workspace, person).await?;
        Ok(Self { person: Some(person), member, handles: rows.into_iter().map(|row| row.handle).collect() })
    }

    /// By what they are filed; 0 of nobody in particular.
    pub fn handle(&self) -> Handle {
        self.handles.first().copied().unwrap_or(Handle(0))
    }
}

/// What a cart gets.
#[derive(Clone, Debug)]
pub struct Priced {
    /// What it gets, and why.
    pub decision: Decision,
    /// Percentages that its customer is given now and was not before.
    pub new_shares: Vec<(String, Decimal)>,
}

/// A question for the price of a cart.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The programme in force.
    pub program: &'a Program,
    /// Which offers, with their versions.
    pub offers: &'a [(&'a Offer, i64)],
    /// Whose cart.
    pub customer: &'a Customer,
    /// The cart, as an order's event would tell it.
    pub cart: &'a Map<String, Value>,
    /// The offers that a code unlocked.
    pub unlocked: &'a [String],
    /// When.
    pub at: Timestamp,
}

/// Says what a cart gets.
///
/// # Errors
/// The store's; that the programme has no calendar.
pub async fn price(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    question: Question<'_>,
) -> Result<Priced, rapport_loyalty::Error> {
    let Question { program, offers, customer, cart, unlocked, at } = question;
    let calendar = program.calendar()?;
    let conditions: Vec<&Condition> = offers.iter().map(|(offer, _)| &offer.when).collect();
    let shares_of: Vec<(&str, &Share)> = offers.iter().filter_map(|(offer, _)| share(offer)).collect();
    let facts: Vec<&str> = offers.iter().flat_map(|(offer, _)| offer.facts()).collect();
    let people: Vec<PersonId> = customer.person.into_iter().collect();
    let known = Known::read_with(db, workspace, &conditions, &facts, &people).await?;
    let used = Used::read(db, workspace, offers, &customer.handles, (at, &calendar)).await?;
    let shares =
        if shares_of.is_empty() { Shares::default() } else { Shares::read(db, workspace, &customer.handles).await? };
    let mut priced = Cart::read(cart);
    if offers.iter().any(|(offer, _)| offer.announced) {
        prices::note_lowest(db, workspace, &mut priced, program.currency, at).await?;
    }
    let properties = flat(cart);
    let view = EventView::new(CART, at, &properties);
    let person = customer.person.unwrap_or(PersonId(0));
    let priced = known.with(person, view, |subject| {
        let looks = Looks {
            program,
            subject,
            moment: Moment { now: at, calendar: &calendar },
            cart: &priced,
            may_earn: customer.member.is_some()
                || (customer.person.is_some() && program.enrolment == Enrolment::Earning),
            unlocked: &|key| unlocked.iter().any(|offer| offer == key),
            settled: &|offer| shares.settled(offer, program.offers.price_changes, at),
            used: &|offer, per, period| used.of(offer, per, period, &calendar),
        };
        let decision = decide(&looks, offers);
        let given = |(offer, share): &(&str, &Share)| {
            let percent = (looks.settled)(offer).unwrap_or_else(|| looks.percent(share));
            let is_taken = decision.taken().any(|line| line.offer == **offer);
            (is_taken && shares.is_new(offer, percent)).then(|| ((*offer).to_owned(), percent))
        };
        let new_shares = shares_of.iter().filter_map(given).collect();
        Priced { decision, new_shares }
    });
    Ok(priced)
}

/// The percentage of an offer that goes by what is known of a person.
fn share(offer: &Offer) -> Option<(&str, &Share)> {
    match &offer.gives {
        Gives::PercentOff { percent: percent @ Share::By { .. }, .. } => Some((offer.key.as_str(), percent)),
        _ => None,
    }
}

/// Notes the prices that a batch tells of products, where there is a programme.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> anyhow::Result<()> {
    if events.iter().all(|event| event.name != PRODUCT_UPDATED) {
        return Ok(());
    }
    let programs = installation.programs.get(tx, workspace).await?;
    let Some(latest) = programs.latest() else { return Ok(()) };
    let told = events.iter().zip(&applied.events).filter(|(event, _)| event.name == PRODUCT_UPDATED);
    let told: Vec<Price> = told
        .filter_map(|(event, it)| {
            let text = |key: &str| {
                let text = event.properties.get(key).and_then(|value| as_text(value, Reading::Text))?;
                (!text.is_empty()).then(|| text.into_owned())
            };
            let currency = text("currency").map_or(Some(latest.program.currency), |code| Currency::parse(&code))?;
            let price = micros_from_json(event.properties.get("price")?).filter(|price| *price >= 0)?;
            Some(Price {
                product: text("product_id").or_else(|| text("sku"))?,
                currency,
                from_at: it.occurred_at,
                price,
            })
        })
        .collect();
    if !told.is_empty() {
        prices::note(tx, workspace, &told).await?;
    }
    Ok(())
}

/// Notes which percentages a customer was shown, so that they do not change too often.
///
/// # Errors
/// The store's.
pub async fn note_shares(
    tx: &mut Tx,
    workspace: WorkspaceId,
    customer: &Customer,
    priced: &Priced,
    at: Timestamp,
) -> rapport_store::Result<()> {
    if customer.handles.is_empty() {
        return Ok(());
    }
    for (offer, percent) in &priced.new_shares {
        offer_uses::note_share(tx, workspace, (customer.handle(), offer), *percent, at).await?;
    }
    Ok(())
}
