//! Who buys again, how often, for how much, and what that is worth: models of buying that nobody announces the end of, and of contracts that somebody
//! cancels.
//!
//! What a customer did is told by three numbers ([`History`]): how often they bought again, when they did so last, and how long they have been known.
//! Out of those of many, a model learns how differently people buy and leave; out of one's own and what it learned it then says whether they are still
//! there, how much they will buy, and what they will spend ([`GammaGamma`]).
//!
//! Always holds: a fit is finite and settled, or a [`Fault`](crate::Fault) says why there is none; predictions of a fitted model are finite, for any
//! history. Nothing here says why people leave, or what would keep them.

mod believed;
mod bg_bb;
mod bg_nbd;
mod choice;
mod contest;
mod contract;
mod covariates;
mod cycle;
mod fitting;
mod gamma_gamma;
mod ggompertz_nbd;
mod history;
mod latent;
mod nbd;
mod nearby;
mod no_u_turn;
mod pareto_ggg;
mod pareto_nbd;
mod point;
mod quadrature;
mod regularity;
mod simulation;
mod summary;
mod uncertainty;
mod value;

pub use believed::Believed;
pub use bg_bb::{BgBb, Chances};
pub use bg_nbd::{BgNbd, Geometric, MbgNbd};
pub use choice::{Candidate, Choice, Kind, Model, Score};
pub use contest::{Contest, Entry, Known, Learnt, Person, Way};
pub use contract::{Contract, Sbg};
pub use covariates::{Described, Explained, Factors, Plain};
pub use cycle::{Cycle, Next};
pub use fitting::{Fit, Likelihood, Row};
pub use gamma_gamma::{GammaGamma, Spending};
pub use ggompertz_nbd::GGompertzNbd;
pub use history::{Group, Histories, History};
pub use nbd::Nbd;
pub use nearby::Nearby;
pub use no_u_turn::{Chains, Sampling};
pub use pareto_ggg::{Outlook, ParetoGgg, Rhythm};
pub use pareto_nbd::ParetoNbd;
pub use point::Point;
pub use regularity::regularity;
pub use simulation::{
    simulated_bg_nbd, simulated_chances, simulated_contracts, simulated_ggompertz_nbd, simulated_mbg_nbd,
    simulated_pareto_ggg, simulated_pareto_nbd, simulated_spending,
};
pub use summary::{Purchase, Summary};
pub use uncertainty::{Posterior, percentiles};
pub use value::{Horizon, Simple, Value};

/// A model of how people buy until they silently leave, in continuous time.
pub trait Buying {
    /// The probability that they are still there.
    fn alive(&self, history: &History) -> f64;

    /// How often they are expected to buy in what follows.
    fn expected(&self, history: &History, horizon: f64) -> f64;

    /// How often somebody new is expected to buy again after their first purchase.
    fn expected_new(&self, horizon: f64) -> f64;

    /// The probabilities that they buy 0, 1, 2 … `most` times in what follows.
    fn probabilities(&self, history: &History, horizon: f64, most: usize) -> Vec<f64>;

    /// The probabilities that somebody new buys again 0, 1, 2 … `most` times.
    fn probabilities_new(&self, horizon: f64, most: usize) -> Vec<f64>;

    /// What they are expected to buy in each of `periods` of the length `period` that follow, each counted at its end at a rate of `discount` a period.
    fn discounted(&self, history: &History, period: f64, periods: u32, discount: f64) -> f64 {
        let (mut before, mut sum) = (0.0, 0.0);
        for n in 1..=periods {
            let until = self.expected(history, period * f64::from(n));
            sum += (until - before) / (1.0 + discount).powi(n as i32);
            before = until;
        }
        sum
    }
}
