//! What customers are worth: purchases to come times what is spent on each, discounted; and the simple formula beside it.

use super::{Buying, GammaGamma, Summary};

/// What somebody is worth within a horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The probability that they are still there.
    pub alive: f64,
    /// How often they are expected to buy, not discounted.
    pub purchases: f64,
    /// What they are expected to spend a purchase; `None` where neither the person nor the others tell.
    pub spend: Option<f64>,
    /// What all of that comes to today.
    pub value: Option<f64>,
}

/// Over how long, and at which rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Horizon {
    /// The length of a period, in the unit of the histories.
    pub period: f64,
    /// How many of them.
    pub periods: u32,
    /// The rate at which a period is discounted: 0.01 is 1 %.
    pub discount: f64,
    /// The part of what is spent that is earned: 1 counts revenue.
    pub margin: f64,
}

impl Value {
    /// Of one customer.
    pub fn of(model: &impl Buying, spending: &GammaGamma, summary: &Summary, horizon: &Horizon) -> Self {
        let history = &summary.history;
        let spend = spending.expected(f64::from(history.frequency), summary.again);
        let discounted = model.discounted(history, horizon.period, horizon.periods, horizon.discount);
        Self {
            alive: model.alive(history),
            purchases: model.expected(history, horizon.period * f64::from(horizon.periods)),
            spend,
            value: spend.map(|it| it * discounted * horizon.margin),
        }
    }
}

/// The formula of many textbooks: the average value of a purchase, times how often people buy a unit of time, times how long they stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simple {
    /// The average value of a purchase.
    pub average: f64,
    /// Purchases a customer and unit of time, the first among them.
    pub frequency: f64,
    /// How long a customer stays, from first to last purchase, on average.
    pub lifespan: f64,
}

impl Simple {
    /// Why its result is no forecast.
    pub const FAULT: &'static str = "It gives everybody the same value; it takes the time between the first and the last purchase so far for a whole \
        life, though those who are still there go on; and it multiplies averages of things that go together as if they did not.";

    /// Of customers. `None` without any.
    pub fn of(summaries: &[Summary]) -> Option<Self> {
        let purchases: f64 = summaries.iter().map(|it| f64::from(it.history.frequency) + 1.0).sum();
        let spent: f64 = summaries.iter().map(|it| it.mean * (f64::from(it.history.frequency) + 1.0)).sum();
        let known: f64 = summaries.iter().map(|it| it.history.age).sum();
        let lifespan = summaries.iter().map(|it| it.history.recency).sum::<f64>() / summaries.len() as f64;
        let found = Self { average: spent / purchases, frequency: purchases / known, lifespan };
        (found.average.is_finite() && found.frequency.is_finite() && found.lifespan.is_finite()).then_some(found)
    }

    /// What it says that every customer is worth.
    pub fn value(&self) -> f64 {
        self.average * self.frequency * self.lifespan
    }
}
