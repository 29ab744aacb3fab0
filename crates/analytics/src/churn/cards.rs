//! The card of a version of churn.

use super::features::FEATURES;
use super::features::place;
use super::learning::Learned;
use crate::scores::Sure;
use crate::scores::card::{Card, Measure, Parameter};
use crate::value::{Bought, date_of};

/// What a model of churn never says.
const LIMITS: [&str; 6] = [
    "It says who will probably buy nothing, not why, nor what would keep anybody: reasons are what goes with a risk. For that there are experiments.",
    "Whom to act on is a question of what acting changes, which takes an experiment with people who are left alone; a high risk by itself is none.",
    "It knows no competitor, price or season to come: what is to come is taken to be like what was.",
    "A person's interval is how it turned out for people of about the same risk; of one person alone it is a bet.",
    "What came with the history of a new source, or by a file, is taken as known when it happened.",
    "What people wrote is not read by it; complaints, stars and answers are counted.",
];

impl Learned {
    /// Its card.
    pub fn card(&self, bought: &Bought) -> Card {
        let content = &self.content;
        let metrics = &content.metrics;
        Card {
            title: format!("Who buys nothing in the next {} weeks", content.definition.horizon_weeks),
            data_from: date_of(self.from),
            data_until: date_of(content.end - 1),
            people: self.people as u64,
            purchases: self.purchases,
            left_out: self.left_out(bought),
            features: content
                .features
                .iter()
                .map(|it| place(it).map_or(it.as_str(), |at| FEATURES[at].1).to_owned())
                .collect(),
            method: self.method(),
            parameters: self.parameters(),
            judged_on: [date_of(metrics.from), date_of(metrics.until - 1)],
            measures: self.measures(),
            calibration: metrics.calibration.clone(),
            groups: content.groups.clone(),
            limits: self.limits(),
        }
    }

    fn left_out(&self, bought: &Bought) -> Vec<String> {
        let weeks = self.content.definition.active_weeks;
        let mut found = vec![
            format!("Whoever had bought nothing for {weeks} weeks: they are lost already."),
            format!(
                "What had not been heard of at a moment, though it had happened: {} events came on a later day.",
                self.late
            ),
        ];
        if bought.restricted > 0 {
            found.push(format!("{} people whose data may not be used.", bought.restricted));
        }
        found
    }

    fn method(&self) -> String {
        let best = if self.content.choice.best == "boosting" { "Boosted trees" } else { "A logistic regression" };
        format!(
            "{best} learnt from {} rows of {} moments, of which {} were lost, each row of what was known at its moment. Both a regression and boosting learnt from the earlier moments; the last one chose between them, and the chosen one learnt anew from all. Probabilities are calibrated, classes are not weighted.",
            self.rows, self.moments, self.lost
        )
    }

    /// Coefficients of the regression; of trees how much each feature matters.
    fn parameters(&self) -> Vec<Parameter> {
        if let Some(regression) = self.content.model.regression() {
            let all = regression.coefficients().into_iter().map(|it| Parameter {
                name: it.level.map_or_else(|| it.feature.clone(), |level| format!("{} {level}", it.feature)),
                value: it.estimate.value,
                standard_error: it.estimate.standard_error,
                low: it.estimate.low,
                high: it.estimate.high,
            });
            return all.collect();
        }
        let size = |(name, size): &(String, f64)| Parameter {
            name: name.clone(),
            value: *size,
            standard_error: None,
            low: *size,
            high: *size,
        };
        self.content.importance.iter().map(size).collect()
    }

    fn measures(&self) -> Vec<Measure> {
        let it = &self.content.metrics;
        let exact = |value: f64| Sure { value, low: value, high: value };
        let measure =
            |key: &str, label: &str, value: Sure| Measure { key: key.to_owned(), label: label.to_owned(), value };
        let mut found = vec![
            measure("people", "People judged", exact(it.people as f64)),
            measure("said", "Lost, as foretold", exact(it.said)),
            measure("came", "Lost", exact(it.came)),
            measure("bias", "By which part the sum was foretold too high", it.bias),
            measure("mean_absolute", "Mean distance of a risk from what came", it.mean_absolute),
            measure("log_score", "Mean logarithm of the probability of what happened", it.log_score),
        ];
        let auc =
            it.auc.map(|it| measure("auc", "Probability that one who was lost was ranked above one who stayed", it));
        let error = it.calibration_error;
        let error =
            error.map(|it| measure("calibration_error", "Mean distance of probabilities from what came", exact(it)));
        found.extend(auc.into_iter().chain(error));
        found
    }

    fn limits(&self) -> Vec<String> {
        let mut found: Vec<String> = self.content.warnings.iter().map(|it| it.text.clone()).collect();
        found.extend(LIMITS.iter().map(|it| (*it).to_owned()));
        let off: Vec<&str> = self.content.groups.iter().filter(|it| it.is_off).map(|it| it.name.as_str()).collect();
        if !off.is_empty() {
            found.push(format!("For some groups it is off by more than chance explains: {}.", off.join(", ")));
        }
        found
    }
}
