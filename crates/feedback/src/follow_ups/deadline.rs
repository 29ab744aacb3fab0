//! Until when somebody is to be spoken with: after so many hours, or so many working hours.
//!
//! Always holds: working hours are those of the workspace, with its holidays, by which complaints are measured too; a working hour is an hour.

use rapport_domain::{BusinessHours, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest deadline, in hours.
pub const LONGEST: u32 = 24 * 90;

/// A deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// After so many hours.
    pub hours: u32,
    /// Whether only working hours count.
    #[serde(default)]
    pub working: bool,
}

impl Default for Deadline {
    fn default() -> Self {
        Self { hours: 48, working: false }
    }
}

impl Deadline {
    /// When it is over for what begins at `from`.
    pub fn due(self, from: Timestamp, hours: &BusinessHours) -> Timestamp {
        let left = i64::from(self.hours.min(LONGEST)) * Timestamp::HOUR;
        let by_the_clock = from.plus(left);
        if self.working { hours.deadline(from, left).unwrap_or(by_the_clock) } else { by_the_clock }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::business_hours::{Holiday, Plan};

    use super::*;

    fn berlin() -> BusinessHours {
        let mut plan = Plan::usual("Europe/Berlin");
        let holiday = |day: &str, open: &[&str]| Holiday {
            day: day.to_owned(),
            name: String::new(),
            open: open.iter().map(|it| (*it).to_owned()).collect(),
            is_off: false,
        };
        plan.holidays = vec![holiday("2026-12-24", &["09:00-12:00"]), holiday("2026-12-25", &[])];
        BusinessHours::new(&plan).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn due(from: &str, hours: u32) -> String {
        Deadline { hours, working: true }.due(at(from), &berlin()).to_rfc3339()
    }

    #[test]
    fn a_weekend_is_left_out() {
        // A Friday, 16:30 in Berlin: half an hour is left of it.
        assert_eq!(due("2026-11-27T15:30:00Z", 8), "2026-11-30T15:30:00Z");
        assert_eq!(due("2026-11-28T10:00:00Z", 1), "2026-11-30T09:00:00Z");
        // At night, and at the very end of a day.
        assert_eq!(due("2026-11-24T02:00:00Z", 8), "2026-11-24T16:00:00Z");
        assert_eq!(due("2026-11-24T16:00:00Z", 1), "2026-11-25T09:00:00Z");
        // Two hours of the 24th, none of the 25th, then a weekend.
        assert_eq!(due("2026-12-24T09:00:00Z", 3), "2026-12-28T09:00:00Z");
        let plain = Deadline::default().due(at("2026-11-27T15:30:00Z"), &berlin());
        assert_eq!(plain, at("2026-11-29T15:30:00Z"));
    }

    /// The slow way: minute by minute.
    fn slow(from: Timestamp, hours: u32, plan: &BusinessHours) -> Timestamp {
        let mut left = i64::from(hours) * 60;
        let mut at = from;
        while left > 0 {
            left -= i64::from(plan.is_open(at));
            at = at.plus(Timestamp::MINUTE);
        }
        at
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// Also over the days on which clocks are changed: 29 March and 25 October 2026.
        #[test]
        fn as_minute_by_minute(start in 0_i64..(60 * 24 * 364), hours in 1_u32..30) {
            let from = at("2026-01-01T00:00:00Z").plus(start * Timestamp::MINUTE);
            let due = Deadline { hours, working: true }.due(from, &berlin());
            prop_assert_eq!(due, slow(from, hours, &berlin()));
        }
    }
}
