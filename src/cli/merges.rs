//! `anagrafe merges`: what is to become one, what it waits for, what became of it, and a person's word on it. Ids and codes; people are
//! shown by `show --before` and `restore`, which are asked for them.

mod decide;
mod restore;
pub(super) mod show;
pub(super) mod waits;
pub(super) mod words;

use std::sync::Arc;

use clap::Subcommand;
use serde::Serialize;

use super::{
    Context, Exit, Failure,
    proposals::{ListArgs, proposed},
    setup::{self, Memory, Purpose},
};
use crate::{
    config::Settings,
    model::{
        proposal::{KeptProposal, ProposalState, Proposed},
        time::Moment,
    },
    sync::{Clock as _, SystemClock},
};
use decide::{ApproveArgs, RejectArgs, Verb, Which};
use restore::RestoreArgs;
use waits::{Standing, Waits};

/// `merges …`
#[derive(Debug, Subcommand)]
pub enum MergesCommand {
    /// Merges that are proposed, and what each waits for
    #[command(after_long_help = "Examples:
  anagrafe merges list
  anagrafe merges list --state approved
  anagrafe merges list --all --json")]
    List(ListArgs),
    /// One of them, whole: who into whom, on what evidence, by whose authority, the exact call, and what became of it
    #[command(
        after_long_help = "What the customers were before a merge is kept, encrypted under the hash key, for 30 days.

Examples:
  anagrafe merges show 3fa94c1b00d5e2a7
  anagrafe merges show 3fa94c1b00d5e2a7 --before"
    )]
    Show {
        /// The proposal's id
        id: String,
        /// Shows the customers as they were: personal
        #[arg(long)]
        before: bool,
    },
    /// They are one person: the next sync merges them, if everything is still as it was proposed
    #[command(after_long_help = "One id acts at once. Several, or --all, show first what will happen, and need --yes.
A merge has no way back. An approval is bound to just this proposal: one that changes loses it.

Of a merge that nobody can tell what became of, it says: it was applied, they are one.

Examples:
  anagrafe merges approve 3fa94c1b00d5e2a7
  anagrafe merges approve --all --because names-do-not-confirm
  anagrafe merges approve --all --because auto-merge-off --yes")]
    Approve(ApproveArgs),
    /// They are different people, for good: no later run proposes it again
    #[command(after_long_help = "One id acts at once. Several show first what will happen, and need --yes.

Of a merge that nobody can tell what became of, it says: it was not applied, they are two.

Examples:
  anagrafe merges reject 3fa94c1b00d5e2a7")]
    Reject(RejectArgs),
    /// Writes back what can be written back of a merge, and says plainly what cannot
    #[command(
        after_long_help = "What came to the customer that remains goes back to what it was; what was changed since stays. The customer that was
merged away does not come back: only a new chat makes a new one, under a new id; its chats stay where they are. The two
are different people from then on. Without --yes it shows all of that and sends nothing.

Examples:
  anagrafe merges restore 3fa94c1b00d5e2a7
  anagrafe merges restore 3fa94c1b00d5e2a7 --yes"
    )]
    Restore(RestoreArgs),
}

pub async fn run(context: &Context, command: MergesCommand) -> Result<Exit, Failure> {
    match command {
        MergesCommand::List(args) => list(context, &args).await,
        MergesCommand::Show { id, before } => show::run(context, &id, before).await,
        MergesCommand::Approve(args) => {
            let ApproveArgs { ids, all, because, yes } = args;
            let which = if all { Which::All(because.as_deref()) } else { Which::Named(&ids) };
            decide::run(context, Verb::Approve, which, yes).await
        }
        MergesCommand::Reject(RejectArgs { ids, yes }) => {
            decide::run(context, Verb::Reject, Which::Named(&ids), yes).await
        }
        MergesCommand::Restore(args) => restore::run(context, args).await,
    }
}

/// What a person who asks about merges needs.
pub(super) struct Desk {
    pub settings: Settings,
    pub memory: Arc<Memory>,
    pub now: Moment,
}

impl Desk {
    pub async fn open(context: &Context) -> Result<Self, Failure> {
        let settings = setup::settings(context.globals.config.as_ref())?;
        let memory = setup::memory(context, &settings, Purpose::Look).await?;
        Ok(Self { settings, memory: Arc::new(memory), now: SystemClock.now() })
    }

    /// Merges in a state, oldest first.
    pub async fn proposals(&self, state: Option<ProposalState>) -> Result<Vec<KeptProposal>, Failure> {
        let mut all = self.memory.store.proposals(state).await?;
        all.retain(is_merge);
        Ok(all)
    }
}

pub(super) fn is_merge(kept: &KeptProposal) -> bool {
    match &kept.proposal.proposed {
        Proposed::Merge { .. } => true,
        Proposed::Link { .. } => false,
    }
}

/// A merge in a list.
#[derive(Serialize)]
pub(super) struct Listed {
    #[serde(flatten)]
    pub kept: KeptProposal,
    pub waits_for: Waits,
}

pub(super) fn listed(kept: KeptProposal, standing: &Standing) -> Listed {
    Listed { waits_for: standing.of(&kept), kept }
}

async fn list(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(context).await?;
    let standing = Standing::of_all(&desk).await?;
    let state = args.state();
    let all: Vec<Listed> = desk.proposals(state).await?.into_iter().map(|kept| listed(kept, &standing)).collect();
    context.out.list(
        &all,
        &["id", "contact", "proposal", "state", "waits for", "evidence", "since"],
        |one| {
            let kept = &one.kept;
            vec![
                kept.proposal.id.to_string(),
                kept.proposal.contact.to_string(),
                proposed(&kept.proposal.proposed),
                kept.state.as_str().into(),
                one.waits_for.words.clone(),
                kept.proposal.evidence.join("; "),
                kept.since.to_string(),
            ]
        },
        "No merge is proposed.",
    )?;
    let approved = standing.approved();
    if state == Some(ProposalState::Open) && approved > 0 {
        context
            .out
            .notice(format!("Approved, and not carried out yet: {approved} (anagrafe merges list --state approved)"));
    }
    Ok(Exit::Done)
}
