//! How well an order of persons finds those whom a treatment moves: uplift and Qini curves, and how near they come to the perfect one.
//!
//! The conventions are those of scikit-uplift 0.5, with which the numbers agree. Of the first rows of an order let Nt, Nc be the treated and controls and
//! Yt, Yc their outcomes. The Qini curve is Yt − Yc Nt / Nc (Radcliffe 2007, "Using control groups to target on predicted lift"), the uplift curve
//! (Yt / Nt − Yc / Nc)(Nt + Nc); a term whose denominator is 0 is 0. Points are where scores change, straight lines between. A coefficient is the area
//! between curve and straight line to its end, divided by the same area of the perfect curve. Beyond scikit-uplift outcomes may be numbers, and rows have weights.
//!
//! Always holds: an order by chance has a coefficient near 0; scores that are all the same have exactly 0.
//!
//! Does not do: compare coefficients of different measures, or of different data; they are no percentages of anything.

use super::comparison::{Comparison, Response};
use crate::fault::{Fault, none_of};

/// Which curve, and which one is perfect for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The Qini curve; perfect is the order that puts treated with outcomes first and controls with outcomes last, as if the treatment kept some from it.
    Qini,
    /// The Qini curve; perfect is what reaches all of the gain with the fewest treated and stays there, since a treatment harms nobody. Coefficients can be above 1.
    QiniWithoutNegative,
    /// The uplift curve (its coefficient is the normalised AUUC); perfect for classes is: treated with and controls without outcome first, and between those the
    /// order that scikit-uplift takes; for numbers the order of [`Measure::Qini`].
    Uplift,
}

/// A curve over how many rows come first.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Rows, from 0 to all.
    pub rows: Vec<f64>,
    /// The gain among so many: outcomes more than without the treatment.
    pub gain: Vec<f64>,
}

impl Curve {
    /// The area under straight lines.
    pub fn area(&self) -> f64 {
        let points = self.rows.windows(2).zip(self.gain.windows(2));
        points.map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0).sum()
    }

    /// The area above the straight line from the first to the last point.
    pub fn area_over_chance(&self) -> f64 {
        let last = |it: &[f64]| it.last().copied().unwrap_or(0.0);
        self.area() - last(&self.rows) * last(&self.gain) / 2.0
    }
}

impl Measure {
    /// The curve of an order by `scores`, the highest first.
    pub fn curve(self, scores: &[f64], comparison: &Comparison) -> Result<Curve, Fault> {
        let order = ranked(scores, comparison)?;
        let mut curve = Curve { rows: vec![0.0], gain: vec![0.0] };
        let (mut weight, mut sum) = ([0.0; 2], [0.0; 2]);
        for (place, at) in order.iter().enumerate() {
            let arm = usize::from(comparison.treated()[*at]);
            weight[arm] += comparison.weights()[*at];
            sum[arm] += comparison.weights()[*at] * comparison.response().value(*at);
            if order.get(place + 1).is_none_or(|next| scores[*next] != scores[*at]) {
                curve.rows.push(place as f64 + 1.0);
                curve.gain.push(self.gain(place as f64 + 1.0, weight, sum));
            }
        }
        Ok(curve)
    }

    fn gain(self, rows: f64, weight: [f64; 2], sum: [f64; 2]) -> f64 {
        let over = |above: f64, below: f64| if below > 0.0 { above / below } else { 0.0 };
        match self {
            Self::Uplift => (over(sum[1], weight[1]) - over(sum[0], weight[0])) * rows,
            _ => sum[1] - sum[0] * over(weight[1], weight[0]),
        }
    }

    /// The perfect curve of these rows.
    pub fn perfect(self, comparison: &Comparison) -> Result<Curve, Fault> {
        if self == Self::QiniWithoutNegative {
            return self.without_negative(comparison);
        }
        let treated = comparison.treated();
        let scores: Vec<f64> = match (self, comparison.response()) {
            (Self::Uplift, Response::Class(labels)) => {
                let both = || labels.iter().zip(treated);
                let responding_controls = both().filter(|it| *it.0 && !*it.1).count();
                let silent_treated = both().filter(|it| !*it.0 && *it.1).count();
                let second = |(y, t): (&bool, &bool)| if responding_controls > silent_treated { *y } else { *t };
                both().map(|it| f64::from(2 * u8::from(it.0 == it.1) + u8::from(second(it)))).collect()
            }
            (_, response) => {
                let sign = |it: &bool| if *it { 1.0 } else { -1.0 };
                treated.iter().enumerate().map(|(at, it)| sign(it) * response.value(at)).collect()
            }
        };
        self.curve(&scores, comparison)
    }

    /// All of the gain with the largest outcomes of the treated, and nothing after.
    fn without_negative(self, comparison: &Comparison) -> Result<Curve, Fault> {
        let rows = comparison.rows() as f64;
        let all = self.curve(&vec![0.0; comparison.rows()], comparison)?.gain[1];
        let own = |at: usize| comparison.weights()[at] * comparison.response().value(at);
        let mut outcomes: Vec<f64> = comparison.arm(true).into_iter().map(own).filter(|it| *it > 0.0).collect();
        outcomes.sort_unstable_by(|a, b| b.total_cmp(a));
        let mut curve = Curve { rows: vec![0.0], gain: vec![0.0] };
        let mut gained = 0.0;
        for (at, outcome) in outcomes.into_iter().enumerate() {
            if gained >= all {
                break;
            }
            let part = ((all - gained) / outcome).min(1.0);
            gained += part * outcome;
            curve.rows.push(at as f64 + part);
            curve.gain.push(gained);
        }
        curve.rows.push(rows);
        curve.gain.push(all);
        Ok(curve)
    }

    /// The area over chance as a share of the perfect one's. Fails where even the perfect order gains nothing.
    pub fn coefficient(self, scores: &[f64], comparison: &Comparison) -> Result<f64, Fault> {
        let perfect = self.perfect(comparison)?.area_over_chance();
        let found = self.curve(scores, comparison)?.area_over_chance() / perfect;
        if perfect > 0.0 && found.is_finite() {
            Ok(found)
        } else {
            Err(Fault::NotIdentified { why: "how good an order is, since even the perfect one gains nothing" })
        }
    }
}

/// Places by score, the highest first; scores that are the same in the order of the rows.
pub(super) fn ranked(scores: &[f64], comparison: &Comparison) -> Result<Vec<usize>, Fault> {
    if scores.len() != comparison.rows() {
        return Err(Fault::Shape { what: "scores", have: scores.len(), need: comparison.rows() });
    }
    none_of(scores, |it| !it.is_finite(), |row| Fault::NotFinite { row })?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    Ok(order)
}

#[cfg(test)]
mod tests;
