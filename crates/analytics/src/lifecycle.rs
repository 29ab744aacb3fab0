//! Where somebody stands with the company: from having heard of it to being lost and won back.
//!
//! Always holds: the thresholds come from how often this company's own customers order, and are told; a customer with a rhythm of their own is
//! measured by that.

use rapport_domain::Timestamp;

/// A stage. The order is that of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Is known, and shows no interest in buying.
    Aware,
    /// Looked at products lately, and never ordered.
    Considering,
    /// Ordered once.
    FirstPurchase,
    /// Ordered again.
    Repeat,
    /// Orders more often than most.
    Loyal,
    /// Ordered again, and speaks well of the company.
    Advocate,
    /// Is late for an order.
    AtRisk,
    /// Is far too late.
    Lost,
    /// Was lost, and ordered again lately.
    WonBack,
}

impl Stage {
    /// All, in their order.
    pub const ALL: [Self; 9] = [
        Self::Aware,
        Self::Considering,
        Self::FirstPurchase,
        Self::Repeat,
        Self::Loyal,
        Self::Advocate,
        Self::AtRisk,
        Self::Lost,
        Self::WonBack,
    ];

    /// The stable word, as told.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Aware => "aware",
            Self::Considering => "considering",
            Self::FirstPurchase => "first_purchase",
            Self::Repeat => "repeat",
            Self::Loyal => "loyal",
            Self::Advocate => "advocate",
            Self::AtRisk => "at_risk",
            Self::Lost => "lost",
            Self::WonBack => "won_back",
        }
    }
}

/// What is known of somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Orders.
    pub orders: i64,
    /// The first one.
    pub first_order_at: Option<Timestamp>,
    /// The last one.
    pub last_order_at: Option<Timestamp>,
    /// When they looked at a product last.
    pub interested_at: Option<Timestamp>,
    /// Whether they ever spoke well of the company.
    pub is_fond: bool,
    /// Whether the stage told last was that they are lost, or were won back.
    pub was_lost: bool,
}

/// When a stage begins, from the company's own customers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The usual time between two orders, in days: the median of repeat customers' own.
    pub gap_days: f64,
    /// So many orders make somebody loyal: the 80 % quantile of repeat customers, at least 3.
    pub loyal_orders: i64,
}

/// Somebody is late after so many usual gaps, lost after twice as many.
pub const LATE: f64 = 2.0;
/// A look at a product is interest for so many days.
pub const INTEREST_DAYS: i64 = 30;
/// From so many orders on somebody has a rhythm of their own.
const OWN_RHYTHM: i64 = 4;
/// Where nobody ordered twice.
const USUAL_GAP_DAYS: f64 = 60.0;

impl Thresholds {
    /// From everybody's orders.
    pub fn of(lives: impl Iterator<Item = Life>) -> Self {
        let (mut gaps, mut orders) = (Vec::new(), Vec::new());
        for life in lives.filter(|life| life.orders >= 2) {
            gaps.extend(life.own_gap_days());
            orders.push(life.orders);
        }
        gaps.sort_by(f64::total_cmp);
        orders.sort_unstable();
        let gap_days = gaps.get(gaps.len() / 2).copied().unwrap_or(USUAL_GAP_DAYS).max(1.0);
        let loyal_orders = orders.get(orders.len() * 4 / 5).copied().unwrap_or(3).max(3);
        Self { gap_days, loyal_orders }
    }
}

impl Life {
    /// The mean time between this customer's orders.
    fn own_gap_days(&self) -> Option<f64> {
        let took = self.last_order_at?.0 - self.first_order_at?.0;
        (self.orders >= 2 && took > 0).then(|| took as f64 / Timestamp::DAY as f64 / (self.orders - 1) as f64)
    }

    /// The stage at an instant.
    pub fn stage(&self, thresholds: &Thresholds, now: Timestamp) -> Stage {
        let days = |since: Timestamp| (now.0 - since.0) as f64 / Timestamp::DAY as f64;
        let Some(last) = self.last_order_at.filter(|_| self.orders > 0) else {
            let is_interested = self.interested_at.is_some_and(|at| days(at) <= INTEREST_DAYS as f64);
            return if is_interested { Stage::Considering } else { Stage::Aware };
        };
        let own = self.own_gap_days().filter(|_| self.orders >= OWN_RHYTHM);
        // A burst of orders on one day is no rhythm.
        let gap = own.map_or(thresholds.gap_days, |own| own.max(thresholds.gap_days / 4.0));
        let late = days(last) / gap;
        match self.orders {
            _ if late > 2.0 * LATE => Stage::Lost,
            _ if late > LATE => Stage::AtRisk,
            _ if self.was_lost && late <= 1.0 => Stage::WonBack,
            1 => Stage::FirstPurchase,
            _ if self.is_fond => Stage::Advocate,
            orders if orders >= thresholds.loyal_orders => Stage::Loyal,
            _ => Stage::Repeat,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000 * Timestamp::DAY);

    fn days_ago(days: i64) -> Option<Timestamp> {
        Some(NOW.plus(-days * Timestamp::DAY))
    }

    fn life(orders: i64, first: i64, last: i64) -> Life {
        Life { orders, first_order_at: days_ago(first), last_order_at: days_ago(last), ..Life::default() }
    }

    #[test]
    fn each_stage_is_reached() {
        let thresholds = Thresholds { gap_days: 30.0, loyal_orders: 5 };
        let stage = |life: Life| life.stage(&thresholds, NOW).key();
        assert_eq!(stage(Life::default()), "aware");
        assert_eq!(stage(Life { interested_at: days_ago(30), ..Life::default() }), "considering");
        assert_eq!(stage(Life { interested_at: days_ago(31), ..Life::default() }), "aware");
        assert_eq!(stage(life(1, 10, 10)), "first_purchase");
        assert_eq!(stage(life(1, 60, 60)), "first_purchase", "not yet later than twice the gap");
        assert_eq!(stage(life(1, 61, 61)), "at_risk");
        assert_eq!(stage(life(1, 121, 121)), "lost");
        assert_eq!(stage(life(2, 50, 10)), "repeat");
        assert_eq!(stage(life(5, 200, 10)), "loyal");
        assert_eq!(stage(Life { is_fond: true, ..life(2, 50, 10) }), "advocate");
        assert_eq!(stage(Life { was_lost: true, ..life(2, 500, 10) }), "won_back");
        assert_eq!(stage(Life { was_lost: true, ..life(2, 500, 31) }), "repeat", "the return is over");
        // Ten orders, ten days apart: late after twenty.
        assert_eq!(stage(life(10, 121, 31)), "at_risk");
    }

    #[test]
    fn thresholds_are_those_of_repeat_customers() {
        let lives = [life(1, 9, 9), life(2, 20, 0), life(3, 80, 0), life(2, 60, 0), life(9, 80, 0)];
        assert_eq!(Thresholds::of(lives.into_iter()), Thresholds { gap_days: 40.0, loyal_orders: 9 });
        assert_eq!(Thresholds::of(std::iter::empty()), Thresholds { gap_days: 60.0, loyal_orders: 3 });
    }
}
