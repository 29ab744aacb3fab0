//! The card of a version of the groups.

use super::Settings;
use super::content::Content;
use super::learning::Learned;
use super::people::People;
use crate::scores::Sure;
use crate::scores::card::{Card, Measure as Figure};
use crate::value::date_of;

/// What groups never say.
const LIMITS: [&str; 6] = [
    "That these are the kinds of people there are: other measures, or another window, would give other groups.",
    "That the groups differ in what they were made by is no finding; only what they were not made by was tested.",
    "Whoever is near the border of two groups may as well be in the other: how sure it is stands beside each.",
    "Why people are so, or whether they would answer differently to a message: for that there are experiments.",
    "A persona is a picture of many: nobody in the group need be like it in everything.",
    "Amounts of other currencies are not converted: whoever pays only in them has the usual amount.",
];

impl Learned {
    /// Its card.
    pub fn card(&self, people: &People, settings: &Settings) -> Card {
        let content = &self.content;
        Card {
            title: "Groups of customers".to_owned(),
            data_from: date_of(content.from),
            data_until: date_of(content.end - 1),
            people: content.people,
            purchases: people.purchases,
            left_out: left_out(people, settings),
            features: content.scales.iter().map(|it| feature(&it.key)).collect(),
            method: self.method(),
            parameters: Vec::new(),
            // Groups foretell nothing, so there are no weeks to judge them on.
            judged_on: [String::new(), String::new()],
            measures: measures(content),
            calibration: Vec::new(),
            groups: Vec::new(),
            limits: LIMITS.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    fn method(&self) -> String {
        let content = &self.content;
        let some = if self.every > 1 { format!(" of every {}th person", self.every) } else { String::new() };
        format!(
            "k-means by {}{some}, on measures with deviation 1 (amounts and counts by their logarithm), of which each kind weighs the same. {} numbers of groups were tried; {} come again in samples drawn again, are parted, and are parted better than clouds without groups.",
            content.by.words(),
            content.tried.len(),
            content.groups.len(),
        )
    }
}

fn left_out(people: &People, settings: &Settings) -> Vec<String> {
    let mut found = vec![
        format!("Whoever bought nothing in the last {} days.", settings.window_days),
        "Orders that were cancelled or went back whole.".to_owned(),
    ];
    if people.foreign > 0 {
        found.push(format!("The amounts of {} orders in other currencies; that they were is counted.", people.foreign));
    }
    if people.left_out > 0 {
        found.push(format!(
            "{} people whose data may not be used, or who refused to be understood in numbers.",
            people.left_out
        ));
    }
    found
}

fn feature(key: &str) -> String {
    match key.split_once(':') {
        Some((_, name)) => format!("The share of {name} among what they bought."),
        None => match key {
            "recency" => "How many days ago they bought last.",
            "purchases" => "On how many days they bought.",
            "average" => "What they spent a purchase, in the workspace's currency, refunds taken off.",
            "reduced" => "The share of their orders with a coupon, or with something taken off.",
            _ => "The share of their orders of which something went back.",
        }
        .to_owned(),
    }
}

fn measures(content: &Content) -> Vec<Figure> {
    let figure = |key: &str, label: &str, value: f64| Figure {
        key: key.to_owned(),
        label: label.to_owned(),
        value: Sure::exact(value),
    };
    let least = content.groups.iter().map(|it| it.stability).fold(1.0, f64::min);
    let mut found = vec![
        figure("groups", "Groups", content.groups.len() as f64),
        figure("silhouette", "How well they are parted (silhouette; above 0.25 at all)", content.silhouette),
        figure("by_chance", "How well clouds without groups are parted at the most", content.by_chance),
        figure("stability", "How well the least stable comes again (Jaccard; 0.75 is well enough)", least),
    ];
    if let Some(it) = &content.against {
        found.push(figure("agreement", "Agreement with the version before (adjusted Rand index)", it.agreement));
        found.push(figure("staying", "Share of people who stay in their group", it.staying));
    }
    found
}
