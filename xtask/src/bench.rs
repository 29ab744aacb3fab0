//! `cargo xtask bench`: builds what is measured, starts the peers, and hands over to `bench/run.py`.

use crate::postgres::{Durability, Postgres};
use crate::run::{cargo, command, root, say, shown, target_folder};
use crate::{console, tools};

/// Runs all parts, or those named with `--only`.
pub fn run(arguments: &[String]) -> Result<(), String> {
    tools::ensure(tools::FOR_TESTS)?;
    console::build()?;
    say("building the binary and what measures it (release)");
    shown(command(&cargo(), &["build", "--release", "--package", "rapport", "--package", "rapport-bench"]))?;
    let python = python()?;
    let postgres = Postgres::start(Durability::On)?;
    let release = target_folder().join("release");
    let mut bench = command(&python, &["bench/run.py", "--postgres", &postgres.url, "--programs"]);
    bench.arg(release).args(arguments);
    shown(bench)
}

/// A Python with the peers in it, kept beside what Cargo builds.
fn python() -> Result<String, String> {
    let folder = target_folder().join("bench-python");
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    if !folder.join("bin/python").is_file() {
        shown(command("python3", &["-m", "venv", &folder.to_string_lossy()]))?;
    }
    let requirements = root().join("bench/requirements.txt");
    shown(command(&python, &["-m", "pip", "install", "--quiet", "-r", &requirements.to_string_lossy()]))?;
    Ok(python)
}
