//! What is like an item, and what is bought together with it.

use anyhow::{Result, bail};
use rapport_models::recommend::{Baskets, Companion, Interaction, Near, Neighbours, Weighting};

use super::RecommendArgs;
use super::known::Known;
use crate::cli::models::report::{Cell, Report};

/// A pair in one basket alone is chance.
const LEAST: u64 = 2;

/// Shows what was asked of items.
pub fn show(args: &RecommendArgs, report: &mut Report, known: &Known) -> Result<()> {
    if let Some(name) = &args.similar_to {
        let item = place(known, "similar-to", name)?;
        let rows = known.histories.interactions();
        // Without weights all that counts is whether.
        let rows = rows.map(|it| if args.weight.is_some() { it } else { Interaction { weight: 1.0, ..it } });
        let found = Neighbours::of(rows.collect(), known.items.len(), args.limit, Weighting::Plain);
        let row = |it: &Near| vec![Cell::text_of(&known.items[it.item as usize]), Cell::Number(it.similarity)];
        let title = format!("Most like {name}, by who had both (cosine)");
        report.table("similar", &title, &["Item", "Likeness"], found.near(item).iter().map(row).collect());
    }
    if let Some(name) = &args.together_with {
        let item = place(known, "together-with", name)?;
        let Some(all) = &known.baskets else {
            bail!("--together-with asks for orders: name their column with --basket, or days with --date");
        };
        let mut baskets = Baskets::default();
        all.iter().for_each(|it| baskets.add(&mut it.clone()));
        let found = baskets.companions(known.items.len(), LEAST, args.limit).swap_remove(item as usize);
        report.metric("orders", baskets.len() as f64);
        let row = |it: &Companion| {
            vec![
                Cell::text_of(&known.items[it.item as usize]),
                Cell::Whole(it.pair.both),
                Cell::Share(it.pair.support()),
                Cell::Share(it.pair.confidence()),
                Cell::Number(it.pair.lift()),
                Cell::Number(it.pair.cosine()),
            ]
        };
        let header = ["Item", "Orders with both", "Support", "Confidence", "Lift", "Cosine"];
        let title = format!("Often bought together with {name}");
        report.table("together", &title, &header, found.iter().map(row).collect());
    }
    Ok(())
}

fn place(known: &Known, flag: &str, name: &str) -> Result<u32> {
    match known.item(name) {
        Some(item) => Ok(item),
        None => bail!("--{flag} {name}: there is no such item"),
    }
}
