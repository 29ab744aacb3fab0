//! `cargo xtask bench`: builds what is measured, starts the peers, and hands over to `bench/run.py`.

use crate::postgres::{Durability, Postgres};
use crate::run::{cargo, command, say, shown, target_folder};
use crate::{console, python, tools};

/// Runs all parts, or those that are named; `models` by its own, as it takes no server.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let named = arguments.first().filter(|it| !it.starts_with("--"));
    let (name, arguments) = named.map_or((None, arguments), |name| (Some(name.as_str()), &arguments[1..]));
    if name == Some("models") {
        return models(arguments);
    }
    tools::ensure(tools::FOR_TESTS)?;
    console::build()?;
    say("building the binary and what measures it (release)");
    shown(command(&cargo(), &["build", "--release", "--package", "rapport", "--package", "rapport-bench"]))?;
    shown(command(&cargo(), &["build", "--release", "--package", "rapport-feedback", "--example", "search_rate"]))?;
    shown(command(&cargo(), &["build", "--release", "--package", "rapport-loyalty", "--example", "ledger_rate"]))?;
    shown(command(&cargo(), &["build", "--release", "--package", "rapport-text", "--example", "text_rate"]))?;
    let python = python::with("bench-python", "bench/requirements.txt")?;
    let postgres = Postgres::start(Durability::On)?;
    let release = target_folder().join("release");
    let mut bench = command(&python, &["bench/run.py", "--postgres", &postgres.url, "--programs"]);
    bench.arg(release).args(name.map(|name| ["--only", name]).iter().flatten()).args(arguments);
    shown(bench)
}

/// The models of customers beside the packages that do the same.
fn models(arguments: &[String]) -> Result<(), String> {
    say("building what measures the models (release)");
    shown(command(&cargo(), &["build", "--release", "--package", "rapport-models", "--example", "models_rate"]))?;
    let python = python::with("bench-models-python", "bench/requirements-models.txt")?;
    let mut bench = command(&python, &["bench/run.py", "--only", "models", "--programs"]);
    bench.arg(target_folder().join("release")).args(arguments);
    shown(bench)
}
