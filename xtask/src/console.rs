//! Building the console (`web/`) into `web/dist`, from where the binary takes it. npm never runs inside a build script.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;

use crate::run::{command, root, say, shown};
use crate::tools::on_path;

/// Installs the console's packages as the lock file says and builds it. Does nothing when no source has changed since.
pub fn build() -> Result<(), String> {
    let web = root().join("web");
    let stamp = web.join("dist/.sources");
    let sources = digest(&web);
    if std::fs::read_to_string(&stamp).is_ok_and(|old| old == sources) {
        return Ok(());
    }
    install()?;
    say("building the console");
    shown(npm(&["run", "--silent", "build"]))?;
    std::fs::write(&stamp, sources).map_err(|e| format!("{}: {e}", stamp.display()))
}

/// `npm ci`, unless it has been done for this lock file.
pub fn install() -> Result<(), String> {
    if !on_path("npm") {
        return Err("The console needs Node 20 or newer with npm: https://nodejs.org".into());
    }
    let web = root().join("web");
    let stamp = web.join("node_modules/.installed");
    let lock =
        std::fs::read_to_string(web.join("package-lock.json")).map_err(|e| format!("web/package-lock.json: {e}"))?;
    if std::fs::read_to_string(&stamp).is_ok_and(|old| old == lock) {
        return Ok(());
    }
    say("installing the console's packages");
    shown(npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    std::fs::write(&stamp, lock).map_err(|e| format!("{}: {e}", stamp.display()))
}

/// npm in `web/`.
pub fn npm(arguments: &[&str]) -> std::process::Command {
    let mut npm = command("npm", arguments);
    npm.current_dir(root().join("web"));
    npm
}

/// A digest of everything the built console depends on.
fn digest(web: &Path) -> String {
    let mut files = Vec::new();
    for part in ["src", "static"] {
        collect(&web.join(part), &mut files);
    }
    for file in
        ["package.json", "package-lock.json", "svelte.config.js", "vite.config.ts", "tsconfig.json", "openapi.json"]
    {
        files.push(web.join(file));
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(web).ok().hash(&mut hasher);
        std::fs::read(&file).unwrap_or_default().hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
