//! How fast the ledger is: `ledger_rate <folder on the disk to be measured> <members> <transfers> <lots>` prints one JSON object. Each transfer is durable before it is
//! answered: its postings, lots, balance, idempotency key and domain event are one commit.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rapport_domain::{ManualClock, PersonId, Rng, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{Act, Command, MemberId, Source, Wallet, WalletId};
use rapport_loyalty::records::{members, read, wallets};
use rapport_loyalty::{MIGRATIONS, Poster};
use rapport_store::{Priority, Store, StoreConfig};

/// As in the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const W: WorkspaceId = WorkspaceId(1);
const POINTS: WalletId = WalletId(1);
const AT_ONCE: i64 = 1_000;
const RACES: i64 = 1_000;
const START: i64 = 1_800_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments[at].parse::<i64>().expect("a number");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(run(Path::new(&arguments[0]), number(1), number(2), number(3)));
}

async fn run(folder: &Path, count: i64, transfers: i64, lots: i64) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(START)));
    let config = StoreConfig::folder(folder).clock(clock.clone()).rng(Arc::new(SeededRng::new(1)));
    let store = Store::open(config, &[MIGRATIONS]).await.expect("the database opens");
    let everybody = prepare(&store, count).await;
    let poster = Poster::start(store.clone());
    let sync = sync_time(folder);
    // Everybody has something to spend.
    rate(&poster, "first", &everybody, count, |_| Act::Earn {
        amount: 1_000,
        earned_at: None,
        active_from: None,
        expires_at: None,
    })
    .await;
    let alone = one_by_one(&poster, &everybody, 400).await;
    let uniform = rate(&poster, "uniform", &everybody, transfers, transfer).await;
    let hot = rate(&poster, "hot", &everybody[..1], transfers, transfer).await;
    let one_won = races(&poster, everybody[2]).await;
    let member = ten_thousand(&poster, &store, everybody[1]).await;
    let (expired_s, serving) = expire(&poster, &clock, &everybody, lots).await;
    println!(
        r#"{{"sync_ms": {:.3}, "alone_p50_ms": {:.3}, "uniform_per_s": {uniform:.0}, "hot_per_s": {hot:.0}, "races": {RACES}, "races_one_won": {one_won}, "member_ms": {member:.3}, "expired": {lots}, "expired_s": {expired_s:.1}, "serving_p99_ms": {serving:.1}}}"#,
        sync * 1_000.0,
        alone * 1_000.0,
    );
}

async fn prepare(store: &Store, count: i64) -> Vec<MemberId> {
    let mut tx = store.begin(Priority::Interactive).await.expect("a transaction");
    let wallet = Wallet { amount_max: 1_000_000, balance_max: None, arrears_max: 1_000 };
    for key in ["points", "last"] {
        wallets::save(&mut tx, W, key, &wallet).await.expect("a wallet");
    }
    let persons: Vec<PersonId> = (1..=count).map(PersonId).collect();
    let now = store.clock().now();
    let numbers = members::enrol_all(&mut tx, W, &persons, now, store.rng()).await.expect("members");
    tx.commit().await.expect("it commits");
    numbers
}

/// Half of them give points, as a new lot, half take some: of lots, in their order.
fn transfer(number: i64) -> Act {
    if number % 2 == 0 {
        let end = Timestamp::from_seconds(START + 86_400 * (30 + number % 300));
        Act::Earn { amount: 1 + number % 90, earned_at: None, active_from: None, expires_at: Some(end) }
    } else {
        Act::Spend { amount: 1 + number % 40 }
    }
}

fn command(id: String, member: MemberId, act: Act) -> Command {
    Command { id, member, wallet: POINTS, act, source: Source { kind: "order".into(), ..Source::default() } }
}

/// How long the disk takes to keep a page: the median, in seconds.
fn sync_time(folder: &Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("sync")).expect("a file");
    let mut times: Vec<f64> = (0..300)
        .map(|_| {
            let started = Instant::now();
            file.write_all(&[7; 4_096]).and_then(|()| file.sync_data()).expect("it can be written");
            started.elapsed().as_secs_f64()
        })
        .collect();
    median(&mut times)
}

async fn one_by_one(poster: &Poster, everybody: &[MemberId], count: i64) -> f64 {
    let mut times = Vec::new();
    for number in 0..count {
        let member = everybody[usize::try_from(number * 7_919).expect("small") % everybody.len()];
        let started = Instant::now();
        poster.post(W, command(format!("alone {number}"), member, transfer(number))).await.expect("it is posted");
        times.push(started.elapsed().as_secs_f64());
    }
    median(&mut times)
}

/// Transfers a second, a thousand of them at any moment.
async fn rate(poster: &Poster, name: &'static str, everybody: &[MemberId], count: i64, act: fn(i64) -> Act) -> f64 {
    let next = Arc::new(AtomicI64::new(0));
    let everybody: Arc<[MemberId]> = everybody.into();
    let started = Instant::now();
    let lanes = (0..AT_ONCE).map(|_| {
        let (poster, next, everybody) = (poster.clone(), next.clone(), everybody.clone());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                // Members in an order that jumps about.
                let member = everybody[usize::try_from(number * 7_919).expect("small") % everybody.len()];
                poster.post(W, command(format!("{name} {number}"), member, act(number))).await.expect("it is posted");
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.expect("no lane fails");
    }
    count as f64 / started.elapsed().as_secs_f64()
}

/// Again and again thirty at once want the last points of somebody: how many times exactly one of them got them.
async fn races(poster: &Poster, member: MemberId) -> i64 {
    let earn = Act::Earn { amount: 100, earned_at: None, active_from: None, expires_at: None };
    let last = |id: String, act: Act| Command { wallet: WalletId(2), ..command(id, member, act) };
    let mut one_won = 0;
    for race in 0..RACES {
        poster.post(W, last(format!("race {race}"), earn.clone())).await.expect("it is posted");
        let lanes = (0..30).map(|lane| {
            let (poster, wanted) = (poster.clone(), last(format!("race {race} {lane}"), Act::Spend { amount: 100 }));
            tokio::spawn(async move { poster.post(W, wanted).await.expect("it is answered").refused.is_none() })
        });
        let mut won = 0;
        for lane in lanes.collect::<Vec<_>>() {
            won += i64::from(lane.await.expect("no lane fails"));
        }
        one_won += i64::from(won == 1);
    }
    one_won
}

/// How long it takes to read balance and lots of somebody with ten thousand postings, in milliseconds.
async fn ten_thousand(poster: &Poster, store: &Store, member: MemberId) -> f64 {
    rate(poster, "many", &[member], 10_000, transfer).await;
    let mut times = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        let mut db = store.read();
        let accounts = read::accounts(&mut db, W, &[member], Timestamp::from_seconds(START)).await.expect("accounts");
        let lots = read::lots(&mut db, W, (member, POINTS)).await.expect("lots");
        assert!(!lots.is_empty() && !accounts.is_empty());
        times.push(started.elapsed().as_secs_f64());
    }
    median(&mut times) * 1_000.0
}

/// Seconds until so many lots have lapsed, in slices, and the 99th percentile of what others wait meanwhile, in milliseconds.
async fn expire(poster: &Poster, clock: &ManualClock, everybody: &[MemberId], lots: i64) -> (f64, f64) {
    let end = Timestamp::from_seconds(START + 86_400 * 10);
    let act = |_| Act::Earn {
        amount: 5,
        earned_at: None,
        active_from: None,
        expires_at: Some(Timestamp::from_seconds(START + 86_400 * 10)),
    };
    rate(poster, "to lapse", everybody, lots, act).await;
    clock.set(end.plus(1));
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let serving = tokio::spawn({
        let (poster, stop, everybody) = (poster.clone(), stop.clone(), everybody.to_vec());
        async move {
            let mut times = Vec::new();
            let rng = SeededRng::new(9);
            while !stop.load(Ordering::Relaxed) {
                let member = everybody[usize::try_from(rng.next_u64() % everybody.len() as u64).expect("small")];
                let started = Instant::now();
                let id = format!("meanwhile {}", times.len());
                poster.post(W, command(id, member, Act::Spend { amount: 1 })).await.expect("it is posted");
                times.push(started.elapsed().as_secs_f64());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            times.sort_by(f64::total_cmp);
            times[(times.len() - 1) * 99 / 100] * 1_000.0
        }
    });
    let started = Instant::now();
    while poster.settle(W, 200).await.expect("it settles") > 0 {}
    let expired = started.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    (expired, serving.await.expect("it ends"))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
