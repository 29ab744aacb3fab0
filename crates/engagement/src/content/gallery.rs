//! Ready templates to begin with, in English and Chinese, each with its tokens (of those that are [`known`](mod@super::known)) and data to preview it with.
//!
//! Always holds: each passes [`super::check`] without errors and renders with its example (its tests do both).

use serde::Deserialize;
use serde_json::Value;

use super::check::{self, Token};
use super::known;
use super::limits::Limits;
use super::template::Template;
use crate::Error;

/// A ready template.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    /// Its stable name.
    pub key: &'static str,
    /// The template.
    pub template: Template,
    /// The known tokens that it uses.
    pub tokens: Vec<Token>,
    /// Data to preview it with.
    pub example: Value,
}

/// Names and files.
const FILES: &[(&str, &str)] = &[
    ("welcome", include_str!("gallery/welcome.json")),
    ("abandoned_cart", include_str!("gallery/abandoned_cart.json")),
    ("browse", include_str!("gallery/browse.json")),
    ("post_purchase", include_str!("gallery/post_purchase.json")),
    ("review_request", include_str!("gallery/review_request.json")),
    ("win_back", include_str!("gallery/win_back.json")),
    ("renewal", include_str!("gallery/renewal.json")),
    ("birthday", include_str!("gallery/birthday.json")),
    ("thank_you", include_str!("gallery/thank_you.json")),
    ("lapse_warning", include_str!("gallery/lapse_warning.json")),
    ("tutorial_first", include_str!("gallery/tutorial_first.json")),
    ("tutorial_second", include_str!("gallery/tutorial_second.json")),
    ("tutorial_third", include_str!("gallery/tutorial_third.json")),
    ("webinar_invitation", include_str!("gallery/webinar_invitation.json")),
    ("webinar_confirmation", include_str!("gallery/webinar_confirmation.json")),
    ("webinar_reminder", include_str!("gallery/webinar_reminder.json")),
    ("webinar_followup", include_str!("gallery/webinar_followup.json")),
    ("webinar_missed", include_str!("gallery/webinar_missed.json")),
    ("late_customer", include_str!("gallery/late_customer.json")),
    ("survey_invitation", include_str!("gallery/survey_invitation.json")),
    ("survey_reminder", include_str!("gallery/survey_reminder.json")),
    ("survey_invitation_text", include_str!("gallery/survey_invitation_text.json")),
    ("survey_invitation_push", include_str!("gallery/survey_invitation_push.json")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    template: Value,
    example: Value,
}

/// The names of the ready templates, in the order in which a customer meets them.
pub fn keys() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(key, _)| *key)
}

/// A ready template by its name.
///
/// # Errors
/// [`Error::Invalid`] when there is none of that name.
pub fn ready(key: &str) -> Result<Ready, Error> {
    let (key, text) = FILES.iter().find(|(own, _)| *own == key).ok_or_else(|| {
        Error::invalid("the gallery", format!("no such template; there are {}", keys().collect::<Vec<_>>().join(", ")))
    })?;
    let file: File = serde_json::from_str(text).map_err(|error| Error::invalid(*key, error.to_string()))?;
    let template = Template::from_json(file.template)?;
    let used = check::used(&template, Limits::default());
    let tokens = known::tokens().into_iter().filter(|token| used.contains(&token.path)).collect();
    Ok(Ready { key, template, tokens, example: file.example })
}
