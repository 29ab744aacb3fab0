//! What is wrong, risky or improvable in a template, before it is sent to anyone.
//!
//! Always holds: a template without errors here renders for everyone who has the tokens that are declared as always there. Warnings and
//! hints stop nothing; those about subjects are rules of thumb of filters and readers, not a verdict.
//!
//! Does not do: send, fetch a link or look at a picture ([`super::addresses`] says which there are; the server asks them).

mod email;
mod tokens;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::Purpose;
use serde::{Deserialize, Serialize};

use super::expression::Spot;
use super::language::Language;
use super::limits::Limits;
use super::pattern::Node;
use super::prepare::{PreparedNote, Variant};
use super::template::{Content, Template};
use crate::Error;
use tokens::Walk;

/// A value that templates may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its path, e.g. `profile.first_name`. It stands for all that is below it, too.
    pub path: String,
    /// Whether everyone has it, so that it needs no fallback.
    #[serde(default)]
    pub always: bool,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The template must not be sent like this.
    Error,
    /// It will look or work badly for some.
    Warning,
    /// It could be better.
    Hint,
}

/// Something found in a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// A stable name for its kind.
    pub code: &'static str,
    /// The field.
    pub place: String,
    /// In the field, from 1; absent where the whole field is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// In letters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What it is and what to do.
    pub text: String,
}

impl Finding {
    /// The same as a finding: a template that cannot be rendered must not be sent.
    pub fn of_error(error: &Error) -> Self {
        let whole = "template".to_owned();
        let (place, line, column, text) = match error {
            Error::Syntax { place, line, column, found, expected } => {
                (place, Some(*line), Some(*column), format!("Found {found}; expected {expected}."))
            }
            Error::Invalid { place, problem } => (place, None, None, format!("{problem}.")),
            Error::TooLarge { place, .. } | Error::TooMuch { place, .. } => (place, None, None, format!("{error}.")),
            Error::Missing { place, line, column, .. } | Error::Value { place, line, column, .. } => {
                (place, Some(*line), Some(*column), format!("{error}."))
            }
            Error::Store(_) | Error::Refused(_) | Error::Overtaken => (&whole, None, None, format!("{error}.")),
        };
        Self { severity: Severity::Error, code: error.code(), place: place.clone(), line, column, text }
    }
}

/// Checks a template. `tokens` are the values that its senders will provide, beside `unsubscribe_url`, `preferences_url` and `view_url`.
/// Errors come first, each group in the order of places.
pub fn check(template: &Template, tokens: &[Token], limits: Limits) -> Vec<Finding> {
    let mut found = Findings::default();
    if let Err(error) = template.validate() {
        found.refused(&error);
    }
    let mut used = BTreeMap::new();
    for language in template.content.languages() {
        match Variant::new(&template.content, language, &limits) {
            Err(error) => found.refused(&error),
            Ok(variant) => {
                let names = of_variant(template, language, &variant, tokens, &limits, &mut found);
                used.insert(language.clone(), names);
            }
        }
    }
    found.differences(template, &used);
    found.sorted()
}

/// The tokens that a template names, in any of its languages; those of a variant that cannot be prepared are left out.
pub fn used(template: &Template, limits: Limits) -> BTreeSet<String> {
    let mut found = Findings::default();
    let mut used = BTreeSet::new();
    for language in template.content.languages() {
        if let Ok(variant) = Variant::new(&template.content, language, &limits) {
            used.extend(of_variant(template, language, &variant, &[], &limits, &mut found));
        }
    }
    used
}

/// The languages in which a template does not name a token; one that cannot be prepared names none.
pub fn languages_without(template: &Template, token: &str, limits: Limits) -> Vec<Language> {
    let names_it = |language: &Language| {
        let variant = Variant::new(&template.content, language, &limits).ok()?;
        let used = of_variant(template, language, &variant, &[], &limits, &mut Findings::default());
        used.contains(token).then_some(())
    };
    template.content.languages().filter(|language| names_it(language).is_none()).cloned().collect()
}

/// Checks one variant; the tokens that it uses.
fn of_variant(
    template: &Template,
    language: &Language,
    variant: &Variant,
    tokens: &[Token],
    limits: &Limits,
    found: &mut Findings,
) -> BTreeSet<String> {
    let place = format!("content.{}.{language}", template.content.word());
    let mut walk = Walk::new(tokens, found);
    match (variant, &template.content) {
        (Variant::Email(prepared), Content::Email(variants)) => {
            for part in
                [Some(&prepared.subject), Some(&prepared.preheader), Some(&prepared.html.nodes), prepared.text.as_ref()]
            {
                walk.nodes(part.map_or(&[][..], Vec::as_slice));
            }
            let Walk { used, linked, .. } = walk;
            if template.purpose == Purpose::Marketing && !linked.contains("unsubscribe_url") {
                found.add(
                    Severity::Error,
                    "no_unsubscribe_link",
                    &place,
                    "A marketing e-mail needs a way out. Add a link to {{ unsubscribe_url }}.",
                );
            }
            if let Some(email) = variants.get(language) {
                email::check(&place, email, prepared, limits, found);
            }
            used
        }
        (Variant::Note(note), content) => {
            walk.note(note);
            let Walk { used, .. } = walk;
            if let Content::Text(notes) = content
                && let Some(approved) = notes.get(language).and_then(|note| note.approved.as_ref())
            {
                approved.find(&place, found);
            }
            if literal(&note.body).trim().is_empty() && note.body.iter().all(|node| matches!(node, Node::Literal(_))) {
                found.add(Severity::Error, "body_empty", &format!("{place}.body"), "The text is empty. Write one.");
            }
            used
        }
        (Variant::Email(_), _) => BTreeSet::new(),
    }
}

impl Walk<'_> {
    fn note(&mut self, note: &PreparedNote) {
        for nodes in [note.title.as_ref(), Some(&note.body), note.label.as_ref()].into_iter().flatten() {
            self.nodes(nodes);
        }
        for url in [&note.url, &note.image_url].into_iter().flatten() {
            self.url(url);
        }
        for nodes in note.approved.iter().flat_map(|approved| &approved.variables) {
            self.nodes(nodes);
        }
    }
}

/// The literals of a text, with a letter for each value.
fn literal(nodes: &[Node]) -> String {
    nodes.iter().map(|node| if let Node::Literal(text) = node { text.as_str() } else { "x" }).collect()
}

/// Findings so far. The same thing at the same place is one finding, though HTML and plain text both show it.
#[derive(Default)]
pub(super) struct Findings(BTreeSet<Finding>);

impl Findings {
    pub(super) fn add(&mut self, severity: Severity, code: &'static str, place: &str, text: impl Into<String>) {
        self.0.insert(Finding { severity, code, place: place.to_owned(), line: None, column: None, text: text.into() });
    }

    fn add_at(&mut self, severity: Severity, code: &'static str, spot: &Spot, text: impl Into<String>) {
        let (place, line, column) = (spot.place.to_string(), Some(spot.line), Some(spot.column));
        self.0.insert(Finding { severity, code, place, line, column, text: text.into() });
    }

    fn refused(&mut self, error: &Error) {
        self.0.insert(Finding::of_error(error));
    }

    /// Tokens that one language uses and another does not: often a translation that was forgotten.
    fn differences(&mut self, template: &Template, used: &BTreeMap<Language, BTreeSet<String>>) {
        let all: BTreeSet<&String> = used.values().flatten().collect();
        for (language, own) in used {
            let lacking: Vec<String> =
                all.iter().filter(|token| !own.contains(**token)).map(|t| format!("`{t}`")).collect();
            if !lacking.is_empty() {
                let place = format!("content.{}.{language}", template.content.word());
                let text = format!(
                    "Other languages use {}, this one does not. Is a part of the translation missing?",
                    lacking.join(", ")
                );
                self.add(Severity::Warning, "variants_differ", &place, text);
            }
        }
    }

    fn sorted(self) -> Vec<Finding> {
        self.0.into_iter().collect()
    }
}
