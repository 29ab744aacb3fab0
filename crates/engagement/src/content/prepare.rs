//! A template made ready: parsed, compiled, and turned into HTML once, so that a message is one walk over its pieces.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::Value;

use super::approved::PreparedApproved;
use super::draft::Draft;
use super::escape::one_line;
use super::expression::Spot;
use super::filters::Reader;
use super::language::{Language, best};
use super::limits::Limits;
use super::locale::Locale;
use super::message::{ApprovedMessage, EmailMessage, Links, Message, NoteMessage, Recipient};
use super::pattern::{Node, Url, parse};
use super::render::{Mode, Writer};
use super::scan::{Scanned, scan};
use super::slots::{Slot, Slots};
use super::template::{Content, Email, Note, Template};
use super::{mjml, scope};
use crate::Error;

/// A template that is ready to be rendered, many times and from many threads.
#[derive(Debug)]
pub struct Prepared {
    limits: Limits,
    default_language: Language,
    variants: BTreeMap<Language, Variant>,
}

#[derive(Debug)]
pub(crate) enum Variant {
    Email(PreparedEmail),
    Note(PreparedNote),
}

#[derive(Debug)]
pub(crate) struct PreparedEmail {
    place: String,
    pub subject: Vec<Node>,
    pub preheader: Vec<Node>,
    pub html: Scanned,
    pub text: Option<Vec<Node>>,
}

#[derive(Debug)]
pub(crate) struct PreparedNote {
    place: String,
    pub title: Option<Vec<Node>>,
    pub body: Vec<Node>,
    pub url: Option<Url>,
    pub image_url: Option<Url>,
    pub label: Option<Vec<Node>>,
    pub approved: Option<PreparedApproved>,
}

impl Prepared {
    /// Prepares all variants of a template.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Invalid`] and [`Error::TooLarge`] with the place.
    pub fn new(template: &Template, limits: Limits) -> Result<Self, Error> {
        template.validate()?;
        let languages: Vec<Language> = template.content.languages().cloned().collect();
        let variants = languages
            .into_iter()
            .map(|language| Ok((language.clone(), Variant::new(&template.content, &language, &limits)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self { limits, default_language: template.default_language.clone(), variants })
    }

    /// Renders the message of one person, in the variant that suits the person's language.
    ///
    /// # Errors
    /// [`Error::Missing`] for a value that is not there and has no fallback, [`Error::Value`] for one that does not fit,
    /// [`Error::TooMuch`] beyond the limits.
    pub fn render(&self, data: &serde_json::Value, recipient: &Recipient<'_>) -> Result<Message, Error> {
        let (language, variant) = self.variant(recipient)?;
        let scope = scope::of_message(data, reader(language, recipient), recipient);
        let mut writer = Writer::new(&self.limits, Links::new(recipient));
        match variant {
            Variant::Email(email) => email.render(language, &mut writer, &scope, &self.limits).map(Message::Email),
            Variant::Note(note) => note.render(language, &mut writer, &scope, &self.limits).map(Message::Note),
        }
    }

    /// The approved text of the variant that suits the person's language, filled; `None` where it names none.
    ///
    /// # Errors
    /// As [`Prepared::render`]; [`Error::Invalid`] for a name or value that WhatsApp would refuse.
    pub fn approved(
        &self,
        data: &serde_json::Value,
        recipient: &Recipient<'_>,
    ) -> Result<Option<ApprovedMessage>, Error> {
        let (language, variant) = self.variant(recipient)?;
        let Variant::Note(PreparedNote { approved: Some(approved), .. }) = variant else { return Ok(None) };
        let scope = scope::of_message(data, reader(language, recipient), recipient);
        approved.render(&mut Writer::new(&self.limits, Links::new(recipient)), &scope).map(Some)
    }

    fn variant(&self, recipient: &Recipient<'_>) -> Result<(&Language, &Variant), Error> {
        let found = best(&self.variants, recipient.language, &self.default_language);
        found.ok_or_else(|| Error::invalid("default_language", "it has no variant"))
    }
}

/// Numbers and dates follow the person's region where the variant is in the person's language, else the variant's.
fn reader(language: &Language, recipient: &Recipient<'_>) -> Reader {
    let written = if language.primary() == recipient.language.primary() { recipient.language } else { language };
    Reader { locale: Locale::of(written), zone: recipient.time_zone.clone() }
}

impl Variant {
    pub fn new(content: &Content, language: &Language, limits: &Limits) -> Result<Self, Error> {
        let place = format!("content.{}.{language}", content.word());
        let missing = || Error::invalid(&*place, "there is no such variant");
        match content {
            Content::Email(variants) => {
                let email = variants.get(language).ok_or_else(missing)?;
                PreparedEmail::new(place, email, language, limits).map(Self::Email)
            }
            Content::Text(variants) | Content::Push(variants) | Content::Slot(variants) => {
                let note = variants.get(language).ok_or_else(missing)?;
                PreparedNote::new(place, note, limits).map(Self::Note)
            }
        }
    }
}

impl PreparedEmail {
    fn new(place: String, email: &Email, language: &Language, limits: &Limits) -> Result<Self, Error> {
        let field = |name: &str, text: &str| parse(&format!("{place}.{name}").into(), text, limits);
        let subject = field("subject", &email.subject)?;
        let preheader = field("preheader", &email.preheader)?;
        let text = email.text.as_ref().map(|text| field("text", text)).transpose()?;
        let (html, text) = match &email.mjml {
            Some(source) => (from_mjml(&place, source, &preheader, language, limits)?, text),
            None => {
                let (html, plain) = from_blocks(&place, email, &subject, &preheader, language, limits)?;
                (html, Some(plain))
            }
        };
        Ok(Self { place, subject, preheader, html, text })
    }

    fn render(
        &self,
        language: &Language,
        writer: &mut Writer<'_>,
        scope: &Value,
        limits: &Limits,
    ) -> Result<EmailMessage, Error> {
        let place = &*self.place;
        let subject = writer.part(place, &self.subject, Mode::Plain, scope)?;
        let preheader = writer.part(place, &self.preheader, Mode::Plain, scope)?;
        let html = writer.part(place, &self.html.nodes, Mode::Html, scope)?;
        let text = self.text.as_ref().map(|nodes| writer.part(place, nodes, Mode::Plain, scope)).transpose()?;
        Ok(EmailMessage {
            language: language.clone(),
            subject: one_line(&subject, limits.subject_letters),
            preheader: one_line(&preheader, limits.subject_letters),
            html,
            text: text.map(|text| text.trim().to_owned() + "\n"),
            links: std::mem::take(&mut writer.links.found),
            dropped: std::mem::take(&mut writer.dropped),
        })
    }
}

fn from_blocks(
    place: &str,
    email: &Email,
    subject: &[Node],
    preheader: &[Node],
    language: &Language,
    limits: &Limits,
) -> Result<(Scanned, Vec<Node>), Error> {
    let place: Arc<str> = format!("{place}.blocks").into();
    let mut draft = Draft::new(limits, &email.theme);
    draft.blocks(&place, &email.blocks, 0)?;
    let title = draft.slots.put(Slot::Text(subject.to_vec()));
    let preview = (!preheader.is_empty()).then(|| draft.slots.put(Slot::Text(preheader.to_vec())));
    let document = mjml::document(language, &email.theme, &title, preview.as_deref(), &draft.mjml);
    let html = mjml::html(&place, &document)?;
    Ok((scan(&place, &html, &draft.slots, &mut draft.links)?, draft.plain))
}

fn from_mjml(
    place: &str,
    source: &str,
    preheader: &[Node],
    language: &Language,
    limits: &Limits,
) -> Result<Scanned, Error> {
    let place: Arc<str> = format!("{place}.mjml").into();
    let nodes = parse(&place, source, limits)?;
    let mut slots = Slots::new(source);
    let text = slots.flattened(nodes);
    let preview = (!preheader.is_empty()).then(|| slots.put(Slot::Text(preheader.to_vec())));
    let html = mjml::html(&place, &mjml::with_head(&text, language, preview.as_deref()))?;
    scan(&place, &html, &slots, &mut 0)
}

impl PreparedNote {
    fn new(place: String, note: &Note, limits: &Limits) -> Result<Self, Error> {
        let field = |name: &str, text: &str| parse(&format!("{place}.{name}").into(), text, limits);
        let optional = |name: &str, text: &Option<String>| text.as_ref().map(|text| field(name, text)).transpose();
        let url = |name: &str, text: &Option<String>, link| {
            let spot = Spot { place: format!("{place}.{name}").into(), line: 1, column: 1 };
            optional(name, text).map(|nodes| nodes.map(|nodes| Url { link, spot, nodes }))
        };
        Ok(Self {
            title: optional("title", &note.title)?,
            body: field("body", &note.body)?,
            url: url("url", &note.url, Some(0))?,
            image_url: url("image_url", &note.image_url, None)?,
            label: optional("label", &note.label)?,
            approved: note
                .approved
                .as_ref()
                .map(|approved| PreparedApproved::new(&place, approved, limits))
                .transpose()?,
            place,
        })
    }

    fn render(
        &self,
        language: &Language,
        writer: &mut Writer<'_>,
        scope: &Value,
        limits: &Limits,
    ) -> Result<NoteMessage, Error> {
        let mut line = |nodes: &Option<Vec<Node>>| {
            let line = nodes.as_ref().map(|nodes| writer.part(&self.place, nodes, Mode::Plain, scope)).transpose()?;
            Ok::<_, Error>(line.map(|line| one_line(&line, limits.subject_letters)))
        };
        let (title, label) = (line(&self.title)?, line(&self.label)?);
        let body = writer.part(&self.place, &self.body, Mode::Plain, scope)?;
        let mut url = |url: &Option<Url>| url.as_ref().map_or(Ok(None), |url| writer.url(url, scope));
        let (url, image_url) = (url(&self.url)?, url(&self.image_url)?);
        Ok(NoteMessage {
            language: language.clone(),
            title,
            body: body.trim().to_owned(),
            url,
            image_url,
            label,
            links: std::mem::take(&mut writer.links.found),
            dropped: std::mem::take(&mut writer.dropped),
        })
    }
}
