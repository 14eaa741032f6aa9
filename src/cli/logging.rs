//! The log: to standard error, pretty on a terminal and JSON elsewhere. Never a personal detail: the values that hold one do not
//! print themselves.

use std::{io::IsTerminal as _, sync::OnceLock};

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::{FilterExt as _, filter_fn},
    fmt,
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

use super::{Context, traces};
use crate::{
    config::{LogFormat, Settings},
    observe,
};

/// What may be logged whatever filter the operator wrote: our own events, which never hold a person, and of the libraries below
/// us what they say at `info` and above. Beneath that they tell addresses, headers and statements, people and keys in them.
fn is_ours_to_say(event: &Metadata<'_>) -> bool {
    // What is traced says nothing in the log.
    if observe::traces::is_ours(event) {
        return false;
    }
    let ours = event.target() == "anagrafe" || event.target().starts_with("anagrafe::");
    // The scheduler is our alarm clock: what it says of its alarms is no news, and one that it loses is found out and told by us.
    let alarms = event.target().starts_with("tokio_cron_scheduler");
    ours || (*event.level() <= Level::INFO && !alarms)
}

/// What is logged by this process, to be changed while it runs.
static LEVELS: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Whether it is written as JSON.
static JSON: OnceLock<bool> = OnceLock::new();

/// Whether what fails is logged, and as JSON.
#[must_use]
pub fn is_json() -> bool {
    JSON.get() == Some(&true) && tracing::enabled!(Level::ERROR)
}

/// What is logged: by the command line, else by the configuration.
fn levels(context: &Context, settings: &Settings) -> EnvFilter {
    let (observe, globals) = (&settings.observe, &context.globals);
    let level = match (globals.verbose, globals.quiet) {
        (0, true) => "error".to_owned(),
        // What a command has to say it prints itself; its log begins at what a person should look into.
        (0, false) if std::io::stderr().is_terminal() && observe.log == "info" => "warn".to_owned(),
        (0, false) => observe.log.clone(),
        (1, _) => "info,anagrafe=debug".to_owned(),
        (_, _) => "info,anagrafe=trace".to_owned(),
    };
    EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"))
}

/// Logs what the configuration says now.
pub fn change(context: &Context, settings: &Settings) {
    // Without a handle it was not begun here: by a test.
    if let Some(Err(error)) = LEVELS.get().map(|handle| handle.reload(levels(context, settings))) {
        tracing::warn!(%error, "observe.log could not be changed: it is so after the next start");
    }
}

/// Begins to log, and to trace where the configuration says where to. A second call changes nothing.
pub fn begin(context: &Context, settings: &Settings) {
    let (filter, handle) = reload::Layer::new(levels(context, settings));
    // Each by a filter of its own: what is logged decides nothing about what is traced, nor the other way round.
    let filter = filter.and(filter_fn(is_ours_to_say).with_max_level_hint(LevelFilter::TRACE));
    let pretty = match settings.observe.log_format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let log = if pretty {
        fmt::layer().with_writer(super::progress::above_the_bar).with_target(false).with_filter(filter).boxed()
    } else {
        fmt::layer().json().with_writer(std::io::stderr).flatten_event(true).with_filter(filter).boxed()
    };
    let (traces, trouble) = match traces::begin(settings) {
        Ok(traces) => (traces, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let mut layers = vec![log];
    layers.extend(traces.as_ref().map(observe::otlp::Traces::layer));
    // Already begun: by a test, or by the command around this one.
    let began = tracing_subscriber::registry().with(layers).try_init().is_ok();
    if began {
        let _ = LEVELS.set(handle);
        let _ = JSON.set(!pretty);
    }
    if let Some(traces) = traces.filter(|_| began) {
        context.traces(traces);
    }
    if let Some(trouble) = trouble {
        tracing::warn!(error = trouble, "there are no traces: look at observe.otlp_endpoint");
    }
}
