//! Hands over copies for the company's own people: tests, and what the seed list gets of campaigns.
//!
//! Always holds: a copy says what it is, in its subject and in the header `X-Rapport-Copy`; its links lead where they lead without counting anybody, and
//! those that would change something for a customer lead to an example; a customer's addresses in it are masked.

use anyhow::Result;
use futures::StreamExt;
use rapport_channels::mail::{self, Mail, Mailbox, Prepared};
use rapport_channels::{Outcome, Refusal, RefusalKind};
use rapport_domain::{Channel, Timestamp};
use rapport_engagement::content::{Message, Recipient, known};
use rapport_engagement::records::copies::{self, CopyRow, SEED};
use rapport_engagement::sending::Settings;
use rapport_store::Priority;
use serde_json::{Map, Value};

use super::dispatch::Sender;
use crate::messages::company::Company;
use crate::messages::scope::{Wanted, scope};
use crate::recommending;

/// So many are taken at a time, and so many handed over at once.
const BATCH: i64 = 20;
const AT_ONCE: usize = 4;
/// Whoever has taken one has so long to say what became of it.
const LEASE: i64 = 15 * Timestamp::MINUTE;
const PAUSE: i64 = Timestamp::MINUTE;
const MOST_TRIES: i64 = 5;
/// Where links lead that would change something for somebody.
const EXAMPLE: &str = "https://example.com/sample";

/// Sends some of what is due; whether anything was.
///
/// # Errors
/// The store's.
pub async fn send_due(sender: &Sender) -> Result<bool> {
    let now = sender.installation.clock.now();
    let due = copies::due(&mut sender.installation.store.read(), now, BATCH).await?;
    let any = !due.is_empty();
    let mut sent = std::pin::pin!(
        futures::stream::iter(due).map(|row| async move { send(sender, row).await }).buffer_unordered(AT_ONCE)
    );
    while let Some(result) = sent.next().await {
        result?;
    }
    Ok(any)
}

async fn send(sender: &Sender, row: CopyRow) -> Result<()> {
    let installation = &sender.installation;
    let mut tx = installation.store.begin(Priority::Background).await?;
    let is_ours = copies::take(&mut tx, &row, installation.clock.now().plus(LEASE)).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(());
    }
    let outcome = match (write(sender, &row).await?, sender.ways.smtp()) {
        (Ok(mail), Some(smtp)) => smtp.send(&mail).await,
        (Ok(_), None) => Outcome::Refused(Refusal::new(RefusalKind::Sender, "no mail server is set up")),
        (Err(why), _) => Outcome::Refused(Refusal::new(RefusalKind::Message, why)),
    };
    let now = installation.clock.now();
    let later = (row.attempts + 1 < MOST_TRIES).then(|| now.plus(PAUSE));
    let (state, text, sent_at) = match outcome {
        Outcome::Accepted { response, .. } => (("sent", None), response, Some(now)),
        Outcome::Refused(refusal) if refusal.kind == RefusalKind::Temporary && later.is_some() => {
            (("queued", later), refusal.text, None)
        }
        Outcome::Refused(refusal) => (("failed", None), refusal.text, None),
        // It may be there: a colleague who gets none asks again.
        Outcome::Unsure { why } => (("failed", None), why, None),
    };
    let mut tx = installation.store.begin(Priority::Background).await?;
    copies::note(&mut tx, &row.id, state, &text, sent_at).await?;
    Ok(tx.commit().await?)
}

/// The mail, or why there is none.
async fn write(sender: &Sender, row: &CopyRow) -> Result<Result<Prepared, String>> {
    let plans = sender.installation.plans.get(&sender.installation, row.workspace).await?;
    let found = match sender.templates.newest(&sender.installation, row.workspace, &row.template).await {
        Ok(found) => found,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Some((ready, _)) = found else { return Ok(Err("the template is no longer there".to_owned())) };
    let of = |word: &str| format!("{EXAMPLE}/{word}");
    let (unsubscribe, preferences, view) = (of("unsubscribe"), of("preferences"), of("view"));
    let company = Company::read(&mut sender.installation.store.read(), row.workspace).await?;
    let mut data = known::sample();
    let (mut language, mut zone) = (None, company.calendar.zone.clone());
    if let Some(person) = row.person {
        let mut given = Map::new();
        if ready.recommends
            && let Some(products) = recommending::token(&sender.installation, row.workspace, person).await?
        {
            given.insert(recommending::TOKEN.to_owned(), products);
        }
        let wanted = Wanted {
            workspace: row.workspace,
            person,
            channel: Channel::Email,
            topic: None,
            message: None,
            event: None,
            given: Some(&given),
            public_url: EXAMPLE,
        };
        let Some(mut own) = scope(&sender.installation, &wanted).await? else {
            return Ok(Err("the customer is no longer there".to_owned()));
        };
        own.mask();
        lay_over(&mut data, own.data);
        (language, zone) = (Some(own.language), own.calendar.zone);
    }
    data["company"] = company.token();
    let language = language.unwrap_or(company.language);
    let recipient = Recipient {
        unsubscribe_url: Some(&unsubscribe),
        preferences_url: Some(&preferences),
        view_url: Some(&view),
        ..Recipient::new(&language, zone)
    };
    let email = match ready.prepared.render(&data, &recipient) {
        Ok(Message::Email(email)) => email,
        Ok(Message::Note(_)) => return Ok(Err("only e-mails are sent as copies".to_owned())),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let text = email.text.unwrap_or_else(|| email.subject.clone());
    Ok(mail(sender, &plans.settings, row, (email.subject, text, email.html)))
}

/// What comes with the person takes the place of examples, group by group: what the group does not have must be missing here too.
fn lay_over(data: &mut Value, own: Value) {
    if let (Value::Object(data), Value::Object(own)) = (data, own) {
        data.extend(own);
    }
}

fn mail(
    sender: &Sender,
    settings: &Settings,
    row: &CopyRow,
    (subject, text, html): (String, String, String),
) -> Result<Prepared, String> {
    let from = &settings.from;
    let Some((_, domain)) = from.address.rsplit_once('@') else {
        return Err("no sender's address is set: Engage, Sending, Settings".to_owned());
    };
    let word = if row.kind == SEED { "Copy" } else { "Test" };
    let mail = Mail {
        message_id: mail::message_id(&row.id, domain),
        date: row.decided_at,
        from: Mailbox::new(&from.name, &from.address),
        reply_to: from.reply_to.as_ref().map(|address| Mailbox::new("", address)),
        return_path: None,
        to: Mailbox::new("", row.address.clone()),
        subject: format!("[{word}] {subject}"),
        text,
        html: Some(html),
        list_unsubscribe: None,
        headers: vec![("X-Rapport-Copy".to_owned(), row.kind.clone())],
    };
    mail.prepare(&sender.ways.signers()).map_err(|error| error.to_string())
}
