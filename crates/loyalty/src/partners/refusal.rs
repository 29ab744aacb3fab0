//! Why nothing is given or burned at a partner.

use crate::ledger;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such partner.
    PartnerUnknown,
    /// There is no such member.
    MemberUnknown,
    /// The reference stands for something else.
    ReferenceReused,
    /// The partner has told nothing under that reference.
    ReferenceUnknown,
    /// What is to come back came back itself, or was a payment, or was refused.
    NotReturnable,
    /// More is to come back than is left.
    ReturnedMore,
    /// It was told in points, so that no share of an amount can be reckoned.
    NoAmount,
    /// The partner was no partner at that time: a draft, paused, ended.
    NotActive,
    /// Nothing is earned at this partner.
    DoesNotGive,
    /// Nothing is burned at this partner.
    DoesNotBurn,
    /// The partner has no rate by which money becomes points.
    NoRate,
    /// It comes to less than a point.
    TooLittle,
    /// It is more than one line may come to.
    TooMuch,
    /// It is said to have happened in the future.
    InTheFuture,
    /// It happened longer ago than is taken.
    TooLate,
    /// The member would have more of this partner than they may.
    LimitReached,
    /// All together would have more of this partner than is meant for it.
    BudgetSpent,
    /// The month is not over.
    MonthOpen,
    /// An earlier month is not closed yet.
    MonthNotNext,
    /// The statements and the ledger differ.
    BooksDiffer,
    /// The ledger refused.
    Ledger(ledger::Refusal),
}

impl Refusal {
    /// All that are not the ledger's own.
    pub const ALL: [Self; 20] = [
        Self::PartnerUnknown,
        Self::MemberUnknown,
        Self::ReferenceReused,
        Self::ReferenceUnknown,
        Self::NotReturnable,
        Self::ReturnedMore,
        Self::NoAmount,
        Self::NotActive,
        Self::DoesNotGive,
        Self::DoesNotBurn,
        Self::NoRate,
        Self::TooLittle,
        Self::TooMuch,
        Self::InTheFuture,
        Self::TooLate,
        Self::LimitReached,
        Self::BudgetSpent,
        Self::MonthOpen,
        Self::MonthNotNext,
        Self::BooksDiffer,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PartnerUnknown => "partner_unknown",
            Self::MemberUnknown => "member_unknown",
            Self::ReferenceReused => "partner_reference_reused",
            Self::ReferenceUnknown => "partner_reference_unknown",
            Self::NotReturnable => "partner_not_returnable",
            Self::ReturnedMore => "partner_returned_more",
            Self::NoAmount => "partner_no_amount",
            Self::NotActive => "partner_not_active",
            Self::DoesNotGive => "partner_gives_nothing",
            Self::DoesNotBurn => "partner_burns_nothing",
            Self::NoRate => "partner_no_rate",
            Self::TooLittle => "partner_too_little",
            Self::TooMuch => "partner_too_much",
            Self::InTheFuture => "partner_in_the_future",
            Self::TooLate => "partner_told_too_late",
            Self::LimitReached => "partner_limit_reached",
            Self::BudgetSpent => "partner_budget_spent",
            Self::MonthOpen => "partner_month_open",
            Self::MonthNotNext => "partner_month_not_next",
            Self::BooksDiffer => "partner_books_differ",
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
            Self::PartnerUnknown => "there is no such partner",
            Self::MemberUnknown => "there is no such member; enrol them first",
            Self::ReferenceReused => "this reference of the partner stands for something else; send a new one",
            Self::ReferenceUnknown => "the partner has told nothing under that reference",
            Self::NotReturnable => "nothing can come back of that: it was refused, or is no earning and no burning",
            Self::ReturnedMore => "more is to come back than is left of it; see what came back before",
            Self::NoAmount => "it was told in points, so what comes back of it is told in points too",
            Self::NotActive => {
                "the partner was not active at that time; say so in its document, or send the right time"
            }
            Self::DoesNotGive => "nothing is earned at this partner; its document has no `gives`",
            Self::DoesNotBurn => "nothing is burned at this partner; its document has no `burns`",
            Self::NoRate => "the partner has no rate by which money becomes points; send the points",
            Self::TooLittle => "it comes to less than a point",
            Self::TooMuch => "it is more than one line may come to; send it in parts",
            Self::InTheFuture => "it is said to have happened in the future; send the present or a time before it",
            Self::TooLate => "it happened longer ago than the partner may tell",
            Self::LimitReached => "the member would have more of this partner than a member may in this period",
            Self::BudgetSpent => "all members together would have more of this partner than its budget of this period",
            Self::MonthOpen => "the month is not over yet; close it when it is",
            Self::MonthNotNext => "an earlier month is not closed yet; close that one first",
            Self::BooksDiffer => "what the partner told and what the ledger posted differ; run `rapport verify`",
            Self::Ledger(refusal) => refusal.sentence(),
        }
    }

    /// Whether it depends on the moment, so that the same may have been accepted at another time: then its reference is used up, as an id in the ledger.
    pub const fn uses_up_the_reference(self) -> bool {
        match self {
            Self::NotActive | Self::LimitReached | Self::BudgetSpent | Self::TooLate => true,
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
