//! When people are there: in which quarters of hours each of them did something of their own, for [`rapport_models::usual_hour`].
//!
//! Always holds: only what people do when they like counts; what happened at an exact quarter to the microsecond is a date or a schedule, not a person.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, ident, lit};
use jiff::tz::TimeZone;
use rapport_domain::shop_events::{
    CHECKOUT_STARTED, ORDER_COMPLETED, PAGE_VIEWED, PRODUCT_ADDED, PRODUCT_VIEWED, SCREEN_VIEWED,
};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::TableOptions;
use rapport_lake::columns::{OCCURRED_AT, PERSON};
use rapport_models::usual_hour::{self, DAYS};
use rapport_profiles::records::persons;
use rapport_segments::EventColumns;

use crate::analytics::Analytics;
use crate::columns::Columns;
use crate::error::Result;

/// What counts: visits, orders and what leads to them, opened messages, clicks.
pub const ACTS: [&str; 13] = [
    PAGE_VIEWED,
    SCREEN_VIEWED,
    PRODUCT_VIEWED,
    "Product List Viewed",
    "Product Clicked",
    "Products Searched",
    PRODUCT_ADDED,
    "Cart Viewed",
    CHECKOUT_STARTED,
    ORDER_COMPLETED,
    "Message Opened",
    "Message Clicked",
    "Slot Clicked",
];
/// Zones differ by whole quarters of hours.
const QUARTER: i64 = 15 * Timestamp::MINUTE;
/// Of more events than this the people are looked at in several goes.
const ROWS_AT_ONCE: i64 = 1_000_000;

/// The quarters in which each person was there, counted from 1970.
pub type Quarters = BTreeMap<PersonId, Vec<i64>>;

/// The usual hour of somebody in a zone.
pub fn usual_hour(quarters: &[i64], zone: &TimeZone, now: Timestamp) -> Option<u8> {
    let civil = |at: Timestamp| at.to_jiff().to_zoned(zone.clone()).datetime();
    // The calendar's own days, whatever was done to the clock on them.
    let day = |at: Timestamp| {
        let midnight = civil(at).date().to_zoned(TimeZone::UTC).map_or(at, |zoned| zoned.timestamp().into());
        midnight.utc_day()
    };
    let place = |quarter: &i64| {
        let at = Timestamp(quarter * QUARTER);
        (day(at), u8::try_from(civil(at).hour()).unwrap_or(0))
    };
    let active: Vec<(i64, u8)> = quarters.iter().map(place).collect();
    usual_hour::usual_hour(&active, day(now))
}

impl Analytics {
    /// Ranges of people who fit into memory together.
    ///
    /// # Errors
    /// The lake's.
    pub async fn ranges(&self, workspace: WorkspaceId) -> Result<Vec<(PersonId, PersonId)>> {
        Ok(persons::ranges(self.lake.snapshot(workspace).await?.rows() / ROWS_AT_ONCE + 1))
    }

    /// When the people from one number to another were there in the last [`DAYS`] days.
    ///
    /// # Errors
    /// The lake's.
    pub async fn quarters(
        &self,
        workspace: WorkspaceId,
        (first, last): (PersonId, PersonId),
        now: Timestamp,
    ) -> Result<Quarters> {
        let snapshot = self.lake.snapshot(workspace).await?;
        // A day more, because days begin elsewhere sooner.
        let from = now.plus(-(DAYS + 1) * Timestamp::DAY);
        let options = TableOptions { from: Some(from), to: Some(now.plus(1)), ..TableOptions::default() };
        let at = cast(ident(OCCURRED_AT), DataType::Int64);
        let is_act = EventColumns::name(&snapshot).in_list(ACTS.map(lit).to_vec(), false);
        let is_own = (at.clone() % lit(QUARTER)).not_eq(lit(0_i64));
        let plan = snapshot
            .scan(options)?
            .filter(ident(PERSON).between(lit(first.0), lit(last.0)).and(is_act).and(is_own))?
            .aggregate([ident(PERSON), (at / lit(QUARTER)).alias("quarter")], Vec::<Expr>::new())?
            .build()?;
        let mut quarters = Quarters::new();
        for batch in self.lake.query(self.budget)?.collect(plan).await?.1 {
            let columns = Columns(&batch);
            let (persons, at) = (columns.integers(PERSON)?, columns.integers("quarter")?);
            for row in 0..batch.num_rows() {
                quarters.entry(PersonId(persons.value(row))).or_default().push(at.value(row));
            }
        }
        Ok(quarters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_where_the_person_is() {
        let quarter = |text: &str| Timestamp::parse(text).unwrap().0 / QUARTER;
        // Berlin put the clock back on 25 October: seven in the evening is 17:00 UTC before it and 18:00 after it.
        let evenings = ["2026-10-22T17:05:00Z", "2026-10-23T17:50:00Z", "2026-10-27T18:20:00Z", "2026-10-28T18:59:00Z"];
        let evenings: Vec<i64> = evenings.iter().map(|text| quarter(text)).collect();
        let now = Timestamp::parse("2026-10-30T12:00:00Z").unwrap();
        let of = |zone: &str| usual_hour(&evenings, &TimeZone::get(zone).unwrap(), now);
        assert_eq!(of("Europe/Berlin"), Some(19));
        // Kathmandu is 5:45 ahead: 22:50, 23:35, 00:05 and 00:44.
        assert_eq!(of("Asia/Kathmandu"), Some(0));
    }
}
