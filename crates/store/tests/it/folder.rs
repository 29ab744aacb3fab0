//! Opening, refusing, verifying and surviving a kill, on SQLite's data folder.

use std::io::{BufRead, BufReader, Seek, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rapport_store::testing::open_folder;
use rapport_store::{Error, FolderLock, Migration, Migrations, Priority, Queries, Store, StoreConfig, args, sql};

const FIRST: Migration =
    Migration { number: 1, name: "numbers", sql: "CREATE TABLE number (n {int} PRIMARY KEY) {strict}" };
const SECOND: Migration =
    Migration { number: 2, name: "words", sql: "CREATE TABLE word (w TEXT PRIMARY KEY) {strict}" };
const OLD: Migrations = Migrations { namespace: "test", list: &[FIRST] };
const NEW: Migrations = Migrations { namespace: "test", list: &[FIRST, SECOND] };
const CHANGED: Migrations = Migrations {
    namespace: "test",
    list: &[Migration { sql: "CREATE TABLE number (n {int} PRIMARY KEY, m {int}) {strict}", ..FIRST }],
};
const CHILD_FOLDER: &str = "RAPPORT_STORE_TEST_CHILD_FOLDER";

async fn open(folder: &Path, migrations: Migrations) -> Result<Store, Error> {
    Store::open(StoreConfig::folder(folder), &[migrations]).await
}

/// Every file of a folder with its content, but for the lock and SQLite's shared memory.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("rapport.lock") && !path.ends_with("rapport.db-shm"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn it_migrates_forward_and_refuses_the_rest_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = &folder.path().join("new/data");
    let store = open(path, OLD).await.unwrap();
    let second = open(path, OLD).await.unwrap_err();
    assert_eq!(second.code(), "store.folder_in_use");
    store.close().await;
    drop(store);
    let store = open(path, NEW).await.unwrap();
    store.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM word"), args![]).await.unwrap();
    store.verify().await.unwrap();
    store.close().await;
    drop(store);
    let before = content(path);
    let older = open(path, OLD).await.unwrap_err();
    assert!(older.to_string().contains("test/2") && older.code() == "store.newer_database", "{older}");
    let changed = open(path, CHANGED).await.unwrap_err();
    assert!(matches!(changed, Error::MigrationChanged { .. } | Error::NewerDatabase { .. }), "{changed}");
    assert_eq!(content(path), before);
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), OLD).await.unwrap());
    let refused = open(folder.path(), CHANGED).await.unwrap_err();
    assert_eq!(refused.code(), "store.migration_changed");
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing() {
    const BROKEN: Migrations = Migrations {
        namespace: "test",
        list: &[FIRST, Migration { number: 2, name: "broken", sql: "CREATE TABLE word (w TEXT; " }],
    };
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), BROKEN).await.unwrap_err();
    let store = open(folder.path(), NEW).await.unwrap();
    assert_eq!(store.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM number"), args![]).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_damaged_or_foreign_is_refused_untouched() {
    let make = |bytes: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rapport.db"), bytes).unwrap();
        folder
    };
    let whole = tempfile::tempdir().unwrap();
    let store = open(whole.path(), OLD).await.unwrap();
    store.checkpoint().await.unwrap();
    store.close().await;
    let bytes = std::fs::read(whole.path().join("rapport.db")).unwrap();
    let mut foreign = bytes.clone();
    foreign[68..72].copy_from_slice(b"Othr");
    for (bytes, what) in [
        (b"invoice;customer\n".repeat(100).as_slice(), "not an SQLite file"),
        (b"SQLite".as_slice(), "shorter"),
        (&bytes[..bytes.len() - 4096], "cut short"),
        (foreign.as_slice(), "another program"),
    ] {
        let folder = make(bytes);
        let before = content(folder.path());
        let refused = open(folder.path(), OLD).await.unwrap_err();
        assert!(refused.code() == "store.damaged" && refused.to_string().contains(what), "{refused}");
        assert_eq!(content(folder.path()), before);
    }
    open(make(b"").path(), OLD).await.expect("an empty file is a database that was never written");
    open(make(&bytes).path(), OLD).await.expect("a copy of a checkpointed file is a whole database");
}

/// A process that was just started shares the lock with us until it has become another program.
#[tokio::test]
async fn a_folder_that_is_let_go_in_a_moment_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let held = FolderLock::take(folder.path()).unwrap();
    assert_eq!(open(folder.path(), OLD).await.unwrap_err().code(), "store.folder_in_use");
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(held);
    });
    open(folder.path(), OLD).await.expect("it is free by then");
}

#[tokio::test]
async fn verify_finds_a_broken_page() {
    let folder = tempfile::tempdir().unwrap();
    let db = open_folder(folder.path(), &[OLD]).await;
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let insert = sql!("INSERT INTO number (n) VALUES {rows}");
    tx.execute_many(insert, (0..50_000_i64).map(|n| args![n])).await.unwrap();
    tx.commit().await.unwrap();
    db.checkpoint().await.unwrap();
    db.verify().await.unwrap();
    db.close().await;
    drop(db);
    let mut file = std::fs::OpenOptions::new().write(true).open(folder.path().join("rapport.db")).unwrap();
    file.seek(std::io::SeekFrom::End(-40_000)).unwrap();
    file.write_all(&[0xA5; 4096]).unwrap();
    let db = open_folder(folder.path(), &[OLD]).await;
    let found = db.verify().await.unwrap_err();
    assert_eq!(found.code(), "store.damaged", "{found}");
}

/// kill -9 shows that an acknowledgement comes after the commit and that reopening recovers; it cannot show the fsync.
#[test]
fn acknowledged_writes_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "folder::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let wanted = 40 + round * 37;
        let numbers = lines.filter_map(|line| line.strip_prefix("ack ")?.parse::<i64>().ok());
        acknowledged.extend(numbers.take(wanted));
        child.kill().unwrap();
        child.wait().unwrap();
        let stored: Vec<(i64,)> = runtime.block_on(async {
            let store = open(folder.path(), OLD).await.unwrap();
            store.verify().await.unwrap();
            let stored = store.read().fetch_all(sql!("SELECT n FROM number ORDER BY n"), args![]).await.unwrap();
            store.close().await;
            stored
        });
        assert_eq!(acknowledged.len(), (0..=round).map(|round| 40 + round * 37).sum::<usize>());
        for n in &acknowledged {
            assert!(stored.binary_search(&(*n,)).is_ok(), "{n} was acknowledged and is lost");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of acknowledged_writes_survive_a_kill"]
async fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else { return };
    let store = open(Path::new(&folder), OLD).await.unwrap();
    let start = store.read().scalar::<i64>(sql!("SELECT COALESCE(MAX(n), 0) FROM number"), args![]).await.unwrap();
    let writers = (1..=8).map(|lane| {
        let store = store.clone();
        tokio::spawn(async move {
            for step in 0.. {
                let n = start + lane + 8 * step;
                let mut tx = store.begin(Priority::Interactive).await.unwrap();
                tx.execute(sql!("INSERT INTO number (n) VALUES ($1)"), args![n]).await.unwrap();
                tx.commit().await.unwrap();
                println!("ack {n}");
            }
        })
    });
    futures::future::join_all(writers).await;
}
