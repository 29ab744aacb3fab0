//! An offer, as staff write it, and the guardrails of all offers.

use rapport_domain::money::MICROS_PER_UNIT;
use rapport_segments::{Condition, Scope};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::decimal::Decimal;
use crate::document::{Document, Holdout};
use crate::earning::{CapPer, Every, Window, check_holdout, refuse_history};
use crate::program::{Program, check_key, check_name};

const BUDGETS_MAX: usize = 10;
const STEPS_MAX: usize = 20;
/// No amount of an offer is above this, in millionths: a billion.
const AMOUNT_MAX: i64 = 1_000_000_000 * MICROS_PER_UNIT;
const HUNDRED: i64 = 100 * MICROS_PER_UNIT;

/// An offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What customers call it: "10 % off tents".
    pub name: String,
    /// Offers are applied in this order; those of one place by their keys.
    #[serde(default)]
    pub place: u32,
    /// What must hold of the cart and of whose it is.
    #[serde(default = "always")]
    pub when: Condition,
    /// The lines of the cart that it is for; all, unless said.
    #[serde(default)]
    pub items: Option<Condition>,
    /// What these lines must come to.
    #[serde(default)]
    pub least: Option<Least>,
    /// What it gives.
    pub gives: Gives,
    /// Whether a percentage is of the prices as they were, or of what earlier offers left.
    #[serde(default)]
    pub on: On,
    /// Whether it takes a code.
    #[serde(default)]
    pub needs_code: bool,
    /// The group in which it stands in for others: one of the programme's.
    #[serde(default)]
    pub group: Option<String>,
    /// With which others it counts.
    #[serde(default)]
    pub stacking: Stacking,
    /// When it holds.
    #[serde(default)]
    pub window: Window,
    /// How much it gives at most.
    #[serde(default)]
    pub budgets: Vec<Budget>,
    /// Whether it is announced as a reduction: then a percentage is taken off the lowest price of the last 30 days.
    #[serde(default)]
    pub announced: bool,
    /// Of a hundred customers so many do not have it, always the same ones: what they do says what it is worth.
    #[serde(default)]
    pub holdout_percent: u8,
}

const fn always() -> Condition {
    Condition::All(Vec::new())
}

/// What the lines of an offer must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Least {
    /// At least so much, in the programme's currency.
    pub amount: Decimal,
    /// As they were, or as earlier offers left them.
    #[serde(default)]
    pub of: On,
}

/// Of which amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// What earlier offers left.
    #[default]
    Running,
    /// The prices as they were.
    Initial,
}

/// What an offer gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Gives {
    /// So many hundredths off.
    PercentOff {
        /// How many.
        percent: Share,
        /// So much at most, in the programme's currency.
        #[serde(default)]
        most: Option<Decimal>,
    },
    /// So much off all of them together.
    AmountOff {
        /// How much, in the programme's currency.
        amount: Decimal,
    },
    /// So much off each unit.
    EachOff {
        /// How much, in the programme's currency.
        amount: Decimal,
    },
    /// Each unit costs so much, where it costs more.
    Price {
        /// How much, in the programme's currency.
        price: Decimal,
    },
    /// Of so many units bought together the cheapest are free, or cost less.
    UnitsOff {
        /// So many are paid.
        buy: u32,
        /// Beside so many that are not, or cost less.
        free: u32,
        /// How many hundredths off these; all of it, unless said.
        #[serde(default = "whole")]
        percent: Decimal,
    },
    /// Shipping costs less.
    ShippingOff {
        /// How many hundredths off; all of it, unless said.
        #[serde(default = "whole")]
        percent: Decimal,
    },
    /// Something on top.
    FreeItem {
        /// Which product.
        product_id: String,
        /// How many.
        quantity: u32,
        /// What one costs the shop, in the programme's currency.
        #[serde(default)]
        cost: Option<Decimal>,
    },
    /// Points, when the cart is paid.
    Points {
        /// How many.
        points: i64,
        /// Into which wallet; the programme's first, unless said.
        #[serde(default)]
        wallet: Option<String>,
    },
}

const fn whole() -> Decimal {
    Decimal::from_micros(HUNDRED)
}

/// How many hundredths: the same for everybody, or by what is known of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Share {
    /// The same for everybody.
    Same(Decimal),
    /// By a number that is known of them: the last step whose `from` it reaches.
    By {
        /// The fact: `score.churn`.
        by: String,
        /// Steps, the lowest first.
        steps: Vec<Step>,
        /// Where it is not known, or below the first step.
        otherwise: Decimal,
    },
}

/// A step of a [`Share`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// From this number on.
    pub from: Decimal,
    /// So many hundredths.
    pub percent: Decimal,
}

/// With which others an offer counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stacking {
    /// With all but those that count alone.
    #[default]
    Common,
    /// With none but those that always count.
    Alone,
    /// With all.
    Always,
}

/// A limit of what an offer gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// So much at most: an amount in the programme's currency, or so many times.
    pub most: Decimal,
    /// Of what.
    pub of: BudgetOf,
    /// For whom.
    pub per: CapPer,
    /// In which time.
    pub every: Every,
    /// What happens to a cart that would go past it.
    #[serde(default)]
    pub past: Overrun,
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetOf {
    /// What is taken off.
    Amount,
    /// How often.
    Times,
}

/// What happens to a cart that would go past a budget of an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overrun {
    /// It gets what is left.
    #[default]
    Cut,
    /// It gets nothing.
    Refuse,
}

/// How offers are chosen, and how far they may go together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfferLimits {
    /// Which of those that cannot count together do.
    pub choice: Choice,
    /// Discounts are whole multiples of this, rounded down: the smallest coin.
    pub coin: Decimal,
    /// All discounts together are at most so many hundredths of the goods.
    pub most_percent: Decimal,
    /// A line whose `cost` is known is not sold below it and so many hundredths more; without one nothing holds it.
    pub margin_floor_percent: Option<Decimal>,
    /// What prices and offers must not depend on, besides [`PROTECTED`]: facts by their keys.
    pub protected: Vec<String>,
    /// How often the price of a product may change for one person.
    pub price_changes: Option<PriceChanges>,
    /// From where it is known what of a paid cart went back.
    pub returns: Returns,
}

/// From where it is known what of a paid cart went back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    /// From how its order stands, by the part of the money that was refunded.
    #[default]
    Orders,
    /// From whoever tells it line by line.
    Told,
}

/// How often the price of a product may change for one person; past it they keep the one that they saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceChanges {
    /// So often.
    pub most: u32,
    /// In so many days.
    pub days: u32,
}

impl Default for OfferLimits {
    fn default() -> Self {
        Self {
            choice: Choice::default(),
            coin: Decimal::from_micros(MICROS_PER_UNIT / 100),
            most_percent: whole(),
            margin_floor_percent: None,
            protected: Vec::new(),
            price_changes: None,
            returns: Returns::default(),
        }
    }
}

/// Which of the offers that cannot count together do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The first in their order; of a group with mode `best` the one that gives most.
    #[default]
    InOrder,
    /// Those that give the customer most.
    BestForCustomer,
    /// Those that cost the shop least, as many as may count together.
    BestMargin,
}

/// What no price may depend on: the grounds of the EU's directives on equal treatment (2000/43/EC, 2004/113/EC) and of special categories of data (GDPR, article
/// 9), as the names under which shops keep them. A part of a fact's key between dots is compared.
pub const PROTECTED: [&str; 22] = [
    "gender",
    "sex",
    "race",
    "ethnicity",
    "ethnic_origin",
    "nationality",
    "religion",
    "belief",
    "political_opinion",
    "trade_union",
    "union_member",
    "health",
    "disability",
    "pregnant",
    "pregnancy",
    "sexual_orientation",
    "marital_status",
    "genetic",
    "biometric",
    "skin_color",
    "caste",
    "criminal_record",
];

impl OfferLimits {
    /// The first of these facts that no price may depend on.
    pub fn protected<'a>(&self, mut facts: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let is_protected = |key: &str| {
            let folded = key.to_lowercase();
            folded.split('.').any(|part| PROTECTED.contains(&part)) || self.protected.iter().any(|own| own == key)
        };
        facts.find(|key| is_protected(key))
    }

    /// Refuses what cannot be reckoned with.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    pub(crate) fn check(&self, place: &str) -> Result<(), Error> {
        if !(1..=AMOUNT_MAX).contains(&self.coin.micros()) {
            return Err(Error::invalid(format!("{place}.coin"), "above 0: 0.01, or 1 where there are no cents"));
        }
        check_percent(&format!("{place}.most_percent"), self.most_percent)?;
        if self.margin_floor_percent.is_some_and(|floor| !(-HUNDRED..=10 * HUNDRED).contains(&floor.micros())) {
            return Err(Error::invalid(format!("{place}.margin_floor_percent"), "-100 to 1000"));
        }
        if self.protected.len() > 100 {
            return Err(Error::invalid(format!("{place}.protected"), "at most 100"));
        }
        if self.price_changes.is_some_and(|it| it.most == 0 || !(1..=366).contains(&it.days)) {
            return Err(Error::invalid(format!("{place}.price_changes"), "at least once in 1 to 366 days"));
        }
        Ok(())
    }
}

fn check_percent(place: &str, percent: Decimal) -> Result<(), Error> {
    if (0..=HUNDRED).contains(&percent.micros()) {
        return Ok(());
    }
    Err(Error::invalid(place, "0 to 100"))
}

fn check_amount(place: &str, amount: Decimal, least: i64) -> Result<(), Error> {
    if (least..=AMOUNT_MAX).contains(&amount.micros()) {
        return Ok(());
    }
    Err(Error::invalid(place, if least > 0 { "above 0, at most a billion" } else { "0 to a billion" }))
}

impl Document for Offer {
    const KIND: &'static str = "offer";
    const MOST: usize = 500;

    fn key(&self) -> &str {
        &self.key
    }

    fn place(&self) -> u32 {
        self.place
    }

    fn check(&self, program: &Program) -> Result<(), Error> {
        check_key("key", &self.key)?;
        check_name("name", &self.name)?;
        refuse_history("when", &self.when, Scope::EventAndPerson)?;
        if let Some(items) = &self.items {
            refuse_history("items", items, Scope::Event)?;
        }
        if let Some(least) = self.least {
            check_amount("least.amount", least.amount, 0)?;
        }
        program.check_group(self.group.as_deref())?;
        self.gives.check(program)?;
        if self.announced && !matches!(self.gives, Gives::PercentOff { .. }) {
            return Err(Error::invalid("announced", "is for a percentage"));
        }
        self.window.check(&program.calendar()?)?;
        if self.budgets.len() > BUDGETS_MAX {
            return Err(Error::invalid("budgets", format!("at most {BUDGETS_MAX}")));
        }
        for (at, budget) in self.budgets.iter().enumerate() {
            let place = format!("budgets[{at}].most");
            check_amount(&place, budget.most, 1)?;
            if budget.of == BudgetOf::Times && budget.most.micros() % MICROS_PER_UNIT != 0 {
                return Err(Error::invalid(place, "a whole number of times"));
            }
        }
        check_holdout(self.holdout_percent)?;
        if let Some(fact) = program.offers.protected(self.facts().into_iter()) {
            let why = format!(
                "`{fact}` is something that no price may depend on; offers may go by what people do, not by what they are"
            );
            return Err(Error::invalid("when", why));
        }
        Ok(())
    }
}

impl Holdout for Offer {
    /// Whether it holds only at times. A code that somebody was given and a reduction that is announced are promises, whenever they hold.
    fn is_campaign(&self) -> bool {
        self.window != Window::default() && !self.needs_code && !self.announced
    }

    fn percent(&self) -> u8 {
        self.holdout_percent
    }

    fn hold_out(&mut self, percent: u8) {
        self.holdout_percent = percent;
    }

    fn salt(&self) -> String {
        format!("loyalty/offer/{}", self.key)
    }
}

impl Offer {
    /// The facts by which it goes.
    pub fn facts(&self) -> Vec<&str> {
        let mut keys = self.when.fact_keys();
        if let Gives::PercentOff { percent: Share::By { by, .. }, .. } = &self.gives {
            keys.push(by);
        }
        keys
    }
}

impl Gives {
    fn check(&self, program: &Program) -> Result<(), Error> {
        match self {
            Self::PercentOff { percent, most } => {
                percent.check("gives.percent")?;
                most.map_or(Ok(()), |most| check_amount("gives.most", most, 1))
            }
            Self::AmountOff { amount } | Self::EachOff { amount } => check_amount("gives.amount", *amount, 1),
            Self::Price { price } => check_amount("gives.price", *price, 0),
            Self::UnitsOff { buy, free, percent } => {
                if !(1..=1000).contains(buy) || !(1..=1000).contains(free) {
                    return Err(Error::invalid("gives.buy", "1 to 1000 bought and 1 to 1000 beside them"));
                }
                check_percent("gives.percent", *percent)
            }
            Self::ShippingOff { percent } => check_percent("gives.percent", *percent),
            Self::FreeItem { product_id, quantity, cost } => {
                if product_id.is_empty() || product_id.len() > 200 {
                    return Err(Error::invalid("gives.product_id", "1 to 200 bytes"));
                }
                if !(1..=1000).contains(quantity) {
                    return Err(Error::invalid("gives.quantity", "1 to 1000"));
                }
                cost.map_or(Ok(()), |cost| check_amount("gives.cost", cost, 0))
            }
            Self::Points { points, wallet } => {
                if !(1..=1_000_000_000).contains(points) {
                    return Err(Error::invalid("gives.points", "1 to 1000000000"));
                }
                program.check_wallet("gives.wallet", wallet.as_deref())
            }
        }
    }
}

impl Share {
    fn check(&self, place: &str) -> Result<(), Error> {
        let (steps, otherwise) = match self {
            Self::Same(percent) => return check_percent(place, *percent),
            Self::By { steps, otherwise, .. } => (steps, otherwise),
        };
        check_percent(&format!("{place}.otherwise"), *otherwise)?;
        if steps.is_empty() || steps.len() > STEPS_MAX || !steps.is_sorted_by(|one, next| one.from < next.from) {
            return Err(Error::invalid(format!("{place}.steps"), format!("1 to {STEPS_MAX}, the lowest first")));
        }
        steps.iter().try_for_each(|step| check_percent(&format!("{place}.steps"), step.percent))
    }

    /// The hundredths for somebody of whom the fact says this.
    pub(super) fn of(&self, fact: impl FnOnce(&str) -> Option<i64>) -> Decimal {
        match self {
            Self::Same(percent) => *percent,
            Self::By { by, steps, otherwise } => {
                let Some(number) = fact(by) else { return *otherwise };
                let reached = steps.iter().rev().find(|step| step.from.micros() <= number);
                reached.map_or(*otherwise, |step| step.percent)
            }
        }
    }
}
