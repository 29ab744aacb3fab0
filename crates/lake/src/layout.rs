//! Which cell a row belongs to: a period of its time and a bucket of its person.
//!
//! Always holds: the bucket of a person is the low bits of one hash that never changes, so doubling the buckets splits each bucket
//! in two and moves nothing between the others. Periods are UTC.

use rapport_domain::{PersonId, Timestamp};

/// How long a cell's period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Granularity {
    /// A calendar year.
    Year,
    /// A calendar month.
    Month,
    /// A day.
    Day,
}

impl Granularity {
    /// The stable word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Year, Self::Month, Self::Day].into_iter().find(|granularity| granularity.as_str() == text)
    }
}

/// A workspace's way of cutting rows into cells. It only becomes finer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// The length of periods.
    pub granularity: Granularity,
    /// The generation of buckets: there are 2 to this power.
    pub bucket_bits: u8,
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// The length of its period.
    pub granularity: Granularity,
    /// The period's first day, in days since 1970-01-01.
    pub first_day: i64,
    /// The generation of its bucket.
    pub bucket_bits: u8,
    /// Its bucket.
    pub bucket: i64,
}

/// Most buckets: 2 to this power.
pub const MAX_BUCKET_BITS: u8 = 8;

impl Layout {
    /// What every workspace begins with: a year a cell, one bucket.
    pub const FIRST: Self = Self { granularity: Granularity::Year, bucket_bits: 0 };

    /// The cell of a row.
    pub fn cell(self, person: PersonId, occurred_at: Timestamp) -> Cell {
        Cell {
            granularity: self.granularity,
            first_day: first_day(self.granularity, occurred_at.utc_day()),
            bucket_bits: self.bucket_bits,
            bucket: bucket(person, self.bucket_bits),
        }
    }

    /// The first days of the periods between two times in microseconds, both included.
    pub fn periods(self, (from, to): (i64, i64)) -> Vec<i64> {
        let (first, last) = (Timestamp(from).utc_day(), Timestamp(to).utc_day());
        let mut periods = vec![first_day(self.granularity, last)];
        while periods.last().is_some_and(|begin| *begin > first) {
            periods.push(first_day(self.granularity, periods[periods.len() - 1] - 1));
        }
        periods
    }

    /// The next finer layout, for when a cell has grown too large: months before buckets, 16 buckets before days.
    pub fn finer(self) -> Self {
        match self.granularity {
            Granularity::Year => Self { granularity: Granularity::Month, ..self },
            Granularity::Month if self.bucket_bits >= 4 => Self { granularity: Granularity::Day, ..self },
            Granularity::Month | Granularity::Day => {
                Self { bucket_bits: (self.bucket_bits + 1).min(MAX_BUCKET_BITS), ..self }
            }
        }
    }
}

impl std::fmt::Display for Cell {
    /// The folder of the cell: `2024-03/b2-1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = civil(self.first_day);
        match self.granularity {
            Granularity::Year => write!(f, "{year:04}")?,
            Granularity::Month => write!(f, "{year:04}-{month:02}")?,
            Granularity::Day => write!(f, "{year:04}-{month:02}-{day:02}")?,
        }
        write!(f, "/b{}-{}", 1 << self.bucket_bits, self.bucket)
    }
}

/// The bucket of a person among 2 to the power of `bits`. The hash is the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
pub fn bucket(person: PersonId, bits: u8) -> i64 {
    let mut hash = u64::from_le_bytes(person.0.to_le_bytes());
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    i64::try_from(hash & ((1 << bits) - 1)).expect("a bucket has at most eight bits")
}

fn first_day(granularity: Granularity, day: i64) -> i64 {
    let (_, month, day_of_month) = civil(day);
    match granularity {
        Granularity::Day => day,
        Granularity::Month => day - (day_of_month - 1),
        Granularity::Year => {
            let mut first = day - (day_of_month - 1);
            for _ in 1..month {
                first -= civil(first - 1).2;
            }
            first
        }
    }
}

/// Year, month, day of a day since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_have_readable_folders() {
        let at = Timestamp::parse("2024-02-29T23:59:59Z").unwrap();
        let cell = |granularity, bucket_bits| Layout { granularity, bucket_bits }.cell(PersonId(7), at).to_string();
        assert_eq!(cell(Granularity::Year, 0), "2024/b1-0");
        assert_eq!(cell(Granularity::Month, 0), "2024-02/b1-0");
        assert_eq!(cell(Granularity::Day, 0), "2024-02-29/b1-0");
        assert!(cell(Granularity::Day, 2).starts_with("2024-02-29/b4-"));
    }

    proptest! {
        #[test]
        fn periods_begin_where_the_calendar_says(micros in -60_000_000_000_000_000i64..60_000_000_000_000_000) {
            let at = Timestamp(micros);
            let text = at.to_rfc3339();
            let day = |granularity| Layout { granularity, bucket_bits: 0 }.cell(PersonId(1), at).first_day;
            let begin = |date: String| Timestamp::parse(&date).unwrap().utc_day();
            prop_assert_eq!(day(Granularity::Day), begin(text[..10].to_owned()));
            prop_assert_eq!(day(Granularity::Month), begin(format!("{}-01", &text[..7])));
            prop_assert_eq!(day(Granularity::Year), begin(format!("{}-01-01", &text[..4])));
        }

        #[test]
        fn periods_are_those_of_the_days_between(day in -800_000i64..800_000, days in 0i64..900) {
            for granularity in [Granularity::Year, Granularity::Month, Granularity::Day] {
                let layout = Layout { granularity, bucket_bits: 0 };
                let mut of_days: Vec<_> = (day..=day + days).map(|day| first_day(granularity, day)).rev().collect();
                of_days.dedup();
                prop_assert_eq!(layout.periods((day * 86_400_000_000, (day + days) * 86_400_000_000)), of_days);
            }
        }

        #[test]
        fn doubling_splits_each_bucket(person in any::<i64>(), bits in 0u8..MAX_BUCKET_BITS) {
            prop_assert_eq!(bucket(PersonId(person), bits + 1) & ((1 << bits) - 1), bucket(PersonId(person), bits));
        }
    }
}
