//! Lists at advertising platforms by their HTTP interfaces: rows of hashed values are added, or taken away.
//!
//! Always holds: the same row added or taken away twice is as once, so that a request without an answer is simply made again; a token is in no text; what
//! a platform answers is shortened. Who belongs to a list is not known here.

mod linkedin;
mod meta;

use std::time::Duration;

use crate::Error;
use crate::outbound::{self, Answer, Client, Url};
use crate::redaction::redacted;

/// A platform's interface.
#[derive(Clone, Debug)]
pub enum Interface {
    /// Meta's Graph API: custom audiences.
    Meta {
        /// Its address with the version, e.g. `https://graph.facebook.com/v25.0`.
        base: Url,
    },
    /// LinkedIn's DMP segments.
    LinkedIn {
        /// Its address, e.g. `https://api.linkedin.com/rest`.
        base: Url,
        /// Its version, e.g. `202601`.
        version: String,
    },
}

/// A list there, and what opens it.
#[derive(Clone, Copy)]
pub struct List<'a> {
    /// The platform's name for it.
    pub id: &'a str,
    /// An access token.
    pub token: &'a str,
}

/// What to do with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// They are to be on the list.
    Add,
    /// They are not to be.
    Remove,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The platform has done it, or will.
    Done {
        /// So many rows it could make nothing of.
        invalid: u64,
    },
    /// It may work later.
    Later {
        /// How long the platform asks to wait.
        wait: Option<Duration>,
        /// Why.
        why: String,
    },
    /// Somebody has to change something: the token, the list, the account.
    Refused {
        /// What the platform said.
        why: String,
    },
}

impl Interface {
    /// Meta's, at an address with the version.
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn meta(base: &str) -> Result<Self, Error> {
        Ok(Self::Meta { base: outbound::checked(base)? })
    }

    /// LinkedIn's.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Settings`].
    pub fn linkedin(base: &str, version: &str) -> Result<Self, Error> {
        if version.len() != 6 || !version.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::settings("linkedin_version", "it is a year and a month such as 202601"));
        }
        Ok(Self::LinkedIn { base: outbound::checked(base)?, version: version.to_owned() })
    }

    /// Most rows of one request.
    pub const fn most_rows(&self) -> usize {
        match self {
            // 10,000 is what Meta takes.
            Self::Meta { .. } => 5_000,
            Self::LinkedIn { .. } => 1_000,
        }
    }

    /// Adds rows, or takes them away; at most [`Interface::most_rows`].
    pub async fn tell(&self, client: &Client, list: List<'_>, act: Act, rows: &[Vec<String>]) -> Told {
        let answered = match self {
            Self::Meta { base } => meta::tell(client, base, list, act, rows).await,
            Self::LinkedIn { base, version } => linkedin::tell(client, (base, version), list, act, rows).await,
        };
        answered.unwrap_or_else(|error| match error {
            Error::Unreachable | Error::NoAnswer => Told::Later { wait: None, why: error.to_string() },
            other => Told::Refused { why: other.to_string() },
        })
    }
}

/// An address below the interface's own, for a list whose name holds nothing that could lead elsewhere.
fn place(base: &Url, parts: &[&str]) -> Result<Url, Error> {
    let mut url = base.clone();
    let plain = |part: &&str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    if !parts.iter().all(plain) {
        return Err(Error::settings("list", "it is the platform's own number of the list"));
    }
    let path = format!("{}/{}", url.path().trim_end_matches('/'), parts.join("/"));
    url.set_path(&path);
    Ok(url)
}

/// What a platform said, without the token.
fn said(text: &str, token: &str) -> String {
    redacted(&text.replace(token, "<token>"), "")
}

/// What an answer means that is no yes, where the platform says no more.
fn no(answer: &Answer, text: &str, token: &str) -> Told {
    let why = format!("{} {}", answer.status, said(text, token)).trim().to_owned();
    match answer.status {
        408 | 425 | 429 | 500.. => Told::Later { wait: answer.retry_after(), why },
        _ => Told::Refused { why },
    }
}

#[cfg(test)]
mod tests;
