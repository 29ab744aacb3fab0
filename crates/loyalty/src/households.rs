//! What members of one household may do with each other's points, and why something is not done.
//!
//! Always holds: off unless the programme says otherwise; points stay on the account of whoever earned them until they are used; stored value is never shared, and nobody uses what others owe or will get.
//!
//! Does not: know who lives together or move points; [`records::households`](crate::records::households) does.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::leaderboards;
use crate::program::{AMOUNT_MAX, Program, Unit};

/// What the source of an operation says by which others use somebody's points, or give them back.
pub const SOURCE: &str = "household";
/// The most members that a household may be allowed.
const MEMBERS_MAX: u8 = 20;
/// The longest that an invitation waits, in days.
const INVITATION_DAYS_MAX: u16 = 90;

/// What households may do. Months and years are those of the programme's zone, and every limit is of one wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Households {
    /// Of which wallets others may use points.
    pub wallets: Vec<String>,
    /// How many belong to one, at most.
    #[serde(default = "six")]
    pub most_members: u8,
    /// How often a member may join one in a year, or found one.
    #[serde(default)]
    pub joins_per_year: Option<u32>,
    /// Who may use what others have.
    #[serde(default)]
    pub who_spends: WhoSpends,
    /// The most points of one member that others may use in a month; a member may allow less.
    #[serde(default)]
    pub used_per_month: Option<i64>,
    /// So many days an invitation waits.
    #[serde(default = "fourteen")]
    pub invitation_days: u16,
}

/// Who may use what others have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhoSpends {
    /// Each of the household.
    #[default]
    Everyone,
    /// Whoever leads it.
    Head,
}

const fn six() -> u8 {
    6
}

const fn fourteen() -> u16 {
    14
}

impl Households {
    pub(crate) fn check(&self, program: &Program) -> Result<(), Error> {
        let wrong = |field: &str, what: String| Err(Error::invalid(format!("households.{field}"), what));
        if self.wallets.is_empty() {
            return wrong("wallets", "name one, or leave `households` out so that there are none".to_owned());
        }
        for (at, key) in self.wallets.iter().enumerate() {
            let place = format!("wallets[{at}]");
            program.check_wallet(&format!("households.{place}"), Some(key))?;
            if self.wallets[..at].contains(key) {
                return wrong(&place, "each wallet once".to_owned());
            }
            if program.wallet(key).is_some_and(|it| matches!(it.unit, Unit::Money { .. })) {
                return wrong(&place, "stored value is its owner's alone; share points or stamps".to_owned());
            }
        }
        if !(2..=MEMBERS_MAX).contains(&self.most_members) {
            return wrong("most_members", format!("2 to {MEMBERS_MAX}"));
        }
        if self.joins_per_year == Some(0) {
            return wrong("joins_per_year", "at least 1; leave `households` out so that there are none".to_owned());
        }
        if self.used_per_month.is_some_and(|most| !(1..=AMOUNT_MAX).contains(&most)) {
            return wrong("used_per_month", format!("1 to {AMOUNT_MAX}"));
        }
        if !(1..=INVITATION_DAYS_MAX).contains(&self.invitation_days) {
            return wrong("invitation_days", format!("1 to {INVITATION_DAYS_MAX}"));
        }
        Ok(())
    }

    /// How many points of a member others may still use this month, who used so many and who allows so many; `None` without a limit.
    pub fn room(&self, own_limit: Option<i64>, used: i64) -> Option<i64> {
        let most = match (self.used_per_month, own_limit) {
            (Some(most), Some(own)) => Some(most.min(own)),
            (most, own) => most.or(own),
        };
        most.map(|most| most.saturating_sub(used).max(0))
    }
}

/// Cleans a name that others of the household read.
///
/// # Errors
/// [`Error::Invalid`] of what is none: empty, too long, with signs that cannot be seen, or an address.
pub fn name(field: &str, text: &str) -> Result<String, Error> {
    leaderboards::alias(text).map_err(|error| match error {
        Error::Invalid { problem, .. } => Error::invalid(field, problem),
        other => other,
    })
}

/// The most that a member may say others may use.
///
/// # Errors
/// [`Error::Invalid`] of what is none.
pub fn own_limit(limit: Option<i64>) -> Result<Option<i64>, Error> {
    if limit.is_some_and(|limit| !(0..=AMOUNT_MAX).contains(&limit)) {
        return Err(Error::invalid(
            "limit",
            format!("0 to {AMOUNT_MAX}, or nothing for as much as the programme lets"),
        ));
    }
    Ok(limit)
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The id is none, or was used for something else.
    IdReused,
    /// The id is missing or too long, or has a NUL.
    IdMalformed,
    /// The programme has no households.
    Off,
    /// There is no such household, or it ended.
    Unknown,
    /// There is no such member.
    MemberUnknown,
    /// Their account is closed.
    MemberClosed,
    /// They may not spend for now.
    MemberBlocked,
    /// They belong to a household already.
    AlreadyIn,
    /// They belong to none, or not to this one.
    NotIn,
    /// Only whoever leads it may.
    NotHead,
    /// As many belong to it, or are invited, as may.
    Full,
    /// They joined as often as they may this year.
    TooOften,
    /// Somebody else of the household has that name.
    NameTaken,
    /// They are invited already.
    Invited,
    /// There is no such invitation.
    InvitationUnknown,
    /// It was answered otherwise, called off, or nobody answered in time.
    InvitationOver,
    /// The programme lets nobody use points of this wallet that others have.
    WalletNotShared,
    /// So many points are missing, with all that others let them use.
    Short {
        /// How many.
        missing: i64,
    },
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::IdReused,
        Self::IdMalformed,
        Self::Off,
        Self::Unknown,
        Self::MemberUnknown,
        Self::MemberClosed,
        Self::MemberBlocked,
        Self::AlreadyIn,
        Self::NotIn,
        Self::NotHead,
        Self::Full,
        Self::TooOften,
        Self::NameTaken,
        Self::Invited,
        Self::InvitationUnknown,
        Self::InvitationOver,
        Self::WalletNotShared,
        Self::Short { missing: 0 },
    ];

    const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::IdReused => ("id_reused", "this id was used for something else; send a new id"),
            Self::IdMalformed => ("id_malformed", "the id is missing, longer than 255 bytes, or has a NUL"),
            Self::Off => ("households_off", "the programme has no households; see `households` in the programme"),
            Self::Unknown => ("household_unknown", "there is no such household, or nobody belongs to it any more"),
            Self::MemberUnknown => ("member_unknown", "there is no such member; ask for their number again"),
            Self::MemberClosed => ("member_closed", "the member's account is closed"),
            Self::MemberBlocked => ("member_blocked", "the member is blocked; lift the block first"),
            Self::AlreadyIn => ("household_already_in", "the member belongs to a household; they leave it first"),
            Self::NotIn => ("household_not_in", "the member does not belong to this household, or to any"),
            Self::NotHead => ("household_not_head", "only whoever leads the household may do that"),
            Self::Full => ("household_full", "as many belong to the household, or are invited to it, as may"),
            Self::TooOften => {
                ("household_joined_too_often", "the member joined households as often as they may this year")
            }
            Self::NameTaken => ("household_name_taken", "somebody else of the household has that name; choose another"),
            Self::Invited => {
                ("household_invited_already", "the member is invited already; they answer, or it is called off")
            }
            Self::InvitationUnknown => ("household_invitation_unknown", "there is no such invitation"),
            Self::InvitationOver => (
                "household_invitation_over",
                "the invitation was answered or called off, or its time is over; invite them again",
            ),
            Self::WalletNotShared => (
                "household_wallet_not_shared",
                "points of this wallet are their owner's alone; the programme's `households` says which are shared",
            ),
            Self::Short { .. } => (
                "household_too_few_points",
                "the household has too few points, within what each of them lets others use",
            ),
        }
    }

    /// A stable code.
    pub const fn code(self) -> &'static str {
        self.parts().0
    }

    /// Reads [`Refusal::code`].
    pub fn read(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// What is wrong and what to do, in one sentence.
    pub const fn sentence(self) -> &'static str {
        self.parts().1
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.sentence())?;
        match self {
            Self::Short { missing } => write!(f, "; {missing} are missing"),
            _ => Ok(()),
        }
    }
}
