//! Makes segments live: reads everybody's history once, while events keep coming, and then takes over.
//!
//! What happens meanwhile is noted, person by person, before the histories are read; those persons are made again from a newer state, until so few
//! are left that the rest is done while no batch can come in between. A batch is in the lake before it is observed, so every event is either in
//! the histories that were read or was noted, and none is counted twice, because making somebody again does not add to anything.
//!
//! Always holds: until it has taken over, what was live before goes on; when it fails, that stays so.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_store::Priority;

use super::write::{self, Writing};
use super::{Live, ONE_BY_ONE, Running, Segments};
use crate::batch;
use crate::condition::Condition;
use crate::error::Error;
use crate::history::spans;
use crate::records::memberships::{self, MembershipRow};
use crate::records::segments;

/// Rows written in one transaction.
const SLICE: usize = 1_000;

/// A segment that is to be live.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its number.
    pub segment: i64,
    /// Its key.
    pub key: String,
    /// Its condition.
    pub condition: Condition,
    /// The version of the condition.
    pub version: i64,
    /// Whether the members of this version are known; else they are found out, without telling of each.
    pub is_filled: bool,
}

/// What filling did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Persons whose histories were read.
    pub persons: u64,
    /// Times in newly filled segments that were written.
    pub memberships: u64,
}

impl Live {
    /// Makes these the live segments of a workspace, and no others. Segments whose members are known are compared with what is held true,
    /// and differences are told; the others are filled.
    ///
    /// # Errors
    /// The store's and the lake's, and when the conditions do not fit together. What was live before stays.
    pub async fn fill(&self, workspace: WorkspaceId, wanted: &[Wanted], calendar: &Calendar) -> Result<Filled, Error> {
        let conditions: Vec<(i64, String, Condition)> =
            wanted.iter().map(|it| (it.segment, it.key.clone(), it.condition.clone())).collect();
        let segments = Arc::new(Segments::new(&conditions, calendar)?);
        let fresh = with_dependents(wanted);
        let space = self.space(workspace).await;
        let already: BTreeSet<i64> = {
            let mut space = space.lock().await;
            space.meanwhile = Some(HashSet::new());
            if let Some(running) = &mut space.running {
                running.written.retain(|segment| !fresh.contains(segment));
            }
            space.running.as_ref().map(|running| running.written.clone()).unwrap_or_default()
        };
        let fill = Fill {
            live: self,
            workspace,
            // What is live already is kept true by what runs.
            compared: wanted
                .iter()
                .map(|it| it.segment)
                .filter(|segment| !fresh.contains(segment) && !already.contains(segment))
                .collect(),
            fresh,
            segments,
        };
        let done = fill.run(&space, wanted).await;
        if done.is_err() {
            space.lock().await.meanwhile = None;
        }
        done
    }
}

/// The segments whose members are to be found anew: those of which they are not known, and those that ask for one of them.
fn with_dependents(wanted: &[Wanted]) -> BTreeSet<i64> {
    let mut fresh: BTreeSet<i64> = wanted.iter().filter(|it| !it.is_filled).map(|it| it.segment).collect();
    loop {
        let keys: BTreeSet<&str> =
            wanted.iter().filter(|it| fresh.contains(&it.segment)).map(|it| it.key.as_str()).collect();
        let asks = |it: &&Wanted| it.condition.segment_keys().iter().any(|key| keys.contains(key));
        let more: Vec<i64> =
            wanted.iter().filter(asks).map(|it| it.segment).filter(|segment| !fresh.contains(segment)).collect();
        if more.is_empty() {
            return fresh;
        }
        fresh.extend(more);
    }
}

struct Fill<'a> {
    live: &'a Live,
    workspace: WorkspaceId,
    segments: Arc<Segments>,
    /// Filled anew.
    fresh: BTreeSet<i64>,
    /// Compared with what is held true.
    compared: BTreeSet<i64>,
}

impl Fill<'_> {
    async fn run(&self, space: &tokio::sync::Mutex<super::Space>, wanted: &[Wanted]) -> Result<Filled, Error> {
        let now = self.live.store.clock().now();
        self.forget_old(now).await?;
        let mut running = Running::new(Arc::clone(&self.segments));
        let mut filled = Filled::default();
        let mut rows: Vec<MembershipRow> = Vec::new();
        let mut writing = Writing::default();
        let snapshot = self.live.lake.snapshot(self.workspace).await?;
        let sources = batch::Sources {
            store: &self.live.store,
            lake: &self.live.lake,
            snapshot: &snapshot,
            workspace: self.workspace,
            now,
        };
        batch::play(&self.segments.program, sources, None, |person, changes| {
            filled.persons += 1;
            let spans = spans(&changes);
            for (tree, entered_at, exited_at) in &spans {
                let segment = self.segments.numbers[*tree];
                if self.fresh.contains(&segment) {
                    let (entered_at, exited_at) = (*entered_at, *exited_at);
                    rows.push(MembershipRow { person: person.id(), segment, entered_at, exited_at, recorded_at: now });
                }
            }
            if !self.compared.is_empty() {
                writing.again(person.id(), &changes);
            }
            running.keep(&person);
        })
        .await?;
        filled.memberships = rows.len() as u64;
        self.insert(&rows).await?;
        self.compare(writing, now).await?;
        self.catch_up(space, running, wanted).await?;
        Ok(filled)
    }

    /// Makes those again of whom something was heard meanwhile, and takes over.
    async fn catch_up(
        &self,
        space: &tokio::sync::Mutex<super::Space>,
        mut running: Running,
        wanted: &[Wanted],
    ) -> Result<(), Error> {
        loop {
            let mut held = space.lock().await;
            let heard: Vec<PersonId> =
                held.meanwhile.as_mut().map(std::mem::take).unwrap_or_default().into_iter().collect();
            let is_last = heard.len() <= ONE_BY_ONE;
            // The last ones are done while nothing can come in between.
            let held = if is_last {
                Some(held)
            } else {
                drop(held);
                None
            };
            let now = self.live.store.clock().now();
            let mut writing = Writing::default();
            for (person, changes) in self.live.play_again(self.workspace, &self.segments.program, &heard, now).await? {
                writing.again(person.id(), &changes);
                running.keep(&person);
            }
            for id in &heard {
                writing.gone(*id);
            }
            self.write(&writing, now).await?;
            if let Some(mut held) = held {
                let mut tx = self.live.store.begin(Priority::Background).await?;
                for it in wanted.iter().filter(|it| !it.is_filled) {
                    segments::filled(&mut tx, self.workspace, it.segment, it.version, None).await?;
                }
                tx.commit().await?;
                held.running = Some(running);
                held.meanwhile = None;
                return Ok(());
            }
        }
    }

    /// What is held true of the segments that are filled anew is replaced.
    async fn forget_old(&self, now: Timestamp) -> Result<(), Error> {
        for segment in &self.fresh {
            let mut tx = self.live.store.begin(Priority::Background).await?;
            memberships::replace_all(&mut tx, self.workspace, *segment, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn insert(&self, rows: &[MembershipRow]) -> Result<(), Error> {
        for slice in rows.chunks(SLICE) {
            let mut flows: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
            for row in slice {
                flows.entry((row.segment, row.entered_at.utc_day())).or_default().0 += 1;
                if let Some(exited) = row.exited_at {
                    flows.entry((row.segment, exited.utc_day())).or_default().1 += 1;
                }
            }
            let mut tx = self.live.store.begin(Priority::Background).await?;
            memberships::insert(&mut tx, self.workspace, slice).await?;
            memberships::add_flows(&mut tx, self.workspace, &flows).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn compare(&self, writing: Writing, now: Timestamp) -> Result<(), Error> {
        for slice in writing.slices(SLICE) {
            let mut tx = self.live.store.begin(Priority::Background).await?;
            let only = Some(&self.compared);
            write::write(&mut tx, self.workspace, &self.segments, &slice, only, write::Telling::All, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Writes what people made again are in, of the segments that do not run yet; of those filled anew without telling.
    async fn write(&self, writing: &Writing, now: Timestamp) -> Result<(), Error> {
        if writing.is_empty() {
            return Ok(());
        }
        let mut tx = self.live.store.begin(Priority::Background).await?;
        let (fresh, compared) = (Some(&self.fresh), Some(&self.compared));
        write::write(&mut tx, self.workspace, &self.segments, writing, fresh, write::Telling::Nothing, now).await?;
        write::write(&mut tx, self.workspace, &self.segments, writing, compared, write::Telling::All, now).await?;
        Ok(tx.commit().await?)
    }
}
