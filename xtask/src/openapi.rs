//! `cargo xtask openapi`: the API's description, and the console's client generated from it.

use std::path::Path;

use crate::console;
use crate::run::{command, debug_binary, root, shown, workspace_tests};

/// Writes `web/openapi.json` from the code and `web/src/lib/api/schema.d.ts` from that.
pub fn write() -> Result<(), String> {
    let document = current(&debug_binary(workspace_tests)?)?;
    std::fs::write(root().join("web/openapi.json"), document).map_err(|e| format!("web/openapi.json: {e}"))?;
    console::install()?;
    shown(console::npm(&["run", "--silent", "generate"]))
}

/// The document as the code of this binary has it.
pub fn current(binary: &Path) -> Result<String, String> {
    let output =
        command(&binary.to_string_lossy(), &["openapi"]).output().map_err(|e| format!("rapport openapi: {e}"))?;
    if !output.status.success() {
        return Err(format!("`rapport openapi` failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|e| format!("rapport openapi: {e}"))
}
