//! Writes a message for its reader: template, values, links that count, where to unsubscribe.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use rapport_channels::mail::{self, ListUnsubscribe, Mail, Mailbox};
use rapport_channels::mail_reports::POSTMARK_METADATA;
use rapport_channels::text_messages::{ProviderTemplate, TextMessage};
use rapport_domain::{Channel, Timestamp, WorkspaceId};
use rapport_engagement::content::message::{ApprovedMessage, LinkPlace, NoteMessage};
use rapport_engagement::content::{Limits, Message, Prepared, Recipient, Template, with_parameters};
use rapport_engagement::journey::Class;
use rapport_engagement::records::messages::MessageRow;
use rapport_engagement::records::{numbers, templates};
use rapport_engagement::sending::{Reason, Settings};
use rapport_engagement::tracking::Tracker;
use serde_json::{Map, Value};

use super::ways::Ways;
use crate::installation::Installation;
use crate::messages::scope::{Wanted, scope};
use crate::messages::tracker;
use crate::recommending;
use crate::surveying::sending as surveys;

/// Templates that were prepared, by workspace, key and version.
#[derive(Default)]
pub struct Templates(Mutex<HashMap<(WorkspaceId, String, i64), Arc<Ready>>>);

/// A template that was prepared.
pub struct Ready {
    /// It.
    pub prepared: Prepared,
    /// Whether it shows products that are chosen for its reader.
    pub recommends: bool,
}

/// So many are remembered.
const REMEMBERED: usize = 500;
/// The number of the picture that counts openings, among a message's links.
const OPENING: u16 = u16::MAX;
/// The number of the link to the message as a page.
const AS_A_PAGE: u16 = u16::MAX - 1;

/// So long after somebody's last message WhatsApp takes any text: a little less than its 24 hours, because a message may wait for its turn.
const WINDOW: i64 = 24 * Timestamp::HOUR - 10 * Timestamp::MINUTE;

/// What was written.
pub enum Written {
    /// A mail, ready to be handed over, of a version of its template.
    Mail(Box<mail::Prepared>, i64),
    /// A text message, ready to be handed over.
    Text(Box<TextMessage>, i64),
    /// A notification, or what is shown on the company's own site.
    Note(Box<NoteMessage>, i64),
    /// It cannot be written.
    Not(Reason, String),
    /// Not as things are set up now; it may be later.
    NotYet(String),
}

impl Templates {
    /// The newest version of a template, prepared; `None` when there is none.
    pub async fn newest(
        &self,
        installation: &Installation,
        workspace: WorkspaceId,
        key: &str,
    ) -> Result<Option<(Arc<Ready>, i64)>> {
        let mut db = installation.store.read();
        let Some(row) = templates::find(&mut db, workspace, key).await? else { return Ok(None) };
        let name = (workspace, key.to_owned(), row.version);
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Ok(Some((Arc::clone(known), row.version)));
        }
        let Some(version) = templates::version(&mut db, workspace, key, row.version).await? else { return Ok(None) };
        let form: Value = serde_json::from_str(&version.content)?;
        let template = Template::from_json(form)?;
        let recommends = recommending::is_asked_for(&template);
        let prepared = Arc::new(Ready { prepared: Prepared::new(&template, Limits::default())?, recommends });
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(name, Arc::clone(&prepared));
        Ok(Some((prepared, row.version)))
    }
}

/// What a message is written with.
pub struct Desk<'a> {
    /// The data.
    pub installation: &'a Installation,
    /// The ways out.
    pub ways: &'a Ways,
    /// Prepared templates.
    pub templates: &'a Templates,
    /// The address people use, without a slash at its end.
    pub public_url: &'a str,
}

impl Desk<'_> {
    /// Writes a message.
    ///
    /// # Errors
    /// The store's.
    pub async fn write(&self, workspace: WorkspaceId, settings: &Settings, row: &MessageRow) -> Result<Written> {
        let Some(channel) = Channel::parse(&row.channel) else {
            return Ok(Written::Not(Reason::NoChannel, format!("unknown channel {}", row.channel)));
        };
        let found = match self.templates.newest(self.installation, workspace, &row.template).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Written::Not(Reason::NoTemplate, String::new())),
            Err(error) => match error.downcast::<rapport_engagement::Error>() {
                Ok(error) => return Ok(Written::Not(Reason::Unwritable, error.to_string())),
                Err(error) => return Err(error),
            },
        };
        let (ready, version) = found;
        let mut given = Map::new();
        if ready.recommends {
            match recommending::token(self.installation, workspace, row.person).await? {
                Some(products) => given.insert(recommending::TOKEN.to_owned(), products),
                None => return Ok(Written::NotYet("what to offer is still being worked out".to_owned())),
            };
        }
        let event = Some(&row.payload).filter(|event| event.get("properties").is_some());
        let wanted = Wanted {
            workspace,
            person: row.person,
            channel,
            topic: row.topic.as_deref(),
            message: Some(&row.id),
            event,
            given: Some(&given),
            public_url: self.public_url,
        };
        let Some(mut scope) = scope(self.installation, &wanted).await? else {
            return Ok(Written::Not(Reason::Gone, String::new()));
        };
        let reader = (&scope.language, self.public_url);
        match surveys::token(self.installation, workspace, row, reader).await? {
            surveys::Token::None => {}
            surveys::Token::Some(token) => scope.data[surveys::TOKEN] = token,
            surveys::Token::Over => return Ok(Written::Not(Reason::TooLate, String::new())),
        }
        let tracker = tracker(self.installation, workspace).await?;
        // Nothing of the recipient is kept while something is waited for.
        let rendered = {
            let rewrite = |place: LinkPlace<'_>| Some(self.tracked(&tracker, row, &place));
            let view_url = format!("{}/m/{}", self.public_url, tracker.make(&row.id, AS_A_PAGE, ""));
            let recipient = Recipient { rewrite: Some(&rewrite), view_url: Some(&view_url), ..scope.recipient() };
            let message = ready.prepared.render(&scope.data, &recipient);
            message.map(|message| (message, ready.prepared.approved(&scope.data, &recipient)))
        };
        let (message, approved) = match rendered {
            Ok(rendered) => rendered,
            Err(error) => return Ok(Written::Not(Reason::Unwritable, error.to_string())),
        };
        match message {
            Message::Email(email) => {
                let Some(address) = scope.email.clone() else {
                    return Ok(Written::Not(Reason::Unreachable, String::new()));
                };
                let pixel = format!(
                    "<img src=\"{}/o/{}\" width=\"1\" height=\"1\" alt=\"\" style=\"display:none\">",
                    self.public_url,
                    tracker.make(&row.id, OPENING, "")
                );
                let html = match email.html.rfind("</body>") {
                    Some(place) => format!("{}{pixel}{}", &email.html[..place], &email.html[place..]),
                    None => format!("{}{pixel}", email.html),
                };
                let text = email.text.unwrap_or_else(|| email.subject.clone());
                let content = (email.subject, text, html);
                self.mail(settings, row, content, (address, &scope.unsubscribe_url), version)
            }
            Message::Note(note) if matches!(channel, Channel::Sms | Channel::Whatsapp) => {
                let Some(to) = scope.phone.as_deref().and_then(|phone| self.ways.number(phone)) else {
                    return Ok(Written::Not(Reason::Unreachable, String::new()));
                };
                let text = self.text(row, channel, to, note);
                if channel == Channel::Whatsapp && !self.takes_any_text(&text.to).await? {
                    return Ok(in_its_place(text, approved, version));
                }
                Ok(Written::Text(Box::new(text), version))
            }
            Message::Note(note) => Ok(Written::Note(Box::new(note), version)),
        }
    }

    /// Whether WhatsApp takes any text to a number by now.
    async fn takes_any_text(&self, number: &str) -> Result<bool> {
        let heard = numbers::heard_at(&mut self.installation.store.read(), number).await?;
        Ok(heard.is_some_and(|at| self.installation.clock.now() < at.plus(WINDOW)))
    }

    /// A mail as a page, for those whose program cannot show it: with the values of now, and links that count nothing. `None` where there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn page(&self, workspace: WorkspaceId, row: &MessageRow) -> Result<Option<String>> {
        let Ok(Some((ready, _))) = self.templates.newest(self.installation, workspace, &row.template).await else {
            return Ok(None);
        };
        let mut given = Map::new();
        if ready.recommends
            && let Some(products) = recommending::token(self.installation, workspace, row.person).await?
        {
            given.insert(recommending::TOKEN.to_owned(), products);
        }
        let wanted = Wanted {
            workspace,
            person: row.person,
            channel: Channel::Email,
            topic: row.topic.as_deref(),
            message: Some(&row.id),
            event: Some(&row.payload).filter(|event| event.get("properties").is_some()),
            given: Some(&given),
            public_url: self.public_url,
        };
        let Some(mut scope) = scope(self.installation, &wanted).await? else { return Ok(None) };
        let reader = (&scope.language, self.public_url);
        if let surveys::Token::Some(token) = surveys::token(self.installation, workspace, row, reader).await? {
            scope.data[surveys::TOKEN] = token;
        }
        let tracker = tracker(self.installation, workspace).await?;
        let view_url = format!("{}/m/{}", self.public_url, tracker.make(&row.id, AS_A_PAGE, ""));
        let recipient = Recipient { view_url: Some(&view_url), ..scope.recipient() };
        Ok(match ready.prepared.render(&scope.data, &recipient) {
            Ok(Message::Email(email)) => Some(email.html),
            _ => None,
        })
    }

    fn text(&self, row: &MessageRow, channel: Channel, to: String, note: NoteMessage) -> TextMessage {
        let text = match note.url {
            Some(url) => format!("{} {url}", note.body.trim_end()),
            None => note.body,
        };
        // What a provider reports is signed and names a person's messages: it comes over TLS or not at all.
        let callback = self
            .public_url
            .starts_with("https://")
            .then(|| format!("{}{}?message={}", self.public_url, crate::callbacks::TEXT_MESSAGES, row.id));
        TextMessage { id: row.id.clone(), channel, to, text, template: None, callback }
    }

    fn mail(
        &self,
        settings: &Settings,
        row: &MessageRow,
        (subject, text, html): (String, String, String),
        (address, unsubscribe_url): (String, &str),
        version: i64,
    ) -> Result<Written> {
        let from = &settings.from;
        let Some((_, domain)) = from.address.rsplit_once('@') else {
            return Ok(Written::NotYet("no sender's address is set: Settings, Sending".to_owned()));
        };
        let can_be_left = Class::parse(&row.class).unwrap_or_default().is_optional();
        if can_be_left && !unsubscribe_url.starts_with("https://") {
            // Nothing is wrong with the message: it waits until the address is set.
            let problem = "public_url in the settings has to begin with https://, or nobody could leave with one click";
            return Ok(Written::NotYet(problem.to_owned()));
        }
        // The body is made again, with new values perhaps, but the name stays that which was fixed when the message was taken.
        let message_id = row.message_id.clone().unwrap_or_else(|| mail::message_id(&row.id, domain));
        let journey = row.journey.as_deref().unwrap_or("single");
        let mut headers = vec![("Feedback-ID".to_owned(), format!("{journey}:{}:rapport", row.template))];
        if self.ways.has_postmark() {
            headers.push((POSTMARK_METADATA.to_owned(), message_id.clone()));
        }
        let mail = Mail {
            message_id,
            date: row.decided_at,
            from: Mailbox::new(&from.name, &from.address),
            reply_to: from.reply_to.as_ref().map(|address| Mailbox::new("", address)),
            return_path: self.ways.return_path().map(str::to_owned),
            to: Mailbox::new("", address),
            subject,
            text,
            html: Some(html),
            list_unsubscribe: can_be_left
                .then(|| ListUnsubscribe { https_url: unsubscribe_url.to_owned(), mailto: None }),
            headers,
        };
        Ok(match mail.prepare(&self.ways.signers()) {
            Ok(ready) => Written::Mail(Box::new(ready), version),
            Err(error) => Written::Not(Reason::Unwritable, error.to_string()),
        })
    }

    /// Where a link leads instead: to us, who count and lead on. What it leads to says where its visitors came from.
    fn tracked(&self, tracker: &Tracker, row: &MessageRow, place: &LinkPlace<'_>) -> String {
        let campaign = row.journey.as_deref().unwrap_or(&row.template);
        let target = with_parameters(
            place.url,
            &[("utm_source", "rapport"), ("utm_medium", &row.channel), ("utm_campaign", campaign)],
        );
        let number = u16::try_from(place.number).unwrap_or(AS_A_PAGE - 1);
        format!("{}/c/{}", self.public_url, tracker.make(&row.id, number, &target))
    }
}

/// The approved text in the place of one that WhatsApp would not take.
fn in_its_place(
    text: TextMessage,
    approved: std::result::Result<Option<ApprovedMessage>, rapport_engagement::Error>,
    version: i64,
) -> Written {
    match approved {
        Ok(Some(ApprovedMessage { id, variables })) => {
            let template = Some(ProviderTemplate { id, variables });
            Written::Text(Box::new(TextMessage { template, ..text }), version)
        }
        Ok(None) => Written::Not(Reason::NotApproved, String::new()),
        Err(error) => Written::Not(Reason::Unwritable, error.to_string()),
    }
}
