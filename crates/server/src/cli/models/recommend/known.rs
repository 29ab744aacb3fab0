//! Rows of customers and items out of a file, and what is left out of them to judge by.

use anyhow::Result;
use rapport_imports::Field;
use rapport_models::Fault;
use rapport_models::recommend::{Event, Histories, Interaction, Split};

use super::RecommendArgs;
use crate::cli::models::input::{Data, Need};

/// Rows of customers and items.
pub struct Known {
    pub histories: Histories,
    pub people: Vec<String>,
    pub items: Vec<String>,
    /// With times, where there are any.
    pub events: Option<Vec<Event>>,
    /// Of each person the items of their rows, by time or as they stand in the file, the newest last.
    pub orders: Vec<Vec<u32>>,
    /// The items of each order, where they can be told apart.
    pub baskets: Option<Vec<Vec<u32>>>,
    /// The columns that were used.
    pub columns: Vec<String>,
}

impl Known {
    /// Reads what the flags name.
    pub fn read(args: &RecommendArgs, data: &mut Data) -> Result<Self> {
        let customer =
            data.column("customer", args.customer.as_ref(), Some(Field::CustomerId), &["user_id", "user"])?;
        let item = match data.find("item", args.item.as_ref(), Some(Field::ProductId), &["item", "item_id"])? {
            Some(item) => item,
            None => data.column("item", None, Some(Field::ProductName), &["product"])?,
        };
        let weight = data.optional("weight", args.weight.as_ref())?;
        let date = data.optional("date", args.date.as_ref())?;
        let basket = data.optional("basket", args.basket.as_ref())?;
        let mut needs = vec![(customer, Need::Text), (item, Need::Text)];
        needs.extend(weight.map(|it| (it, Need::NotNegative)));
        needs.extend(date.map(|it| (it, Need::Time)));
        needs.extend(basket.map(|it| (it, Need::Text)));
        data.require(&needs)?;
        let (who, people) = data.codes(customer);
        let (what, items) = data.codes(item);
        let weights = weight.map(|it| data.numbers(it));
        let of = |row: usize| weights.as_ref().map_or(1.0, |it| it[row]);
        let interaction = |row: usize| Interaction { person: who[row], item: what[row], weight: of(row) };
        let rows: Vec<Interaction> = (0..data.rows()).map(interaction).collect();
        let histories = Histories::of(&rows, people.len(), items.len()).map_err(|fault| data.fault(&fault, &[]))?;
        let days = date.map(|place| data.times(place).days);
        let mut places: Vec<usize> = (0..rows.len()).collect();
        if let Some(days) = &days {
            places.sort_by(|a, b| days[*a].total_cmp(&days[*b]).then(what[*a].cmp(&what[*b])));
        }
        let mut orders = vec![Vec::new(); people.len()];
        places.iter().for_each(|row| orders[who[*row] as usize].push(what[*row]));
        let baskets = match (basket, &days) {
            (Some(place), _) => {
                let (codes, names) = data.codes(place);
                let mut found = vec![Vec::new(); names.len()];
                codes.iter().zip(&what).for_each(|(basket, item)| found[*basket as usize].push(*item));
                Some(found)
            }
            (None, Some(days)) => {
                let mut found = std::collections::BTreeMap::<(u32, i64), Vec<u32>>::new();
                for (row, day) in days.iter().enumerate() {
                    found.entry((who[row], day.floor() as i64)).or_default().push(what[row]);
                }
                Some(found.into_values().collect())
            }
            (None, None) => None,
        };
        let event =
            |(it, at): (&Interaction, &f64)| Event { person: it.person, item: it.item, weight: it.weight, at: *at };
        let events = days.map(|days| rows.iter().zip(&days).map(event).collect());
        let columns = [Some(customer), Some(item), weight].into_iter().flatten();
        let columns = columns.map(|it| data.name(it).to_owned()).collect();
        Ok(Self { histories, people, items, events, orders, baskets, columns })
    }

    /// What is known, and what is to be told: the last fifth of the rows in time, or a quarter of each item's pairs by chance. With the events that are known.
    pub fn split(&self, seed: u64) -> Result<(Split, Option<Vec<Event>>), Fault> {
        let Some(events) = &self.events else {
            return Ok((Split::by_item(&self.histories, 0.75, seed)?, None));
        };
        let mut times: Vec<f64> = events.iter().map(|it| it.at).collect();
        times.sort_unstable_by(f64::total_cmp);
        let cut = times[times.len() * 4 / 5];
        let horizon = (times[times.len() - 1] - cut).max(0.0) + 1.0;
        let found = Split::rolling(events, self.people.len(), self.items.len(), &[cut], horizon)?;
        let split = found.into_iter().next().ok_or(Fault::TooFew { what: "different times", have: 1, need: 2 })?;
        Ok((split, Some(events.iter().filter(|it| it.at < cut).copied().collect())))
    }

    /// The place of an item.
    pub fn item(&self, name: &str) -> Option<u32> {
        self.items.iter().position(|it| it == name).map(|it| it as u32)
    }
}
