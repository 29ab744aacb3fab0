//! Who of those that started comes back, and when.
//!
//! Time is cut into intervals by a calendar ([`crate::intervals`]); the first `cohorts` of them found a cohort each.
//!
//! * **Recurring**: a person is in the cohort of every interval with a start event, so possibly in several.
//! * **First time**: a person is in one cohort, that of the first start event *ever*. Hand in all start events: if the first is
//!   before the first interval, the person is in no cohort.
//! * **Column 0** is the cohort's size: coming back is counted from column 1 on only, so column 0 is 100 % by definition.
//! * **Column k by calendar**: a return event in the k-th interval after the cohort's.
//! * **Column k rolling**: a return event in `[t0 + k * length, t0 + (k + 1) * length)`, with t0 the person's first start event in the
//!   cohort's interval. Each person has windows of their own: "within the second 24 hours".
//! * **On or after**: a person counts in column k also if they are counted in a later column that is observed.
//! * **Minimum**: an interval (or rolling window) counts as a return only with at least so many return events in it.
//!
//! A return event may be the same kind of event as the start. Columns end where the intervals end: a cohort has only the columns
//! that [`Retention::columns`] tells. Whether the last one is complete (its time has passed) is for the caller to say: for rolling
//! windows a column is complete once the whole window of the cohort's last possible t0 has passed.

use crate::intervals::{self, Walk};

/// How columns are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// By the intervals after the cohort's.
    Calendar,
    /// By windows of this many microseconds (at least 1) from the person's own first start event in the cohort's interval.
    Rolling(u64),
}

/// What to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionSpec {
    /// Starts of all intervals that are looked at, and the end of the last one; ascending.
    pub boundaries: Vec<i64>,
    /// How many of the first intervals found a cohort.
    pub cohorts: usize,
    /// Greatest column wanted.
    pub last_column: usize,
    /// How columns are cut.
    pub counting: Counting,
    /// Cohort by first start event ever, instead of every start event.
    pub first_time: bool,
    /// A later return counts for earlier columns too.
    pub on_or_after: bool,
    /// Return events that make an interval a return; 0 is taken as 1.
    pub minimum: u32,
}

/// The cohort table, filled person by person.
#[derive(Clone, Debug)]
pub struct Retention {
    spec: RetentionSpec,
    /// Row by row, `last_column + 1` wide.
    counts: Vec<u64>,
    /// Scratch: start and return intervals of a person (calendar), columns of one cohort (rolling).
    started: Vec<u64>,
    returned: Vec<u64>,
}

impl Retention {
    /// A table without people.
    pub fn new(mut spec: RetentionSpec) -> Self {
        let intervals = intervals::count(&spec.boundaries);
        spec.cohorts = spec.cohorts.min(intervals);
        spec.minimum = spec.minimum.max(1);
        let counts = vec![0; spec.cohorts * (spec.last_column + 1)];
        let words = intervals.max(spec.last_column + 1).div_ceil(64);
        Self { spec, counts, started: vec![0; words], returned: vec![0; words] }
    }

    /// The question.
    pub fn spec(&self) -> &RetentionSpec {
        &self.spec
    }

    /// How many columns, column 0 included, are observed for a cohort. By calendar: as the intervals reach. Rolling: those
    /// whose windows lie within the intervals for everyone who could be in the cohort. At least column 0.
    ///
    /// # Panics
    /// If there is no such cohort; the same holds for [`Retention::row`].
    pub fn columns(&self, cohort: usize) -> usize {
        let all = self.spec.last_column + 1;
        match self.spec.counting {
            Counting::Calendar => all.min(intervals::count(&self.spec.boundaries) - cohort),
            Counting::Rolling(length) => {
                let (from, end) =
                    (self.spec.boundaries[cohort + 1], self.spec.boundaries[self.spec.boundaries.len() - 1]);
                let whole = from.abs_diff(end) / length.max(1);
                all.min(usize::try_from(whole).unwrap_or(usize::MAX).max(1))
            }
        }
    }

    /// A cohort's size and returns by column.
    pub fn row(&self, cohort: usize) -> &[u64] {
        let width = self.spec.last_column + 1;
        &self.counts[cohort * width..][..self.columns(cohort)]
    }

    /// Adds a person by the times of all start events ever and of the return events, both ascending.
    pub fn add(&mut self, starts: &[i64], returns: &[i64]) {
        match self.spec.counting {
            Counting::Calendar => self.add_by_calendar(starts, returns),
            Counting::Rolling(length) => self.add_rolling(starts, returns, length.max(1)),
        }
    }

    /// Adds a person by bit sets of intervals (bit i of word i / 64): where they started and where they returned. First time: only the
    /// first start counts, so the set must be empty if the first start event ever is before the first interval. For
    /// calendar counting; the caller has applied the minimum.
    pub fn add_intervals(&mut self, started: &[u64], returned: &[u64]) {
        debug_assert_eq!(self.spec.counting, Counting::Calendar);
        let width = self.spec.last_column + 1;
        let intervals = intervals::count(&self.spec.boundaries);
        for cohort in ones(started).take_while(|cohort| *cohort < self.spec.cohorts) {
            let row = &mut self.counts[cohort * width..][..width];
            let end = intervals.min(cohort + width);
            count_row(
                row,
                ones_from(returned, cohort + 1).take_while(|at| *at < end).map(|at| at - cohort),
                self.spec.on_or_after,
            );
            if self.spec.first_time {
                break;
            }
        }
    }

    /// Adds the people of another part.
    ///
    /// # Panics
    /// If the two parts ask different questions.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.spec, other.spec, "parts of one table ask the same question");
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    fn add_by_calendar(&mut self, starts: &[i64], returns: &[i64]) {
        let mut started = std::mem::take(&mut self.started);
        let mut returned = std::mem::take(&mut self.returned);
        started.fill(0);
        returned.fill(0);
        let starts = if self.spec.first_time { &starts[..starts.len().min(1)] } else { starts };
        mark(&mut started, starts, &self.spec.boundaries, 1);
        mark(&mut returned, returns, &self.spec.boundaries, self.spec.minimum);
        self.add_intervals(&started, &returned);
        (self.started, self.returned) = (started, returned);
    }

    fn add_rolling(&mut self, starts: &[i64], returns: &[i64], length: u64) {
        let width = self.spec.last_column + 1;
        let mut walk = Walk::new(&self.spec.boundaries);
        let mut last = None;
        for start in starts {
            let cohort = walk.find(*start);
            if cohort != last
                && let Some(cohort) = cohort.filter(|cohort| *cohort < self.spec.cohorts)
            {
                let columns = self.columns(cohort);
                let later = &returns[returns.partition_point(|time| time <= start)..];
                let column = |time: &i64| usize::try_from(time.abs_diff(*start) / length).unwrap_or(usize::MAX);
                self.returned.fill(0);
                for window in later.chunk_by(|a, b| column(a) == column(b)) {
                    let k = column(&window[0]);
                    if k >= columns {
                        break;
                    }
                    if k > 0 && window.len() >= self.spec.minimum as usize {
                        self.returned[k / 64] |= 1 << (k % 64);
                    }
                }
                count_row(&mut self.counts[cohort * width..][..width], ones(&self.returned), self.spec.on_or_after);
            }
            if self.spec.first_time {
                break;
            }
            last = cohort;
        }
    }
}

/// Counts one person: column 0, and the columns given (ascending, from 1), or all up to the last of them.
fn count_row(row: &mut [u64], columns: impl Iterator<Item = usize>, on_or_after: bool) {
    row[0] += 1;
    if on_or_after {
        let last = columns.last().unwrap_or(0);
        row[1..=last].iter_mut().for_each(|count| *count += 1);
    } else {
        columns.for_each(|column| row[column] += 1);
    }
}

/// Sets the bit of each interval that holds at least `minimum` of the ascending times.
fn mark(bits: &mut [u64], times: &[i64], boundaries: &[i64], minimum: u32) {
    let mut walk = Walk::new(boundaries);
    let (mut at, mut run) = (None, 0_u32);
    for time in times {
        let interval = walk.find(*time);
        run = if interval == at { run.saturating_add(1) } else { 1 };
        at = interval;
        if run >= minimum
            && let Some(i) = interval
        {
            bits[i / 64] |= 1 << (i % 64);
        }
    }
}

/// Positions of the bits that are set, ascending.
fn ones(words: &[u64]) -> impl Iterator<Item = usize> {
    ones_from(words, 0)
}

/// Positions of the bits that are set at `from` and above, ascending.
fn ones_from(words: &[u64], from: usize) -> impl Iterator<Item = usize> {
    let mut word = from / 64;
    let mut left = words.get(word).map_or(0, |bits| bits & (u64::MAX << (from % 64)));
    std::iter::from_fn(move || {
        while left == 0 {
            word += 1;
            left = *words.get(word)?;
        }
        let bit = left.trailing_zeros() as usize;
        left &= left - 1;
        Some(word * 64 + bit)
    })
}
