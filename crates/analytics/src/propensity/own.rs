//! What is looked for in the lake where people do what is foretold.

use std::collections::HashSet;

use rapport_domain::WorkspaceId;
use rapport_profiles::records::orders;

use super::Label;
use crate::analytics::{Analytics, Context};
use crate::asking::Asking;
use crate::error::Result;
use crate::foretelling::Own;
use crate::recommend::catalogue::{Catalogue, Telling, is_own};
use crate::recommend::rows::{ORDERS, each};
use crate::value::day_of;

impl Analytics {
    /// What is looked for; `None` where orders or conditions tell by themselves.
    ///
    /// # Errors
    /// The lake's and the store's.
    pub async fn own(&self, workspace: WorkspaceId, context: &Context, label: &Label) -> Result<Option<Own>> {
        match label {
            Label::Purchase {} | Label::Condition { .. } => Ok(None),
            Label::Event { event, filter } => Ok(Some(Own::Event { name: event.clone(), filter: filter.clone() })),
            Label::Category { category } => self.items(workspace, context, category).await.map(Some),
        }
    }

    /// The items of a category: a line may leave out the category that another one tells.
    async fn items(&self, workspace: WorkspaceId, context: &Context, category: &str) -> Result<Own> {
        let asking = Asking::begin(&self.store, &self.lake, self.budget, workspace, None, context).await?;
        let mut catalogue = Catalogue::default();
        let from = asking.snapshot.times().map_or(context.now, |it| it.0);
        each(&asking, ORDERS, (from, context.complete_until().plus(1)), |row| {
            let mut items = row.lines(is_own(row.currency.as_deref(), context.currency));
            if items.is_empty()
                && let Some(id) = &row.id
            {
                items.push((id.clone(), Telling { category: row.telling.category.clone(), ..Telling::default() }));
            }
            for (id, telling) in items {
                let place = catalogue.place(&id);
                catalogue.tell(place, row.time, telling);
            }
            true
        })
        .await?;
        let (items, _) = catalogue.finish();
        let own = items.into_iter().filter(|it| it.category.as_deref().map(str::trim) == Some(category.trim()));
        let items: HashSet<String> = own.map(|it| it.id).collect();
        let gone = orders::gone(&mut self.store.read(), workspace, from).await?.into_iter().collect();
        Ok(Own::Items { category: category.trim().to_owned(), items, gone })
    }

    /// The first day of which anything is known; the present where nothing is.
    ///
    /// # Errors
    /// The lake's.
    pub async fn first_known_day(&self, workspace: WorkspaceId, context: &Context) -> Result<i32> {
        let snapshot = self.lake.snapshot(workspace).await?;
        let first = snapshot.times().map_or(context.now, |it| it.0);
        Ok(day_of(first, &context.calendar))
    }
}
