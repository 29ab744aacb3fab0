//! The binary `rapport`.

use std::process::ExitCode;

/// Gives memory back after a burst or a compaction; the system's allocator keeps it (docs/decisions/0008).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    rapport_server::cli::main()
}
