//! A file on the command line as checked columns: which column is meant, what it holds, and what is wrong with it, told in lines of the file.
//!
//! Always holds: a column that was guessed is told; a row that cannot be read stops the command or, where that was asked for, is left out and counted.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use anyhow::{Result, bail};
use rapport_imports::columns::{Numbers, TextTable, Times, Written, moment};
use rapport_imports::values::date::DateStyle;
use rapport_imports::{Field, Layout};
use rapport_models::Fault;

/// Which file, and how it is read.
#[derive(clap::Args, Debug)]
pub struct Input {
    /// CSV in any dialect, JSON Lines or Parquet; plain, gzip or zstd.
    pub file: PathBuf,
    /// Leaves rows out that cannot be read, and says how many; otherwise the first kind of them stops the command.
    #[arg(long)]
    pub skip_bad: bool,
    /// How dates are written; found from all of them unless said.
    #[arg(long, value_enum)]
    pub dates: Option<Dates>,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Writes the single rows of the result, mostly one a customer, to a file: .csv, .jsonl or .parquet.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How dates are written.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum Dates {
    /// 2026-12-31.
    Ymd,
    /// 31.12.2026.
    Dmy,
    /// 12/31/2026.
    Mdy,
    /// 20261231.
    Compact,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Millis,
    /// A plain number of days.
    Days,
}

impl Dates {
    fn written(self) -> Written {
        match self {
            Self::Ymd => Written::Dates(DateStyle::YearMonthDay),
            Self::Dmy => Written::Dates(DateStyle::DayMonthYear),
            Self::Mdy => Written::Dates(DateStyle::MonthDayYear),
            Self::Compact => Written::Dates(DateStyle::Compact),
            Self::Seconds => Written::Dates(DateStyle::EpochSeconds),
            Self::Millis => Written::Dates(DateStyle::EpochMillis),
            Self::Days => Written::Days,
        }
    }
}

/// What a column must hold in every row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need {
    /// Something that is not blank.
    Text,
    /// A number.
    Number,
    /// A number of at least 0.
    NotNegative,
    /// A number on a scale, from its lower end to its upper one.
    Between(f64, f64),
    /// A date or time.
    Time,
    /// Something that is in no other row.
    Unique,
}

/// A file that was read.
pub struct Data {
    /// Its cells.
    pub table: TextTable,
    /// What was guessed, left out or is worth knowing.
    pub notes: Vec<String>,
    skip: bool,
    dates: Option<Written>,
}

impl Data {
    /// Reads the file.
    pub fn open(input: &Input) -> Result<Self> {
        let table = TextTable::read(&input.file)?;
        let mut data = Self { table, notes: Vec::new(), skip: input.skip_bad, dates: input.dates.map(Dates::written) };
        if let Some(first) = data.table.bad.first() {
            let lines: Vec<u64> = data.table.bad.iter().map(|it| it.line).collect();
            let told = format!("{} of {} cannot be read ({})", data.numbered(&lines), data.table.name, first.message);
            if !data.skip {
                bail!("{told}; mend the file, or leave such rows out with --skip-bad");
            }
            data.notes.push(format!("{told} and left out."));
        }
        if data.table.rows() == 0 {
            bail!("{} has names of columns and no row; export it again", data.table.name);
        }
        if data.table.repaired > 0 {
            let note = format!("{} rows are not UTF-8 and were read as windows-1252.", data.table.repaired);
            data.notes.push(note);
        }
        Ok(data)
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.table.rows()
    }

    /// Whether rows that cannot be read are left out.
    pub fn skips(&self) -> bool {
        self.skip
    }

    /// The name of a column.
    pub fn name(&self, place: usize) -> &str {
        &self.table.names()[place]
    }

    /// The column that a flag names.
    pub fn named(&self, flag: &str, name: &str) -> Result<usize> {
        match self.table.place(name) {
            Some(place) => Ok(place),
            None => bail!(
                "{} has no column {name} (--{flag}); it has {}",
                self.table.name,
                self.table.names().iter().take(40).cloned().collect::<Vec<_>>().join(", ")
            ),
        }
    }

    /// The column of a flag that may be left out.
    pub fn optional(&self, flag: &str, name: Option<&String>) -> Result<Option<usize>> {
        name.map(|it| self.named(flag, it)).transpose()
    }

    /// The columns that a flag names, between commas.
    pub fn several(&self, flag: &str, names: &[String]) -> Result<Vec<usize>> {
        names.iter().map(|it| self.named(flag, it)).collect()
    }

    /// The column for a flag: the one named, or the first that is called like it, which is told. `None` where neither is there.
    pub fn find(
        &mut self,
        flag: &str,
        given: Option<&String>,
        field: Option<Field>,
        words: &[&str],
    ) -> Result<Option<usize>> {
        if let Some(name) = given {
            return self.named(flag, name).map(Some);
        }
        let found = words.iter().find_map(|it| self.table.place(it)).or_else(|| self.table.named(field?));
        if let Some(place) = found {
            self.notes.push(format!("Taken for --{flag}: the column {}.", self.name(place)));
        }
        Ok(found)
    }

    /// The same, where there must be one.
    pub fn column(
        &mut self,
        flag: &str,
        given: Option<&String>,
        field: Option<Field>,
        words: &[&str],
    ) -> Result<usize> {
        match self.find(flag, given, field, words)? {
            Some(place) => Ok(place),
            None => bail!(
                "say which column to take with --{flag}; {} has {}",
                self.table.name,
                self.table.names().iter().take(40).cloned().collect::<Vec<_>>().join(", ")
            ),
        }
    }

    /// Sees to it that these columns hold what is needed in every row, or says in one sentence which lines do not.
    pub fn require(&mut self, needs: &[(usize, Need)]) -> Result<()> {
        let mut out = vec![false; self.rows()];
        let mut told = Vec::new();
        for (place, need) in needs {
            for (rows, what) in self.wrong(*place, *need) {
                let fresh: Vec<usize> = rows.into_iter().filter(|row| !out[*row]).collect();
                if fresh.is_empty() {
                    continue;
                }
                told.push(format!("{}: {} {what}", self.lines(&fresh), self.name(*place)));
                fresh.iter().for_each(|row| out[*row] = true);
            }
        }
        if told.is_empty() {
            return Ok(());
        }
        if !self.skip {
            bail!("{}; mend the file, or leave such rows out with --skip-bad", told.join("; "));
        }
        let kept: Vec<usize> = (0..out.len()).filter(|row| !out[*row]).collect();
        let note = format!("Left out {} of {} rows. {}.", out.len() - kept.len(), out.len(), told.join("; "));
        self.notes.push(note);
        if kept.is_empty() {
            bail!("no row of {} is left. {}", self.table.name, told.join("; "));
        }
        self.table = self.table.kept(&kept);
        Ok(())
    }

    /// Rows that do not hold what is needed, by what is wrong with them.
    fn wrong(&self, place: usize, need: Need) -> Vec<(Vec<usize>, &'static str)> {
        let column = self.table.column(place);
        match need {
            Need::Text => {
                let blank = column.ids().iter().enumerate().filter(|it| it.1.is_none()).map(|it| it.0).collect();
                vec![(blank, "is not given")]
            }
            Need::Number | Need::NotNegative | Need::Between(..) => {
                let Numbers { values, blank, bad, absurd } = column.numbers();
                let rows = |is_wrong: &dyn Fn(f64) -> bool| {
                    values.iter().enumerate().filter(|it| is_wrong(*it.1)).map(|it| it.0).collect::<Vec<usize>>()
                };
                let outside = match need {
                    Need::NotNegative => (rows(&|it| it < 0.0), "is below zero"),
                    Need::Between(low, high) => (rows(&|it| it < low || it > high), "is outside of its scale"),
                    _ => (Vec::new(), ""),
                };
                vec![(blank, "is not given"), (bad, "is no number"), (absurd, "is infinite or beyond 10^15"), outside]
            }
            Need::Time => {
                let times = column.times(self.dates);
                vec![(times.blank, "is not given"), (times.bad, "is no date")]
            }
            Need::Unique => {
                let (mut seen, mut again, mut blank) = (HashMap::new(), Vec::new(), Vec::new());
                for (row, id) in column.ids().into_iter().enumerate() {
                    match id {
                        None => blank.push(row),
                        Some(id) if seen.insert(id, row).is_some() => again.push(row),
                        Some(_) => {}
                    }
                }
                vec![(blank, "is not given"), (again, "is there more than once")]
            }
        }
    }

    /// A column's numbers, once they were required.
    pub fn numbers(&self, place: usize) -> Vec<f64> {
        self.table.column(place).numbers().values
    }

    /// A column's numbers as counts, once they were required not to be below zero; what is no whole number, or above `most`, is told.
    pub fn counts(&self, place: usize, most: f64) -> Result<Vec<u64>> {
        let numbers = self.numbers(place);
        let odd: Vec<usize> =
            (0..numbers.len()).filter(|row| numbers[*row] != numbers[*row].trunc() || numbers[*row] > most).collect();
        if !odd.is_empty() {
            let limit = if most < 1e15 { format!(" of at most {most}") } else { String::new() };
            bail!("{}: {} is no whole number{limit}", self.lines(&odd), self.name(place));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and not below zero")]
        let found = numbers.into_iter().map(|it| it as u64).collect();
        Ok(found)
    }

    /// A column of which every cell says yes or no.
    pub fn yes_or_no(&self, place: usize) -> Result<Vec<bool>> {
        let told: Vec<Option<bool>> = self.texts(place).iter().map(|it| yes(it)).collect();
        let odd: Vec<usize> = (0..told.len()).filter(|row| told[*row].is_none()).collect();
        if !odd.is_empty() {
            bail!("{}: {} is neither yes nor no (1 or 0, true or false)", self.lines(&odd), self.name(place));
        }
        Ok(told.into_iter().flatten().collect())
    }

    /// A column's times in days, once they were required; what of them is not certain is told.
    pub fn times(&mut self, place: usize) -> Times {
        let times = self.table.column(place).times(self.dates);
        if times.ambiguous {
            let note = format!("{} is read as day/month/year; --dates mdy reads month/day/year.", self.name(place));
            self.notes.push(note);
        }
        times
    }

    /// A column's texts.
    pub fn texts(&self, place: usize) -> Vec<String> {
        self.table.column(place).ids().into_iter().map(|it| it.unwrap_or_default().to_owned()).collect()
    }

    /// What rows are called: by the ids in a column, or by their lines.
    pub fn called(&self, ids: Option<usize>) -> Vec<String> {
        match ids {
            Some(place) => self.texts(place),
            None => self.table.lines.iter().map(|line| format!("line {line}")).collect(),
        }
    }

    /// A column's texts as places in the list of those that are different, in their order of appearance.
    pub fn codes(&self, place: usize) -> (Vec<u32>, Vec<String>) {
        let (mut known, mut names, mut codes) = (HashMap::new(), Vec::new(), Vec::with_capacity(self.rows()));
        for id in self.table.column(place).ids() {
            let id = id.unwrap_or_default();
            let code = *known.entry(id).or_insert_with(|| {
                names.push(id.to_owned());
                names.len() as u32 - 1
            });
            codes.push(code);
        }
        (codes, names)
    }

    /// How often each text is in a column, but for blank ones.
    pub fn counted(&self, place: usize) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for id in self.table.column(place).ids().into_iter().flatten() {
            *counts.entry(id.to_owned()).or_default() += 1;
        }
        counts
    }

    /// Rows as lines of the file: "Lines 2, 5 and 7".
    pub fn lines(&self, rows: &[usize]) -> String {
        self.numbered(&rows.iter().filter_map(|row| self.table.lines.get(*row).copied()).collect::<Vec<_>>())
    }

    fn numbered(&self, lines: &[u64]) -> String {
        /// So many are named; the others are counted.
        const NAMED: usize = 5;
        let what = if self.table.format.layout == Layout::Parquet { "Row" } else { "Line" };
        let named: Vec<String> = lines.iter().take(NAMED).map(u64::to_string).collect();
        match lines.len() {
            1 => format!("{what} {}", named[0]),
            n if n > NAMED => format!("{what}s {} and {} more", named.join(", "), n - NAMED),
            _ => format!("{what}s {}", named.join(", ")),
        }
    }

    /// A fault of a model whose rows are those of the file and whose columns these, as a sentence about the file.
    pub fn fault(&self, fault: &Fault, columns: &[usize]) -> anyhow::Error {
        let (row, what) = match fault {
            Fault::NotFinite { row } => (row, "a value is infinite or not a number"),
            Fault::Negative { row } => (row, "a value is not above zero"),
            Fault::OutOfOrder { row } => (row, "times are out of order"),
            Fault::Duplicated { row } => (row, "it is there more than once"),
            Fault::Missing { row } => (row, "a value is not given"),
            Fault::Constant { column } if *column < columns.len() => {
                return anyhow::anyhow!("The column {} is the same in all rows.", self.name(columns[*column]));
            }
            other => return anyhow::anyhow!("{other}"),
        };
        anyhow::anyhow!("{}: {what}.", self.lines(row))
    }
}

/// Whether a text says yes or no; `None` for others.
fn yes(text: &str) -> Option<bool> {
    match text.parse::<f64>() {
        Ok(1.0) => Some(true),
        Ok(0.0) => Some(false),
        Ok(_) => None,
        Err(_) => rapport_imports::values::boolean(text),
    }
}

/// A time given on the command line, in the style of a column.
pub fn day(flag: &str, text: &str, times: &Times) -> Result<f64> {
    match moment(text, times.written) {
        Some(day) => Ok(day),
        None => bail!("--{flag} {text} is no day; write it as 2026-12-31, or as the file does"),
    }
}

/// A length of time such as 90d, 12w or 1y, in days; a number alone is days.
pub fn span(text: &str) -> Result<f64, String> {
    let (number, days) = match text.trim().char_indices().last() {
        Some((at, 'd')) => (&text[..at], 1.0),
        Some((at, 'w')) => (&text[..at], 7.0),
        Some((at, 'y')) => (&text[..at], 365.25),
        _ => (text, 1.0),
    };
    let found = number.trim().parse::<f64>().map(|it| it * days);
    let found = found.ok().filter(|it| *it > 0.0 && *it <= 1e6);
    found.ok_or_else(|| "write a time such as 90d, 12w or 1y".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        assert_eq!((span("90d"), span("2w"), span("30")), (Ok(90.0), Ok(14.0), Ok(30.0)));
        for wrong in ["", "d", "-1d", "soon", "1e9y", "NaN", "inf"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
