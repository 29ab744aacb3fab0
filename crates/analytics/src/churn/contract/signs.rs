//! The events of subscriptions as the lake has them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, ident, lit};
use rapport_domain::{PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_lake::TableOptions;
use rapport_lake::columns::{OCCURRED_AT, ORDER_KEY, PERSON, RECEIVED_AT, SOURCE};
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;

use super::{Contract, Sign, Subscriptions};
use crate::analytics::{Analytics, Context};
use crate::columns::{Columns, at};
use crate::error::Result;
use crate::foretelling::Heard;
use crate::value::day_of;

/// When, its key in the order of its device, whether it ends: at one instant what begins comes first.
type Place = (i64, i64, bool);

impl Analytics {
    /// Everybody's subscriptions, but those who may not be used.
    ///
    /// # Errors
    /// The lake's.
    pub async fn subscriptions(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        contract: &Contract,
        (heard, without): (&Heard, &BTreeSet<PersonId>),
    ) -> Result<Subscriptions> {
        let snapshot = self.lake.snapshot(workspace).await?;
        let text = |path: &str| cast(EventColumns::property(&snapshot, path, Reading::Text), DataType::Utf8);
        let names: Vec<Expr> = contract.has.iter().chain(&contract.ends).map(|it| lit(it.as_str())).collect();
        let is_sign = EventColumns::name(&snapshot).in_list(names, false);
        let until = context.complete_until().plus(1);
        let mut found: HashMap<PersonId, Vec<(Place, Sign)>> = HashMap::new();
        for (first, last) in self.ranges(workspace).await? {
            let plan = snapshot
                .scan(TableOptions { to: Some(until), ..TableOptions::default() })?
                .filter(ident(PERSON).between(lit(first.0), lit(last.0)).and(is_sign.clone()))?
                .project([
                    ident(PERSON),
                    cast(ident(OCCURRED_AT), DataType::Int64).alias("occurred"),
                    cast(ident(RECEIVED_AT), DataType::Int64).alias("received"),
                    cast(ident(SOURCE), DataType::Int64).alias("source"),
                    ident(ORDER_KEY),
                    cast(EventColumns::name(&snapshot), DataType::Utf8).alias("event"),
                    text("subscription_id").alias("subscription"),
                ])?
                .build()?;
            for batch in self.lake.query(self.budget)?.collect(plan).await?.1 {
                let columns = Columns(&batch);
                let (persons, names) = (columns.integers(PERSON)?, columns.texts("event")?);
                let (occurred, received, sources) =
                    (columns.integers("occurred")?, columns.integers("received")?, columns.integers("source")?);
                let (keys, ids) = (columns.integers(ORDER_KEY)?, columns.texts("subscription")?);
                for row in 0..batch.num_rows() {
                    let person = PersonId(persons.value(row));
                    if without.contains(&person) {
                        continue;
                    }
                    let when = Timestamp(occurred.value(row));
                    let known = heard.of(SourceId(sources.value(row)), when, Timestamp(received.value(row)));
                    let id = at(ids, row, |it: &arrow::array::StringArray, row| it.value(row).trim().to_owned());
                    let ends = contract.ends.iter().any(|it| it == names.value(row));
                    let sign = Sign {
                        day: day_of(when, &context.calendar),
                        heard: day_of(known, &context.calendar),
                        subscription: Arc::from(id.unwrap_or_default()),
                        ends,
                    };
                    found.entry(person).or_default().push(((when.0, keys.value(row), ends), sign));
                }
            }
        }
        let in_order = |(person, mut signs): (PersonId, Vec<(Place, Sign)>)| {
            signs.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.subscription.cmp(&b.1.subscription)));
            let signs: Vec<Sign> = signs.into_iter().map(|it| it.1).collect();
            (person, signs)
        };
        Ok(Subscriptions::new(found.into_iter().map(in_order)))
    }
}
