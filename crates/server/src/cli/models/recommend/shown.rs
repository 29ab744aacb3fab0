//! How good offers are, and the offers.

use anyhow::{Result, bail};
use rapport_imports::written::Column;
use rapport_models::Fault;
use rapport_models::recommend::{
    AlsOptions, Cycles, Evaluation, Filter, Item, Judged, Plan, Recommendation, Rules, Split, Way,
};

use super::RecommendArgs;
use super::catalog::{Catalog, again};
use super::known::Known;
use super::lists::{Chosen, Lists};
use crate::cli::models::plot;
use crate::cli::models::report::{Cell, Report, figure, percent};

/// Whom offers are shown to.
pub struct Asked {
    /// What they are called.
    name: Option<String>,
    /// A person of the rows.
    person: Option<usize>,
    /// Or somebody new who has these, the newest last.
    having: Vec<u32>,
}

impl Asked {
    /// Whether offers are to be shown at all.
    pub fn is_anybody(&self) -> bool {
        self.name.is_some()
    }

    /// What the flags name.
    pub fn read(args: &RecommendArgs, known: &Known, file: &str) -> Result<Self> {
        if let Some(name) = &args.person {
            let Some(at) = known.people.iter().position(|it| it == name) else {
                bail!("--for {name}: there is no such customer in {file}");
            };
            return Ok(Self { name: Some(name.clone()), person: Some(at), having: Vec::new() });
        }
        let mut having = Vec::new();
        for name in &args.having {
            match known.item(name) {
                Some(item) => having.push(item),
                None => bail!("--having {name}: there is no such item in {file}"),
            }
        }
        let name = (!having.is_empty()).then(|| format!("somebody who has {}", args.having.join(", ")));
        Ok(Self { name, person: None, having })
    }
}

/// Measures on what was left out, of all and by how much is known of somebody, beside what is popular.
pub fn judged(args: &RecommendArgs, report: &mut Report, lists: &Lists, split: &Split) -> Result<(), Fault> {
    let filter = Filter { reasons: 0, ..Filter::best(args.limit) };
    let of = |plain: bool| {
        Evaluation::by(split, args.limit, |person, own| {
            lists.best(own, lists.order(person), &filter, plain).iter().map(|it| it.item).collect()
        })
    };
    let found = of(false)?;
    let means = found.means(args.seed)?;
    report.metric("customers_judged", means.persons as f64);
    report.metric_between("map", means.map);
    report.metric_between("ndcg", means.ndcg);
    report.metric_between("precision", means.precision);
    report.metric_between("recall", means.recall);
    report.metric_between("hit_rate", means.hit_rate);
    report.metric_between("mrr", means.mrr);
    report.metric("coverage", found.coverage);
    if let Some(it) = means.novelty {
        report.metric_between("novelty_bits", it);
    }
    if let Some(it) = means.diversity {
        report.metric_between("diversity", it);
    }
    if lists.is_unlike() {
        let as_they_are = of(true)?;
        let means = as_they_are.means(args.seed)?;
        report.metric_between("ndcg_above_lists_as_they_are", found.above(&as_they_are, args.seed)?);
        report.metric("coverage_of_lists_as_they_are", as_they_are.coverage);
        if let Some(it) = means.diversity {
            report.metric_between("diversity_of_lists_as_they_are", it);
        }
    }
    let plain = Plan { way: Way::Popular, whether: true }.fit(&split.known)?;
    let base = Evaluation::of(&*plain, split, args.limit)?;
    report.metric_between("ndcg_above_what_is_popular", found.above(&base, args.seed)?);
    let mut rows = Vec::new();
    for (name, low, high) in [("nothing", 0, 0), ("1 to 4", 1, 4), ("5 to 19", 5, 19), ("20 and more", 20, usize::MAX)]
    {
        let is_in = |it: &Judged| (low..=high).contains(&it.known);
        if let (Ok(own), Ok(other)) = (found.means_of(is_in, args.seed), base.means_of(is_in, args.seed)) {
            rows.push(vec![
                Cell::text_of(name),
                Cell::Whole(own.persons as u64),
                Cell::Number(own.ndcg.value),
                Cell::Number(other.ndcg.value),
            ]);
        }
    }
    let header = ["Items known of them", "Customers", "nDCG", "nDCG of what is popular"];
    report.table("by_history", "By how much is known of somebody", &header, rows);
    Ok(())
}

/// The settings.
pub fn parameters(report: &mut Report, chosen: &Chosen, unlike: Option<f64>) {
    if let Some(share) = unlike {
        report.plain_parameter("unlike", share);
    }
    let plan = match chosen {
        Chosen::Plan(plan) => plan,
        Chosen::Popular(half_life) => return report.plain_parameter("half_life_days", *half_life),
        Chosen::Next(next) => {
            report.plain_parameter("steps", next.steps as f64);
            report.plain_parameter("doubt", next.doubt);
            return report.plain_parameter("recent", next.recent as f64);
        }
    };
    let mut als = |it: &AlsOptions| {
        report.plain_parameter("factors", it.factors as f64);
        report.plain_parameter("alpha", it.alpha);
        report.plain_parameter("als_penalty", it.penalty);
    };
    match &plan.way {
        Way::Als(it) => als(it),
        Way::Mean(ease, it) => {
            als(it);
            report.plain_parameter("ease_penalty", ease.penalty);
        }
        Way::Ease(it) => report.plain_parameter("ease_penalty", it.penalty),
        Way::Neighbours { keep, .. } => report.plain_parameter("neighbours", *keep as f64),
        Way::Popular => {}
    }
}

/// What most had to do with.
pub fn popular(report: &mut Report, known: &Known) {
    let audience = known.histories.audience();
    let mut order: Vec<usize> = (0..audience.len()).collect();
    order.sort_by(|a, b| audience[*b].cmp(&audience[*a]).then(a.cmp(b)));
    let bar = |at: &usize| {
        let share = f64::from(audience[*at]) / known.people.len() as f64;
        (known.items[*at].clone(), share, percent(share))
    };
    let picture = plot::bars(&order.iter().take(8).map(bar).collect::<Vec<_>>());
    report.part("The share of customers that had to do with an item", &picture);
}

/// Offers to whom they are to be shown, and to everyone where rows are to be written.
pub fn offers(
    args: &RecommendArgs,
    report: &mut Report,
    known: &Known,
    lists: &Lists,
    (asked, catalog): (&Asked, Option<&Catalog>),
) {
    let made = Made::of(args, known, lists, catalog);
    if let Some(name) = &asked.name {
        let found = match asked.person {
            Some(at) => made.to_person(at, 3),
            None => {
                let own: Vec<(u32, f64)> = asked.having.iter().map(|it| (*it, 1.0)).collect();
                made.to(&own, &asked.having, &[], 3)
            }
        };
        one(report, known, name, &found);
    }
    if args.input.out.is_some() {
        everyone(report, known, &made);
    }
}

/// What makes offers by all rules.
struct Made<'a> {
    args: &'a RecommendArgs,
    known: &'a Known,
    lists: &'a Lists,
    catalog: Option<&'a Catalog>,
    cycles: Cycles,
    now: f64,
    /// Of each person what they took when, where that is looked at.
    past: Vec<Vec<(u32, f64)>>,
}

impl<'a> Made<'a> {
    fn of(args: &'a RecommendArgs, known: &'a Known, lists: &'a Lists, catalog: Option<&'a Catalog>) -> Self {
        /// So many people have to buy an item again for it to have a cycle.
        const LEAST: usize = 5;
        let events = known.events.as_deref().unwrap_or_default();
        let due = args.due.is_some();
        let cycles = if due { Cycles::of(events, known.items.len(), LEAST) } else { Cycles::default() };
        let mut past = vec![Vec::new(); known.people.len()];
        if due {
            events.iter().for_each(|it| past[it.person as usize].push((it.item, it.at)));
        }
        let now = events.iter().map(|it| it.at).fold(f64::NEG_INFINITY, f64::max);
        Self { args, known, lists, catalog, cycles, now, past }
    }

    fn to_person(&self, at: usize, reasons: usize) -> Vec<Recommendation> {
        self.to(self.known.histories.of_person(at), &self.known.orders[at], &self.past[at], reasons)
    }

    /// To somebody with a history, whose items in their order, and times, are these.
    fn to(&self, own: &[(u32, f64)], order: &[u32], past: &[(u32, f64)], reasons: usize) -> Vec<Recommendation> {
        let filter =
            Filter { own: self.args.again || self.args.due.is_some(), reasons, ..Filter::best(self.args.limit) };
        // Without times everything was taken once, and nothing is known of when.
        let taken: Vec<(u32, f64)> =
            if past.is_empty() { order.iter().map(|it| (*it, self.now)).collect() } else { past.to_vec() };
        let allowed = match self.catalog {
            Some(catalog) => Some(catalog.allowed(self.args, order, &taken, &self.cycles, self.now)),
            None if self.args.due.is_some() => Some(self.due(&taken)),
            None => None,
        };
        self.lists.filled(own, order, &Filter { allowed: allowed.as_deref(), ..filter })
    }

    /// What is new to them, or due again.
    fn due(&self, taken: &[(u32, f64)]) -> Vec<bool> {
        let rules = Rules { again: again(self.args), ..Rules::default() };
        rules.allowed(&vec![Item::default(); self.known.items.len()], taken, &self.cycles, self.now)
    }
}

/// What to offer one customer, and why.
fn one(report: &mut Report, known: &Known, name: &str, found: &[Recommendation]) {
    let row = |it: &Recommendation| {
        let because: Vec<&str> = it.because.iter().map(|it| known.items[it.item as usize].as_str()).collect();
        vec![
            Cell::text_of(&known.items[it.item as usize]),
            Cell::text_of(figure(it.score)),
            Cell::text_of(if because.is_empty() { "many take it".to_owned() } else { because.join(", ") }),
        ]
    };
    let title = if found.is_empty() { format!("For {name} there is nothing to offer") } else { format!("For {name}") };
    report.table("offers", &title, &["Offer", "Score", "Because of"], found.iter().map(row).collect());
}

/// What to offer everyone, a row an offer.
fn everyone(report: &mut Report, known: &Known, made: &Made<'_>) {
    let (mut who, mut rank, mut what, mut score) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, name) in known.people.iter().enumerate() {
        for (place, it) in (1_i64..).zip(&made.to_person(at, 0)) {
            who.push(name.clone());
            rank.push(place);
            what.push(known.items[it.item as usize].clone());
            score.push(it.score);
        }
    }
    report.rows = vec![
        Column::texts("customer", who),
        Column::whole("rank", rank),
        Column::texts("item", what),
        Column::numbers("score", score),
    ];
}
