//! The topics of what people wrote in bad temper, by whom and on which day.
//!
//! Always holds: texts about others are not among them; nothing of a text but its topics leaves here.

use anyhow::Result;
use rapport_analytics::churn::Written;
use rapport_analytics::value::day_of;
use rapport_domain::{Calendar, Timestamp, WorkspaceId};
use rapport_feedback::verbatims::records::{self, About, Filter, VerbatimRow};

use crate::installation::Installation;
use crate::topics;

/// So many texts are read together.
const TEXTS: i64 = 500;
/// The newest so many are read: of more than these the older ones say nothing.
const MOST: usize = 50_000;
/// Up to here a text is in bad temper, of -1,000 to 1,000.
const BAD: i64 = -100;

/// Of the days from one to before another.
///
/// # Errors
/// The store's.
pub(super) async fn written(
    installation: &Installation,
    workspace: WorkspaceId,
    (from, until): (i32, i32),
    calendar: &Calendar,
) -> Result<Written> {
    let mut found = Written::default();
    let topics = topics::of(installation, workspace).await?;
    if topics.sorter.tree.0.is_empty() {
        return Ok(found);
    }
    // A day earlier and later, since days begin elsewhere sooner; which day it is, is seen below.
    let at = |day: i32| Timestamp(i64::from(day) * Timestamp::DAY);
    let (since, before) = (at(from - 1), at(until + 1));
    let mut filter =
        Filter { from: since, before: Some(before), most: Some(BAD), about: About::Us, ..Filter::default() };
    let mut read = 0;
    loop {
        let rows = records::list(&mut installation.store.read(), workspace, &filter, TEXTS).await?;
        let Some(last) = rows.last() else { break };
        filter.behind = Some((last.occurred_at, last.event_id));
        read += rows.len();
        let sorter = std::sync::Arc::clone(&topics);
        let sort = move || {
            let keys = |row: &VerbatimRow| {
                let mut keys: Vec<String> =
                    sorter.sorter.assign(row.event_id, &row.shown).into_iter().map(|it| it.1.to_owned()).collect();
                keys.sort_unstable();
                keys.dedup();
                keys
            };
            rows.iter().map(|row| (row.person, row.occurred_at, keys(row))).collect::<Vec<_>>()
        };
        for (person, occurred, keys) in tokio::task::spawn_blocking(sort).await? {
            let day = day_of(occurred, calendar);
            if (from..until).contains(&day) {
                found.entry(person).or_default().extend(keys.into_iter().map(|key| (day, key)));
            }
        }
        if read >= MOST {
            break;
        }
    }
    Ok(found)
}
