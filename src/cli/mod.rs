//! The command line: one file per command. Reads arguments, asks the engine, prints; decides nothing.

pub mod args;
mod check;
mod config;
mod contacts;
mod customers;
mod daemon;
#[cfg(feature = "sandbox")]
mod demo;
mod erase;
mod exit;
mod explain;
mod holds;
mod keys;
mod logging;
mod manual;
mod merges;
mod migrate;
mod network;
mod normalise;
mod output;
mod pause;
mod person;
mod plan;
mod progress;
mod proposals;
mod report;
mod resync;
mod rotating;
mod runs;
#[cfg(feature = "sandbox")]
mod sandbox;
mod setup;
mod signals;
mod status;
mod sync;
mod traces;
mod voice;
mod works;

use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser as _;
use futures::future::LocalBoxFuture;
use tokio_util::sync::CancellationToken;

use args::{Cli, Command, Globals, OkIf};
pub use exit::{Exit, Failure};
use output::Output;

use crate::{observe::otlp::Traces, store::Store};

/// What a command is called with.
struct Context {
    globals: Globals,
    out: Output,
    /// Stores that were opened, to be closed at the end: a file at rest then holds everything by itself.
    stores: Mutex<Vec<Arc<dyn Store>>>,
    /// Traces that were begun, to be brought to their end.
    traces: Mutex<Option<Traces>>,
    /// Cancelled by the first signal, where a command listens for them.
    stop: CancellationToken,
}

impl Context {
    fn new(globals: Globals, out: Output) -> Self {
        Self { globals, out, stores: Mutex::default(), traces: Mutex::default(), stop: CancellationToken::new() }
    }

    fn opened(&self, store: &Arc<dyn Store>) {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(store));
    }

    /// Closes a store before the end: one that nobody works with any more keeps no session of a server's.
    async fn closed(&self, store: &Arc<dyn Store>) {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).retain(|opened| !Arc::ptr_eq(opened, store));
        store.close().await;
    }

    fn traces(&self, traces: Traces) {
        *self.traces.lock().unwrap_or_else(PoisonError::into_inner) = Some(traces);
    }

    async fn close(&self) {
        let stores = std::mem::take(&mut *self.stores.lock().unwrap_or_else(PoisonError::into_inner));
        for store in stores {
            store.close().await;
        }
        let traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(traces) = traces {
            traces.end().await;
        }
    }
}

/// We wait for others nearly all of the time: two threads do, on however large a machine, and each one more would take memory.
const WORKERS: usize = 2;

/// Reads the command line, does what it says, and answers the exit code.
#[must_use]
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors: clap prints them to standard output and says 0.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let globals = cli.globals.clone();
    let daemon = matches!(cli.command, Command::Daemon);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&globals, &Failure::failed(error)),
    };
    // Boxed, so that the commands are compiled once, and not for each way in which the runtime may wait for them.
    let command: LocalBoxFuture<'_, _> = Box::pin(run(cli));
    let ended = runtime.block_on(command);
    // A blocked name look-up must not keep a finished command from ending.
    runtime.shutdown_background();
    let ended = ended.and_then(|exit| {
        if Output::lost() {
            return Err(Failure::failed(anyhow::anyhow!(
                "the result could not be written to standard output: is the disk full?"
            )));
        }
        Ok(exit)
    });
    match ended {
        Ok(exit) => accepted(exit, &globals.ok_if).code(),
        Err(failure) if accepted(failure.exit, &globals.ok_if) == Exit::Done => {
            Output { quiet: globals.quiet, ..Output::default() }.notice(format!("{:#}", failure.error));
            0
        }
        // Who reads a daemon reads its log, and that in one form.
        Err(failure) if daemon && !globals.json && logging::is_json() => log(&failure),
        Err(failure) => report(&globals, &failure),
    }
}

fn log(failure: &Failure) -> u8 {
    let (error, exit) = (exit::chain(&failure.error), failure.exit.code());
    tracing::error!(error, exit, "the daemon ends");
    exit
}

fn accepted(exit: Exit, ok_if: &[OkIf]) -> Exit {
    match exit {
        Exit::Busy if ok_if.contains(&OkIf::Busy) => Exit::Done,
        Exit::Parked if ok_if.contains(&OkIf::Parked) => Exit::Done,
        Exit::Busy | Exit::Parked | Exit::Done | Exit::Failed | Exit::Usage | Exit::Held | Exit::Signal(_) => exit,
    }
}

fn report(globals: &Globals, failure: &Failure) -> u8 {
    let code = failure.exit.code();
    let error = exit::chain(&failure.error);
    let text = if globals.json {
        serde_json::json!({"error": error, "exit": code}).to_string()
    } else {
        format!("anagrafe: {error}")
    };
    Output::default().notice(text);
    code
}

async fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli { globals, command } = cli;
    #[cfg(feature = "sandbox")]
    crate::store::mortal::told(&setup::environment()).map_err(Failure::usage)?;
    let out = Output { json: globals.json, csv: globals.csv, quiet: globals.quiet };
    let context = Context::new(globals, out);
    let ended = command_of(&context, command).await;
    context.close().await;
    ended
}

async fn command_of(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => check::run(context, args).await,
        Command::Plan(args) => plan::run(context, args).await,
        Command::Sync(args) => sync::run(context, args).await,
        Command::Resync(args) => resync::run(context, args).await,
        Command::Daemon => daemon::run(context).await,
        Command::Status => status::run(context).await,
        Command::Runs(args) => runs::run(context, args).await,
        Command::Explain(args) => explain::run(context, args).await,
        Command::Pause(args) => pause::pause(context, args).await,
        Command::Resume => pause::resume(context).await,
        Command::Merges(command) => merges::run(context, command).await,
        Command::Links(command) => proposals::links(context, command).await,
        Command::Holds(command) => holds::run(context, command).await,
        Command::Erase(args) => erase::run(context, args).await,
        Command::Normalise(args) => normalise::run(context, args).await,
        Command::Contacts(command) => contacts::run(context, command).await,
        Command::Customers(command) => customers::run(context, command).await,
        Command::Migrate => migrate::run(context).await,
        Command::Config(command) => config::run(context, command),
        Command::Completions(args) => Ok(manual::completions(context, &args)),
        Command::Man(args) => manual::man(context, args),
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => demo::run(context, args).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(context, args).await,
    }
}
