//! Starting other programs and saying what is being done.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace's root folder: as Cargo says it now, because one target folder can serve several clones and the program is not compiled
/// again for each.
pub fn root() -> PathBuf {
    let compiled = || env!("CARGO_MANIFEST_DIR").into();
    let own = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(compiled));
    own.parent().map(Path::to_path_buf).expect("xtask lies in the workspace")
}

/// A command that runs in the workspace's root. What Cargo told us about ourselves is kept from it: build scripts of C libraries look at
/// those variables, and would have half of the dependencies built again whenever Cargo is started by hand in between.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|about| name.starts_with(about)) {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// The cargo that runs us.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

/// Where cargo puts what it builds.
pub fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// `cargo test` of the whole workspace: a command for one package alone would make Cargo unify features differently and build the query
/// engine a second time.
pub fn workspace_tests(arguments: &[&str]) -> Command {
    let mut tests = command(&cargo(), &["test", "--workspace"]);
    tests.args(arguments);
    tests
}

/// The same with Clippy in the compiler's place, which lints what it compiles; its warnings are errors. `cargo clippy` would look through
/// all crates, and all that they depend on, once for the lints, and the tests once more: minutes of every run.
pub fn linted_tests(arguments: &[&str]) -> Command {
    let mut tests = workspace_tests(arguments);
    let beside = Path::new(&cargo()).with_file_name("clippy-driver");
    tests.env("RUSTC_WORKSPACE_WRAPPER", if beside.exists() { beside } else { "clippy-driver".into() });
    tests.env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
    tests
}

/// The debug binary, as built with these tests.
pub fn debug_binary(tests: fn(&[&str]) -> Command) -> Result<PathBuf, String> {
    shown(tests(&["--quiet", "--no-run"]))?;
    Ok(target_folder().join("debug/rapport"))
}

/// One line that says what comes next.
pub fn say(what: &str) {
    println!("\n== {what}");
}

/// Runs it with its output shown; an error names the command.
pub fn shown(mut command: Command) -> Result<(), String> {
    let text = format!("{command:?}");
    let status = command.status().map_err(|e| format!("could not start {text}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("failed ({status}): {text}")) }
}

/// Runs it, shows its output line by line, and returns all of it and whether it succeeded.
pub fn captured(mut command: Command) -> Result<(bool, String), String> {
    use std::io::{BufRead, BufReader};
    let text = format!("{command:?}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("could not start {text}: {e}"))?;
    let mut output = String::new();
    let stdout = child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        println!("{line}");
        output.push_str(&line);
        output.push('\n');
    }
    let status = child.wait().map_err(|e| format!("{text}: {e}"))?;
    Ok((status.success(), output))
}

/// Runs it and shows nothing: what [`captured`] returns.
pub fn collected(mut command: Command) -> Result<(bool, String), String> {
    let text = format!("{command:?}");
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| format!("could not start {text}: {e}"))?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}
