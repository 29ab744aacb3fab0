//! Sentences as codes with what they are filled with, so that each reader has them in their own language; and filled in English.
//!
//! Always holds: the English text is made of nothing but the code and its parameters, so whoever has those can say the same.

use std::collections::BTreeMap;

use rapport_models::experiments::{Estimand, Undecidable};

use super::english::{ITEMS, SENTENCES};
use super::figures;
use crate::design::{Form, Metric};

/// Something that can or cannot be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentence {
    /// What is said: `win`, `too_early`.
    pub code: &'static str,
    /// How it is meant.
    pub tone: Tone,
    /// What it is filled with.
    pub params: Params,
    /// The sentence in English.
    pub text: String,
}

/// How a sentence is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// This can be said.
    Can,
    /// This cannot be said.
    Cannot,
    /// This is to be done.
    Do,
    /// This is good to know.
    Note,
}

/// What sentences are filled with, by name.
pub type Params = BTreeMap<&'static str, Param>;

/// What a place of a sentence is filled with: numbers as they are, so that each language writes them its own way.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// A name that people gave: of a variant, of a part of the people.
    Text(String),
    /// A metric.
    Metric {
        /// Its key.
        key: String,
        /// What people call it.
        name: String,
    },
    /// A whole number.
    Count(u64),
    /// A share, 0 to 1.
    Share(f64),
    /// Shares of several.
    Shares(Vec<f64>),
    /// The mean of a metric.
    Mean(Form, f64),
    /// An effect with its sign.
    Effect(Form, Estimand, f64),
    /// A size on an effect's scale, without sign.
    Size(Form, Estimand, f64),
    /// What a metric adds up to.
    Total(Form, f64),
    /// Why something cannot be said.
    Reason(Undecidable),
    /// Several things, each with parameters of its own.
    Items(Vec<Params>),
}

impl Sentence {
    /// Of a code that has an English sentence.
    pub(crate) fn new<const N: usize>(code: &'static str, tone: Tone, params: [(&'static str, Param); N]) -> Self {
        let params = Params::from(params);
        let template = SENTENCES.iter().find(|(known, _)| *known == code).map_or(code, |(_, template)| template);
        debug_assert_ne!(template, code, "a sentence without words");
        let text = filled_with(template, code, &params);
        Self { code, tone, params, text }
    }
}

impl Param {
    pub(crate) fn text(name: &str) -> Self {
        Self::Text(name.to_owned())
    }

    pub(crate) fn metric(metric: &Metric) -> Self {
        Self::Metric { key: metric.key.clone(), name: metric.name.clone() }
    }

    fn english(&self, code: &str) -> String {
        match self {
            Self::Text(name) | Self::Metric { name, .. } => name.clone(),
            Self::Count(count) => figures::count(*count),
            Self::Share(share) => format!("{} %", figures::percent(*share)),
            Self::Shares(shares) => {
                shares.iter().map(|it| format!("{} %", figures::percent(*it))).collect::<Vec<_>>().join(" : ")
            }
            Self::Mean(form, mean) => figures::mean(form, *mean),
            Self::Effect(form, scale, effect) => figures::effect(form, *scale, *effect),
            Self::Size(form, scale, size) => figures::size(form, *scale, *size),
            Self::Total(form, total) => figures::total(form, *total),
            Self::Reason(reason) => reason.to_string(),
            Self::Items(items) => {
                let template = ITEMS.iter().find(|(known, _)| *known == code).map_or("", |(_, template)| template);
                items.iter().map(|it| filled_with(template, code, it)).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

fn filled_with(template: &str, code: &str, params: &Params) -> String {
    filled(template, &|name| params.get(name).map(|it| it.english(code)))
}

/// Fills the places of a template. Each has a value; what is filled in is not filled again.
pub(crate) fn filled(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, later)) = after.split_once('}') else { break };
        let value = value(name);
        debug_assert!(value.is_some(), "{template} has no {name}");
        text.push_str(&value.unwrap_or_default());
        rest = later;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that people gave are filled in as they are: they cannot ask for other parameters.
    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let params = [("variant", Param::text("{sure} {")), ("sure", Param::Count(1))];
        assert_eq!(Sentence::new("do_give", Tone::Do, params).text, "Give everybody “{sure} {”.");
    }
}
