//! `merges show`: the whole story of a merge, from its evidence to what became of it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    super::{Context, Exit, Failure, keys, network, output::Output, person::lines, proposals::proposed},
    Desk,
    waits::{Standing, Waits},
    words,
};
use crate::{
    config::Settings,
    model::{
        CustomerId,
        merge::{AuthorisedBy, Merge},
        proposal::{Authority, KeptProposal, ProposalId, ProposalState},
        time::Moment,
    },
    store::{BEFORE_KEPT, Before, MergeQuery, Parted, SealedCustomer, StoreError, seal},
};

pub async fn run(context: &Context, id: &str, before: bool) -> Result<Exit, Failure> {
    let desk = Desk::open(context).await?;
    let mut story = Story::of(&desk, id).await?;
    if before {
        story.before = Some(documents(&desk, &story).await?);
    }
    story.tell(context.out)?;
    Ok(Exit::Done)
}

/// A row of the evidence.
#[derive(Serialize)]
struct Evidence {
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    row: String,
    says: &'static str,
}

/// Why it asks.
#[derive(Serialize)]
struct Reason {
    code: String,
    says: &'static str,
}

/// A declared merge, as it is shown.
#[derive(Serialize)]
pub(in super::super) struct Told {
    #[serde(flatten)]
    pub merge: Merge,
    says: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Call>,
}

/// The call that it is.
#[derive(Serialize)]
struct Call {
    method: String,
    path: String,
    body: String,
}

impl Told {
    pub fn of(merge: Merge, settings: &Settings) -> Self {
        let call = network::endpoints(settings).merge_call(&merge.survivor, &merge.absorbed).ok();
        let call = call.map(|(method, path, body)| Call { method: method.to_string(), path, body });
        Self { says: words::outcome(&merge), call, merge }
    }

    /// For a person.
    pub fn words(&self) -> Vec<String> {
        let Merge { id, run, survivor, absorbed, authorised_by, declared_at, outcome, detail, remains, .. } =
            &self.merge;
        let within = run.map_or_else(|| "by hand".to_owned(), |run| format!("in run {run}"));
        let mut lines = vec![
            format!("merge {id}: {absorbed} into {survivor}, declared {declared_at} {within}"),
            format!("  authorised by {authorised_by}"),
        ];
        let call = self.call.as_ref().map(|call| format!("  call      {} {} {}", call.method, call.path, call.body));
        lines.extend(call);
        let ended =
            outcome.map_or_else(|| "not recorded".to_owned(), |(outcome, at)| format!("{} {at}", outcome.as_str()));
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        lines.push(format!("  outcome   {ended}{detail}: {}", self.says));
        if let (Some(remains), Some(gone)) = (remains, self.merge.gone()) {
            let other = if remains == survivor { "" } else { ", and not the one that was to" };
            lines.push(format!("  remains   {remains}{other}; {gone} is gone"));
        }
        lines
    }
}

/// A customer as it was.
#[derive(Serialize)]
struct Was {
    merge: i64,
    at: Moment,
    customer: CustomerId,
    document: Map<String, Value>,
}

/// All that is kept of a merge.
#[derive(Serialize)]
pub(in super::super) struct Story {
    #[serde(flatten)]
    kept: Option<KeptProposal>,
    /// That of a merge by hand, which is in no list of proposals.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<ProposalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<Waits>,
    rows: Vec<Evidence>,
    reasons: Vec<Reason>,
    merges: Vec<Told>,
    different_people: Vec<Parted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Vec<Was>>,
}

impl Story {
    /// Reads it.
    ///
    /// # Errors
    /// If there is none of that id.
    pub async fn of(desk: &Desk, id: &str) -> Result<Self, Failure> {
        let store = &desk.memory.store;
        let id = ProposalId(id.to_owned());
        let kept = desk.proposals(None).await?.into_iter().find(|kept| kept.proposal.id == id);
        let merges = store.merges(&MergeQuery::Of(id.clone())).await?;
        if kept.is_none() && merges.is_empty() {
            return Err(StoreError::NoProposal(id).into());
        }
        let waits_for = match &kept {
            Some(kept) => Some(Standing::of_all(desk).await?.of(kept)),
            None => None,
        };
        let codes = |evidence: &[String]| evidence.iter().map(|text| row(text)).collect();
        let rows = match (&kept, merges.first()) {
            (Some(kept), _) => codes(&kept.proposal.evidence),
            (None, Some(merge)) => codes(&merge.evidence),
            (None, None) => Vec::new(),
        };
        let reasons = match kept.as_ref().map(|kept| &kept.proposal.authority) {
            Some(Authority::Ask(because)) => {
                because.iter().map(|code| Reason { says: words::reason(code), code: code.clone() }).collect()
            }
            Some(Authority::Automatic) | None => Vec::new(),
        };
        let mut customers: Vec<CustomerId> =
            kept.iter().flat_map(crate::plan::merging::authority::members).cloned().collect();
        customers.extend(merges.iter().flat_map(|merge| [merge.survivor.clone(), merge.absorbed.clone()]));
        let mut different_people = store.parted(&customers).await?;
        different_people.retain(|pair| customers.contains(&pair.one) && customers.contains(&pair.other));
        Ok(Self {
            by_hand: kept.is_none().then_some(id),
            kept,
            waits_for,
            rows,
            reasons,
            merges: merges.into_iter().map(|merge| Told::of(merge, &desk.settings)).collect(),
            different_people,
            before: None,
        })
    }

    /// The contact it is about, if there is one.
    pub fn kept(&self) -> Option<&KeptProposal> {
        self.kept.as_ref()
    }

    /// Prints it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn tell(&self, out: Output) -> Result<(), Failure> {
        if out.json {
            return out.json(self);
        }
        for line in self.words() {
            out.line(line);
        }
        for was in self.before.iter().flatten() {
            out.line(format!("\ncustomer {} as it was at {}, before merge {}", was.customer, was.at, was.merge));
            for line in lines(&was.document) {
                out.line(format!("  {line}"));
            }
        }
        Ok(())
    }

    fn words(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match (&self.kept, &self.by_hand) {
            (Some(kept), _) => lines.extend(head(kept, self.waits_for.as_ref())),
            (None, Some(id)) => lines.push(format!("{id}: a merge by hand")),
            (None, None) => {}
        }
        for Evidence { customer, row, says } in &self.rows {
            let whose = customer.as_ref().map_or_else(String::new, |customer| format!("{customer}: "));
            lines.push(format!("evidence  {whose}row {row}: {says}"));
        }
        for Reason { code, says } in &self.reasons {
            lines.push(format!("asks for  {code}: {says}"));
        }
        if let Some(kept) = &self.kept {
            let contact = &kept.proposal.contact;
            lines.push(format!(
                "ignored   what is shared, and what we wrote ourselves: anagrafe explain contact {contact}"
            ));
        }
        for merge in &self.merges {
            lines.extend(merge.words());
        }
        for Parted { one, other, by, at } in &self.different_people {
            lines.push(format!("{by} said {at}: {one} and {other} are different people; they are not merged again"));
        }
        let id = self.merges.iter().find(|told| told.merge.remains.is_some()).map(|told| &told.merge.proposal);
        lines.extend(id.map(|id| {
            format!("For 30 days: anagrafe merges show {id} --before (what they were), merges restore {id} (what can be written back)")
        }));
        lines
    }
}

fn row(text: &str) -> Evidence {
    let (customer, row, says) = words::evidence(text);
    Evidence { customer: customer.map(str::to_owned), row: row.to_owned(), says }
}

fn head(kept: &KeptProposal, waits: Option<&Waits>) -> Vec<String> {
    let KeptProposal { proposal, state, since, changed_at, changed_by, made_at, .. } = kept;
    let authority = match (&proposal.authority, state) {
        (_, ProposalState::Approved) => AuthorisedBy::Person(changed_by.clone()).to_string(),
        (Authority::Automatic, _) => "the rules, within the safeguards".to_owned(),
        (Authority::Ask(_), _) => "a person only".to_owned(),
    };
    let mut lines = vec![
        format!("{}: {}", proposal.id, proposed(&proposal.proposed)),
        format!("contact   {} (anagrafe explain contact {})", proposal.contact, proposal.contact),
        format!(
            "state     {}, since {changed_at}, by {changed_by}; first proposed {since}, last found {made_at}",
            state.as_str()
        ),
        format!("authority {authority}"),
    ];
    lines.extend(waits.map(|waits| format!("waits for {}", waits.words)));
    lines
}

async fn documents(desk: &Desk, story: &Story) -> Result<Vec<Was>, Failure> {
    let id = match (&story.kept, &story.by_hand) {
        (Some(kept), _) => kept.proposal.id.clone(),
        (None, Some(id)) => id.clone(),
        (None, None) => return Ok(Vec::new()),
    };
    let kept = before(desk, &id).await?;
    if kept.is_empty() {
        return Err(nothing_kept(&id, story.merges.last().map(|told| &told.merge), desk.now));
    }
    kept.into_iter()
        .map(|Before { merge, at, sealed }| {
            let document = opened(&sealed, desk)?;
            Ok(Was { merge: merge.0, at, customer: sealed.customer, document })
        })
        .collect()
}

/// What is kept of the customers of a merge.
///
/// # Errors
/// If the store failed.
pub(super) async fn before(desk: &Desk, id: &ProposalId) -> Result<Vec<Before>, Failure> {
    Ok(desk.memory.store.before(id, desk.now).await?)
}

/// A document that was sealed, under the key of today or the one before it.
///
/// # Errors
/// If the key is another's, or somebody has changed it.
pub(super) fn opened(sealed: &SealedCustomer, desk: &Desk) -> Result<Map<String, Value>, Failure> {
    let previous = keys::previous(&desk.settings);
    let fitting = previous.iter().find(|key| key.check_value() == sealed.under);
    seal::open(sealed, fitting.unwrap_or(&desk.memory.key)).map_err(|error| {
        Failure::usage(format!("what customer {} was before the merge cannot be read: {error}", sealed.customer))
    })
}

/// Why nothing is kept of what they were.
pub(super) fn nothing_kept(id: &ProposalId, last: Option<&Merge>, now: Moment) -> Failure {
    let look = "look at the customer's history (`anagrafe customers history ID`), and write by hand what has to be (`anagrafe customers update`)";
    Failure::usage(match last {
        None => format!("nothing of {id} was carried out: the customers are as they are (`anagrafe customers get ID`)"),
        Some(merge) if merge.declared_at.after(BEFORE_KEPT) < now => format!(
            "{id} was carried out {}, and what customers were before a merge is kept for 30 days: it is gone; {look}",
            merge.declared_at
        ),
        Some(_) => format!("what the customers of {id} were is not kept any more: their contact was erased; {look}"),
    })
}
