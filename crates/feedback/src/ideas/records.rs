//! Ideas and votes as they are stored.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Sql, Tx, args, sql};

use super::{Settings, State};

/// A stored idea with its votes.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct IdeaRow {
    /// Its name.
    pub id: String,
    /// Whose it is; nobody's is 0.
    pub handle: Handle,
    /// In a few words, without personal data; gone with whoever proposed it.
    pub title: Option<String>,
    /// More of it.
    pub text: Option<String>,
    /// By ISO 639-1; empty where it cannot be said.
    pub language: String,
    /// A word of [`State`].
    pub state: String,
    /// What the company says to it.
    pub answer: Option<String>,
    /// When.
    pub answered_at: Option<Timestamp>,
    /// Who wrote that.
    pub answered_by: Option<String>,
    /// Which one it is in other words.
    pub merged_into: Option<String>,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// How many want it.
    pub votes: i64,
}

const SELECT: &str = "SELECT i.id, i.handle, i.title, i.text, i.language, i.state, i.answer, i.answered_at, i.answered_by, i.merged_into, i.proposed_at,
    (SELECT COUNT(*) FROM idea_votes v WHERE v.idea = i.id AND v.workspace = i.workspace) AS votes FROM ideas i";

/// A proposed idea.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIdea {
    /// Its name.
    pub id: String,
    /// What tells the form from another.
    pub origin: String,
    /// Whose it is; nobody's is 0.
    pub handle: Handle,
    /// In a few words.
    pub title: String,
    /// More of it.
    pub text: String,
    /// By ISO 639-1.
    pub language: String,
    /// Whether everybody sees it at once.
    pub state: State,
    /// When.
    pub proposed_at: Timestamp,
}

/// Adds one; whether there was none of its origin.
///
/// # Errors
/// The store's.
pub async fn propose(tx: &mut Tx, workspace: WorkspaceId, idea: &NewIdea) -> Result<bool> {
    let text = sql!(
        "INSERT INTO ideas (id, workspace, origin, handle, title, text, language, state, proposed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT DO NOTHING"
    );
    let args = args![
        &idea.id,
        workspace,
        &idea.origin,
        idea.handle,
        &idea.title,
        &idea.text,
        &idea.language,
        idea.state.as_str(),
        idea.proposed_at
    ];
    Ok(tx.execute(text, args).await? > 0)
}

/// One of them.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<IdeaRow>> {
    let text = Sql::assembled(format!("{SELECT} WHERE i.id = $1 AND i.workspace = $2"));
    db.fetch_optional(text, args![id, workspace]).await
}

/// Those in some states, most votes first.
///
/// # Errors
/// The store's.
pub async fn list(db: &mut impl Queries, workspace: WorkspaceId, states: &[State], limit: i64) -> Result<Vec<IdeaRow>> {
    let states: Vec<String> = states.iter().map(|state| state.as_str().to_owned()).collect();
    let text = Sql::assembled(format!(
        "{SELECT} WHERE i.workspace = $1 AND i.state IN ($2) ORDER BY votes DESC, i.proposed_at DESC, i.id LIMIT $3"
    ));
    db.fetch_all(text, args![workspace, &states, limit]).await
}

/// Votes once; whether it is the first vote of theirs.
///
/// # Errors
/// The store's.
pub async fn vote(
    tx: &mut Tx,
    workspace: WorkspaceId,
    idea: &str,
    (voter, handle): (&str, Handle),
    at: Timestamp,
) -> Result<bool> {
    let text = sql!(
        "INSERT INTO idea_votes (idea, workspace, voter, handle, voted_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
    );
    Ok(tx.execute(text, args![idea, workspace, voter, handle, at]).await? > 0)
}

/// Takes a vote back.
///
/// # Errors
/// The store's.
pub async fn unvote(tx: &mut Tx, workspace: WorkspaceId, idea: &str, voter: &str) -> Result<bool> {
    let text = sql!("DELETE FROM idea_votes WHERE idea = $1 AND voter = $3 AND workspace = $2");
    Ok(tx.execute(text, args![idea, workspace, voter]).await? > 0)
}

/// Which of some ideas somebody voted for.
///
/// # Errors
/// The store's.
pub async fn voted(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    ideas: &[String],
    voter: &str,
) -> Result<Vec<(String,)>> {
    let text = sql!("SELECT idea FROM idea_votes WHERE idea IN ($2) AND voter = $3 AND workspace = $1 ORDER BY idea");
    db.fetch_all(text, args![workspace, ideas, voter]).await
}

/// Writes what becomes of one, and what the company says to it.
///
/// # Errors
/// The store's.
pub async fn decide(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: &str,
    (state, answer): (State, Option<&str>),
    (by, at): (&str, Timestamp),
) -> Result<bool> {
    let answered = answer.map(|_| (by, at));
    let text = sql!(
        "UPDATE ideas SET state = $3, answer = $4, answered_by = $5, answered_at = $6 WHERE id = $1 AND workspace = $2"
    );
    let args = args![id, workspace, state.as_str(), answer, answered.map(|it| it.0), answered.map(|it| it.1)];
    Ok(tx.execute(text, args).await? > 0)
}

/// Makes one a part of another: its votes are the other's, each voter's once. What had been merged into it goes along.
///
/// # Errors
/// The store's.
pub async fn merge(tx: &mut Tx, workspace: WorkspaceId, id: &str, into: &str) -> Result<()> {
    let merged = State::Merged.as_str();
    for text in [
        sql!(
            "INSERT INTO idea_votes (idea, workspace, voter, handle, voted_at)
             SELECT $2, v.workspace, v.voter, v.handle, v.voted_at FROM idea_votes v WHERE v.idea = $1 AND v.workspace = $3 ON CONFLICT DO NOTHING"
        ),
        sql!("DELETE FROM idea_votes WHERE idea = $1 AND workspace = $3 AND $2 = $2"),
        sql!("UPDATE ideas SET merged_into = $2 WHERE merged_into = $1 AND workspace = $3"),
    ] {
        tx.execute(text, args![id, into, workspace]).await?;
    }
    let text = sql!("UPDATE ideas SET state = $4, merged_into = $2 WHERE id = $1 AND workspace = $3");
    tx.execute(text, args![id, into, workspace, merged]).await?;
    Ok(())
}

/// The box's settings.
///
/// # Errors
/// The store's.
pub async fn settings(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Settings> {
    let text = sql!("SELECT settings FROM idea_settings WHERE workspace = $1");
    let found: Option<(Json<Settings>,)> = db.fetch_optional(text, args![workspace]).await?;
    Ok(found.map(|it| it.0.0).unwrap_or_default())
}

/// Saves them.
///
/// # Errors
/// The store's.
pub async fn save_settings(
    tx: &mut Tx,
    workspace: WorkspaceId,
    settings: &Settings,
    (by, at): (&str, Timestamp),
) -> Result<()> {
    let text = sql!(
        "INSERT INTO idea_settings (workspace, settings, updated_at, updated_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (workspace) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at, updated_by = excluded.updated_by"
    );
    tx.execute(text, args![workspace, Json(settings.clone()), at, by]).await?;
    Ok(())
}
