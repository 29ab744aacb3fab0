//! What was done: an operation and its postings.

use rapport_domain::Timestamp;

use super::{LotId, MemberId, Refusal, Terms, WalletId};

/// Where points can be. The first four are a member's, the others the programme's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Earned, not yet to be spent.
    Pending,
    /// To be spent.
    Available,
    /// Set aside by a hold.
    Held,
    /// What a member owes, counted down from 0: points that come from here are a debt, points that go here pay it.
    Owed,
    /// The programme's promise: where points come from.
    Issued,
    /// What was redeemed.
    Spent,
    /// What lapsed.
    Expired,
    /// What staff or an import put right.
    Adjusted,
    /// On the way from one member to another; 0 after every operation.
    Transit,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Available,
        Self::Held,
        Self::Owed,
        Self::Issued,
        Self::Spent,
        Self::Expired,
        Self::Adjusted,
        Self::Transit,
    ];

    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Held => "held",
            Self::Owed => "owed",
            Self::Issued => "issued",
            Self::Spent => "spent",
            Self::Expired => "expired",
            Self::Adjusted => "adjusted",
            Self::Transit => "transit",
        }
    }

    /// Reads [`Place::key`].
    pub fn read(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.key() == key)
    }

    /// Whether it is a member's.
    pub const fn is_members(self) -> bool {
        matches!(self, Self::Pending | Self::Available | Self::Held | Self::Owed)
    }
}

/// What kind of operation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Points were earned.
    Earn,
    /// Points were redeemed.
    Spend,
    /// Points were set aside.
    Hold,
    /// Points set aside were redeemed.
    Capture,
    /// Points set aside were given back.
    Release,
    /// Staff or an import put something right.
    Adjust,
    /// Points went to another member.
    Transfer,
    /// An earlier operation was undone, in whole or in part.
    Reverse,
    /// Points last longer.
    Extend,
    /// Everything lapsed, because the account was closed.
    Forfeit,
    /// Everything of another member came here, because the two are one person.
    Merge,
    /// By itself: pending points became available.
    Activate,
    /// By itself: a hold's time was over.
    TimeOut,
    /// By itself: points lapsed.
    Expire,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Earn,
        Self::Spend,
        Self::Hold,
        Self::Capture,
        Self::Release,
        Self::Adjust,
        Self::Transfer,
        Self::Reverse,
        Self::Extend,
        Self::Forfeit,
        Self::Merge,
        Self::Activate,
        Self::TimeOut,
        Self::Expire,
    ];

    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Spend => "spend",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::Adjust => "adjust",
            Self::Transfer => "transfer",
            Self::Reverse => "reverse",
            Self::Extend => "extend",
            Self::Forfeit => "forfeit",
            Self::Merge => "merge",
            Self::Activate => "activate",
            Self::TimeOut => "time_out",
            Self::Expire => "expire",
        }
    }

    /// Reads [`Kind::key`].
    pub fn read(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// Whether it moved points for good, so that it can be undone.
    pub const fn is_reversible(self) -> bool {
        matches!(
            self,
            Self::Earn | Self::Spend | Self::Capture | Self::Adjust | Self::Transfer | Self::Reverse | Self::Expire
        )
    }
}

/// A positive number of points that moved from one place to another, within one member's account or between it and the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its number in the workspace, from 1 without gaps.
    pub number: i64,
    /// Whose account.
    pub member: MemberId,
    /// Which wallet.
    pub wallet: WalletId,
    /// Where the points were.
    pub from: Place,
    /// Where they are now.
    pub to: Place,
    /// How many; at least 1.
    pub amount: i64,
    /// In which lot they lie; a debt has none.
    pub lot: Option<LotId>,
    /// When it takes effect.
    pub effective_at: Timestamp,
}

/// What was done or refused, as it is kept for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its number in the workspace, from 1 without gaps.
    pub number: i64,
    /// The id that whoever asked gave it; of what happens by itself, `auto:` and its number.
    pub id: String,
    /// What kind.
    pub kind: Kind,
    /// Which wallet.
    pub wallet: WalletId,
    /// Whose account.
    pub member: MemberId,
    /// How many points it is about.
    pub amount: i64,
    /// How many points could not be taken back, and are forgiven.
    pub short: i64,
    /// Why it was refused; what was refused has no postings, and its id is used up.
    pub refused: Option<Refusal>,
    /// The operation that it undoes, releases or captures.
    pub reference: Option<i64>,
    /// How much of it was undone later.
    pub reversed: i64,
    /// Says what was asked for: the same id with another fingerprint is a conflict.
    pub fingerprint: [u8; 16],
    /// The account after it, and after what fell due by it.
    pub after: super::Balance,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// When it was written down; never before an earlier operation.
    pub recorded_at: Timestamp,
    /// What moved.
    pub postings: Vec<Posting>,
    /// What it fixed beside that; `None` of what was posted before that was kept, whose checksum says nothing of it, of the id and of the fingerprint.
    pub terms: Option<Terms>,
    /// Where it came from.
    pub source: super::Source,
}
