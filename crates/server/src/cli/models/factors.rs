//! Columns of a file as factors: numbers as they are, categories as a column each but the most common.

use anyhow::{Result, bail};
use rapport_models::Fault;
use serde::{Deserialize, Serialize};

use super::input::{Data, Need};

/// Chosen factors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Factors {
    own: Vec<Own>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Own {
    name: String,
    place: usize,
    /// Levels with a column of their own; none of numbers.
    levels: Vec<String>,
    /// The level that they are compared with.
    reference: Option<String>,
}

/// More levels are names, not categories.
const LEVELS: usize = 30;

/// The factors that a flag names, none of which may be one of the columns that are used otherwise.
pub fn choose(data: &mut Data, flag: &str, named: &[String], used: &[usize]) -> Result<Factors> {
    let all = named == ["all"];
    let places = if all {
        (0..data.table.names().len()).filter(|it| !used.contains(it)).collect()
    } else {
        data.several(flag, named)?
    };
    let is_number = |data: &Data, place: usize| data.table.column(place).numbers().bad.is_empty();
    let mut own = Vec::new();
    for place in places {
        let name = data.name(place).to_owned();
        if used.contains(&place) {
            bail!("{name} is what is to be told; it is no factor");
        }
        if is_number(data, place) {
            data.require(&[(place, Need::Number)])?;
            own.push(Own { name, place, levels: Vec::new(), reference: None });
            continue;
        }
        let counts = data.counted(place);
        if counts.len() > LEVELS || counts.len() < 2 {
            if all {
                data.notes.push(format!("{name} is left out: {} different texts are no factor.", counts.len()));
                continue;
            }
            bail!("{name} is no factor: it has {} different texts", counts.len());
        }
        data.require(&[(place, Need::Text)])?;
        let common = counts.iter().max_by_key(|it| it.1).map(|it| it.0.clone());
        let levels = counts.keys().filter(|it| Some(*it) != common.as_ref()).cloned().collect();
        own.push(Own { name, place, levels, reference: common });
    }
    if own.is_empty() {
        bail!("no column is left that could be a factor; name some with --{flag}");
    }
    Ok(Factors { own })
}

impl Factors {
    /// What each column is called.
    pub fn labels(&self) -> Vec<String> {
        let label = |it: &Own| match it.levels.is_empty() {
            true => vec![it.name.clone()],
            false => it.levels.iter().map(|level| format!("{}={level}", it.name)).collect(),
        };
        self.own.iter().flat_map(label).collect()
    }

    /// The columns of the file that they come from.
    pub fn names(&self) -> Vec<String> {
        self.own.iter().map(|it| it.name.clone()).collect()
    }

    /// The same in another file.
    pub fn placed(&self, data: &mut Data) -> Result<Self> {
        let mut found = self.clone();
        for own in &mut found.own {
            own.place = data.named("load", &own.name)?;
            data.require(&[(own.place, if own.reference.is_some() { Need::Text } else { Need::Number })])?;
        }
        Ok(found)
    }

    /// Their values, column by column.
    pub fn columns(&self, data: &Data) -> Result<Vec<Vec<f64>>> {
        let mut columns = Vec::new();
        for own in &self.own {
            let Some(reference) = &own.reference else {
                columns.push(data.numbers(own.place));
                continue;
            };
            let texts = data.texts(own.place);
            let unknown: Vec<usize> = (0..texts.len())
                .filter(|row| texts[*row] != *reference && !own.levels.contains(&texts[*row]))
                .collect();
            if !unknown.is_empty() {
                bail!(
                    "{}: {} has a value that was not there where the model was fitted",
                    data.lines(&unknown),
                    own.name
                );
            }
            let flag = |level: &String| texts.iter().map(|it| f64::from(u8::from(it == level))).collect();
            columns.extend(own.levels.iter().map(flag));
        }
        Ok(columns)
    }

    /// A fault of the columns, by their names.
    pub fn fault(&self, data: &Data, fault: &Fault) -> anyhow::Error {
        match fault {
            Fault::Constant { column } => {
                let labels = self.labels();
                let name = labels.get(*column).map_or("a column", String::as_str);
                anyhow::anyhow!("The factor {name} is the same in all rows.")
            }
            other => data.fault(other, &[]),
        }
    }
}
