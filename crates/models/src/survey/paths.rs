//! Satisfaction and loyalty as a model: what cannot be asked directly (image, expectation, quality, satisfaction, loyalty) is made of several questions
//! each, and leads to each other by paths.
//!
//! Partial least squares path modelling (Wold 1982; Lohmöller 1989, "Latent variable path modeling with partial least squares"; the steps are those of
//! Tenenhaus, Esposito Vinzi, Chatelin and Lauro 2005, "PLS path modeling"): weights of the questions and proxies of their constructs by turns, until
//! they agree. As everything follows from the correlations of the questions, a sample drawn again costs one pass over the answers.
//!
//! Always holds: a fit has converged; a construct points the way that most of its questions do.
//!
//! Does not do: say that a path is a cause; that is what whoever drew it assumes.

mod estimate;
mod invariance;
mod quality;
mod reading;
mod sampled;

use crate::columns::Columns;

pub use invariance::Invariance;
pub use quality::Reliability;
pub use reading::Unread;
pub use sampled::Intervals;

/// How a construct and its questions belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The questions are signs of it (mode A).
    Reflective,
    /// The questions make it up (mode B).
    Formative,
}

/// Something that is asked for by several questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Construct {
    /// The columns of its questions.
    pub indicators: Vec<usize>,
    /// How they belong to it.
    pub mode: Mode,
}

/// How a construct's neighbours are weighed while weights are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// By the sign of their correlation.
    Centroid,
    /// By their correlation.
    Factorial,
    /// Those before it by the regression on them, those after it by their correlation.
    #[default]
    Path,
}

/// Constructs and the paths between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    constructs: Vec<Construct>,
    /// Of each construct those that lead to it.
    before: Vec<Vec<usize>>,
    /// Weights are looked for among answers as they are, not standardised.
    unstandardised: bool,
}

/// A model fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Of each construct the weights of its questions, standardised, in the order of its indicators.
    pub weights: Vec<Vec<f64>>,
    /// Of each question, in the order of the columns, its correlation with each construct: its loading with its own, cross-loadings with the others.
    pub loadings: Vec<Vec<f64>>,
    /// Of the constructs with each other.
    pub correlations: Vec<Vec<f64>>,
    /// The path from each construct to each other; nothing where there is none.
    pub coefficients: Vec<Vec<f64>>,
    /// All that a construct does to another, along all paths.
    pub total_effects: Vec<Vec<f64>>,
    /// How much of a construct's variance those before it explain; `None` where none are.
    pub r_squared: Vec<Option<f64>>,
    /// The people whose answers were used.
    pub answers: u64,
    /// The people left out, because they did not answer everything.
    pub incomplete: u64,
    /// The means of the questions.
    means: Vec<f64>,
    /// The standard deviations of the questions.
    deviations: Vec<f64>,
    /// The correlations of the questions.
    questions: Vec<Vec<f64>>,
    constructs: Vec<Construct>,
}

/// Why a model cannot be, or cannot be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// A construct has no question.
    NoQuestion(usize),
    /// A question belongs to two constructs.
    Shared(usize),
    /// A construct is on no path.
    Alone(usize),
    /// A path begins or ends nowhere, or where it began.
    NoPath(usize),
    /// Paths lead in a circle.
    Circle,
    /// There are not more complete answers than questions.
    TooFew,
    /// Everybody answered a question alike, or it is in no row.
    NoVariance(usize),
    /// Weights and proxies never agree.
    NotConverged,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoQuestion(at) => write!(f, "construct {at} has no question"),
            Self::Shared(at) => write!(f, "question {at} belongs to two constructs"),
            Self::Alone(at) => write!(f, "construct {at} is on no path"),
            Self::NoPath(at) => write!(f, "path {at} does not lead from one construct to another"),
            Self::Circle => f.write_str("paths lead in a circle"),
            Self::TooFew => f.write_str("there are not more complete answers than questions"),
            Self::NoVariance(at) => write!(f, "everybody answered question {at} alike"),
            Self::NotConverged => f.write_str("the weights do not settle"),
        }
    }
}

impl std::error::Error for Unfit {}

impl Model {
    /// A model of these constructs with paths from one to another.
    pub fn new(constructs: Vec<Construct>, paths: &[(usize, usize)]) -> Result<Self, Unfit> {
        let mut seen = std::collections::BTreeSet::new();
        for (at, construct) in constructs.iter().enumerate() {
            if construct.indicators.is_empty() {
                return Err(Unfit::NoQuestion(at));
            }
            if let Some(shared) = construct.indicators.iter().find(|it| !seen.insert(**it)) {
                return Err(Unfit::Shared(*shared));
            }
        }
        let mut before = vec![Vec::new(); constructs.len()];
        for (at, (from, to)) in paths.iter().enumerate() {
            if from == to || *from >= constructs.len() || *to >= constructs.len() {
                return Err(Unfit::NoPath(at));
            }
            if !before[*to].contains(from) {
                before[*to].push(*from);
            }
        }
        if let Some(alone) = (0..constructs.len()).find(|at| paths.iter().all(|it| it.0 != *at && it.1 != *at)) {
            return Err(Unfit::Alone(alone));
        }
        let model = Self { constructs, before, unstandardised: false };
        if model.circular() { Err(Unfit::Circle) } else { Ok(model) }
    }

    /// The same model, whose weights are looked for among answers as they are: of questions that have one scale, those that people answer more differently count
    /// for more (METRIC 4 of Lohmöller's program, where variances mean something; `scaled = FALSE` of R's plspm). Otherwise every question is standardised.
    #[must_use]
    pub fn unstandardised(self) -> Self {
        Self { unstandardised: true, ..self }
    }

    /// Whether taking away, again and again, what nothing leads to leaves something.
    fn circular(&self) -> bool {
        let mut left: Vec<usize> = (0..self.constructs.len()).collect();
        loop {
            let (later, first): (Vec<usize>, Vec<usize>) =
                left.iter().partition(|at| self.before[**at].iter().any(|it| left.contains(it)));
            if first.is_empty() || later.is_empty() {
                return first.is_empty() && !later.is_empty();
            }
            left = later;
        }
    }

    /// The model fitted to the answers of `persons`, each a row of all questions. Who left out a question of the model is not used.
    pub fn fit(&self, persons: &[Vec<Option<f64>>], scheme: Scheme) -> Result<Fit, Unfit> {
        let rows = self.complete(persons);
        let everybody: Vec<usize> = (0..rows.len()).collect();
        let fit = self.fit_to(&rows, &everybody, scheme)?;
        Ok(Fit { incomplete: (persons.len() - rows.len()) as u64, ..fit })
    }

    /// Rows in which every question of the model is answered; what the model does not ask for is nothing.
    fn complete(&self, persons: &[Vec<Option<f64>>]) -> Vec<Vec<f64>> {
        let asked = || self.constructs.iter().flat_map(|it| &it.indicators);
        let answered =
            |row: &&Vec<Option<f64>>| asked().all(|at| row.get(*at).copied().flatten().is_some_and(f64::is_finite));
        let last = asked().max().map_or(0, |it| it + 1);
        let row = |row: &Vec<Option<f64>>| row[..last].iter().map(|it| it.unwrap_or_default()).collect();
        persons.iter().filter(answered).map(row).collect()
    }

    /// The model fitted to the rows at these places.
    fn fit_to(&self, rows: &[Vec<f64>], places: &[usize], scheme: Scheme) -> Result<Fit, Unfit> {
        let questions: usize = self.constructs.iter().map(|it| it.indicators.len()).sum();
        if places.len() <= questions {
            return Err(Unfit::TooFew);
        }
        let columns = Columns::of(rows, places).ok_or(Unfit::TooFew)?;
        let asked = self.constructs.iter().flat_map(|it| &it.indicators);
        if let Some(same) = asked.copied().find(|at| !columns.varies(*at)) {
            return Err(Unfit::NoVariance(same));
        }
        estimate::fit(self, &columns, scheme, estimate::SETTLED)
    }
}

impl Model {
    /// The columns of its questions, those of the first construct first.
    pub fn columns(&self) -> Vec<usize> {
        self.constructs.iter().flat_map(|it| it.indicators.iter().copied()).collect()
    }

    /// Its constructs.
    pub fn constructs(&self) -> &[Construct] {
        &self.constructs
    }

    /// From which construct to which its paths lead.
    pub fn paths(&self) -> Vec<(usize, usize)> {
        let to = |(to, before): (usize, &Vec<usize>)| before.iter().map(move |from| (*from, to)).collect::<Vec<_>>();
        self.before.iter().enumerate().flat_map(to).collect()
    }
}

impl Fit {
    /// The scores of somebody on every construct, with a mean of 0 and a standard deviation (of a sample) of 1 among those that it was fitted to; of answers to all questions, in the
    /// order of the columns.
    pub fn scores(&self, answers: &[f64]) -> Vec<f64> {
        let standard = |at: &usize| answers.get(*at).map_or(0.0, |it| (it - self.means[*at]) / self.deviations[*at]);
        let score = |(construct, weights): (&Construct, &Vec<f64>)| {
            construct.indicators.iter().zip(weights).map(|(at, weight)| weight * standard(at)).sum()
        };
        self.constructs.iter().zip(&self.weights).map(score).collect()
    }

    /// What a unit of each column, in its own units, adds to the score of each construct: a score is the sum of these times how far answers are above their
    /// [`Self::means`].
    pub fn score_weights(&self) -> Vec<Vec<f64>> {
        let of = |(construct, weights): (&Construct, &Vec<f64>)| {
            let mut own = vec![0.0; self.means.len()];
            construct.indicators.iter().zip(weights).for_each(|(at, weight)| own[*at] = weight / self.deviations[*at]);
            own
        };
        self.constructs.iter().zip(&self.weights).map(of).collect()
    }

    /// The mean of each column, in their order; of columns that the model does not ask for, nothing that means anything.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The index of a construct: the mean of its questions, weighted, from 0 where everybody gave `low` to 100 where everybody gave `high`. With 1 and
    /// 10 the American Customer Satisfaction Index, 100 Σ w (x̄ − 1) / 9 Σ w with unstandardised weights (Fornell, Johnson, Anderson, Cha and Bryant
    /// 1996). `None` where the weights add up to nothing.
    pub fn index(&self, construct: usize, low: f64, high: f64) -> Option<f64> {
        self.index_of(construct, &self.means, low, high)
    }

    /// How much of a construct's index each of its questions makes up, in the order of its indicators: weights in the questions' own units, which add up
    /// to 1. Empty where they add up to nothing.
    pub fn index_weights(&self, construct: usize) -> Vec<f64> {
        let Some(own) = self.constructs.get(construct) else { return Vec::new() };
        let unstandardised = own.indicators.iter().zip(&self.weights[construct]);
        let weights: Vec<f64> = unstandardised.map(|(at, weight)| weight / self.deviations[*at]).collect();
        let sum: f64 = weights.iter().sum();
        if sum > 0.0 { weights.iter().map(|it| it / sum).collect() } else { Vec::new() }
    }

    /// The same of others, by the means of their answers: a segment, or a wave.
    pub fn index_of(&self, construct: usize, means: &[f64], low: f64, high: f64) -> Option<f64> {
        let indicators = &self.constructs.get(construct)?.indicators;
        let weight = |(at, weight): (&usize, &f64)| weight / self.deviations[*at];
        let weights: Vec<f64> = indicators.iter().zip(&self.weights[construct]).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let mut above = 0.0;
        for (at, weight) in indicators.iter().zip(&weights) {
            above += weight * (means.get(*at)? - low);
        }
        (sum > 0.0 && high > low).then(|| 100.0 * above / ((high - low) * sum))
    }
}

#[cfg(test)]
mod plspm;
#[cfg(test)]
mod smartpls;
#[cfg(test)]
mod tests;
