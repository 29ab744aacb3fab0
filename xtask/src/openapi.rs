//! `cargo xtask openapi`: the API's description, and the console's client generated from it.

use crate::console;
use crate::run::{captured, cargo, command, root, shown};

/// Writes `web/openapi.json` from the code and `web/src/lib/api/schema.d.ts` from that.
pub fn write() -> Result<(), String> {
    let document = current()?;
    std::fs::write(root().join("web/openapi.json"), document).map_err(|e| format!("web/openapi.json: {e}"))?;
    console::install()?;
    shown(console::npm(&["run", "--silent", "generate"]))
}

/// The document as the code has it now.
pub fn current() -> Result<String, String> {
    let (ok, document) = captured(quiet_run())?;
    if ok { Ok(document) } else { Err("`rapport openapi` failed".into()) }
}

fn quiet_run() -> std::process::Command {
    command(&cargo(), &["run", "--quiet", "--package", "rapport", "--", "openapi"])
}
