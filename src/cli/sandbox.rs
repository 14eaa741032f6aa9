//! `anagrafe sandbox`: both systems in miniature, and a configuration that points at them, until a signal. What it serves
//! is `crate::sandbox`'s.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde_json::json;

use super::{Context, Exit, Failure, signals::Signals};
use crate::sandbox::{Options, Sandbox, population};

/// What the configuration of a sandbox begins with; a file that begins otherwise is somebody's own.
const MARK: &str = "# Written by the sandbox";

/// `sandbox`
#[derive(Debug, Args)]
#[command(
    after_long_help = "The same seed and sizes give the same people. Faults are set, and the journal is read, at the control address.
What is changed there, or by a sync, is forgotten at the end.

Examples:
  anagrafe sandbox --contacts 500 --customers 600
  anagrafe sandbox --seed 7 --latency 20ms --config-out /tmp/try/sandbox.toml
  anagrafe --config sandbox.toml sync          (in another terminal)"
)]
pub struct SandboxArgs {
    /// How many contacts the shop has
    #[arg(long, default_value_t = 1000, value_name = "N")]
    contacts: usize,
    /// How many customers the account has [default: as many as contacts]
    #[arg(long, value_name = "N")]
    customers: Option<usize>,
    /// Which people
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// How long every answer takes
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// The first of four ports in a row [default: any that are free]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65532))]
    port: Option<u16>,
    /// Where the ready configuration goes; the state lies beside it
    #[arg(long, default_value = "./sandbox.toml", value_name = "FILE")]
    config_out: PathBuf,
}

pub async fn run(context: &Context, args: SandboxArgs) -> Result<Exit, Failure> {
    let config = std::path::absolute(&args.config_out).map_err(Failure::failed)?;
    let state_dir = config.with_extension("state");
    own(&config)?;
    let signals = Signals::listen().map_err(Failure::failed)?;
    let customers = args.customers.unwrap_or(args.contacts);
    let population = population::generate(args.seed, args.contacts, customers);
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port.unwrap_or(0)));
    let options = Options { latency: args.latency, bind, ..Options::default() };
    let sandbox = Sandbox::start(population, options).await.map_err(|error| {
        Failure::failed(anyhow::anyhow!("the sandbox cannot listen: {error}; name other ports with --port"))
    })?;
    write(&config, &sandbox.configuration(&state_dir))?;
    tell(context, &sandbox, &config, &state_dir)?;
    signals.stop.cancelled().await;
    sandbox.shutdown().await;
    Ok(Exit::Done)
}

fn tell(context: &Context, sandbox: &Sandbox, config: &Path, state_dir: &Path) -> Result<(), Failure> {
    if state_dir.exists() {
        context.out.notice(format!(
            "{} holds what was remembered of an earlier sandbox: remove it to begin anew",
            state_dir.display()
        ));
    }
    if context.out.json {
        return context.out.json(&json!({
            "shop": sandbox.shop_url(),
            "vivocha": sandbox.vivocha_base_url(),
            "www": sandbox.www_url(),
            "control": sandbox.control_url(),
            "config": config,
            "state_dir": state_dir,
        }));
    }
    context.out.line(format!("shop           {}", sandbox.shop_url()));
    context.out.line(format!("account        {}", sandbox.vivocha_base_url()));
    context.out.line(format!("front door     {}", sandbox.www_url()));
    context.out.line(format!("control        {}", sandbox.control_url()));
    context.out.line(format!("configuration  {}", config.display()));
    context.out.notice(format!("Try: anagrafe --config {} plan. Ctrl-C ends it.", config.display()));
    Ok(())
}

/// Refuses to write over what is not a sandbox's.
fn own(config: &Path) -> Result<(), Failure> {
    match fs::read(config) {
        Ok(bytes) if bytes.starts_with(MARK.as_bytes()) => Ok(()),
        Ok(_) => Err(Failure::usage(format!(
            "{} is there and no sandbox wrote it: name another file with --config-out",
            config.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unwritable(config, &error)),
    }
}

fn write(config: &Path, text: &str) -> Result<(), Failure> {
    let folder = config.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::write(config, text)).map_err(|error| unwritable(config, &error))
}

fn unwritable(config: &Path, error: &io::Error) -> Failure {
    let config = config.display();
    Failure::failed(anyhow::anyhow!("{config} cannot be written: {error}; name another file with --config-out"))
}
