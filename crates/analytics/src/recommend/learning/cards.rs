//! The card of a version of recommendations.

use rapport_domain::Timestamp;

use super::content::Content;
use super::windows::Windows;
use crate::scores::Sure;
use crate::scores::card::{Card, Measure};
use crate::value::date_of;

/// What a model of recommendations never says.
const LIMITS: [&str; 5] = [
    "Whether somebody takes a product because it is offered: for that there are experiments.",
    "What nobody had to do with yet is never offered; new products take time to be known.",
    "It was judged by what people took without being offered these ten: some would have taken another, had they seen it.",
    "It offers what others took, so it does not widen what people see; coverage and novelty tell how narrow that is.",
    "The weeks it was judged on are the latest; others may turn out otherwise.",
];

fn day(micros: i64) -> String {
    date_of(i32::try_from(micros.div_euclid(Timestamp::DAY)).unwrap_or(0))
}

pub(super) fn card(content: &Content, windows: &Windows) -> Card {
    let seen = &content.seen;
    let mut left_out = vec!["Orders that were called off or went back whole.".to_owned()];
    if seen.restricted > 0 {
        left_out.push(format!("{} people whose data may not be used.", seen.restricted));
    }
    let (from, until) = windows.last();
    Card {
        title: "What to offer whom".to_owned(),
        data_from: day(seen.from),
        data_until: day(seen.until - 1),
        people: seen.people,
        purchases: seen.orders,
        left_out,
        features: vec![
            "Which products somebody bought, looked at or put into the cart, and when last.".to_owned(),
            "Nothing else of a person: the model keeps no persons.".to_owned(),
        ],
        method: format!(
            "{} ranked best what people took in two windows of weeks, of {} plans that were tried. Its weights are learnt anew from the newest events whenever offers are prepared.",
            content.plan.name(),
            content.tried.len()
        ),
        parameters: Vec::new(),
        judged_on: [day(from.0), day(until.0 - 1)],
        measures: measures(content),
        calibration: Vec::new(),
        groups: Vec::new(),
        limits: LIMITS.map(str::to_owned).to_vec(),
    }
}

fn measures(content: &Content) -> Vec<Measure> {
    let metrics = &content.metrics;
    let mut all = vec![
        ("ndcg", "nDCG of the first ten", metrics.chosen.ndcg),
        ("recall", "Part of what people took that was among the ten", metrics.chosen.recall),
        ("precision", "Part of the ten that people took", metrics.chosen.precision),
        ("hit_rate", "People who took at least one of the ten", metrics.chosen.hit_rate),
        ("mrr", "Mean of one by the place of the first taken", metrics.chosen.mrr),
        ("above_popular", "nDCG above what is simply popular", metrics.above_popular),
        ("coverage", "Part of the products offered to anybody", Sure::exact(metrics.coverage)),
    ];
    if let Some(it) = metrics.novelty {
        all.push(("novelty", "How rare the offers are, in bits", it));
    }
    if let Some(it) = metrics.diversity {
        all.push(("diversity", "How unlike each other a person's offers are", it));
    }
    if let Some(it) = &metrics.little {
        all.push(("little", "nDCG of people with three products or fewer", it.ndcg));
    }
    all.into_iter().map(|(key, label, value)| Measure { key: key.to_owned(), label: label.to_owned(), value }).collect()
}
