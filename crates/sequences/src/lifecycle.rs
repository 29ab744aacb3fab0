//! What became of people from one interval to the next, and how many intervals they stick to.
//!
//! A person's *active* intervals are those with a qualifying event. Interval by interval a person is
//!
//! * **new** where the person's first qualifying event ever lies, whenever a profile was created (merges and imports move that);
//! * **returning** if active here and in the interval before;
//! * **resurrecting** if active here, not in the interval before, and not new;
//! * **dormant** if not active here but in the interval before: once per pause.
//!
//! Always holds: new + returning + resurrecting = active people, in every interval.
//!
//! Interval 0 is the *lead-in*: the one before the first interval of the report. It is read because its people return or go dormant
//! in interval 1, and nothing is counted for it.

/// People of one interval by what they are in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifecycleCounts {
    /// First active ever.
    pub new: u64,
    /// Active, and in the interval before.
    pub returning: u64,
    /// Active again after a pause.
    pub resurrecting: u64,
    /// Not active any more.
    pub dormant: u64,
}

impl LifecycleCounts {
    /// People with a qualifying event in the interval.
    pub fn active(&self) -> u64 {
        self.new + self.returning + self.resurrecting
    }
}

/// Counts people into intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    counts: Vec<LifecycleCounts>,
}

impl Lifecycle {
    /// No people yet; `intervals` are the report's, without the lead-in.
    pub fn new(intervals: usize) -> Self {
        Self { counts: vec![LifecycleCounts::default(); intervals] }
    }

    /// Adds one person: the active intervals, ascending and each once, with the lead-in as 0; and the interval of the first
    /// qualifying event ever, `None` if that lies before the lead-in. Intervals past the report are ignored.
    pub fn add(&mut self, active: impl IntoIterator<Item = usize>, first: Option<usize>) {
        let report = self.counts.len();
        let mut before = None;
        for interval in active.into_iter().take_while(|interval| *interval <= report) {
            debug_assert!(before < Some(interval), "active intervals ascend");
            let returns = interval > 0 && before == Some(interval - 1);
            if interval > 0 {
                let counts = &mut self.counts[interval - 1];
                if first == Some(interval) {
                    counts.new += 1;
                } else if returns {
                    counts.returning += 1;
                } else {
                    counts.resurrecting += 1;
                }
            }
            if !returns {
                self.went_dormant(before);
            }
            before = Some(interval);
        }
        self.went_dormant(before);
    }

    /// After the last interval of a run of activity comes a dormant one, if the report reaches so far.
    fn went_dormant(&mut self, last: Option<usize>) {
        if let Some(counts) = last.and_then(|last| self.counts.get_mut(last)) {
            counts.dormant += 1;
        }
    }

    /// Adds the people of another part.
    ///
    /// # Panics
    /// If the two have different numbers of intervals.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.counts.len(), other.counts.len(), "parts of one report have the same intervals");
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            mine.new += theirs.new;
            mine.returning += theirs.returning;
            mine.resurrecting += theirs.resurrecting;
            mine.dormant += theirs.dormant;
        }
    }

    /// The report's intervals; the lead-in is not among them.
    pub fn counts(&self) -> &[LifecycleCounts] {
        &self.counts
    }
}

/// How many people were active in how many intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stickiness {
    people: Vec<u64>,
}

impl Stickiness {
    /// No people yet.
    pub fn new(intervals: usize) -> Self {
        Self { people: vec![0; intervals] }
    }

    /// Adds a person who was active in this many intervals. None: the person is not counted. At most all intervals.
    pub fn add(&mut self, active_intervals: usize) {
        if let Some(people) = active_intervals.min(self.people.len()).checked_sub(1).map(|i| &mut self.people[i]) {
            *people += 1;
        }
    }

    /// Adds the people of another part.
    ///
    /// # Panics
    /// If the two have different numbers of intervals.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.people.len(), other.people.len(), "parts of one report have the same intervals");
        for (mine, theirs) in self.people.iter_mut().zip(&other.people) {
            *mine += theirs;
        }
    }

    /// People active in exactly `i + 1` intervals, for each `i`.
    pub fn exactly(&self) -> &[u64] {
        &self.people
    }

    /// People active in `i + 1` intervals or more, for each `i`.
    pub fn at_least(&self) -> Vec<u64> {
        let mut sums = self.people.clone();
        for i in (1..sums.len()).rev() {
            sums[i - 1] += sums[i];
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_person_with_pauses() {
        let mut lifecycle = Lifecycle::new(6);
        lifecycle.add([1, 2, 5], Some(1));
        let counts: Vec<_> =
            lifecycle.counts().iter().map(|c| (c.new, c.returning, c.resurrecting, c.dormant)).collect();
        let quiet = (0, 0, 0, 0);
        assert_eq!(counts, [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1), quiet, (0, 0, 1, 0), (0, 0, 0, 1)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// Oracle: the definitions, asked of every person and interval. People are sets over 3 intervals of prehistory, the
        /// lead-in and 5 intervals of report.
        #[test]
        fn equals_the_definitions(people in prop::collection::vec(0u32..512, 0..6), split in 0usize..6) {
            let mut parts = [Lifecycle::new(5), Lifecycle::new(5)];
            let mut expected = [LifecycleCounts::default(); 5];
            let mut active_people = [0; 5];
            for (i, history) in people.iter().enumerate() {
                let active = |interval: usize| history & (1 << interval) != 0;
                let first = (0..9).find(|interval| active(*interval));
                for report in 0..5 {
                    let now = report + 4;
                    let counts = &mut expected[report];
                    active_people[report] += u64::from(active(now));
                    counts.new += u64::from(first == Some(now));
                    counts.returning += u64::from(active(now) && active(now - 1));
                    counts.resurrecting += u64::from(active(now) && !active(now - 1) && first != Some(now));
                    counts.dormant += u64::from(!active(now) && active(now - 1));
                }
                let intervals = (3..9).filter(|interval| active(*interval)).map(|interval| interval - 3);
                parts[usize::from(i < split)].add(intervals, first.and_then(|first| first.checked_sub(3)));
            }
            let [mut whole, other] = parts;
            whole.merge(&other);
            prop_assert_eq!(whole.counts(), &expected[..]);
            prop_assert_eq!(whole.counts().iter().map(LifecycleCounts::active).collect::<Vec<_>>(), &active_people[..]);
        }

        #[test]
        fn stickiness_counts_each_active_person_once(people in prop::collection::vec(0usize..7, 0..20), split in 0usize..20) {
            let mut parts = [Stickiness::new(5), Stickiness::new(5)];
            for (i, intervals) in people.iter().enumerate() {
                parts[usize::from(i < split)].add(*intervals);
            }
            let [mut whole, other] = parts;
            whole.merge(&other);
            for i in 0..5 {
                let exactly = people.iter().filter(|n| (**n).min(5) == i + 1).count() as u64;
                let at_least = people.iter().filter(|n| **n > i).count() as u64;
                prop_assert_eq!((whole.exactly()[i], whole.at_least()[i]), (exactly, at_least));
            }
        }
    }
}
