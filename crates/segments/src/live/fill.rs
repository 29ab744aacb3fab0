//! Makes segments live: reads everybody's history once, while events keep coming, and then takes over.
//!
//! What happens meanwhile is noted, person by person, before the histories are read; those persons are made again from a newer state, until so few
//! are left that the rest is done while no batch can come in between. A batch is in the lake before it is observed, so every event is either in
//! the histories that were read or was noted, and none is counted twice, because making somebody again does not add to anything.
//!
//! Always holds: until it has taken over, what was live before goes on; when it fails, that stays so.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_store::Priority;

use super::write::{self, Flows, Writing};
use super::{Live, Meanwhile, NONE, ONE_BY_ONE, Parts, Place, Running, Segments};
use crate::batch;
use crate::condition::Condition;
use crate::error::Error;
use crate::history::spans;
use crate::person::Person;
use crate::records::memberships::{self, MembershipRow};
use crate::records::segments;

/// People or days written in one transaction.
const SLICE: usize = 1_000;
/// New rows written in one transaction. They lie together in the table, so that few of its pages change; fewer rows would change nearly as many.
const NEW_ROWS: usize = 4_000;
/// People who are made again together: they are all in memory.
const AGAIN: usize = 20_000;

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
    /// and differences are told; the others are filled. When only some are new, the others are not looked at again.
    ///
    /// # Errors
    /// The store's and the lake's, and when the conditions do not fit together. What was live before stays.
    pub async fn fill(&self, workspace: WorkspaceId, wanted: &[Wanted], calendar: &Calendar) -> Result<Filled, Error> {
        let fresh = with_dependents(wanted);
        let space = self.space(workspace);
        let mut held = space.lock().await;
        let already: BTreeSet<i64> = match &mut held.running {
            Some(running) => {
                running.written.retain(|segment| !fresh.contains(segment));
                running.written.clone()
            }
            None => BTreeSet::new(),
        };
        // What is live already is kept true by what runs.
        let compared: BTreeSet<i64> = wanted
            .iter()
            .map(|it| it.segment)
            .filter(|segment| !fresh.contains(segment) && !already.contains(segment))
            .collect();
        let behind = match &held.running {
            Some(running) if compared.is_empty() => running.behind(wanted, &fresh, calendar)?,
            _ => None,
        };
        let (segments, extension) = match behind {
            Some((segments, extension)) => (segments, Some(extension)),
            None => (Segments::new(&wanted.iter().collect::<Vec<_>>(), calendar)?, None),
        };
        if let (Some(running), Some(extension), true) = (&mut held.running, &extension, fresh.is_empty()) {
            running.extend(extension, Parts::new());
            return Ok(Filled::default());
        }
        held.meanwhile = Some(Meanwhile { program: Arc::clone(&segments.program), people: HashSet::new() });
        space.note(&held);
        drop(held);
        let fill = Fill { live: self, workspace, segments: Arc::new(segments), extension, fresh, compared };
        let done = fill.run(&space, wanted).await;
        if done.is_err() {
            let mut held = space.lock().await;
            held.meanwhile = None;
            space.note(&held);
        }
        done
    }
}

/// What is to run when further segments are filled.
struct Extension {
    segments: Arc<Segments>,
    /// The first leaf that is not known of everybody yet.
    first_leaf: usize,
}

/// What is kept of those who are played.
enum Kept {
    Whole,
    /// What concerns new leaves and trees, by the numbers they will have.
    New {
        leaves: Vec<Option<u32>>,
        trees: Vec<Option<u32>>,
    },
}

impl Kept {
    fn keep(&self, running: &mut Running, person: &Person) {
        match self {
            Self::Whole => running.keep(person),
            Self::New { leaves, trees } => {
                match person.part(leaves, trees) {
                    Some(part) => running.parts.insert(person.id(), vec![part.pack().into_boxed_slice()]),
                    None => running.parts.remove(&person.id()),
                };
            }
        }
    }
}

impl Running {
    /// Goes on with further segments, or fewer.
    fn extend(&mut self, extension: &Extension, parts: Parts) {
        self.segments = Arc::clone(&extension.segments);
        self.written = self.segments.numbers.iter().copied().filter(|number| *number != NONE).collect();
        if self.parts.is_empty() {
            self.parts = parts;
            return;
        }
        for (id, part) in parts {
            self.parts.entry(id).or_default().extend(part);
        }
    }

    /// The segments to fill, and all there are to be then, when it is enough to fill those that are `fresh`: with those that they ask for,
    /// to be put behind what runs.
    fn behind(
        &self,
        wanted: &[Wanted],
        fresh: &BTreeSet<i64>,
        calendar: &Calendar,
    ) -> Result<Option<(Segments, Extension)>, Error> {
        let program = &self.segments.program;
        if program.calendar != *calendar || program.gone() > wanted.len() {
            return Ok(None);
        }
        let conditions: Vec<(String, Condition)> =
            wanted.iter().map(|it| (it.key.clone(), it.condition.clone())).collect();
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        let new: Vec<&Wanted> = wanted.iter().filter(|it| fresh.contains(&it.segment)).collect();
        for it in &new {
            keys.insert(&it.key);
            keys.extend(batch::asked_for(&conditions, &it.condition).into_iter().map(|(key, _)| key));
        }
        let with_asked: Vec<&Wanted> = wanted.iter().filter(|it| keys.contains(it.key.as_str())).collect();
        let kept: BTreeSet<i64> =
            wanted.iter().map(|it| it.segment).filter(|segment| !fresh.contains(segment)).collect();
        let gone = self.segments.numbers.iter().copied().filter(|segment| !kept.contains(segment)).collect();
        let segments = Arc::new(self.segments.extended(&new, &gone)?);
        let extension = Extension { segments, first_leaf: program.leaves.len() };
        Ok(Some((Segments::new(&with_asked, calendar)?, extension)))
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
    /// Those that are played.
    segments: Arc<Segments>,
    /// When what is played are only new ones.
    extension: Option<Extension>,
    /// Filled anew.
    fresh: BTreeSet<i64>,
    /// Compared with what is held true.
    compared: BTreeSet<i64>,
}

impl Fill<'_> {
    async fn run(&self, space: &Place, wanted: &[Wanted]) -> Result<Filled, Error> {
        let now = self.live.store.clock().now();
        self.forget_old(now).await?;
        let mut running = Running::new(Arc::clone(&self.segments));
        let kept = self.kept();
        let mut filled = Filled::default();
        let snapshot = self.live.lake.snapshot(self.workspace).await?;
        let sources = batch::Sources {
            store: &self.live.store,
            lake: &self.live.lake,
            snapshot: &snapshot,
            workspace: self.workspace,
            now,
            until: now,
        };
        let mut flows = Flows::new();
        let mut play = batch::Play::begin(&self.segments.program, sources, batch::Whom::Everybody)?;
        while let Some(chunk) = play.next().await? {
            let mut rows: Vec<MembershipRow> = Vec::new();
            let mut writing = Writing::default();
            filled.persons += chunk.len() as u64;
            for (person, changes) in chunk {
                for (tree, entered_at, exited_at) in spans(&changes) {
                    let segment = self.segments.numbers[tree];
                    if self.fresh.contains(&segment) {
                        rows.push(MembershipRow {
                            person: person.id(),
                            segment,
                            entered_at,
                            exited_at,
                            recorded_at: now,
                        });
                    }
                }
                if !self.compared.is_empty() {
                    writing.again(person.id(), &changes);
                }
                kept.keep(&mut running, &person);
            }
            filled.memberships += rows.len() as u64;
            // As the table has them.
            rows.sort_unstable_by_key(|row| (row.segment, row.person, row.entered_at));
            self.insert(&rows, &mut flows).await?;
            self.compare(writing, now).await?;
        }
        self.insert_flows(flows).await?;
        self.catch_up(space, running, &kept, wanted).await?;
        Ok(filled)
    }

    fn kept(&self) -> Kept {
        let Some(Extension { segments, first_leaf }) = &self.extension else { return Kept::Whole };
        let (own, all) = (&self.segments.program, &segments.program);
        let is_fresh = |tree: &usize| self.fresh.contains(&self.segments.numbers[*tree]);
        let trees = all.trees_of(own).into_iter().enumerate();
        let trees = trees.map(|(tree, number)| number.filter(|_| is_fresh(&tree))).collect();
        Kept::New { leaves: all.leaves_of(own, *first_leaf), trees }
    }

    /// Makes those again of whom something was heard meanwhile, and takes over.
    async fn catch_up(&self, space: &Place, mut running: Running, kept: &Kept, wanted: &[Wanted]) -> Result<(), Error> {
        loop {
            let mut held = space.lock().await;
            let heard = held.meanwhile.as_mut().map(|it| std::mem::take(&mut it.people)).unwrap_or_default();
            let heard: Vec<PersonId> = heard.into_iter().collect();
            // The last ones are done while nothing can come in between.
            let held = if heard.len() <= ONE_BY_ONE {
                Some(held)
            } else {
                drop(held);
                None
            };
            for some in heard.chunks(AGAIN) {
                let now = self.live.store.clock().now();
                let mut writing = Writing::default();
                for (person, changes) in
                    self.live.play_again(self.workspace, &self.segments.program, some, (now, now)).await?
                {
                    writing.again(person.id(), &changes);
                    kept.keep(&mut running, &person);
                }
                for id in some {
                    writing.gone(*id);
                }
                for slice in writing.slices(SLICE) {
                    self.write(&slice, now).await?;
                }
            }
            if let Some(mut held) = held {
                let mut tx = self.live.store.begin(Priority::Background).await?;
                for it in wanted.iter().filter(|it| !it.is_filled) {
                    segments::filled(&mut tx, self.workspace, it.segment, it.version, None).await?;
                }
                tx.commit().await?;
                match (&self.extension, &mut held.running) {
                    (Some(extension), Some(before)) => before.extend(extension, running.parts),
                    _ => held.running = Some(running),
                }
                held.meanwhile = None;
                space.note(&held);
                return Ok(());
            }
        }
    }

    /// What is held true of the segments that are filled anew is replaced.
    async fn forget_old(&self, now: Timestamp) -> Result<(), Error> {
        for segment in &self.fresh {
            memberships::replace_all(&self.live.store, self.workspace, *segment, now).await?;
        }
        Ok(())
    }

    /// Writes rows, and adds what they change to the days, which are written at the end: there are far fewer of them.
    async fn insert(&self, rows: &[MembershipRow], flows: &mut Flows) -> Result<(), Error> {
        for slice in rows.chunks(NEW_ROWS) {
            for row in slice {
                flows.entry((row.segment, row.entered_at.utc_day())).or_default().0 += 1;
                if let Some(exited) = row.exited_at {
                    flows.entry((row.segment, exited.utc_day())).or_default().1 += 1;
                }
            }
            let mut tx = self.live.store.begin(Priority::Background).await?;
            memberships::insert(&mut tx, self.workspace, slice).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn insert_flows(&self, mut flows: Flows) -> Result<(), Error> {
        while !flows.is_empty() {
            let rest = flows.keys().nth(SLICE).copied().map(|key| flows.split_off(&key)).unwrap_or_default();
            let mut tx = self.live.store.begin(Priority::Background).await?;
            memberships::add_flows(&mut tx, self.workspace, &flows).await?;
            tx.commit().await?;
            flows = rest;
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
