//! How many were exposed, by day, allocation and variant, kept up to date with each exposure: counting ten million rows takes seconds.
//!
//! Always holds: the counts change in the transaction of what they count. Each is parted over some rows, so that on PostgreSQL writers seldom wait for
//! each other.

use std::collections::BTreeMap;

use rapport_domain::{Handle, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// Over how many rows a count is parted.
const SHARDS: i64 = 8;

/// How many were exposed for the first time on a day.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct DayRow {
    /// The version since which chances were as they were.
    pub allocation: i64,
    /// The variant.
    pub variant: String,
    /// The day, counted from 1970-01-01 (UTC).
    pub day: i64,
    /// How many units, without the mixed ones.
    pub units: i64,
    /// How many turned out to have had another variant as well; they are in no readout.
    pub mixed: i64,
}

/// Changes of counts, put together before they are written.
#[derive(Debug, Default)]
pub struct Changes(BTreeMap<Place, (i64, i64)>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    experiment: i64,
    allocation: i64,
    variant: String,
    day: i64,
    shard: i64,
}

impl Changes {
    /// Counts `units` and `mixed` more, or fewer, of those first exposed on a day.
    pub fn add(
        &mut self,
        experiment: i64,
        (allocation, variant, day): (i64, &str, i64),
        handle: Handle,
        (units, mixed): (i64, i64),
    ) {
        let shard = handle.0.rem_euclid(SHARDS);
        let place = Place { experiment, allocation, variant: variant.to_owned(), day, shard };
        let count = self.0.entry(place).or_default();
        count.0 += units;
        count.1 += mixed;
    }

    /// Writes them, always in the same order, so that two transactions do not wait for each other.
    pub async fn write(self, tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
        let text = sql!(
            "INSERT INTO exposure_days (workspace, experiment, allocation, variant, day, shard, units, mixed) VALUES {rows}
             ON CONFLICT (experiment, allocation, variant, day, shard, workspace)
             DO UPDATE SET units = exposure_days.units + excluded.units, mixed = exposure_days.mixed + excluded.mixed"
        );
        let changed = self.0.into_iter().filter(|(_, count)| *count != (0, 0));
        let rows = changed.map(|(place, (units, mixed))| {
            args![workspace, place.experiment, place.allocation, place.variant, place.day, place.shard, units, mixed]
        });
        tx.execute_many(text, rows).await?;
        Ok(())
    }
}

/// The counts of an experiment, in order of allocation, day and variant.
pub async fn of(db: &mut impl Queries, workspace: WorkspaceId, experiment: i64) -> Result<Vec<DayRow>> {
    let text = sql!(
        "SELECT allocation, variant, day, CAST(SUM(units) AS BIGINT) AS units, CAST(SUM(mixed) AS BIGINT) AS mixed
         FROM exposure_days WHERE experiment = $2 AND workspace = $1
         GROUP BY allocation, variant, day ORDER BY allocation, day, variant"
    );
    db.fetch_all(text, args![workspace, experiment]).await
}
