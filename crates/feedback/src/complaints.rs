//! Complaints and mentions: what people say against a company, to it or in public, what was done about it, and how long that took.
//!
//! A *complaint* wants an answer. A *mention* is what somebody wrote in public, of us or of a competitor (its subject). Both come by form, e-mail, event,
//! API or file. What happens to one are its steps; where it stands follows from them ([`course`]). [`figures`] says what all of them amount to, in business
//! time.
//!
//! Always holds: where a complaint stands is a pure fold over its steps, so what comes late or twice ends in the same state; a complaint is one for what its
//! source calls it; what competitors' customers write is never counted as ours; of somebody who is forgotten the figures stay, as nobody's.
//!
//! Does not do: know who is at work when (`domain::business_hours`), send answers.

pub mod course;
pub mod figures;
pub mod records;
pub mod schema;
pub mod settings;

use serde::{Deserialize, Serialize};

pub use schema::{DATA_MAP, MIGRATIONS};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$each])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable word for it, as stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// From its stable word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }
    };
}

words!(
    /// What it is.
    Kind {
        /// Somebody wants something put right.
        Complaint = "complaint",
        /// Somebody wrote something where others read it.
        Mention = "mention",
    }
);

words!(
    /// Where it stands.
    State {
        /// Nobody has answered.
        Open = "open",
        /// It was answered, and is not resolved.
        Answered = "answered",
        /// It is put right, or as far as it can be.
        Resolved = "resolved",
        /// It was resolved, and was not after all.
        Reopened = "reopened",
    }
);

impl State {
    /// Whether something is still to be done.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Resolved)
    }
}

words!(
    /// What happens to one.
    Step {
        /// The company answered whoever wrote it, or everybody in public.
        Answered = "answered",
        /// It was resolved.
        Resolved = "resolved",
        /// It was opened again.
        Reopened = "reopened",
        /// Whoever wrote it wrote again.
        Continued = "continued",
        /// Somebody of the staff noted something for others of the staff.
        Noted = "noted",
    }
);

words!(
    /// How it came.
    Channel {
        /// By the page.
        Form = "form",
        /// By e-mail.
        Email = "email",
        /// On the telephone; somebody of the staff wrote it down.
        Phone = "phone",
        /// In person.
        Store = "store",
        /// In a chat.
        Chat = "chat",
        /// By letter.
        Letter = "letter",
        /// On a social network.
        Social = "social",
        /// On a site for reviews that is not ours.
        ReviewSite = "review_site",
        /// Another way.
        Other = "other",
    }
);

/// How bad it is, from 1 to 4.
pub const SEVERITIES: [&str; 4] = ["low", "normal", "high", "critical"];
/// What is taken where nobody said.
pub const USUAL_SEVERITY: i64 = 2;

/// The number of a severity, from its word or its number.
pub fn severity(text: &str) -> Option<i64> {
    let folded = text.trim().to_lowercase();
    let place = SEVERITIES.iter().position(|word| *word == folded);
    place
        .and_then(|place| i64::try_from(place + 1).ok())
        .or_else(|| folded.parse().ok().filter(|it| (1..=4).contains(it)))
}

/// The word of a severity.
pub fn severity_word(number: i64) -> &'static str {
    usize::try_from(number - 1).ok().and_then(|at| SEVERITIES.get(at)).copied().unwrap_or(SEVERITIES[1])
}
