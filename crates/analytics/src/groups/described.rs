//! What a group is like, in figures and in words.
//!
//! Always holds: every figure is of a whole group; what only a few people have is not told; a test says something only of what the groups were not made by.

use rapport_models::groups::{Attribute, Values, profiles};

use super::content::{Figure, Group, Trait};
use super::measures::{Measure, Names, Scale};
use super::people::{People, Person};
use crate::scores::Sure;

/// A mean must differ by so many deviations to be told.
const EFFECT: f64 = 0.25;
/// A share must differ by so many hundredths of what is usual to be told.
const INDEX: f64 = 20.0;
/// More of them than so many false ones in a hundred are not told.
const FALSE: f64 = 0.05;
/// What fewer people of a group than this have (and fewer do not have) is not told: it might point at somebody.
const FEW: f64 = 10.0;
/// So much is told of a group.
const TOLD: usize = 8;

/// Of which measures figures are told, beside categories.
const FIGURES: [&str; 8] = ["recency", "purchases", "average", "spent", "cycle", "tenure", "reduced", "returned"];

/// From what it follows: where groups were made by that, they differ in this as well, whatever people are like.
fn follows(key: &str) -> &'static [&'static str] {
    match key {
        "spent" => &["purchases", "average"],
        "once" | "cycle" => &["purchases"],
        "tenure" => &["recency"],
        _ => &[],
    }
}

/// What each group is, from whose group is which. Their numbers and how well each comes again are the caller's.
pub(super) fn described(
    people: &People,
    labels: &[usize],
    (numbers, stability): (&[u32], &[f64]),
    scales: &[Scale],
) -> Vec<Group> {
    let names = Names::of(people);
    let mut keys: Vec<String> = FIGURES.iter().map(|it| (*it).to_owned()).collect();
    keys.extend(people.categories.iter().map(|it| Measure::Category(it).key()));
    let column = |key: &String| -> Vec<f64> {
        let measure = Measure::parse(key);
        people.rows.iter().map(|it| measure.and_then(|own| own.of(it, &names)).unwrap_or(f64::NAN)).collect()
    };
    let columns: Vec<Vec<f64>> = keys.iter().map(column).collect();
    let flags = flags(people);
    let made_by = |key: &str| {
        let has = |other: &&str| scales.iter().any(|it| it.key == **other);
        has(&key) || follows(key).iter().any(has)
    };
    let places: Vec<Option<usize>> = labels.iter().map(|it| Some(*it)).collect();
    // Those by which the groups were made are tested apart from the others: that they differ is no finding.
    let of = |made: bool| -> (Vec<&String>, Vec<Values<'_>>) {
        let numbers = keys.iter().zip(&columns).filter(|it| made_by(it.0) == made);
        let numbers = numbers.map(|(key, column)| (key, Values::Number(column)));
        let flags = flags.iter().filter(|it| made_by(&it.0) == made).map(|(key, flag)| (key, Values::Flag(flag)));
        numbers.chain(flags).unzip()
    };
    let mut traits: Vec<Vec<(f64, Trait)>> = vec![Vec::new(); numbers.len()];
    for made in [true, false] {
        let (own, values) = of(made);
        for profile in profiles(&places, &values, 1) {
            let told = profile.attributes.iter().filter_map(|it| told(own[it.attribute], it, made, profile.size));
            traits[profile.group].extend(told);
        }
    }
    let everybody: Vec<&Person> = people.rows.iter().collect();
    let spent_by_all: f64 = everybody.iter().map(|it| it.spent).sum();
    let group = |(at, mut traits): (usize, Vec<(f64, Trait)>)| {
        let within: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] == at).collect();
        let spent: Vec<f64> = within.iter().map(|row| people.rows[*row].spent).collect();
        traits.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.key.cmp(&b.1.key)));
        let figures = keys.iter().zip(&columns).filter_map(|(key, column)| figure(key, column, &within));
        Group {
            number: numbers[at],
            people: within.len() as u64,
            share: within.len() as f64 / labels.len().max(1) as f64,
            spent: Sure::mean(&spent),
            revenue_share: if spent_by_all > 0.0 { spent.iter().sum::<f64>() / spent_by_all } else { 0.0 },
            stability: stability[at],
            traits: traits.into_iter().take(TOLD).map(|it| it.1).collect(),
            figures: figures.collect(),
        }
    };
    traits.into_iter().enumerate().map(group).collect()
}

/// What somebody is or is not.
fn flags(people: &People) -> Vec<(String, Vec<bool>)> {
    let mut found = vec![("once".to_owned(), people.rows.iter().map(|it| it.purchases == 1).collect())];
    for (at, name) in (0_u32..).zip(&people.markets) {
        found.push((format!("market:{name}"), people.rows.iter().map(|it| it.market == Some(at)).collect()));
    }
    for (at, name) in (0_u32..).zip(&people.sources) {
        found.push((format!("source:{name}"), people.rows.iter().map(|it| it.source == Some(at)).collect()));
    }
    found
}

/// How clear it is, and what is told; `None` where that is too little.
fn told(key: &str, it: &Attribute, made: bool, size: usize) -> Option<(f64, Trait)> {
    let (value, overall) = (it.value, it.overall);
    let clear = match it.effect {
        Some(effect) => effect.abs(),
        None => {
            let with = value * size as f64;
            let off = it.over_index.map_or(0.0, |index| (index - 100.0).abs());
            let is_telling = off >= INDEX && with >= FEW && size as f64 - with >= FEW;
            // As clear as a mean that is as many deviations away, for an order of both.
            if is_telling { (value - overall).abs() / (overall * (1.0 - overall)).sqrt().max(1e-9) } else { 0.0 }
        }
    };
    if clear < if it.effect.is_some() { EFFECT } else { f64::MIN_POSITIVE } || (!made && it.q > FALSE) {
        return None;
    }
    let q = (!made).then_some(it.q);
    let text = words(key, value, overall, it.over_index);
    Some((clear, Trait { key: key.to_owned(), value, overall, over_index: it.over_index, effect: it.effect, q, text }))
}

/// One sentence of it.
pub(super) fn words(key: &str, value: f64, overall: f64, index: Option<f64>) -> String {
    let index = index.map_or_else(String::new, |it| format!(" (index {it:.0})"));
    let (own, all) = (format!("{value:.0}"), format!("{overall:.0}"));
    let (share, usual) = (format!("{:.0} %", 100.0 * value), format!("{:.0} %", 100.0 * overall));
    match key.split_once(':') {
        Some(("category", name)) => format!("{share} of what they buy is {name}, of all {usual}{index}."),
        Some(("market", name)) => format!("{share} are in {name}, of all {usual}{index}."),
        Some((_, name)) => format!("{share} came by {name}, of all {usual}{index}."),
        None => match key {
            "recency" => format!("Bought last {own} days ago, all {all}{index}."),
            "purchases" => format!("Bought {value:.1} times, all {overall:.1}{index}."),
            "average" => format!("Spend {value:.2} a purchase, all {overall:.2}{index}."),
            "spent" => format!("Spent {value:.2} in all, everybody {overall:.2}{index}."),
            "cycle" => format!("Buy every {own} days, all {all}{index}."),
            "tenure" => format!("Bought first {own} days ago, all {all}{index}."),
            "reduced" => format!("{share} of their orders had something taken off, of all {usual}{index}."),
            "returned" => format!("Of {share} of their orders something went back, of all {usual}{index}."),
            _ => format!("{share} bought once, of all {usual}{index}."),
        },
    }
}

fn figure(key: &str, column: &[f64], within: &[usize]) -> Option<Figure> {
    let is_share = Measure::parse(key).is_some_and(Measure::is_share);
    let known = |values: &mut dyn Iterator<Item = f64>| {
        let mut values: Vec<f64> = values.filter(|it| it.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let own = known(&mut within.iter().map(|at| column[*at]));
    let all = known(&mut column.iter().copied());
    if (own.len() as f64) < FEW {
        return None;
    }
    let at = |values: &[f64], part: f64| values[(part * (values.len() - 1) as f64).round() as usize];
    let middle = |values: &[f64]| {
        if is_share { values.iter().sum::<f64>() / values.len() as f64 } else { at(values, 0.5) }
    };
    Some(Figure {
        key: key.to_owned(),
        value: middle(&own),
        low: at(&own, 0.25),
        high: at(&own, 0.75),
        overall: middle(&all),
    })
}
