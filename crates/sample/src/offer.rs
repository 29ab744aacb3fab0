//! The planted campaign: nine weeks before the end everybody who may be written to was drawn into one of two groups, and one group got an offer.
//!
//! Always holds: chance of its own, so that all else in the shop is as it would be without it; the offer's whole effect is orders that would not be there
//! without it, and each is counted in the truth. Nobody without consent is in it.

use rapport_domain::Timestamp;
use serde_json::Value;

use crate::{
    chance::Dice,
    message::map,
    newsletters,
    recorder::Recorder,
    seasons::{DAYS, Seasons},
};

/// What the planted campaign is, for whoever compares a readout with the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// The experiment's key in "Experiment Viewed", and the journey's that ran it.
    pub key: &'static str,
    /// What its messages call it.
    pub name: &'static str,
    /// The group that got nothing.
    pub control: &'static str,
    /// The group that got the offer.
    pub treated: &'static str,
    /// Of those treated who still bought at all, the share who ordered once more within [`Offer::days`] because of it.
    pub effect: f64,
    /// All of the effect comes within so many days.
    pub days: i64,
}

/// The planted campaign.
pub const OFFER: Offer = Offer {
    key: "free-shipping",
    name: "Free shipping week",
    control: "control",
    treated: "offer",
    effect: 0.12,
    days: 7,
};

/// Days before the end.
const AGO: usize = 63;
/// Its own stream of chance.
pub(crate) const STREAM: u64 = 0x6f66_6665_7221;

/// When the groups were drawn and the offer was sent.
pub(crate) fn sent_at(seasons: &Seasons) -> Timestamp {
    seasons.at(DAYS - AGO, 10 * 3_600)
}

/// Draws somebody's group, and sends the offer to whoever is to get it: the group, and when the order comes that is due to it.
pub(crate) fn draw(
    dice: &mut Dice,
    recorder: &mut Recorder,
    at: Timestamp,
    dropout_at: Timestamp,
) -> (&'static str, Option<Timestamp>) {
    let treated = dice.happens(0.5);
    let arm = if treated { OFFER.treated } else { OFFER.control };
    let seen = map([("experiment", Value::from(OFFER.key)), ("variant", Value::from(arm))]);
    recorder.reported(at, rapport_domain::shop_events::EXPERIMENT_VIEWED, seen);
    if !treated {
        return (arm, None);
    }
    let mut tell =
        |after: i64, event: &'static str| recorder.reported(at.plus(after), event, newsletters::fields(OFFER.name));
    tell(Timestamp::SECOND, "Message Sent");
    tell(dice.between(3, 90) * Timestamp::SECOND, "Message Delivered");
    let until = OFFER.days * Timestamp::DAY;
    let orders = dice.happens(OFFER.effect);
    let order_at = at.plus(dice.between(3 * Timestamp::HOUR, until - Timestamp::HOUR));
    let opened = dice.between(2 * Timestamp::MINUTE, 2 * Timestamp::HOUR);
    // Whoever orders because of it has read it; others read it too.
    let orders = orders && order_at < dropout_at;
    if orders || dice.happens(0.3) {
        tell(opened, "Message Opened");
        if orders || dice.happens(0.2) {
            tell(opened + dice.between(5, 90) * Timestamp::SECOND, "Message Clicked");
        }
    }
    (arm, orders.then_some(order_at))
}
