//! How far the log has been applied, in the product database, so that it moves in the transaction of the effects.
//!
//! Always holds: a position belongs to the log's epoch. A database that was restored beside another log begins at that log's start, which
//! its dedupe by event id makes harmless for facts and orders.

use rapport_store::data_map::Declaration;
use rapport_store::{Migration, Migrations, Queries, Result, Tx, args, sql};

/// The table of cursors.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "pipeline",
    list: &[Migration {
        number: 1,
        name: "log cursors",
        sql: "CREATE TABLE log_cursors (
            consumer TEXT NOT NULL,
            epoch {int} NOT NULL,
            position {int} NOT NULL,
            PRIMARY KEY (consumer, epoch)
        ) {clustered};",
    }],
};

/// What the table's columns hold.
pub const DATA_MAP: &[Declaration] = &[Declaration::technical("log_cursors", &["consumer", "epoch", "position"])];

/// The one consumer there is: identity, facts and orders, and with them the lake.
const PROFILES: &str = "profiles";

/// The last position that was applied; 0 when none was.
pub async fn position(db: &mut impl Queries, epoch: u64) -> Result<u64> {
    let text = sql!("SELECT position FROM log_cursors WHERE consumer = $1 AND epoch = $2");
    let found: Option<(i64,)> = db.fetch_optional(text, args![PROFILES, epoch.cast_signed()]).await?;
    Ok(found.map_or(0, |(position,)| u64::try_from(position).unwrap_or(0)))
}

/// Moves the cursor.
pub async fn advance(tx: &mut Tx, epoch: u64, position: u64) -> Result<()> {
    let text = sql!(
        "INSERT INTO log_cursors (consumer, epoch, position) VALUES ($1, $2, $3)
         ON CONFLICT (consumer, epoch) DO UPDATE SET position = excluded.position"
    );
    tx.execute(text, args![PROFILES, epoch.cast_signed(), i64::try_from(position).unwrap_or(i64::MAX)]).await?;
    Ok(())
}
