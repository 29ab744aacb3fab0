//! What was answered, as it is kept and as conditions of questions see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One part of an answer: of a question with parts the half, row or choice, else all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Which part; empty where there is only one.
    pub part: String,
    /// The point on the scale, the rank, the value of what was chosen.
    pub number: Option<i64>,
    /// The key of what was chosen; a day as `2026-01-31`.
    pub choice: Option<String>,
    /// In their own words.
    pub text: Option<String>,
}

/// The answers of somebody, by question. A question without an answer is not in it.
pub type Answers = BTreeMap<String, Vec<Given>>;
