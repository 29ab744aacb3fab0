//! The people behind a rule: who bought both sides in one order, and who bought the first and never the second.

use std::collections::BTreeSet;

use rapport_domain::{PersonId, WorkspaceId};

use super::Question;
use crate::analytics::{Analytics, Context};
use crate::error::{Error, Result};

/// Whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Who bought all of both sides in one order of the period.
    Both,
    /// Who bought all of the first side in one order of the period, and the second never, as far back as anything is known.
    OnlyFirst,
}

/// Most items of a side.
const MOST: usize = 5;

impl Analytics {
    /// The people behind a rule, ascending by id, at most `limit`.
    ///
    /// # Errors
    /// Sides without an item or with too many; those of [`Analytics::baskets`].
    #[expect(clippy::too_many_arguments, reason = "a rule has two sides, and a question its circumstances")]
    pub async fn basket_people(
        &self,
        workspace: WorkspaceId,
        question: &Question,
        (first, second): (&[String], &[String]),
        whose: Whose,
        context: &Context,
        restricted: &BTreeSet<PersonId>,
        limit: usize,
    ) -> Result<Vec<PersonId>> {
        for (place, side) in [("first", first), ("second", second)] {
            if side.is_empty() || side.len() > MOST {
                return Err(Error::invalid(place, format!("expected 1 to {MOST} items, found {}", side.len())));
            }
        }
        let since_ever = whose == Whose::OnlyFirst;
        let (gathered, before) = self.baskets_of(workspace, question, context, restricted, since_ever).await?;
        let places = |ids: &[String]| ids.iter().map(|id| gathered.place(id)).collect::<Option<Vec<u32>>>();
        // An item that nobody bought is in no basket.
        let Some(first) = places(first) else { return Ok(Vec::new()) };
        let second = places(second);
        let holds = |basket: &[u32], side: &[u32]| side.iter().all(|it| basket.binary_search(it).is_ok());
        let mut found = BTreeSet::new();
        for (basket, person) in gathered.baskets.iter().zip(&gathered.persons).skip(before) {
            let is_in = match whose {
                Whose::Both => second.as_ref().is_some_and(|second| holds(basket, second)),
                Whose::OnlyFirst => true,
            };
            if is_in && holds(basket, &first) {
                found.insert(*person);
            }
        }
        if let (Whose::OnlyFirst, Some(second)) = (whose, &second) {
            let large = gathered.too_large.iter().map(|(person, basket)| (basket, person));
            for (basket, person) in gathered.baskets.iter().zip(&gathered.persons).chain(large) {
                if second.iter().any(|it| basket.binary_search(it).is_ok()) {
                    found.remove(person);
                }
            }
        }
        Ok(found.into_iter().take(limit).collect())
    }
}
