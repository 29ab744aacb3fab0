//! What sets a group apart.

use crate::association::{Association, Table};
use crate::discovery::adjusted;
use crate::distributions::student_two_sided;
use crate::medoid::medoid;

/// What is known of every row.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Whether each has it.
    Flag(&'a [bool]),
    /// How much each has; what is not a number is not known.
    Number(&'a [f64]),
}

/// One attribute within one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its place in the list.
    pub attribute: usize,
    /// The share, or the mean, within the group.
    pub value: f64,
    /// That of all rows.
    pub overall: f64,
    /// 100 times the one by the other; `None` where the whole is nothing or less.
    pub over_index: Option<f64>,
    /// Of a flag: the group against the others, with lift and interval.
    pub association: Option<Association>,
    /// Of a number: by how many deviations the group's mean is above the others' (Cohen's d).
    pub effect: Option<f64>,
    /// How likely so great a difference is by chance: Pearson's or Fisher's test, or Welch's.
    pub p: f64,
    /// The share of chance findings among all attributes of all groups that differ as clearly (Benjamini and Hochberg 1995).
    pub q: f64,
}

/// A group in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its number.
    pub group: usize,
    /// How many rows.
    pub size: usize,
    /// Of all rows, those in no group included.
    pub share: f64,
    /// The row that is nearest to all others of it in the numbers.
    pub typical: Option<usize>,
    /// What sets it apart, the clearest first.
    pub attributes: Vec<Attribute>,
}

/// Profiles of the groups with at least `smallest` rows (smaller ones might give away who is in them). A test says something only of attributes that the
/// groups were not made by: those differ because they were. Attributes of another length than the labels are left out.
pub fn profiles(labels: &[Option<usize>], attributes: &[Values<'_>], smallest: usize) -> Vec<Profile> {
    let groups = labels.iter().flatten().max().map_or(0, |it| it + 1);
    let mut found = Vec::new();
    for group in 0..groups {
        let within: Vec<bool> = labels.iter().map(|it| *it == Some(group)).collect();
        let size = within.iter().filter(|it| **it).count();
        if size < smallest.max(1) {
            continue;
        }
        let of = |(at, values): (usize, &Values<'_>)| match values {
            Values::Flag(flags) if flags.len() == within.len() => flag(at, flags, &within),
            Values::Number(numbers) if numbers.len() == within.len() => number(at, numbers, &within),
            _ => None,
        };
        let own = attributes.iter().enumerate().filter_map(of).collect();
        let share = size as f64 / labels.len() as f64;
        found.push(Profile { group, size, share, typical: typical(attributes, &within), attributes: own });
    }
    let p: Vec<f64> = found.iter().flat_map(|it| &it.attributes).map(|it| it.p).collect();
    let all = found.iter_mut().flat_map(|it| &mut it.attributes);
    all.zip(adjusted(&p)).for_each(|(it, q)| it.q = q);
    found.iter_mut().for_each(|it| it.attributes.sort_by(|a, b| a.p.total_cmp(&b.p)));
    found
}

fn flag(attribute: usize, flags: &[bool], within: &[bool]) -> Option<Attribute> {
    let count = |own: bool, with: bool| {
        flags.iter().zip(within).filter(|(flag, it)| **it == own && (**flag || !with)).count() as u64
    };
    let table = Table {
        with: count(true, true),
        of: count(true, false),
        others_with: count(false, true),
        others: count(false, false),
    };
    let (value, all) = (table.with as f64 / table.of as f64, table.of + table.others);
    let overall = (table.with + table.others_with) as f64 / all as f64;
    let over_index = (overall > 0.0).then(|| 100.0 * value / overall);
    let association = table.association();
    let p = association.map_or(1.0, |it| it.p);
    Some(Attribute { attribute, value, overall, over_index, association, effect: None, p, q: 1.0 })
}

fn number(attribute: usize, numbers: &[f64], within: &[bool]) -> Option<Attribute> {
    let moments = |own: Option<bool>| {
        let values = || {
            numbers
                .iter()
                .zip(within)
                .filter(|(it, at)| it.is_finite() && own.is_none_or(|own| own == **at))
                .map(|it| *it.0)
        };
        let n = values().count() as f64;
        let mean = values().map(|it| it / n).sum::<f64>();
        (n, mean, values().map(|it| (it - mean) * (it - mean)).sum::<f64>() / (n - 1.0))
    };
    let ((n, value, variance), (m, others, others_variance), (_, overall, _)) =
        (moments(Some(true)), moments(Some(false)), moments(None));
    if n < 1.0 || !value.is_finite() || !overall.is_finite() {
        return None;
    }
    let over_index = (overall > 0.0).then(|| 100.0 * value / overall);
    let (a, b) = (variance / n, others_variance / m);
    let pooled = ((variance * (n - 1.0) + others_variance * (m - 1.0)) / (n + m - 2.0)).sqrt();
    let effect = Some((value - others) / pooled).filter(|it| it.is_finite());
    let dof = (a + b) * (a + b) / (a * a / (n - 1.0) + b * b / (m - 1.0));
    let p = student_two_sided((value - others) / (a + b).sqrt(), dof);
    let p = if n < 2.0 || m < 2.0 || !p.is_finite() { 1.0 } else { p };
    Some(Attribute { attribute, value, overall, over_index, association: None, effect, p, q: 1.0 })
}

/// The typical row of a group, by the attributes that are numbers and known of all of it.
fn typical(attributes: &[Values<'_>], within: &[bool]) -> Option<usize> {
    let places: Vec<usize> = (0..within.len()).filter(|at| within[*at]).collect();
    let known = |it: &&[f64]| it.len() == within.len() && places.iter().all(|at| it[*at].is_finite());
    let columns: Vec<&[f64]> = attributes
        .iter()
        .filter_map(|it| if let Values::Number(numbers) = it { Some(*numbers) } else { None })
        .filter(known)
        .collect();
    if columns.is_empty() {
        return None;
    }
    let rows: Vec<Vec<f64>> = places.iter().map(|at| columns.iter().map(|column| column[*at]).collect()).collect();
    medoid(&rows).map(|at| places[at])
}
