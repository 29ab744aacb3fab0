//! Advocacy: what customers say and do for the company in front of others, or against it, and what that reaches.
//!
//! | Kind | One act is | In favour | Quality | Reach |
//! |---|---|---|---|---|
//! | recommendation | an answer to how likely they are to recommend (every `nps` question; a scale whose key is `recommend` or `intent_to_recommend`) | a promoter: 9 or 10; on other scales the best two values | | |
//! | review | a review of a product that is shown or was not looked at yet | four or five stars | bought what they write of; in detail; how little speaks against it | |
//! | mention | what somebody wrote in public about the company itself | four or five stars; without stars, when its words are clearly positive | | as many as may have read it, where its source says so |
//! | referral | `Referral Made` | always | somebody came by it; who came then bought | the people who came by it |
//!
//! An **advocate** is a person with an act in favour in the time that is asked for. What was hidden, or waits because much speaks against it, is no act: nobody
//! becomes an advocate by copying reviews. Ideas and votes are none either: they are said to the company, not to others.
//!
//! Always holds: an act is counted once; who brought themselves is nobody who came; whoever is not known is counted in what was said, and is no advocate.
//!
//! Does not do: say that advocacy caused what happened after it.

pub mod figures;
pub mod records;
pub mod schema;

use rapport_domain::{Handle, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

pub use figures::{Advocate, Compared, Customers, Figure, Figures, KindFigures, advocates, figures, over_time};
pub use schema::{DATA_MAP, MIGRATIONS};

/// What kind of act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They said how likely they are to recommend.
    Recommendation,
    /// They reviewed a product.
    Review,
    /// They wrote of the company in public.
    Mention,
    /// They brought others, or tried to.
    Referral,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recommendation, Self::Review, Self::Mention, Self::Referral];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recommendation => "recommendation",
            Self::Review => "review",
            Self::Mention => "mention",
            Self::Referral => "referral",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// An act, as it is read: of an identifier, whose person is found by [`Act::by`].
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Of whom; 0 is nobody's.
    pub handle: Handle,
    /// By what it is found again: the response, else the event in hexadecimal.
    pub id: String,
    /// The kind.
    pub kind: Kind,
    /// When.
    pub at: Timestamp,
    /// Whether it speaks for the company.
    pub in_favour: bool,
    /// Points or stars, as they were given.
    pub score: Option<i64>,
    /// How many may have read it.
    pub reach: Option<i64>,
    /// Of a review.
    pub review: Option<Reviewed>,
    /// Of a referral: who came by it, one identifier or several of each.
    pub came: Vec<Handle>,
}

/// What is known of a review's quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// Whether its writer bought what they write of.
    pub is_verified: bool,
    /// Whether it says more than a sentence.
    pub is_detailed: bool,
    /// How little speaks against it, 0 to 100.
    pub authenticity: i64,
}

/// An act of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Whose; `None` of whom nobody is known.
    pub person: Option<PersonId>,
    /// Of a referral: who came by it, each once, without whoever made it.
    pub came: Vec<PersonId>,
    /// What was told.
    pub told: Told,
}

impl Act {
    /// The act of whoever an identifier belongs to now.
    pub fn by(told: Told, person: impl Fn(Handle) -> Option<PersonId>) -> Self {
        let own = person(told.handle);
        let mut came: Vec<PersonId> = told.came.iter().filter_map(|it| person(*it)).collect();
        came.sort_unstable();
        came.dedup();
        came.retain(|it| Some(*it) != own);
        Self { person: own, came, told }
    }

    /// The identifiers that have to be known.
    pub fn handles(told: &[Told]) -> Vec<Handle> {
        let mut all: Vec<Handle> =
            told.iter().flat_map(|it| std::iter::once(it.handle).chain(it.came.iter().copied())).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|it| it.0 != 0);
        all
    }

    /// How many it reached: who may have read it, or who came.
    pub fn reach(&self) -> u64 {
        match self.told.kind {
            Kind::Referral => self.came.len() as u64,
            _ => self.told.reach.and_then(|it| u64::try_from(it).ok()).unwrap_or_default(),
        }
    }
}
