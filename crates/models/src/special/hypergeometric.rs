//! Gauss's hypergeometric function 2F1, for positive parameters and arguments from 0 up to, but not at, 1.
//!
//! Always holds: only positive terms are summed, so that nothing cancels. Negative arguments are not offered: Pfaff's transform brings them here.

/// The most terms of a series.
const MOST: u32 = 1_000_000;
/// The most steps of the continued fraction: all digits up to an argument of 1 − 10⁻⁷, and fewer beyond.
const STEPS: u32 = 30_000;

/// The logarithm of 2F1(a, b; c; z), for positive `a`, `b`, `c` and 0 ≤ z < 1.
///
/// Where it would grow without bounds at 1 and both `c − a` and `c − b` are positive, by Euler's transform (Abramowitz and Stegun 15.3.3), whose series
/// falls sooner. Scaled as it goes, so that it does not overflow.
pub fn ln_hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && c > 0.0 && (0.0..1.0).contains(&z)) {
        return f64::NAN;
    }
    let left = c - a - b;
    if left < 0.0 && c > a && c > b {
        return left * (-z).ln_1p() + series(c - a, c - b, c, z);
    }
    series(a, b, c, z)
}

/// The logarithm of the series.
fn series(a: f64, b: f64, c: f64, z: f64) -> f64 {
    const SCALE: f64 = 1e250;
    let (mut term, mut sum, mut scaled) = (1.0, 1.0, 0.0);
    for step in 0..MOST {
        let n = f64::from(step);
        let ratio = (a + n) / (c + n) * (b + n) / (1.0 + n) * z;
        term *= ratio;
        sum += term;
        if sum > SCALE {
            (term, sum, scaled) = (term / SCALE, sum / SCALE, scaled + SCALE.ln());
        }
        // What is left is below a geometric series once the ratios fall below one.
        if ratio < 1.0 && term * ratio <= 1e-17 * sum * (1.0 - ratio.max(z)) {
            return sum.ln() + scaled;
        }
    }
    f64::NAN
}

/// 2F1(a, 1; c; z) with its derivatives: for positive `a` and `c`, 0 ≤ z < 1. With c > a it is an incomplete beta function but for a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct One {
    pub(crate) value: f64,
    /// With respect to the first parameter.
    pub(crate) by_a: f64,
    /// With respect to the third parameter.
    pub(crate) by_c: f64,
    /// With respect to the argument.
    pub(crate) by_z: f64,
}

impl One {
    pub(crate) fn at(a: f64, c: f64, z: f64) -> Self {
        if z <= 0.5 { Self::by_series(a, c, z) } else { Self::by_fraction(a, c, z) }
    }

    fn by_series(a: f64, c: f64, z: f64) -> Self {
        let mut one = Self { value: 1.0, by_a: 0.0, by_c: 0.0, by_z: 0.0 };
        // The term of zⁿ, the logarithmic derivatives of its coefficient, and the term of zⁿ⁻¹ in the derivative.
        let (mut term, mut of_a, mut of_c, mut power) = (1.0, 0.0, 0.0, 1.0);
        for step in 0..MOST {
            let n = f64::from(step);
            let by = 1.0 / ((a + n) * (c + n));
            of_a += by * (c + n);
            of_c -= by * (a + n);
            let coefficient = (a + n) * (a + n) * by;
            term *= coefficient * z;
            power *= coefficient;
            one.value += term;
            one.by_a += term * of_a;
            one.by_c += term * of_c;
            one.by_z += (n + 1.0) * power;
            power *= z;
            if term * (1.0 + n) < 1e-17 * one.value {
                break;
            }
        }
        one
    }

    /// Gauss's continued fraction (DLMF 15.7.1), from its head (Steed), with derivatives along.
    fn by_fraction(a: f64, c: f64, z: f64) -> Self {
        // The fraction is f = 1 / (1 − u₁z / (1 − u₂z / …)), with the parameter above lowered by one.
        let low = c - 1.0;
        let one = Dual { value: 1.0, a: 0.0, c: 0.0 };
        let (mut d, mut delta, mut f) = (one, one, one);
        for step in 1..STEPS {
            let n = f64::from(step / 2);
            let u = if step % 2 == 1 {
                // (a + n)(c' + n) / ((c' + 2n)(c' + 2n + 1)).
                let of_c = 1.0 / (low + n) - 1.0 / (low + 2.0 * n) - 1.0 / (low + 2.0 * n + 1.0);
                Dual::of((a + n) * (low + n) / ((low + 2.0 * n) * (low + 2.0 * n + 1.0)), 1.0 / (a + n), of_c)
            } else {
                // n(c' − a + n) / ((c' + 2n − 1)(c' + 2n)).
                let value = n / ((low + 2.0 * n - 1.0) * (low + 2.0 * n));
                let top = low - a + n;
                let of_c = -1.0 / (low + 2.0 * n - 1.0) - 1.0 / (low + 2.0 * n);
                Dual { value: value * top, a: -value, c: value + value * top * of_c }
            };
            // Steed: d = 1 / (1 − u z d), the convergents' differences δ = δ (d − 1).
            d = one.less(u.times(d).by(z)).inverse();
            delta = delta.times(d.less(one));
            f = f.plus(delta);
            if delta.size() <= 1e-17 * f.size() {
                break;
            }
        }
        let by_z = (low - (low - a * z) * f.value) / (z * (1.0 - z));
        Self { value: f.value, by_a: f.a, by_c: f.c, by_z }
    }
}

/// A number with its derivatives with respect to two parameters.
#[derive(Clone, Copy)]
struct Dual {
    value: f64,
    a: f64,
    c: f64,
}

impl Dual {
    /// By its logarithmic derivatives.
    fn of(value: f64, a: f64, c: f64) -> Self {
        Self { value, a: value * a, c: value * c }
    }

    fn plus(self, it: Self) -> Self {
        Self { value: self.value + it.value, a: self.a + it.a, c: self.c + it.c }
    }

    fn less(self, it: Self) -> Self {
        self.plus(it.by(-1.0))
    }

    fn by(self, factor: f64) -> Self {
        Self { value: self.value * factor, a: self.a * factor, c: self.c * factor }
    }

    fn times(self, it: Self) -> Self {
        Self {
            value: self.value * it.value,
            a: self.a * it.value + self.value * it.a,
            c: self.c * it.value + self.value * it.c,
        }
    }

    fn inverse(self) -> Self {
        let value = 1.0 / self.value;
        let slope = -value * value;
        Self { value, a: slope * self.a, c: slope * self.c }
    }

    fn size(self) -> f64 {
        self.value.abs() + self.a.abs() + self.c.abs()
    }
}
