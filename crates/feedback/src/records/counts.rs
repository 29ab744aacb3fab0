//! Answers counted by value, for scores. All scales are short, so a million answers are some tens of rows.
//!
//! Always holds: what was answered to the end counts, what was left in the middle only where it is asked for; what is over a quota never does.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, args, sql};

use super::responses::{COMPLETED, PARTIAL, Source};

/// What answers can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// By which channel they were asked.
    Channel,
    /// At which touchpoint.
    Touchpoint,
    /// About which product.
    Product,
    /// About whose service.
    Agent,
    /// Which version of the survey.
    Version,
    /// Which round of asking.
    Wave,
    /// From where the answer came.
    Source,
    /// In which language.
    Language,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Channel,
        Self::Touchpoint,
        Self::Product,
        Self::Agent,
        Self::Version,
        Self::Wave,
        Self::Source,
        Self::Language,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Touchpoint => "touchpoint",
            Self::Product => "product",
            Self::Agent => "agent",
            Self::Version => "version",
            Self::Wave => "wave",
            Self::Source => "source",
            Self::Language => "language",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// Which answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which<'a> {
    /// The survey's number.
    pub survey: i64,
    /// The question's key.
    pub question: &'a str,
    /// From when.
    pub from: Timestamp,
    /// Until before when.
    pub to: Timestamp,
    /// Of responses that were left in the middle, too.
    pub partial: bool,
    /// Of those alone who were invited.
    pub invited: bool,
}

impl Which<'_> {
    /// The other state that counts.
    const fn other_state(&self) -> &'static str {
        if self.partial { PARTIAL } else { COMPLETED }
    }

    /// The only source that counts; empty where all do.
    const fn source(&self) -> &'static str {
        if self.invited { Source::Invitation.as_str() } else { "" }
    }
}

/// How many gave one value on one scale.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct CountRow {
    /// What they are counted by; none where that is not known, or where they are counted by nothing.
    pub dimension: Option<String>,
    /// Which part of the question.
    pub part: String,
    /// The kind of question.
    pub kind: String,
    /// The least of the scale that it was answered on.
    pub low: Option<i64>,
    /// The most of it.
    pub high: Option<i64>,
    /// Which end is the good one.
    pub direction: Option<String>,
    /// The value; none where there was no number.
    pub number: Option<i64>,
    /// How many.
    pub answers: i64,
}

/// Counts answers by value, and by a dimension if there is one.
pub async fn by_value(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    which: Which<'_>,
    by: Option<Dimension>,
) -> Result<Vec<CountRow>> {
    let text = sql!(
        "SELECT CASE CAST($7 AS TEXT) WHEN 'channel' THEN r.channel WHEN 'touchpoint' THEN r.touchpoint WHEN 'product' THEN r.product
             WHEN 'agent' THEN r.agent WHEN 'version' THEN CAST(r.version AS TEXT) WHEN 'wave' THEN CAST(r.wave AS TEXT)
             WHEN 'source' THEN r.source WHEN 'language' THEN r.language END AS dimension,
           a.part AS part, a.kind AS kind, a.low AS low, a.high AS high, a.direction AS direction, a.number AS number, COUNT(*) AS answers
         FROM answers a JOIN responses r ON r.id = a.response AND r.workspace = a.workspace
         WHERE a.workspace = $1 AND a.survey = $2 AND a.question = $3 AND a.answered_at >= $4 AND a.answered_at < $5
           AND (r.state = 'completed' OR r.state = $6) AND (CAST($8 AS TEXT) = '' OR r.source = $8)
         GROUP BY dimension, a.part, a.kind, a.low, a.high, a.direction, a.number
         ORDER BY dimension NULLS FIRST, a.part, a.kind, a.low NULLS FIRST, a.high NULLS FIRST, a.direction NULLS FIRST, a.number NULLS FIRST"
    );
    db.fetch_all(text, values(workspace, which, by)).await
}

fn values(workspace: WorkspaceId, which: Which<'_>, by: Option<Dimension>) -> rapport_store::Args {
    args![
        workspace,
        which.survey,
        which.question,
        which.from,
        which.to,
        which.other_state(),
        by.map_or("", Dimension::as_str),
        which.source()
    ]
}

/// How many gave the same two answers to the halves of a Kano question, each from 1 (like) to 5 (dislike).
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct PairRow {
    /// What they are counted by.
    pub dimension: Option<String>,
    /// If it is there.
    pub functional: i64,
    /// If it is not.
    pub dysfunctional: i64,
    /// How many.
    pub answers: i64,
}

/// Counts pairs of answers, of those who gave both.
pub async fn pairs(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    which: Which<'_>,
    by: Option<Dimension>,
) -> Result<Vec<PairRow>> {
    let text = sql!(
        "SELECT CASE CAST($7 AS TEXT) WHEN 'channel' THEN r.channel WHEN 'touchpoint' THEN r.touchpoint WHEN 'product' THEN r.product
             WHEN 'agent' THEN r.agent WHEN 'version' THEN CAST(r.version AS TEXT) WHEN 'wave' THEN CAST(r.wave AS TEXT)
             WHEN 'source' THEN r.source WHEN 'language' THEN r.language END AS dimension,
           f.number AS functional, d.number AS dysfunctional, COUNT(*) AS answers
         FROM answers f
           JOIN answers d ON d.response = f.response AND d.question = f.question AND d.part = 'dysfunctional' AND d.workspace = f.workspace
           JOIN responses r ON r.id = f.response AND r.workspace = f.workspace
         WHERE f.workspace = $1 AND f.survey = $2 AND f.question = $3 AND f.answered_at >= $4 AND f.answered_at < $5 AND f.part = 'functional'
           AND f.number IS NOT NULL AND d.number IS NOT NULL AND (r.state = 'completed' OR r.state = $6)
           AND (CAST($8 AS TEXT) = '' OR r.source = $8)
         GROUP BY dimension, f.number, d.number ORDER BY dimension NULLS FIRST, f.number, d.number"
    );
    db.fetch_all(text, values(workspace, which, by)).await
}

/// A number that somebody gave on a scale.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct NumberRow {
    /// The response.
    pub response: String,
    /// The question.
    pub question: String,
    /// The least of the scale.
    pub low: i64,
    /// The most of it.
    pub high: i64,
    /// Which end is the good one.
    pub direction: String,
    /// The number.
    pub number: i64,
    /// What people are compared by; none where that is not known, or where they are compared by nothing.
    pub dimension: Option<String>,
}

/// The numbers that were given to some questions with a scale, by response: the responses that were begun last, at most so many rows. What a choice of one
/// stands for is on a scale from 0 to 1.
pub async fn numbers(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (survey, questions): (i64, &[String]),
    (from, to): (Timestamp, Timestamp),
    by: Option<Dimension>,
    limit: i64,
) -> Result<Vec<NumberRow>> {
    let text = sql!(
        "SELECT a.response AS response, a.question AS question, COALESCE(a.low, CAST('0' AS BIGINT)) AS low, COALESCE(a.high, CAST('1' AS BIGINT)) AS high,
           COALESCE(a.direction, 'up') AS direction, a.number AS number,
           CASE CAST($7 AS TEXT) WHEN 'channel' THEN r.channel WHEN 'touchpoint' THEN r.touchpoint WHEN 'product' THEN r.product
             WHEN 'agent' THEN r.agent WHEN 'version' THEN CAST(r.version AS TEXT) WHEN 'wave' THEN CAST(r.wave AS TEXT)
             WHEN 'source' THEN r.source WHEN 'language' THEN r.language END AS dimension
         FROM responses r JOIN answers a ON a.response = r.id AND a.workspace = r.workspace
         WHERE r.workspace = $1 AND r.survey = $2 AND r.started_at >= $4 AND r.started_at < $5 AND r.state = 'completed'
           AND a.question IN ($3) AND a.part = '' AND a.number IS NOT NULL
           AND ((a.low IS NOT NULL AND a.high IS NOT NULL AND a.direction IS NOT NULL) OR a.kind = 'single')
         ORDER BY r.started_at DESC, a.response, a.question LIMIT $6"
    );
    db.fetch_all(text, args![workspace, survey, questions, from, to, limit, by.map_or("", Dimension::as_str)]).await
}

/// How many chose something.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ChosenRow {
    /// What they are counted by.
    pub dimension: Option<String>,
    /// The kind of question.
    pub kind: String,
    /// The row of a matrix; empty of other questions.
    pub line: String,
    /// What was chosen; of a ranking what was put first.
    pub picked: String,
    /// How many.
    pub answers: i64,
}

/// Counts what was chosen from a list.
pub async fn chosen(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    which: Which<'_>,
    by: Option<Dimension>,
) -> Result<Vec<ChosenRow>> {
    let text = sql!(
        "SELECT CASE CAST($7 AS TEXT) WHEN 'channel' THEN r.channel WHEN 'touchpoint' THEN r.touchpoint WHEN 'product' THEN r.product
             WHEN 'agent' THEN r.agent WHEN 'version' THEN CAST(r.version AS TEXT) WHEN 'wave' THEN CAST(r.wave AS TEXT)
             WHEN 'source' THEN r.source WHEN 'language' THEN r.language END AS dimension,
           a.kind AS kind, CASE a.kind WHEN 'matrix' THEN a.part ELSE '' END AS line,
           CASE a.kind WHEN 'ranking' THEN a.part ELSE a.choice END AS picked, COUNT(*) AS answers
         FROM answers a JOIN responses r ON r.id = a.response AND r.workspace = a.workspace
         WHERE a.workspace = $1 AND a.survey = $2 AND a.question = $3 AND a.answered_at >= $4 AND a.answered_at < $5
           AND (r.state = 'completed' OR r.state = $6) AND (CAST($8 AS TEXT) = '' OR r.source = $8)
           AND ((a.kind IN ('single', 'multiple', 'matrix', 'consent') AND a.choice IS NOT NULL) OR (a.kind = 'ranking' AND a.number = CAST('1' AS BIGINT)))
         GROUP BY dimension, a.kind, line, picked ORDER BY dimension NULLS FIRST, a.kind, line, picked"
    );
    db.fetch_all(text, values(workspace, which, by)).await
}

/// How many answered a question with a list at all.
pub async fn answered(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    which: Which<'_>,
    by: Option<Dimension>,
) -> Result<Vec<(Option<String>, i64)>> {
    let text = sql!(
        "SELECT CASE CAST($7 AS TEXT) WHEN 'channel' THEN r.channel WHEN 'touchpoint' THEN r.touchpoint WHEN 'product' THEN r.product
             WHEN 'agent' THEN r.agent WHEN 'version' THEN CAST(r.version AS TEXT) WHEN 'wave' THEN CAST(r.wave AS TEXT)
             WHEN 'source' THEN r.source WHEN 'language' THEN r.language END AS dimension, COUNT(DISTINCT a.response)
         FROM answers a JOIN responses r ON r.id = a.response AND r.workspace = a.workspace
         WHERE a.workspace = $1 AND a.survey = $2 AND a.question = $3 AND a.answered_at >= $4 AND a.answered_at < $5
           AND (r.state = 'completed' OR r.state = $6) AND (CAST($8 AS TEXT) = '' OR r.source = $8)
           AND a.kind IN ('single', 'multiple', 'consent', 'ranking')
         GROUP BY dimension ORDER BY dimension NULLS FIRST"
    );
    db.fetch_all(text, values(workspace, which, by)).await
}

/// What somebody gave, and when.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct GivenRow {
    /// Whose that is, if that is known.
    pub person: Option<PersonId>,
    /// When.
    pub answered_at: Timestamp,
    /// Which part of the question.
    pub part: String,
    /// The kind of question.
    pub kind: String,
    /// The least of the scale.
    pub low: Option<i64>,
    /// The most of it.
    pub high: Option<i64>,
    /// Which end is the good one.
    pub direction: Option<String>,
    /// The value.
    pub number: Option<i64>,
}

/// Every answer by itself, in the order of time, where who gave it matters: the latest so many.
pub async fn given(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    which: Which<'_>,
    limit: i64,
) -> Result<Vec<GivenRow>> {
    let text = sql!(
        "SELECT a.person AS person, a.answered_at AS answered_at, a.part AS part, a.kind AS kind, a.low AS low, a.high AS high,
           a.direction AS direction, a.number AS number
         FROM answers a JOIN responses r ON r.id = a.response AND r.workspace = a.workspace
         WHERE a.workspace = $1 AND a.survey = $2 AND a.question = $3 AND a.answered_at >= $4 AND a.answered_at < $5
           AND (r.state = 'completed' OR r.state = $6) AND (CAST($8 AS TEXT) = '' OR r.source = $8)
         ORDER BY a.answered_at DESC, a.response, a.part LIMIT $7"
    );
    let args = args![
        workspace,
        which.survey,
        which.question,
        which.from,
        which.to,
        which.other_state(),
        limit,
        which.source()
    ];
    let mut rows: Vec<GivenRow> = db.fetch_all(text, args).await?;
    rows.reverse();
    Ok(rows)
}

/// How many were invited in a time and not lost on the way, by a dimension; none for those of which an invitation says nothing.
pub async fn reached(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    which: Which<'_>,
    by: Dimension,
) -> Result<Vec<(Option<String>, i64)>> {
    let text = sql!(
        "SELECT CASE CAST($5 AS TEXT) WHEN 'channel' THEN channel WHEN 'touchpoint' THEN touchpoint WHEN 'product' THEN product
             WHEN 'agent' THEN agent WHEN 'version' THEN CAST(version AS TEXT) WHEN 'wave' THEN CAST(wave AS TEXT)
             WHEN 'source' THEN 'invitation' END AS dimension, COUNT(*)
         FROM invitations
         WHERE workspace = $1 AND survey = $2 AND invited_at >= $3 AND invited_at < $4 AND state = 'invited'
         GROUP BY dimension ORDER BY dimension NULLS FIRST"
    );
    db.fetch_all(text, args![workspace, which.survey, which.from, which.to, by.as_str()]).await
}
