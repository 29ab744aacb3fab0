//! The card of a version of what is foretold.

use super::content::Learned;
use super::drift::Drift;
use super::features::{FEATURES, place};
use crate::scores::Sure;
use crate::scores::card::{Card, Measure, Parameter};
use crate::value::{Bought, date_of};

/// What is written on a card in the words of what is foretold.
pub(crate) struct Written<'a> {
    /// The title.
    pub(crate) title: String,
    /// Who was left out by what is foretold.
    pub(crate) left_out: Vec<String>,
    /// Of those for whom it came true: `were lost`.
    pub(crate) came: &'a str,
    /// What it cannot say.
    pub(crate) limits: &'a [&'a str],
}

impl<D> Learned<D> {
    /// Its card.
    pub(crate) fn written(&self, bought: &Bought, words: Written<'_>) -> Card {
        let content = &self.content;
        let metrics = &content.metrics;
        Card {
            title: words.title,
            data_from: date_of(self.from),
            data_until: date_of(content.end - 1),
            people: self.people as u64,
            purchases: self.purchases,
            left_out: self.left_out(words.left_out, bought),
            features: content
                .features
                .iter()
                .map(|it| place(it).map_or(it.as_str(), |at| FEATURES[at].1).to_owned())
                .collect(),
            method: self.method(words.came),
            parameters: self.parameters(),
            judged_on: [date_of(metrics.from), date_of(metrics.until - 1)],
            measures: self.measures(words.came),
            calibration: metrics.calibration.clone(),
            groups: content.groups.clone(),
            limits: self.limits(words.limits),
        }
    }

    fn left_out(&self, mut found: Vec<String>, bought: &Bought) -> Vec<String> {
        found.push(format!(
            "What had not been heard of at a moment, though it had happened: {} events came on a later day.",
            self.late
        ));
        if bought.restricted > 0 {
            found.push(format!("{} people whose data may not be used.", bought.restricted));
        }
        found
    }

    fn method(&self, came: &str) -> String {
        let best = if self.content.choice.best == "boosting" { "Boosted trees" } else { "A logistic regression" };
        format!(
            "{best} learnt from {} rows of {} moments, of which {} {came}, each row of what was known at its moment. Both a regression and boosting learnt from the earlier moments; the last one chose between them, and the chosen one learnt anew from all. Probabilities are calibrated, classes are not weighted.",
            self.rows, self.moments, self.came
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

    fn measures(&self, came: &str) -> Vec<Measure> {
        let it = &self.content.metrics;
        let measure =
            |key: &str, label: &str, value: Sure| Measure { key: key.to_owned(), label: label.to_owned(), value };
        let mut found = vec![
            measure("people", "People judged", Sure::exact(it.people as f64)),
            measure("said", &format!("So many {came}, as foretold"), Sure::exact(it.said)),
            measure("came", &format!("So many {came}"), Sure::exact(it.came)),
            measure("bias", "By which part the sum was foretold too high", it.bias),
            measure("mean_absolute", "Mean distance of a probability from what came", it.mean_absolute),
            measure("log_score", "Mean logarithm of the probability of what happened", it.log_score),
        ];
        let auc = it.auc.map(|it| {
            let label = "Probability that one of whom it came true was ranked above one of whom it did not";
            measure("auc", label, it)
        });
        let error = it.calibration_error;
        let error = error
            .map(|it| measure("calibration_error", "Mean distance of probabilities from what came", Sure::exact(it)));
        found.extend(auc.into_iter().chain(error));
        found
    }

    fn limits(&self, all: &[&str]) -> Vec<String> {
        let mut found: Vec<String> = self.content.warnings.iter().map(|it| it.text.clone()).collect();
        found.extend(self.content.drift.iter().flat_map(Drift::sentences));
        found.extend(all.iter().map(|it| (*it).to_owned()));
        let off: Vec<&str> = self.content.groups.iter().filter(|it| it.is_off).map(|it| it.name.as_str()).collect();
        if !off.is_empty() {
            found.push(format!("For some groups it is off by more than chance explains: {}.", off.join(", ")));
        }
        found
    }
}
