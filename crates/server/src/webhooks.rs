//! Sends domain events to webhooks, as Standard Webhooks (standardwebhooks.com) describes: one event a message, signed, tried again.
//!
//! Always holds: a webhook gets its events in their order, each at least once, with an id that stays the same; a request goes to an address that was
//! looked at before, so that a name cannot lead into the company's own network; answers are not read beyond their status, and redirects are not followed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rapport_domain::{Rng, Timestamp};
use rapport_store::cursor::Cursor;
use rapport_store::outbox::{self, Batch, PARTITION, Written};
use rapport_store::{Priority, Store};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::watch;

use crate::installation::Installation;
use crate::records::webhooks::{self, WebhookRow};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Events looked at in one go.
const BATCH: u32 = 100;
const TIMEOUT: Duration = Duration::from_secs(10);
/// The first pause after a failure; each next one is twice as long.
const PAUSE: i64 = 5 * Timestamp::SECOND;
const LONGEST_PAUSE: i64 = Timestamp::HOUR;
/// After so long without success a webhook is switched off.
const GIVE_UP: i64 = 3 * Timestamp::DAY;
/// What begins a secret.
const MARK: &str = "whsec_";

/// A new secret.
pub fn new_secret(rng: &dyn Rng) -> String {
    let mut bytes = [0; 24];
    rng.fill(&mut bytes);
    format!("{MARK}{}", BASE64_STANDARD.encode(bytes))
}

/// Sends what there is, until `stop` is set.
pub async fn run(installation: Arc<Installation>, private: bool, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = send_due(&installation, private).await {
            tracing::warn!(error = %format!("{error:#}"), "webhooks could not be looked after; it is tried again");
        }
    }
}

/// Sends to every webhook what it has not got, as far as it takes it; whether anything was sent.
///
/// # Errors
/// The store's.
pub async fn send_due(installation: &Installation, private: bool) -> Result<bool> {
    let due = webhooks::due(&mut installation.store.read(), installation.clock.now()).await?;
    let each = due.into_iter().map(|row| send(installation, row, private));
    let sent = futures::future::try_join_all(each).await?;
    Ok(sent.contains(&true))
}

/// A new webhook hears of what happens from now on.
///
/// # Errors
/// The store's.
pub async fn begin(tx: &mut rapport_store::Tx, row: &WebhookRow) -> rapport_store::Result<()> {
    let head = outbox::head(tx, row.workspace).await?;
    let consumer = row.consumer();
    let cursor = Cursor { consumer: &consumer, workspace: row.workspace, partition: PARTITION };
    let from = cursor.position(tx, head).await?;
    if head.position > from {
        cursor.advance(tx, head.epoch, from, head.position).await?;
    }
    Ok(())
}

/// How many events a webhook has not got yet, those that do not concern it included.
///
/// # Errors
/// The store's.
pub async fn waiting(store: &Store, row: &WebhookRow) -> rapport_store::Result<i64> {
    let mut db = store.read();
    let head = outbox::head(&mut db, row.workspace).await?;
    let consumer = row.consumer();
    let cursor = Cursor { consumer: &consumer, workspace: row.workspace, partition: PARTITION };
    Ok(head.position - cursor.position(&mut db, head).await?)
}

async fn send(installation: &Installation, mut row: WebhookRow, private: bool) -> Result<bool> {
    let consumer = row.consumer();
    let batch = outbox::batch(&mut installation.store.read(), row.workspace, &consumer, BATCH).await?;
    if batch.events.is_empty() {
        return Ok(false);
    }
    let wanted = Wanted::of(&row);
    let mut target = None;
    let mut done = 0;
    for event in &batch.events {
        if wanted.has(event) {
            let now = installation.clock.now();
            let outcome = match &target {
                Some(target) => deliver(target, &row, event, now).await,
                None => match Target::of(&row.url, private).await {
                    Ok(found) => deliver(target.insert(found), &row, event, now).await,
                    Err(error) => Err(error),
                },
            };
            note(&mut row, &outcome, now);
            if row.attempts > 0 {
                break;
            }
        }
        done += 1;
    }
    let applied = Batch { events: batch.events[..done].to_vec(), ..batch };
    let mut tx = installation.store.begin(Priority::Background).await?;
    outbox::applied(&mut tx, row.workspace, &consumer, &applied).await?;
    webhooks::sent(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(done > 0)
}

/// What a webhook wants to hear of.
struct Wanted {
    events: BTreeSet<String>,
    segments: BTreeSet<String>,
}

impl Wanted {
    fn of(row: &WebhookRow) -> Self {
        // What was stored was a list of texts.
        let list = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Self { events: list(&row.events), segments: list(&row.segments) }
    }

    fn has(&self, event: &Written) -> bool {
        let segment = event.payload["segment"].as_str();
        self.events.contains(&event.name)
            && (self.segments.is_empty() || segment.is_some_and(|segment| self.segments.contains(segment)))
    }
}

/// What came of a message: the status that was answered.
type Outcome = Result<u16>;

fn note(row: &mut WebhookRow, outcome: &Outcome, now: Timestamp) {
    row.last_at = Some(now);
    row.last_status = outcome.as_ref().ok().map(|status| i64::from(*status));
    row.last_error = match outcome {
        Ok(200..300) => None,
        Ok(status) => Some(format!("it answered {status}")),
        Err(error) => Some(format!("{error:#}")),
    };
    if row.last_error.is_none() {
        (row.attempts, row.failing_since, row.next_at) = (0, None, now);
        return;
    }
    let since = *row.failing_since.get_or_insert(now);
    row.next_at = now.plus((PAUSE << row.attempts.clamp(0, 20)).min(LONGEST_PAUSE));
    row.attempts += 1;
    // 410 says that nobody wants it any more.
    if now.0 - since.0 >= GIVE_UP || row.last_status == Some(410) {
        row.active = false;
    }
}

async fn deliver(target: &Target, row: &WebhookRow, event: &Written, now: Timestamp) -> Outcome {
    let mut data = event.payload.clone();
    if let (Some(person), Value::Object(fields)) = (event.person, &mut data) {
        fields.insert("customer".to_owned(), person.to_string().into());
    }
    let body = json!({"type": event.name, "timestamp": event.recorded_at.to_rfc3339(), "data": data}).to_string();
    target.post(&row.secret, &format!("evt_{}_{}", row.workspace, event.position), body, now).await
}

/// Sends a message that is none of anybody.
///
/// # Errors
/// Why nothing arrived.
pub async fn test(row: &WebhookRow, private: bool, now: Timestamp) -> Outcome {
    let body = json!({"type": "webhook.test", "timestamp": now.to_rfc3339(), "data": {}}).to_string();
    Target::of(&row.url, private).await?.post(&row.secret, &format!("evt_test_{}", now.0), body, now).await
}

/// An address that may be sent to.
struct Target {
    client: reqwest::Client,
    url: reqwest::Url,
}

impl Target {
    async fn of(url: &str, private: bool) -> Result<Self> {
        let url = checked(url)?;
        let host = url.host_str().context("the address has no host")?.to_owned();
        let port = url.port_or_known_default().context("the address has no port")?;
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> =
            tokio::net::lookup_host((name, port)).await.context("the host's name is not known")?.collect();
        let allowed: Vec<SocketAddr> = found.into_iter().filter(|at| private || is_public(at.ip())).collect();
        if allowed.is_empty() {
            bail!("the host is not on the public internet; `webhooks.private_addresses` allows such addresses");
        }
        let client = reqwest::Client::builder()
            // The very addresses that were looked at, whatever the name means a moment later.
            .resolve_to_addrs(&host, &allowed)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent(concat!("rapport/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url })
    }

    async fn post(&self, secret: &str, id: &str, body: String, now: Timestamp) -> Outcome {
        let seconds = now.0.div_euclid(Timestamp::SECOND);
        let answer = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature(secret, id, seconds, &body)?)
            .body(body)
            .send()
            .await
            // Its own text names the whole address.
            .map_err(|error| {
                anyhow::anyhow!(if error.is_timeout() { "no answer in time" } else { "it could not be reached" })
            })?;
        Ok(answer.status().as_u16())
    }
}

/// An address of a webhook: http or https, with a host, without a name and password.
///
/// # Errors
/// What is wrong with it.
pub fn checked(url: &str) -> Result<reqwest::Url> {
    let url: reqwest::Url = url.parse().context("it is no address such as https://example.org/hook")?;
    if !["http", "https"].contains(&url.scheme()) {
        bail!("the address begins with https:// or http://");
    }
    if url.host_str().is_none_or(str::is_empty) {
        bail!("the address has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        bail!("an address has no name and password; the signature proves who sends");
    }
    Ok(url)
}

/// `v1,` and the HMAC-SHA256 of id, time and body.
fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> Result<String> {
    let key = BASE64_STANDARD.decode(secret.strip_prefix(MARK).unwrap_or(secret)).context("the secret is damaged")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).context("the secret is damaged")?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

/// Whether an address is on the public internet (the special ones are those of IANA's registries, RFC 6890).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(ip) = ip.to_ipv4_mapped() {
        return is_public_v4(ip);
    }
    let parts = ip.segments();
    // Only 2000::/3 is given out; of it, documentation, tunnels that hide another address, and benchmarks are not reached.
    (parts[0] & 0xe000) == 0x2000
        && !(parts[0] == 0x2001 && (parts[1] == 0xdb8 || parts[1] < 0x200))
        && parts[0] != 0x2002
        && parts[0] != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (standard-webhooks, `spec/standard-webhooks.md`, "Signature scheme").
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let found =
            signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(found, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_public_addresses_are_public() {
        for ip in ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "8.8.8.8"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
            "64:ff9b::7f00:1",
            "ff02::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn addresses_are_checked() {
        for url in
            ["ftp://example.org", "javascript:alert(1)", "https://", "nothing", "https://user:secret@example.org/"]
        {
            assert!(checked(url).is_err(), "{url}");
        }
        assert!(checked("https://example.org/hook?a=1").is_ok());
    }
}
