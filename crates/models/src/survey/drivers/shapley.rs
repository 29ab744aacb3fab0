//! R² of every subset, and what each driver adds on average.

/// A pivot below this is rounding: the driver says nothing that those before it do not.
const NOTHING: f64 = 1e-10;

/// The parts of R² by the drivers of a matrix of correlations whose last row is the score's.
pub(super) fn parts(matrix: &[Vec<f64>]) -> Vec<f64> {
    let drivers = matrix.len() - 1;
    let explained = explained(matrix);
    // A driver that comes after s others does so in s! (k − s − 1)! of k! orders.
    let mut weights = vec![1.0 / drivers as f64; drivers];
    (1..drivers).for_each(|s| weights[s] = weights[s - 1] * s as f64 / (drivers - s) as f64);
    let mut parts = vec![0.0; drivers];
    for (subset, before) in explained.iter().enumerate() {
        let Some(weight) = weights.get(subset.count_ones() as usize) else { continue };
        for (driver, part) in parts.iter_mut().enumerate().filter(|(driver, _)| subset & (1 << driver) == 0) {
            *part += weight * (explained[subset | (1 << driver)] - before);
        }
    }
    parts
}

/// R² of every subset of the drivers, by the bits of its place. Each subset is one elimination step from the one without its last driver, and of that
/// step only later drivers are needed: 2ᵏ steps of a few cells each.
pub(super) fn explained(matrix: &[Vec<f64>]) -> Vec<f64> {
    let drivers = matrix.len() - 1;
    let mut walk = Walk { drivers, explained: vec![0.0; 1 << drivers], left: vec![matrix.to_vec(); drivers + 1] };
    walk.visit(0, 0, 0, 0.0);
    walk.explained
}

struct Walk {
    drivers: usize,
    explained: Vec<f64>,
    /// What is left to explain after so many drivers.
    left: Vec<Vec<Vec<f64>>>,
}

impl Walk {
    fn visit(&mut self, depth: usize, subset: usize, from: usize, so_far: f64) {
        self.explained[subset] = so_far;
        for driver in from..self.drivers {
            let (before, after) = self.left.split_at_mut(depth + 1);
            let (now, next) = (&before[depth], &mut after[0]);
            let own = &now[driver];
            let per = if own[driver] > NOTHING { 1.0 / own[driver] } else { 0.0 };
            let gain = own[self.drivers] * own[self.drivers] * per;
            for row in driver + 1..=self.drivers {
                let factor = own[row] * per;
                for column in row..=self.drivers {
                    next[row][column] = now[row][column] - factor * own[column];
                }
            }
            self.visit(depth + 1, subset | (1 << driver), driver + 1, so_far + gain);
        }
    }
}
