//! The command line. Names are settled: add, do not rename.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::model::{CustomerId, ShopName};

/// Brings the contacts of an Open2b shop to the customers of a Vivocha account: one person, one record.
#[derive(Debug, Parser)]
#[command(name = "anagrafe", version, about, max_term_width = 110, arg_required_else_help = true)]
#[command(after_long_help = EXIT_CODES)]
pub struct Cli {
    /// What goes for every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done; contacts that wait for a person or have no usable identifier do not change that
  1    failed; the message says what to do, and the next run goes on where this one stopped
  2    the command line or the configuration is wrong
  3    done, and some contacts are parked: they are tried again by themselves
  4    held by a safeguard or paused; `anagrafe status` says why
  5    busy: another process works on this account
  130, 143  stopped by a signal";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Globals {
    /// The configuration [default: ./config/anagrafe.toml, else /etc/anagrafe/anagrafe.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Results as JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Lists as CSV
    #[arg(long, global = true, conflicts_with = "json", help_heading = "Global options")]
    pub csv: bool,
    /// Results and errors only: no progress, no notices
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// More log: -v debug, -vv trace
    #[arg(short, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// Outcomes that are to end with exit code 0 all the same
    #[arg(long, global = true, value_delimiter = ',', value_name = "OUTCOME", help_heading = "Global options")]
    pub ok_if: Vec<OkIf>,
}

/// What `--ok-if` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OkIf {
    /// Another process works on the account.
    Busy,
    /// Some contacts are parked.
    Parked,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The main job on this machine alone: both systems in miniature, a first crossing, a second one that changes nothing
    #[cfg(feature = "sandbox")]
    Demo(super::demo::DemoArgs),
    /// Asks the configuration, the store and both APIs whether a sync could work; changes nothing but what it is told to
    #[command(
        after_long_help = "Each line is confirmed, contradicted (and how to set it) or unknown (and whom to ask what). Any contradiction ends with
exit code 1.

--write-probe measures what an update does, and how late a search sees it, on a customer you name: best one made for it.
It needs a nickname (any text), which holds a probe for a moment; e-mail, number and ids are sent only as they stand.
Everything is put back, also after a signal or a failure. It takes the account's lease, and refuses while paused or busy.

Examples:
  anagrafe check
  anagrafe check --json
  anagrafe check --write-probe 5f1e8a"
    )]
    Check(CheckArgs),
    /// Says what a run would do; writes nothing, anywhere
    #[command(
        after_long_help = "With --json: a line for each contact that something would be done for, and last a line with the sums and the report.

Examples:
  anagrafe plan --full
  anagrafe plan --shop main --limit 100 --json"
    )]
    Plan(PlanArgs),
    /// One pass over what is new or due (a survey first, where needed)
    #[command(after_long_help = "Examples:
  anagrafe sync --limit 20
  anagrafe sync --wait --ok-if parked")]
    Sync(SyncArgs),
    /// Reads everything again: edits, deletions, new chats of known people, whatever a sync cannot see
    #[command(
        after_long_help = "Interrupted, it goes on where it was, unless that is longer ago than two resyncs of the schedule lie apart. \
A sync that comes due by the schedule runs between its pages.

Examples:
  anagrafe resync
  anagrafe resync --shop main --contact 59068 --contact 59070
  anagrafe resync --shop main --from 50000 --force"
    )]
    Resync(ResyncArgs),
    /// Runs by itself: the schedule, health, figures; in the foreground, until a signal
    #[command(
        after_long_help = "Ticks of [schedule] run `sync` and `resync` as those commands would. Several daemons may share an account: one works, the
others stand by. Health, figures and status are on [observe] listen: /healthz /readyz /metrics /status.

SIGTERM and SIGINT: no new write, the call in flight ends, exit within 20 s; a second one ends it at once. SIGHUP: the
configuration and its secrets are read anew; where they will not do, the old ones stay in force.

Examples:
  anagrafe daemon
  anagrafe daemon --config /etc/anagrafe/anagrafe.toml
  curl -s http://127.0.0.1:9481/status | jq .daemon"
    )]
    Daemon,
    /// How things stand: shops, states, holds, what waits
    #[command(after_long_help = "Examples:
  anagrafe status
  anagrafe status --json | jq .shops")]
    Status,
    /// The last runs, or one of them with its whole report
    #[command(after_long_help = "Examples:
  anagrafe runs --last 5
  anagrafe runs 17 --json")]
    Runs(RunsArgs),
    /// The whole story of a contact, a customer or a merge; or why two customers were not merged
    #[command(after_long_help = "Examples:
  anagrafe explain contact main/59068
  anagrafe explain customer 5f1e8a --reveal
  anagrafe explain merge 3fa94c1b00d5e2a7
  anagrafe explain pair 5f1e8a 6a02c1")]
    Explain(super::explain::ExplainArgs),
    /// Stops every write until `resume`; runs go on reading
    #[command(after_long_help = "Examples:
  anagrafe pause 'the shop is being moved'")]
    Pause(PauseArgs),
    /// Lets writes go on
    #[command(after_long_help = "Examples:
  anagrafe resume")]
    Resume,
    /// Customers that are one person: what is proposed, what each waits for, what became of it
    #[command(
        subcommand,
        after_long_help = "Examples:
  anagrafe merges list
  anagrafe merges show 3fa94c1b00d5e2a7
  anagrafe merges approve 3fa94c1b00d5e2a7
  anagrafe merges restore 3fa94c1b00d5e2a7 --yes"
    )]
    Merges(super::merges::MergesCommand),
    /// Proposals to link a contact to a customer
    #[command(
        subcommand,
        after_long_help = "Examples:
  anagrafe links list
  anagrafe links approve 3fa94c1b"
    )]
    Links(super::proposals::LinksCommand),
    /// What a safeguard holds
    #[command(
        subcommand,
        after_long_help = "Examples:
  anagrafe holds list
  anagrafe holds release 3"
    )]
    Holds(super::holds::HoldsCommand),
    /// Forgets a person, and sees to it that no later pass brings her back
    Erase(super::erase::EraseArgs),
    /// What an e-mail, a number or a name becomes, and why: arguments, or JSON lines on standard input
    Normalise(super::normalise::NormaliseArgs),
    /// The contacts of a shop, by hand
    #[command(subcommand)]
    Contacts(super::contacts::ContactsCommand),
    /// The customers of the account, by hand
    #[command(subcommand)]
    Customers(super::customers::CustomersCommand),
    /// Brings the store to the schema of this version, or makes it
    #[command(after_long_help = "Every command does so by itself; a deployment may want it done first.

Examples:
  anagrafe migrate
  anagrafe migrate --json")]
    Migrate,
    /// What is configured
    #[command(subcommand)]
    Config(super::config::ConfigCommand),
    /// The completion script of a shell
    Completions(super::manual::CompletionsArgs),
    /// The manual page, or with --out one for every command
    Man(super::manual::ManArgs),
    /// Both systems in miniature, to try things on
    #[cfg(feature = "sandbox")]
    Sandbox(super::sandbox::SandboxArgs),
}

/// `check`
#[derive(Debug, Default, Args)]
pub struct CheckArgs {
    /// Measures updates and the lag of searches on this customer, and puts it back
    #[arg(long, value_name = "CUSTOMER")]
    pub write_probe: Option<CustomerId>,
    /// Waits while another process works on the account
    #[arg(long, requires = "write_probe")]
    pub wait: bool,
}

/// `plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// This shop only
    #[arg(long)]
    pub shop: Option<ShopName>,
    /// Everything, not only what is new or due
    #[arg(long)]
    pub full: bool,
    /// Reads at most so many contacts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Shows contacts too that stay as they are
    #[arg(long)]
    pub all: bool,
}

/// `sync`
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// This shop only
    #[arg(long)]
    pub shop: Option<ShopName>,
    /// Reads at most so many contacts, then stops. During a first crossing the next run goes on from there; later on each run begins one
    /// lookback ago
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Waits while another process works on the account
    #[arg(long)]
    pub wait: bool,
}

/// `resync`
#[derive(Debug, Args)]
pub struct ResyncArgs {
    /// This shop only
    #[arg(long)]
    pub shop: Option<ShopName>,
    /// Only this contact; may be given many times
    #[arg(long, value_name = "ID", conflicts_with = "from")]
    pub contact: Vec<i64>,
    /// Only contacts from this id on; says nothing about deletions
    #[arg(long, value_name = "ID")]
    pub from: Option<i64>,
    /// Looks at everybody, changed or not; leaves out no safeguard
    #[arg(long)]
    pub force: bool,
    /// Waits while another process works on the account
    #[arg(long)]
    pub wait: bool,
}

/// `runs`
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The run
    pub id: Option<i64>,
    /// How many
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub last: u32,
}

/// `pause`
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// Why, for whoever finds it paused
    #[arg(default_value = "by hand")]
    pub why: String,
}
