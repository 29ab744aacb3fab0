//! Proposing improvements, deciding about them, changing and measuring.
//!
//! Always holds: who saves says which revision they looked at; what was decided, changed and found stays said when it goes back.

use rapport_domain::{Clock, Id, Rng, Timestamp, WorkspaceId};
use rapport_store::{Json, Tx};

use super::State;
use super::records::{self, ImprovementRow};
use crate::Error;

const MOST_TITLE: usize = 200;
const MOST_TEXT: usize = 4_000;
const MOST_PHRASES: usize = 20;
const MOST_PHRASE: usize = 100;

/// What is written of an improvement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// What people call it.
    pub title: String,
    /// What texts are counted by: each a few words.
    pub phrases: Vec<String>,
    /// The survey's key and the question whose score it is to move.
    pub score: Option<(String, String)>,
    /// Whose it is.
    pub owner: Option<String>,
}

impl Written {
    fn check(self) -> Result<Self, Error> {
        let title = rapport_domain::plain::one_line(&self.title, MOST_TITLE);
        if title.is_empty() {
            return Err(Error::invalid("title", format!("1 to {MOST_TITLE} characters")));
        }
        let phrases: Vec<String> =
            self.phrases.iter().map(|it| rapport_domain::plain::one_line(it, MOST_PHRASE)).collect();
        let has_letters = |phrase: &String| phrase.chars().any(char::is_alphanumeric);
        if !(1..=MOST_PHRASES).contains(&phrases.len()) || !phrases.iter().all(has_letters) {
            return Err(Error::invalid("phrases", format!("1 to {MOST_PHRASES}, each of a few words")));
        }
        Ok(Self { title, phrases, ..self })
    }
}

/// Proposes one.
///
/// # Errors
/// What is wrong with it, or the store's.
pub async fn propose(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (clock, rng): (&dyn Clock, &dyn Rng),
    written: Written,
    by: &str,
) -> Result<ImprovementRow, Error> {
    let Written { title, phrases, score, owner } = written.check()?;
    let now = clock.now();
    let (survey, question) = score.unzip();
    let row = ImprovementRow {
        id: Id::new("imv", clock, rng).0,
        title,
        phrases: Json(phrases),
        survey,
        question,
        owner,
        state: State::Proposed.as_str().to_owned(),
        decision: String::new(),
        change: String::new(),
        conclusion: String::new(),
        changed_at: None,
        proposed_at: now,
        proposed_by: by.to_owned(),
        updated_at: now,
        revision: 1,
    };
    records::save(tx, workspace, &row).await?;
    records::append(tx, workspace, &row.id, (State::Proposed.as_str(), None), (by, now)).await?;
    Ok(row)
}

/// Changes what is written of it. `seen` is the revision that was looked at.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], what is wrong with it, or the store's.
pub async fn edit(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (id, seen): (&str, i64),
    written: Written,
    (by, now): (&str, Timestamp),
) -> Result<ImprovementRow, Error> {
    let Written { title, phrases, score, owner } = written.check()?;
    let row = at_revision(tx, workspace, id, seen).await?;
    let (survey, question) = score.unzip();
    let next = ImprovementRow { title, phrases: Json(phrases), survey, question, owner, ..row };
    store(tx, workspace, next, ("edited", None), (by, now)).await
}

/// Lets it go on: to be done, done, measured, or not to be done. `text` is what was decided, changed or found; `changed_at` when, of what was changed.
///
/// # Errors
/// As [`edit`], and [`Error::Work`] where it cannot go there from where it stands.
pub async fn go(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (id, seen): (&str, i64),
    (to, text, changed_at): (State, &str, Option<Timestamp>),
    (by, now): (&str, Timestamp),
) -> Result<ImprovementRow, Error> {
    let mut row = at_revision(tx, workspace, id, seen).await?;
    if !row.stands().next().contains(&to) {
        return Err(Error::Work("from where it stands it cannot go there"));
    }
    let text = said(text)?;
    match to {
        State::Decided | State::Dropped if !text.is_empty() => row.decision.clone_from(&text),
        State::Changed => {
            let at = changed_at.or(row.changed_at).unwrap_or(now);
            if at > now {
                return Err(Error::invalid("changed_at", "it lies in the future"));
            }
            row.changed_at = Some(at);
            if !text.is_empty() {
                row.change.clone_from(&text);
            }
            if row.change.is_empty() {
                return Err(Error::invalid("text", "say what was changed"));
            }
        }
        State::Measured if text.is_empty() => return Err(Error::invalid("text", "say what came of it")),
        State::Measured => row.conclusion.clone_from(&text),
        _ => {}
    }
    row.state = to.as_str().to_owned();
    let text = Some(text.as_str()).filter(|it| !it.is_empty());
    store(tx, workspace, row, (to.as_str(), text), (by, now)).await
}

/// Notes something beside it.
///
/// # Errors
/// As [`edit`].
pub async fn note(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (id, seen): (&str, i64),
    text: &str,
    (by, now): (&str, Timestamp),
) -> Result<ImprovementRow, Error> {
    let row = at_revision(tx, workspace, id, seen).await?;
    let text = said(text)?;
    if text.is_empty() {
        return Err(Error::invalid("text", "say something"));
    }
    store(tx, workspace, row, ("noted", Some(&text)), (by, now)).await
}

fn said(text: &str) -> Result<String, Error> {
    let mut clean = String::new();
    rapport_domain::plain::clean(text.trim(), &mut clean);
    if clean.chars().count() > MOST_TEXT {
        return Err(Error::invalid("text", format!("at most {MOST_TEXT} characters")));
    }
    Ok(clean)
}

async fn at_revision(tx: &mut Tx, workspace: WorkspaceId, id: &str, seen: i64) -> Result<ImprovementRow, Error> {
    let found = records::find(tx, workspace, id).await?;
    let row = found.ok_or_else(|| Error::NotFound { what: "improvement", key: id.to_owned() })?;
    if row.revision == seen { Ok(row) } else { Err(Error::Stale { key: row.id, found: row.revision }) }
}

async fn store(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: ImprovementRow,
    line: (&str, Option<&str>),
    (by, now): (&str, Timestamp),
) -> Result<ImprovementRow, Error> {
    let row = ImprovementRow { revision: row.revision + 1, updated_at: now, ..row };
    if !records::save(tx, workspace, &row).await? {
        return Err(Error::Stale { key: row.id, found: row.revision });
    }
    records::append(tx, workspace, &row.id, line, (by, now)).await?;
    Ok(row)
}
