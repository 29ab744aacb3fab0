//! What an index is made of: measures of what people say and do, each with its facet, its scaling and its weight.
//!
//! Always holds: a measure is of something built in, by its word, or of a fact whose values are numbers; what is usual is proposed of what enough people have.

use rapport_models::survey::loyalty;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Settings;
use super::people::People;

/// Begins the word of a measure that is a fact.
pub const FACT: &str = "fact:";
/// A measure is proposed if so many people have any of it: fewer say nothing of all.
const ENOUGH: usize = 30;

/// What a measure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LoyaltyFacet)]
pub enum Facet {
    /// How good the product is.
    ProductQuality,
    /// How they were served.
    ServiceExperience,
    /// What they think and feel about the brand.
    Brand,
    /// What they do with it beside buying.
    Engagement,
    /// What they buy.
    Behaviour,
    /// Whether they want to stay and would recommend.
    Attitude,
}

impl Facet {
    /// All of them, in the order of the mathematics.
    pub const ALL: [Self; 6] =
        [Self::ProductQuality, Self::ServiceExperience, Self::Brand, Self::Engagement, Self::Behaviour, Self::Attitude];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProductQuality => "product_quality",
            Self::ServiceExperience => "service_experience",
            Self::Brand => "brand",
            Self::Engagement => "engagement",
            Self::Behaviour => "behaviour",
            Self::Attitude => "attitude",
        }
    }

    const fn theirs(self) -> loyalty::Facet {
        match self {
            Self::ProductQuality => loyalty::Facet::ProductQuality,
            Self::ServiceExperience => loyalty::Facet::ServiceExperience,
            Self::Brand => loyalty::Facet::Brand,
            Self::Engagement => loyalty::Facet::Engagement,
            Self::Behaviour => loyalty::Facet::Behaviour,
            Self::Attitude => loyalty::Facet::Attitude,
        }
    }
}

/// How a measure is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LoyaltySource)]
pub enum Source {
    /// They said so: explicit.
    Said,
    /// They did so: implicit.
    Done,
}

/// How a measure becomes 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = LoyaltyScaling)]
pub enum Scaling {
    /// 0 at the worst, 100 at the best, in proportion between; the best may be the lower one.
    Between {
        /// What is worth 0.
        worst: f64,
        /// What is worth 100.
        best: f64,
    },
    /// For what has no upper end: 0 at 0, 50 at this many, ever nearer to 100 beyond.
    Half(f64),
}

impl Scaling {
    pub(super) fn is_sound(self) -> bool {
        const LARGEST: f64 = 1e12;
        match self {
            Self::Between { worst, best } => worst.abs() <= LARGEST && best.abs() <= LARGEST && worst != best,
            Self::Half(half) => half > 0.0 && half <= LARGEST,
        }
    }

    pub(super) const fn theirs(self) -> loyalty::Scaling {
        match self {
            Self::Between { worst, best } => loyalty::Scaling::Between { worst, best },
            Self::Half(half) => loyalty::Scaling::Half { half },
        }
    }
}

/// One thing that is known of people, as it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoyaltyMeasure)]
pub struct Measure {
    /// `stars`, `returns`, `complaints`, `requests`, `visits`, `opened`, `reviews`, `referrals`, `purchases`, `recency`, `tenure`, `spent`; or `fact:` with the key of a fact
    /// whose values are numbers.
    pub of: String,
    /// What it is about.
    pub facet: Facet,
    /// Whether people said it or did it.
    pub source: Source,
    /// How it becomes 0 to 100.
    pub scaling: Scaling,
    /// How much it counts within its facet, beside the facet's others: 0 to 100.
    pub weight: f64,
}

impl Measure {
    /// The key of the fact that it is of.
    pub fn fact(&self) -> Option<&str> {
        self.of.strip_prefix(FACT)
    }

    pub(super) fn is_known(&self) -> bool {
        match self.fact() {
            Some(key) => !key.is_empty() && key.len() <= 200,
            None => Built::ALL.iter().any(|it| it.as_str() == self.of),
        }
    }
}

/// How much each facet counts; they need not add up to anything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = LoyaltyWeights)]
pub struct Weights {
    /// 0 to 100.
    pub product_quality: f64,
    /// 0 to 100.
    pub service_experience: f64,
    /// 0 to 100.
    pub brand: f64,
    /// 0 to 100.
    pub engagement: f64,
    /// 0 to 100.
    pub behaviour: f64,
    /// 0 to 100.
    pub attitude: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            product_quality: 1.0,
            service_experience: 1.0,
            brand: 1.0,
            engagement: 1.0,
            behaviour: 1.0,
            attitude: 1.0,
        }
    }
}

impl Weights {
    /// In the order of [`Facet::ALL`].
    pub const fn all(&self) -> [f64; 6] {
        [self.product_quality, self.service_experience, self.brand, self.engagement, self.behaviour, self.attitude]
    }

    /// Of one facet.
    pub fn of(&self, facet: Facet) -> f64 {
        let at = Facet::ALL.iter().position(|it| *it == facet).unwrap_or_default();
        self.all()[at]
    }
}

/// What is known of everybody by what they did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Built {
    /// The mean of the stars they gave.
    Stars,
    /// Orders that went back or were called off, for each that they placed.
    Returns,
    /// Complaints.
    Complaints,
    /// Requests for help.
    Requests,
    /// Days of the last 90 on which they looked around.
    Visits,
    /// Messages of the last 90 days that they opened.
    Opened,
    /// Reviews that they wrote.
    Reviews,
    /// People whom they referred.
    Referrals,
    /// Days on which they bought.
    Purchases,
    /// Days since the last purchase.
    Recency,
    /// Days since the first one.
    Tenure,
    /// What they spent.
    Spent,
}

/// How many are built in.
pub const BUILT: usize = 12;

impl Built {
    /// All of them, in the order of their values.
    pub const ALL: [Self; BUILT] = [
        Self::Stars,
        Self::Returns,
        Self::Complaints,
        Self::Requests,
        Self::Visits,
        Self::Opened,
        Self::Reviews,
        Self::Referrals,
        Self::Purchases,
        Self::Recency,
        Self::Tenure,
        Self::Spent,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stars => "stars",
            Self::Returns => "returns",
            Self::Complaints => "complaints",
            Self::Requests => "requests",
            Self::Visits => "visits",
            Self::Opened => "opened",
            Self::Reviews => "reviews",
            Self::Referrals => "referrals",
            Self::Purchases => "purchases",
            Self::Recency => "recency",
            Self::Tenure => "tenure",
            Self::Spent => "spent",
        }
    }
}

/// How an index is made, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// What of.
    pub measures: Vec<Measure>,
    /// How much facets count.
    pub weights: Weights,
    /// How much must be known.
    pub least_known: f64,
    /// From where on somebody counts as loyal.
    pub cut: f64,
    /// Within how many days what people did is counted.
    pub window_days: u32,
}

impl Definition {
    /// As staff chose it, of their measures or of these.
    pub fn of(settings: &Settings, proposed: impl FnOnce() -> Vec<Measure>) -> Self {
        Self {
            measures: settings.measures.clone().unwrap_or_else(proposed),
            weights: settings.weights,
            least_known: settings.least_known,
            cut: settings.cut,
            window_days: settings.window_days,
        }
    }

    /// The facts that it is made of.
    pub fn facts(&self) -> Vec<String> {
        self.measures.iter().filter_map(|it| it.fact().map(str::to_owned)).collect()
    }

    /// The same as the mathematics has it.
    pub fn index(&self) -> loyalty::Index {
        let theirs = |it: &Measure| loyalty::Measure {
            facet: it.facet.theirs(),
            source: match it.source {
                Source::Said => loyalty::Source::Said,
                Source::Done => loyalty::Source::Done,
            },
            scaling: it.scaling.theirs(),
            weight: it.weight,
        };
        let mut index = loyalty::Index::new(self.measures.iter().map(theirs).collect());
        index.weights = self.weights.all();
        index.least_known = self.least_known;
        index.cut = self.cut;
        index
    }

    /// Where the value of each measure stands among values with these words; `None` where it is not among them.
    pub(super) fn places(&self, keys: &[String]) -> Vec<Option<usize>> {
        self.measures.iter().map(|it| keys.iter().position(|key| *key == it.of)).collect()
    }
}

/// Values at these places, as the mathematics takes them.
pub(super) fn row(places: &[Option<usize>], values: &[f64]) -> Vec<Option<f64>> {
    let value = |place: &Option<usize>| place.and_then(|at| values.get(at).copied()).filter(|it| it.is_finite());
    places.iter().map(value).collect()
}

/// Facts whose meaning is known, beside what is built in: where asked, what people said in surveys, and how they feel in what they write.
pub(super) const FACTS: [&str; 4] = ["nps.last", "csat.last", "ces.last", "feeling.sentiment"];

/// What the workspace knows of enough people, each as it is usually scaled. What nobody has any of (no reviews, no complaints) says nothing and is left out.
pub(super) fn proposed(people: &People, window_days: u32) -> Vec<Measure> {
    use Facet::{Attitude, Behaviour, Brand, Engagement, ProductQuality, ServiceExperience};
    use Source::{Done, Said};
    let between = |worst: f64, best: f64| Scaling::Between { worst, best };
    let column = |of: &str| -> Vec<f64> {
        let Some(at) = people.keys.iter().position(|it| it == of) else { return Vec::new() };
        people.rows.iter().map(|it| it.values[at]).filter(|it| it.is_finite()).collect()
    };
    // What half of those have who have any.
    let median = |of: &str| {
        let mut some: Vec<f64> = column(of).into_iter().filter(|it| *it > 0.0).collect();
        some.sort_by(f64::total_cmp);
        Scaling::Half(some.get(some.len() / 2).copied().unwrap_or(1.0))
    };
    // The ends of the shortest usual scale that holds all answers.
    let scale = |of: &str| {
        let most = column(of).into_iter().fold(0.0, f64::max);
        between(1.0, [5.0, 7.0, 10.0].into_iter().find(|it| most <= *it).unwrap_or(11.0))
    };
    let fact = |key: &str| format!("{FACT}{key}");
    let usual: [(String, Facet, Source, Scaling); 13] = [
        ("stars".to_owned(), ProductQuality, Said, between(1.0, 5.0)),
        ("returns".to_owned(), ProductQuality, Done, between(0.5, 0.0)),
        (fact("csat.last"), ServiceExperience, Said, scale(&fact("csat.last"))),
        (fact("ces.last"), ServiceExperience, Said, scale(&fact("ces.last"))),
        ("complaints".to_owned(), ServiceExperience, Done, between(3.0, 0.0)),
        (fact("feeling.sentiment"), Brand, Said, between(-1.0, 1.0)),
        ("visits".to_owned(), Engagement, Done, median("visits")),
        ("opened".to_owned(), Engagement, Done, median("opened")),
        ("reviews".to_owned(), Engagement, Done, median("reviews")),
        ("referrals".to_owned(), Engagement, Done, median("referrals")),
        ("purchases".to_owned(), Behaviour, Done, median("purchases")),
        ("recency".to_owned(), Behaviour, Done, between(f64::from(window_days), 0.0)),
        (fact("nps.last"), Attitude, Said, between(0.0, 10.0)),
    ];
    let enough = |of: &str| {
        // An answer of 0 is an answer; of what people do, 0 is that nobody did it.
        let is_answer = of.starts_with(FACT) || of == "recency";
        column(of).into_iter().filter(|it| is_answer || *it != 0.0).count() >= ENOUGH
    };
    let found = usual.into_iter().filter(|(of, ..)| enough(of));
    found.map(|(of, facet, source, scaling)| Measure { of, facet, source, scaling, weight: 1.0 }).collect()
}
