//! Progress on a terminal: contacts read, rate, what remains, counts. Elsewhere nothing is drawn. Log lines go above the bar.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{Mutex, OnceLock, PoisonError},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;
use crate::{model::run::RunReport, sync::Watch};

static BAR: OnceLock<ProgressBar> = OnceLock::new();

/// The bar of this process; hidden where standard error is no terminal.
fn bar() -> &'static ProgressBar {
    BAR.get_or_init(|| {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let style = "{msg} {wide_bar} {human_pos}/{human_len} contacts, {per_sec}, {eta} left";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar
    })
}

/// Where log lines go: standard error, with the bar out of their way.
pub fn above_the_bar() -> impl Write {
    AboveTheBar
}

struct AboveTheBar;

impl Write for AboveTheBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        bar().suspend(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Draws a run.
pub struct Progress {
    out: Output,
    shop: String,
    drawing: bool,
    phase: Mutex<&'static str>,
}

impl Progress {
    /// Draws the runs of a shop, if this is a terminal and nobody wants quiet.
    #[must_use]
    pub fn of(shop: impl Into<String>, out: Output) -> Self {
        let drawing = io::stderr().is_terminal() && !out.quiet;
        Self { out, shop: shop.into(), drawing, phase: Mutex::new("") }
    }

    fn at(&self, phase: &'static str, read: u64, of: u64, words: String) {
        if !self.drawing {
            return;
        }
        let mut now = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != phase {
            *now = phase;
            bar().reset();
            bar().set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        }
        bar().set_length(of.max(read));
        bar().set_position(read);
        bar().set_message(words);
    }
}

impl Watch for Progress {
    fn surveying(&self, read: u64, of: u64) {
        self.at("survey", read, of, format!("{}: survey", self.shop));
    }

    fn crossing(&self, so_far: &RunReport, of: u64) {
        let counts = &so_far.counts;
        let words = format!(
            "{}: {} linked, {} updated, {} waiting, {} parked",
            self.shop, counts.linked, counts.updated, counts.waiting, counts.parked
        );
        self.at("crossing", so_far.read, of, words);
    }

    fn notice(&self, text: &str) {
        bar().suspend(|| self.out.notice(text));
    }

    fn done(&self) {
        if self.drawing {
            bar().finish_and_clear();
        }
    }
}
