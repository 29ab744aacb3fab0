//! Points that members give each other: what the programme lets them, and why not.
//!
//! Always holds: a limit counts what waits for approval and gifts that nobody took yet, so that nobody goes past it by asking twice; years are civil years of the programme's zone.
//!
//! Does not: count or post; [`records::transfers`](crate::records::transfers) does.

mod refusal;

use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::program::{AMOUNT_MAX, Program};

pub use refusal::Refusal;

const DAYS_MAX: u16 = 3_650;

/// What members may give each other, as staff write it. Without it they may nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfers {
    /// Points of which wallets; the programme's first, unless said.
    #[serde(default)]
    pub wallets: Vec<String>,
    /// The fewest at once.
    #[serde(default = "one")]
    pub least: i64,
    /// The most at once.
    #[serde(default)]
    pub most: Option<i64>,
    /// So many points of a wallet a member gives in a year.
    #[serde(default)]
    pub sent_per_year: Option<i64>,
    /// So many points of a wallet a member gets in a year.
    #[serde(default)]
    pub received_per_year: Option<i64>,
    /// So often a member gives points of a wallet in a year.
    #[serde(default)]
    pub times_per_year: Option<i64>,
    /// No more than what a member has of points that were earned at least so many days ago.
    #[serde(default)]
    pub older_than_days: u16,
    /// From so many days after they became a member on.
    #[serde(default)]
    pub waiting_days: u16,
    /// More than that at once waits for somebody of the staff who did not ask for it.
    #[serde(default)]
    pub approve_above: Option<i64>,
    /// Whether points last in their new account as if they were earned there; else as long as they would have lasted anyway.
    #[serde(default)]
    pub resets_expiry: bool,
    /// So long a gift waits until somebody takes it.
    #[serde(default = "gift_days")]
    pub gift_days: u16,
}

const fn one() -> i64 {
    1
}

const fn gift_days() -> u16 {
    30
}

/// What a member did in a year, in one wallet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Year {
    /// How many points they gave.
    pub sent: i64,
    /// How often.
    pub times: i64,
    /// How many they got.
    pub received: i64,
}

/// Whoever gives.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// Since when they are a member.
    pub enrolled_at: Timestamp,
    /// What they did this year.
    pub year: Year,
    /// How many points they have that are old enough.
    pub old_enough: i64,
}

impl Transfers {
    pub(crate) fn check(&self, program: &Program) -> Result<(), Error> {
        for (at, wallet) in self.wallets.iter().enumerate() {
            let place = format!("transfers.wallets[{at}]");
            program.check_wallet(&place, Some(wallet))?;
            if self.wallets[..at].contains(wallet) {
                return Err(Error::invalid(place, "is named twice"));
            }
        }
        let limits = [
            ("least", Some(self.least), 1),
            ("most", self.most, self.least),
            ("sent_per_year", self.sent_per_year, self.least),
            ("received_per_year", self.received_per_year, self.least),
            ("times_per_year", self.times_per_year, 1),
            ("approve_above", self.approve_above, 0),
        ];
        for (field, limit, least) in limits {
            if limit.is_some_and(|limit| !(least..=AMOUNT_MAX).contains(&limit)) {
                return Err(Error::invalid(format!("transfers.{field}"), format!("{least} to {AMOUNT_MAX}")));
            }
        }
        for (field, days, least) in [
            ("older_than_days", self.older_than_days, 0),
            ("waiting_days", self.waiting_days, 0),
            ("gift_days", self.gift_days, 1),
        ] {
            if !(least..=DAYS_MAX).contains(&days) {
                return Err(Error::invalid(format!("transfers.{field}"), format!("{least} to {DAYS_MAX}")));
            }
        }
        Ok(())
    }

    /// Whether points of a wallet may be given.
    pub fn concerns(&self, program: &Program, wallet: &str) -> bool {
        if self.wallets.is_empty() { program.key_meant(None) == wallet } else { self.wallets.iter().any(|it| it == wallet) }
    }

    /// Why a member may not give so many, by what they did before.
    ///
    /// # Errors
    /// The first limit that it goes past.
    pub fn may_send(&self, amount: i64, sender: Sender, now: Timestamp) -> Result<(), Refusal> {
        let Sender { enrolled_at, year, old_enough } = sender;
        let days = |days: u16| i64::from(days) * Timestamp::DAY;
        let over = |limit: Option<i64>, sum: i64| limit.is_some_and(|limit| sum > limit);
        match () {
            () if amount < self.least => Err(Refusal::TooFew),
            () if over(self.most, amount) => Err(Refusal::TooMany),
            () if now < enrolled_at.plus(days(self.waiting_days)) => Err(Refusal::TooSoon),
            () if over(self.times_per_year, year.times + 1) => Err(Refusal::TimesLimit),
            () if over(self.sent_per_year, year.sent.saturating_add(amount)) => Err(Refusal::SentLimit),
            () if self.older_than_days > 0 && amount > old_enough => Err(Refusal::TooYoung),
            () => Ok(()),
        }
    }

    /// Why a member may not get so many.
    ///
    /// # Errors
    /// That it goes past what they may get in a year.
    pub fn may_receive(&self, amount: i64, year: Year) -> Result<(), Refusal> {
        let sum = year.received.saturating_add(amount);
        if self.received_per_year.is_some_and(|limit| sum > limit) { Err(Refusal::ReceivedLimit) } else { Ok(()) }
    }

    /// Whether somebody else must approve so many.
    pub fn needs_approval(&self, amount: i64) -> bool {
        self.approve_above.is_some_and(|limit| amount > limit)
    }
}
