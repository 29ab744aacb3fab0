//! Audiences: members of a segment as hashed lists for advertising platforms, in each platform's own form.
//!
//! Always holds: only who agreed to their data being shared for advertising (purpose `sharing`, channel `ads`) and whose data is not restricted is in one;
//! nothing leaves unhashed that a platform takes hashed; the same person gives the same rows, so that what is there can be taken away again by the same
//! values.
//!
//! Does not do: read, store or send anything.

mod normal;
mod platform;

use rapport_privacy::{Scope, Standing};

pub use normal::{country, email, name, phone, zip};
pub use platform::{Platform, Row};

/// What has to be agreed to.
pub const CONSENT: Scope =
    Scope { purpose: rapport_domain::Purpose::Sharing, channel: Some(rapport_domain::Channel::Ads), topic: None };

/// What is known of a person that platforms match by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Mail addresses, the latest first.
    pub emails: Vec<String>,
    /// A telephone number in E.164.
    pub phone: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Two letters (ISO 3166-1).
    pub country: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
}

/// Why a member of the segment is not in the audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Absence {
    /// The use of their data is restricted.
    Restricted,
    /// They said nothing about it, or did not confirm it, or their agreement is over.
    NotAgreed,
    /// They refused.
    Refused,
    /// Nothing is known of them that the platform matches by.
    Unknown,
}

impl Absence {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Restricted, Self::NotAgreed, Self::Refused, Self::Unknown];

    /// The stable word for it, as shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::NotAgreed => "not_agreed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// A person's rows in an audience, or why there are none.
///
/// # Errors
/// The reason.
pub fn rows(platform: Platform, known: &Known, standing: Standing, is_restricted: bool) -> Result<Vec<Row>, Absence> {
    if is_restricted {
        return Err(Absence::Restricted);
    }
    if !standing.is_granted() {
        let is_refusal = standing.verdict == rapport_privacy::Verdict::Denied;
        return Err(if is_refusal { Absence::Refused } else { Absence::NotAgreed });
    }
    let rows = platform.rows(known);
    if rows.is_empty() { Err(Absence::Unknown) } else { Ok(rows) }
}
