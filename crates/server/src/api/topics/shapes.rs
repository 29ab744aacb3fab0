//! How topics look in JSON.

use rapport_domain::EventId;
use rapport_feedback::topics::aspects::Aspect;
use rapport_feedback::topics::{Node, Tree};
use rapport_feedback::verbatims::records::VerbatimRow;
use rapport_text::themes::change::{Feeling, Volume};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::complaints::ShareShape;
use crate::problem::Problem;

/// A topic.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopicShape {
    /// What it is known by.
    key: String,
    /// The topic above it.
    parent: Option<String>,
    /// What it is called, by language.
    #[schema(value_type = Object)]
    name: Value,
    /// Words and pairs of words that always mean it.
    words: Vec<String>,
    /// Whether nothing new is put into it.
    is_retired: bool,
    /// The keys of topics that were merged into it.
    merged: Vec<String>,
}

impl TopicShape {
    /// Of a topic.
    pub fn of(node: &Node) -> Result<Self, Problem> {
        Ok(Self {
            key: node.key.clone(),
            parent: node.parent.clone(),
            name: serde_json::to_value(&node.name).map_err(Problem::internal)?,
            words: node.words.clone(),
            is_retired: node.is_retired,
            merged: node.merged.clone(),
        })
    }
}

/// What a topic is called, by language; null where it is no more.
pub fn name(tree: &Tree, key: &str) -> Result<Value, Problem> {
    let node = tree.0.iter().find(|node| node.key == key);
    serde_json::to_value(node.map(|node| &node.name)).map_err(Problem::internal)
}

/// A part of what somebody wrote.
#[derive(Debug, Serialize, ToSchema)]
pub struct AspectQuote {
    event_id: String,
    text: String,
    /// How it feels, -1 to 1.
    sentiment: f64,
}

/// What is said of a topic.
#[derive(Debug, Serialize, ToSchema)]
pub struct AspectShape {
    /// The topic's key.
    pub(crate) key: String,
    /// The topic above it.
    parent: Option<String>,
    /// What it is called, by language.
    #[schema(value_type = Object)]
    name: Value,
    /// Texts about it in the period.
    texts: u64,
    /// Texts about it in the period before.
    texts_before: u64,
    /// Those of the period that feel bad about it.
    negative: u64,
    negative_before: u64,
    /// Those that feel well about it.
    positive: u64,
    /// The mean of how they feel about it, -1 to 1.
    sentiment: f64,
    /// `new`, `growing`, `shrinking` or `steady`: against chance, with one in twenty alarms false in the mean.
    volume: String,
    /// `worse`, `better` or `steady`.
    feeling: String,
    /// By what its share of all texts was multiplied; null without a before.
    factor: Option<f64>,
    /// In whose words: the worst and the best.
    pub(crate) quotes: Vec<AspectQuote>,
}

impl AspectShape {
    /// Of what was found in texts.
    pub fn of(aspect: Aspect, tree: &Tree, rows: &[VerbatimRow]) -> Result<Self, Problem> {
        let quote = |it: &rapport_feedback::topics::aspects::Said| AspectQuote {
            event_id: EventId(rows[it.text].event_id).to_hex(),
            text: rows[it.text].shown[it.range.clone()].trim().to_owned(),
            sentiment: it.sentiment as f64 / 1_000.0,
        };
        let volume = match aspect.change.volume {
            Volume::New => "new",
            Volume::Growing => "growing",
            Volume::Shrinking => "shrinking",
            Volume::Steady => "steady",
        };
        let feeling = match aspect.change.feeling {
            Feeling::Worse => "worse",
            Feeling::Better => "better",
            Feeling::Steady => "steady",
        };
        Ok(Self {
            parent: tree.line(&aspect.key).get(1).map(|key| (*key).to_owned()),
            name: name(tree, &aspect.key)?,
            texts: aspect.counts.now,
            texts_before: aspect.counts.before,
            negative: aspect.counts.negative_now,
            negative_before: aspect.counts.negative_before,
            positive: aspect.positive,
            sentiment: aspect.sentiment as f64 / 1_000.0,
            volume: volume.to_owned(),
            feeling: feeling.to_owned(),
            factor: aspect.change.factor,
            quotes: aspect.quotes.iter().map(quote).collect(),
            key: aspect.key,
        })
    }
}

/// How texts about somebody feel.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectShape {
    /// A competitor; null is the company itself.
    pub subject: Option<String>,
    pub texts: u64,
    pub negative: Option<ShareShape>,
    pub positive: Option<ShareShape>,
    /// The mean, -1 to 1.
    pub sentiment: f64,
}

/// What is said of a topic about somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectTopic {
    /// A competitor; null is the company itself.
    pub subject: Option<String>,
    pub texts: u64,
    /// Of all texts about them.
    pub share: Option<ShareShape>,
    /// Of those about the topic.
    pub negative: Option<ShareShape>,
    /// The mean of how they feel about it, -1 to 1.
    pub sentiment: f64,
}

/// A topic, theirs and ours.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedTopic {
    pub key: String,
    /// What it is called, by language.
    #[schema(value_type = Object)]
    pub name: Value,
    /// By whom it is about; who is missing here is not spoken of so.
    pub of: Vec<SubjectTopic>,
}
