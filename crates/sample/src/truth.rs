//! What is true of the simulated customers and nobody could see: for side files and for tests of what the product finds out.
//!
//! Always holds: amounts are millionths of a euro and sum exactly over the emitted messages; rates are per shop week (see
//! `seasons`: over the whole history a shop week is as long as a calendar week).

use rapport_domain::Timestamp;
use serde::Serialize;

use crate::offer::OFFER;

/// The truth of one customer; serialises to one line of a side file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// The customer number in the messages.
    pub user_id: String,
    /// The acquisition channel.
    pub channel: &'static str,
    /// First order, or sign-up for those who never order. Microseconds.
    pub acquired_at: Timestamp,
    /// Signed up and never orders.
    pub lead: bool,
    /// One of the planted valuable customers who stopped some weeks ago; not drawn from the model.
    pub slipping: bool,
    /// Orders a shop week while active; 0 for leads.
    pub purchase_rate: f64,
    /// No order comes after this instant. Microseconds; may lie far after the end. For leads the acquisition.
    pub dropout_at: Timestamp,
    /// Whether the dropout lies after the end of the history.
    pub alive_at_end: bool,
    /// Mean revenue of an order, euros; 0 for leads.
    pub mean_order_value: f64,
    /// Orders after the first that the rate and the dropout make one expect.
    pub expected_repeats: f64,
    /// Satisfaction before anything went wrong; about normal with mean 0.5 and deviation 1.
    pub satisfaction: f64,
    /// Satisfaction at the end, after late deliveries and the like.
    pub satisfaction_at_end: f64,
    /// The category bought most by taste.
    pub favourite_category: &'static str,
    /// Devices the customer signed in on.
    pub devices: u32,
    /// "Order Completed" messages.
    pub orders: u32,
    /// In which group of the planted campaign; empty outside of it.
    pub offer: &'static str,
    /// Those of the orders that would not be there without the planted campaign.
    pub extra_orders: u32,
    /// Sum of the orders' `revenue`.
    pub revenue_micros: i64,
    /// Sum of their `total`.
    pub total_micros: i64,
    /// "Order Cancelled" messages.
    pub cancelled_orders: u32,
    /// Sum of the `total` of "Order Refunded".
    pub refunded_micros: i64,
    /// Deliveries that came late, up to the end.
    pub late_deliveries: u32,
    /// "Ticket Opened" messages.
    pub tickets: u32,
    /// What the customer's subscription costs a month at the end; 0 without one.
    pub mrr_micros: i64,
}

/// Sums over people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// People with a customer number, leads included.
    pub customers: u64,
    /// Customers with at least one order.
    pub buyers: u64,
    /// Buyers with at least two orders.
    pub repeat_buyers: u64,
    /// Buyers whose dropout lies after the end.
    pub alive_buyers: u64,
    /// Visitors who never said who they are.
    pub visitors: u64,
    /// Messages of all kinds.
    pub messages: u64,
    /// "Order Completed" messages.
    pub orders: u64,
    /// Sum of their `revenue`.
    pub revenue_micros: i64,
    /// Sum of their `total`.
    pub total_micros: i64,
    /// "Order Cancelled" messages.
    pub cancelled_orders: u64,
    /// Sum of the `total` of "Order Refunded".
    pub refunded_micros: i64,
    /// Customers in the group of the planted campaign that got nothing.
    pub offer_control: u64,
    /// Customers in the group that got the offer.
    pub offer_treated: u64,
    /// Orders that would not be there without it: over those treated it is the true effect.
    pub extra_orders: u64,
    /// Monthly recurring revenue at the end.
    pub mrr_micros: i64,
}

impl Totals {
    /// Adds one person: the truth of a customer, or `None` for a visitor.
    pub fn add(&mut self, truth: Option<&Truth>, messages: usize) {
        self.messages += messages as u64;
        let Some(truth) = truth else {
            self.visitors += 1;
            return;
        };
        self.customers += 1;
        self.buyers += u64::from(truth.orders > 0);
        self.repeat_buyers += u64::from(truth.orders > 1);
        self.alive_buyers += u64::from(truth.orders > 0 && truth.alive_at_end);
        self.orders += u64::from(truth.orders);
        self.revenue_micros += truth.revenue_micros;
        self.total_micros += truth.total_micros;
        self.cancelled_orders += u64::from(truth.cancelled_orders);
        self.refunded_micros += truth.refunded_micros;
        self.offer_control += u64::from(truth.offer == OFFER.control);
        self.offer_treated += u64::from(truth.offer == OFFER.treated);
        self.extra_orders += u64::from(truth.extra_orders);
        self.mrr_micros += truth.mrr_micros;
    }
}
