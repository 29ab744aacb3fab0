//! The events of subscriptions as the lake has them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, ident, lit};
use rapport_domain::{PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_lake::TableOptions;
use rapport_lake::columns::{OCCURRED_AT, PERSON, RECEIVED_AT, SOURCE};
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;

use super::{Contract, Sign, Subscriptions};
use crate::analytics::{Analytics, Context};
use crate::columns::{Columns, at};
use crate::error::Result;
use crate::foretelling::Heard;
use crate::value::day_of;

/// Signs in the order in which they happened. Those of one instant have none that can be trusted: ends come first, as a change of plan ends a subscription and begins one.
fn in_order(mut signs: Vec<(Timestamp, Sign)>) -> Vec<Sign> {
    signs.sort_by(|(at, one), (then, other)| {
        (at, !one.ends, &one.subscription).cmp(&(then, !other.ends, &other.subscription))
    });
    signs.into_iter().map(|it| it.1).collect()
}

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
        let mut found: HashMap<PersonId, Vec<(Timestamp, Sign)>> = HashMap::new();
        for (first, last) in self.ranges(workspace).await? {
            let plan = snapshot
                .scan(TableOptions { to: Some(until), ..TableOptions::default() })?
                .filter(ident(PERSON).between(lit(first.0), lit(last.0)).and(is_sign.clone()))?
                .project([
                    ident(PERSON),
                    cast(ident(OCCURRED_AT), DataType::Int64).alias("occurred"),
                    cast(ident(RECEIVED_AT), DataType::Int64).alias("received"),
                    cast(ident(SOURCE), DataType::Int64).alias("source"),
                    cast(EventColumns::name(&snapshot), DataType::Utf8).alias("event"),
                    text("subscription_id").alias("subscription"),
                ])?
                .build()?;
            for batch in self.lake.query(self.budget)?.collect(plan).await?.1 {
                let columns = Columns(&batch);
                let (persons, names) = (columns.integers(PERSON)?, columns.texts("event")?);
                let (occurred, received, sources) =
                    (columns.integers("occurred")?, columns.integers("received")?, columns.integers("source")?);
                let ids = columns.texts("subscription")?;
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
                    found.entry(person).or_default().push((when, sign));
                }
            }
        }
        Ok(Subscriptions::new(found.into_iter().map(|(person, signs)| (person, in_order(signs)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(at: i64, subscription: &str, ends: bool) -> (Timestamp, Sign) {
        let day = i32::try_from(at / 10).unwrap();
        (Timestamp(at), Sign { day, heard: day, subscription: subscription.into(), ends })
    }

    #[test]
    fn what_is_ended_and_begun_at_one_instant_is_changed_whatever_it_is_called() {
        for (old, new) in [("a", "a"), ("", ""), ("a", "b"), ("b", "a")] {
            let (begun, ended, again) = (sign(100, old, false), sign(305, old, true), sign(305, new, false));
            for signs in [[&begun, &ended, &again], [&again, &ended, &begun]] {
                let signs = in_order(signs.map(Clone::clone).to_vec());
                let all = Subscriptions::new([(PersonId(1), signs)]);
                assert!(!all.is_lost(PersonId(1), 20, 40), "{old:?} and then {new:?}");
                assert_eq!(all.since(PersonId(1), 40, 40), Some(10));
            }
            // An instant later it is ended.
            let signs = in_order(vec![sign(306, new, true), again, ended, begun]);
            assert!(Subscriptions::new([(PersonId(1), signs)]).is_lost(PersonId(1), 20, 40));
        }
    }
}
