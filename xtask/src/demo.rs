//! `cargo xtask demo`: from a fresh clone to a running sample shop.

use crate::console;
use crate::run::{cargo, command, root, say, shown, target_folder};

/// Builds console and binary, then hands over to `rapport demo`, which creates the shop if it is not there and serves it.
pub fn run(arguments: &[String]) -> Result<(), String> {
    if !root().join("web/dist/index.html").is_file() {
        println!("The first build takes about half an hour on two cores; the next start takes seconds.");
    }
    console::build()?;
    say("building the binary (release)");
    shown(command(&cargo(), &["build", "--release", "--package", "rapport"]))?;
    let binary = target_folder().join("release/rapport");
    let mut demo = command(&binary.to_string_lossy(), &["demo"]);
    demo.args(arguments);
    shown(demo)
}
