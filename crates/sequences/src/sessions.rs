//! Sessions: runs of activity without a long pause.
//!
//! Always holds: two neighbouring events are in one session exactly when the time between them is at most the gap. A pause of
//! exactly the gap (30:00) therefore continues the session and one microsecond more begins a new one, as "within 30 minutes"
//! includes the thirtieth minute everywhere in this crate. A session that crosses midnight belongs to the day of its start.
//!
//! Does not do: cap a session's length, or choose what counts as activity (hand in those times only).

/// 30 minutes in microseconds.
pub const DEFAULT_GAP: u64 = 30 * 60 * 1_000_000;

/// One session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Time of its first event.
    pub start: i64,
    /// Time of its last event; equal to `start` for a single event.
    pub end: i64,
    /// Its number of events, at least 1.
    pub events: u32,
}

impl Session {
    /// Microseconds from first to last event.
    pub fn duration(&self) -> u64 {
        self.end.abs_diff(self.start)
    }
}

/// The sessions of ascending times, one after the other.
pub fn sessionize(times: impl IntoIterator<Item = i64>, gap: u64) -> impl Iterator<Item = Session> {
    let mut times = times.into_iter().peekable();
    std::iter::from_fn(move || {
        let start = times.next()?;
        let mut session = Session { start, end: start, events: 1 };
        while let Some(time) = times.next_if(|time| time.abs_diff(session.end) <= gap) {
            session.end = time;
            session.events += 1;
        }
        Some(session)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pause_of_exactly_the_gap_continues() {
        let gap = i64::try_from(DEFAULT_GAP).unwrap();
        let sessions: Vec<_> = sessionize([0, gap, 2 * gap + 1], DEFAULT_GAP).collect();
        assert_eq!(
            sessions,
            [Session { start: 0, end: gap, events: 2 }, Session { start: 2 * gap + 1, end: 2 * gap + 1, events: 1 }]
        );
        assert_eq!(sessionize([], DEFAULT_GAP).count(), 0);
        assert_eq!(sessionize([i64::MIN, i64::MAX], DEFAULT_GAP).count(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// Oracle: two events share a session if a path of pauses of at most the gap joins them (transitive closure).
        #[test]
        fn equals_the_transitive_closure(mut times in prop::collection::vec(0i64..40, 0..10), gap in 0u64..8) {
            times.sort_unstable();
            let n = times.len();
            let mut joined = vec![vec![false; n]; n];
            for i in 0..n {
                for j in 0..n {
                    joined[i][j] = times[i].abs_diff(times[j]) <= gap;
                }
            }
            for via in 0..n {
                for i in 0..n {
                    for j in 0..n {
                        joined[i][j] |= joined[i][via] && joined[via][j];
                    }
                }
            }
            let mut expected = Vec::new();
            for i in 0..n {
                let members: Vec<usize> = (0..n).filter(|j| joined[i][*j]).collect();
                if members[0] == i {
                    let last = members[members.len() - 1];
                    let events = u32::try_from(members.len()).unwrap();
                    expected.push(Session { start: times[i], end: times[last], events });
                }
            }
            let sessions: Vec<_> = sessionize(times.iter().copied(), gap).collect();
            prop_assert_eq!(sessions, expected);
        }
    }
}
