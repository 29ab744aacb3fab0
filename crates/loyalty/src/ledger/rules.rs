//! Divisions of whole numbers that lose nothing.

/// How many of `earned` points are to be undone in all when `refunded` of `total` was refunded so far: to the nearest point, halves up. When all is
/// refunded, all of them.
pub fn clawed(earned: i64, refunded: i64, total: i64) -> i64 {
    if refunded >= total {
        return earned;
    }
    let (earned, refunded, total) = (i128::from(earned), i128::from(refunded), i128::from(total));
    i64::try_from((2 * earned * refunded + total) / (2 * total)).expect("a part of it is not more than all")
}

/// Divides `amount` among `weights`: each its share rounded down, and what is left over one by one to the first of them (Numscript's allotment). Empty
/// when the weights come to nothing.
pub fn shares(amount: i64, weights: &[u64]) -> Vec<i64> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if all == 0 {
        return Vec::new();
    }
    let part = |weight: &u64| i128::from(amount) * i128::from(*weight) / all;
    let mut shares: Vec<i64> =
        weights.iter().map(|weight| i64::try_from(part(weight)).expect("a part of it is not more than all")).collect();
    let mut left = amount - shares.iter().sum::<i64>();
    for (share, _) in shares.iter_mut().zip(weights).filter(|(_, weight)| **weight > 0) {
        if left == 0 {
            break;
        }
        *share += 1;
        left -= 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numscript's specification: 15 GEM at 80, 8 and 12 % are 13, 1 and 1.
    #[test]
    fn what_is_left_over_goes_to_the_first() {
        assert_eq!(shares(15, &[80, 8, 12]), [13, 1, 1]);
        assert_eq!(shares(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(shares(2, &[0, 1, 1, 1]), [0, 1, 1, 0]);
        assert_eq!(shares(5, &[0, 0]), [] as [i64; 0]);
    }

    #[test]
    fn a_refund_in_parts_comes_to_the_whole() {
        assert_eq!([10, 20, 30].map(|refunded| clawed(10, refunded, 30)), [3, 7, 10]);
        assert_eq!(clawed(1, 1, 2), 1);
        assert_eq!(clawed(i64::MAX, i64::MAX - 1, i64::MAX), i64::MAX - 1);
    }

    proptest! {
        #[test]
        fn shares_lose_nothing_and_are_within_one_of_exact(amount in 0_i64..1_000_000, weights in proptest::collection::vec(0_u64..1_000, 1..8)) {
            let found = shares(amount, &weights);
            let all: u64 = weights.iter().sum();
            prop_assume!(all > 0);
            prop_assert_eq!(found.iter().sum::<i64>(), amount);
            for (share, weight) in found.iter().zip(&weights) {
                let exact = amount as f64 * *weight as f64 / all as f64;
                // One whole point more where the share came out even and something was left over of the others.
                prop_assert!((*share as f64 - exact).abs() <= 1.0, "{} of {}", share, exact);
            }
        }

        #[test]
        fn more_refunded_is_never_less_undone(earned in 0_i64..100_000, total in 1_i64..100_000, parts in proptest::collection::vec(0_i64..100_000, 1..6)) {
            let mut parts: Vec<i64> = parts.into_iter().map(|part| part.min(total)).collect();
            parts.sort();
            let undone: Vec<i64> = parts.iter().map(|part| clawed(earned, *part, total)).collect();
            prop_assert!(undone.is_sorted() && undone.iter().all(|part| (0..=earned).contains(part)));
        }
    }
}
