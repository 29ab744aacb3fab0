//! What people said, as facts tell it: how satisfied they are, how easy it was, and how they felt in what they wrote.
//!
//! Always holds: a fact happened when it became true, and was heard of when it was recorded, by the rule of all that people do ([`Heard`]). How somebody felt is known from
//! when their text was understood, whatever its source: the text was there before, the feeling was not, and what understood it may have learnt from what came later.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::facts::{self, ToldRow};

use super::deeds::{Deed, Did, Heard, Place};
use crate::analytics::{Analytics, Context};
use crate::error::Result;
use crate::loyalty_index::number;
use crate::value::day_of;

/// The facts, and as which deed each is told. Whether people would recommend us is read from their answers themselves.
const FACTS: [(&str, Did); 3] =
    [("csat.last", Did::Satisfied), ("ces.last", Did::Eased), ("feeling.sentiment", Did::Felt)];

/// A fact as a deed; `None` where it is no number.
fn deed(row: &ToldRow, heard: &Heard, context: &Context) -> Option<Deed> {
    let (_, did) = FACTS.iter().find(|it| it.0 == row.fact_key)?;
    let known = match did {
        Did::Felt => row.recorded_at.max(row.valid_from),
        _ => heard.of(row.source, row.valid_from, row.recorded_at),
    };
    Some(Deed {
        day: day_of(row.valid_from, &context.calendar),
        heard: day_of(known, &context.calendar),
        did: *did,
        amount: number(&row.value)?,
        reduced: false,
        stands: true,
        reason: None,
    })
}

/// Of what was told about one instant the last that was told counts; what was told at once keeps the order in which it is read.
fn place(row: &ToldRow) -> Place {
    (row.valid_from.0, row.recorded_at.0, [0; 16])
}

impl Analytics {
    /// Adds what the people from one number to another said before an instant to what they did.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn said(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        (heard, until): (&Heard, Timestamp),
        range: (PersonId, PersonId),
        deeds: &mut BTreeMap<PersonId, Vec<(Place, Deed)>>,
    ) -> Result<()> {
        let keys = FACTS.map(|it| it.0.to_owned());
        for row in facts::told(&mut self.store.read(), workspace, &keys, range).await? {
            if row.valid_from > until {
                continue;
            }
            if let Some(deed) = deed(&row, heard, context) {
                deeds.entry(row.person).or_default().push((place(&row), deed));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rapport_domain::{Calendar, Currency, SourceId, WeekStart};

    use super::*;

    fn row(key: &str, value: &str, valid: i64, recorded: i64) -> ToldRow {
        let at = |day: i64| Timestamp(day * Timestamp::DAY + Timestamp::HOUR);
        ToldRow {
            person: PersonId(1),
            fact_key: key.to_owned(),
            valid_from: at(valid),
            recorded_at: at(recorded),
            value: value.to_owned(),
            source: SourceId(7),
        }
    }

    #[test]
    fn a_fact_happened_when_it_became_true_and_was_heard_of_when_it_was_recorded() {
        let context = Context {
            calendar: Calendar::new("UTC", WeekStart::Monday).unwrap(),
            currency: Currency::parse("EUR").unwrap(),
            now: Timestamp(0),
            data_until: Timestamp(0),
        };
        let none = Heard::default();
        let found = deed(&row("feeling.sentiment", "-0.4", 10, 13), &none, &context).unwrap();
        assert_eq!((found.day, found.heard, found.did, found.amount), (10, 13, Did::Felt, -0.4));
        let history = Heard(BTreeMap::from([(SourceId(7), Timestamp(i64::MAX))]));
        let found = deed(&row("csat.last", "4", 10, 13), &history, &context).unwrap();
        assert_eq!((found.heard, found.did, found.amount), (10, Did::Satisfied, 4.0), "a file's");
        let found = deed(&row("feeling.sentiment", "-0.4", 10, 13), &history, &context).unwrap();
        assert_eq!((found.day, found.heard), (10, 13), "a file's text was understood when it came");
        let found = deed(&row("feeling.sentiment", "0.7", 10, 900), &history, &context).unwrap();
        assert_eq!((found.day, found.heard), (10, 900), "and anew a long time afterwards");
        assert_eq!(deed(&row("ces.last", "null", 10, 13), &none, &context), None);
        assert_eq!(deed(&row("nps.last", "9", 10, 13), &none, &context), None);
    }
}
