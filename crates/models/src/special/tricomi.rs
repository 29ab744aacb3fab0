//! Tricomi's confluent hypergeometric function U, by its integral (Abramowitz and Stegun 13.2.5).
//!
//! Always holds: the integrand is positive; over the logarithm of its variable it is analytic and falls on both sides, where the trapezoidal rule
//! converges faster than any power of its step (Trefethen and Weideman 2014).

/// The logarithm of U(a, b, z), for positive `a` and `z` and any `b`.
pub fn ln_tricomi(a: f64, b: f64, z: f64) -> f64 {
    if !(a > 0.0 && z > 0.0 && b.is_finite() && a.is_finite() && z.is_finite()) {
        return f64::NAN;
    }
    // The integrand over v = ln t: exp(a v + (b − a − 1) ln(1 + eᵛ) − z eᵛ).
    let log = |v: f64| a * v + (b - a - 1.0) * v.exp().ln_1p() - z * v.exp();
    // Its top is where a + (b − a − 1) t / (1 + t) = z t.
    let half = (z - b + 1.0) / 2.0;
    let root = (half * half + a * z).sqrt();
    let top = if half > 0.0 { a / (half + root) } else { (root - half) / z };
    if !(top > 0.0 && top.is_finite()) {
        return f64::NAN;
    }
    let (middle, height) = (top.ln(), log(top.ln()));
    // As narrow as it is at the top, if that is narrower than what the rule needs at most.
    let part = top / (1.0 + top);
    let curvature = z * top - (b - a - 1.0) * part / (1.0 + top);
    let step = (0.25 / curvature.max(1e-9).sqrt()).min(0.2);
    let mut sum = 1.0;
    for side in [step, -step] {
        for n in 1..200_000 {
            let value = (log(middle + side * f64::from(n)) - height).exp();
            sum += value;
            if value < 1e-18 * sum {
                break;
            }
        }
    }
    height + (sum * step).ln() - libm::lgamma(a)
}
