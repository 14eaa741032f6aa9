//! `anagrafe`: arguments in, exit code out.

use std::process::ExitCode;

/// It gives back what is freed. The system's own keeps it, thread by thread: a daemon that waits held three times what it used.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    ExitCode::from(anagrafe::cli::main())
}
