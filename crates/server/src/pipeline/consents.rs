//! What events say about consent, noted in the transaction that applies them; and events of who was forgotten, which are not applied.
//!
//! Always holds: a statement is noted for every identifier that its person has at that time.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use rapport_domain::{Event, Handle, Id, IdentifierKind, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_privacy::records::confirmations;
use rapport_privacy::records::consents::{self, ConsentRow};
use rapport_privacy::records::topics;
use rapport_privacy::{Statement, Verdict, consent, told};
use rapport_profiles::Applied;
use rapport_profiles::records::identifiers;
use rapport_store::{Queries, Tx};

use crate::installation::Installation;
use crate::records::rejects::{self, NewReject};
use crate::records::sources;

/// Identifiers whose browser's signal (Global Privacy Control) is noted, so that it is not noted with every page.
#[derive(Default)]
pub(super) struct Signals(Mutex<HashSet<(WorkspaceId, Handle)>>);

/// So many are remembered.
const REMEMBERED: usize = 200_000;

impl Signals {
    fn is_noted(&self, workspace: WorkspaceId, handle: Handle) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(workspace, handle))
    }

    fn note(&self, workspace: WorkspaceId, handle: Handle) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= REMEMBERED {
            noted.clear();
        }
        noted.insert((workspace, handle));
    }
}

/// Notes what was said in applied events; who spoke, as of when.
pub(super) async fn record(
    installation: &Installation,
    signals: &Signals,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
) -> Result<Vec<(PersonId, Timestamp)>> {
    let said = |at: &usize| told::is_about_consent(&events[*at]);
    let signalled =
        |at: &usize| told::has_signal(&events[*at]) && !signals.is_noted(workspace, applied.events[*at].handle);
    let about: Vec<usize> = (0..events.len()).filter(|at| said(at) || signalled(at)).collect();
    if about.is_empty() {
        return Ok(Vec::new());
    }
    let own = sources::of_kind(tx, workspace, sources::OWN).await?;
    let confirmed_topics = topics::all(tx, workspace).await?;
    let confirmed_topics: BTreeSet<String> =
        confirmed_topics.into_iter().filter(|topic| topic.double_opt_in).map(|topic| topic.key).collect();
    let persons: BTreeSet<PersonId> = about.iter().map(|at| applied.events[*at].person).collect();
    let handles = handles_of(tx, workspace, &persons.into_iter().collect::<Vec<_>>()).await?;
    let now = installation.clock.now();
    let mut rows = Vec::new();
    let mut asked = Vec::new();
    let spoke = about.iter().map(|at| (applied.events[*at].person, applied.events[*at].occurred_at)).collect();
    let mut signalled: BTreeMap<Handle, (&Event, Timestamp, &[Handle])> = BTreeMap::new();
    for at in about {
        let (event, applied) = (&events[at], &applied.events[at]);
        let rules = told::Rules { confirmed_topics: &confirmed_topics, is_own: own.contains(&event.source) };
        let handles = handles.get(&applied.person).map_or(std::slice::from_ref(&applied.handle), Vec::as_slice);
        let said = told::statements(event, applied.occurred_at, handles, now, rules);
        let is_fresh = event.natural_key.is_none() && now.0 - applied.occurred_at.0 <= confirmations::FRESH;
        if let Some(row) = said.first().filter(|row| is_fresh && confirmations::is_by_mail(row)) {
            asked.push((applied.person, row.topic.clone(), row.locale.clone().unwrap_or_default(), event));
        }
        rows.extend(said);
        if told::has_signal(event) {
            signalled.entry(applied.handle).or_insert((event, applied.occurred_at, handles));
        }
    }
    let refused = refused_before(tx, workspace, &signalled.keys().copied().collect::<Vec<_>>(), now).await?;
    for (handle, (event, at, handles)) in signalled {
        if refused.contains(&handle) {
            signals.note(workspace, handle);
        } else {
            rows.extend(told::signal(event, at, handles, now));
        }
    }
    consents::insert(tx, workspace, &rows).await?;
    ask_to_confirm(tx, workspace, asked, now).await?;
    Ok(spoke)
}

/// Notes that mails are to ask to confirm: at the address that was named, else at the one that was known first.
async fn ask_to_confirm(
    tx: &mut Tx,
    workspace: WorkspaceId,
    asked: Vec<(PersonId, String, String, &Event)>,
    now: Timestamp,
) -> Result<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let persons: BTreeSet<PersonId> = asked.iter().map(|(person, ..)| *person).collect();
    let names = identifiers::by_persons(tx, workspace, &persons.into_iter().collect::<Vec<_>>()).await?;
    for (person, topic, language, event) in asked {
        let mut own = names.iter().filter(|row| row.person == person && row.kind == IdentifierKind::Email.as_str());
        let named = own.clone().find(|row| event.identifiers.contains(&row.identifier()));
        if let Some(row) = named.or_else(|| own.next()) {
            confirmations::ask(tx, workspace, (row.handle, &topic), &language, now).await?;
        }
    }
    Ok(())
}

/// Those of the identifiers under which sharing is refused already.
async fn refused_before(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
    now: Timestamp,
) -> Result<BTreeSet<Handle>> {
    if handles.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut said: BTreeMap<Handle, Vec<Statement>> = BTreeMap::new();
    for statement in consents::of_handles(db, workspace, handles).await?.iter().filter_map(ConsentRow::statement) {
        said.entry(statement.handle).or_default().push(statement);
    }
    let refuses = |said: &Vec<Statement>| consent::standing(said, &told::SIGNALLED, now).verdict == Verdict::Denied;
    Ok(said.into_iter().filter(|(_, said)| refuses(said)).map(|(handle, _)| handle).collect())
}

async fn handles_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, Vec<Handle>>> {
    let mut handles: BTreeMap<PersonId, Vec<Handle>> = BTreeMap::new();
    for row in identifiers::by_persons(db, workspace, persons).await? {
        handles.entry(row.person).or_default().push(row.handle);
    }
    Ok(handles)
}

/// Takes out events that name somebody who was forgotten, and says at their source how many they were.
pub(super) async fn leave_out_suppressed(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    positions: &mut Vec<u64>,
    events: &mut Vec<Event>,
) -> Result<()> {
    let kept: Vec<bool> =
        events.iter().map(|event| !installation.suppressions.holds(workspace, &event.identifiers)).collect();
    if kept.iter().all(|kept| *kept) {
        return Ok(());
    }
    let mut refused: BTreeMap<SourceId, i64> = BTreeMap::new();
    for (event, _) in events.iter().zip(&kept).filter(|(_, kept)| !**kept) {
        *refused.entry(event.source).or_default() += 1;
    }
    let mut keep = kept.iter();
    positions.retain(|_| keep.next().copied().unwrap_or(true));
    let mut keep = kept.iter();
    events.retain(|_| keep.next().copied().unwrap_or(true));
    for (source, count) in refused {
        metrics::counter!("rapport_events_suppressed_total").increment(count.unsigned_abs());
        let reject = NewReject {
            id: Id::new("rej", &*installation.clock, &*installation.rng),
            code: "suppressed",
            message: format!(
                "{count} events name people who were erased, and were not kept; stop sending them, or lift the suppression of who came back"
            ),
            location: String::new(),
            excerpt: String::new(),
        };
        rejects::insert(tx, workspace, source, installation.clock.now(), &[reject]).await?;
        sources::add_rejects(tx, workspace, source, count).await?;
    }
    Ok(())
}
