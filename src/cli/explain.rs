//! `anagrafe explain`: the whole story of a person. What the store keeps, what both systems say now, how that is weighed, and what
//! would be done. People are fetched live and masked unless `--reveal`.

mod by_hand;
mod now;
mod pair;

use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::now::now;
use super::{
    Context, Exit, Failure, logging,
    merges::{
        Desk,
        show::{self, Told as ToldMerge},
    },
    network::Network,
    output::Output,
    setup::{self, Memory},
};
use crate::{
    config::Settings,
    model::{ContactId, ContactKey, CustomerId, ShopName, link::Link, proposal::KeptProposal},
    plan::{merging::authority::members, page::ContactPlan},
    store::{KeptHandWrite, KeptWrite, MergeQuery, Parted, Story, Whose},
    sync::{Bridge, Silent, explain::Live},
    vivocha::Reader,
};

/// Of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A contact of a shop
    Contact,
    /// A customer of the account
    Customer,
    /// A merge: a proposal, or one by hand
    Merge,
    /// Two customers: why they are, or are not, merged
    Pair,
}

/// `explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Of what
    #[arg(value_enum)]
    kind: Kind,
    /// The id: a contact's as ID or SHOP/ID, a customer's or a proposal's as it is
    id: String,
    /// Of a pair, the other customer
    other: Option<CustomerId>,
    /// The shop, where there are several
    #[arg(long)]
    shop: Option<ShopName>,
    /// Shows e-mails, numbers and names, which are masked otherwise
    #[arg(long)]
    reveal: bool,
    /// Only what the store keeps: no call to either system
    #[arg(long)]
    offline: bool,
}

#[derive(Serialize)]
struct Told<'a> {
    kept: &'a [Line],
    links: &'a [Link],
    proposals: &'a [KeptProposal],
    writes: &'a [KeptWrite],
    writes_by_hand: &'a [KeptHandWrite],
    rulings: Vec<serde_json::Value>,
    merges: &'a [ToldMerge],
    different_people: &'a [Parted],
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Now<'a>>,
}

#[derive(Serialize)]
struct Now<'a> {
    says: &'a [(String, String)],
    customers: &'a [(CustomerId, Vec<(String, String)>)],
    plan: Option<&'a ContactPlan>,
    /// Whether she was erased: a run excludes her.
    erased: bool,
}

/// A contact as the store keeps it.
#[derive(Serialize)]
struct Line {
    contact: ContactKey,
    state: String,
    reason: String,
    judged_at: Option<String>,
    run: Option<i64>,
    recheck_at: Option<String>,
    retry_at: Option<String>,
    attempts: u32,
    /// The hold that holds an update of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<i64>,
    /// Whether a resync did not find it.
    missing: bool,
}

pub async fn run(context: &Context, args: ExplainArgs) -> Result<Exit, Failure> {
    let is_pair = matches!(args.kind, Kind::Pair);
    if args.other.is_some() != is_pair {
        return Err(Failure::usage(if is_pair {
            "a pair is two customers: anagrafe explain pair CUSTOMER CUSTOMER"
        } else {
            "only a pair has two ids"
        }));
    }
    let desk = Desk::open(context).await?;
    logging::begin(context, &desk.settings);
    match args.kind {
        Kind::Contact => {
            let named = args.shop.as_ref().filter(|_| !args.id.contains('/'));
            let text = named.map_or_else(|| args.id.clone(), |shop| format!("{shop}/{}", args.id));
            one(context, &desk, &Whose::Contact(contact_key(&desk.settings, &text)?), &args).await
        }
        Kind::Customer => one(context, &desk, &Whose::Customer(args.id.parse().map_err(Failure::usage)?), &args).await,
        Kind::Merge => merge(context, &desk, &args).await,
        Kind::Pair => {
            let Some(other) = args.other else { return Ok(Exit::Usage) };
            if args.offline {
                return Err(Failure::usage("a pair is read as it is now: leave --offline out"));
            }
            let ids = [args.id.parse().map_err(Failure::usage)?, other];
            pair::Pair::of(&desk, ids, args.reveal).await?.tell(context.out)?;
            Ok(Exit::Done)
        }
    }
}

async fn one(context: &Context, desk: &Desk, whose: &Whose, args: &ExplainArgs) -> Result<Exit, Failure> {
    let Desk { settings, memory, .. } = desk;
    let story = memory.store.story(whose).await?;
    let live = if args.offline { None } else { Some(live(settings, memory, whose, &story, args.reveal).await?) };
    let known = Known::of(desk, whose, &story).await?;
    let nobody = story.contacts.is_empty() && story.links.is_empty() && story.proposals.is_empty();
    if nobody && known.merges.is_empty() && known.by_hand.is_empty() && live.as_ref().is_none_or(Live::is_empty) {
        return Err(Failure::usage("nobody of that id is known, neither here nor there"));
    }
    tell(&story, &known, live.as_ref(), context.out)?;
    Ok(Exit::Done)
}

/// The same as `merges show`, and how its contact is weighed now: also what is ignored of it, and why.
async fn merge(context: &Context, desk: &Desk, args: &ExplainArgs) -> Result<Exit, Failure> {
    let story = show::Story::of(desk, &args.id).await?;
    story.tell(context.out)?;
    let contact = story.kept().map(|kept| kept.proposal.contact.clone());
    let configured = |key: &ContactKey| desk.settings.shops.contains_key(&key.shop);
    let Some(contact) = contact.filter(configured).filter(|_| !args.offline && !context.out.json) else {
        return Ok(Exit::Done);
    };
    let whose = Whose::Contact(contact);
    let live = live(&desk.settings, &desk.memory, &whose, &Story::default(), args.reveal).await?;
    let erasures = erasures(desk, &whose).await?;
    for line in now(&live, &erasures) {
        context.out.line(line);
    }
    Ok(Exit::Done)
}

/// What is known of merges of somebody.
struct Known {
    merges: Vec<ToldMerge>,
    different_people: Vec<Parted>,
    by_hand: Vec<KeptHandWrite>,
    erasures: Vec<i64>,
}

impl Known {
    async fn of(desk: &Desk, whose: &Whose, story: &Story) -> Result<Self, Failure> {
        let customers: Vec<CustomerId> = match whose {
            Whose::Customer(id) => vec![id.clone()],
            Whose::Contact(_) => {
                let linked = story.links.iter().map(|link| link.customer.clone());
                linked.chain(story.proposals.iter().flat_map(members).cloned()).collect()
            }
        };
        let Desk { memory, .. } = desk;
        let merges = memory.store.merges(&MergeQuery::Naming(customers.clone())).await?;
        Ok(Self {
            merges: merges.into_iter().map(|merge| ToldMerge::of(merge, &desk.settings)).collect(),
            different_people: memory.store.parted(&customers).await?,
            by_hand: by_hand::of(&*memory.store, &customers).await?,
            erasures: erasures(desk, whose).await?,
        })
    }
}

/// The erasures that stand and name a contact by its id.
async fn erasures(desk: &Desk, whose: &Whose) -> Result<Vec<i64>, Failure> {
    let Whose::Contact(key) = whose else { return Ok(Vec::new()) };
    let all = desk.memory.store.erasures().await?;
    Ok(all.iter().filter(|erased| erased.lifted.is_none() && erased.contacts.contains(key)).map(|one| one.id).collect())
}

/// A contact as a person names it: `SHOP/ID`, or only the id where there is one shop.
pub(super) fn contact_key(settings: &Settings, text: &str) -> Result<ContactKey, Failure> {
    let (shop, id) = match text.split_once('/') {
        Some((shop, id)) => (Some(shop.parse::<ShopName>().map_err(Failure::usage)?), id),
        None => (None, text),
    };
    let shops = setup::shops(settings, shop.as_ref())?;
    let [shop] = shops.as_slice() else {
        return Err(Failure::usage("there are several shops: say which, as SHOP/ID"));
    };
    let id = id.parse::<i64>().map_err(|_| Failure::usage("a contact's id is a number"))?;
    let id = ContactId::try_from(id).map_err(Failure::usage)?;
    Ok(ContactKey { shop: shop.clone(), id })
}

async fn live(
    settings: &Settings,
    memory: &Memory,
    whose: &Whose,
    story: &Story,
    reveal: bool,
) -> Result<Live, Failure> {
    let network = Network::new(settings)?;
    let reader: Reader = network.reader(settings).await?;
    let shop = match whose {
        Whose::Contact(key) => key.shop.clone(),
        Whose::Customer(_) => {
            let first = story.contacts.keys().next().map(|key| key.shop.clone());
            first.or_else(|| settings.shops.keys().next().cloned()).ok_or_else(|| Failure::usage("no shop"))?
        }
    };
    let bridge = bridge(settings, memory, &network, &reader, &shop)?;
    Ok(crate::sync::explain::explain(&bridge, whose, reveal).await?)
}

/// A bridge that only reads.
fn bridge(
    settings: &Settings,
    memory: &Memory,
    network: &Network,
    reader: &Reader,
    shop: &ShopName,
) -> Result<Bridge, Failure> {
    let never = tokio_util::sync::CancellationToken::new();
    setup::bridge(settings, shop, network, reader, memory, false, Arc::new(Silent), never)
}

fn kept(story: &Story) -> Vec<Line> {
    let line = |(key, prior): (&ContactKey, &crate::store::Prior)| {
        let judged = prior.judged.as_ref();
        let moment = |at: Option<crate::model::time::Moment>| at.map(|at| at.to_string());
        Line {
            contact: key.clone(),
            state: judged.map_or_else(|| "surveyed".to_owned(), |judged| judged.state.to_string()),
            reason: judged.map(|judged| judged.reason.clone()).unwrap_or_default(),
            judged_at: judged.map(|judged| judged.at.to_string()),
            run: story.judged_by.get(key).map(|run| run.0),
            recheck_at: moment(judged.and_then(|judged| judged.recheck_at)),
            retry_at: moment(prior.retry_at),
            attempts: judged.map_or(0, |judged| judged.attempts),
            held_by: prior.held.as_ref().filter(|held| !held.released).map(|held| held.hold),
            missing: prior.missing,
        }
    };
    story.contacts.iter().map(line).collect()
}

fn tell(story: &Story, known: &Known, live: Option<&Live>, out: Output) -> Result<(), Failure> {
    let kept = kept(story);
    if out.json {
        let rulings = story
            .rulings
            .iter()
            .map(|(contact, customer, ruling, by, at)| {
                serde_json::json!({"contact": contact, "customer": customer, "ruling": ruling, "by": by, "at": at})
            })
            .collect();
        let now = live.map(|live| Now {
            says: &live.contact,
            customers: &live.customers,
            plan: live.plan.as_ref(),
            erased: live.erased,
        });
        return out.json(&Told {
            kept: &kept,
            links: &story.links,
            proposals: &story.proposals,
            writes: &story.writes,
            writes_by_hand: &known.by_hand,
            rulings,
            merges: &known.merges,
            different_people: &known.different_people,
            now,
        });
    }
    for line in words(story, &kept) {
        out.line(line);
    }
    for merge in &known.merges {
        for line in merge.words() {
            out.line(format!("  {line}"));
        }
    }
    for write in &known.by_hand {
        out.line(by_hand::line(write));
    }
    for Parted { one, other, by, at } in &known.different_people {
        out.line(format!("  {by} said {at}: {one} and {other} are different people"));
    }
    if let Some(live) = live {
        for line in now(live, &known.erasures) {
            out.line(line);
        }
    }
    Ok(())
}

fn words(story: &Story, kept: &[Line]) -> Vec<String> {
    let mut lines = vec!["What we keep".to_owned()];
    for line in kept {
        let run = line.run.map(|run| format!(" by run {run}")).unwrap_or_default();
        let at = line.judged_at.as_deref().unwrap_or("never");
        lines.push(format!("  contact {}: {} ({}), judged {at}{run}", line.contact, line.state, line.reason));
        lines.extend(line.recheck_at.iter().map(|at| format!("    looked at again from {at}, or when it changes")));
        lines.extend(line.retry_at.iter().map(|at| format!("    due by itself {at}, after {} tries", line.attempts)));
        lines.extend(
            line.held_by.iter().map(|hold| format!("    an update of it is held: `anagrafe holds show {hold}`")),
        );
        if line.missing {
            lines.push("    not found by the last resync where it was; nothing is concluded yet".into());
        }
    }
    for link in &story.links {
        let until = link.ended.map(|at| format!(", ended {at}")).unwrap_or_default();
        lines.push(format!(
            "  link {} -> customer {} ({}, row {}) since {}{until}",
            link.contact,
            link.customer,
            link.role.as_str(),
            link.row,
            link.since
        ));
    }
    for (contact, customer, ruling, by, at) in &story.rulings {
        lines.push(format!("  {by} said {at}: {contact} and {customer} are {} people", ruling.as_str()));
    }
    for proposal in &story.proposals {
        lines.push(format!(
            "  proposal {} ({}): {}",
            proposal.proposal.id,
            proposal.state.as_str(),
            proposal.proposal.evidence.join("; ")
        ));
    }
    for write in &story.writes {
        let fields: Vec<&str> = write.fields.iter().map(|field| field.as_str()).collect();
        let outcome = write
            .outcome
            .map_or_else(|| "outcome not recorded".to_owned(), |(outcome, at)| format!("{} {at}", outcome.as_str()));
        lines.push(format!(
            "  wrote {} to {} for {} (run {}, declared {}): {outcome}",
            fields.join(", "),
            write.customer,
            write.contact,
            write.run,
            write.declared_at
        ));
    }
    lines
}
