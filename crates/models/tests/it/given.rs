//! The real data sets that tests of models read. They are no part of the repository: without one a test says that it is skipped.

use std::path::PathBuf;

/// A file, unpacked.
pub fn bytes(name: &str) -> Option<Vec<u8>> {
    let beside =
        || PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../../shared/data");
    let root = std::env::var_os("RAPPORT_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        eprintln!("skipped: {name} is not in {} (set RAPPORT_SHARED_DATA)", root.display());
        return None;
    }
    let bytes = std::fs::read(path).unwrap();
    Some(if name.ends_with(".zst") { zstd::decode_all(bytes.as_slice()).unwrap() } else { bytes })
}
