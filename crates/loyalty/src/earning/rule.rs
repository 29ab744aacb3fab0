//! A rule, as staff write it.

use rapport_domain::Calendar;
use rapport_segments::{Condition, Instant, Scope};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::dates::{Expiry, Pending};
use crate::decimal::Decimal;
use crate::document::{Document, Holdout};
use crate::program::{Program, check_key, check_name};

const CAPS_MAX: usize = 10;
/// The most that a rule gives for one thing.
const POINTS_MAX: i64 = 1_000_000_000;
const FACTOR_MAX: i64 = 100;
/// What the names of events begin with that the ledger tells itself.
const OWN: [&str; 2] = ["Points ", "Member "];

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it: "Double points on tents".
    pub name: String,
    /// Rules are looked at in this order; those of one place by their keys.
    #[serde(default)]
    pub place: u32,
    /// The event it looks at: `Order Completed`.
    pub event: String,
    /// What must hold of the event and of who did it.
    #[serde(default = "always")]
    pub when: Condition,
    /// What it gives.
    pub gives: Gives,
    /// Into which wallet; the programme's first, unless said.
    #[serde(default)]
    pub wallet: Option<String>,
    /// The group in which it stands in for others.
    #[serde(default)]
    pub group: Option<String>,
    /// When it holds.
    #[serde(default)]
    pub window: Window,
    /// How much it gives at most.
    #[serde(default)]
    pub caps: Vec<Cap>,
    /// Until when its points are pending, where that differs from the wallet's.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// When its points lapse, where that differs from the wallet's.
    #[serde(default)]
    pub expiry: Option<Expiry>,
    /// Of a hundred members so many earn nothing by it, always the same ones: what they do says what it is worth.
    #[serde(default)]
    pub holdout_percent: u8,
}

const fn always() -> Condition {
    Condition::All(Vec::new())
}

/// What a rule gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Gives {
    /// Always the same.
    Fixed {
        /// How many.
        points: i64,
    },
    /// So many for an amount of money.
    Amount {
        /// How many.
        points: i64,
        /// For how much, in the programme's currency.
        each: Decimal,
        /// Of which amount.
        #[serde(default)]
        base: Base,
        /// Only for the part of the lines for which this holds; all of them without it.
        #[serde(default)]
        items: Option<Condition>,
        /// What happens to a fraction.
        #[serde(default)]
        round: Round,
        /// Whether only full steps count: 5 points for each full 10, so that 19.90 gives 5.
        #[serde(default)]
        full_steps: bool,
    },
    /// So many for each unit of an order's lines.
    Units {
        /// How many.
        points: i64,
        /// Of the lines for which this holds; all of them without it.
        #[serde(default)]
        items: Option<Condition>,
        /// What happens to a fraction (1.5 kg).
        #[serde(default)]
        round: Round,
    },
    /// So many for a number of the event: nights, kilometres, a score.
    Number {
        /// How many.
        points: i64,
        /// For how much of it.
        each: Decimal,
        /// The property with the number.
        property: String,
        /// What happens to a fraction.
        #[serde(default)]
        round: Round,
    },
    /// Multiplies what other rules give into the same wallet: 2 gives the same again.
    Times {
        /// By how much; above 1.
        factor: Decimal,
        /// What which rules give; all that do not multiply, unless said.
        #[serde(default)]
        rules: Vec<String>,
    },
}

/// Of which amount of an order: what was paid for the goods, after discounts, without tax and shipping; and what else counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "four things that count or do not, each by itself")]
pub struct Base {
    /// Tax counts.
    #[serde(default)]
    pub with_tax: bool,
    /// Shipping counts.
    #[serde(default)]
    pub with_shipping: bool,
    /// What was taken off counts as if it had been paid.
    #[serde(default)]
    pub before_discounts: bool,
    /// The part that was paid with points counts too.
    #[serde(default)]
    pub with_points: bool,
}

/// What happens to a fraction of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Round {
    /// It is dropped.
    #[default]
    Down,
    /// To the nearest point; a half counts as one.
    Nearest,
    /// It counts as one.
    Up,
}

/// When a rule holds, by when the event happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// From then: an instant, or the beginning of a day of the programme's zone.
    #[serde(default)]
    pub from: Option<Instant>,
    /// Until then: just before an instant, or to the end of a day.
    #[serde(default)]
    pub until: Option<Instant>,
    /// On these days of the week, 1 for Monday to 7 for Sunday; all, unless said.
    #[serde(default)]
    pub weekdays: Vec<u8>,
    /// From this hour of the day on, 0 to 23, in the programme's zone.
    #[serde(default)]
    pub from_hour: Option<u8>,
    /// Until before this hour, 1 to 24; earlier than `from_hour`, it is one of the next day.
    #[serde(default)]
    pub until_hour: Option<u8>,
}

/// A limit of what a rule gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// So much at most: what would go past it is cut.
    pub most: i64,
    /// Of what.
    pub of: CapOf,
    /// For whom.
    pub per: CapPer,
    /// In which time.
    pub every: Every,
}

/// What a cap counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapOf {
    /// Points.
    Points,
    /// How often it gave something.
    Times,
}

/// For whom a cap counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapPer {
    /// Each member by themselves.
    Member,
    /// All together: a budget.
    Everybody,
}

/// In which time a cap counts: civil periods of the programme's zone, weeks from Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
    /// All of time.
    Ever,
}

impl Every {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Year, Self::Ever];

    /// As it is written in JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
            Self::Ever => "ever",
        }
    }
}

impl Document for Rule {
    const KIND: &'static str = "rule";
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
        check_event(
            "event",
            &self.event,
            &OWN,
            "is one that the ledger tells itself; points for points would never end",
        )?;
        refuse_history("when", &self.when, Scope::EventAndPerson)?;
        self.gives.check()?;
        program.check_wallet("wallet", self.wallet.as_deref())?;
        program.check_group(self.group.as_deref())?;
        self.window.check(&program.calendar()?)?;
        check_caps(&self.caps)?;
        if let Some(expiry) = &self.expiry {
            expiry.check().map_err(|error| Error::invalid("expiry", error.to_string()))?;
        }
        check_holdout(self.holdout_percent)
    }
}

impl Holdout for Rule {
    /// Whether it holds only at times, or makes what others give more.
    fn is_campaign(&self) -> bool {
        self.multiplies() || self.window != Window::default()
    }

    fn percent(&self) -> u8 {
        self.holdout_percent
    }

    fn hold_out(&mut self, percent: u8) {
        self.holdout_percent = percent;
    }

    fn salt(&self) -> String {
        format!("loyalty/{}", self.key)
    }
}

impl Rule {
    /// The wallet into which it gives.
    pub fn wallet<'a>(&'a self, program: &'a Program) -> &'a str {
        program.key_meant(self.wallet.as_deref())
    }

    /// Whether it multiplies what others give.
    pub const fn multiplies(&self) -> bool {
        matches!(self.gives, Gives::Times { .. })
    }
}

/// Refuses what is no name of an event, and events that begin with what the programme's `own` do: `why` says what would come of them.
pub(crate) fn check_event(place: &str, event: &str, own: &[&str], why: &str) -> Result<(), Error> {
    if event.is_empty() || event.len() > 200 {
        return Err(Error::invalid(place, "the name of an event, of 1 to 200 bytes"));
    }
    if own.iter().any(|own| event.starts_with(own)) {
        return Err(Error::invalid(place, why));
    }
    Ok(())
}

/// Refuses too many caps, and caps that let nothing through.
pub(crate) fn check_caps(caps: &[Cap]) -> Result<(), Error> {
    if caps.len() > CAPS_MAX {
        return Err(Error::invalid("caps", format!("at most {CAPS_MAX}")));
    }
    match caps.iter().position(|cap| cap.most < 1) {
        Some(at) => Err(Error::invalid(format!("caps[{at}].most"), "at least 1")),
        None => Ok(()),
    }
}

/// Refuses to hold out more than half.
pub(crate) fn check_holdout(percent: u8) -> Result<(), Error> {
    if percent > 50 {
        return Err(Error::invalid("holdout_percent", "0 to 50"));
    }
    Ok(())
}

/// A rule is judged in the transaction that applies the event: it asks for nothing that has to be looked up in somebody's whole history.
pub(crate) fn refuse_history(place: &str, condition: &Condition, scope: Scope) -> Result<(), Error> {
    condition.validate(scope).map_err(|error| Error::invalid(place, error.to_string()))?;
    if condition.asks_history() {
        let why = "asks for somebody's history, which is not looked up while an event is applied; make a segment of it and ask for the segment";
        return Err(Error::invalid(place, why));
    }
    Ok(())
}

impl Gives {
    fn check(&self) -> Result<(), Error> {
        let points = |points: i64| {
            if (1..=POINTS_MAX).contains(&points) {
                Ok(())
            } else {
                Err(Error::invalid("gives.points", format!("1 to {POINTS_MAX}")))
            }
        };
        let each = |each: Decimal| {
            if each.micros() > 0 { Ok(()) } else { Err(Error::invalid("gives.each", "above 0")) }
        };
        let items = |items: &Option<Condition>| match items {
            Some(condition) => refuse_history("gives.items", condition, Scope::Event),
            None => Ok(()),
        };
        match self {
            Self::Fixed { points: count } => points(*count),
            Self::Amount { points: count, each: step, items: which, .. } => {
                points(*count)?;
                each(*step)?;
                items(which)
            }
            Self::Units { points: count, items: which, .. } => {
                points(*count)?;
                items(which)
            }
            Self::Number { points: count, each: step, property, .. } => {
                points(*count)?;
                each(*step)?;
                if property.is_empty() || property.len() > 200 {
                    return Err(Error::invalid("gives.property", "the path of a property, of 1 to 200 bytes"));
                }
                Ok(())
            }
            Self::Times { factor, rules } => {
                let factors = Decimal::from_micros(1_000_001)..=Decimal::from_micros(FACTOR_MAX * 1_000_000);
                if !factors.contains(factor) {
                    return Err(Error::invalid("gives.factor", format!("above 1, and at most {FACTOR_MAX}")));
                }
                if rules.len() > Rule::MOST {
                    return Err(Error::invalid("gives.rules", format!("at most {}", Rule::MOST)));
                }
                Ok(())
            }
        }
    }
}

impl Window {
    pub(crate) fn check(&self, calendar: &Calendar) -> Result<(), Error> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until.until(calendar) <= from.start(calendar)
        {
            return Err(Error::invalid("window.until", "must be later than `from`"));
        }
        if self.weekdays.iter().any(|day| !(1..=7).contains(day)) {
            return Err(Error::invalid("window.weekdays", "1 for Monday to 7 for Sunday"));
        }
        if self.from_hour.is_some_and(|hour| hour > 23) || self.until_hour.is_some_and(|hour| !(1..=24).contains(&hour))
        {
            return Err(Error::invalid("window.from_hour", "from 0 to 23, until 1 to 24"));
        }
        if self.from_hour.is_some() && self.from_hour == self.until_hour {
            return Err(Error::invalid("window.until_hour", "must differ from `from_hour`"));
        }
        Ok(())
    }
}
