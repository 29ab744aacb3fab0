//! Rows as a series: a row a step, or rows added up.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_imports::columns::Written;
use rapport_models::Fault;
use rapport_models::forecast::{Gaps, Series};

use super::calendar::Unit;
use super::{ForecastArgs, GapsOf};
use crate::cli::models::input::{Data, Need};

/// A series and what is known beside it.
pub struct Known {
    pub series: Series,
    /// What a step is.
    pub unit: Unit,
    /// The step of the last value.
    last: i64,
    /// Of each factor its name and column.
    pub names: Vec<String>,
    places: Vec<usize>,
    /// Their values at the steps of the series.
    pub factors: Vec<Vec<f64>>,
    /// And after it, as far as rows say.
    ahead: Vec<Vec<f64>>,
}

/// Reads what the flags name.
pub fn read(args: &ForecastArgs, data: &mut Data) -> Result<Known> {
    if let Some(unit) = args.per {
        return added(args, data, unit);
    }
    let date = match &args.date {
        Some(name) => Some(data.named("date", name)?),
        None => data.find("date", None, Some(Field::Date), &["day", "week", "month"])?,
    };
    let words = ["value", "values", "sales", "revenue", "orders", "amount", "y", "count"];
    let value = data.column("value", args.value.as_ref(), None, &words)?;
    let places = data.several("factors", &args.factors)?;
    let mut needs: Vec<(usize, Need)> = places.iter().map(|it| (*it, Need::Number)).collect();
    needs.extend(date.map(|it| (it, Need::Time)));
    // Rows whose value is blank at the end say what factors are ahead.
    let foretells = !places.is_empty() && blank_at_the_end(data, value) > 0;
    if !foretells {
        needs.push((value, Need::Number));
    }
    data.require(&needs)?;
    let ahead = if foretells { blank_at_the_end(data, value) } else { 0 };
    let values = data.numbers(value);
    let known = values.len() - ahead;
    let lacking: Vec<usize> = (0..known).filter(|row| values[*row].is_nan()).collect();
    if !lacking.is_empty() {
        bail!(
            "{}: {} is not given, or is no number within 10^15; only rows after the last value may be blank",
            data.lines(&lacking),
            data.name(value)
        );
    }
    let (unit, steps) = steps(data, date)?;
    let season = args.season.unwrap_or(unit.season());
    let gaps = if args.gaps == GapsOf::Zero { Gaps::Zero } else { Gaps::Refused };
    if gaps == Gaps::Zero && !places.is_empty() {
        bail!("--gaps zero does not go with --factors: nobody says what they were where there is no row");
    }
    // Of the steps ahead only the order matters.
    Series::dated(&steps, &vec![0.0; steps.len()], 1, gaps).map_err(|fault| told(data, &fault))?;
    let series = Series::dated(&steps[..known], &values[..known], season, gaps).map_err(|fault| told(data, &fault))?;
    varied(data, &values[..known])?;
    let column = |place: &usize| data.numbers(*place);
    let all: Vec<Vec<f64>> = places.iter().map(column).collect();
    Ok(Known {
        series,
        unit,
        last: steps[known - 1],
        names: places.iter().map(|it| data.name(*it).to_owned()).collect(),
        factors: all.iter().map(|it| it[..known].to_vec()).collect(),
        ahead: all.iter().map(|it| it[known..].to_vec()).collect(),
        places,
    })
}

/// How many rows at the end have no value.
fn blank_at_the_end(data: &Data, value: usize) -> usize {
    let blank = data.table.column(value).numbers().blank;
    blank.iter().rev().zip((0..data.rows()).rev()).take_while(|(blank, row)| **blank == *row).count()
}

/// Sees to it that values are not all the same.
fn varied(data: &Data, values: &[f64]) -> Result<()> {
    if values.iter().all(|it| *it == values[0]) {
        bail!("the values of {} are all the same, so nothing can be foretold", data.table.name);
    }
    Ok(())
}

/// The step of each row.
fn steps(data: &mut Data, date: Option<usize>) -> Result<(Unit, Vec<i64>)> {
    let Some(place) = date else {
        return Ok((Unit::Step, (1..=data.rows() as i64).collect()));
    };
    let times = data.times(place);
    let days = &times.days;
    let wrong: Vec<usize> = (1..days.len()).filter(|row| days[*row] < days[*row - 1]).collect();
    if !wrong.is_empty() {
        bail!(
            "{}: {} is before that of the row above; sort the file, or add rows up with --per",
            data.lines(&wrong),
            data.name(place)
        );
    }
    let unit = if times.written == Written::Days { Unit::Step } else { Unit::between(days) };
    let steps: Vec<i64> = days.iter().map(|it| unit.step(*it)).collect();
    let again: Vec<usize> = (1..steps.len()).filter(|row| steps[*row] == steps[*row - 1]).collect();
    if !again.is_empty() {
        bail!(
            "{}: {} is there more than once; add rows up with --per day, week or month",
            data.lines(&again),
            data.name(place)
        );
    }
    data.notes.push(format!("Steps are {}.", unit.plural()));
    Ok((unit, steps))
}

/// A fault of steps and values.
fn told(data: &Data, fault: &Fault) -> anyhow::Error {
    match fault {
        Fault::Missing { row } => anyhow::anyhow!(
            "{}: steps are missing before it; mend the file, or say --gaps zero if nothing happened in them",
            data.lines(row)
        ),
        other => data.fault(other, &[]),
    }
}

/// Rows added up by time; a first or last step that rows do not reach the ends of is left out.
fn added(args: &ForecastArgs, data: &mut Data, unit: Unit) -> Result<Known> {
    let date = data.column("date", args.date.as_ref(), Some(Field::Date), &[])?;
    let value = data.optional("value", args.value.as_ref())?;
    let mut needs = vec![(date, Need::Time)];
    needs.extend(value.map(|it| (it, Need::Number)));
    data.require(&needs)?;
    let times = data.times(date);
    if times.written == Written::Days {
        bail!("{} holds plain numbers, not dates; leave --per out", data.name(date));
    }
    let values = value.map(|it| data.numbers(it));
    let mut sums = BTreeMap::<i64, f64>::new();
    for (row, day) in times.days.iter().enumerate() {
        *sums.entry(unit.step(*day)).or_default() += values.as_ref().map_or(1.0, |it| it[row]);
    }
    let (low, high) = times.days.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(*it), b.max(*it)));
    if let Some((first, _)) = sums.first_key_value().filter(|it| (unit.begins(*it.0) as f64) < low.floor()) {
        data.notes.push(format!("The first of the {} is not whole and is left out.", unit.plural()));
        let first = *first;
        sums.remove(&first);
    }
    if let Some((last, _)) = sums.last_key_value().filter(|it| (unit.begins(*it.0 + 1) as f64) > high.floor() + 1.0) {
        data.notes.push(format!("The last of the {} is not over and is left out.", unit.plural()));
        let last = *last;
        sums.remove(&last);
    }
    let Some((last, _)) = sums.last_key_value().map(|it| (*it.0, *it.1)) else {
        bail!("{} has no whole {} to learn from", data.table.name, unit.plural());
    };
    let (steps, sums): (Vec<i64>, Vec<f64>) = sums.into_iter().unzip();
    varied(data, &sums)?;
    let season = args.season.unwrap_or(unit.season());
    let fault = |fault: Fault| anyhow::anyhow!("{fault}");
    let series = Series::dated(&steps, &sums, season, Gaps::Zero).map_err(fault)?;
    Ok(Known { series, unit, last, names: Vec::new(), places: Vec::new(), factors: Vec::new(), ahead: Vec::new() })
}

impl Known {
    /// The factors of the steps ahead.
    pub fn future(&self, horizon: usize) -> Result<Vec<Vec<f64>>> {
        if let Some(have) = self.ahead.iter().map(Vec::len).find(|it| *it < horizon) {
            bail!(
                "factors are known {have} steps ahead, and {horizon} are asked for; add rows with a blank value, or lower --horizon"
            );
        }
        Ok(self.ahead.iter().map(|it| it[..horizon].to_vec()).collect())
    }

    /// The same with some factors held at a value.
    pub fn changed(&self, what: &[String], future: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        let mut found = future.to_vec();
        for text in what {
            let read = text.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse().ok()?)));
            let Some((name, value)) = read.filter(|it: &(&str, f64)| it.1.abs() <= 1e15) else {
                bail!("--what-if {text}: write a factor and a number, such as price=9.5");
            };
            let Some(at) = self.names.iter().position(|it| it.eq_ignore_ascii_case(name)) else {
                bail!("--what-if {text}: the factors are {}", self.names.join(", "));
            };
            found[at].fill(value);
        }
        Ok(found)
    }

    /// The name of a step ahead; 0 is the next.
    pub fn label(&self, ahead: usize) -> String {
        self.at(ahead as i64)
    }

    /// The same of any step; -1 is the last value's.
    pub fn at(&self, off: i64) -> String {
        self.unit.label(self.last + 1 + off)
    }

    /// A fault of a model of the series, as a sentence about the file.
    pub fn fault(&self, data: &Data, fault: &Fault) -> anyhow::Error {
        match fault {
            Fault::Constant { column } if *column < self.places.len() => data.fault(fault, &self.places),
            other => anyhow::anyhow!("{other}"),
        }
    }
}
