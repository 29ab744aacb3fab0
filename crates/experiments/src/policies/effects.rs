//! Whom an experiment says the other arm moves: effects person by person, and what to do with them.
//!
//! The people of the experiment are parted: on three fifths learners learn, on the rest each way to act is judged by what it would have brought there, less
//! what the arm costs: nobody, everybody, those who would have the outcome anyway (the plain response model), and those whose expected effect pays. The best
//! of them is what the policy does, and expected effects are taken only where they brought surely more than all others; what was found of each is kept and told.
//! A fact that is not known is told apart from all numbers; one that is the same of everybody is left out.
//!
//! Always holds: both arms have at least the floor's chance; a trial that cannot be learnt from is a verdict in words and changes nothing.
//!
//! Does not do: read people. It is given rows of an experiment in which chance decided.

use rapport_models::Fault;
use rapport_models::bandits::{Logged, self_normalised};
use rapport_models::learn::{Feature, Outcome, Table};
use rapport_models::uplift::{Comparison, Learner, Options, Uplift, average_effect};
use serde::{Deserialize, Serialize};

use super::learner::Features;

/// Somebody of the experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// What was known of them when they were exposed.
    pub features: Features,
    /// Whether they had the other arm.
    pub treated: bool,
    /// What it brought, without what the arm costs.
    pub reward: f64,
}

/// A way to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Nobody gets the other arm.
    Nobody,
    /// Everybody does.
    Everybody,
    /// Those who most probably have the outcome anyway.
    Response,
    /// Those whose expected effect pays for its cost.
    Effects,
}

/// What a way brings a person, on people that nothing learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Which.
    pub way: Way,
    /// What it brings a person, less what arms cost.
    pub value: f64,
    /// The interval's lower end, with 95 %.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// The share of people who get the other arm.
    pub share: f64,
}

/// What was learnt of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// What the policy does.
    pub way: Way,
    /// What each way brings, all of them.
    pub judged: Vec<Judged>,
    /// By how much expected effects are ahead of the best other way, with the interval.
    pub ahead: (f64, f64, f64),
    /// The average effect of the other arm on the reward, with its interval.
    pub average: (f64, f64, f64),
    /// How many people it was learnt from.
    pub people: usize,
    /// The learner's name.
    pub learner: String,
    floor: f64,
    cost: f64,
    /// From which response on somebody gets the other arm; none: nobody does.
    from: Option<f64>,
    /// The places of the features that differ between people.
    used: Vec<usize>,
    model: Option<Uplift>,
}

/// Learns on so many of five.
const KEPT: usize = 3;

impl Effects {
    /// Learnt of an experiment's people; `chance` is that of the other arm, `cost` what it costs.
    ///
    /// # Errors
    /// Why these people say nothing: too few, or what is alike in all of them.
    pub fn of(people: &[Person], chance: f64, cost: f64, floor: f64, is_share: bool) -> Result<Self, Fault> {
        let features = people.first().map_or(0, |it| it.features.len());
        let (kept, held): (Vec<_>, Vec<_>) = people.iter().enumerate().partition(|(at, _)| at % 5 < KEPT);
        let kept: Vec<&Person> = kept.into_iter().map(|(_, it)| it).collect();
        let held: Vec<&Person> = held.into_iter().map(|(_, it)| it).collect();
        let used: Vec<usize> = (0..features).filter(|at| !column(*at, &kept).is_constant()).collect();
        let (table, trial) = (table(&used, &kept)?, trial(&kept, chance, is_share)?);
        let average = average_effect(&trial)?;
        let options = Options::default();
        let response = Uplift::fit(&table, &trial, Learner::Response, &options)?;
        let model = Uplift::fit(&table, &trial, Learner::X, &options)?;
        let others = self::table(&used, &held)?;
        let expected = model.predict(&others)?;
        let said = response.predict(&others)?;
        // As many as expected effects would have got it, so that only the order differs.
        let many = expected.iter().filter(|it| **it > cost).count();
        let mut order = said.clone();
        order.sort_by(|a, b| b.total_cmp(a));
        let from = many.checked_sub(1).map(|last| order[last]);
        let acts: Vec<(Way, Vec<bool>)> = vec![
            (Way::Nobody, vec![false; held.len()]),
            (Way::Everybody, vec![true; held.len()]),
            (Way::Response, said.iter().map(|it| from.is_some_and(|from| *it >= from)).collect()),
            (Way::Effects, expected.iter().map(|it| *it > cost).collect()),
        ];
        let judged =
            acts.iter().map(|(way, acts)| judge(*way, acts, &held, chance, cost)).collect::<Result<Vec<_>, _>>()?;
        // Of ways that are as good the plainest.
        let other = (1..3).fold(0, |best, it| if judged[it].value > judged[best].value { it } else { best });
        let ahead = ahead(&acts[3].1, &acts[other].1, &held, chance, cost);
        let way = if ahead.1 > 0.0 { Way::Effects } else { judged[other].way };
        Ok(Self {
            way,
            judged,
            ahead,
            average: (average.value, average.low, average.high),
            people: people.len(),
            learner: Learner::X.to_string(),
            floor,
            cost,
            from,
            used,
            model: match way {
                Way::Effects => Some(model),
                Way::Response => Some(response),
                Way::Nobody | Way::Everybody => None,
            },
        })
    }

    /// The chance of the usual and of the other arm, of those allowed.
    pub fn chances(&self, features: &[Option<f64>], allowed: &[usize]) -> Option<Vec<f64>> {
        let mut found = vec![0.0; 2];
        if let [only] = allowed {
            *found.get_mut(*only)? = 1.0;
            return Some(found);
        }
        let acts = match self.way {
            Way::Nobody => false,
            Way::Everybody => true,
            Way::Response => self.from.is_some_and(|from| self.says(features).is_some_and(|it| it >= from)),
            Way::Effects => self.says(features)? > self.cost,
        };
        found[usize::from(acts)] = 1.0 - self.floor;
        found[usize::from(!acts)] = self.floor;
        Some(found)
    }

    fn says(&self, features: &[Option<f64>]) -> Option<f64> {
        let row = Person { features: features.to_vec(), treated: false, reward: 0.0 };
        let table = table(&self.used, &[&row]).ok()?;
        self.model.as_ref()?.predict(&table).ok()?.first().copied()
    }
}

fn column(at: usize, people: &[&Person]) -> Feature {
    let value = |it: &&Person| it.features.get(at).copied().flatten().unwrap_or(f64::NAN);
    Feature::numbers(format!("x{at}"), people.iter().map(value).collect())
}

fn table(used: &[usize], people: &[&Person]) -> Result<Table, Fault> {
    Table::new(used.iter().map(|at| column(*at, people)).collect())
}

fn trial(people: &[&Person], chance: f64, is_share: bool) -> Result<Comparison, Fault> {
    let treated: Vec<bool> = people.iter().map(|it| it.treated).collect();
    let propensities = vec![chance; people.len()];
    if is_share {
        let class: Vec<bool> = people.iter().map(|it| it.reward > 0.5).collect();
        return Comparison::new(&treated, Outcome::Class(&class), Some(&propensities));
    }
    let numbers: Vec<f64> = people.iter().map(|it| it.reward).collect();
    Comparison::new(&treated, Outcome::Number(&numbers), Some(&propensities))
}

fn judge(way: Way, acts: &[bool], held: &[&Person], chance: f64, cost: f64) -> Result<Judged, Fault> {
    let logged = |(acts, it): (&bool, &&Person)| Logged {
        propensity: if it.treated { chance } else { 1.0 - chance },
        target: f64::from(u8::from(*acts == it.treated)),
        reward: it.reward - if it.treated { cost } else { 0.0 },
    };
    let logged: Vec<Logged> = acts.iter().zip(held).map(logged).collect();
    let value = self_normalised(&logged, f64::MAX)?.reward;
    let share = acts.iter().filter(|it| **it).count() as f64 / acts.len().max(1) as f64;
    Ok(Judged { way, value: value.value, low: value.low, high: value.high, share })
}

/// By how much one way is ahead of another on the same people: the mean of differences of their weighted rewards (Horvitz and Thompson), with 95 %.
fn ahead(one: &[bool], other: &[bool], held: &[&Person], chance: f64, cost: f64) -> (f64, f64, f64) {
    let term = |((one, other), it): ((&bool, &bool), &&Person)| {
        let (propensity, paid) = if it.treated { (chance, cost) } else { (1.0 - chance, 0.0) };
        let weight = f64::from(u8::from(*one == it.treated)) - f64::from(u8::from(*other == it.treated));
        weight / propensity * (it.reward - paid)
    };
    let terms: Vec<f64> = one.iter().zip(other).zip(held).map(term).collect();
    let found = rapport_models::estimate::Estimate::mean(&terms);
    (found.value, found.low, found.high)
}
