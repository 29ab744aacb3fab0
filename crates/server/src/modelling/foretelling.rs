//! What the fits of all that is foretold have in common: what each source told when, earlier versions, and what is kept.

use anyhow::Result;
use rapport_analytics::foretelling::{Before, Content, Foretold, Heard, Learned};
use rapport_analytics::scores::Verdict;
use rapport_analytics::scores::card::Card;
use rapport_analytics::scores::measured::Came;
use rapport_domain::{Timestamp, WorkspaceId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fit::{Asked, Fitted};
use super::score;
use crate::installation::Installation;
use crate::records::sources;

/// What a new source brings within so long is its history.
const HISTORY: i64 = 7 * Timestamp::DAY;
/// At so many earlier versions it is looked, what then happened.
const LOOKED_AT: usize = 2;

/// Until when what each source brings counts as known when it happened: files always do, and the sample shop.
pub(super) async fn heard(installation: &Installation, workspace: WorkspaceId) -> Result<Heard> {
    let rows = sources::all(&mut installation.store.read(), workspace).await?;
    let until = |row: &sources::SourceRow| match row.kind.as_str() {
        "file" | "sample" => Timestamp(i64::MAX),
        _ => row.created_at.plus(HISTORY),
    };
    Ok(Heard(rows.iter().map(|row| (row.source, until(row))).collect()))
}

/// The earlier versions that can still be read, the newest first.
pub(super) struct Earlier<D>(Vec<Before<D>>);

impl<D: Foretold + DeserializeOwned> Earlier<D> {
    pub(super) fn of(asked: &Asked<'_>) -> Self {
        let rows = asked.earlier.iter().filter_map(|row| {
            let content = serde_json::from_value(row.content.clone()).ok()?;
            Some(Before { version: row.version, content, people: row.people })
        });
        Self(rows.collect())
    }

    /// The newest whose time has passed, and of which it is not kept yet what then happened.
    pub(super) fn passed(&self, asked: &Asked<'_>, definition: &D) -> Vec<(i64, Content<D>)> {
        let is_told = |version: i64| asked.earlier.iter().any(|it| it.version == version && it.came.is_some());
        let fits = self.0.iter().filter(|it| {
            definition.is_alike(&it.content.definition)
                && asked.end - it.content.end >= definition.horizon()
                && !is_told(it.version)
        });
        fits.take(LOOKED_AT).map(|it| (it.version, it.content.clone())).collect()
    }

    /// The days of the past at which it is looked beside those that are learnt from: those of versions whose time has passed, and of the one that scores, to see what has moved
    /// since.
    pub(super) fn days(&self, asked: &Asked<'_>, passed: &[(i64, Content<D>)]) -> Vec<i32> {
        let live = self.0.iter().find(|it| Some(it.version) == asked.row.version).map(|it| it.content.end);
        passed.iter().map(|it| it.1.end).chain(live).collect()
    }

    /// The one that scores.
    pub(super) fn live(self, asked: &Asked<'_>) -> Option<Before<D>> {
        self.0.into_iter().find(|it| Some(it.version) == asked.row.version)
    }
}

/// What came of a fit, with what then happened of those whom earlier versions spoke of.
pub(super) fn fitted<D: Serialize>(
    learned: &Learned<D>,
    card: Card,
    passed: &[(i64, Content<D>)],
    came: impl Fn(&Content<D>) -> Option<Came>,
) -> Result<Fitted, Verdict> {
    let came =
        passed.iter().filter_map(|(version, content)| Some((*version, serde_json::to_value(came(content)?).ok()?)));
    Ok(Fitted {
        card,
        came: came.collect(),
        held: learned.content.holds(),
        people: learned.people,
        content: score::kept(&learned.content)?,
    })
}
