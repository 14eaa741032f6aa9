//! `merges approve` and `reject`: a person's word. One acts at once; of many it is shown first what will happen.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use super::{
    super::{Context, Exit, Failure, output::table, proposals::proposed, setup},
    Desk, Listed, is_merge, listed,
    waits::Standing,
    words,
};
use crate::{
    model::{
        merge::{Merge, MergeOutcome},
        proposal::{KeptProposal, ProposalId, ProposalState},
    },
    plan::merging::authority::members,
    store::{Decision, MergeQuery, StoreError},
};

/// `merges approve`
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// Their ids
    #[arg(required_unless_present = "all")]
    pub ids: Vec<String>,
    /// All that wait for a person
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Of those, only the ones that ask for this reason and no other: a code of `merges list`, or `held`
    #[arg(long, value_name = "CODE", requires = "all", value_parser = code)]
    pub because: Option<String>,
    /// Yes: several are to be approved
    #[arg(long)]
    pub yes: bool,
}

/// `merges reject`
#[derive(Debug, Args)]
pub struct RejectArgs {
    /// Their ids
    #[arg(required = true)]
    pub ids: Vec<String>,
    /// Yes: several are to be rejected
    #[arg(long)]
    pub yes: bool,
}

fn code(text: &str) -> Result<String, String> {
    let known: Vec<&str> = words::REASONS.iter().chain(&words::STANDINGS).map(|(code, _)| *code).collect();
    if known.contains(&text) { Ok(text.to_owned()) } else { Err(format!("one of {}", known.join(", "))) }
}

/// What she says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// One person.
    Approve,
    /// Different people.
    Reject,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    fn decision(self, id: ProposalId) -> Decision {
        match self {
            Self::Approve => Decision::Approve(id),
            Self::Reject => Decision::Reject(id),
        }
    }

    const fn said(self) -> &'static str {
        match self {
            Self::Approve => {
                "approved: the next sync reads again all that it rests on, and merges if it is still the same; until then `merges reject` takes it back"
            }
            Self::Reject => "rejected: different people, for good; no later run proposes it again",
        }
    }

    /// The same of a merge that was sent, and that only she can tell what became of.
    const fn settled(self) -> &'static str {
        match self {
            Self::Approve => "settled by your word: it was applied, and they are one",
            Self::Reject => "settled by your word: it was not applied, and they are two",
        }
    }
}

/// What was decided.
#[derive(Serialize)]
struct Decided<'a> {
    id: &'a ProposalId,
    decision: &'static str,
}

/// About which.
pub enum Which<'a> {
    /// Those named.
    Named(&'a [String]),
    /// All that wait for a person; or those of them that do for this reason.
    All(Option<&'a str>),
}

pub async fn run(context: &Context, verb: Verb, which: Which<'_>, yes: bool) -> Result<Exit, Failure> {
    let desk = Desk::open(context).await?;
    let standing = Standing::of_all(&desk).await?;
    let chosen = match which {
        Which::All(because) => waiting(context, &standing, because),
        Which::Named(ids) => {
            let mut seen = BTreeSet::new();
            let ids = ids.iter().filter(|id| seen.insert(*id)).map(|id| ProposalId(id.clone()));
            let ids: Vec<ProposalId> = ids.collect();
            if let [id] = ids.as_slice() {
                not_a_link(&desk, id, verb).await?;
                return decide(context, &desk, verb, std::slice::from_ref(id)).await;
            }
            each(&desk, &standing, &ids, verb).await?
        }
    };
    if chosen.is_empty() {
        if context.out.json {
            context.out.json(&chosen)?;
        } else {
            context.out.notice("No merge of that kind waits for a person: nothing was decided.");
        }
        return Ok(Exit::Done);
    }
    if yes {
        let ids: Vec<ProposalId> = chosen.into_iter().map(|one| one.kept.proposal.id).collect();
        return decide(context, &desk, verb, &ids).await;
    }
    preview(context, verb, &chosen)?;
    Err(Failure::usage(format!("nothing was decided: to {} all {} of them, give --yes", verb.word(), chosen.len())))
}

/// One that is a link is another command's.
async fn not_a_link(desk: &Desk, id: &ProposalId, verb: Verb) -> Result<(), Failure> {
    let all = desk.memory.store.proposals(None).await?;
    match all.iter().find(|kept| kept.proposal.id == *id) {
        Some(kept) if !is_merge(kept) => {
            let word = verb.word();
            Err(Failure::usage(format!("{id} proposes a link and no merge: anagrafe links {word} {id}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Those that were named, all of which must be such that the store will take the word on them.
async fn each(desk: &Desk, standing: &Standing, ids: &[ProposalId], verb: Verb) -> Result<Vec<Listed>, Failure> {
    let all = desk.memory.store.proposals(None).await?;
    let mut chosen = Vec::new();
    for id in ids {
        not_a_link(desk, id, verb).await?;
        let kept = all.iter().find(|kept| kept.proposal.id == *id).ok_or_else(|| StoreError::NoProposal(id.clone()))?;
        decidable(desk, kept, verb)?;
        chosen.push(listed(kept.clone(), standing));
    }
    Ok(chosen)
}

fn decidable(desk: &Desk, kept: &KeptProposal, verb: Verb) -> Result<(), Failure> {
    let id = kept.proposal.id.clone();
    match (kept.state, verb) {
        (ProposalState::Open, Verb::Approve) if kept.is_expired(desk.now) => {
            Err(StoreError::Expired { id, made_at: kept.made_at }.into())
        }
        (ProposalState::Open, _) | (ProposalState::Approved, Verb::Reject) => Ok(()),
        (state, _) => Err(StoreError::NotOpen { id, state }.into()),
    }
}

/// All that wait for a person, for a reason if one is named; without those of which one would decide about another.
fn waiting(context: &Context, standing: &Standing, because: Option<&str>) -> Vec<Listed> {
    let listed = standing.proposals.iter().filter(|kept| kept.state == ProposalState::Open);
    let mut chosen: Vec<Listed> = listed.map(|kept| listed_of(kept, standing)).collect();
    chosen.retain(|one| match because {
        None => one.waits_for.is_a_persons() && one.waits_for.because != ["what-became-of-it"],
        Some("held") => one.waits_for.on == "held",
        Some(code) => one.waits_for.because == [code],
    });
    let alone: Vec<bool> = chosen.iter().map(|one| !chosen.iter().any(|other| overlap(one, other))).collect();
    let mut alone = alone.into_iter();
    chosen.retain(|one| {
        let kept = alone.next().unwrap_or(false);
        if !kept {
            let id = &one.kept.proposal.id;
            context.out.notice(format!(
                "{id} is left out: another one of these names some of its customers; decide about each by its id"
            ));
        }
        kept
    });
    chosen
}

fn listed_of(kept: &KeptProposal, standing: &Standing) -> Listed {
    listed(kept.clone(), standing)
}

/// Whether two of them name some customers in common, and not just the same ones.
fn overlap(one: &Listed, other: &Listed) -> bool {
    let (mine, theirs) = (members(&one.kept), members(&other.kept));
    mine != theirs && !mine.is_disjoint(&theirs)
}

fn preview(context: &Context, verb: Verb, chosen: &[Listed]) -> Result<(), Failure> {
    if context.out.json {
        return context.out.json(&chosen);
    }
    let rows = chosen.iter().map(|one| {
        let proposal = &one.kept.proposal;
        vec![
            proposal.id.to_string(),
            proposal.contact.to_string(),
            proposed(&proposal.proposed),
            one.waits_for.words.clone(),
        ]
    });
    context.out.line(table(&["id", "contact", "proposal", "waits for"], rows.collect()));
    context.out.line(match verb {
        Verb::Approve => {
            "Each would be merged by a later sync, if it is still the same then: oldest approval first, as many a day as safeguards.max_approved_per_day allows. A merge has no way back."
        }
        Verb::Reject => "Each would be different people, for good: no later run would propose it again.",
    });
    Ok(())
}

async fn decide(context: &Context, desk: &Desk, verb: Verb, ids: &[ProposalId]) -> Result<Exit, Failure> {
    let mut decided = Vec::new();
    let mut ended = Ok(Exit::Done);
    for id in ids {
        match decide_one(desk, verb, id).await {
            Ok(decision) => decided.push(Decided { id, decision }),
            Err(failure) => {
                ended = Err(failure);
                break;
            }
        }
    }
    match decided.as_slice() {
        [] => {}
        [one] if context.out.json => context.out.json(one)?,
        many if context.out.json => context.out.json(&many)?,
        many => many.iter().for_each(|Decided { id, decision }| context.out.line(format!("{id} {decision}"))),
    }
    ended
}

async fn decide_one(desk: &Desk, verb: Verb, id: &ProposalId) -> Result<&'static str, Failure> {
    let store = &desk.memory.store;
    let merges = store.merges(&MergeQuery::Of(id.clone())).await?;
    let asks = |merge: &Merge| merge.outcome.is_some_and(|(outcome, _)| outcome == MergeOutcome::Person);
    store.decide(&verb.decision(id.clone()), &setup::operator(), desk.now).await?;
    Ok(if merges.iter().any(asks) { verb.settled() } else { verb.said() })
}
