//! What a variable does to another along all paths.

use super::fit::Fit;

/// From one variable to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// From where.
    pub from: String,
    /// To where.
    pub to: String,
    /// Along the path between them, if there is one.
    pub direct: f64,
    /// Along all paths, (I − A)⁻¹ − I.
    pub total: f64,
    /// The same in standard deviations of both.
    pub standardised: f64,
}

impl Fit {
    /// All effects between variables that measure nothing, those that paths join. What an effect is along others is total less direct.
    pub fn effects(&self) -> Vec<Effect> {
        let (model, m) = (&self.model, self.model.names.len());
        let apart: Vec<usize> = (0..m).filter(|at| !model.measures(*at)).collect();
        let mut reached = vec![false; m * m];
        model.cells.iter().filter(|it| it.directed()).for_each(|it| reached[it.from * m + it.to] = true);
        for through in 0..m {
            for at in 0..m * m {
                reached[at] |= reached[at / m * m + through] && reached[through * m + at % m];
            }
        }
        let mut found = Vec::new();
        for from in &apart {
            for to in apart.iter().filter(|to| *to != from) {
                let total = self.state.total[to * m + from];
                let path = model.cells.iter().find(|it| it.directed() && (it.to, it.from) == (*to, *from));
                let direct = path.map_or(0.0, |it| super::likelihood::held(it, &self.parameters));
                if !reached[from * m + to] {
                    continue;
                }
                let scale = (self.between(*from, *from) / self.between(*to, *to)).sqrt();
                let standardised = if scale.is_finite() { total * scale } else { 0.0 };
                let (from, to) = (model.names[*from].clone(), model.names[*to].clone());
                found.push(Effect { from, to, direct, total, standardised });
            }
        }
        found
    }
}
