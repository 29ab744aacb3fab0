//! What a model found, shown as tables and pictures, as one JSON object, and as a file of rows.
//!
//! Always holds: the JSON has `model`, `parameters`, `log_likelihood` and `metrics`, and holds no number that is none; every result says how sure it is and what it
//! cannot say; nothing but the result goes to standard output.

use std::io::Write as _;

use anyhow::{Context, Result, bail};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ColumnConstraint, Table, TableComponent, Width};
use rapport_imports::written::{self, Column, Form};
use rapport_models::Estimate;
use serde_json::{Map, Value, json};

use super::input::{Data, Input};

/// A result.
#[derive(Default)]
pub struct Report {
    /// What was fitted.
    pub model: String,
    /// The logarithm of how likely the data are, where there is one.
    pub log_likelihood: Option<f64>,
    /// Between which numbers 19 of 20 such totals are, and the like: in a line or two.
    pub sure: String,
    /// What must not be read into it, in a line or two.
    pub cannot: String,
    /// Single rows of the result, for `--out`.
    pub rows: Vec<Column>,
    parameters: Vec<Figure>,
    metrics: Vec<Figure>,
    parts: Vec<String>,
    more: Map<String, Value>,
}

/// A number with its name, and how sure it is.
struct Figure {
    name: String,
    value: Option<f64>,
    estimate: Option<Estimate>,
}

impl Report {
    /// Of a model.
    pub fn new(model: &str) -> Self {
        Self { model: model.to_owned(), ..Self::default() }
    }

    /// A parameter with its standard error and interval.
    pub fn parameter(&mut self, name: &str, estimate: Estimate) {
        self.parameters.push(Figure { name: name.to_owned(), value: Some(estimate.value), estimate: Some(estimate) });
    }

    /// A parameter without.
    pub fn plain_parameter(&mut self, name: &str, value: f64) {
        self.parameters.push(Figure { name: name.to_owned(), value: Some(value), estimate: None });
    }

    /// A measure.
    pub fn metric(&mut self, name: &str, value: impl Into<Option<f64>>) {
        self.metrics.push(Figure { name: name.to_owned(), value: value.into(), estimate: None });
    }

    /// A measure with its interval.
    pub fn metric_between(&mut self, name: &str, estimate: Estimate) {
        self.metrics.push(Figure { name: name.to_owned(), value: Some(estimate.value), estimate: Some(estimate) });
    }

    /// A table, shown under its title, and in the JSON as objects under `key`.
    pub fn table(&mut self, key: &str, title: &str, header: &[&str], rows: Vec<Vec<Cell>>) {
        let object = |row: &Vec<Cell>| {
            let own = header.iter().zip(row).map(|(name, cell)| (words(name), cell.json()));
            Value::Object(own.collect())
        };
        self.more.insert(key.to_owned(), rows.iter().map(object).collect());
        /// More rows are in the JSON and the file.
        const SHOWN: usize = 25;
        let shown: Vec<Vec<String>> = rows.iter().take(SHOWN).map(|row| row.iter().map(Cell::text).collect()).collect();
        let right: Vec<bool> =
            (0..header.len()).map(|at| rows.iter().all(|row| !matches!(row[at], Cell::Text(_)))).collect();
        let mut part = format!("{title}\n{}\n", table(header, &shown, &right));
        if rows.len() > SHOWN {
            part += &format!("  … and {} more\n", rows.len() - SHOWN);
        }
        self.parts.push(part);
    }

    /// A picture or text under a title.
    pub fn part(&mut self, title: &str, text: &str) {
        if !text.is_empty() {
            self.parts.push(format!("{title}\n{text}"));
        }
    }

    /// Something that only the JSON holds.
    pub fn hold(&mut self, key: &str, value: Value) {
        self.more.insert(key.to_owned(), value);
    }

    /// Parameters by name.
    pub fn parameters_json(&self) -> Value {
        figures(&self.parameters)
    }

    /// Measures by name.
    pub fn metrics_json(&self) -> Value {
        figures(&self.metrics)
    }

    /// Shows the result as was asked, and writes its rows.
    pub fn show(&self, input: &Input, data: &Data) -> Result<()> {
        let form = input.out.as_ref().map(|path| match Form::of(path) {
            _ if self.rows.is_empty() => bail!("this result has no single rows to write with --out"),
            Some(form) => Ok((path, form)),
            None => bail!("--out {}: the ending must be .csv, .jsonl or .parquet", path.display()),
        });
        if let Some((path, form)) = form.transpose()? {
            written::write(path, form, &self.rows).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let text = if input.json { format!("{}\n", self.json(data)) } else { self.text(input, data) };
        match std::io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever reads may have seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    fn json(&self, data: &Data) -> Value {
        let mut object = self.more.clone();
        object.insert("model".to_owned(), self.model.clone().into());
        object.insert("parameters".to_owned(), self.parameters_json());
        object.insert("log_likelihood".to_owned(), number(self.log_likelihood));
        object.insert("metrics".to_owned(), self.metrics_json());
        let between = json!({"parameters": intervals(&self.parameters), "metrics": intervals(&self.metrics)});
        object.insert("intervals".to_owned(), between);
        let table = &data.table;
        let about = json!({"file": table.name, "rows": table.rows(), "columns": table.names(), "fingerprint": table.fingerprint});
        object.insert("data".to_owned(), about);
        object.insert("notes".to_owned(), data.notes.clone().into());
        object.insert("how_sure".to_owned(), self.sure.clone().into());
        object.insert("cannot_say".to_owned(), self.cannot.clone().into());
        Value::Object(object)
    }

    fn text(&self, input: &Input, data: &Data) -> String {
        let mut out = format!("{}, {} rows of {}\n", self.model, data.rows(), data.table.name);
        if let Some(likelihood) = self.log_likelihood {
            out += &format!("Log-likelihood {likelihood:.4}\n");
        }
        for (title, figures) in [("Parameters", &self.parameters), ("Measures", &self.metrics)] {
            if !figures.is_empty() {
                out += &format!("\n{title}\n{}\n", figure_table(figures));
            }
        }
        for part in &self.parts {
            out += &format!("\n{part}");
        }
        if let Some(path) = &input.out {
            out += &format!("\nRows written to {}\n", path.display());
        }
        if !data.notes.is_empty() {
            out.push('\n');
        }
        data.notes.iter().for_each(|note| out += &format!("  {note}\n"));
        out += &format!("\nHow sure is this: {}\nWhat this cannot say: {}\n", self.sure, self.cannot);
        out
    }
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub enum Cell {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// A whole number.
    Whole(u64),
    /// A share, shown in per cent.
    Share(f64),
    /// Nothing.
    None,
}

impl Cell {
    /// A number that may not be there.
    pub fn maybe(value: Option<f64>) -> Self {
        value.map_or(Self::None, Self::Number)
    }

    /// A text.
    pub fn text_of(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Number(value) | Self::Share(value) => number(Some(*value)),
            Self::Whole(value) => (*value).into(),
            Self::None => Value::Null,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value) => figure(*value),
            Self::Whole(value) => value.to_string(),
            Self::Share(value) if value.is_finite() => percent(*value),
            Self::Share(_) | Self::None => "–".to_owned(),
        }
    }
}

/// A share in per cent.
pub fn percent(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

/// A number as people read it: four digits behind the point at most, more only for small ones.
pub fn figure(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => "–".to_owned(),
        _ if value == value.trunc() && size < 1e15 => format!("{value:.0}"),
        _ if size >= 1e3 => format!("{value:.1}"),
        _ if size >= 10.0 => format!("{value:.3}"),
        _ if size >= 1e-3 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

/// A number in JSON; what is none is null.
pub fn number(value: Option<f64>) -> Value {
    value.filter(|it| it.is_finite()).map_or(Value::Null, Value::from)
}

/// A name as a key: "Mean value" is mean_value.
pub fn words(name: &str) -> String {
    let key: String = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    key.split('_').filter(|it| !it.is_empty()).collect::<Vec<_>>().join("_")
}

fn figures(figures: &[Figure]) -> Value {
    Value::Object(figures.iter().map(|it| (it.name.clone(), number(it.value))).collect())
}

fn intervals(figures: &[Figure]) -> Value {
    let one = |it: &Figure| {
        let own = it.estimate?;
        let error = number(own.standard_error);
        let (low, high) = (number(Some(own.low)), number(Some(own.high)));
        Some((it.name.clone(), json!({"standard_error": error, "low": low, "high": high})))
    };
    Value::Object(figures.iter().filter_map(one).collect())
}

fn figure_table(figures: &[Figure]) -> Table {
    let any = figures.iter().any(|it| it.estimate.is_some());
    let row = |it: &Figure| {
        let mut cells = vec![it.name.replace('_', " "), it.value.map_or_else(|| "–".to_owned(), figure)];
        if any {
            let error = it.estimate.and_then(|it| it.standard_error);
            cells.push(error.map_or_else(String::new, figure));
            cells.push(it.estimate.map_or_else(String::new, |it| format!("{} – {}", figure(it.low), figure(it.high))));
        }
        cells
    };
    let header = ["", "Value", "Standard error", "95 % between"];
    let width = if any { 4 } else { 2 };
    let rows: Vec<Vec<String>> = figures.iter().map(row).collect();
    table(&header[..width], &rows, &[false, true, true, true][..width])
}

/// Letters of a column; a longer text goes on in the next line, so that a sentence does not push the figures beside it off the screen.
const WIDEST: u16 = 64;

fn table(header: &[&str], rows: &[Vec<String>], right: &[bool]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(header);
    // Lines between rows would make long tables twice as long.
    for line in [
        TableComponent::HorizontalLines,
        TableComponent::MiddleIntersections,
        TableComponent::LeftBorderIntersections,
        TableComponent::RightBorderIntersections,
    ] {
        table.remove_style(line);
    }
    rows.iter().for_each(|row| {
        table.add_row(row);
    });
    for (column, right) in table.column_iter_mut().zip(right) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(WIDEST)));
        if *right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_go_on_in_the_next_line() {
        let reason = "not compared: ".to_owned() + &"a reason ".repeat(20);
        let shown = table(&["Model", "Score"], &[vec![reason, "-1.5".to_owned()]], &[false, true]).to_string();
        assert!(shown.lines().all(|it| it.chars().count() <= usize::from(WIDEST) + 10), "{shown}");
        assert_eq!(shown.matches("reason").count(), 20);
    }

    #[test]
    fn numbers_are_short_and_never_none() {
        let shown = [f64::NAN, 12.0, 1_234.56, 12.3456, 0.1, 1e-7, -0.5].map(figure);
        assert_eq!(shown, ["–", "12", "1234.6", "12.346", "0.1000", "1.00e-7", "-0.5000"]);
        assert_eq!((number(Some(f64::INFINITY)), number(Some(1.5))), (Value::Null, json!(1.5)));
        assert_eq!(words("Mean value (95 %)"), "mean_value_95");
        assert_eq!(Cell::Share(0.25).text(), "25.0 %");
    }
}
