//! Steps of a calendar: days, weeks from Monday, months, quarters, years, or plain numbers.

/// What a step is.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Day,
    Week,
    Month,
    #[value(skip)]
    Quarter,
    #[value(skip)]
    Year,
    /// Whatever rows are.
    #[value(skip)]
    Step,
}

impl Unit {
    /// The unit of ordered days by how far apart they are at least.
    pub fn between(days: &[f64]) -> Self {
        let least = days.windows(2).map(|it| it[1] - it[0]).filter(|it| *it > 0.0).fold(f64::INFINITY, f64::min);
        match least {
            it if it < 7.0 => Self::Day,
            it if it < 28.0 => Self::Week,
            it if it < 84.0 => Self::Month,
            it if it < 365.0 => Self::Quarter,
            it if it.is_finite() => Self::Year,
            _ => Self::Day,
        }
    }

    /// The step that a day since 1970 is in.
    pub fn step(self, day: f64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "days are within 10¹⁵")]
        let day = day.floor() as i64;
        match self {
            Self::Day | Self::Step => day,
            // 1970 began on a Thursday.
            Self::Week => (day + 3).div_euclid(7),
            Self::Month => {
                let (year, month, _) = civil(day);
                year * 12 + month - 1
            }
            Self::Quarter => {
                let (year, month, _) = civil(day);
                year * 4 + (month - 1) / 3
            }
            Self::Year => civil(day).0,
        }
    }

    /// The first day of a step.
    pub fn begins(self, step: i64) -> i64 {
        match self {
            Self::Day | Self::Step => step,
            Self::Week => step * 7 - 3,
            Self::Month => day_of(step.div_euclid(12), step.rem_euclid(12) + 1),
            Self::Quarter => day_of(step.div_euclid(4), step.rem_euclid(4) * 3 + 1),
            Self::Year => day_of(step, 1),
        }
    }

    /// The name of a step.
    pub fn label(self, step: i64) -> String {
        let (year, month, day) = civil(self.begins(step));
        match self {
            Self::Step => step.to_string(),
            Self::Day | Self::Week => format!("{year:04}-{month:02}-{day:02}"),
            Self::Month => format!("{year:04}-{month:02}"),
            Self::Quarter => format!("{year:04}-Q{}", (month + 2) / 3),
            Self::Year => format!("{year:04}"),
        }
    }

    /// Of many steps.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Day => "days",
            Self::Week => "weeks",
            Self::Month => "months",
            Self::Quarter => "quarters",
            Self::Year => "years",
            Self::Step => "steps",
        }
    }

    /// The steps of a season.
    pub const fn season(self) -> usize {
        match self {
            Self::Day => 7,
            Self::Month => 12,
            Self::Quarter => 4,
            Self::Week | Self::Year | Self::Step => 1,
        }
    }

    /// The steps of a year, where waves are looked for.
    pub const fn year(self) -> Option<f64> {
        match self {
            Self::Day => Some(365.25),
            Self::Week => Some(52.18),
            _ => None,
        }
    }

    /// How far ahead is asked for where nobody says.
    pub const fn horizon(self) -> usize {
        match self {
            Self::Day => 14,
            Self::Week => 8,
            Self::Month => 12,
            Self::Quarter => 4,
            Self::Year => 3,
            Self::Step => 10,
        }
    }
}

/// Year, month and day of a day since 1970, in the Gregorian calendar: eras of 400 years that begin in March, so that the leap day is the last one.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + i64::from(month <= 2), month, of_year - (153 * from_march + 2) / 5 + 1)
}

/// The first day of a month.
fn day_of(year: i64, month: i64) -> i64 {
    let (year, from_march) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * from_march + 2) / 5 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_in_their_weeks_months_and_years() {
        assert_eq!((civil(0), civil(11_016), civil(-1)), ((1970, 1, 1), (2000, 2, 29), (1969, 12, 31)));
        // Every day of two centuries comes back from its month, and months and weeks follow each other.
        for day in -30_000..43_000 {
            let (year, month, of) = civil(day);
            assert_eq!(day_of(year, month) + of - 1, day);
            for unit in [Unit::Week, Unit::Month, Unit::Quarter, Unit::Year] {
                let step = unit.step(day as f64 + 0.9);
                assert!(unit.begins(step) <= day && day < unit.begins(step + 1), "{unit:?} {day}");
            }
        }
        // 2026-11-30 is a Monday.
        let monday = day_of(2026, 11) + 29;
        assert_eq!(Unit::Week.begins(Unit::Week.step(monday as f64)), monday);
        assert_eq!(Unit::Month.label(Unit::Month.step(monday as f64)), "2026-11");
        assert_eq!(Unit::Quarter.label(Unit::Quarter.step(monday as f64)), "2026-Q4");
        assert_eq!((Unit::between(&[0.0, 31.0, 59.0]), Unit::between(&[0.0, 90.0])), (Unit::Month, Unit::Quarter));
    }
}
