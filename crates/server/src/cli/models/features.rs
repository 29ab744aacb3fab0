//! Columns of a file as features to learn from, and again for a model that was kept.
//!
//! Always holds: what is no number, date or category of not too many kinds is left out, and told; a kept model gets the features and levels that it was fitted to.

use anyhow::{Result, bail};
use rapport_models::learn::{Feature, Table, Values};
use serde::{Deserialize, Serialize};

use super::input::{Data, Need};

/// More kinds are names, not categories.
const KINDS: usize = 100;

/// What a kept model remembers of a feature.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remembered {
    /// The column's name.
    pub name: String,
    /// How it is read.
    pub kind: Kind,
    /// The levels of categories.
    pub levels: Vec<String>,
}

/// How a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// As numbers.
    Number,
    /// As dates, in days.
    Date,
    /// As categories.
    Category,
}

/// Which columns are features: those named, or all but those left out and those that cannot be any.
pub fn choose(data: &mut Data, named: &[String], ignored: &[String], used: &[usize]) -> Result<Vec<(usize, Kind)>> {
    let ignored = data.several("ignore", ignored)?;
    let asked = data.several("features", named)?;
    let all = if asked.is_empty() { (0..data.table.names().len()).collect() } else { asked.clone() };
    let mut found = Vec::new();
    for place in all.into_iter().filter(|it| !ignored.contains(it) && !used.contains(it)) {
        match kind(data, place)? {
            Some(kind) => found.push((place, kind)),
            None if asked.is_empty() => {
                let note = format!(
                    "{} is left out: too many different texts for a category, or none at all.",
                    data.name(place)
                );
                data.notes.push(note);
            }
            None => {
                bail!("{} is no feature: too many different texts for a category, or none at all", data.name(place))
            }
        }
    }
    if found.is_empty() {
        bail!("no column of {} is left to learn from; name some with --features", data.table.name);
    }
    Ok(found)
}

/// How a column is to be read; `None` if it says nothing.
fn kind(data: &Data, place: usize) -> Result<Option<Kind>> {
    let column = data.table.column(place);
    let numbers = column.numbers();
    let given = data.rows() - numbers.blank.len();
    if given == 0 {
        return Ok(None);
    }
    if !numbers.absurd.is_empty() {
        bail!(
            "{}: {} is infinite or beyond 10^15; mend the file, or leave the column out with --ignore",
            data.lines(&numbers.absurd),
            data.name(place)
        );
    }
    if numbers.bad.is_empty() {
        return Ok(Some(Kind::Number));
    }
    // A few texts among numbers are more likely mistakes than categories.
    if numbers.bad.len() * 50 <= given {
        bail!(
            "{}: {} is no number, as it is in all other rows; mend the file, or leave the column out with --ignore",
            data.lines(&numbers.bad),
            data.name(place)
        );
    }
    if column.times(None).bad.is_empty() {
        return Ok(Some(Kind::Date));
    }
    let kinds = data.counted(place).len();
    Ok((kinds <= KINDS && kinds * 2 <= given.max(4)).then_some(Kind::Category))
}

/// The features of all rows.
pub fn table(data: &Data, chosen: &[(usize, Kind)]) -> Result<(Table, Vec<Remembered>)> {
    let features: Vec<Feature> = chosen.iter().map(|(place, kind)| feature(data, *place, *kind)).collect();
    let remembered = features.iter().zip(chosen).map(|(feature, (_, kind))| Remembered {
        name: feature.name.clone(),
        kind: *kind,
        levels: match &feature.values {
            Values::Categories { levels, .. } => levels.clone(),
            Values::Numbers(_) => Vec::new(),
        },
    });
    let remembered = remembered.collect();
    let columns: Vec<usize> = chosen.iter().map(|it| it.0).collect();
    let table = Table::new(features).map_err(|fault| data.fault(&fault, &columns))?;
    Ok((table, remembered))
}

fn feature(data: &Data, place: usize, kind: Kind) -> Feature {
    let name = data.name(place);
    match kind {
        Kind::Number => Feature::numbers(name, data.numbers(place)),
        Kind::Date => Feature::numbers(name, data.table.column(place).times(None).days),
        Kind::Category => Feature::categories(name, &data.texts(place)),
    }
}

/// The features of a kept model; levels that it does not know are told, and count as missing.
pub fn again(data: &mut Data, remembered: &[Remembered]) -> Result<Table> {
    let places = data.several("load", &remembered.iter().map(|it| it.name.clone()).collect::<Vec<_>>())?;
    let filled = |data: &Data, place: usize, kind: Kind| {
        let column = data.table.column(place);
        match kind {
            Kind::Number => column.numbers().bad.into_iter().chain(column.numbers().absurd).collect::<Vec<_>>(),
            Kind::Date => column.times(None).bad,
            Kind::Category => Vec::new(),
        }
    };
    let mut features = Vec::new();
    for (place, own) in places.into_iter().zip(remembered) {
        let bad = filled(data, place, own.kind);
        if !bad.is_empty() {
            // Blank cells are missing values; others are mistakes.
            let need = if own.kind == Kind::Date { Need::Time } else { Need::Number };
            let what = if need == Need::Time { "is no date" } else { "is no number within 10^15" };
            bail!("{}: {} {what}, as it was where the model was fitted", data.lines(&bad), own.name);
        }
        let mut feature = feature(data, place, own.kind);
        feature.name.clone_from(&own.name);
        if own.kind == Kind::Category {
            let texts = data.texts(place);
            let code = |it: &String| own.levels.binary_search(it).ok().map(|it| it as u32);
            let codes: Vec<Option<u32>> = texts.iter().map(code).collect();
            let unknown = codes.iter().zip(&texts).filter(|(code, it)| code.is_none() && !it.is_empty()).count();
            if unknown > 0 {
                data.notes.push(format!(
                    "{unknown} values of {} were not there where the model was fitted; they count as missing.",
                    own.name
                ));
            }
            feature.values = Values::Categories { codes, levels: own.levels.clone() };
        }
        features.push(feature);
    }
    Table::new(features).map_err(|fault| data.fault(&fault, &[]))
}
