//! A ladder, as staff write it in the programme.

use rapport_segments::{Condition, Scope};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::dates::Unit;
use crate::decimal::Decimal;
use crate::earning::Every;
use crate::program::{Program, check_key, check_name};

/// The most ladders of a programme.
pub const LADDERS_MAX: usize = 5;
const TIERS_MAX: usize = 20;
const MEASURES_MAX: usize = 10;
const BENEFITS_MAX: usize = 50;
/// How deep `any` and `all` lie in each other, and how much is in one.
const DEPTH_MAX: usize = 3;
const WIDTH_MAX: usize = 10;
const WORDS_MAX: usize = 2_000;

/// A ladder of tiers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Its name in addresses and facts, for ever.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What counts.
    pub measures: Vec<Measure>,
    /// In which time it counts.
    #[serde(default)]
    pub period: Period,
    /// How long a tier that is not held any more stays, for the member to catch up.
    #[serde(default)]
    pub grace: Option<Length>,
    /// What becomes of whoever does not hold their tier.
    #[serde(default)]
    pub downgrade: Downgrade,
    /// Whether only what was done from the day of enrolment on counts.
    #[serde(default)]
    pub from_enrolment: bool,
    /// From the lowest to the highest.
    pub tiers: Vec<Tier>,
    /// What tiers are worth having for.
    #[serde(default)]
    pub benefits: Vec<Benefit>,
    /// Nobody stands on it any more. A ladder stays, like a wallet, so that what was is known.
    #[serde(default)]
    pub ended: bool,
}

/// Something that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Its name in needs.
    pub key: String,
    /// What members call it: "Nights".
    pub name: String,
    /// What it is.
    pub counts: Counted,
}

/// What a measure counts. What went back of it never counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Counted {
    /// Points earned, whatever became of them later.
    Points {
        /// Into which wallet; the programme's first, unless said.
        #[serde(default)]
        wallet: Option<String>,
    },
    /// What orders brought, less what went back, in the programme's currency.
    Spent,
    /// Orders of which not everything went back.
    Orders,
    /// Events of a name, from when the ladder first asks for them.
    Events {
        /// Which: `Stay Completed`.
        event: String,
        /// What must hold of the event and of who did it.
        #[serde(default = "always")]
        when: Condition,
        /// A number of the event that is summed up (nights); each counts 1 without it.
        #[serde(default)]
        property: Option<String>,
    },
    /// 1 while this holds of the member, 0 while it does not.
    Condition {
        /// A condition on facts and segments.
        when: Condition,
    },
}

const fn always() -> Condition {
    Condition::All(Vec::new())
}

/// A length of civil time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// How many.
    pub count: u16,
    /// Of what.
    pub unit: Unit,
}

/// In which time things count, and when it is looked whether a tier is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Period {
    /// All of time: what was reached stays, unless a condition ends or something goes back.
    #[default]
    Ever,
    /// The same civil periods for all. A tier that was reached lasts to the end of the next one.
    Calendar {
        /// How long each is; twelve divides by it.
        months: u8,
        /// On which day of the year one begins: `[4, 1]`; 1 January, unless said.
        #[serde(default = "new_year")]
        begins: (i8, i8),
    },
    /// What was done in so much time up to now.
    Rolling {
        /// How many.
        count: u16,
        /// Of what.
        unit: Unit,
    },
    /// Each member's own periods, from the day of their enrolment, or from the day on which they reached their tier.
    Anniversary {
        /// How many.
        count: u16,
        /// Of what.
        unit: Unit,
        /// Of what.
        #[serde(default)]
        of: Anchor,
    },
}

const fn new_year() -> (i8, i8) {
    (1, 1)
}

/// From which day a member's own periods are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The day of enrolment.
    #[default]
    Enrolment,
    /// The day on which the tier was reached or last held; what was done before counts no more then.
    Tier,
}

/// What becomes of whoever does not hold their tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Downgrade {
    /// The tier of which they have what is needed.
    #[default]
    Reassess,
    /// One tier lower, however little they did (a soft landing).
    OneLevel,
    /// Nothing.
    Never,
}

/// A tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name in facts.
    pub key: String,
    /// What members call it.
    pub name: String,
    /// What it needs of the period; nothing in the first tier that everybody has.
    #[serde(default)]
    pub needs: Needs,
    /// What of all of time gives it for life.
    #[serde(default)]
    pub for_life: Option<Needs>,
    /// Whether nobody who once reached it falls below it.
    #[serde(default)]
    pub never_below: bool,
}

/// What a tier needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// All of these.
    All(Vec<Self>),
    /// One of these.
    Any(Vec<Self>),
    /// So much of a measure.
    #[serde(untagged)]
    Of {
        /// Which.
        measure: String,
        /// How much.
        #[serde(default = "one")]
        at_least: Decimal,
    },
}

impl Default for Needs {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

const fn one() -> Decimal {
    Decimal::from_micros(1_000_000)
}

/// Something that a tier is worth having for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benefit {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it.
    pub name: String,
    /// What kind of thing.
    pub kind: BenefitKind,
    /// What it says about it.
    #[serde(default)]
    pub words: String,
    /// Who has it: these tiers.
    pub tiers: Vec<String>,
    /// What else must hold of the member: facts and segments.
    #[serde(default = "always")]
    pub when: Condition,
    /// How often it can be used; as often as they like, unless said.
    #[serde(default)]
    pub times: Option<Times>,
    /// What one use costs, in the programme's currency.
    #[serde(default)]
    pub cost: Option<Decimal>,
}

/// What kind of thing a benefit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenefitKind {
    /// Somebody does something for them.
    Service,
    /// They may go where others may not.
    Access,
    /// They pay less.
    Discount,
    /// They may buy before others.
    EarlyAccess,
    /// Something to read, hear or watch.
    Content,
    /// Something is given in their name.
    Charity,
}

/// How often a benefit can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// So often at most.
    pub most: u32,
    /// In which civil period of the programme's zone.
    pub every: Every,
}

impl BenefitKind {
    /// As it is written in JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Access => "access",
            Self::Discount => "discount",
            Self::EarlyAccess => "early_access",
            Self::Content => "content",
            Self::Charity => "charity",
        }
    }
}

impl Ladder {
    /// One of its tiers and its place from the bottom.
    pub fn place(&self, tier: &str) -> Option<usize> {
        self.tiers.iter().position(|it| it.key == tier)
    }

    /// One of its measures.
    pub fn measure(&self, key: &str) -> Option<&Measure> {
        self.measures.iter().find(|it| it.key == key)
    }

    /// One of its benefits.
    pub fn benefit(&self, key: &str) -> Option<&Benefit> {
        self.benefits.iter().find(|it| it.key == key)
    }

    /// Refuses what could not be reckoned with in this programme.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place below `place`.
    pub fn check(&self, place: &str, program: &Program) -> Result<(), Error> {
        check_key(&format!("{place}.key"), &self.key)?;
        check_name(&format!("{place}.name"), &self.name)?;
        if self.measures.is_empty() || self.measures.len() > MEASURES_MAX {
            return Err(Error::invalid(format!("{place}.measures"), format!("1 to {MEASURES_MAX}")));
        }
        for (at, measure) in self.measures.iter().enumerate() {
            let place = format!("{place}.measures[{at}]");
            measure.check(&place, program)?;
            once(&place, "measure", &measure.key, self.measures[..at].iter().map(|it| &it.key))?;
        }
        self.period.check(&format!("{place}.period"))?;
        if self.period == Period::Ever && self.downgrade == Downgrade::OneLevel {
            let problem = "`one_level` needs a period, after which the next level is looked at";
            return Err(Error::invalid(format!("{place}.downgrade"), problem));
        }
        if let Some(grace) = self.grace {
            grace.check(&format!("{place}.grace"))?;
        }
        if self.tiers.is_empty() || self.tiers.len() > TIERS_MAX {
            return Err(Error::invalid(format!("{place}.tiers"), format!("1 to {TIERS_MAX}")));
        }
        for (at, tier) in self.tiers.iter().enumerate() {
            let place = format!("{place}.tiers[{at}]");
            check_key(&format!("{place}.key"), &tier.key)?;
            check_name(&format!("{place}.name"), &tier.name)?;
            once(&place, "tier", &tier.key, self.tiers[..at].iter().map(|it| &it.key))?;
            tier.needs.check(&format!("{place}.needs"), self, 0)?;
            if at > 0 && tier.needs.is_nothing() {
                return Err(Error::invalid(format!("{place}.needs"), "only the first tier needs nothing"));
            }
            if let Some(needs) = &tier.for_life {
                needs.check(&format!("{place}.for_life"), self, 0)?;
                if needs.is_nothing() {
                    return Err(Error::invalid(format!("{place}.for_life"), "say what it takes"));
                }
            }
        }
        if self.benefits.len() > BENEFITS_MAX {
            return Err(Error::invalid(format!("{place}.benefits"), format!("at most {BENEFITS_MAX}")));
        }
        for (at, benefit) in self.benefits.iter().enumerate() {
            let place = format!("{place}.benefits[{at}]");
            benefit.check(&place, self)?;
            once(&place, "benefit", &benefit.key, self.benefits[..at].iter().map(|it| &it.key))?;
        }
        Ok(())
    }
}

fn once<'a>(place: &str, what: &str, key: &str, mut others: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    if others.any(|other| other == key) {
        return Err(Error::invalid(format!("{place}.key"), format!("another {what} has this key")));
    }
    Ok(())
}

impl Measure {
    fn check(&self, place: &str, program: &Program) -> Result<(), Error> {
        check_key(&format!("{place}.key"), &self.key)?;
        check_name(&format!("{place}.name"), &self.name)?;
        match &self.counts {
            Counted::Points { wallet } => program.check_wallet(&format!("{place}.counts.wallet"), wallet.as_deref()),
            Counted::Spent | Counted::Orders => Ok(()),
            Counted::Events { event, when, property } => {
                if event.is_empty() || event.len() > 200 {
                    return Err(Error::invalid(
                        format!("{place}.counts.event"),
                        "the name of an event, of 1 to 200 bytes",
                    ));
                }
                if property.as_ref().is_some_and(|path| path.is_empty() || path.len() > 200) {
                    return Err(Error::invalid(
                        format!("{place}.counts.property"),
                        "the path of a property, of 1 to 200 bytes",
                    ));
                }
                asks_no_history(&format!("{place}.counts.when"), when, Scope::EventAndPerson)
            }
            Counted::Condition { when } => asks_no_history(&format!("{place}.counts.when"), when, Scope::Person),
        }
    }
}

/// It is judged in the transaction that applies an event, like a rule's.
fn asks_no_history(place: &str, condition: &Condition, scope: Scope) -> Result<(), Error> {
    condition.validate(scope).map_err(|error| Error::invalid(place, error.to_string()))?;
    if condition.asks_history() {
        let why = "asks for somebody's history, which is not looked up while an event is applied; make a segment of it and ask for the segment";
        return Err(Error::invalid(place, why));
    }
    Ok(())
}

impl Length {
    fn check(self, place: &str) -> Result<(), Error> {
        let most = match self.unit {
            Unit::Days => 3_700,
            Unit::Months => 120,
            Unit::Years => 10,
        };
        if (1..=most).contains(&self.count) {
            return Ok(());
        }
        Err(Error::invalid(place, "at least one day, and at most ten years"))
    }
}

impl Period {
    fn check(self, place: &str) -> Result<(), Error> {
        match self {
            Self::Ever => Ok(()),
            Self::Calendar { months, begins } => {
                if months == 0 || months > 12 || 12 % months != 0 {
                    return Err(Error::invalid(format!("{place}.months"), "one of 1, 2, 3, 4, 6, 12"));
                }
                // Of a leap year, so that 29 February is one.
                if jiff::civil::Date::new(2_000, begins.0, begins.1).is_err() {
                    return Err(Error::invalid(
                        format!("{place}.begins"),
                        "is no day of the year; write `[4, 1]` for 1 April",
                    ));
                }
                Ok(())
            }
            Self::Rolling { count, unit } | Self::Anniversary { count, unit, .. } => {
                Length { count, unit }.check(place)
            }
        }
    }
}

impl Needs {
    /// Whether it needs nothing.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::All(parts) if parts.iter().all(Self::is_nothing))
    }

    /// Whether it is met, by how much there is of each measure (in millionths).
    pub fn met(&self, have: &impl Fn(&str) -> i64) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.met(have)),
            Self::Any(parts) => parts.iter().any(|part| part.met(have)),
            Self::Of { measure, at_least } => have(measure) >= at_least.micros(),
        }
    }

    /// What it asks of which measure, in its order.
    pub fn leaves(&self) -> Vec<(&str, Decimal)> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Of { measure, at_least } => vec![(measure, *at_least)],
        }
    }

    fn check(&self, place: &str, ladder: &Ladder, depth: usize) -> Result<(), Error> {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                if depth == DEPTH_MAX || parts.len() > WIDTH_MAX {
                    let problem = format!("`any` and `all` hold at most {WIDTH_MAX} and lie {DEPTH_MAX} deep");
                    return Err(Error::invalid(place, problem));
                }
                if matches!(self, Self::Any(parts) if parts.is_empty()) {
                    return Err(Error::invalid(place, "one of nothing is never met; say of what"));
                }
                parts.iter().enumerate().try_for_each(|(at, it)| it.check(&format!("{place}[{at}]"), ladder, depth + 1))
            }
            Self::Of { measure, at_least } => {
                if ladder.measure(measure).is_none() {
                    return Err(Error::invalid(place, format!("the ladder has no measure `{measure}`")));
                }
                if at_least.micros() <= 0 {
                    return Err(Error::invalid(format!("{place}.at_least"), "above 0"));
                }
                Ok(())
            }
        }
    }
}

impl Benefit {
    fn check(&self, place: &str, ladder: &Ladder) -> Result<(), Error> {
        check_key(&format!("{place}.key"), &self.key)?;
        check_name(&format!("{place}.name"), &self.name)?;
        if self.words.chars().count() > WORDS_MAX {
            return Err(Error::invalid(format!("{place}.words"), format!("at most {WORDS_MAX} characters")));
        }
        if self.tiers.is_empty() || self.tiers.iter().any(|tier| ladder.place(tier).is_none()) {
            return Err(Error::invalid(format!("{place}.tiers"), "one or more of the ladder's tiers"));
        }
        asks_no_history(&format!("{place}.when"), &self.when, Scope::Person)?;
        if self.times.is_some_and(|times| times.most == 0) {
            return Err(Error::invalid(format!("{place}.times.most"), "at least 1"));
        }
        if self.cost.is_some_and(|cost| cost.micros() < 0) {
            return Err(Error::invalid(format!("{place}.cost"), "must not be below 0"));
        }
        Ok(())
    }
}
