//! kill -9, again and again, in the middle of sending, at a mail server that is slow and sometimes hangs up before it answers: everybody who should get
//! the mail gets that mail, and a second copy is only ever one of the same name that the message's row admits to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::{Clock, ManualClock, PersonId, Rng, SeededRng, SystemClock, SystemRng, Timestamp};
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_profiles::records::identifiers;
use rapport_server::app::App;
use rapport_server::installation::{Installation, Places};
use rapport_server::pipeline::Pipeline;
use rapport_server::records::workspaces::FIRST;
use rapport_server::sending;
use rapport_server::settings::{Origins, Settings};
use serde_json::{Value, json};

use crate::crash::{Process, key, request};

const ROUNDS: u64 = 8;
/// People a round.
const COMERS: u64 = 10;
const PEOPLE: u64 = ROUNDS * COMERS;
/// One of so many agreed to nothing.
const SILENT: u64 = 5;

/// A mail that the mail server has, whether it said so or not.
#[derive(Debug)]
struct Kept {
    recipient: String,
    name: String,
}

/// A mail server that thinks before it answers, and hangs up instead of one of six answers.
struct Slow {
    port: u16,
    kept: Arc<Mutex<Vec<Kept>>>,
}

impl Slow {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept: Arc<Mutex<Vec<Kept>>> = Arc::default();
        let rng = Arc::new(SeededRng::new(5));
        let all = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, rng) = (Arc::clone(&all), Arc::clone(&rng));
                // Whoever is killed hangs up in the middle of a word.
                std::thread::spawn(move || drop(talk(&stream, &kept, &rng)));
            }
        });
        Self { port, kept }
    }
}

fn talk(stream: &TcpStream, kept: &Mutex<Vec<Kept>>, rng: &SeededRng) -> std::io::Result<()> {
    let (mut lines, mut out) = (BufReader::new(stream).lines(), stream);
    out.write_all(b"220 slow ESMTP\r\n")?;
    let mut recipient = String::new();
    while let Some(line) = lines.next().transpose()? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match &*verb {
            "RCPT" => recipient = line["RCPT TO:<".len()..].split('>').next().unwrap_or_default().to_owned(),
            "DATA" => {
                out.write_all(b"354 go ahead\r\n")?;
                let mut name = None;
                loop {
                    let Some(line) = lines.next().transpose()? else { return Ok(()) };
                    if line == "." {
                        break;
                    }
                    name = name.or_else(|| line.strip_prefix("Message-ID: ").map(str::to_owned));
                }
                let name = name.expect("a mail has a Message-ID");
                kept.lock().unwrap().push(Kept { recipient: recipient.clone(), name });
                let chance = rng.next_u64();
                std::thread::sleep(Duration::from_millis(chance / 6 % 200));
                if chance.is_multiple_of(6) {
                    return Ok(());
                }
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => {}
        }
        out.write_all(b"250 ok\r\n")?;
    }
    Ok(())
}

struct Shop<'a> {
    data: &'a Path,
    port: String,
    write: String,
    admin: String,
}

impl Shop<'_> {
    fn start(&self) -> Process {
        let variables = [
            ("RAPPORT_MAIL_HOST", "127.0.0.1"),
            ("RAPPORT_MAIL_PORT", &self.port),
            ("RAPPORT_MAIL_SECURITY", "plain"),
            ("RAPPORT_PUBLIC_URL", "https://shop.example"),
        ];
        Process::with(self.data, &variables)
    }

    fn call(&self, process: &Process, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = request(&process.address, method, path, &self.admin, &body).unwrap();
        assert_eq!(status, 200, "{method} {path}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// Launches a journey that greets whoever signs up; its key.
    fn launch(&self, process: &Process) -> String {
        let settings =
            json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": null, "caps": []}});
        self.call(process, "PUT", "/api/v1/sending/settings", &settings);
        let letterhead =
            json!({"name": "Shop", "address": "1 Street, Town", "url": "https://shop.example", "logo_url": ""});
        self.call(process, "PUT", "/api/v1/letterhead", &letterhead);
        // A ready journey brings its templates along; it stays a draft.
        self.call(process, "POST", "/api/v1/journeys", &json!({"ready": "welcome"}));
        let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "reentry": "never", "start": "mail", "nodes": [
            {"id": "mail", "step": {"message": {"channel": "email", "template": "welcome", "next": null}}}]});
        let made = self.call(process, "POST", "/api/v1/journeys", &json!({"name": "Hello", "definition": definition}));
        let key = made["summary"]["key"].as_str().unwrap().to_owned();
        self.call(process, "POST", &format!("/api/v1/journeys/{key}/launch"), &json!({}));
        wait_until("the journey is live", || {
            let page = self.call(process, "GET", &format!("/api/v1/journeys/{key}"), &Value::Null);
            (page["summary"]["state"] == "live").then_some(()).ok_or_else(|| page.to_string())
        });
        key
    }

    /// Says that people come, until it is acknowledged or nobody is there.
    fn tell(&self, process: &Process, waiting: &Mutex<Vec<u64>>, stopped: &AtomicBool) {
        while !stopped.load(Ordering::Relaxed) {
            let Some(number) = waiting.lock().unwrap().pop() else { return };
            let batch = json!({"batch": comes(number)}).to_string();
            match request(&process.address, "POST", "/v1/batch", &self.write, &batch) {
                Ok((200, _)) => std::thread::sleep(Duration::from_millis(20)),
                Ok((status, body)) => panic!("{status}: {body}"),
                Err(_) => waiting.lock().unwrap().push(number),
            }
        }
    }
}

fn has_agreed(number: u64) -> bool {
    !number.is_multiple_of(SILENT)
}

/// What is told of somebody who comes, always under the same ids.
fn comes(number: u64) -> Vec<Value> {
    let user = format!("u{number}");
    let mut all = vec![
        json!({"type": "identify", "userId": user, "messageId": format!("i{number}"), "traits": {"email": format!("p{number}@example.com")}}),
    ];
    if has_agreed(number) {
        all.push(
            json!({"type": "track", "userId": user, "messageId": format!("c{number}"), "event": "Consent Granted",
            "properties": {"channel": "email", "method": "form"}}),
        );
    }
    all.push(json!({"type": "track", "userId": user, "messageId": format!("s{number}"), "event": "Signed Up"}));
    all
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<(), String>) {
    let began = Instant::now();
    while let Err(instead) = is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "not so: {what}: {instead}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn kill_9_while_mails_go_out_loses_nobody_and_writes_to_nobody_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Slow::start();
    let shop = Shop {
        data,
        port: server.port.to_string(),
        write: format!("Basic {}", BASE64_STANDARD.encode(format!("{}:", key(data, &["--source", "Crash"])))),
        admin: format!("Bearer {}", key(data, &["--api", "--scope", "read", "--scope", "write", "--scope", "admin"])),
    };
    let process = shop.start();
    let journey = shop.launch(&process);
    process.kill();

    let waiting: Mutex<Vec<u64>> = Mutex::default();
    let rng = SeededRng::new(11);
    for round in 0..ROUNDS {
        waiting.lock().unwrap().extend(round * COMERS..(round + 1) * COMERS);
        let process = shop.start();
        let stopped = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| shop.tell(&process, &waiting, &stopped));
            // At any point from the first event to the last answer.
            std::thread::sleep(Duration::from_millis(300 + rng.next_u64() % 700));
            stopped.store(true, Ordering::Relaxed);
            process.kill();
        });
    }
    let process = shop.start();
    shop.tell(&process, &waiting, &AtomicBool::new(false));
    // What was being handed over at a kill does not wait until its lease ends. What the mail server gave no answer to waits a minute.
    wait_until("everything was tried", || {
        let all = shop.call(&process, "GET", "/api/v1/messages?limit=100", &Value::Null);
        let rows = all["rows"].as_array().unwrap();
        let open = |row: &&Value| {
            let message = &row["message"];
            message["state"] == "queued" || (message["state"] == "sending" && message["response"].is_null())
        };
        let open = rows.iter().filter(open).count();
        let done = rows.len() as u64 == PEOPLE && open == 0;
        done.then_some(()).ok_or_else(|| format!("{} rows, {open} open", rows.len()))
    });
    process.kill();

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rows = runtime.block_on(rest(&shop, &journey));
    let kept = server.kept.lock().unwrap();
    judge(&rows, &kept);
}

/// Sends what is left, in a time that passes quickly; then all messages, by address.
async fn rest(shop: &Shop<'_>, journey: &str) -> BTreeMap<String, Vec<MessageRow>> {
    let flags = vec![
        ("data", shop.data.display().to_string()),
        ("mail.host", "127.0.0.1".to_owned()),
        ("mail.port", shop.port.clone()),
        ("mail.security", "plain".to_owned()),
        ("public_url", "https://shop.example".to_owned()),
    ];
    let settings = Settings::read(&Origins { flags, ..Origins::default() }).unwrap();
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let places = Places::folder(shop.data);
    let installation = Arc::new(Installation::open_with(&places, clock.clone(), Arc::new(SystemRng)).await.unwrap());
    let pipeline = Arc::new(Pipeline::open(Arc::clone(&installation)).await.unwrap());
    let (app, _audit) = App::new(Arc::clone(&installation), pipeline, settings).unwrap();
    for _ in 0..40 {
        clock.advance(15 * Timestamp::MINUTE);
        while sending::look(&app.sender, true).await.unwrap() {}
    }
    let mut db = installation.store.read();
    let rows = messages::latest(&mut db, FIRST, Some(journey), None, None, 1_000).await.unwrap();
    let persons: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
    let names: BTreeMap<PersonId, String> = identifiers::by_persons(&mut db, FIRST, &persons)
        .await
        .unwrap()
        .into_iter()
        .filter(|name| name.kind == "user_id")
        .map(|name| (name.person, name.value.replace('u', "p") + "@example.com"))
        .collect();
    let mut of_each: BTreeMap<String, Vec<MessageRow>> = BTreeMap::new();
    for row in rows {
        of_each.entry(names[&row.person].clone()).or_default().push(row);
    }
    of_each
}

fn judge(rows: &BTreeMap<String, Vec<MessageRow>>, kept: &[Kept]) {
    assert_eq!(rows.len() as u64, PEOPLE, "nobody is lost");
    let mut copies = 0;
    for number in 0..PEOPLE {
        let address = format!("p{number}@example.com");
        let [row] = rows[&address].as_slice() else { panic!("{address}: {:?}", rows[&address]) };
        let mails: Vec<&str> =
            kept.iter().filter(|mail| mail.recipient == address).map(|mail| mail.name.as_str()).collect();
        if !has_agreed(number) {
            assert_eq!((row.state.as_str(), row.reason.as_deref()), ("skipped", Some("no_consent")), "{address}");
            assert!(mails.is_empty(), "{address} agreed to nothing");
            continue;
        }
        assert_eq!(row.state, "sent", "{address}: {row:?}");
        let names: BTreeSet<&str> = mails.iter().copied().collect();
        let own = row.message_id.as_deref().unwrap().trim_matches(['<', '>']);
        assert_eq!(names.len(), 1, "{address} got {mails:?}");
        assert_eq!(mails[0].trim_matches(['<', '>']), own, "a mail without a row");
        if mails.len() > 1 {
            copies += mails.len() - 1;
            let said = row.response.as_deref().unwrap_or_default();
            assert!(said.contains("may have arrived twice"), "{address} got {} copies: {said:?}", mails.len());
        }
    }
    assert_eq!(kept.len(), usize::try_from(PEOPLE - PEOPLE / SILENT).unwrap() + copies, "a mail to a stranger");
    assert!(copies > 0, "nothing was interrupted, so nothing was tested");
}
