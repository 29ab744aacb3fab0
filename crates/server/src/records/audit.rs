//! The audit log: who asked for what, when, what for, and whether they got it. Names staff and routes, never a customer's data.

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_store::sql::escape_like;
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// An entry.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct AuditRow {
    /// Its name (`aud_...`).
    pub id: Id,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// When.
    pub at: Timestamp,
    /// The user's or the key's id.
    pub actor: String,
    /// The purpose's word.
    pub purpose: String,
    /// Method and path, without the query.
    pub action: String,
    /// HTTP status of the answer.
    pub status: u16,
}

/// Stores entries.
pub async fn insert(tx: &mut Tx, rows: &[AuditRow]) -> Result<()> {
    let text = sql!("INSERT INTO audit (id, workspace, at, actor, purpose, action, status) VALUES {rows}");
    let rows = rows.iter().map(|r| args![&r.id, r.workspace, r.at, &r.actor, &r.purpose, &r.action, r.status]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whatever changes something, and signing in.
    Changes,
    /// Whatever only looks.
    Reads,
    /// Signing in and out, and attempts.
    SignIns,
    /// Files that leave.
    Exports,
    /// Access, erasure and restriction of customers.
    Rights,
}

/// What is sent because it is too long for an address, and changes nothing: previews, estimates, checks, questions. It is looked at, not done.
const ASKED: &str = "asked";

impl Kind {
    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "changes" => Self::Changes,
            "reads" => Self::Reads,
            "sign_ins" => Self::SignIns,
            "exports" => Self::Exports,
            "rights" => Self::Rights,
            _ => return None,
        })
    }

    /// What actions of it are like, up to five; and what they are not like.
    const fn patterns(self) -> ([&'static str; 5], &'static str) {
        match self {
            Self::Changes => (["%"; 5], "GET /api/%"),
            Self::Reads => (["GET %"; 5], ""),
            Self::SignIns => (["% /sign-in", "% /sign-in/link", "% /sign-out", "% /sign-out", "% /sign-out"], ""),
            Self::Exports => (
                [
                    "GET %.csv",
                    "% /api/v1/%/exports/%",
                    "PUT /api/v1/%/exports",
                    "% /api/v1/customers/%/access",
                    "POST /my-data (access)",
                ],
                "",
            ),
            Self::Rights => (
                [
                    "% /api/v1/customers/%/access",
                    "% /api/v1/customers/%/erasure",
                    "% /api/v1/customers/%/restriction",
                    "% /api/v1/privacy/%",
                    // What customers do themselves.
                    "POST /my-data %",
                ],
                "GET /api/v1/privacy/%",
            ),
        }
    }
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The id of a user or key; empty for everybody.
    pub actor: String,
    /// What they are about; everything without it.
    pub kind: Option<Kind>,
    /// A part of the action; empty for all.
    pub object: String,
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct After {
    /// When, in microseconds.
    pub at: i64,
    /// Which.
    pub id: String,
}

impl After {
    /// After this one.
    pub fn of(row: &AuditRow) -> Self {
        Self { at: row.at.0, id: row.id.0.clone() }
    }
}

/// The newest entries of a workspace that fit.
pub async fn page(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: &Filter,
    after: Option<&After>,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    let text = sql!(
        "SELECT id, workspace, at, actor, purpose, action, status FROM (
           SELECT id, workspace, at, actor, purpose, action, status, CASE WHEN action IN (
             'POST /api/v1/conditions/estimate', 'POST /api/v1/conditions/read', 'POST /api/v1/experiment-plan', 'POST /api/v1/intents/guess', 'POST /api/v1/journeys/check',
             'POST /api/v1/message-check', 'POST /api/v1/message-links', 'POST /api/v1/message-preview', 'POST /api/v1/questions/ask',
             'POST /api/v1/questions/people', 'POST /api/v1/slot-preview')
             OR action LIKE 'POST /api/v1/customers/%/message-preview' OR action LIKE 'POST /api/v1/journeys/%/dry-run%'
             THEN 'asked' ELSE 'other' END AS nature
           FROM audit) AS entries
         WHERE workspace = $1 AND at >= $2 AND at <= $3 AND (at < $3 OR id < $4)
           AND ($5 = '' OR actor = $5) AND ($6 = '' OR action LIKE $7 ESCAPE '\\')
           AND (action LIKE $8 OR action LIKE $9 OR action LIKE $10 OR action LIKE $11 OR action LIKE $12 OR nature = $15)
           AND action NOT LIKE $13 AND nature <> $16
         ORDER BY at DESC, id DESC LIMIT $14"
    );
    let from = filter.from.unwrap_or(Timestamp(i64::MIN));
    let until = filter.until.map_or(i64::MAX, |until| until.0 - 1);
    // Without a place to go on after, everything of the last instant fits: no id is as great as this.
    let (at, id) = after.filter(|it| it.at <= until).map_or((until, "\u{7f}"), |it| (it.at, it.id.as_str()));
    let (like, unlike) = filter.kind.map_or((["%"; 5], ""), Kind::patterns);
    let with = if filter.kind == Some(Kind::Reads) { ASKED } else { "" };
    let without = if filter.kind == Some(Kind::Changes) { ASKED } else { "" };
    let object = format!("%{}%", escape_like(&filter.object));
    let values = args![
        workspace,
        from,
        Timestamp(at),
        id,
        &filter.actor,
        &filter.object,
        object,
        like[0],
        like[1],
        like[2],
        like[3],
        like[4],
        unlike,
        limit,
        with,
        without
    ];
    db.fetch_all(text, values).await
}

/// Forgets entries from before then.
pub async fn delete_before(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(sql!("DELETE FROM audit WHERE at < $1"), args![before]).await
}
