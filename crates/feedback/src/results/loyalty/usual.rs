//! The usual model of a survey, and what is left out of it, so that it rests on the people who answered the rest.
//!
//! A model is fitted to whoever answered all of its questions. A question that was asked only of some (how a complaint was handled, of those who had one)
//! would leave nothing but those, who think otherwise than everybody. That somebody complained is a question of its own, yes or no, which everybody can
//! answer; as in the American index (Fornell et al. 1996) it is the sign of the block of complaints.
//!
//! Always holds: what was left out is said, with how many answered it and why; a model that somebody drew keeps every question.

use std::collections::BTreeMap;

use rapport_models::survey::Confidence;
use rapport_models::survey::paths::{Mode, Scheme, Unfit};

use super::{Block, Drawn, Fitted};
use crate::results::Numbers;
use crate::survey::{Definition, Question};

/// The American Customer Satisfaction Index's constructs and paths (Fornell, Johnson, Anderson, Cha and Bryant 1996), as far as a survey asks for them;
/// image is the European index's.
const USUAL: [(&str, &[&str]); 7] = [
    ("image", &["expectation", "satisfaction", "loyalty"]),
    ("expectation", &["quality", "value", "satisfaction"]),
    ("quality", &["value", "satisfaction"]),
    ("value", &["satisfaction"]),
    ("satisfaction", &["complaint", "loyalty"]),
    ("complaint", &["loyalty"]),
    ("loyalty", &[]),
];
/// Whether somebody complained, by its own name.
const COMPLAINED: &str = "complained";
/// A question that was asked of some alone is left out if it would cost more than a tenth of the answers: those who are left are chosen by what they said.
const LEAST_OF_SOME: f64 = 0.9;
/// One that everybody was asked is left out if it would cost more than half.
const LEAST_OF_ALL: f64 = 0.5;

/// The questions of a survey that belong to the usual model by their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usual {
    asked: Vec<Asked>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    block: &'static str,
    key: String,
    of_some: bool,
}

/// Why a question is not in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was shown to some alone, by what they said before.
    AskedOfSome,
    /// Most left it out, or could not say.
    LeftBlank,
    /// Everybody said the same, or everybody of a group that is compared.
    Alike,
}

impl Why {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AskedOfSome => "asked_of_some",
            Self::LeftBlank => "left_blank",
            Self::Alike => "alike",
        }
    }
}

/// A question that is not in the model, though it belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its key.
    pub question: String,
    /// Where it belongs.
    pub block: &'static str,
    /// How many answered it.
    pub answered: u64,
    /// Why not.
    pub why: Why,
}

/// Whether a question can be in a model: it is answered by a point on a scale, or by yes or no.
pub fn is_of_models(question: &Question) -> bool {
    question.answer.scale().is_some() || question.answer.is_yes_or_no()
}

/// The block that a question belongs to by its key: `quality_fit`, `complained`.
fn block_of(key: &str) -> Option<&'static str> {
    if key == COMPLAINED {
        return Some("complaint");
    }
    let begins = |block: &&str| key.strip_prefix(*block).is_some_and(|rest| rest.starts_with('_'));
    USUAL.iter().map(|it| it.0).find(begins)
}

impl Usual {
    /// Those of a survey; `None` where fewer than two blocks would be on a path.
    pub fn of(survey: &Definition) -> Option<Self> {
        let asked = |it: &Question| {
            let block = block_of(&it.key).filter(|_| is_of_models(it))?;
            Some(Asked { block, key: it.key.clone(), of_some: it.show_if.is_some() })
        };
        let usual = Self { asked: survey.questions().filter_map(asked).collect() };
        usual.without(&[]).is_some().then_some(usual)
    }

    /// Their keys.
    pub fn questions(&self) -> Vec<String> {
        self.asked.iter().map(|it| it.key.clone()).collect()
    }

    /// The model without some of its questions; `None` where fewer than two blocks are left on a path.
    pub fn without(&self, left: &[LeftOut]) -> Option<Drawn> {
        let own = |block: &str| {
            let of = self.asked.iter().filter(|it| it.block == block);
            let stays = of.filter(|it| left.iter().all(|out| out.question != it.key));
            stays.map(|it| it.key.clone()).collect::<Vec<_>>()
        };
        let asked: Vec<(&str, Vec<String>)> =
            USUAL.iter().map(|it| (it.0, own(it.0))).filter(|it| !it.1.is_empty()).collect();
        let place = |key: &str| asked.iter().position(|it| it.0 == key);
        let paths: Vec<(usize, usize)> = USUAL
            .iter()
            .flat_map(|(from, to)| to.iter().map(move |to| (*from, *to)))
            .filter_map(|(from, to)| Some((place(from)?, place(to)?)))
            .collect();
        let on_a_path = |at: usize| paths.iter().any(|it| it.0 == at || it.1 == at);
        if asked.is_empty() || !(0..asked.len()).all(on_a_path) {
            return None;
        }
        let block =
            |(key, questions): (&str, Vec<String>)| Block { key: key.to_owned(), questions, mode: Mode::Reflective };
        Some(Drawn { blocks: asked.into_iter().map(block).collect(), paths })
    }
}

/// The usual model as it was fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct UsualFitted {
    /// What was left of it.
    pub drawn: Drawn,
    /// Its fit.
    pub fitted: Fitted,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

impl Numbers {
    /// How many answered each question, and how many answered any of them.
    pub fn answered(&self) -> (BTreeMap<&str, u64>, u64) {
        let persons = self.persons();
        let mut answered: BTreeMap<&str, u64> = BTreeMap::new();
        for key in persons.values().flat_map(BTreeMap::keys) {
            *answered.entry(key).or_default() += 1;
        }
        (answered, persons.len() as u64)
    }

    /// The usual model fitted to the answers, without what would cost too many of them. As [`Numbers::fitted`] otherwise.
    ///
    /// # Errors
    /// There are too few answers for it, or nothing is left that varies; a place is that of [`Usual::questions`].
    pub fn usual_fitted(
        &self,
        usual: &Usual,
        scheme: Scheme,
        group: Option<&str>,
        confidence: Confidence,
    ) -> Result<UsualFitted, Unfit> {
        let fitted = |drawn: &Drawn| self.fitted(drawn, scheme, group, confidence);
        self.usual_settled(usual, &fitted).map(|(drawn, fitted, left_out)| UsualFitted { drawn, fitted, left_out })
    }

    /// The usual model without what would cost too many answers, and what `fit` makes of it; what everybody answered alike is left out until it can.
    pub(super) fn usual_settled<T>(
        &self,
        usual: &Usual,
        fit: &dyn Fn(&Drawn) -> Result<T, Unfit>,
    ) -> Result<(Drawn, T, Vec<LeftOut>), Unfit> {
        let (answered, people) = self.answered();
        let out = |it: &Asked, why| {
            let answered = answered.get(it.key.as_str()).copied().unwrap_or_default();
            LeftOut { question: it.key.clone(), block: it.block, answered, why }
        };
        let costs = |it: &&Asked| {
            let least = if it.of_some { LEAST_OF_SOME } else { LEAST_OF_ALL };
            (answered.get(it.key.as_str()).copied().unwrap_or_default() as f64) < least * people as f64
        };
        let why = |it: &Asked| if it.of_some { Why::AskedOfSome } else { Why::LeftBlank };
        let mut left_out: Vec<LeftOut> = usual.asked.iter().filter(costs).map(|it| out(it, why(it))).collect();
        let mut drawn = usual.without(&left_out).ok_or(Unfit::TooFew)?;
        loop {
            match fit(&drawn) {
                Err(Unfit::NoVariance(at)) => {
                    let key = drawn.questions().swap_remove(at);
                    let same = usual.asked.iter().position(|it| it.key == key).unwrap_or_default();
                    left_out.push(out(&usual.asked[same], Why::Alike));
                    drawn = usual.without(&left_out).ok_or(Unfit::NoVariance(same))?;
                }
                fitted => return fitted.map(|fitted| (drawn, fitted, left_out)),
            }
        }
    }
}
