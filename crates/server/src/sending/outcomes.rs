//! What came of handing messages over, and what was heard of them later.
//!
//! Always holds: what is heard of a message and what follows from it (an address that is dead, a domain event) commit together, once.

use anyhow::Result;
use rapport_channels::{Outcome, Refusal, RefusalKind};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_engagement::records::addresses::{self, DeadRow};
use rapport_engagement::records::messages::{self, BOUNCED, FAILED, Heard, MessageRow, QUEUED, SENDING, SENT, SKIPPED};
use rapport_engagement::sending::Reason;
use rapport_store::outbox::Event;
use rapport_store::{Priority, Tx};
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::surveying::sending as invited;

/// After so many tries a message is left to people.
const MOST_TRIES: i64 = 8;
/// After so many tries what may have arrived is not handed over once more: its reader may get a copy each time.
const MOST_IN_DOUBT: i64 = 3;
/// The pause after the first failure; each next one is twice as long.
const PAUSE: i64 = Timestamp::MINUTE;
const LONGEST_PAUSE: i64 = 4 * Timestamp::HOUR;
/// While our own settings are wrong, it is tried again so often.
const SETTINGS_PAUSE: i64 = 5 * Timestamp::MINUTE;

/// What came of one message.
pub enum Came {
    /// An answer, or none.
    Back {
        /// The message.
        row: Box<MessageRow>,
        /// What was answered.
        outcome: Outcome,
        /// The version of its template.
        version: Option<i64>,
        /// It may have been handed over before.
        is_again: bool,
    },
    /// It could not be written.
    NotWritten {
        /// The message.
        row: Box<MessageRow>,
        /// Why.
        reason: Reason,
        /// What is wrong with the template.
        detail: String,
    },
    /// Its domain gets no more just now, or it could not be tried.
    Later {
        /// The message.
        row: Box<MessageRow>,
        /// How long it waits, in microseconds.
        wait: i64,
        /// It may have been handed over before.
        is_again: bool,
    },
}

impl Came {
    /// Whether the other side did its work, whatever it said about this one message.
    pub const fn is_good(&self) -> bool {
        let Self::Back { outcome, .. } = self else { return true };
        match outcome {
            Outcome::Accepted { .. } => true,
            Outcome::Refused(refusal) => !matches!(refusal.kind, RefusalKind::Temporary),
            Outcome::Unsure { .. } => false,
        }
    }
}

/// Notes what came of some messages, in one transaction.
///
/// # Errors
/// The store's: nothing is noted then, and they go out again.
pub async fn note(installation: &Installation, workspace: WorkspaceId, came: &[&Came]) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    for one in came {
        match one {
            Came::NotWritten { row, reason, detail } => {
                skip(&mut tx, workspace, row, *reason, Some(detail)).await?;
            }
            Came::Later { row, wait, is_again } => {
                messages::give_back(&mut tx, &row.id, waiting(*is_again), now.plus(*wait)).await?;
            }
            Came::Back { row, outcome: answered, version, is_again } => {
                back(&mut tx, workspace, row, answered, (*version, *is_again), now).await?;
            }
        }
    }
    Ok(tx.commit().await?)
}

/// How a message waits to be tried again. What may have arrived once stays known as that, whatever is answered to the next copy.
const fn waiting(is_again: bool) -> &'static str {
    if is_again { SENDING } else { QUEUED }
}

/// Leaves a message out, for a reason that people can read.
///
/// # Errors
/// The store's.
pub async fn skip(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &MessageRow,
    reason: Reason,
    detail: Option<&str>,
) -> Result<()> {
    invited::lost(tx, workspace, row, reason.as_str()).await?;
    let detail = detail.filter(|text| !text.is_empty());
    let left_out =
        messages::Outcome { reason: Some(reason.as_str()), response: detail, ..messages::Outcome::of(SKIPPED) };
    Ok(messages::note(tx, &row.id, &left_out).await?)
}

/// Leaves a message as it is that may have arrived, because it may not be sent again, or not any more.
///
/// # Errors
/// The store's.
pub async fn leave(tx: &mut Tx, workspace: WorkspaceId, row: &MessageRow, why: &str) -> Result<()> {
    let text = format!("It was handed over before without an answer and may have arrived. It is not sent again: {why}");
    let reason = Reason::MaybeSent.as_str();
    let left = messages::Outcome { reason: Some(reason), response: Some(&text), ..messages::Outcome::of(FAILED) };
    messages::note(tx, &row.id, &left).await?;
    metrics::counter!("rapport_messages_left_in_doubt_total").increment(1);
    tell(tx, workspace, row, super::FAILED, json!({ "reason": reason }));
    Ok(())
}

async fn back(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &MessageRow,
    answered: &Outcome,
    (template_version, is_again): (Option<i64>, bool),
    now: Timestamp,
) -> Result<()> {
    match answered {
        Outcome::Accepted { id, response } => {
            let twice =
                format!("It was handed over once more after an interruption and may have arrived twice. {response}");
            let done = messages::Outcome {
                response: Some(if is_again { &twice } else { response }),
                provider_id: id.as_deref().or(row.message_id.as_deref()),
                sent_at: Some(now),
                template_version,
                ..messages::Outcome::of(SENT)
            };
            messages::note(tx, &row.id, &done).await?;
            metrics::counter!("rapport_messages_sent_total", "channel" => row.channel.clone()).increment(1);
            if is_again {
                metrics::counter!("rapport_messages_maybe_twice_total").increment(1);
            }
            tell(tx, workspace, row, super::SENT, json!({}));
        }
        // Nobody knows whether the other side has it: after a while it goes out again under the same name.
        Outcome::Unsure { why } if is_again && row.attempts >= MOST_IN_DOUBT => leave(tx, workspace, row, why).await?,
        Outcome::Unsure { why } => {
            let unsure = messages::Outcome {
                response: Some(why),
                due_at: Some(now.plus(pause(row.attempts))),
                ..messages::Outcome::of(SENDING)
            };
            messages::note(tx, &row.id, &unsure).await?;
        }
        Outcome::Refused(refusal) => refused(tx, workspace, row, (refusal, is_again), now).await?,
    }
    Ok(())
}

async fn refused(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &MessageRow,
    (refusal, is_again): (&Refusal, bool),
    now: Timestamp,
) -> Result<()> {
    let text = said(refusal);
    let may_try = row.attempts < MOST_TRIES;
    let again = match refusal.kind {
        RefusalKind::Temporary if may_try => {
            let asked = refusal.retry_after.and_then(|wait| i64::try_from(wait.as_micros()).ok());
            Some(now.plus(asked.unwrap_or(0).max(pause(row.attempts))))
        }
        // Nothing is wrong with the message: it waits until somebody has mended the settings.
        RefusalKind::Sender => Some(now.plus(SETTINGS_PAUSE)),
        _ => None,
    };
    if let Some(again) = again {
        let later = messages::Outcome {
            response: Some(&text),
            due_at: Some(again),
            ..messages::Outcome::of(waiting(is_again))
        };
        return Ok(messages::note(tx, &row.id, &later).await?);
    }
    let is_dead = matches!(refusal.kind, RefusalKind::Recipient | RefusalKind::Unsubscribed);
    if is_again && !is_dead {
        // The other side refuses this copy; it may have taken the one before.
        return leave(tx, workspace, row, &text).await;
    }
    let state = if is_dead { BOUNCED } else { FAILED };
    let reason = Some(refusal.kind.as_str());
    let over = messages::Outcome { reason, response: Some(&text), ..messages::Outcome::of(state) };
    messages::note(tx, &row.id, &over).await?;
    if is_dead {
        let why = if refusal.kind == RefusalKind::Recipient { "bounced" } else { "unsubscribed" };
        hear_in(tx, workspace, row, Heard::Bounced, (why, &text), now).await?;
    } else {
        invited::lost(tx, workspace, row, refusal.kind.as_str()).await?;
        tell(tx, workspace, row, super::FAILED, json!({"reason": refusal.kind.as_str()}));
    }
    metrics::counter!("rapport_messages_refused_total", "kind" => refusal.kind.as_str()).increment(1);
    Ok(())
}

fn said(refusal: &Refusal) -> String {
    let code = refusal.code.map(|code| code.to_string());
    let parts = [code.as_deref(), refusal.enhanced.as_deref(), Some(refusal.text.as_str())];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Twice as long each time.
fn pause(attempts: i64) -> i64 {
    (PAUSE << (attempts - 1).clamp(0, 20)).min(LONGEST_PAUSE)
}

/// Notes what was heard of a message, and what follows from it; whether it was news.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    workspace: WorkspaceId,
    message: &str,
    what: Heard,
    (why, detail): (&str, &str),
) -> Result<bool> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    let Some(row) = messages::find(&mut tx, workspace, message).await? else { return Ok(false) };
    let is_news = hear_in(&mut tx, workspace, &row, what, (why, detail), now).await?;
    tx.commit().await?;
    Ok(is_news)
}

/// Notes that a message which was handed over will not arrive.
///
/// # Errors
/// The store's.
pub async fn lost(installation: &Installation, workspace: WorkspaceId, message: &str, why: &Refusal) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    let Some(row) = messages::find(&mut tx, workspace, message).await? else { return Ok(()) };
    let text = said(why);
    match why.kind {
        RefusalKind::Recipient => {
            hear_in(&mut tx, workspace, &row, Heard::Bounced, (addresses::BOUNCED, &text), now).await?;
        }
        RefusalKind::Unsubscribed => {
            hear_in(&mut tx, workspace, &row, Heard::Bounced, ("unsubscribed", &text), now).await?;
        }
        // A provider may be faster than our own note that it was handed over, which leaves this as it is then.
        _ if row.state == SENT || row.state == SENDING => {
            let over = messages::Outcome {
                reason: Some(why.kind.as_str()),
                response: Some(&text),
                ..messages::Outcome::of(FAILED)
            };
            messages::note(&mut tx, &row.id, &over).await?;
            invited::lost(&mut tx, workspace, &row, why.kind.as_str()).await?;
            tell(&mut tx, workspace, &row, super::FAILED, json!({"reason": why.kind.as_str()}));
        }
        // It arrived after all, or it is known already.
        _ => {}
    }
    Ok(tx.commit().await?)
}

async fn hear_in(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &MessageRow,
    what: Heard,
    (why, detail): (&str, &str),
    now: Timestamp,
) -> Result<bool> {
    if !messages::hear(tx, &row.id, what, now).await? {
        return Ok(false);
    }
    invited::heard(tx, workspace, row, (what, why), now).await?;
    let name = match what {
        Heard::Delivered => super::DELIVERED,
        Heard::Bounced => super::BOUNCED,
        Heard::Complained => super::COMPLAINED,
        Heard::Opened => super::OPENED,
        Heard::Clicked => super::CLICKED,
        // Their own event says that already.
        Heard::Unsubscribed => return Ok(true),
    };
    if matches!(what, Heard::Bounced | Heard::Complained)
        && let Some(handle) = row.handle
    {
        // A complaint is about what they got; an address that is not there takes nothing at all.
        let topic = if what == Heard::Complained { row.topic.clone().unwrap_or_default() } else { String::new() };
        let dead = DeadRow {
            handle,
            channel: row.channel.clone(),
            topic,
            reason: why.to_owned(),
            since: now,
            detail: detail.to_owned(),
        };
        addresses::insert(tx, workspace, &dead).await?;
    }
    tell(tx, workspace, row, name, json!({}));
    Ok(true)
}

/// Tells what happened to a message as a domain event.
pub fn tell(tx: &mut Tx, workspace: WorkspaceId, row: &MessageRow, name: &'static str, more: Value) {
    let mut payload = json!({"message": row.id, "channel": row.channel, "template": row.template});
    if let (Some(fields), Value::Object(more)) = (payload.as_object_mut(), more) {
        for (key, value) in [("journey", row.journey.as_ref()), ("topic", row.topic.as_ref())] {
            if let Some(value) = value {
                fields.insert(key.to_owned(), value.as_str().into());
            }
        }
        if !row.node.is_empty() {
            fields.insert("node".to_owned(), row.node.as_str().into());
        }
        fields.extend(more);
    }
    tx.emit(Event::new(workspace, name, payload).about(row.person));
}
