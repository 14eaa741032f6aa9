//! Explaining one person from what both systems say now: the same gathering and the same planner as a pass, for one contact,
//! applying nothing and recording nothing, but that an erased address was met which a former key alone had told.

use std::collections::BTreeMap;

use super::{
    Bridge, PassError,
    gather::{self, Member},
    recognise::recognise,
};
use crate::{
    model::{ContactId, Customer, CustomerId, Text, state::ContactState},
    open2b::Record,
    plan::{
        evidence::Hashes,
        normalise,
        page::{self, ContactPlan},
    },
    store::{PageQuery, Whose},
};

/// What both systems say now. Masked unless it was to be revealed.
#[derive(Debug, Default)]
pub struct Live {
    /// The contact, field and value.
    pub contact: Vec<(String, String)>,
    /// The customers that were looked at, field and value.
    pub customers: Vec<(CustomerId, Vec<(String, String)>)>,
    /// What a run would do for the contact; nothing is planned for one who was erased.
    pub plan: Option<ContactPlan>,
    /// Whether she was erased, by her id or an address: a run looks for no customer of hers.
    pub erased: bool,
}

impl Live {
    /// Whether neither system knows anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contact.is_empty() && self.customers.is_empty()
    }
}

/// Explains a contact, or shows a customer.
///
/// # Errors
/// If a call or the store fails.
pub async fn explain(bridge: &Bridge, whose: &Whose, reveal: bool) -> Result<Live, PassError> {
    match whose {
        Whose::Contact(key) => contact(bridge, key.id, reveal).await,
        Whose::Customer(id) => {
            let found = bridge.reader.get(id).await?;
            let customers = found.iter().map(|customer| (customer.id.clone(), says(bridge, customer, reveal)));
            Ok(Live { customers: customers.collect(), ..Live::default() })
        }
    }
}

async fn contact(bridge: &Bridge, id: ContactId, reveal: bool) -> Result<Live, PassError> {
    let Some(Record::Whole(contact)) = bridge.shop.get(id).await? else { return Ok(Live::default()) };
    let identity = normalise::identity(&contact.name, &contact.email, &contact.phone, bridge.rules.region);
    let hashes = Hashes::of(&identity, &bridge.key);
    let mut live = Live::default();
    let masked = |text: &str| if reveal { text.to_owned() } else { mask(text) };
    for (field, text) in [("name", &contact.name), ("email", &contact.email), ("phone", &contact.phone)] {
        live.contact.push((field.into(), masked(text)));
    }
    recognise(bridge, std::iter::once(&identity)).await?;
    let identifiers = [hashes.email, hashes.phone].into_iter().flatten().collect();
    let asked = PageQuery { shop: bridge.shop_name().clone(), ids: vec![id], identifiers, covers: None };
    let known = bridge.store.known(&asked).await?;
    let judged = known.contacts.get(&id).and_then(|prior| prior.judged.as_ref());
    // Only her own identifiers were asked about.
    if !known.erased.is_empty() || judged.is_some_and(|judged| judged.state == ContactState::Excluded) {
        live.erased = true;
        return Ok(live);
    }
    let page = BTreeMap::from([(id, hashes.clone())]);
    let member = Member { contact, identity, hashes, prior: known.contacts.get(&id).cloned() };
    let gathered = gather::gather(bridge, vec![member], &page, &known).await?;
    if let Some((_, error)) = gathered.failed.into_iter().next() {
        return Err(error.into());
    }
    for candidate in gathered.evidence.customers.values() {
        live.customers.push((candidate.customer.id.clone(), says(bridge, &candidate.customer, reveal)));
    }
    let plan = page::plan(&gathered.evidence, &bridge.rules.matching, &bridge.reading());
    live.plan = plan.contacts.into_iter().next();
    Ok(live)
}

/// What a customer says, field and value; masked unless it was to be revealed.
#[must_use]
pub fn says(bridge: &Bridge, customer: &Customer, reveal: bool) -> Vec<(String, String)> {
    let naming = &bridge.rules.naming;
    [&naming.first_name, &naming.last_name, &naming.nickname, &naming.email, &naming.telnum]
        .into_iter()
        .map(|field| {
            let value = match customer.text(field) {
                Text::Blank => "-".to_owned(),
                Text::Opaque => "(not a text)".to_owned(),
                Text::Is(text) if reveal => text.to_owned(),
                Text::Is(text) => mask(text),
            };
            (field.clone(), value)
        })
        .collect()
}

/// Enough to recognise what one knows, too little to learn it: the first letter of each word and the last two characters of a
/// number.
fn mask(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return "-".into();
    }
    if let Some((name, domain)) = text.split_once('@') {
        let ending = domain.rsplit('.').next().unwrap_or("");
        return format!("{}…@….{ending}", name.chars().next().unwrap_or('…'));
    }
    if text.chars().filter(char::is_ascii_digit).count() >= 5 {
        let tail: String = text.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
        return format!("…{tail}");
    }
    text.split_whitespace()
        .filter_map(|word| word.chars().next())
        .map(|c| format!("{c}…"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_mask_shows_too_little_to_learn_anything() {
        assert_eq!(mask("Anna.Bianchi@example.it"), "A…@….it");
        assert_eq!(mask("+39 333 1234567"), "…67");
        assert_eq!(mask("Anna Maria Bianchi"), "A… M… B…");
        assert_eq!(mask("  "), "-");
    }
}
