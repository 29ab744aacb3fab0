//! Vouchers: codes that stand for something once, several times or without end, whoever owns them: a pool of codes, a reward, an offer.
//!
//! Always holds: a code belongs to one owner of the workspace, also when it is written in another way; a pool gives each of its codes to one member; a code is used up at most as often as
//! it may be, whatever happens at the same time (whoever uses one holds its row until they commit); the same use, told again, is the same use.
//!
//! Does not: know what a code is worth; its owner does. Nothing here is posted to the ledger.

mod lists;

use std::collections::BTreeSet;

use rapport_domain::{Rng, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

pub use lists::{NotVoided, list, places, void, void_all};

use crate::codes;
use crate::ledger::{MemberId, REFERENCE_MAX};

/// Who a code belongs to: `pool`, `reward`, `offer` or `card`, and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// What kind of thing.
    pub kind: &'a str,
    /// Which.
    pub key: &'a str,
}

/// What holds for codes that are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether they can be used at once. Those of a pool wait until they are given to somebody.
    pub is_live: bool,
    /// How often each can be used; as often as one likes without it.
    pub uses: Option<i64>,
    /// Until before when.
    pub valid_until: Option<Timestamp>,
}

/// A code and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Voucher {
    /// As it is looked up.
    pub lookup: String,
    /// As it was written.
    pub code: String,
    /// What kind of thing it belongs to.
    pub owner_kind: String,
    /// Which.
    pub owner: String,
    /// `free` in a pool, `live`, or `void`.
    pub state: String,
    /// Its place in the list of its owner.
    pub place: i64,
    /// How often it can still be used.
    pub uses_left: Option<i64>,
    /// Who has it.
    pub holder: Option<i64>,
    /// By what they got it: a redemption's id.
    pub given_for: String,
    /// Until before when it can be used.
    pub valid_until: Option<Timestamp>,
    /// When it was added.
    pub added_at: Timestamp,
}

/// Why a code does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be a code: a character is wrong, or two changed places.
    Mistyped,
    /// Nobody knows it, or nobody was given it.
    Unknown,
    /// It was taken back.
    Void,
    /// Its time is over.
    Expired,
    /// It was used as often as it may be.
    Used,
    /// Somebody is just using it.
    Locked,
    /// It is somebody else's.
    OfAnother,
    /// The id of the use stands for another code, or for one that was released.
    UseReused,
    /// There is no such use.
    UseUnknown,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Mistyped,
        Self::Unknown,
        Self::Void,
        Self::Expired,
        Self::Used,
        Self::Locked,
        Self::OfAnother,
        Self::UseReused,
        Self::UseUnknown,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Mistyped => "code_mistyped",
            Self::Unknown => "code_unknown",
            Self::Void => "code_void",
            Self::Expired => "code_expired",
            Self::Used => "code_used",
            Self::Locked => "code_locked",
            Self::OfAnother => "code_of_another",
            Self::UseReused => "use_reused",
            Self::UseUnknown => "use_unknown",
        }
    }

    /// What is wrong and what to do, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Mistyped => "the code has a wrong character, or two that changed places; read it again",
            Self::Unknown => "there is no such code",
            Self::Void => "the code was taken back and does not count any more",
            Self::Expired => "the code's time is over",
            Self::Used => "the code was used already",
            Self::Locked => "the code is just being used elsewhere; wait until that is settled",
            Self::OfAnother => "the code was given to another member",
            Self::UseReused => {
                "this id stands for the use of another code, or for one that was released; send a new id"
            }
            Self::UseUnknown => "there is no such use",
        }
    }

    /// Whether somebody may be guessing.
    pub const fn is_a_guess(self) -> bool {
        matches!(self, Self::Unknown | Self::OfAnother)
    }
}

/// What came of a code; the store's errors apart.
pub type Outcome<T> = Result<std::result::Result<T, Refusal>>;

/// A code of a list that was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdded {
    /// It is no code: empty, longer than 64 characters, or with signs that are none of a code.
    Malformed,
    /// It has the form of the codes that are made here, but does not fit its check character.
    LooksGenerated,
    /// It is in the list before.
    Twice,
    /// It is there already, whosever.
    Known,
}

impl NotAdded {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "code_malformed",
            Self::LooksGenerated => "code_looks_generated",
            Self::Twice => "code_twice",
            Self::Known => "code_known",
        }
    }
}

/// Codes looked up together.
const TOGETHER: usize = 500;

/// Adds codes as they were written, in their order; which of them were not, by their place in the list.
///
/// # Errors
/// The store's.
pub async fn add(
    tx: &mut Tx,
    workspace: WorkspaceId,
    owner: Owner<'_>,
    list: &[String],
    terms: Terms,
    now: Timestamp,
) -> Result<Vec<(usize, NotAdded)>> {
    let mut refused = Vec::new();
    let mut seen = BTreeSet::new();
    let mut wanted: Vec<(usize, String, &str)> = Vec::new();
    for (at, text) in list.iter().enumerate() {
        match codes::lookup(text) {
            None => refused.push((at, NotAdded::Malformed)),
            Some(lookup) if !codes::is_sound(&lookup) => refused.push((at, NotAdded::LooksGenerated)),
            Some(lookup) if !seen.insert(lookup.clone()) => refused.push((at, NotAdded::Twice)),
            Some(lookup) => wanted.push((at, lookup, text.trim())),
        }
    }
    let last = sql!("SELECT MAX(place) FROM loyalty_vouchers WHERE workspace = $1 AND owner_kind = $2 AND owner = $3");
    let last: Option<i64> = tx.scalar(last, args![workspace, owner.kind, owner.key]).await?;
    let mut place = last.unwrap_or(0);
    for part in wanted.chunks(TOGETHER) {
        let lookups: Vec<String> = part.iter().map(|(_, lookup, _)| lookup.clone()).collect();
        let find = sql!("SELECT lookup FROM loyalty_vouchers WHERE lookup IN ($2) AND workspace = $1");
        let known: Vec<(String,)> = tx.fetch_all(find, args![workspace, &lookups]).await?;
        let known: BTreeSet<String> = known.into_iter().map(|(lookup,)| lookup).collect();
        let mut rows = Vec::new();
        for (at, lookup, code) in part {
            if known.contains(lookup) {
                refused.push((*at, NotAdded::Known));
                continue;
            }
            place += 1;
            let state = if terms.is_live { "live" } else { "free" };
            rows.push(args![
                workspace,
                lookup,
                *code,
                owner.kind,
                owner.key,
                place,
                state,
                terms.uses,
                "",
                terms.valid_until,
                terms.valid_until,
                now
            ]);
        }
        let insert = sql!(
            "INSERT INTO loyalty_vouchers (workspace, lookup, code, owner_kind, owner, place, state, uses_left, given_for, valid_until, own_end, added_at) VALUES {rows}"
        );
        tx.execute_many(insert, rows).await?;
    }
    refused.sort_unstable_by_key(|(at, _)| *at);
    Ok(refused)
}

/// Makes new codes, as people read them.
///
/// # Errors
/// The store's.
pub async fn generate(
    tx: &mut Tx,
    workspace: WorkspaceId,
    owner: Owner<'_>,
    count: usize,
    terms: Terms,
    (now, rng): (Timestamp, &dyn Rng),
) -> Result<Vec<String>> {
    let mut made = Vec::new();
    while made.len() < count {
        let list: Vec<String> = (made.len()..count).map(|_| codes::shown(&codes::generate(rng))).collect();
        let refused: BTreeSet<usize> =
            add(tx, workspace, owner, &list, terms, now).await?.into_iter().map(|(at, _)| at).collect();
        made.extend(list.into_iter().enumerate().filter(|(at, _)| !refused.contains(at)).map(|(_, code)| code));
    }
    Ok(made)
}

/// To whom a code is given, for what, and until when it can be used.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Who gets it.
    pub holder: MemberId,
    /// By what: a redemption's id.
    pub given_for: &'a str,
    /// Until before when, if that is earlier than the code's own end.
    pub valid_until: Option<Timestamp>,
}

/// Gives the next code of a pool to a member; `None` when there is none.
///
/// # Errors
/// The store's.
pub async fn draw(
    tx: &mut Tx,
    workspace: WorkspaceId,
    owner: Owner<'_>,
    given: Given<'_>,
    now: Timestamp,
) -> Result<Option<Voucher>> {
    loop {
        let next = sql!(
            "SELECT lookup, own_end FROM loyalty_vouchers WHERE workspace = $1 AND owner_kind = $2 AND owner = $3 AND state = 'free'
                 AND (own_end IS NULL OR own_end > $4) ORDER BY place LIMIT 1"
        );
        let row = args![workspace, owner.kind, owner.key, now];
        let found: Option<(String, Option<Timestamp>)> = tx.fetch_optional(next, row).await?;
        let Some((lookup, own_end)) = found else { return Ok(None) };
        let until = own_end.into_iter().chain(given.valid_until).min();
        // Whoever comes second finds it given.
        let take = sql!(
            "UPDATE loyalty_vouchers SET state = 'live', holder = $3, given_for = $4, valid_until = $5 WHERE lookup = $2 AND workspace = $1 AND state = 'free'"
        );
        if tx.execute(take, args![workspace, &lookup, given.holder.0, given.given_for, until]).await? > 0 {
            return by_lookup(tx, workspace, &lookup).await;
        }
    }
}

/// Makes a code for a member.
///
/// # Errors
/// The store's.
pub async fn make(
    tx: &mut Tx,
    workspace: WorkspaceId,
    owner: Owner<'_>,
    (given, uses): (Given<'_>, Option<i64>),
    (now, rng): (Timestamp, &dyn Rng),
) -> Result<Voucher> {
    let save = sql!(
        "INSERT INTO loyalty_vouchers (workspace, lookup, code, owner_kind, owner, place, state, uses_left, holder, given_for, valid_until, own_end, added_at)
         VALUES ($1, $2, $3, $4, $5, (SELECT COALESCE(MAX(place), CAST(0 AS BIGINT)) + CAST(1 AS BIGINT) FROM loyalty_vouchers
             WHERE workspace = $1 AND owner_kind = $4 AND owner = $5), 'live', $6, $7, $8, $9, $9, $10)
         ON CONFLICT DO NOTHING RETURNING *"
    );
    loop {
        let lookup = codes::generate(rng);
        let shown = codes::shown(&lookup);
        let row = args![
            workspace,
            lookup,
            shown,
            owner.kind,
            owner.key,
            uses,
            given.holder.0,
            given.given_for,
            given.valid_until,
            now
        ];
        // One that there is already is drawn again.
        if let Some(made) = tx.fetch_optional(save.clone(), row).await? {
            return Ok(made);
        }
    }
}

/// What becomes of the codes that were given for something which is called off: one that nobody has seen yet goes back into its pool, any other does not count any more.
///
/// # Errors
/// The store's.
pub async fn take_back(tx: &mut Tx, workspace: WorkspaceId, given_for: &str, was_seen: bool) -> Result<u64> {
    if was_seen {
        let end = sql!(
            "UPDATE loyalty_vouchers SET state = 'void' WHERE given_for = $2 AND given_for <> '' AND workspace = $1"
        );
        return tx.execute(end, args![workspace, given_for]).await;
    }
    let back = sql!(
        "UPDATE loyalty_vouchers SET state = 'free', holder = NULL, given_for = '', valid_until = own_end WHERE given_for = $2 AND given_for <> '' AND workspace = $1 AND owner_kind = 'pool'"
    );
    let end =
        sql!("UPDATE loyalty_vouchers SET state = 'void' WHERE given_for = $2 AND given_for <> '' AND workspace = $1");
    Ok(tx.execute(back, args![workspace, given_for]).await? + tx.execute(end, args![workspace, given_for]).await?)
}

/// The codes that were given for something.
///
/// # Errors
/// The store's.
pub async fn given_for(db: &mut impl Queries, workspace: WorkspaceId, given_for: &str) -> Result<Vec<Voucher>> {
    let find = sql!("SELECT * FROM loyalty_vouchers WHERE given_for = $2 AND given_for <> '' AND workspace = $1");
    db.fetch_all(find, args![workspace, given_for]).await
}

async fn by_lookup(db: &mut impl Queries, workspace: WorkspaceId, lookup: &str) -> Result<Option<Voucher>> {
    let find = sql!("SELECT * FROM loyalty_vouchers WHERE lookup = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, lookup]).await
}

/// A code as somebody typed it, if it could be used by `holder` at this moment. A typo in one of our own is found before anybody looks.
///
/// # Errors
/// The store's.
pub async fn check(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    text: &str,
    holder: Option<MemberId>,
    now: Timestamp,
) -> Outcome<Voucher> {
    let lookup = match readable(text) {
        Ok(lookup) => lookup,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(voucher) = by_lookup(db, workspace, &lookup).await? else { return Ok(Err(Refusal::Unknown)) };
    let locks = locks(db, workspace, &lookup, "", now).await?;
    Ok(voucher.usable(holder, locks, now).map(|()| voucher))
}

fn readable(text: &str) -> std::result::Result<String, Refusal> {
    let lookup = codes::lookup(text).ok_or(Refusal::Unknown)?;
    if codes::is_sound(&lookup) { Ok(lookup) } else { Err(Refusal::Mistyped) }
}

/// How many uses are set aside by others than `own`.
async fn locks(db: &mut impl Queries, workspace: WorkspaceId, lookup: &str, own: &str, now: Timestamp) -> Result<i64> {
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_voucher_uses WHERE lookup = $2 AND workspace = $1 AND state = 'locked' AND until > $4 AND use_id <> $3"
    );
    db.scalar(count, args![workspace, lookup, own, now]).await
}

impl Voucher {
    /// Which member has it.
    pub fn holder(&self) -> Option<MemberId> {
        self.holder.map(MemberId)
    }

    fn usable(&self, holder: Option<MemberId>, locked: i64, now: Timestamp) -> std::result::Result<(), Refusal> {
        match self.state.as_str() {
            "live" => {}
            // Whoever asks must not learn that there is one.
            "free" => return Err(Refusal::Unknown),
            _ => return Err(Refusal::Void),
        }
        if holder.is_some() && self.holder.is_some() && holder != self.holder() {
            return Err(Refusal::OfAnother);
        }
        match self.uses_left {
            Some(0) => Err(Refusal::Used),
            _ if self.valid_until.is_some_and(|until| until <= now) => Err(Refusal::Expired),
            Some(left) if left <= locked => Err(Refusal::Locked),
            _ => Ok(()),
        }
    }
}

/// A use of a code.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// Whoever uses it names the use, so that it is done once: a till's receipt, a session. No personal data.
    pub id: &'a str,
    /// Who asks.
    pub by: &'a str,
    /// For what: an order's number.
    pub reference: &'a str,
    /// For whom, if that is known.
    pub holder: Option<MemberId>,
}

#[derive(Record)]
struct UseRow {
    lookup: String,
    state: String,
    until: Option<Timestamp>,
}

impl UseRow {
    /// Whether it is set aside at a moment.
    fn is_locked(&self, now: Timestamp) -> bool {
        self.state == "locked" && self.until.is_some_and(|until| until > now)
    }
}

/// Sets a use of a code aside until a time; the same use again moves the time.
///
/// # Errors
/// The store's.
pub async fn lock(
    tx: &mut Tx,
    workspace: WorkspaceId,
    text: &str,
    used: Use<'_>,
    until: Timestamp,
    now: Timestamp,
) -> Outcome<Voucher> {
    enter(tx, workspace, text, used, (Some(until), now)).await
}

/// Uses a code, once by each use's id; with what was set aside under the same id.
///
/// # Errors
/// The store's.
pub async fn use_up(
    tx: &mut Tx,
    workspace: WorkspaceId,
    text: &str,
    used: Use<'_>,
    now: Timestamp,
) -> Outcome<Voucher> {
    enter(tx, workspace, text, used, (None, now)).await
}

async fn enter(
    tx: &mut Tx,
    workspace: WorkspaceId,
    text: &str,
    used: Use<'_>,
    (until, now): (Option<Timestamp>, Timestamp),
) -> Outcome<Voucher> {
    let lookup = match readable(text) {
        Ok(lookup) => lookup,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if used.id.is_empty() || used.id.len() > REFERENCE_MAX {
        return Ok(Err(Refusal::UseUnknown));
    }
    // From here on whoever else uses this code waits.
    let take = sql!("UPDATE loyalty_vouchers SET state = state WHERE lookup = $2 AND workspace = $1");
    if tx.execute(take, args![workspace, &lookup]).await? == 0 {
        return Ok(Err(Refusal::Unknown));
    }
    let Some(mut voucher) = by_lookup(tx, workspace, &lookup).await? else { return Ok(Err(Refusal::Unknown)) };
    let earlier = use_of(tx, workspace, used.id).await?;
    // What was set aside before the code was taken back is a promise, until its time is over.
    if until.is_none() && voucher.state == "void" && earlier.as_ref().is_some_and(|row| row.is_locked(now)) {
        "live".clone_into(&mut voucher.state);
    }
    match earlier {
        Some(row) if row.lookup != lookup || row.state == "released" => return Ok(Err(Refusal::UseReused)),
        Some(row) if row.state == "used" => return Ok(Ok(voucher)),
        _ => {}
    }
    let locked = locks(tx, workspace, &lookup, used.id, now).await?;
    if let Err(refusal) = voucher.usable(used.holder, locked, now) {
        return Ok(Err(refusal));
    }
    let state = if until.is_some() { "locked" } else { "used" };
    let write = sql!(
        "INSERT INTO loyalty_voucher_uses (workspace, use_id, lookup, state, until, used_at, used_by, reference) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (use_id, workspace) DO UPDATE SET state = EXCLUDED.state, until = EXCLUDED.until, used_at = EXCLUDED.used_at,
             used_by = EXCLUDED.used_by, reference = EXCLUDED.reference"
    );
    tx.execute(write, args![workspace, used.id, &lookup, state, until, now, used.by, used.reference]).await?;
    if until.is_none() {
        change_uses(tx, workspace, &lookup, -1).await?;
    }
    Ok(by_lookup(tx, workspace, &lookup).await?.ok_or(Refusal::Unknown))
}

async fn use_of(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<UseRow>> {
    let find = sql!("SELECT lookup, state, until FROM loyalty_voucher_uses WHERE use_id = $2 AND workspace = $1");
    db.fetch_optional(find, args![workspace, id]).await
}

async fn change_uses(tx: &mut Tx, workspace: WorkspaceId, lookup: &str, by: i64) -> Result<()> {
    let change = sql!(
        "UPDATE loyalty_vouchers SET uses_left = uses_left + $3 WHERE lookup = $2 AND workspace = $1 AND uses_left IS NOT NULL"
    );
    tx.execute(change, args![workspace, lookup, by]).await.map(drop)
}

/// Gives a use back, set aside or done; once, however often it is told. The voucher.
///
/// # Errors
/// The store's.
pub async fn release(tx: &mut Tx, workspace: WorkspaceId, use_id: &str) -> Outcome<Voucher> {
    let Some(UseRow { lookup, .. }) = use_of(tx, workspace, use_id).await? else {
        return Ok(Err(Refusal::UseUnknown));
    };
    let take = sql!("UPDATE loyalty_vouchers SET state = state WHERE lookup = $2 AND workspace = $1");
    tx.execute(take, args![workspace, &lookup]).await?;
    let row = use_of(tx, workspace, use_id).await?;
    if row.is_some_and(|row| row.state == "used") {
        change_uses(tx, workspace, &lookup, 1).await?;
    }
    let end = sql!("UPDATE loyalty_voucher_uses SET state = 'released' WHERE use_id = $2 AND workspace = $1");
    tx.execute(end, args![workspace, use_id]).await?;
    Ok(by_lookup(tx, workspace, &lookup).await?.ok_or(Refusal::Unknown))
}

/// How many codes of an owner there are: free, given or live, used up, void or over.
///
/// # Errors
/// The store's.
pub async fn counts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    owner: Owner<'_>,
    now: Timestamp,
) -> Result<Vec<(String, i64)>> {
    let count = sql!(
        "SELECT CASE WHEN state = 'live' AND uses_left = 0 THEN 'used' WHEN state <> 'void' AND valid_until <= $4 THEN 'expired' ELSE state END AS stands, COUNT(*)
         FROM loyalty_vouchers WHERE workspace = $1 AND owner_kind = $2 AND owner = $3 GROUP BY 1 ORDER BY 1"
    );
    db.fetch_all(count, args![workspace, owner.kind, owner.key, now]).await
}

/// How the codes of all owners of a kind stand: owner, how, how many.
///
/// # Errors
/// The store's.
pub async fn owners(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    kind: &str,
    now: Timestamp,
) -> Result<Vec<(String, String, i64)>> {
    let count = sql!(
        "SELECT owner, CASE WHEN state = 'live' AND uses_left = 0 THEN 'used' WHEN state <> 'void' AND valid_until <= $3 THEN 'expired' ELSE state END AS stands, COUNT(*)
         FROM loyalty_vouchers WHERE workspace = $1 AND owner_kind = $2 GROUP BY 1, 2 ORDER BY 1, 2"
    );
    db.fetch_all(count, args![workspace, kind, now]).await
}

/// What a member has: codes by which they got them, the newest last.
///
/// # Errors
/// The store's.
pub async fn of_members(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<Voucher>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!("SELECT * FROM loyalty_vouchers WHERE holder IN ($2) AND workspace = $1 ORDER BY added_at, lookup");
    db.fetch_all(find, args![workspace, &numbers]).await
}

/// What the one had, the other has, who goes on for both.
pub(super) async fn merge(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let give = sql!("UPDATE loyalty_vouchers SET holder = $3 WHERE holder = $2 AND workspace = $1");
    tx.execute(give, args![workspace, from.0, to.0]).await.map(drop)
}

/// Forgets whose codes they are, and for what they were used; how many there were.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> Result<u64> {
    let uses = sql!(
        "UPDATE loyalty_voucher_uses SET reference = '' WHERE workspace = $1 AND reference <> '' AND lookup IN (
             SELECT lookup FROM loyalty_vouchers WHERE holder IN ($2) AND workspace = $1)"
    );
    let uses = tx.execute(uses, args![workspace, numbers]).await?;
    let codes = sql!("UPDATE loyalty_vouchers SET holder = NULL WHERE holder IN ($2) AND workspace = $1");
    Ok(uses + tx.execute(codes, args![workspace, numbers]).await?)
}

/// Whether a code that was given for something was used, or is just being used; whoever uses one waits until the caller commits.
///
/// # Errors
/// The store's.
pub async fn are_used(tx: &mut Tx, workspace: WorkspaceId, given_for: &str, now: Timestamp) -> Result<bool> {
    let take =
        sql!("UPDATE loyalty_vouchers SET state = state WHERE given_for = $2 AND given_for <> '' AND workspace = $1");
    tx.execute(take, args![workspace, given_for]).await?;
    let count = sql!(
        "SELECT COUNT(*) FROM loyalty_voucher_uses WHERE workspace = $1 AND (state = 'used' OR (state = 'locked' AND until > $3)) AND lookup IN (
             SELECT lookup FROM loyalty_vouchers WHERE given_for = $2 AND given_for <> '' AND workspace = $1)"
    );
    let count: i64 = tx.scalar(count, args![workspace, given_for, now]).await?;
    Ok(count > 0)
}
