//! The account's customers: what is stored, what the search sees of it (perhaps later), and what became of those that
//! were merged away.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::rql::Query;

/// A customer as stored.
pub(super) type Document = Map<String, Value>;

/// The fields the search finds by without looking at everybody.
const INDEXED: [&str; 3] = ["email", "telnum", "vvcu"];

struct Stored {
    /// When it came into being, relative to the others: the order of an unsorted answer.
    rank: u64,
    document: Document,
}

/// All of them.
#[derive(Default, Clone)]
pub(super) struct Directory {
    stored: HashMap<String, Arc<Stored>>,
    /// What the search sees: the same values, or older ones where it lags.
    seen: BTreeMap<String, Arc<Stored>>,
    ranked: BTreeMap<u64, String>,
    index: HashMap<(&'static str, String), BTreeSet<String>>,
    lagging: VecDeque<(Instant, String)>,
    absorbed: HashMap<String, String>,
    events: HashMap<String, Vec<Value>>,
    ranks: u64,
}

impl Directory {
    pub(super) fn new(customers: Vec<Document>) -> Self {
        let mut directory = Self::default();
        for customer in customers {
            directory.add(customer, Duration::ZERO);
        }
        directory
    }

    /// In order of creation.
    pub(super) fn all(&self) -> Vec<Document> {
        let mut stored: Vec<_> = self.stored.values().collect();
        stored.sort_by_key(|stored| stored.rank);
        stored.into_iter().map(|stored| stored.document.clone()).collect()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Document> {
        self.stored.get(id).map(|stored| &stored.document)
    }

    /// A customer who came to chat. Keeps the id it brings, if it is free.
    pub(super) fn add(&mut self, mut document: Document, lag: Duration) -> String {
        self.ranks += 1;
        let brought = document.get("id").and_then(Value::as_str).filter(|id| !self.stored.contains_key(*id));
        let id = brought.map_or_else(|| self.fresh_id(), str::to_owned);
        document.insert("id".into(), id.clone().into());
        self.stored.insert(id.clone(), Arc::new(Stored { rank: self.ranks, document }));
        self.note(&id, json!({ "type": "chat" }));
        self.changed(&id, lag);
        id
    }

    /// Replaces a customer's document; the id stays. False if there is none.
    pub(super) fn put(&mut self, id: &str, mut document: Document, lag: Duration) -> bool {
        let Some(rank) = self.stored.get(id).map(|stored| stored.rank) else { return false };
        document.insert("id".into(), id.into());
        self.stored.insert(id.to_owned(), Arc::new(Stored { rank, document }));
        self.changed(id, lag);
        true
    }

    pub(super) fn remove(&mut self, id: &str, lag: Duration) -> bool {
        let removed = self.stored.remove(id).is_some();
        if removed {
            self.changed(id, lag);
        }
        removed
    }

    /// One customer out of two: what the survivor lacks comes from the absorbed one, who is gone.
    pub(super) fn merge(&mut self, survivor: &str, absorbed: &str, lag: Duration) -> Option<&Document> {
        let mut document = self.get(survivor)?.clone();
        let other = self.get(absorbed)?.clone();
        for (field, value) in other {
            let blank = document.get(&field).is_none_or(|held| held.is_null() || held.as_str() == Some(""));
            if blank {
                document.insert(field, value);
            }
        }
        self.remove(absorbed, lag);
        self.put(survivor, document, lag);
        self.absorbed.insert(absorbed.to_owned(), survivor.to_owned());
        let events = self.events.remove(absorbed).unwrap_or_default();
        self.events.entry(survivor.to_owned()).or_default().extend(events);
        self.note(survivor, json!({ "type": "merge", "absorbed": absorbed }));
        self.get(survivor)
    }

    /// Who an absorbed customer is now, followed to the end.
    pub(super) fn survivor_of(&self, id: &str) -> Option<&str> {
        let mut survivor = self.absorbed.get(id)?;
        while let Some(next) = self.absorbed.get(survivor) {
            survivor = next;
        }
        Some(survivor)
    }

    pub(super) fn events(&self, id: &str) -> &[Value] {
        self.events.get(id).map_or(&[], Vec::as_slice)
    }

    /// Those that the search sees and the query accepts, by id or in order of creation.
    pub(super) fn search(&mut self, query: &Query, by_id: bool) -> Vec<&Document> {
        self.catch_up();
        let accepts = |stored: &&Arc<Stored>| query.accepts(&stored.document);
        let found: Vec<&Arc<Stored>> = match self.candidates(query) {
            Some(ids) => {
                let mut found: Vec<_> = ids.iter().filter_map(|id| self.seen.get(*id)).filter(accepts).collect();
                if !by_id {
                    found.sort_by_key(|stored| stored.rank);
                }
                found
            }
            None if by_id => self.seen.values().filter(accepts).collect(),
            None => self.ranked.values().filter_map(|id| self.seen.get(id)).filter(accepts).collect(),
        };
        found.into_iter().map(|stored| &stored.document).collect()
    }

    /// Everybody the query can accept, where its identifiers tell.
    fn candidates(&self, query: &Query) -> Option<BTreeSet<&str>> {
        match query {
            Query::In(field, values) => {
                let field = INDEXED.into_iter().find(|indexed| *indexed == field.as_str())?;
                let known = values.iter().all(|value| !value.is_null());
                let holders = |value: &Value| self.index.get(&(field, value.to_string()));
                known.then(|| values.iter().filter_map(holders).flatten().map(String::as_str).collect())
            }
            Query::And(queries) => queries.iter().filter_map(|query| self.candidates(query)).min_by_key(BTreeSet::len),
            Query::Or(queries) => {
                let parts: Option<Vec<_>> = queries.iter().map(|query| self.candidates(query)).collect();
                Some(parts?.into_iter().flatten().collect())
            }
            Query::Ne(..) | Query::Order(..) | Query::Matches(..) => None,
        }
    }

    fn changed(&mut self, id: &str, lag: Duration) {
        if lag.is_zero() {
            self.show(id);
        } else {
            self.lagging.push_back((Instant::now() + lag, id.to_owned()));
        }
    }

    fn catch_up(&mut self) {
        let now = Instant::now();
        while let Some((_, id)) = self.lagging.pop_front_if(|(when, _)| *when <= now) {
            self.show(&id);
        }
    }

    /// Lets the search see a customer as it is stored.
    fn show(&mut self, id: &str) {
        if let Some(old) = self.seen.remove(id) {
            self.ranked.remove(&old.rank);
            for key in keys(&old.document) {
                if let Some(holders) = self.index.get_mut(&key) {
                    holders.remove(id);
                }
            }
        }
        if let Some(new) = self.stored.get(id) {
            for key in keys(&new.document) {
                self.index.entry(key).or_default().insert(id.to_owned());
            }
            self.ranked.insert(new.rank, id.to_owned());
            self.seen.insert(id.to_owned(), Arc::clone(new));
        }
    }

    fn note(&mut self, id: &str, event: Value) {
        self.events.entry(id.to_owned()).or_default().push(event);
    }

    /// Opaque, and in no order that says who came first.
    fn fresh_id(&self) -> String {
        let mut id = hex::encode(Sha256::digest(format!("customer {}", self.ranks)));
        id.truncate(24);
        id
    }
}

fn keys(document: &Document) -> impl Iterator<Item = (&'static str, String)> {
    INDEXED.into_iter().filter_map(|field| Some((field, document.get(field)?.to_string())))
}
