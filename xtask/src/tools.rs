//! Programs that the tests need beside Rust: installed from Debian's packages where that is allowed, named otherwise.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{say, shown};

/// A program, how to see that it is there, and the Debian package that brings it.
pub struct Tool {
    /// What it is called in messages.
    pub name: &'static str,
    /// Whether it is there.
    pub present: fn() -> bool,
    /// Debian's name for it.
    pub package: &'static str,
}

/// Everything that `cargo xtask test` uses and a fresh machine may lack.
pub const FOR_TESTS: &[Tool] = &[
    Tool { name: "npm (Node 20 or newer)", present: || on_path("npm"), package: "npm" },
    Tool { name: "Chromium", present: || Path::new("/usr/bin/chromium").exists(), package: "chromium" },
    Tool { name: "PostgreSQL server", present: || crate::postgres::binaries().is_some(), package: "postgresql" },
    Tool { name: "Dovecot", present: || Path::new("/usr/sbin/dovecot").exists(), package: "dovecot-imapd" },
    Tool { name: "Python 3 with venv", present: || python_venv(), package: "python3-venv" },
];

/// Whether a program can be started by its name.
pub fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn python_venv() -> bool {
    quiet(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

/// Runs a command without output; true when it succeeded.
pub fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// Installs what is missing when we may (root on Debian), otherwise says exactly what to install.
pub fn ensure(tools: &[Tool]) -> Result<(), String> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !(tool.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.name).collect();
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    let by_hand = format!("Missing: {}. Install with: apt-get install {}", names.join(", "), packages.join(" "));
    if !(is_root() && on_path("apt-get")) {
        return Err(by_hand);
    }
    say(&format!("installing {}", names.join(", ")));
    shown(apt(&["update", "-qq"]))?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(&packages);
    shown(apt(&arguments))?;
    match missing.iter().find(|tool| !(tool.present)()) {
        Some(_) => Err(by_hand),
        None => Ok(()),
    }
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether this process runs as root (read from /proc, so that no C library is needed).
pub fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(1) == Some("0"))
    })
}
