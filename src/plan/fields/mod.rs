//! Which fields of a customer are written, and with what. Evaluated twice by the same function: when the page is planned,
//! on the customer as found, and just before the update, on the customer as read again.

mod plain;
mod rule;
mod value;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

pub use plain::{Plain, hashes};
pub use rule::{Source, Target, Verdict, verdict};
pub use value::{Said, adopted, carried, said, still_ours};

use crate::model::{
    Contact, Customer, CustomerId, HashKey, Keyed, Naming, ShopName,
    link::{Baseline, Baselines, Field},
    rules::{FieldRule, FieldRules},
};

use super::normalise::{Identity, Region};

/// What the planner knows beyond contact and customer: why an identifier must not be written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Guard {
    /// The e-mail is shared.
    pub email_shared: bool,
    /// The number is shared.
    pub phone_shared: bool,
    /// Other customers that hold the e-mail.
    pub email_held_by: Vec<CustomerId>,
    /// Other customers that hold the number.
    pub phone_held_by: Vec<CustomerId>,
}

impl Guard {
    fn block(&self, field: Field) -> Option<Verdict> {
        let (shared, held) = match field {
            Field::Email => (self.email_shared, !self.email_held_by.is_empty()),
            Field::Phone => (self.phone_shared, !self.phone_held_by.is_empty()),
            Field::Name | Field::Note | Field::Ids => (false, false),
        };
        if shared {
            Some(Verdict::Shared)
        } else if held {
            Some(Verdict::HeldByAnother)
        } else {
            None
        }
    }
}

/// What a contact wants its customer to hold, whoever reads it: everything [`patch`] needs besides the customer.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The shop, which keys `ids`.
    pub shop: &'a ShopName,
    /// As the shop wrote it.
    pub contact: &'a Contact,
    /// Normalised.
    pub identity: &'a Identity,
    /// What was last settled.
    pub baselines: &'a Baselines,
    /// What must not be written.
    pub guard: &'a Guard,
}

/// How fields are read and compared.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// `[fields]`.
    pub rules: &'a FieldRules,
    /// `[vivocha.fields]`.
    pub naming: &'a Naming,
    /// The shop's country.
    pub region: Region,
    /// The key of the hashes.
    pub key: &'a HashKey,
}

impl Reading<'_> {
    /// The rule of a field.
    #[must_use]
    pub const fn rule(&self, field: Field) -> &FieldRule {
        match field {
            Field::Name => &self.rules.name,
            Field::Email => &self.rules.email,
            Field::Phone => &self.rules.phone,
            Field::Note => &self.rules.note,
            Field::Ids => &self.rules.ids,
        }
    }
}

/// What is done with one field.
#[derive(Clone, PartialEq)]
pub struct FieldPlan {
    /// What, and why.
    pub verdict: Verdict,
    /// The hash of the contact's value.
    pub source: Keyed,
    /// The hash of what stands there.
    pub before: Keyed,
    /// The hash of what will stand there, if anything is sent.
    pub sent: Keyed,
    /// What is sent, by the customer's field. Personal.
    body: Map<String, Value>,
}

impl std::fmt::Debug for FieldPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldPlan").field("verdict", &self.verdict).finish_non_exhaustive()
    }
}

/// What is done with the fields of a customer.
#[derive(Clone, Default, PartialEq)]
pub struct Patch {
    fields: BTreeMap<Field, FieldPlan>,
    /// Whose entry of `ids` it is about.
    shop: Option<ShopName>,
}

impl std::fmt::Debug for Patch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.fields.iter().map(|(field, plan)| (field, plan.verdict))).finish()
    }
}

impl Patch {
    /// Field by field.
    #[must_use]
    pub const fn fields(&self) -> &BTreeMap<Field, FieldPlan> {
        &self.fields
    }

    /// The fields that are sent.
    pub fn sent(&self) -> impl Iterator<Item = (Field, &FieldPlan)> {
        self.fields.iter().filter(|(_, plan)| plan.verdict.sends()).map(|(field, plan)| (*field, plan))
    }

    /// Whether nothing is sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent().next().is_none()
    }

    /// The same patch, sending none but these fields.
    #[must_use]
    pub fn only(mut self, fields: &[Field]) -> Self {
        self.fields.retain(|field, plan| !plan.verdict.sends() || fields.contains(field));
        self
    }

    /// The document to send. Personal.
    #[must_use]
    pub fn body(&self) -> Map<String, Value> {
        self.sent().flat_map(|(_, plan)| plan.body.clone()).collect()
    }

    /// The baselines once this patch is done, `after` being the customer as it came back (or as it was read, where
    /// nothing was sent).
    #[must_use]
    pub fn settled(&self, old: &Baselines, after: &Customer, reading: &Reading<'_>) -> Baselines {
        let mut settled = old.clone();
        let Some(shop) = &self.shop else { return settled };
        for (field, plan) in &self.fields {
            let returned = old.get(field).and_then(|baseline| baseline.returned);
            let baseline = match plan.verdict {
                Verdict::Write | Verdict::Clear => {
                    let came_back = value::standing(*field, after, reading.rule(*field), reading.naming, shop);
                    Baseline { source: plan.source, returned: Some(value::hash(*field, &came_back, reading.key)) }
                }
                // Somebody else wrote what the contact says only now: that is hers and no longer ours.
                Verdict::Equal if is_news(old.get(field), plan) => Baseline { source: plan.source, returned: None },
                Verdict::Equal | Verdict::Kept => Baseline { source: plan.source, returned },
                // A source that went blank is remembered as such where it had been settled before: its return is a change.
                Verdict::NoSource if old.contains_key(field) => Baseline { source: plan.source, returned },
                // A blocked field is not settled: it is written once nothing blocks it.
                Verdict::NoSource
                | Verdict::SourceUnchanged
                | Verdict::Never
                | Verdict::Shared
                | Verdict::HeldByAnother => {
                    continue;
                }
            };
            settled.insert(*field, baseline);
        }
        settled
    }
}

/// Whether the contact's value is another than when the field was last settled, and what stands is not what came back then.
fn is_news(old: Option<&Baseline>, plan: &FieldPlan) -> bool {
    old.is_some_and(|old| old.source != plan.source && old.returned != Some(plan.before))
}

/// What is to be done with every field of a customer.
#[must_use]
pub fn patch(wish: &Wish<'_>, customer: &Customer, reading: &Reading<'_>) -> Patch {
    let fields = Field::ALL.into_iter().map(|field| (field, field_plan(field, wish, customer, reading))).collect();
    Patch { fields, shop: Some(wish.shop.clone()) }
}

fn field_plan(field: Field, wish: &Wish<'_>, customer: &Customer, reading: &Reading<'_>) -> FieldPlan {
    let rule = reading.rule(field);
    let said = said(field, wish.shop, wish.contact, wish.identity);
    let standing = value::standing(field, customer, rule, reading.naming, wish.shop);
    let before = value::hash(field, &standing, reading.key);
    let source_hash = value::source_hash(field, &said, reading.key);
    let baseline = wish.baselines.get(&field);
    let settled_so = baseline.map(|baseline| baseline.source == source_hash);
    let source = match (&said, settled_so) {
        (Said::Nothing, Some(false)) => Source::Blanked,
        (Said::Nothing, Some(true) | None) | (Said::Unusable, _) => Source::Absent,
        (Said::Text(_) | Said::Name(_) | Said::Id(..), Some(true)) => Source::Unchanged,
        (Said::Text(_) | Said::Name(_) | Said::Id(..), Some(false) | None) => Source::Changed,
    };
    let ours = baseline.and_then(|baseline| baseline.returned) == Some(before);
    let target = if value::is_blank(&standing) {
        Target::Blank
    } else if value::equal(field, &said, &standing, reading) {
        Target::Equal
    } else if ours {
        Target::Ours
    } else {
        Target::Foreign
    };
    let verdict = verdict(rule.rule, rule.clear, source, target, wish.guard.block(field));
    let body = match verdict {
        Verdict::Write => value::body(&said, customer, &standing, ours, rule, reading.naming),
        Verdict::Clear => value::clearing(field, &standing, rule, reading.naming),
        Verdict::Equal
        | Verdict::SourceUnchanged
        | Verdict::Kept
        | Verdict::NoSource
        | Verdict::Never
        | Verdict::Shared
        | Verdict::HeldByAnother => Map::new(),
    };
    // What would change nothing is not sent: it stands there, whoever wrote it.
    let stands = verdict == Verdict::Write && body.iter().all(|(key, value)| customer.document.get(key) == Some(value));
    let (verdict, body) = if stands { (Verdict::Kept, Map::new()) } else { (verdict, body) };
    let sent = value::hash_after(field, &standing, &body, wish.shop, reading);
    FieldPlan { verdict, source: source_hash, before, sent, body }
}

#[cfg(test)]
mod tests;
