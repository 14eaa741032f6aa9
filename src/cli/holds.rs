//! `anagrafe holds`: what a safeguard stopped, why, and letting it go on.

use clap::Subcommand;
use serde::Serialize;

use super::{
    Context, Exit, Failure,
    merges::is_merge,
    pause,
    proposals::proposed,
    setup::{self, Purpose},
};
use crate::{
    model::{
        ContactKey,
        hold::Hold,
        proposal::{KeptProposal, ProposalState},
    },
    store::Decision,
};

/// `holds …`
#[derive(Debug, Subcommand)]
pub enum HoldsCommand {
    /// What is held now
    List {
        /// Released ones too
        #[arg(long)]
        all: bool,
    },
    /// One hold: why, how much, and whom it holds
    Show {
        /// Its number
        id: i64,
    },
    /// Lets what was held, and just that, go on with the next run; of a hold `shrunk` or `strangers` for 24 hours
    #[command(after_long_help = "\
A release of a hold `shrunk` or `strangers` is good for 24 hours: whoever looked at it looked at what was so then. A run that finds
the same later is held again, and waits for another release. What a hold `updates`, `rules` or `merges` held stays released, each
bound to what was shown.")]
    Release {
        /// Its number
        id: i64,
    },
}

pub async fn run(context: &Context, command: HoldsCommand) -> Result<Exit, Failure> {
    match command {
        HoldsCommand::List { all } => list(context, all).await,
        HoldsCommand::Show { id } => show(context, id).await,
        HoldsCommand::Release { id } => {
            pause::decide(context, Decision::Release(id)).await?;
            let released = all(context, true).await?.into_iter().find(|hold| hold.id == id);
            let hours = released.and_then(|hold| hold.what.kind.good_for()).map(|span| span.as_secs() / 3600);
            if context.out.json {
                context.out.json(&serde_json::json!({ "released": id, "good_for_hours": hours }))?;
                return Ok(Exit::Done);
            }
            context.out.line(format!("Hold {id} is released; the next run goes on."));
            if let Some(hours) = hours {
                context.out.line(format!(
                    "The release is good for {hours} hours: a run that finds the same after that is held again."
                ));
            }
            Ok(Exit::Done)
        }
    }
}

async fn all(context: &Context, released_too: bool) -> Result<Vec<Hold>, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    let memory = setup::memory(context, &settings, Purpose::Look).await?;
    Ok(memory.store.holds(released_too).await?)
}

async fn list(context: &Context, released_too: bool) -> Result<Exit, Failure> {
    let holds = all(context, released_too).await?;
    context.out.list(
        &holds,
        &["hold", "shop", "kind", "count", "since", "released", "reason"],
        |hold| {
            let released = hold.released.as_ref().map(|(at, by)| format!("{at} by {by}"));
            vec![
                hold.id.to_string(),
                hold.what.shop.to_string(),
                hold.what.kind.as_str().into(),
                hold.what.count.to_string(),
                hold.since.to_string(),
                released.unwrap_or_default(),
                hold.what.reason.clone(),
            ]
        },
        "Nothing is held.",
    )?;
    Ok(Exit::Done)
}

/// A hold, and whose updates or which merges it holds.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    hold: Hold,
    held: Vec<ContactKey>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    proposals: Vec<KeptProposal>,
}

/// So many of those held are shown; `--json` shows all.
const SHOWN: usize = 20;

async fn show(context: &Context, id: i64) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    let memory = setup::memory(context, &settings, Purpose::Look).await?;
    let hold = memory
        .store
        .holds(true)
        .await?
        .into_iter()
        .find(|hold| hold.id == id)
        .ok_or_else(|| Failure::usage(format!("there is no hold {id}: see `anagrafe holds list --all`")))?;
    let contacts = memory.store.held(id, u64::from(u32::MAX)).await?;
    let mut proposals = memory.store.proposals(Some(ProposalState::Open)).await?;
    proposals.retain(|kept| is_merge(kept) && kept.held_by == Some(id));
    if context.out.json {
        context.out.json(&Shown { hold, held: contacts, proposals })?;
        return Ok(Exit::Done);
    }
    context.out.line(format!(
        "hold {id}: {} of shop {}, since {} (run {})\n{}\n{} held",
        hold.what.kind.as_str(),
        hold.what.shop,
        hold.since,
        hold.run,
        hold.what.reason,
        hold.what.count
    ));
    for kept in proposals.iter().take(SHOWN) {
        let proposal = &kept.proposal;
        let what = proposed(&proposal.proposed);
        context.out.line(format!("  {}: {what}: anagrafe merges show {}", proposal.contact, proposal.id));
    }
    if proposals.len() > SHOWN {
        context.out.line(format!("  and {} more: anagrafe merges list", proposals.len() - SHOWN));
    }
    let named = match (proposals.is_empty(), contacts.is_empty()) {
        (false, _) => &Vec::new(),
        (true, true) => &hold.what.sample,
        (true, false) => &contacts,
    };
    for contact in named.iter().take(SHOWN) {
        context.out.line(format!("  {contact}: anagrafe explain contact {contact}"));
    }
    if named.len() > SHOWN {
        context.out.line(format!("  and {} more: anagrafe holds show {id} --json", named.len() - SHOWN));
    }
    if !proposals.is_empty() && hold.released.is_none() {
        context.out.line(format!(
            "`anagrafe holds release {id}` approves each of them as it is shown here; the next sync looks at each again, and merges what is still the same. One that is wrong: merges reject."
        ));
    }
    if let Some((at, by)) = &hold.released {
        context.out.line(format!("released {at} by {by}"));
    }
    Ok(Exit::Done)
}
