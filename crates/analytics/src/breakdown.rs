//! Taking an answer apart: the most frequent values of a property, trait or fact by themselves, the rest as one.
//!
//! Always holds: every event belongs to exactly one part, so counts of events add up. A part is a small number in the plan (its place
//! in the list of values, then the rest, then those without a value), and gets its name only afterwards.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident, lit, when};
use rapport_segments::value::{self, FACT_NUMBERS, Reading};

use crate::asking::{Asking, person_column, rows_table, table};
use crate::columns::{Columns, at};
use crate::error::Result;
use crate::period::Range;
use crate::question::Breakdown;

/// What the rest is called.
pub(crate) const OTHER: &str = "(other)";
/// What those without a value are called.
pub(crate) const NOT_SET: &str = "(not set)";

const PERSON: &str = "breakdown_person";
const VALUE: &str = "breakdown_value";

/// Where an event's value comes from.
pub(crate) struct Breaking {
    text: Expr,
    /// Values by person, to be joined.
    traits: Option<LogicalPlan>,
}

impl Breaking {
    pub(crate) async fn of(asking: &Asking<'_>, breakdown: &Breakdown) -> Result<Self> {
        match breakdown {
            Breakdown::Property(path) => Ok(Self { text: asking.property(path, Reading::Text), traits: None }),
            Breakdown::Trait(name) if !name.starts_with("trait.") => {
                Self::of_fact(asking, format!("trait.{name}")).await
            }
            Breakdown::Trait(key) | Breakdown::Fact(key) => Self::of_fact(asking, key.clone()).await,
        }
    }

    /// By what a fact of the person is now.
    async fn of_fact(asking: &Asking<'_>, key: String) -> Result<Self> {
        let (mut persons, mut values) = (Vec::new(), Vec::new());
        for (person, _, fact) in asking.facts(&[key]).await? {
            if let Some(text) = value::as_text(&fact, FACT_NUMBERS) {
                persons.push(person.0);
                values.push(text.into_owned());
            }
        }
        let person = Field::new(PERSON, DataType::Int64, false);
        let schema = Arc::new(Schema::new(vec![person, Field::new(VALUE, DataType::Utf8, false)]));
        let columns: Vec<arrow::array::ArrayRef> =
            vec![Arc::new(Int64Array::from(persons)), Arc::new(StringArray::from(values))];
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        Ok(Self { text: ident(VALUE), traits: Some(table("traits", rows_table(schema, rows)?)?) })
    }

    fn joined(&self, events: LogicalPlanBuilder) -> Result<LogicalPlanBuilder> {
        let Some(traits) = &self.traits else { return Ok(events) };
        let keys = (vec![person_column()], vec![Column::new(Some("traits"), PERSON)]);
        Ok(events.join(traits.clone(), JoinType::Left, keys, None)?)
    }
}

/// The parts that are shown.
pub(crate) struct Parts {
    breaking: Option<Breaking>,
    values: Vec<String>,
}

impl Parts {
    /// Whether nothing is taken apart.
    pub(crate) const fn are_one(&self) -> bool {
        self.breaking.is_none()
    }

    /// Everything in one.
    pub(crate) const fn whole() -> Self {
        Self { breaking: None, values: Vec::new() }
    }

    /// The `limit` values with the greatest `weight` (an aggregate), over the events that pass `filter`; of equals the first by
    /// alphabet.
    pub(crate) async fn ranked(
        asking: &Asking<'_>,
        breakdown: Option<&Breakdown>,
        limit: usize,
        range: &Range,
        filter: Expr,
        weight: Expr,
    ) -> Result<Self> {
        let Some(breakdown) = breakdown else { return Ok(Self::whole()) };
        let breaking = Breaking::of(asking, breakdown).await?;
        let plan = breaking
            .joined(asking.events(range.from, range.to, false)?)?
            .filter(filter.and(breaking.text.clone().is_not_null()))?
            .aggregate([breaking.text.clone().alias("value")], [weight.alias("weight")])?
            .sort_with_limit([ident("weight").sort(false, false), ident("value").sort(true, false)], Some(limit))?;
        let mut values = Vec::new();
        for batch in asking.collect(plan.build()?).await? {
            let texts = Columns(&batch).texts("value")?;
            values.extend(
                (0..batch.num_rows()).filter_map(|row| at(texts, row, |texts, row| texts.value(row).to_owned())),
            );
        }
        Ok(Self { breaking: Some(breaking), values })
    }

    /// Whether there is more than one.
    pub(crate) const fn is_broken_down(&self) -> bool {
        self.breaking.is_some()
    }

    /// How many places there can be.
    pub(crate) fn len(&self) -> usize {
        if self.is_broken_down() { self.values.len() + 2 } else { 1 }
    }

    /// The events with what the place is taken from.
    pub(crate) fn joined(&self, events: LogicalPlanBuilder) -> Result<LogicalPlanBuilder> {
        self.breaking.as_ref().map_or(Ok(events.clone()), |breaking| breaking.joined(events))
    }

    /// Whether a join is needed.
    pub(crate) fn needs_join(&self) -> bool {
        self.breaking.as_ref().is_some_and(|breaking| breaking.traits.is_some())
    }

    /// The place of an event's value.
    pub(crate) fn place(&self) -> Result<Expr> {
        let Some(Breaking { text, .. }) = &self.breaking else { return Ok(lit(0_i64)) };
        let literal = |place: usize| lit(i64::try_from(place).unwrap_or(i64::MAX));
        let count = self.values.len();
        let mut case = when(text.clone().is_null(), literal(count + 1));
        for (place, value) in self.values.iter().enumerate() {
            case = case.when(text.clone().eq(lit(value.as_str())), literal(place));
        }
        Ok(case.otherwise(literal(count))?)
    }

    /// The name of a place; none where nothing is taken apart.
    pub(crate) fn name(&self, place: usize) -> Option<String> {
        self.is_broken_down().then(|| match place.checked_sub(self.values.len()) {
            None => self.values[place].clone(),
            Some(0) => OTHER.to_owned(),
            Some(_) => NOT_SET.to_owned(),
        })
    }

    /// The place with a name.
    pub(crate) fn place_of(&self, name: &str) -> Option<usize> {
        (0..self.len()).find(|place| self.name(*place).as_deref() == Some(name))
    }
}
