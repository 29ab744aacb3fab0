//! A text in several languages.

use std::collections::BTreeMap;

use rapport_domain::Language;
use rapport_domain::language::best;
use serde::{Deserialize, Serialize};

/// A text by language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Words(pub BTreeMap<Language, String>);

impl Words {
    /// The text for a reader: in their language, else in `default`; empty where there is neither.
    pub fn of(&self, wanted: &Language, default: &Language) -> &str {
        best(&self.0, wanted, default).map_or("", |(_, text)| text)
    }

    /// Whether it says something in a language.
    pub fn has(&self, language: &Language) -> bool {
        self.0.get(language).is_some_and(|text| !text.trim().is_empty())
    }
}
