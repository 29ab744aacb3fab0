//! Judges looks at messages when their neighbours are known, and tells of those that were people's.

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_domain::Timestamp;
use rapport_engagement::records::messages::{self, ClickRow, Heard, UNJUDGED};
use rapport_engagement::tracking::{Look, MACHINE, TOGETHER, judge};
use rapport_store::Priority;

use super::outcomes;
use crate::installation::Installation;

/// So many at a time.
const BATCH: i64 = 200;
/// So long after a look no neighbour of it comes any more.
const LATER: i64 = TOGETHER + 2 * Timestamp::SECOND;

/// Judges what can be judged by now; whether anything was.
///
/// # Errors
/// The store's.
pub async fn judge_due(installation: &Installation) -> Result<bool> {
    let before = installation.clock.now().plus(-LATER);
    let due = messages::unjudged(&mut installation.store.read(), before, BATCH).await?;
    for (workspace, row) in &due {
        let mut tx = installation.store.begin(Priority::Background).await?;
        let all = messages::clicks_of(&mut tx, *workspace, &row.message).await?;
        let message = messages::find(&mut tx, *workspace, &row.message).await?;
        let (score, signs) = score(row, &all, message.as_ref().and_then(|it| it.sent_at));
        messages::judged(&mut tx, row, i64::from(score), &signs).await?;
        tx.commit().await?;
        if score < MACHINE && message.is_some() {
            let what = if row.kind == "open" { Heard::Opened } else { Heard::Clicked };
            outcomes::hear(installation, *workspace, &row.message, what, ("", "")).await?;
        }
    }
    Ok(!due.is_empty())
}

fn score(row: &ClickRow, all: &[ClickRow], sent_at: Option<Timestamp>) -> (u8, String) {
    let near = |other: &&ClickRow| other.kind == "click" && (other.at.0 - row.at.0).abs() <= TOGETHER;
    let together: BTreeSet<i64> = all.iter().filter(near).map(|other| other.link).collect();
    let signs: Vec<&str> = row.signs.split(' ').filter(|sign| !sign.is_empty()).collect();
    debug_assert_eq!(row.bot_score, UNJUDGED);
    let is_opening = row.kind == "open";
    let (score, signs) =
        judge(&Look { signs: &signs, at: row.at, sent_at, links_together: together.len(), is_opening });
    (score, signs.join(" "))
}
