//! Chance for intervals: samples drawn again from what was sampled (Efron 1979, "Bootstrap methods: another look at the jackknife").
//!
//! Always holds: the same seed gives the same draws on every machine.

/// Draws that follow from a seed: SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed that would go on from here.
    pub(crate) fn state(&self) -> u64 {
        self.0
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `n` places, each alike: the upper half of the product, whose bias of n / 2⁶⁴ no survey can see.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// As many places of `n` as there are, drawn with replacement.
    pub(crate) fn sample(&mut self, n: usize) -> Vec<usize> {
        (0..n).map(|_| self.below(n)).collect()
    }

    /// All places of `n` in an order of chance (Fisher and Yates 1938).
    pub(crate) fn order(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        (1..n).rev().for_each(|last| order.swap(last, self.below(last + 1)));
        order
    }
}

/// The values between which all but `tails` of `drawn` are: the percentile interval. Those that are not a number are left out; `None` without any.
pub(crate) fn between(mut drawn: Vec<f64>, tails: f64) -> Option<(f64, f64)> {
    drawn.retain(|it| it.is_finite());
    drawn.sort_by(f64::total_cmp);
    let last = drawn.len().checked_sub(1)?;
    let cut = (tails / 2.0 * last as f64).floor() as usize;
    Some((drawn[cut], drawn[last - cut]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first values of the reference implementation (Vigna's splitmix64.c) for the seed 1234567.
    #[test]
    fn the_published_sequence() {
        let mut draws = Draws::new(1_234_567);
        let found: Vec<u64> = (0..5).map(|_| draws.next()).collect();
        assert_eq!(
            found,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn draws_are_alike_and_orders_complete() {
        let mut draws = Draws::new(7);
        let mut counts = [0; 5];
        (0..50_000).for_each(|_| counts[draws.below(5)] += 1);
        assert!(counts.iter().all(|it: &i32| (9_600..10_400).contains(it)), "{counts:?}");
        let mut order = draws.order(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_interval_leaves_out_the_tails() {
        let drawn: Vec<f64> = (0..=1_000).map(f64::from).rev().chain([f64::NAN]).collect();
        assert_eq!(between(drawn, 0.05), Some((25.0, 975.0)));
        assert_eq!(between(vec![3.0], 0.05), Some((3.0, 3.0)));
        assert_eq!(between(vec![f64::NAN], 0.05), None);
    }
}
