//! Texts about a topic: what a list or a search finds is looked at until enough of it is about the topic.
//!
//! Always holds: what is about a topic is what the topic's figures count, by the tree and the corrections as they are now (nothing of it is stored, so nothing of it
//! is late); one answer looks at no more than [`LOOKED_AT`] texts, and where it stops there it says where to go on.

use std::collections::BTreeSet;
use std::sync::Arc;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::verbatims::records::{self, Filter, VerbatimRow};
use rapport_feedback::verbatims::search::Ranking;
use serde::{Deserialize, Serialize};

use super::search_behind;
use crate::app::App;
use crate::problem::Problem;
use crate::searching;
use crate::topics::{self, Topics};

/// So many texts are looked at for one answer, as for the figures of topics.
const LOOKED_AT: usize = 20_000;
/// So many at once: for a page of a topic that many speak of not many more than it takes.
const STEP: std::ops::RangeInclusive<usize> = 200..=1_000;
const RATHER: usize = 4;

/// A topic with what stands below it.
pub struct Sought {
    topics: Arc<Topics>,
    keys: BTreeSet<String>,
}

impl Sought {
    /// By its key.
    pub async fn named(app: &App, workspace: WorkspaceId, key: &str) -> Result<Self, Problem> {
        let topics = topics::of(&app.installation, workspace).await?;
        let key = topics.sorter.tree.now(key).ok_or_else(|| Problem::invalid("topic", "there is no such topic"))?;
        let keys = topics.sorter.tree.below(key);
        Ok(Self { topics, keys })
    }
}

/// Where a page ends: behind a text, or behind so many of those that were found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// When it was written, and its event.
    Behind((i64, [u8; 16])),
    /// In the order of how much they speak of what is sought.
    Rank(usize),
}

/// Some texts with where each stands.
struct Step {
    rows: Vec<(Place, VerbatimRow)>,
    end: Option<Place>,
    is_last: bool,
}

/// What was found.
pub struct Found {
    pub rows: Vec<VerbatimRow>,
    /// Where the next page begins.
    pub next: Option<Place>,
}

/// Which texts are looked at.
pub struct Looking<'a> {
    pub app: &'a App,
    pub workspace: WorkspaceId,
    pub sought: Sought,
    /// With these words.
    pub words: Option<String>,
    pub filter: Filter,
    /// Those first that speak most of the words; otherwise the newest.
    pub is_best: bool,
}

impl Looking<'_> {
    /// At most `limit` texts about the topic behind `from`.
    pub async fn page(&self, from: Option<Place>, limit: usize) -> Result<Found, Problem> {
        let step = limit.saturating_mul(RATHER).clamp(*STEP.start(), *STEP.end());
        let (mut found, mut looked, mut place) = (Vec::new(), 0, from);
        loop {
            let Step { rows, end, is_last } = self.step(place, step).await?;
            (looked, place) = (looked + step, end.or(place));
            found.extend(self.about(rows).await?);
            if found.len() > limit {
                found.truncate(limit);
                place = found.last().map(|it| it.0);
            } else if is_last {
                place = None;
            } else if looked < LOOKED_AT {
                continue;
            }
            return Ok(Found { rows: found.into_iter().map(|it| it.1).collect(), next: place });
        }
    }

    async fn step(&self, place: Option<Place>, many: usize) -> Result<Step, Problem> {
        let mut filter = self.filter.clone();
        let mut ranking = if self.is_best && self.words.is_some() { Ranking::Best(0) } else { Ranking::Newest };
        match (place, &mut ranking) {
            (Some(Place::Rank(behind)), Ranking::Best(at)) => *at = behind,
            (Some(Place::Behind((at, event))), Ranking::Newest) => filter.behind = Some((Timestamp(at), event)),
            // A place in the other order is none in this one.
            _ => {}
        }
        let behind = |at: Timestamp, event: [u8; 16]| Place::Behind((at.0, event));
        let mut db = self.app.installation.store.read();
        let Some(words) = self.words.clone() else {
            let rows = records::list(&mut db, self.workspace, &filter, i64::try_from(many).unwrap_or(0)).await?;
            let (end, is_last) = (rows.last().map(|row| behind(row.occurred_at, row.event_id)), rows.len() < many);
            let rows = rows.into_iter().map(|row| (behind(row.occurred_at, row.event_id), row)).collect();
            return Ok(Step { rows, end, is_last });
        };
        let found = searching::find(&self.app.installation, self.workspace, words, filter, (ranking, many)).await;
        let events = found.map_err(Problem::internal)?.ok_or_else(search_behind)?.events;
        let places: Vec<Place> = match ranking {
            Ranking::Best(at) => (1..=events.len()).map(|number| Place::Rank(at + number)).collect(),
            Ranking::Newest => events.iter().map(|(at, event)| behind(*at, *event)).collect(),
        };
        let (end, is_last) = (places.last().copied(), events.len() < many);
        let ids: Vec<[u8; 16]> = events.iter().map(|it| it.1).collect();
        // What is gone by now is found no more, whatever the index still says.
        let mut rows = records::by_ids(&mut db, self.workspace, &ids).await?.into_iter().peekable();
        let there = |(place, event): (Place, [u8; 16])| Some((place, rows.next_if(|row| row.event_id == event)?));
        Ok(Step { rows: places.into_iter().zip(ids).filter_map(there).collect(), end, is_last })
    }

    async fn about(&self, rows: Vec<(Place, VerbatimRow)>) -> Result<Vec<(Place, VerbatimRow)>, Problem> {
        let (topics, keys) = (Arc::clone(&self.sought.topics), self.sought.keys.clone());
        let looking = move || {
            let is_about = |row: &VerbatimRow| topics.sorter.is_about(row.event_id, &row.shown, &keys);
            rows.into_iter().filter(|it| is_about(&it.1)).collect()
        };
        tokio::task::spawn_blocking(looking).await.map_err(Problem::internal)
    }
}
