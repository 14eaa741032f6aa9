//! Progress on a terminal: contacts read, rate, what remains, counts. Elsewhere nothing is drawn. Log lines go above the bar.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write},
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::output::Output;
use crate::{model::run::RunReport, sync::Watch};

static BAR: OnceLock<ProgressBar> = OnceLock::new();

/// The bar of this process; hidden where standard error is no terminal.
fn bar() -> &'static ProgressBar {
    BAR.get_or_init(|| {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let style = "{msg} {wide_bar} {human_pos}/{human_len} {prefix}, {rate}, {left}";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Contacts come by the page, so that only the mean over the whole phase says anything.
        let rate = |state: &ProgressState, to: &mut dyn fmt::Write| {
            let _ = to.write_str(&rate(state.pos(), state.elapsed()));
        };
        let left = |state: &ProgressState, to: &mut dyn fmt::Write| {
            let _ = to.write_str(&left(state.pos(), state.len().unwrap_or_default(), state.elapsed()));
        };
        bar.set_style(style.with_key("rate", rate).with_key("left", left));
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

    /// Begins to draw a phase, and to measure its time.
    fn enter(&self, phase: &'static str) {
        let mut now = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != phase {
            *now = phase;
            bar().reset();
            bar().set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        }
    }

    fn at(&self, phase: &'static str, read: u64, of: u64, words: String) {
        if !self.drawing {
            return;
        }
        self.enter(phase);
        bar().set_length(of.max(read));
        bar().set_position(read);
        bar().set_prefix(if phase == MERGING { "merges" } else { "contacts" });
        bar().set_message(words);
    }
}

/// The phase that counts merges, and no contacts.
const MERGING: &str = "merging";

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

    fn applying(&self, done: u64, of: u64) {
        if self.drawing {
            self.enter("crossing");
            bar().set_message(format!("{}: {done} of {of} updates of this page", self.shop));
        }
    }

    fn merging(&self, done: u64, of: u64) {
        self.at(MERGING, done, of, format!("{}: merging", self.shop));
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

/// `37/s`; nothing yet where nothing came yet.
fn rate(done: u64, elapsed: Duration) -> String {
    match u128::from(done) * 1000 / elapsed.as_millis().max(1) {
        _ if done == 0 => "-/s".to_owned(),
        0 => "<1/s".to_owned(),
        rate => format!("{rate}/s"),
    }
}

/// How long the rest takes if it goes on like this.
fn left(done: u64, of: u64, elapsed: Duration) -> String {
    if done == 0 {
        return "time left not known yet".to_owned();
    }
    let seconds = u128::from(elapsed.as_secs()) * u128::from(of.saturating_sub(done)) / u128::from(done);
    let left = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
    format!("{} left", indicatif::HumanDuration(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_mean_of_the_phase() {
        let seconds = Duration::from_secs;
        let table = [(0, seconds(9), "-/s"), (3, seconds(9), "<1/s"), (1000, seconds(50), "20/s")];
        for (done, elapsed, said) in table {
            assert_eq!(rate(done, elapsed), said);
        }
    }

    #[test]
    fn what_is_left_goes_by_what_is_done() {
        assert_eq!(left(0, 100, Duration::from_secs(5)), "time left not known yet");
        assert_eq!(left(1000, 4000, Duration::from_secs(50)), "3 minutes left");
        assert_eq!(left(4000, 4000, Duration::from_secs(50)), "0 seconds left");
    }
}
