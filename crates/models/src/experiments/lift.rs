//! What a treatment brought in all, in units of the metric: orders, visits or money that would not be there without it.

use super::{Arm, Effect, Estimand, Inference, Reading, Undecidable};

/// The absolute effect of `treatment` against `control`, such as a holdout, times the `exposed` units that had the treatment.
///
/// That many are taken as given, so their number adds nothing to the interval. For another number of units than were measured this assumes that they
/// are alike.
pub fn brought_in(treatment: &Arm, control: &Arm, exposed: u64, inference: &Inference) -> Result<Reading, Undecidable> {
    let a_unit = Effect::between(treatment, control, Estimand::Absolute)?.read(inference);
    let all = |a_unit: f64| a_unit * exposed as f64;
    let brought = Reading { estimate: all(a_unit.estimate), low: all(a_unit.low), high: all(a_unit.high), p: a_unit.p };
    let within_reach = brought.low.is_finite() && brought.high.is_finite();
    within_reach.then_some(brought).ok_or(Undecidable::Impossible)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 300 of 1,000 against 100 of 500 are 0.1 each, so 2,000 exposed brought 200, give or take 1.96 · 2,000 · √(0.21/1,000 + 0.16/500).
    #[test]
    fn shares_of_a_holdout_become_orders() {
        let (treatment, control) = (Arm::proportion(300, 1_000).unwrap(), Arm::proportion(100, 500).unwrap());
        let inference = Inference::fixed(0.05).unwrap();
        let found = brought_in(&treatment, &control, 2_000, &inference).unwrap();
        assert!((found.estimate - 200.0).abs() < 1e-9);
        assert!((found.high - 200.0 - 1.96 * 46.043).abs() < 0.2 && (found.high + found.low - 400.0).abs() < 1e-9);
        let none = brought_in(&treatment, &control, 0, &inference).unwrap();
        assert_eq!((none.estimate, none.low, none.high), (0.0, 0.0, 0.0));
    }
}
