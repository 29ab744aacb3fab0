//! Tails and quantiles of the distributions that tests refer to: the normal, Student's t and chi-square.
//!
//! Always holds: tails are computed as tails, never as one minus a distribution function, so that small probabilities keep their digits.

use std::f64::consts::{PI, SQRT_2};

/// Degrees of freedom from which Student's t is expanded about the normal: there the expansions are exact to nine digits or more, and the continued
/// fraction would need ever more terms.
const NEARLY_NORMAL: f64 = 1_000.0;

/// The probability that a standard normal value is above `z`.
pub(crate) fn normal_tail(z: f64) -> f64 {
    libm::erfc(z / SQRT_2) / 2.0
}

/// The value that a standard normal one exceeds with a probability of `tail`, which is between 0 and 1; of none, that of the least there is.
///
/// Starts within 4.5e-4 (Hastings 1955, in Abramowitz and Stegun 26.2.23); three of Newton's steps then reach the last digits.
pub(crate) fn normal_quantile(tail: f64) -> f64 {
    if tail > 0.5 {
        return -normal_quantile(1.0 - tail);
    }
    let tail = tail.max(f64::MIN_POSITIVE);
    let t = (-2.0 * tail.ln()).sqrt();
    let start =
        t - (2.515_517 + t * (0.802_853 + t * 0.010_328)) / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    (0..3).fold(start, |z, _| z + (normal_tail(z) - tail) * (2.0 * PI).sqrt() * (z * z / 2.0).exp())
}

/// The probability that Student's t with `dof` degrees of freedom, of which there may be a fraction, is further from zero than `t`.
pub(crate) fn student_two_sided(t: f64, dof: f64) -> f64 {
    if dof > NEARLY_NORMAL {
        return 2.0 * normal_tail(normal_of_student(t.abs(), dof));
    }
    incomplete_beta(dof / (dof + t * t), dof / 2.0, 0.5)
}

/// What Student's t exceeds in absolute value with a probability of `tails`, which is between 0 and 1.
pub(crate) fn student_quantile(tails: f64, dof: f64) -> f64 {
    let z = normal_quantile(tails / 2.0);
    if dof > NEARLY_NORMAL {
        // The expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5).
        let z2 = z * z;
        let first = z * (z2 + 1.0) / 4.0;
        let second = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
        let third = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
        let fourth = z * ((((79.0 * z2 + 776.0) * z2 + 1_482.0) * z2 - 1_920.0) * z2 - 945.0) / 92_160.0;
        return z + (first + (second + (third + fourth / dof) / dof) / dof) / dof;
    }
    // Newton's steps in logarithms of both, where the tail falls ever faster: after the first step they come from one side.
    let mut t = z.max(1e-12);
    for _ in 0..50 {
        let tail = student_two_sided(t, dof);
        let step = (tail / tails).ln() * tail / (2.0 * t * student_density(t, dof));
        if !step.is_finite() || step.abs() <= 4.0 * f64::EPSILON {
            break;
        }
        t *= step.exp();
    }
    t
}

/// The density of Student's t, for degrees of freedom that are not nearly normal.
fn student_density(t: f64, dof: f64) -> f64 {
    let constant = libm::lgamma((dof + 1.0) / 2.0) - libm::lgamma(dof / 2.0) - (dof * PI).ln() / 2.0;
    (constant - (dof + 1.0) / 2.0 * (t * t / dof).ln_1p()).exp()
}

/// The normal value with the same tail as Student's `t`: Hill's expansion (1970, algorithm 395), which overflows only where the tail is nothing.
fn normal_of_student(t: f64, dof: f64) -> f64 {
    let t = t.min(1e6);
    let a = dof - 0.5;
    let b = 48.0 * a * a;
    let y = a * (t * t / dof).ln_1p();
    let numerator = (((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b);
    ((numerator + y + 3.0) / b + 1.0) * y.sqrt()
}

/// The probability that the sum of squares of `dof` standard normal values is above `statistic`: the recurrence of the incomplete gamma function in
/// steps of two degrees of freedom (Abramowitz and Stegun 26.4.8).
pub(crate) fn chi_square_tail(statistic: f64, dof: u32) -> f64 {
    let half = statistic / 2.0;
    if half <= 0.0 {
        return 1.0;
    }
    let odd = !dof.is_multiple_of(2);
    let (mut tail, mut shape) = if odd { (libm::erfc(half.sqrt()), 0.5) } else { (0.0, 0.0) };
    while shape < f64::from(dof) / 2.0 {
        // As a logarithm: the factors overflow long before the term does.
        tail += (shape * half.ln() - half - libm::lgamma(shape + 1.0)).exp();
        shape += 1.0;
    }
    tail.min(1.0)
}

/// The regularised incomplete beta function by its continued fraction (Lentz's way of 1976, as modified by Thompson and Barnett).
pub(crate) fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x >= 1.0 { 1.0 } else { 0.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let away_from_zero = |it: f64| if it.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { it };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() <= f64::EPSILON * fraction {
            break;
        }
    }
    let front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    front.exp() * fraction / a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 2e-10 * wanted.abs(), "{found} {wanted}");
    }

    /// SciPy 1.17: `norm.isf`, and the table of the NIST/SEMATECH handbook, 1.3.6.7.1, for the first three.
    #[test]
    fn quantiles_of_the_normal() {
        close(normal_quantile(0.025), 1.959_963_984_540_054);
        close(normal_quantile(0.2), 0.841_621_233_572_914_3);
        close(normal_quantile(0.001), 3.090_232_306_167_813);
        close(normal_quantile(1e-10), 6.361_340_902_404_056);
        close(normal_quantile(0.999_999), -4.753_424_308_817_087);
        assert!(normal_quantile(0.5).abs() < 1e-15);
        assert!(normal_quantile(0.0).is_finite());
        close(normal_tail(1.959_963_984_540_054), 0.025);
    }

    /// SciPy 1.17: `2 * t.sf(x, dof)` at 0.3, 1.5, 2.7, 6 and 12, on both sides of where the expansion begins.
    #[test]
    fn tails_of_student() {
        let wanted = [
            (
                1.0,
                [
                    0.814_452_841_844_5,
                    0.374_334_083_622,
                    0.225_812_631_440_7,
                    0.105_136_913_422_5,
                    0.052_929_352_119_18,
                ],
            ),
            (
                2.5,
                [
                    0.787_342_371_495_2,
                    0.247_836_453_086_3,
                    0.089_908_085_886_14,
                    0.015_281_729_885_52,
                    0.002_836_215_030_078,
                ],
            ),
            (
                29.3,
                [
                    0.766_295_290_73,
                    0.144_313_820_894_7,
                    0.011_399_080_147_32,
                    1.529_540_835_508e-6,
                    7.824_368_886_099e-13,
                ],
            ),
            (
                999.0,
                [
                    0.764_239_566_569_8,
                    0.133_930_354_711_3,
                    0.007_051_130_524_238,
                    2.756_269_068_904e-9,
                    4.343_103_907_716e-31,
                ],
            ),
            (
                1_001.0,
                [
                    0.764_239_441_889_3,
                    0.133_929_723_563_9,
                    0.007_050_895_516_001,
                    2.754_471_327_591e-9,
                    4.305_129_005_16e-31,
                ],
            ),
            (
                1e6,
                [
                    0.764_177_217_979,
                    0.133_614_718_236_8,
                    0.006_934_064_232_413,
                    1.973_849_812_354e-9,
                    3.571_685_124_765e-33,
                ],
            ),
        ];
        for (dof, tails) in wanted {
            for (t, tail) in [0.3, 1.5, 2.7, 6.0, 12.0].into_iter().zip(tails) {
                close(student_two_sided(t, dof), tail);
                close(student_two_sided(-t, dof), tail);
            }
        }
    }

    /// SciPy 1.17: `t.isf(tails / 2, dof)`; those of 5 % are in the NIST/SEMATECH handbook, 1.3.6.7.2.
    #[test]
    fn quantiles_of_student() {
        let wanted = [
            (1.0, [12.706_204_736_174_7, 636.619_248_768_72, 63_661_977.236_758_13]),
            (2.5, [3.574_654_842_003_683, 18.277_893_528_130_65, 1_833.097_178_727_529]),
            (29.3, [2.044_320_421_500_14, 3.655_265_694_330_98, 7.884_080_145_333_885]),
            (999.0, [1.962_341_461_134_45, 3.300_292_440_398_736, 5.779_617_250_033_873]),
            (1_001.0, [1.962_336_705_280_88, 3.300_272_876_066_01, 5.779_518_857_085_002]),
            (1e9, [1.959_963_986_912_325, 3.290_526_741_221_626, 5.730_728_916_720_052]),
        ];
        for (dof, quantiles) in wanted {
            for (tails, quantile) in [0.05, 0.001, 1e-8].into_iter().zip(quantiles) {
                close(student_quantile(tails, dof), quantile);
            }
        }
        // With one degree of freedom, the tangent's: half of the values are further from zero than 1.
        close(student_quantile(0.5, 1.0), 1.0);
        assert!(student_quantile(1.0 - f64::EPSILON, 3.0) < 1e-6);
        assert!(student_quantile(1e-300, 1.0).is_finite());
    }

    /// SciPy 1.17: `chi2.sf`.
    #[test]
    fn tails_of_chi_square() {
        close(chi_square_tail(3.3, 1), 0.069_279_883_221_2);
        close(chi_square_tail(3.3, 2), 0.192_049_908_620_75);
        close(chi_square_tail(3.3, 3), 0.347_642_644_732_27);
        close(chi_square_tail(30.0, 5), 1.474_858_103_844_3e-5);
        close(chi_square_tail(12.5, 10), 0.252_985_323_309_3);
        assert_eq!(chi_square_tail(0.0, 4), 1.0);
        assert_eq!(chi_square_tail(1e6, 4), 0.0);
    }
}
