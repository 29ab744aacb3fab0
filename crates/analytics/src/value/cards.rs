//! The card of a version of value.

use super::learning::Learned;
use super::model::{Content, name};
use super::purchases::Bought;
use super::{Settings, date_of};
use crate::scores::Sure;
use crate::scores::card::{Card, Measure};

/// What a model of buying never says.
const LIMITS: [&str; 6] = [
    "It says who will probably buy, not why, nor what would keep anybody: for that there are experiments.",
    "It knows no season, price or campaign: what is to come is taken to be like what was.",
    "The interval of a person is of chance alone; parameters that may be others are in the intervals of sums.",
    "Who buys by a clock is taken for somebody who buys at random: whoever is late then is gone more surely than it says.",
    "Amounts of other currencies are not converted: whoever pays in them only has the usual amount.",
    "The weeks it was judged on are the latest; others may turn out otherwise.",
];

impl Learned {
    /// Its card.
    pub fn card(&self, bought: &Bought, settings: &Settings) -> Card {
        let content = &self.content;
        let metrics = &content.metrics;
        let mut parameters = content.model.parameters.clone();
        parameters.extend(content.worth.parameters.iter().cloned());
        Card {
            title: format!("What customers are worth in the next {} weeks", settings.horizon_weeks),
            data_from: date_of(self.from),
            data_until: date_of(content.end - 1),
            people: self.people as u64,
            purchases: self.purchases,
            left_out: left_out(bought),
            features: vec![
                "On how many days they bought, the first and the last of them, and how long ago the first was."
                    .to_owned(),
                "What they spent a purchase after the first, in the workspace's currency, refunds taken off."
                    .to_owned(),
            ],
            method: method(content),
            parameters,
            judged_on: [date_of(metrics.from), date_of(metrics.until - 1)],
            measures: measures(content),
            calibration: metrics.calibration.clone(),
            groups: content.groups.clone(),
            limits: limits(content),
        }
    }
}

fn left_out(bought: &Bought) -> Vec<String> {
    let mut found = vec!["Orders that were cancelled or went back whole.".to_owned()];
    if bought.foreign > 0 {
        found.push(format!("The amounts of {} orders in other currencies; that they were is counted.", bought.foreign));
    }
    if bought.restricted > 0 {
        found.push(format!("{} people whose data may not be used.", bought.restricted));
    }
    found
}

fn method(content: &Content) -> String {
    let others: Vec<&str> =
        content.choice.tried.iter().filter(|it| it.kind != content.choice.best).map(|it| it.name.as_str()).collect();
    let spend = match &content.worth.fault {
        None => "What they spend is told by Gamma-Gamma.".to_owned(),
        Some(fault) => format!("What they spend is their own mean, as Gamma-Gamma could not be fitted. {fault}"),
    };
    format!(
        "{} was the best of what was tried (beside {}) at foretelling the weeks held out, and was then fitted to all purchases by maximum likelihood. {spend}",
        name(&content.choice.best),
        others.join(" and ")
    )
}

fn measures(content: &Content) -> Vec<Measure> {
    let it = &content.metrics;
    let measure = |key: &str, label: &str, value: Sure| Measure { key: key.to_owned(), label: label.to_owned(), value };
    let mut found = vec![
        measure("said", "Purchases foretold", Sure::exact(it.said)),
        measure("came", "Purchases that came", Sure::exact(it.came)),
        measure("bias", "By which part the sum was foretold too high", it.bias),
        measure("mean_absolute", "Mean absolute error of a person's purchases", it.mean_absolute),
        measure("log_score", "Mean logarithm of the probability of what happened", it.log_score),
    ];
    let mut maybe = |key: &str, label: &str, value: Option<Sure>| {
        found.extend(value.map(|value| measure(key, label, value)));
    };
    maybe("spend_bias", "By which part what was spent was foretold too high", it.spend_bias);
    maybe("top_tenth", "Share of what was spent by the tenth of whom most was foretold", it.top_tenth);
    maybe("top_tenth_best", "Share of the tenth who spent most", it.top_tenth_best.map(Sure::exact));
    maybe("auc", "Probability that a buyer was ranked above one who did not buy", it.auc);
    let held = content.cycle.as_ref().and_then(|it| it.held);
    maybe("next_held", "Share of next purchases that came within their 80 %, of those that came", held);
    maybe("calibration_error", "Mean distance of probabilities from what came", it.calibration_error.map(Sure::exact));
    found
}

fn limits(content: &Content) -> Vec<String> {
    let mut found: Vec<String> = LIMITS.iter().map(|it| (*it).to_owned()).collect();
    if let Some(together) = content.worth.correlation.filter(|it| it.abs() > 0.2) {
        found.push(format!(
            "Who buys often spends {} a purchase here (correlation {together:.2}), which Gamma-Gamma takes for granted is not so.",
            if together > 0.0 { "more" } else { "less" }
        ));
    }
    let off: Vec<&str> = content.groups.iter().filter(|it| it.is_off).map(|it| it.name.as_str()).collect();
    if !off.is_empty() {
        found.push(format!("For some groups it is off by more than chance explains: {}.", off.join(", ")));
    }
    found
}
