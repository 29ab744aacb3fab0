//! The baskets of a period, read from the lake.

use std::collections::{BTreeSet, HashSet};

use rapport_domain::{PersonId, Timestamp, WorkspaceId};

use super::{MOST_BASKETS, MOST_ITEMS, Of, Question};
use crate::analytics::{Analytics, Context};
use crate::asking::Asking;
use crate::error::{Error, Result};
use crate::recommend::Item;
use crate::recommend::build::hash;
use crate::recommend::catalogue::{Catalogue, Telling, is_own};
use crate::recommend::rows::{ORDERS, Row, each};

/// Baskets with whose they are; items are places in `items`.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) baskets: Vec<Vec<u32>>,
    pub(super) persons: Vec<PersonId>,
    /// In the order of their ids.
    pub(super) items: Vec<Item>,
    /// Orders of too many items, which are in no rule.
    pub(super) too_large: Vec<(PersonId, Vec<u32>)>,
    /// Orders without any item that is known.
    pub(super) empty: u64,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Analytics {
    /// The baskets that a question is about. With `since_ever` those before the period come first, and their number is told.
    pub(super) async fn baskets_of(
        &self,
        workspace: WorkspaceId,
        question: &Question,
        context: &Context,
        restricted: &BTreeSet<PersonId>,
        since_ever: bool,
    ) -> Result<(Gathered, usize)> {
        let asking =
            Asking::begin(&self.store, &self.lake, self.budget, workspace, question.who.as_ref(), context).await?;
        let range = asking.range(question.period)?;
        let first = asking.snapshot.times().map_or(range.from, |(first, _)| first);
        let begin = if since_ever { first.min(range.from) } else { range.from };
        let without = self.without(workspace, restricted, begin).await?;
        let mut gathered = Gathered { from: range.from, until: range.to, ..Gathered::default() };
        let mut catalogue = Catalogue::default();
        let mut told = HashSet::new();
        let mut before = 0;
        each(&asking, ORDERS, (begin, range.to), |row| {
            let is_new = row.order_id.as_deref().is_none_or(|id| told.insert(hash(id)));
            if !without.has(&row) && is_new {
                let is_before = row.time < range.from.0;
                let kept = gathered.take(row, &mut catalogue, context);
                before += usize::from(kept && is_before);
            }
            gathered.baskets.len() + gathered.too_large.len() <= MOST_BASKETS
        })
        .await?;
        if gathered.baskets.len() + gathered.too_large.len() > MOST_BASKETS {
            let why = format!("it has more than {MOST_BASKETS} orders; ask for a shorter one");
            return Err(Error::invalid("period", why));
        }
        gathered.finish(catalogue, question.of);
        Ok((gathered, before))
    }
}

impl Gathered {
    /// Whether it is a basket.
    fn take(&mut self, row: Row, catalogue: &mut Catalogue, context: &Context) -> bool {
        let mut basket = Vec::new();
        for (id, telling) in row.lines(is_own(row.currency.as_deref(), context.currency)) {
            let place = catalogue.place(&id);
            catalogue.tell(place, row.time, telling);
            basket.push(place);
        }
        if basket.is_empty()
            && let Some(id) = &row.id
        {
            let place = catalogue.place(id);
            let telling = Telling {
                name: row.telling.name.clone(),
                category: row.telling.category.clone(),
                ..Telling::default()
            };
            catalogue.tell(place, row.time, telling);
            basket.push(place);
        }
        basket.sort_unstable();
        basket.dedup();
        match basket.len() {
            0 => self.empty += 1,
            // Held back, and not silently: the answer says how many.
            more if more > MOST_ITEMS => self.too_large.push((row.person(), basket)),
            _ => {
                self.persons.push(row.person());
                self.baskets.push(basket);
                return true;
            }
        }
        false
    }

    /// Puts items into the order of their ids, or categories into that of their names.
    fn finish(&mut self, catalogue: Catalogue, of: Of) {
        let (items, moved) = catalogue.finish();
        let places: Vec<Option<u32>> = match of {
            Of::Product => {
                self.items = items;
                moved.into_iter().map(Some).collect()
            }
            Of::Category => {
                let names: BTreeSet<&str> = items.iter().filter_map(|it| it.category.as_deref()).collect();
                let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
                let place = |name: &str| names.binary_search_by(|it| it.as_str().cmp(name)).ok();
                let of_item: Vec<Option<u32>> =
                    items.iter().map(|it| u32::try_from(place(it.category.as_deref()?)?).ok()).collect();
                let named = |name: String| Item { id: name.clone(), name: Some(name), ..Item::default() };
                let places = moved.iter().map(|it| of_item[*it as usize]).collect();
                self.items = names.into_iter().map(named).collect();
                places
            }
        };
        for basket in self.baskets.iter_mut().chain(self.too_large.iter_mut().map(|it| &mut it.1)) {
            *basket = basket.iter().filter_map(|item| places[*item as usize]).collect();
            basket.sort_unstable();
            basket.dedup();
        }
    }

    /// An item's place by its id.
    pub(super) fn place(&self, id: &str) -> Option<u32> {
        let at = self.items.binary_search_by(|it| it.id.as_str().cmp(id)).ok()?;
        u32::try_from(at).ok()
    }
}
