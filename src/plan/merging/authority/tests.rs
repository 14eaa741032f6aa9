//! Who may be merged now, and what holds the rest.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end so")]

use proptest::prelude::*;

use super::*;
use crate::model::{ContactKey, proposal::Proposal, rules::Share};

const NOW: i64 = 4_000_000_000_000;

fn limits() -> SafeguardLimits {
    SafeguardLimits {
        max_merges_per_run: 5,
        max_merges_per_day: 8,
        max_merge_share: Share(100),
        max_approved_per_day: 4,
        max_vanished: Share(2000),
        max_updates: Share(5000),
        max_parked_same_cause: Share(500),
    }
}

fn kept(contact: i64, customers: &[&str], authority: Authority, state: ProposalState) -> KeptProposal {
    let mut ids = customers.iter().map(|id| id.parse().unwrap());
    let proposed = Proposed::Merge { survivor: ids.next().unwrap(), absorbed: ids.collect() };
    let contact = ContactKey { shop: "main".parse().unwrap(), id: contact.try_into().unwrap() };
    let id = ProposalId(format!("{contact} {}", customers.join(" ")));
    let at = Moment::from_millis(NOW - 1000);
    KeptProposal {
        proposal: Proposal { id, contact, proposed, authority, evidence: Vec::new() },
        state,
        since: at,
        changed_at: at,
        changed_by: "eva".into(),
        held_by: None,
        made_at: at,
    }
}

fn automatic(contact: i64, customers: &[&str]) -> KeptProposal {
    kept(contact, customers, Authority::Automatic, ProposalState::Open)
}

fn asks(contact: i64, customers: &[&str]) -> KeptProposal {
    kept(contact, customers, Authority::Ask(vec!["names-differ".into()]), ProposalState::Open)
}

fn approved(contact: i64, customers: &[&str], ago: i64) -> KeptProposal {
    let at = Moment::from_millis(NOW - ago);
    KeptProposal { changed_at: at, ..kept(contact, customers, Authority::Automatic, ProposalState::Approved) }
}

/// So many automatic merges of two customers each.
fn many(count: i64) -> Vec<KeptProposal> {
    (1..=count).map(|n| automatic(n, &[&format!("a{n}"), &format!("b{n}")])).collect()
}

struct World {
    proposals: Vec<KeptProposal>,
    tried: BTreeMap<ProposalId, Tried>,
    restored: BTreeSet<ContactKey>,
    in_doubt: BTreeSet<CustomerId>,
    today: (u64, u64),
    seen: u64,
    looked_at: bool,
    limits: SafeguardLimits,
    shop: ShopName,
}

fn world(proposals: Vec<KeptProposal>) -> World {
    World {
        proposals,
        tried: BTreeMap::new(),
        restored: BTreeSet::new(),
        in_doubt: BTreeSet::new(),
        today: (0, 0),
        seen: 100_000,
        looked_at: true,
        limits: limits(),
        shop: "main".parse().unwrap(),
    }
}

impl World {
    fn ask(&self) -> Answer<'_> {
        authorise(&Question {
            shop: &self.shop,
            proposals: &self.proposals,
            tried: &self.tried,
            restored: &self.restored,
            in_doubt: &self.in_doubt,
            automatic_today: self.today.0,
            approved_today: self.today.1,
            customers_seen: self.seen,
            looked_at: self.looked_at,
            limits: &self.limits,
            now: Moment::from_millis(NOW),
        })
    }

    fn go(&self) -> Vec<i64> {
        self.ask().go.iter().map(|(kept, _)| kept.proposal.contact.id.get()).collect()
    }

    fn waits(&self, at: usize) -> Option<Waits> {
        self.ask().waits.get(&self.proposals[at].proposal.id).copied()
    }
}

#[test]
fn e2_over_a_budget_none_of_that_run_is_done() {
    for (count, seen, today, held) in [
        (4, 100_000, 0, false),
        (5, 100_000, 0, false),
        (6, 100_000, 0, true),
        (5, 100_000, 3, false),
        (5, 100_000, 4, true),
        (5, 0, 0, false),
    ] {
        let world = World { seen, today: (today, 99), ..world(many(count)) };
        let answer = world.ask();
        assert_eq!(answer.hold.is_some(), held, "{count} {seen} {today}");
        assert_eq!(i64::try_from(answer.go.len()).unwrap(), if held { 0 } else { count });
    }
    let wide = SafeguardLimits { max_merges_per_run: 500, max_merges_per_day: 500, ..limits() };
    for (seen, count, held) in [(1_000, 10, false), (1_000, 11, true), (2_000, 20, false), (2_000, 21, true)] {
        let world = World { seen, limits: wide.clone(), ..world(many(count)) };
        assert_eq!(world.ask().hold.is_some(), held, "{count} of {seen}");
    }
}

#[test]
fn a_merge_of_several_counts_once_for_each_that_goes() {
    let three = vec![automatic(1, &["a", "b", "c"]), automatic(2, &["d", "e", "f"])];
    assert_eq!(world(three.clone()).go(), [1, 2]);
    let narrow = SafeguardLimits { max_merges_per_run: 3, ..limits() };
    assert!(World { limits: narrow, ..world(three) }.ask().hold.is_some());
}

#[test]
fn the_first_merges_of_a_shop_wait_for_a_look_and_what_a_person_approved_does_not() {
    let world = World { looked_at: false, ..world(vec![automatic(1, &["a", "b"]), approved(2, &["c", "d"], 1)]) };
    assert_eq!(world.go(), [2]);
    let answer = world.ask();
    let (reason, held) = answer.hold.as_ref().unwrap();
    assert!(reason.contains("first merges of shop main") && held.len() == 1);
    assert_eq!(world.waits(0), Some(Waits::Held));
    assert_eq!(World { looked_at: false, ..self::world(vec![asks(1, &["a", "b"])]) }.ask().hold, None);
}

#[test]
fn while_a_hold_stands_whatever_comes_is_held_with_it() {
    let mut proposals = many(2);
    proposals[0].held_by = Some(7);
    let both = world(proposals.clone());
    assert_eq!(both.go(), Vec::<i64>::new());
    assert_eq!(both.ask().hold.unwrap().1.len(), 2);
    let alone = world(vec![proposals.remove(0)]);
    assert_eq!((alone.ask().hold, alone.waits(0)), (None, Some(Waits::Held)), "and the hold stands as it is");
}

#[test]
fn e2_what_is_held_does_not_slip_out_of_its_hold_while_something_else_stands_in_its_way() {
    let mut proposals = many(2);
    proposals[0].held_by = Some(7);
    let mut world = world(proposals);
    world.in_doubt.insert("a1".parse().unwrap());
    assert_eq!(world.go(), Vec::<i64>::new());
    assert_eq!(world.ask().hold.unwrap().1.len(), 2, "the next hold takes both");
}

#[test]
fn approved_ones_drain_oldest_first_and_none_goes_before_an_older_one() {
    let proposals = vec![
        approved(1, &["a", "b"], 10),
        approved(2, &["c", "d", "e", "f"], 30),
        approved(3, &["g", "h"], 20),
        approved(4, &["i", "j"], 5),
    ];
    let all = world(proposals.clone());
    assert_eq!(all.go(), [2, 3]);
    assert_eq!((all.waits(0), all.waits(3)), (Some(Waits::OverTheDay), Some(Waits::OverTheDay)));
    let less = World { today: (99, 2), ..world(proposals) };
    assert_eq!(less.go(), Vec::<i64>::new(), "the oldest needs three, and the others wait behind it");
}

#[test]
fn an_old_approval_is_none_unless_a_part_of_it_is_done() {
    let month = 30 * 24 * 3_600_000;
    let mut world = world(vec![approved(1, &["a", "b", "c"], month + 1), approved(2, &["d", "e"], month - 1)]);
    assert_eq!(world.go(), [2]);
    assert_eq!(world.ask().expired.len(), 1);
    let gone = vec!["b".parse().unwrap()];
    world.tried.insert(world.proposals[0].proposal.id.clone(), Tried { gone, ..Tried::default() });
    assert_eq!(world.go(), [1, 2]);
}

#[test]
fn c3_nobody_in_doubt_is_named_by_a_merge() {
    let mut world = world(vec![automatic(1, &["a", "b"]), approved(2, &["c", "d"], 1), automatic(3, &["e", "f"])]);
    world.in_doubt = ["b", "c"].map(|id| id.parse().unwrap()).into();
    assert_eq!(world.go(), [3]);
    assert_eq!((world.waits(0), world.waits(1)), (Some(Waits::InDoubt), Some(Waits::InDoubt)));
}

#[test]
fn b7_clusters_that_overlap_are_a_persons_whoever_proposed_them() {
    let world = world(vec![automatic(1, &["a", "b"]), asks(2, &["b", "c"]), automatic(3, &["d", "e"])]);
    assert_eq!((world.go(), world.waits(0)), (vec![3], Some(Waits::Overlaps)));
    let same = self::world(vec![automatic(1, &["a", "b"]), automatic(2, &["b", "a"])]);
    assert_eq!((same.go(), same.waits(1)), (vec![1], Some(Waits::AnotherFirst)), "the same ones, by two contacts");
    let approved =
        self::world(vec![automatic(1, &["a", "b"]), approved(2, &["a", "b"], 1), approved(3, &["b", "x"], 2)]);
    assert_eq!(approved.go(), [3], "one at a time per customer, the older word first");
}

#[test]
fn what_was_refused_or_sent_in_vain_twice_is_not_sent_by_rule_again() {
    let mut world = world(many(3));
    let tried = |refused, not_applied| Tried { refused, not_applied, ..Tried::default() };
    for (at, tried) in [tried(1, 0), tried(0, 1), tried(0, 2)].into_iter().enumerate() {
        world.tried.insert(world.proposals[at].proposal.id.clone(), tried);
    }
    assert_eq!((world.go(), world.waits(0)), (vec![2], Some(Waits::InVain)));
}

#[test]
fn whose_merge_was_restored_is_merged_by_a_person_only() {
    let mut world = world(vec![automatic(1, &["a", "b"]), automatic(2, &["c", "d"]), approved(1, &["e", "f"], 1)]);
    world.restored.insert(world.proposals[0].proposal.contact.clone());
    assert_eq!((world.go(), world.waits(0)), (vec![1, 2], Some(Waits::Restored)));
}

#[test]
fn other_shops_and_other_states_are_not_this_ones() {
    let mut proposals = many(3);
    proposals[0].proposal.contact.shop = "second".parse().unwrap();
    proposals[1].state = ProposalState::Withdrawn;
    assert_eq!(world(proposals).go(), [3]);
}

proptest! {
    /// What a merging asks the store for: merges of the shop that may go, and whatever names a customer of theirs.
    #[test]
    fn what_names_no_customer_of_those_that_may_go_changes_nothing(
        drawn in prop::collection::vec((1_i64..6, prop::collection::btree_set(0_u8..9, 2..4), 0_u8..3, any::<bool>()), 0..9),
    ) {
        let mut all = BTreeMap::new();
        for (contact, customers, kind, here) in drawn {
            let names: Vec<String> = customers.iter().map(|n| format!("c{n}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut made = match kind {
                0 => automatic(contact, &names),
                1 => asks(contact, &names),
                _ => approved(contact, &names, contact),
            };
            if !here {
                made.proposal.contact.shop = "other".parse().unwrap();
                made.proposal.id.0.push('*');
            }
            all.insert(made.proposal.id.clone(), made);
        }
        let all = world(all.into_values().collect());
        let may_go = |kept: &&KeptProposal| {
            let authorised = kept.state == ProposalState::Approved || kept.proposal.authority == Authority::Automatic;
            kept.proposal.contact.shop == all.shop && authorised
        };
        let named: BTreeSet<_> = all.proposals.iter().filter(may_go).flat_map(members).collect();
        let concerned = |kept: &&KeptProposal| members(kept).iter().any(|customer| named.contains(customer));
        let few = world(all.proposals.iter().filter(concerned).cloned().collect());
        prop_assert_eq!(few.ask(), all.ask());
    }
}
