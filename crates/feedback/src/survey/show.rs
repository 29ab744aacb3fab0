//! When a question is shown: a small tree of tests of earlier answers.
//!
//! Always holds: a question that was not answered, or is not shown itself, passes no test but that it was not answered.

use serde::{Deserialize, Serialize};

use super::answer::{Answers, Given};

/// A test of earlier answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Show {
    /// All of these.
    All(All),
    /// One of these.
    Any(Any),
    /// Not this.
    Not(Not),
    /// One answer.
    Test(Test),
}

/// See [`Show::All`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct All {
    /// The tests.
    pub all: Vec<Show>,
}

/// See [`Show::Any`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Any {
    /// The tests.
    pub any: Vec<Show>,
}

/// See [`Show::Not`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Not {
    /// The test.
    pub not: Box<Show>,
}

/// A test of one answer: of all that it says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The question.
    pub question: String,
    /// Which part of it; any otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// One of these was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Vec<String>>,
    /// A number of at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<i64>,
    /// A number of at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<i64>,
    /// Whether it was answered at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<bool>,
}

impl Show {
    /// Whether it holds for these answers.
    pub fn holds(&self, answers: &Answers) -> bool {
        match self {
            Self::All(tests) => tests.all.iter().all(|test| test.holds(answers)),
            Self::Any(tests) => tests.any.iter().any(|test| test.holds(answers)),
            Self::Not(test) => !test.not.holds(answers),
            Self::Test(test) => test.holds(answers),
        }
    }

    /// The tests in it.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::All(tests) => tests.all.iter().flat_map(Self::tests).collect(),
            Self::Any(tests) => tests.any.iter().flat_map(Self::tests).collect(),
            Self::Not(test) => test.not.tests(),
            Self::Test(test) => vec![test],
        }
    }

    /// How deep and how large it is, and whether it has a list without tests.
    pub fn measure(&self) -> (usize, usize, bool) {
        let of = |tests: &[Self]| {
            let inner = tests.iter().map(Self::measure);
            inner.fold((0, 0, tests.is_empty()), |sum, it| (sum.0.max(it.0), sum.1 + it.1, sum.2 || it.2))
        };
        let (depth, size, hollow) = match self {
            Self::All(tests) => of(&tests.all),
            Self::Any(tests) => of(&tests.any),
            Self::Not(test) => test.not.measure(),
            Self::Test(_) => (0, 0, false),
        };
        (depth + 1, size + 1, hollow)
    }
}

impl Test {
    fn holds(&self, answers: &Answers) -> bool {
        let given = answers.get(&self.question).map_or(&[][..], Vec::as_slice);
        let of_part = |it: &&Given| self.part.as_ref().is_none_or(|part| it.part == *part);
        match self.answered {
            Some(false) => !given.iter().any(|it| of_part(&it)),
            _ => given.iter().filter(of_part).any(|it| self.passes(it)),
        }
    }

    fn passes(&self, given: &Given) -> bool {
        let is = |choices: &Vec<String>| given.choice.as_ref().is_some_and(|choice| choices.contains(choice));
        let least = |least: i64| given.number.is_some_and(|number| number >= least);
        let most = |most: i64| given.number.is_some_and(|number| number <= most);
        self.is.as_ref().is_none_or(is) && self.at_least.is_none_or(least) && self.at_most.is_none_or(most)
    }
}
