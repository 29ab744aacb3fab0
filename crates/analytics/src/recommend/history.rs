//! One person's own items, from a point read.

use std::collections::HashMap;

use rapport_domain::Timestamp;
use rapport_domain::shop_events::{ORDER_COMPLETED, PRODUCT_ADDED, PRODUCT_VIEWED};
use rapport_lake::EventRow;
use rapport_models::recommend::faded;
use serde_json::{Map, Value};

use super::catalogue::id_of;
use super::table::Table;
use super::{Settings, Touched};

/// How much a view is worth beside an order, which is worth 1. Our own choice: no data set here has both.
pub(super) const VIEWED: f64 = 0.3;

/// Days as the half-lives count them.
pub(super) fn days(from: i64, to: Timestamp) -> f64 {
    to.0.saturating_sub(from) as f64 / Timestamp::DAY as f64
}

/// When a person last had to do with an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Touch {
    pub(super) viewed: Option<i64>,
    pub(super) bought: Option<i64>,
}

impl Touch {
    pub(super) fn merge(&mut self, other: Self) {
        self.viewed = self.viewed.max(other.viewed);
        self.bought = self.bought.max(other.bought);
    }

    /// The last time, of either kind.
    pub(super) fn last(self) -> i64 {
        self.viewed.max(self.bought).unwrap_or(i64::MIN)
    }

    /// What it is worth at an instant.
    pub(super) fn weight(self, now: Timestamp, settings: &Settings) -> f64 {
        let worth = |at: Option<i64>| at.map_or(0.0, |at| faded(days(at, now), settings.half_life));
        worth(self.bought) + VIEWED * worth(self.viewed)
    }

    fn of(self, touched: Touched) -> Option<i64> {
        match touched {
            Touched::Viewed => self.viewed,
            Touched::Bought => self.bought,
            Touched::Any => self.viewed.max(self.bought),
        }
    }
}

/// A person's items, by their places in the table.
#[derive(Debug, Default)]
pub(super) struct History {
    touches: HashMap<u32, Touch>,
    /// When each was last bought.
    pub(super) bought: HashMap<u32, i64>,
}

impl History {
    /// Of a person's events, in any order; items that the table does not know are left out.
    pub(super) fn of(events: &[EventRow], table: &Table) -> Self {
        let mut history = Self::default();
        for event in events {
            let at = event.occurred_at.0;
            let touch = match event.name.as_str() {
                ORDER_COMPLETED => Touch { bought: Some(at), viewed: None },
                PRODUCT_VIEWED | PRODUCT_ADDED => Touch { viewed: Some(at), bought: None },
                _ => continue,
            };
            for place in ids(event).iter().filter_map(|id| table.place(id)) {
                history.touches.entry(place).or_default().merge(touch);
            }
        }
        let bought = |(place, touch): (&u32, &Touch)| Some((*place, touch.bought?));
        history.bought = history.touches.iter().filter_map(bought).collect();
        history
    }

    /// All touches, the newest first.
    pub(super) fn touched(&self) -> Vec<(u32, Touch)> {
        let newest = self.recent(Touched::Any);
        newest.into_iter().map(|(place, _)| (place, self.touches[&place])).collect()
    }

    /// The newest first, of one instant the lower place.
    pub(super) fn recent(&self, touched: Touched) -> Vec<(u32, i64)> {
        let mut recent: Vec<(u32, i64)> =
            self.touches.iter().filter_map(|(place, touch)| Some((*place, touch.of(touched)?))).collect();
        recent.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        recent
    }

    /// What was bought last, all at that instant, in the order of places.
    pub(super) fn last_order(&self) -> Vec<u32> {
        let last = self.bought.values().max();
        let mut places: Vec<u32> =
            self.bought.iter().filter(|it| Some(it.1) == last).map(|(place, _)| *place).collect();
        places.sort_unstable();
        places
    }

    /// The newest `most` with what they are worth.
    pub(super) fn own(&self, most: usize, now: Timestamp, settings: &Settings) -> Vec<(u32, f64)> {
        let newest = self.recent(Touched::Any).into_iter().take(most);
        newest.map(|(place, _)| (place, self.touches[&place].weight(now, settings))).collect()
    }
}

/// The items of an event: those of its lines, else its own.
fn ids(event: &EventRow) -> Vec<String> {
    let lines = event.properties().iter().find(|(path, _)| path == "products").and_then(|(_, value)| value.as_array());
    let of_lines: Vec<String> = lines.into_iter().flatten().filter_map(|line| id_of(line.as_object()?)).collect();
    if !of_lines.is_empty() {
        return of_lines;
    }
    let own = |(path, value): &(String, Value)| {
        matches!(path.as_str(), "product_id" | "sku").then(|| (path.clone(), value.clone()))
    };
    let own: Map<String, Value> = event.properties().iter().filter_map(own).collect();
    id_of(&own).into_iter().collect()
}
