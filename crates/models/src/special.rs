//! Special functions that the models of buying stand on: the logarithm of the beta function and the derivatives of that of the gamma function, Gauss's
//! hypergeometric function and Tricomi's.
//!
//! Always holds: what can overflow is given as its logarithm; in the ranges stated, values are within 1e-11 of high-precision ones, relative to the
//! function (or, where a logarithm is given, absolute in it unless it is large). Outside of those ranges the result is not a number, never a panic.

mod hypergeometric;
mod tricomi;

use std::f64::consts::PI;

pub(crate) use hypergeometric::One;
pub use hypergeometric::ln_hypergeometric;
pub use tricomi::ln_tricomi;

/// The logarithm of the gamma function, of a positive argument.
pub fn ln_gamma(x: f64) -> f64 {
    if x > 0.0 { libm::lgamma(x) } else { f64::NAN }
}

/// The logarithm of the beta function, of positive arguments.
///
/// Where one of them is large, the logarithms of gamma functions nearly cancel: then by what Stirling's formula leaves over (as in DiDonato and Morris
/// 1992, algorithm 708).
pub fn ln_beta(a: f64, b: f64) -> f64 {
    if !(a > 0.0 && b > 0.0) {
        return f64::NAN;
    }
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if large < 10.0 {
        return libm::lgamma(small) + libm::lgamma(large) - libm::lgamma(small + large);
    }
    let both = small + large;
    let rest = left_over(large) - left_over(both);
    if small < 10.0 {
        return libm::lgamma(small) + rest + small - small * both.ln() + (large - 0.5) * (-small / both).ln_1p();
    }
    let ratio = (small / both).ln();
    rest + left_over(small) + (2.0 * PI).sqrt().ln() - 0.5 * large.ln()
        + (small - 0.5) * ratio
        + large * (-small / both).ln_1p()
}

/// What Stirling's formula leaves over of the logarithm of the gamma function, from 10 on (Abramowitz and Stegun 6.1.41).
fn left_over(x: f64) -> f64 {
    const TERMS: [f64; 7] =
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1_260.0, -1.0 / 1_680.0, 1.0 / 1_188.0, -691.0 / 360_360.0, 1.0 / 156.0];
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    inverse * TERMS.iter().rev().fold(0.0, |sum, term| sum * square + term)
}

/// The derivative of the logarithm of the gamma function (digamma), of a positive argument: the recurrence up to 10, then the asymptotic series
/// (Abramowitz and Stegun 6.3.5 and 6.3.18).
pub fn digamma(x: f64) -> f64 {
    const TERMS: [f64; 7] =
        [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32_760.0, 1.0 / 12.0];
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    let (mut at, mut sum) = (x, 0.0);
    while at < 10.0 {
        sum -= 1.0 / at;
        at += 1.0;
    }
    let square = 1.0 / (at * at);
    sum + at.ln() - 0.5 / at - square * TERMS.iter().rev().fold(0.0, |series, term| series * square + term)
}

/// The second derivative of the logarithm of the gamma function (trigamma), of a positive argument (Abramowitz and Stegun 6.4.6 and 6.4.12).
pub fn trigamma(x: f64) -> f64 {
    const TERMS: [f64; 7] = [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2_730.0, 7.0 / 6.0];
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    let (mut at, mut sum) = (x, 0.0);
    while at < 10.0 {
        sum += 1.0 / (at * at);
        at += 1.0;
    }
    let inverse = 1.0 / at;
    let square = inverse * inverse;
    let series = TERMS.iter().rev().fold(0.0, |series, term| series * square + term);
    sum + inverse + 0.5 * square + inverse * square * series
}

#[cfg(test)]
mod tests;
