//! What may have followed somebody's last purchase: the next was not due yet, or it was but they had left.
//!
//! Their rate to buy has a gamma distribution (`shape`, `scale`) after what they did, so the time u of the next purchase has a beta distribution of the second kind
//! of z = k u / scale. Integrals are taken over the logarithm of time; below where they begin, by the first two terms of the series.

use super::super::quadrature::nodes;
use crate::distributions::incomplete_beta;
use crate::special::{digamma, ln_beta};

/// Somebody of the regularity `k` at their last purchase.
pub(super) struct Late {
    pub(super) k: f64,
    pub(super) shape: f64,
    pub(super) scale: f64,
    /// Of the distribution of rates to leave.
    pub(super) s: f64,
    /// The scale of their rate to leave.
    pub(super) leaving: f64,
}

/// How far below the usual times integrals begin, as a logarithm, at most: further below, series do.
const LONGEST: f64 = 8.0;

/// Why nothing was seen.
pub(super) struct Seen {
    /// The probability that the next purchase is not due yet.
    pub(super) undue: f64,
    /// That it was due, but they had left.
    pub(super) due: f64,
    /// The derivatives of both together by r, alpha, s and beta.
    pub(super) slopes: [f64; 4],
}

impl Late {
    /// The logarithm of what the density of the time of the next purchase begins with.
    pub(super) fn front(&self) -> f64 {
        -ln_beta(self.shape, self.k)
    }

    /// The probability that the next purchase is not due after so long.
    pub(super) fn undue(&self, since: f64) -> f64 {
        incomplete_beta(self.scale / (self.scale + self.k * since), self.shape, self.k)
    }

    /// Nothing for so long.
    pub(super) fn seen(&self, since: f64) -> Seen {
        let (k, shape, scale, s) = (self.k, self.shape, self.scale, self.s);
        if since <= 0.0 {
            return Seen { undue: 1.0, due: 0.0, slopes: [0.0; 4] };
        }
        let front = self.front();
        let of_shape = digamma(shape) - digamma(shape + k);
        let high = since.ln();
        let low = self.floor().min(high - LONGEST.min(32.0 / (k + 1.0)));
        let parts = ((high - low) * (k + 1.0).sqrt() / 3.5).ceil().clamp(1.0, 60.0);
        let mut sums = self.below(low, front, of_shape);
        for (w, weight) in nodes(low, high, parts as u32) {
            let u = w.exp();
            let z = k * u / scale;
            let ln_1z = z.ln_1p();
            // The density of the time of the next purchase, times u for the logarithm.
            let density = weight * (front + k * z.ln() - (shape + k) * ln_1z).exp();
            let longer = (u / self.leaving).ln_1p();
            let left = -(-s * longer).exp_m1();
            let stays = 1.0 - left;
            let by_shape = density * (-of_shape - ln_1z);
            sums[0] += density * left;
            // What is due later is 1 but what is due before, so its derivative is the other's with its sign turned.
            sums[1] -= by_shape * stays;
            sums[2] += density * left * (-k + (shape + k) * z / (1.0 + z)) / scale;
            sums[3] += density * stays * longer;
            sums[4] -= density * stays * s * u / (self.leaving * (self.leaving + u));
        }
        let end = scale / (scale + k * since);
        let at_end = if end < 1.0 {
            (shape * end.ln() + k * (k * since / scale).ln() + k * end.ln() + front).exp() / scale
        } else {
            0.0
        };
        Seen { undue: self.undue(since), due: sums[0], slopes: [sums[1], sums[2] + at_end, sums[3], sums[4]] }
    }

    /// The logarithm of the time below which next to nothing happens, or everything goes by powers of time: density falls towards nothing with the power k,
    /// and like a normal density's within some standard deviations of 1 / √k of its peak.
    pub(super) fn floor(&self) -> f64 {
        let usual = (self.scale / (self.shape + self.k)).min(self.leaving / (self.s + 1.0)).ln();
        usual - (32.0 / self.k + 8.0 / self.k.sqrt()).min(LONGEST)
    }

    /// The integrals up to exp(low), where z, and u against the scale of leaving, are small.
    fn below(&self, low: f64, front: f64, of_shape: f64) -> [f64; 5] {
        let (k, s, u) = (self.k, self.s, low.exp());
        let z = k * u / self.scale;
        let (all, own) = ((self.shape + k) * z, u / self.leaving);
        let density = (front + k * z.ln()).exp();
        let (first, second) = (1.0 / (k + 1.0), 1.0 / (k + 2.0));
        let left = all + (s + 1.0) / 2.0 * own;
        let by_shape_left = s * own * (-of_shape * first + (of_shape * left - z) * second);
        let by_shape = -of_shape / k + (of_shape * all - z) * first;
        [
            s * own * (first - left * second),
            by_shape_left - by_shape,
            s * own / self.scale * (-k * first + (all + k * left) * second),
            own * (first - (all + (0.5 + s) * own) * second),
            -s * own / self.leaving * (first - (all + (1.0 + s) * own) * second),
        ]
        .map(|it| density * it)
    }
}
