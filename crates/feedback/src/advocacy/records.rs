//! Acts as they are read from where they were said, and referrals as they are stored.

use std::collections::BTreeMap;

use rapport_domain::{EventId, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::{Kind, Reviewed, Told};
use crate::verbatims::CLEAR;

/// Acts of one kind are at most so many, the latest.
pub const MOST: i64 = 100_000;
/// So many names at once.
const AT_ONCE: usize = 5_000;
/// Somebody brought others, or tried to.
pub const MADE: &str = "made";
/// Somebody came by it.
pub const CONVERTED: &str = "converted";
/// Stars from which on somebody speaks for the company.
const STARS: i64 = 4;
/// A text of so many characters says more than a sentence; of scripts without spaces a third of it does.
const DETAILED: i64 = 100;

/// Notes a referral's event, once.
///
/// # Errors
/// The store's.
pub async fn tell(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event_id: [u8; 16],
    (referral_key, step): (&str, &str),
    (handle, at): (Handle, Timestamp),
) -> Result<()> {
    let text = sql!(
        "INSERT INTO referrals (workspace, event_id, referral_key, step, handle, at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
    );
    tx.execute(text, args![workspace, event_id, referral_key, step, handle, at]).await?;
    Ok(())
}

/// Takes back what an event told.
///
/// # Errors
/// The store's.
pub async fn forget(tx: &mut Tx, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<()> {
    let text = sql!("DELETE FROM referrals WHERE event_id = $2 AND workspace = $1");
    tx.execute(text, args![workspace, event_id]).await?;
    Ok(())
}

/// Under which identifiers the referrals of these names were made.
///
/// # Errors
/// The store's.
pub async fn makers(db: &mut impl Queries, workspace: WorkspaceId, keys: &[String]) -> Result<Vec<Handle>> {
    let text = sql!(
        "SELECT DISTINCT handle FROM referrals WHERE workspace = $1 AND referral_key IN ($2) AND step = 'made' ORDER BY handle"
    );
    let rows: Vec<(Handle,)> = db.fetch_all(text, args![workspace, keys]).await?;
    Ok(rows.into_iter().map(|it| it.0).collect())
}

/// The acts of a time, in the order of time; and whether there are more than are read.
///
/// # Errors
/// The store's.
pub async fn between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
) -> Result<(Vec<Told>, bool)> {
    let span = || args![workspace, from, to, MOST];
    let recommended: Vec<AnswerRow> = db
        .fetch_all(
            sql!(
                "SELECT a.response AS response, a.handle AS handle, a.answered_at AS at, a.kind AS kind, a.low AS low, a.high AS high,
                   a.direction AS direction, a.number AS number
                 FROM answers a JOIN responses r ON r.id = a.response AND r.workspace = a.workspace
                 WHERE a.workspace = $1 AND a.answered_at >= $2 AND a.answered_at < $3 AND r.state = 'completed' AND a.number IS NOT NULL
                   AND a.part = '' AND (a.kind = 'nps' OR a.question = 'recommend' OR a.question = 'intent_to_recommend')
                 ORDER BY a.answered_at DESC, a.response, a.question LIMIT $4"
            ),
            span(),
        )
        .await?;
    let reviewed: Vec<ReviewRow> = db
        .fetch_all(
            sql!(
                "SELECT r.event_id AS event_id, r.handle AS handle, r.written_at AS at, r.rating AS rating, r.purchase AS purchase, r.doubt AS doubt,
                   v.language AS language, CAST(LENGTH(v.shown) AS BIGINT) AS length
                 FROM reviews r LEFT JOIN verbatims v ON v.event_id = r.event_id AND v.workspace = r.workspace
                 WHERE r.workspace = $1 AND r.written_at >= $2 AND r.written_at < $3 AND r.state IN ('new', 'shown')
                 ORDER BY r.written_at DESC, r.event_id LIMIT $4"
            ),
            span(),
        )
        .await?;
    let mentioned: Vec<MentionRow> = db
        .fetch_all(
            sql!(
                "SELECT c.event_id AS event_id, c.handle AS handle, c.opened_at AS at, c.rating AS rating, c.reach AS reach, v.sentiment AS sentiment
                 FROM complaints c LEFT JOIN verbatims v ON v.event_id = c.event_id AND v.workspace = c.workspace
                 WHERE c.workspace = $1 AND c.opened_at >= $2 AND c.opened_at < $3 AND c.kind = 'mention' AND c.subject = ''
                 ORDER BY c.opened_at DESC, c.event_id LIMIT $4"
            ),
            span(),
        )
        .await?;
    let made: Vec<ReferralRow> = db
        .fetch_all(
            sql!(
                "SELECT event_id, referral_key, step, handle, at FROM referrals
                 WHERE workspace = $1 AND at >= $2 AND at < $3 AND step = 'made' ORDER BY at DESC, event_id LIMIT $4"
            ),
            span(),
        )
        .await?;
    let is_cut = [recommended.len(), reviewed.len(), mentioned.len(), made.len()].iter().any(|it| *it as i64 >= MOST);
    Ok((together(db, workspace, (recommended, reviewed, mentioned, made)).await?, is_cut))
}

/// All acts of some persons with these identifiers, in the order of time.
///
/// # Errors
/// The store's.
pub async fn of_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (persons, handles): (&[PersonId], &[Handle]),
) -> Result<Vec<Told>> {
    let whose = || args![workspace, handles, MOST];
    let recommended: Vec<AnswerRow> = db
        .fetch_all(
            sql!(
                "SELECT a.response AS response, a.handle AS handle, a.answered_at AS at, a.kind AS kind, a.low AS low, a.high AS high,
                   a.direction AS direction, a.number AS number
                 FROM answers a JOIN responses r ON r.id = a.response AND r.workspace = a.workspace
                 WHERE +a.workspace = $1 AND a.person IN ($2) AND r.state = 'completed' AND a.number IS NOT NULL
                   AND a.part = '' AND (a.kind = 'nps' OR a.question = 'recommend' OR a.question = 'intent_to_recommend')
                 ORDER BY a.answered_at DESC, a.response, a.question LIMIT $3"
            ),
            args![workspace, persons, MOST],
        )
        .await?;
    let reviewed: Vec<ReviewRow> = db
        .fetch_all(
            sql!(
                "SELECT r.event_id AS event_id, r.handle AS handle, r.written_at AS at, r.rating AS rating, r.purchase AS purchase, r.doubt AS doubt,
                   v.language AS language, CAST(LENGTH(v.shown) AS BIGINT) AS length
                 FROM reviews r LEFT JOIN verbatims v ON v.event_id = r.event_id AND v.workspace = r.workspace
                 WHERE +r.workspace = $1 AND r.handle IN ($2) AND r.state IN ('new', 'shown')
                 ORDER BY r.written_at DESC, r.event_id LIMIT $3"
            ),
            whose(),
        )
        .await?;
    let mentioned: Vec<MentionRow> = db
        .fetch_all(
            sql!(
                "SELECT c.event_id AS event_id, c.handle AS handle, c.opened_at AS at, c.rating AS rating, c.reach AS reach, v.sentiment AS sentiment
                 FROM complaints c LEFT JOIN verbatims v ON v.event_id = c.event_id AND v.workspace = c.workspace
                 WHERE +c.workspace = $1 AND c.handle IN ($2) AND c.kind = 'mention' AND c.subject = ''
                 ORDER BY c.opened_at DESC, c.event_id LIMIT $3"
            ),
            whose(),
        )
        .await?;
    let made: Vec<ReferralRow> = db
        .fetch_all(
            sql!(
                "SELECT event_id, referral_key, step, handle, at FROM referrals
                 WHERE +workspace = $1 AND handle IN ($2) AND step = 'made' ORDER BY at DESC, event_id LIMIT $3"
            ),
            whose(),
        )
        .await?;
    together(db, workspace, (recommended, reviewed, mentioned, made)).await
}

type Rows = (Vec<AnswerRow>, Vec<ReviewRow>, Vec<MentionRow>, Vec<ReferralRow>);

async fn together(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (recommended, reviewed, mentioned, made): Rows,
) -> Result<Vec<Told>> {
    let mut told: Vec<Told> = recommended.into_iter().filter_map(AnswerRow::told).collect();
    told.extend(reviewed.into_iter().map(ReviewRow::told));
    told.extend(mentioned.into_iter().map(MentionRow::told));
    told.extend(referrals(db, workspace, made).await?);
    told.sort_by(|a, b| (a.at, a.kind, &a.id).cmp(&(b.at, b.kind, &b.id)));
    Ok(told)
}

/// Referrals with who came by them. Of one name everybody came by its first: told again it is a referral of its own that brought nobody.
async fn referrals(db: &mut impl Queries, workspace: WorkspaceId, made: Vec<ReferralRow>) -> Result<Vec<Told>> {
    let mut keys: Vec<String> = made.iter().map(|it| it.referral_key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut first: BTreeMap<String, (Timestamp, [u8; 16])> = BTreeMap::new();
    let mut came: BTreeMap<String, Vec<Handle>> = BTreeMap::new();
    for some in keys.chunks(AT_ONCE) {
        let text = sql!(
            "SELECT event_id, referral_key, step, handle, at FROM referrals WHERE workspace = $1 AND referral_key IN ($2) ORDER BY at, event_id"
        );
        let rows: Vec<ReferralRow> = db.fetch_all(text, args![workspace, some]).await?;
        for row in rows {
            if row.step == MADE {
                first.entry(row.referral_key).or_insert((row.at, row.event_id));
            } else {
                came.entry(row.referral_key).or_default().push(row.handle);
            }
        }
    }
    let act = |row: ReferralRow| {
        let is_first = first.get(&row.referral_key).is_some_and(|it| it.1 == row.event_id);
        let came = if is_first { came.get(&row.referral_key).cloned().unwrap_or_default() } else { Vec::new() };
        Told { came, ..plain(Kind::Referral, row.handle, EventId(row.event_id).to_hex(), row.at, true) }
    };
    Ok(made.into_iter().map(act).collect())
}

fn plain(kind: Kind, handle: Handle, id: String, at: Timestamp, in_favour: bool) -> Told {
    Told { handle, id, kind, at, in_favour, score: None, reach: None, review: None, came: Vec::new() }
}

#[derive(Record)]
struct AnswerRow {
    response: String,
    handle: Option<Handle>,
    at: Timestamp,
    kind: String,
    low: Option<i64>,
    high: Option<i64>,
    direction: Option<String>,
    number: i64,
}

impl AnswerRow {
    /// What is no value of its scale is blank, and no act.
    fn told(self) -> Option<Told> {
        let (low, high) = (self.low?, self.high?);
        if !(low..=high).contains(&self.number) {
            return None;
        }
        let from_best = if self.direction.as_deref() == Some("down") { self.number - low } else { high - self.number };
        // Of a scale of two values the better one, as everywhere.
        let in_favour = from_best < if self.kind == "nps" || high - low >= 2 { 2 } else { 1 };
        let handle = self.handle.unwrap_or(Handle(0));
        let told = plain(Kind::Recommendation, handle, self.response, self.at, in_favour);
        Some(Told { score: Some(self.number), ..told })
    }
}

#[derive(Record)]
struct ReviewRow {
    event_id: [u8; 16],
    handle: Handle,
    at: Timestamp,
    rating: i64,
    purchase: String,
    doubt: i64,
    language: Option<String>,
    length: Option<i64>,
}

impl ReviewRow {
    fn told(self) -> Told {
        let is_dense = matches!(self.language.as_deref(), Some("zh" | "ja"));
        let enough = if is_dense { DETAILED / 3 } else { DETAILED };
        let review = Reviewed {
            is_verified: matches!(self.purchase.as_str(), "verified" | "undelivered"),
            is_detailed: self.length.is_some_and(|it| it >= enough),
            authenticity: (100 - self.doubt).clamp(0, 100),
        };
        let told = plain(Kind::Review, self.handle, EventId(self.event_id).to_hex(), self.at, self.rating >= STARS);
        Told { score: Some(self.rating), review: Some(review), ..told }
    }
}

#[derive(Record)]
struct MentionRow {
    event_id: [u8; 16],
    handle: Handle,
    at: Timestamp,
    rating: Option<i64>,
    reach: Option<i64>,
    sentiment: Option<i64>,
}

impl MentionRow {
    fn told(self) -> Told {
        let in_favour = match self.rating {
            Some(stars) => stars >= STARS,
            None => self.sentiment.is_some_and(|it| it >= CLEAR),
        };
        let told = plain(Kind::Mention, self.handle, EventId(self.event_id).to_hex(), self.at, in_favour);
        Told { score: self.rating, reach: self.reach, ..told }
    }
}

#[derive(Record)]
struct ReferralRow {
    event_id: [u8; 16],
    referral_key: String,
    step: String,
    handle: Handle,
    at: Timestamp,
}
