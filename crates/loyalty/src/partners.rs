//! Partners: shops and services of others where members earn points that the partner buys, and burn points that the programme pays for.
//!
//! Always holds: what a partner that passed [`Partner::check`] tells comes to whole points and to an exact amount of money, a point's price times the points, with nothing rounded.
//!
//! Does not: post anything ([`crate::records::partners`]), or add up a month ([`statement`]).

mod refusal;
pub mod statement;

use rapport_domain::Currency;
use rapport_domain::money::MICROS_PER_UNIT;
use serde::{Deserialize, Serialize};

pub use refusal::Refusal;

use crate::decimal::Decimal;
use crate::document::{Document, check_shown};
use crate::earning::{CapPer, Every, Round};
use crate::program::{AMOUNT_MAX, Program, check_key, check_name};
use crate::{Error, ledger};

const LIMITS_MAX: usize = 10;
const KEYS_MAX: usize = 20;
const KEY_ID_MAX: usize = 100;
/// The most that a point costs, and the most points of a unit of money: a million.
const RATE_MAX: i64 = 1_000_000 * MICROS_PER_UNIT;
/// No line comes to more than a hundred million units, so that the sums of a partner stay far from the end of 64 bits.
pub const LINE_MAX: i64 = 100_000_000 * MICROS_PER_UNIT;
/// What happened longer ago than this is never taken.
const LATE_DAYS_MAX: u16 = 730;

/// A partner, as staff write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it.
    pub name: String,
    /// Where it stands in the list.
    #[serde(default)]
    pub place: u32,
    /// What staff want to remember of it: a contract's number.
    #[serde(default)]
    pub words: String,
    /// The wallet that is earned and burned there; the programme's first, unless said. It stays.
    #[serde(default)]
    pub wallet: Option<String>,
    /// The currency in which is settled. It stays.
    pub currency: Currency,
    /// What members earn there; nothing, unless said.
    #[serde(default)]
    pub gives: Option<Giving>,
    /// How points are burned there; they are not, unless said.
    #[serde(default)]
    pub burns: Option<Burning>,
    /// How many points at most.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// What happened more days ago than this is not taken any more.
    #[serde(default = "late_days")]
    pub late_days: u16,
    /// The ids of the partner's own API keys, which open nothing but this partner's door.
    #[serde(default)]
    pub keys: Vec<String>,
}

const fn late_days() -> u16 {
    92
}

/// Points that members earn at a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Giving {
    /// What the partner pays for a point.
    pub price: Decimal,
    /// How many points a unit of money spent there brings; without it the partner says the points.
    #[serde(default)]
    pub per_unit: Option<Decimal>,
    /// What becomes of parts of a point.
    #[serde(default)]
    pub round: Round,
}

/// Points that members burn at a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burning {
    /// What the programme pays for a point.
    pub price: Decimal,
    /// How much of a bill there a point pays; without it the partner says the points.
    #[serde(default)]
    pub worth: Option<Decimal>,
    /// What becomes of parts of a point: a bill is paid whole, unless said.
    #[serde(default = "up")]
    pub round: Round,
}

const fn up() -> Round {
    Round::Up
}

/// Which way points go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From the partner to the member.
    Given,
    /// From the member to the partner.
    Burned,
}

impl Way {
    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Burned => "burned",
        }
    }

    /// What comes back of it is called.
    pub const fn back(self) -> &'static str {
        match self {
            Self::Given => "given_back",
            Self::Burned => "burned_back",
        }
    }

    /// Reads [`Way::key`].
    pub fn read(key: &str) -> Option<Self> {
        [Self::Given, Self::Burned].into_iter().find(|way| way.key() == key)
    }
}

/// How many points at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Of which.
    pub of: Way,
    /// So many, less what came back.
    pub most: i64,
    /// To each member, or to all together: a budget.
    pub per: CapPer,
    /// In which civil period of the programme's zone.
    pub every: Every,
}

/// How much a partner tells of: points, or money of which the partner's rate makes points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// So many points.
    Points(i64),
    /// So many millionths of the partner's currency.
    Amount(i64),
}

impl Partner {
    /// The wallet that is earned and burned there.
    pub fn wallet<'a>(&'a self, program: &'a Program) -> &'a str {
        program.key_meant(self.wallet.as_deref())
    }

    /// What a point costs, going that way.
    ///
    /// # Errors
    /// That points do not go that way at this partner.
    pub fn price(&self, way: Way) -> Result<Decimal, Refusal> {
        match way {
            Way::Given => self.gives.map(|it| it.price).ok_or(Refusal::DoesNotGive),
            Way::Burned => self.burns.map(|it| it.price).ok_or(Refusal::DoesNotBurn),
        }
    }

    /// How many points it comes to.
    ///
    /// # Errors
    /// That it comes to none, or that the partner has no rate for money.
    pub fn points(&self, way: Way, told: Told) -> Result<i64, Refusal> {
        self.price(way)?;
        let amount = match told {
            Told::Points(points) => return whole(points),
            Told::Amount(amount) => whole(amount)?,
        };
        let points = match way {
            Way::Given => self.gives.and_then(|it| {
                let rate = it.per_unit?;
                Some(share(amount, rate.micros(), i128::from(MICROS_PER_UNIT) * i128::from(MICROS_PER_UNIT), it.round))
            }),
            Way::Burned => self.burns.and_then(|it| {
                let worth = it.worth?;
                Some(share(amount, 1, i128::from(worth.micros()), it.round))
            }),
        };
        match points.ok_or(Refusal::NoRate)? {
            None => Err(Refusal::TooMuch),
            Some(0) => Err(Refusal::TooLittle),
            Some(points) => Ok(points),
        }
    }

    /// Whether so many more may go that way; `counted` says how many did in a period, of the member or of all.
    ///
    /// # Errors
    /// Which limit is in the way.
    pub fn room(&self, way: Way, points: i64, counted: impl Fn(CapPer, Every) -> i64) -> Result<(), Refusal> {
        for (per, refusal) in [(CapPer::Everybody, Refusal::BudgetSpent), (CapPer::Member, Refusal::LimitReached)] {
            let is_over = |limit: &&Limit| counted(per, limit.every).saturating_add(points) > limit.most;
            if self.limits.iter().filter(|limit| limit.of == way && limit.per == per).any(|limit| is_over(&limit)) {
                return Err(refusal);
            }
        }
        Ok(())
    }
}

/// What so many points cost, exactly.
///
/// # Errors
/// That it is more than one line may come to.
pub fn money(points: i64, price: i64) -> Result<i64, Refusal> {
    points.checked_mul(price).filter(|money| (0..=LINE_MAX).contains(money)).ok_or(Refusal::TooMuch)
}

/// Refuses nothing, and less than nothing.
const fn whole(amount: i64) -> Result<i64, Refusal> {
    match amount {
        0 => Err(Refusal::Ledger(ledger::Refusal::AmountZero)),
        ..0 => Err(Refusal::Ledger(ledger::Refusal::AmountNegative)),
        amount => Ok(amount),
    }
}

/// `amount` times `rate` over `each`, in whole points; `None` past what a wallet takes.
fn share(amount: i64, rate: i64, each: i128, round: Round) -> Option<i64> {
    let product = i128::from(amount) * i128::from(rate);
    let points = match round {
        Round::Down => product / each,
        Round::Nearest => (2 * product + each) / (2 * each),
        Round::Up => (product + each - 1) / each,
    };
    i64::try_from(points).ok().filter(|points| *points <= AMOUNT_MAX)
}

impl Document for Partner {
    const KIND: &'static str = "partner";
    const MOST: usize = 200;

    fn key(&self) -> &str {
        &self.key
    }

    fn place(&self) -> u32 {
        self.place
    }

    fn check(&self, program: &Program) -> Result<(), Error> {
        check_key("key", &self.key)?;
        check_name("name", &self.name)?;
        check_shown(&self.words, None)?;
        program.check_wallet("wallet", self.wallet.as_deref())?;
        if self.gives.is_none() && self.burns.is_none() {
            return Err(Error::invalid("gives", "say what members earn there, or as `burns` how points are burned"));
        }
        let within = |place: &str, value: Option<Decimal>, least: i64| match value {
            Some(value) if !(least..=RATE_MAX).contains(&value.micros()) => {
                let least = if least == 0 { "0" } else { "above 0" };
                Err(Error::invalid(place, format!("{least}, and at most a million")))
            }
            _ => Ok(()),
        };
        within("gives.price", self.gives.map(|it| it.price), 0)?;
        within("gives.per_unit", self.gives.and_then(|it| it.per_unit), 1)?;
        within("burns.price", self.burns.map(|it| it.price), 0)?;
        within("burns.worth", self.burns.and_then(|it| it.worth), 1)?;
        if self.limits.len() > LIMITS_MAX {
            return Err(Error::invalid("limits", format!("at most {LIMITS_MAX}")));
        }
        for (at, limit) in self.limits.iter().enumerate() {
            if !(1..=AMOUNT_MAX).contains(&limit.most) {
                return Err(Error::invalid(format!("limits[{at}].most"), format!("1 to {AMOUNT_MAX}")));
            }
        }
        if self.keys.len() > KEYS_MAX || self.keys.iter().any(|key| key.is_empty() || key.len() > KEY_ID_MAX) {
            return Err(Error::invalid("keys", format!("at most {KEYS_MAX} ids of API keys")));
        }
        if !(1..=LATE_DAYS_MAX).contains(&self.late_days) {
            return Err(Error::invalid("late_days", format!("1 to {LATE_DAYS_MAX}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn partner() -> Partner {
        Partner::from_json(json!({"key": "air", "name": "Air", "currency": "EUR",
            "gives": {"price": "0.012", "per_unit": "1.5"}, "burns": {"price": "0.008", "worth": "0.01"},
            "limits": [{"of": "given", "most": 100, "per": "member", "every": "day"}, {"of": "given", "most": 120, "per": "everybody", "every": "month"}]}))
        .unwrap()
    }

    #[test]
    fn money_comes_to_points_in_the_published_way() {
        let partner = partner();
        let of = |way, micros| partner.points(way, Told::Amount(micros));
        assert_eq!(of(Way::Given, 12_340_000), Ok(18), "18.51, down");
        assert_eq!(of(Way::Given, 600_000), Err(Refusal::TooLittle));
        assert_eq!(of(Way::Burned, 12_340_000), Ok(1_234));
        assert_eq!(of(Way::Burned, 12_340_001), Ok(1_235), "a bill is paid whole");
        assert_eq!(of(Way::Burned, i64::MAX), Err(Refusal::TooMuch));
        assert_eq!(partner.points(Way::Given, Told::Points(7)), Ok(7));
        assert_eq!(partner.points(Way::Given, Told::Points(0)), Err(Refusal::Ledger(ledger::Refusal::AmountZero)));
        assert_eq!(of(Way::Given, -1), Err(Refusal::Ledger(ledger::Refusal::AmountNegative)));
        let told_in_points =
            Partner { burns: None, gives: Some(Giving { per_unit: None, ..partner.gives.unwrap() }), ..partner };
        assert_eq!(told_in_points.points(Way::Given, Told::Amount(1_000_000)), Err(Refusal::NoRate));
        assert_eq!(told_in_points.points(Way::Burned, Told::Points(1)), Err(Refusal::DoesNotBurn));
        assert_eq!(money(1_234, 8_000), Ok(9_872_000));
        assert_eq!(money(AMOUNT_MAX, RATE_MAX), Err(Refusal::TooMuch));
    }

    #[test]
    fn a_budget_stands_before_a_members_limit() {
        let room = |points, of_all| {
            partner().room(Way::Given, points, |per, _| if per == CapPer::Member { 10 } else { of_all })
        };
        assert_eq!(room(90, 30), Ok(()));
        assert_eq!(room(91, 30), Err(Refusal::BudgetSpent));
        assert_eq!(room(91, 29), Err(Refusal::LimitReached));
        assert_eq!(partner().room(Way::Burned, i64::MAX, |_, _| i64::MAX), Ok(()), "it has no limit that way");
    }
}
