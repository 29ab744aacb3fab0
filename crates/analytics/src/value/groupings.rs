//! By what buyers are grouped: the market they are in, and the source that brought them first.

use std::collections::HashMap;

use arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::min;
use datafusion::logical_expr::{cast, ident};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::TableOptions;
use rapport_lake::columns::{OCCURRED_AT, PERSON};
use rapport_profiles::records::persons::{self, Filter};
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;

use super::purchases::Bought;
use crate::analytics::Analytics;
use crate::columns::{Columns, at};
use crate::error::Result;
use crate::scores::measured::Grouping;

/// The property that says which campaign brought somebody.
const SOURCE: &str = "context.campaign.source";
/// So many people are read together.
const PEOPLE: i64 = 20_000;
/// More names than these are no groups.
const NAMES: usize = 500;

impl Grouping {
    /// Of what is known of people, in the order of the buyers.
    fn of(by: &str, bought: &Bought, known: &HashMap<PersonId, String>) -> Self {
        let mut found = Self { by: by.to_owned(), ..Self::default() };
        let mut places: HashMap<&str, u32> = HashMap::new();
        for buyer in &bought.buyers {
            let place = known.get(&buyer.person).and_then(|name| {
                if let Some(place) = places.get(name.as_str()) {
                    return Some(*place);
                }
                let place = u32::try_from(found.names.len()).ok().filter(|_| found.names.len() < NAMES)?;
                places.insert(name, place);
                found.names.push(name.clone());
                Some(place)
            });
            found.of.push(place);
        }
        found
    }
}

impl Analytics {
    /// The buyers by market and by source.
    ///
    /// # Errors
    /// The lake's and the store's.
    pub async fn groupings(&self, workspace: WorkspaceId, bought: &Bought, now: Timestamp) -> Result<Vec<Grouping>> {
        let db = &mut self.store.read();
        let mut markets: HashMap<PersonId, String> = HashMap::new();
        for range in persons::ranges(persons::count(db, workspace, &Filter::default()).await? / PEOPLE + 1) {
            markets.extend(persons::countries(db, workspace, range).await?);
        }
        let sources = self.first_sources(workspace, now).await?;
        Ok(vec![Grouping::of("market", bought, &markets), Grouping::of("source", bought, &sources)])
    }

    /// Which campaign's source brought each person, the first time that one was told.
    ///
    /// # Errors
    /// The lake's.
    pub async fn first_sources(&self, workspace: WorkspaceId, now: Timestamp) -> Result<HashMap<PersonId, String>> {
        let snapshot = self.lake.snapshot(workspace).await?;
        snapshot.ask_for(SOURCE);
        let source = EventColumns::property(&snapshot, SOURCE, Reading::Text);
        let plan = snapshot
            .scan(TableOptions { to: Some(now.plus(1)), ..TableOptions::default() })?
            .filter(source.clone().is_not_null())?
            .project([
                ident(PERSON),
                cast(ident(OCCURRED_AT), DataType::Int64).alias("at"),
                cast(source, DataType::Utf8).alias("source"),
            ])?
            .aggregate([ident(PERSON), ident("source")], [min(ident("at")).alias("first")])?
            .build()?;
        let mut first: HashMap<PersonId, (i64, String)> = HashMap::new();
        for batch in self.lake.query(self.budget)?.collect(plan).await?.1 {
            let columns = Columns(&batch);
            let (persons, times, sources) =
                (columns.integers(PERSON)?, columns.integers("first")?, columns.texts("source")?);
            for row in 0..batch.num_rows() {
                let Some(source) = at(sources, row, |it, row| it.value(row).trim().to_lowercase()) else { continue };
                let told = (times.value(row), source);
                let known = first.entry(PersonId(persons.value(row))).or_insert_with(|| told.clone());
                if told < *known {
                    *known = told;
                }
            }
        }
        Ok(first.into_iter().filter(|(_, it)| !it.1.is_empty()).map(|(person, it)| (person, it.1)).collect())
    }
}
