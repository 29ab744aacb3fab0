//! Whether what is known of people is still like what the version before spoke of, and whether what that one said still comes.
//!
//! Always holds: both are people of one day, as they were known on it: that on which the version before was fitted, and the present. Something has moved where its population
//! stability index is above 0.25 *and* chance does not explain that, with so many things looked at.
//!
//! Does not do: say why something moved.

use rapport_models::learn::{Shift, Still, shifts};
use serde::{Deserialize, Serialize};

use super::features::{FEATURES, place};
use super::learning::{LEAST_PEOPLE, table};
use super::rows::{Row, Rows};
use crate::scores::Sure;
use crate::scores::judged::Hold;

/// Below this index something is steady.
const STEADY: f64 = 0.1;
/// Above this it has moved.
const MOVED: f64 = 0.25;
/// So likely may it be that chance alone moves anything that far.
const CHANCE: f64 = 0.05;
/// These grow with everybody's days, and hold no version.
const GROWING: [&str; 3] = ["tenure", "purchases", "subscribed"];
/// So many are told.
const TOLD: usize = 5;

/// How far something that is known of people has moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The feature.
    pub feature: String,
    /// Its population stability index: below 0.1 it is steady, above 0.25 it has moved.
    pub index: f64,
    /// The probability of an index as high by chance alone.
    pub p: f64,
    /// Whether it has moved.
    pub is_moved: bool,
}

/// Whether what the version before said of the people whom both were judged on came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meant {
    /// The mean probability that it said.
    pub said: f64,
    /// The share that it came true for.
    pub came: f64,
    /// What came less what was said.
    pub difference: Sure,
    /// By how much its log-odds should be stretched: 1 is right, below 1 it was too sure.
    pub slope: f64,
}

impl From<Still> for Meant {
    fn from(it: Still) -> Self {
        Self { said: it.said, came: it.came, difference: it.difference.into(), slope: it.slope }
    }
}

/// What has moved since the version before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Which version that was.
    pub version: i64,
    /// What is known of people, what moved most first; empty where that cannot be compared.
    pub moved: Vec<Moved>,
    /// Whether what it said still came; null where that cannot be told.
    pub meant: Option<Meant>,
}

/// How far these features have moved from a day to another, what moved most first; nothing where there are too few people on either.
pub(super) fn moved(rows: &Rows, features: &[usize], (before, now): (i32, i32)) -> Vec<Moved> {
    let of = |day: i32| rows.rows.iter().filter(|it| rows.days[it.look] == day).collect::<Vec<&Row>>();
    let (old, new) = (of(before), of(now));
    if before >= now || old.len() < LEAST_PEOPLE || new.len() < LEAST_PEOPLE {
        return Vec::new();
    }
    let found =
        table(old.iter().copied(), features).and_then(|old| shifts(&old, &table(new.iter().copied(), features)?));
    let found: Vec<Shift> = found.unwrap_or_default();
    let many = found.len() as f64;
    let mut moved: Vec<Moved> = found
        .into_iter()
        .map(|it| Moved {
            is_moved: it.stability_index > MOVED && it.p * many <= CHANCE,
            feature: it.feature,
            index: it.stability_index,
            p: it.p,
        })
        .collect();
    moved.sort_by(|a, b| b.index.total_cmp(&a.index));
    moved
}

fn named(of: &[&Moved]) -> String {
    let name = |it: &&Moved| {
        let what = place(&it.feature).map_or(it.feature.as_str(), |at| FEATURES[at].1);
        format!("{what} (index {:.2})", it.index)
    };
    of.iter().take(TOLD).map(name).collect::<Vec<String>>().join(", ")
}

impl Drift {
    /// Why a version is held where people are not like those whom the one before spoke of.
    pub fn hold(&self) -> Option<Hold> {
        let all: Vec<&Moved> =
            self.moved.iter().filter(|it| it.is_moved && !GROWING.contains(&it.feature.as_str())).collect();
        if all.is_empty() {
            return None;
        }
        let text = format!(
            "What is known of people is not like it was for version {}: {}. Above {MOVED} something has moved: did a source stop, or an import go wrong?",
            self.version,
            named(&all)
        );
        Some(Hold { code: "features_moved".to_owned(), before: 0.0, now: all.len() as f64, text })
    }

    /// What is written of it on a card.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut found = Vec::new();
        let all: Vec<&Moved> = self.moved.iter().filter(|it| it.is_moved).collect();
        if !all.is_empty() {
            found.push(format!(
                "Since version {} this has moved: {}. Below {STEADY} is steady, above {MOVED} has moved (population stability index).",
                self.version,
                named(&all)
            ));
        } else if let Some(most) = self.moved.first() {
            found.push(format!(
                "Since version {} nothing that is known of people has moved; most did: {}. Above {MOVED} has moved (population stability index).",
                self.version,
                named(&[most])
            ));
        }
        if let Some(it) = &self.meant {
            found.push(format!(
                "Of the same people version {} said {:.1} %, and {:.1} % came ({:+.1} to {:+.1} points more than said, with 95 %); its log-odds should be stretched by {:.2}, where 1 is right.",
                self.version,
                100.0 * it.said,
                100.0 * it.came,
                100.0 * it.difference.low,
                100.0 * it.difference.high,
                it.slope
            ));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use rapport_domain::PersonId;

    use super::super::deeds::{Deed, Did};
    use super::super::features::Known;
    use super::super::rows::Looks;
    use super::*;

    /// Three hundred people who came by on so many of the last 30 days before either of two days, as far as they did on the later one.
    fn rows(later: f64) -> Rows {
        let amount = f64::NAN;
        let visit =
            |day: i32| Deed { day, heard: day, did: Did::Visited, amount, reduced: false, stands: true, reason: None };
        let mut rows = Rows::new(&Looks { days: vec![100, 107], ..Looks::default() });
        for person in 0..300 {
            for (look, part) in [(0, 1.0), (1, later)] {
                let day: i32 = rows.days[look];
                let visits = (f64::from(person % 20) * part) as i32;
                let deeds: Vec<Deed> = (1..visits + 2).rev().map(|ago| visit(day - ago)).collect();
                let known = Known::at(&deeds, day, day).unwrap();
                rows.rows.push(Row { person: PersonId(i64::from(person)), look, known });
            }
        }
        rows
    }

    #[test]
    fn what_stays_holds_nothing_and_a_source_that_stops_holds_a_version() {
        let visits = [place("visits_30").unwrap()];
        let of = |later: f64| Drift { version: 3, moved: moved(&rows(later), &visits, (100, 107)), meant: None };
        let same = of(1.0);
        assert_eq!((same.moved.len(), same.hold()), (1, None));
        assert!(same.sentences()[0].contains("nothing that is known of people has moved"), "{:?}", same.sentences());
        let gone = of(0.2);
        let hold = gone.hold().unwrap();
        assert_eq!((hold.code.as_str(), hold.now), ("features_moved", 1.0));
        assert!(hold.text.contains("days with visits in 30 days"), "{}", hold.text);
        assert!(gone.sentences()[0].contains("this has moved"), "{:?}", gone.sentences());
    }

    #[test]
    fn too_few_people_and_the_same_day_are_not_compared() {
        let visits = [place("visits_30").unwrap()];
        assert_eq!(moved(&rows(0.2), &visits, (107, 107)), vec![]);
        assert_eq!(moved(&rows(0.2), &visits, (99, 107)), vec![], "nobody was looked at then");
    }

    #[test]
    fn what_grows_with_everybodys_days_is_told_and_holds_nothing() {
        let grown = Moved { feature: "tenure".to_owned(), index: 0.4, p: 0.0, is_moved: true };
        let drift = Drift { version: 2, moved: vec![grown], meant: None };
        assert_eq!(drift.hold(), None);
        assert!(drift.sentences()[0].contains("days since the first purchase (index 0.40)"));
    }
}
