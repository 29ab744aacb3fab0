//! Numbers of groups that are tried, and the one that is used.
//!
//! Always holds: what is used comes again, is parted, has no group smaller than staff allow, and is parted better than clouds without groups by what matters.

use rapport_models::Fault;
use rapport_models::groups::{Candidate, KMeans, Options, Points, STABLE, chance, choice, silhouette, stability};

use super::content::{Tell, Tried};
use super::{By, Settings};
use crate::scores::Verdict;

/// Samples drawn again.
const SAMPLES: usize = 20;
/// Clouds of each kind that groups are compared with: the best of 19 is above what one in twenty is above.
const CLOUDS: usize = 19;
/// Groups must be parted better than clouds by so much.
const MATTERS: f64 = 0.02;
/// Of groups that are as well parted but for so little, those that are more say more.
const AS_WELL: f64 = 0.02;
/// How many groups are tried at most, unless staff say how many.
const MOST: usize = 8;

/// The groups that are used.
pub(super) struct Used {
    pub(super) fit: KMeans,
    pub(super) silhouette: f64,
    pub(super) stability: Vec<f64>,
    pub(super) by_chance: f64,
}

/// Tries numbers of groups; what is found of each, and the one to use.
pub(super) fn tried(
    points: &Points,
    by: By,
    settings: &Settings,
    seed: u64,
) -> Result<(Vec<Tried>, Option<Used>), Fault> {
    let candidates = match settings.groups {
        None => choice(points, MOST, SAMPLES, seed)?.0,
        Some(groups) => vec![one(points, groups as usize, seed)?],
    };
    let mut all: Vec<Tried> = candidates.iter().map(|it| judged(it, by, settings)).collect();
    let mut order: Vec<usize> = (0..all.len()).filter(|at| all[*at].fault.is_none()).collect();
    order.sort_by(|a, b| all[*b].silhouette.total_cmp(&all[*a].silhouette));
    let best = order.first().map_or(0.0, |at| all[*at].silhouette);
    // Those as well parted as the best come first, the most groups of them before the others.
    order.sort_by_key(|at| {
        let near = all[*at].silhouette >= best - AS_WELL;
        (!near, if near { std::cmp::Reverse(all[*at].groups) } else { std::cmp::Reverse(0) })
    });
    for at in order {
        let fit = &candidates[at].fit;
        let Some(found) = chance(points, fit.centres.len(), CLOUDS, seed) else { continue };
        let by_chance = found.even.max(found.shuffled);
        all[at].by_chance = Some(by_chance);
        if found.above() < MATTERS {
            all[at].fault = Some(Tell::ByChance);
            continue;
        }
        all[at].is_used = true;
        let (silhouette, stability) = (all[at].silhouette, candidates[at].stability.clone());
        return Ok((all, Some(Used { fit: fit.clone(), silhouette, stability, by_chance })));
    }
    Ok((all, None))
}

/// As many groups as staff say.
fn one(points: &Points, groups: usize, seed: u64) -> Result<Candidate, Fault> {
    let fit = KMeans::fit(points, &Options::groups(groups, seed))?;
    let again = |places: &[usize]| {
        let rows: Vec<&[f64]> = places.iter().map(|at| points.row(*at)).collect();
        let columns: Vec<Vec<f64>> =
            (0..rows.first()?.len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
        let options = Options { starts: 3, ..Options::groups(groups, seed) };
        KMeans::fit(&Points::of(&columns).ok()?, &options).ok().map(|it| it.labels)
    };
    let stability = stability(&fit.labels, SAMPLES, seed, again);
    Ok(Candidate { silhouette: silhouette(points, &fit.labels), stability, fit })
}

fn judged(it: &Candidate, by: By, settings: &Settings) -> Tried {
    let mut sizes = vec![0_u64; it.fit.centres.len()];
    it.fit.labels.iter().for_each(|label| sizes[*label] += 1);
    let smallest = sizes.into_iter().min().unwrap_or(0);
    let fault = if !it.is_parted() {
        Some(Tell::NotParted)
    } else if !it.is_stable() {
        Some(Tell::NotStable)
    } else if smallest < u64::from(settings.least_people) {
        Some(Tell::TooSmall)
    } else {
        None
    };
    Tried {
        by,
        groups: u32::try_from(it.fit.centres.len()).unwrap_or(u32::MAX),
        silhouette: it.silhouette.unwrap_or(-1.0),
        stability: it.stability.iter().copied().fold(f64::INFINITY, f64::min).min(1.0),
        smallest,
        by_chance: None,
        fault,
        is_used: false,
    }
}

/// Why none is used: of what came nearest. Shares are told in hundredths.
pub(super) fn verdict(all: &[Tried], settings: &Settings) -> Verdict {
    let nearest = all.iter().max_by(|a, b| a.fault.cmp(&b.fault).then(a.silhouette.total_cmp(&b.silhouette)));
    let Some(it) = nearest else {
        let text = "Customers differ in too few measures to be grouped by them.";
        return Verdict::too_few("nothing_to_group_by", 0, 2, text);
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares")]
    let hundredths = |it: f64| (100.0 * it.clamp(0.0, 1.0)).round() as usize;
    let (groups, by) = (it.groups, it.by.words());
    let found = format!("No groups were found. The nearest were {groups} groups by {by}");
    match it.fault {
        Some(Tell::NotStable) => {
            let (have, need) = (hundredths(it.stability), hundredths(STABLE));
            let text = format!(
                "{found}, of which the least stable came again by {have} % in samples drawn again, where it takes {need} %: other customers of the same kind would give other groups."
            );
            Verdict::too_few("groups_not_stable", have, need, text)
        }
        Some(Tell::TooSmall) => {
            let (have, need) = (usize::try_from(it.smallest).unwrap_or(usize::MAX), settings.least_people as usize);
            let text = format!("{found}, of which the smallest has {have} people, where it takes {need}.");
            Verdict::too_few("groups_too_small", have, need, text)
        }
        Some(Tell::ByChance) => {
            let (have, need) = (hundredths(it.silhouette), hundredths(it.by_chance.unwrap_or(0.0) + MATTERS));
            let text = format!(
                "{found}, which are parted no better than customers without any groups would be (a silhouette of {have} hundredths, where it takes {need})."
            );
            Verdict::too_few("groups_by_chance", have, need, text)
        }
        _ => {
            let have = hundredths(it.silhouette);
            let text = format!(
                "{found}, which run into each other (a silhouette of {have} hundredths, where it takes more than 25)."
            );
            Verdict::too_few("groups_not_parted", have, 25, text)
        }
    }
}
