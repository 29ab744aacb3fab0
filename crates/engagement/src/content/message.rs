//! What comes out: the message of one person, its links, and what had to be left out of it; and what goes in beside the data.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::escape;
use super::language::Language;
use super::url::UrlProblem;

/// What gives the URL that is sent instead of a link's own; `None` leaves the link as it is.
pub type Rewrite<'a> = dyn Fn(LinkPlace<'_>) -> Option<String> + 'a;

/// For whom a message is rendered.
#[derive(Clone)]
pub struct Recipient<'a> {
    /// The language that the person reads.
    pub language: &'a Language,
    /// Where the person's days begin.
    pub time_zone: TimeZone,
    /// The value of the token `unsubscribe_url`.
    pub unsubscribe_url: Option<&'a str>,
    /// The value of the token `preferences_url`.
    pub preferences_url: Option<&'a str>,
    /// The value of the token `view_url`: the message as a page.
    pub view_url: Option<&'a str>,
    /// Gives the URL that is sent instead of a link's own, e.g. a signed one that counts clicks. Not asked about the three URLs above,
    /// nor about `mailto` and `tel`.
    pub rewrite: Option<&'a Rewrite<'a>>,
}

impl<'a> Recipient<'a> {
    /// A recipient without links of their own.
    pub fn new(language: &'a Language, time_zone: TimeZone) -> Self {
        let (unsubscribe_url, preferences_url, view_url, rewrite) = (None, None, None, None);
        Self { language, time_zone, unsubscribe_url, preferences_url, view_url, rewrite }
    }
}

/// A link that is about to be written.
#[derive(Clone, Copy, Debug)]
pub struct LinkPlace<'a> {
    /// Its number in the variant, from 0. The same link has the same number in every message and in both parts.
    pub number: usize,
    /// Where it leads.
    pub url: &'a str,
}

/// A rendered message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// An e-mail.
    Email(EmailMessage),
    /// A text message, a push notification or the content of a slot.
    Note(NoteMessage),
}

/// A rendered e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmailMessage {
    /// The language of the variant.
    pub language: Language,
    /// One line without control characters, ready to be encoded as a header.
    pub subject: String,
    /// What mail programs show beside the subject; also in the HTML, out of sight.
    pub preheader: String,
    /// The HTML part.
    pub html: String,
    /// The plain text part; `None` when the template has none.
    pub text: Option<String>,
    /// Its links, in the order of the HTML.
    pub links: Vec<Link>,
    /// URLs that were not allowed.
    pub dropped: Vec<Dropped>,
}

/// A rendered text message, push notification or slot. Plain texts: who shows them as HTML must escape them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoteMessage {
    /// The language of the variant.
    pub language: Language,
    /// One line.
    pub title: Option<String>,
    /// The text.
    pub body: String,
    /// Where a tap leads.
    pub url: Option<String>,
    /// The URL of a picture.
    pub image_url: Option<String>,
    /// The label of the button.
    pub label: Option<String>,
    /// Its link.
    pub links: Vec<Link>,
    /// URLs that were not allowed.
    pub dropped: Vec<Dropped>,
}

/// What takes the place of a text that WhatsApp would not take any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApprovedMessage {
    /// The provider's name for the approved text.
    pub id: String,
    /// What fills its gaps, by the gap's name (`1`, `2` ...): each one line, none empty.
    pub variables: BTreeMap<String, String>,
}

/// A link of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its number in the variant ([`LinkPlace::number`]).
    pub number: usize,
    /// What it leads to.
    pub kind: LinkKind,
    /// Where it leads.
    pub url: String,
    /// What was written: `url`, or what took its place, with what no URL may hold percent-encoded.
    pub sent_url: String,
}

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// What the message is about.
    Content,
    /// The end of these messages.
    Unsubscribe,
    /// The choice of messages.
    Preferences,
    /// The message as a page.
    View,
    /// An address or a telephone number.
    Contact,
}

/// A URL that was left out of a message; `#` stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// The field of the template.
    pub place: String,
    /// In the field, from 1.
    pub line: usize,
    /// In letters, from 1.
    pub column: usize,
    /// Why. The URL itself is not told, because it may be personal data.
    pub problem: UrlProblem,
}

/// The links of a message while it is rendered. Each (number, URL) is asked about once, however often it is written.
pub(crate) struct Links<'a> {
    recipient: &'a Recipient<'a>,
    pub found: Vec<Link>,
}

impl<'a> Links<'a> {
    pub fn new(recipient: &'a Recipient<'a>) -> Self {
        Self { recipient, found: Vec::new() }
    }

    /// What is written for a URL.
    pub fn sent(&mut self, number: usize, url: &str) -> &str {
        let known = self.found.iter().position(|link| link.number == number && link.url == url);
        let index = known.unwrap_or_else(|| {
            let kind = self.kind(url);
            let rewrite = self.recipient.rewrite.filter(|_| kind == LinkKind::Content);
            let mut sent_url = String::new();
            match rewrite.and_then(|hook| hook(LinkPlace { number, url })) {
                Some(rewritten) => escape::url(&rewritten, &mut sent_url),
                None => sent_url.push_str(url),
            }
            self.found.push(Link { number, kind, url: url.to_owned(), sent_url });
            self.found.len() - 1
        });
        &self.found[index].sent_url
    }

    fn kind(&self, url: &str) -> LinkKind {
        let Recipient { unsubscribe_url, preferences_url, view_url, .. } = self.recipient;
        let own = [
            (unsubscribe_url, LinkKind::Unsubscribe),
            (preferences_url, LinkKind::Preferences),
            (view_url, LinkKind::View),
        ];
        let is_web = url.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
        own.iter().find_map(|(known, kind)| (known.as_deref() == Some(url)).then_some(*kind)).unwrap_or(if is_web {
            LinkKind::Content
        } else {
            LinkKind::Contact
        })
    }
}
