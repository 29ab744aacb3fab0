//! Reviews as they are stored.

use rapport_domain::{EventId, Handle, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Sql, Tx, args, sql};

use super::State;
use super::authenticity::{Purchase, Sign, Verdict};

/// A stored review.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ReviewRow {
    /// The event that told it; its words are kept under it.
    pub event_id: [u8; 16],
    /// Where it came from.
    pub source: SourceId,
    /// What it is called there.
    pub review_key: String,
    /// By whom; nobody's (0) when they were forgotten.
    pub handle: Handle,
    /// Of which product.
    pub product_id: String,
    /// What the product was called.
    pub product_name: Option<String>,
    /// Stars, 1 to 5.
    pub rating: i64,
    /// The language its source gives.
    pub language: Option<String>,
    /// When.
    pub written_at: Timestamp,
    /// When it was heard of.
    pub recorded_at: Timestamp,
    /// When to look at it.
    pub judge_at: Option<Timestamp>,
    /// Whether they had the product: a word of [`Purchase`].
    pub purchase: String,
    /// 0 to 100.
    pub doubt: i64,
    /// Why.
    pub signs: Json<Vec<(Sign, f64)>>,
    /// A word of [`State`].
    pub state: String,
    /// When somebody of the staff decided.
    pub decided_at: Option<Timestamp>,
    /// Who.
    pub decided_by: Option<String>,
    /// Why.
    pub decided_why: Option<String>,
    /// What the company says to it in public.
    pub answer: Option<String>,
    /// When.
    pub answered_at: Option<Timestamp>,
    /// Who wrote that.
    pub answered_by: Option<String>,
}

const COLUMNS: &str = "event_id, source, review_key, handle, product_id, product_name, rating, language, written_at, recorded_at, judge_at, purchase,
    doubt, signs, state, decided_at, decided_by, decided_why, answer, answered_at, answered_by";

/// A review as an event tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewReview {
    /// The event.
    pub event_id: [u8; 16],
    /// Where it came from.
    pub source: SourceId,
    /// What it is called there, if it has a name.
    pub review_key: Option<String>,
    /// By whom.
    pub handle: Handle,
    /// Of which product.
    pub product_id: String,
    /// What the product is called.
    pub product_name: Option<String>,
    /// Stars, 1 to 5.
    pub rating: i64,
    /// The language its source gives.
    pub language: Option<String>,
    /// When.
    pub written_at: Timestamp,
}

/// Adds reviews. One that is there already under its name at its source is changed, if this is not older, and judged anew; what staff decided about it
/// and said to it goes with its new words only if it is decided again, so an answer stays and a decision does not.
///
/// # Errors
/// The store's.
pub async fn tell(tx: &mut Tx, workspace: WorkspaceId, reviews: &[NewReview], now: Timestamp) -> Result<()> {
    for one in reviews {
        let key = one.review_key.clone().unwrap_or_else(|| EventId(one.event_id).to_hex());
        let marks = sql!(
            "DELETE FROM review_marks WHERE workspace = $1 AND event_id IN
               (SELECT event_id FROM reviews WHERE review_key = $2 AND source = $3 AND workspace = $1 AND written_at <= $4)"
        );
        tx.execute(marks, args![workspace, &key, one.source, one.written_at]).await?;
        let text = sql!(
            "INSERT INTO reviews (workspace, event_id, source, review_key, handle, product_id, product_name, rating, language, written_at,
               recorded_at, judge_at, purchase, doubt, signs, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, 'unknown', $12, '[]', 'new')
             ON CONFLICT (review_key, source, workspace) DO UPDATE SET event_id = excluded.event_id, handle = excluded.handle,
               product_id = excluded.product_id, product_name = excluded.product_name, rating = excluded.rating, language = excluded.language,
               written_at = excluded.written_at, recorded_at = excluded.recorded_at, judge_at = excluded.judge_at, state = 'new',
               decided_at = NULL, decided_by = NULL, decided_why = NULL
             WHERE reviews.written_at <= excluded.written_at"
        );
        let args = args![
            workspace,
            one.event_id,
            one.source,
            &key,
            one.handle,
            &one.product_id,
            one.product_name.as_deref(),
            one.rating,
            one.language.as_deref(),
            one.written_at,
            now,
            0i64
        ];
        tx.execute(text, args).await?;
    }
    Ok(())
}

/// Takes back what an event told that another one replaces.
pub async fn forget(tx: &mut Tx, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<()> {
    for text in [
        sql!("DELETE FROM review_marks WHERE event_id = $2 AND workspace = $1"),
        sql!("DELETE FROM reviews WHERE event_id = $2 AND workspace = $1"),
    ] {
        tx.execute(text, args![workspace, event_id]).await?;
    }
    Ok(())
}

/// Those to be looked at by now, of all workspaces.
pub async fn to_judge(db: &mut impl Queries, now: Timestamp, limit: i64) -> Result<Vec<(WorkspaceId, [u8; 16])>> {
    let text = sql!(
        "SELECT workspace, event_id FROM reviews WHERE judge_at IS NOT NULL AND judge_at <= $1 ORDER BY judge_at, event_id LIMIT $2"
    );
    db.fetch_all(text, args![now, limit]).await
}

/// One of them.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<Option<ReviewRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM reviews WHERE event_id = $2 AND workspace = $1"));
    db.fetch_optional(text, args![workspace, event_id]).await
}

/// What others rate a product: how many, and the sum of their stars. Whoever asks is named by all their identifiers.
pub async fn by_others(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    product: &str,
    own: &[Handle],
) -> Result<(i64, i64)> {
    let text = sql!(
        "SELECT COUNT(*), CAST(COALESCE(SUM(rating), 0) AS BIGINT) FROM reviews
         WHERE product_id = $2 AND workspace = $1 AND state <> 'hidden' AND handle NOT IN ($3)"
    );
    let row: Option<(i64, i64)> = db.fetch_optional(text, args![workspace, product, own]).await?;
    Ok(row.unwrap_or_default())
}

/// The products that whoever has these identifiers reviewed.
///
/// # Errors
/// The store's.
pub async fn products_of(db: &mut impl Queries, workspace: WorkspaceId, handles: &[Handle]) -> Result<Vec<String>> {
    let text =
        sql!("SELECT DISTINCT product_id FROM reviews WHERE +workspace = $1 AND handle IN ($2) ORDER BY product_id");
    let rows: Vec<(String,)> = db.fetch_all(text, args![workspace, handles]).await?;
    Ok(rows.into_iter().map(|it| it.0).collect())
}

/// All that somebody rated: (when, stars).
pub async fn own(db: &mut impl Queries, workspace: WorkspaceId, own: &[Handle]) -> Result<Vec<(Timestamp, i64)>> {
    let text = sql!(
        "SELECT written_at, rating FROM reviews WHERE handle IN ($2) AND workspace = $1 ORDER BY written_at, event_id"
    );
    db.fetch_all(text, args![workspace, own]).await
}

/// How many reviewed a product from one instant on and before another.
pub async fn count_between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    product: &str,
    (from, until): (Timestamp, Timestamp),
) -> Result<i64> {
    let text = sql!(
        "SELECT COUNT(*) FROM reviews WHERE product_id = $2 AND workspace = $1 AND written_at >= $3 AND written_at < $4"
    );
    let row: Option<(i64,)> = db.fetch_optional(text, args![workspace, product, from, until]).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Who reviewed a product, the newest first.
pub async fn reviewers(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    product: &str,
    limit: i64,
) -> Result<Vec<(Handle,)>> {
    let text = sql!(
        "SELECT handle FROM reviews WHERE product_id = $2 AND workspace = $1 AND handle <> 0 ORDER BY written_at DESC, event_id LIMIT $3"
    );
    db.fetch_all(text, args![workspace, product, limit]).await
}

/// Keeps the marks by which texts like it are found.
pub async fn mark(tx: &mut Tx, workspace: WorkspaceId, of: ([u8; 16], Handle), marks: &[i64]) -> Result<()> {
    let text =
        sql!("INSERT INTO review_marks (workspace, event_id, handle, mark) VALUES {rows} ON CONFLICT DO NOTHING");
    let rows = marks.iter().map(|mark| args![workspace, of.0, of.1, *mark]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Which reviews share a mark with a text: candidates, to be compared. (event, who, product, when)
pub async fn alike(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    marks: &[i64],
    limit: i64,
) -> Result<Vec<([u8; 16], Handle, String, Timestamp)>> {
    let text = sql!(
        "SELECT r.event_id, r.handle, r.product_id, r.written_at FROM reviews r WHERE r.workspace = $1 AND r.event_id IN
           (SELECT m.event_id FROM review_marks m WHERE m.mark IN ($2) AND m.workspace = $1)
         ORDER BY r.written_at, r.event_id LIMIT $3"
    );
    db.fetch_all(text, args![workspace, marks, limit]).await
}

/// Notes what was found. A decision of somebody of the staff is left as it is. `before` is what was judged: changed meanwhile, it is judged anew.
///
/// # Errors
/// The store's.
pub async fn judged(
    tx: &mut Tx,
    workspace: WorkspaceId,
    before: &ReviewRow,
    verdict: &Verdict,
    (purchase, limit): (Purchase, u8),
) -> Result<bool> {
    let state = if verdict.doubt >= limit { State::Waiting } else { State::Shown };
    let text = sql!(
        "UPDATE reviews SET judge_at = NULL, purchase = $3, doubt = $4, signs = $5,
           state = CASE WHEN decided_at IS NULL THEN $6 ELSE state END
         WHERE event_id = $2 AND workspace = $1 AND judge_at = $7"
    );
    let args = args![
        workspace,
        before.event_id,
        purchase.as_str(),
        i64::from(verdict.doubt),
        Json(verdict.signs.clone()),
        state.as_str(),
        before.judge_at
    ];
    Ok(tx.execute(text, args).await? > 0)
}

/// Looks again at the reviews of a product of a time, but for what staff decided: their neighbours have changed.
pub async fn judge_again(
    tx: &mut Tx,
    workspace: WorkspaceId,
    product: &str,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<u64> {
    let text = sql!(
        "UPDATE reviews SET judge_at = $5 WHERE product_id = $2 AND workspace = $1 AND written_at >= $3 AND written_at < $4
           AND judge_at IS NULL AND decided_at IS NULL"
    );
    tx.execute(text, args![workspace, product, from, until, now]).await
}

/// Looks again at all reviews of a workspace but those that staff decided about; how many they are.
pub async fn judge_all_again(tx: &mut Tx, workspace: WorkspaceId, now: Timestamp) -> Result<u64> {
    let text =
        sql!("UPDATE reviews SET judge_at = $2 WHERE workspace = $1 AND judge_at IS NULL AND decided_at IS NULL");
    tx.execute(text, args![workspace, now]).await
}

/// Whether there are any.
pub async fn any(db: &mut impl Queries, workspace: WorkspaceId) -> Result<bool> {
    let text = sql!("SELECT event_id FROM reviews WHERE workspace = $1 LIMIT $2");
    let found: Option<([u8; 16],)> = db.fetch_optional(text, args![workspace, 1_i64]).await?;
    Ok(found.is_some())
}

/// Looks again at reviews under some identifiers, but for what staff decided.
pub async fn judge_theirs_again(tx: &mut Tx, workspace: WorkspaceId, handles: &[Handle], at: Timestamp) -> Result<()> {
    let text = sql!(
        "UPDATE reviews SET judge_at = $3 WHERE handle IN ($2) AND workspace = $1 AND judge_at IS NULL AND decided_at IS NULL"
    );
    tx.execute(text, args![workspace, handles, at]).await?;
    Ok(())
}

/// Notes what somebody of the staff decided; whether there is such a review.
pub async fn decide(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event_id: [u8; 16],
    (state, why): (State, &str),
    (by, now): (&str, Timestamp),
) -> Result<bool> {
    let text = sql!(
        "UPDATE reviews SET state = $3, decided_why = $4, decided_by = $5, decided_at = $6 WHERE event_id = $2 AND workspace = $1"
    );
    Ok(tx.execute(text, args![workspace, event_id, state.as_str(), why, by, now]).await? > 0)
}

/// Takes back what staff decided about a review: the rule decides again, by what is known of it, and looks at it once more. Whether there was a decision.
pub async fn decide_no_more(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event_id: [u8; 16],
    limit: u8,
    now: Timestamp,
) -> Result<bool> {
    let text = sql!(
        "UPDATE reviews SET state = CASE WHEN doubt >= $3 THEN 'waiting' ELSE 'shown' END, judge_at = $4,
           decided_at = NULL, decided_by = NULL, decided_why = NULL
         WHERE event_id = $2 AND workspace = $1 AND decided_at IS NOT NULL"
    );
    Ok(tx.execute(text, args![workspace, event_id, i64::from(limit), now]).await? > 0)
}

/// Says something to a review in public, or takes it back; whether there is such a review.
pub async fn answer(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event_id: [u8; 16],
    answer: Option<&str>,
    (by, now): (&str, Timestamp),
) -> Result<bool> {
    let at = answer.map(|_| now);
    let by = answer.map(|_| by);
    let text = sql!(
        "UPDATE reviews SET answer = $3, answered_by = $4, answered_at = $5 WHERE event_id = $2 AND workspace = $1"
    );
    Ok(tx.execute(text, args![workspace, event_id, answer, by, at]).await? > 0)
}

/// Which reviews are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A state's word.
    pub state: Option<String>,
    /// Of a product.
    pub product: Option<String>,
    /// With so many stars.
    pub rating: Option<i64>,
    /// Whether the company has said something to it.
    pub answered: Option<bool>,
    /// Older than the last that was shown: (when, event).
    pub after: Option<(Timestamp, [u8; 16])>,
}

/// Reviews, the newest first.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<ReviewRow>> {
    let mut text = format!("SELECT {COLUMNS} FROM reviews WHERE workspace = $1");
    let mut args = args![workspace];
    let mut also = |part: &str, arg: rapport_store::Arg| {
        args.0.push(arg);
        text.push_str(&part.replace('#', &format!("${}", args.0.len())));
    };
    if let Some(state) = &filter.state {
        also(" AND state = #", state.as_str().into());
    }
    if let Some(product) = &filter.product {
        also(" AND product_id = #", product.as_str().into());
    }
    if let Some(rating) = filter.rating {
        also(" AND rating = #", rating.into());
    }
    match filter.answered {
        Some(true) => text.push_str(" AND answered_at IS NOT NULL"),
        Some(false) => text.push_str(" AND answered_at IS NULL"),
        None => {}
    }
    if let Some((at, event_id)) = filter.after {
        args.0.push(at.into());
        args.0.push(event_id.into());
        let (at, id) = (args.0.len() - 1, args.0.len());
        text.push_str(&format!(" AND (written_at < ${at} OR (written_at = ${at} AND event_id > ${id}))"));
    }
    args.0.push(limit.into());
    text.push_str(&format!(" ORDER BY written_at DESC, event_id LIMIT ${}", args.0.len()));
    db.fetch_all(Sql::assembled(text), args).await
}

/// How many are in each state: (state, reviews, of which without an answer).
pub async fn states(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, i64, i64)>> {
    let text = sql!(
        "SELECT state, COUNT(*), CAST(SUM(CASE WHEN answered_at IS NULL THEN 1 ELSE 0 END) AS BIGINT) FROM reviews
         WHERE workspace = $1 GROUP BY state ORDER BY state"
    );
    db.fetch_all(text, args![workspace]).await
}

/// How products are rated: (product, state, day, stars, reviews), for means of any kind. Days count from 1970 in UTC.
pub async fn histogram(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    products: &[String],
) -> Result<Vec<(String, String, i64, i64, i64)>> {
    let text = sql!(
        "SELECT product_id, state, written_at / 86400000000, rating, COUNT(*) FROM reviews
         WHERE product_id IN ($2) AND workspace = $1
         GROUP BY product_id, state, written_at / 86400000000, rating
         ORDER BY product_id, written_at / 86400000000, state, rating"
    );
    db.fetch_all(text, args![workspace, products]).await
}

/// The products with most reviews: (product, its name, reviews, of which wait).
pub async fn products(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    limit: i64,
) -> Result<Vec<(String, Option<String>, i64, i64)>> {
    let text = sql!(
        "SELECT product_id, MAX(product_name), COUNT(*), CAST(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END) AS BIGINT) FROM reviews
         WHERE workspace = $1 GROUP BY product_id ORDER BY COUNT(*) DESC, product_id LIMIT $2"
    );
    db.fetch_all(text, args![workspace, limit]).await
}
