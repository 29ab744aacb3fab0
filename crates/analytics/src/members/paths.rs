//! What people do one thing after another.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::PersonId;
use rapport_models::{Association, Table, adjusted};

/// Steps of a path.
const STEPS: usize = 3;
/// Paths that are told.
const MOST: usize = 6;

/// Three different things in a row, which members do more often than others.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The events' names; the same one again and again counts once.
    pub steps: Vec<String>,
    /// How much more often.
    pub association: Association,
}

/// The paths that set members apart, the most common first.
pub(super) fn compared(
    walks: &BTreeMap<PersonId, Vec<String>>,
    members: &BTreeSet<PersonId>,
    others: &BTreeSet<PersonId>,
) -> Vec<Path> {
    let mut counts: BTreeMap<Vec<&str>, (u64, u64)> = BTreeMap::new();
    for (person, walk) in walks {
        for path in paths(walk) {
            let counted = counts.entry(path).or_default();
            counted.0 += u64::from(members.contains(person));
            counted.1 += u64::from(others.contains(person));
        }
    }
    let (of, others) = (members.len() as u64, others.len() as u64);
    let found: Vec<(Vec<&str>, Association)> = counts
        .into_iter()
        .filter_map(|(path, (with, others_with))| Some((path, Table { with, of, others_with, others }.association()?)))
        .collect();
    let probabilities: Vec<f64> = found.iter().map(|(_, association)| association.p).collect();
    let distinct =
        found.into_iter().zip(adjusted(&probabilities)).filter(|((_, it), q)| *q <= 0.05 && it.share > it.others_share);
    let mut distinct: Vec<(Vec<&str>, Association)> = distinct.map(|(it, _)| it).collect();
    distinct.sort_by(|a, b| b.1.share.total_cmp(&a.1.share));
    let path = |(steps, association): (Vec<&str>, Association)| Path {
        steps: steps.into_iter().map(str::to_owned).collect(),
        association,
    };
    distinct.into_iter().take(MOST).map(path).collect()
}

/// The different paths in what somebody did.
fn paths(walk: &[String]) -> BTreeSet<Vec<&str>> {
    let mut steps: Vec<&str> = walk.iter().map(String::as_str).collect();
    steps.dedup();
    steps.windows(STEPS).map(<[&str]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_where_members_take_it_more_often() {
        let walk = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut walks = BTreeMap::new();
        let (mut members, mut others) = (BTreeSet::new(), BTreeSet::new());
        for number in 0..60 {
            let person = PersonId(number);
            if number < 30 {
                members.insert(person);
                walks.insert(person, walk(&["List", "View", "View", "Buy"]));
            } else {
                others.insert(person);
                walks.insert(person, walk(&["View", "List", "View"]));
            }
        }
        let found = compared(&walks, &members, &others);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].steps.join(" "), found[0].association.share), ("List View Buy".to_owned(), 1.0));
    }
}
