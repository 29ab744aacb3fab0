//! Where customers come from: acquisition channels of different quality, and what they cost by day.
//!
//! Always holds: the shares sum to 1; costs depend on the options only, never on who was won by chance. Costs belong to no customer: they are
//! a side output, like an advertising account's daily report.

use rapport_domain::money::MICROS_PER_UNIT;
use serde::Serialize;

use crate::{chance::Dice, seasons::DAYS, seasons::Seasons};

/// A way in which customers find the shop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Channel {
    /// Its name, as in the trait `acquisition_channel`.
    pub name: &'static str,
    /// `context.campaign.source` of the first visit.
    pub source: &'static str,
    /// `context.campaign.medium` of the first visit.
    pub medium: &'static str,
    /// Share of new customers.
    pub share: f64,
    /// Purchase rate of its customers, against the shop's mean.
    pub rate: f64,
    /// Length of its customers' lives, against the shop's mean.
    pub lifetime: f64,
    /// Order value of its customers, against the shop's mean.
    pub spend: f64,
    /// What a new customer costs, in cents, before noise.
    pub cost_per_customer: i64,
}

/// The shop's channels.
pub const CHANNELS: [Channel; 6] = [
    channel("Organic search", "google", "organic", [0.27, 1.0, 1.0, 1.0], 0),
    channel("Paid search", "google", "cpc", [0.22, 0.95, 0.9, 1.0], 1_400),
    channel("Social ads", "instagram", "paid_social", [0.20, 0.75, 0.5, 0.85], 1_900),
    channel("Direct", "direct", "none", [0.13, 1.1, 1.3, 1.05], 0),
    channel("Referral", "friend", "referral", [0.10, 1.25, 1.7, 1.15], 500),
    channel("Affiliates", "outdoor-blogs", "affiliate", [0.08, 0.9, 0.8, 1.0], 1_100),
];

const fn channel(
    name: &'static str,
    source: &'static str,
    medium: &'static str,
    [share, rate, lifetime, spend]: [f64; 4],
    cost_per_customer: i64,
) -> Channel {
    Channel { name, source, medium, share, rate, lifetime, spend, cost_per_customer }
}

/// What one channel cost on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelCost {
    /// The local date, as `2026-11-21`.
    pub date: String,
    /// The channel's name.
    pub channel: &'static str,
    /// Millionths of a euro.
    pub cost_micros: i64,
    /// "EUR".
    pub currency: &'static str,
    /// How often the channel's links were followed.
    pub clicks: i64,
}

/// Days before the end in which social ads became dearer.
const DEARER_DAYS: usize = 60;

/// The costs of all paid channels, day by day.
pub(crate) fn costs(customers: u32, seed: u64, seasons: &Seasons) -> Vec<ChannelCost> {
    let mut dice = Dice::new(seed, u64::MAX);
    let mut costs = Vec::new();
    for day in 0..DAYS {
        for channel in CHANNELS.iter().filter(|channel| channel.cost_per_customer > 0) {
            let dearer = channel.medium == "paid_social" && day + DEARER_DAYS >= DAYS;
            let price = channel.cost_per_customer as f64 * if dearer { 1.6 } else { 1.0 };
            let won = f64::from(customers) * seasons.share_won(day) * channel.share;
            let cents = (won * price * dice.range(0.85, 1.15)).round() as i64;
            costs.push(ChannelCost {
                date: seasons.date(day).to_string(),
                channel: channel.name,
                cost_micros: cents * (MICROS_PER_UNIT / 100),
                currency: "EUR",
                clicks: (cents as f64 / dice.range(35.0, 60.0)).round() as i64,
            });
        }
    }
    costs
}
