//! The command line as a person and a script meet it: the real binary, its output and its exit codes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it fails"
)]

mod configuration;
#[cfg(feature = "sandbox")]
mod contacts;
#[cfg(feature = "sandbox")]
mod customers;
mod normalising;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "sandbox")]
#[path = "../support/mod.rs"]
mod support;
mod surface;

use std::path::Path;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The same, with this exit code.
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command to its end.
pub(crate) fn ended(command: std::process::Command, stdin: &str) -> Ended {
    let output = assert_cmd::Command::from_std(command).write_stdin(stdin).output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The binary in a folder, with nothing of this process's environment.
pub(crate) fn command(dir: &Path, args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_anagrafe"));
    command.args(args).current_dir(dir).env_clear();
    command
}

/// Runs the binary in a folder of its own.
pub(crate) fn anagrafe(args: &[&str], stdin: &str) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    ended(command(dir.path(), args), stdin)
}
