//! Measures intake without HTTP: batches of 100 events of about 1 KB, from bytes to acknowledged.
//! `cargo run --release -p rapport-intake --example intake_rate -- FOLDER [BATCHES] [CONCURRENT]`; FOLDER must be empty.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rapport_domain::{Clock, SourceId, SystemClock, SystemRng, WorkspaceId};
use rapport_intake::log::FolderKeys;
use rapport_intake::{Body, Call, IntakeLog, Limits, LogOptions, Origin, inflate};

const ORIGIN: Origin = Origin { workspace: WorkspaceId(1), source: SourceId(1) };

fn body(batch: usize) -> Vec<u8> {
    let items: Vec<String> = (0..100)
        .map(|i| {
            let n = batch * 100 + i;
            let url = format!("https://shop.example/products/{n}?utm_source=newsletter&utm_campaign=autumn-{}", n % 37);
            format!(
                r#"{{"type":"track","event":"Product Viewed","userId":"user-{}","anonymousId":"{n:08x}-0000-4000-8000-000000000001","messageId":"node-next-1700000000000-{n:032x}","timestamp":"2026-11-21T11:59:58.123Z","properties":{{"product_id":"sku-{}","name":"Ceramic cup number {n}","brand":"House of Clay","category":"Kitchen/Cups","price":12.95,"quantity":1,"currency":"EUR","position":{i},"url":"{url}","image_url":"https://cdn.example/images/{n}.jpg"}},"context":{{"library":{{"name":"@segment/analytics-node","version":"3.1.0"}},"locale":"de-DE","ip":"192.0.2.{}","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36","page":{{"path":"/products/{n}","referrer":"https://search.example/","title":"Ceramic cup number {n} - House of Clay"}},"campaign":{{"name":"autumn","source":"newsletter","medium":"email"}}}}}}"#,
                n % 5000, n % 900, n % 250
            )
        })
        .collect();
    format!(r#"{{"batch":[{}],"sentAt":"2026-11-21T12:00:00.000Z","writeKey":"wk"}}"#, items.join(",")).into_bytes()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder as the first argument"));
    let mut number = |default| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (batches, concurrent) = (number(2_000), number(8));
    let bodies: Arc<Vec<Vec<u8>>> = Arc::new((0..batches).map(body).collect());
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    println!("{} events of {} bytes", batches * 100, bytes / batches / 100);

    let watch = Stopwatch::start();
    let events: usize = bodies.iter().map(|body| decode(body).len()).sum();
    watch.print("decode, one thread", events);

    let keys = FolderKeys::open(&folder.join("keys"), Arc::new(SystemRng)).expect("a writable folder");
    let options = LogOptions { keys: Some(Arc::new(keys)), ..LogOptions::default() };
    let log = IntakeLog::open(&folder.join("log"), options, Arc::new(SystemClock), Arc::new(SystemRng))
        .expect("an empty folder");
    let next = AtomicUsize::new(0);
    let watch = Stopwatch::start();
    let mut waits: Vec<Duration> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..concurrent)
            .map(|_| {
                scope.spawn(|| {
                    let mut waits = Vec::new();
                    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let start = Instant::now();
                        log.append_blocking(&decode(body)).expect("space on the disk");
                        waits.push(start.elapsed());
                    }
                    waits
                })
            })
            .collect();
        senders.into_iter().flat_map(|sender| sender.join().expect("no sender panics")).collect()
    });
    watch.print("decode and append", events);
    waits.sort();
    let quantile = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!("{concurrent} senders, a batch acknowledged: p50 {:?}, p99 {:?}", quantile(0.5), quantile(0.99));
    assert_eq!(log.head(), events as u64);

    let watch = Stopwatch::start();
    let (mut from, mut read) = (1, 0);
    while from <= log.head() {
        let batch = log.read(from, 1_000, 4 << 20).expect("a readable log");
        from = batch.next;
        read += batch.events.len();
    }
    watch.print("read", read);
}

/// Seconds of processor time this process has used (Linux counts in hundredths); 0 elsewhere. On a busy machine it says more
/// than the wall clock.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

struct Stopwatch(Instant, f64);

impl Stopwatch {
    fn start() -> Self {
        Self(Instant::now(), processor_seconds())
    }

    fn print(&self, what: &str, events: usize) {
        let rate = events as f64 / self.0.elapsed().as_secs_f64();
        let cost = (processor_seconds() - self.1) * 1e6 / events as f64;
        println!("{what}: {rate:.0} events/s, {cost:.1} µs of processor time an event");
    }
}

fn decode(body: &[u8]) -> Vec<rapport_domain::Event> {
    let limits = Limits::default();
    let text = inflate(body, &limits).expect("plain text");
    let body = Body::parse(&text, Call::Batch, &limits).expect("a batch");
    let decoded = body.decode(ORIGIN, SystemClock.now(), &SystemRng);
    assert!(decoded.rejects.is_empty(), "{:?}", decoded.rejects);
    decoded.events
}
