//! kill -9 and lost writes: what was answered is there, once; what was not answered is there whole or not at all.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use rapport_domain::{PersonId, Rng, SeededRng, WorkspaceId};
use rapport_loyalty::ledger::{Act, Command, MemberId, Source, Wallet, WalletId};
use rapport_loyalty::records::{head, members, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{MIGRATIONS, Poster};
use rapport_store::testing::open_folder;
use rapport_store::{Priority, Store};

const W: WorkspaceId = WorkspaceId(1);
const MEMBERS: i64 = 5;
const FOLDER: &str = "LEDGER_CRASH_FOLDER";

/// What is asked for under this number, always the same.
fn numbered(number: u64, members: &[MemberId]) -> Command {
    let rng = SeededRng::new(number);
    let member = members[usize::try_from(rng.next_u64() % members.len() as u64).unwrap()];
    let amount = 1 + i64::try_from(rng.next_u64() % 9).unwrap();
    let act = match rng.next_u64() % 3 {
        0 => Act::Spend { amount },
        _ => Act::Earn { amount, earned_at: None, active_from: None, expires_at: None },
    };
    Command { id: format!("n{number}"), member, wallet: WalletId(1), act, source: Source::default() }
}

async fn prepared(db: &Store) -> Vec<MemberId> {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let wallet = Wallet { amount_max: 1_000, balance_max: None, arrears_max: 0 };
    wallets::save(&mut tx, W, "points", &wallet).await.unwrap();
    let rng = SeededRng::new(1);
    let mut numbers = Vec::new();
    for person in 1..=MEMBERS {
        let now = db.clock().now();
        numbers.push(members::enrol(&mut tx, W, PersonId(person), now, &rng).await.unwrap());
    }
    tx.commit().await.unwrap();
    numbers
}

/// The program that is killed: posts from the first number that is not there on, and says each that was answered.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn poster_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = open_folder(Path::new(&folder), &[MIGRATIONS]).await;
        let numbers = prepared(&db).await;
        let poster = Poster::start(db.store.clone());
        let mut lines = BufReader::new(std::io::stdin()).lines();
        let first: u64 = lines.next().unwrap().unwrap().trim().parse().unwrap();
        let tasks = (0..20).map(|lane| {
            let (poster, numbers) = (poster.clone(), numbers.clone());
            tokio::spawn(async move {
                for number in (first + lane..).step_by(20) {
                    poster.post(W, numbered(number, &numbers)).await.unwrap();
                    println!("answered {number}");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

#[test]
fn what_was_answered_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let rng = SeededRng::new(11);
    let mut answered: BTreeSet<u64> = BTreeSet::new();
    for round in 0..12 {
        let mut child = Program::new(std::env::current_exe().unwrap())
            .args(["crash::poster_process", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Some of the last round are sent again: whoever heard no answer does so.
        let first = answered.last().map_or(0, |last| last.saturating_sub(30));
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{first}\n").as_bytes()).unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let killer = std::thread::spawn({
            let wait = Duration::from_millis(300 + rng.next_u64() % 500);
            move || {
                std::thread::sleep(wait);
                child.kill().unwrap();
                child.wait().unwrap();
            }
        });
        for line in out.lines().map_while(Result::ok) {
            answered.extend(line.split("answered ").nth(1).and_then(|number| number.trim().parse::<u64>().ok()));
        }
        killer.join().unwrap();
        check(folder.path(), &answered);
        assert!(round < 11 || answered.len() > 200, "{} answers", answered.len());
    }
}

/// Everything answered is there once, as it was asked for; the records fit together.
fn check(folder: &Path, answered: &BTreeSet<u64>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = open_folder(folder, &[MIGRATIONS]).await;
        let report = verify(&mut db.read(), W).await.unwrap();
        assert_eq!(report.findings, []);
        let numbers = prepared(&db).await;
        let journal = read::journal(&mut db.read(), W, 0, u32::MAX).await.unwrap();
        let there: BTreeSet<&str> = journal.iter().map(|operation| operation.id.as_str()).collect();
        assert_eq!(there.len(), journal.len(), "nothing is there twice");
        for number in answered {
            assert!(there.contains(format!("n{number}").as_str()), "{number} was answered and is lost");
        }
        for operation in &journal {
            let number = operation.id.trim_start_matches('n').parse().unwrap();
            assert_eq!(operation.fingerprint, numbered(number, &numbers).fingerprint());
        }
        // The next process must not meet ours.
        db.close().await;
    });
}

/// A machine that loses power may lose the end of SQLite's log, at any byte, or find other bytes there. What is left is the ledger as it was after one of
/// its batches.
#[test]
fn a_log_that_ends_anywhere_is_the_ledger_as_it_once_was() {
    let folder = tempfile::tempdir().unwrap();
    let lost = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let heads = runtime.block_on(async {
        let db = open_folder(folder.path(), &[MIGRATIONS]).await;
        let numbers = prepared(&db).await;
        let poster = Poster::start(db.store.clone());
        let mut heads = Vec::new();
        for number in 0..40 {
            poster.post(W, numbered(number, &numbers)).await.unwrap();
            heads.push(head::read(&mut db.read(), W).await.unwrap().unwrap());
        }
        // While it is open, as it is when the power goes.
        for file in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
            std::fs::copy(&file, lost.path().join(file.file_name().unwrap())).unwrap();
        }
        heads
    });
    let log = std::fs::read_dir(lost.path()).unwrap().map(|entry| entry.unwrap().path());
    let log = log.into_iter().find(|file| file.to_string_lossy().ends_with("-wal")).unwrap();
    let whole = std::fs::read(&log).unwrap();
    let rng = SeededRng::new(5);
    let mut ends = BTreeSet::new();
    for round in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(lost.path()).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap();
            if !name.to_string_lossy().ends_with("-shm") {
                std::fs::copy(&file, folder.path().join(name)).unwrap();
            }
        }
        // From two thirds on: before it stands the schema.
        let end = whole.len() - usize::try_from(rng.next_u64()).unwrap_or(0) % (whole.len() / 3);
        let mut kept = whole[..end].to_vec();
        if round % 2 == 1 {
            kept.resize(whole.len(), 0xA5);
        }
        std::fs::write(folder.path().join(log.file_name().unwrap()), kept).unwrap();
        runtime.block_on(async {
            let db = open_folder(folder.path(), &[MIGRATIONS]).await;
            assert_eq!(verify(&mut db.read(), W).await.unwrap().findings, []);
            let head = head::read(&mut db.read(), W).await.unwrap();
            ends.insert(head.as_ref().map_or(0, |head| head.operations));
            assert!(head.is_none_or(|head| heads.contains(&head)));
        });
    }
    assert!(ends.len() > 10, "{ends:?}");
}
