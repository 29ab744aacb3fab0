//! Why a command is refused.
//!
//! Always holds: the same command in the same state is refused for the same reason. Of several it is the one that stands first in [`Refusal::ALL`], but for what cannot be seen or need not be
//! asked in that order: a transfer to oneself is [`Refusal::TransferToSelf`] whatever its amount; to another number of the same member it is so only where the id is new; of two members the one who
//! gives is looked at before the one who gets; an end is looked at ([`Refusal::EndsTooEarly`]) when the hold or the operation is known that it is of.

/// Why nothing was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The id is missing or too long, or a text has a NUL.
    IdMalformed,
    /// There is no such wallet.
    WalletUnknown,
    /// Nothing is to be moved.
    AmountZero,
    /// An amount below 0.
    AmountNegative,
    /// More than the wallet's limit for one operation.
    AmountTooLarge,
    /// From a member to the same one.
    TransferToSelf,
    /// Refunded is below 0 or above the total, or the total is not above 0.
    RefundMalformed,
    /// The id was used for something else.
    IdReused,
    /// The machine's clock is behind the last operation.
    ClockBehind,
    /// There is no such member.
    MemberUnknown,
    /// The member's account is closed.
    MemberClosed,
    /// The member may not spend for now.
    MemberBlocked,
    /// Another operation of the same linked list was refused.
    LinkedRefused,
    /// Something is said to have happened in the future.
    InTheFuture,
    /// It ends before it begins.
    EndsTooEarly,
    /// There is no such hold of this account.
    HoldUnknown,
    /// The hold was captured.
    HoldCaptured,
    /// The hold was released.
    HoldReleased,
    /// The hold's time is over.
    HoldTimedOut,
    /// Everything that was set aside lapsed meanwhile.
    HoldLapsed,
    /// More than was set aside.
    HoldTooSmall,
    /// There is no such operation of this account.
    OperationUnknown,
    /// It was refused, so there is nothing to undo.
    OperationWasRefused,
    /// It is not of a kind that can be undone.
    NotReversible,
    /// All of it was undone already, or less is left than asked for.
    AlreadyReversed,
    /// Less is said to be refunded than before.
    RefundWentDown,
    /// Too few points are available.
    InsufficientPoints,
    /// The account would have more than the wallet allows.
    BalanceLimit,
    /// The member would owe more than the wallet allows.
    ArrearsLimit,
}

impl Refusal {
    /// All of them, in the order in which they are looked for; the module says where that differs.
    pub const ALL: [Self; 29] = [
        Self::IdMalformed,
        Self::WalletUnknown,
        Self::AmountZero,
        Self::AmountNegative,
        Self::AmountTooLarge,
        Self::TransferToSelf,
        Self::RefundMalformed,
        Self::IdReused,
        Self::ClockBehind,
        Self::MemberUnknown,
        Self::MemberClosed,
        Self::MemberBlocked,
        Self::LinkedRefused,
        Self::InTheFuture,
        Self::EndsTooEarly,
        Self::HoldUnknown,
        Self::HoldCaptured,
        Self::HoldReleased,
        Self::HoldTimedOut,
        Self::HoldLapsed,
        Self::HoldTooSmall,
        Self::OperationUnknown,
        Self::OperationWasRefused,
        Self::NotReversible,
        Self::AlreadyReversed,
        Self::RefundWentDown,
        Self::InsufficientPoints,
        Self::BalanceLimit,
        Self::ArrearsLimit,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IdMalformed => "id_malformed",
            Self::WalletUnknown => "wallet_unknown",
            Self::AmountZero => "amount_zero",
            Self::AmountNegative => "amount_negative",
            Self::AmountTooLarge => "amount_too_large",
            Self::TransferToSelf => "transfer_to_self",
            Self::RefundMalformed => "refund_malformed",
            Self::IdReused => "id_reused",
            Self::ClockBehind => "clock_behind",
            Self::MemberUnknown => "member_unknown",
            Self::MemberClosed => "member_closed",
            Self::MemberBlocked => "member_blocked",
            Self::LinkedRefused => "linked_refused",
            Self::InTheFuture => "in_the_future",
            Self::EndsTooEarly => "ends_too_early",
            Self::HoldUnknown => "hold_unknown",
            Self::HoldCaptured => "hold_captured",
            Self::HoldReleased => "hold_released",
            Self::HoldTimedOut => "hold_timed_out",
            Self::HoldLapsed => "hold_lapsed",
            Self::HoldTooSmall => "hold_too_small",
            Self::OperationUnknown => "operation_unknown",
            Self::OperationWasRefused => "operation_was_refused",
            Self::NotReversible => "not_reversible",
            Self::AlreadyReversed => "already_reversed",
            Self::RefundWentDown => "refund_went_down",
            Self::InsufficientPoints => "insufficient_points",
            Self::BalanceLimit => "balance_limit",
            Self::ArrearsLimit => "arrears_limit",
        }
    }

    /// Reads [`Refusal::code`].
    pub fn read(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }

    /// What happened and what to do, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::IdMalformed => {
                "the id is missing, or a text is longer than 255 bytes or has a NUL; send an id of 1 to 255 bytes"
            }
            Self::WalletUnknown => "there is no such wallet; see the programme's wallets for those there are",
            Self::AmountZero => "the amount is 0; send at least 1",
            Self::AmountNegative => {
                "the amount is below 0; send a positive number, and `spend` or `adjust` to take points"
            }
            Self::AmountTooLarge => {
                "the amount is above the wallet's limit for one operation; send less, or raise the limit"
            }
            Self::TransferToSelf => "giver and receiver are the same member; name another receiver",
            Self::RefundMalformed => "what was refunded must lie between 0 and the total, and the total above 0",
            Self::IdReused => "this id was used for something else; send a new id for a new operation",
            Self::ClockBehind => {
                "the server's clock is behind the last operation; set it right, then send the same again"
            }
            Self::MemberUnknown => "there is no such member; enrol them first",
            Self::MemberClosed => "the member's account is closed; nothing can be posted to it",
            Self::MemberBlocked => "the member is blocked and may not spend; lift the block first",
            Self::LinkedRefused => "another operation of the same list was refused, so none was done; see which one",
            Self::InTheFuture => "it is said to have happened in the future; send the present or a time before it",
            Self::EndsTooEarly => "it would end before it begins; send a later end",
            Self::HoldUnknown => "this account has no such hold; send the id under which the points were set aside",
            Self::HoldCaptured => "the hold was captured already; nothing is left of it",
            Self::HoldReleased => "the hold was released already; the points are available again",
            Self::HoldTimedOut => "the hold's time is over and the points are available again; set them aside anew",
            Self::HoldLapsed => "everything that was set aside lapsed meanwhile; nothing is left to give",
            Self::HoldTooSmall => "more is to be captured than was set aside; capture at most what is held",
            Self::OperationUnknown => "this account has no such operation; send the id under which it was posted",
            Self::OperationWasRefused => "that operation was refused, so there is nothing to undo",
            Self::NotReversible => "operations of that kind are not undone; release a hold, or post the opposite",
            Self::AlreadyReversed => "less is left of that operation than is to be undone; see what was undone before",
            Self::RefundWentDown => "less is said to be refunded than before; send all that was refunded so far",
            Self::InsufficientPoints => "too few points are available",
            Self::BalanceLimit => "the account would have more points than the wallet allows",
            Self::ArrearsLimit => "the member would owe more points than the wallet allows",
        }
    }

    /// Whether it depends on what else was posted, so that the same command might have been accepted at another time. Then its id is used up: sent
    /// again, it is refused again, and nobody is surprised by a retry that succeeds a day later.
    pub const fn uses_up_the_id(self) -> bool {
        !matches!(
            self,
            Self::IdMalformed
                | Self::WalletUnknown
                | Self::AmountZero
                | Self::AmountNegative
                | Self::AmountTooLarge
                | Self::TransferToSelf
                | Self::RefundMalformed
                | Self::IdReused
                | Self::ClockBehind
        )
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.sentence())
    }
}
