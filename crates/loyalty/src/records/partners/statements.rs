//! Partners' documents, their months, and what proves them.
//!
//! Always holds: a closed month gets no line any more; what is told late, or happened in it, goes into the first month that is open; whoever closes holds the workspace's head, as whoever
//! writes a line does.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Tx, args, sql};
use serde_json::json;

use super::super::documents::{self, Saved, unreadable};
use super::super::redemptions::Scene;
use super::super::{head, houses, trail};
use super::lines::{Line, by_reference, month_of};
use super::{HOUSE, Outcome, fingerprint, is_readable, same};
use crate::Error;
use crate::document::State;
use crate::ledger;
use crate::liability::books::Month;
use crate::partners::statement::{Kind, Statement, Sum};
use crate::partners::{LINE_MAX, Partner, Refusal};

/// The domain event of a month that was closed.
pub const MONTH_CLOSED: &str = "partner.month_closed";

/// A month that gets no line any more.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Closed {
    /// Which.
    pub month: Month,
    /// What the partner owed before.
    pub opening: i64,
    /// What it owes after it.
    pub closing: i64,
    /// How many lines it has.
    pub lines: i64,
    /// Where the ledger ended when it was closed: its last operation.
    pub operation: i64,
    /// And the hash of the ledger's chain there.
    pub chain: [u8; 32],
    /// When it was closed.
    pub closed_at: Timestamp,
    /// By whom.
    pub closed_by: String,
}

/// Points that went each way in all: as partners told it, and as the ledger posted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Given, less what came back: of the lines and of the partner's account in the ledger.
    pub given: (i64, i64),
    /// Burned, less what came back: of the lines and of the ledger.
    pub burned: (i64, i64),
}

impl Proof {
    /// Whether both say the same.
    pub const fn holds(&self) -> bool {
        self.given.0 == self.given.1 && self.burned.0 == self.burned.1
    }
}

/// Saves a partner as the version behind `seen`. Its wallet and currency stay: what was settled is in them.
///
/// # Errors
/// As [`documents::save`].
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (partner, state): (&Partner, State),
    seen: i64,
    saved: Saved<'_>,
) -> Result<(), Error> {
    head::lock(tx, workspace).await?;
    if let Some(before) = documents::versions_of::<Partner>(tx, workspace, &partner.key).await?.pop() {
        let before = before.document;
        let stays = "stays, since what was settled is in it; make another partner";
        if before.currency != partner.currency {
            return Err(Error::invalid("currency", stays));
        }
        if before.wallet != partner.wallet {
            return Err(Error::invalid("wallet", stays));
        }
    }
    documents::save(tx, workspace, (partner, state), seen, saved).await
}

/// The last month of a partner that is closed.
async fn last_closed(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    partner: &str,
) -> rapport_store::Result<Option<Month>> {
    let last = sql!("SELECT MAX(month) FROM loyalty_partner_months WHERE partner = $2 AND workspace = $1");
    db.scalar(last, args![workspace, partner]).await
}

/// A partner's month that is closed.
///
/// # Errors
/// The store's.
pub async fn closed(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    partner: &str,
    month: Month,
) -> rapport_store::Result<Option<Closed>> {
    let find = sql!(
        "SELECT month, opening, closing, lines, operation, chain, closed_at, closed_by FROM loyalty_partner_months
         WHERE partner = $2 AND month = $3 AND workspace = $1"
    );
    db.fetch_optional(find, args![workspace, partner, month]).await
}

/// The month of whose statement a line is that happened in a month: that one, or the first behind those that are closed.
pub(super) async fn open_month(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    partner: &str,
    own: Month,
) -> rapport_store::Result<Month> {
    Ok(last_closed(db, workspace, partner).await?.map_or(own, |last| own.max(last + 1)))
}

/// The months of a partner in which there is a line, the latest first, with how many there are.
///
/// # Errors
/// The store's.
pub async fn months(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    partner: &str,
) -> rapport_store::Result<Vec<(Month, i64)>> {
    let list = sql!(
        "SELECT month, COUNT(*) FROM loyalty_partner_lines WHERE workspace = $1 AND partner = $2 AND refused IS NULL GROUP BY month ORDER BY month DESC"
    );
    db.fetch_all(list, args![workspace, partner]).await
}

/// A partner's month. Read it of a snapshot.
///
/// # Errors
/// The store's.
pub async fn statement(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    partner: &str,
    month: Month,
) -> rapport_store::Result<Statement> {
    let kind = |text: &str| Kind::read(text).ok_or_else(|| unreadable("kind"));
    let before = sql!(
        "SELECT month, closing FROM loyalty_partner_months WHERE partner = $2 AND month < $3 AND workspace = $1 ORDER BY month DESC LIMIT 1"
    );
    let before: Option<(Month, i64)> = db.fetch_optional(before, args![workspace, partner, month]).await?;
    let (last, mut opening) = before.unwrap_or((Month::MIN, 0));
    let since = sql!(
        "SELECT kind, CAST(SUM(money) AS BIGINT) FROM loyalty_partner_lines
         WHERE workspace = $1 AND partner = $2 AND month > $3 AND month < $4 AND refused IS NULL GROUP BY kind"
    );
    let since: Vec<(String, i64)> = db.fetch_all(since, args![workspace, partner, last, month]).await?;
    for (of, money) in since {
        opening += kind(&of)?.sign() * money;
    }
    let sums = sql!(
        "SELECT kind, price, COUNT(*), CAST(SUM(points) AS BIGINT), CAST(SUM(money) AS BIGINT),
             CAST(SUM(CASE WHEN own_month < month THEN 1 ELSE 0 END) AS BIGINT) FROM loyalty_partner_lines
         WHERE workspace = $1 AND partner = $2 AND month = $3 AND refused IS NULL GROUP BY kind, price"
    );
    let sums: Vec<(String, i64, i64, i64, i64, i64)> = db.fetch_all(sums, args![workspace, partner, month]).await?;
    let mut found = Statement { opening, by_price: BTreeMap::new(), late: 0 };
    for (of, price, lines, points, money, late) in sums {
        found.by_price.insert((kind(&of)?, price), Sum { lines, points, money });
        found.late += late;
    }
    Ok(found)
}

/// How a partner stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it owes, over all months, in millionths; below 0 it is owed that.
    pub balance: i64,
    /// The first month that is over, has lines, and is not closed.
    pub to_close: Option<Month>,
}

/// How a partner stands now. Read it of a snapshot.
///
/// # Errors
/// The store's.
pub async fn standing(db: &mut impl Queries, scene: Scene<'_>, partner: &str) -> rapport_store::Result<Standing> {
    let Scene { workspace, calendar, now, .. } = scene;
    // Of the time behind every month all is before.
    let balance = statement(db, workspace, partner, Month::MAX).await?.opening;
    let last = last_closed(db, workspace, partner).await?.unwrap_or(Month::MIN);
    let first = sql!(
        "SELECT MIN(month) FROM loyalty_partner_lines WHERE workspace = $1 AND partner = $2 AND month > $3 AND month < $4 AND refused IS NULL"
    );
    let to_close = db.scalar(first, args![workspace, partner, last, month_of(now, calendar)]).await?;
    Ok(Standing { balance, to_close })
}

/// What went each way in all, by the lines and by the ledger.
///
/// # Errors
/// The store's.
pub async fn proof(db: &mut impl Queries, workspace: WorkspaceId, partner: &str) -> rapport_store::Result<Proof> {
    let mut found = Proof::default();
    let told = sql!(
        "SELECT kind, CAST(SUM(points) AS BIGINT) FROM loyalty_partner_lines WHERE workspace = $1 AND partner = $2 AND refused IS NULL GROUP BY kind"
    );
    let told: Vec<(String, i64)> = db.fetch_all(told, args![workspace, partner]).await?;
    for (kind, points) in told {
        match Kind::read(&kind) {
            Some(Kind::Given) => found.given.0 += points,
            Some(Kind::GivenBack) => found.given.0 -= points,
            Some(Kind::Burned) => found.burned.0 += points,
            Some(Kind::BurnedBack) => found.burned.0 -= points,
            Some(Kind::Payment) => {}
            None => return Err(unreadable("kind")),
        }
    }
    let Some(number) = houses::find(db, workspace, HOUSE, partner).await? else { return Ok(found) };
    for (_, from, to, points) in trail::sums(db, workspace, &[number.0]).await? {
        match (from.as_str(), to.as_str()) {
            ("issued", _) => found.given.1 += points,
            (_, "issued") => found.given.1 -= points,
            ("spent", _) => found.burned.1 -= points,
            (_, "spent") => found.burned.1 += points,
            _ => {}
        }
    }
    Ok(found)
}

/// Closes a month: no line comes into it any more. Told again it is the same.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn close(
    tx: &mut Tx,
    scene: Scene<'_>,
    partner: &str,
    month: Month,
    by: &str,
) -> Result<Result<Closed, Refusal>, Error> {
    let Scene { workspace, calendar, now, .. } = scene;
    let head = head::lock(tx, workspace).await?;
    if documents::versions_of::<Partner>(tx, workspace, partner).await?.is_empty() {
        return Ok(Err(Refusal::PartnerUnknown));
    }
    if let Some(closed) = closed(tx, workspace, partner, month).await? {
        return Ok(Ok(closed));
    }
    if month_of(now, calendar) <= month {
        return Ok(Err(Refusal::MonthOpen));
    }
    let last = last_closed(tx, workspace, partner).await?.unwrap_or(Month::MIN);
    let first = months(tx, workspace, partner).await?.into_iter().map(|(it, _)| it).filter(|it| *it > last).min();
    if first.is_some_and(|first| first < month) {
        return Ok(Err(Refusal::MonthNotNext));
    }
    if !proof(tx, workspace, partner).await?.holds() {
        return Ok(Err(Refusal::BooksDiffer));
    }
    let found = statement(tx, workspace, partner, month).await?;
    let closed = Closed {
        month,
        opening: found.opening,
        closing: found.closing(),
        lines: found.by_price.values().map(|sum| sum.lines).sum(),
        operation: head.operations,
        chain: head.chain,
        closed_at: now,
        closed_by: by.to_owned(),
    };
    let add = sql!(
        "INSERT INTO loyalty_partner_months (workspace, partner, month, opening, closing, lines, operation, chain, closed_at, closed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    let Closed { opening, closing, lines, operation, chain, .. } = closed;
    tx.execute(add, args![workspace, partner, month, opening, closing, lines, operation, chain, now, by]).await?;
    let word = format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1);
    tx.emit(Event::new(workspace, MONTH_CLOSED, json!({ "partner": partner, "month": word, "closing": closing })));
    Ok(Ok(closed))
}

/// Notes that money was paid: above 0 by the partner, below 0 to it.
///
/// # Errors
/// The store's.
pub async fn pay(
    tx: &mut Tx,
    scene: Scene<'_>,
    (partner, reference, by): (&str, &str, &str),
    (amount, paid_at): (i64, Option<Timestamp>),
) -> Outcome {
    if !is_readable(reference) {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::IdMalformed)));
    }
    head::lock(tx, scene.workspace).await?;
    let print = fingerprint(("payment", amount, paid_at));
    if let Some(earlier) = by_reference(tx, scene.workspace, partner, reference).await? {
        return same(tx, scene, earlier, print, None).await;
    }
    if documents::versions_of::<Partner>(tx, scene.workspace, partner).await?.is_empty() {
        return Ok(Err(Refusal::PartnerUnknown));
    }
    let at = paid_at.unwrap_or(scene.now);
    if at > scene.now {
        return Ok(Err(Refusal::InTheFuture));
    }
    match amount.unsigned_abs() {
        0 => return Ok(Err(Refusal::Ledger(ledger::Refusal::AmountZero))),
        amount if amount > LINE_MAX.unsigned_abs() => return Ok(Err(Refusal::TooMuch)),
        _ => {}
    }
    let mut line = Line::asked(scene, (partner, reference, by), Kind::Payment, at);
    (line.fingerprint, line.money) = (print, amount);
    line.month = open_month(tx, scene.workspace, partner, line.own_month).await?;
    line.write(tx, scene.workspace).await?;
    Ok(Ok(line))
}
