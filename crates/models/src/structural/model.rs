//! Which variables there are, which cells of A and S are free, fixed or equal, and what stands in the others.

use super::syntax::{Misread, Modifier, Operator, Reason, Statement, Term, read};

/// How a latent variable gets its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// That of the first column that measures it, whose loading is 1.
    #[default]
    Marker,
    /// Its variance, or what is left over of it, is 1.
    Variance,
}

/// What a relation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The left, a latent variable, is measured by the right.
    Loading,
    /// The left depends on the right.
    Regression,
    /// Left and right go together, in what nothing leads to or is left over.
    Covariance,
    /// The variance of the left, or what is left over of it.
    Variance,
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    Fixed(f64),
    /// The parameter at this place.
    Free(usize),
}

/// A cell of A (from `from` to `to`) or of S (between `to` and `from`).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) kind: Kind,
    pub(super) to: usize,
    pub(super) from: usize,
    pub(super) held: Held,
    pub(super) label: Option<String>,
}

impl Cell {
    /// Left and right, as it is written.
    pub(super) fn sides(&self) -> (usize, usize) {
        if self.kind == Kind::Loading { (self.from, self.to) } else { (self.to, self.from) }
    }

    pub(super) fn directed(&self) -> bool {
        matches!(self.kind, Kind::Loading | Kind::Regression)
    }
}

/// Variables and what is between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Observed variables first, then latent ones.
    pub(super) names: Vec<String>,
    /// Of each observed variable its column.
    pub(super) columns: Vec<usize>,
    pub(super) cells: Vec<Cell>,
    /// How many parameters are free, equal ones counted once.
    pub(super) free: usize,
    pub(super) scale: Scale,
}

impl Model {
    /// The model that `text` says of `columns`. Beyond the text (as in lavaan's `sem`): every variance is free, but that of what alone measures a
    /// latent variable, which is 0; what no path leads to goes together with everything else that none leads to; and so does what is left over of
    /// outcomes that lead nowhere. A `~~` with `0*` says otherwise.
    pub fn read(text: &str, columns: &[&str], scale: Scale) -> Result<Self, Misread> {
        let statements = read(text)?;
        let mut draft = Draft::named(&statements, columns, scale)?;
        for statement in &statements {
            for left in &statement.left {
                for (at, term) in statement.right.iter().enumerate() {
                    draft
                        .say(statement.operator, left, term, at == 0)
                        .map_err(|reason| Misread { line: statement.line, reason })?;
                }
            }
        }
        draft.circles()?;
        draft.defaults();
        Ok(draft.done())
    }

    /// How many variables are observed.
    pub(super) fn observed(&self) -> usize {
        self.columns.len()
    }

    /// The latent variables, in the order in which the text names them.
    pub fn latent(&self) -> &[String] {
        &self.names[self.observed()..]
    }

    /// The columns that are used, as places in what was given, in the order of implied and residual matrices.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// How many parameters are free; equal ones count once. Means are not among them.
    pub fn parameters(&self) -> usize {
        self.free
    }

    /// Variances and covariances less free parameters.
    pub fn degrees_of_freedom(&self) -> i64 {
        let p = self.observed() as i64;
        p * (p + 1) / 2 - self.free as i64
    }

    /// Whether a path leads to it.
    pub(super) fn led_to(&self, variable: usize) -> bool {
        self.cells.iter().any(|it| it.directed() && it.to == variable)
    }

    /// The observed variables that measure a latent one.
    pub(super) fn indicators(&self, latent: usize) -> Vec<usize> {
        let measured = self.cells.iter().filter(|it| it.kind == Kind::Loading && it.from == latent);
        measured.map(|it| it.to).filter(|it| *it < self.observed()).collect()
    }

    /// Whether it measures a latent variable.
    pub(super) fn measures(&self, variable: usize) -> bool {
        self.cells.iter().any(|it| it.kind == Kind::Loading && it.to == variable)
    }
}

/// A model while it is read.
struct Draft {
    names: Vec<String>,
    columns: Vec<usize>,
    cells: Vec<Cell>,
    labels: Vec<String>,
    free: usize,
    scale: Scale,
}

impl Draft {
    fn named(statements: &[Statement], columns: &[&str], scale: Scale) -> Result<Self, Misread> {
        let latent: Vec<(&String, usize)> = statements
            .iter()
            .filter(|it| it.operator == Operator::Measured)
            .flat_map(|it| it.left.iter().map(|left| (left, it.line)))
            .collect();
        let mut draft =
            Self { names: Vec::new(), columns: Vec::new(), cells: Vec::new(), labels: Vec::new(), free: 0, scale };
        for (name, line) in &latent {
            if columns.contains(&name.as_str()) {
                return Err(Misread { line: *line, reason: Reason::Taken((*name).clone()) });
            }
        }
        for statement in statements {
            for name in statement.left.iter().chain(statement.right.iter().map(|it| &it.name)) {
                if draft.names.contains(name) || latent.iter().any(|it| it.0 == name) {
                    continue;
                }
                let column = columns.iter().position(|it| it == name);
                let unknown = || Misread { line: statement.line, reason: Reason::Unknown(name.clone()) };
                draft.columns.push(column.ok_or_else(unknown)?);
                draft.names.push(name.clone());
            }
        }
        for (name, _) in latent {
            if !draft.names.contains(name) {
                draft.names.push(name.clone());
            }
        }
        Ok(draft)
    }

    fn place(&self, name: &str) -> usize {
        self.names.iter().position(|it| it == name).unwrap_or_default()
    }

    fn say(&mut self, operator: Operator, left: &str, term: &Term, first: bool) -> Result<(), Reason> {
        let (left, right) = (self.place(left), self.place(&term.name));
        let said = || format!("What is between {} and {}", self.names[left], self.names[right]);
        let (kind, to, from) = match operator {
            Operator::Measured => (Kind::Loading, right, left),
            Operator::Depends => (Kind::Regression, left, right),
            Operator::Together if left == right => (Kind::Variance, left, right),
            Operator::Together => (Kind::Covariance, left, right),
        };
        if to == from && kind != Kind::Variance {
            return Err(Reason::Itself(self.names[left].clone()));
        }
        let directed = matches!(kind, Kind::Loading | Kind::Regression);
        let same = |it: &Cell| {
            it.directed() == directed
                && ((it.to, it.from) == (to, from) || (!directed && (it.from, it.to) == (to, from)))
        };
        if self.cells.iter().any(same) {
            return Err(Reason::Twice(said()));
        }
        let begun = self.cells.iter().any(|it| it.kind == Kind::Loading && it.from == left);
        let marker = kind == Kind::Loading && first && !begun && self.scale == Scale::Marker;
        match &term.modifier {
            Modifier::None if marker => self.put(kind, to, from, Some(1.0), None),
            Modifier::None | Modifier::Free => self.put(kind, to, from, None, None),
            Modifier::Fixed(value) => self.put(kind, to, from, Some(*value), None),
            Modifier::Label(label) => self.put(kind, to, from, None, Some(label.clone())),
        }
        Ok(())
    }

    fn put(&mut self, kind: Kind, to: usize, from: usize, fixed: Option<f64>, label: Option<String>) {
        let known = label.as_ref().and_then(|label| self.labels.iter().position(|it| it == label));
        let held = match (fixed, known) {
            (Some(value), _) => Held::Fixed(value),
            (None, Some(at)) => Held::Free(at),
            (None, None) => {
                self.labels.push(label.clone().unwrap_or_default());
                self.free += 1;
                Held::Free(self.free - 1)
            }
        };
        self.cells.push(Cell { kind, to, from, held, label });
    }

    /// A latent variable that is measured by what it measures.
    fn circles(&self) -> Result<(), Misread> {
        let loadings: Vec<(usize, usize)> =
            self.cells.iter().filter(|it| it.kind == Kind::Loading).map(|it| (it.from, it.to)).collect();
        for start in self.columns.len()..self.names.len() {
            let mut reached = vec![start];
            let mut at = 0;
            while at < reached.len() {
                let next: Vec<usize> = loadings.iter().filter(|it| it.0 == reached[at]).map(|it| it.1).collect();
                if next.contains(&start) {
                    return Err(Misread { line: 0, reason: Reason::Circle(self.names[start].clone()) });
                }
                reached.extend(next.iter().filter(|it| !reached.contains(it)).copied().collect::<Vec<_>>());
                at += 1;
            }
        }
        Ok(())
    }

    fn defaults(&mut self) {
        let all = 0..self.names.len();
        let observed = self.columns.len();
        let target = |it: &Self, at: usize| it.cells.iter().any(|cell| cell.directed() && cell.to == at);
        let indicator = |it: &Self, at: usize| it.cells.iter().any(|cell| cell.kind == Kind::Loading && cell.to == at);
        let leads = |it: &Self, at: usize| it.cells.iter().any(|cell| cell.kind == Kind::Regression && cell.from == at);
        let first: Vec<usize> = all.clone().filter(|at| !target(self, *at)).collect();
        let last: Vec<usize> =
            all.clone().filter(|at| target(self, *at) && !indicator(self, *at) && !leads(self, *at)).collect();
        for at in all {
            if self.cells.iter().any(|it| it.kind == Kind::Variance && it.to == at) {
                continue;
            }
            let alone = at < observed && self.cells.iter().filter(|it| it.directed() && it.to == at).count() == 1 && {
                let measured = self.cells.iter().find(|it| it.kind == Kind::Loading && it.to == at).map(|it| it.from);
                measured.is_some_and(|latent| {
                    self.cells.iter().filter(|it| it.kind == Kind::Loading && it.from == latent).count() == 1
                })
            };
            let unit = (at >= observed && self.scale == Scale::Variance).then_some(1.0);
            self.put(Kind::Variance, at, at, if alone { Some(0.0) } else { unit }, None);
        }
        for group in [first, last] {
            for (i, a) in group.iter().enumerate() {
                for b in &group[i + 1..] {
                    let said =
                        |it: &Cell| it.kind == Kind::Covariance && [(*a, *b), (*b, *a)].contains(&(it.to, it.from));
                    if !self.cells.iter().any(said) {
                        self.put(Kind::Covariance, *a, *b, None, None);
                    }
                }
            }
        }
    }

    fn done(self) -> Model {
        Model { names: self.names, columns: self.columns, cells: self.cells, free: self.free, scale: self.scale }
    }
}
