//! Checkouts: a cart, what offers did to it, and how far it has come: locked, paid, returned in parts, called off.
//!
//! Always holds: whoever changes one holds the workspace's head, so that of two carts that want the last of a budget one gets it; budgets are used from the moment a
//! cart is locked, and free again when the lock ends, whether anybody says so or not; points are given and taken in the same transaction.
//!
//! Does not: decide what a cart gets ([`offers`](crate::offers)).

use std::collections::HashMap;

use rapport_domain::{Calendar, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Json, Queries, Record, Tx, args, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::documents::unreadable;
use super::offer_uses::{self, Use};
use super::{Memory, head, post, vouchers, wallets};
use crate::Error;
use crate::ledger::{Act, Command, MemberId, Portion, Source};
use crate::offers::{Cart, Decision, Effect, Line, rolled_back};
use crate::program::{Program, WalletPlan};

/// The domain event of a cart that was paid with offers.
pub const REDEEMED: &str = "offers.redeemed";
/// Of one of which something went back.
pub const RETURNED: &str = "offers.returned";

/// What the ids of the ledger's operations begin with that are made here.
pub const OWN_IDS: &str = "offer:";

/// So many locks that have ended are cleared at a time.
const CLEARED_AT_ONCE: i64 = 200;

/// How far a checkout has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// What it gets is set aside.
    Locked,
    /// It is not any more.
    Released,
    /// It was paid.
    Redeemed,
    /// A part of it was returned.
    PartlyReturned,
    /// All of it was returned, or it was called off after it was paid.
    Returned,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Locked, Self::Released, Self::Redeemed, Self::PartlyReturned, Self::Returned];

    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Released => "released",
            Self::Redeemed => "redeemed",
            Self::PartlyReturned => "partly_returned",
            Self::Returned => "returned",
        }
    }

    fn read(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }
}

/// A checkout.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkout {
    /// Chosen by whoever asks.
    pub key: String,
    /// By what its customer is known; 0 of nobody in particular.
    pub handle: Handle,
    /// How far it has come.
    pub state: State,
    /// The cart as it was sent.
    pub cart: Map<String, Value>,
    /// What it got.
    pub decision: Decision,
    /// How much of each line was returned, in millionths of a unit.
    pub returned: Vec<i64>,
    /// The codes that it uses.
    pub codes: Vec<UsedCode>,
    /// The order that it became.
    pub order_id: Option<String>,
    /// When it was decided what it gets.
    pub priced_at: Timestamp,
    /// Until when that is set aside.
    pub locked_until: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// A code that a checkout uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedCode {
    /// As it was typed.
    pub code: String,
    /// The offer that it unlocks.
    pub offer: String,
    /// By what the use is known.
    pub use_id: String,
}

#[derive(Record)]
struct Row {
    checkout: String,
    handle: Handle,
    state: String,
    cart: Value,
    decision: Value,
    returned: Value,
    codes: Value,
    order_id: Option<String>,
    priced_at: Timestamp,
    locked_until: Timestamp,
    changed_at: Timestamp,
}

impl Row {
    fn read(self) -> rapport_store::Result<Checkout> {
        fn json<T: serde::de::DeserializeOwned>(column: &str, value: Value) -> rapport_store::Result<T> {
            serde_json::from_value(value).map_err(|_| unreadable(column))
        }
        Ok(Checkout {
            key: self.checkout,
            handle: self.handle,
            state: State::read(&self.state).ok_or_else(|| unreadable("state"))?,
            cart: json("cart", self.cart)?,
            decision: json("decision", self.decision)?,
            returned: json("returned", self.returned)?,
            codes: json("codes", self.codes)?,
            order_id: self.order_id,
            priced_at: self.priced_at,
            locked_until: self.locked_until,
            changed_at: self.changed_at,
        })
    }
}

impl Checkout {
    /// How far it has come by now: a lock that has ended is none, whether that was written down or not.
    pub fn state_at(&self, now: Timestamp) -> State {
        if self.state == State::Locked && self.locked_until <= now { State::Released } else { self.state }
    }

    /// The cart, to reckon with.
    pub fn priced(&self) -> Cart {
        Cart::read(&self.cart)
    }
}

/// Finds one.
///
/// # Errors
/// The store's; that this program cannot read it.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> rapport_store::Result<Option<Checkout>> {
    let find = sql!(
        "SELECT checkout, handle, state, cart, decision, returned, codes, order_id, priced_at, locked_until, changed_at
         FROM loyalty_checkouts WHERE workspace = $1 AND checkout = $2"
    );
    let row: Option<Row> = db.fetch_optional(find, args![workspace, key]).await?;
    row.map(Row::read).transpose()
}

/// The checkouts of a person, by what they are known, the newest first.
///
/// # Errors
/// The store's; that this program cannot read one.
pub async fn of_person(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
    limit: u32,
) -> rapport_store::Result<Vec<Checkout>> {
    let find = sql!(
        "SELECT checkout, handle, state, cart, decision, returned, codes, order_id, priced_at, locked_until, changed_at
         FROM loyalty_checkouts WHERE handle IN ($2) AND +workspace = $1 ORDER BY priced_at DESC, checkout LIMIT $3"
    );
    let rows: Vec<Row> = db.fetch_all(find, args![workspace, handles, limit]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// The checkouts that became these orders.
///
/// # Errors
/// The store's; that this program cannot read one.
pub async fn of_orders(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    order_ids: &[String],
) -> rapport_store::Result<Vec<Checkout>> {
    let find = sql!(
        "SELECT checkout, handle, state, cart, decision, returned, codes, order_id, priced_at, locked_until, changed_at
         FROM loyalty_checkouts WHERE order_id IN ($2) AND order_id IS NOT NULL AND +workspace = $1 ORDER BY checkout"
    );
    let rows: Vec<Row> = db.fetch_all(find, args![workspace, order_ids]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Takes the workspace's offers for this transaction, and clears locks that have ended, so that what is read of budgets afterwards is true.
///
/// # Errors
/// The store's.
pub async fn begin(
    tx: &mut Tx,
    workspace: WorkspaceId,
    calendar: &Calendar,
    now: Timestamp,
) -> rapport_store::Result<()> {
    head::lock(tx, workspace).await?;
    loop {
        let find = sql!(
            "SELECT checkout, handle, state, cart, decision, returned, codes, order_id, priced_at, locked_until, changed_at
             FROM loyalty_checkouts WHERE workspace = $1 AND state = 'locked' AND locked_until <= $2 ORDER BY locked_until LIMIT $3"
        );
        let ended: Vec<Row> = tx.fetch_all(find, args![workspace, now, CLEARED_AT_ONCE]).await?;
        let is_last = ended.len() < usize::try_from(CLEARED_AT_ONCE).unwrap_or(usize::MAX);
        for row in ended {
            release(tx, workspace, &row.read()?, calendar, now).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Writes a checkout down with what it uses, in place of what it was before.
///
/// # Errors
/// The store's.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    checkout: &Checkout,
    calendar: &Calendar,
) -> rapport_store::Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_checkouts (workspace, checkout, handle, state, cart, decision, returned, codes, order_id, priced_at, locked_until, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (workspace, checkout) DO UPDATE SET handle = EXCLUDED.handle, state = EXCLUDED.state, cart = EXCLUDED.cart,
             decision = EXCLUDED.decision, returned = EXCLUDED.returned, codes = EXCLUDED.codes, order_id = EXCLUDED.order_id,
             priced_at = EXCLUDED.priced_at, locked_until = EXCLUDED.locked_until, changed_at = EXCLUDED.changed_at"
    );
    let Checkout { key, handle, state, cart, decision, returned, codes, .. } = checkout;
    let row = args![
        workspace,
        key,
        *handle,
        state.key(),
        Json(cart.clone()),
        Json(decision.clone()),
        Json(returned.clone()),
        Json(codes.clone()),
        checkout.order_id.as_deref(),
        checkout.priced_at,
        checkout.locked_until,
        checkout.changed_at
    ];
    tx.execute(save, row).await?;
    let new = |line: &Line| Use {
        offer: line.offer.clone(),
        version: line.version,
        benefit: line.benefit,
        taken_back: 0,
        times: 1,
        used_at: checkout.priced_at,
    };
    let uses: Vec<Use> = decision.taken().map(new).collect();
    offer_uses::add(tx, workspace, (key, *handle), &uses, calendar).await
}

/// Gives back what a locked checkout had set aside.
///
/// # Errors
/// The store's.
pub async fn release(
    tx: &mut Tx,
    workspace: WorkspaceId,
    checkout: &Checkout,
    calendar: &Calendar,
    now: Timestamp,
) -> rapport_store::Result<()> {
    for code in &checkout.codes {
        // One that is free already stays it.
        vouchers::release(tx, workspace, &code.use_id).await?.ok();
    }
    let uses = offer_uses::of_checkout(tx, workspace, &checkout.key).await?;
    offer_uses::remove(tx, workspace, &checkout.key, &uses, calendar).await?;
    let note =
        sql!("UPDATE loyalty_checkouts SET state = 'released', changed_at = $3 WHERE workspace = $1 AND checkout = $2");
    tx.execute(note, args![workspace, &checkout.key, now]).await.map(drop)
}

/// Notes that a checkout was paid: its codes are used up, and the points that belong to it given.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn redeem(
    tx: &mut Tx,
    workspace: WorkspaceId,
    checkout: &Checkout,
    order_id: Option<&str>,
    (program, member, person): (&Program, Option<MemberId>, Option<PersonId>),
    now: Timestamp,
) -> Result<(), Error> {
    let note = sql!(
        "UPDATE loyalty_checkouts SET state = 'redeemed', order_id = $3, changed_at = $4 WHERE workspace = $1 AND checkout = $2"
    );
    tx.execute(note, args![workspace, &checkout.key, order_id, now]).await?;
    for UsedCode { code, use_id, .. } in &checkout.codes {
        let reference = order_id.unwrap_or_default();
        let used = vouchers::Use { id: use_id, by: "checkout", reference, holder: member };
        if let Err(refusal) = vouchers::use_up(tx, workspace, code, used, now).await? {
            // It was set aside until now, so that nobody else could have it; only somebody who voided it meanwhile gets here. What was promised holds.
            tracing::info!(code = refusal.code(), "a code was taken back while its checkout was paid");
        }
    }
    if let Some(member) = member {
        let calendar = program.calendar()?;
        let earn = |plan: &WalletPlan, effect: &Effect| plan.earn(effect.value, now, &calendar.zone);
        points(tx, workspace, checkout, (program, member), now, "", earn).await?;
    }
    if checkout.decision.taken().next().is_some() {
        let offers: Vec<&str> = checkout.decision.taken().map(|line| line.offer.as_str()).collect();
        let payload = json!({
            "checkout": checkout.key, "offers": offers, "order_id": order_id,
            "amount": rapport_domain::money::format_micros(checkout.decision.goods_off + checkout.decision.shipping_off),
        });
        tell(tx, Event::new(workspace, REDEEMED, payload), person);
    }
    Ok(())
}

/// Takes back what belongs to the part of a paid checkout that was returned so far, in millionths of a unit of each line.
///
/// # Errors
/// The store's, or the ledger's where its records do not fit together.
pub async fn give_back(
    tx: &mut Tx,
    workspace: WorkspaceId,
    checkout: &Checkout,
    returned: &[i64],
    (program, member, person): (&Program, Option<MemberId>, Option<PersonId>),
    now: Timestamp,
) -> Result<Checkout, Error> {
    let cart = checkout.priced();
    let calendar = program.calendar()?;
    let is_whole = cart.lines.iter().zip(returned).all(|(line, back)| *back >= line.item.quantity);
    let state = if is_whole { State::Returned } else { State::PartlyReturned };
    let lines: HashMap<&str, &Line> = checkout.decision.taken().map(|line| (line.offer.as_str(), line)).collect();
    for before in offer_uses::of_checkout(tx, workspace, &checkout.key).await? {
        let Some(line) = lines.get(before.offer.as_str()) else { continue };
        let taken_back = checkout.decision.worth_back(line, &cart, returned);
        let after = Use { taken_back, times: i64::from(!is_whole), ..before.clone() };
        offer_uses::taken_back(tx, workspace, &checkout.key, (&before, &after), &calendar).await?;
    }
    if let Some(member) = member {
        let key = returned.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let reverse = |plan: &WalletPlan, effect: &Effect| Act::Reverse {
            of: id(checkout, effect),
            portion: Portion::Refunded {
                refunded: rolled_back(effect, &cart, &checkout.decision.effects, returned),
                total: effect.value,
            },
            shortage: plan.clawback,
            grace_until: None,
        };
        points(tx, workspace, checkout, (program, member), now, &format!(":back:{key}"), reverse).await?;
    }
    if is_whole {
        for code in &checkout.codes {
            vouchers::release(tx, workspace, &code.use_id).await?.ok();
        }
    }
    let note = sql!(
        "UPDATE loyalty_checkouts SET state = $3, returned = $4, changed_at = $5 WHERE workspace = $1 AND checkout = $2"
    );
    tx.execute(note, args![workspace, &checkout.key, state.key(), Json(returned.to_vec()), now]).await?;
    let payload = json!({ "checkout": checkout.key, "order_id": checkout.order_id, "whole": is_whole });
    tell(tx, Event::new(workspace, RETURNED, payload), person);
    Ok(Checkout { state, returned: returned.to_vec(), changed_at: now, ..checkout.clone() })
}

/// Tells an event, of whoever's cart it was.
fn tell(tx: &mut Tx, event: Event, person: Option<PersonId>) {
    tx.emit(match person {
        Some(person) => event.about(person),
        None => event,
    });
}

/// The id of the operation by which an effect gave points. It outlives the person, and names neither the checkout nor the order.
fn id(checkout: &Checkout, effect: &Effect) -> String {
    let hash = blake3::hash(format!("{}\n{}", checkout.key, checkout.priced_at.0).as_bytes());
    format!("{OWN_IDS}{}:{}", &hash.to_hex()[..32], effect.offer)
}

/// Posts something for each effect that gives points.
async fn points(
    tx: &mut Tx,
    workspace: WorkspaceId,
    checkout: &Checkout,
    (program, member): (&Program, MemberId),
    now: Timestamp,
    suffix: &str,
    act: impl Fn(&WalletPlan, &Effect) -> Act,
) -> Result<(), Error> {
    let numbers = wallets::numbers(tx, workspace).await?;
    let command = |(effect, wallet): (&Effect, &str)| {
        let (plan, wallet) = (program.wallet(wallet)?, *numbers.get(wallet)?);
        let act = act(plan, effect);
        // Of a part that is too small for a point nothing is taken back.
        if matches!(act, Act::Reverse { portion: Portion::Refunded { refunded: 0, .. }, .. }) {
            return None;
        }
        let source = Source {
            kind: "offer".to_owned(),
            reference: checkout.order_id.clone().unwrap_or_default(),
            reason: format!("offer {}", effect.offer),
            ..Source::default()
        };
        Some(vec![Command { id: id(checkout, effect) + suffix, member, wallet, act, source }])
    };
    let lists: Vec<Vec<Command>> = checkout.decision.points().filter_map(command).collect();
    if lists.is_empty() {
        return Ok(());
    }
    // Nothing of it may be remembered before the caller commits.
    for answer in post(tx, &mut Memory::default(), workspace, &lists, now).await?.into_iter().flatten() {
        if let Some(refusal) = answer.refused {
            tracing::info!(code = refusal.code(), "points of an offer could not follow its checkout");
        }
    }
    Ok(())
}
