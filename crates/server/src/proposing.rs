//! Ideas that are proposed and voted for, on the company's page and by the API.
//!
//! Always holds: what is kept has no personal data in it; the same form is one idea; whoever proposes an idea wants it.

use std::cmp::Reverse;

use rapport_domain::{Handle, Id, WorkspaceId};
use rapport_feedback::ideas::records::{self, IdeaRow, NewIdea};
use rapport_feedback::ideas::{ALIKE, State, likeness};
use rapport_store::{Priority, Queries, Result};
use rapport_text::language::language;

use crate::installation::Installation;

/// Ideas that one is compared with.
const COMPARED: i64 = 2_000;
/// So many that look alike are named.
const MOST_ALIKE: usize = 5;

/// An idea that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// In a few words.
    pub title: String,
    /// More of it.
    pub text: String,
    /// What tells the form from another.
    pub origin: String,
    /// Who votes for it with it: a voter and their identifier, nobody's is 0.
    pub voter: (String, Handle),
    /// What they are called, if known.
    pub name: Option<String>,
}

/// How a person votes.
pub fn voter_of(handle: Handle) -> String {
    format!("p{handle}")
}

/// Keeps an idea; its name and whether it is new. `is_seen` says whether everybody sees it at once.
///
/// # Errors
/// The store's.
pub async fn propose(
    installation: &Installation,
    workspace: WorkspaceId,
    proposed: &Proposed,
    is_seen: bool,
) -> Result<(String, bool)> {
    let reader = installation.readers.of(workspace);
    let shown = |text: &str| reader.read(text, proposed.name.as_deref()).shown;
    let idea = NewIdea {
        id: Id::new("ide", &*installation.clock, &*installation.rng).0,
        origin: proposed.origin.clone(),
        handle: proposed.voter.1,
        title: shown(&proposed.title),
        text: shown(&proposed.text),
        language: language(&format!("{} {}", proposed.title, proposed.text)).unwrap_or_default().to_owned(),
        state: if is_seen { State::Open } else { State::New },
        proposed_at: installation.clock.now(),
    };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let is_new = records::propose(&mut tx, workspace, &idea).await?;
    if is_new {
        let by = (proposed.voter.0.as_str(), proposed.voter.1);
        records::vote(&mut tx, workspace, &idea.id, by, idea.proposed_at).await?;
    }
    tx.commit().await?;
    Ok((idea.id, is_new))
}

/// Ideas that may be the same in other words, the most alike first.
///
/// # Errors
/// The store's.
pub async fn alike(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    words: &str,
    (but, states): (Option<&str>, &[State]),
) -> Result<Vec<(f64, IdeaRow)>> {
    let all = records::list(db, workspace, states, COMPARED).await?;
    let like = |row: IdeaRow| (likeness(words, &words_of(&row)), row);
    let mut found: Vec<(f64, IdeaRow)> =
        all.into_iter().filter(|row| Some(row.id.as_str()) != but).map(like).filter(|it| it.0 >= ALIKE).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(Reverse(a.1.votes).cmp(&Reverse(b.1.votes))));
    found.truncate(MOST_ALIKE);
    Ok(found)
}

/// The words by which an idea is compared.
pub fn words_of(row: &IdeaRow) -> String {
    row.title.clone().unwrap_or_default()
}
