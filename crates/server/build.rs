//! Lists the built console (`web/dist`) for embedding. Compresses nothing and runs no npm: the console's own build writes `.br` and
//! `.gz` files beside its files, and they are embedded with them.
//!
//! A release build without the console fails: a binary that serves an empty page must never be made.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let dist = root.join("../../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");
    let built = dist.join("index.html").is_file();
    if !built && env::var("PROFILE").as_deref() == Ok("release") {
        println!(
            "cargo::error=web/dist has no console. Run `cargo xtask console` first (it needs Node 20), then build again."
        );
        return;
    }
    let mut files = Vec::new();
    if built {
        collect(&dist, &mut files);
        files.sort();
    }
    let mut code = String::from("&[\n");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        list(&dist, file, &mut code);
    }
    code.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("console.rs");
    fs::write(out, code).expect("OUT_DIR can be written");
}

/// All files below `folder`, except hidden ones and the compressed twins.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("web/dist can be read") {
        let path = entry.expect("web/dist can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, files);
        } else if !name.starts_with('.') && !name.ends_with(".br") && !name.ends_with(".gz") {
            files.push(path);
        }
    }
}

fn list(dist: &Path, file: &Path, code: &mut String) {
    let path = file.strip_prefix(dist).expect("it was found there").to_string_lossy().replace('\\', "/");
    let content = fs::read(file).expect("web/dist can be read");
    let mut hasher = DefaultHasher::new();
    hasher.write(&content);
    let twin = |ending: &str| {
        let twin = PathBuf::from(format!("{}.{ending}", file.display()));
        let embed = |twin: &Path| format!("Some(include_bytes!({:?}))", twin.canonicalize().expect("it exists"));
        if twin.is_file() { embed(&twin) } else { "None".to_owned() }
    };
    let absolute = file.canonicalize().expect("it exists");
    writeln!(
        code,
        "File {{ path: {:?}, etag: \"\\\"{:016x}\\\"\", plain: include_bytes!({absolute:?}), brotli: {}, gzip: {} }},",
        format!("/{path}"),
        hasher.finish(),
        twin("br"),
        twin("gz"),
    )
    .expect("writing to a text cannot fail");
}
