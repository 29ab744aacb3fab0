//! Topics: what people can choose to hear about.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Tx, args, sql};

/// Texts by language (BCP 47 tags).
pub type Texts = BTreeMap<String, String>;

/// A topic.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct TopicRow {
    /// Its stable name, e.g. `news`.
    pub key: String,
    /// What it is called.
    pub names: Json<Texts>,
    /// What one gets.
    pub descriptions: Json<Texts>,
    /// The ways in which it is sent.
    pub channels: Json<Vec<String>>,
    /// Whether an agreement counts only once it is confirmed.
    pub double_opt_in: bool,
    /// Whether the preference centre shows it.
    pub shown: bool,
    /// Its place in lists.
    pub place: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is not used any more.
    pub archived_at: Option<Timestamp>,
}

impl TopicRow {
    /// Its name in a language, else in English, else in any, else its key.
    pub fn name(&self, language: &str) -> &str {
        in_language(&self.names.0, language).unwrap_or(&self.key)
    }

    /// What one gets, likewise; may be empty.
    pub fn description(&self, language: &str) -> &str {
        in_language(&self.descriptions.0, language).unwrap_or_default()
    }
}

fn in_language<'a>(texts: &'a Texts, language: &str) -> Option<&'a str> {
    let primary = language.split('-').next().unwrap_or_default();
    let found = [language, primary, "en"].into_iter().find_map(|tag| texts.get(tag));
    found.or_else(|| texts.values().next()).map(String::as_str)
}

/// All topics in the order in which they are shown.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<TopicRow>> {
    // `+`: all of this small table.
    let text = sql!(
        "SELECT key, names, descriptions, channels, double_opt_in, shown, place, created_at, archived_at FROM topics
         WHERE +workspace = $1 ORDER BY place, key"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Makes a topic, or changes it.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &TopicRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO topics (workspace, key, names, descriptions, channels, double_opt_in, shown, place, created_at, archived_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (key, workspace) DO UPDATE SET names = excluded.names, descriptions = excluded.descriptions,
           channels = excluded.channels, double_opt_in = excluded.double_opt_in, shown = excluded.shown, place = excluded.place,
           archived_at = excluded.archived_at"
    );
    let args = args![
        workspace,
        &row.key,
        row.names.clone(),
        row.descriptions.clone(),
        row.channels.clone(),
        row.double_opt_in,
        row.shown,
        row.place,
        row.created_at,
        row.archived_at
    ];
    tx.execute(text, args).await?;
    Ok(())
}
