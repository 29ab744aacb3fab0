//! Sliding windows: "at least n events in the last W" as a condition that turns true and false at exact instants.
//!
//! Always holds: at instant T the window is `[T - W, T]`, both ends included, in whole microseconds. So an event counts from its
//! own time on and stops counting one microsecond after its time plus W.
//!
//! Does not do: "fewer than n", which is true wherever "at least n" is not.

/// How many of the ascending times lie in the window that ends at `at`.
pub fn count_in_last(times: &[i64], window: u64, at: i64) -> usize {
    let from = at.saturating_sub_unsigned(window);
    times.partition_point(|time| *time <= at) - times.partition_point(|time| *time < from)
}

/// When "at least `least` events in the last `window`" holds, given ascending times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The instant at which it turns true.
    pub from: i64,
    /// The instant at which it turns false again (the first at which it does not hold). The last instant of time stands for
    /// "never".
    pub until: i64,
}

/// The spans in which at least `least` of the ascending times lie in the last `window`: ascending, without overlap or touch.
/// `least` 0 is taken as 1: a condition that always holds has no instants to tell.
pub fn spans_of_at_least(times: &[i64], least: usize, window: u64) -> impl Iterator<Item = Span> {
    let least = least.max(1);
    // The condition holds from the last of `least` neighbours until the first of them drops out.
    let mut pieces = times
        .windows(least)
        .filter(move |group| group[least - 1].abs_diff(group[0]) <= window)
        .map(move |group| Span {
            from: group[least - 1],
            until: group[0].saturating_add_unsigned(window).saturating_add(1),
        })
        .peekable();
    std::iter::from_fn(move || {
        let mut span = pieces.next()?;
        while let Some(next) = pieces.next_if(|next| next.from <= span.until) {
            span.until = next.until;
        }
        Some(span)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_purchases_in_ten_days() {
        let spans: Vec<_> = spans_of_at_least(&[0, 10, 21, 40], 2, 10).collect();
        assert_eq!(spans, [Span { from: 10, until: 11 }]);
        assert_eq!(spans_of_at_least(&[0, 10], 1, 9).count(), 1, "one drops out at the instant the other comes");
        assert_eq!(spans_of_at_least(&[i64::MAX], 1, 9).next(), Some(Span { from: i64::MAX, until: i64::MAX }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// Oracle: count at every instant.
        #[test]
        fn equals_asking_at_every_instant(
            mut times in prop::collection::vec(0i64..25, 0..9),
            least in 1usize..4,
            window in 0u64..9,
        ) {
            times.sort_unstable();
            let spans: Vec<_> = spans_of_at_least(&times, least, window).collect();
            prop_assert!(spans.windows(2).all(|pair| pair[0].until < pair[1].from));
            for at in -2..40 {
                let count = times.iter().filter(|time| **time <= at && at - **time <= window as i64).count();
                prop_assert_eq!(count_in_last(&times, window, at), count);
                let inside = spans.iter().any(|span| span.from <= at && at < span.until);
                prop_assert_eq!(inside, count >= least, "at {}", at);
            }
        }
    }
}
