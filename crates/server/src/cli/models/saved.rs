//! A fitted model as one JSON file, and back.
//!
//! Always holds: a file says its format and version, the kind of model, the columns it was fitted to and what tells its data from others; a file of another format,
//! kind or other columns, or one that was changed by hand, is refused with a sentence.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rapport_imports::columns::TextTable;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::input::Data;
use super::report::Report;

const FORMAT: &str = "rapport-model";
/// Raised whenever what is written can no longer be read as before.
const VERSION: u32 = 1;

/// Where a model is kept.
#[derive(clap::Args, Debug)]
pub struct Keep {
    /// Keeps the fitted model in a file.
    #[arg(long, value_name = "FILE", conflicts_with = "load")]
    pub save: Option<PathBuf>,
    /// Takes the model out of a file instead of fitting one.
    #[arg(long, value_name = "FILE")]
    pub load: Option<PathBuf>,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    format: String,
    version: u32,
    command: String,
    model: String,
    program: String,
    /// The columns that are needed to use it.
    columns: Vec<String>,
    data: About,
    parameters: Value,
    log_likelihood: Value,
    metrics: Value,
    /// The model itself.
    fitted: Box<RawValue>,
    /// BLAKE3 of command, columns and the model itself.
    checksum: String,
}

/// The data that a model was fitted to.
#[derive(Serialize, Deserialize)]
struct About {
    file: String,
    rows: usize,
    fingerprint: String,
}

/// Only what tells whether the rest can be read.
#[derive(Deserialize)]
struct Beginning {
    format: Option<String>,
    version: Option<u32>,
}

/// Keeps a model.
pub fn save(
    path: &Path,
    command: &str,
    report: &Report,
    table: &TextTable,
    columns: &[String],
    fitted: &impl Serialize,
) -> Result<()> {
    let fitted = serde_json::value::to_raw_value(fitted).context("a model has a JSON form")?;
    let saved = Saved {
        format: FORMAT.to_owned(),
        version: VERSION,
        command: command.to_owned(),
        model: report.model.clone(),
        program: format!("rapport {}", env!("CARGO_PKG_VERSION")),
        columns: columns.to_vec(),
        data: About { file: table.name.clone(), rows: table.rows(), fingerprint: table.fingerprint.clone() },
        parameters: report.parameters_json(),
        log_likelihood: super::report::number(report.log_likelihood),
        metrics: report.metrics_json(),
        checksum: checksum(command, columns, &fitted),
        fitted,
    };
    let text = serde_json::to_string(&saved)? + "\n";
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Takes a model out of a file, for data that has its columns.
pub fn load<T: DeserializeOwned>(path: &Path, command: &str, data: &mut Data) -> Result<T> {
    let file = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
    let beginning: Beginning = match serde_json::from_str(&text) {
        Ok(beginning) => beginning,
        Err(_) => bail!("{file} is no saved model; make one with --save"),
    };
    match (beginning.format.as_deref(), beginning.version) {
        (Some(FORMAT), Some(VERSION)) => {}
        (Some(FORMAT), Some(other)) => {
            bail!(
                "{file} is written in version {other} of its format, and this program reads version {VERSION}; fit the model again"
            )
        }
        _ => bail!("{file} is no saved model; make one with --save"),
    }
    let saved: Saved = match serde_json::from_str(&text) {
        Ok(saved) => saved,
        Err(error) => bail!("{file} is damaged ({error}); fit the model again"),
    };
    if saved.command != command {
        bail!("{file} holds a model of `rapport models {}`, not of `{command}`", saved.command);
    }
    if checksum(command, &saved.columns, &saved.fitted) != saved.checksum {
        bail!("{file} was changed since it was saved; fit the model again");
    }
    let missing: Vec<&str> =
        saved.columns.iter().filter(|it| data.table.place(it).is_none()).map(String::as_str).collect();
    if !missing.is_empty() {
        let lacking = missing.join(", ");
        bail!("the model was fitted to columns that {} does not have: {lacking}", data.table.name);
    }
    let same = saved.data.fingerprint == data.table.fingerprint;
    let those =
        if same { "these same data".to_owned() } else { format!("{} rows of {}", saved.data.rows, saved.data.file) };
    data.notes.push(format!("The model is that of {file}, fitted to {those}."));
    match serde_json::from_str(saved.fitted.get()) {
        Ok(fitted) => Ok(fitted),
        Err(error) => bail!("{file} is damaged ({error}); fit the model again"),
    }
}

fn checksum(command: &str, columns: &[String], fitted: &RawValue) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(command.as_bytes());
    columns.iter().for_each(|it| {
        hash.update(&(it.len() as u64).to_le_bytes());
        hash.update(it.as_bytes());
    });
    hash.update(fitted.get().as_bytes());
    hash.finalize().to_hex().to_string()
}
