//! The company as its messages name it: the letterhead, with the workspace's own name, currency and zone.

use rapport_domain::{Calendar, WeekStart, WorkspaceId};
use rapport_engagement::content::Language;
use rapport_engagement::records::letterheads::{self, LetterheadRow};
use rapport_store::{Queries, Result};
use serde_json::{Map, Value, json};

use crate::records::workspaces;

/// A company.
#[derive(Clone, Debug)]
pub struct Company {
    /// What was filled in; the name is the workspace's where none was.
    pub letterhead: LetterheadRow,
    /// Three letters.
    pub currency: String,
    /// In which its days begin.
    pub calendar: Calendar,
    /// IANA name of that zone.
    pub time_zone: String,
    /// Its own language.
    pub language: Language,
}

/// What a letterhead must have so that every template can be rendered.
const NEEDED: [&str; 3] = ["name", "address", "url"];

impl Company {
    /// Reads it.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Self> {
        let row = workspaces::find(db, workspace).await?.ok_or(rapport_store::Error::NotFound)?;
        let mut letterhead = letterheads::find(db, workspace).await?.unwrap_or_default();
        if letterhead.name.is_empty() {
            letterhead.name = row.name;
        }
        Ok(Self {
            letterhead,
            currency: row.currency,
            calendar: Calendar::new(&row.time_zone, WeekStart::Monday).unwrap_or_default(),
            language: Language::parse(&row.locale)
                .or_else(|| Language::parse("en"))
                .ok_or(rapport_store::Error::NotFound)?,
            time_zone: row.time_zone,
        })
    }

    /// The token `company`; what was not filled in is not there.
    pub fn token(&self) -> Value {
        let LetterheadRow { name, address, url, logo_url } = &self.letterhead;
        let mut token = Map::new();
        for (key, text) in [("name", name), ("address", address), ("url", url), ("logo_url", logo_url)] {
            if !text.is_empty() {
                token.insert(key.to_owned(), json!(text));
            }
        }
        token.insert("currency".to_owned(), json!(self.currency));
        token.insert("time_zone".to_owned(), json!(self.time_zone));
        Value::Object(token)
    }

    /// What of these tokens the letterhead does not have.
    pub fn lacking<'a>(&self, used: impl IntoIterator<Item = &'a String>) -> Vec<&'static str> {
        let LetterheadRow { name, address, url, .. } = &self.letterhead;
        let is_empty = [name, address, url].map(String::is_empty);
        let used: Vec<&str> = used.into_iter().filter_map(|path| path.strip_prefix("company.")).collect();
        let lacking = NEEDED.into_iter().zip(is_empty).filter(|(key, empty)| *empty && used.contains(key));
        lacking.map(|(key, _)| key).collect()
    }
}
