//! Groups learnt from everybody, or why there are none.
//!
//! Always holds: the same people, settings and seed give the same version.

use rapport_models::groups::{Points, adjusted_rand};

use super::content::{Against, Content, Group, Tried};
use super::described::described;
use super::measures::{Names, Scale, place, scales};
use super::numbers::{crossed, numbered};
use super::people::{People, Person};
use super::tried::{Used, tried, verdict};
use super::{By, LEAST_PEOPLE, Settings};
use crate::scores::Verdict;

/// The steps that learning tells: what is tried by each of four ways, and what the groups are.
pub const STEPS: usize = By::TRIED.len() + 1;
/// Of more people than this every so many-th is learnt from; all are put into the groups.
const LEARNT_FROM: usize = 50_000;
/// So many samples of its groups a version needs to say anything.
const MEASURES: usize = 2;

/// The version that speaks now.
#[derive(Clone, Debug)]
pub struct Before {
    /// Its number.
    pub version: i64,
    /// What it is.
    pub content: Content,
}

/// What was learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// The version.
    pub content: Content,
    /// How many people every one is of whom it was learnt.
    pub every: usize,
}

/// Looks for groups. `last` is the highest number that any group ever had; `step` is told what is done.
///
/// # Errors
/// Why there are none.
pub fn learn(
    people: &People,
    settings: &Settings,
    before: Option<&Before>,
    last: u32,
    seed: u64,
    step: &dyn Fn(usize),
) -> Result<Learned, Verdict> {
    let have = people.rows.len();
    if have < LEAST_PEOPLE {
        let text = format!(
            "{have} people bought in the last {} days; it takes at least {LEAST_PEOPLE} to tell groups from chance.",
            settings.window_days
        );
        return Err(Verdict::too_few("too_few_people", have, LEAST_PEOPLE, text));
    }
    let every = have.div_ceil(LEARNT_FROM);
    let some: Vec<&Person> = people.rows.iter().step_by(every).collect();
    let (mut all, mut used) = (Vec::new(), None);
    for (at, by) in settings.tried().into_iter().enumerate() {
        let scales = scales(people, &some, by);
        if scales.len() >= MEASURES {
            let points = points(people, &some, &scales).map_err(|it| Verdict::of(&it))?;
            let (found, best) = tried(&points, by, settings, seed).map_err(|it| Verdict::of(&it))?;
            all.extend(found);
            if let Some(best) = best {
                used = Some((by, scales, best));
                break;
            }
        }
        step(at + 1);
    }
    let Some((by, scales, best)) = used else { return Err(verdict(&all, settings)) };
    step(By::TRIED.len());
    let content = version(people, (by, scales, best, all), before, last);
    step(STEPS);
    Ok(Learned { content, every })
}

fn points(people: &People, some: &[&Person], scales: &[Scale]) -> Result<Points, rapport_models::Fault> {
    let names = Names::of(people);
    let mut columns = vec![Vec::with_capacity(some.len()); scales.len()];
    for row in some {
        place(row, &names, scales).into_iter().zip(&mut columns).for_each(|(it, column)| column.push(it));
    }
    Points::of(&columns)
}

/// Everybody put into the groups that were found, which are numbered and described.
fn version(
    people: &People,
    (by, scales, best, tried): (By, Vec<Scale>, Used, Vec<Tried>),
    before: Option<&Before>,
    last: u32,
) -> Content {
    let mut content = Content {
        by,
        scales,
        centres: Content::centres_of(&best.fit),
        groups: Vec::new(),
        tried,
        silhouette: best.silhouette,
        by_chance: best.by_chance,
        axes: [String::new(), String::new()],
        people: people.rows.len() as u64,
        from: people.from,
        end: people.end,
        last_number: last,
        against: None,
    };
    let labels = labels(people, &content);
    let old = before.map(|it| (it, self::labels(people, &it.content)));
    let groups = content.centres.len();
    let (counts, numbers) = match &old {
        Some((it, old)) => {
            let counts = crossed(old, &labels, (it.content.centres.len(), groups));
            (counts, it.content.groups.iter().map(|it| it.number).collect::<Vec<u32>>())
        }
        None => (Vec::new(), Vec::new()),
    };
    let given = numbered(&counts, &numbers, groups, last);
    content.last_number = given.iter().copied().fold(last, u32::max);
    content.against = old.as_ref().map(|(it, old)| against(it, &content, (old, &labels), &numbers, &given));
    content.groups = described(people, &labels, (&given, &best.stability), &content.scales);
    content.axes = axes(&content.groups, &content.scales, &content.centres);
    content
}

/// The place of everybody's group.
pub(super) fn labels(people: &People, content: &Content) -> Vec<usize> {
    let names = Names::of(people);
    let nearest = |it: &Person| content.nearest(&place(it, &names, &content.scales)).map_or(0, |found| found.0.0);
    people.rows.iter().map(nearest).collect()
}

fn against(
    before: &Before,
    content: &Content,
    (old, new): (&[usize], &[usize]),
    numbers: &[u32],
    given: &[u32],
) -> Against {
    let stay = old.iter().zip(new).filter(|(a, b)| numbers[**a] == given[**b]).count();
    let (kept, fresh) = given.iter().copied().partition(|it| numbers.contains(it));
    Against {
        version: before.version,
        agreement: adjusted_rand(old, new).unwrap_or(0.0),
        staying: stay as f64 / new.len().max(1) as f64,
        kept,
        new: fresh,
        gone: numbers.iter().copied().filter(|it| !given.contains(it)).collect(),
        people_before: before.content.people,
        people: content.people,
    }
}

/// The two measures in which the middles of the groups lie farthest from each other, by how many people are in each.
fn axes(groups: &[Group], scales: &[Scale], centres: &[Vec<f64>]) -> [String; 2] {
    let spread = |column: usize| {
        let at = |row: &Vec<f64>| row[column] / scales[column].weight;
        let mean: f64 = centres.iter().zip(groups).map(|(row, group)| group.share * at(row)).sum();
        centres.iter().zip(groups).map(|(row, group)| group.share * (at(row) - mean).powi(2)).sum::<f64>()
    };
    let mut order: Vec<(f64, usize)> = (0..scales.len()).map(|it| (spread(it), it)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let key = |at: usize| order.get(at).map_or_else(String::new, |it| scales[it.1].key.clone());
    [key(0), key(1)]
}
