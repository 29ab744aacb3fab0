//! Which model of buying tells best what followed, and its fit to all that is known.
//!
//! Always holds: a comparison shows every model that the file allows, with why one was not tried or could not be fitted.

use anyhow::{Result, bail};
use rapport_models::buying::{
    BgNbd, Buying, Contest, Entry, Explained, Fit, GGompertzNbd, Group, Histories, History, Kind, Learnt, Likelihood,
    MbgNbd, Model, Nearby, ParetoGgg, ParetoNbd, Plain, Posterior, Summary, Way,
};
use rapport_models::{Estimate, Fault, Interval};

use super::kept::{GAPS, name, with};
use super::purchases::Known;
use super::{ClvArgs, Method};
use crate::cli::models::report::Cell;

/// A model with what is said of its fit.
pub struct Fitted {
    pub way: Way,
    pub learnt: Learnt,
    /// The models a little off it, where it is known how sure its parameters are.
    pub nearby: Option<Nearby<Learnt>>,
    /// The covariances of the logarithms of the parameters.
    pub covariance: Vec<Vec<f64>>,
    pub estimates: Vec<(String, Estimate)>,
    pub log_likelihood: f64,
    pub aic: Option<f64>,
    /// Between which totals of purchases within the horizon the data leave it.
    pub total: Option<Interval>,
}

/// A slow model is fitted to so many customers, at even distances.
const SLOW: usize = 3_000;
/// A posterior is drawn of at most so many different histories where the likelihood is slow, or of so many customers with covariates.
const DRAWN: usize = 5_000;

/// Which way to fit: the one asked for, or the one that told the last third of the time best. With the table of all that were compared.
pub fn chosen(args: &ClvArgs, known: &mut Known) -> Result<(Way, Vec<Vec<Cell>>)> {
    let described = known.described.is_some();
    let of = |kind| if described { Way::Described(kind) } else { Way::Plain(kind) };
    let way = match args.method {
        Method::ParetoNbd => of(Kind::ParetoNbd),
        Method::BgNbd => of(Kind::BgNbd),
        Method::MbgNbd => of(Kind::MbgNbd),
        Method::GgompertzNbd | Method::ParetoGgg if described => {
            bail!("--covariates go with pareto-nbd, bg-nbd, mbg-nbd and auto")
        }
        Method::GgompertzNbd => Way::GGompertzNbd,
        Method::ParetoGgg => Way::ParetoGgg,
        Method::Auto | Method::BgBb | Method::Sbg => return best(known, of(Kind::ParetoNbd)),
    };
    Ok((way, Vec::new()))
}

/// The way that told the last third of the time best, of all that can be tried; `plain` where nothing can be compared.
fn best(known: &mut Known, plain: Way) -> Result<(Way, Vec<Vec<Cell>>)> {
    let Some(split) = known.split()? else {
        let note = format!("{} is taken: without single purchases models cannot be compared.", name(plain));
        known.data.notes.push(note);
        return Ok((plain, Vec::new()));
    };
    let facts = split.facts();
    let mut ways = facts.ways();
    // The one that looks at gaps costs some hundred times the others, and what it looks for can be told beforehand.
    let random = split.regularity.as_ref().ok().filter(|it| it.low <= 1.0);
    if random.is_some() {
        ways.retain(|it| *it != Way::ParetoGgg);
    }
    let contest = match Contest::among(&ways, &facts, &split.later, split.length) {
        Ok(contest) => contest,
        Err(fault) => {
            let note = format!("{} is taken: models cannot be compared on the last third ({fault})", name(plain));
            known.data.notes.push(note);
            return Ok((plain, Vec::new()));
        }
    };
    let mut tried: Vec<Vec<Cell>> = contest.entries.iter().map(row).collect();
    if let Some(found) = random {
        let why = format!(
            "{}: not tried, as purchases are no more regular than chance (k = {:.2})",
            name(Way::ParetoGgg),
            found.value
        );
        tried.push(alone(why));
    }
    Ok((contest.way(), tried))
}

fn alone(text: String) -> Vec<Cell> {
    vec![Cell::Text(text), Cell::None, Cell::None, Cell::None, Cell::None]
}

fn row(it: &Entry) -> Vec<Cell> {
    match &it.outcome {
        Ok((_, score)) => vec![
            Cell::text_of(name(it.way)),
            Cell::Number(score.log_score),
            Cell::Number(score.mean_absolute),
            Cell::Number(score.root_mean_square),
            Cell::Share(score.bias),
        ],
        Err(fault) => alone(format!("{}: {fault}", name(it.way))),
    }
}

/// The names of a model's parameters.
pub fn names(way: Way, known: &Known) -> Vec<String> {
    let own = match way {
        Way::Plain(Kind::BgNbd) | Way::Described(Kind::BgNbd) => BgNbd::NAMES,
        Way::Plain(Kind::MbgNbd) | Way::Described(Kind::MbgNbd) => MbgNbd::NAMES,
        Way::Plain(Kind::ParetoNbd) | Way::Described(Kind::ParetoNbd) => ParetoNbd::NAMES,
        Way::GGompertzNbd => GGompertzNbd::NAMES,
        Way::ParetoGgg => ParetoGgg::NAMES,
    };
    let mut names: Vec<String> = own.iter().map(|it| (*it).to_owned()).collect();
    if let (Way::Described(_), Some(described)) = (way, &known.described) {
        let labels = described.factors.labels();
        for what in ["buying", "leaving"] {
            names.extend(labels.iter().map(|it| format!("{what}:{it}")));
        }
    }
    names
}

/// A model fitted to all that is known, with between how many purchases of all within the horizon it may be.
pub fn fit(way: Way, known: &mut Known, horizon: f64) -> Result<Fitted, Fault> {
    let histories = Summary::histories(&known.summaries)?;
    let all = &histories;
    match way {
        Way::Plain(Kind::BgNbd) => {
            Ok(plain(known, way, BgNbd::fit(all)?, all, horizon, |it| Learnt::Plain(Model::BgNbd(it))))
        }
        Way::Plain(Kind::MbgNbd) => {
            Ok(plain(known, way, MbgNbd::fit(all)?, all, horizon, |it| Learnt::Plain(Model::MbgNbd(it))))
        }
        Way::Plain(Kind::ParetoNbd) => {
            Ok(plain(known, way, ParetoNbd::fit(all)?, all, horizon, |it| Learnt::Plain(Model::ParetoNbd(it))))
        }
        Way::GGompertzNbd => Ok(plain(known, way, GGompertzNbd::fit(all)?, all, horizon, Learnt::GGompertzNbd)),
        Way::Described(Kind::BgNbd) => described(known, way, horizon, Learnt::BgNbdBy),
        Way::Described(Kind::MbgNbd) => described(known, way, horizon, Learnt::MbgNbdBy),
        Way::Described(Kind::ParetoNbd) => described(known, way, horizon, Learnt::ParetoNbdBy),
        Way::ParetoGgg => {
            let all = known.customers.len();
            let rhythms = known.rhythms(all.div_ceil(SLOW)).ok_or(Fault::NotIdentified { why: GAPS })?;
            if rhythms.len() < all {
                known.data.notes.push(format!(
                    "Pareto/GGG is fitted to {} of {all} customers, at even distances; its log-likelihood is of those.",
                    rhythms.len()
                ));
            }
            let fit = ParetoGgg::fit(&rhythms)?;
            Ok(fitted(known, way, &fit, Learnt::ParetoGgg, None))
        }
    }
}

fn fitted<M: Likelihood>(
    known: &Known,
    way: Way,
    fit: &Fit<M>,
    learnt: impl Fn(M) -> Learnt,
    total: Option<Interval>,
) -> Fitted {
    Fitted {
        way,
        learnt: learnt(fit.model.clone()),
        nearby: fit.nearby().map(|it| it.map(&learnt)),
        covariance: fit.covariance.clone(),
        estimates: names(way, known).into_iter().zip(fit.estimates.iter().copied()).collect(),
        log_likelihood: fit.log_likelihood,
        aic: Some(fit.aic()),
        total,
    }
}

/// How many models a posterior is drawn of, and what it must be worth.
pub const DRAWS: usize = 200;
const WORTH: f64 = 20.0;
const SEED: u64 = 7;

/// So many models as the data leave them; `None` where they are worth too little.
pub fn drawn<M: Likelihood>(fit: &Fit<M>, rows: &[M::Row], draws: usize) -> Option<Posterior<M>> {
    fit.posterior(rows, draws, SEED).filter(|it| it.worth >= WORTH)
}

/// A model of histories alone.
fn plain<M: Likelihood<Row = Group> + Buying>(
    known: &Known,
    way: Way,
    fit: Fit<M>,
    histories: &Histories,
    horizon: f64,
    learnt: impl Fn(M) -> Learnt,
) -> Fitted {
    let groups = histories.groups();
    // A sum of this takes an integral a group.
    let slow = way == Way::GGompertzNbd;
    let taken: Vec<&Group> = groups.iter().step_by(groups.len().div_ceil(if slow { 200 } else { 2_000 })).collect();
    let weight: f64 = taken.iter().map(|it| it.weight).sum();
    let total = |model: &M| {
        let sum: f64 = taken.iter().map(|it| it.weight * model.expected(&history(it), horizon)).sum();
        sum * histories.customers() as f64 / weight
    };
    let drawn = if slow && groups.len() > DRAWN { None } else { drawn(&fit, groups, DRAWS) };
    let total = drawn.map(|it| it.interval(total));
    fitted(known, way, &fit, learnt, total)
}

/// A model with what is known from the start.
fn described<M: Plain + Buying>(
    known: &Known,
    way: Way,
    horizon: f64,
    learnt: impl Fn(Explained<M>) -> Learnt,
) -> Result<Fitted, Fault> {
    let (histories, covariates) = (&known.histories, known.covariates());
    let found = Explained::<M>::fit(histories, covariates)?;
    let step = histories.len().div_ceil(500);
    let some: Vec<usize> = (0..histories.len()).step_by(step).collect();
    let drawn = if histories.len() > DRAWN { None } else { found.posterior(histories, covariates, DRAWS, SEED) };
    let total = drawn.filter(|it| it.worth >= WORTH).map(|it| {
        it.interval(|factors| {
            let one = |at: &usize| found.by(factors, &covariates[*at]).expected(&histories[*at], horizon);
            some.iter().map(one).sum::<f64>() * histories.len() as f64 / some.len() as f64
        })
    });
    Ok(fitted(known, way, &found.fit, |factors| learnt(with(&found, factors)), total))
}

fn history(group: &Group) -> History {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a whole number of purchases")]
    let frequency = group.x as u32;
    History { frequency, recency: group.t_x, age: group.t }
}
