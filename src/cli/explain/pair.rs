//! `anagrafe explain pair`: why two customers are, or are not, merged. Both are read now, and what is planned now for each contact that has
//! to do with either of them is looked at. Ids, rows and codes; values only with `--reveal`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::{
    Failure,
    merges::{Desk, waits::Standing, words},
    output::Output,
    proposals::proposed,
};
use super::bridge;
use crate::{
    model::{
        ContactKey, Customer, CustomerId,
        merge::Merge,
        proposal::{Authority, KeptProposal, Proposal},
    },
    plan::{matching::Row, merging::authority::members, normalise, page::ContactPlan, weigh::Weighing},
    store::{MergeQuery, PageQuery, Parted, Whose},
    sync::{Bridge, explain},
    vivocha::Reader,
};

/// So many contacts are asked about: an identifier that more hold says nothing anyway.
const ASKED: usize = 20;

/// Why, or why not.
#[derive(Serialize)]
pub struct Pair {
    one: Side,
    other: Side,
    /// The verdict, in sentences.
    because: Vec<String>,
    contacts: Vec<OfContact>,
    proposals: Vec<super::super::merges::Listed>,
    merges: Vec<Merge>,
    different_people: Vec<Parted>,
    in_doubt: Vec<CustomerId>,
    /// Contacts that were not asked about, there being so many.
    left_out: usize,
}

/// One of the two.
#[derive(Serialize)]
struct Side {
    customer: CustomerId,
    /// What answers for it; none where nothing does.
    is_now: Option<CustomerId>,
    says: Vec<(String, String)>,
}

/// What the plan of a contact says of them.
#[derive(Serialize)]
struct OfContact {
    contact: ContactKey,
    one: Option<Weighed>,
    other: Option<Weighed>,
    /// Whether both are in the merge that is planned for it now.
    together: bool,
    asks: Vec<String>,
    shared: Vec<String>,
}

#[derive(Serialize)]
struct Weighed {
    row: Row,
    outcome: &'static str,
    says: &'static str,
    /// Fields of it that hold our own writing, and said nothing.
    ours: Vec<&'static str>,
}

impl Weighed {
    fn of(weighing: &Weighing) -> Self {
        Self {
            row: weighing.row,
            outcome: weighing.outcome.as_str(),
            says: weighing.row.explain(),
            ours: weighing.ours.iter().map(|field| field.as_str()).collect(),
        }
    }
}

impl Pair {
    /// Reads both, and plans for the contacts of either.
    ///
    /// # Errors
    /// If neither is known, or a call failed.
    pub async fn of(desk: &Desk, ids: [CustomerId; 2], reveal: bool) -> Result<Self, Failure> {
        let [a, b] = &ids;
        if a == b {
            return Err(Failure::usage(format!("{a} and {b} are the same customer: name two")));
        }
        let network = super::Network::new(&desk.settings)?;
        let reader: Reader = network.reader(&desk.settings).await?;
        let first = desk.settings.shops.keys().next().ok_or_else(|| Failure::usage("no shop"))?;
        let any = bridge(&desk.settings, &desk.memory, &network, &reader, first)?;
        let (now_a, now_b) = (reader.get(a).await?, reader.get(b).await?);
        if now_a.is_none()
            && now_b.is_none()
            && desk.memory.store.merges(&MergeQuery::Naming(ids.to_vec())).await?.is_empty()
        {
            return Err(Failure::usage("nobody of those ids is known, neither here nor there"));
        }
        let keys = contacts(desk, &any, &ids, [now_a.as_ref(), now_b.as_ref()]).await?;
        let left_out = keys.len().saturating_sub(ASKED);
        let mut of_contacts = Vec::new();
        for key in keys.into_iter().take(ASKED) {
            if !desk.settings.shops.contains_key(&key.shop) {
                continue;
            }
            let bridge = bridge(&desk.settings, &desk.memory, &network, &reader, &key.shop)?;
            let live = explain::explain(&bridge, &Whose::Contact(key.clone()), reveal).await?;
            of_contacts.extend(live.plan.map(|plan| of_contact(key, &plan, &ids)));
        }
        let store = &desk.memory.store;
        let both = |one: &CustomerId, other: &CustomerId| ids.contains(one) && ids.contains(other);
        let mut different_people = store.parted(&ids).await?;
        different_people.retain(|pair| both(&pair.one, &pair.other));
        let mut merges = store.merges(&MergeQuery::Naming(ids.to_vec())).await?;
        merges.retain(|merge| both(&merge.survivor, &merge.absorbed));
        let in_doubt = store.found(&ids, &[]).await?.in_doubt.into_iter().collect();
        let standing = Standing::of_all(desk).await?;
        let mut proposals = desk.proposals(None).await?;
        proposals.retain(|kept| ids.iter().all(|id| members(kept).contains(id)));
        let proposals = proposals.into_iter().map(|kept| super::super::merges::listed(kept, &standing)).collect();
        let side = |id: &CustomerId, now: Option<&Customer>| Side {
            customer: id.clone(),
            is_now: now.map(|now| now.id.clone()),
            says: now.map(|now| explain::says(&any, now, reveal)).unwrap_or_default(),
        };
        let (one, other) = (side(a, now_a.as_ref()), side(b, now_b.as_ref()));
        let mut pair = Self {
            one,
            other,
            because: Vec::new(),
            contacts: of_contacts,
            proposals,
            merges,
            different_people,
            in_doubt,
            left_out,
        };
        pair.because = pair.verdict();
        Ok(pair)
    }

    fn verdict(&self) -> Vec<String> {
        let (a, b) = (&self.one.customer, &self.other.customer);
        let mut because = Vec::new();
        match (&self.one.is_now, &self.other.is_now) {
            (Some(one), Some(other)) if one == other => {
                because.push(format!("they are one already: {one} answers for both"));
            }
            (None, _) | (_, None) => {
                because.push("one of them does not exist any more: see the merges below, or Vivocha".to_owned());
            }
            (Some(_), Some(_)) => {}
        }
        for Parted { by, at, .. } in &self.different_people {
            because.push(format!("{by} said {at} that they are different people, and that stands for good"));
        }
        for id in &self.in_doubt {
            because.push(format!(
                "what became of a merge of {id} is not known yet; nothing else is planned for it until then"
            ));
        }
        let standing = self.proposals.iter().filter(|one| one.waits_for.on != "nothing");
        for one in standing {
            because.push(format!(
                "their merge is proposed ({}) and waits for {}",
                one.kept.proposal.id, one.waits_for.words
            ));
        }
        if self.contacts.is_empty() {
            because.push(format!(
                "no contact of a shop has to do with {a} or {b}: only a contact brings customers together"
            ));
        } else if !self.contacts.iter().any(|contact| contact.together) {
            because.push("no contact's evidence puts both of them together:".to_owned());
            because.extend(self.contacts.iter().map(|contact| contact.apart(a, b)));
        }
        because
    }

    /// Prints it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn tell(&self, out: Output) -> Result<(), Failure> {
        if out.json {
            return out.json(self);
        }
        for side in [&self.one, &self.other] {
            let says: Vec<String> = side.says.iter().map(|(field, value)| format!("{field} {value}")).collect();
            let says = if says.is_empty() { "does not exist".to_owned() } else { says.join(", ") };
            out.line(format!("customer {}: {says}", side.customer));
        }
        out.line("Why they are not merged, or are");
        for line in &self.because {
            out.line(format!("  {line}"));
        }
        for contact in &self.contacts {
            out.line(format!("contact {}", contact.contact));
            for (id, weighed) in [(&self.one.customer, &contact.one), (&self.other.customer, &contact.other)] {
                out.line(format!("  {id}: {}", weighed.as_ref().map_or_else(|| NOTHING.to_owned(), in_words)));
            }
            for why in &contact.shared {
                out.line(format!("  {why}"));
            }
            for code in &contact.asks {
                out.line(format!("  asks for {code}: {}", words::reason(code)));
            }
        }
        if self.left_out > 0 {
            out.line(format!("and {} more contacts, which were not asked about", self.left_out));
        }
        for one in &self.proposals {
            let KeptProposal { proposal, state, .. } = &one.kept;
            let what = proposed(&proposal.proposed);
            out.line(format!(
                "proposal {} ({}): {what}: anagrafe merges show {}",
                proposal.id,
                state.as_str(),
                proposal.id
            ));
        }
        for merge in &self.merges {
            out.line(format!("merge {} of {}: {}", merge.id, merge.declared_at, words::outcome(merge)));
        }
        Ok(())
    }
}

const NOTHING: &str = "nothing of the contact's that is one person's alone stands there";

fn in_words(weighed: &Weighed) -> String {
    let ours = if weighed.ours.is_empty() {
        String::new()
    } else {
        format!("; what we wrote there ourselves ({}) does not count", weighed.ours.join(", "))
    };
    format!("row {}, {}: {}{ours}", weighed.row, weighed.outcome, weighed.says)
}

impl OfContact {
    /// Why its evidence does not bring both together.
    fn apart(&self, a: &CustomerId, b: &CustomerId) -> String {
        let side = |id: &CustomerId, weighed: Option<&Weighed>| {
            format!(
                "{id} {}",
                weighed.map_or_else(
                    || "does not match it".to_owned(),
                    |weighed| format!("comes to `{}` by row {}", weighed.outcome, weighed.row)
                )
            )
        };
        let shared = if self.shared.is_empty() { "" } else { "; an identifier of it is shared" };
        format!("  contact {}: {}, {}{shared}", self.contact, side(a, self.one.as_ref()), side(b, self.other.as_ref()))
    }
}

fn of_contact(contact: ContactKey, plan: &ContactPlan, ids: &[CustomerId; 2]) -> OfContact {
    let [a, b] = ids;
    let weighed = |id: &CustomerId| plan.weighed.iter().find(|weighing| weighing.customer == *id).map(Weighed::of);
    let both = |proposal: &&Proposal| ids.iter().all(|id| names(proposal, id));
    let merge = plan.proposals.iter().find(both);
    let asks = match merge.map(|proposal| &proposal.authority) {
        Some(Authority::Ask(because)) => because.clone(),
        Some(Authority::Automatic) | None => Vec::new(),
    };
    let shared = [("e-mail", plan.shared.email), ("telephone", plan.shared.phone)];
    let shared = shared.iter().filter_map(|(what, why)| {
        why.map(|why| format!("its {what} is shared ({}): it never matches alone", why.as_str()))
    });
    OfContact { contact, one: weighed(a), other: weighed(b), together: merge.is_some(), asks, shared: shared.collect() }
}

fn names(proposal: &Proposal, id: &CustomerId) -> bool {
    match &proposal.proposed {
        crate::model::proposal::Proposed::Merge { survivor, absorbed } => survivor == id || absorbed.contains(id),
        crate::model::proposal::Proposed::Link { .. } => false,
    }
}

/// The contacts that are linked to, or proposed for, either of them; and those that hold an identifier of either.
async fn contacts(
    desk: &Desk,
    bridge: &Bridge,
    ids: &[CustomerId; 2],
    now: [Option<&Customer>; 2],
) -> Result<BTreeSet<ContactKey>, Failure> {
    let store = &desk.memory.store;
    let mut keys = BTreeSet::new();
    for id in ids {
        keys.extend(store.story(&Whose::Customer(id.clone())).await?.contacts.into_keys());
    }
    let (naming, region, key) = (&bridge.rules.naming, bridge.rules.region, &bridge.key);
    let mut identifiers = Vec::new();
    for customer in now.into_iter().flatten() {
        let email = customer.text(&naming.email).as_str().and_then(|text| normalise::email(text).ok().flatten());
        let phone =
            customer.text(&naming.telnum).as_str().and_then(|text| normalise::phone(text, region).ok().flatten());
        identifiers.extend(email.map(|email| key.email(&email)));
        identifiers.extend(phone.map(|phone| key.phone(&phone)));
    }
    let asked = PageQuery { shop: bridge.shop_name().clone(), ids: Vec::new(), identifiers, covers: None };
    let holders: BTreeMap<_, _> = store.known(&asked).await?.holders;
    keys.extend(holders.into_values().flat_map(BTreeMap::into_keys));
    Ok(keys)
}
