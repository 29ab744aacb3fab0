//! The card of a version of the loyalty index.

use super::definition::{Facet, Measure, Scaling, Source};
use super::learning::Learned;
use super::people::People;
use crate::scores::card::{self, Card, Parameter};
use crate::value::date_of;

/// What an index never says.
const LIMITS: [&str; 6] = [
    "What causes what, or that a higher index means more money: compare it with what people then spend, or try it in an experiment.",
    "Whether its weights are right. Equal ones are a convention; nobody knows the true ones, and what the index would be without each facet says how much hangs on them.",
    "Anything of those who never bought, and little of those who never answered: beside the index of all stands that of those of whom every facet is known.",
    "How loyal somebody is beside the customers of another firm, unless measures, scalings and weights are the same.",
    "Answers are the last ones that were given, however long ago.",
    "It foretells nothing: who will be lost says the model of churn.",
];

impl Learned {
    /// Its card.
    pub fn card(&self, people: &People) -> Card {
        let content = &self.content;
        let definition = &content.definition;
        let mut left_out = vec![format!(
            "{} people who bought, of whom less than {:.0} % is known.",
            content.reading.unknown,
            100.0 * definition.least_known
        )];
        if people.left_out > 0 {
            left_out.push(format!(
                "{} people whose data are restricted, or who refused to be understood in numbers.",
                people.left_out
            ));
        }
        let chosen = if content.is_proposed { "proposed by what enough people have" } else { "chosen by staff" };
        Card {
            title: "Loyalty index, 0 to 100".to_owned(),
            data_from: date_of(people.from),
            data_until: date_of(people.end - 1),
            people: self.people as u64,
            purchases: people.purchases,
            left_out,
            features: definition.measures.iter().map(words).collect(),
            method: format!(
                "Each measure is moved to 0 to 100, measures are averaged within facets and facets by their weights; what is not known of somebody gives its weight to the rest. Measures were {chosen}; what people did is counted within {} days. From {:.0} on somebody counts as loyal, by what they say and by what they do (Dick and Basu 1994).",
                definition.window_days, definition.cut
            ),
            parameters: content.reading.facets.iter().filter(|it| it.weight > 0.0).map(weight).collect(),
            judged_on: [String::new(), String::new()],
            measures: self.measures(),
            calibration: Vec::new(),
            groups: Vec::new(),
            limits: LIMITS.map(str::to_owned).to_vec(),
        }
    }

    fn measures(&self) -> Vec<card::Measure> {
        let reading = &self.content.reading;
        let of = |key: &str, label: &str, it: Option<&super::Mean>| {
            it.map(|it| card::Measure { key: key.to_owned(), label: label.to_owned(), value: it.mean })
        };
        let mut found: Vec<card::Measure> = [
            of("index", "The index of all", Some(&reading.all)),
            of("complete", "Of those of whom every facet is known", reading.complete.as_ref()),
            of("said", "By what people say", reading.said.as_ref()),
            of("done", "By what people do", reading.done.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect();
        found.extend(reading.facets.iter().filter_map(|it| of(it.facet.as_str(), name(it.facet), it.mean.as_ref())));
        found.extend(reading.together.map(|value| card::Measure {
            key: "together".to_owned(),
            label: "How what people say and do go together (correlation)".to_owned(),
            value,
        }));
        found
    }
}

const fn name(facet: Facet) -> &'static str {
    match facet {
        Facet::ProductQuality => "Product quality",
        Facet::ServiceExperience => "Service experience",
        Facet::Brand => "Brand",
        Facet::Engagement => "Engagement",
        Facet::Behaviour => "Behaviour",
        Facet::Attitude => "Attitude",
    }
}

fn weight(it: &super::FacetReading) -> Parameter {
    let (value, name) = (it.weight, format!("weight of {}", name(it.facet).to_lowercase()));
    Parameter { name, value, standard_error: None, low: value, high: value }
}

fn words(it: &Measure) -> String {
    let scaled = match it.scaling {
        Scaling::Between { worst, best } => format!("0 at {worst}, 100 at {best}"),
        Scaling::Half(half) => format!("50 at {half}, ever nearer to 100 beyond"),
    };
    let known = match it.source {
        Source::Said => "said",
        Source::Done => "done",
    };
    format!("{}: {}, {known}; {scaled}; weight {}", it.of, name(it.facet).to_lowercase(), it.weight)
}
