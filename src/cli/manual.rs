//! `anagrafe completions` and `anagrafe man`: what the command line can say about itself. Both are made from the same
//! description that reads the arguments, so that neither can be out of date.

use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use super::{Context, Exit, Failure, args::Cli};

/// `completions`
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  anagrafe completions bash > ~/.local/share/bash-completion/completions/anagrafe
  anagrafe completions fish > ~/.config/fish/completions/anagrafe.fish")]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// `man`
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  anagrafe man | man -l -
  anagrafe man --out /usr/local/share/man/man1")]
pub struct ManArgs {
    /// Writes a page for every command into this folder instead, and makes it if it is missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn completions(context: &Context, args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "anagrafe", &mut script);
    context.out.line(String::from_utf8_lossy(&script).trim_end());
    Exit::Done
}

pub fn man(context: &Context, args: ManArgs) -> Result<Exit, Failure> {
    let Some(folder) = args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command().disable_help_subcommand(true))
            .render(&mut page)
            .map_err(Failure::failed)?;
        context.out.line(String::from_utf8_lossy(&page).trim_end());
        return Ok(Exit::Done);
    };
    let refused = |error: std::io::Error| {
        Failure::failed(anyhow::anyhow!("the pages cannot be written to {}: {error}", folder.display()))
    };
    fs::create_dir_all(&folder).map_err(refused)?;
    clap_mangen::generate_to(Cli::command(), &folder).map_err(refused)?;
    if context.out.json {
        context.out.json(&json!({ "written": folder }))?;
    } else {
        context.out.line(format!("The pages are in {}: man -l {0}/anagrafe.1", folder.display()));
    }
    Ok(Exit::Done)
}
