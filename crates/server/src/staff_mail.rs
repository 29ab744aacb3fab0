//! Mails to the company's own people: what is theirs to do, and what customers said in sum.
//!
//! Always holds: they go to users of the workspace only, from the workspace's own sender, and carry no customer's name or address; the same mail has the same
//! Message-ID, when it is tried again.

use rapport_channels::Outcome;
use rapport_channels::mail::{self, Mail, Mailbox};
use rapport_domain::Timestamp;
use rapport_engagement::sending::Settings;

use crate::records::users::UserRow;
use crate::sending::Sender;

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What tells it from other mails.
    pub name: String,
    /// When it was decided.
    pub date: Timestamp,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// Its HTML, if it has any.
    pub html: Option<String>,
}

/// Whether mails can go out now: there is a mail server and a sender, and nobody paused sending.
pub fn can_send(sender: &Sender, settings: &Settings) -> bool {
    sender.ways.smtp().is_some() && settings.from.address.contains('@') && !settings.paused
}

/// Sends a mail to a user; what came of it.
pub async fn send(sender: &Sender, settings: &Settings, to: &UserRow, letter: Letter) -> Result<Outcome, String> {
    let Some(smtp) = sender.ways.smtp() else { return Err("no mail server is set up".to_owned()) };
    let from = &settings.from;
    let domain = from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let id = blake3::hash(format!("{}/{}", letter.name, to.id).as_bytes());
    let mail = Mail {
        message_id: mail::message_id(&format!("staff-{}", &id.to_hex()[..32]), domain),
        date: letter.date,
        from: Mailbox::new(&from.name, &from.address),
        reply_to: from.reply_to.as_ref().map(|address| Mailbox::new("", address)),
        return_path: None,
        to: Mailbox::new(&to.name, &to.email),
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        list_unsubscribe: None,
        headers: Vec::new(),
    };
    let prepared = mail.prepare(&sender.ways.signers()).map_err(|error| error.to_string())?;
    Ok(smtp.send(&prepared).await)
}
