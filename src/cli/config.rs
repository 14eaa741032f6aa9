//! `anagrafe config`: what is in force and where it comes from, and all that is wrong at once. Connects to nothing:
//! whether hosts answer is what `check` asks.

use clap::Subcommand;
use serde_json::json;

use super::{Context, Exit, Failure, setup};
use crate::config::Problems;

/// `config …`
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Every setting in force, with the line, the variable or the default it comes from; secrets are hidden
    #[command(after_long_help = "Examples:
  anagrafe config show
  anagrafe config show --json | jq .schedule")]
    Show,
    /// All that is wrong, by key and line; exit code 2 if anything is
    #[command(after_long_help = "What is allowed but hardly meant is a warning and does not change the exit code.

Examples:
  anagrafe config validate
  anagrafe config validate --config /etc/anagrafe/anagrafe.toml --json")]
    Validate,
}

pub fn run(context: &Context, command: ConfigCommand) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Show => show(context),
        ConfigCommand::Validate => validate(context),
    }
}

fn show(context: &Context) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    if context.out.json {
        context.out.json(&settings.show())?;
    } else {
        context.out.line(settings.show_toml().trim_end());
    }
    Ok(Exit::Done)
}

fn validate(context: &Context) -> Result<Exit, Failure> {
    match setup::settings(context.globals.config.as_ref()) {
        Ok(settings) => {
            let warnings = &settings.warnings;
            if context.out.json {
                context.out.json(&json!({ "valid": true, "problems": [], "warnings": warnings }))?;
                return Ok(Exit::Done);
            }
            for warning in warnings {
                context.out.line(format!("warning: {warning}"));
            }
            context.out.line("The configuration is valid; `anagrafe check` asks whether both systems agree.");
            Ok(Exit::Done)
        }
        Err(failure) => {
            let problems =
                failure.error.downcast_ref::<Problems>().map_or(&[][..], |problems| problems.iter().as_slice());
            if problems.is_empty() {
                return Err(failure);
            }
            if context.out.json {
                context.out.json(&json!({ "valid": false, "problems": problems, "warnings": [] }))?;
            } else {
                for problem in problems {
                    context.out.line(problem.to_string());
                }
                let plural = if problems.len() == 1 { "problem" } else { "problems" };
                context.out.notice(format!("{} {plural}: nothing runs with this configuration", problems.len()));
            }
            Ok(Exit::Usage)
        }
    }
}
