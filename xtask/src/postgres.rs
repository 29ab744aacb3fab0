//! A PostgreSQL of our own for the tests: on a free port, in a temporary folder, stopped when it is dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{is_root, quiet};

/// A running server.
pub struct Postgres {
    folder: PathBuf,
    binaries: PathBuf,
    /// URL of its administrator's database.
    pub url: String,
}

/// Whether it keeps its promises when the machine fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As installed: for measuring.
    On,
    /// It lives as long as the tests.
    Off,
}

/// The newest installed server's folder of programs.
pub fn binaries() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    versions.sort();
    versions.pop()
}

impl Postgres {
    /// Creates a cluster and starts it.
    pub fn start(durability: Durability) -> Result<Self, String> {
        let binaries = binaries().ok_or("no PostgreSQL server is installed")?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|e| format!("no free port: {e}"))?
            .port();
        let folder = std::env::temp_dir().join(format!("rapport-postgres-{port}"));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let server = Self { folder, binaries, url };
        if is_root() && !quiet(Command::new("chown").arg("postgres").arg(&server.folder)) {
            return Err("could not give the temporary folder to the user postgres".into());
        }
        server.program("initdb", &["-U", "postgres", "-A", "trust", "--locale=C", "-E", "UTF8", "-N"])?;
        let fast = match durability {
            Durability::On => "",
            Durability::Off => "-c fsync=off -c full_page_writes=off -c synchronous_commit=off",
        };
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 {fast}"
        );
        server.program("pg_ctl", &["-w", "-l", "log", "-o", &options, "start"])?;
        Ok(server)
    }

    /// PostgreSQL refuses to run as root, so as root its programs run as the user that Debian's package made.
    fn program(&self, name: &str, arguments: &[&str]) -> Result<(), String> {
        let path = self.binaries.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.args(arguments).env("PGDATA", self.data()).current_dir(&self.folder);
        if quiet(&mut command) {
            Ok(())
        } else {
            Err(format!("PostgreSQL's {name} failed in {}", self.folder.display()))
        }
    }

    fn data(&self) -> PathBuf {
        Path::new(&self.folder).join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.program("pg_ctl", &["-m", "immediate", "stop"]);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
