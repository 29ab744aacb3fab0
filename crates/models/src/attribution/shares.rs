//! Credits path by path: each path's conversions are parted among its channels.

use super::{Credit, Path, check};
use crate::fault::Fault;

/// Credits by simple rules, channel by channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// All to the first touch.
    pub first: Vec<Credit>,
    /// All to the last touch.
    pub last: Vec<Credit>,
    /// Alike to every touch.
    pub linear: Vec<Credit>,
}

/// First, last and linear.
pub fn rules(paths: &[Path]) -> Result<Rules, Fault> {
    let none = vec![Credit::default(); check(paths)?];
    let mut found = Rules { first: none.clone(), last: none.clone(), linear: none };
    for path in paths {
        let touches = &path.channels;
        found.first[touches[0] as usize].add(path, 1.0);
        found.last[touches[touches.len() - 1] as usize].add(path, 1.0);
        let share = 1.0 / touches.len() as f64;
        touches.iter().for_each(|it| found.linear[*it as usize].add(path, share));
    }
    Ok(found)
}

/// Shapley values of the game in which a set of channels is worth the conversions of the paths that need no other (Zhao, Mahboobi and Bagheri 2018, "Shapley
/// value methods for attribution modeling in online advertising"). They equal an even split over the different channels of each path, so they are exact for any
/// number of channels.
pub fn shapley(paths: &[Path]) -> Result<Vec<Credit>, Fault> {
    let mut found = vec![Credit::default(); check(paths)?];
    for path in paths {
        let different = different(&path.channels);
        let share = 1.0 / different.len() as f64;
        different.iter().for_each(|it| found[*it as usize].add(path, share));
    }
    Ok(found)
}

/// The same by position, from 0, and channel: a channel's share of a path is parted evenly over the places where it stands, so that all positions add up to
/// [`shapley`]. Positions from `most` − 1 on are one.
pub fn shapley_by_position(paths: &[Path], most: usize) -> Result<Vec<Vec<Credit>>, Fault> {
    let channels = check(paths)?;
    let longest = paths.iter().map(|it| it.channels.len()).max().unwrap_or_default();
    let mut found = vec![vec![Credit::default(); channels]; longest.min(most.max(1))];
    for path in paths {
        let each = 1.0 / different(&path.channels).len() as f64;
        for (position, channel) in path.channels.iter().enumerate() {
            let again = path.channels.iter().filter(|it| *it == channel).count() as f64;
            let position = position.min(found.len() - 1);
            found[position][*channel as usize].add(path, each / again);
        }
    }
    Ok(found)
}

fn different(channels: &[u32]) -> Vec<u32> {
    let mut channels = channels.to_vec();
    channels.sort_unstable();
    channels.dedup();
    channels
}
