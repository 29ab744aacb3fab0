//! How good offers are, and the offers.

use rapport_imports::written::Column;
use rapport_models::Fault;
use rapport_models::recommend::{
    AlsOptions, Evaluation, Filter, Judged, Model, Plan, Popular, Recommendation, Split, Way,
};

use super::{Known, RecommendArgs};
use crate::cli::models::plot;
use crate::cli::models::report::{Cell, Report, figure, percent};

/// Measures on what was left out, of all and by how much is known of somebody, beside what is popular.
pub fn judged(args: &RecommendArgs, report: &mut Report, plan: &Plan, split: &Split) -> Result<(), Fault> {
    let model = plan.fit(&split.known)?;
    let found = Evaluation::of(&*model, split, args.limit)?;
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
pub fn parameters(report: &mut Report, plan: &Plan) {
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

/// What to offer one customer, and why.
pub fn one(args: &RecommendArgs, report: &mut Report, known: &Known, model: &Model, at: usize) {
    let filter = Filter { own: args.again, ..Filter::best(args.limit) };
    let found = model.recommend_or(&Popular::of(&known.histories), known.histories.of_person(at), &filter);
    let row = |it: &Recommendation| {
        let because: Vec<&str> = it.because.iter().map(|it| known.items[it.item as usize].as_str()).collect();
        vec![
            Cell::text_of(&known.items[it.item as usize]),
            Cell::text_of(figure(it.score)),
            Cell::text_of(if because.is_empty() { "many take it".to_owned() } else { because.join(", ") }),
        ]
    };
    let title = format!("For {}", known.people[at]);
    report.table("offers", &title, &["Offer", "Score", "Because of"], found.iter().map(row).collect());
}

/// What to offer everyone, a row an offer.
pub fn everyone(args: &RecommendArgs, report: &mut Report, known: &Known, model: &Model) {
    let popular = Popular::of(&known.histories);
    let filter = Filter { own: args.again, reasons: 0, ..Filter::best(args.limit) };
    let (mut who, mut rank, mut what, mut score) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, name) in known.people.iter().enumerate() {
        let offers = model.recommend_or(&popular, known.histories.of_person(at), &filter);
        for (place, it) in (1_i64..).zip(&offers) {
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
