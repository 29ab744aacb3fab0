//! Follow-ups as they are stored: who they are about and where they stand. Their [`reasons`], their [`log`] and the [`rules`] have modules of their own.

pub mod log;
pub mod reasons;
pub mod rules;

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Arg, Args, Queries, Record, Result, Sql, Tx, args, sql};

use super::State;

/// A stored follow-up.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct FollowUpRow {
    /// Its name.
    pub id: String,
    /// The identifier under which the first reason came.
    pub handle: Handle,
    /// Whose that is now.
    pub person: PersonId,
    /// The rule's key, or [`super::rules::BY_HAND`].
    pub rule: String,
    /// A word of [`State`].
    pub state: String,
    /// A word of [`super::Outcome`], of one that is done.
    pub outcome: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whom the rule chose.
    pub given_to: Option<String>,
    /// Who was told last that it is theirs.
    pub told_owner: Option<String>,
    /// When it became the owner's.
    pub assigned_at: Option<Timestamp>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// By when the customer is to be spoken with.
    pub due_at: Timestamp,
    /// When they first were.
    pub contacted_at: Option<Timestamp>,
    /// Until when it is put aside.
    pub snoozed_until: Option<Timestamp>,
    /// When it was done.
    pub closed_at: Option<Timestamp>,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
    /// Grows with every change.
    pub revision: i64,
}

impl FollowUpRow {
    /// Where it stands.
    pub fn stands(&self) -> State {
        State::parse(&self.state).unwrap_or(State::Open)
    }

    /// Whether the customer should have been spoken with by now.
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.stands() != State::Done && self.contacted_at.is_none() && self.due_at <= now
    }
}

const COLUMNS: &str = "id, handle, person, rule, state, outcome, owner, given_to, told_owner, assigned_at, opened_at, due_at, contacted_at, snoozed_until,
    closed_at, updated_at, revision";

/// Adds one, unless one of the same person and rule is open; whether it did.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &FollowUpRow) -> Result<bool> {
    let text = sql!(
        "INSERT INTO follow_ups (id, workspace, handle, person, rule, state, outcome, owner, given_to, told_owner, assigned_at, opened_at, due_at,
           contacted_at, snoozed_until, closed_at, updated_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING"
    );
    let args = args![
        &row.id,
        workspace,
        row.handle,
        row.person,
        &row.rule,
        &row.state,
        row.outcome.as_deref(),
        row.owner.as_deref(),
        row.given_to.as_deref(),
        row.told_owner.as_deref(),
        row.assigned_at,
        row.opened_at,
        row.due_at,
        row.contacted_at,
        row.snoozed_until,
        row.closed_at,
        row.updated_at,
        row.revision
    ];
    Ok(tx.execute(text, args).await? > 0)
}

/// Stores where it stands, if nothing changed it since it was read; whether it did. The row has the next revision already.
pub async fn update(tx: &mut Tx, workspace: WorkspaceId, row: &FollowUpRow) -> Result<bool> {
    let text = sql!(
        "UPDATE follow_ups SET person = $3, state = $4, outcome = $5, owner = $6, told_owner = $7, assigned_at = $8, due_at = $9, contacted_at = $10,
           snoozed_until = $11, closed_at = $12, updated_at = $13, revision = $14
         WHERE id = $2 AND workspace = $1 AND revision = $15"
    );
    let args = args![
        workspace,
        &row.id,
        row.person,
        &row.state,
        row.outcome.as_deref(),
        row.owner.as_deref(),
        row.told_owner.as_deref(),
        row.assigned_at,
        row.due_at,
        row.contacted_at,
        row.snoozed_until,
        row.closed_at,
        row.updated_at,
        row.revision,
        row.revision - 1
    ];
    Ok(tx.execute(text, args).await? > 0)
}

/// Takes one away that was united with another.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, id: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM follow_ups WHERE id = $2 AND workspace = $1"), args![workspace, id]).await?;
    Ok(())
}

/// One of them.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<FollowUpRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM follow_ups WHERE id = $2 AND workspace = $1"));
    db.fetch_optional(text, args![workspace, id]).await
}

/// The one of a person and rule that is not done.
pub async fn open_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    rule: &str,
) -> Result<Option<FollowUpRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM follow_ups WHERE person = $2 AND rule = $3 AND workspace = $1 AND state <> 'done'"
    ));
    db.fetch_optional(text, args![workspace, person, rule]).await
}

/// Those of some people, the newest first.
pub async fn of_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<FollowUpRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM follow_ups WHERE person IN ($2) AND workspace = $1 ORDER BY opened_at DESC, id LIMIT 1000"
    ));
    db.fetch_all(text, args![workspace, persons]).await
}

/// Which of some people have any.
pub async fn persons_with(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<(PersonId,)>> {
    let text = sql!("SELECT DISTINCT person FROM follow_ups WHERE person IN ($2) AND workspace = $1 ORDER BY person");
    db.fetch_all(text, args![workspace, persons]).await
}

/// Whom a rule chose last.
pub async fn last_given(db: &mut impl Queries, workspace: WorkspaceId, rule: &str) -> Result<Option<String>> {
    let text = sql!(
        "SELECT given_to FROM follow_ups WHERE rule = $2 AND workspace = $1 AND given_to IS NOT NULL ORDER BY opened_at DESC, id DESC LIMIT 1"
    );
    let found: Option<(String,)> = db.fetch_optional(text, args![workspace, rule]).await?;
    Ok(found.map(|(owner,)| owner))
}

/// Those opened from one instant on and before another, for figures.
pub async fn opened_between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<FollowUpRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM follow_ups WHERE workspace = $1 AND opened_at >= $2 AND opened_at < $3 ORDER BY opened_at DESC, id LIMIT $4"
    ));
    db.fetch_all(text, args![workspace, from, to, limit]).await
}

/// Those of an outcome, the latest done first.
pub async fn of_outcome(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    outcome: &str,
    limit: i64,
) -> Result<Vec<FollowUpRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM follow_ups WHERE workspace = $1 AND outcome = $2 ORDER BY closed_at DESC, id LIMIT $3"
    ));
    db.fetch_all(text, args![workspace, outcome, limit]).await
}

/// Those that became somebody's since an instant who was not told.
pub async fn untold(db: &mut impl Queries, workspace: WorkspaceId, since: Timestamp) -> Result<Vec<FollowUpRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM follow_ups WHERE workspace = $1 AND assigned_at >= $2 AND owner IS NOT NULL AND state <> 'done'
           AND (told_owner IS NULL OR told_owner <> owner) ORDER BY owner, due_at, id LIMIT 500"
    ));
    db.fetch_all(text, args![workspace, since]).await
}

/// Notes who was told that they are theirs.
pub async fn note_told(tx: &mut Tx, workspace: WorkspaceId, owner: &str, ids: &[String]) -> Result<()> {
    let text = sql!("UPDATE follow_ups SET told_owner = $2 WHERE id IN ($3) AND workspace = $1 AND owner = $2");
    tx.execute(text, args![workspace, owner, ids]).await?;
    Ok(())
}

/// Which follow-ups a list shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// In these states; none are all but done ones.
    pub states: Vec<State>,
    /// Of this owner; an empty one is nobody.
    pub owner: Option<String>,
    /// Opened by this rule.
    pub rule: Option<String>,
    /// Ended so.
    pub outcome: Option<String>,
    /// Only those that are late at this instant.
    pub late_at: Option<Timestamp>,
    /// Without those that are put aside at this instant.
    pub awake_at: Option<Timestamp>,
    /// Behind this one.
    pub behind: Option<(Timestamp, String)>,
}

impl Filter {
    /// Done ones are listed by when they were done, the latest first; others by their deadline.
    pub fn is_done(&self) -> bool {
        self.states == [State::Done]
    }
}

/// A page of follow-ups.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<FollowUpRow>> {
    let mut text = format!("SELECT {COLUMNS} FROM follow_ups WHERE workspace = $1");
    let mut args = args![workspace];
    let owner = filter.owner.as_deref();
    if owner == Some("") {
        text.push_str(" AND owner IS NULL");
    }
    let mut also = |part: &str, arg: Arg| {
        args.0.push(arg);
        text.push_str(&part.replace('#', &format!("${}", args.0.len())));
    };
    let all = if filter.states.is_empty() { &State::ALL[..3] } else { &filter.states };
    let words: Vec<String> = all.iter().map(|state| state.as_str().to_owned()).collect();
    also(" AND state IN (#)", words.as_slice().into());
    if let Some(owner) = owner.filter(|it| !it.is_empty()) {
        also(" AND owner = #", owner.into());
    }
    if let Some(rule) = &filter.rule {
        also(" AND rule = #", rule.as_str().into());
    }
    if let Some(outcome) = &filter.outcome {
        also(" AND outcome = #", outcome.as_str().into());
    }
    if let Some(at) = filter.late_at {
        also(" AND contacted_at IS NULL AND due_at <= #", at.into());
    }
    if let Some(at) = filter.awake_at {
        also(" AND (snoozed_until IS NULL OR snoozed_until <= #)", at.into());
    }
    let (time, order, beyond) = if filter.is_done() { ("closed_at", "DESC", "<") } else { ("due_at", "ASC", ">") };
    if let Some((at, id)) = &filter.behind {
        args.0.push((*at).into());
        args.0.push(id.as_str().into());
        let (at, id) = (args.0.len() - 1, args.0.len());
        text.push_str(&format!(" AND ({time} {beyond} ${at} OR ({time} = ${at} AND id > ${id}))"));
    }
    args.0.push(limit.into());
    text.push_str(&format!(" ORDER BY {time} {order}, id LIMIT ${}", args.0.len()));
    db.fetch_all(Sql::assembled(text), args).await
}

/// How many there are that are not done: (state, owner, how many, late at `now`, put aside then).
pub async fn counts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    now: Timestamp,
) -> Result<Vec<(String, Option<String>, i64, i64, i64)>> {
    let text = sql!(
        "SELECT state, owner, COUNT(*), CAST(SUM(CASE WHEN contacted_at IS NULL AND due_at <= $2 THEN 1 ELSE 0 END) AS BIGINT),
           CAST(SUM(CASE WHEN snoozed_until > $2 THEN 1 ELSE 0 END) AS BIGINT)
         FROM follow_ups WHERE workspace = $1 AND state IN ('open', 'in_progress', 'waiting') GROUP BY state, owner ORDER BY state, owner"
    );
    let args: Args = args![workspace, now];
    db.fetch_all(text, args).await
}
