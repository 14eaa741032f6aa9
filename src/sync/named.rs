//! Customers that somebody named: each is read, and whichever contacts it may concern are due at once. Nothing is decided here: a
//! sync looks at them as at any other.
//!
//! It concerns the contacts that hold one of its identifiers, and those that are linked to it already: a chat of a person that is known
//! may have left something to bring up to date or to merge.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use futures::{StreamExt as _, stream};

use crate::{
    http::{CallError, Verdict},
    model::{
        ContactKey, Customer, CustomerId, HashKey, Keyed, Naming, ShopName,
        rules::{FieldRules, MAX_HOLDERS},
        time::Moment,
    },
    plan::{
        evidence::{Candidate, Side},
        fields::Reading,
        normalise::Region,
    },
    store::{Found, Store, StoreError},
    vivocha::Reader,
};

/// So many are read at once.
const AT_ONCE: usize = 4;

/// What it takes to look at a customer that was named.
pub struct Named {
    /// Reads customers.
    pub reader: Reader,
    /// Knows contacts.
    pub store: Arc<dyn Store>,
    /// Hashes.
    pub key: Arc<HashKey>,
    /// What the account calls things.
    pub naming: Naming,
    /// `[fields]`.
    pub fields: FieldRules,
    /// The shops, and where their numbers belong.
    pub regions: BTreeMap<ShopName, Region>,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").finish_non_exhaustive()
    }
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// So many contacts are due.
    pub due: u64,
    /// Those to be asked for again in a while. The account may not tell of them yet, or a search, which is what a sync finds them by,
    /// may lag behind.
    pub again: Vec<CustomerId>,
}

/// What is known of one of them.
enum Known {
    /// Nobody's, and nobody may be it.
    Nobody,
    /// It may concern these. Whether it is linked to one of them.
    Concerns(Vec<ContactKey>, bool),
}

impl Named {
    /// Looks at customers that were named. `again`: for another time, and only at those that are still not linked.
    ///
    /// # Errors
    /// If the store failed. That a customer could not be read is no error: it is asked for again.
    pub async fn heed(&self, customers: &[CustomerId], again: bool, now: Moment) -> Result<Heard, StoreError> {
        let mut heard = Heard::default();
        let reads = customers.iter().cloned().map(|id| async move {
            let answer = self.reader.get(&id).await;
            (id, answer)
        });
        let answers: Vec<(CustomerId, Result<Option<Customer>, CallError>)> =
            stream::iter(reads).buffered(AT_ONCE).collect().await;
        let mut due = BTreeSet::new();
        for (id, answer) in answers {
            match answer {
                Ok(Some(customer)) => match self.concerns(&id, &customer).await? {
                    Known::Nobody => {}
                    Known::Concerns(_, true) if again => {}
                    Known::Concerns(contacts, linked) => {
                        if !linked {
                            heard.again.push(id);
                        }
                        due.extend(contacts);
                    }
                },
                Ok(None) => heard.again.push(id),
                Err(error) => {
                    tracing::warn!(customer = %id, %error, "a customer that was named could not be read");
                    if error.verdict != Verdict::Stop {
                        heard.again.push(id);
                    }
                }
            }
        }
        if !due.is_empty() {
            let due: Vec<ContactKey> = due.into_iter().collect();
            heard.due = self.store.make_due(&due, now).await?;
        }
        Ok(heard)
    }

    async fn concerns(&self, asked: &CustomerId, customer: &Customer) -> Result<Known, StoreError> {
        let by_shop: BTreeMap<&ShopName, BTreeSet<Keyed>> =
            self.regions.iter().map(|(shop, region)| (shop, self.identifiers(customer, *region))).collect();
        let all: Vec<Keyed> = by_shop.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let nameless = all.is_empty();
        // One that was merged away is known by the id it had.
        let Found { links, holders, .. } = self.store.found(&[asked.clone(), customer.id.clone()], &all).await?;
        let standing = links.into_values().flatten().filter(|link| link.ended.is_none());
        let linked: BTreeSet<ContactKey> = standing.map(|link| link.contact).collect();
        let ours = |contact: &ContactKey, identifier: &Keyed| {
            by_shop.get(&contact.shop).is_some_and(|its| its.contains(identifier))
        };
        let mut contacts = linked.clone();
        for (identifier, holders) in &holders {
            // What so many hold says nothing about one of them.
            if holders.len() < MAX_HOLDERS {
                contacts.extend(holders.keys().filter(|contact| ours(contact, identifier)).cloned());
            }
        }
        // Whoever has just begun to chat may not have said yet who she is.
        if contacts.is_empty() && !nameless {
            return Ok(Known::Nobody);
        }
        Ok(Known::Concerns(contacts.into_iter().collect(), !linked.is_empty()))
    }

    /// The hashes of all that a customer holds, as a shop of this region reads it.
    fn identifiers(&self, customer: &Customer, region: Region) -> BTreeSet<Keyed> {
        let Self { key, naming, fields, .. } = self;
        let reading = Reading { rules: fields, naming, region, key };
        let Candidate { email, phone, inside: (emails, phones), .. } =
            Candidate::read(customer.clone(), Vec::new(), &[], &reading);
        let email = if let Side::Is(email) = &email { Some(key.email(email)) } else { None };
        let phone = if let Side::Is(phone) = &phone { Some(key.phone(phone)) } else { None };
        let inside = emails.iter().map(|email| key.email(email)).chain(phones.iter().map(|phone| key.phone(phone)));
        email.into_iter().chain(phone).chain(inside).collect()
    }
}
