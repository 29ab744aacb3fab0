//! What is believed of the parameters before data are seen: weakly, and without a unit of time.
//!
//! That people's rates differ is believed as Gelman (2006, "Prior distributions for variance parameters in hierarchical models") proposes: the coefficient of
//! variation of rates, 1 / √shape, is half of a Cauchy distribution of scale 1. The mean rate to buy may be of any size (flat over its logarithm), the share
//! that leaves (at a purchase, or within the mean time that customers are known) lies evenly between none and all.
//!
//! Without such a prior there is no posterior: people who do not differ at all fit almost as well as any, however far their parameters run.

use super::bg_nbd::Geometric;
use super::fitting::Likelihood;
use super::history::{Group, Histories};
use super::pareto_nbd::ParetoNbd;

/// A model with a prior.
pub trait Believed: Likelihood<Row = Group> {
    /// Parameters from where the most credible ones are looked for.
    fn begin(histories: &Histories) -> Vec<f64>;

    /// The logarithm of the prior over logarithms of parameters, but for a constant; its derivatives by these are added to `slopes`. `age` is the mean time
    /// that customers are known.
    fn prior(&self, age: f64, slopes: &mut [f64]) -> f64;
}

/// Half of a Cauchy distribution of 1 / √shape, over the logarithm of the shape, with the derivative.
fn differing(shape: f64) -> (f64, f64) {
    (0.5 * shape.ln() - shape.ln_1p(), 0.5 - shape / (1.0 + shape))
}

impl<const FIRST: u8> Believed for Geometric<FIRST> {
    fn begin(histories: &Histories) -> Vec<f64> {
        let (age, frequency) = histories.means();
        vec![0.8, 0.8 * age / frequency, 1.0, 2.0]
    }

    fn prior(&self, _: f64, slopes: &mut [f64]) -> f64 {
        let (buying, by_r) = differing(self.r);
        let both = self.a + self.b;
        let (leaving, by_both) = differing(both);
        slopes[0] += by_r;
        // a / (a + b) evenly, over the logarithms of a and b.
        slopes[2] += 1.0 + (by_both - 2.0) * self.a / both;
        slopes[3] += 1.0 + (by_both - 2.0) * self.b / both;
        buying + leaving + self.a.ln() + self.b.ln() - 2.0 * both.ln()
    }
}

impl Believed for ParetoNbd {
    fn begin(histories: &Histories) -> Vec<f64> {
        let (age, frequency) = histories.means();
        vec![0.8, 0.8 * age / frequency, 0.8, age]
    }

    fn prior(&self, age: f64, slopes: &mut [f64]) -> f64 {
        let (buying, by_r) = differing(self.r);
        let (leaving, by_s) = differing(self.s);
        slopes[0] += by_r;
        // 1 − (beta / (beta + age))ˢ evenly, over the logarithms of s and beta.
        let stays = -(age / self.beta).ln_1p();
        slopes[2] += by_s + 1.0 + self.s * stays;
        slopes[3] += (self.s * age - self.beta) / (self.beta + age);
        buying + leaving + self.s.ln() + self.s * stays + (age / (self.beta + age)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buying::MbgNbd;

    #[test]
    fn derivatives_are_differences_of_the_prior() {
        fn tried<M: Believed>(model: &M) {
            let mut slopes = vec![0.0; 4];
            model.prior(40.0, &mut slopes);
            for (at, slope) in slopes.iter().enumerate() {
                let moved = |by: f64| {
                    let mut parameters = model.parameters();
                    parameters[at] *= f64::exp(by);
                    M::with(&parameters).prior(40.0, &mut [0.0; 4])
                };
                let wanted = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((slope - wanted).abs() < 1e-8 * (1.0 + wanted.abs()), "{at} {slope} {wanted}");
            }
        }
        tried(&MbgNbd { r: 0.5, alpha: 6.0, a: 0.9, b: 2.0 });
        tried(&ParetoNbd { r: 0.5, alpha: 6.0, s: 0.7, beta: 12.0 });
    }
}
