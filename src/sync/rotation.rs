//! A rotation of the hash key, after a resync has read everything and settled what could be settled: all shops are read once more, page
//! by page; what is known of each contact is put aside under the key to come; and then all of it takes its place at once.
//! Until that moment the account stands wholly under the key it had, whatever ends this before. Sends no write.
//!
//! A customer is read only where what came back from our writes is not what its contact says. One that cannot be read ends the
//! rotation: a baseline is not given up because a server is away.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tracing::Instrument as _;

use super::{
    Bridge, PassError, Tenure,
    due::{self, Fetched},
    gather::Member,
    pages::Pages,
    reading::fields,
    sorting,
    stopping::unless_stopped,
};
use crate::{
    model::{
        ContactId, ContactKey, Customer, CustomerId, HashKey, Hashes, Keyed, ShopName, link::Link, state::ContactState,
    },
    observe::traces::{self, Phase},
    open2b::{Page, Record},
    plan::{fields::Plain, rekey::Rekeyed},
    store::{
        Hindrance, IndexEntry, Known, PageQuery, Prior, RekeyedContact, RekeyedLink, RekeyedPage, RekeyedShop, Switch,
        Switched,
    },
};

/// Contacts that no page showed, looked at together.
const CHUNK: u64 = 200;

/// What a rotation came to.
#[derive(Debug)]
pub enum Rotated {
    /// The account is kept under the new key. So many erased identifiers are known by the former one only.
    Done {
        /// How many.
        sealed: u64,
    },
    /// Nothing was changed.
    Waits(Waits),
}

/// Why the key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Waits {
    /// What the store says.
    #[error(transparent)]
    Store(#[from] Hindrance),
    /// A linked contact is nowhere in the clear.
    #[error(
        "contact {0} is linked and its record cannot be read, so what was last settled for it would be forgotten: correct it in the shop"
    )]
    Unreadable(ContactKey),
    /// Contacts could not be asked for.
    #[error("{0} contacts could not be read by their ids: run `anagrafe resync` again")]
    Unread(u64),
}

/// Changes the key of an account. `bridges` are of all its shops, under the key it has; `sources` where they are, under the one to come.
///
/// # Errors
/// What would end any run. The account then stands under the key it had.
pub async fn rotate(
    bridges: &[Bridge],
    next: &Arc<HashKey>,
    sources: &BTreeMap<ShopName, Keyed>,
    tenure: &Tenure,
) -> Result<Rotated, PassError> {
    let Some(store) = bridges.first().map(|bridge| Arc::clone(&bridge.store)) else {
        return Ok(Rotated::Waits(Waits::Unread(0)));
    };
    let names: Vec<ShopName> = bridges.iter().map(|bridge| bridge.shop_name().clone()).collect();
    if let Some(hindrance) = store.rekey(&tenure.lease(), &names).await? {
        return Ok(Rotated::Waits(hindrance.into()));
    }
    let mut shops = Vec::new();
    for now in bridges {
        let source = sources.get(now.shop_name()).copied().unwrap_or(now.source);
        let then = Bridge { key: Arc::clone(next), source, ..now.clone() };
        let reading = Rereading { now, then: &then, tenure };
        if let Some(waits) = reading.all().instrument(traces::phase(Phase::Rotation)).await? {
            return Ok(Rotated::Waits(waits));
        }
        let rules = (now.rules_print(), then.rules_print());
        shops.push(RekeyedShop { shop: now.shop_name().clone(), source, rules });
    }
    let at = bridges.first().map(|bridge| bridge.clock.now()).unwrap_or_default();
    let switch = Switch { next: Arc::clone(next), shops, at };
    Ok(match store.switch(&tenure.lease(), &switch).await? {
        Switched::Done { sealed } => Rotated::Done { sealed },
        Switched::Waits(hindrance) => Rotated::Waits(hindrance.into()),
    })
}

/// A shop, read once more.
struct Rereading<'a> {
    now: &'a Bridge,
    then: &'a Bridge,
    tenure: &'a Tenure,
}

type Customers = BTreeMap<CustomerId, Option<Customer>>;

impl Rereading<'_> {
    async fn all(&self) -> Result<Option<Waits>, PassError> {
        self.pages().await?;
        self.left().await
    }

    async fn pages(&self) -> Result<(), PassError> {
        let mut pages = Pages::after(self.now.shop.clone(), 0, fields(self.now), true);
        while let Some((page, span)) = unless_stopped(&self.now.stop, pages.next()).await? {
            self.page(&page).instrument(span).await?;
        }
        Ok(())
    }

    async fn page(&self, page: &Page) -> Result<(), PassError> {
        let members = sorting::normalised(self.now, &page.records);
        let ids: Vec<ContactId> = members.iter().map(|member| member.contact.id).collect();
        let known = self.known(&ids).await?;
        self.put_aside(&members, &known).await.map(drop)
    }

    /// Whoever is known and was on no page: gone from the shop, erased, unreadable there, or visible to those only who ask by id.
    async fn left(&self) -> Result<Option<Waits>, PassError> {
        let mut after = 0;
        loop {
            let ids = self.now.store.left(self.now.shop_name(), after, CHUNK).await?;
            let Some(last) = ids.last() else { return Ok(None) };
            after = last.get();
            let known = self.known(&ids).await?;
            let asked: Vec<ContactId> = ids.iter().filter(|id| may_be_there(&known, **id)).copied().collect();
            let Fetched { records, absent, unread: _ } = due::fetch(self.now, &asked, &fields(self.now)).await?;
            let unread = asked.len().saturating_sub(records.len() + absent.len()) as u64;
            if unread > 0 {
                return Ok(Some(Waits::Unread(unread)));
            }
            let members = sorting::normalised(self.now, &records);
            let customers = self.put_aside(&members, &known).await?;
            let malformed = records.iter().filter(|record| matches!(record, Record::Malformed { .. }));
            if let Some(id) = malformed.filter_map(Record::id).find(|id| self.forgets(*id, &known, &customers)) {
                return Ok(Some(Waits::Unreadable(ContactKey { shop: self.now.shop_name().clone(), id })));
            }
        }
    }

    async fn known(&self, ids: &[ContactId]) -> Result<Known, PassError> {
        let shop = self.now.shop_name().clone();
        let query = PageQuery { shop, ids: ids.to_vec(), identifiers: Vec::new(), covers: None };
        Ok(self.now.store.known(&query).await?)
    }

    /// Puts aside all that is known; those that are not among the members are nowhere in the clear but in their customers.
    async fn put_aside(&self, members: &[Member], known: &Known) -> Result<Customers, PassError> {
        let members: BTreeMap<ContactId, &Member> = members.iter().map(|member| (member.contact.id, member)).collect();
        let asked = known.contacts.iter().flat_map(|(id, prior)| self.to_read(members.get(id).copied(), prior));
        let customers = self.customers(asked.collect()).await?;
        let rekeyed = |(id, prior): (&ContactId, &Prior)| {
            let its: Vec<Customer> =
                links(prior).filter_map(|link| customers.get(&link.customer).cloned().flatten()).collect();
            contact(prior, &self.rekeyed(members.get(id).copied(), &its))
        };
        let contacts = known.contacts.iter().map(rekeyed).collect();
        let met = members.values().flat_map(|member| self.met(member)).collect();
        let page = RekeyedPage { shop: self.now.shop_name().clone(), contacts, met };
        self.now.store.stage(&self.tenure.lease(), &page).await?;
        Ok(customers)
    }

    /// The customers without whom something would be forgotten.
    fn to_read(&self, member: Option<&Member>, prior: &Prior) -> Vec<CustomerId> {
        let told = member.map(|member| self.rekeyed(Some(member), &[]));
        let is_told = |link: &Link| told.as_ref().is_some_and(|told| told.knows_what_came_back(&link.baselines));
        links(prior).filter(|link| !is_told(link)).map(|link| link.customer.clone()).collect()
    }

    async fn customers(&self, ids: BTreeSet<CustomerId>) -> Result<Customers, PassError> {
        let gets =
            ids.into_iter().map(|id| async move { self.now.reader.get(&id).await.map(|customer| (id, customer)) });
        let reading = stream::iter(gets).buffer_unordered(self.now.rules.concurrency.max(1)).try_collect();
        unless_stopped(&self.now.stop, reading).await
    }

    fn rekeyed(&self, member: Option<&Member>, customers: &[Customer]) -> Rekeyed<'_> {
        let contact = member.map(|member| (&member.contact, &member.identity));
        let plain = Plain { shop: self.now.shop_name(), contact, customers };
        Rekeyed::of(&plain, &self.now.reading(), &self.then.reading())
    }

    /// Whether something that was settled for a contact is in none of its customers. A contact that is there speaks again.
    fn forgets(&self, id: ContactId, known: &Known, customers: &Customers) -> bool {
        let Some(prior) = known.contacts.get(&id) else { return false };
        let its: Vec<Customer> =
            links(prior).filter_map(|link| customers.get(&link.customer).cloned().flatten()).collect();
        let rekeyed = self.rekeyed(None, &its);
        links(prior).flat_map(|link| link.baselines.values()).any(|baseline| !rekeyed.knows(&baseline.source))
    }

    /// What an erasure may name her by.
    fn met(&self, member: &Member) -> Vec<(Keyed, Keyed)> {
        let (now, then) = (&member.hashes, Hashes::of(&member.identity, &self.then.key));
        [now.email.zip(then.email), now.phone.zip(then.phone)].into_iter().flatten().collect()
    }
}

/// Whether the shop may have a contact that no page showed.
fn may_be_there(known: &Known, id: ContactId) -> bool {
    let judged = known.contacts.get(&id).and_then(|prior| prior.judged.as_ref());
    !judged.is_some_and(|judged| matches!(judged.state, ContactState::Gone | ContactState::Excluded))
}

fn links(prior: &Prior) -> impl Iterator<Item = &Link> {
    prior.link.iter().chain(&prior.former)
}

/// What is known of a contact, under the key to come.
fn contact(prior: &Prior, rekeyed: &Rekeyed<'_>) -> RekeyedContact {
    let IndexEntry { id, email, phone, name } = &prior.entry;
    let hashes = Hashes { email: *email, phone: *phone, name: name.clone() };
    let Hashes { email, phone, name } = rekeyed.known_as(&hashes);
    let link = |link: &Link| RekeyedLink {
        customer: link.customer.clone(),
        baselines: rekeyed.baselines(&link.baselines),
        known_as: rekeyed.known_as(&link.known_as),
    };
    RekeyedContact {
        entry: IndexEntry { id: *id, email, phone, name },
        content: prior.judged.as_ref().map(|judged| rekeyed.hash(judged.fingerprint.content)),
        links: links(prior).map(link).collect(),
    }
}
