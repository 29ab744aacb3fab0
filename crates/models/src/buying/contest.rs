//! Which of all models of buying to use, those too that are slow or ask for more than histories: how regularly somebody bought, and what is known of them
//! from the start.
//!
//! As by [`Choice`](super::Choice), each is fitted to what was known before, and judged by how probable the counts were that followed. What is quick is fitted to
//! everybody; what is slow, to at most 3,000 customers taken at even distances. All are judged on the same customers, at most 2,000.
//!
//! Always holds: what followed is never seen by a fit; a model that could not be fitted is listed with why; of equals the earlier is taken, and the plain models
//! come first. A model with more parameters has to foretell better, not to fit better.

use super::choice::{Kind, Model, Score};
use super::{BgNbd, Buying, Explained, GGompertzNbd, Histories, History, MbgNbd, ParetoGgg, ParetoNbd, Rhythm};
use crate::Fault;

/// How many customers a slow model is fitted to, and how many all are judged on.
const FITTED: usize = 3_000;
const JUDGED: usize = 2_000;

/// What is known of customers, a row each.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What they did.
    pub histories: &'a [History],
    /// The sums of the logarithms of their gaps ([`Rhythm::logs`]), where single purchases are known.
    pub logs: Option<&'a [f64]>,
    /// What is known of them from the start, as many numbers of each.
    pub covariates: Option<&'a [Vec<f64>]>,
}

/// One customer of them.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// What they did.
    pub history: History,
    /// The sum of the logarithms of their gaps.
    pub logs: f64,
    /// What is known from the start.
    pub covariates: &'a [f64],
}

/// A way to model buying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Histories only.
    Plain(Kind),
    /// With what is known from the start.
    Described(Kind),
    /// GGompertz/NBD: leaving becomes likelier with time.
    GGompertzNbd,
    /// Pareto/GGG: people buy more or less by a clock.
    ParetoGgg,
}

/// A model of any of these ways.
#[derive(Clone, Debug, PartialEq)]
pub enum Learnt {
    /// Of histories only.
    Plain(Model),
    /// Pareto/NBD with covariates.
    ParetoNbdBy(Explained<ParetoNbd>),
    /// MBG/NBD with covariates.
    MbgNbdBy(Explained<MbgNbd>),
    /// BG/NBD with covariates.
    BgNbdBy(Explained<BgNbd>),
    /// GGompertz/NBD.
    GGompertzNbd(GGompertzNbd),
    /// Pareto/GGG.
    ParetoGgg(ParetoGgg),
}

/// A way that was tried: its model as it was fitted to what was known before, and how it did; or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which.
    pub way: Way,
    /// What came of it.
    pub outcome: Result<(Learnt, Score), Fault>,
}

/// What was tried and which was best.
#[derive(Clone, Debug, PartialEq)]
pub struct Contest {
    /// All that were tried.
    pub entries: Vec<Entry>,
    /// The place of the best.
    pub best: usize,
}

impl<'a> Known<'a> {
    /// Only what they did.
    pub fn of(histories: &'a [History]) -> Self {
        Self { histories, logs: None, covariates: None }
    }

    /// The ways that can be tried with what is known, the plain ones first.
    pub fn ways(&self) -> Vec<Way> {
        let mut ways: Vec<Way> = Kind::ALL.into_iter().map(Way::Plain).collect();
        ways.push(Way::GGompertzNbd);
        ways.extend(self.logs.map(|_| Way::ParetoGgg));
        if self.covariates.is_some_and(|it| it.first().is_some_and(|row| !row.is_empty())) {
            ways.extend(Kind::ALL.into_iter().map(Way::Described));
        }
        ways
    }

    /// The customer at a place.
    pub fn person(&self, at: usize) -> Person<'a> {
        Person {
            history: self.histories[at],
            logs: self.logs.map_or(0.0, |it| it[at]),
            covariates: self.covariates.map_or(&[], |it| &it[at]),
        }
    }

    /// Every customer with how regularly they bought.
    fn rhythms(&self, step: usize) -> Vec<Rhythm> {
        let places = (0..self.histories.len()).step_by(step);
        let rhythm = |it: Person<'_>| Rhythm { history: it.history, logs: it.logs, weight: 1.0 };
        places.map(|at| rhythm(self.person(at))).collect()
    }

    fn sound(&self) -> Result<(), Fault> {
        let need = self.histories.len();
        if let Some(have) = self.logs.map(<[f64]>::len).filter(|have| *have != need) {
            return Err(Fault::Shape { what: "sums of logarithms of gaps", have, need });
        }
        if let Some(have) = self.covariates.map(<[Vec<f64>]>::len).filter(|have| *have != need) {
            return Err(Fault::Shape { what: "rows of covariates", have, need });
        }
        Ok(())
    }
}

impl Way {
    /// Fitted to what is known, the slow ones to every `step`-th customer.
    fn fit_some(self, known: &Known<'_>, step: usize) -> Result<Learnt, Fault> {
        known.sound()?;
        let some = |step: usize| known.histories.iter().step_by(step).copied().collect::<Vec<_>>();
        match self {
            Self::Plain(kind) => kind.fit(&Histories::new(known.histories)?).map(Learnt::Plain),
            Self::GGompertzNbd => {
                GGompertzNbd::fit(&Histories::new(&some(step))?).map(|it| Learnt::GGompertzNbd(it.model))
            }
            Self::ParetoGgg if known.logs.is_none() => {
                Err(Fault::NotIdentified { why: "how regularly people buy, as single purchases are not known" })
            }
            Self::ParetoGgg => ParetoGgg::fit(&known.rhythms(step)).map(|it| Learnt::ParetoGgg(it.model)),
            Self::Described(kind) => {
                let covariates: Vec<Vec<f64>> =
                    known.covariates.unwrap_or_default().iter().step_by(step).cloned().collect();
                let some = some(step);
                match kind {
                    Kind::ParetoNbd => Explained::fit(&some, &covariates).map(Learnt::ParetoNbdBy),
                    Kind::MbgNbd => Explained::fit(&some, &covariates).map(Learnt::MbgNbdBy),
                    Kind::BgNbd => Explained::fit(&some, &covariates).map(Learnt::BgNbdBy),
                }
            }
        }
    }

    /// Fitted to all that is known.
    pub fn fit(self, known: &Known<'_>) -> Result<Learnt, Fault> {
        self.fit_some(known, 1)
    }
}

impl Learnt {
    fn rhythm(person: &Person<'_>) -> Rhythm {
        Rhythm { history: person.history, logs: person.logs, weight: 1.0 }
    }

    /// What `plain` says of whom a model of histories knows, or `regular` of a model of regularity.
    fn ask<T>(
        &self,
        person: &Person<'_>,
        plain: impl Fn(&dyn Buying) -> T,
        regular: impl Fn(&ParetoGgg, &Rhythm) -> T,
    ) -> T {
        let own;
        let it: &dyn Buying = match self {
            Self::ParetoGgg(it) => return regular(it, &Self::rhythm(person)),
            Self::GGompertzNbd(it) => it,
            Self::Plain(it) => it,
            Self::ParetoNbdBy(it) => {
                own = Model::ParetoNbd(it.of(person.covariates));
                &own
            }
            Self::MbgNbdBy(it) => {
                own = Model::MbgNbd(it.of(person.covariates));
                &own
            }
            Self::BgNbdBy(it) => {
                own = Model::BgNbd(it.of(person.covariates));
                &own
            }
        };
        plain(it)
    }

    /// The probability that they are still there.
    pub fn alive(&self, person: &Person<'_>) -> f64 {
        self.ask(person, |it| it.alive(&person.history), ParetoGgg::alive)
    }

    /// How often they are expected to buy in what follows.
    pub fn expected(&self, person: &Person<'_>, horizon: f64) -> f64 {
        let plain = |it: &dyn Buying| it.expected(&person.history, horizon);
        self.ask(person, plain, |it, row| it.outlook(row, horizon, 0).expected)
    }

    /// The probabilities that they buy 0, 1, 2 … `most` times in what follows.
    pub fn probabilities(&self, person: &Person<'_>, horizon: f64, most: usize) -> Vec<f64> {
        let plain = |it: &dyn Buying| it.probabilities(&person.history, horizon, most);
        self.ask(person, plain, |it, row| it.outlook(row, horizon, most).probabilities)
    }

    /// What they are expected to buy in each of `periods` of the length `period` that follow, each counted at its end at a rate of `discount` a period.
    pub fn discounted(&self, person: &Person<'_>, period: f64, periods: u32, discount: f64) -> f64 {
        let (mut before, mut sum) = (0.0, 0.0);
        for n in 1..=periods {
            let until = self.expected(person, period * f64::from(n));
            sum += (until - before) / (1.0 + discount).powi(n as i32);
            before = until;
        }
        sum
    }
}

impl Contest {
    /// Fits all that can be tried to what was known, and compares them on how often each customer bought `later`, in the `horizon` that followed. The fault, if
    /// none could be fitted, is that of the first.
    pub fn among(ways: &[Way], known: &Known<'_>, later: &[u32], horizon: f64) -> Result<Self, Fault> {
        let customers = known.histories.len();
        if customers != later.len() {
            return Err(Fault::Shape { what: "counts of what followed", have: later.len(), need: customers });
        }
        if !(horizon > 0.0 && horizon.is_finite()) {
            return Err(Fault::NotIdentified { why: "how long the time is that followed" });
        }
        if ways.is_empty() {
            return Err(Fault::TooFew { what: "models to compare", have: 0, need: 1 });
        }
        known.sound()?;
        let step = customers.div_ceil(FITTED).max(1);
        let places: Vec<usize> = (0..customers).step_by(customers.div_ceil(JUDGED).max(1)).collect();
        let judged: Vec<u32> = places.iter().map(|at| later[*at]).collect();
        let tried = |way: &Way| {
            let outcome = way.fit_some(known, step).map(|it| {
                let score = judge(&it, known, (&places, &judged), horizon);
                (it, score)
            });
            Entry { way: *way, outcome }
        };
        let entries: Vec<Entry> = ways.iter().map(tried).collect();
        let score = |at: usize| entries[at].outcome.as_ref().map_or(f64::NEG_INFINITY, |it| it.1.log_score);
        let best = (0..entries.len()).fold(0, |best, at| if score(at) > score(best) { at } else { best });
        if let Err(fault) = &entries[best].outcome {
            return Err(fault.clone());
        }
        Ok(Self { entries, best })
    }

    /// The best of them.
    pub fn way(&self) -> Way {
        self.entries[self.best].way
    }
}

/// How a model did with the customers at these places; a person is asked for once.
fn judge(learnt: &Learnt, known: &Known<'_>, (places, later): (&[usize], &[u32]), horizon: f64) -> Score {
    if let Learnt::ParetoGgg(model) = learnt {
        // An outlook has the expected number and the probabilities at once, and takes milliseconds.
        let outlook = |(at, count): (&usize, &u32)| {
            let found = model.outlook(&Learnt::rhythm(&known.person(*at)), horizon, *count as usize);
            (found.expected, found.probabilities.last().copied().unwrap_or(0.0))
        };
        let told: Vec<(f64, f64)> = places.iter().zip(later).map(outlook).collect();
        return Score::of_each(later, 1, |at| told[at].0, |at, _| told[at].1);
    }
    let expected = |at: usize| learnt.expected(&known.person(places[at]), horizon);
    let chance = |at: usize, count: usize| learnt.probabilities(&known.person(places[at]), horizon, count)[count];
    Score::of_each(later, 1, expected, chance)
}
