//! Features of rows with their names: numbers and categories, either of which may be missing.
//!
//! Always holds: every feature has a value, or says that it is missing, in every row; no number is infinite; names are different.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, none_of};

/// What a feature says of each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; one that is not a number (NaN) is missing.
    Numbers(Vec<f64>),
    /// Categories.
    Categories {
        /// The place of each row's category among the levels; `None` is missing.
        codes: Vec<Option<u32>>,
        /// The names of the categories.
        levels: Vec<String>,
    },
}

/// A named feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name, as people know it.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// Features of the same rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    features: Vec<Feature>,
    rows: usize,
}

impl Feature {
    /// A feature of numbers, of which NaN is missing.
    pub fn numbers(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), values: Values::Numbers(values) }
    }

    /// A feature of categories by their names, in the order of the alphabet; an empty one is missing.
    pub fn categories<S: AsRef<str>>(name: impl Into<String>, values: &[S]) -> Self {
        let known: std::collections::BTreeSet<&str> =
            values.iter().map(AsRef::as_ref).filter(|it| !it.is_empty()).collect();
        let levels: Vec<&str> = known.into_iter().collect();
        let code = |it: &S| levels.binary_search(&it.as_ref()).ok().map(|it| it as u32);
        let codes = values.iter().map(code).collect();
        let levels = levels.iter().map(ToString::to_string).collect();
        Self { name: name.into(), values: Values::Categories { codes, levels } }
    }

    fn rows(&self) -> usize {
        match &self.values {
            Values::Numbers(values) => values.len(),
            Values::Categories { codes, .. } => codes.len(),
        }
    }

    /// Whether any row's value is missing.
    pub fn has_missing(&self) -> bool {
        match &self.values {
            Values::Numbers(values) => values.iter().any(|it| it.is_nan()),
            Values::Categories { codes, .. } => codes.iter().any(Option::is_none),
        }
    }

    /// Whether all rows that say something say the same.
    pub fn is_constant(&self) -> bool {
        fn alike<T: PartialEq>(mut values: impl Iterator<Item = T>) -> bool {
            values.next().is_none_or(|first| values.all(|it| it == first))
        }
        match &self.values {
            Values::Numbers(values) => {
                alike(values.iter().filter(|it| !it.is_nan()))
                    && values.iter().all(|it| it.is_nan() == values[0].is_nan())
            }
            Values::Categories { codes, .. } => alike(codes.iter()),
        }
    }
}

impl Table {
    /// Features of the same rows. Fails when there are none, lengths or names do not fit, a number is infinite, or a code has no level.
    pub fn new(features: Vec<Feature>) -> Result<Self, Fault> {
        let rows = features.first().map_or(0, Feature::rows);
        if rows == 0 {
            return Err(Fault::TooFew { what: "rows", have: 0, need: 1 });
        }
        let mut names = std::collections::BTreeSet::new();
        for feature in &features {
            if feature.rows() != rows {
                return Err(Fault::Shape { what: "values of a feature", have: feature.rows(), need: rows });
            }
            if !names.insert(feature.name.as_str()) {
                return Err(Fault::NotIdentified { why: "apart two features of the same name" });
            }
            match &feature.values {
                Values::Numbers(values) => {
                    none_of(values, |it| it.is_infinite(), |row| Fault::NotFinite { row })?;
                }
                Values::Categories { codes, levels } => {
                    none_of(
                        codes,
                        |it| it.is_some_and(|it| it as usize >= levels.len()),
                        |row| Fault::Missing { row },
                    )?;
                }
            }
        }
        Ok(Self { features, rows })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The features.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The rows at these places, in their order; a place may come more than once, and one that is not there is left out.
    pub fn taken(&self, places: &[usize]) -> Self {
        let places: Vec<usize> = places.iter().copied().filter(|it| *it < self.rows).collect();
        let feature = |it: &Feature| Feature {
            name: it.name.clone(),
            values: match &it.values {
                Values::Numbers(values) => Values::Numbers(places.iter().map(|at| values[*at]).collect()),
                Values::Categories { codes, levels } => {
                    Values::Categories { codes: places.iter().map(|at| codes[*at]).collect(), levels: levels.clone() }
                }
            },
        };
        Self { features: self.features.iter().map(feature).collect(), rows: places.len() }
    }

    /// The same with one feature more, which must have as many rows.
    pub fn with(&self, feature: Feature) -> Result<Self, Fault> {
        Self::new(self.features.iter().cloned().chain([feature]).collect())
    }

    /// Whether another table has the same features: names, kinds and levels, in the same order.
    pub(crate) fn fits(&self, shape: &[Shape]) -> Result<(), Fault> {
        let same = self.features.len() == shape.len()
            && self
                .features
                .iter()
                .zip(shape)
                .all(|(own, it)| own.name == it.name && Shape::of(own).levels == it.levels);
        let unlike = Fault::Shape { what: "features like those fitted", have: self.features.len(), need: shape.len() };
        if same { Ok(()) } else { Err(unlike) }
    }

    pub(crate) fn shape(&self) -> Vec<Shape> {
        self.features.iter().map(Shape::of).collect()
    }
}

/// What a fitted model remembers of a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) name: String,
    /// The levels of categories; `None` of numbers.
    pub(crate) levels: Option<Vec<String>>,
}

impl Shape {
    fn of(feature: &Feature) -> Self {
        let levels = match &feature.values {
            Values::Numbers(_) => None,
            Values::Categories { levels, .. } => Some(levels.clone()),
        };
        Self { name: feature.name.clone(), levels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_does_not_fit() {
        let plan = Feature::categories("plan", &["b", "", "a", "b"]);
        let Values::Categories { codes, levels } = &plan.values else { panic!() };
        assert_eq!((codes.as_slice(), levels.len()), ([Some(1), None, Some(0), Some(1)].as_slice(), 2));
        let age = Feature::numbers("age", vec![1.0, f64::NAN, 3.0, 4.0]);
        let table = Table::new(vec![plan.clone(), age.clone()]).unwrap();
        assert_eq!((table.rows(), table.taken(&[3, 0, 9]).rows()), (4, 2));
        assert!(table.taken(&[3, 0]).features()[0].is_constant() && !age.is_constant());
        assert!(table.fits(&table.shape()).is_ok());
        assert!(Table::new(vec![]).is_err());
        assert!(Table::new(vec![age.clone(), age.clone()]).is_err());
        assert!(Table::new(vec![plan, Feature::numbers("x", vec![1.0])]).is_err());
        assert_eq!(
            Table::new(vec![Feature::numbers("x", vec![1.0, f64::INFINITY])]),
            Err(Fault::NotFinite { row: vec![1] })
        );
    }
}
