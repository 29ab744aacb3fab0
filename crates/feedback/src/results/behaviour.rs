//! What those did who answered: what promoters, passives and detractors spent in the days after they said so.
//!
//! Each person counts once, by their first answer of the time asked for, so that what is spent afterwards cannot choose the answer; and only once the days after it
//! are over. It is what went with the answer, not what the answer caused.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp};
use rapport_models::experiments::{Arm, Effect, Estimand, Inference, Moments};
use rapport_models::survey::{Confidence, Scale, share};

use super::funnel::Share;
use crate::records::counts::GivenRow;

/// What somebody stands for by their answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stance {
    /// Of recommendation 9 and 10; of others the best two values.
    Promoter,
    /// Between.
    Passive,
    /// Of recommendation 0 to 6; of others the worst two values.
    Detractor,
}

impl Stance {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Promoter, Self::Passive, Self::Detractor];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoter => "promoter",
            Self::Passive => "passive",
            Self::Detractor => "detractor",
        }
    }

    /// What a value of a scale stands for; `None` of what is none of its values. On a scale with few values the good end is looked at first.
    fn of(row: &GivenRow) -> Option<Self> {
        let (low, high, number) = (row.low?, row.high?, row.number?);
        if !(low..=high).contains(&number) {
            return None;
        }
        let (from_best, from_worst) = if row.direction.as_deref() == Some("down") {
            (number - low, high - number)
        } else {
            (high - number, number - low)
        };
        let is_nps = row.kind == "nps" && low == i64::from(*Scale::NPS.values().start());
        let worst = if is_nps { 6 } else { 1 };
        Some(if from_best <= 1 {
            Self::Promoter
        } else if from_worst <= worst {
            Self::Detractor
        } else {
            Self::Passive
        })
    }
}

/// What those of one stance spent.
#[derive(Clone, Debug, PartialEq)]
pub struct Spending {
    /// Which.
    pub stance: Stance,
    /// How many people.
    pub people: u64,
    /// The share of those who bought anything.
    pub bought: Option<Share>,
    /// What each spent on average, in millionths of the currency; `None` for nobody.
    pub mean: Option<f64>,
    /// What each spent less what each of the detractors did, with its interval (Welch); `None` where it cannot be said.
    pub more_than_detractors: Option<Share>,
}

/// What people spent after they answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// By stance.
    pub spending: Vec<Spending>,
    /// People whose days are not over yet.
    pub too_recent: u64,
}

/// What those spent who gave `answers` (in the order of time), of what was `paid` (by whom, when, millionths), in the `days` after.
pub fn behaviour(
    answers: &[GivenRow],
    paid: &[(PersonId, Timestamp, i64)],
    (days, now): (u32, Timestamp),
    confidence: Confidence,
) -> Behaviour {
    let span = i64::from(days) * Timestamp::DAY;
    let mut first: BTreeMap<PersonId, (Timestamp, Stance)> = BTreeMap::new();
    for row in answers {
        if let (Some(person), Some(stance)) = (row.person, Stance::of(row)) {
            first.entry(person).or_insert((row.answered_at, stance));
        }
    }
    let known = first.len();
    first.retain(|_, (at, _)| at.plus(span) <= now);
    let mut spent: BTreeMap<PersonId, i64> = first.keys().map(|it| (*it, 0)).collect();
    let mut bought: BTreeMap<Stance, u64> = BTreeMap::new();
    let mut buyers = std::collections::BTreeSet::new();
    for (person, at, micros) in paid {
        let Some((answered, stance)) = first.get(person) else { continue };
        if answered <= at && *at < answered.plus(span) {
            *spent.entry(*person).or_default() += micros;
            if buyers.insert(*person) {
                *bought.entry(*stance).or_default() += 1;
            }
        }
    }
    let mut sums: BTreeMap<Stance, Moments> = BTreeMap::new();
    for (person, (_, stance)) in &first {
        let it = spent[person] as f64;
        let own = sums.entry(*stance).or_default();
        *own = own.merged(Moments { n: 1, sum: it, squares: it * it });
    }
    let of = |stance: Stance| sums.get(&stance).copied().unwrap_or_default();
    let spending = |stance: Stance| {
        let own = of(stance);
        let rate = share(bought.get(&stance).copied().unwrap_or_default(), own.n, confidence);
        Spending {
            stance,
            people: own.n,
            bought: rate.map(|(estimate, (low, high))| Share { estimate, low, high }),
            mean: (own.n > 0).then(|| own.sum / own.n as f64),
            more_than_detractors: (stance != Stance::Detractor)
                .then(|| more(own, of(Stance::Detractor), confidence))
                .flatten(),
        }
    };
    let spending = Stance::ALL.map(spending).into();
    Behaviour { spending, too_recent: (known - first.len()) as u64 }
}

/// How much greater one mean is than another, with its interval (Welch); `None` where nothing says how far chance moves it.
pub(crate) fn more(these: Moments, those: Moments, confidence: Confidence) -> Option<Share> {
    let (these, those): (Arm, Arm) = (these.arm().ok()?, those.arm().ok()?);
    let effect = Effect::between(&these, &those, Estimand::Absolute).ok()?;
    let read = effect.read(&Inference::fixed(confidence.tails())?);
    Some(Share { estimate: read.estimate, low: read.low, high: read.high })
}
