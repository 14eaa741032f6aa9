//! `anagrafe customers merge`: two customers made one by a person's authority, on the same path as any other merge: declared, sealed,
//! sent under the account's lease, read back. Shown first; nothing is sent without `--yes`.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::{
    Context, Exit, Failure,
    network::Network,
    output::Output,
    person::lines,
    setup::{self, Memory, Purpose},
    signals::Signals,
};
use crate::{
    config::{Settings, StoreUrl},
    model::{CustomerId, link::Link, proposal::ProposalId},
    store::{NotDeclared, Parted, StoreError},
    sync::{
        Bridge, PassError, Silent, Tenure,
        merging::by_hand::{self, ByHand, Impossible, Two},
    },
};

/// `customers merge`
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The customer that is to stay
    stays: CustomerId,
    /// The customer that is to go into it
    goes: CustomerId,
    /// Yes: they are to be merged
    #[arg(long)]
    yes: bool,
    /// Waits while another process works on the account
    #[arg(long, requires = "yes")]
    wait: bool,
}

pub async fn run(context: &Context, settings: &Settings, args: MergeArgs) -> Result<Exit, Failure> {
    let MergeArgs { stays, goes, yes, wait } = args;
    if stays == goes {
        return Err(Failure::usage(Impossible::Same(stays, goes)));
    }
    let signals = Signals::cancelling(&context.stop).map_err(Failure::failed)?;
    let purpose = match &settings.store.url {
        _ if yes => Purpose::Work,
        StoreUrl::Sqlite { path } if matches!(path.try_exists(), Ok(false)) => Purpose::Plan,
        StoreUrl::Sqlite { .. } | StoreUrl::Postgres { .. } => Purpose::Look,
    };
    let memory = setup::memory(context, settings, purpose).await?;
    let network = Network::new(settings)?;
    let reader = network.reader(settings).await?;
    let shop = settings.shops.keys().next().ok_or_else(|| Failure::usage("there is no shop in the configuration"))?;
    let (watch, until) = (Arc::new(Silent), signals.stop.clone());
    let bridge = setup::bridge(settings, shop, &network, &reader, &memory, yes, watch, until)?;
    if !yes {
        let two = read(&bridge, &stays, &goes).await?;
        show(context.out, &two, &links(&memory, &two).await?)?;
        return Err(Failure::usage(format!("nothing was sent: to merge {goes} into {stays} for good, give --yes")));
    }
    if memory.store.overview().await?.paused.is_some() {
        return Err(PassError::Paused.into());
    }
    let tenure = Tenure::take(setup::candidacy(settings, &memory.store, "merge", wait, &signals.stop)).await?;
    let ended = merged(context, &bridge, &tenure, &stays, &goes).await;
    let given_back = tenure.end().await;
    let exit = ended?;
    given_back?;
    Ok(signals.caught().map_or(exit, |number| exit.and(Exit::Signal(number))))
}

async fn read(bridge: &Bridge, stays: &CustomerId, goes: &CustomerId) -> Result<Two, Failure> {
    by_hand::read(bridge, stays, goes).await?.map_err(Failure::usage)
}

async fn links(memory: &Memory, two: &Two) -> Result<Vec<Link>, Failure> {
    let ids = [two.survivor.id.clone(), two.absorbed.id.clone()];
    let links = memory.store.found(&ids, &[]).await?.links;
    Ok(links.into_values().flatten().filter(|link| link.ended.is_none()).collect())
}

fn show(out: Output, two: &Two, links: &[Link]) -> Result<(), Failure> {
    if out.json {
        #[derive(Serialize)]
        struct Shown<'a> {
            stays: &'a Map<String, Value>,
            goes: &'a Map<String, Value>,
            links: &'a [Link],
            sent: bool,
        }
        return out.json(&Shown { stays: &two.survivor.document, goes: &two.absorbed.document, links, sent: false });
    }
    for (word, customer) in [("stays", &two.survivor), ("goes into it", &two.absorbed)] {
        out.line(format!("customer {}, which {word}", customer.id));
        for line in lines(&customer.document) {
            out.line(format!("  {line}"));
        }
        let mut linked = links.iter().filter(|link| link.customer == customer.id).peekable();
        if linked.peek().is_none() {
            out.line("  (no contact is linked to it)");
        }
        for link in linked {
            out.line(format!(
                "  (linked to it: contact {}, {}, since {})",
                link.contact,
                link.role.as_str(),
                link.since
            ));
        }
    }
    out.line(format!(
        "Of the two {} would remain, with the chats of both, and the links go over to it. There is no way back: {} is gone then, and only a new chat makes that person a customer again, under a new id.",
        two.survivor.id, two.absorbed.id
    ));
    Ok(())
}

/// What came of it, for a machine.
#[derive(Serialize)]
struct Told<'a> {
    proposal: &'a ProposalId,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remains: Option<&'a CustomerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<&'a CustomerId>,
}

async fn merged(
    context: &Context,
    bridge: &Bridge,
    tenure: &Tenure,
    stays: &CustomerId,
    goes: &CustomerId,
) -> Result<Exit, Failure> {
    by_hand::settle_doubts(bridge, tenure).await?;
    let two = read(bridge, stays, goes).await?;
    let ended = match by_hand::merge(bridge, tenure, &two, &setup::operator()).await {
        Err(PassError::Store(StoreError::Erased(contacts))) => return Err(erased(&contacts)),
        ended => ended?,
    };
    let id = &two.proposal;
    let failed = |text: String| Err(Failure::failed(anyhow::anyhow!("{text}")));
    match ended {
        ByHand::Merged { gone } => {
            let remains = if gone == *stays { goes } else { stays };
            tell(context.out, id, remains, &gone, stays)?;
            Ok(Exit::Done)
        }
        ByHand::Refused => failed(format!(
            "Vivocha refused to merge {goes} into {stays}: both are as they were; the log says with which words (anagrafe merges show {id})"
        )),
        ByHand::Unanswered => failed(format!(
            "Vivocha did not take the call, so {goes} was not merged into {stays}: both are as they were; do it again later"
        )),
        ByHand::Unknown => failed(format!(
            "the merge of {goes} into {stays} was sent, and what became of it is not known yet. Do not send it again: a sync, once it can no longer be applied (vivocha.timeout, then vivocha.late_apply), reads both and finds out; until then nothing else is written to them. See `anagrafe merges show {id}`"
        )),
        ByHand::NotDeclared(why) => Err(not_declared(bridge, &two, why).await?),
    }
}

fn tell(
    out: Output,
    id: &ProposalId,
    remains: &CustomerId,
    gone: &CustomerId,
    asked: &CustomerId,
) -> Result<(), Failure> {
    if out.json {
        return out.json(&Told { proposal: id, outcome: "applied", remains: Some(remains), gone: Some(gone) });
    }
    let other =
        if remains == asked { String::new() } else { format!(" (and not {asked}, as was asked: Vivocha decides)") };
    out.line(format!("Merged and read back: {remains} remains{other}, {gone} is gone."));
    out.line(format!(
        "What both were is kept for 30 days: anagrafe merges show {id} --before; what can be written back: anagrafe merges restore {id}"
    ));
    Ok(())
}

fn erased(contacts: &[crate::model::ContactKey]) -> Failure {
    let contacts: Vec<String> = contacts.iter().map(ToString::to_string).collect();
    Failure::usage(format!(
        "contact {}, who is linked to one of them, was erased: nothing was sent (anagrafe erase list)",
        contacts.join(", ")
    ))
}

/// Why it must not be sent, and what to do.
async fn not_declared(bridge: &Bridge, two: &Two, why: NotDeclared) -> Result<Failure, Failure> {
    let (stays, goes) = (&two.survivor.id, &two.absorbed.id);
    let failure = |exit: Exit, text: String| Failure { exit, error: anyhow::anyhow!("{text}: nothing was sent") };
    Ok(match why {
        NotDeclared::DifferentPeople => {
            let all = bridge.store.parted(&[stays.clone(), goes.clone()]).await?;
            let both = |pair: &&Parted| [&pair.one, &pair.other].iter().all(|one| [stays, goes].contains(one));
            let said = all.iter().find(both).map(|Parted { by, at, .. }| format!(", as {by} said {at}"));
            failure(
                Exit::Usage,
                format!(
                    "{stays} and {goes} are different people{}; that word stands for good, and who knows better merges them in Vivocha itself",
                    said.unwrap_or_default()
                ),
            )
        }
        NotDeclared::InDoubt => failure(
            Exit::Failed,
            format!("what became of another write to {stays} or {goes} is not known yet; a sync finds out, `anagrafe status` says which it is; then do it again"),
        ),
        NotDeclared::MergedAlready => {
            failure(Exit::Usage, format!("{stays} or {goes} was merged away already (anagrafe explain customer {goes})"))
        }
        NotDeclared::NotAuthorised => failure(
            Exit::Held,
            "the store went back in time, and nothing is merged before `anagrafe resync` has looked at everything again".to_owned(),
        ),
        NotDeclared::OverTheDay => failure(
            Exit::Held,
            format!(
                "as many merges as safeguards.max_approved_per_day ({}) allows were sent within 24 hours; do it again tomorrow, or raise it",
                bridge.rules.safeguards.max_approved_per_day
            ),
        ),
    })
}
