//! What points are worth in the books: the part of a sale that is put off until they are redeemed (IFRS 15 B39 to B42, ASC 606-10-55-41 to 45), and how many will
//! never be.
//!
//! All amounts are in one unit of one currency, rounded halves up once, at the end. Points not redeemed are *breakage*; how much of it there will be is
//! estimated from vintages (the months in which points were issued) by chain ladder ([`ladder`]), and the estimate is tried on the past. [`books`] says month by month what was put off
//! and what was earned.
//!
//! Always holds: what was put off and what was recognised come to the sale; revenue over all periods comes to what was put off.

pub mod books;
pub mod ladder;

/// What of a sale belongs to the points that came with it: the sale, divided by what goods and points would cost alone.
///
/// `goods` is what the goods cost alone, `points` how many came with them, `point_value` what one is worth in minor units when it is redeemed, and `redeemed_share` how many
/// of them will be, from 0 to 1.
pub fn put_off(sale: i64, goods: i64, points: i64, point_value: f64, redeemed_share: f64) -> i64 {
    let alone = points as f64 * point_value * redeemed_share;
    let all = goods as f64 + alone;
    if all <= 0.0 { 0 } else { round(sale as f64 * alone / all) }
}

/// How much of what was put off has been earned by now: by the points redeemed so far, of those that are expected to be redeemed in all.
pub fn earned(put_off: i64, redeemed: i64, expected: i64) -> i64 {
    if redeemed >= expected || expected <= 0 {
        return put_off;
    }
    let (product, expected) = (i128::from(put_off) * i128::from(redeemed), i128::from(expected));
    i64::try_from((2 * product + expected).div_euclid(2 * expected)).unwrap_or(put_off)
}

fn round(value: f64) -> i64 {
    (value + 0.5).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// IFRS 15, Example 52 (IE267 to IE270): goods for 100,000 with 10,000 points, of which 95 % will be redeemed, one worth 1.
    #[test]
    fn the_standards_own_example() {
        let put_off = put_off(100_000, 100_000, 10_000, 1.0, 0.95);
        assert_eq!(put_off, 8_676);
        let first = earned(put_off, 4_500, 9_500);
        assert_eq!(first, 4_110);
        // By the second year 8,500 of 9,700 that are expected then.
        assert_eq!(earned(put_off, 8_500, 9_700) - first, 3_493);
        assert_eq!(earned(put_off, 9_700, 9_700), put_off);
    }

    /// KPMG, Revenue: IFRS 15 handbook, Examples 10A and 10B, which round the share to 9 %: 9,000 put off of 100,000.
    #[test]
    fn the_handbooks_examples() {
        let exact = put_off(100_000, 100_000, 10_000, 1.0, 0.97);
        assert_eq!((exact as f64 / 1_000.0).round(), 9.0);
        let second = earned(9_000, 4_500, 9_700);
        assert_eq!(second, 4_175);
        assert_eq!(earned(9_000, 8_500, 9_900) - second, 3_552);
        assert_eq!(earned(9_000, 8_500, 9_200) - second, 4_140);
    }

    proptest! {
        /// Whatever is expected in between, revenue comes to what was put off; and nobody redeems more than was issued.
        #[test]
        fn revenue_comes_to_what_was_put_off(sale in 0_i64..1_000_000, points in 0_i64..100_000, share in 0.0_f64..1.0, years in prop::collection::vec((0_i64..1_000, 1_i64..9_000), 1..6)) {
            let off = put_off(sale, sale, points, 1.0, share);
            prop_assert!((0..=sale).contains(&off));
            let (mut redeemed, mut before, mut revenue) = (0, 0, 0);
            for (more, expected) in years {
                redeemed += more;
                let now = earned(off, redeemed, expected.max(redeemed));
                revenue += now - before;
                before = now;
            }
            revenue += earned(off, redeemed, redeemed) - before;
            prop_assert_eq!(revenue, off);
        }
    }
}
