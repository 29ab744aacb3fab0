//! A template as it is stored: what a message says on one channel, in each of its languages.
//!
//! Always holds: what is decoded has a variant in its default language, and each e-mail has one body; an unknown field is refused.
//!
//! Does not do: read the texts. [`super::Prepared::new`] parses them, [`super::check`] judges them.

use std::collections::BTreeMap;

use rapport_domain::{Channel, Purpose};
use serde::{Deserialize, Serialize};

use super::approved::Approved;
use super::block::Block;
use super::language::Language;
use super::theme::Theme;
use crate::Error;

/// A template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What people call it.
    pub name: String,
    /// What its messages are for. Those for marketing must carry a way out.
    pub purpose: Purpose,
    /// The language for those who read none of the others.
    pub default_language: Language,
    /// What it says.
    pub content: Content,
}

/// What a template says, on its channel. A variant for each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// E-mail.
    Email(BTreeMap<Language, Email>),
    /// SMS, WhatsApp and other texts.
    Text(BTreeMap<Language, Note>),
    /// Web push.
    Push(BTreeMap<Language, Note>),
    /// A slot in an app or on a page.
    Slot(BTreeMap<Language, Note>),
}

/// One language of an e-mail. The body is `blocks` or `mjml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The subject.
    pub subject: String,
    /// What mail programs show beside the subject.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub preheader: String,
    /// The colours of the blocks.
    #[serde(default)]
    pub theme: Theme,
    /// The body in blocks, from which HTML and plain text are made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// The body as an MJML document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mjml: Option<String>,
    /// The plain text that goes with `mjml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One language of a text message, a push notification or a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// One line above the text; a push notification must have one, a text message has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    pub body: String,
    /// Where a tap leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The URL of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// The label of the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What WhatsApp takes later than 24 hours after the reader's last message; text messages only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
}

impl Template {
    /// Decodes and validates the JSON form.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the place.
    pub fn from_json(value: serde_json::Value) -> Result<Self, Error> {
        let template: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let place = error.path().to_string();
            Error::invalid(if place == "." { "the template".to_owned() } else { place }, error.into_inner().to_string())
        })?;
        template.validate()?;
        Ok(template)
    }

    /// The JSON form.
    pub fn to_json(&self) -> serde_json::Value {
        // Its keys are texts and its numbers integers: nothing in it can fail to be JSON.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The rules that types cannot hold.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.name.trim().is_empty() || self.name.chars().count() > 200 {
            return Err(Error::invalid("name", "a name has 1 to 200 letters"));
        }
        if !self.content.languages().any(|language| *language == self.default_language) {
            let place = format!("content.{}", self.content.word());
            return Err(Error::invalid(
                place,
                format!("the default language {} has no variant", self.default_language),
            ));
        }
        match &self.content {
            Content::Email(variants) => variants.iter().try_for_each(|(language, email)| {
                let place = || format!("content.email.{language}");
                match (email.blocks.is_empty(), &email.mjml) {
                    (true, None) => Err(Error::invalid(place(), "the body is missing: give blocks or mjml")),
                    (false, Some(_)) => Err(Error::invalid(place(), "two bodies: give blocks or mjml, not both")),
                    (false, None) if email.text.is_some() => {
                        Err(Error::invalid(place(), "the plain text is made from the blocks: leave text out"))
                    }
                    _ => Ok(()),
                }
            }),
            Content::Text(notes) => notes.iter().try_for_each(|(language, note)| {
                let is_plain = note.title.is_none() && note.image_url.is_none() && note.label.is_none();
                let problem = "a text message has a body and a url only";
                if is_plain { Ok(()) } else { Err(Error::invalid(format!("content.text.{language}"), problem)) }
            }),
            Content::Push(notes) => notes.iter().try_for_each(|(language, note)| {
                let problem = "a push notification needs a title";
                if note.title.is_some() {
                    not_approved("push", language, note)
                } else {
                    Err(Error::invalid(format!("content.push.{language}"), problem))
                }
            }),
            Content::Slot(notes) => notes.iter().try_for_each(|(language, note)| not_approved("slot", language, note)),
        }
    }
}

fn not_approved(form: &str, language: &Language, note: &Note) -> Result<(), Error> {
    match note.approved {
        None => Ok(()),
        Some(_) => Err(Error::invalid(format!("content.{form}.{language}.approved"), "is for text messages only")),
    }
}

impl Content {
    /// The stable word for its form, as stored and shown.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Text(_) => "text",
            Self::Push(_) => "push",
            Self::Slot(_) => "slot",
        }
    }

    /// Whether it can be sent by a channel.
    pub fn serves(&self, channel: Channel) -> bool {
        match self {
            Self::Email(_) => channel == Channel::Email,
            Self::Text(_) => matches!(channel, Channel::Sms | Channel::Whatsapp),
            Self::Push(_) => channel == Channel::Push,
            Self::Slot(_) => channel == Channel::InApp,
        }
    }

    /// Its languages.
    pub fn languages(&self) -> Box<dyn Iterator<Item = &Language> + '_> {
        match self {
            Self::Email(variants) => Box::new(variants.keys()),
            Self::Text(variants) | Self::Push(variants) | Self::Slot(variants) => Box::new(variants.keys()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn email(variant: Value) -> Value {
        json!({"name": "n", "purpose": "marketing", "default_language": "en", "content": {"email": {"en": variant}}})
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let template = Template::from_json(email(json!({"subject": "s", "blocks": [
            {"heading": {"text": "h", "level": 2}}, {"text": {"text": "t"}}, {"button": {"label": "l", "url": "u"}},
            {"image": {"url": "u", "alt": "a", "link": "l", "width": 300, "bytes": 1000}},
            {"products": {"each": "items", "title": "t", "url": "u"}}, {"columns": {"columns": [[{"divider": {}}], []]}},
            {"spacer": {"height": 10}}, {"group": {"when": "vip", "blocks": []}}]})));
        let template = template.unwrap();
        assert_eq!(Template::from_json(template.to_json()).unwrap(), template);
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_place() {
        let with = |pointer: &str, value: Value| {
            let mut json =
                email(json!({"subject": "s", "blocks": [{"text": {"text": "t"}}, {"spacer": {"height": 9}}]}));
            *json.pointer_mut(pointer).unwrap() = value;
            Template::from_json(json).unwrap_err().to_string()
        };
        for (pointer, value, expected) in [
            (
                "/content/email/en/blocks/1",
                json!({"text": {"txt": "x"}}),
                "content.email.en.blocks[1].text.txt: unknown field",
            ),
            (
                "/content/email/en/blocks/0",
                json!({"script": {}}),
                "content.email.en.blocks[0]: unknown variant `script`",
            ),
            ("/content/email/en/blocks", json!([]), "content.email.en: the body is missing"),
            ("/content/email/en", json!({"subject": "s", "mjml": "x", "blocks": [{"divider": {}}]}), "two bodies"),
            (
                "/content/email/en",
                json!({"subject": "s", "theme": {"accent": "red"}}),
                "content.email.en.theme.accent: a colour is",
            ),
            ("/content", json!({"email": {"e": {}}}), "a language is a BCP 47 tag"),
            ("/content", json!({"email": {}}), "content.email: the default language en has no variant"),
            ("/content", json!({"push": {"en": {"body": "b"}}}), "content.push.en: a push notification needs a title"),
            ("/content", json!({"text": {"en": {"body": "b", "title": "t"}}}), "content.text.en: a text message has"),
            (
                "/content",
                json!({"slot": {"en": {"body": "b", "approved": {"id": "x"}}}}),
                "content.slot.en.approved: is for text messages only",
            ),
            (
                "/content",
                json!({"push": {"en": {"title": "t", "body": "b", "approved": {"id": "x"}}}}),
                "content.push.en.approved: is for text messages only",
            ),
            ("/content", json!({"text": {"en": {"body": "b", "approved": {"id": 7}}}}), "content.text.en.approved.id"),
            ("/content", json!({"text": {"en": {"body": "b", "approved": {"sid": "x"}}}}), "unknown field `sid`"),
            ("/name", json!(" "), "name: a name has"),
        ] {
            let refusal = with(pointer, value);
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
