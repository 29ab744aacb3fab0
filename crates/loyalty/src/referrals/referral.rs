//! A referral programme, as staff write it.

use rapport_segments::{Condition, Scope};
use serde::{Deserialize, Serialize};

use super::signals::Signal;
use crate::Error;
use crate::decimal::Decimal;
use crate::document::Document;
use crate::earning::{Cap, Window, check_caps, check_event, refuse_history};
use crate::program::{AMOUNT_MAX, Program, check_key, check_name};

const WORDS_MAX: usize = 2_000;
const ADDRESS_MAX: usize = 500;
const STEPS_MAX: usize = 20;
const DAYS_MAX: u16 = 730;
/// What the names of events begin with that the programme tells itself.
const OWN: [&str; 4] = ["Points ", "Member ", "Tier ", "Referral "];
/// What follows a person everywhere is kept no longer than this.
const TRACE_DAYS_MAX: u16 = 90;

/// A referral programme.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Referral {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it: "Bring a friend".
    pub name: String,
    /// They are listed in this order; those of one place by their keys.
    #[serde(default)]
    pub place: u32,
    /// The page that a friend sees first.
    pub page: Page,
    /// What whoever brings a friend gets; nothing without it.
    #[serde(default)]
    pub referrer: Option<ReferrerGets>,
    /// What the friend gets; nothing without it.
    #[serde(default)]
    pub friend: Option<FriendGets>,
    /// What the friend must do.
    #[serde(default)]
    pub qualifies: Qualifies,
    /// So many days it must have stood without going back, before anybody gets anything.
    #[serde(default = "stands_days")]
    pub stands_days: u16,
    /// Who counts as new.
    #[serde(default)]
    pub newcomer: Newcomer,
    /// When friends may come.
    #[serde(default)]
    pub window: Window,
    /// How often, or how many points, in which time.
    #[serde(default)]
    pub caps: Vec<Cap>,
    /// Which signs of fraud are looked at.
    #[serde(default)]
    pub fraud: Fraud,
}

const fn stands_days() -> u16 {
    14
}

/// What a friend reads, and where they go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The shop's address, with https; the code is added as `ref`.
    pub address: String,
    /// What the friend gets, in English or the shop's language.
    #[serde(default)]
    pub words: String,
    /// The same in Chinese; `words` without it.
    #[serde(default)]
    pub words_zh: String,
}

/// What whoever brings a friend gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferrerGets {
    /// Into which wallet; the programme's first, unless said.
    #[serde(default)]
    pub wallet: Option<String>,
    /// How many points from which friend on; the first step begins with the first.
    pub steps: Vec<Step>,
}

/// A step of a reward that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// From which friend on, counted from 1.
    pub from: u32,
    /// How many points for each.
    pub points: i64,
}

/// What the friend gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FriendGets {
    /// Into which wallet; the programme's first, unless said.
    #[serde(default)]
    pub wallet: Option<String>,
    /// How many points.
    pub points: i64,
}

/// What the friend must do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qualifies {
    /// The event: `Order Completed`, unless said.
    #[serde(default = "order_completed")]
    pub event: String,
    /// What must hold of it and of the friend.
    #[serde(default = "always")]
    pub when: Condition,
    /// What the order must come to and keep, in the programme's currency: what was paid for the goods, less what went back.
    #[serde(default)]
    pub minimum: Option<Decimal>,
    /// Within so many days after they came.
    #[serde(default = "within_days")]
    pub within_days: u16,
}

impl Default for Qualifies {
    fn default() -> Self {
        Self { event: order_completed(), when: always(), minimum: None, within_days: within_days() }
    }
}

fn order_completed() -> String {
    rapport_domain::shop_events::ORDER_COMPLETED.to_owned()
}

const fn always() -> Condition {
    Condition::All(Vec::new())
}

const fn within_days() -> u16 {
    90
}

/// Who counts as new: whoever ordered nothing before they came, and this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newcomer {
    /// First seen at most so many days before they came; whenever, without it.
    #[serde(default)]
    pub seen_within_days: Option<u16>,
}

/// What a sign of fraud does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is not looked at.
    Off,
    /// The referral waits until somebody of the staff has looked at it.
    Flag,
    /// The referral is refused, unless somebody of the staff approves it.
    Block,
}

impl Level {
    /// As it is written in JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Flag => "flag",
            Self::Block => "block",
        }
    }
}

/// Which signs of fraud are looked at, and what each does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fraud {
    /// Both used one device.
    pub same_device: Level,
    /// Both paid with the same card or account.
    pub same_payment: Level,
    /// Both were in the same network.
    pub same_network: Level,
    /// Both had goods sent to the same address.
    pub same_address: Level,
    /// Both have the same mailbox under different spellings.
    pub alias: Level,
    /// Whoever was brought brings, by others, whoever brought them.
    pub closed_loop: Level,
    /// Many came by one member within a short time.
    pub burst: Level,
    /// More friends than this are many ...
    pub burst_most: u16,
    /// ... within so many hours.
    pub burst_hours: u16,
    /// A member with so many suspicious referrals within thirty days is suspended; never, without it.
    pub suspend_after: Option<u16>,
    /// So many days devices, payments, networks and addresses are remembered, as digests.
    pub trace_days: u16,
}

impl Default for Fraud {
    fn default() -> Self {
        Self {
            same_device: Level::Flag,
            same_payment: Level::Block,
            same_network: Level::Flag,
            same_address: Level::Flag,
            alias: Level::Flag,
            closed_loop: Level::Block,
            burst: Level::Flag,
            burst_most: 10,
            burst_hours: 24,
            suspend_after: Some(5),
            trace_days: 30,
        }
    }
}

impl Fraud {
    /// What a sign does.
    pub const fn level(&self, signal: Signal) -> Level {
        match signal {
            Signal::SameDevice => self.same_device,
            Signal::SamePayment => self.same_payment,
            Signal::SameNetwork => self.same_network,
            Signal::SameAddress => self.same_address,
            Signal::Alias => self.alias,
            Signal::ClosedLoop => self.closed_loop,
            Signal::Burst => self.burst,
        }
    }

    fn check(&self) -> Result<(), Error> {
        if !(1..=10_000).contains(&self.burst_most) || !(1..=720).contains(&self.burst_hours) {
            return Err(Error::invalid("fraud.burst_most", "1 to 10000, in 1 to 720 hours"));
        }
        if self.suspend_after.is_some_and(|after| !(1..=1_000).contains(&after)) {
            return Err(Error::invalid("fraud.suspend_after", "1 to 1000"));
        }
        if !(1..=TRACE_DAYS_MAX).contains(&self.trace_days) {
            return Err(Error::invalid("fraud.trace_days", format!("1 to {TRACE_DAYS_MAX}")));
        }
        Ok(())
    }
}

impl Document for Referral {
    const KIND: &'static str = "referral";
    const MOST: usize = 20;

    fn key(&self) -> &str {
        &self.key
    }

    fn place(&self) -> u32 {
        self.place
    }

    fn check(&self, program: &Program) -> Result<(), Error> {
        check_key("key", &self.key)?;
        check_name("name", &self.name)?;
        self.page.check()?;
        if self.referrer.is_none() && self.friend.is_none() {
            return Err(Error::invalid("referrer", "somebody gets something: `referrer`, `friend` or both"));
        }
        if let Some(gets) = &self.referrer {
            program.check_wallet("referrer.wallet", gets.wallet.as_deref())?;
            gets.check()?;
        }
        if let Some(gets) = &self.friend {
            program.check_wallet("friend.wallet", gets.wallet.as_deref())?;
            check_points("friend.points", gets.points)?;
        }
        self.qualifies.check()?;
        if self.stands_days > DAYS_MAX {
            return Err(Error::invalid("stands_days", format!("0 to {DAYS_MAX}")));
        }
        if self.newcomer.seen_within_days.is_some_and(|days| days > DAYS_MAX) {
            return Err(Error::invalid("newcomer.seen_within_days", format!("0 to {DAYS_MAX}")));
        }
        self.window.check(&program.calendar()?)?;
        check_caps(&self.caps)?;
        self.fraud.check()
    }
}

fn check_points(place: &str, points: i64) -> Result<(), Error> {
    if (1..=AMOUNT_MAX).contains(&points) {
        return Ok(());
    }
    Err(Error::invalid(place, format!("1 to {AMOUNT_MAX}")))
}

impl Referral {
    /// What the referrer gets for their `nth` friend, counted from 1, and in which wallet.
    pub fn for_referrer<'a>(&'a self, program: &'a Program, nth: i64) -> Option<(&'a str, i64)> {
        let gets = self.referrer.as_ref()?;
        let step = gets.steps.iter().rev().find(|step| i64::from(step.from) <= nth)?;
        Some((program.key_meant(gets.wallet.as_deref()), step.points))
    }

    /// What the friend gets, and in which wallet.
    pub fn for_friend<'a>(&'a self, program: &'a Program) -> Option<(&'a str, i64)> {
        let gets = self.friend.as_ref()?;
        Some((program.key_meant(gets.wallet.as_deref()), gets.points))
    }
}

impl ReferrerGets {
    fn check(&self) -> Result<(), Error> {
        let place = |at: usize, field: &str| format!("referrer.steps[{at}].{field}");
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            return Err(Error::invalid("referrer.steps", format!("1 to {STEPS_MAX}")));
        }
        if self.steps[0].from != 1 {
            return Err(Error::invalid(place(0, "from"), "the first step begins with friend 1"));
        }
        for (at, step) in self.steps.iter().enumerate() {
            if at > 0 && step.from <= self.steps[at - 1].from {
                return Err(Error::invalid(place(at, "from"), "each step begins later than the one before"));
            }
            check_points(&place(at, "points"), step.points)?;
        }
        Ok(())
    }
}

impl Qualifies {
    fn check(&self) -> Result<(), Error> {
        check_event("qualifies.event", &self.event, &OWN, "is one that the programme tells itself")?;
        refuse_history("qualifies.when", &self.when, Scope::EventAndPerson)?;
        if self.minimum.is_some_and(|minimum| minimum.micros() <= 0) {
            return Err(Error::invalid("qualifies.minimum", "above 0; leave it out where any amount counts"));
        }
        if !(1..=DAYS_MAX).contains(&self.within_days) {
            return Err(Error::invalid("qualifies.within_days", format!("1 to {DAYS_MAX}")));
        }
        Ok(())
    }
}

impl Page {
    fn check(&self) -> Result<(), Error> {
        if !is_address(&self.address) {
            let problem = format!(
                "an address that begins with https://, up to {ADDRESS_MAX} bytes, without `#` and without a name before the host"
            );
            return Err(Error::invalid("page.address", problem));
        }
        for (place, words) in [("page.words", &self.words), ("page.words_zh", &self.words_zh)] {
            if words.chars().count() > WORDS_MAX || words.contains('\0') {
                return Err(Error::invalid(place, format!("up to {WORDS_MAX} characters")));
            }
        }
        Ok(())
    }

    /// Where a friend goes on with a code.
    pub fn onward(&self, lookup: &str) -> String {
        let join = if self.address.contains('?') { '&' } else { '?' };
        // Codes are letters and digits: nothing of them has to be escaped.
        format!("{}{join}ref={lookup}", self.address)
    }

    /// What a reader of a language is told.
    pub fn words(&self, chinese: bool) -> &str {
        if chinese && !self.words_zh.is_empty() { &self.words_zh } else { &self.words }
    }
}

/// Whether somebody can be sent there: over https, to a host that is plain to see.
fn is_address(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?']).next().unwrap_or("");
    let is_host = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':');
    let is_plain =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`');
    !host.is_empty()
        && host.chars().all(is_host)
        && host.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && address.len() <= ADDRESS_MAX
        && address.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_where_they_do_not_see() {
        for address in ["https://shop.example", "https://shop.example:8443/a?b=c", "https://xn--bcher-kva.example/"] {
            assert!(is_address(address), "{address}");
        }
        let hostile = [
            "http://shop.example",
            "https://",
            "https:///x",
            "https://shop.example@evil.example",
            "https://shop.example#x",
            "https://shop.example/\" onclick=",
            "https://shop.example\\evil",
            "javascript:alert(1)",
            "https://.example",
            "https://shop example",
        ];
        assert_eq!(hostile.iter().find(|it| is_address(it)), None);
        let page = |address: &str| Page { address: address.to_owned(), words: "x".to_owned(), words_zh: String::new() };
        assert_eq!(page("https://a.example/x").onward("R2"), "https://a.example/x?ref=R2");
        assert_eq!(page("https://a.example/x?y=1").onward("R2"), "https://a.example/x?y=1&ref=R2");
        assert_eq!(page("https://a.example").words(true), "x");
    }
}
