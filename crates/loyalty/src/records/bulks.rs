//! Adjustments of many accounts at once: looked at before, worked off in small steps, undone as a whole.
//!
//! Always holds: whose accounts they are is fixed when it is looked at, and each is posted to once, wherever the work was cut short; what one account refuses does not keep the others from theirs; undoing reverses
//! what was posted, and nothing else.

mod drafting;

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Tx, args, sql};
use serde::{Deserialize, Serialize};

pub use drafting::{Drafting, LookedAt, abandoned, forget_draft};

use super::redemptions::Scene;
use super::{Memory, head, wallets};
use crate::Error;
use crate::ledger::{self, Act, Command, MemberId, Portion, Shortage, Source};
use crate::program::WalletPlan;
use crate::rewards::Refusal;

/// What the ids of operations begin with that are made here.
pub const OWN_IDS: &str = "bulk:";
/// The most accounts of one adjustment.
pub const MOST: usize = 100_000;

/// What would come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreseen {
    /// Accounts that would change.
    pub members: i64,
    /// By how many points together, above 0 given, below 0 taken.
    pub points: i64,
    /// Accounts that would refuse, by the code of why.
    pub refused: BTreeMap<String, i64>,
}

/// An adjustment of many accounts.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct Bulk {
    /// Its own id.
    pub bulk: String,
    /// The id that whoever asked gave it.
    pub id: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// Which wallet.
    pub wallet: String,
    /// How many points for each: above 0 given, below 0 taken.
    pub amount: i64,
    /// Why.
    pub reason: String,
    /// The segment whose members they were, if it was one.
    pub of_segment: String,
    /// `draft`, `running`, `done`, `undoing` or `undone`; before all its accounts are there `drafting`, which nobody sees.
    pub state: String,
    /// How many accounts.
    pub members: i64,
    /// What would come of it, as of when it was looked at.
    pub foreseen: serde_json::Value,
    /// How far the work is.
    pub through: i64,
    /// Accounts that changed.
    pub posted: i64,
    /// Accounts that refused.
    pub refused: i64,
    /// Accounts in which it was undone.
    pub undone: i64,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// Who started it; nobody yet of a draft. What is started and not over is worked on.
    pub started_by: String,
    /// When the work was over.
    pub finished_at: Option<Timestamp>,
}

impl Bulk {
    /// What would come of it, as of when it was looked at.
    pub fn foreseen(&self) -> Foreseen {
        serde_json::from_value(self.foreseen.clone()).unwrap_or_default()
    }
}

/// One of its accounts.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct BulkMember {
    /// Its place, from 1.
    pub place: i64,
    /// Whose.
    pub member: i64,
    /// What was available when it was looked at.
    pub had: i64,
    /// `waiting`, `posted`, `refused`, `undone` or `kept` (it could not be undone).
    pub state: String,
    /// Why it was refused, or would be.
    pub refused: Option<String>,
}

/// Who asks for which adjustment.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// Which wallet.
    pub wallet: &'a WalletPlan,
    /// For each: above 0 given, below 0 taken.
    pub amount: i64,
    /// Why.
    pub reason: &'a str,
    /// The segment whose members they are, if it is one.
    pub of_segment: &'a str,
    /// Who asks.
    pub by: &'a str,
}

/// By its own id.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, bulk: &str) -> rapport_store::Result<Option<Bulk>> {
    let find = sql!("SELECT * FROM loyalty_bulks WHERE bulk = $2 AND workspace = $1 AND state <> 'drafting'");
    db.fetch_optional(find, args![workspace, bulk]).await
}

/// All, the newest first.
///
/// # Errors
/// The store's.
pub async fn list(db: &mut impl Queries, workspace: WorkspaceId, limit: u32) -> rapport_store::Result<Vec<Bulk>> {
    let list = sql!(
        "SELECT * FROM loyalty_bulks WHERE workspace = $1 AND asked_at <= $2 AND state <> 'drafting'
         ORDER BY asked_at DESC, bulk DESC LIMIT $3"
    );
    db.fetch_all(list, args![workspace, Timestamp(i64::MAX), limit]).await
}

/// Its accounts in their order, from behind one of them on.
///
/// # Errors
/// The store's.
pub async fn accounts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    bulk: &str,
    after: i64,
    limit: u32,
) -> rapport_store::Result<Vec<BulkMember>> {
    let list = sql!(
        "SELECT place, member, had, state, refused FROM loyalty_bulk_members WHERE bulk = $2 AND place > $3 AND workspace = $1 ORDER BY place LIMIT $4"
    );
    db.fetch_all(list, args![workspace, bulk, after, limit]).await
}

/// Starts it, or its undoing. More than the role may change alone in all takes another person than who asked.
///
/// # Errors
/// The store's.
pub async fn start(
    tx: &mut Tx,
    scene: Scene<'_>,
    bulk: &str,
    (by, role, undoes): (&str, &str, bool),
) -> Result<Result<Bulk, Refusal>, Error> {
    head::lock(tx, scene.workspace).await?;
    let Some(mut row) = find(tx, scene.workspace, bulk).await? else { return Ok(Err(Refusal::ChangeUnknown)) };
    let next = match (row.state.as_str(), undoes) {
        ("draft", false) => "running",
        // A second press of the same button.
        ("running" | "done", false) | ("undoing" | "undone", true) => return Ok(Ok(row)),
        ("running" | "done", true) => "undoing",
        _ => return Ok(Err(Refusal::ChangeDecided)),
    };
    let points = row.amount.saturating_mul(row.members);
    if row.asked_by == by && !scene.program.staff.may_alone(scene.program, role, &row.wallet, points) {
        return Ok(Err(Refusal::NeedsApproval));
    }
    next.clone_into(&mut row.state);
    by.clone_into(&mut row.started_by);
    (row.through, row.finished_at) = (0, None);
    write(tx, scene.workspace, &row).await?;
    Ok(Ok(row))
}

/// The adjustment on which there is work.
///
/// # Errors
/// The store's.
pub async fn open(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<Option<String>> {
    let find =
        sql!("SELECT bulk FROM loyalty_bulks WHERE workspace = $1 AND started_by > '' AND finished_at IS NULL LIMIT 1");
    let found: Option<(String,)> = db.fetch_optional(find, args![workspace]).await?;
    Ok(found.map(|(bulk,)| bulk))
}

/// Works on up to `most` accounts; how many there were. None are left when it says that it is over.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn step(tx: &mut Tx, scene: Scene<'_>, bulk: &str, most: u32) -> Result<usize, Error> {
    let workspace = scene.workspace;
    head::lock(tx, workspace).await?;
    let Some(mut row) = find(tx, workspace, bulk).await? else { return Ok(0) };
    let undoes = match row.state.as_str() {
        "running" => false,
        "undoing" => true,
        _ => return Ok(0),
    };
    let part = accounts(tx, workspace, bulk, row.through, most).await?;
    let Some(last) = part.last().map(|it| it.place) else {
        if undoes { "undone" } else { "done" }.clone_into(&mut row.state);
        row.finished_at = Some(scene.now);
        write(tx, workspace, &row).await?;
        return Ok(0);
    };
    let due: Vec<&BulkMember> =
        part.iter().filter(|it| it.state == if undoes { "posted" } else { "waiting" }).collect();
    let outcomes = post(tx, scene, &row, &due, undoes).await?;
    let mut rows = Vec::new();
    for (it, refused) in due.iter().zip(outcomes) {
        let state = match (undoes, refused) {
            (false, None) => "posted",
            (false, Some(_)) => "refused",
            (true, None) => "undone",
            (true, Some(_)) => "kept",
        };
        row.posted += i64::from(state == "posted");
        row.refused += i64::from(state == "refused");
        row.undone += i64::from(state == "undone");
        let refused = refused.map(ledger::Refusal::code);
        rows.push(args![workspace, bulk, it.place, it.member, it.had, state, refused]);
    }
    let save = sql!(
        "INSERT INTO loyalty_bulk_members (workspace, bulk, place, member, had, state, refused) VALUES {rows}
         ON CONFLICT (bulk, place, workspace) DO UPDATE SET state = EXCLUDED.state, refused = EXCLUDED.refused"
    );
    tx.execute_many(save, rows).await?;
    row.through = last;
    write(tx, workspace, &row).await?;
    Ok(part.len())
}

/// Posts to each account by itself; why each was refused.
async fn post(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &Bulk,
    due: &[&BulkMember],
    undoes: bool,
) -> Result<Vec<Option<ledger::Refusal>>, Error> {
    let Some(wallet) = wallets::numbers(tx, scene.workspace).await?.get(&row.wallet).copied() else {
        return Ok(due.iter().map(|_| Some(ledger::Refusal::WalletUnknown)).collect());
    };
    let plan = scene.program.wallet(&row.wallet);
    // By when it was asked for, so that all of them lapse together and the same step is the same request.
    let expires_at = plan.and_then(|plan| plan.expiry.end(row.asked_at, &scene.calendar.zone));
    let expires_at = expires_at.filter(|end| row.amount > 0 && *end > scene.now);
    let command = |it: &&BulkMember| {
        let id = format!("{OWN_IDS}{}:{}", row.bulk, it.place);
        let (id, act) = if undoes {
            let shortage = plan.map_or(Shortage::WithinBalance, |plan| plan.clawback);
            let act = Act::Reverse { of: id.clone(), portion: Portion::Rest, shortage, grace_until: None };
            (format!("{id}:undo"), act)
        } else {
            (id, Act::Adjust { amount: row.amount, expires_at, into_arrears: false })
        };
        let source = Source {
            kind: "staff".to_owned(),
            reference: row.bulk.clone(),
            by: row.started_by.clone(),
            reason: row.reason.clone(),
            asked: None,
        };
        vec![Command { id, member: MemberId(it.member), wallet, act, source }]
    };
    let lists: Vec<Vec<Command>> = due.iter().map(command).collect();
    if lists.is_empty() {
        return Ok(Vec::new());
    }
    let answers = super::post(tx, &mut Memory::default(), scene.workspace, &lists, scene.now).await?;
    Ok(answers.into_iter().map(|list| list.first().and_then(|answer| answer.refused)).collect())
}

async fn write(tx: &mut Tx, workspace: WorkspaceId, row: &Bulk) -> rapport_store::Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_bulks (workspace, bulk, id, fingerprint, wallet, amount, reason, of_segment, state, members, foreseen, through, posted, refused, undone,
             asked_by, asked_at, started_by, finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
         ON CONFLICT (bulk, workspace) DO UPDATE SET state = EXCLUDED.state, through = EXCLUDED.through, posted = EXCLUDED.posted, refused = EXCLUDED.refused,
             undone = EXCLUDED.undone, started_by = EXCLUDED.started_by, finished_at = EXCLUDED.finished_at"
    );
    let values = args![
        workspace,
        &row.bulk,
        &row.id,
        row.fingerprint,
        &row.wallet,
        row.amount,
        &row.reason,
        &row.of_segment,
        &row.state,
        row.members,
        Json(row.foreseen.clone()),
        row.through,
        row.posted,
        row.refused,
        row.undone,
        &row.asked_by,
        row.asked_at,
        &row.started_by,
        row.finished_at,
    ];
    tx.execute(save, values).await.map(drop)
}
