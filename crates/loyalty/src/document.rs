//! What staff write and change while the programme runs: rules, rewards, offers. Each is a document with a key, kept in versions by
//! [`records::documents`](crate::records::documents).
//!
//! Always holds: a document that passed [`Document::check`] can be reckoned with in that programme.
//!
//! Does not: know what any of them says; the modules that reckon with them do.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;
use crate::program::{self, Program};

const WORDS_MAX: usize = 2_000;
const ADDRESS_MAX: usize = 500;

/// Something that staff write, in versions.
pub trait Document: Clone + Serialize + DeserializeOwned {
    /// What it is, in SQL and in sentences: `rule`.
    const KIND: &'static str;
    /// So many that are not ended, at most.
    const MOST: usize;

    /// Its name in addresses, for ever.
    fn key(&self) -> &str;

    /// Reads it from JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    fn from_json(form: Value) -> Result<Self, Error> {
        program::read(form)
    }

    /// They are looked at in this order; those of one place by their keys.
    fn place(&self) -> u32;

    /// Refuses what could not be reckoned with in this programme.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    fn check(&self, program: &Program) -> Result<(), Error>;
}

/// So many of a hundred are held out of a campaign, unless somebody says how many: enough for most to see what it brings in, and not dear.
pub const CAMPAIGN_HOLDOUT: u8 = 10;

/// A document that some people do not have, so that it is seen by them what it brings in.
pub trait Holdout: Document {
    /// Whether it is a campaign, of which nobody was promised anything for good.
    fn is_campaign(&self) -> bool;

    /// Of a hundred people so many do not have it.
    fn percent(&self) -> u8;

    /// Holds so many of a hundred out.
    fn hold_out(&mut self, percent: u8);

    /// The salt of the lot: always the same, whatever its versions say.
    fn salt(&self) -> String;

    /// How many are held out where nobody says how many: of a campaign the usual share, of what everybody was promised none.
    fn usual_percent(&self) -> u8 {
        if self.is_campaign() { CAMPAIGN_HOLDOUT } else { 0 }
    }
}

/// Whether it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Being written.
    Draft,
    /// It counts.
    Live,
    /// It does not count for now.
    Paused,
    /// It does not count any more, and is out of sight.
    Ended,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Live, Self::Paused, Self::Ended];

    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// Reads [`State::key`].
    pub fn read(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }
}

/// Refuses words and pictures that could not be shown.
pub(crate) fn check_shown(words: &str, picture: Option<&str>) -> Result<(), Error> {
    if words.chars().count() > WORDS_MAX {
        return Err(Error::invalid("words", format!("at most {WORDS_MAX} characters")));
    }
    if picture.is_some_and(|picture| !picture.starts_with("https://") || picture.len() > ADDRESS_MAX) {
        let problem = format!("an address that begins with https://, up to {ADDRESS_MAX} bytes");
        return Err(Error::invalid("picture", problem));
    }
    Ok(())
}
