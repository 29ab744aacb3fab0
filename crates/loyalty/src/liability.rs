//! What points are worth in the books: the part of a sale that is put off until they are redeemed (IFRS 15 B39 to B42, ASC 606-10-55-41 to 45), and how many will
//! never be.
//!
//! All amounts are in minor units of one currency, rounded halves up once, at the end. Points not redeemed are *breakage*; how much of it there will be is
//! estimated from vintages (the months in which points were issued) by chain ladder, and the estimate is tried on the past.
//!
//! Always holds: what was put off and what was recognised come to the sale; revenue over all periods comes to what was put off.

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
    if redeemed >= expected { put_off } else { round(put_off as f64 * redeemed as f64 / expected as f64) }
}

fn round(value: f64) -> i64 {
    (value + 0.5).floor() as i64
}

/// Points issued in one month, and how many of them had been redeemed by the end of that month, of the next, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vintage {
    /// How many were issued.
    pub issued: i64,
    /// Redeemed so far by age in months, never falling; the first is the month of issue.
    pub redeemed: Vec<i64>,
}

/// What will become of the points of some vintages.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// How many of each vintage are expected to be redeemed in all.
    pub redeemed: Vec<f64>,
    /// What share of all issued points is expected never to be redeemed.
    pub breakage: f64,
    /// By what the redeemed points grow from one month of age to the next.
    pub factors: Vec<f64>,
}

/// Carries each vintage on to the age of the oldest, by how older ones grew at that age (chain ladder). `None` when no vintage has two months, or nothing was redeemed
/// in the first months of any.
pub fn outlook(vintages: &[Vintage]) -> Option<Outlook> {
    let ages = vintages.iter().map(|vintage| vintage.redeemed.len()).max().filter(|ages| *ages > 1)?;
    let mut factors = Vec::with_capacity(ages - 1);
    for age in 1..ages {
        let seen = vintages.iter().filter(|vintage| vintage.redeemed.len() > age);
        let (before, after) = seen.fold((0, 0), |(before, after), vintage| {
            (before + vintage.redeemed[age - 1], after + vintage.redeemed[age])
        });
        if before == 0 && age == 1 && vintages.iter().all(|vintage| vintage.redeemed.iter().all(|count| *count == 0)) {
            return None;
        }
        factors.push(if before == 0 { 1.0 } else { after as f64 / before as f64 });
    }
    let grown = |vintage: &Vintage| {
        let last = vintage.redeemed.last().copied().unwrap_or(0) as f64;
        let more: f64 = factors.iter().skip(vintage.redeemed.len().saturating_sub(1)).product();
        (last * more).min(vintage.issued as f64)
    };
    let redeemed: Vec<f64> = vintages.iter().map(grown).collect();
    let issued: i64 = vintages.iter().map(|vintage| vintage.issued).sum();
    let breakage = if issued == 0 { 0.0 } else { 1.0 - redeemed.iter().sum::<f64>() / issued as f64 };
    Some(Outlook { redeemed, breakage, factors })
}

/// Tries the outlook on the past: forgets the last `months`, foresees them, and compares. Redeemed points foreseen and found, over all vintages that were there; `None` where
/// too little is left.
pub fn tried(vintages: &[Vintage], months: usize) -> Option<(f64, f64)> {
    let forgets = |vintage: &Vintage| {
        let kept = vintage.redeemed.len().checked_sub(months).filter(|kept| *kept > 0)?;
        Some(Vintage { issued: vintage.issued, redeemed: vintage.redeemed[..kept].to_vec() })
    };
    let known: Vec<Vintage> = vintages.iter().filter_map(forgets).collect();
    let then = outlook(&known)?;
    let found: Vec<&Vintage> = vintages.iter().filter(|vintage| vintage.redeemed.len() > months).collect();
    let mut sums = (0.0, 0.0);
    for (vintage, known) in found.iter().zip(&known) {
        let from = known.redeemed.len() - 1;
        // Only as far as the factors reach: beyond, nobody could know.
        let steps = then.factors.iter().skip(from).take(months);
        let reach = steps.len();
        if reach == 0 {
            continue;
        }
        let foreseen = known.redeemed[from] as f64 * steps.product::<f64>();
        sums = (sums.0 + foreseen.min(vintage.issued as f64), sums.1 + vintage.redeemed[from + reach] as f64);
    }
    Some(sums)
}

/// One month of the books in points: what there was, what came and went, what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Month {
    /// Outstanding at its beginning.
    pub opening: i64,
    /// Issued.
    pub issued: i64,
    /// Redeemed.
    pub redeemed: i64,
    /// Lapsed.
    pub expired: i64,
    /// Put right, up or down.
    pub adjusted: i64,
    /// Outstanding at its end.
    pub closing: i64,
}

/// Months that follow each other, from the movements of each: issued, redeemed, expired, adjusted.
pub fn roll_forward(opening: i64, movements: &[[i64; 4]]) -> Vec<Month> {
    let mut before = opening;
    let month = |[issued, redeemed, expired, adjusted]: &[i64; 4]| {
        let opening = before;
        before = opening + issued - redeemed - expired + adjusted;
        Month { opening, issued: *issued, redeemed: *redeemed, expired: *expired, adjusted: *adjusted, closing: before }
    };
    movements.iter().map(month).collect()
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

    #[test]
    fn vintages_that_grow_alike_are_foreseen() {
        // Each redeems a tenth in its month, then a half more of what it had, then a third more.
        let of = |issued: i64, months: usize| {
            let all = [issued / 10, issued * 3 / 20, issued / 5];
            Vintage { issued, redeemed: all[..months].to_vec() }
        };
        let vintages = [of(1_000, 3), of(2_000, 3), of(4_000, 2), of(8_000, 1)];
        let found = outlook(&vintages).unwrap();
        assert!((found.breakage - 0.8).abs() < 1e-12, "{found:?}");
        let (foreseen, came) = tried(&vintages[..3], 1).unwrap();
        assert!((foreseen - came).abs() < 1e-9 && came > 0.0, "{foreseen} {came}");
        assert_eq!(outlook(&[of(10, 1)]), None);
        assert_eq!(outlook(&[Vintage { issued: 10, redeemed: vec![0, 0] }]), None);
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

        #[test]
        fn what_comes_and_goes_comes_to_what_is_there(opening in 0_i64..1_000, movements in prop::collection::vec(prop::array::uniform4(0_i64..500), 0..20)) {
            let months = roll_forward(opening, &movements);
            let net: i64 = movements.iter().map(|[issued, redeemed, expired, adjusted]| issued - redeemed - expired + adjusted).sum();
            prop_assert_eq!(months.last().map_or(opening, |month| month.closing), opening + net);
            prop_assert!(months.windows(2).all(|pair| pair[0].closing == pair[1].opening));
        }
    }
}
