//! What a programme is: its wallets, who belongs to it, and from when on something counts.
//!
//! Always holds: a [`Program`] that passed [`Program::check`] can be reckoned with; what it says is changed by a new version, never in place, so that what
//! happened last month is always judged by what was in force then.
//!
//! Does not: post anything. [`crate::earning`] reckons what somebody earns by it.

use jiff::tz::TimeZone;
use rapport_domain::calendar::WeekStart;
use rapport_domain::money::MICROS_PER_UNIT;
use rapport_domain::{Calendar, Currency, Timestamp, plain};
use rapport_segments::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::dates::{Expiry, Pending};
use crate::decimal::Decimal;
use crate::households::Households;
use crate::jurisdictions::{self, Jurisdiction};
use crate::ledger::{Act, Shortage, Wallet};
use crate::liability::books::Pricing;
use crate::offers::OfferLimits;
use crate::paying::Paying;
use crate::staff::Staff;
use crate::tiers::{LADDERS_MAX, Ladder};
use crate::transfers::Transfers;

/// The most wallets of a programme.
pub const WALLETS_MAX: usize = 20;
/// The most groups of rules.
pub const GROUPS_MAX: usize = 50;
const RATES_MAX: usize = 50;
const NAME_MAX: usize = 100;
/// No wallet takes more than this in one operation, or holds more: sums of a million members stay far from the end of 64 bits.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// A programme, as staff write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What people call it.
    pub name: String,
    /// The time zone of its days, months and years.
    pub zone: String,
    /// The currency that amounts of rules are in.
    pub currency: Currency,
    /// What another currency is worth in it. Orders in a currency that is not here earn nothing by their amount: nobody guesses a rate.
    #[serde(default)]
    pub rates: Vec<Rate>,
    /// What happened before earns nothing: an instant, or the beginning of a day; the moment it was begun, unless said.
    #[serde(default)]
    pub counts_from: Option<Instant>,
    /// Who becomes a member.
    #[serde(default)]
    pub enrolment: Enrolment,
    /// Its wallets: the first is the one meant where none is named.
    pub wallets: Vec<WalletPlan>,
    /// How rules of one group stand to each other; rules without a group always count.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Its ladders of tiers.
    #[serde(default)]
    pub ladders: Vec<Ladder>,
    /// How offers are chosen, and how far they may go.
    #[serde(default)]
    pub offers: OfferLimits,
    /// What staff may give and take by hand.
    #[serde(default)]
    pub staff: Staff,
    /// The country of telephone numbers that are written without one: `49`. Tills find members by them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub country_code: String,
    /// Where the law says when points may lapse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jurisdictions: Vec<Jurisdiction>,
    /// What members may send each other; nothing, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfers: Option<Transfers>,
    /// What members of one household may do with each other's points; there are none, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub households: Option<Households>,
    /// What members may pay of a receipt with points at a till; nothing, unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paying: Vec<Paying>,
}

/// What one unit of a currency is worth in the programme's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Of which.
    pub currency: Currency,
    /// How much.
    pub worth: Decimal,
}

/// Who becomes a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Enrolment {
    /// Whoever is enrolled by staff, the shop's program or an import.
    #[default]
    Hand,
    /// Whoever would earn something.
    Earning,
    /// Whoever does this, and the others by hand.
    Event {
        /// The event's name: `Signed Up`.
        event: String,
    },
}

/// What a wallet counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Unit {
    /// Points.
    #[default]
    Points,
    /// Stamps on a card.
    Stamps,
    /// Stored value, in the smallest units of a currency (cents).
    Money {
        /// Which.
        currency: Currency,
    },
}

impl Unit {
    /// In which currency it counts, if in one.
    pub const fn currency(self) -> Option<Currency> {
        match self {
            Self::Money { currency } => Some(currency),
            Self::Points | Self::Stamps => None,
        }
    }
}

/// A wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletPlan {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it.
    pub name: String,
    /// What it counts.
    #[serde(default)]
    pub unit: Unit,
    /// What one is worth when it is redeemed, in the programme's currency: for the books and for what a reward costs.
    #[serde(default)]
    pub worth: Option<Decimal>,
    /// What the company says of its points for the books.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub books: Option<Books>,
    /// When what is earned lapses.
    #[serde(default)]
    pub expiry: Expiry,
    /// So many days before points lapse the member is told.
    #[serde(default)]
    pub notice_days: Option<u16>,
    /// Until when it is pending.
    #[serde(default)]
    pub pending: Pending,
    /// Where points are taken from when an order goes back.
    #[serde(default)]
    pub clawback: Shortage,
    /// The most in one operation.
    #[serde(default = "amount_max")]
    pub amount_max: i64,
    /// The most that an account may have.
    #[serde(default)]
    pub balance_max: Option<i64>,
    /// The most that a member may owe.
    #[serde(default = "amount_max")]
    pub arrears_max: i64,
    /// The most that a till may add to a gift card at once; nothing, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub till_top_up_max: Option<i64>,
}

/// What the company says of a wallet's points for the books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Books {
    /// Which share of them is redeemed in the end, from 0 to 1; estimated from what became of earlier ones, unless said.
    #[serde(default)]
    pub redemption: Option<Decimal>,
    /// What goods that bring one cost alone, in the programme's currency: a sale is divided between goods and points by both prices. Without it points are put off at their own.
    #[serde(default)]
    pub goods: Option<Decimal>,
}

const fn amount_max() -> i64 {
    AMOUNT_MAX
}

/// How rules of one group stand to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name in rules.
    pub key: String,
    /// Which of them count.
    pub mode: Mode,
}

/// Which rules of a group count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The first that gives anything.
    First,
    /// The one that gives most; the first of several that give the same.
    Best,
    /// All.
    All,
}

/// Refuses what is no key.
///
/// # Errors
/// [`Error::Invalid`] with the place.
pub fn check_key(place: &str, key: &str) -> Result<(), Error> {
    if plain::is_key(key) {
        return Ok(());
    }
    Err(Error::invalid(place, format!("1 to {} small letters, digits, `-` and `_`", plain::KEY_MAX)))
}

/// Refuses what is no name.
pub(crate) fn check_name(place: &str, name: &str) -> Result<(), Error> {
    if name.is_empty() || plain::one_line(name, NAME_MAX) != name {
        return Err(Error::invalid(place, format!("one line of 1 to {NAME_MAX} characters")));
    }
    Ok(())
}

fn has_nul(form: &Value) -> bool {
    match form {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

/// Reads what staff wrote; what is wrong is said with its place.
pub(crate) fn read<T: serde::de::DeserializeOwned>(form: Value) -> Result<T, Error> {
    if has_nul(&form) {
        return Err(Error::invalid("it", "has a text with the character NUL, which no database keeps; leave it out"));
    }
    serde_path_to_error::deserialize(form).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." { "it".to_owned() } else { place };
        Error::invalid(place, error.inner().to_string())
    })
}

impl Program {
    /// Reads it from JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    pub fn from_json(form: Value) -> Result<Self, Error> {
        read(form)
    }

    /// Refuses what cannot be reckoned with.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    pub fn check(&self) -> Result<(), Error> {
        check_name("name", &self.name)?;
        self.calendar()?;
        let is_code = self.country_code.len() <= 3 && self.country_code.bytes().all(|byte| byte.is_ascii_digit());
        if !is_code || self.country_code.starts_with('0') {
            return Err(Error::invalid("country_code", "up to three digits such as 49, without a plus sign"));
        }
        if self.rates.len() > RATES_MAX {
            return Err(Error::invalid("rates", format!("at most {RATES_MAX}")));
        }
        for (at, rate) in self.rates.iter().enumerate() {
            let place = format!("rates[{at}]");
            if rate.currency == self.currency || self.rates[..at].iter().any(|it| it.currency == rate.currency) {
                return Err(Error::invalid(place, "each currency once, and not the programme's own"));
            }
            if rate.worth.micros() <= 0 {
                return Err(Error::invalid(place, "what it is worth must be above 0"));
            }
        }
        if let Enrolment::Event { event } = &self.enrolment
            && (event.is_empty() || event.len() > 200)
        {
            return Err(Error::invalid("enrolment.event", "the name of an event, of 1 to 200 bytes"));
        }
        if self.wallets.is_empty() || self.wallets.len() > WALLETS_MAX {
            return Err(Error::invalid("wallets", format!("1 to {WALLETS_MAX}")));
        }
        for (at, wallet) in self.wallets.iter().enumerate() {
            let place = format!("wallets[{at}]");
            wallet.check(&place)?;
            if self.wallets[..at].iter().any(|it| it.key == wallet.key) {
                return Err(Error::invalid(format!("{place}.key"), "another wallet has this key"));
            }
        }
        self.staff.check(self)?;
        jurisdictions::check(self)?;
        Paying::check_all(&self.paying, self)?;
        if let Some(transfers) = &self.transfers {
            transfers.check(self)?;
        }
        if let Some(households) = &self.households {
            households.check(self)?;
        }
        if self.groups.len() > GROUPS_MAX {
            return Err(Error::invalid("groups", format!("at most {GROUPS_MAX}")));
        }
        for (at, group) in self.groups.iter().enumerate() {
            let place = format!("groups[{at}].key");
            check_key(&place, &group.key)?;
            if self.groups[..at].iter().any(|it| it.key == group.key) {
                return Err(Error::invalid(place, "another group has this key"));
            }
        }
        if self.ladders.len() > LADDERS_MAX {
            return Err(Error::invalid("ladders", format!("at most {LADDERS_MAX}")));
        }
        for (at, ladder) in self.ladders.iter().enumerate() {
            let place = format!("ladders[{at}]");
            ladder.check(&place, self)?;
            if self.ladders[..at].iter().any(|it| it.key == ladder.key) {
                return Err(Error::invalid(format!("{place}.key"), "another ladder has this key"));
            }
            let others = || self.ladders[..at].iter();
            if let Some(twin) =
                ladder.benefits.iter().position(|it| others().any(|other| other.benefit(&it.key).is_some()))
            {
                let place = format!("{place}.benefits[{twin}].key");
                return Err(Error::invalid(place, "a benefit of another ladder has this key"));
            }
        }
        self.offers.check("offers")
    }

    /// The calendar of its zone, weeks from Monday.
    ///
    /// # Errors
    /// [`Error::Invalid`] when nobody knows the zone.
    pub fn calendar(&self) -> Result<Calendar, Error> {
        Calendar::new(&self.zone, WeekStart::Monday).ok_or_else(|| {
            Error::invalid("zone", "is no time zone of the IANA database; say for example `Europe/Berlin`")
        })
    }

    /// Its zone.
    ///
    /// # Errors
    /// [`Error::Invalid`] when nobody knows it.
    pub fn time_zone(&self) -> Result<TimeZone, Error> {
        TimeZone::get(&self.zone).map_err(|error| Error::invalid("zone", error.to_string()))
    }

    /// One of its wallets.
    pub fn wallet(&self, key: &str) -> Option<&WalletPlan> {
        self.wallets.iter().find(|wallet| wallet.key == key)
    }

    /// One of its ladders.
    pub fn ladder(&self, key: &str) -> Option<&Ladder> {
        self.ladders.iter().find(|ladder| ladder.key == key)
    }

    /// One of its wallets; the first, where none is named.
    pub fn wallet_meant(&self, key: Option<&str>) -> Option<&WalletPlan> {
        key.map_or_else(|| self.wallets.first(), |key| self.wallet(key))
    }

    /// The key of the wallet that is meant.
    pub fn key_meant<'a>(&'a self, key: Option<&'a str>) -> &'a str {
        key.unwrap_or_else(|| self.wallets.first().map_or("", |wallet| &wallet.key))
    }

    /// Refuses the name of a wallet that there is not.
    pub(crate) fn check_wallet(&self, place: &str, key: Option<&str>) -> Result<(), Error> {
        if self.wallet_meant(key).is_some() {
            return Ok(());
        }
        Err(Error::invalid(place, "the programme has no such wallet"))
    }

    /// Refuses points, a wallet and a badge that a step of a challenge or a prize cannot give.
    pub(crate) fn check_given(
        &self,
        place: &str,
        points: Option<i64>,
        wallet: Option<&str>,
        badge: Option<&str>,
    ) -> Result<(), Error> {
        if points.is_some_and(|points| !(1..=AMOUNT_MAX).contains(&points)) {
            return Err(Error::invalid(format!("{place}.points"), format!("1 to {AMOUNT_MAX}")));
        }
        self.check_wallet(&format!("{place}.wallet"), wallet)?;
        badge.map_or(Ok(()), |badge| check_key(&format!("{place}.badge"), badge))
    }

    /// Refuses the name of a group that there is not.
    pub(crate) fn check_group(&self, key: Option<&str>) -> Result<(), Error> {
        if key.is_none_or(|key| self.groups.iter().any(|group| group.key == key)) {
            return Ok(());
        }
        Err(Error::invalid("group", "the programme has no such group"))
    }

    /// The wallet whose money or points a gift card is: the first that keeps money, unless one is named.
    pub fn gift_card_wallet(&self, key: Option<&str>) -> Option<&WalletPlan> {
        match key {
            Some(key) => self.wallet(key),
            None => self.wallets.iter().find(|it| it.unit.currency().is_some()),
        }
    }

    /// What an amount is worth in the programme's currency, to the nearest millionth; `None` for a currency without a rate.
    pub fn exchanged(&self, micros: i64, currency: Currency) -> Option<i64> {
        if currency == self.currency {
            return Some(micros);
        }
        let rate = self.rates.iter().find(|rate| rate.currency == currency)?;
        rate.worth.of(micros)
    }
}

impl WalletPlan {
    /// What it is to earn so many now: pending and lapsing as the wallet says.
    pub fn earn(&self, amount: i64, now: Timestamp, zone: &TimeZone) -> Act {
        let (active_from, expires_at) = (self.pending.end(now, zone), self.expiry.end(now, zone));
        Act::Earn { amount, earned_at: None, active_from, expires_at }
    }

    /// What its points are worth in the books; a wallet whose worth nobody said is worth nothing there.
    pub fn pricing(&self) -> Pricing {
        let books = self.books.clone().unwrap_or_default();
        let redemption = books.redemption.map(|share| share.micros() as f64 / MICROS_PER_UNIT as f64);
        let worth = self.worth.map_or(0, Decimal::micros);
        Pricing { worth, redemption, goods: books.goods.map(Decimal::micros) }
    }

    /// What the ledger asks of it.
    pub const fn limits(&self) -> Wallet {
        Wallet { amount_max: self.amount_max, balance_max: self.balance_max, arrears_max: self.arrears_max }
    }

    fn check(&self, place: &str) -> Result<(), Error> {
        check_key(&format!("{place}.key"), &self.key)?;
        check_name(&format!("{place}.name"), &self.name)?;
        self.expiry.check().map_err(|error| Error::invalid(format!("{place}.expiry"), error.to_string()))?;
        if self.notice_days.is_some_and(|days| !(1..=365).contains(&days)) {
            return Err(Error::invalid(format!("{place}.notice_days"), "1 to 365"));
        }
        if self.worth.is_some_and(|worth| worth.micros() < 0) {
            return Err(Error::invalid(format!("{place}.worth"), "must not be below 0"));
        }
        let books = self.books.clone().unwrap_or_default();
        if books.redemption.is_some_and(|share| !(0..=MICROS_PER_UNIT).contains(&share.micros())) {
            return Err(Error::invalid(format!("{place}.books.redemption"), "0 to 1"));
        }
        if books.goods.is_some_and(|goods| goods.micros() <= 0) {
            return Err(Error::invalid(format!("{place}.books.goods"), "must be above 0"));
        }
        let limits = [("amount_max", Some(self.amount_max), 1), ("balance_max", self.balance_max, 1)];
        let limits = limits
            .into_iter()
            .chain([("arrears_max", Some(self.arrears_max), 0), ("till_top_up_max", self.till_top_up_max, 1)]);
        for (field, limit, least) in limits {
            if limit.is_some_and(|limit| !(least..=AMOUNT_MAX).contains(&limit)) {
                return Err(Error::invalid(format!("{place}.{field}"), format!("{least} to {AMOUNT_MAX}")));
            }
        }
        Ok(())
    }
}
