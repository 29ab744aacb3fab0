//! Stages of life and levels of engagement, told where they changed.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use rapport_analytics::engagement::{self, Level, Signals};
use rapport_analytics::lifecycle::{Life, Stage, Thresholds};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::facts;
use rapport_profiles::records::persons::{self, Filter, LifeRow};
use rapport_store::Priority;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Told, tell_all};
use crate::installation::Installation;

const STAGE: &str = "lifecycle.stage";
const LEVEL: &str = "engagement.level";
const INDEX: &str = "engagement.index";
/// An index is told anew when it moved so far: it moves a little whenever anybody does something.
const MOVED: i64 = 5;

/// So many people are looked at together: what is known of all would not fit into memory.
const PEOPLE: i64 = 20_000;
/// So many facts are told in one go.
const TOLD: usize = 2_000;
/// After each go as many times as long as it took nothing is done.
const RESTS: u32 = 2;

/// Finds everybody's stage and level anew; how many things were told.
pub async fn refresh(installation: &Installation, workspace: WorkspaceId) -> Result<usize> {
    let now = installation.clock.now();
    let db = &mut installation.store.read();
    let ranges = persons::ranges(persons::count(db, workspace, &Filter::default()).await? / PEOPLE + 1);
    let (mut as_of, mut repeaters) = (None, Vec::new());
    for range in &ranges {
        let rows = persons::lives(db, workspace, *range).await?;
        // Where data ends, time stands still: an import of the past makes nobody late.
        as_of = rows.iter().map(|row| row.last_seen_at.min(now)).chain(as_of).max();
        repeaters.extend(rows.iter().filter(|row| row.orders >= 2).map(orders_of));
    }
    let Some(as_of) = as_of else { return Ok(0) };
    let found = Found {
        as_of,
        thresholds: Thresholds::of(repeaters.into_iter()),
        signals: installation.analytics.signals(workspace, as_of).await?,
        active: engagement::index(&installation.analytics.activity(workspace, as_of).await?),
    };
    let keys = [STAGE, LEVEL, INDEX].map(str::to_owned);
    let mut count = 0;
    for range in ranges {
        let mut known: HashMap<(PersonId, String), Value> = HashMap::new();
        for (person, key, _, value) in facts::histories(db, workspace, &keys, range.0, range.1).await? {
            known.insert((person, key), serde_json::from_str(&value).unwrap_or(Value::Null));
        }
        let rows = persons::lives(db, workspace, range).await?;
        let told = found.news(&rows, &known, now);
        for told in told.chunks(TOLD) {
            let began = Instant::now();
            tell_all(installation, workspace, told, Priority::Background).await?;
            // Nobody waits for it, and whatever else goes on should not notice it.
            sleep(began.elapsed() * RESTS).await;
        }
        count += told.len();
    }
    count += super::hours::refresh(installation, workspace, as_of).await?;
    Ok(count)
}

fn orders_of(row: &LifeRow) -> Life {
    let (first_order_at, last_order_at) = (row.first_order_at, row.last_order_at);
    Life { orders: row.orders, first_order_at, last_order_at, ..Life::default() }
}

/// What was found of all.
struct Found {
    as_of: Timestamp,
    thresholds: Thresholds,
    signals: BTreeMap<PersonId, Signals>,
    /// Ascending by person.
    active: Vec<(PersonId, u8, Level)>,
}

impl Found {
    /// What is not known yet of some people.
    fn news(&self, rows: &[LifeRow], known: &HashMap<(PersonId, String), Value>, now: Timestamp) -> Vec<Told> {
        let known = |person: PersonId, key: &str| known.get(&(person, key.to_owned()));
        let mut told: Vec<Told> = Vec::new();
        for row in rows {
            let mut tell = |key: &str, value: Value, is_news: bool| {
                if is_news {
                    told.push((row.person, now, key.to_owned(), value));
                }
            };
            let before = known(row.person, STAGE).and_then(Value::as_str);
            let stage = self.life(row, before).stage(&self.thresholds, self.as_of).key();
            tell(STAGE, Value::from(stage), before != Some(stage));
            let place = self.active.binary_search_by_key(&row.person, |(person, ..)| *person);
            let (index, level) = place.map_or((0, Level::Inactive), |at| (self.active[at].1, self.active[at].2));
            let before = known(row.person, LEVEL).and_then(Value::as_str);
            tell(LEVEL, Value::from(level.key()), before != Some(level.key()));
            let before = known(row.person, INDEX).and_then(Value::as_i64);
            let has_moved = before.is_none_or(|before| (before - i64::from(index)).abs() >= MOVED);
            tell(INDEX, Value::from(index), has_moved);
        }
        told
    }

    fn life(&self, row: &LifeRow, stage: Option<&str>) -> Life {
        let signals = self.signals.get(&row.person).copied().unwrap_or_default();
        let was_lost = [Stage::Lost, Stage::WonBack].iter().any(|lost| stage == Some(lost.key()));
        Life { interested_at: signals.interested_at, is_fond: signals.is_fond, was_lost, ..orders_of(row) }
    }
}
