//! Who was exposed to what first.
//!
//! A row is of one identifier (its handle), with the person it belongs to now. In an experiment on persons the earliest of a person's rows holds. When
//! two persons become one ([`follow`]), their rows come together: the first exposure holds, and where there were two variants the person is *mixed*,
//! keeps the first and is left out of readouts. When a merge is undone the rows part again, and so does this. In an experiment on devices each row is a
//! unit of its own, whoever they belong to.
//!
//! Always holds: what [`expose`] returns is what holds, whoever was faster; it is committed together with what it leads to, so nobody acts on an
//! exposure that is not kept, and none is kept of an act that did not happen; the domain event [`EXPOSED`] is written exactly for each row that [`expose`]
//! adds (of what is reported the log has the event already).
//!
//! Does not do: decide. It notes what was decided.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::json;

use super::counts::Changes;
use crate::design::UnitKind;
use crate::evaluate::{Exposure, Held};

/// The domain event of a first exposure, of the same form as that of a journey's lots. Its payload: `experiment` (the key), `variant`, `version` (the
/// allocation), `subject`.
pub const EXPOSED: &str = "experiment.exposed";

/// Whose exposure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// The person.
    pub person: PersonId,
    /// In an experiment on persons the handle of the person's first identifier, in one on devices that of the device.
    pub handle: Handle,
}

/// What holds after an exposure was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The variant that they keep: what is to be acted on.
    pub variant: String,
    /// Whether this exposure is the first.
    pub is_new: bool,
}

/// How a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The unit's exposure.
    Holds,
    /// The unit's exposure, of one that had several variants.
    Mixed,
    /// A later exposure of the same unit.
    Later,
}

/// A stored exposure.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ExposureRow {
    /// The experiment's number.
    pub experiment: i64,
    /// The identifier.
    pub handle: Handle,
    /// Whose that is now.
    pub person: PersonId,
    /// Whether persons are assigned, or else devices.
    pub by_person: bool,
    /// The variant.
    pub variant: String,
    /// The version since which chances were as they were.
    pub allocation: i64,
    /// What it was part of.
    pub subject: String,
    /// When.
    pub exposed_at: Timestamp,
    /// Whether the same identifier was shown another variant later.
    pub torn: bool,
    /// How it counts, as [`Standing::as_str`].
    pub standing: String,
}

impl Standing {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Mixed => "mixed",
            Self::Later => "later",
        }
    }

    fn counted(word: &str) -> (i64, i64) {
        match word {
            "holds" => (1, 0),
            "mixed" => (0, 1),
            _ => (0, 0),
        }
    }
}

/// How the rows of one unit count, in the rows' order.
pub fn standings(rows: &[ExposureRow]) -> Vec<Standing> {
    let first = rows.iter().map(|it| (it.exposed_at, it.handle)).min();
    let variants: BTreeSet<&str> = rows.iter().map(|it| it.variant.as_str()).collect();
    let mixed = variants.len() > 1 || rows.iter().any(|it| it.torn);
    let standing = |row: &ExposureRow| match (Some((row.exposed_at, row.handle)) == first, mixed) {
        (false, _) => Standing::Later,
        (true, true) => Standing::Mixed,
        (true, false) => Standing::Holds,
    };
    rows.iter().map(standing).collect()
}

/// What a unit was exposed to, by the experiment's number, for [`crate::Situation::held`]. Of experiments on persons by the person, of
/// those on devices by the handle of the device, if there is one.
pub async fn held(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    device: Option<Handle>,
) -> Result<BTreeMap<i64, Held>> {
    let rows = of_person(db, workspace, person).await?;
    let counts = |row: &ExposureRow| row.standing != Standing::Later.as_str();
    let own = rows.into_iter().filter(|row| if row.by_person { counts(row) } else { Some(row.handle) == device });
    Ok(own.map(|row| (row.experiment, Held { variant: row.variant, allocation: row.allocation })).collect())
}

/// All exposures of a person, by experiment and time. By itself, because for a list of one PostgreSQL may read the whole table.
pub async fn of_person(db: &mut impl Queries, workspace: WorkspaceId, person: PersonId) -> Result<Vec<ExposureRow>> {
    let text = sql!(
        "SELECT experiment, handle, person, by_person, variant, allocation, subject, exposed_at, torn, standing FROM exposures
         WHERE workspace = $1 AND person = $2 ORDER BY experiment, exposed_at, handle"
    );
    db.fetch_all(text, args![workspace, person]).await
}

/// All exposures of these persons, by experiment and time.
pub async fn of_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<ExposureRow>> {
    if let [person] = persons {
        return of_person(db, workspace, *person).await;
    }
    let text = sql!(
        "SELECT experiment, handle, person, by_person, variant, allocation, subject, exposed_at, torn, standing FROM exposures
         WHERE +workspace = $1 AND person IN ($2) ORDER BY experiment, exposed_at, handle"
    );
    db.fetch_all(text, args![workspace, persons]).await
}

/// The exposures of an experiment that count, by handle: those after `after`, at most `limit`. For readouts that are not made from events.
pub async fn page(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    experiment: i64,
    after: Handle,
    limit: i64,
) -> Result<Vec<ExposureRow>> {
    let text = sql!(
        "SELECT experiment, handle, person, by_person, variant, allocation, subject, exposed_at, torn, standing FROM exposures
         WHERE experiment = $2 AND workspace = $1 AND handle > $3 AND standing = 'holds' ORDER BY handle LIMIT $4"
    );
    db.fetch_all(text, args![workspace, experiment, after, limit]).await
}

/// The exposures to one variant that count, as [`page`].
pub async fn page_of_variant(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (experiment, variant): (i64, &str),
    after: Handle,
    limit: i64,
) -> Result<Vec<ExposureRow>> {
    let text = sql!(
        "SELECT experiment, handle, person, by_person, variant, allocation, subject, exposed_at, torn, standing FROM exposures
         WHERE experiment = $2 AND workspace = $1 AND handle > $3 AND standing = 'holds' AND variant = $5 ORDER BY handle LIMIT $4"
    );
    db.fetch_all(text, args![workspace, experiment, after, limit, variant]).await
}

/// Notes an exposure unless there was one before; what holds.
pub async fn expose(
    tx: &mut Tx,
    workspace: WorkspaceId,
    who: Who,
    exposure: &Exposure,
    at: Timestamp,
) -> Result<Exposed> {
    let exposed = expose_all(tx, workspace, &[(who, exposure.clone())], at).await?;
    Ok(exposed.into_iter().next().unwrap_or(Exposed { variant: exposure.variant.clone(), is_new: false }))
}

/// The same of many, in their order.
pub async fn expose_all(
    tx: &mut Tx,
    workspace: WorkspaceId,
    all: &[(Who, Exposure)],
    at: Timestamp,
) -> Result<Vec<Exposed>> {
    let mut changes = Changes::default();
    forget_earlier(tx, workspace, all, &mut changes).await?;
    let mut known = known(tx, workspace, all).await?;
    let mut found = Vec::with_capacity(all.len());
    let mut new: Vec<(usize, ExposureRow)> = Vec::new();
    for (index, (who, exposure)) in all.iter().enumerate() {
        let unit = unit(exposure.experiment, exposure.unit, who);
        let is_new = !known.contains_key(&unit);
        let variant = known.entry(unit).or_insert_with(|| exposure.variant.clone()).clone();
        if is_new {
            new.push((index, row(*who, exposure, at)));
        }
        found.push(Exposed { variant, is_new });
    }
    let before = new.len();
    let written = insert(tx, workspace, new.iter().map(|(_, row)| row)).await?;
    if written < u64::try_from(before).unwrap_or(u64::MAX) {
        // Somebody else was faster, or the identifier was somebody else's when it was exposed: what is stored holds.
        let keys: Vec<&ExposureRow> = new.iter().map(|(_, row)| row).collect();
        let stored = stored(tx, workspace, &keys).await?;
        new.retain(|(index, row)| match stored.get(&(row.experiment, row.handle)) {
            Some(other) if written == 0 || other != row => {
                found[*index] = Exposed { variant: other.variant.clone(), is_new: false };
                false
            }
            _ => true,
        });
    }
    for (index, row) in &new {
        let place = (row.allocation, row.variant.as_str(), row.exposed_at.utc_day());
        changes.add(row.experiment, place, row.handle, (1, 0));
        tx.emit(event(workspace, row, &all[*index].1.key));
    }
    changes.write(tx, workspace).await?;
    Ok(found)
}

/// Takes away what was noted of these people under earlier allocations, where that no longer holds; `changes` then has it no more.
async fn forget_earlier(
    tx: &mut Tx,
    workspace: WorkspaceId,
    all: &[(Who, Exposure)],
    changes: &mut Changes,
) -> Result<()> {
    let renewed: BTreeMap<(i64, PersonId), i64> =
        all.iter().filter(|(_, it)| it.renews).map(|(who, it)| ((it.experiment, who.person), it.allocation)).collect();
    if renewed.is_empty() {
        return Ok(());
    }
    let persons: BTreeSet<PersonId> = renewed.keys().map(|(_, person)| *person).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let text =
        sql!("DELETE FROM exposures WHERE experiment = $2 AND handle = $3 AND workspace = $1 AND allocation = $4");
    for row in of_persons(tx, workspace, &persons).await? {
        if renewed.get(&(row.experiment, row.person)).is_none_or(|allocation| row.allocation >= *allocation) {
            continue;
        }
        // Where somebody else was faster there is nothing to take away any more.
        if tx.execute(text.clone(), args![workspace, row.experiment, row.handle, row.allocation]).await? > 0 {
            let (units, mixed) = Standing::counted(&row.standing);
            let place = (row.allocation, row.variant.as_str(), row.exposed_at.utc_day());
            changes.add(row.experiment, place, row.handle, (-units, -mixed));
        }
    }
    Ok(())
}

/// Notes what a site or an app says it has shown, also where it is not what holds: then the unit is mixed. For `Experiment Viewed` events.
pub async fn report(
    tx: &mut Tx,
    workspace: WorkspaceId,
    who: Who,
    exposure: &Exposure,
    at: Timestamp,
) -> Result<Exposed> {
    let reported = row(who, exposure, at);
    let stored = stored(tx, workspace, &[&reported]).await?.remove(&(reported.experiment, reported.handle));
    let Some(stored) = stored else {
        // Counted by `restand`, which knows whether it is the first of its person.
        let later = ExposureRow { standing: Standing::Later.as_str().into(), ..reported };
        insert(tx, workspace, [&later]).await?;
        let variant = restand(tx, workspace, exposure.experiment, &later).await?;
        return Ok(Exposed { variant, is_new: true });
    };
    if stored.variant != exposure.variant && !stored.torn {
        let tear = sql!("UPDATE exposures SET torn = $4 WHERE experiment = $2 AND handle = $3 AND workspace = $1");
        tx.execute(tear, args![workspace, stored.experiment, stored.handle, true]).await?;
    }
    let variant = restand(tx, workspace, exposure.experiment, &stored).await?;
    Ok(Exposed { variant, is_new: false })
}

/// Follows identifiers that belong to another person now, each with whose it was and whose it is, in the transaction that moves them.
pub async fn follow(tx: &mut Tx, workspace: WorkspaceId, moved: &[(Handle, PersonId, PersonId)]) -> Result<()> {
    let to: BTreeMap<Handle, PersonId> = moved.iter().map(|(handle, _, to)| (*handle, *to)).collect();
    let from: BTreeSet<PersonId> = moved.iter().map(|(_, from, _)| *from).collect();
    let from: Vec<PersonId> = from.into_iter().collect();
    let mut concerned: BTreeMap<(i64, PersonId), ExposureRow> = BTreeMap::new();
    for row in of_persons(tx, workspace, &from).await? {
        let Some(to) = to.get(&row.handle).copied().filter(|to| *to != row.person) else { continue };
        let text = sql!("UPDATE exposures SET person = $4 WHERE experiment = $2 AND handle = $3 AND workspace = $1");
        tx.execute(text, args![workspace, row.experiment, row.handle, to]).await?;
        if row.by_person {
            concerned.insert((row.experiment, row.person), row.clone());
            concerned.insert((row.experiment, to), ExposureRow { person: to, ..row });
        }
    }
    for ((experiment, _), row) in concerned {
        restand(tx, workspace, experiment, &row).await?;
    }
    Ok(())
}

/// Counts anew how the rows of `of`'s unit stand; the variant that holds.
async fn restand(tx: &mut Tx, workspace: WorkspaceId, experiment: i64, of: &ExposureRow) -> Result<String> {
    let of_unit = |row: &ExposureRow| row.by_person == of.by_person && (of.by_person || row.handle == of.handle);
    let rows = of_person(tx, workspace, of.person).await?;
    let rows: Vec<ExposureRow> = rows.into_iter().filter(|it| it.experiment == experiment && of_unit(it)).collect();
    let mut changes = Changes::default();
    let mut holds = of.variant.clone();
    for (row, standing) in rows.iter().zip(standings(&rows)) {
        if standing != Standing::Later {
            holds.clone_from(&row.variant);
        }
        let (before, after) = (Standing::counted(&row.standing), Standing::counted(standing.as_str()));
        if row.standing == standing.as_str() {
            continue;
        }
        let text = sql!("UPDATE exposures SET standing = $4 WHERE experiment = $2 AND handle = $3 AND workspace = $1");
        tx.execute(text, args![workspace, experiment, row.handle, standing.as_str()]).await?;
        let place = (row.allocation, row.variant.as_str(), row.exposed_at.utc_day());
        changes.add(experiment, place, row.handle, (after.0 - before.0, after.1 - before.1));
    }
    changes.write(tx, workspace).await?;
    Ok(holds)
}

/// What stands for a unit: an experiment with a person, or with a device.
type UnitKey = (i64, bool, i64);

fn unit(experiment: i64, kind: UnitKind, who: &Who) -> UnitKey {
    match kind {
        UnitKind::Person => (experiment, true, who.person.0),
        UnitKind::Anonymous => (experiment, false, who.handle.0),
    }
}

/// The variants that hold, of all units of `all`.
async fn known(tx: &mut Tx, workspace: WorkspaceId, all: &[(Who, Exposure)]) -> Result<BTreeMap<UnitKey, String>> {
    let persons: BTreeSet<PersonId> = all.iter().map(|(who, _)| who.person).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let rows = of_persons(tx, workspace, &persons).await?;
    // The first of a person comes first.
    let mut known = BTreeMap::new();
    for row in rows {
        let kind = if row.by_person { UnitKind::Person } else { UnitKind::Anonymous };
        let key = unit(row.experiment, kind, &Who { person: row.person, handle: row.handle });
        known.entry(key).or_insert(row.variant);
    }
    Ok(known)
}

async fn stored(
    tx: &mut Tx,
    workspace: WorkspaceId,
    rows: &[&ExposureRow],
) -> Result<BTreeMap<(i64, Handle), ExposureRow>> {
    let text = sql!(
        "SELECT experiment, handle, person, by_person, variant, allocation, subject, exposed_at, torn, standing FROM exposures
         WHERE experiment = $2 AND workspace = $1 AND handle IN ($3)"
    );
    let mut found = BTreeMap::new();
    let experiments: BTreeSet<i64> = rows.iter().map(|it| it.experiment).collect();
    for experiment in experiments {
        let handles: Vec<Handle> = rows.iter().filter(|it| it.experiment == experiment).map(|it| it.handle).collect();
        let rows: Vec<ExposureRow> = tx.fetch_all(text.clone(), args![workspace, experiment, &handles]).await?;
        found.extend(rows.into_iter().map(|row| ((row.experiment, row.handle), row)));
    }
    Ok(found)
}

async fn insert<'r>(
    tx: &mut Tx,
    workspace: WorkspaceId,
    rows: impl IntoIterator<Item = &'r ExposureRow>,
) -> Result<u64> {
    let text = sql!(
        "INSERT INTO exposures (workspace, experiment, handle, person, by_person, variant, allocation, subject, exposed_at, torn, standing)
         VALUES {rows} ON CONFLICT (experiment, handle, workspace) DO NOTHING"
    );
    let rows = rows.into_iter().map(|row| {
        args![
            workspace,
            row.experiment,
            row.handle,
            row.person,
            row.by_person,
            &row.variant,
            row.allocation,
            &row.subject,
            row.exposed_at,
            row.torn,
            &row.standing
        ]
    });
    tx.execute_many(text, rows).await
}

fn row(who: Who, exposure: &Exposure, at: Timestamp) -> ExposureRow {
    ExposureRow {
        experiment: exposure.experiment,
        handle: who.handle,
        person: who.person,
        by_person: exposure.unit == UnitKind::Person,
        variant: exposure.variant.clone(),
        allocation: exposure.allocation,
        subject: exposure.subject.clone(),
        exposed_at: at,
        torn: false,
        standing: Standing::Holds.as_str().into(),
    }
}

fn event(workspace: WorkspaceId, row: &ExposureRow, key: &str) -> Event {
    let payload = json!({"experiment": key, "variant": row.variant, "version": row.allocation, "subject": row.subject});
    Event::new(workspace, EXPOSED, payload).about(row.person)
}
