//! What a version says of each person.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Args, Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// A score. Of what a model says: money and probabilities in millionths.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ScoreRow {
    /// Of which model.
    pub model: String,
    /// Whose (by their oldest identifier).
    pub handle: Handle,
    /// By which version.
    pub version: i64,
    /// As of when.
    pub scored_at: Timestamp,
    /// What the model says.
    pub score: i64,
    /// The lower end of its interval.
    pub low: i64,
    /// The upper end.
    pub high: i64,
    /// 10 for the tenth with the highest scores, 1 for the lowest.
    pub tenth: i64,
    /// In which cell of the page's matrix.
    pub part: String,
    /// With whom they came.
    pub cohort: String,
    /// The rest, and the reasons.
    pub detail: Value,
}

/// Whose scores are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// With at least this score.
    pub from: i64,
    /// With a lower score than this.
    pub to: i64,
    /// Only of the tenths from one to another.
    pub tenths: (i64, i64),
    /// Only of this cell; empty is all.
    pub part: String,
    /// Only of this cohort; empty is all.
    pub cohort: String,
    /// Only of whom this mark is said; empty is all.
    pub mark: String,
    /// The lowest first.
    pub ascending: bool,
    /// How many are skipped.
    pub offset: i64,
    /// How many at most.
    pub limit: i64,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            from: i64::MIN,
            to: i64::MAX,
            tenths: (0, 10),
            part: String::new(),
            cohort: String::new(),
            mark: String::new(),
            ascending: false,
            offset: 0,
            limit: 50,
        }
    }
}

/// Writes scores in the place of those before.
pub async fn put(tx: &mut Tx, workspace: WorkspaceId, rows: &[ScoreRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO scores (workspace, model, handle, version, scored_at, score, low, high, tenth, part, cohort, detail) VALUES {rows}
         ON CONFLICT (handle, model, workspace) DO UPDATE SET
           version = excluded.version, scored_at = excluded.scored_at, score = excluded.score, low = excluded.low, high = excluded.high,
           tenth = excluded.tenth, part = excluded.part, cohort = excluded.cohort, detail = excluded.detail"
    );
    let row = |r: &ScoreRow| {
        args![
            workspace,
            &r.model,
            r.handle,
            r.version,
            r.scored_at,
            r.score,
            r.low,
            r.high,
            r.tenth,
            &r.part,
            &r.cohort,
            &r.detail
        ]
    };
    tx.execute_many(text, rows.iter().map(row)).await.map(drop)
}

/// Some of those whose scores are from before an instant.
pub async fn before(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    model: &str,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Handle>> {
    let find = sql!(
        "SELECT handle FROM scores WHERE workspace = $1 AND model = $2 AND scored_at < $3 ORDER BY scored_at, handle LIMIT $4"
    );
    let rows: Vec<(Handle,)> = db.fetch_all(find, args![workspace, model, before, limit]).await?;
    Ok(rows.into_iter().map(|(handle,)| handle).collect())
}

/// Forgets what a model says of these.
pub async fn forget(tx: &mut Tx, workspace: WorkspaceId, model: &str, handles: &[Handle]) -> Result<()> {
    let forget = sql!("DELETE FROM scores WHERE model = $2 AND handle IN ($3) AND workspace = $1");
    tx.execute(forget, args![workspace, model, handles]).await.map(drop)
}

/// What all models say of these identifiers' person, the newest first where a model says two things.
pub async fn of_handles(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<ScoreRow>> {
    let find = sql!(
        "SELECT model, handle, version, scored_at, score, low, high, tenth, part, cohort, detail FROM scores
         WHERE +workspace = $1 AND handle IN ($2) ORDER BY model, scored_at DESC, handle"
    );
    db.fetch_all(find, args![workspace, handles]).await
}

/// A page of scores, the highest first unless said.
pub async fn page(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    model: &str,
    wanted: &Wanted,
) -> Result<Vec<ScoreRow>> {
    let highest = sql!(
        "SELECT model, handle, version, scored_at, score, low, high, tenth, part, cohort, detail FROM scores
         WHERE workspace = $1 AND model = $2 AND score >= $3 AND score < $4 AND tenth >= $5 AND tenth <= $6
           AND ($7 = '' OR part = $7) AND ($8 = '' OR cohort = $8)
           AND ($9 = '' OR handle IN (SELECT handle FROM score_marks WHERE workspace = $1 AND model = $2 AND mark = $9))
         ORDER BY score DESC, handle LIMIT $10 OFFSET $11"
    );
    let lowest = sql!(
        "SELECT model, handle, version, scored_at, score, low, high, tenth, part, cohort, detail FROM scores
         WHERE workspace = $1 AND model = $2 AND score >= $3 AND score < $4 AND tenth >= $5 AND tenth <= $6
           AND ($7 = '' OR part = $7) AND ($8 = '' OR cohort = $8)
           AND ($9 = '' OR handle IN (SELECT handle FROM score_marks WHERE workspace = $1 AND model = $2 AND mark = $9))
         ORDER BY score, handle LIMIT $10 OFFSET $11"
    );
    let mut values = wanted.args(workspace, model);
    values.0.extend(args![wanted.limit, wanted.offset].0);
    db.fetch_all(if wanted.ascending { lowest } else { highest }, values).await
}

/// How many scores fit.
pub async fn count(db: &mut impl Queries, workspace: WorkspaceId, model: &str, wanted: &Wanted) -> Result<i64> {
    let text = sql!(
        "SELECT COUNT(*) FROM scores WHERE workspace = $1 AND model = $2 AND score >= $3 AND score < $4 AND tenth >= $5 AND tenth <= $6
           AND ($7 = '' OR part = $7) AND ($8 = '' OR cohort = $8)
           AND ($9 = '' OR handle IN (SELECT handle FROM score_marks WHERE workspace = $1 AND model = $2 AND mark = $9))"
    );
    db.scalar(text, wanted.args(workspace, model)).await
}

impl Wanted {
    fn args(&self, workspace: WorkspaceId, model: &str) -> Args {
        let (least, most) = self.tenths;
        args![workspace, model, self.from, self.to, least, most, &self.part, &self.cohort, &self.mark]
    }
}

/// Everybody's score with whose it is now: (person, score), the newest first where somebody has two.
pub async fn everybody(db: &mut impl Queries, workspace: WorkspaceId, model: &str) -> Result<Vec<(PersonId, i64)>> {
    let text = sql!(
        "SELECT i.person, s.score FROM scores s JOIN identifiers i ON i.workspace = s.workspace AND i.handle = s.handle
         WHERE s.workspace = $1 AND s.model = $2 ORDER BY i.person, s.scored_at DESC"
    );
    db.fetch_all(text, args![workspace, model]).await
}

/// What is kept of everybody beside the score, with whose it is now: (person, detail), the newest first where somebody has two.
pub async fn details(db: &mut impl Queries, workspace: WorkspaceId, model: &str) -> Result<Vec<(PersonId, Value)>> {
    let text = sql!(
        "SELECT i.person, s.detail FROM scores s JOIN identifiers i ON i.workspace = s.workspace AND i.handle = s.handle
         WHERE s.workspace = $1 AND s.model = $2 ORDER BY i.person, s.scored_at DESC"
    );
    db.fetch_all(text, args![workspace, model]).await
}
