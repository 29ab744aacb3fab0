//! Badges: what members show that they did something. What a badge is, as staff write it.
//!
//! Always holds: a member has a badge or not, however many reasons there are for it; it goes when the last reason goes.
//!
//! Does not: give any; challenges do, staff do, and [`records::badges`](crate::records::badges) keeps them.

use rapport_segments::{Condition, Scope};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::document::{Document, check_shown};
use crate::earning::refuse_history;
use crate::program::{Program, check_key, check_name};

/// A badge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Badge {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it.
    pub name: String,
    /// Badges are listed in this order; those of one place by their keys.
    #[serde(default)]
    pub place: u32,
    /// What it is for, in a few words.
    #[serde(default)]
    pub words: String,
    /// The address of a picture.
    #[serde(default)]
    pub picture: Option<String>,
    /// Whoever this holds for gets it, and keeps it: that they are in a segment, or a fact. Without it only challenges and staff give it.
    #[serde(default)]
    pub when: Option<Condition>,
}

impl Document for Badge {
    const KIND: &'static str = "badge";
    const MOST: usize = 500;

    fn key(&self) -> &str {
        &self.key
    }

    fn place(&self) -> u32 {
        self.place
    }

    fn check(&self, _: &Program) -> Result<(), Error> {
        check_key("key", &self.key)?;
        check_name("name", &self.name)?;
        check_shown(&self.words, self.picture.as_deref())?;
        match &self.when {
            Some(when) => refuse_history("when", when, Scope::Person),
            None => Ok(()),
        }
    }
}
