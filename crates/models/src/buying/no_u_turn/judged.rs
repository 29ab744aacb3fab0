//! What the draws of chains are worth, and whether the chains agree.

/// How many independent draws chains are worth: pairs of correlations are summed as long as they are above zero and fall.
pub(super) fn effective(chains: &[Vec<f64>]) -> f64 {
    let n = chains[0].len();
    let means: Vec<f64> = chains.iter().map(|it| it.iter().sum::<f64>() / n as f64).collect();
    let within = |lag: usize| -> f64 {
        let one = |(chain, mean): (&Vec<f64>, &f64)| {
            (0..n - lag).map(|at| (chain[at] - mean) * (chain[at + lag] - mean)).sum::<f64>() / n as f64
        };
        chains.iter().zip(&means).map(one).sum::<f64>() / chains.len() as f64
    };
    let all = means.iter().sum::<f64>() / means.len() as f64;
    let between = means.iter().map(|it| (it - all).powi(2)).sum::<f64>() / (means.len() as f64 - 1.0).max(1.0);
    let inside = within(0) * n as f64 / (n as f64 - 1.0);
    let variance = within(0) + between;
    let total = (chains.len() * n) as f64;
    if variance.is_nan() || variance <= 0.0 {
        return 0.0;
    }
    let correlation = |lag: usize| 1.0 - (inside - within(lag)) / variance;
    let (mut sum, mut before) = (0.0, f64::INFINITY);
    for pair in 0..n / 2 {
        let both = (if pair == 0 { 1.0 } else { correlation(2 * pair) }) + correlation(2 * pair + 1);
        if both <= 0.0 {
            break;
        }
        before = both.min(before);
        sum += before;
    }
    // More than the draws themselves only by antithetic ones, of which no more is made than this.
    (total / (2.0 * sum - 1.0).max(0.25)).min(4.0 * total)
}

/// By how much halves of chains differ: 1 if not at all.
pub(super) fn disagreement(chains: &[Vec<f64>]) -> f64 {
    let half = chains[0].len() / 2;
    let halves: Vec<&[f64]> = chains.iter().flat_map(|it| [&it[..half], &it[it.len() - half..]]).collect();
    let mean = |it: &[f64]| it.iter().sum::<f64>() / it.len() as f64;
    let means: Vec<f64> = halves.iter().map(|it| mean(it)).collect();
    let n = half as f64;
    let spread = |(it, mean): (&&[f64], &f64)| it.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let within = halves.iter().zip(&means).map(spread).sum::<f64>() / halves.len() as f64;
    let all = mean(&means);
    let between = means.iter().map(|it| (it - all).powi(2)).sum::<f64>() / (means.len() as f64 - 1.0);
    ((within * (n - 1.0) / n + between) / within).sqrt()
}
