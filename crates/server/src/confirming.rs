//! Mails that ask somebody to confirm what they asked for (double opt-in): one when they ask, one reminder, both by themselves.
//!
//! Anybody can type in somebody else's address. So all that waits for an address goes in one mail, a few a day at most, none to an address that is dead or
//! whose owner complained, and without an answer nothing more is written.
//!
//! Always holds: a mail goes out only while what it asks about still waits; only a POST behind its link confirms anything.

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_channels::mail::{self, Mail, Mailbox};
use rapport_channels::{Outcome, RefusalKind};
use rapport_domain::{Channel, Handle, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::plans::Plans;
use rapport_engagement::records::addresses::{self, DeadRow};
use rapport_privacy::links::Purpose;
use rapport_privacy::records::confirmations::{self, ConfirmationRow, MOST_A_DAY, REMINDED_AFTER, WORKS_FOR};
use rapport_privacy::records::topics::{self, TopicRow};
use rapport_privacy::records::{consents, restrictions, secrets, wishes};
use rapport_privacy::{Links, Scope, Statement, Verdict, consent};
use rapport_profiles::records::{facts, identifiers};
use rapport_store::outbox::Event;
use rapport_store::{Priority, Queries, Tx};
use serde_json::json;

use crate::installation::Installation;
use crate::public_pages::preference_words::Words;
use crate::records::workspaces;
use crate::sending::Sender;

/// So many mails are sent in one go.
const TOGETHER: i64 = 20;
/// Whoever has taken one has so long to say what became of it.
const LEASE: i64 = 5 * Timestamp::MINUTE;
/// A mail that asks to confirm went out, or may have.
pub const ASKED: &str = "confirmation.asked";
/// The pause after the first failure; each next one is twice as long.
const PAUSE: i64 = Timestamp::MINUTE;
const LONGEST_PAUSE: i64 = Timestamp::HOUR;
/// What says in which language somebody reads, beside their wish and what they asked in.
const LANGUAGES: [&str; 2] = ["trait.language", "trait.locale"];

/// Sends what is due; whether anything was.
///
/// # Errors
/// The store's.
pub async fn send_due(sender: &Sender) -> Result<bool> {
    let now = sender.installation.clock.now();
    let due = confirmations::due(&mut sender.installation.store.read(), now, TOGETHER).await?;
    for (workspace, handle) in &due {
        send(sender, *workspace, *handle).await?;
    }
    Ok(!due.is_empty())
}

/// What is to be sent to an address.
struct Letter {
    person: PersonId,
    address: String,
    /// What it asks about, with what it is called.
    asked: Vec<(ConfirmationRow, TopicRow)>,
    words: &'static Words,
    company: String,
    links: Links,
}

impl Letter {
    /// Whether all that it asks about was asked before.
    fn is_reminder(&self) -> bool {
        self.asked.iter().all(|(row, _)| row.sent > 0)
    }
}

async fn send(sender: &Sender, workspace: WorkspaceId, handle: Handle) -> Result<()> {
    let installation = &*sender.installation;
    let now = installation.clock.now();
    let plans = installation.plans.get(installation, workspace).await?;
    let mut tx = installation.store.begin(Priority::Background).await?;
    let rows = confirmations::of_handles(&mut tx, workspace, &[handle]).await?;
    let is_due = |row: &&ConfirmationRow| row.due_at.is_some_and(|due| due <= now);
    let due: Vec<ConfirmationRow> = rows.iter().filter(is_due).cloned().collect();
    let letter = if plans.settings.confirmation_mails {
        letter(&mut tx, installation, workspace, (handle, &due)).await?
    } else {
        None
    };
    let is_wanted = |row: &ConfirmationRow| {
        letter.as_ref().is_some_and(|letter| letter.asked.iter().any(|(it, _)| it.topic == row.topic))
    };
    for row in due.iter().filter(|row| !is_wanted(row)) {
        confirmations::note(&mut tx, workspace, &ConfirmationRow { due_at: None, ..row.clone() }).await?;
    }
    let Some(letter) = letter else { return Ok(tx.commit().await?) };
    let today: BTreeSet<Timestamp> =
        rows.iter().filter_map(|row| row.sent_at).filter(|at| now.0 - at.0 < Timestamp::DAY).collect();
    let later = if today.len() >= MOST_A_DAY { Some(LONGEST_PAUSE) } else { waits(sender, &plans) };
    if let Some(pause) = later {
        for (row, _) in &letter.asked {
            let row = ConfirmationRow { due_at: Some(now.plus(pause)), ..row.clone() };
            confirmations::note(&mut tx, workspace, &row).await?;
        }
        return Ok(tx.commit().await?);
    }
    for (row, _) in &letter.asked {
        if !confirmations::take(&mut tx, workspace, row, now.plus(LEASE)).await? {
            return Ok(());
        }
    }
    tx.commit().await?;
    let outcome = match (sender.ways.smtp(), written(sender, &plans, workspace, &letter)) {
        (Some(smtp), Ok(mail)) => Some(smtp.send(&mail).await),
        (_, Err(error)) => {
            tracing::warn!(code = error.code(), "a mail that asks to confirm cannot be written");
            None
        }
        (None, _) => return Ok(()),
    };
    note(installation, workspace, letter, outcome).await
}

/// While mails cannot go out: how long to wait.
fn waits(sender: &Sender, plans: &Plans) -> Option<i64> {
    let settings = &plans.settings;
    let can = sender.ways.smtp().is_some() && settings.from.address.contains('@');
    (settings.paused || !can).then_some(PAUSE)
}

/// What there still is to ask at an address; none when nothing may go there.
async fn letter(
    tx: &mut Tx,
    installation: &Installation,
    workspace: WorkspaceId,
    (handle, due): (Handle, &[ConfirmationRow]),
) -> Result<Option<Letter>> {
    let now = installation.clock.now();
    let found = identifiers::by_handles(tx, workspace, &[handle]).await?.into_iter().next();
    let Some(own) = found.filter(|row| row.kind == IdentifierKind::Email.as_str()) else { return Ok(None) };
    let names = identifiers::by_persons(tx, workspace, &[own.person]).await?;
    let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
    if !may_write(tx, workspace, handle, &handles).await? {
        return Ok(None);
    }
    let said = consents::of_handles(tx, workspace, &handles).await?;
    let said: Vec<Statement> = said.iter().filter_map(consents::ConsentRow::statement).collect();
    let topics = topics::all(tx, workspace).await?;
    let waits = |row: &ConfirmationRow| {
        let standing = consent::standing(&said, &Scope::marketing(Channel::Email).about(&row.topic), now);
        let is_late = standing.since.is_none_or(|since| now.0 - since.0 > WORKS_FOR);
        standing.verdict == Verdict::Pending && !is_late
    };
    let of = |row: &ConfirmationRow| {
        let topic = topics.iter().find(|topic| topic.key == row.topic && topic.archived_at.is_none())?;
        topic.double_opt_in.then(|| (row.clone(), topic.clone()))
    };
    let asked: Vec<(ConfirmationRow, TopicRow)> = due.iter().filter(|row| waits(row)).filter_map(of).collect();
    let Some((first, _)) = asked.first() else { return Ok(None) };
    let language = language(tx, workspace, own.person, &handles, (&first.language, now)).await?;
    let secret = secrets::ensure(tx, workspace, &*installation.rng).await?;
    Ok(Some(Letter {
        person: own.person,
        address: own.value,
        asked,
        words: Words::tagged(&language),
        company: workspaces::find(tx, workspace).await?.map(|row| row.name).unwrap_or_default(),
        links: Links::new(workspace, &secret),
    }))
}

/// Whether a mail may go to an address: it is not dead, nobody complained, and nothing restricts the use of what is known.
async fn may_write(db: &mut impl Queries, workspace: WorkspaceId, handle: Handle, handles: &[Handle]) -> Result<bool> {
    let is_against = |row: &DeadRow| {
        let is_mail = row.channel == Channel::Email.as_str() && row.topic.is_empty();
        is_mail && (row.handle == handle || row.reason != addresses::BOUNCED)
    };
    let is_dead = addresses::of_handles(db, workspace, handles).await?.iter().any(is_against);
    Ok(!is_dead && restrictions::restricted(db, workspace, handles).await?.is_empty())
}

async fn language(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    handles: &[Handle],
    (asked_in, now): (&str, Timestamp),
) -> Result<String> {
    let wished = wishes::of_handles(db, workspace, handles).await?;
    if let Some((_, wish, _)) = wished.into_iter().find(|(key, ..)| key == wishes::LANGUAGE) {
        return Ok(wish);
    }
    if !asked_in.is_empty() {
        return Ok(asked_in.to_owned());
    }
    let keys = LANGUAGES.map(str::to_owned);
    let known = facts::current_keys_of(db, workspace, &[person], &keys, now).await?;
    let known = known.into_iter().find_map(|(_, _, value)| serde_json::from_str::<String>(&value).ok());
    Ok(known.unwrap_or_default())
}

fn written(
    sender: &Sender,
    plans: &Plans,
    workspace: WorkspaceId,
    letter: &Letter,
) -> Result<mail::Prepared, rapport_channels::Error> {
    let from = &plans.settings.from;
    let domain = from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let link = |(row, topic): &(ConfirmationRow, TopicRow)| {
        let text = letter.links.make(Purpose::Confirmation, row.handle, Some(Channel::Email), Some(&row.topic));
        (topic.name(letter.words.tag).to_owned(), format!("{}/confirm/{text}", sender.public_url()))
    };
    let asked: Vec<(String, String)> = letter.asked.iter().map(link).collect();
    let (subject, text) = letter.words.confirmation_mail(&letter.company, &asked, letter.is_reminder());
    // The same for the same mail, when it is tried again.
    let mut name = blake3::Hasher::new();
    for (row, _) in &letter.asked {
        name.update(format!("{workspace}/{}/{}/{}/{};", row.handle.0, row.topic, row.asked_at.0, row.sent).as_bytes());
    }
    let date = letter.asked.iter().filter_map(|(row, _)| row.due_at).max().unwrap_or_default();
    let mail = Mail {
        message_id: mail::message_id(&format!("confirm-{}", &name.finalize().to_hex()[..32]), domain),
        date,
        from: Mailbox::new(&from.name, &from.address),
        reply_to: from.reply_to.as_ref().map(|address| Mailbox::new("", address)),
        return_path: sender.ways.return_path().map(str::to_owned),
        to: Mailbox::new("", &letter.address),
        subject,
        text,
        html: None,
        list_unsubscribe: None,
        headers: Vec::new(),
    };
    mail.prepare(&sender.ways.signers())
}

/// Notes what came of sending; of a mail that may have arrived no second one is sent.
async fn note(
    installation: &Installation,
    workspace: WorkspaceId,
    letter: Letter,
    outcome: Option<Outcome>,
) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    if let Some(Outcome::Accepted { .. } | Outcome::Unsure { .. }) = &outcome {
        let topics: Vec<&str> = letter.asked.iter().map(|(row, _)| row.topic.as_str()).collect();
        let payload = json!({"channel": "email", "topics": topics.join(", "), "is_reminder": letter.is_reminder()});
        tx.emit(Event::new(workspace, ASKED, payload).about(letter.person));
    }
    for (mut row, _) in letter.asked {
        let doublings = u32::try_from(row.attempts).unwrap_or(0).min(6);
        row.attempts += 1;
        match &outcome {
            Some(Outcome::Accepted { .. } | Outcome::Unsure { .. }) => {
                row.due_at = (row.sent == 0).then(|| now.plus(REMINDED_AFTER));
                (row.sent, row.sent_at, row.attempts) = (row.sent + 1, Some(now), 0);
            }
            Some(Outcome::Refused(refusal)) => match refusal.kind {
                RefusalKind::Temporary | RefusalKind::Sender | RefusalKind::Policy => {
                    row.due_at = Some(now.plus((PAUSE << doublings).min(LONGEST_PAUSE)));
                }
                kind => {
                    row.due_at = None;
                    if kind == RefusalKind::Recipient {
                        let (channel, reason) = (Channel::Email.as_str().to_owned(), addresses::BOUNCED.to_owned());
                        let detail = refusal.text.clone();
                        let dead =
                            DeadRow { handle: row.handle, channel, topic: String::new(), reason, since: now, detail };
                        addresses::insert(&mut tx, workspace, &dead).await?;
                    }
                }
            },
            None => row.due_at = None,
        }
        confirmations::note(&mut tx, workspace, &row).await?;
    }
    Ok(tx.commit().await?)
}
