//! The rules of a workspace: those it saved, and the ready ones that it did not.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Result, Tx, args, sql};
use serde_json::Value;

use crate::follow_ups::rules::{Rule, ready};

/// A rule with its revision: 0 is as every workspace begins with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The rule.
    pub rule: Rule,
    /// Grows each time it is saved.
    pub revision: i64,
    /// When it was saved last, and by whom.
    pub updated: Option<(Timestamp, String)>,
}

/// All of them, in the order in which they are tried. One that this program cannot read opens nothing.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<Kept>> {
    let text =
        sql!("SELECT rule, revision, updated_at, updated_by FROM follow_up_rules WHERE workspace = $1 ORDER BY key");
    let stored: Vec<(Value, i64, Timestamp, String)> = db.fetch_all(text, args![workspace]).await?;
    let mut kept: Vec<Kept> = stored
        .into_iter()
        .filter_map(|(rule, revision, at, by)| {
            Some(Kept { rule: serde_json::from_value(rule).ok()?, revision, updated: Some((at, by)) })
        })
        .collect();
    let missing = ready().into_iter().filter(|rule| kept.iter().all(|it| it.rule.key != rule.key));
    let missing: Vec<Kept> = missing.map(|rule| Kept { rule, revision: 0, updated: None }).collect();
    kept.extend(missing);
    kept.sort_by(|a, b| (a.rule.place, &a.rule.key).cmp(&(b.rule.place, &b.rule.key)));
    Ok(kept)
}

/// Saves a rule as the revision behind `seen`; whether it was at that.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    rule: &Rule,
    seen: i64,
    (at, by): (Timestamp, &str),
) -> Result<bool> {
    let text = sql!(
        "INSERT INTO follow_up_rules (workspace, key, rule, revision, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (key, workspace) DO UPDATE SET rule = excluded.rule, revision = excluded.revision, updated_at = excluded.updated_at,
           updated_by = excluded.updated_by
         WHERE follow_up_rules.revision = $7"
    );
    let args = args![workspace, &rule.key, Json(rule.clone()), seen + 1, at, by, seen];
    Ok(tx.execute(text, args).await? > 0)
}

/// Takes a rule away; whether there was one. A ready one is then as it was in the beginning.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, key: &str) -> Result<bool> {
    let text = sql!("DELETE FROM follow_up_rules WHERE key = $2 AND workspace = $1");
    Ok(tx.execute(text, args![workspace, key]).await? > 0)
}
