//! `anagrafe links`: what awaits a person, and her word on it. Ids and codes only; `explain --reveal` shows people. Merges:
//! [`super::merges`].

use clap::Subcommand;

use super::{
    Context, Exit, Failure,
    explain::contact_key,
    network::Network,
    pause,
    setup::{self, Purpose},
};
use crate::{
    model::{
        ContactKey, CustomerId,
        proposal::{Authority, KeptProposal, ProposalId, ProposalState, Proposed},
    },
    store::Decision,
};

/// `links …`
#[derive(Debug, Subcommand)]
pub enum LinksCommand {
    /// Links that wait for a person
    List(ListArgs),
    /// One of them: on what evidence, and why it asks
    Show {
        /// Its id
        id: String,
    },
    /// They are the same person: linked by the next sync
    Approve {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// They are different people, for good
    Reject {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Ends a contact's link: different people, for good
    Detach {
        /// The contact, as SHOP/ID, or only ID where there is one shop
        contact: String,
    },
    /// Links a contact to a customer by hand: one person, whatever was said before
    Assign {
        /// The contact, as SHOP/ID, or only ID where there is one shop
        contact: String,
        /// The customer's id in Vivocha
        customer: CustomerId,
    },
}

/// Which ones.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// In this state
    #[arg(long, default_value = "open", value_parser = state)]
    state: ProposalState,
    /// In any state
    #[arg(long, conflicts_with = "state")]
    all: bool,
}

impl ListArgs {
    /// The state they are to be in, if not in any.
    #[must_use]
    pub fn state(&self) -> Option<ProposalState> {
        (!self.all).then_some(self.state)
    }
}

fn state(word: &str) -> Result<ProposalState, String> {
    let words: Vec<&str> = ProposalState::ALL.iter().map(|state| state.as_str()).collect();
    ProposalState::parse(word).ok_or_else(|| format!("one of {}", words.join(", ")))
}

pub async fn links(context: &Context, command: LinksCommand) -> Result<Exit, Failure> {
    match command {
        LinksCommand::List(args) => list(context, &args).await,
        LinksCommand::Show { id } => show(context, &id).await,
        LinksCommand::Approve { ids } => {
            decide(context, &ids, Decision::Approve, "approved: the next sync links it").await
        }
        LinksCommand::Detach { contact } => {
            let said = "detached: different people; the next sync looks for whom it is instead";
            by_hand(context, &contact, Decision::Detach, said).await
        }
        LinksCommand::Assign { contact, customer } => {
            exists(context, &customer).await?;
            let said = format!("assigned to {customer}: the next sync links it");
            by_hand(context, &contact, |key| Decision::Assign(key, customer.clone()), &said).await
        }
        LinksCommand::Reject { ids } => decide(context, &ids, Decision::Reject, "rejected: different people").await,
    }
}

/// A contact is assigned to a customer that is there, and not to one that was merged away.
async fn exists(context: &Context, customer: &CustomerId) -> Result<(), Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    match Network::new(&settings)?.reader(&settings).await?.get(customer).await? {
        Some(found) if found.id == *customer => Ok(()),
        Some(found) => Err(Failure::usage(format!(
            "customer {customer} was merged, and answers as {0}: assign the contact to {0}",
            found.id
        ))),
        None => Err(Failure::usage(format!(
            "Vivocha knows no customer {customer}: nothing was assigned; look at its id there, or `anagrafe customers search`"
        ))),
    }
}

async fn kept(context: &Context, state: Option<ProposalState>) -> Result<Vec<KeptProposal>, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    let memory = setup::memory(context, &settings, Purpose::Look).await?;
    let mut all = memory.store.proposals(state).await?;
    all.retain(|kept| match kept.proposal.proposed {
        Proposed::Link { .. } => true,
        Proposed::Merge { .. } => false,
    });
    Ok(all)
}

async fn list(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    let all = kept(context, args.state()).await?;
    context.out.list(
        &all,
        &["id", "contact", "proposal", "state", "awaits", "evidence", "since"],
        |kept| {
            vec![
                kept.proposal.id.to_string(),
                kept.proposal.contact.to_string(),
                proposed(&kept.proposal.proposed),
                kept.state.as_str().into(),
                awaits(&kept.proposal.authority),
                kept.proposal.evidence.join("; "),
                kept.since.to_string(),
            ]
        },
        "No link waits for a person.",
    )?;
    Ok(Exit::Done)
}

/// What is proposed, in ids.
#[must_use]
pub fn proposed(proposed: &Proposed) -> String {
    match proposed {
        Proposed::Link { customer } => format!("link to {customer}"),
        Proposed::Merge { survivor, absorbed } => {
            let absorbed: Vec<&str> = absorbed.iter().map(CustomerId::as_str).collect();
            format!("merge {} into {survivor}", absorbed.join(", "))
        }
    }
}

fn awaits(authority: &Authority) -> String {
    match authority {
        Authority::Automatic => "the safeguards".into(),
        Authority::Ask(reasons) => format!("a person: {}", reasons.join(", ")),
    }
}

async fn show(context: &Context, id: &str) -> Result<Exit, Failure> {
    let all = kept(context, None).await?;
    let kept = all
        .into_iter()
        .find(|kept| kept.proposal.id.0 == id)
        .ok_or_else(|| Failure::usage("there is no such proposal; `anagrafe links list --all` shows them all"))?;
    if context.out.json {
        context.out.json(&kept)?;
        return Ok(Exit::Done);
    }
    let KeptProposal { proposal, state, since, changed_at, changed_by, .. } = &kept;
    context.out.line(format!("{}: {}", proposal.id, proposed(&proposal.proposed)));
    context.out.line(format!("contact   {} (anagrafe explain contact {})", proposal.contact, proposal.contact));
    context.out.line(format!("awaits    {}", awaits(&proposal.authority)));
    for evidence in &proposal.evidence {
        context.out.line(format!("evidence  {evidence}"));
    }
    context.out.line(format!("state     {} since {since}; changed {changed_at} by {changed_by}", state.as_str()));
    Ok(Exit::Done)
}

/// A decision on a contact that nobody proposed.
async fn by_hand(
    context: &Context,
    contact: &str,
    decision: impl Fn(ContactKey) -> Decision,
    said: &str,
) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    let key = contact_key(&settings, contact)?;
    pause::decide(context, decision(key.clone())).await?;
    if context.out.json {
        context.out.json(&serde_json::json!({ "contact": key.to_string(), "decision": said }))?;
    } else {
        context.out.line(format!("contact {key} {said}"));
    }
    Ok(Exit::Done)
}

async fn decide(
    context: &Context,
    ids: &[String],
    decision: impl Fn(ProposalId) -> Decision,
    said: &str,
) -> Result<Exit, Failure> {
    for id in ids {
        let links = kept(context, None).await?;
        if !links.iter().any(|kept| kept.proposal.id.0 == *id) {
            return Err(Failure::usage(format!("{id} is no link proposal; `anagrafe links list` shows them")));
        }
        pause::decide(context, decision(ProposalId(id.clone()))).await?;
        if context.out.json {
            context.out.json(&serde_json::json!({ "id": id, "decision": said }))?;
        } else {
            context.out.line(format!("{id} {said}"));
        }
    }
    Ok(Exit::Done)
}
