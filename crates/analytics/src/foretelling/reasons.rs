//! Why a chance is what it is: which of the things known of somebody go with a higher or a lower one, in words.
//!
//! Always holds: the reasons are those of the model (Shapley values in log-odds), the weightiest first; they say what goes with a chance, not what would change it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::features::FEATURES;

/// So many reasons are told.
const TOLD: usize = 3;
/// What adds less than this to the log-odds is no reason.
const LEAST: f64 = 0.05;

/// A reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForetoldReason)]
pub struct Reason {
    /// The word of the feature; `unknown.` before it where it is not known.
    pub code: String,
    /// Whether it goes with a higher chance.
    pub raises: bool,
    /// What it adds to the log-odds.
    pub adds: f64,
    /// What it is for this person; empty where it is not known.
    pub numbers: Vec<f64>,
    /// The sentence.
    pub text: String,
}

/// The weightiest of somebody.
pub(super) fn reasons(features: &[usize], values: &[f64], adds: &[f64]) -> Vec<Reason> {
    let mut order: Vec<usize> = (0..features.len()).filter(|at| adds[*at].abs() >= LEAST).collect();
    order.sort_by(|a, b| adds[*b].abs().total_cmp(&adds[*a].abs()));
    order.into_iter().take(TOLD).map(|at| reason(features[at], values[features[at]], adds[at])).collect()
}

/// The feature that raises somebody's chance most; empty where none does.
pub(super) fn cause(features: &[usize], adds: &[f64]) -> &'static str {
    let most = (0..features.len()).filter(|at| adds[*at] >= LEAST).max_by(|a, b| adds[*a].total_cmp(&adds[*b]));
    most.map_or("", |at| FEATURES[features[at]].0)
}

fn reason(feature: usize, value: f64, adds: f64) -> Reason {
    let (key, what) = FEATURES[feature];
    let raises = adds > 0.0;
    if value.is_nan() {
        let text = format!("It is not known: {what}.");
        return Reason { code: format!("unknown.{key}"), raises, adds, numbers: Vec::new(), text };
    }
    let (whole, part, share) = (value.round(), (value * 10.0).round() / 10.0, (value * 100.0).round());
    let text = match key {
        "since" => format!("Bought last {whole} days ago."),
        "tenure" => format!("Has been a customer for {whole} days."),
        "purchases" => format!("Bought on {whole} days in all."),
        "gap" => format!("Buys every {whole} days or so."),
        "lateness" => format!("The last purchase is {part} of their usual gaps ago."),
        "regularity" => format!("Their gaps differ by {share} % of their mean."),
        "spend_mean" => format!("Spends {value:.2} a purchase."),
        "spend_last" => format!("The last purchase was {part} times their usual amount."),
        "purchases_90" => format!("Bought {whole} times in the last 90 days."),
        "purchases_365" => format!("Bought {whole} times in the last year."),
        "spend_90" => format!("Spent {value:.2} in the last 90 days."),
        "spend_365" => format!("Spent {value:.2} in the last year."),
        "purchases_trend" if whole < 0.0 => format!("Bought {} times less in 90 days than in the 90 before.", -whole),
        "purchases_trend" if whole > 0.0 => format!("Bought {whole} times more in 90 days than in the 90 before."),
        "purchases_trend" => "Bought as often in 90 days as in the 90 before.".to_owned(),
        "visits_30" => format!("Came by on {whole} of the last 30 days."),
        "visits_trend" if whole < 0.0 => format!("Came by on {} days less than in the month before.", -whole),
        "visits_trend" if whole > 0.0 => format!("Came by on {whole} days more than in the month before."),
        "visits_trend" => "Came by as often as in the month before.".to_owned(),
        "visits_since" => format!("Came by last {whole} days ago."),
        "reduced" => format!("Bought with a discount {share} % of the time."),
        "returns_365" => format!("Sent back or called off {whole} orders in the last year."),
        "complaints_180" => format!("Complained {whole} times in half a year."),
        "tickets_180" => format!("Asked for help {whole} times in half a year."),
        "stars_last" => format!("Gave {whole} of 5 stars last."),
        "recommends_last" => format!("Answered {whole} of 10 when asked whether they would recommend us."),
        "messages_90" => format!("Opened {whole} messages in 90 days."),
        "alive" => format!("By how they bought, {share} % that they are still there."),
        "own_since" => format!("Did it last {whole} days ago."),
        "own_90" => format!("Did it {whole} times in the last 90 days."),
        "own_365" => format!("Did it {whole} times in the last year."),
        "subscribed" => format!("Has had a subscription for {whole} days."),
        "satisfied_last" => format!("Answered {whole} when asked how satisfied they are."),
        "eased_last" => format!("Answered {whole} when asked how easy it was."),
        "sentiment_last" => format!("What they last wrote felt like {part}, where -1 is bad and 1 is good."),
        _ => format!("{what}: {part}."),
    };
    Reason { code: key.to_owned(), raises, adds, numbers: vec![value], text }
}

#[cfg(test)]
mod tests {
    use super::super::features::MANY;
    use super::*;

    #[test]
    fn the_weightiest_are_told_with_their_direction() {
        let mut values = [f64::NAN; MANY];
        (values[0], values[2], values[12], values[21]) = (81.4, 3.0, -2.0, f64::NAN);
        let features = [0, 2, 12, 21];
        let found = reasons(&features, &values, &[0.9, -1.2, 0.04, -0.3]);
        let texts: Vec<(&str, bool, &str)> =
            found.iter().map(|it| (it.code.as_str(), it.raises, it.text.as_str())).collect();
        assert_eq!(
            texts,
            [
                ("purchases", false, "Bought on 3 days in all."),
                ("since", true, "Bought last 81 days ago."),
                ("unknown.recommends_last", false, "It is not known: last answer whether they would recommend us."),
            ]
        );
        assert_eq!(cause(&features, &[0.9, -1.2, 0.04, -0.3]), "since");
        assert_eq!(cause(&features, &[0.01, -1.2, 0.04, -0.3]), "");
        assert_eq!(reasons(&[12], &values, &[0.5])[0].text, "Bought 2 times less in 90 days than in the 90 before.");
    }

    #[test]
    fn every_feature_has_a_sentence_of_its_own() {
        for at in 0..MANY {
            let text = reason(at, 2.0, 1.0).text;
            assert!(!text.contains(": "), "{text}");
        }
    }
}
