//! A challenge, as staff write it.

use rapport_domain::money::MICROS_PER_UNIT;
use rapport_segments::{Condition, Scope};
use serde::{Deserialize, Serialize};

use super::{Period, StreakUnit};
use crate::Error;
use crate::decimal::Decimal;
use crate::document::{Document, check_shown};
use crate::earning::{Base, Window, check_event, refuse_history};
use crate::program::{Program, check_key, check_name};

const STEPS_MAX: usize = 20;
/// The most of a target: money, units or times.
const TARGET_MAX: i64 = 1_000_000_000;
/// So many days, weeks or months in a row at most.
const IN_A_ROW_MAX: i64 = 3_650;
const FREEZES_MAX: u8 = 30;
/// So often at most in a period, so that one order of a million units is not a million completions.
const TIMES_MAX: u32 = 1_000;
const DAYS_MAX: u16 = 3_660;
/// What the names of events begin with that the ledger and challenges tell themselves.
const OWN: [&str; 5] = ["Points ", "Member ", "Challenge ", "Badge ", "Leaderboard "];

/// A challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it: "Seven days of walking".
    pub name: String,
    /// What is to be done, in a few words.
    #[serde(default)]
    pub words: String,
    /// The address of a picture.
    #[serde(default)]
    pub picture: Option<String>,
    /// Challenges are listed in this order; those of one place by their keys.
    #[serde(default)]
    pub place: u32,
    /// The event that counts: `Order Completed`.
    pub event: String,
    /// What must hold of the event and of who did it.
    #[serde(default = "always")]
    pub when: Condition,
    /// Who may take part.
    #[serde(default = "always")]
    pub who: Condition,
    /// Only lines of an order for which this holds; an order without such a line does not count.
    #[serde(default)]
    pub items: Option<Condition>,
    /// What is counted.
    pub counts: Counts,
    /// How much of it is needed for what, rising.
    pub steps: Vec<Step>,
    /// In which time.
    #[serde(default)]
    pub period: Period,
    /// How often it can be completed in a period.
    #[serde(default)]
    pub recurrence: Recurrence,
    /// How members come to take part.
    #[serde(default)]
    pub joins: Joins,
    /// When it holds.
    #[serde(default)]
    pub window: Window,
    /// What becomes of what was given when it turns out that it was not completed.
    #[serde(default)]
    pub rollback: Rollback,
}

const fn always() -> Condition {
    Condition::All(Vec::new())
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Counts {
    /// How often it happened.
    Times,
    /// Units of an order's lines.
    Units,
    /// An amount of money, in the programme's currency.
    Amount {
        /// Of which amount.
        #[serde(default)]
        base: Base,
    },
    /// Days, weeks or months in a row in which it happened: a streak.
    InARow {
        /// Of what.
        unit: StreakUnit,
        /// So many may be missed in a streak without breaking it.
        #[serde(default)]
        freezes: u8,
    },
    /// Different values of a property: categories, stores, products.
    Distinct {
        /// The path of the property.
        property: String,
        /// Whether it is a property of the order's lines instead of the event's.
        #[serde(default)]
        of_lines: bool,
    },
}

/// A step of a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How much is needed since the round began.
    pub target: Decimal,
    /// What members call it.
    #[serde(default)]
    pub name: String,
    /// How many points it gives.
    #[serde(default)]
    pub points: Option<i64>,
    /// Into which wallet; the programme's first, unless said.
    #[serde(default)]
    pub wallet: Option<String>,
    /// The badge it gives.
    #[serde(default)]
    pub badge: Option<String>,
}

/// How often a challenge can be completed in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Recurrence {
    /// Once.
    #[default]
    Once,
    /// So often.
    Times {
        /// How often.
        count: u32,
    },
    /// Again and again, up to a thousand times: what is over after a round counts for the next.
    Always,
}

/// How members come to take part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joins {
    /// By doing what counts.
    #[default]
    ByDoing,
    /// By saying so; what they did before does not count.
    OptIn,
}

/// What becomes of what was given when it turns out that it was not completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollback {
    /// Points are reversed, the badge is taken back.
    #[default]
    TakeBack,
    /// Members keep it.
    Keep,
}

impl Recurrence {
    /// How often at most.
    pub const fn most(self) -> u32 {
        match self {
            Self::Once => 1,
            Self::Times { count } => count,
            Self::Always => TIMES_MAX,
        }
    }
}

impl Step {
    /// The wallet into which it gives.
    pub fn wallet<'a>(&'a self, program: &'a Program) -> &'a str {
        program.key_meant(self.wallet.as_deref())
    }
}

impl Document for Challenge {
    const KIND: &'static str = "challenge";
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
        check_shown(&self.words, self.picture.as_deref())?;
        check_event(
            "event",
            &self.event,
            &OWN,
            "is one that comes of earning itself; points for points would never end",
        )?;
        refuse_history("when", &self.when, Scope::EventAndPerson)?;
        refuse_history("who", &self.who, Scope::Person)?;
        if let Some(items) = &self.items {
            refuse_history("items", items, Scope::Event)?;
        }
        self.counts.check()?;
        self.period.check()?;
        if self.recurrence.most() == 0 || matches!(self.recurrence, Recurrence::Times { count } if count > TIMES_MAX) {
            return Err(Error::invalid("recurrence.count", format!("1 to {TIMES_MAX}")));
        }
        self.window.check(&program.calendar()?)?;
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            return Err(Error::invalid("steps", format!("1 to {STEPS_MAX}")));
        }
        for (at, step) in self.steps.iter().enumerate() {
            let before = at.checked_sub(1).map_or(0, |before| self.steps[before].target.micros());
            self.check_step(&format!("steps[{at}]"), step, before, program)?;
        }
        Ok(())
    }
}

impl Challenge {
    fn check_step(&self, place: &str, step: &Step, before: i64, program: &Program) -> Result<(), Error> {
        let target = step.target.micros();
        let is_whole = target % MICROS_PER_UNIT == 0 || matches!(self.counts, Counts::Amount { .. });
        let most = if matches!(self.counts, Counts::InARow { .. }) { IN_A_ROW_MAX } else { TARGET_MAX };
        if target <= before || !is_whole || target > most * MICROS_PER_UNIT {
            let what = if matches!(self.counts, Counts::Amount { .. }) { "an amount" } else { "a whole number" };
            let problem = format!("{what} above that of the step before, at most {most}");
            return Err(Error::invalid(format!("{place}.target"), problem));
        }
        if !step.name.is_empty() {
            check_name(&format!("{place}.name"), &step.name)?;
        }
        program.check_given(place, step.points, step.wallet.as_deref(), step.badge.as_deref())
    }

    /// Refuses a version that would count something else than the one before it, so that what members did would mean something else in the midst of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    pub fn refuse_change(&self, before: &Self) -> Result<(), Error> {
        let why = "stays as it was begun, since members are in the midst of it; end this challenge and begin another";
        if self.counts != before.counts {
            return Err(Error::invalid("counts", why));
        }
        if self.period != before.period {
            return Err(Error::invalid("period", why));
        }
        if self.joins != before.joins {
            return Err(Error::invalid("joins", why));
        }
        Ok(())
    }

    /// Whether it is a streak.
    pub const fn is_streak(&self) -> bool {
        matches!(self.counts, Counts::InARow { .. })
    }

    /// How much a whole round needs, in millionths.
    pub fn round(&self) -> i64 {
        self.steps.last().map_or(0, |step| step.target.micros())
    }
}

impl Counts {
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::InARow { freezes, .. } if *freezes > FREEZES_MAX => {
                Err(Error::invalid("counts.freezes", format!("0 to {FREEZES_MAX}")))
            }
            Self::Distinct { property, .. } if property.is_empty() || property.len() > 200 => {
                Err(Error::invalid("counts.property", "the path of a property, of 1 to 200 bytes"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a part of an order that goes back takes a part of it.
    pub const fn is_divisible(&self) -> bool {
        matches!(self, Self::Units | Self::Amount { .. })
    }
}

impl Period {
    fn check(self) -> Result<(), Error> {
        match self {
            Self::Rolling { days } if days == 0 || days > DAYS_MAX => {
                Err(Error::invalid("period.days", format!("1 to {DAYS_MAX}")))
            }
            _ => Ok(()),
        }
    }
}
