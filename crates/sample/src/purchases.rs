//! How often, how long and how much a customer buys: Pareto/NBD (Schmittlein, Morrison, Colombo 1987) for orders and gamma-gamma
//! (Fader, Hardie 2013) for their value.
//!
//! Always holds: the first order is at the acquisition; later orders are Poisson with the customer's own rate in shop weeks (see
//! `seasons`) until the customer's own dropout, which is exponential in calendar weeks; rates are gamma over customers. Nothing else of the
//! simulation moves an order in time. The planted group of slipping customers is the one exception, and is marked in the truth.

use rapport_domain::Timestamp;

use crate::{chance::Dice, channels::Channel, seasons::Seasons};

/// The parameters of the whole shop, before a channel's factors.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// Shape of the gamma of purchase rates.
    pub r: f64,
    /// Rate of the gamma of purchase rates, shop weeks.
    pub alpha: f64,
    /// Shape of the gamma of dropout rates.
    pub s: f64,
    /// Rate of the gamma of dropout rates, calendar weeks.
    pub beta: f64,
    /// Shape of an order's value within a customer.
    pub p: f64,
    /// Shape of the gamma of value rates over customers.
    pub q: f64,
    /// Rate of the gamma of value rates over customers, euros.
    pub gamma: f64,
}

/// What the sample shop uses: about 4.7 orders a year while active, half of the customers gone after some eight months, a mean order of
/// 72 euros before tax.
pub const PARAMETERS: Parameters = Parameters { r: 0.9, alpha: 10.0, s: 0.8, beta: 26.0, p: 6.0, q: 4.0, gamma: 36.0 };

/// A microsecond count of one week.
const WEEK: f64 = 7.0 * Timestamp::DAY as f64;

/// The hidden truth of one customer's buying.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// Orders a shop week.
    pub(crate) rate: f64,
    /// After this instant the customer never orders again.
    pub(crate) dropout_at: Timestamp,
    /// Mean value of an order before tax, euros.
    pub(crate) mean_order_value: f64,
}

impl Habits {
    /// A customer of a channel.
    pub(crate) fn draw(dice: &mut Dice, channel: &Channel, acquired: Timestamp) -> Self {
        let shop = PARAMETERS;
        let rate = dice.gamma(shop.r, shop.alpha) * channel.rate;
        let dropout_rate = dice.gamma(shop.s, shop.beta) / channel.lifetime;
        // Beyond a century nobody sees the difference, and the sum stays an instant that prints.
        let weeks = dice.exponential(dropout_rate.max(1e-9)).min(5_200.0);
        let mean_order_value = shop.p / dice.gamma(shop.q, shop.gamma) * channel.spend;
        Self { rate, dropout_at: acquired.plus((weeks * WEEK) as i64), mean_order_value }
    }

    /// One of the valuable customers who stopped some weeks ago: planted, so that a home page has something to find.
    pub(crate) fn slipping(dice: &mut Dice, end: Timestamp) -> Self {
        Self {
            rate: dice.range(0.28, 0.5),
            dropout_at: end.plus(-dice.between(40, 75) * Timestamp::DAY),
            mean_order_value: dice.range(110.0, 190.0),
        }
    }

    /// The instants of all orders up to `end`, the first at `acquired`.
    pub(crate) fn order_times(
        &self,
        dice: &mut Dice,
        acquired: Timestamp,
        end: Timestamp,
        seasons: &Seasons,
    ) -> Vec<Timestamp> {
        let mut times = vec![acquired];
        let mut weeks = seasons.weeks_at(acquired);
        loop {
            weeks += dice.exponential(self.rate.max(1e-9));
            match seasons.instant_at(weeks) {
                Some(at) if at <= end && at <= self.dropout_at => times.push(at),
                _ => return times,
            }
        }
    }

    /// How many orders after the first are expected, given the rate and the dropout.
    pub(crate) fn expected_repeats(&self, acquired: Timestamp, end: Timestamp, seasons: &Seasons) -> f64 {
        self.rate * (seasons.weeks_at(end.min(self.dropout_at)) - seasons.weeks_at(acquired))
    }

    /// The value of one order before tax, in cents: what the basket aims at.
    pub(crate) fn order_value(&self, dice: &mut Dice) -> i64 {
        let shape = PARAMETERS.p;
        (100.0 * dice.gamma(shape, shape / self.mean_order_value)).round() as i64
    }
}
