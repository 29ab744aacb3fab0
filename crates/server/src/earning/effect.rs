//! Whether a rule or an offer works: what members who have it buy beside those who are held out of it by chance.
//!
//! Always holds: everybody who was a member when the time began is counted on the side on which the lot put them, whether they earned anything or not: who earns by a rule may be who was moved by
//! it. Who became a member since is not counted, since the rule may be why.
//!
//! Does not: say anything of what nobody is held out of, or what it cost.

use std::collections::HashMap;

use anyhow::Result;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_experiments::attribution::{Incremental, incremental};
use rapport_experiments::design::Metric;
use rapport_experiments::readout::{Counts, LEAST_UNITS, Measured, Sums};
use rapport_loyalty::document::{Holdout, State};
use rapport_loyalty::earning::holds_out;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Version;
use rapport_loyalty::records::members;
use rapport_models::experiments::Paired;
use rapport_profiles::records::orders;

use crate::experimenting::effect::{By, Effect, Lot, experiment};
use crate::experimenting::metrics;
use crate::installation::Installation;

/// What is measured.
const METRICS: [&str; 3] = ["conversion", "orders", "revenue"];
/// Before the time the same is measured for as long, but no longer than this, so that noise is taken out (CUPED).
const BEFORE: i64 = 90 * Timestamp::DAY;
/// Members read at a time.
const PAGE: u32 = 5_000;

/// Since when those are held out who are now, and how many of a hundred: as long as the latest versions say the same and give. `None` where nobody is held out.
pub fn since<D: Holdout>(versions: &[Version<D>]) -> Option<(Timestamp, u8)> {
    let latest = versions.last()?;
    let percent = latest.document.percent();
    let begun = versions.iter().rev().skip_while(|it| it.state != State::Live);
    let same = begun.take_while(|it| it.state == State::Live && it.document.percent() == percent);
    let since = same.map(|it| it.in_force_from).last()?;
    (percent > 0 && percent < 100).then_some((since, percent))
}

/// What members bought who have something, beside those who are held out of it.
#[derive(Debug)]
pub struct Compared {
    /// Each metric, and who was counted.
    pub effect: Effect,
    /// What members came to on average: held out, treated; by metric.
    pub means: Vec<[f64; 2]>,
    /// Who became a member since, and is not counted.
    pub newcomers: u64,
    /// Whether there are too few on a side for anything to be said.
    pub too_few: bool,
}

/// One side.
#[derive(Clone, Copy, Debug, Default)]
struct Arm {
    members: u64,
    sums: [Paired; 3],
}

/// What somebody bought: orders and millionths, in the time and before it.
#[derive(Clone, Copy, Debug, Default)]
struct Bought {
    during: (i64, i64),
    before: (i64, i64),
}

/// Reads what a rule or an offer did in a time, by the salt of its lot and how many of a hundred it holds out.
///
/// # Errors
/// The store's.
pub async fn read(
    installation: &Installation,
    workspace: WorkspaceId,
    (program, salt, percent): (&Program, &str, u8),
    (from, until): (Timestamp, Timestamp),
) -> Result<Compared> {
    let mut db = installation.store.read();
    let earlier = from.plus(-BEFORE.min(until.0 - from.0));
    let mut bought: HashMap<PersonId, Bought> = HashMap::new();
    for (person, at, micros) in orders::paid(&mut db, workspace, program.currency.as_str(), (earlier, until)).await? {
        let it = bought.entry(person).or_default();
        let part = if at < from { &mut it.before } else { &mut it.during };
        *part = (part.0 + 1, part.1 + micros);
    }
    let mut arms = [Arm::default(); 2];
    let (mut newcomers, mut after) = (0, PersonId(i64::MIN));
    loop {
        let page = members::persons_after(&mut db, workspace, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.0;
        for (person, _, enrolled_at) in page {
            if enrolled_at >= from {
                newcomers += u64::from(enrolled_at < until);
                continue;
            }
            let side = usize::from(!holds_out(salt, percent, person));
            arms[side].add(bought.get(&person).copied().unwrap_or_default());
        }
    }
    let lot = Lot {
        by: By::Holdout,
        key: salt.to_owned(),
        arms: ["held out", "treated"].map(str::to_owned),
        percent: f64::from(percent),
        since: from,
    };
    let counts = Counts { exposed: arms.iter().map(|arm| arm.members).collect(), ..Counts::default() };
    let holdout = experiment(&lot);
    let metric = |(at, key): (usize, &&str)| -> Option<(Metric, Incremental)> {
        let metric = metrics::usual(key, program.currency.as_str())?;
        let sums = arms.iter().map(|arm| Sums::Adjusted(arm.sums[at])).collect();
        let brought_in = incremental(&holdout, &counts, &metric, &Measured { metric: metric.key.clone(), sums });
        Some((metric, brought_in))
    };
    let mean = |at: usize| arms.map(|arm| if arm.members == 0 { 0.0 } else { arm.sums[at].y / arm.members as f64 });
    Ok(Compared {
        means: (0..METRICS.len()).map(mean).collect(),
        newcomers,
        too_few: arms.iter().any(|arm| arm.members < LEAST_UNITS),
        effect: Effect {
            lot,
            people: (arms[0].members, arms[1].members),
            immature: 0,
            metrics: METRICS.iter().enumerate().filter_map(metric).collect(),
        },
    })
}

impl Arm {
    fn add(&mut self, it: Bought) {
        self.members += 1;
        let units = |micros: i64| micros as f64 / 1_000_000.0;
        let pairs = [
            (f64::from(u8::from(it.during.0 > 0)), f64::from(u8::from(it.before.0 > 0))),
            (it.during.0 as f64, it.before.0 as f64),
            (units(it.during.1), units(it.before.1)),
        ];
        for (sum, (y, x)) in self.sums.iter_mut().zip(pairs) {
            *sum = sum.merged(Paired { n: 1, y, yy: y * y, x, xx: x * x, xy: x * y });
        }
    }
}
