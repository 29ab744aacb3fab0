//! Why points do not go from one member to another.

use crate::ledger;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The id was used for something else.
    IdReused,
    /// The programme lets nobody give points of this wallet.
    NotOffered,
    /// There is no such member.
    MemberUnknown,
    /// One of the accounts is closed.
    MemberClosed,
    /// Whoever gives is blocked.
    MemberBlocked,
    /// Both are the same member.
    ToSelf,
    /// Fewer than may be given at once.
    TooFew,
    /// More than may be given at once.
    TooMany,
    /// They have not been a member for long enough.
    TooSoon,
    /// They gave as often as they may in a year.
    TimesLimit,
    /// They gave as much as they may in a year.
    SentLimit,
    /// The other got as much as they may in a year.
    ReceivedLimit,
    /// They have not so many that were earned long enough ago.
    TooYoung,
    /// There is no such transfer.
    TransferUnknown,
    /// Whoever asked for it does not approve it.
    OwnTransfer,
    /// It does not wait for that any more.
    NotNow,
    /// Nobody decided it, or took it, in time.
    Lapsed,
    /// There is no gift of that code.
    GiftUnknown,
    /// Somebody took it.
    GiftClaimed,
    /// The ledger refused.
    Ledger(ledger::Refusal),
}

impl Refusal {
    /// All that are not the ledger's own.
    pub const ALL: [Self; 19] = [
        Self::IdReused,
        Self::NotOffered,
        Self::MemberUnknown,
        Self::MemberClosed,
        Self::MemberBlocked,
        Self::ToSelf,
        Self::TooFew,
        Self::TooMany,
        Self::TooSoon,
        Self::TimesLimit,
        Self::SentLimit,
        Self::ReceivedLimit,
        Self::TooYoung,
        Self::TransferUnknown,
        Self::OwnTransfer,
        Self::NotNow,
        Self::Lapsed,
        Self::GiftUnknown,
        Self::GiftClaimed,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IdReused => "id_reused",
            Self::NotOffered => "transfer_not_offered",
            Self::MemberUnknown => "member_unknown",
            Self::MemberClosed => "member_closed",
            Self::MemberBlocked => "member_blocked",
            Self::ToSelf => "transfer_to_self",
            Self::TooFew => "transfer_too_few",
            Self::TooMany => "transfer_too_many",
            Self::TooSoon => "transfer_too_soon",
            Self::TimesLimit => "transfer_times_limit",
            Self::SentLimit => "transfer_sent_limit",
            Self::ReceivedLimit => "transfer_received_limit",
            Self::TooYoung => "transfer_points_too_young",
            Self::TransferUnknown => "transfer_unknown",
            Self::OwnTransfer => "transfer_is_own",
            Self::NotNow => "transfer_not_now",
            Self::Lapsed => "transfer_lapsed",
            Self::GiftUnknown => "gift_unknown",
            Self::GiftClaimed => "gift_claimed",
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
            Self::NotOffered => "the programme lets nobody give points of this wallet; say so under `transfers`",
            Self::MemberUnknown => "there is no such member; enrol them first",
            Self::MemberClosed => "one of the accounts is closed; nothing can be given from it or to it",
            Self::MemberBlocked => "the member is blocked and may not give points; lift the block first",
            Self::ToSelf => "both are the same member",
            Self::TooFew => "it is fewer than may be given at once",
            Self::TooMany => "it is more than may be given at once",
            Self::TooSoon => "the member has not been one for long enough to give points",
            Self::TimesLimit => "the member gave points as often as they may this year",
            Self::SentLimit => "it is more than the member may still give this year",
            Self::ReceivedLimit => "it is more than the other member may still get this year",
            Self::TooYoung => "the member has not so many points that were earned long enough ago",
            Self::TransferUnknown => "there is no such transfer",
            Self::OwnTransfer => "whoever asked for a transfer cannot decide it; somebody else must",
            Self::NotNow => "that cannot be done with the transfer as it stands",
            Self::Lapsed => "the time for it is over; nothing was given, and the points are where they were",
            Self::GiftUnknown => "there is no gift of this code",
            Self::GiftClaimed => "somebody has taken this gift",
            Self::Ledger(refusal) => refusal.sentence(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.sentence())
    }
}
