//! Where a condition begins to hold, for what has no formula of its own.

/// The least positive number at which `holds`, which holds of every larger one too: doubles from `start`, then halves between. `None` when it holds
/// of no number below 1e18 times `start`.
pub(crate) fn least(start: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (0.0, start);
    for _ in 0..60 {
        if holds(high) {
            break;
        }
        (low, high) = (high, high * 2.0);
    }
    if !holds(high) {
        return None;
    }
    while high - low > 2.0 * f64::EPSILON * high {
        let middle = low + (high - low) / 2.0;
        if holds(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_number_is_found_or_there_is_none() {
        let root = least(1.0, |it| it * it >= 2.0).unwrap();
        assert!((root - std::f64::consts::SQRT_2).abs() < 1e-15);
        assert!((least(1.0, |it| it >= 1e-9).unwrap() - 1e-9).abs() < 1e-24);
        assert!((least(1.0, |it| it >= 1e9).unwrap() - 1e9).abs() < 1e-6);
        assert_eq!(least(1.0, |_| false), None);
    }
}
