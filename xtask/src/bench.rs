//! `cargo xtask bench`: builds what is measured, starts the peers, and hands over to `bench/run.py`.

use crate::postgres::{Durability, Postgres};
use crate::run::{cargo, command, say, shown, target_folder};
use crate::{console, python, tools};

/// Runs all parts, or those named with `--only`.
pub fn run(arguments: &[String]) -> Result<(), String> {
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
    bench.arg(release).args(arguments);
    shown(bench)
}
