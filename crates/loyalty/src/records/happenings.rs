//! What happened to points of a wallet and to rewards bought with them, as other programs read it back: the latest first, page by page.
//!
//! Always holds: a position says where a page ended, so that what happens meanwhile neither repeats nor hides anything; what was refused did not happen.
//!
//! Does not: tell of points that only wait (set aside, made available, given longer to live): nothing came or went.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, args, sql};
use serde::{Deserialize, Serialize};

use super::redemptions::{Redemption, Stage};
use super::{members, read, trail};
use crate::ledger::{Kind, MemberId, Operation, Place, WalletId};

/// The operations by which points come and go.
pub const MOVES: [Kind; 9] = [
    Kind::Earn,
    Kind::Spend,
    Kind::Capture,
    Kind::Adjust,
    Kind::Transfer,
    Kind::Reverse,
    Kind::Forfeit,
    Kind::Merge,
    Kind::Expire,
];

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// Points came or went by something else than a reward.
    Moved(Operation),
    /// A reward was asked for, and its points were taken.
    Asked(Redemption),
    /// A reward was had, or is not to be had any more.
    Settled(Redemption),
}

/// Where a list goes on: behind what happened then, of this kind, with this number or id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position(i64, u8, i64, String);

impl Happening {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Moved(it) => it.recorded_at,
            Self::Asked(it) => it.requested_at,
            Self::Settled(it) => it.settled_at.unwrap_or(it.requested_at),
        }
    }

    /// Where it stands in a list.
    pub fn position(&self) -> Position {
        let at = self.at().0;
        match self {
            Self::Moved(it) => Position(at, 0, it.number, String::new()),
            Self::Asked(it) => Position(at, 1, 0, it.redemption.clone()),
            Self::Settled(it) => Position(at, 2, 0, it.redemption.clone()),
        }
    }
}

/// How many points an operation brought these members to spend, below 0 what it took; what a member owes counts against it.
pub fn change(operation: &Operation, members: &[MemberId]) -> i64 {
    let own = operation.postings.iter().filter(|it| members.contains(&it.member));
    let counts = |place: Place| i64::from(matches!(place, Place::Available | Place::Owed));
    own.map(|it| it.amount * (counts(it.to) - counts(it.from))).sum()
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// In which wallet.
    pub wallet: (WalletId, &'a str),
    /// Of whom: every number of theirs. Everybody's without it.
    pub members: Option<&'a [MemberId]>,
    /// Which operations.
    pub kinds: &'a [Kind],
    /// Whether rewards that were asked for count.
    pub asked: bool,
    /// To which of these rewards came.
    pub stages: &'a [Stage],
    /// From then.
    pub from: Timestamp,
    /// Until before then.
    pub until: Timestamp,
    /// Only operations that come from one of these things of a kind.
    pub source: Option<(&'a str, &'a [String])>,
}

/// What happened, the latest first, behind a position or from the latest on.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wanted: Wanted<'_>,
    after: Option<&Position>,
    limit: u32,
) -> Result<Vec<Happening>> {
    let mut found: Vec<Happening> = Vec::new();
    if !wanted.kinds.is_empty() {
        let moved = moved(db, workspace, wanted, bound(after, 0), limit).await?;
        found.extend(moved.into_iter().map(Happening::Moved));
    }
    if wanted.asked && wanted.source.is_none() {
        let asked = asked(db, workspace, wanted, bound(after, 1), limit).await?;
        found.extend(asked.into_iter().map(Happening::Asked));
    }
    if !wanted.stages.is_empty() && wanted.source.is_none() {
        let settled = settled(db, workspace, wanted, bound(after, 2), limit).await?;
        found.extend(settled.into_iter().map(Happening::Settled));
    }
    found.sort_by_cached_key(|it| std::cmp::Reverse(it.position()));
    found.truncate(limit as usize);
    Ok(found)
}

/// Before what the rows of a stream are that come behind a position.
fn bound(after: Option<&Position>, stream: u8) -> (Timestamp, i64, String) {
    let Some(Position(at, other, number, id)) = after else {
        return (Timestamp(i64::MAX), i64::MIN, String::new());
    };
    match stream.cmp(other) {
        // Of one instant, those of lower streams come later.
        std::cmp::Ordering::Less => (Timestamp(at.saturating_add(1)), i64::MIN, String::new()),
        std::cmp::Ordering::Equal => (Timestamp(*at), *number, id.clone()),
        std::cmp::Ordering::Greater => (Timestamp(*at), i64::MIN, String::new()),
    }
}

async fn moved(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wanted: Wanted<'_>,
    (before, number, _): (Timestamp, i64, String),
    limit: u32,
) -> Result<Vec<Operation>> {
    let kinds: Vec<String> = wanted.kinds.iter().map(|kind| kind.key().to_owned()).collect();
    let (kind, references) = wanted.source.map_or(("", Vec::new()), |(kind, all)| (kind, all.to_vec()));
    let references = if references.is_empty() { vec![String::new()] } else { references };
    let wallet = wanted.wallet.0.0;
    let found: Vec<Operation> = match wanted.members {
        None => {
            let find = sql!(
                "SELECT * FROM loyalty_operations WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND source_kind <> 'reward' AND kind IN ($3)
                     AND (recorded_at, operation) < ($4, $5) AND recorded_at >= $6 AND recorded_at < $7
                     AND ($8 = '' OR (source_kind = $8 AND source_reference IN ($9)))
                 ORDER BY operation DESC LIMIT $10"
            );
            let args = args![
                workspace,
                wallet,
                kinds.as_slice(),
                before,
                number,
                wanted.from,
                wanted.until,
                kind,
                references.as_slice(),
                limit
            ];
            db.fetch_all(find, args).await?
        }
        Some(members) => {
            let find = sql!(
                "SELECT * FROM loyalty_operations WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND source_kind <> 'reward' AND kind IN ($3)
                     AND (recorded_at, operation) < ($4, $5) AND recorded_at >= $6 AND recorded_at < $7
                     AND ($8 = '' OR (source_kind = $8 AND source_reference IN ($9)))
                     AND operation IN ($10)
                 ORDER BY operation DESC LIMIT $11"
            );
            let own = trail::operations(db, workspace, &members::as_rows(members)).await?;
            let args = args![
                workspace,
                wallet,
                kinds.as_slice(),
                before,
                number,
                wanted.from,
                wanted.until,
                kind,
                references.as_slice(),
                own.as_slice(),
                limit
            ];
            db.fetch_all(find, args).await?
        }
    };
    read::with_postings(db, workspace, found).await
}

async fn asked(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wanted: Wanted<'_>,
    (before, _, id): (Timestamp, i64, String),
    limit: u32,
) -> Result<Vec<Redemption>> {
    let wallet = wanted.wallet.1;
    let Some(members) = wanted.members else {
        let find = sql!(
            "SELECT * FROM loyalty_redemptions WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND (requested_at, redemption) < ($3, $4)
                 AND requested_at >= $5 AND requested_at < $6 ORDER BY requested_at DESC, redemption DESC LIMIT $7"
        );
        return db.fetch_all(find, args![workspace, wallet, before, id, wanted.from, wanted.until, limit]).await;
    };
    let find = sql!(
        "SELECT * FROM loyalty_redemptions WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND (requested_at, redemption) < ($3, $4)
             AND requested_at >= $5 AND requested_at < $6 AND member IN ($7) ORDER BY requested_at DESC, redemption DESC LIMIT $8"
    );
    let own = members::as_rows(members);
    let args = args![workspace, wallet, before, id, wanted.from, wanted.until, own.as_slice(), limit];
    db.fetch_all(find, args).await
}

async fn settled(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wanted: Wanted<'_>,
    (before, _, id): (Timestamp, i64, String),
    limit: u32,
) -> Result<Vec<Redemption>> {
    let wallet = wanted.wallet.1;
    let stages: Vec<String> = wanted.stages.iter().map(|stage| stage.key().to_owned()).collect();
    let Some(members) = wanted.members else {
        let find = sql!(
            "SELECT * FROM loyalty_redemptions WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND settled_at IS NOT NULL
                 AND (settled_at, redemption) < ($3, $4) AND settled_at >= $5 AND settled_at < $6
                 AND (CASE WHEN state = 'requested' OR (state = 'fulfilled' AND kind NOT IN ('delivered', 'donation', 'gift_card')) THEN 'promised'
                     WHEN state IN ('fulfilled', 'used') THEN 'had' ELSE 'gone' END) IN ($7)
             ORDER BY settled_at DESC, redemption DESC LIMIT $8"
        );
        let args = args![workspace, wallet, before, id, wanted.from, wanted.until, stages.as_slice(), limit];
        return db.fetch_all(find, args).await;
    };
    let find = sql!(
        "SELECT * FROM loyalty_redemptions WHERE workspace = $1 AND wallet = $2 AND refused IS NULL AND settled_at IS NOT NULL
             AND (settled_at, redemption) < ($3, $4) AND settled_at >= $5 AND settled_at < $6
             AND (CASE WHEN state = 'requested' OR (state = 'fulfilled' AND kind NOT IN ('delivered', 'donation', 'gift_card')) THEN 'promised'
                 WHEN state IN ('fulfilled', 'used') THEN 'had' ELSE 'gone' END) IN ($7)
             AND member IN ($8) ORDER BY settled_at DESC, redemption DESC LIMIT $9"
    );
    let own = members::as_rows(members);
    let args =
        args![workspace, wallet, before, id, wanted.from, wanted.until, stages.as_slice(), own.as_slice(), limit];
    db.fetch_all(find, args).await
}

/// Operations that were done under these ids, in the order in which they were, with their postings.
///
/// # Errors
/// The store's.
pub async fn done(db: &mut impl Queries, workspace: WorkspaceId, ids: &[String]) -> Result<Vec<Operation>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = read::by_ids(db, workspace, ids).await?;
    found.retain(|it| it.refused.is_none());
    found.sort_by_key(|it| it.number);
    read::with_postings(db, workspace, found).await
}

/// How many points these members were ever given in a wallet for what they did; what was taken back again is not counted.
///
/// # Errors
/// The store's.
pub async fn earned(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    wallet: WalletId,
    members: &[MemberId],
) -> Result<i64> {
    let moved = trail::sums(db, workspace, &members::as_rows(members)).await?;
    let issued = |(other, from, to, amount): (i64, String, String, i64)| match (from.as_str(), to.as_str()) {
        _ if other != wallet.0 => 0,
        ("issued", _) => amount,
        (_, "issued") => -amount,
        _ => 0,
    };
    Ok(moved.into_iter().map(issued).sum())
}
