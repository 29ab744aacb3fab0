//! How sure what follows from a fit's parameters is, at the price of two models a parameter: the delta method over logarithms.
//!
//! The logarithm of what follows is taken to be linear in the logarithms of the parameters, whose covariances are those of the fit (Laplace's approximation). It
//! serves for intervals of each of many customers, for which a posterior of hundreds of models ([`Fit::posterior`]) would take too long.
//!
//! Does not do: chance. What is expected of a customer is surer than what the customer then does.

use super::fitting::{Fit, Likelihood};

/// How far off the fit the models are, in standard errors of the parameter: near enough for a slope, and far enough for its digits.
const STEP: f64 = 0.1;

/// Models a little off a fit, or what they say.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearby<M> {
    /// Below and above the fit, for each parameter.
    sides: Vec<[M; 2]>,
    /// The covariances of the logarithms of the parameters, in units of how far the two sides are apart.
    weights: Vec<Vec<f64>>,
}

impl<M: Likelihood> Fit<M> {
    /// The models a little off it. `None` where it has no covariances of its parameters.
    pub fn nearby(&self) -> Option<Nearby<M>> {
        let best = self.model.parameters();
        let n = best.len();
        if self.covariance.len() != n || self.covariance.iter().any(|it| it.len() != n) {
            return None;
        }
        let steps: Vec<f64> = (0..n).map(|at| STEP * self.covariance[at][at].sqrt()).collect();
        if steps.iter().any(|it| it.is_nan() || *it <= 0.0 || it.is_infinite()) {
            return None;
        }
        let moved = |at: usize, by: f64| {
            let mut own = best.clone();
            own[at] *= by.exp();
            M::with(&own)
        };
        let sides = steps.iter().enumerate().map(|(at, step)| [moved(at, -*step), moved(at, *step)]).collect();
        let weight = |i: usize, j: usize| self.covariance[i][j] / (4.0 * steps[i] * steps[j]);
        Some(Nearby { sides, weights: (0..n).map(|i| (0..n).map(|j| weight(i, j)).collect()).collect() })
    }
}

impl<M> Nearby<M> {
    /// What is made of each of the models.
    pub fn map<T>(self, of: impl Fn(M) -> T) -> Nearby<T> {
        Nearby { sides: self.sides.into_iter().map(|it| it.map(&of)).collect(), weights: self.weights }
    }

    /// The variance of the logarithm of what the models say of something that is above zero; `None` where one of them says nothing of the kind. For
    /// [`Estimate::around_positive`](crate::Estimate::around_positive) with its root; variances of what follows from different fits add up.
    pub fn variance(&self, of: impl Fn(&M) -> f64) -> Option<f64> {
        let slopes: Vec<f64> = self.sides.iter().map(|[below, above]| of(above).ln() - of(below).ln()).collect();
        let row = |(slope, weights): (&f64, &Vec<f64>)| {
            slope * weights.iter().zip(&slopes).map(|(weight, other)| weight * other).sum::<f64>()
        };
        let sum: f64 = slopes.iter().zip(&self.weights).map(row).sum();
        sum.is_finite().then(|| sum.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buying::{Histories, ParetoNbd, simulated_pareto_nbd};

    /// Of a parameter, and of products of them, the variances are the fit's own.
    #[test]
    fn what_is_linear_is_exact() {
        let truth = ParetoNbd { r: 1.2, alpha: 6.0, s: 0.9, beta: 12.0 };
        let people = simulated_pareto_nbd(&truth, 400, (30.0, 60.0), 5);
        let fit = ParetoNbd::fit(&Histories::new(&people).unwrap()).unwrap();
        let near = fit.nearby().unwrap();
        let c = &fit.covariance;
        let wanted = [c[0][0], c[1][1], c[0][0] + c[1][1] - 2.0 * c[0][1], c[2][2] + c[3][3] + 2.0 * c[2][3]];
        let said: [fn(&ParetoNbd) -> f64; 4] = [|it| it.r, |it| it.alpha, |it| it.r / it.alpha, |it| it.s * it.beta];
        for (of, wanted) in said.into_iter().zip(wanted) {
            let found = near.variance(of).unwrap();
            assert!((found - wanted).abs() < 1e-9 * (1.0 + wanted), "{found} {wanted}");
        }
        assert_eq!(near.variance(|_| 3.0), Some(0.0));
        assert_eq!((near.variance(|_| 0.0), near.variance(|_| -1.0)), (None, None));
        let rates = near.map(|it| it.r / it.alpha);
        assert!((rates.variance(|it| *it).unwrap() - wanted[2]).abs() < 1e-9);
        assert_eq!(Fit { covariance: Vec::new(), ..fit }.nearby(), None);
    }
}
