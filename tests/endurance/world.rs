//! All that a town has come to: what its store holds of people, row by row and without the times, and its customers. Two towns to which
//! the same happened are compared by it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::support::Town;

/// When it is due is a time.
const DUE: &str = "CASE WHEN retry_at IS NULL THEN NULL ELSE 'due' END";

/// The words of a row, as one text on either store.
const ROWS: [(&str, &[&str], &str); 3] = [
    (
        "contacts",
        &["shop", "id", "email", "phone", "name", "state", "reason", "content", "rules", "attempts", "missing", DUE],
        "",
    ),
    (
        "links",
        &[
            "shop",
            "id",
            "customer",
            "role",
            "grounds",
            "made_by",
            "baselines",
            "known_email",
            "known_phone",
            "known_name",
        ],
        "ended_at IS NULL",
    ),
    ("proposals", &["proposal", "shop", "id", "kind", "customer", "absorbed", "because", "evidence", "state"], ""),
];

pub type Customers = BTreeMap<String, Map<String, Value>>;

#[derive(Debug, Clone, PartialEq)]
pub struct World {
    pub rows: BTreeSet<String>,
    pub customers: Customers,
}

/// Whom several contacts were linked to, and who they are.
#[derive(Default)]
struct Shared {
    customers: BTreeSet<String>,
    contacts: BTreeSet<String>,
}

impl World {
    pub async fn of(town: &Town) -> Self {
        let mut rows = BTreeSet::new();
        for (table, columns, of) in ROWS {
            let words: Vec<String> =
                columns.iter().map(|column| format!("COALESCE(CAST({column} AS TEXT), '-')")).collect();
            let of = if of.is_empty() { "1 = 1" } else { of };
            let sql = format!("SELECT '{table}' || ' ' || {} FROM {table} WHERE {of}", words.join(" || ' ' || "));
            rows.extend(town.texts(&sql).await);
        }
        Self { rows, customers: customers(town) }
    }

    /// Without what hangs on who owns a customer: that it is linked, and to whom, remains.
    fn but_owners(mut self, shared: &Shared) -> Self {
        let cut = |row: String| {
            let words: Vec<&str> = row.split(' ').collect();
            match words[..] {
                ["links", _, _, customer, ..] if shared.customers.contains(customer) => words[..4].join(" "),
                ["contacts", _, id, ..] if shared.contacts.contains(id) => words[..7].join(" "),
                _ => row,
            }
        };
        self.rows = self.rows.into_iter().map(cut).collect();
        self.customers.retain(|customer, _| !shared.customers.contains(customer));
        self
    }

    /// Compares two towns, but where several contacts are or were one customer's: who of them owns it is decided when the first is linked,
    /// and a fault that parks one decides who that is.
    pub async fn are_whoever_owns(is: &Town, wanted: &Town, when: &str) {
        let mut shared = Shared::default();
        for town in [is, wanted] {
            let of = "SELECT customer FROM links GROUP BY customer HAVING COUNT(DISTINCT id) > 1";
            let contacts = format!("SELECT DISTINCT CAST(id AS TEXT) FROM links WHERE customer IN ({of})");
            shared.customers.extend(town.texts(of).await);
            shared.contacts.extend(town.texts(&contacts).await);
        }
        let (is, wanted) = (Self::of(is).await, Self::of(wanted).await);
        assert!(shared.customers.len() * 4 < wanted.customers.len(), "{when}: most are compared whole");
        is.but_owners(&shared).is(&wanted.but_owners(&shared), when);
    }

    /// What is not as in the other one.
    pub fn differences(&self, wanted: &Self) -> Vec<String> {
        let lacks = wanted.rows.difference(&self.rows).map(|row| format!("lacks  {row}"));
        let has = self.rows.difference(&wanted.rows).map(|row| format!("has    {row}"));
        let mut differ: Vec<String> = lacks.chain(has).collect();
        differ.sort_by(|one, other| one[7..].cmp(&other[7..]));
        let held = wanted.customers.iter().filter(|(id, held)| self.customers.get(*id) != Some(held));
        differ.extend(held.map(|(id, held)| format!("customer {id}: {:?}, wanted {held:?}", self.customers.get(id))));
        if self.customers.len() != wanted.customers.len() {
            differ.push(format!("{} customers, wanted {}", self.customers.len(), wanted.customers.len()));
        }
        differ
    }

    /// Fails where something is not as in the other one.
    pub fn is(&self, wanted: &Self, when: &str) {
        nothing(&self.differences(wanted), when);
    }
}

/// Fails where there is something, and says some of it.
pub fn nothing(wrong: &[String], when: &str) {
    assert!(wrong.is_empty(), "{when}: {} differ, such as\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
}

/// The customers, by id.
pub fn customers(town: &Town) -> Customers {
    let customers = town.sandbox.vivocha.customers().into_iter();
    customers.map(|customer| (customer["id"].as_str().unwrap().to_owned(), customer)).collect()
}

/// What was written to customers since the journal was cleared: to whom, and what. One that comes twice was written twice.
pub fn writes(town: &Town) -> Vec<(String, String)> {
    let journal = town.sandbox.journal().into_iter().filter(|entry| entry.system == "vivocha");
    let wrote = journal.filter_map(|entry| Some((entry.wrote?, entry.sent.unwrap_or_default().to_string())));
    let mut writes: Vec<_> = wrote.collect();
    writes.sort();
    writes
}
