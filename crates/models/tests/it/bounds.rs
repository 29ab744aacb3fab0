//! How often something may happen by chance.

/// Between which counts of `n` at probability `p` all but 1 in 1,000 are.
pub fn binomial_bounds(n: usize, p: f64) -> (usize, usize) {
    let log = |k: usize| {
        let choose: f64 = (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum();
        choose + k as f64 * p.ln() + (n - k) as f64 * (1.0 - p).ln()
    };
    let mass: Vec<f64> = (0..=n).map(|k| log(k).exp()).collect();
    let reached = |mut order: Box<dyn Iterator<Item = usize>>| {
        let mut sum = 0.0;
        order.find(|k| {
            sum += mass[*k];
            sum > 0.0005
        })
    };
    (reached(Box::new(0..=n)).unwrap(), reached(Box::new((0..=n).rev())).unwrap())
}
