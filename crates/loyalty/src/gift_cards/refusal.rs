//! Why nothing is done with a gift card.

use crate::{ledger, rewards};

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The id was used for something else.
    IdReused,
    /// It cannot be a code: a character is wrong, or two changed places.
    Mistyped,
    /// There is no such card.
    Unknown,
    /// The card has a newer code.
    CodeVoid,
    /// What is counted in is not what the card has.
    OtherCurrency,
    /// The card was taken back.
    Void,
    /// The card's value is in a member's wallet.
    Claimed,
    /// The card's time is over.
    Expired,
    /// Nothing is left on the card.
    Empty,
    /// Too little is left on the card.
    TooLittle,
    /// Nothing was spent under that id.
    SpendUnknown,
    /// More is to come back than is left of it.
    ReturnedMore,
    /// There is no such member.
    MemberUnknown,
    /// Tills add nothing to cards of this wallet.
    TopUpOff,
    /// It is more than whoever asks may change alone.
    NeedsApproval,
    /// The ledger refused.
    Ledger(ledger::Refusal),
}

impl Refusal {
    /// All that are not others' own.
    pub const ALL: [Self; 15] = [
        Self::IdReused,
        Self::Mistyped,
        Self::Unknown,
        Self::CodeVoid,
        Self::OtherCurrency,
        Self::Void,
        Self::Claimed,
        Self::Expired,
        Self::Empty,
        Self::TooLittle,
        Self::SpendUnknown,
        Self::ReturnedMore,
        Self::MemberUnknown,
        Self::TopUpOff,
        Self::NeedsApproval,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IdReused => "id_reused",
            Self::Mistyped => "gift_card_mistyped",
            Self::Unknown => "gift_card_unknown",
            Self::CodeVoid => "gift_card_code_void",
            Self::OtherCurrency => "gift_card_other_currency",
            Self::Void => "gift_card_void",
            Self::Claimed => "gift_card_claimed",
            Self::Expired => "gift_card_expired",
            Self::Empty => "gift_card_empty",
            Self::TooLittle => "gift_card_too_little",
            Self::SpendUnknown => "gift_card_spend_unknown",
            Self::ReturnedMore => "gift_card_returned_more",
            Self::MemberUnknown => "member_unknown",
            Self::TopUpOff => "gift_card_top_up_off",
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
            Self::IdReused => "this id stands for something else; send a new id",
            Self::Mistyped => "the code has a wrong character, or two that changed places; read it again",
            Self::Unknown => "there is no such gift card",
            Self::CodeVoid => "the gift card has a newer code, and this one does not count any more",
            Self::OtherCurrency => {
                "the gift card's value is in something else; count in the currency that looking it up says, and name none for points"
            }
            Self::Void => "the gift card was taken back and does not count any more",
            Self::Claimed => "the gift card's value is in a member's wallet; it is spent from there",
            Self::Expired => "the gift card's time is over",
            Self::Empty => "nothing is left on the gift card",
            Self::TooLittle => "less is left on the gift card; spend what is left and pay the rest in another way",
            Self::SpendUnknown => "nothing was spent from this gift card under that id",
            Self::ReturnedMore => "more is to come back than is left of what was spent; see what came back before",
            Self::MemberUnknown => "there is no such member; enrol them first",
            Self::TopUpOff => {
                "tills add nothing to gift cards of this wallet; the wallet's `till_top_up_max` says how much they may"
            }
            Self::NeedsApproval => rewards::Refusal::NeedsApproval.sentence(),
            Self::Ledger(refusal) => refusal.sentence(),
        }
    }

    /// Whether somebody may be guessing.
    pub const fn is_a_guess(self) -> bool {
        matches!(self, Self::Unknown | Self::CodeVoid)
    }

    /// Whether it depends on the moment, so that the same may have been accepted at another time: then its id is used up, as in the ledger.
    pub const fn uses_up_the_id(self) -> bool {
        match self {
            Self::Void | Self::Claimed | Self::Expired | Self::Empty | Self::TooLittle => true,
            Self::Ledger(refusal) => refusal.uses_up_the_id(),
            _ => false,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.sentence())
    }
}
