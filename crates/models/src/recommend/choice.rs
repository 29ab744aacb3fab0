//! Which model to use, by evidence: several are fitted to what was known, and tried on what came after.
//!
//! The best is that with the highest mean nDCG over the splits; of equals the earlier plan. Every plan is shown, with by how much the best is above it. Trying must never see what the
//! final judgement is made on: whoever judges splits first, and chooses within what is known there.
//!
//! Always holds: a plan that cannot be fitted is shown with its fault and is not chosen. Who has nothing in their history is offered what is popular by every choice.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::als::{Als, AlsOptions};
use super::blend::Blend;
use super::ease::{Ease, EaseOptions};
use super::evaluation::Evaluation;
use super::histories::Histories;
use super::neighbours::{Neighbours, Weighting};
use super::popular::Popular;
use super::recommender::Recommender;
use super::splits::Split;
use crate::estimate::Estimate;
use crate::fault::Fault;

/// How to make a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Way {
    /// What most had to do with.
    Popular,
    /// What is like the person's own items.
    Neighbours {
        /// How many neighbours an item keeps.
        keep: usize,
        /// How much each person says.
        weighting: Weighting,
    },
    /// EASE.
    Ease(EaseOptions),
    /// Implicit ALS.
    Als(AlsOptions),
    /// The mean of EASE and ALS.
    Mean(EaseOptions, AlsOptions),
}

/// A way, and whether it looks at how much somebody had to do with an item or only whether.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How.
    pub way: Way,
    /// Whether every weight counts as one.
    pub whether: bool,
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Popular => write!(out, "popular"),
            Way::Neighbours { keep, .. } => write!(out, "{keep} neighbours"),
            Way::Ease(it) => write!(out, "EASE, λ {:.1}", it.penalty),
            Way::Als(it) => write!(out, "ALS, {} dimensions, α {}, λ {:.2}", it.factors, it.alpha, it.penalty),
            Way::Mean(ease, als) => {
                write!(out, "mean of {} and {}", self.with(Way::Ease(*ease)), self.with(Way::Als(*als)))
            }
        }
    }
}

impl Plan {
    fn with(&self, way: Way) -> Self {
        Self { way, whether: self.whether }
    }

    /// Makes the model.
    ///
    /// # Errors
    /// Those of the way.
    pub fn fit(&self, histories: &Histories) -> Result<Model, Fault> {
        self.fit_with(histories, &mut Parts::default())
    }

    fn fit_with(&self, histories: &Histories, parts: &mut Parts) -> Result<Model, Fault> {
        if !self.whether {
            return parts.fit(&self.way, histories);
        }
        let ones: Vec<_> = histories.interactions().map(|it| super::Interaction { weight: 1.0, ..it }).collect();
        let inner = parts.fit(&self.way, &Histories::of(&ones, histories.persons(), histories.items())?)?;
        Ok(Arc::new(Whether { inner }))
    }
}

/// A fitted model.
pub type Model = Arc<dyn Recommender + Send + Sync>;

/// Models that means are made of, so that none is fitted twice for one split: whether what counts is only whether, the way, the model.
#[derive(Default)]
struct Parts {
    wanted: Vec<Way>,
    fitted: Vec<(Way, Model)>,
}

impl Parts {
    /// For plans of which all or none look at weights.
    fn of(plans: &[Plan]) -> Self {
        let alike = plans.iter().all(|it| it.whether) || plans.iter().all(|it| !it.whether);
        let parts = |it: &Plan| match &it.way {
            Way::Mean(ease, als) if alike => vec![Way::Ease(*ease), Way::Als(*als)],
            _ => Vec::new(),
        };
        Self { wanted: plans.iter().flat_map(parts).collect(), fitted: Vec::new() }
    }

    fn fit(&mut self, way: &Way, histories: &Histories) -> Result<Model, Fault> {
        if let Some((_, model)) = self.fitted.iter().find(|it| it.0 == *way) {
            return Ok(Arc::clone(model));
        }
        let model: Model = match way {
            Way::Popular => Arc::new(Popular::of(histories)),
            Way::Neighbours { keep, weighting } => {
                Arc::new(Neighbours::of(histories.interactions().collect(), histories.items(), *keep, *weighting))
            }
            Way::Ease(options) => Arc::new(Ease::fit(histories, options)?),
            Way::Als(options) => Arc::new(Als::fit(histories, options)?.model),
            Way::Mean(ease, als) => {
                let models = vec![self.fit(&Way::Ease(*ease), histories)?, self.fit(&Way::Als(*als), histories)?];
                Arc::new(Blend::of(models)?)
            }
        };
        if self.wanted.contains(way) {
            self.fitted.push((way.clone(), Arc::clone(&model)));
        }
        Ok(model)
    }
}

/// Sees only whether, not how much.
struct Whether {
    inner: Model,
}

/// A history of ones.
fn ones(history: &[(u32, f64)]) -> Vec<(u32, f64)> {
    history.iter().map(|(item, weight)| (*item, if *weight > 0.0 { 1.0 } else { 0.0 })).collect()
}

impl Recommender for Whether {
    fn items(&self) -> usize {
        self.inner.items()
    }

    fn scores(&self, history: &[(u32, f64)]) -> Vec<f64> {
        self.inner.scores(&ones(history))
    }

    fn parts(&self, history: &[(u32, f64)], of: &[u32]) -> Vec<Vec<super::Reason>> {
        self.inner.parts(&ones(history), of)
    }
}

/// Plans to try where nothing is known yet: popularity, neighbours, EASE, ALS and the mean of the two, each of the last with a few settings in the measure of the data: EASE's λ in
/// audiences of a mean item, ALS's λ in shares of a mean row's confidence. The mean has the middle one of EASE.
pub fn plans(histories: &Histories, seed: u64) -> Vec<Plan> {
    let (persons, items, pairs) = (histories.persons() as f64, histories.items() as f64, histories.len() as f64);
    let audience = (pairs / items.max(1.0)).max(0.1);
    let ease = |times: f64| EaseOptions { penalty: times * audience, ..EaseOptions::default() };
    let als = |(factors, alpha, share): (usize, f64, f64)| {
        let confidence = |others: f64, rows: f64| others + alpha * pairs / rows.max(1.0);
        let penalty = share * (confidence(items, persons) * confidence(persons, items)).sqrt();
        AlsOptions { factors, alpha, penalty, seed, turns: 10, ..AlsOptions::default() }
    };
    let neighbours = |keep| Way::Neighbours { keep, weighting: Weighting::TfIdf };
    let mut ways = vec![Way::Popular, neighbours(20), neighbours(100)];
    ways.extend([2.5, 10.0, 40.0].map(|it| Way::Ease(ease(it))));
    let settings = [(32, 2.0, 0.015), (64, 2.0, 0.015), (64, 5.0, 0.025)];
    ways.extend([(32, 2.0, 0.005)].into_iter().chain(settings).map(|it| Way::Als(als(it))));
    ways.extend(settings.map(|it| Way::Mean(ease(10.0), als(it))));
    ways.into_iter().map(|way| Plan { way, whether: true }).collect()
}

/// A plan that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// Which.
    pub plan: Plan,
    /// Its nDCG over all persons of all splits, or why there is none.
    pub ndcg: Result<f64, Fault>,
    /// By how much the best is above it, over the same persons; `None` for what has none, and for the best itself.
    pub behind: Option<Estimate>,
}

/// What was tried and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// In the order of the plans.
    pub tried: Vec<Tried>,
    /// The place of the best.
    pub best: usize,
}

impl Choice {
    /// The best plan.
    pub fn plan(&self) -> &Plan {
        &self.tried[self.best].plan
    }
}

/// Tries plans on splits, by nDCG among the first `k`.
///
/// # Errors
/// No plan, no split, fewer than two persons who took something, or no plan that can be fitted (the first one's fault).
pub fn choose(plans: &[Plan], splits: &[Split], k: usize, seed: u64) -> Result<Choice, Fault> {
    if plans.is_empty() || splits.is_empty() {
        return Err(Fault::TooFew { what: "plans and splits", have: 0, need: 1 });
    }
    let nothing = Evaluation { k, persons: Vec::new(), coverage: 0.0 };
    let mut found: Vec<Result<Evaluation, Fault>> = vec![Ok(nothing); plans.len()];
    for split in splits {
        let mut parts = Parts::of(plans);
        for (plan, all) in plans.iter().zip(&mut found) {
            let of_split = plan.fit_with(&split.known, &mut parts).and_then(|it| Evaluation::of(&*it, split, k));
            match (of_split, all.as_mut()) {
                (Ok(it), Ok(all)) => {
                    all.persons.extend(it.persons);
                    all.coverage += it.coverage / splits.len() as f64;
                }
                (Err(fault), _) => *all = Err(fault),
                (Ok(_), Err(_)) => {}
            }
        }
    }
    if let Some(few) = found.iter().flatten().find(|it| it.persons.len() < 2) {
        return Err(Fault::TooFew { what: "persons who took something", have: few.persons.len(), need: 2 });
    }
    let ndcg = |it: &Evaluation| it.persons.iter().map(|it| it.ndcg).sum::<f64>() / it.persons.len() as f64;
    let scores: Vec<Result<f64, Fault>> = found.iter().map(|it| it.as_ref().map(ndcg).map_err(Clone::clone)).collect();
    let mut best: Option<(usize, f64)> = None;
    for (at, score) in scores.iter().enumerate().filter_map(|(at, it)| Some((at, *it.as_ref().ok()?))) {
        if best.is_none_or(|(_, before)| score > before) {
            best = Some((at, score));
        }
    }
    let Some((best, _)) = best else {
        return Err(scores.into_iter().find_map(Result::err).unwrap_or(Fault::DidNotSettle));
    };
    let behind = |at: usize| -> Option<Estimate> {
        let (of_best, of_it) = (found[best].as_ref().ok()?, found[at].as_ref().ok()?);
        (at != best).then(|| of_best.above(of_it, seed).ok()).flatten()
    };
    let tried = plans.iter().zip(scores).enumerate();
    let tried = tried.map(|(at, (plan, ndcg))| Tried { plan: plan.clone(), ndcg, behind: behind(at) });
    Ok(Choice { tried: tried.collect(), best })
}

#[cfg(test)]
mod tests {
    use super::super::{Filter, Interaction};
    use super::*;
    use crate::resampling::Draws;

    /// Persons of two kinds, each with its half of the items, of which each person has a random part.
    fn two_kinds(seed: u64) -> Histories {
        let mut draws = Draws::new(seed);
        let mut rows = Vec::new();
        for person in 0..120_u32 {
            for item in (0..30_u32).filter(|it| it % 2 == person % 2) {
                if draws.below(3) > 0 {
                    rows.push(Interaction { person, item, weight: 1.0 + draws.below(4) as f64 });
                }
            }
        }
        Histories::of(&rows, 120, 30).unwrap()
    }

    #[test]
    fn what_knows_kinds_is_chosen_before_what_is_popular() {
        let data = two_kinds(3);
        let splits = [Split::by_item(&data, 0.7, 1).unwrap()];
        let found = choose(&plans(&data, 1), &splits, 5, 1).unwrap();
        assert_ne!(found.best, 0);
        let popular = found.tried[0].behind.unwrap();
        assert!(popular.low > 0.1, "{popular:?}");
        assert!(found.tried[found.best].behind.is_none());
        let model = found.plan().fit(&data).unwrap();
        let offered = model.recommend_or(&Popular::of(&data), &[(1, 3.0), (3, 2.0)], &Filter::best(5));
        assert!(offered.iter().all(|it| it.item % 2 == 1), "{} {offered:?}", found.plan());
        assert_eq!(model.recommend_or(&Popular::of(&data), &[], &Filter::best(5)).len(), 5);
    }

    #[test]
    fn what_cannot_be_fitted_is_shown_and_not_chosen() {
        let data = two_kinds(4);
        let splits = [Split::by_item(&data, 0.7, 1).unwrap()];
        let small = EaseOptions { most_items: 3, ..EaseOptions::default() };
        let ease = Plan { way: Way::Ease(small), whether: true };
        let popular = Plan { way: Way::Popular, whether: false };
        let found = choose(&[ease.clone(), popular.clone()], &splits, 5, 1).unwrap();
        assert_eq!((found.best, found.plan()), (1, &popular));
        assert!(matches!(found.tried[0].ndcg, Err(Fault::TooMany { .. })) && found.tried[0].behind.is_none());
        assert!(matches!(choose(&[ease], &splits, 5, 1), Err(Fault::TooMany { .. })));
        assert!(choose(&[], &splits, 5, 1).is_err() && choose(&[popular], &[], 5, 1).is_err());
    }

    /// 200 simulated catalogues: every plan gives finite offers, and something is chosen.
    #[test]
    fn any_simulated_shop_has_a_choice() {
        for seed in 0..200 {
            let data = two_kinds(seed + 10);
            let kept: Vec<Interaction> = data.interactions().filter(|it| it.person < 4 + (seed % 20) as u32).collect();
            let data = Histories::of(&kept, 24, 30).unwrap();
            let splits = [Split::by_item(&data, 0.7, seed).unwrap()];
            let found = choose(&plans(&data, seed), &splits, 5, seed).unwrap();
            assert!(found.tried.iter().all(|it| it.ndcg.as_ref().is_ok_and(|it| it.is_finite())), "{found:?}");
        }
    }
}
