//! What members may pay of a receipt with points, at which rate, and why something is not paid.
//!
//! Always holds: off unless the programme says otherwise; a part of a point's worth below a cent is nobody's.
//!
//! Does not: know receipts or move points; [`records::payments`](crate::records::payments) does.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::decimal::Decimal;
use crate::ledger;
use crate::program::{AMOUNT_MAX, Program};

/// A cent, in millionths.
const CENT: i64 = 10_000;
const WHOLE: i64 = 1_000_000;

/// How a wallet pays at a till.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paying {
    /// Which wallet.
    pub wallet: String,
    /// What one is worth at the till, in the programme's currency; the wallet's `worth`, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<Decimal>,
    /// The fewest at once.
    #[serde(default = "one")]
    pub least: i64,
    /// In steps of so many.
    #[serde(default = "one")]
    pub step: i64,
    /// The most of a receipt that is paid so, from 0 to 1; all of it, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Decimal>,
    /// In so many days the receipt must be told; what was paid of one that is not is called off by itself.
    #[serde(default = "told_within")]
    pub told_within_days: u16,
}

const fn told_within() -> u16 {
    7
}

const fn one() -> i64 {
    1
}

impl Paying {
    pub(crate) fn check_all(all: &[Self], program: &Program) -> Result<(), Error> {
        for (at, it) in all.iter().enumerate() {
            let place = |field: &str| format!("paying[{at}].{field}");
            program.check_wallet(&place("wallet"), Some(&it.wallet))?;
            if all[..at].iter().any(|other| other.wallet == it.wallet) {
                return Err(Error::invalid(place("wallet"), "each wallet once"));
            }
            if it.rate(program).is_none_or(|rate| rate.micros() <= 0) {
                return Err(Error::invalid(place("worth"), "above 0, here or as the wallet's `worth`"));
            }
            for (field, points) in [("least", it.least), ("step", it.step)] {
                if !(1..=AMOUNT_MAX).contains(&points) {
                    return Err(Error::invalid(place(field), format!("1 to {AMOUNT_MAX}")));
                }
            }
            if it.most.is_some_and(|most| !(1..=WHOLE).contains(&most.micros())) {
                return Err(Error::invalid(place("most"), "a share above 0, up to 1"));
            }
            if !(1..=90).contains(&it.told_within_days) {
                return Err(Error::invalid(place("told_within_days"), "1 to 90"));
            }
        }
        Ok(())
    }

    /// What one is worth.
    pub fn rate(&self, program: &Program) -> Option<Decimal> {
        self.worth.or_else(|| program.wallet(&self.wallet)?.worth)
    }

    /// What so many points pay of a receipt of which so much may be paid with points in all, and was: in millionths, in whole cents.
    ///
    /// # Errors
    /// Why they do not.
    pub fn pays(&self, program: &Program, points: i64, (total, paid): (i64, i64)) -> Result<i64, Refusal> {
        match points {
            0 => return Err(Refusal::Ledger(ledger::Refusal::AmountZero)),
            ..0 => return Err(Refusal::Ledger(ledger::Refusal::AmountNegative)),
            _ if points < self.least => return Err(Refusal::BelowLeast),
            _ if points % self.step != 0 => return Err(Refusal::OutOfStep),
            _ => {}
        }
        let rate = self.rate(program).ok_or(Refusal::Off)?;
        let money = i128::from(points) * i128::from(rate.micros()) / i128::from(CENT) * i128::from(CENT);
        let most = i128::from(total) * i128::from(self.most.map_or(WHOLE, Decimal::micros)) / i128::from(WHOLE);
        if money == 0 {
            return Err(Refusal::TooLittle);
        }
        if money + i128::from(paid) > most {
            return Err(Refusal::AboveMost);
        }
        i64::try_from(money).map_err(|_| Refusal::AboveMost)
    }
}

/// What of `paid` is back when so much of a total is: the share of it, and all of it at the end. `unit` is the smallest part that there is.
pub fn share(paid: i64, (back, total): (i64, i64), unit: i64) -> i64 {
    if back >= total || total <= 0 {
        return paid;
    }
    let part = i128::from(paid) * i128::from(back.max(0)) / i128::from(total);
    i64::try_from(part / i128::from(unit) * i128::from(unit)).unwrap_or(paid)
}

/// The same of money, in whole cents.
pub fn share_of_money(paid: i64, of: (i64, i64)) -> i64 {
    share(paid, of, CENT)
}

/// Why nothing is paid, called off or given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The id was used for something else.
    IdReused,
    /// The programme does not let this wallet pay.
    Off,
    /// There is no such member.
    MemberUnknown,
    /// Fewer than the programme lets pay at once.
    BelowLeast,
    /// Not in the programme's steps.
    OutOfStep,
    /// It comes to less than a cent.
    TooLittle,
    /// It is more of the receipt than may be paid so.
    AboveMost,
    /// The receipt was told.
    ReceiptTold,
    /// The receipt is another member's.
    OtherMember,
    /// Less was told of the receipt than was paid with points.
    BelowPaid,
    /// There is no such payment.
    Unknown,
    /// The return was told with another amount.
    ReturnedOtherwise,
    /// The ledger refused.
    Ledger(ledger::Refusal),
}

impl Refusal {
    /// All that are not others' own.
    pub const ALL: [Self; 12] = [
        Self::IdReused,
        Self::Off,
        Self::MemberUnknown,
        Self::BelowLeast,
        Self::OutOfStep,
        Self::TooLittle,
        Self::AboveMost,
        Self::ReceiptTold,
        Self::OtherMember,
        Self::BelowPaid,
        Self::Unknown,
        Self::ReturnedOtherwise,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IdReused => "id_reused",
            Self::Off => "till_pay_off",
            Self::MemberUnknown => "member_unknown",
            Self::BelowLeast => "till_pay_below_least",
            Self::OutOfStep => "till_pay_step",
            Self::TooLittle => "till_pay_too_little",
            Self::AboveMost => "till_pay_above_most",
            Self::ReceiptTold => "till_pay_receipt_told",
            Self::OtherMember => "till_pay_other_member",
            Self::BelowPaid => "till_pay_above_receipt",
            Self::Unknown => "till_payment_unknown",
            Self::ReturnedOtherwise => "return_told_otherwise",
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
            Self::Off => "nothing is paid from this wallet at tills; the programme's `paying` says which do",
            Self::MemberUnknown => "there is no such member; enrol them first",
            Self::BelowLeast => "fewer points than may pay at once; looking the member up says how many it takes",
            Self::OutOfStep => "points pay in steps; looking the member up says in which",
            Self::TooLittle => "the points come to less than a cent; pay with more of them",
            Self::AboveMost => "more of the receipt than may be paid with points; pay the rest in another way",
            Self::ReceiptTold => "the receipt was told already; pay first, then tell it",
            Self::OtherMember => "another member pays or paid on this receipt; a receipt is one member's",
            Self::BelowPaid => "the receipt comes to less than was paid with points; call a payment off first",
            Self::Unknown => "there is no such payment",
            Self::ReturnedOtherwise => "this return was told with another amount; give it another id",
            Self::Ledger(refusal) => refusal.sentence(),
        }
    }

    /// Whether it depends on the moment, so that the same may have been accepted at another time: then its id is used up, as in the ledger.
    pub const fn uses_up_the_id(self) -> bool {
        match self {
            Self::AboveMost | Self::ReceiptTold => true,
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_never_come_to_more_and_all_of_them_to_the_whole(
            paid in 1_i64..1_000_000, total in 1_i64..1_000_000_000, parts in prop::collection::vec(1_i64..100_000_000, 1..20),
        ) {
            let (mut back, mut last) = (0_i64, 0);
            for part in parts {
                back = (back + part).min(total);
                let now = share(paid, (back, total), 1);
                prop_assert!(now >= last && now <= paid);
                prop_assert!(i128::from(now) * i128::from(total) <= i128::from(paid) * i128::from(back) || back == total);
                last = now;
            }
            prop_assert_eq!(share(paid, (total, total), 1), paid);
            prop_assert_eq!(share_of_money(paid, (back, total)) % CENT, if back == total { paid % CENT } else { 0 });
        }
    }

    #[test]
    fn every_refusal_has_words_and_a_code_that_is_read_again() {
        for refusal in Refusal::ALL {
            assert_eq!(Refusal::read(refusal.code()), Some(refusal));
            assert!(refusal.sentence().len() > 20);
        }
    }
}
