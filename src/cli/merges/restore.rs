//! `merges restore`: what of a merge can be written back is; what cannot is said. Decided by [`crate::plan::merging::restore`]; sent under
//! the account's lease, read again right before and compared right after.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    super::{
        Context, Exit, Failure, logging,
        network::Network,
        output::Output,
        person::{shown, visible},
        setup,
        signals::Signals,
    },
    Desk, show,
};
use crate::{
    http::Verdict,
    model::{
        Customer, CustomerId,
        merge::{Merge, MergeOutcome},
        proposal::ProposalId,
    },
    plan::merging::restore::{Documents, Restoration, restoration},
    store::{Decision, MergeQuery, StoreError},
    sync::{Clock as _, PassError, SystemClock, Tenure, by_hand::Hand},
    vivocha::{Reader, Writer},
};

/// `merges restore`
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The proposal's id
    id: String,
    /// Yes: it is to be written
    #[arg(long)]
    yes: bool,
    /// Waits while another process works on the account
    #[arg(long, requires = "yes")]
    wait: bool,
}

pub async fn run(context: &Context, args: RestoreArgs) -> Result<Exit, Failure> {
    let desk = Desk::open(context).await?;
    logging::begin(context, &desk.settings);
    let undo = Undo::of(&desk, ProposalId(args.id)).await?;
    let reader = Network::new(&desk.settings)?.reader(&desk.settings).await?;
    if args.yes {
        return written(context, &desk, &reader, undo, args.wait).await;
    }
    let now = undo.now(&reader).await?;
    let told = undo.told(&desk, &now).await?;
    let (nothing, known) = (told.restoration.back.is_empty(), told.different_people);
    told.tell(context.out, false)?;
    Err(Failure::usage(match (nothing, known) {
        (true, true) => {
            "there is nothing to restore, and the two are known to be different people: nothing was sent".to_owned()
        }
        (true, false) => {
            "there is nothing to write back, and nothing was sent: --yes only records that they are different people"
                .to_owned()
        }
        (false, _) => format!("nothing was sent: to write that back to customer {}, give --yes", undo.remains),
    }))
}

/// A merge that was carried out, and what its customers were.
struct Undo {
    id: ProposalId,
    /// The one that remains.
    remains: CustomerId,
    /// It, before the first of the merges.
    before: Map<String, Value>,
    /// Those that are gone.
    gone: Vec<CustomerId>,
    absorbed: Vec<Map<String, Value>>,
}

impl Undo {
    async fn of(desk: &Desk, id: ProposalId) -> Result<Self, Failure> {
        let store = &desk.memory.store;
        let merges = store.merges(&MergeQuery::Of(id.clone())).await?;
        let kept = desk.proposals(None).await?.into_iter().find(|kept| kept.proposal.id == id);
        if kept.is_none() && merges.is_empty() {
            return Err(StoreError::NoProposal(id).into());
        }
        if merges.iter().any(Merge::is_open) {
            return Err(StoreError::InDoubtYet(id).into());
        }
        let applied: Vec<&Merge> = merges.iter().filter(|merge| is_applied(merge)).collect();
        let Some(remains) = applied.last().and_then(|merge| merge.remains.clone()) else {
            return Err(Failure::usage(format!(
                "{id} was not carried out: there is nothing to restore; if they are different people: anagrafe merges reject {id}"
            )));
        };
        let kept = show::before(desk, &id).await?;
        let sealed = |of: &CustomerId| {
            let mut theirs = kept.iter().filter(|before| before.sealed.customer == *of);
            theirs.find(|before| applied.iter().any(|merge| merge.id == before.merge)).map(|before| &before.sealed)
        };
        let gone: Vec<CustomerId> = applied.iter().filter_map(|merge| merge.gone().cloned()).collect();
        let expired = || show::nothing_kept(&id, applied.first().copied(), desk.now);
        let before = show::opened(sealed(&remains).ok_or_else(expired)?, desk)?;
        let mut absorbed = Vec::new();
        for customer in &gone {
            absorbed.push(show::opened(sealed(customer).ok_or_else(expired)?, desk)?);
        }
        Ok(Self { id, remains, before, gone, absorbed })
    }

    /// The customer that remains, as it is now.
    async fn now(&self, reader: &Reader) -> Result<Customer, Failure> {
        let remains = &self.remains;
        match reader.get(remains).await? {
            Some(now) if now.id == *remains => Ok(now),
            Some(other) => Err(Failure::usage(format!(
                "customer {remains} was itself merged into {} meanwhile: nothing was sent; restore that merge first, or write by hand (anagrafe customers update {})",
                other.id, other.id
            ))),
            None => Err(Failure::usage(format!(
                "customer {remains} does not exist any more: nothing can be written back, and nothing was sent"
            ))),
        }
    }

    async fn told(&self, desk: &Desk, now: &Customer) -> Result<Told<'_>, Failure> {
        let documents = Documents {
            before: &self.before,
            absorbed: &self.absorbed,
            now: &now.document,
            id: &desk.settings.vivocha.fields.id,
        };
        let mut customers = self.gone.clone();
        customers.push(self.remains.clone());
        let parted = desk.memory.store.found(&customers, &[]).await?.parted;
        let known = |gone: &CustomerId| {
            parted.iter().any(|(one, other)| [one, other].contains(&gone) && [one, other].contains(&&self.remains))
        };
        Ok(Told {
            undo: self,
            now: now.document.clone(),
            restoration: restoration(documents),
            different_people: self.gone.iter().all(known),
        })
    }
}

fn is_applied(merge: &Merge) -> bool {
    merge.outcome.is_some_and(|(outcome, _)| outcome == MergeOutcome::Applied)
}

/// What is, or would be, written back.
struct Told<'a> {
    undo: &'a Undo,
    now: Map<String, Value>,
    restoration: Restoration,
    /// Whether a person has said already that they are.
    different_people: bool,
}

impl Told<'_> {
    fn tell(&self, out: Output, sent: bool) -> Result<(), Failure> {
        let Self { undo: Undo { id, remains, gone, .. }, now, restoration: Restoration { back, stays }, .. } = self;
        if out.json {
            #[derive(Serialize)]
            struct Machine<'a> {
                id: &'a ProposalId,
                customer: &'a CustomerId,
                back: &'a Map<String, Value>,
                stays: Vec<&'a String>,
                gone: &'a [CustomerId],
                sent: bool,
            }
            return out.json(&Machine { id, customer: remains, back, stays: stays.iter().collect(), gone, sent });
        }
        out.line(format!("Customer {remains}, which remains of {id}:"));
        for (field, value) in back {
            let (is, was) = (now.get(field).map(shown).unwrap_or_default(), shown(value));
            let was = if was.is_empty() { "nothing".to_owned() } else { visible(&was) };
            out.line(format!("  {field}: {} came with the merge; back to {was}", visible(&is)));
        }
        for field in stays {
            out.line(format!("  {field}: was changed since by somebody, and stays"));
        }
        if back.is_empty() {
            out.line("  nothing of it came with the merge that stands there still");
        }
        let gone: Vec<&str> = gone.iter().map(CustomerId::as_str).collect();
        out.line(format!(
            "What cannot be restored: {} does not come back. Only a new chat makes a customer of that person again, under a new id; the chats stay with {remains}. Contacts that were linked to it are linked to {remains} now: anagrafe explain customer {remains}; links detach CONTACT.",
            gone.join(", ")
        ));
        Ok(())
    }
}

async fn written(context: &Context, desk: &Desk, reader: &Reader, undo: Undo, wait: bool) -> Result<Exit, Failure> {
    let signals = Signals::cancelling(&context.stop).map_err(Failure::failed)?;
    unpaused(desk).await?;
    let candidacy = setup::candidacy(&desk.settings, &desk.memory.store, "restore", wait, &signals.stop);
    let tenure = Tenure::take(candidacy).await?;
    let ended = under(context, desk, reader, &undo, &tenure, &signals).await;
    let given_back = tenure.end().await;
    let exit = ended?;
    given_back?;
    Ok(exit)
}

async fn unpaused(desk: &Desk) -> Result<(), Failure> {
    if desk.memory.store.overview().await?.paused.is_some() { Err(PassError::Paused.into()) } else { Ok(()) }
}

async fn under(
    context: &Context,
    desk: &Desk,
    reader: &Reader,
    undo: &Undo,
    tenure: &Tenure,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let remains = &undo.remains;
    let found = desk.memory.store.found(std::slice::from_ref(remains), &[]).await?;
    if found.in_doubt.contains(remains) {
        return Err(Failure::failed(anyhow::anyhow!(
            "what became of another merge of customer {remains} is not known yet: nothing was sent; `anagrafe status` names it, and a sync finds out"
        )));
    }
    let now = undo.now(reader).await?;
    let told = undo.told(desk, &now).await?;
    if told.restoration.back.is_empty() && told.different_people {
        return Err(Failure::usage(
            "there is nothing to restore, and the two are known to be different people: nothing was sent",
        ));
    }
    let sent = !told.restoration.back.is_empty();
    if sent {
        unpaused(desk).await?;
        tenure.covers(desk.settings.vivocha.timeout)?;
        let writer = Writer::new(reader.clone()).under(tenure.permit(Some(signals.stop.clone())));
        let store = Arc::clone(&desk.memory.store);
        let hand = Hand { store, tenure: Some(tenure), why: "merges restore", by: setup::operator(), puts_back: false };
        send(&hand, &writer, reader, &now, &told.restoration.back, &undo.id).await?;
    }
    let decision = Decision::Restored(undo.id.clone());
    desk.memory.store.decide(&decision, &setup::operator(), SystemClock.now()).await?;
    told.tell(context.out, sent)?;
    if !context.out.json {
        let what = if sent { "Written back and read again" } else { "Nothing was written" };
        context.out.line(format!("{what}. They are different people from now on. Whoever chats again under the same address or number is a new customer; what is proposed for this contact from now on waits for a person: `anagrafe merges list`."));
    }
    Ok(Exit::Done)
}

/// Sends one update, and believes what is read afterwards only.
async fn send(
    hand: &Hand<'_>,
    writer: &Writer,
    reader: &Reader,
    now: &Customer,
    back: &Map<String, Value>,
    id: &ProposalId,
) -> Result<(), Failure> {
    let again = format!(
        "look with `anagrafe customers get {}`, and then `anagrafe merges restore {id}` again: it sends what is still missing",
        now.id
    );
    if let Err(error) = hand.write(&now.id, back, writer.update(&now.id, back.clone())).await?
        && error.verdict != Verdict::Unknown
    {
        return Err(Failure::failed(anyhow::Error::from(error).context(format!("nothing was written back; {again}"))));
    }
    let read = match reader.get(&now.id).await {
        Ok(read) => read,
        Err(error) => {
            let context = format!("perhaps written back, perhaps not: {again}");
            return Err(Failure::failed(anyhow::Error::from(error).context(context)));
        }
    };
    let after = read.map(|customer| customer.document).unwrap_or_default();
    let holds = |document: &Map<String, Value>, field: &str| document.get(field).cloned().unwrap_or(Value::Null);
    let untaken: Vec<&str> = back
        .iter()
        .filter(|(field, value)| !alike(&holds(&after, field), value))
        .map(|(field, _)| field.as_str())
        .collect();
    let mut lost: Vec<&str> =
        now.document.keys().map(String::as_str).filter(|field| !back.contains_key(*field)).collect();
    lost.retain(|field| !holds(&now.document, field).is_null() && holds(&after, field).is_null());
    if untaken.is_empty() && lost.is_empty() {
        return Ok(());
    }
    let lost = if lost.is_empty() {
        String::new()
    } else {
        format!("; fields that were not sent vanished: {}: see `anagrafe check`", lost.join(", "))
    };
    Err(Failure::failed(anyhow::anyhow!(
        "customer {} does not hold what was written back ({}){lost}; {again}",
        now.id,
        untaken.join(", ")
    )))
}

/// Whether a value was taken: nothing is answered as null, as an empty text or not at all, and texts are trimmed.
fn alike(held: &Value, sent: &Value) -> bool {
    let blank = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    let text = |value: &Value| value.as_str().map(|text| text.trim().to_owned());
    held == sent || blank(held) && blank(sent) || text(held).is_some() && text(held) == text(sent)
}
