//! Ready surveys to begin with, in English and Chinese, each with where its questions come from.
//!
//! Always holds: each passes [`crate::survey::check()`] without any finding (its tests do it).

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::survey::{Definition, Words};

/// A ready survey.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    /// Its stable name.
    pub key: &'static str,
    /// What it is called.
    pub name: Words,
    /// What it is for.
    pub purpose: Words,
    /// Where its questions and scales come from.
    pub source: String,
    /// The survey.
    pub survey: Definition,
}

/// Names and files, in the order in which they are offered.
const FILES: &[(&str, &str)] = &[
    ("nps", include_str!("gallery/nps.json")),
    ("csat", include_str!("gallery/csat.json")),
    ("ces", include_str!("gallery/ces.json")),
    ("delivery", include_str!("gallery/delivery.json")),
    ("product_review", include_str!("gallery/product_review.json")),
    ("support", include_str!("gallery/support.json")),
    ("store_visit", include_str!("gallery/store_visit.json")),
    ("exit", include_str!("gallery/exit.json")),
    ("satisfaction_loyalty", include_str!("gallery/satisfaction_loyalty.json")),
    ("kano", include_str!("gallery/kano.json")),
    ("brand_tracking", include_str!("gallery/brand_tracking.json")),
    ("switching_costs", include_str!("gallery/switching_costs.json")),
    ("price", include_str!("gallery/price.json")),
    ("employee_observed", include_str!("gallery/employee_observed.json")),
    ("mystery_shopping", include_str!("gallery/mystery_shopping.json")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Words,
    purpose: Words,
    source: String,
    survey: Value,
}

/// The names of the ready surveys.
pub fn keys() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(key, _)| *key)
}

/// A ready survey by its name.
///
/// # Errors
/// [`Error::Invalid`] when there is none of that name.
pub fn ready(key: &str) -> Result<Ready, Error> {
    let (key, text) = FILES.iter().find(|(own, _)| *own == key).ok_or_else(|| {
        Error::invalid("the gallery", format!("no such survey; there are {}", keys().collect::<Vec<_>>().join(", ")))
    })?;
    let file: File = serde_json::from_str(text).map_err(|error| Error::invalid(*key, error.to_string()))?;
    let survey = Definition::from_json(&file.survey)?;
    Ok(Ready { key, name: file.name, purpose: file.purpose, source: file.source, survey })
}
