//! Points that staff give and take by hand: at once, as goodwill within their own limit, or with a second person.
//!
//! Always holds: whoever asks cannot approve; approving posts exactly once, in the transaction that decides; a change that nobody decides lapses and posts nothing; the same id with the same words is the
//! same change.
//!
//! Does not: know who may ask or approve at all; whoever calls says which role somebody has.

use rapport_domain::Timestamp;
use rapport_store::{Queries, Record, Tx, args, sql};

use super::read::by_ids;
use super::redemptions::{Scene, posted};
use super::tallies::{self, Tally};
use super::{head, members, wallets};
use crate::Error;
use crate::ledger::{self, Act, Command, MemberId, REFERENCE_MAX, Source, Standing};
use crate::program::WalletPlan;
use crate::rewards::Refusal;
use crate::staff::Goodwill;

/// What the ids of operations begin with by which changes are posted.
pub const CHANGE_IDS: &str = "change:";
/// Of those by which goodwill is given.
pub const GOODWILL_IDS: &str = "goodwill:";

/// A change by hand.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Change {
    /// Its own id.
    pub change: String,
    /// The id that whoever asked gave it.
    pub id: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// Whose account.
    pub member: i64,
    /// Which wallet.
    pub wallet: String,
    /// How many: above 0 given, below 0 taken.
    pub amount: i64,
    /// Why, in their words.
    pub reason: String,
    /// `asked`, `approved`, `declined`, `lapsed` or `refused`.
    pub state: String,
    /// Why the ledger refused it.
    pub refused: Option<String>,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// From when on nobody can approve it any more.
    pub lapses_at: Timestamp,
    /// Who decided; whoever asked, where no second person was needed.
    pub decided_by: String,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said.
    pub answer: String,
}

/// Who asks for which change.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// Whose account.
    pub member: MemberId,
    /// Which wallet.
    pub wallet: &'a WalletPlan,
    /// How many: above 0 given, below 0 taken.
    pub amount: i64,
    /// Why.
    pub reason: &'a str,
    /// Who asks.
    pub by: &'a str,
    /// In which role: `admin`, `agent`, `key`.
    pub role: &'a str,
    /// Whether they may post at all, where the programme says nothing about changes.
    pub may_post: bool,
}

impl Asked<'_> {
    fn fingerprint(&self) -> [u8; 16] {
        let content = (self.member, &self.wallet.key, self.amount, self.reason);
        let content = serde_json::to_vec(&content).expect("plain values become JSON");
        blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
    }

    /// What is wrong whatever the state.
    fn malformed(&self) -> Option<Refusal> {
        let is_short = |text: &str| text.len() <= REFERENCE_MAX - 20 && !text.contains('\0');
        if self.id.is_empty() || ![self.id, self.reason].into_iter().all(is_short) {
            return Some(Refusal::Ledger(ledger::Refusal::IdMalformed));
        }
        match self.amount {
            0 => Some(Refusal::Ledger(ledger::Refusal::AmountZero)),
            amount if amount.unsigned_abs() > self.wallet.amount_max.unsigned_abs() => {
                Some(Refusal::Ledger(ledger::Refusal::AmountTooLarge))
            }
            _ => None,
        }
    }
}

/// Changes a balance, or asks a second person where the role may not alone.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn ask(tx: &mut Tx, scene: Scene<'_>, asked: Asked<'_>) -> Result<Result<Change, Refusal>, Error> {
    if let Some(refusal) = asked.malformed() {
        return Ok(Err(refusal));
    }
    head::lock(tx, scene.workspace).await?;
    if let Some(earlier) = by_id(tx, scene, asked.id).await? {
        return Ok(if earlier.fingerprint == asked.fingerprint() {
            Ok(earlier.standing_at(scene.now))
        } else {
            Err(Refusal::IdReused)
        });
    }
    let member = match open_account(tx, scene, asked.member).await? {
        Ok(member) => member,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let hours = i64::from(scene.program.staff.approve_within_hours);
    let mut change = Change {
        change: format!("chg_{:016x}{:016x}", scene.rng.next_u64(), scene.rng.next_u64()),
        id: asked.id.to_owned(),
        fingerprint: asked.fingerprint(),
        member: member.0,
        wallet: asked.wallet.key.clone(),
        amount: asked.amount,
        reason: asked.reason.to_owned(),
        state: "asked".to_owned(),
        refused: None,
        asked_by: asked.by.to_owned(),
        asked_at: scene.now,
        lapses_at: scene.now.plus(hours * Timestamp::HOUR),
        decided_by: String::new(),
        decided_at: None,
        answer: String::new(),
    };
    let staff = &scene.program.staff;
    let may_ever = asked.may_post || staff.alone.is_some();
    if may_ever && staff.may_alone(scene.program, asked.role, &asked.wallet.key, asked.amount) {
        enter(tx, scene, &mut change, asked.by).await?;
    }
    write(tx, scene, &change).await?;
    Ok(Ok(change))
}

/// An account to which something can be posted: its number now.
async fn open_account(tx: &mut Tx, scene: Scene<'_>, member: MemberId) -> Result<Result<MemberId, Refusal>, Error> {
    let Some(found) = members::find(tx, scene.workspace, member).await? else {
        return Ok(Err(Refusal::MemberUnknown));
    };
    Ok(match found.standing {
        Standing::Unknown => Err(Refusal::MemberUnknown),
        Standing::Closed | Standing::Merged => Err(Refusal::MemberClosed),
        Standing::Active | Standing::Blocked => Ok(found.member),
    })
}

/// Approves or declines a change that somebody else asked for.
///
/// # Errors
/// As [`ask`].
pub async fn decide(
    tx: &mut Tx,
    scene: Scene<'_>,
    change: &str,
    (approves, by, answer): (bool, &str, &str),
) -> Result<Result<Change, Refusal>, Error> {
    head::lock(tx, scene.workspace).await?;
    let Some(mut change) = find(tx, scene, change).await? else { return Ok(Err(Refusal::ChangeUnknown)) };
    if change.asked_by == by {
        return Ok(Err(Refusal::OwnChange));
    }
    let wanted = if approves { "approved" } else { "declined" };
    match change.state.as_str() {
        "lapsed" => return Ok(Err(Refusal::ChangeLapsed)),
        "asked" => {}
        // The same person, who presses the button again.
        state if state == wanted && change.decided_by == by => return Ok(Ok(change)),
        _ => return Ok(Err(Refusal::ChangeDecided)),
    }
    answer.clone_into(&mut change.answer);
    if approves {
        enter(tx, scene, &mut change, by).await?;
    } else {
        "declined".clone_into(&mut change.state);
        by.clone_into(&mut change.decided_by);
        change.decided_at = Some(scene.now);
    }
    write(tx, scene, &change).await?;
    Ok(Ok(change))
}

/// Posts a change.
async fn enter(tx: &mut Tx, scene: Scene<'_>, change: &mut Change, by: &str) -> Result<(), Error> {
    let Scene { workspace, program, calendar, now, .. } = scene;
    let expires_at = program.wallet(&change.wallet).and_then(|plan| plan.expiry.end(now, &calendar.zone));
    let expires_at = expires_at.filter(|_| change.amount > 0);
    let act = Act::Adjust { amount: change.amount, expires_at, into_arrears: false };
    let id = format!("{CHANGE_IDS}{}", change.change);
    let source = Source {
        kind: "staff".to_owned(),
        reference: change.change.clone(),
        by: change.asked_by.clone(),
        reason: change.reason.clone(),
        asked: None,
    };
    let wallet = wallets::numbers(tx, workspace).await?.get(&change.wallet).copied();
    let outcome = match wallet {
        None => Err(Refusal::Ledger(ledger::Refusal::WalletUnknown)),
        Some(wallet) => posted(tx, scene, Command { id, member: MemberId(change.member), wallet, act, source }).await?,
    };
    change.refused = outcome.err().map(|refusal| refusal.code().to_owned());
    if change.refused.is_some() { "refused" } else { "approved" }.clone_into(&mut change.state);
    by.clone_into(&mut change.decided_by);
    change.decided_at = Some(now);
    Ok(())
}

/// The limits of goodwill of somebody of a role in a wallet, each with how much they gave in its present period.
///
/// # Errors
/// The store's.
pub async fn goodwill_left<'a>(
    db: &mut impl Queries,
    scene: Scene<'a>,
    (wallet, by, role): (&'a str, &str, &'a str),
) -> Result<Vec<(&'a Goodwill, i64)>, Error> {
    let Scene { workspace, program, calendar, now, .. } = scene;
    let what = format!("goodwill:{wallet}:{by}");
    let given = tallies::read(db, workspace, Tally { what: &what, member: None, at: now, calendar }).await?;
    let limits = program.staff.goodwill(program, role, wallet);
    Ok(limits.map(|limit| (limit, given.given(false, limit.every, now, calendar))).collect())
}

/// Gives points as goodwill, within what whoever gives may in the period; the ledger's operation has the id `goodwill:` and theirs.
///
/// # Errors
/// As [`ask`].
pub async fn goodwill(tx: &mut Tx, scene: Scene<'_>, asked: Asked<'_>) -> Result<Result<(), Refusal>, Error> {
    if let Some(refusal) = asked.malformed() {
        return Ok(Err(refusal));
    }
    if asked.amount < 0 {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::AmountNegative)));
    }
    let Scene { workspace, program, calendar, now, .. } = scene;
    head::lock(tx, workspace).await?;
    let id = format!("{GOODWILL_IDS}{}", asked.id);
    let is_known = !by_ids(tx, workspace, std::slice::from_ref(&id)).await?.is_empty();
    let what = format!("goodwill:{}:{}", asked.wallet.key, asked.by);
    let tally = Tally { what: &what, member: None, at: now, calendar };
    if !is_known {
        if let Err(refusal) = open_account(tx, scene, asked.member).await? {
            return Ok(Err(refusal));
        }
        let given = tallies::read(tx, workspace, tally).await?;
        let limits: Vec<_> = program.staff.goodwill(program, asked.role, &asked.wallet.key).collect();
        let is_over =
            limits.iter().any(|limit| given.given(false, limit.every, now, calendar) + asked.amount > limit.most);
        if limits.is_empty() || is_over {
            return Ok(Err(Refusal::OwnLimit));
        }
    }
    let Some(wallet) = wallets::numbers(tx, workspace).await?.get(&asked.wallet.key).copied() else {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::WalletUnknown)));
    };
    let expires_at = asked.wallet.expiry.end(now, &calendar.zone);
    let act = Act::Earn { amount: asked.amount, earned_at: None, active_from: None, expires_at };
    let source = Source {
        kind: "goodwill".to_owned(),
        reference: String::new(),
        by: asked.by.to_owned(),
        reason: asked.reason.to_owned(),
        asked: Some(asked.fingerprint()),
    };
    let outcome = posted(tx, scene, Command { id, member: asked.member, wallet, act, source }).await?;
    if outcome.is_ok() && !is_known {
        tallies::add(tx, workspace, tally, asked.amount);
    }
    Ok(outcome)
}

/// Goodwill that somebody gave.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct GivenGoodwill {
    /// Its number in the ledger.
    pub operation: i64,
    /// The ledger's operation.
    pub id: String,
    /// To whom; of a member who became one with another, whoever goes on for both.
    pub member: i64,
    /// Which wallet.
    pub wallet: i64,
    /// How many points.
    pub amount: i64,
    /// How many of them were taken back.
    pub reversed: i64,
    /// When.
    pub recorded_at: Timestamp,
    /// Who gave it.
    pub source_by: String,
    /// Why, in their words; empty of whoever was forgotten.
    pub source_reason: String,
}

/// Goodwill that anybody gave, the newest first, before an operation.
///
/// # Errors
/// The store's.
pub async fn goodwill_given(
    db: &mut impl Queries,
    workspace: rapport_domain::WorkspaceId,
    before: Option<i64>,
    limit: u32,
) -> rapport_store::Result<Vec<GivenGoodwill>> {
    // In the order of its index, which has nothing else; whoever posts by the API may call a source as they like, but not an id.
    let list = sql!(
        "SELECT o.operation, o.id, CASE WHEN m.standing = 'merged' AND m.merged_into IS NOT NULL THEN m.merged_into ELSE o.member END AS member,
             o.wallet, o.amount, o.reversed, o.recorded_at, o.source_by, o.source_reason
         FROM loyalty_operations o LEFT JOIN loyalty_members m ON m.member = o.member AND m.workspace = o.workspace
         WHERE o.source_kind = 'goodwill' AND o.refused IS NULL AND o.workspace = $1 AND o.operation < $2
             AND SUBSTR(o.id, 1, 9) = $4
         ORDER BY o.operation DESC LIMIT $3"
    );
    db.fetch_all(list, args![workspace, before.unwrap_or(i64::MAX), limit, GOODWILL_IDS]).await
}

async fn by_id(db: &mut impl Queries, scene: Scene<'_>, id: &str) -> rapport_store::Result<Option<Change>> {
    let find = sql!("SELECT * FROM loyalty_changes WHERE id = $2 AND workspace = $1");
    db.fetch_optional(find, args![scene.workspace, id]).await
}

/// A change by its own id.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, scene: Scene<'_>, change: &str) -> rapport_store::Result<Option<Change>> {
    let find = sql!("SELECT * FROM loyalty_changes WHERE change = $2 AND workspace = $1");
    let found: Option<Change> = db.fetch_optional(find, args![scene.workspace, change]).await?;
    Ok(found.map(|it| it.standing_at(scene.now)))
}

/// Changes, the newest first, in a state if one is named, from behind one of them on.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    scene: Scene<'_>,
    state: &str,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> rapport_store::Result<Vec<Change>> {
    let (at, change) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let list = sql!(
        "SELECT * FROM loyalty_changes WHERE workspace = $1 AND (asked_at, change) < ($2, $3)
             AND ($4 = '' OR $4 = CASE WHEN state = 'asked' AND lapses_at <= $5 THEN 'lapsed' ELSE state END)
         ORDER BY asked_at DESC, change DESC LIMIT $6"
    );
    let rows: Vec<Change> = db.fetch_all(list, args![scene.workspace, at, change, state, scene.now, limit]).await?;
    Ok(rows.into_iter().map(|it| it.standing_at(scene.now)).collect())
}

impl Change {
    /// As it stands then: what nobody decided in time has lapsed, without anybody writing it down.
    fn standing_at(self, now: Timestamp) -> Self {
        let has_lapsed = self.state == "asked" && self.lapses_at <= now;
        let state = if has_lapsed { "lapsed".to_owned() } else { self.state };
        Self { state, ..self }
    }
}

async fn write(tx: &mut Tx, scene: Scene<'_>, row: &Change) -> rapport_store::Result<()> {
    let save = sql!(
        "INSERT INTO loyalty_changes (workspace, change, id, fingerprint, member, wallet, amount, reason, state, refused, asked_by, asked_at, lapses_at, decided_by, decided_at, answer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         ON CONFLICT (change, workspace) DO UPDATE SET state = EXCLUDED.state, refused = EXCLUDED.refused, decided_by = EXCLUDED.decided_by,
             decided_at = EXCLUDED.decided_at, answer = EXCLUDED.answer"
    );
    let values = args![
        scene.workspace,
        &row.change,
        &row.id,
        row.fingerprint,
        row.member,
        &row.wallet,
        row.amount,
        &row.reason,
        &row.state,
        row.refused.clone(),
        &row.asked_by,
        row.asked_at,
        row.lapses_at,
        &row.decided_by,
        row.decided_at,
        &row.answer,
    ];
    tx.execute(save, values).await.map(drop)
}

/// What was changed for the one was changed for the other, who goes on for both.
pub(super) async fn merge(
    tx: &mut Tx,
    workspace: rapport_domain::WorkspaceId,
    from: MemberId,
    to: MemberId,
) -> rapport_store::Result<()> {
    let give = sql!("UPDATE loyalty_changes SET member = $3 WHERE member = $2 AND workspace = $1");
    tx.execute(give, args![workspace, from.0, to.0]).await.map(drop)
}

/// Empties what staff wrote; how many there were.
pub(super) async fn forget(
    tx: &mut Tx,
    workspace: rapport_domain::WorkspaceId,
    numbers: &[i64],
) -> rapport_store::Result<u64> {
    let empty = sql!(
        "UPDATE loyalty_changes SET reason = '', answer = '' WHERE member IN ($2) AND workspace = $1 AND (reason <> '' OR answer <> '')"
    );
    tx.execute(empty, args![workspace, numbers]).await
}

/// All changes of a member, the newest first.
///
/// # Errors
/// The store's.
pub async fn of_members(
    db: &mut impl Queries,
    workspace: rapport_domain::WorkspaceId,
    members: &[MemberId],
) -> rapport_store::Result<Vec<Change>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let list = sql!("SELECT * FROM loyalty_changes WHERE member IN ($2) AND workspace = $1");
    let mut rows: Vec<Change> = db.fetch_all(list, args![workspace, &numbers]).await?;
    rows.sort_by(|one, other| (other.asked_at, &other.change).cmp(&(one.asked_at, &one.change)));
    Ok(rows)
}
