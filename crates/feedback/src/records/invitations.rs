//! Occasions to ask people, and what came of each: sampled out, suppressed, invited, opened, answered.
//!
//! Always holds: a row with `due_at` is still to be decided on; an occasion of somebody in a wave is one row.

use std::collections::BTreeMap;

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// To be decided on when it is due.
pub const WAITING: &str = "waiting";
/// Not of the sample.
pub const SAMPLED_OUT: &str = "sampled_out";
/// Not asked, for the reason that is noted.
pub const SUPPRESSED: &str = "suppressed";
/// Asked.
pub const INVITED: &str = "invited";
/// Asked, but it did not reach them.
pub const UNDELIVERED: &str = "undelivered";

/// Not asked: they opened it themselves, beside a page of the company's own.
pub const UNASKED: &str = "unasked";

/// A stored invitation.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct InvitationRow {
    /// Its name.
    pub id: String,
    /// The survey's number.
    pub survey: i64,
    /// Which round of asking.
    pub wave: i64,
    /// What the survey is about, as [`crate::survey::Kind::as_str`].
    pub kind: String,
    /// The identifier.
    pub handle: Handle,
    /// Whose that is now.
    pub person: PersonId,
    /// What tells one occasion from another; empty where a wave asks once.
    pub occasion: String,
    /// Where it stands.
    pub state: String,
    /// Why somebody was not asked, as [`crate::asking::Suppression::as_str`].
    pub reason: Option<String>,
    /// By which channel.
    pub channel: Option<String>,
    /// At which touchpoint.
    pub touchpoint: Option<String>,
    /// About which product.
    pub product: Option<String>,
    /// What that is called.
    pub product_name: Option<String>,
    /// About whose service.
    pub agent: Option<String>,
    /// About which order, ticket or visit.
    pub subject: Option<String>,
    /// The version that they were asked to answer.
    pub version: Option<i64>,
    /// When the occasion was.
    pub occasioned_at: Timestamp,
    /// When it is to be decided on.
    pub due_at: Option<Timestamp>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// When they were asked.
    pub invited_at: Option<Timestamp>,
    /// When they are to be reminded.
    pub remind_at: Option<Timestamp>,
    /// When they were reminded.
    pub reminded_at: Option<Timestamp>,
    /// When it arrived, as far as that is known.
    pub delivered_at: Option<Timestamp>,
    /// When it was opened first.
    pub opened_at: Option<Timestamp>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// Until when it can be answered.
    pub expires_at: Option<Timestamp>,
}

impl InvitationRow {
    /// An occasion that waits to be decided on, at once.
    pub fn waiting(id: String, (survey, wave): (i64, i64), kind: &str, who: (Handle, PersonId), at: Timestamp) -> Self {
        Self {
            id,
            survey,
            wave,
            kind: kind.to_owned(),
            handle: who.0,
            person: who.1,
            occasion: String::new(),
            state: WAITING.to_owned(),
            reason: None,
            channel: None,
            touchpoint: None,
            product: None,
            product_name: None,
            agent: None,
            subject: None,
            version: None,
            occasioned_at: at,
            due_at: Some(at),
            decided_at: None,
            invited_at: None,
            remind_at: None,
            reminded_at: None,
            delivered_at: None,
            opened_at: None,
            answered_at: None,
            expires_at: None,
        }
    }
}

/// Adds occasions; how many there were not yet.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[InvitationRow]) -> Result<u64> {
    let text = sql!(
        "INSERT INTO invitations (id, workspace, survey, wave, kind, handle, person, occasion, state, reason, channel, touchpoint, product, product_name,
           agent, subject, version, occasioned_at, due_at, decided_at, invited_at, remind_at, expires_at)
         VALUES {rows} ON CONFLICT DO NOTHING"
    );
    let rows = rows.iter().map(|it| {
        args![
            &it.id,
            workspace,
            it.survey,
            it.wave,
            &it.kind,
            it.handle,
            it.person,
            &it.occasion,
            &it.state,
            it.reason.as_deref(),
            it.channel.as_deref(),
            it.touchpoint.as_deref(),
            it.product.as_deref(),
            it.product_name.as_deref(),
            it.agent.as_deref(),
            it.subject.as_deref(),
            it.version,
            it.occasioned_at,
            it.due_at,
            it.decided_at,
            it.invited_at,
            it.remind_at,
            it.expires_at
        ]
    });
    tx.execute_many(text, rows).await
}

/// One by its name.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<InvitationRow>> {
    let text = sql!(
        "SELECT id, survey, wave, kind, handle, person, occasion, state, reason, channel, touchpoint, product, product_name, agent, subject, version,
           occasioned_at, due_at, decided_at, invited_at, remind_at, reminded_at, delivered_at, opened_at, answered_at, expires_at
         FROM invitations WHERE id = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, id]).await
}

/// Those that are to be decided on, the earliest first.
pub async fn due(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<InvitationRow>> {
    let text = sql!(
        "SELECT id, survey, wave, kind, handle, person, occasion, state, reason, channel, touchpoint, product, product_name, agent, subject, version,
           occasioned_at, due_at, decided_at, invited_at, remind_at, reminded_at, delivered_at, opened_at, answered_at, expires_at
         FROM invitations WHERE workspace = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3"
    );
    db.fetch_all(text, args![workspace, now, limit]).await
}

/// Those whose reminder is due, the earliest first.
pub async fn to_remind(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<InvitationRow>> {
    let text = sql!(
        "SELECT id, survey, wave, kind, handle, person, occasion, state, reason, channel, touchpoint, product, product_name, agent, subject, version,
           occasioned_at, due_at, decided_at, invited_at, remind_at, reminded_at, delivered_at, opened_at, answered_at, expires_at
         FROM invitations WHERE workspace = $1 AND remind_at <= $2 ORDER BY remind_at, id LIMIT $3"
    );
    db.fetch_all(text, args![workspace, now, limit]).await
}

/// All of these people, for deciding: the newest first.
pub async fn of_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<InvitationRow>> {
    let text = sql!(
        "SELECT id, survey, wave, kind, handle, person, occasion, state, reason, channel, touchpoint, product, product_name, agent, subject, version,
           occasioned_at, due_at, decided_at, invited_at, remind_at, reminded_at, delivered_at, opened_at, answered_at, expires_at
         FROM invitations WHERE +workspace = $1 AND person IN ($2) ORDER BY occasioned_at DESC, id DESC"
    );
    db.fetch_all(text, args![workspace, persons]).await
}

/// Writes what was decided; whether it was still to be decided on.
pub async fn decide(tx: &mut Tx, workspace: WorkspaceId, row: &InvitationRow) -> Result<bool> {
    let text = sql!(
        "UPDATE invitations SET state = $3, reason = $4, channel = $5, version = $6, decided_at = $7, invited_at = $8, remind_at = $9, expires_at = $10,
           product = $11, product_name = $12, due_at = NULL
         WHERE id = $2 AND workspace = $1 AND due_at IS NOT NULL"
    );
    let args = args![
        workspace,
        &row.id,
        &row.state,
        row.reason.as_deref(),
        row.channel.as_deref(),
        row.version,
        row.decided_at,
        row.invited_at,
        row.remind_at,
        row.expires_at,
        row.product.as_deref(),
        row.product_name.as_deref()
    ];
    Ok(tx.execute(text, args).await? == 1)
}

/// Writes what was decided anew of somebody who was not asked; whether they still were not.
pub async fn decide_anew(tx: &mut Tx, workspace: WorkspaceId, row: &InvitationRow) -> Result<bool> {
    let text = sql!(
        "UPDATE invitations SET state = $3, reason = $4, touchpoint = $5, version = $6, occasioned_at = $7, decided_at = $8, invited_at = $9,
           expires_at = $10
         WHERE id = $2 AND workspace = $1 AND state IN ('suppressed', 'sampled_out')"
    );
    let args = args![
        workspace,
        &row.id,
        &row.state,
        row.reason.as_deref(),
        row.touchpoint.as_deref(),
        row.version,
        row.occasioned_at,
        row.decided_at,
        row.invited_at,
        row.expires_at
    ];
    Ok(tx.execute(text, args).await? == 1)
}

/// Lets an occasion wait that is to be decided on.
pub async fn postpone(tx: &mut Tx, workspace: WorkspaceId, id: &str, until: Timestamp) -> Result<()> {
    let text = sql!("UPDATE invitations SET due_at = $3 WHERE id = $2 AND workspace = $1 AND due_at IS NOT NULL");
    tx.execute(text, args![workspace, id, until]).await?;
    Ok(())
}

/// Lets a reminder wait.
pub async fn remind_later(tx: &mut Tx, workspace: WorkspaceId, id: &str, until: Timestamp) -> Result<()> {
    let text = sql!("UPDATE invitations SET remind_at = $3 WHERE id = $2 AND workspace = $1 AND remind_at IS NOT NULL");
    tx.execute(text, args![workspace, id, until]).await?;
    Ok(())
}

/// Notes that a reminder was sent, or is not sent any more; whether it was still due.
pub async fn remind(tx: &mut Tx, workspace: WorkspaceId, id: &str, reminded_at: Option<Timestamp>) -> Result<bool> {
    let text = sql!(
        "UPDATE invitations SET remind_at = NULL, reminded_at = $3 WHERE id = $2 AND workspace = $1 AND remind_at IS NOT NULL"
    );
    Ok(tx.execute(text, args![workspace, id, reminded_at]).await? == 1)
}

/// Notes that it was opened, the first time; whether it was that.
pub async fn open(tx: &mut Tx, workspace: WorkspaceId, id: &str, at: Timestamp) -> Result<bool> {
    let text = sql!("UPDATE invitations SET opened_at = $3 WHERE id = $2 AND workspace = $1 AND opened_at IS NULL");
    Ok(tx.execute(text, args![workspace, id, at]).await? == 1)
}

/// Notes that it arrived, the first time.
pub async fn deliver(tx: &mut Tx, workspace: WorkspaceId, id: &str, at: Timestamp) -> Result<bool> {
    let text =
        sql!("UPDATE invitations SET delivered_at = $3 WHERE id = $2 AND workspace = $1 AND delivered_at IS NULL");
    Ok(tx.execute(text, args![workspace, id, at]).await? == 1)
}

/// Notes that it did not reach them.
pub async fn lose(tx: &mut Tx, workspace: WorkspaceId, id: &str, reason: &str) -> Result<bool> {
    let text = sql!(
        "UPDATE invitations SET state = 'undelivered', reason = $3, remind_at = NULL
         WHERE id = $2 AND workspace = $1 AND state = 'invited' AND opened_at IS NULL AND answered_at IS NULL"
    );
    Ok(tx.execute(text, args![workspace, id, reason]).await? == 1)
}

/// Notes that it was answered; nobody is reminded of it then.
pub async fn answer(tx: &mut Tx, workspace: WorkspaceId, id: &str, at: Timestamp) -> Result<bool> {
    let text = sql!(
        "UPDATE invitations SET answered_at = $3, remind_at = NULL, opened_at = COALESCE(opened_at, $3)
         WHERE id = $2 AND workspace = $1 AND answered_at IS NULL"
    );
    Ok(tx.execute(text, args![workspace, id, at]).await? == 1)
}

/// How a survey's occasions stand, by wave, state and reason, and how many of those were opened and answered.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct FunnelRow {
    /// Which round of asking.
    pub wave: i64,
    /// Where they stand.
    pub state: String,
    /// Why they were not asked.
    pub reason: Option<String>,
    /// How many.
    pub occasions: i64,
    /// How many of them arrived, as far as that is known.
    pub delivered: i64,
    /// How many of them were opened.
    pub opened: i64,
    /// How many of them were answered.
    pub answered: i64,
}

/// Counts them.
pub async fn funnel(db: &mut impl Queries, workspace: WorkspaceId, survey: i64) -> Result<Vec<FunnelRow>> {
    let text = sql!(
        "SELECT wave, state, reason, COUNT(*) AS occasions, COUNT(delivered_at) AS delivered, COUNT(opened_at) AS opened, COUNT(answered_at) AS answered
         FROM invitations WHERE workspace = $1 AND survey = $2 GROUP BY wave, state, reason ORDER BY wave, state, reason NULLS FIRST"
    );
    db.fetch_all(text, args![workspace, survey]).await
}

/// Which occasions of a survey.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which<'a> {
    /// Of which wave.
    pub wave: Option<i64>,
    /// Where they stand.
    pub state: Option<&'a str>,
    /// Why somebody was not asked.
    pub reason: Option<&'a str>,
    /// Whether they were opened.
    pub opened: Option<bool>,
    /// Whether they were answered.
    pub answered: Option<bool>,
}

/// Those of a survey from before another (when, and its name), the newest first.
pub async fn page(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    survey: i64,
    which: &Which<'_>,
    (before, name): (Timestamp, &str),
    limit: i64,
) -> Result<Vec<InvitationRow>> {
    let text = sql!(
        "SELECT id, survey, wave, kind, handle, person, occasion, state, reason, channel, touchpoint, product, product_name, agent, subject, version,
           occasioned_at, due_at, decided_at, invited_at, remind_at, reminded_at, delivered_at, opened_at, answered_at, expires_at
         FROM invitations WHERE workspace = $1 AND survey = $2 AND occasioned_at <= $3 AND (occasioned_at < $3 OR id < $4)
           AND (CAST($5 AS BIGINT) IS NULL OR wave = $5) AND (CAST($6 AS TEXT) IS NULL OR state = $6)
           AND (CAST($7 AS TEXT) IS NULL OR reason = $7)
           AND (CAST($8 AS BIGINT) IS NULL OR CASE WHEN opened_at IS NULL THEN 0 ELSE 1 END = $8)
           AND (CAST($9 AS BIGINT) IS NULL OR CASE WHEN answered_at IS NULL THEN 0 ELSE 1 END = $9)
         ORDER BY occasioned_at DESC, id DESC LIMIT $10"
    );
    let number = |flag: Option<bool>| flag.map(i64::from);
    let Which { wave, state, reason, opened, answered } = *which;
    let args = args![workspace, survey, before, name, wave, state, reason, number(opened), number(answered), limit];
    db.fetch_all(text, args).await
}

/// Gives the invitations of moved identifiers to whom they belong now.
pub async fn follow(tx: &mut Tx, workspace: WorkspaceId, moved: &[(Handle, PersonId, PersonId)]) -> Result<()> {
    let mut to: BTreeMap<(PersonId, PersonId), Vec<Handle>> = BTreeMap::new();
    for (handle, from, into) in moved {
        to.entry((*from, *into)).or_default().push(*handle);
    }
    for ((from, into), handles) in to {
        let text = sql!("UPDATE invitations SET person = $3 WHERE person = $2 AND +workspace = $1 AND handle IN ($4)");
        tx.execute(text, args![workspace, from, into, handles.as_slice()]).await?;
        let text = sql!("UPDATE responses SET person = $3 WHERE person = $2 AND +workspace = $1 AND handle IN ($4)");
        tx.execute(text, args![workspace, from, into, handles.as_slice()]).await?;
        let text = sql!("UPDATE answers SET person = $3 WHERE person = $2 AND +workspace = $1 AND handle IN ($4)");
        tx.execute(text, args![workspace, from, into, handles.as_slice()]).await?;
    }
    Ok(())
}
