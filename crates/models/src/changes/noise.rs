//! What of a series is noise, and what is the week.

/// The middle value.
pub(super) fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => 0.0,
        _ if n.is_multiple_of(2) => sorted[n / 2 - 1] / 2.0 + sorted[n / 2] / 2.0,
        _ => sorted[n / 2],
    }
}

/// The variance of differences over so many steps. Sizes above three deviations, as far as the middle size tells these (1.4826 times it is a normal's), count
/// as three: so far go changes and odd days. If half of the differences are nothing, all count as they are.
fn differences(values: &[f64], steps: usize) -> f64 {
    let sizes: Vec<f64> = values.windows(steps + 1).map(|it| (it[steps] - it[0]).abs()).collect();
    let most = match 3.0 * 1.482_602_218_505_602 * middle(&sizes) {
        most if most > 0.0 => most,
        _ => f64::INFINITY,
    };
    sizes.iter().map(|it| it.min(most) * it.min(most)).sum::<f64>() / sizes.len().max(1) as f64
}

/// How much a value depends on the one before (as in an autoregression of order one, from 0 to .9), and the variance of the noise widened by it: as many values say
/// as little as fewer independent ones do.
///
/// With dependence ρ differences over one step have the variance 2 σ² (1 − ρ), over two 2 σ² (1 − ρ²), so their ratio is 1 + ρ; a change of level touches one
/// or two of them. The widening is (1 + ρ) / (1 − ρ).
pub(super) fn dependence_and_spread(values: &[f64]) -> (f64, f64) {
    let (one, two) = (differences(values, 1), differences(values, 2));
    let found = if one > 0.0 { two / one - 1.0 } else { 0.0 };
    let dependence = found.clamp(0.0, 0.9);
    (dependence, one / (2.0 * (1.0 - dependence)) * (1.0 + dependence) / (1.0 - dependence))
}

/// The series without what comes again after so many steps (7 for days of the week): each place in the period gives up how far its middle value is from the
/// middle of all. Without at least two periods it is as it was.
pub fn without_season(values: &[f64], period: usize) -> Vec<f64> {
    if period < 2 || values.len() < 2 * period {
        return values.to_vec();
    }
    let all = middle(values);
    let at = |place: usize| values.iter().skip(place).step_by(period).copied().collect::<Vec<f64>>();
    let off: Vec<f64> = (0..period).map(|place| middle(&at(place)) - all).collect();
    values.iter().enumerate().map(|(place, it)| it - off[place % period]).collect()
}
