//! Statements of consent with all that proves them.

use rapport_domain::{Channel, EventId, Handle, Purpose, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use crate::consent::{Scope, State, Statement};

/// A stored statement (the fields of ISO/IEC TS 27560 that a company other than ours cannot make up).
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ConsentRow {
    /// The identifier of whoever said it.
    pub handle: Handle,
    /// The event that says so.
    pub event_id: [u8; 16],
    /// What for.
    pub purpose: String,
    /// Which way; empty for every one.
    pub channel: String,
    /// About what; empty for everything.
    pub topic: String,
    /// What was said.
    pub state: String,
    /// When.
    pub occurred_at: Timestamp,
    /// Until when it holds.
    pub until_at: Option<Timestamp>,
    /// When we learned of it.
    pub recorded_at: Timestamp,
    /// The key of the text that was shown.
    pub notice: Option<String>,
    /// Its version.
    pub notice_version: Option<i64>,
    /// The language it was shown in.
    pub locale: Option<String>,
    /// How it was said: `form`, `double_opt_in`, `one_click`, `preference_centre`, `api`, `import`, `gpc`.
    pub method: String,
    /// Who noted it: `person`, or the id of a user or key.
    pub actor: String,
    /// What else shows it.
    pub evidence: Option<serde_json::Value>,
}

impl ConsentRow {
    /// What it says; `None` when its words are not known to this program.
    pub fn statement(&self) -> Option<Statement> {
        let scope = scope_of(&self.purpose, &self.channel, &self.topic)?;
        let state = State::parse(&self.state)?;
        Some(Statement { handle: self.handle, scope, state, at: self.occurred_at, until: self.until_at })
    }

    /// The event that says so.
    pub fn event(&self) -> EventId {
        EventId(self.event_id)
    }
}

/// What a stored statement is about; `None` when its words are not known to this program.
pub fn scope_of(purpose: &str, channel: &str, topic: &str) -> Option<Scope> {
    let channel = match channel {
        "" => None,
        word => Some(Channel::parse(word)?),
    };
    let topic = Some(topic.to_owned()).filter(|topic| !topic.is_empty());
    Some(Scope { purpose: Purpose::parse(purpose)?, channel, topic })
}

/// Adds statements. The very same again changes nothing.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[ConsentRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO consents (workspace, handle, event_id, purpose, channel, topic, state, occurred_at, until_at, recorded_at, notice,
           notice_version, locale, method, actor, evidence)
         VALUES {rows} ON CONFLICT (handle, event_id, purpose, channel, topic, workspace) DO NOTHING"
    );
    let rows = rows.iter().map(|r| {
        args![
            workspace,
            r.handle,
            r.event_id,
            &r.purpose,
            &r.channel,
            &r.topic,
            &r.state,
            r.occurred_at,
            r.until_at,
            r.recorded_at,
            r.notice.as_deref(),
            r.notice_version,
            r.locale.as_deref(),
            &r.method,
            &r.actor,
            r.evidence.clone()
        ]
    });
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// All that was said under these identifiers, the latest first.
pub async fn of_handles(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<ConsentRow>> {
    let text = sql!(
        "SELECT handle, event_id, purpose, channel, topic, state, occurred_at, until_at, recorded_at, notice, notice_version, locale, method,
           actor, evidence
         FROM consents WHERE +workspace = $1 AND handle IN ($2) ORDER BY occurred_at DESC, event_id, handle"
    );
    db.fetch_all(text, args![workspace, handles]).await
}

/// Which statements to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What for; empty for all.
    pub purpose: String,
    /// Which way; empty for all.
    pub channel: String,
    /// What was said; empty for all.
    pub state: String,
    /// How; empty for all.
    pub method: String,
    /// The key of the text that was shown; empty for all.
    pub notice: String,
}

/// Where a list goes on: after this statement, under whichever identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct After {
    /// When it was said, in microseconds.
    pub occurred_at: i64,
    /// The event.
    pub event_id: [u8; 16],
    /// What for.
    pub purpose: String,
    /// Which way.
    pub channel: String,
    /// About what.
    pub topic: String,
}

/// The latest statements that were recorded. Those of one statement, which is noted for every identifier of its person, stand together.
pub async fn latest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: &Filter,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<ConsentRow>> {
    let text = sql!(
        "SELECT handle, event_id, purpose, channel, topic, state, occurred_at, until_at, recorded_at, notice, notice_version, locale, method,
           actor, evidence
         FROM consents
         WHERE workspace = $1 AND occurred_at <= $2
           AND (occurred_at < $2 OR (event_id, purpose, channel, topic) > ($3, $4, $5, $6))
           AND ($7 = '' OR purpose = $7) AND ($8 = '' OR channel = $8) AND ($9 = '' OR state = $9) AND ($10 = '' OR method = $10)
           AND ($11 = '' OR notice = $11)
         ORDER BY occurred_at DESC, event_id, purpose, channel, topic, handle LIMIT $12"
    );
    let first = After { occurred_at: i64::MAX, ..After::default() };
    let After { occurred_at, event_id, purpose: last_purpose, channel: last_channel, topic } = after.unwrap_or(&first);
    let Filter { purpose, channel, state, method, notice } = filter;
    let values = args![
        workspace,
        *occurred_at,
        *event_id,
        last_purpose,
        last_channel,
        topic,
        purpose,
        channel,
        state,
        method,
        notice,
        limit
    ];
    db.fetch_all(text, values).await
}

/// Everybody who said anything.
pub async fn handles(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<Handle>> {
    let text = sql!("SELECT DISTINCT handle FROM consents WHERE workspace = $1");
    Ok(db.fetch_all::<(Handle,)>(text, args![workspace]).await?.into_iter().map(|(handle,)| handle).collect())
}
