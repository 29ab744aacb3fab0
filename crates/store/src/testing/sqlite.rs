//! Files of SQLite databases that have their tables and nothing else.
//!
//! Always holds: a schema is migrated once a program; each test's folder gets a copy of the file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use rapport_domain::{ManualClock, SeededRng};
use tokio::sync::OnceCell;

use super::{STARTS, schema_name};
use crate::store::DATABASE_FILE;
use crate::{Migrations, Store, StoreConfig};

type File = Arc<OnceCell<Vec<u8>>>;

static FILES: LazyLock<Mutex<HashMap<String, File>>> = LazyLock::new(Mutex::default);

/// Lays a database with the tables of `migrations` into a folder that has none, as opening it there would: making the tables takes
/// most of a second, copying them nothing.
pub async fn lay_tables(folder: &Path, migrations: &[Migrations]) {
    let file = {
        let mut files = FILES.lock().expect("no test panics while it looks a file up");
        Arc::clone(files.entry(schema_name(migrations)).or_default())
    };
    let bytes = file.get_or_init(|| made(migrations)).await;
    std::fs::write(folder.join(DATABASE_FILE), bytes).expect("a file can be written into a test's folder");
}

async fn made(migrations: &[Migrations]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let config = StoreConfig::folder(folder.path()).clock(Arc::new(ManualClock::at(STARTS)));
    let store = Store::open(config.rng(Arc::new(SeededRng::new(1))), migrations).await;
    let store = store.expect("the migrations apply to an empty database");
    store.checkpoint().await.expect("nobody else reads it");
    store.close().await;
    std::fs::read(folder.path().join(DATABASE_FILE)).expect("the database is in its folder")
}
