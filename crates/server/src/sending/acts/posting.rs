//! Tells other programs what journeys have for them: webhooks.
//!
//! Many are under way at once, but few to one host, and to a host that failed one: a host that does not answer holds up nobody but itself.
//!
//! Always holds: none is under way twice at once; each is noted as soon as its answer is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use rapport_channels::outbound::{Client, checked, signing};
use rapport_domain::Timestamp;
use rapport_engagement::records::acts::{self, ActRow};
use serde_json::json;

use super::{Did, Hopeless, about, note, webhook_secret};
use crate::installation::Installation;

/// How often it is looked for others while some are under way.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// So many are under way at once.
const PLACES: usize = 64;
/// So many of them to one host.
const OF_A_HOST: usize = 4;
/// More than can be under way, so that others are found beside those that are.
const BATCH: i64 = 2 * PLACES as i64;

/// What is known of other programs' hosts, from one round to the next.
#[derive(Default)]
pub struct Hosts {
    /// Those whose last answer was none, or an error.
    failing: BTreeSet<String>,
    /// How many are under way to each.
    busy: BTreeMap<String, usize>,
    /// The host of each address that was met.
    of: BTreeMap<String, String>,
}

impl Hosts {
    fn of(&mut self, target: &str) -> &str {
        self.of.entry(target.to_owned()).or_insert_with(|| {
            // What is no address fails by itself.
            checked(target).map(|url| url.authority().to_owned()).unwrap_or_default()
        })
    }

    fn has_room(&self, host: &str) -> bool {
        let most = if self.failing.contains(host) { 1 } else { OF_A_HOST };
        self.busy.get(host).copied().unwrap_or(0) < most
    }

    /// Addresses to which nothing more can go for now.
    fn full(&self) -> Vec<String> {
        self.of.iter().filter(|(_, host)| !self.has_room(host)).map(|(target, _)| target.clone()).collect()
    }

    fn begin(&mut self, host: &str) {
        *self.busy.entry(host.to_owned()).or_default() += 1;
    }

    fn end(&mut self, host: &str, has_failed: bool) {
        if let Some(count) = self.busy.get_mut(host) {
            *count = count.saturating_sub(1);
        }
        if has_failed {
            self.failing.insert(host.to_owned());
        } else {
            self.failing.remove(host);
        }
    }
}

/// Tells all that is due, and what becomes due meanwhile; whether anything was.
///
/// # Errors
/// The store's: what is under way then is told again.
pub async fn post_due(installation: &Installation, client: &Client, hosts: &mut Hosts) -> Result<bool> {
    hosts.busy.clear();
    let mut under_way = FuturesUnordered::new();
    let mut ids = BTreeSet::new();
    let mut any = false;
    loop {
        let mut back = Vec::new();
        let rows = {
            let taking = next(installation, hosts, &mut ids);
            tokio::pin!(taking);
            // Those under way go on meanwhile: they may hold the connections that this waits for.
            loop {
                tokio::select! {
                    rows = &mut taking => break rows?,
                    Some(noted) = under_way.next() => back.push(noted),
                }
            }
        };
        for row in rows {
            any = true;
            under_way.push(async move {
                let did = post(installation, client, &row).await;
                let (id, target, has_failed) = (row.id.clone(), row.target.clone(), did.is_err());
                note(installation, row, did).await.map(|()| (id, target, has_failed))
            });
        }
        if back.is_empty() {
            // Others may become due while those that are under way are waited for.
            match tokio::time::timeout(LOOK_EVERY, under_way.next()).await {
                Ok(None) => return Ok(any),
                Ok(Some(noted)) => back.push(noted),
                Err(_) => {}
            }
        }
        for noted in back {
            let (id, target, has_failed): (String, String, bool) = noted?;
            ids.remove(&id);
            let host = hosts.of(&target).to_owned();
            hosts.end(&host, has_failed);
        }
    }
}

/// Takes what there is room for.
async fn next(installation: &Installation, hosts: &mut Hosts, under_way: &mut BTreeSet<String>) -> Result<Vec<ActRow>> {
    let mut taken = Vec::new();
    while under_way.len() < PLACES {
        let now = installation.clock.now();
        let due = acts::due_webhooks(&mut installation.store.read(), now, &hosts.full(), BATCH).await?;
        let before = taken.len();
        let was_full = hosts.full().len();
        for row in due {
            let host = hosts.of(&row.target).to_owned();
            if under_way.len() < PLACES && hosts.has_room(&host) && !under_way.contains(&row.id) {
                hosts.begin(&host);
                under_way.insert(row.id.clone());
                taken.push(row);
            }
        }
        // Behind those of a host that has become full there may be others'.
        if taken.len() == before && hosts.full().len() == was_full {
            break;
        }
    }
    Ok(taken)
}

async fn post(installation: &Installation, client: &Client, row: &ActRow) -> Result<Did> {
    let url = checked(&row.target).map_err(|error| Hopeless(error.to_string()))?;
    let names = match about(installation, row).await? {
        Ok(names) => names,
        Err(reason) => return Ok(Did::Not(reason)),
    };
    let user_id = names.iter().find(|name| name.kind == "user_id").map(|name| name.value.clone());
    let data = json!({"customer": row.person.to_string(), "user_id": user_id, "journey": row.journey, "node": row.node,
        "instance": row.instance, "visit": row.visit, "fields": row.content});
    let now = installation.clock.now();
    let body = json!({"type": "journey.webhook", "timestamp": row.decided_at.to_rfc3339(), "data": data}).to_string();
    let seconds = now.0.div_euclid(Timestamp::SECOND);
    let secret = webhook_secret(installation, row.workspace).await?;
    let signature = signing::standard_webhooks(&secret, &row.id, seconds, &body)?;
    let at = seconds.to_string();
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", row.id.as_str()),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let answer = client.post(&url, &headers, body.into_bytes()).await.context("nothing arrived")?;
    match answer.status {
        200..300 => Ok(Did::It),
        // Nobody wants it any more.
        410 => bail!(Hopeless("it answered 410".to_owned())),
        status => bail!("it answered {status}"),
    }
}
