//! What was chosen, answer by answer, where several questions are looked at together.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, args, sql};

/// A choice that somebody made.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct PickedRow {
    /// The response.
    pub response: String,
    /// The round of asking.
    pub wave: i64,
    /// The question.
    pub question: String,
    /// What was chosen.
    pub choice: String,
}

/// What was chosen in some questions by those who answered to the end, by response: the responses that were begun last, at most so many rows; and whether there are
/// more. A response is there with all of its choices or not at all.
pub async fn picked(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (survey, questions): (i64, &[String]),
    (from, to): (Timestamp, Timestamp),
    limit: i64,
) -> Result<(Vec<PickedRow>, bool)> {
    let text = sql!(
        "SELECT a.response AS response, r.wave AS wave, a.question AS question, a.choice AS choice
         FROM responses r JOIN answers a ON a.response = r.id AND a.workspace = r.workspace
         WHERE r.workspace = $1 AND r.survey = $2 AND r.started_at >= $4 AND r.started_at < $5 AND r.state = 'completed'
           AND a.question IN ($3) AND a.kind IN ('single', 'multiple') AND a.choice IS NOT NULL
         ORDER BY r.started_at DESC, a.response, a.question, a.choice LIMIT $6"
    );
    let mut rows: Vec<PickedRow> = db.fetch_all(text, args![workspace, survey, questions, from, to, limit]).await?;
    let is_cut = rows.len() as i64 >= limit;
    if is_cut && let Some(last) = rows.last().map(|it| it.response.clone()) {
        rows.retain(|it| it.response != last);
    }
    Ok((rows, is_cut))
}
