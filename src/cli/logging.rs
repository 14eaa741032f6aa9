//! The log: to standard error, pretty on a terminal and JSON elsewhere. Never a personal detail: the values that hold one do not
//! print themselves.

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::args::Globals;
use crate::config::{LogFormat, Observe};

/// What may be logged whatever filter the operator wrote: our own events, which never hold a person, and of the libraries below
/// us what they say at `info` and above. Beneath that they tell addresses, headers and statements, people and keys in them.
fn is_ours_to_say(event: &Metadata<'_>) -> bool {
    let ours = event.target() == "anagrafe" || event.target().starts_with("anagrafe::");
    // The scheduler is our alarm clock: what it says of its alarms is no news, and one that it loses is found out and told by us.
    let alarms = event.target().starts_with("tokio_cron_scheduler");
    ours || (*event.level() <= Level::INFO && !alarms)
}

/// Begins to log. A second call changes nothing.
pub fn begin(observe: &Observe, globals: &Globals) {
    let level = match (globals.verbose, globals.quiet) {
        (0, true) => "error".to_owned(),
        // What a command has to say it prints itself; its log begins at what a person should look into.
        (0, false) if std::io::stderr().is_terminal() && observe.log == "info" => "warn".to_owned(),
        (0, false) => observe.log.clone(),
        (1, _) => "info,anagrafe=debug".to_owned(),
        (_, _) => "info,anagrafe=trace".to_owned(),
    };
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let pretty = match observe.log_format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let registry = tracing_subscriber::registry().with(filter).with(filter_fn(is_ours_to_say));
    let began = if pretty {
        registry.with(fmt::layer().with_writer(super::progress::above_the_bar).with_target(false)).try_init()
    } else {
        registry.with(fmt::layer().json().with_writer(std::io::stderr).flatten_event(true)).try_init()
    };
    // Already begun: by a test, or by the command around this one.
    drop(began);
}
