//! Rewards: what points are for. What a reward is, as staff write it, and who may have it at which price.
//!
//! Always holds: of several reasons to refuse, the same one is given, the one that stands first in [`Refusal::ALL`]; a price is that of the version in force at the moment of asking.
//!
//! Does not: count, take points or give codes; [`records::redemptions`](crate::records::redemptions) does, in one transaction.

mod refusal;

use rapport_domain::{Calendar, Timestamp};
use rapport_segments::{Condition, Scope};
use serde::{Deserialize, Serialize};

pub use refusal::Refusal;

use crate::Error;
use crate::dates::Expiry;
use crate::decimal::Decimal;
use crate::document::{Document, check_shown};
use crate::earning::{CapPer, Every, Window, refuse_history};
use crate::program::{AMOUNT_MAX, Program, check_key, check_name};

const PRICES_MAX: usize = 20;
const LIMITS_MAX: usize = 10;
/// So long a price with a money part waits for the money, at most: a week.
const PAY_MINUTES_MAX: u32 = 7 * 24 * 60;

/// A reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it.
    pub name: String,
    /// Rewards are listed in this order; those of one place by their keys.
    #[serde(default)]
    pub place: u32,
    /// What it is, in a few words.
    #[serde(default)]
    pub words: String,
    /// The address of a picture.
    #[serde(default)]
    pub picture: Option<String>,
    /// What members get.
    pub gives: Gives,
    /// What it costs: in the wallet that the member chooses the first that holds for them, in points alone or with money, as they like.
    pub prices: Vec<Price>,
    /// Who may have it.
    #[serde(default = "always")]
    pub when: Condition,
    /// How many there are, all in all. What is called off is there again.
    #[serde(default)]
    pub stock: Option<i64>,
    /// How many are given at most in a time.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// When it is offered.
    #[serde(default)]
    pub window: Window,
    /// Until when what members get is good.
    #[serde(default)]
    pub valid: Expiry,
    /// So long points are set aside for the money part of a price, in minutes.
    #[serde(default = "pay_within")]
    pub pay_within_minutes: u32,
    /// So long points are set aside for what somebody else must deliver, in days; then they come back.
    #[serde(default = "fulfil_within")]
    pub fulfil_within_days: u16,
    /// So long a member may call it off, in hours; not at all without it. Staff may as long as it is not used.
    #[serde(default)]
    pub cancel_within_hours: Option<u32>,
    /// How many staff and journeys may give away for nothing; none without it.
    #[serde(default)]
    pub surprises: Option<Surprises>,
}

const fn always() -> Condition {
    Condition::All(Vec::new())
}

const fn pay_within() -> u32 {
    30
}

const fn fulfil_within() -> u16 {
    30
}

/// What members get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Gives {
    /// The next code of a pool that was imported.
    Pool {
        /// Which.
        pool: String,
    },
    /// A code of its own, for whatever the words say.
    Code {
        /// How often it can be used.
        #[serde(default = "once")]
        uses: u16,
    },
    /// A code of its own that takes something off.
    Discount {
        /// How much.
        off: Off,
        /// From which amount of an order on, in the programme's currency.
        #[serde(default)]
        at_least: Option<Decimal>,
    },
    /// A product or a service that somebody delivers, and says so.
    Delivered {},
    /// Something good.
    Donation {
        /// To whom: a key under which it is added up.
        charity: String,
        /// What the programme gives, in its currency.
        amount: Decimal,
    },
    /// A gift card, which is issued with it.
    GiftCard {
        /// The wallet whose money or points it is; the first that keeps money, unless said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wallet: Option<String>,
        /// How much is on it, in the currency's smallest units, or in points.
        amount: i64,
    },
}

const fn once() -> u16 {
    1
}

/// What a discount takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Off {
    /// A part.
    Percent {
        /// Of a hundred.
        percent: Decimal,
    },
    /// An amount in the programme's currency.
    Amount {
        /// How much.
        amount: Decimal,
    },
}

/// What a reward costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// In which wallet; the programme's first, unless said.
    #[serde(default)]
    pub wallet: Option<String>,
    /// How many points.
    pub points: i64,
    /// And how much money beside them, in the programme's currency.
    #[serde(default)]
    pub money: Option<Decimal>,
    /// For whom.
    #[serde(default = "always")]
    pub when: Condition,
}

/// How many are given at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// So many.
    pub most: i64,
    /// To each member, or to all together.
    pub per: CapPer,
    /// In which civil period of the programme's zone.
    pub every: Every,
}

/// A budget of rewards that are given for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surprises {
    /// So many.
    pub most: i64,
    /// In which civil period of the programme's zone.
    pub every: Every,
}

impl Gives {
    /// As it is written in SQL and JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Pool { .. } => "pool",
            Self::Code { .. } => "code",
            Self::Discount { .. } => "discount",
            Self::Delivered {} => "delivered",
            Self::Donation { .. } => "donation",
            Self::GiftCard { .. } => "gift_card",
        }
    }

    /// Whether somebody must say that it was delivered.
    pub const fn is_delivered(&self) -> bool {
        matches!(self, Self::Delivered {})
    }

    fn check(&self, program: &Program) -> Result<(), Error> {
        let positive = |place: &str, amount: &Decimal| {
            if (1..=AMOUNT_MAX).contains(&amount.micros()) {
                return Ok(());
            }
            Err(Error::invalid(place, "above 0, and at most a million"))
        };
        match self {
            Self::Pool { pool } => check_key("gives.pool", pool),
            Self::Code { uses } if *uses == 0 => Err(Error::invalid("gives.uses", "at least 1")),
            Self::Code { .. } | Self::Delivered {} => Ok(()),
            Self::Discount { off, at_least } => {
                if let Some(at_least) = at_least {
                    positive("gives.at_least", at_least)?;
                }
                match off {
                    Off::Percent { percent } if !(1..=100_000_000).contains(&percent.micros()) => {
                        Err(Error::invalid("gives.off.percent", "above 0, and at most 100"))
                    }
                    Off::Percent { .. } => Ok(()),
                    Off::Amount { amount } => positive("gives.off.amount", amount),
                }
            }
            Self::Donation { charity, amount } => {
                check_key("gives.charity", charity)?;
                positive("gives.amount", amount)
            }
            Self::GiftCard { wallet, amount } => {
                let Some(plan) = program.gift_card_wallet(wallet.as_deref()) else {
                    return Err(Error::invalid(
                        "gives.wallet",
                        "a wallet of the programme; unless said, one that keeps money",
                    ));
                };
                let most = plan.balance_max.map_or(plan.amount_max, |most| most.min(plan.amount_max));
                if (1..=most).contains(amount) {
                    return Ok(());
                }
                Err(Error::invalid("gives.amount", format!("1 to {most}, as much as the wallet lets one have")))
            }
        }
    }
}

impl Document for Reward {
    const KIND: &'static str = "reward";
    const MOST: usize = 1_000;

    fn key(&self) -> &str {
        &self.key
    }

    fn place(&self) -> u32 {
        self.place
    }

    fn check(&self, program: &Program) -> Result<(), Error> {
        check_key("key", &self.key)?;
        check_name("name", &self.name)?;
        check_shown(&self.words, self.picture.as_deref())?;
        self.gives.check(program)?;
        refuse_history("when", &self.when, Scope::Person)?;
        if self.prices.is_empty() || self.prices.len() > PRICES_MAX {
            return Err(Error::invalid("prices", format!("1 to {PRICES_MAX}")));
        }
        for (at, price) in self.prices.iter().enumerate() {
            price.check(&format!("prices[{at}]"), program)?;
        }
        for (place, condition) in self.conditions() {
            if let Some(fact) = program.offers.protected(condition.fact_keys().into_iter()) {
                let why = format!(
                    "`{fact}` is something that no price may depend on; rewards may go by what people do, not by what they are"
                );
                return Err(Error::invalid(place, why));
            }
        }
        if self.stock.is_some_and(|stock| stock < 0) {
            return Err(Error::invalid("stock", "must not be below 0"));
        }
        if self.limits.len() > LIMITS_MAX {
            return Err(Error::invalid("limits", format!("at most {LIMITS_MAX}")));
        }
        for (at, limit) in self.limits.iter().enumerate() {
            if limit.most < 1 {
                return Err(Error::invalid(format!("limits[{at}].most"), "at least 1"));
            }
        }
        self.window.check(&program.calendar()?)?;
        self.valid.check().map_err(|error| Error::invalid("valid", error.to_string()))?;
        if matches!(self.valid, Expiry::Inactivity { .. }) {
            return Err(Error::invalid("valid", "what was got does not depend on what the member does later"));
        }
        if !(1..=PAY_MINUTES_MAX).contains(&self.pay_within_minutes) {
            return Err(Error::invalid("pay_within_minutes", format!("1 to {PAY_MINUTES_MAX}")));
        }
        if !(1..=365).contains(&self.fulfil_within_days) {
            return Err(Error::invalid("fulfil_within_days", "1 to 365"));
        }
        if self.surprises.is_some_and(|budget| budget.most < 1) {
            return Err(Error::invalid("surprises.most", "at least 1"));
        }
        Ok(())
    }
}

impl Price {
    fn check(&self, place: &str, program: &Program) -> Result<(), Error> {
        if !(0..=AMOUNT_MAX).contains(&self.points) {
            return Err(Error::invalid(format!("{place}.points"), format!("0 to {AMOUNT_MAX}")));
        }
        if self.money.is_some_and(|money| !(1..=AMOUNT_MAX).contains(&money.micros())) {
            return Err(Error::invalid(
                format!("{place}.money"),
                "above 0, and at most a million; leave it out if there is none",
            ));
        }
        program.check_wallet(&format!("{place}.wallet"), self.wallet.as_deref())?;
        refuse_history(&format!("{place}.when"), &self.when, Scope::Person)
    }

    /// The wallet that it is in.
    pub fn wallet<'a>(&'a self, program: &'a Program) -> &'a str {
        program.key_meant(self.wallet.as_deref())
    }
}

/// What a member asks for, as far as a price depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The wallet to pay from; whichever price comes first, unless said.
    pub wallet: Option<&'a str>,
    /// What they were shown, so that nobody pays more than they saw.
    pub points: Option<i64>,
    /// The money part they were shown.
    pub money: Option<Decimal>,
}

impl Reward {
    /// The conditions by which it goes, each with its place: who may have it, and at which price.
    pub fn conditions(&self) -> impl Iterator<Item = (String, &Condition)> {
        let prices = self.prices.iter().enumerate().map(|(at, price)| (format!("prices[{at}].when"), &price.when));
        std::iter::once(("when".to_owned(), &self.when)).chain(prices)
    }

    /// What it costs somebody; `holds` says whether a condition holds for them. What they were shown chooses among [`Reward::prices_for`]; points without a money part mean the price
    /// without one, if there is one of so many points.
    ///
    /// # Errors
    /// Why they cannot have it, whatever there is left.
    pub fn price(
        &self,
        program: &Program,
        wish: Wish<'_>,
        holds: impl Fn(&Condition) -> bool,
        at: (Timestamp, &Calendar),
    ) -> Result<&Price, Refusal> {
        let mut own = self.prices_for(program, holds, at)?;
        own.retain(|price| wish.wallet.is_none_or(|wallet| price.wallet(program) == wallet));
        let first = *own.first().ok_or(Refusal::NoPrice)?;
        let costs = |price: &&Price| wish.points.is_none_or(|points| points == price.points);
        let chosen = match wish.money {
            Some(money) => own.iter().copied().find(|price| price.money == Some(money) && costs(price)),
            None if wish.points.is_none() => Some(first),
            None => {
                let plain = own.iter().copied().find(|price| price.money.is_none() && costs(price));
                plain.or_else(|| Some(first).filter(costs))
            }
        };
        chosen.ok_or(Refusal::PriceChanged)
    }

    /// The prices among which somebody chooses, in the order in which they are written: in each wallet the first that holds for them in points alone, and the first with a money part.
    ///
    /// # Errors
    /// Why they cannot have it at any price, or that there is none for them.
    pub fn prices_for(
        &self,
        program: &Program,
        holds: impl Fn(&Condition) -> bool,
        (now, calendar): (Timestamp, &Calendar),
    ) -> Result<Vec<&Price>, Refusal> {
        if !self.window.holds(now, calendar) {
            return Err(Refusal::NotOffered);
        }
        if !holds(&self.when) {
            return Err(Refusal::NotEntitled);
        }
        let mut own: Vec<&Price> = Vec::new();
        for price in &self.prices {
            let kind = |it: &Price| (it.wallet(program).to_owned(), it.money.is_some());
            if !own.iter().any(|it| kind(it) == kind(price)) && holds(&price.when) {
                own.push(price);
            }
        }
        if own.is_empty() { Err(Refusal::NoPrice) } else { Ok(own) }
    }

    /// Whether one more can be given; `given` says how many were in the period, to the member or to all.
    ///
    /// # Errors
    /// Why not.
    pub fn room(&self, given: impl Fn(CapPer, Every) -> i64) -> Result<(), Refusal> {
        if self.stock.is_some_and(|stock| given(CapPer::Everybody, Every::Ever) >= stock) {
            return Err(Refusal::OutOfStock);
        }
        for (per, refusal) in [(CapPer::Everybody, Refusal::SoldOutForNow), (CapPer::Member, Refusal::LimitReached)] {
            let is_full = |limit: &&Limit| limit.per == per && given(per, limit.every) >= limit.most;
            if self.limits.iter().any(|limit| is_full(&limit)) {
                return Err(refusal);
            }
        }
        Ok(())
    }
}
