//! Whether the questions of a construct belong together, and whether constructs can be told apart.

use super::Fit;

/// How well a construct's questions measure one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// Cronbach's alpha (1951), of standardised questions; from 0.7.
    pub alpha: f64,
    /// Composite reliability (Jöreskog 1971), by the loadings; from 0.7.
    pub composite: f64,
    /// Dijkstra and Henseler's ρA (2015, "Consistent partial least squares path modeling"), by the weights; from 0.7.
    pub rho_a: f64,
    /// The average variance extracted (Fornell and Larcker 1981): the mean squared loading; from 0.5.
    pub variance_extracted: f64,
}

impl Fit {
    /// How well a construct's questions measure it; `None` of one with a single question.
    pub fn reliability(&self, construct: usize) -> Option<Reliability> {
        let places = &self.constructs.get(construct)?.indicators;
        let k = places.len() as f64;
        let pairs = || {
            places.iter().enumerate().flat_map(|(i, _)| (0..places.len()).filter(move |j| *j != i).map(move |j| (i, j)))
        };
        if places.len() < 2 {
            return None;
        }
        let r = |(i, j): (usize, usize)| self.questions[places[i]][places[j]];
        let between: f64 = pairs().map(r).sum();
        let loadings: Vec<f64> = places.iter().map(|at| self.loadings[*at][construct]).collect();
        let (sum, squares) = (loadings.iter().sum::<f64>(), loadings.iter().map(|it| it * it).sum::<f64>());
        let w = &self.weights[construct];
        let length: f64 = w.iter().map(|it| it * it).sum();
        let off: f64 = pairs().map(|(i, j)| w[i] * w[j] * r((i, j))).sum();
        let own: f64 = pairs().map(|(i, j)| (w[i] * w[j]).powi(2)).sum();
        Some(Reliability {
            alpha: k / (k - 1.0) * between / (k + between),
            composite: sum * sum / (sum * sum + k - squares),
            rho_a: length * length * off / own,
            variance_extracted: squares / k,
        })
    }

    /// How far two constructs can be told apart (Henseler, Ringle and Sarstedt 2015, "A new criterion for assessing discriminant validity"): the mean
    /// correlation of their questions with each other's, over the geometric mean of those with their own, in absolute values; below 0.85 or 0.9.
    /// `None` where a construct's questions do not go together at all.
    pub fn heterotrait_monotrait(&self, one: usize, other: usize) -> Option<f64> {
        let (these, those) = (&self.constructs.get(one)?.indicators, &self.constructs.get(other)?.indicators);
        let mean = |these: &[usize], those: &[usize]| {
            let pairs = these.iter().flat_map(|i| those.iter().map(move |j| (*i, *j))).filter(|(i, j)| i != j);
            let (sum, n) = pairs.fold((0.0, 0.0), |(sum, n), (i, j)| (sum + self.questions[i][j].abs(), n + 1.0));
            // A single question goes with itself.
            if n > 0.0 { sum / n } else { 1.0 }
        };
        let own = (mean(these, these) * mean(those, those)).sqrt();
        (own > 0.0).then(|| mean(these, those) / own)
    }
}
