//! `cargo xtask bench`: runs `bench/run.py`, which compares us with the peers in one run.

use crate::run::{cargo, command, say, shown};

/// Builds what is measured and hands over to the bench.
pub fn run(arguments: &[String]) -> Result<(), String> {
    say("building what is measured (release)");
    shown(command(&cargo(), &["build", "--release", "--package", "rapport"]))?;
    let mut bench = command("python3", &["bench/run.py"]);
    bench.args(arguments);
    shown(bench)
}
