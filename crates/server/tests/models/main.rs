//! `rapport models` from outside: the binary on real data sets, against published numbers, and on files as they come.

mod buying;
mod experiments;
mod flags;
mod hostile;
mod kept;
mod numbers;
mod offers;
mod small;
mod structures;
mod written;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Real data lies beside the repository; it may not be part of it. Where it is absent, a test says so.
fn data(file: &str) -> Option<String> {
    let beside = || Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../../shared/data");
    let folder = std::env::var_os("RAPPORT_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let path = folder.join(file);
    if path.exists() {
        return Some(path.display().to_string());
    }
    eprintln!("NOT RUN: {} is not here", path.display());
    None
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rapport")).arg("models").args(arguments).output().expect("the binary starts")
}

/// What the command prints when it succeeds.
fn text(arguments: &[&str]) -> String {
    let output = run(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "rapport models {arguments:?} failed: {error}");
    assert!(error.is_empty(), "{error}");
    String::from_utf8(output.stdout).expect("output is text")
}

/// The one object that it prints with `--json`.
fn json(arguments: &[&str]) -> Value {
    let all = [arguments, &["--json"]].concat();
    let shown = text(&all);
    let found: Value = serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {shown}"));
    for key in ["model", "parameters", "log_likelihood", "metrics", "how_sure", "cannot_say", "notes", "data"] {
        assert!(found.get(key).is_some(), "{arguments:?} has no {key}: {shown}");
    }
    found
}

/// The one sentence that it refuses with.
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
    assert!(
        output.stdout.is_empty(),
        "{arguments:?} prints what is no result: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(error.starts_with("Error: ") && error.trim_end().lines().count() == 1, "{arguments:?}: {error}");
    assert!(!error.contains("panicked") && !error.contains("NaN"), "{arguments:?}: {error}");
    error
}

/// A number of the result.
fn number(found: &Value, path: &str) -> f64 {
    let value = found.pointer(path).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("no number at {path} in {found}"))
}

/// Within half a unit of the last of so many digits behind the point.
fn near(found: f64, wanted: f64, digits: i32) {
    assert!((found - wanted).abs() <= 0.500_001 * 10f64.powi(-digits), "{found} {wanted}");
}

/// A file of these lines, in a folder that goes away.
fn file(name: &str, text: impl AsRef<[u8]>) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (folder, path)
}
