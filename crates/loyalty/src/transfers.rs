//! What members may send each other, and why something is not sent.
//!
//! Always holds: off unless the programme says otherwise; what was sent counts for no tier and keeps no points alive for whoever gets it.
//!
//! Does not: count what was sent or move points; [`records::transfers`](crate::records::transfers) does.

use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::program::{AMOUNT_MAX, Program};
use crate::{Error, ledger, rewards};

/// The longest that a gift waits to be claimed, in days.
const CLAIM_DAYS_MAX: u16 = 365;
/// The longest membership that may be asked for, in days.
const MEMBER_DAYS_MAX: u16 = 3_650;

/// What members may send each other. Years are those of the programme's zone, and every limit is of one wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfers {
    /// Of which wallets.
    pub wallets: Vec<String>,
    /// The fewest points at once.
    #[serde(default = "one")]
    pub least: i64,
    /// The most at once.
    #[serde(default)]
    pub most: Option<i64>,
    /// The most that a member sends in a year; gifts count from when they are made, unless they come back.
    #[serde(default)]
    pub out_per_year: Option<i64>,
    /// The most that a member gets in a year.
    #[serde(default)]
    pub in_per_year: Option<i64>,
    /// How often a member sends in a year.
    #[serde(default)]
    pub times_per_year: Option<u32>,
    /// So many days somebody must have been a member before they send.
    #[serde(default)]
    pub member_days: u16,
    /// When the points lapse for whoever gets them.
    #[serde(default)]
    pub expiry: Lapse,
    /// So many days a gift waits to be claimed by its code; without it there are no gifts by code.
    #[serde(default)]
    pub claim_days: Option<u16>,
}

/// When points lapse that were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lapse {
    /// When they would have lapsed anyway, so that sending points to and fro does not make them last.
    #[default]
    Keep,
    /// As if they were earned now.
    Anew,
}

const fn one() -> i64 {
    1
}

impl Transfers {
    pub(crate) fn check(&self, program: &Program) -> Result<(), Error> {
        let wrong = |field: &str, what: String| Err(Error::invalid(format!("transfers.{field}"), what));
        if self.wallets.is_empty() {
            return wrong("wallets", "name one, or leave `transfers` out so that nobody sends points".to_owned());
        }
        for (at, wallet) in self.wallets.iter().enumerate() {
            program.check_wallet(&format!("transfers.wallets[{at}]"), Some(wallet))?;
            if self.wallets[..at].contains(wallet) {
                return wrong(&format!("wallets[{at}]"), "each wallet once".to_owned());
            }
        }
        let limits = [("least", Some(self.least)), ("most", self.most)];
        let limits = limits.into_iter().chain([("out_per_year", self.out_per_year), ("in_per_year", self.in_per_year)]);
        for (field, limit) in limits {
            if limit.is_some_and(|limit| !(1..=AMOUNT_MAX).contains(&limit)) {
                return wrong(field, format!("1 to {AMOUNT_MAX}"));
            }
            if limit.is_some_and(|limit| limit < self.least) {
                return wrong(field, "not below `least`, or nothing could be sent".to_owned());
            }
        }
        if self.times_per_year == Some(0) {
            return wrong("times_per_year", "at least 1; leave `transfers` out so that nobody sends points".to_owned());
        }
        if self.member_days > MEMBER_DAYS_MAX {
            return wrong("member_days", format!("at most {MEMBER_DAYS_MAX}"));
        }
        if self.claim_days.is_some_and(|days| !(1..=CLAIM_DAYS_MAX).contains(&days)) {
            return wrong("claim_days", format!("1 to {CLAIM_DAYS_MAX}"));
        }
        Ok(())
    }

    /// Whether so many points may be sent at once, by somebody who is a member since then.
    ///
    /// # Errors
    /// Why not.
    pub fn allows(&self, points: i64, member_since: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        if points < self.least {
            return Err(Refusal::BelowLeast);
        }
        if self.most.is_some_and(|most| points > most) {
            return Err(Refusal::AboveMost);
        }
        if member_since.plus(i64::from(self.member_days) * Timestamp::DAY) > now {
            return Err(Refusal::MemberTooNew);
        }
        Ok(())
    }

    /// Whether a member who sent so many points, so often, this year may send more.
    ///
    /// # Errors
    /// Why not.
    pub fn has_room_out(&self, points: i64, sent: i64, times: i64) -> Result<(), Refusal> {
        if self.times_per_year.is_some_and(|most| times >= i64::from(most)) {
            return Err(Refusal::TooOften);
        }
        if self.out_per_year.is_some_and(|most| sent.saturating_add(points) > most) {
            return Err(Refusal::OutLimit);
        }
        Ok(())
    }

    /// Whether a member who got so many points this year may get more.
    ///
    /// # Errors
    /// Why not.
    pub fn has_room_in(&self, points: i64, got: i64) -> Result<(), Refusal> {
        if self.in_per_year.is_some_and(|most| got.saturating_add(points) > most) {
            return Err(Refusal::InLimit);
        }
        Ok(())
    }
}

/// Why nothing is sent, claimed or undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The id was used for something else.
    IdReused,
    /// The programme does not let members send points of this wallet.
    Off,
    /// The programme has no gifts by code.
    GiftsOff,
    /// There is no such member who would send.
    MemberUnknown,
    /// Their account is closed.
    MemberClosed,
    /// They may not spend for now.
    MemberBlocked,
    /// They have not been a member for long enough.
    MemberTooNew,
    /// There is no such member who would get it.
    ReceiverUnknown,
    /// Their account is closed.
    ReceiverClosed,
    /// They may get nothing for now.
    ReceiverBlocked,
    /// Fewer than may be sent at once.
    BelowLeast,
    /// More than may be sent at once.
    AboveMost,
    /// More than the sender may send this year.
    OutLimit,
    /// More than the other may get this year.
    InLimit,
    /// The sender sent as often as they may this year.
    TooOften,
    /// There is no such transfer.
    Unknown,
    /// It is no code: a character is wrong.
    CodeMistyped,
    /// No gift has this code.
    CodeUnknown,
    /// Somebody claimed the gift.
    Claimed,
    /// The gift was called off.
    Cancelled,
    /// Nobody claimed the gift in time.
    TimedOut,
    /// It is in no state in which that can be done.
    NotNow,
    /// It is more than whoever asks may change alone.
    NeedsApproval,
    /// The ledger refused.
    Ledger(ledger::Refusal),
}

impl Refusal {
    /// All that are not the ledger's.
    pub const ALL: [Self; 23] = [
        Self::IdReused,
        Self::Off,
        Self::GiftsOff,
        Self::MemberUnknown,
        Self::MemberClosed,
        Self::MemberBlocked,
        Self::MemberTooNew,
        Self::ReceiverUnknown,
        Self::ReceiverClosed,
        Self::ReceiverBlocked,
        Self::BelowLeast,
        Self::AboveMost,
        Self::OutLimit,
        Self::InLimit,
        Self::TooOften,
        Self::Unknown,
        Self::CodeMistyped,
        Self::CodeUnknown,
        Self::Claimed,
        Self::Cancelled,
        Self::TimedOut,
        Self::NotNow,
        Self::NeedsApproval,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IdReused => "id_reused",
            Self::Off => "transfers_off",
            Self::GiftsOff => "transfer_gifts_off",
            Self::MemberUnknown => "member_unknown",
            Self::MemberClosed => "member_closed",
            Self::MemberBlocked => "member_blocked",
            Self::MemberTooNew => "transfer_member_too_new",
            Self::ReceiverUnknown => "transfer_receiver_unknown",
            Self::ReceiverClosed => "transfer_receiver_closed",
            Self::ReceiverBlocked => "transfer_receiver_blocked",
            Self::BelowLeast => "transfer_below_least",
            Self::AboveMost => "transfer_above_most",
            Self::OutLimit => "transfer_out_limit",
            Self::InLimit => "transfer_in_limit",
            Self::TooOften => "transfer_too_often",
            Self::Unknown => "transfer_unknown",
            Self::CodeMistyped => "gift_code_mistyped",
            Self::CodeUnknown => "gift_code_unknown",
            Self::Claimed => "gift_claimed",
            Self::Cancelled => "gift_cancelled",
            Self::TimedOut => "gift_timed_out",
            Self::NotNow => "transfer_not_now",
            Self::NeedsApproval => rewards::Refusal::NeedsApproval.code(),
            Self::Ledger(refusal) => refusal.code(),
        }
    }

    /// Reads [`Refusal::code`].
    pub fn read(code: &str) -> Option<Self> {
        let own = Self::ALL.into_iter().find(|it| it.code() == code);
        own.or_else(|| ledger::Refusal::read(code).map(Self::Ledger))
    }

    /// What is wrong and what to do, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::IdReused => "this id was used for something else; send a new id for a new transfer",
            Self::Off => {
                "the programme does not let members send points of this wallet; see `transfers` in the programme"
            }
            Self::GiftsOff => "the programme has no gifts by code; send to a member's number, or set `claim_days`",
            Self::MemberUnknown => "there is no such member; enrol them first",
            Self::MemberClosed => "the account of whoever sends is closed",
            Self::MemberBlocked => "whoever sends is blocked; lift the block first",
            Self::MemberTooNew => "whoever sends has not been a member for long enough",
            Self::ReceiverUnknown => "there is no such member to send to; ask for their number again",
            Self::ReceiverClosed => "the account of whoever would get the points is closed",
            Self::ReceiverBlocked => "whoever would get the points is blocked",
            Self::BelowLeast => "it is less than may be sent at once; send more",
            Self::AboveMost => "it is more than may be sent at once; send less",
            Self::OutLimit => "it is more than the member may send this year",
            Self::InLimit => "it is more than the other member may get this year",
            Self::TooOften => "the member sent points as often as they may this year",
            Self::Unknown => "there is no such transfer",
            Self::CodeMistyped => "that is no code of a gift: a character is wrong; look at it again",
            Self::CodeUnknown => "no gift has this code",
            Self::Claimed => "somebody claimed this gift already",
            Self::Cancelled => "the gift was called off",
            Self::TimedOut => "nobody claimed the gift in time; its points went back",
            Self::NotNow => "that cannot be done with the transfer as it stands",
            Self::NeedsApproval => rewards::Refusal::NeedsApproval.sentence(),
            Self::Ledger(refusal) => refusal.sentence(),
        }
    }

    /// Whether it depends on the moment: then the id of whoever asked is used up, as in the ledger.
    pub const fn uses_up_the_id(self) -> bool {
        match self {
            Self::IdReused | Self::Off | Self::GiftsOff | Self::MemberUnknown | Self::ReceiverUnknown => false,
            Self::Ledger(refusal) => refusal.uses_up_the_id(),
            _ => true,
        }
    }

    /// Whether whoever tried may be guessing.
    pub const fn is_a_guess(self) -> bool {
        matches!(self, Self::CodeMistyped | Self::CodeUnknown)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.sentence())
    }
}
