//! What happens between two passes: the shop's staff edits, deletes and reuses records, transactions end late, people come to
//! chat, agents merge and edit. Answers the truth afterwards, as the population's own does: written down where each change is
//! made, from what was made, and never found by matching.
//!
//! Only people are chosen on whom nobody else's truth depends (or, for somebody registered twice, the one other), each once.
//! The truth assumes that a first crossing under the default rules came before, and speaks of a resync afterwards.

mod account;
mod hand;
mod shop;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{open2b::Shop, population::Truth, vivocha::Account};
use hand::Hand;

/// How much happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Amounts {
    /// Contacts edited.
    pub edits: usize,
    /// Contacts deleted.
    pub deletions: usize,
    /// Contacts that become visible under ids below the highest.
    pub late_ids: usize,
    /// Customers who come to chat and are known in the shop.
    pub chats: usize,
    /// Merges made by agents.
    pub merges: usize,
    /// Customers edited by agents.
    pub agent_edits: usize,
}

/// What happened to a contact, or to its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Another telephone number; the customer held the old one from us.
    NewPhoneOverOurs,
    /// Another telephone number; the customer held the old one of herself, and keeps it.
    NewPhoneOverTheirs,
    /// Another e-mail; the customer held the old one from us.
    NewEmailOverOurs,
    /// Another e-mail; the customer held the old one of herself, and keeps it.
    NewEmailOverTheirs,
    /// Another name; the customer held the old one from us.
    NewNameOverOurs,
    /// Another name; the customer held the old one of herself, and keeps it.
    NewNameOverTheirs,
    /// The same in another spelling.
    Respelled,
    /// A record by which nobody could be found was corrected, and now says who it is.
    Corrected,
    /// Both identifiers were taken away from somebody who never chatted.
    Emptied,
    /// One identifier was taken away from somebody who is linked.
    EmailTakenAway,
    /// The record is somebody else's now, who never chatted.
    Reused,
    /// The record is somebody else's now, who has a customer of her own.
    ReusedForAnotherCustomer,
    /// Deleted.
    Deleted,
    /// Another contact of the person was deleted, who may have owned the customer.
    Heir,
    /// Visible only now: nobody's customer.
    Late,
    /// Visible only now, and a customer long since.
    LateAndKnown,
    /// Chatted under the contact's e-mail, giving the name.
    ChatByEmail,
    /// Chatted under the contact's e-mail, without a name.
    NamelessChatByEmail,
    /// Chatted under the contact's telephone number, giving the name.
    ChatByPhone,
    /// Chatted under the contact's telephone number, without a name.
    NamelessChatByPhone,
    /// Chatted a second time: a customer besides the one it is linked to.
    SecondChat,
    /// An agent merged two customers of one person, and the linked one stayed.
    MergedIntoLinked,
    /// An agent merged two customers of one person, and the linked one went.
    LinkedAbsorbed,
    /// An agent changed a field that we had written.
    AgentOverOurs,
    /// An agent changed a field that we had written, and the shop then changed its source.
    AgentOverOursThenShop,
    /// An agent emptied a field that we had written.
    AgentCleared,
    /// An agent changed a field that we had not written.
    AgentOverTheirs,
    /// An agent changed a field that we had not written, and the shop then changed its source.
    AgentOverTheirsThenShop,
    /// An agent wrote where no contact writes: tags, data, a nickname.
    AgentElsewhere,
}

/// A value that an agent gave a customer and that must stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stands {
    /// The contact that is linked to the customer.
    pub contact: i64,
    /// The customer.
    pub customer: String,
    /// The field.
    pub field: String,
    /// What must stand there; `null` where the agent emptied it.
    pub value: Value,
}

/// What happened, and what is true now.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Drift {
    /// The truth about everybody, after a resync: states, links, owners, asks, merges. `writes` are what the resync is to write
    /// and nothing else: of whom nothing happened they are empty.
    pub truth: Truth,
    /// What happened, by contact. An absent contact is as it was.
    pub changed: BTreeMap<i64, Change>,
    /// The agents' values that must stand.
    pub stands: Vec<Stands>,
    /// Customers that agents merged away, and into whom.
    pub absorbed: BTreeMap<String, String>,
}

impl Drift {
    /// How many of the changes are of these kinds.
    #[must_use]
    pub fn count(&self, of: impl Fn(Change) -> bool) -> usize {
        self.changed.values().filter(|change| of(**change)).count()
    }
}

/// Lets so much happen to a shop and its account, whose truth this was. The same seed on the same people does the same. Where there
/// are too few people of the kinds that a change needs, less happens: [`Drift::changed`] says what did.
pub fn apply(shop: &Shop, account: &Account, truth: &Truth, seed: u64, amounts: &Amounts) -> Drift {
    let mut hand = Hand::new(shop, account, truth, seed);
    let Amounts { edits, deletions, late_ids, chats, merges, agent_edits } = *amounts;
    let mut each = |count: usize, ways: &[fn(&mut Hand<'_>) -> bool]| {
        let (mut done, mut failed) = (0, 0);
        // A way whose people have run out is passed over; when all have, that is all.
        for way in ways.iter().cycle() {
            if done == count || failed == ways.len() {
                break;
            }
            if way(&mut hand) {
                (done, failed) = (done + 1, 0);
            } else {
                failed += 1;
            }
        }
    };
    each(edits, shop::EDITS);
    each(deletions, shop::DELETIONS);
    each(late_ids, shop::LATE);
    each(chats, account::CHATS);
    each(merges, account::MERGES);
    each(agent_edits, account::EDITS);
    hand.drift
}
