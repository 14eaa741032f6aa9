//! What a command prints: tables and sentences for people, JSON for machines, CSV for lists. Results go to standard output;
//! progress, notices and errors to standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::exit::Failure;

/// Standard output took something and did not keep it.
static LOST: AtomicBool = AtomicBool::new(false);

/// How to print.
#[derive(Debug, Clone, Copy, Default)]
pub struct Output {
    /// JSON.
    pub json: bool,
    /// CSV, where a command prints a list.
    pub csv: bool,
    /// Results only.
    pub quiet: bool,
}

impl Output {
    /// A line of the result.
    #[expect(clippy::unused_self, reason = "to print is this value's to do, and how may depend on it")]
    pub fn line(self, text: impl AsRef<str>) {
        let written = writeln!(anstream::stdout(), "{}", text.as_ref());
        // A reader that has gone (`| head`) is no failure of ours; a full disk is, and whoever relies on the result is told.
        if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            LOST.store(true, Ordering::Relaxed);
        }
    }

    /// Whether some of a result could not be written.
    #[must_use]
    pub fn lost() -> bool {
        LOST.load(Ordering::Relaxed)
    }

    /// A sentence beside the result.
    pub fn notice(self, text: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{}", text.as_ref());
        }
    }

    /// A value as one line of JSON, or pretty on a terminal.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn json(self, value: &impl Serialize) -> Result<(), Failure> {
        let text = if std::io::stdout().is_terminal() {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.line(text.map_err(Failure::failed)?);
        Ok(())
    }

    /// A list: JSON if asked for, CSV if asked for, else a table; `none` where it is empty.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn list<T: Serialize>(
        self,
        items: &[T],
        header: &[&str],
        row: impl Fn(&T) -> Vec<String>,
        none: &str,
    ) -> Result<(), Failure> {
        if self.json {
            return self.json(&items);
        }
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        if self.csv {
            return self.csv_rows(header, &rows);
        }
        if rows.is_empty() {
            self.notice(none);
        } else {
            self.line(table(header, rows));
        }
        Ok(())
    }

    fn csv_rows(self, header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(header).map_err(Failure::failed)?;
        for row in rows {
            writer.write_record(row).map_err(Failure::failed)?;
        }
        let bytes = writer.into_inner().map_err(|error| Failure::failed(error.into_error()))?;
        self.line(String::from_utf8_lossy(&bytes).trim_end());
        Ok(())
    }
}

/// A table.
#[must_use]
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}
