//! `rapport models basket`: what is bought together more often than by chance.

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_imports::written::Column;
use rapport_models::baskets::{Consequents, ItemSets, Limits, Rule, Share};

use super::input::{Data, Input, Need};
use super::plot;
use super::report::{Cell, Report, figure, percent};

/// Baskets.
#[derive(clap::Args, Debug)]
pub struct BasketArgs {
    #[command(flatten)]
    input: Input,
    /// The column of baskets' ids, such as orders; a row a basket and item.
    #[arg(long, value_name = "COLUMN")]
    basket: Option<String>,
    /// The column of items.
    #[arg(long, value_name = "COLUMN")]
    item: Option<String>,
    /// The least share of baskets that hold a set: 0.01 or 1%.
    #[arg(long, default_value = "0.01")]
    support: String,
    /// The least share of baskets with the one side that hold the other.
    #[arg(long, default_value = "0.3")]
    confidence: String,
    /// Rules whose second side has several items too.
    #[arg(long)]
    any: bool,
    /// The most items of a set.
    #[arg(long, default_value_t = 10)]
    longest: usize,
}

/// Runs the command.
pub fn run(args: &BasketArgs) -> Result<()> {
    let share = |flag: &str, text: &str| match Share::decimal(text) {
        Some(share) => Ok(share),
        None => bail!("--{flag} {text} is no share; write 0.01 or 1%"),
    };
    let (support, confidence) = (share("support", &args.support)?, share("confidence", &args.confidence)?);
    let mut data = Data::open(&args.input)?;
    let basket = data.column("basket", args.basket.as_ref(), Some(Field::OrderId), &["transaction_id", "basket"])?;
    let item = match data.find("item", args.item.as_ref(), Some(Field::ProductName), &["item", "product"])? {
        Some(item) => item,
        None => data.column("item", None, Some(Field::ProductId), &[])?,
    };
    data.require(&[(basket, Need::Text), (item, Need::Text)])?;
    let (orders, ids) = data.codes(basket);
    let (items, names) = data.codes(item);
    let mut baskets = vec![Vec::new(); ids.len()];
    orders.iter().zip(&items).for_each(|(order, item)| baskets[*order as usize].push(*item));
    let limits = Limits { longest: args.longest.max(1), ..Limits::support(support) };
    let sets = ItemSets::mine(&baskets, &limits).map_err(|fault| data.fault(&fault, &[]))?;
    let class = if args.any { Consequents::Any } else { Consequents::Single };
    let found = sets.rules(confidence, class);
    let q = found.false_discovery();
    let mut report = Report::new("association rules");
    report.metric("baskets", sets.baskets as f64);
    report.metric("items", names.len() as f64);
    report.metric("item_sets", sets.len() as f64);
    report.metric("rules", found.rules.len() as f64);
    report.metric("rules_looked_at", found.looked_at as f64);
    report.metric("discoveries_at_5_percent", q.iter().filter(|it| **it <= 0.05).count() as f64);
    report.plain_parameter("least_baskets", support.least(sets.baskets) as f64);
    popular(&mut report, &baskets, &names);
    rules(&mut report, &found.rules, &q, &names);
    report.sure = format!(
        "lifts have intervals of 95 %; q is the share of false ones among all {} rules with enough support that say as much, so a rule above 0.05 may be chance.",
        found.looked_at
    );
    report.cannot = "that one item makes people buy the other: they may share a season, a discount or a shelf. Items in fewer baskets than the support are not seen at all."
        .to_owned();
    report.show(&args.input, &data)
}

fn popular(report: &mut Report, baskets: &[Vec<u32>], names: &[String]) {
    let mut counts = vec![0u32; names.len()];
    for basket in baskets {
        let once: std::collections::BTreeSet<u32> = basket.iter().copied().collect();
        once.into_iter().for_each(|item| counts[item as usize] += 1);
    }
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| counts[*b].cmp(&counts[*a]).then(names[*a].cmp(&names[*b])));
    let bar = |at: &usize| {
        let share = f64::from(counts[*at]) / baskets.len() as f64;
        (names[*at].clone(), share, percent(share))
    };
    report.part("In the most baskets", &plot::bars(&order.iter().take(10).map(bar).collect::<Vec<_>>()));
}

fn rules(report: &mut Report, rules: &[Rule], q: &[f64], names: &[String]) {
    let list = |items: &[u32]| items.iter().map(|it| names[*it as usize].as_str()).collect::<Vec<_>>().join(" + ");
    let row = |(rule, q): (&Rule, &f64)| {
        let between = rule.counts.lift_interval(0.05);
        vec![
            Cell::text_of(list(&rule.antecedent)),
            Cell::text_of(list(&rule.consequent)),
            Cell::Whole(rule.counts.both),
            Cell::Share(rule.counts.support()),
            Cell::Share(rule.counts.confidence()),
            Cell::Number(rule.counts.lift()),
            Cell::text_of(format!("{} – {}", figure(between.low), figure(between.high))),
            Cell::Number(*q),
        ]
    };
    let header = ["Who has", "Also has", "Baskets", "Support", "Confidence", "Lift", "95 % between", "q"];
    report.table("rules", "Rules, the most confident first", &header, rules.iter().zip(q).map(row).collect());
    let of = |pick: fn(&Rule) -> f64| rules.iter().map(pick).collect::<Vec<f64>>();
    report.rows = vec![
        Column::texts("antecedent", rules.iter().map(|it| list(&it.antecedent)).collect()),
        Column::texts("consequent", rules.iter().map(|it| list(&it.consequent)).collect()),
        Column::whole("baskets", rules.iter().map(|it| it.counts.both.cast_signed()).collect()),
        Column::numbers("support", of(|it| it.counts.support())),
        Column::numbers("confidence", of(|it| it.counts.confidence())),
        Column::numbers("lift", of(|it| it.counts.lift())),
        Column::numbers("lift_low", of(|it| it.counts.lift_interval(0.05).low)),
        Column::numbers("lift_high", of(|it| it.counts.lift_interval(0.05).high)),
        Column::numbers("leverage", of(|it| it.counts.leverage())),
        Column::numbers("conviction", of(|it| it.counts.conviction())),
        Column::numbers("zhang", of(|it| it.counts.zhang())),
        Column::numbers("kulczynski", of(|it| it.counts.kulczynski())),
        Column::numbers("cosine", of(|it| it.counts.cosine())),
        Column::numbers("q", q.to_vec()),
    ];
}
