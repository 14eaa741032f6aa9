//! What each merge waits for, in the engine's own words: the same question that a run asks before it merges, asked by a person.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Desk, Failure, is_merge, words};
use crate::{
    model::{
        CustomerId, ShopName,
        merge::MergeOutcome,
        proposal::{Authority, KeptProposal, ProposalId, ProposalState},
    },
    plan::merging::authority::{self, Answer, Question},
    store::MergeState,
};

/// What a merge waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waits {
    /// A code.
    pub on: &'static str,
    /// The hold that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<i64>,
    /// Why a person has to decide, codes.
    pub because: Vec<String>,
    /// All of that in words.
    pub words: String,
}

impl Waits {
    fn on(on: &'static str, words: impl Into<String>) -> Self {
        Self { on, hold: None, because: Vec::new(), words: words.into() }
    }

    /// Whether nothing happens until a person says.
    pub fn is_a_persons(&self) -> bool {
        matches!(self.on, "person" | "overlapping" | "sent-in-vain")
    }
}

/// How the merges of the account stand.
pub struct Standing {
    /// Open ones and approved ones.
    pub proposals: Vec<KeptProposal>,
    /// By shop, what its next run decides on.
    pub states: BTreeMap<ShopName, MergeState>,
    waits: BTreeMap<ProposalId, Waits>,
}

impl Standing {
    /// Asks for every shop.
    ///
    /// # Errors
    /// If the store failed.
    pub async fn of_all(desk: &Desk) -> Result<Self, Failure> {
        let mut proposals = desk.proposals(Some(ProposalState::Open)).await?;
        proposals.extend(desk.proposals(Some(ProposalState::Approved)).await?);
        let named = proposals.iter().map(|kept| kept.proposal.contact.shop.clone());
        let shops: BTreeSet<ShopName> = desk.settings.shops.keys().cloned().chain(named).collect();
        let (mut states, mut waits) = (BTreeMap::new(), BTreeMap::new());
        for shop in shops {
            let state = desk.memory.store.merge_state(&shop, desk.now).await?;
            waits.extend(of_shop(desk, &shop, &proposals, &state));
            states.insert(shop, state);
        }
        Ok(Self { proposals, states, waits })
    }

    /// What one of them waits for.
    #[must_use]
    pub fn of(&self, kept: &KeptProposal) -> Waits {
        self.waits.get(&kept.proposal.id).cloned().unwrap_or_else(|| Waits::on("nothing", "nothing"))
    }

    /// The state of the account as any shop sees it: budgets and doubts are the account's.
    #[must_use]
    pub fn of_account(&self) -> Option<&MergeState> {
        self.states.values().next()
    }

    /// How many are approved and wait to be carried out.
    #[must_use]
    pub fn approved(&self) -> usize {
        self.proposals.iter().filter(|kept| kept.state == ProposalState::Approved).count()
    }
}

fn of_shop(desk: &Desk, shop: &ShopName, proposals: &[KeptProposal], state: &MergeState) -> Vec<(ProposalId, Waits)> {
    let in_doubt: BTreeSet<CustomerId> =
        state.open.iter().flat_map(|open| [open.merge.survivor.clone(), open.merge.absorbed.clone()]).collect();
    let answer = authority::authorise(&Question {
        shop,
        proposals,
        tried: &state.tried,
        restored: &state.restored,
        in_doubt: &in_doubt,
        automatic_today: state.automatic_today,
        approved_today: state.approved_today,
        // How many a run sees is known to the run only; what that forbids, it holds.
        customers_seen: u64::MAX,
        looked_at: state.looked_at,
        limits: &desk.settings.safeguards,
        now: desk.now,
    });
    let mine = proposals.iter().filter(|kept| kept.proposal.contact.shop == *shop && is_merge(kept));
    mine.map(|kept| (kept.proposal.id.clone(), waits(desk, kept, &answer, state))).collect()
}

fn waits(desk: &Desk, kept: &KeptProposal, answer: &Answer<'_>, state: &MergeState) -> Waits {
    let id = &kept.proposal.id;
    if let Some(open) = state.open.iter().find(|open| open.merge.proposal == *id) {
        let person = open.merge.outcome.is_some_and(|(outcome, _)| outcome == MergeOutcome::Person);
        return if person {
            let because = vec!["what-became-of-it".to_owned()];
            Waits { because, ..Waits::on("person", format!("a person: {}", words::TELL)) }
        } else {
            Waits::on("in-doubt", format!("a doubt: what became of merge {} is not known yet", open.merge.id))
        };
    }
    let expired = answer.expired.iter().any(|other| other.proposal.id == *id);
    if expired || kept.state == ProposalState::Open && kept.is_expired(desk.now) {
        let last = kept.made_at;
        return Waits::on(
            "expired",
            format!("being found again: it was last found {last}, which is too long ago to act on"),
        );
    }
    if let Some(waits) = answer.waits.get(id) {
        return held_back(desk, kept, *waits);
    }
    if answer.go.iter().any(|(other, _)| other.proposal.id == *id) {
        return Waits::on("next-run", "the next run, which looks at it again");
    }
    match &kept.proposal.authority {
        Authority::Ask(because) => {
            let words = format!("a person: {}", because.join(", "));
            Waits { because: because.clone(), ..Waits::on("person", words) }
        }
        Authority::Automatic => Waits::on("next-run", "the next run of its shop"),
    }
}

fn held_back(desk: &Desk, kept: &KeptProposal, waits: authority::Waits) -> Waits {
    use authority::Waits as Why;
    match waits {
        Why::Held => match kept.held_by {
            Some(hold) => {
                Waits { hold: Some(hold), ..Waits::on("held", format!("hold {hold}: anagrafe holds show {hold}")) }
            }
            None => Waits::on("held", "a look: the next run puts up a hold"),
        },
        Why::InDoubt => {
            Waits::on("in-doubt", "a doubt: what became of another merge of its customers is not known yet")
        }
        Why::Overlaps => {
            let words = "a person: another proposal names one of its customers, and not all of them";
            Waits { because: vec!["overlapping".to_owned()], ..Waits::on("overlapping", words) }
        }
        Why::AnotherFirst => Waits::on("another-first", "another proposal of the same customers, which comes first"),
        Why::InVain => {
            let words = "a person: Vivocha refused it, or it was sent in vain";
            Waits { because: vec!["sent-in-vain".to_owned()], ..Waits::on("sent-in-vain", words) }
        }
        Why::Restored => {
            let words = "a person: a merge of its contact was restored before";
            Waits { because: vec!["restored-before".to_owned()], ..Waits::on("restored-before", words) }
        }
        Why::OverTheDay => {
            let most = desk.settings.safeguards.max_approved_per_day;
            Waits::on(
                "over-the-day",
                format!("its turn: safeguards.max_approved_per_day lets {most} a day go, oldest first"),
            )
        }
    }
}
