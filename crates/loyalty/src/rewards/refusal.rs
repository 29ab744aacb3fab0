//! Why a reward is not given, or a redemption not changed.

use crate::{households, ledger, records::vouchers};

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The id was used for something else.
    IdReused,
    /// There is no such reward.
    RewardUnknown,
    /// There is no such member.
    MemberUnknown,
    /// The member's account is closed.
    MemberClosed,
    /// The member may not spend for now.
    MemberBlocked,
    /// It is not offered now: a draft, paused, ended, or outside its window.
    NotOffered,
    /// The member is none of those whom it is for.
    NotEntitled,
    /// It has no price for this member in this wallet.
    NoPrice,
    /// It costs something else than the member was shown.
    PriceChanged,
    /// All were given.
    OutOfStock,
    /// All of this period were given.
    SoldOutForNow,
    /// The member had as many as they may.
    LimitReached,
    /// The budget for surprises is used up, or there is none.
    BudgetSpent,
    /// Whoever gives it would go past what they may give.
    OwnLimit,
    /// The pool has no code left.
    NoCode,
    /// There is no such redemption.
    RedemptionUnknown,
    /// It is in no state in which that can be done.
    NotNow,
    /// The time for it is over.
    TooLate,
    /// A code of it was used.
    CodeUsed,
    /// Something was done with the gift card that it gave.
    GiftCardUsed,
    /// There is no such change.
    ChangeUnknown,
    /// Whoever asked for a change does not approve it.
    OwnChange,
    /// Somebody decided it already.
    ChangeDecided,
    /// Nobody decided it in time.
    ChangeLapsed,
    /// More than one may change alone.
    NeedsApproval,
    /// The ledger refused.
    Ledger(ledger::Refusal),
    /// The code is refused.
    Voucher(vouchers::Refusal),
    /// The household does not pay it.
    Household(households::Refusal),
}

impl Refusal {
    /// All that are not the ledger's, a code's own or a household's.
    pub const ALL: [Self; 25] = [
        Self::IdReused,
        Self::RewardUnknown,
        Self::MemberUnknown,
        Self::MemberClosed,
        Self::MemberBlocked,
        Self::NotOffered,
        Self::NotEntitled,
        Self::NoPrice,
        Self::PriceChanged,
        Self::OutOfStock,
        Self::SoldOutForNow,
        Self::LimitReached,
        Self::BudgetSpent,
        Self::OwnLimit,
        Self::NoCode,
        Self::RedemptionUnknown,
        Self::NotNow,
        Self::TooLate,
        Self::CodeUsed,
        Self::GiftCardUsed,
        Self::ChangeUnknown,
        Self::OwnChange,
        Self::ChangeDecided,
        Self::ChangeLapsed,
        Self::NeedsApproval,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IdReused => "id_reused",
            Self::RewardUnknown => "reward_unknown",
            Self::MemberUnknown => "member_unknown",
            Self::MemberClosed => "member_closed",
            Self::MemberBlocked => "member_blocked",
            Self::NotOffered => "reward_not_offered",
            Self::NotEntitled => "reward_not_entitled",
            Self::NoPrice => "reward_no_price",
            Self::PriceChanged => "reward_price_changed",
            Self::OutOfStock => "reward_out_of_stock",
            Self::SoldOutForNow => "reward_sold_out_for_now",
            Self::LimitReached => "reward_limit_reached",
            Self::BudgetSpent => "reward_budget_spent",
            Self::OwnLimit => "own_limit_reached",
            Self::NoCode => "reward_no_code",
            Self::RedemptionUnknown => "redemption_unknown",
            Self::NotNow => "redemption_not_now",
            Self::TooLate => "redemption_too_late",
            Self::CodeUsed => "redemption_code_used",
            Self::GiftCardUsed => "redemption_gift_card_used",
            Self::ChangeUnknown => "change_unknown",
            Self::OwnChange => "change_is_own",
            Self::ChangeDecided => "change_decided",
            Self::ChangeLapsed => "change_lapsed",
            Self::NeedsApproval => "change_needs_approval",
            Self::Ledger(refusal) => refusal.code(),
            Self::Voucher(refusal) => refusal.code(),
            Self::Household(refusal) => refusal.code(),
        }
    }

    /// Reads [`Refusal::code`].
    pub fn read(code: &str) -> Option<Self> {
        let own = Self::ALL.into_iter().find(|it| it.code() == code);
        let own = own.or_else(|| ledger::Refusal::read(code).map(Self::Ledger));
        own.or_else(|| households::Refusal::read(code).map(Self::Household))
    }

    /// What is wrong and what to do, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::IdReused => "this id was used for something else; send a new id for a new redemption",
            Self::RewardUnknown => "there is no such reward",
            Self::MemberUnknown => "there is no such member; enrol them first",
            Self::MemberClosed => "the member's account is closed; nothing can be redeemed",
            Self::MemberBlocked => "the member is blocked and may not redeem; lift the block first",
            Self::NotOffered => "the reward is not offered now",
            Self::NotEntitled => "the reward is not for this member",
            Self::NoPrice => "the reward has no price for this member in this wallet",
            Self::PriceChanged => "the reward costs something else than the member was shown; show the price again",
            Self::OutOfStock => "nothing is left of the reward",
            Self::SoldOutForNow => "as many of the reward were given as may be in this period",
            Self::LimitReached => "the member had the reward as often as they may",
            Self::BudgetSpent => "as many of the reward were given for nothing as may be in this period",
            Self::OwnLimit => "it is more than you may give in this period; ask somebody who may give more",
            Self::NoCode => "the pool has no code left; import more",
            Self::RedemptionUnknown => "there is no such redemption",
            Self::NotNow => "that cannot be done with the redemption as it stands",
            Self::TooLate => "the time in which that can be done with the redemption is over",
            Self::CodeUsed => "a code of the redemption was used, so it cannot be called off",
            Self::GiftCardUsed => {
                "the gift card of the redemption was spent from, topped up, taken into a wallet, or is over, so it cannot be called off"
            }
            Self::ChangeUnknown => "there is no such change",
            Self::OwnChange => "whoever asked for a change cannot decide it; somebody else must",
            Self::ChangeDecided => "somebody decided this change already",
            Self::ChangeLapsed => "nobody decided this change in time; ask for it anew",
            Self::NeedsApproval => {
                "it is more than you may change alone; ask for it as a change, and somebody else approves it"
            }
            Self::Ledger(refusal) => refusal.sentence(),
            Self::Voucher(refusal) => refusal.sentence(),
            Self::Household(refusal) => refusal.sentence(),
        }
    }

    /// Whether it depends on the moment, so that the same may have been accepted at another time: then its id is used up, as in the ledger.
    pub const fn uses_up_the_id(self) -> bool {
        !matches!(self, Self::IdReused | Self::RewardUnknown | Self::MemberUnknown | Self::RedemptionUnknown)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Household(refusal) => refusal.fmt(f),
            _ => f.write_str(self.sentence()),
        }
    }
}
