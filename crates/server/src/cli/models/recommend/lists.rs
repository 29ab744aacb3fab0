//! Lists of offers: by the model that was chosen, less alike where that was asked for, and filled up with what is popular.

use std::fmt;
use std::sync::Arc;

use rapport_models::Fault;
use rapport_models::recommend::{
    Bought, Event, Filter, Histories, Likeness, Model, Next, NextOptions, Plan, Popular, Recommendation,
    Recommender as _, popularity, unlike,
};
use serde::{Deserialize, Serialize};

use crate::cli::models::report::{Cell, Report};

/// How what comes next is learnt and asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Following {
    /// How many items after an item are its successors.
    pub steps: usize,
    /// How much it takes for a rule to be believed by half.
    pub doubt: f64,
    /// How many of somebody's newest items say what comes next.
    pub recent: usize,
}

impl Default for Following {
    fn default() -> Self {
        let NextOptions { steps, doubt } = NextOptions::default();
        Self { steps, doubt, recent: 5 }
    }
}

impl Following {
    /// Whether it can be asked for.
    pub fn is_sane(&self) -> bool {
        (1..=1_000).contains(&self.steps) && (1..=1_000).contains(&self.recent) && (0.0..1e9).contains(&self.doubt)
    }
}

/// The model that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Chosen {
    /// One of histories.
    Plan(Plan),
    /// What is popular lately, with the time in which it counts half, in days.
    Popular(f64),
    /// What comes next.
    Next(Following),
}

impl fmt::Display for Chosen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(plan) => write!(out, "{plan}"),
            Self::Popular(half_life) => write!(out, "popular lately, half after {half_life} days"),
            Self::Next(_) => write!(out, "what comes next"),
        }
    }
}

impl Chosen {
    /// Whether it asks for times.
    pub fn needs_times(&self) -> bool {
        !matches!(self, Self::Plan(_))
    }

    /// Fitted to what is known.
    pub fn fit(
        &self,
        histories: &Histories,
        events: Option<&[Event]>,
        (share, half_life): (Option<f64>, Option<f64>),
    ) -> Result<Lists, Fault> {
        let lately = |half_life: f64| {
            let events = events.unwrap_or_default();
            let now = events.iter().map(|it| it.at).fold(f64::NEG_INFINITY, f64::max);
            let bought = events.iter().map(|it| Bought { item: it.item, age: now - it.at });
            Popular::by(popularity(bought, histories.items(), half_life))
        };
        let popular = half_life.map_or_else(|| Popular::of(histories), lately);
        let (mut next, mut orders) = (None, Vec::new());
        let model: Model = match self {
            Self::Plan(plan) => plan.fit(histories)?,
            Self::Popular(half_life) => Arc::new(lately(*half_life)),
            Self::Next(Following { steps, doubt, recent }) => {
                let events = events.unwrap_or_default();
                let options = NextOptions { steps: *steps, doubt: *doubt };
                let found = Arc::new(Next::fit(events, histories.items(), &options)?);
                orders = Next::in_order(events, histories.persons());
                next = Some((Arc::clone(&found), *recent));
                found
            }
        };
        let unlike = share.map(|share| (share, Likeness::of(histories)));
        Ok(Lists { model, popular, next, orders, unlike })
    }
}

/// What makes lists.
pub struct Lists {
    model: Model,
    popular: Popular,
    /// The same model where it is what comes next, and how many of the newest items say it.
    next: Option<(Arc<Next>, usize)>,
    /// For what comes next: everyone's items in their order.
    orders: Vec<Vec<u32>>,
    unlike: Option<(f64, Likeness)>,
}

impl Lists {
    /// Whether lists are made of unlike items.
    pub fn is_unlike(&self) -> bool {
        self.unlike.is_some()
    }

    /// The items of a person that it was fitted to in their order, where it looks at that.
    pub fn order(&self, person: usize) -> &[u32] {
        self.orders.get(person).map_or(&[], Vec::as_slice)
    }

    /// The best for somebody who had these, in this order; less alike if that was asked for and `plain` does not say otherwise.
    pub fn best(&self, own: &[(u32, f64)], order: &[u32], filter: &Filter<'_>, plain: bool) -> Vec<Recommendation> {
        let (recent, allowed);
        let (mut history, mut filter) = (own, *filter);
        if let Some((_, newest)) = self.next {
            recent = Next::recent(order, newest);
            history = &recent;
            if !filter.own {
                // Only the newest are asked about, and none of the others is new to them.
                let mut mask = filter.allowed.map_or_else(|| vec![true; self.model.items()], <[bool]>::to_vec);
                own.iter().map(|it| it.0).chain(order.iter().copied()).for_each(|it| {
                    if let Some(may) = mask.get_mut(it as usize) {
                        *may = false;
                    }
                });
                allowed = mask;
                filter.allowed = Some(&allowed);
            }
        }
        match &self.unlike {
            Some((share, likeness)) if !plain => unlike(&*self.model, history, &filter, 1.0 - share, likeness),
            _ => self.model.recommend(history, &filter),
        }
    }

    /// The same, filled up with what is popular.
    pub fn filled(&self, own: &[(u32, f64)], order: &[u32], filter: &Filter<'_>) -> Vec<Recommendation> {
        let mut found = self.best(own, order, filter, false);
        if found.len() < filter.limit {
            let more = self.popular.recommend(own, &Filter { limit: filter.limit + found.len(), ..*filter });
            let more: Vec<_> = more.into_iter().filter(|it| found.iter().all(|old| old.item != it.item)).collect();
            found.extend(more);
            found.truncate(filter.limit);
        }
        found
    }

    /// What follows what, where that is the model: the strongest rules first.
    pub fn follows(&self, report: &mut Report, items: &[String]) {
        /// More rules are for nobody.
        const RULES: usize = 1_000;
        let Some((next, _)) = &self.next else { return };
        let mut rules: Vec<(u32, u32, f64)> = next.rules().collect();
        rules.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
        report.metric("rules", rules.len() as f64);
        let name = |item: u32| Cell::text_of(&items[item as usize]);
        let row = |it: &(u32, u32, f64)| vec![name(it.0), name(it.1), Cell::Number(it.2)];
        let rows = rules.iter().take(RULES).map(row).collect();
        report.table("follows", "What comes after what, the strongest first", &["After", "Comes", "Strength"], rows);
    }
}
