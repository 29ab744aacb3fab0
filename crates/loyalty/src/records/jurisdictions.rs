//! Which law concerns whom, and which notices of theirs were proved; points that lapsed before a law was known to hold.
//!
//! Always holds: what the ledger lets lapse is decided by what is read here in the same transaction; whoever a law concerns is written down with the version of the programme by which it was judged.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Tx, args, sql};

use super::read::with_postings;
use super::{Memory, head, post, settle_of, trail, wallets};
use crate::Error;
use crate::jurisdictions::{Guard, Law, Verdict};
use crate::ledger::{self, AccountKey, Act, Command, Kind, MemberId, Operation, Portion, Shortage, Source, WalletId};

/// What the law says of a wallet, by the jurisdiction's key.
pub type Laws = BTreeMap<String, Law>;

/// What the ids of commands begin with that give back what lapsed.
pub const OWN_IDS: &str = "jurisdiction:";

/// Says what the law asks of a wallet.
///
/// # Errors
/// The store's.
pub async fn save_laws(tx: &mut Tx, workspace: WorkspaceId, wallet: &str, laws: &Laws) -> rapport_store::Result<()> {
    let save = sql!("UPDATE loyalty_wallets SET laws = $3 WHERE key = $2 AND workspace = $1");
    let laws = (!laws.is_empty()).then(|| Json(laws.clone()));
    tx.execute(save, args![workspace, wallet, laws]).await?;
    Ok(())
}

/// The guards of the accounts of these members, each with the jurisdiction that concerns it.
///
/// # Errors
/// The store's.
pub async fn guards(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    laws: &HashMap<WalletId, Laws>,
    of: &BTreeMap<MemberId, String>,
) -> rapport_store::Result<HashMap<AccountKey, Guard>> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let numbers: Vec<i64> = of.keys().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, wallet, expires_at, proved_at FROM loyalty_notices
         WHERE member IN ($2) AND workspace = $1 AND proved_at IS NOT NULL"
    );
    let rows: Vec<(i64, i64, Timestamp, Timestamp)> = db.fetch_all(find, args![workspace, &numbers]).await?;
    let mut proved: HashMap<AccountKey, BTreeMap<Timestamp, Timestamp>> = HashMap::new();
    for (member, wallet, end, at) in rows {
        proved.entry((MemberId(member), WalletId(wallet))).or_default().insert(end, at);
    }
    let mut guards = HashMap::new();
    for (member, jurisdiction) in of {
        for (wallet, laws) in laws {
            let key = (*member, *wallet);
            let guard = laws.get(jurisdiction).and_then(|law| Guard::new(law, proved.remove(&key).unwrap_or_default()));
            guards.extend(guard.map(|guard| (key, guard)));
        }
    }
    Ok(guards)
}

/// The guards of members' accounts, with all that is to be read.
///
/// # Errors
/// The store's; that this program cannot read a law.
pub async fn guards_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> rapport_store::Result<HashMap<AccountKey, Guard>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, jurisdiction FROM loyalty_members WHERE member IN ($2) AND workspace = $1 AND jurisdiction IS NOT NULL"
    );
    let rows: Vec<(i64, String)> = db.fetch_all(find, args![workspace, &numbers]).await?;
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let of = rows.into_iter().map(|(member, jurisdiction)| (MemberId(member), jurisdiction)).collect();
    let laws = wallets::settings(db, workspace).await?.laws;
    guards(db, workspace, &laws, &of).await
}

/// Notes whom which jurisdiction concerns, as judged by a version of the programme. What was due before is posted by the law that held until now.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn judge(
    tx: &mut Tx,
    workspace: WorkspaceId,
    found: &[(MemberId, Option<&str>)],
    (version, now): (i64, Timestamp),
) -> Result<(), Error> {
    let numbers: Vec<i64> = found.iter().map(|(member, _)| member.0).collect();
    let find = sql!("SELECT member, jurisdiction, judged FROM loyalty_members WHERE member IN ($2) AND workspace = $1");
    let rows: Vec<(i64, Option<String>, i64)> = tx.fetch_all(find, args![workspace, &numbers]).await?;
    let known: HashMap<i64, (Option<String>, i64)> =
        rows.into_iter().map(|(member, law, judged)| (member, (law, judged))).collect();
    let moves =
        |(member, law): &&(MemberId, Option<&str>)| known.get(&member.0).is_some_and(|it| it.0.as_deref() != *law);
    let moved: Vec<MemberId> = found.iter().filter(moves).map(|(member, _)| *member).collect();
    if !moved.is_empty() {
        settle_of(tx, workspace, &moved, now).await?;
    }
    if !moved.is_empty() {
        head::people_changed(tx, workspace).await?;
    }
    let note = sql!("UPDATE loyalty_members SET jurisdiction = $3, judged = $4 WHERE member = $2 AND workspace = $1");
    for (member, law) in found {
        if known.get(&member.0).is_some_and(|it| it.0.as_deref() != *law || it.1 != version) {
            tx.execute(note.clone(), args![workspace, member.0, *law, version]).await?;
        }
    }
    Ok(())
}

/// Notes that these members were looked at, of whom nothing is known.
///
/// # Errors
/// The store's.
pub async fn pass(
    tx: &mut Tx,
    workspace: WorkspaceId,
    members: &[MemberId],
    version: i64,
) -> rapport_store::Result<()> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let note = sql!("UPDATE loyalty_members SET judged = $3 WHERE member IN ($2) AND workspace = $1 AND judged <> $3");
    tx.execute(note, args![workspace, &numbers, version]).await?;
    Ok(())
}

/// How many members each jurisdiction concerns.
///
/// # Errors
/// The store's.
pub async fn counts(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<BTreeMap<String, i64>> {
    let count = sql!(
        "SELECT jurisdiction, CAST(COUNT(*) AS BIGINT) FROM loyalty_members
         WHERE workspace = $1 AND jurisdiction IS NOT NULL AND standing <> 'merged' GROUP BY jurisdiction"
    );
    let rows: Vec<(String, i64)> = db.fetch_all(count, args![workspace]).await?;
    Ok(rows.into_iter().collect())
}

/// Members who were not judged by this version of the programme yet.
///
/// # Errors
/// The store's.
pub async fn unjudged(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    version: i64,
    most: u32,
) -> rapport_store::Result<Vec<MemberId>> {
    let find = sql!(
        "SELECT member FROM loyalty_members WHERE workspace = $1 AND judged < $2 ORDER BY judged, member LIMIT $3"
    );
    let rows: Vec<(i64,)> = db.fetch_all(find, args![workspace, version, most]).await?;
    Ok(rows.into_iter().map(|(member,)| MemberId(member)).collect())
}

/// Members whom a jurisdiction concerns, by their numbers from behind one of them on.
async fn concerned(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (jurisdiction, after): (&str, MemberId),
    most: u32,
) -> rapport_store::Result<Vec<MemberId>> {
    let find = sql!(
        "SELECT member FROM loyalty_members WHERE workspace = $1 AND jurisdiction = $2 AND jurisdiction IS NOT NULL AND member > $3
         ORDER BY member LIMIT $4"
    );
    let rows: Vec<(i64,)> = db.fetch_all(find, args![workspace, jurisdiction, after.0, most]).await?;
    Ok(rows.into_iter().map(|(member,)| MemberId(member)).collect())
}

/// Points that lapsed though the law that is theirs now would not have let them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapsed {
    /// The operation by which they did.
    pub operation: i64,
    /// Whose they were.
    pub member: MemberId,
    /// Of which wallet.
    pub wallet: WalletId,
    /// How many are to be given back.
    pub points: i64,
    /// When they lapsed.
    pub at: Timestamp,
}

/// What some members are to be given back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenBack {
    /// How many members were looked at.
    pub members: usize,
    /// What lapsed.
    pub lapsed: Vec<Lapsed>,
    /// Behind which member the others come; `None` when there are no others.
    pub next: Option<MemberId>,
}

/// Which part of those that a jurisdiction concerns is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its key.
    pub jurisdiction: &'a str,
    /// What lapsed before stays lapsed.
    pub since: Timestamp,
    /// Behind which member.
    pub after: MemberId,
    /// So many members at most.
    pub most: u32,
}

/// What lapsed of members since an instant though the law that concerns them now would have spared it. What was given back before is not in it.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn lapsed(db: &mut impl Queries, workspace: WorkspaceId, asked: Asked<'_>) -> Result<GivenBack, Error> {
    let members = concerned(db, workspace, (asked.jurisdiction, asked.after), asked.most).await?;
    if members.is_empty() {
        return Ok(GivenBack::default());
    }
    let guards = guards_of(db, workspace, &members).await?;
    let mut found = Vec::new();
    for operation in expired(db, workspace, &members, asked.since).await? {
        let key = (operation.member, operation.wallet);
        let (Some(guard), true) = (guards.get(&key), operation.reversed < operation.amount) else { continue };
        // When they were last active then is not known any more; that they had not been is what let the points lapse.
        let is_spared = guard.verdict(operation.effective_at, Timestamp(i64::MIN), operation.effective_at);
        if is_spared != Verdict::Lapse {
            let points = operation.amount - operation.reversed;
            let (operation, at) = (operation.number, operation.effective_at);
            found.push(Lapsed { operation, member: key.0, wallet: key.1, points, at });
        }
    }
    let is_more = members.len() >= asked.most as usize;
    Ok(GivenBack { members: members.len(), lapsed: found, next: members.last().copied().filter(|_| is_more) })
}

/// The operations by which points of these members lapsed since.
async fn expired(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
    since: Timestamp,
) -> Result<Vec<Operation>, Error> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let moved = trail::operations(db, workspace, &numbers).await?;
    let find = sql!(
        "SELECT * FROM loyalty_operations WHERE workspace = $1 AND kind = $4 AND operation IN (
             SELECT operation FROM loyalty_postings WHERE operation IN ($5) AND member IN ($2) AND workspace = $1 AND to_place = 'expired' AND effective_at >= $3)
         ORDER BY operation"
    );
    let args = args![workspace, &numbers, since, Kind::Expire.key(), &moved];
    let found: Vec<Operation> = db.fetch_all(find, args).await?;
    Ok(with_postings(db, workspace, found).await?)
}

/// Gives back what lapsed; it lapses again when the law lets it. The same again gives nothing twice.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn give_back(
    tx: &mut Tx,
    workspace: WorkspaceId,
    asked: Asked<'_>,
    (by, now): (&str, Timestamp),
) -> Result<GivenBack, Error> {
    head::lock(tx, workspace).await?;
    let found = lapsed(tx, workspace, asked).await?;
    let command = |it: &Lapsed| Command {
        id: format!("{OWN_IDS}{}", it.operation),
        member: it.member,
        wallet: it.wallet,
        act: Act::Reverse {
            of: format!("{}{}", ledger::OWN_IDS, it.operation),
            portion: Portion::Rest,
            shortage: Shortage::default(),
            grace_until: Some(now.plus(Timestamp::DAY)),
        },
        source: Source {
            kind: "jurisdiction".into(),
            reference: asked.jurisdiction.to_owned(),
            by: by.to_owned(),
            // The grace is only there to be asked for: the law decides when these points lapse.
            asked: Some(fingerprint(it)),
            ..Source::default()
        },
    };
    let lists: Vec<Vec<Command>> = found.lapsed.iter().map(|it| vec![command(it)]).collect();
    if !lists.is_empty() {
        post(tx, &mut Memory::default(), workspace, &lists, now).await?;
    }
    Ok(found)
}

fn fingerprint(it: &Lapsed) -> [u8; 16] {
    let hash = blake3::hash(format!("{OWN_IDS}{}", it.operation).as_bytes());
    hash.as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}
