//! kill -9 and lost writes: what was answered is there, once; what was not answered is there whole or not at all. It is our process that is killed; on
//! PostgreSQL the server stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command as Program, Stdio};
use std::time::Duration;

use rapport_domain::{PersonId, Rng, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{Act, Balance, Command, MemberId, Source, Wallet, WalletId};
use rapport_loyalty::records::{head, members, merging, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{MIGRATIONS, Poster};
use rapport_store::testing::{open_at, open_folder, with_postgres};
use rapport_store::{Engine, Priority, Queries, Store, args, sql};

const W: WorkspaceId = WorkspaceId(1);
const MEMBERS: i64 = 5;
/// Tells a process its database: a folder, or a URL.
const DATABASE: &str = "LEDGER_CRASH_DATABASE";

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
    let Ok(place) = std::env::var(DATABASE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = open_at(&place, &[MIGRATIONS]).await;
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

/// One of the ignored tests here as a process of its own, which is told where to begin.
fn process(test: &str, place: &str, first: impl Display) -> Child {
    let mut child = Program::new(std::env::current_exe().unwrap())
        .args([&format!("ledger::crash::{test}"), "--exact", "--ignored", "--nocapture"])
        .env(DATABASE, place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{first}\n").as_bytes()).unwrap();
    child
}

/// Runs a test in a folder of its own.
fn with_folder(test: impl FnOnce(&str)) {
    let folder = tempfile::tempdir().unwrap();
    test(folder.path().to_str().unwrap());
}

/// Waits until PostgreSQL is through with what a killed process sent last: it notices only then that nobody is there any more.
async fn end_of_others(db: &Store) {
    if db.engine() != Engine::Postgres {
        return;
    }
    let others = || {
        sql!(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
                 AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
    };
    while db.read().scalar::<i64>(others(), args![]).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn what_was_answered_survives_kill_9() {
    with_folder(survives_kill_9);
}

#[test]
fn what_was_answered_survives_kill_9_on_postgres() {
    with_postgres(&[MIGRATIONS], survives_kill_9);
}

fn survives_kill_9(place: &str) {
    let rng = SeededRng::new(11);
    let mut answered: BTreeSet<u64> = BTreeSet::new();
    for round in 0..12 {
        // Some of the last round are sent again: whoever heard no answer does so.
        let first = answered.last().map_or(0, |last| last.saturating_sub(30));
        let mut child = process("poster_process", place, first);
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
        check(place, &answered);
        assert!(round < 11 || answered.len() > 200, "{} answers", answered.len());
    }
}

/// Everything answered is there once, as it was asked for; the records fit together.
fn check(place: &str, answered: &BTreeSet<u64>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = open_at(place, &[MIGRATIONS]).await;
        end_of_others(&db).await;
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

/// The two persons of a pair: the first has been a member for longer.
const fn pair(number: i64) -> (PersonId, PersonId) {
    (PersonId(1_000 + 2 * number), PersonId(1_001 + 2 * number))
}

/// The program that is killed: makes pairs of members, gives both points, and lets them become one; says how far it came with each.
#[test]
#[ignore = "started by the test below, in a process of its own"]
fn merging_process() {
    let Ok(place) = std::env::var(DATABASE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = open_at(&place, &[MIGRATIONS]).await;
        prepared(&db).await;
        let poster = Poster::start(db.store.clone());
        let first: i64 = std::io::stdin().lines().next().unwrap().unwrap().trim().parse().unwrap();
        let tasks = (0..4).map(|lane| {
            let (poster, store) = (poster.clone(), db.store.clone());
            tokio::spawn(async move {
                for number in (first + lane..).step_by(4) {
                    println!("said begun {number}");
                    become_one(&store, &poster, number).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

async fn become_one(store: &Store, poster: &Poster, number: i64) {
    let (one, other) = pair(number);
    let rng = SeededRng::new(1_000 + number.unsigned_abs());
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    let now = store.clock().now();
    let stays = members::enrol(&mut tx, W, one, now, &rng).await.unwrap();
    let goes = members::enrol(&mut tx, W, other, now.plus(1), &rng).await.unwrap();
    tx.commit().await.unwrap();
    let post = async |what: &str, member, act| {
        let wallet = WalletId(1);
        let command = Command { id: format!("{what} {number}"), member, wallet, act, source: Source::default() };
        assert_eq!(poster.post(W, command).await.unwrap().refused, None);
    };
    let earn = |amount| Act::Earn { amount, earned_at: None, active_from: None, expires_at: None };
    post("one", stays, earn(5)).await;
    post("other", goes, earn(7)).await;
    post("hold", goes, Act::Hold { amount: 3, until: now.plus(Timestamp::DAY) }).await;
    println!("said ready {number}");
    let mut tx = store.begin(Priority::Background).await.unwrap();
    merging::follow(&mut tx, W, other, one, store.clock().now()).await.unwrap();
    tx.commit().await.unwrap();
    println!("said merged {number}");
    post("spend", goes, Act::Spend { amount: 2 }).await;
    println!("said spent {number}");
}

/// Killed at any instant: two members have become one with all points, or they are two, each with their own.
#[test]
fn members_become_one_wholly_or_not_at_all() {
    with_folder(|place| become_one_wholly(place, 40));
}

/// Each of the steps to one is a commit of its own, and a journey to the server and back: in the same time they come to fewer pairs.
#[test]
fn members_become_one_wholly_or_not_at_all_on_postgres() {
    with_postgres(&[MIGRATIONS], |url| become_one_wholly(url, 8));
}

/// Kills eight times, and on until more than `least` pairs have come to their end: how many do in a time depends on the machine.
fn become_one_wholly(place: &str, least: usize) {
    let rng = SeededRng::new(12);
    let mut said: BTreeMap<i64, String> = BTreeMap::new();
    let spent = |said: &BTreeMap<i64, String>| said.values().filter(|what| *what == "spent").count();
    for kill in 0.. {
        if kill >= 8 && spent(&said) > least {
            break;
        }
        assert!(kill < 80, "hardly any pair comes to its end: {said:?}");
        let first = said.keys().last().map_or(0, |last| last + 1);
        let mut child = process("merging_process", place, first);
        let out = BufReader::new(child.stdout.take().unwrap());
        let wait = Duration::from_millis(300 + rng.next_u64() % 500);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(wait);
            child.kill().unwrap();
            child.wait().unwrap();
        });
        for line in out.lines().map_while(Result::ok) {
            let Some((what, number)) = line.split("said ").nth(1).and_then(|said| said.split_once(' ')) else {
                continue;
            };
            said.insert(number.trim().parse().unwrap(), what.to_owned());
        }
        killer.join().unwrap();
        check_pairs(place, &said);
    }
}

fn check_pairs(place: &str, said: &BTreeMap<i64, String>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = open_at(place, &[MIGRATIONS]).await;
        end_of_others(&db).await;
        assert_eq!(verify(&mut db.read(), W).await.unwrap().findings, []);
        let end = Timestamp(i64::MAX);
        let left =
            async |member| read::balance_as_of(&mut db.read(), W, (member, WalletId(1)), end, end).await.unwrap();
        for (number, what) in said.iter().filter(|(_, what)| *what != "begun") {
            let (one, other) = pair(*number);
            let stays = members::of(&mut db.read(), W, one).await.unwrap().unwrap();
            let goes = members::of(&mut db.read(), W, other).await.unwrap();
            let both = Balance { available: 9, held: 3, ..Balance::default() };
            match goes {
                Some(goes) => {
                    assert_eq!(what, "ready", "{number} was merged and is two again");
                    assert_eq!(left(stays).await, Balance { available: 5, held: 0, ..both });
                    assert_eq!(left(goes).await, Balance { available: 4, ..both });
                }
                None => {
                    let found = left(stays).await;
                    let spent = Balance { available: 7, ..both };
                    assert!(found == spent || what != "spent" && found == both, "{number} {what}: {found:?}");
                    let old = members::numbers(&mut db.read(), W, stays).await.unwrap();
                    assert_eq!(left(old[1]).await, Balance::default());
                }
            }
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
