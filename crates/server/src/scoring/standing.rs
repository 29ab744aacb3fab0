//! Stages of life and levels of engagement, told where they changed.

use std::collections::HashMap;

use anyhow::Result;
use rapport_analytics::engagement::{self, Level};
use rapport_analytics::lifecycle::{Life, Stage, Thresholds};
use rapport_domain::{PersonId, WorkspaceId};
use rapport_profiles::records::facts;
use rapport_profiles::records::persons;
use rapport_store::Priority;
use serde_json::Value;

use super::{Told, tell_all};
use crate::installation::Installation;

const STAGE: &str = "lifecycle.stage";
const LEVEL: &str = "engagement.level";
const INDEX: &str = "engagement.index";
/// An index is told anew when it moved so far: it moves a little whenever anybody does something.
const MOVED: i64 = 5;

/// Finds everybody's stage and level anew; how many things were told.
pub async fn refresh(installation: &Installation, workspace: WorkspaceId) -> Result<usize> {
    let now = installation.clock.now();
    let rows = persons::lives(&mut installation.store.read(), workspace).await?;
    // Where data ends, time stands still: an import of the past makes nobody late.
    let Some(as_of) = rows.iter().map(|row| row.last_seen_at.min(now)).max() else { return Ok(0) };
    let keys = [STAGE, LEVEL, INDEX].map(str::to_owned);
    let mut known: HashMap<(PersonId, String), Value> = HashMap::new();
    for (person, key, value) in facts::current_by_person(&mut installation.store.read(), workspace, &keys, now).await? {
        known.insert((person, key), serde_json::from_str(&value).unwrap_or(Value::Null));
    }
    let known = |person: PersonId, key: &str| known.get(&(person, key.to_owned()));
    let signals = installation.analytics.signals(workspace, as_of).await?;
    let life = |row: &persons::LifeRow| {
        let signals = signals.get(&row.person).copied().unwrap_or_default();
        let stage = known(row.person, STAGE).and_then(Value::as_str);
        Life {
            orders: row.orders,
            first_order_at: row.first_order_at,
            last_order_at: row.last_order_at,
            interested_at: signals.interested_at,
            is_fond: signals.is_fond,
            was_lost: [Stage::Lost, Stage::WonBack].iter().any(|lost| stage == Some(lost.key())),
        }
    };
    let thresholds = Thresholds::of(rows.iter().map(life));
    let active = engagement::index(&installation.analytics.activity(workspace, as_of).await?);
    let active: HashMap<PersonId, (u8, Level)> =
        active.into_iter().map(|(id, index, level)| (id, (index, level))).collect();
    let mut told: Vec<Told> = Vec::new();
    for row in &rows {
        let mut tell = |key: &str, value: Value, is_news: bool| {
            if is_news {
                told.push((row.person, now, key.to_owned(), value));
            }
        };
        let stage = Value::from(life(row).stage(&thresholds, as_of).key());
        let is_news = known(row.person, STAGE) != Some(&stage);
        tell(STAGE, stage, is_news);
        let (index, level) = active.get(&row.person).copied().unwrap_or((0, Level::Inactive));
        let level = Value::from(level.key());
        let is_news = known(row.person, LEVEL) != Some(&level);
        tell(LEVEL, level, is_news);
        let before = known(row.person, INDEX).and_then(Value::as_i64);
        let is_news = before.is_none_or(|before| (before - i64::from(index)).abs() >= MOVED);
        tell(INDEX, Value::from(index), is_news);
    }
    tell_all(installation, workspace, &told, Priority::Background).await?;
    Ok(told.len())
}
