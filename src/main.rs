//! `anagrafe`: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(anagrafe::cli::main())
}
