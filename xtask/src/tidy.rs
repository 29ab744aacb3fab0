//! The rules of the house (CONTRIBUTING.md), read from the files themselves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::root;

/// Crates and the floor they stand on. A crate may use crates of lower floors only.
const FLOORS: &[(&str, u32)] = &[
    ("domain", 0),
    ("sequences", 0),
    ("sample", 1),
    ("models", 0),
    ("text", 0),
    ("store-macros", 0),
    ("store", 1),
    ("channels", 1),
    ("lake", 2),
    ("privacy", 2),
    ("profiles", 3),
    ("intake", 3),
    ("imports", 3),
    ("segments", 4),
    ("analytics", 5),
    ("engagement", 5),
    ("experiments", 5),
    ("loyalty", 5),
    ("feedback", 5),
    ("server", 6),
];

/// Where DataFusion's and Arrow's types may appear.
const ENGINE_CRATES: &[&str] = &["lake", "segments", "analytics"];
const FORBIDDEN_NAMES: &[&str] = &["common", "utils", "util", "core", "shared", "helpers", "misc"];
const MOST_LINES: usize = 800;

/// Checks every rule; the error lists each breach with its place.
pub fn run() -> Result<(), String> {
    let root = root();
    let mut breaches = Vec::new();
    floors(&root, &mut breaches);
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "web/src", "web/tests", "tests", "bench"] {
        collect(&root.join(folder), &mut files);
    }
    for file in &files {
        check_file(&root, file, &mut breaches);
    }
    if breaches.is_empty() {
        println!("tidy: {} files, no breach", files.len());
        return Ok(());
    }
    Err(format!("{}\n{} breaches of CONTRIBUTING.md", breaches.join("\n"), breaches.len()))
}

fn floors(root: &Path, breaches: &mut Vec<String>) {
    let floor_of = |name: &str| FLOORS.iter().find(|(n, _)| *n == name).map(|(_, floor)| *floor);
    for entry in fs::read_dir(root.join("crates")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(own) = floor_of(&name) else {
            breaches
                .push(format!("crates/{name}: stands on no floor; add it to xtask/src/tidy.rs and CONTRIBUTING.md"));
            continue;
        };
        let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap_or_default();
        for used in dependencies(&manifest) {
            let sees_engine = used.starts_with("datafusion") || used == "arrow" || used.starts_with("arrow-");
            if sees_engine && !ENGINE_CRATES.contains(&name.as_str()) {
                breaches.push(format!("crates/{name}: uses {used}; only {ENGINE_CRATES:?} may"));
            }
            let Some(other) = used.strip_prefix("rapport-") else { continue };
            if floor_of(other).is_none_or(|floor| floor >= own) {
                breaches.push(format!("crates/{name} (floor {own}) uses {other}: dependencies point down only"));
            }
        }
    }
}

/// Names in `[dependencies]` (not the tests' ones) of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim() == "[dependencies]";
        } else if inside
            && let Some(name) = line.split(['.', '=', ' ']).next().filter(|n| !n.is_empty() && !n.starts_with('#'))
        {
            names.push(name.to_owned());
        }
    }
    names
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !["node_modules", "target", "dist", ".svelte-kit", "shots", "fixtures"].iter().any(|skip| name == *skip)
            {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|e| ["rs", "ts", "svelte", "mjs", "py"].iter().any(|known| e == *known))
        {
            files.push(path);
        }
    }
}

fn check_file(root: &Path, file: &Path, breaches: &mut Vec<String>) {
    let place = file.strip_prefix(root).unwrap_or(file).display().to_string();
    let text = fs::read_to_string(file).unwrap_or_default();
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let generated = place.ends_with(".d.ts");
    if !generated && text.lines().count() > MOST_LINES {
        breaches.push(format!("{place}: more than {MOST_LINES} lines"));
    }
    if FORBIDDEN_NAMES.contains(&stem.as_str()) {
        breaches.push(format!("{place}: a file is named after what it holds, not `{stem}`"));
    }
    if file.extension().is_none_or(|e| e != "rs") {
        return;
    }
    if stem == "mod" {
        breaches.push(format!("{place}: `foo.rs` beside `foo/`, not mod.rs"));
    }
    if !text.starts_with("//!") && !text.starts_with("#![") {
        breaches.push(format!(
            "{place}: a module opens with `//!`: what it is for, what always holds, what it does not do"
        ));
    }
    if text.lines().any(|line| line.trim_start().starts_with("#[allow(")) {
        breaches.push(format!("{place}: `#[expect(.., reason = \"..\")]`, not `#[allow]`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dependencies_only() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nserde.workspace = true\nrapport-domain = { path = \"\" }\n\
                        # a note\n[dev-dependencies]\narrow = \"1\"\n";
        assert_eq!(dependencies(manifest), ["serde", "rapport-domain"]);
    }

    #[test]
    fn finds_a_breach() {
        let mut breaches = Vec::new();
        let folder = std::env::temp_dir().join(format!("rapport-tidy-{}", std::process::id()));
        fs::create_dir_all(folder.join("crates/domain")).unwrap();
        fs::write(folder.join("crates/domain/Cargo.toml"), "[dependencies]\nrapport-store = 1\narrow = 1\n").unwrap();
        floors(&folder, &mut breaches);
        fs::write(folder.join("crates/domain/utils.rs"), "fn x() {}\n").unwrap();
        check_file(&folder, &folder.join("crates/domain/utils.rs"), &mut breaches);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(breaches.len(), 4, "{breaches:?}");
    }
}
