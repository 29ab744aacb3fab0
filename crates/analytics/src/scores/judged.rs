//! Whether a new version may take the place of the one before: both foretell the same weeks, and what then happened says which was better.
//!
//! Always holds: a version is held for a reason that is a sentence with its numbers; less than chance, or than what matters, is no reason.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sure;

/// So much less probable a person must what happened be, for it to matter (the logarithmic score, in nats).
pub const MATTERS: f64 = 0.005;
/// With fewer people than this share of those before, some are missing.
pub const PEOPLE: f64 = 0.8;
/// A sum that is off by more than this is far off.
pub const FAR_OFF: f64 = 0.5;
/// By so much more must it be off than before.
const MORE: f64 = 0.1;

/// How a version did beside the one before, on the same people and weeks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelAgainst)]
pub struct Against {
    /// The version before.
    pub version: i64,
    /// By how much more probable what happened was under the new one, a person, in nats: below zero it did worse.
    pub difference: Sure,
    /// The mean absolute error of the one before.
    pub error_before: f64,
    /// That of the new one.
    pub error: f64,
    /// By which part the sum was foretold too high by the one before.
    pub bias_before: f64,
    /// By the new one.
    pub bias: f64,
    /// How many people the one before was learnt from.
    pub people_before: i64,
    /// How many the new one was.
    pub people: i64,
}

/// Why a version is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelHold)]
pub struct Hold {
    /// `foretells_worse`, `people_missing` or `sum_far_off`; of what is foretold also `features_moved`; of the loyalty index `index_moves` or `people_missing`.
    pub code: String,
    /// The number of the version before.
    pub before: f64,
    /// The number of this one.
    pub now: f64,
    /// One sentence.
    pub text: String,
}

impl Against {
    /// Why the new version is to be held; none is a good sign.
    pub fn holds(&self) -> Vec<Hold> {
        let mut holds = Vec::new();
        let mut hold = |code: &str, before: f64, now: f64, text: String| {
            holds.push(Hold { code: code.to_owned(), before, now, text });
        };
        if self.difference.high < 0.0 && self.difference.value < -MATTERS {
            let text = format!(
                "It foretold the weeks that were held out worse than version {}: what happened was less probable under it by {:.3} a person, and chance does not explain that.",
                self.version, -self.difference.value
            );
            hold("foretells_worse", 0.0, self.difference.value, text);
        }
        if (self.people as f64) < PEOPLE * self.people_before as f64 {
            let text = format!(
                "It was learnt from {} people, version {} from {}: some seem to be missing.",
                self.people, self.version, self.people_before
            );
            hold("people_missing", self.people_before as f64, self.people as f64, text);
        }
        if self.bias.abs() > FAR_OFF && self.bias.abs() > self.bias_before.abs() + MORE {
            let text = format!(
                "Its sum over the weeks that were held out was off by {:.0} %, that of version {} by {:.0} %.",
                100.0 * self.bias,
                self.version,
                100.0 * self.bias_before
            );
            hold("sum_far_off", self.bias_before, self.bias, text);
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn against() -> Against {
        Against {
            version: 3,
            difference: Sure { value: -0.02, low: -0.05, high: 0.01 },
            error_before: 0.5,
            error: 0.6,
            bias_before: -0.1,
            bias: 0.3,
            people_before: 1_000,
            people: 990,
        }
    }

    fn codes(it: &Against) -> Vec<String> {
        it.holds().into_iter().map(|hold| hold.code).collect()
    }

    #[test]
    fn only_what_is_more_than_chance_and_matters_holds_a_version() {
        assert_eq!(codes(&against()), Vec::<String>::new(), "chance");
        let sure = Sure { value: -0.02, low: -0.03, high: -0.01 };
        assert_eq!(codes(&Against { difference: sure, ..against() }), ["foretells_worse"]);
        let little = Sure { value: -0.004, low: -0.0041, high: -0.0039 };
        assert_eq!(codes(&Against { difference: little, ..against() }), Vec::<String>::new(), "too little");
        assert_eq!(codes(&Against { people: 799, ..against() }), ["people_missing"]);
        assert_eq!(codes(&Against { people: 800, ..against() }), Vec::<String>::new());
        assert_eq!(codes(&Against { bias: -0.51, ..against() }), ["sum_far_off"]);
        assert_eq!(codes(&Against { bias: -0.51, bias_before: 0.45, ..against() }), Vec::<String>::new(), "as before");
    }
}
