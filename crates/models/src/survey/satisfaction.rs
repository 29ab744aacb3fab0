//! The model of satisfaction and loyalty, ready to run on answers: what people think of a firm beforehand, how they find what they got, how satisfied they are,
//! and whether they complain and stay.
//!
//! The American index (Fornell, Johnson, Anderson, Cha and Bryant 1996, "The American Customer Satisfaction Index") and the European one (Tenenhaus, Esposito
//! Vinzi, Chatelin and Lauro 2005), which adds image. It is fitted in two ways, which are shown side by side: by composites (partial least squares,
//! [`super::paths`]), which give everybody an index, and by covariances ([`crate::structural`]), which test the whole model and correct paths for what
//! questions measure badly. Where the two tell different stories, the measures are weak.
//!
//! Always holds: of an answer that is missing the person is left out and counted; an index is 0 where everybody gives the worst answer and 100 where
//! everybody gives the best.
//!
//! Does not do: say what causes what; weigh for who did not answer.

mod reading;

use super::paths::{Construct, Mode, Model, Unfit};

pub use reading::{Block, Path, Reading};

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What people think of the firm.
    Image,
    /// What they expected.
    Expectation,
    /// How good what they got was.
    Quality,
    /// What it was worth for its price.
    Value,
    /// How satisfied they are.
    Satisfaction,
    /// Whether they complained, or how complaints are dealt with.
    Complaints,
    /// Whether they would stay, buy again, recommend.
    Loyalty,
}

/// Whose model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The American index, without image.
    American,
    /// The European index.
    #[default]
    European,
}

impl Part {
    /// All parts, each after those that lead to it.
    pub const ALL: [Self; 7] = [
        Self::Image,
        Self::Expectation,
        Self::Quality,
        Self::Value,
        Self::Satisfaction,
        Self::Complaints,
        Self::Loyalty,
    ];

    /// A word for it, as the text of a structural model names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Expectation => "expectation",
            Self::Quality => "quality",
            Self::Value => "value",
            Self::Satisfaction => "satisfaction",
            Self::Complaints => "complaints",
            Self::Loyalty => "loyalty",
        }
    }

    /// What it leads to.
    const fn leads_to(self) -> &'static [Self] {
        match self {
            Self::Image => &[Self::Expectation, Self::Satisfaction, Self::Loyalty],
            Self::Expectation => &[Self::Quality, Self::Value, Self::Satisfaction],
            Self::Quality => &[Self::Value, Self::Satisfaction],
            Self::Value => &[Self::Satisfaction],
            Self::Satisfaction => &[Self::Complaints, Self::Loyalty],
            Self::Complaints => &[Self::Loyalty],
            Self::Loyalty => &[],
        }
    }
}

/// The questions of one part.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What they are about.
    pub part: Part,
    /// Their columns.
    pub questions: Vec<usize>,
    /// The worst and the best answer: (1, 10), or (5, 1) where less is better.
    pub scale: (f64, f64),
}

/// The model of a survey.
#[derive(Clone, Debug, PartialEq)]
pub struct Satisfaction {
    /// In the order of [`Part::ALL`].
    asked: Vec<Asked>,
    paths: Vec<(usize, usize)>,
    model: Model,
}

impl Satisfaction {
    /// The model of what was asked. A part that was not asked for is left out with its paths, and what was asked of one part several times is taken
    /// together if it has the same scale; image is left out of the American form.
    pub fn new(form: Form, asked: &[Asked]) -> Result<Self, Unfit> {
        let mut own: Vec<Asked> = Vec::new();
        for part in Part::ALL.into_iter().filter(|it| form == Form::European || *it != Part::Image) {
            for it in asked.iter().filter(|it| it.part == part) {
                match own.iter_mut().find(|other| other.part == part) {
                    Some(other) if other.scale == it.scale => other.questions.extend(&it.questions),
                    Some(_) => return Err(Unfit::Shared(it.questions.first().copied().unwrap_or_default())),
                    None => own.push(it.clone()),
                }
            }
        }
        let place = |part: &Part| own.iter().position(|it| it.part == *part);
        let paths: Vec<(usize, usize)> = own
            .iter()
            .enumerate()
            .flat_map(|(from, it)| it.part.leads_to().iter().filter_map(place).map(move |to| (from, to)))
            .collect();
        let construct = |it: &Asked| Construct { indicators: it.questions.clone(), mode: Mode::Reflective };
        let model = Model::new(own.iter().map(construct).collect(), &paths)?;
        Ok(Self { asked: own, paths, model })
    }

    /// The parts that are in it.
    pub fn parts(&self) -> Vec<Part> {
        self.asked.iter().map(|it| it.part).collect()
    }

    /// Its paths.
    pub fn paths(&self) -> Vec<(Part, Part)> {
        self.paths.iter().map(|(from, to)| (self.asked[*from].part, self.asked[*to].part)).collect()
    }

    /// The model as a text for [`crate::structural::Model::read`], with columns named `q0`, `q1` and so on by their places.
    pub fn text(&self) -> String {
        let measured = |it: &Asked| {
            let questions: Vec<String> = it.questions.iter().map(|at| format!("q{at}")).collect();
            format!("{} =~ {}\n", it.part.as_str(), questions.join(" + "))
        };
        let path = |(from, to): &(Part, Part)| format!("{} ~ {}\n", to.as_str(), from.as_str());
        self.asked.iter().map(measured).chain(self.paths().iter().map(path)).collect()
    }
}

#[cfg(test)]
mod tests;
