//! What somebody answered to a survey, as a whole: from where, how far, and whether it is complete.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::counts::Dimension;

/// Being answered, or left in the middle: what was given counts in figures by question where it is asked for.
pub const PARTIAL: &str = "partial";
/// Answered to the end.
pub const COMPLETED: &str = "completed";
/// Answered to the end when enough others had: kept, not counted.
pub const OVER_QUOTA: &str = "over_quota";
/// Sent away before the end, because enough others had answered.
pub const SCREENED: &str = "screened";

/// Where a response comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An invitation's own link.
    Invitation,
    /// An open link.
    Link,
    /// A device that stands somewhere.
    Kiosk,
    /// The company's own site.
    Widget,
    /// The API.
    Api,
    /// A file.
    Import,
    /// An event of a client.
    Event,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Invitation, Self::Link, Self::Kiosk, Self::Widget, Self::Api, Self::Import, Self::Event];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Link => "link",
            Self::Kiosk => "kiosk",
            Self::Widget => "widget",
            Self::Api => "api",
            Self::Import => "import",
            Self::Event => "event",
        }
    }
}

/// A stored response.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ResponseRow {
    /// Its name.
    pub id: String,
    /// The survey's number.
    pub survey: i64,
    /// The version that was answered.
    pub version: i64,
    /// Which round of asking.
    pub wave: i64,
    /// The invitation.
    pub invitation: Option<String>,
    /// What tells it from others of its source: an event's id, a line of a file, a browser's answer.
    pub origin: Option<String>,
    /// As [`Source::as_str`].
    pub source: String,
    /// Where it stands.
    pub state: String,
    /// The identifier of whoever answered, if that is known.
    pub handle: Option<Handle>,
    /// Whose that is now.
    pub person: Option<PersonId>,
    /// In which language.
    pub language: String,
    /// By which channel they were asked.
    pub channel: Option<String>,
    /// At which touchpoint.
    pub touchpoint: Option<String>,
    /// About which product.
    pub product: Option<String>,
    /// About whose service.
    pub agent: Option<String>,
    /// About which order, ticket or visit.
    pub subject: Option<String>,
    /// The page that comes next, from 0.
    pub page: i64,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When something was given last.
    pub updated_at: Timestamp,
    /// When it was answered to the end.
    pub completed_at: Option<Timestamp>,
}

/// Adds one; whether there was none of its invitation, its origin or its name.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &ResponseRow) -> Result<bool> {
    let text = sql!(
        "INSERT INTO responses (id, workspace, survey, version, wave, invitation, origin, source, state, handle, person, language, channel, touchpoint,
           product, agent, subject, page, started_at, updated_at, completed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) ON CONFLICT DO NOTHING"
    );
    let args = args![
        &row.id,
        workspace,
        row.survey,
        row.version,
        row.wave,
        row.invitation.as_deref(),
        row.origin.as_deref(),
        &row.source,
        &row.state,
        row.handle,
        row.person,
        &row.language,
        row.channel.as_deref(),
        row.touchpoint.as_deref(),
        row.product.as_deref(),
        row.agent.as_deref(),
        row.subject.as_deref(),
        row.page,
        row.started_at,
        row.updated_at,
        row.completed_at
    ];
    Ok(tx.execute(text, args).await? == 1)
}

/// One by its name.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<ResponseRow>> {
    let text = sql!(
        "SELECT id, survey, version, wave, invitation, origin, source, state, handle, person, language, channel, touchpoint, product, agent, subject,
           page, started_at, updated_at, completed_at
         FROM responses WHERE id = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, id]).await
}

/// The one of an invitation.
pub async fn of_invitation(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    invitation: &str,
) -> Result<Option<ResponseRow>> {
    let text = sql!(
        "SELECT id, survey, version, wave, invitation, origin, source, state, handle, person, language, channel, touchpoint, product, agent, subject,
           page, started_at, updated_at, completed_at
         FROM responses WHERE workspace = $1 AND invitation = $2"
    );
    db.fetch_optional(text, args![workspace, invitation]).await
}

/// The one of an origin.
pub async fn of_origin(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    survey: i64,
    origin: &str,
) -> Result<Option<ResponseRow>> {
    let text = sql!(
        "SELECT id, survey, version, wave, invitation, origin, source, state, handle, person, language, channel, touchpoint, product, agent, subject,
           page, started_at, updated_at, completed_at
         FROM responses WHERE workspace = $1 AND survey = $2 AND origin = $3"
    );
    db.fetch_optional(text, args![workspace, survey, origin]).await
}

/// Which responses; what is not said asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Only those that stand there.
    pub state: Option<&'a str>,
    /// Only those of a value of a dimension; an empty one stands for those of which it is not known.
    pub of: Option<(Dimension, &'a str)>,
    /// Only those with such an answer.
    pub answer: Option<AnswerFilter<'a>>,
    /// Only those begun from then on, or where an answer is asked for, answered.
    pub from: Timestamp,
    /// Only those before.
    pub to: Timestamp,
}

/// Which answer a response has; what is not said asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerFilter<'a> {
    /// To which question.
    pub question: &'a str,
    /// To which part of it.
    pub part: Option<&'a str>,
    /// A number of at least this.
    pub at_least: Option<i64>,
    /// A number of at most this.
    pub at_most: Option<i64>,
    /// This choice.
    pub choice: Option<&'a str>,
}

impl Default for Filter<'_> {
    fn default() -> Self {
        Self { state: None, of: None, answer: None, from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) }
    }
}

/// Those of a survey begun before another (when, and its name), the newest first.
pub async fn page(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (survey, filter): (i64, &Filter<'_>),
    (before, name): (Timestamp, &str),
    limit: i64,
) -> Result<Vec<ResponseRow>> {
    let text = sql!(
        "SELECT id, survey, version, wave, invitation, origin, source, state, handle, person, language, channel, touchpoint, product, agent, subject,
           page, started_at, updated_at, completed_at
         FROM responses r WHERE workspace = $1 AND survey = $2 AND started_at <= $3 AND (started_at < $3 OR id < $4)
           AND (CAST($6 AS TEXT) = '' OR state = $6)
           AND (CAST($7 AS TEXT) = '' OR COALESCE(CASE CAST($7 AS TEXT) WHEN 'channel' THEN channel WHEN 'touchpoint' THEN touchpoint
             WHEN 'product' THEN product WHEN 'agent' THEN agent WHEN 'version' THEN CAST(version AS TEXT) WHEN 'wave' THEN CAST(wave AS TEXT)
             WHEN 'source' THEN source WHEN 'language' THEN language END, '') = $8)
           AND ((CAST($9 AS TEXT) = '' AND started_at >= $14 AND started_at < $15) OR EXISTS (
             SELECT 1 FROM answers a WHERE a.response = r.id AND a.workspace = r.workspace AND a.question = $9
               AND (CAST($10 AS TEXT) IS NULL OR a.part = $10) AND (CAST($11 AS BIGINT) IS NULL OR a.number >= $11)
               AND (CAST($12 AS BIGINT) IS NULL OR a.number <= $12) AND (CAST($13 AS TEXT) IS NULL OR a.choice = $13)
               AND a.answered_at >= $14 AND a.answered_at < $15))
         ORDER BY started_at DESC, id DESC LIMIT $5"
    );
    let answer = filter.answer.unwrap_or_default();
    let (dimension, value) = filter.of.map_or(("", ""), |(dimension, value)| (dimension.as_str(), value));
    let args = args![
        workspace,
        survey,
        before,
        name,
        limit,
        filter.state.unwrap_or_default(),
        dimension,
        value,
        answer.question,
        answer.part,
        answer.at_least,
        answer.at_most,
        answer.choice,
        filter.from,
        filter.to
    ];
    db.fetch_all(text, args).await
}

/// Whose the responses of a survey are that were answered to the end and begun within a time, of whom that is known: (response, person), the newest first.
pub async fn owners(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    survey: i64,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<(String, PersonId)>> {
    let text = sql!(
        "SELECT id, person FROM responses
         WHERE workspace = $1 AND survey = $2 AND started_at >= $3 AND started_at < $4 AND state = 'completed' AND person IS NOT NULL
         ORDER BY started_at DESC, id DESC"
    );
    db.fetch_all(text, args![workspace, survey, from, to]).await
}

/// Those of a person, the newest first.
pub async fn of_person(db: &mut impl Queries, workspace: WorkspaceId, person: PersonId) -> Result<Vec<ResponseRow>> {
    let text = sql!(
        "SELECT id, survey, version, wave, invitation, origin, source, state, handle, person, language, channel, touchpoint, product, agent, subject,
           page, started_at, updated_at, completed_at
         FROM responses WHERE +workspace = $1 AND person = $2 ORDER BY started_at DESC, id DESC"
    );
    db.fetch_all(text, args![workspace, person]).await
}

/// How many there are of a survey, by wave, source and state.
pub async fn counts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    survey: i64,
) -> Result<Vec<(i64, String, String, i64)>> {
    let text = sql!(
        "SELECT wave, source, state, COUNT(*) FROM responses WHERE workspace = $1 AND survey = $2 GROUP BY wave, source, state ORDER BY wave, source, state"
    );
    db.fetch_all(text, args![workspace, survey]).await
}

/// Goes on to a page or to an end, from [`PARTIAL`]; whether it still was that.
pub async fn go_on(tx: &mut Tx, workspace: WorkspaceId, row: &ResponseRow) -> Result<bool> {
    let text = sql!(
        "UPDATE responses SET state = $3, page = $4, updated_at = $5, completed_at = $6, language = $7
         WHERE id = $2 AND workspace = $1 AND state = 'partial'"
    );
    let args = args![workspace, &row.id, &row.state, row.page, row.updated_at, row.completed_at, &row.language];
    Ok(tx.execute(text, args).await? == 1)
}

/// Takes away a response with its answers, by its origin, in whichever of these surveys it is; whether there was one. Its quotas keep counting it.
pub async fn forget(tx: &mut Tx, workspace: WorkspaceId, surveys: &[i64], origin: &str) -> Result<bool> {
    let find = sql!("SELECT id FROM responses WHERE workspace = $1 AND survey IN ($2) AND origin = $3");
    let found: Vec<(String,)> = tx.fetch_all(find, args![workspace, surveys, origin]).await?;
    let ids: Vec<String> = found.into_iter().map(|(id,)| id).collect();
    if ids.is_empty() {
        return Ok(false);
    }
    tx.execute(
        sql!("DELETE FROM answers WHERE response IN ($2) AND +workspace = $1"),
        args![workspace, ids.as_slice()],
    )
    .await?;
    tx.execute(sql!("DELETE FROM responses WHERE id IN ($2) AND +workspace = $1"), args![workspace, ids.as_slice()])
        .await?;
    Ok(true)
}
