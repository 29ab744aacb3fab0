//! Audiences at advertising platforms: made of segments, kept fresh, emptied; and people taken off them at once when they may not be there any more.
//!
//! Always holds: a row is stored before it is told, and deleted after it was taken away; a row is told only after its person was looked at since it was
//! stored and since anything was heard of them; rows are taken away before others are told. So whoever withdraws, is restricted, or is erased is taken away by the next look, a second
//! later, whatever was under way or was cut short.
//!
//! Does not do: decide who may be in an audience, and how values are spelled and hashed (`engagement::audiences`).

pub mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rapport_channels::advertising::{Act, Interface, List, Told};
use rapport_channels::outbound::Client;
use rapport_domain::{Event, Id, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::audiences::{Absence, Platform, Row};
use rapport_engagement::records::audiences::{self, ADDING, AudienceRow, BY_FILE, DELETING, EMPTIED, LIVE, MemberRow};
use rapport_privacy::told;
use rapport_profiles::Applied;
use rapport_segments::records::{memberships, segments};
use rapport_store::{Priority, Tx};
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, watch};

use crate::installation::Installation;
use crate::settings;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// People who are looked at together.
const PAGE: i64 = 500;
/// The pause after a failure; each next one is twice as long.
const PAUSE: i64 = Timestamp::MINUTE;
const LONGEST_PAUSE: i64 = Timestamp::HOUR;

/// The platforms' interfaces, and what else sending there needs.
pub struct Advertising {
    meta: Interface,
    linkedin: Interface,
    client: Client,
    country_code: String,
    /// One looks at a time: what one has taken, no other tells.
    turn: Mutex<()>,
}

impl Advertising {
    /// From the settings.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(settings: &settings::Settings, client: Client) -> Result<Self> {
        let own = &settings.advertising;
        Ok(Self {
            meta: Interface::meta(&own.meta_url).context("advertising.meta_url")?,
            linkedin: Interface::linkedin(&own.linkedin_url, &own.linkedin_version).context("advertising")?,
            client,
            country_code: settings.text_messages.country_code.clone(),
            turn: Mutex::default(),
        })
    }

    const fn interface(&self, platform: Platform) -> Option<&Interface> {
        match platform {
            Platform::Meta => Some(&self.meta),
            Platform::LinkedIn => Some(&self.linkedin),
            _ => None,
        }
    }
}

/// Looks after all audiences, until `stop` is set.
pub async fn run(installation: Arc<Installation>, advertising: Arc<Advertising>, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = look(&installation, &advertising).await {
            metrics::counter!("rapport_audience_failures_total").increment(1);
            tracing::warn!(error = %format!("{error:#}"), "audiences could not be looked after; it is tried again");
        }
    }
}

/// Does what is due; whether anything was.
///
/// # Errors
/// The store's; what was done before stays done.
pub async fn look(installation: &Installation, advertising: &Advertising) -> Result<bool> {
    let _turn = advertising.turn.lock().await;
    let mut did = false;
    for row in audiences::all(&mut installation.store.read(), None).await? {
        did |= look_at(installation, advertising, row).await?;
    }
    Ok(did)
}

async fn look_at(installation: &Installation, advertising: &Advertising, mut row: AudienceRow) -> Result<bool> {
    let now = installation.clock.now();
    let Some(platform) = Platform::parse(&row.platform) else { return Ok(false) };
    let mut did = judge_doubted(installation, advertising, platform, &row).await?;
    if row.state == LIVE && row.next_at <= now {
        refresh(installation, advertising, platform, &mut row).await?;
        did = true;
    }
    if row.retry_at > now {
        return Ok(did);
    }
    let failures = row.attempts;
    did |= tell(installation, advertising, platform, &mut row).await?;
    if row.attempts != failures || row.error.is_some() && row.attempts == 0 {
        let mut tx = installation.store.begin(Priority::Background).await?;
        note(&mut tx, &row).await?;
        tx.commit().await?;
    }
    if row.state == DELETING
        && audiences::states(&mut installation.store.read(), row.workspace, &row.key).await?.is_empty()
    {
        let mut tx = installation.store.begin(Priority::Background).await?;
        audiences::delete(&mut tx, row.workspace, &row.key).await?;
        tx.commit().await?;
        return Ok(true);
    }
    Ok(did)
}

/// Writes what is ours of a row: somebody may have changed the rest meanwhile.
async fn note(tx: &mut Tx, row: &AudienceRow) -> Result<()> {
    let Some(stored) = audiences::find(tx, row.workspace, &row.key).await? else { return Ok(()) };
    let (attempts, retry_at, error) = (row.attempts, row.retry_at, row.error.clone());
    Ok(audiences::save(tx, &AudienceRow { attempts, retry_at, error, ..stored }).await?)
}

/// Looks whether those may stay of whom something was heard.
async fn judge_doubted(
    installation: &Installation,
    advertising: &Advertising,
    platform: Platform,
    row: &AudienceRow,
) -> Result<bool> {
    let mut did = false;
    loop {
        let now = installation.clock.now();
        let doubted = audiences::doubted(&mut installation.store.read(), row.workspace, &row.key, PAGE).await?;
        if doubted.is_empty() {
            return Ok(did);
        }
        did = true;
        let persons: BTreeSet<PersonId> = doubted.iter().map(|it| it.person).collect();
        let persons: Vec<PersonId> = persons.into_iter().collect();
        let keys = [row.segment.clone()];
        let mut db = installation.store.read();
        let members = memberships::of_keys(&mut db, row.workspace, &persons, &keys).await?;
        let members: BTreeSet<PersonId> = members.into_iter().map(|(person, _)| person).collect();
        let of = people::Of { workspace: row.workspace, platform, country_code: &advertising.country_code, now };
        let rows = people::rows(&mut db, of, &persons).await?;
        let may_stay = |it: &&MemberRow| {
            members.contains(&it.person)
                && matches!(rows.get(&it.person), Some(Ok(rows)) if rows.iter().any(|row| json!(row) == it.content))
        };
        let (stay, leave): (Vec<&MemberRow>, Vec<&MemberRow>) = doubted.iter().partition(may_stay);
        let mut tx = installation.store.begin(Priority::Background).await?;
        // What is heard of them after it was read is one doubt more, and they are looked at once more.
        let mut by_doubts: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for row in stay {
            by_doubts.entry(row.doubts).or_default().push(row.id.clone());
        }
        for (doubts, ids) in by_doubts {
            audiences::trust(&mut tx, &ids, doubts).await?;
        }
        if !leave.is_empty() {
            let ids: Vec<String> = leave.iter().map(|row| row.id.clone()).collect();
            audiences::remove(&mut tx, &ids, now).await?;
        }
        tx.commit().await?;
    }
}

/// Finds anew who belongs to an audience. Cut short, it begins again.
async fn refresh(
    installation: &Installation,
    advertising: &Advertising,
    platform: Platform,
    row: &mut AudienceRow,
) -> Result<()> {
    let now = installation.clock.now();
    let segment = segments::by_key(&mut installation.store.read(), row.workspace, &row.segment).await?;
    // Whose members are just being found out has too few of them.
    if segment.is_some_and(|segment| segment.filled_version != segment.version) {
        row.next_at = now.plus(PAUSE);
        let mut tx = installation.store.begin(Priority::Background).await?;
        if let Some(stored) = audiences::find(&mut tx, row.workspace, &row.key).await? {
            audiences::save(&mut tx, &AudienceRow { next_at: row.next_at, ..stored }).await?;
        }
        tx.commit().await?;
        return Ok(());
    }
    let run = row.run + 1;
    let mut counts = Counts::default();
    let mut after = PersonId(i64::MIN);
    loop {
        let mut db = installation.store.read();
        let page = memberships::after(&mut db, row.workspace, &row.segment, after, PAGE).await?;
        let persons: Vec<PersonId> = page.into_iter().map(|(person,)| person).collect();
        let Some(last) = persons.last() else { break };
        after = *last;
        let of = people::Of { workspace: row.workspace, platform, country_code: &advertising.country_code, now };
        let rows = people::rows(&mut db, of, &persons).await?;
        counts.add(&rows);
        if row.way != BY_FILE {
            place(installation, row, run, rows, &persons).await?;
        }
    }
    let mut tx = installation.store.begin(Priority::Background).await?;
    let Some(stored) = audiences::find(&mut tx, row.workspace, &row.key).await? else { return Ok(()) };
    audiences::remove_before(&mut tx, row.workspace, &row.key, run, now).await?;
    let next_at = now.plus(stored.refresh_hours.max(1) * Timestamp::HOUR);
    *row = AudienceRow { run, counts: counts.json(), refreshed_at: Some(now), next_at, ..stored };
    audiences::save(&mut tx, row).await?;
    Ok(tx.commit().await?)
}

/// Notes which rows belong to the audience. New ones are in doubt until they are judged: what was read of their people may be over.
async fn place(
    installation: &Installation,
    row: &AudienceRow,
    run: i64,
    rows: BTreeMap<PersonId, Result<Vec<Row>, Absence>>,
    persons: &[PersonId],
) -> anyhow::Result<()> {
    let now = installation.clock.now();
    let known = audiences::of_persons(&mut installation.store.read(), row.workspace, &row.key, persons).await?;
    let (mut kept, mut new) = (Vec::new(), Vec::new());
    for (person, rows) in rows {
        for content in rows.into_iter().flatten() {
            let content = json!(content);
            match known.iter().find(|it| it.person == person && it.content == content) {
                Some(known) => kept.push(known.id.clone()),
                None => {
                    let id = Id::new("aum", &*installation.clock, &*installation.rng).0;
                    let state = ADDING.to_owned();
                    new.push(MemberRow { id, person, content, state, run, doubts: 1 });
                }
            }
        }
    }
    let mut tx = installation.store.begin(Priority::Background).await?;
    if !kept.is_empty() {
        audiences::keep(&mut tx, &kept, run, now).await?;
    }
    if !new.is_empty() {
        audiences::insert(&mut tx, row.workspace, &row.key, &new, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Members of the segment, and who of them is in the audience.
#[derive(Default)]
struct Counts {
    members: i64,
    people: i64,
    rows: i64,
    absent: BTreeMap<Absence, i64>,
}

impl Counts {
    fn add(&mut self, rows: &BTreeMap<PersonId, Result<Vec<Row>, Absence>>) {
        for rows in rows.values() {
            self.members += 1;
            match rows {
                Ok(rows) => {
                    self.people += 1;
                    self.rows += i64::try_from(rows.len()).unwrap_or_default();
                }
                Err(absence) => *self.absent.entry(*absence).or_default() += 1,
            }
        }
    }

    fn json(&self) -> Value {
        let absent: Map<String, Value> =
            self.absent.iter().map(|(absence, people)| (absence.as_str().to_owned(), json!(people))).collect();
        json!({"members": self.members, "people": self.people, "rows": self.rows, "absent": absent})
    }
}

/// Tells the platform what it has not been told: first whom to take away.
async fn tell(
    installation: &Installation,
    advertising: &Advertising,
    platform: Platform,
    row: &mut AudienceRow,
) -> Result<bool> {
    let Some(interface) = advertising.interface(platform) else { return Ok(false) };
    let most = i64::try_from(interface.most_rows()).unwrap_or(PAGE);
    let list_id = row.list.clone();
    let token = row.token.clone();
    let list = List { id: &list_id, token: &token };
    let mut did = false;
    loop {
        // Whoever withdrew while the last rows were told is looked at before the next ones are.
        judge_doubted(installation, advertising, platform, row).await?;
        let mut db = installation.store.read();
        let mut act = Act::Remove;
        let mut rows = audiences::to_remove(&mut db, row.workspace, &row.key, most).await?;
        if rows.is_empty() {
            act = Act::Add;
            rows = audiences::to_add(&mut db, row.workspace, &row.key, most).await?;
        }
        if rows.is_empty() {
            return Ok(did);
        }
        did = true;
        let contents: Vec<Row> =
            rows.iter().map(|row| serde_json::from_value(row.content.clone()).unwrap_or_default()).collect();
        let told = interface.tell(&advertising.client, list, act, &contents).await;
        let now = installation.clock.now();
        match told {
            Told::Done { invalid } => {
                let ids: Vec<String> = rows.into_iter().map(|row| row.id).collect();
                let mut tx = installation.store.begin(Priority::Background).await?;
                match act {
                    Act::Add => audiences::added(&mut tx, &ids).await?,
                    Act::Remove => audiences::removed(&mut tx, &ids).await?,
                }
                tx.commit().await?;
                let word = if act == Act::Add { "added" } else { "removed" };
                metrics::counter!("rapport_audience_rows_total", "platform" => platform.as_str(), "act" => word)
                    .increment(u64::try_from(ids.len()).unwrap_or_default());
                metrics::counter!("rapport_audience_rows_invalid_total", "platform" => platform.as_str())
                    .increment(invalid);
                (row.attempts, row.error) = (0, None);
            }
            Told::Later { wait, why } => return Ok(fail(row, wait, why, now)),
            Told::Refused { why } => return Ok(fail(row, None, why, now)),
        }
    }
}

/// Nothing was done.
fn fail(row: &mut AudienceRow, wait: Option<Duration>, why: String, now: Timestamp) -> bool {
    let asked = wait.and_then(|wait| i64::try_from(wait.as_micros()).ok()).unwrap_or_default();
    let pause = (PAUSE << row.attempts.clamp(0, 20)).min(LONGEST_PAUSE);
    row.retry_at = now.plus(asked.clamp(0, LONGEST_PAUSE).max(pause));
    row.attempts += 1;
    row.error = Some(why);
    false
}

/// Notes of events that were applied whose being in audiences they put into doubt.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<()> {
    let about = |event: &Event| told::is_about_consent(event) || told::has_signal(event);
    let said = events.iter().zip(&applied.events).filter(|(event, _)| about(event)).map(|(_, applied)| applied.person);
    let moved = applied.moved.iter().flat_map(|moved| [moved.from, moved.to]);
    let persons: BTreeSet<PersonId> = said.chain(moved).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    audiences::doubt(tx, workspace, &persons, installation.clock.now()).await?;
    Ok(())
}

/// Has an audience refreshed by the next look.
///
/// # Errors
/// The store's.
pub async fn refresh_soon(tx: &mut Tx, mut row: AudienceRow, now: Timestamp) -> Result<AudienceRow> {
    row.state = LIVE.to_owned();
    (row.next_at, row.retry_at) = (now, now);
    audiences::save(tx, &row).await?;
    Ok(row)
}

/// Has everybody taken off a list. With `then_deleted` it is deleted after that.
///
/// # Errors
/// The store's.
pub async fn empty(tx: &mut Tx, mut row: AudienceRow, then_deleted: bool, now: Timestamp) -> Result<AudienceRow> {
    row.state = if then_deleted { DELETING } else { EMPTIED }.to_owned();
    row.retry_at = now;
    audiences::remove_before(tx, row.workspace, &row.key, i64::MAX, now).await?;
    audiences::save(tx, &row).await?;
    Ok(row)
}

/// An audience as the file that its platform takes.
///
/// # Errors
/// The store's.
pub async fn file(installation: &Installation, advertising: &Advertising, row: &AudienceRow) -> Result<String> {
    let platform = Platform::parse(&row.platform).context("a platform that is not known")?;
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if platform.has_head() {
        out.write_record(platform.columns())?;
    }
    let mut after = PersonId(i64::MIN);
    loop {
        let mut db = installation.store.snapshot().await?;
        let page = memberships::after(&mut db, row.workspace, &row.segment, after, PAGE).await?;
        let persons: Vec<PersonId> = page.into_iter().map(|(person,)| person).collect();
        let Some(last) = persons.last() else { break };
        after = *last;
        let now = installation.clock.now();
        let of = people::Of { workspace: row.workspace, platform, country_code: &advertising.country_code, now };
        for rows in people::rows(&mut db, of, &persons).await?.into_values() {
            for row in rows.into_iter().flatten() {
                out.write_record(&row)?;
            }
        }
    }
    let bytes = out.into_inner().map_err(|error| anyhow::anyhow!("{}", error.error()))?;
    Ok(String::from_utf8(bytes)?)
}
