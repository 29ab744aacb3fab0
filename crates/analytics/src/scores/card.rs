//! The card of a version: what it was learnt from, how good it is, for whom it does worse, and what it cannot say. As data, and as a page to read.
//!
//! Always holds: a card names no person; every number that is an estimate has its interval.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sure;

/// A card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelCard)]
pub struct Card {
    /// What the model says of people.
    pub title: String,
    /// The first day of the data, as a date.
    pub data_from: String,
    /// The day that the model takes for the present.
    pub data_until: String,
    /// How many people it was learnt from.
    pub people: u64,
    /// How many purchases.
    pub purchases: u64,
    /// What was left out, and how much of it: sentences.
    pub left_out: Vec<String>,
    /// What it knows of a person.
    pub features: Vec<String>,
    /// How it was made.
    pub method: String,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// On which days it was judged: from, until; empty of what foretells nothing.
    pub judged_on: [String; 2],
    /// How good it was there.
    pub measures: Vec<Measure>,
    /// What was said beside what came.
    pub calibration: Vec<Said>,
    /// Groups, those that it does worse for marked.
    pub groups: Vec<Group>,
    /// What it cannot say.
    pub limits: Vec<String>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelParameter)]
pub struct Parameter {
    /// Its name in the literature.
    pub name: String,
    /// What it is.
    pub value: f64,
    /// Its standard error, where there is one.
    pub standard_error: Option<f64>,
    /// The lower end of 95 %.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A measure on the weeks held out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelMeasure)]
pub struct Measure {
    /// A stable word.
    pub key: String,
    /// What it is, in words.
    pub label: String,
    /// Its value and interval.
    pub value: Sure,
}

/// A bin of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelSaid)]
pub struct Said {
    /// How many people.
    pub people: u64,
    /// The mean probability said.
    pub said: f64,
    /// The share that it came true for, with its interval.
    pub came: Sure,
}

/// How it does for a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelGroup)]
pub struct Group {
    /// By what people are grouped: `market`, `source`.
    pub by: String,
    /// Which of them.
    pub name: String,
    /// How many people.
    pub people: u64,
    /// What was foretold of them, added up.
    pub said: f64,
    /// What came.
    pub came: f64,
    /// What was foretold for each that came, less one: above zero too much.
    pub bias: Sure,
    /// Whether that is more than chance explains, with so many groups looked at.
    pub is_off: bool,
}

impl Card {
    /// As a page.
    pub fn markdown(&self, version: i64) -> String {
        let mut out = String::new();
        let mut put = |line: String| {
            out.push_str(&line);
            out.push('\n');
        };
        put(format!("# {}, version {version}\n", self.title));
        put(format!(
            "Learnt from {} people and {} purchases from {} to {}.\n",
            self.people, self.purchases, self.data_from, self.data_until
        ));
        put(format!("**How it was made.** {}\n", self.method));
        put(list("What it knows of a person", &self.features));
        put(list("What was left out", &self.left_out));
        put(self.parameters_in_words());
        let [from, until] = &self.judged_on;
        put("\n## How good it is\n".to_owned());
        if !from.is_empty() {
            put(format!("Judged on {from} to {until}, which the fit that was judged had not seen.\n"));
        }
        put("| | value | 95 % |\n|---|---:|---:|".to_owned());
        for it in &self.measures {
            let Sure { value, low, high } = it.value;
            put(format!("| {} | {} | {} to {} |", it.label, number(value), number(low), number(high)));
        }
        put(self.calibration_in_words());
        put(String::new());
        put(list("What it cannot say", &self.limits));
        out
    }

    /// Nothing where there are none.
    fn parameters_in_words(&self) -> String {
        if self.parameters.is_empty() {
            return String::new();
        }
        let mut lines = vec!["## Parameters\n\n| | value | standard error | 95 % |\n|---|---:|---:|---:|".to_owned()];
        for it in &self.parameters {
            let error = it.standard_error.map_or_else(|| "–".to_owned(), number);
            let (value, low, high) = (number(it.value), number(it.low), number(it.high));
            lines.push(format!("| {} | {value} | {error} | {low} to {high} |", it.name));
        }
        lines.join("\n")
    }

    /// Calibration and groups; nothing of a model that says no probabilities.
    fn calibration_in_words(&self) -> String {
        if self.calibration.is_empty() && self.groups.is_empty() {
            return String::new();
        }
        let mut lines = vec!["\n## Calibration\n\n| people | said | came | 95 % |\n|---:|---:|---:|---:|".to_owned()];
        for it in &self.calibration {
            let Sure { value, low, high } = it.came;
            lines.push(format!("| {} | {:.3} | {value:.3} | {low:.3} to {high:.3} |", it.people, it.said));
        }
        lines.push(
            "\n## Groups\n\n| by | group | people | foretold | came | bias | off |\n|---|---|---:|---:|---:|---:|---|"
                .to_owned(),
        );
        for it in &self.groups {
            let (name, bias) = (plain(&it.name), 100.0 * it.bias.value);
            let off = if it.is_off { "yes" } else { "" };
            lines.push(format!(
                "| {} | {name} | {} | {:.1} | {:.1} | {bias:+.0} % | {off} |",
                it.by, it.people, it.said, it.came
            ));
        }
        lines.join("\n")
    }
}

fn list(title: &str, lines: &[String]) -> String {
    let mut out = format!("## {title}\n\n");
    if lines.is_empty() {
        out.push_str("Nothing.\n");
    }
    for line in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "* {line}");
    }
    out
}

/// Four digits that count.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000.0 || size == 0.0 {
        format!("{value:.0}")
    } else if size >= 100.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.4}")
    }
}

/// A name that a table does not take for its own signs.
fn plain(name: &str) -> String {
    name.replace(['|', '\n', '\r', '`', '<'], " ")
}
