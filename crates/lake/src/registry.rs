//! The property registry of a workspace: which paths there are, with which types, how often, and which are asked about. It
//! decides which become columns.
//!
//! Counts guide the choice and are approximate (rows taken in twice after a crash count twice); the types seen are exact: a type
//! that is not listed for a path has never been in the lake, except when the registry has overflowed.

use std::collections::{BTreeMap, HashMap};

use crate::batch::Typed;
use crate::columns::{ColumnSet, PropertyColumn, PropertyType};
use crate::row::EventRow;

/// What is known of one path with one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PropertyUse {
    /// Rows that have it.
    pub rows: i64,
    /// Questions that asked for it.
    pub asked: i64,
}

/// When a property becomes a column.
#[derive(Clone, Copy, Debug)]
pub struct HotRule {
    /// At least this many rows have it.
    pub min_rows: i64,
    /// Columns chosen by frequency, beside the standard ones.
    pub by_frequency: usize,
    /// All columns, with those that questions ask for.
    pub cap: usize,
}

impl Default for HotRule {
    fn default() -> Self {
        Self { min_rows: 1_000, by_frequency: 64, cap: 256 }
    }
}

/// Paths that are counted; more stay in the residual unlisted.
const MAX_PATHS: usize = 10_000;

/// The properties of one workspace.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    paths: HashMap<String, BTreeMap<PropertyType, PropertyUse>>,
    overflowed: bool,
}

impl Registry {
    /// Counts the properties of a row.
    pub(crate) fn see(&mut self, row: &EventRow) {
        for (path, value) in row.properties() {
            let kind = Typed::of(path, value).kind();
            if let Some(types) = self.paths.get_mut(path) {
                types.entry(kind).or_default().rows += 1;
            } else if self.paths.len() < MAX_PATHS {
                let counted = PropertyUse { rows: 1, asked: 0 };
                self.paths.insert(path.clone(), BTreeMap::from([(kind, counted)]));
            } else {
                self.overflowed = true;
            }
        }
    }

    /// Sets what the catalog says of a path and type.
    pub(crate) fn restore(&mut self, path: String, kind: PropertyType, counted: PropertyUse) {
        self.overflowed |= self.paths.len() >= MAX_PATHS;
        self.paths.entry(path).or_default().insert(kind, counted);
    }

    /// Notes that a question asked for a path.
    pub(crate) fn ask(&mut self, path: &str) {
        for counted in self.paths.get_mut(path).into_iter().flat_map(|types| types.values_mut()) {
            counted.asked += 1;
        }
    }

    /// The types seen at a path.
    pub fn types(&self, path: &str) -> impl Iterator<Item = (PropertyType, PropertyUse)> + '_ {
        self.paths.get(path).into_iter().flatten().map(|(kind, counted)| (*kind, *counted))
    }

    /// All paths with their types.
    pub fn paths(&self) -> impl Iterator<Item = (&str, PropertyType, PropertyUse)> {
        self.paths
            .iter()
            .flat_map(|(path, types)| types.iter().map(move |(kind, counted)| (path.as_str(), *kind, *counted)))
    }

    /// Whether paths may exist that are not listed.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// The columns that should become hot now: what questions ask for first, then by frequency; ties by path.
    pub(crate) fn promotions(&self, set: &ColumnSet, rule: HotRule) -> Vec<PropertyColumn> {
        let standard = ColumnSet::standard().len();
        let mut wanted: Vec<_> = self
            .paths()
            .filter(|(path, kind, counted)| {
                *kind != PropertyType::Json && counted.rows >= rule.min_rows && set.rank(path, *kind).is_none()
            })
            .collect();
        wanted.sort_by(|a, b| (b.2.asked, b.2.rows, a.0, a.1).cmp(&(a.2.asked, a.2.rows, b.0, b.1)));
        let chosen = set.len().saturating_sub(standard);
        let mut room = rule.cap.saturating_sub(set.len());
        let mut by_frequency = rule.by_frequency.saturating_sub(chosen);
        let mut columns = Vec::new();
        for (path, kind, counted) in wanted {
            if room == 0 || (counted.asked == 0 && by_frequency == 0) {
                break;
            }
            room -= 1;
            by_frequency = by_frequency.saturating_sub(1);
            columns.push(PropertyColumn::new(path, kind));
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_goes_first_and_the_caps_hold() {
        let mut registry = Registry::default();
        for (path, rows, asked) in [("a", 50, 0), ("b", 60, 0), ("c", 5, 1), ("d", 20, 2), ("e", 70, 0)] {
            registry.restore(path.to_owned(), PropertyType::Text, PropertyUse { rows, asked });
        }
        registry.restore("list".to_owned(), PropertyType::Json, PropertyUse { rows: 99, asked: 9 });
        let set = ColumnSet::standard();
        let choose = |by_frequency, room| {
            let rule = HotRule { min_rows: 10, by_frequency, cap: set.len() + room };
            registry.promotions(&set, rule).into_iter().map(|column| column.path).collect::<Vec<_>>()
        };
        assert_eq!(choose(9, 9), ["d", "e", "b", "a"]);
        assert_eq!(choose(2, 9), ["d", "e"]);
        assert_eq!(choose(0, 9), ["d"]);
        assert_eq!(choose(9, 2), ["d", "e"]);
    }
}
