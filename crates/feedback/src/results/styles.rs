//! Whether groups use scales alike, which is asked before their scores are compared.
//!
//! Always holds: only questions on one and the same scale are looked at together, those of the scale that most answers are on.

use std::collections::{BTreeMap, BTreeSet};

use rapport_models::experiments::Better;
use rapport_models::survey::style::{Contrast, contrasts};
use rapport_models::survey::{Confidence, Scale};

use super::drivers::Numbers;

/// Of fewer people on either side nobody can say that they use a scale alike: their differences would not be seen.
const FEW: usize = 30;

/// How groups answer, whatever they are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Styles {
    /// The scale.
    pub scale: Scale,
    /// The questions on it.
    pub questions: Vec<String>,
    /// The largest group first.
    pub groups: Vec<Styled>,
}

/// A group against everybody who is not in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Styled {
    /// Which; none for those of whom it is not known.
    pub key: Option<String>,
    /// How many people.
    pub people: usize,
    /// How many are not in it.
    pub others: usize,
    /// The four styles; empty where there is nobody else.
    pub contrasts: Vec<Contrast>,
}

impl Styled {
    /// Whether its scores may be compared with those of the others as they are: not where a style differs, and unknown where there are too few to see that.
    pub fn comparable(&self) -> Option<bool> {
        if self.contrasts.iter().any(|one| one.differs) {
            return Some(false);
        }
        (self.people >= FEW && self.others >= FEW).then_some(true)
    }
}

impl Numbers {
    /// How the groups that the answers were read by differ in their ways of answering; `None` without answers.
    pub fn styles(&self, confidence: Confidence) -> Option<Styles> {
        let mut scales: BTreeMap<(i64, i64), usize> = BTreeMap::new();
        for row in &self.rows {
            *scales.entry((row.low, row.high)).or_default() += 1;
        }
        let most = scales.iter().max_by_key(|it| (it.1, std::cmp::Reverse(it.0)))?.0;
        // Which end is good does not matter: what was printed is what people agree to.
        let scale = Scale::new(i32::try_from(most.0).ok()?, i32::try_from(most.1).ok()?, Better::Higher)?;
        let own = || self.rows.iter().filter(|row| (row.low, row.high) == *most);
        let asked: BTreeSet<&str> = own().map(|row| row.question.as_str()).collect();
        let mut people: BTreeMap<&str, (&Option<String>, Vec<Option<i64>>)> = BTreeMap::new();
        for row in own() {
            people.entry(&row.response).or_insert((&row.dimension, Vec::new())).1.push(Some(row.number));
        }
        let keys: BTreeSet<&Option<String>> = people.values().map(|it| it.0).collect();
        let side = |key: &Option<String>, wanted: bool| -> Vec<Vec<Option<i64>>> {
            people.values().filter(|it| (it.0 == key) == wanted).map(|it| it.1.clone()).collect()
        };
        let group = |key: &Option<String>| {
            let (these, those) = (side(key, true), side(key, false));
            let contrasts = if those.is_empty() { Vec::new() } else { contrasts(&these, &those, scale, confidence) };
            Styled { key: key.clone(), people: these.len(), others: those.len(), contrasts }
        };
        let mut groups: Vec<Styled> = keys.into_iter().map(group).collect();
        groups.sort_by_key(|it| std::cmp::Reverse(it.people));
        groups.truncate(super::scores::MOST_GROUPS);
        Some(Styles { scale, questions: asked.into_iter().map(str::to_owned).collect(), groups })
    }
}
