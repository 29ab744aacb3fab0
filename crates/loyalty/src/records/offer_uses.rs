//! What was used of offers: by a person, whatever they were known by at the time, and by everybody; and the percentages that a person was given.
//!
//! Always holds: changed only in a transaction that holds the workspace's head, so that no budget is used twice; what is released or returned makes room again.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::{Calendar, Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Tx, args, sql};

use crate::decimal::Decimal;
use crate::earning::{CapPer, Period};
use crate::offers::{Offer, PriceChanges, Spent};

/// A use of an offer by a checkout.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Use {
    /// Which offer.
    pub offer: String,
    /// Its version.
    pub version: i64,
    /// What it was worth, in millionths of the programme's currency.
    pub benefit: i64,
    /// What was taken back of that.
    pub taken_back: i64,
    /// 1; 0 when all of it was taken back.
    pub times: i64,
    /// When.
    pub used_at: Timestamp,
}

/// What was used before.
#[derive(Debug, Default)]
pub struct Used {
    own: Vec<Use>,
    all: HashMap<(String, String), Spent>,
}

impl Used {
    /// Reads what a person, by what they are known, and everybody used of the offers that have budgets.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(
        db: &mut impl Queries,
        workspace: WorkspaceId,
        offers: &[(&Offer, i64)],
        handles: &[Handle],
        (at, calendar): (Timestamp, &Calendar),
    ) -> rapport_store::Result<Self> {
        let with_budgets = offers.iter().filter(|(offer, _)| !offer.budgets.is_empty());
        let keys: Vec<String> = with_budgets.map(|(offer, _)| offer.key.clone()).collect();
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let own = sql!(
            "SELECT offer, version, benefit, taken_back, times, used_at FROM loyalty_offer_uses
             WHERE handle IN ($2) AND offer IN ($3) AND +workspace = $1"
        );
        let own = if handles.is_empty() {
            Vec::new()
        } else {
            db.fetch_all(own, args![workspace, handles, keys.as_slice()]).await?
        };
        let periods = Period::all(at, calendar).map(Period::key);
        let all = sql!(
            "SELECT offer, period, amount, times FROM loyalty_offer_usage WHERE workspace = $1 AND offer IN ($2) AND period IN ($3)"
        );
        let all: Vec<(String, String, i64, i64)> =
            db.fetch_all(all, args![workspace, keys.as_slice(), periods.as_slice()]).await?;
        let all = all.into_iter().map(|(offer, period, amount, times)| ((offer, period), Spent { amount, times }));
        Ok(Self { own, all: all.collect() })
    }

    /// What was used of an offer in a period.
    pub fn of(&self, offer: &str, per: CapPer, period: Period, calendar: &Calendar) -> Spent {
        if per == CapPer::Everybody {
            return self.all.get(&(offer.to_owned(), period.key())).copied().unwrap_or_default();
        }
        let counts = |it: &&Use| it.offer == offer && Period::of(period.every, it.used_at, calendar) == period;
        self.own.iter().filter(counts).fold(Spent::default(), |spent, it| Spent {
            amount: spent.amount.saturating_add(it.benefit - it.taken_back),
            times: spent.times + it.times,
        })
    }
}

/// What a checkout uses.
///
/// # Errors
/// The store's.
pub async fn of_checkout(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    checkout: &str,
) -> rapport_store::Result<Vec<Use>> {
    let find = sql!(
        "SELECT offer, version, benefit, taken_back, times, used_at FROM loyalty_offer_uses WHERE workspace = $1 AND checkout = $2 ORDER BY offer"
    );
    db.fetch_all(find, args![workspace, checkout]).await
}

/// What was used of an offer by everybody: in each period that anything was, the latest first.
///
/// # Errors
/// The store's.
pub async fn of_offer(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    offer: &str,
) -> rapport_store::Result<BTreeMap<String, Spent>> {
    let find = sql!("SELECT period, amount, times FROM loyalty_offer_usage WHERE workspace = $1 AND offer = $2");
    let rows: Vec<(String, i64, i64)> = db.fetch_all(find, args![workspace, offer]).await?;
    Ok(rows.into_iter().map(|(period, amount, times)| (period, Spent { amount, times })).collect())
}

/// What carts that were paid used of an offer in a time, less what was taken back: (by what their customer is known, the offer's version, what it was worth in millionths
/// of the programme's currency, how often). Nobody in particular is not among them.
///
/// # Errors
/// The store's.
pub async fn paid_between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    offer: &str,
    (from, until): (Timestamp, Timestamp),
) -> rapport_store::Result<Vec<(Handle, i64, i64, i64)>> {
    let find = sql!(
        "SELECT u.handle, u.version, CAST(SUM(u.benefit - u.taken_back) AS BIGINT), CAST(SUM(u.times) AS BIGINT) FROM loyalty_offer_uses u
         JOIN loyalty_checkouts c ON c.workspace = u.workspace AND c.checkout = u.checkout
         WHERE u.workspace = $1 AND u.offer = $2 AND u.used_at >= $3 AND u.used_at < $4 AND u.handle <> 0
             AND c.state IN ('redeemed', 'partly_returned', 'returned')
         GROUP BY u.handle, u.version"
    );
    db.fetch_all(find, args![workspace, offer, from, until]).await
}

/// Writes down the uses of a checkout, each of which counts from now on.
pub(super) async fn add(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (checkout, handle): (&str, Handle),
    uses: &[Use],
    calendar: &Calendar,
) -> rapport_store::Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_offer_uses (workspace, checkout, offer, version, handle, benefit, taken_back, times, used_at) VALUES {rows}"
    );
    let row = |it: &Use| {
        args![workspace, checkout, &it.offer, it.version, handle, it.benefit, it.taken_back, it.times, it.used_at]
    };
    tx.execute_many(add, uses.iter().map(row)).await?;
    let changes = uses.iter().map(|it| (it, it.benefit - it.taken_back, it.times));
    count(tx, workspace, changes, calendar).await
}

/// Takes uses of a checkout back: all that they are worth, and the rows.
pub(super) async fn remove(
    tx: &mut Tx,
    workspace: WorkspaceId,
    checkout: &str,
    uses: &[Use],
    calendar: &Calendar,
) -> rapport_store::Result<()> {
    let remove = sql!("DELETE FROM loyalty_offer_uses WHERE workspace = $1 AND checkout = $2");
    tx.execute(remove, args![workspace, checkout]).await?;
    let changes = uses.iter().map(|it| (it, it.taken_back - it.benefit, -it.times));
    count(tx, workspace, changes, calendar).await
}

/// Notes how much of a use was taken back in all.
pub(super) async fn taken_back(
    tx: &mut Tx,
    workspace: WorkspaceId,
    checkout: &str,
    (before, now): (&Use, &Use),
    calendar: &Calendar,
) -> rapport_store::Result<()> {
    let note = sql!(
        "UPDATE loyalty_offer_uses SET taken_back = $4, times = $5 WHERE workspace = $1 AND checkout = $2 AND offer = $3"
    );
    tx.execute(note, args![workspace, checkout, &now.offer, now.taken_back, now.times]).await?;
    let change = (now, before.taken_back - now.taken_back, now.times - before.times);
    count(tx, workspace, std::iter::once(change), calendar).await
}

async fn count<'a>(
    tx: &mut Tx,
    workspace: WorkspaceId,
    changes: impl Iterator<Item = (&'a Use, i64, i64)>,
    calendar: &Calendar,
) -> rapport_store::Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_offer_usage (workspace, offer, period, amount, times) VALUES {rows}
         ON CONFLICT (workspace, offer, period) DO UPDATE SET amount = loyalty_offer_usage.amount + EXCLUDED.amount,
             times = loyalty_offer_usage.times + EXCLUDED.times"
    );
    let mut rows = Vec::new();
    for (it, amount, times) in changes {
        for period in Period::all(it.used_at, calendar).map(Period::key) {
            rows.push(args![workspace, &it.offer, period, amount, times]);
        }
    }
    tx.execute_many(add, rows).await.map(drop)
}

/// The percentages that a person was given by offers that go by what is known of them.
#[derive(Debug, Default)]
pub struct Shares(BTreeMap<String, Vec<(Timestamp, Decimal)>>);

impl Shares {
    /// Reads them.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(
        db: &mut impl Queries,
        workspace: WorkspaceId,
        handles: &[Handle],
    ) -> rapport_store::Result<Self> {
        if handles.is_empty() {
            return Ok(Self::default());
        }
        let find = sql!(
            "SELECT offer, changed_at, percent FROM loyalty_offer_shares WHERE handle IN ($2) AND +workspace = $1 ORDER BY offer, changed_at"
        );
        let rows: Vec<(String, Timestamp, i64)> = db.fetch_all(find, args![workspace, handles]).await?;
        let mut shares: BTreeMap<String, Vec<(Timestamp, Decimal)>> = BTreeMap::new();
        for (offer, at, percent) in rows {
            shares.entry(offer).or_default().push((at, Decimal::from_micros(percent)));
        }
        Ok(Self(shares))
    }

    /// The percentage that an offer goes on giving, because it changed often enough lately. The first one is no change.
    pub fn settled(&self, offer: &str, changes: Option<PriceChanges>, at: Timestamp) -> Option<Decimal> {
        let (given, limit) = (self.0.get(offer)?, changes?);
        let since = Timestamp(at.0.saturating_sub(i64::from(limit.days).saturating_mul(Timestamp::DAY)));
        let lately = given.iter().skip(1).filter(|(changed_at, _)| *changed_at > since).count();
        let (_, last) = given.last()?;
        (lately >= limit.most as usize).then_some(*last)
    }

    /// Whether an offer gave another percentage before, or none.
    pub fn is_new(&self, offer: &str, percent: Decimal) -> bool {
        self.0.get(offer).and_then(|given| given.last()).is_none_or(|(_, last)| *last != percent)
    }
}

/// Notes a percentage that a person is given from now on.
///
/// # Errors
/// The store's.
pub async fn note_share(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (handle, offer): (Handle, &str),
    percent: Decimal,
    now: Timestamp,
) -> rapport_store::Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_offer_shares (workspace, handle, offer, changed_at, percent) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
    );
    tx.execute(add, args![workspace, handle, offer, now, percent.micros()]).await.map(drop)
}
