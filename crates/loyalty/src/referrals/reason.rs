//! How a referral stands, and why.

/// How a referral stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A friend came by the code.
    Joined,
    /// The friend did what counts; it must stand for a while.
    Pending,
    /// It stood long enough, but somebody of the staff must look at it first.
    Review,
    /// Both have what they get.
    Rewarded,
    /// Nobody gets anything.
    Refused,
    /// What they got was taken back.
    TakenBack,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Joined, Self::Pending, Self::Review, Self::Rewarded, Self::Refused, Self::TakenBack];

    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Pending => "pending",
            Self::Review => "review",
            Self::Rewarded => "rewarded",
            Self::Refused => "refused",
            Self::TakenBack => "taken_back",
        }
    }

    /// Reads [`State::key`].
    pub fn read(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }
}

/// Why it stands so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// What told of it was replaced by something else.
    Withdrawn,
    /// There is no such code.
    CodeUnknown,
    /// The code did not count any more.
    CodeVoid,
    /// The programme had not begun.
    NotStarted,
    /// The programme was paused.
    Paused,
    /// The programme was over.
    Ended,
    /// The member had left, or was forgotten.
    ReferrerClosed,
    /// Both are one person.
    SelfReferral,
    /// The member was suspended.
    Suspended,
    /// The friend had come by the same member before.
    ToldBefore,
    /// The friend had come by somebody else before.
    AlreadyReferred,
    /// The friend had ordered before.
    AlreadyCustomer,
    /// The friend was known for too long.
    SeenBefore,
    /// Somebody of the staff refused it.
    ByStaff,
    /// A sign of fraud that blocks.
    Fraud,
    /// What the friend did went back.
    WentBack,
    /// The order came to too little.
    BelowMinimum,
    /// The condition did not hold.
    Condition,
    /// The friend did nothing that counts in time.
    TooLate,
    /// A sign of fraud that somebody must look at.
    Flagged,
    /// The member is blocked.
    ReferrerBlocked,
    /// The member had as many as one may have.
    LimitReached,
    /// The programme's budget was used up.
    BudgetUsed,
    /// The friend was forgotten before.
    FriendForgotten,
    /// The friend is no member, and nobody else gets anything.
    FriendNoMember,
    /// The ledger refused it.
    NotPosted,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::Withdrawn,
        Self::CodeUnknown,
        Self::CodeVoid,
        Self::NotStarted,
        Self::Paused,
        Self::Ended,
        Self::ReferrerClosed,
        Self::SelfReferral,
        Self::Suspended,
        Self::ToldBefore,
        Self::AlreadyReferred,
        Self::AlreadyCustomer,
        Self::SeenBefore,
        Self::ByStaff,
        Self::Fraud,
        Self::WentBack,
        Self::BelowMinimum,
        Self::Condition,
        Self::TooLate,
        Self::Flagged,
        Self::ReferrerBlocked,
        Self::LimitReached,
        Self::BudgetUsed,
        Self::FriendForgotten,
        Self::FriendNoMember,
        Self::NotPosted,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::CodeUnknown => "code_unknown",
            Self::CodeVoid => "code_void",
            Self::NotStarted => "not_started",
            Self::Paused => "paused",
            Self::Ended => "ended",
            Self::ReferrerClosed => "referrer_closed",
            Self::SelfReferral => "self_referral",
            Self::Suspended => "suspended",
            Self::ToldBefore => "told_before",
            Self::AlreadyReferred => "already_referred",
            Self::AlreadyCustomer => "already_customer",
            Self::SeenBefore => "seen_before",
            Self::ByStaff => "by_staff",
            Self::Fraud => "fraud",
            Self::WentBack => "went_back",
            Self::BelowMinimum => "below_minimum",
            Self::Condition => "condition",
            Self::TooLate => "too_late",
            Self::Flagged => "flagged",
            Self::ReferrerBlocked => "referrer_blocked",
            Self::LimitReached => "limit_reached",
            Self::BudgetUsed => "budget_used",
            Self::FriendForgotten => "friend_forgotten",
            Self::FriendNoMember => "friend_no_member",
            Self::NotPosted => "not_posted",
        }
    }

    /// Reads [`Reason::code`].
    pub fn read(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What it means, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Withdrawn => "the event that told of the code was replaced by another",
            Self::CodeUnknown => "there is no such code",
            Self::CodeVoid => "the code did not count any more when it was used",
            Self::NotStarted => "the programme had not begun when the code was used",
            Self::Paused => "the programme was paused when the code was used",
            Self::Ended => "the programme was over when the code was used",
            Self::ReferrerClosed => "the member who referred has left the programme",
            Self::SelfReferral => "the member and the friend are one person",
            Self::Suspended => "the member who referred is suspended from referrals",
            Self::ToldBefore => "the friend came by the same member before; that one counts",
            Self::AlreadyReferred => "the friend came by another member before",
            Self::AlreadyCustomer => "the friend had ordered before the code was used",
            Self::SeenBefore => "the friend was known for longer than the programme allows",
            Self::ByStaff => "somebody of the staff refused it",
            Self::Fraud => "there is a sign of fraud that the programme blocks",
            Self::WentBack => "what the friend ordered went back",
            Self::BelowMinimum => "what the friend ordered came to less than the minimum",
            Self::Condition => "what the friend did is not what the programme asks for",
            Self::TooLate => "the friend did not do in time what the programme asks for",
            Self::Flagged => "there is a sign of fraud that somebody must look at",
            Self::ReferrerBlocked => "the member who referred is blocked; somebody must look at it",
            Self::LimitReached => "the member who referred had as many rewards as one may have",
            Self::BudgetUsed => "the programme's budget was used up",
            Self::FriendForgotten => "the friend was forgotten before it was decided",
            Self::FriendNoMember => "the friend is no member of the programme, and nobody else gets anything",
            Self::NotPosted => "the ledger refused the points",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_read_back_and_sentences_are_not_shared() {
        assert!(Reason::ALL.iter().all(|it| Reason::read(it.code()) == Some(*it)));
        assert!(State::ALL.iter().all(|it| State::read(it.key()) == Some(*it)));
        let sentences: BTreeSet<&str> = Reason::ALL.iter().map(|it| it.sentence()).collect();
        assert_eq!(sentences.len(), Reason::ALL.len());
    }
}
