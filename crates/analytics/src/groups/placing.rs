//! Everybody put into the groups of a version, and how large these are now.
//!
//! Always holds: whoever lies equally near to two groups is in the first of them, and is said to be between them.

use rapport_domain::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::content::Content;
use super::measures::{Measure, Names, place};
use super::people::{People, Person};
use crate::scores::Sure;
use crate::value::date_of;

/// Nearer to the border than this is between two groups.
const BETWEEN: f64 = 0.1;

/// Why somebody is in their group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CustomerGroupDetail)]
pub struct Detail {
    /// Which group.
    pub number: u32,
    /// How surely: by how much nearer its middle is than that of the next, from 0 (between both) to 1.
    pub sure: f64,
    /// How typical of it, from 0 to 1 (who is its middle).
    pub typical: f64,
    /// The next group.
    pub second: Option<u32>,
    /// What the groups are made by, of this person.
    pub measures: Vec<Told>,
}

/// A measure of somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CustomerGroupMeasure)]
pub struct Told {
    /// Which.
    pub key: String,
    /// How much; null where nobody knows.
    pub value: Option<f64>,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Who.
    pub person: PersonId,
    /// 10 for the most typical tenth of their group.
    pub tenth: u8,
    /// The rest.
    pub detail: Detail,
}

/// How large a group is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CustomerGroupSize)]
pub struct Size {
    /// Which.
    pub number: u32,
    /// How many people.
    pub people: u64,
    /// Of all.
    pub share: f64,
    /// What each spent within the window on average.
    pub spent: Sure,
    /// What they spent together.
    pub revenue: f64,
    /// The share of what all spent.
    pub revenue_share: f64,
    /// How many of them are between this group and another.
    pub between: u64,
}

/// How large the groups are now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CustomerGroupSizes)]
pub struct Overview {
    /// The day that they are of.
    pub as_of: String,
    /// The workspace's currency.
    pub currency: String,
    /// How many people are in a group.
    pub people: u64,
    /// How many people may not be in one: their data are restricted, or they refused.
    pub left_out: u64,
    /// Each, in the order of the version.
    pub groups: Vec<Size>,
}

/// Everybody, by a version.
#[derive(Debug)]
pub struct Run {
    content: Content,
    people: People,
    placed: Vec<Placed>,
}

impl Run {
    /// Puts everybody into a group.
    pub fn new(content: Content, people: People) -> Self {
        let names = Names::of(&people);
        let mut placed: Vec<Placed> = people.rows.iter().filter_map(|it| one(it, &names, &content)).collect();
        drop(names);
        for group in &content.groups {
            let mut own: Vec<usize> =
                (0..placed.len()).filter(|at| placed[*at].detail.number == group.number).collect();
            own.sort_by(|a, b| placed[*a].detail.typical.total_cmp(&placed[*b].detail.typical));
            let size = own.len();
            for (rank, at) in own.into_iter().enumerate() {
                placed[at].tenth = u8::try_from(10 * rank / size.max(1) + 1).unwrap_or(10);
            }
        }
        Self { content, people, placed }
    }

    /// How many people are in a group.
    pub fn people(&self) -> usize {
        self.placed.len()
    }

    /// Some of them.
    pub fn some(&self, from: usize, count: usize) -> &[Placed] {
        let end = (from + count).min(self.placed.len());
        &self.placed[from.min(end)..end]
    }

    /// How large the groups are.
    pub fn overview(&self, currency: &str) -> Overview {
        let all: f64 = self.people.rows.iter().map(|it| it.spent).sum();
        let size = |number: u32| {
            let own = || self.placed.iter().zip(&self.people.rows).filter(|it| it.0.detail.number == number);
            let spent: Vec<f64> = own().map(|it| it.1.spent).collect();
            let revenue: f64 = spent.iter().sum();
            Size {
                number,
                people: spent.len() as u64,
                share: spent.len() as f64 / self.placed.len().max(1) as f64,
                spent: Sure::mean(&spent),
                revenue,
                revenue_share: if all > 0.0 { revenue / all } else { 0.0 },
                between: own().filter(|it| it.0.detail.sure < BETWEEN).count() as u64,
            }
        };
        Overview {
            as_of: date_of(self.people.end - 1),
            currency: currency.to_owned(),
            people: self.placed.len() as u64,
            left_out: self.people.left_out,
            groups: self.content.groups.iter().map(|it| size(it.number)).collect(),
        }
    }
}

fn one(it: &Person, names: &Names<'_>, content: &Content) -> Option<Placed> {
    let ((group, distance), second) = content.nearest(&place(it, names, &content.scales))?;
    let number = content.groups.get(group)?.number;
    let sure = second.map_or(1.0, |next| if next.1 > 0.0 { 1.0 - distance / next.1 } else { 0.0 });
    let told =
        |key: &String| Told { key: key.clone(), value: Measure::parse(key).and_then(|measure| measure.of(it, names)) };
    let detail = Detail {
        number,
        sure,
        typical: 1.0 / (1.0 + distance),
        second: second.and_then(|next| content.groups.get(next.0)).map(|it| it.number),
        measures: content.scales.iter().map(|it| told(&it.key)).collect(),
    };
    Some(Placed { person: it.person, tenth: 1, detail })
}
