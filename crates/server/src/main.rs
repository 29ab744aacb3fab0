//! The binary `rapport`.

use std::process::ExitCode;

use clap::Parser;
use rapport_server::cli::Cli;

/// Gives memory back after a burst or a compaction; the system's allocator keeps it (docs/decisions/0008).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
