//! What is known of items, and what may be offered by it: stock, price bands, kinds, up-sell, cross-sell.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_imports::columns::Numbers;
use rapport_imports::values::boolean;
use rapport_models::recommend::{Again, Band, Cycles, Item, Purpose, Rules};

use super::RecommendArgs;
use super::known::Known;
use crate::cli::models::input::{Data, Input, Need};

/// How far beyond what somebody mostly paid their usual band reaches.
const STRETCH: f64 = 1.5;

/// Which prices.
#[derive(Clone, Copy, Debug)]
enum Prices {
    Any,
    Within(Band),
    Usual,
}

/// What is known of items, in the order of their places.
pub struct Catalog {
    items: Vec<Item>,
    /// The kinds that may be offered; empty for all.
    kinds: Vec<u32>,
    prices: Prices,
}

impl Catalog {
    /// Reads the file of items.
    pub fn read(args: &RecommendArgs, path: &Path, known: &Known, notes: &mut Vec<String>) -> Result<Self> {
        let skip_bad = args.input.skip_bad;
        let input = Input { file: path.to_owned(), skip_bad, dates: None, json: false, out: None };
        let mut data = Data::open(&input)?;
        let words = ["item", "item_id", "product", "id"];
        let id = data.column("items-id", args.items_id.as_ref(), Some(Field::ProductId), &words)?;
        data.require(&[(id, Need::Unique)])?;
        let need = data.find("need", args.need.as_ref(), Some(Field::Category), &["need"])?;
        let price = data.find("price", args.price.as_ref(), Some(Field::Price), &[])?;
        let stock = data.find("stock", args.stock.as_ref(), None, &["stock", "in_stock", "available"])?;
        let kind = data.find("kind", args.kind.as_ref(), None, &["kind"])?;
        if args.purpose.is_some() && need.is_none() {
            bail!("--purpose asks which need an item is for: name the column of --items with --need");
        }
        if (args.price_band.is_some() || args.purpose == Some(super::Purpose::UpSell)) && price.is_none() {
            bail!("--price-band and --purpose up-sell ask for prices: name the column of --items with --price");
        }
        if !args.kinds.is_empty() && kind.is_none() {
            bail!("--kinds asks for kinds: name the column of --items with --kind");
        }
        let prices = price.map(|it| priced(&data, it)).transpose()?;
        let stocks = stock.map(|it| stocked(&data, it)).transpose()?;
        let needs = need.map(|it| data.codes(it));
        let of_kind = kind.map(|it| data.codes(it));
        let places: HashMap<String, usize> =
            data.texts(id).into_iter().enumerate().map(|(row, name)| (name, row)).collect();
        let mut found = 0;
        let mut item = |name: &String| {
            let Some(row) = places.get(name).copied() else { return Item { kind: u32::MAX, ..Item::default() } };
            found += 1;
            // A blank need is none.
            let need = needs
                .as_ref()
                .map(|(codes, names)| (codes[row], names))
                .filter(|(it, names)| !names[*it as usize].is_empty());
            Item {
                kind: of_kind.as_ref().map_or(0, |(codes, _)| codes[row]),
                need: need.map(|it| it.0),
                price: prices.as_ref().and_then(|it| it[row]),
                in_stock: stocks.as_ref().and_then(|it| it[row]),
            }
        };
        let items: Vec<Item> = known.items.iter().map(&mut item).collect();
        if found == 0 {
            bail!(
                "no item of the rows is in {}; is {} the column of their ids (--items-id)?",
                data.table.name,
                data.name(id)
            );
        }
        if found < known.items.len() {
            let note = format!("Of {} items nothing is known in {}.", known.items.len() - found, data.table.name);
            notes.push(note);
        }
        notes.append(&mut data.notes);
        let kinds = kinds(args, of_kind.as_ref().map(|it| &it.1[..]))?;
        Ok(Self { items, kinds, prices: band(args)? })
    }

    /// Of each item whether it may be offered to somebody who took these, of which the newest is the last, at these times.
    pub fn allowed(
        &self,
        args: &RecommendArgs,
        order: &[u32],
        past: &[(u32, f64)],
        cycles: &Cycles,
        now: f64,
    ) -> Vec<bool> {
        let paid: Vec<f64> = order.iter().filter_map(|it| self.items[*it as usize].price).collect();
        let price = match self.prices {
            Prices::Any => None,
            Prices::Within(band) => Some(band),
            Prices::Usual => Band::usual(&paid, STRETCH),
        };
        let purpose = match (args.purpose, order.last()) {
            (Some(super::Purpose::UpSell), Some(newest)) => Purpose::UpSell { of: *newest, most: args.most_times },
            (Some(super::Purpose::CrossSell), _) => Purpose::CrossSell { with: order },
            // Who has nothing has no need to go by.
            (Some(super::Purpose::UpSell), None) => return vec![false; self.items.len()],
            (None, _) => Purpose::Any,
        };
        let rules = Rules { kinds: &self.kinds, in_stock: true, price, again: again(args), purpose };
        rules.allowed(&self.items, past, cycles, now)
    }
}

/// Whether what somebody has may be offered again.
pub fn again(args: &RecommendArgs) -> Again {
    match args.due {
        Some(share) => Again::Due(share),
        None if args.again => Again::Always,
        None => Again::Never,
    }
}

/// The kinds that a flag names.
fn kinds(args: &RecommendArgs, known: Option<&[String]>) -> Result<Vec<u32>> {
    let known = known.unwrap_or_default();
    let place = |name: &String| match known.iter().position(|it| it == name) {
        Some(at) => Ok(at as u32),
        None => bail!("--kinds {name}: there is no such kind; there are {}", known.join(", ")),
    };
    args.kinds.iter().map(place).collect()
}

/// Prices; a blank cell is a price that is not known.
fn priced(data: &Data, place: usize) -> Result<Vec<Option<f64>>> {
    let Numbers { values, bad, absurd, .. } = data.table.column(place).numbers();
    let mut odd: Vec<usize> = (0..values.len()).filter(|row| values[*row] < 0.0).chain(bad).chain(absurd).collect();
    odd.sort_unstable();
    odd.dedup();
    if !odd.is_empty() {
        bail!("{} of {}: {} is no price", data.lines(&odd), data.table.name, data.name(place));
    }
    Ok(values.into_iter().map(|it| Some(it).filter(|it| it.is_finite())).collect())
}

/// Whether items are there: yes or no, or how many; a blank cell is not known.
fn stocked(data: &Data, place: usize) -> Result<Vec<Option<bool>>> {
    let mut odd = Vec::new();
    let mut one = |(row, text): (usize, String)| {
        if text.is_empty() {
            return None;
        }
        let said = text.parse::<f64>().ok().filter(|it| it.is_finite()).map(|it| it > 0.0).or_else(|| boolean(&text));
        if said.is_none() {
            odd.push(row);
        }
        said
    };
    let found: Vec<Option<bool>> = data.texts(place).into_iter().enumerate().map(&mut one).collect();
    if !odd.is_empty() {
        bail!(
            "{} of {}: {} is neither yes nor no, nor how many there are",
            data.lines(&odd),
            data.table.name,
            data.name(place)
        );
    }
    Ok(found)
}

/// The band that a flag says.
fn band(args: &RecommendArgs) -> Result<Prices> {
    let Some(text) = &args.price_band else { return Ok(Prices::Any) };
    if text == "usual" {
        return Ok(Prices::Usual);
    }
    let ends =
        text.split_once("..").and_then(|(low, high)| Some((low.parse::<f64>().ok()?, high.parse::<f64>().ok()?)));
    match ends.filter(|(low, high)| *low >= 0.0 && low <= high && high.is_finite()) {
        Some((low, high)) => Ok(Prices::Within(Band { low, high })),
        None => bail!("--price-band {text} is no band; write 10..50, or usual"),
    }
}
