//! Integrals of smooth functions over an interval: Gauss's and Legendre's rule of ten points (Abramowitz and Stegun, table 25.4) on equal parts.

const NODES: [(f64, f64); 5] = [
    (0.148_874_338_981_631_22, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

/// Where a function is asked between `low` and `high`, cut in `parts`, and the weight of what it says there.
pub(super) fn nodes(low: f64, high: f64, parts: u32) -> impl Iterator<Item = (f64, f64)> {
    let half = (high - low) / f64::from(parts) / 2.0;
    (0..parts).flat_map(move |at| {
        let middle = low + half * (2.0 * f64::from(at) + 1.0);
        NODES.iter().flat_map(move |(node, weight)| {
            [(middle - half * node, half * weight), (middle + half * node, half * weight)]
        })
    })
}

/// The integral from `low` to `high`, in parts no longer than `longest`.
pub(super) fn integral(low: f64, high: f64, longest: f64, function: impl Fn(f64) -> f64) -> f64 {
    let parts = ((high - low) / longest).ceil().clamp(1.0, 200.0);
    nodes(low, high, parts as u32).map(|(at, weight)| weight * function(at)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_exact_and_others_nearly() {
        assert!((integral(-1.0, 2.0, 5.0, |x| x.powi(11)) - 4095.0 / 12.0).abs() < 1e-10);
        assert!((integral(0.0, 3.0, 1.0, f64::exp) - 3f64.exp_m1()).abs() < 1e-13);
    }
}
