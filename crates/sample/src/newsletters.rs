//! The newsletter: sent every four weeks to everyone who agreed; delivered, opened, clicked, and sometimes the last one.
//!
//! Always holds: nothing is sent without a granted consent or after an unsubscription; people who no longer buy open less, which is what
//! tells a slipping customer early.

use rapport_domain::Timestamp;
use serde_json::{Map, Value};

use crate::{
    chance::Dice,
    message::map,
    recorder::Recorder,
    seasons::{DAYS, Seasons},
};

/// Days between two newsletters.
const EVERY: usize = 28;

/// A customer as the newsletter sees one.
pub(crate) struct Reader {
    pub(crate) since: Timestamp,
    pub(crate) dropout_at: Timestamp,
    pub(crate) satisfaction: f64,
}

/// Asks for consents at sign-up; returns whether the newsletter may be sent.
pub(crate) fn ask_consents(dice: &mut Dice, recorder: &mut Recorder, at: Timestamp) -> bool {
    let mut ask = |channel: &str, purpose: &str, probability: f64| {
        let granted = dice.happens(probability);
        let event = if granted { "Consent Granted" } else { "Consent Denied" };
        recorder.reported(at, event, map([("channel", Value::from(channel)), ("purpose", Value::from(purpose))]));
        granted
    };
    ask("web", "analytics", 0.9);
    ask("sms", "marketing", 0.12);
    ask("email", "marketing", 0.58)
}

/// Sends the newsletters of the history to a reader who agreed; when they left, if they did.
pub(crate) fn send(dice: &mut Dice, recorder: &mut Recorder, seasons: &Seasons, reader: &Reader) -> Option<Timestamp> {
    let last = DAYS - 4;
    for number in (0..=last / EVERY).rev() {
        let day = last - number * EVERY;
        let sent_at = seasons.at(day, 9 * 3600 + dice.between(0, 1200));
        if sent_at < reader.since {
            continue;
        }
        let name = format!("Newsletter {}", seasons.date(day).strftime("%Y-%m-%d"));
        let mut tell = |at: Timestamp, event: &'static str| recorder.reported(at, event, fields(&name));
        tell(sent_at, "Message Sent");
        let delivered_at = sent_at.plus(dice.between(2 * Timestamp::SECOND, 90 * Timestamp::SECOND));
        if dice.happens(0.015) {
            tell(delivered_at, "Message Bounced");
            continue;
        }
        tell(delivered_at, "Message Delivered");
        let interest = if sent_at < reader.dropout_at { 0.34 + 0.05 * reader.satisfaction } else { 0.09 };
        if !dice.happens(interest.clamp(0.03, 0.7)) {
            continue;
        }
        let hours = dice.exponential(1.0 / 9.0).min(96.0);
        let opened_at = delivered_at.plus((hours * Timestamp::HOUR as f64) as i64 + 30 * Timestamp::SECOND);
        tell(opened_at, "Message Opened");
        if dice.happens(0.16) {
            tell(opened_at.plus(dice.between(5, 90) * Timestamp::SECOND), "Message Clicked");
        }
        if dice.happens(0.02) {
            let at = opened_at.plus(2 * Timestamp::MINUTE);
            tell(at, "Message Unsubscribed");
            let consent = map([("channel", Value::from("email")), ("purpose", Value::from("marketing"))]);
            recorder.reported(at, "Consent Denied", consent);
            return Some(at);
        }
    }
    None
}

/// What a mail's events say of it.
pub(crate) fn fields(campaign: &str) -> Map<String, Value> {
    map([("channel", Value::from("email")), ("campaign", Value::from(campaign))])
}
