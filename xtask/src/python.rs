//! Python with what a test or a measurement needs, in a folder of its own beside what Cargo builds.

use crate::run::{command, root, shown, target_folder};

/// The interpreter in `folder` (below Cargo's), with the packages of `requirements` (a path below the project's).
pub fn with(folder: &str, requirements: &str) -> Result<String, String> {
    let folder = target_folder().join(folder);
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    if !folder.join("bin/python").is_file() {
        shown(command("python3", &["-m", "venv", &folder.to_string_lossy()]))?;
    }
    let requirements = root().join(requirements);
    shown(command(&python, &["-m", "pip", "install", "--quiet", "-r", &requirements.to_string_lossy()]))?;
    Ok(python)
}
