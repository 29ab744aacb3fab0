//! What people said, as facts tell it: how satisfied they are, how easy it was, and how they felt in what they wrote.
//!
//! Always holds: a fact happened when it became true, and was heard of when it was recorded, by the rule of all that people do ([`Heard`]); what was understood anew
//! of the same text was not known before that.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::facts::{self, ToldRow};

use super::deeds::{Deed, Did, Heard, in_order};
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
    let known = heard.of(row.source, row.valid_from, row.recorded_at);
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
        deeds: &mut BTreeMap<PersonId, Vec<Deed>>,
    ) -> Result<()> {
        let keys = FACTS.map(|it| it.0.to_owned());
        let mut touched = BTreeSet::new();
        for row in facts::told(&mut self.store.read(), workspace, &keys, range).await? {
            if row.valid_from > until {
                continue;
            }
            if let Some(deed) = deed(&row, heard, context) {
                deeds.entry(row.person).or_default().push(deed);
                touched.insert(row.person);
            }
        }
        for person in touched {
            if let Some(all) = deeds.get_mut(&person) {
                in_order(all);
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
        assert_eq!(deed(&row("ces.last", "null", 10, 13), &none, &context), None);
        assert_eq!(deed(&row("nps.last", "9", 10, 13), &none, &context), None);
    }
}
