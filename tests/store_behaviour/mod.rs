//! How a store behaves, whichever it is: one suite, run by each adapter's own test file through `store_behaviours!`.
//! Not here: what is particular to an adapter (files, disks, migrations).

pub mod alerted;
pub mod assigned;
pub mod by_hand;
pub mod decided;
pub mod doubled;
pub mod erased;
pub mod fenced;
pub mod indexed;
pub mod inherited;
pub mod known;
pub mod leased;
pub mod linked;
pub mod merged;
pub mod proposed;
pub mod recorded;
pub mod rekeyed;
pub mod resynced;
pub mod told;
pub mod withheld;
pub mod witnessed;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anagrafe::{
    model::{
        ContactId, ContactKey, CustomerId, HashKey, Hashes, Keyed, ShopName,
        hold::{HoldKind, NewHold},
        link::{Baseline, Field, Grounds, Role},
        proposal::{Authority, Proposal, ProposalId, Proposed},
        run::{Pass, RunId},
        state::ContactState,
        time::Moment,
    },
    store::{
        Acquired, Claim, ContactRecord, Declaration, DeclaredField, Due, DueQuery, Fingerprint, Held, Holder,
        IndexEntry, Lease, LinkChange, LinkRecord, NewRun, PageQuery, PageRecord, Prior, Store, StoreError, Succession,
        SurveyStep,
    },
};

/// Where a store lies. Each opening is what another process would see.
#[async_trait::async_trait]
pub trait Place: Send + Sync {
    /// Opens the store once more.
    async fn open(&self) -> Arc<dyn Store>;
    /// The same under a key; one that stands is not made anew.
    async fn open_under(&self, key: &HashKey) -> Result<Arc<dyn Store>, StoreError>;
}

/// Makes a test of every behaviour, in the place that an expression gives.
#[macro_export]
macro_rules! store_behaviours {
    ($place:expr) => {
        $crate::store_behaviours! { $place;
            leased: a_free_lease_is_taken, an_epoch_only_grows, a_held_lease_is_busy_whatever_the_clock,
                a_dead_holder_on_this_host_is_succeeded_at_once, nobody_can_see_the_dead_of_another_host,
                a_word_about_an_earlier_holder_counts_for_nothing, of_many_claims_at_once_one_wins,
                a_renewed_lease_lasts_longer, a_lease_seen_as_it_stands_is_succeeded_and_one_renewed_since_is_not, a_released_lease_is_free, a_lost_lease_cannot_release_the_new_one;
            fenced: a_stale_lease_changes_nothing, a_released_lease_changes_nothing;
            indexed: a_survey_fills_the_index, a_survey_keeps_what_was_judged, a_survey_never_goes_back,
                a_survey_does_not_bring_back_an_excluded_contact, a_shop_never_seen_has_the_zero_of_everything,
                known_contacts_are_counted_without_the_gone_and_the_excluded, the_tail_begins_where_so_many_contacts_follow,
                due_contacts_come_in_the_order_of_ids,
                who_was_named_or_decided_about_is_due_at_once_and_who_waits_for_another_try_is_not,
                who_is_named_while_she_is_handled_is_due_still, shops_do_not_mix;
            known: ids_never_seen_are_missing, a_prior_says_all_that_was_recorded, holders_are_those_of_all_shops,
                the_gone_and_the_excluded_hold_nothing, holders_are_limited_per_identifier,
                found_customers_come_with_their_links, writes_without_an_outcome_are_unsettled,
                writes_for_somebody_of_whom_nothing_is_recorded_are_unsettled_too, a_page_of_a_thousand;
            recorded: a2_checkpoint_and_outcomes_commit_together, the_checkpoint_never_falls,
                due_work_leaves_the_checkpoint, the_end_completes_the_crossing, one_observation_a_minute,
                old_observations_are_forgotten_but_never_the_last_of_two_days, a_deep_reading_is_remembered,
                a_new_judgement_replaces_the_old, a_certain_outcome_stays,
                a_word_that_comes_while_a_page_is_handled_makes_its_contact_due;
            linked: a_link_is_set_kept_and_dropped, since_is_kept_with_the_customer, one_owner_per_customer,
                owners_may_change_places_within_a_page, counted_customers_are_distinct;
            proposed: a_proposal_opens_once, what_is_no_longer_proposed_is_withdrawn,
                a_parked_contact_keeps_its_proposals, a_withdrawn_proposal_returns_with_its_age,
                what_a_person_decided_stays, an_approved_link_is_done_once_it_stands, a_merge_reads_back_as_it_was_made,
                proposals_are_listed_by_state,
                merging_is_decided_on_what_may_go_and_on_what_names_its_customers;
            decided: an_approved_link_is_the_same_person, a_rejected_link_is_another_person,
                an_approved_merge_waits_for_a_pass, a_rejected_merge_parts_the_contact_from_the_absorbed,
                only_an_open_proposal_is_decided, a_pause_stops_declarations, a_hold_stands_until_released,
                a_released_hold_may_come_again;
            assigned: a_detached_contact_is_another_person, only_a_link_that_stands_is_detached,
                an_assigned_contact_is_that_person_and_no_other, a_last_word_outranks_the_one_before,
                only_a_contact_that_was_read_is_assigned;
            doubled: a_contact_twice_in_a_page_is_judged_as_it_was_last,
                a_contact_twice_in_a_survey_is_indexed_as_it_was_last, a_contact_twice_held_is_held_as_it_was_last,
                a_write_settled_twice_is_settled_as_it_was_last;
            erased: nothing_is_left_of_who_was_erased, whoever_a_page_excludes_while_her_erasure_is_lifted_is_let_in_again, whoever_has_an_erased_identifier_is_erased,
                nothing_is_declared_for_who_was_erased, a_pass_under_way_brings_nobody_back, who_was_erased_before_she_was_read_is_excluded_all_the_same,
                a_lifted_erasure_lets_its_contacts_in_anew, of_two_erasures_of_one_person_each_stands_for_itself,
                an_erased_person_is_nobodys_candidate;
            inherited: a_link_to_another_customer_leaves_a_former_one, a_former_link_comes_back_as_it_was,
                who_stands_beside_an_owner_that_leaves_is_due,
                a_page_gives_contacts_of_any_shop_a_reason_to_be_looked_at;
            resynced: a_resync_is_remembered_until_its_end,
                known_contacts_that_a_page_does_not_show_are_missing_from_it,
                who_was_missing_is_looked_for_until_found_or_judged, who_is_gone_leaves_her_place,
                the_end_of_a_resync_forgets_what_ended_long_ago,
                who_was_judged_by_other_rules_is_counted_until_all_was_read_by_them,
                only_a_resync_says_by_which_rules_all_was_read, all_that_were_judged_are_counted_by_the_rules_they_were_judged_by;
            withheld: who_is_parked_is_held_and_released_as_before, what_is_held_of_a_contact_is_known, a_contact_that_is_judged_is_held_no_more,
                a_release_makes_whom_it_held_due, who_is_held_again_is_due_no_more_but_who_was_made_due_meanwhile_is,
                a_release_lets_go_what_was_held_then_and_nothing_that_is_held_after_it,
                a_hold_falls_only_where_it_holds_nobody, a_hold_counts_whom_it_holds;
            witnessed: a_store_that_is_as_far_as_its_witness_did_not_go_back, renewals_tell_how_far_a_store_came_too,
                a_store_behind_its_witness_is_in_doubt_and_goes_on_past_it,
                an_empty_store_with_a_witness_is_one_that_went_back, a_doubt_ends_with_a_resync,
                a_resync_that_began_before_a_doubt_is_not_gone_on_with,
                a_busy_store_is_not_doubted, a_shop_has_one_name;
            merged: b1_a_merge_is_declared_with_all_it_rests_on, nothing_is_declared_without_its_authority,
                e1_a_day_has_no_more_of_a_kind_than_it_may, c3_customers_in_doubt_are_left_alone,
                all_that_was_known_of_who_is_gone_is_known_of_who_remains,
                b2_what_is_settled_stays_so_and_nobody_goes_twice, a_merge_of_several_is_done_with_the_last,
                an_approval_is_used_up_by_a_refusal_or_two_failures,
                e2_a_release_approves_each_that_was_held_and_still_stands,
                a_hold_that_falls_by_itself_approves_nobody, what_nobody_can_tell_a_person_says,
                two_people_are_not_merged_whoever_asks, an_old_proposal_is_not_approved,
                what_customers_were_is_kept_for_thirty_days, g2_nothing_of_a_merge_is_left_of_who_was_erased,
                d2_a_lost_lease_declares_and_settles_nothing;
            rekeyed: nothing_changes_before_the_switch, the_switch_changes_all_of_it_at_once,
                what_was_bound_to_a_hash_is_asked_anew, what_stands_in_the_way_of_a_switch,
                who_opened_it_under_the_key_before_adds_nothing, a_lost_lease_changes_no_key,
                an_erased_address_is_recognised_by_its_seal, who_is_erased_or_let_in_again_meanwhile_stays_so,
                rules_by_which_all_was_read_are_known_under_the_new_key;
            alerted: of_nothing_there_is_nothing_to_tell, what_stands_is_what_alerts_are_decided_on,
                     a_part_tells_nothing_of_the_whole,
                a_change_is_told_once_whoever_finds_it, an_alert_is_delivered_by_one_and_tried_until_it_is,
                what_somebody_took_who_died_is_taken_again_in_time, a_change_waits_for_the_one_before_and_takes_its_place,
                whoever_may_have_changed_is_due_but_for_those_who_never_are;
            told: what_a_store_is, the_overview_of_nothing, the_overview_shows_what_stands, runs_come_newest_first,
                a_dead_run_is_closed_by_the_next, a_report_needs_its_run, the_story_of_a_contact,
                the_story_of_a_customer, of_a_stranger_there_is_no_story, what_a_run_declared_is_numbered_in_order,
                the_last_run_that_was_done_is_known_by_shop, the_last_run_that_ended_by_itself_is_known_by_shop;
            by_hand: b1_a_write_by_hand_is_declared_and_settled_once,
                nothing_is_declared_by_hand_while_paused_or_under_a_lost_lease;
        }
    };
    ($place:expr; $($module:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                $crate::store_behaviour::$module::$name(&$place).await;
            }
        )+)+
    };
}

/// The key of all hashes here.
pub fn key() -> HashKey {
    HashKey::new(b"a key for the tests of a store").unwrap()
}

pub fn hash(text: &str) -> Keyed {
    key().hash("test", text)
}

pub fn shop(name: &str) -> ShopName {
    name.parse().unwrap()
}

pub fn id(id: i64) -> ContactId {
    ContactId::try_from(id).unwrap()
}

pub fn contact(number: i64) -> ContactKey {
    ContactKey { shop: shop("alfa"), id: id(number) }
}

pub fn customer(id: &str) -> CustomerId {
    id.parse().unwrap()
}

/// A moment so many seconds after the first.
pub fn at(seconds: i64) -> Moment {
    Moment::from_millis(1_700_000_000_000 + seconds * 1000)
}

pub fn holder(pid: u32) -> Holder {
    Holder { host: "host".into(), boot: "boot".into(), pid, started: 7, purpose: "test".into() }
}

pub fn claim(pid: u32, now: Moment) -> Claim {
    Claim { holder: holder(pid), ttl: Duration::from_mins(1), now, succession: None, witness: None }
}

pub fn ours(acquired: Acquired) -> Lease {
    match acquired {
        Acquired::Ours { lease, went_back: false } => lease,
        Acquired::Ours { went_back: true, .. } => panic!("the store went back in time"),
        Acquired::Busy(held) => panic!("busy: {held:?}"),
    }
}

pub fn entry(number: i64) -> IndexEntry {
    IndexEntry {
        id: id(number),
        email: Some(hash(&format!("e{number}"))),
        phone: Some(hash(&format!("p{number}"))),
        name: vec![hash("anna"), hash("rossi")],
    }
}

/// A contact in a state, with nothing else about it.
pub fn judged(number: i64, state: ContactState) -> ContactRecord {
    ContactRecord {
        entry: entry(number),
        state,
        reason: "reason".into(),
        fingerprint: Fingerprint { content: hash("content"), rules: RULES.into() },
        recheck_at: None,
        retry_at: None,
        was_due: None,
        attempts: 0,
        parked_since: None,
        link: LinkChange::Keep,
        proposals: None,
    }
}

pub fn link(to: &str, role: Role) -> LinkRecord {
    let baseline = Baseline { source: hash("source"), returned: Some(hash("returned")) };
    LinkRecord {
        customer: customer(to),
        role,
        grounds: Grounds::Both,
        row: "both-agree".into(),
        baselines: BTreeMap::from([
            (Field::Email, baseline),
            (Field::Name, Baseline { source: hash("name"), returned: None }),
        ]),
        known_as: Hashes { email: Some(hash("known")), phone: None, name: vec![hash("anna"), hash("rossi")] },
    }
}

/// A contact linked to a customer.
pub fn linked(number: i64, to: &str, role: Role) -> ContactRecord {
    ContactRecord { link: LinkChange::Set(link(to, role)), ..judged(number, ContactState::Linked) }
}

/// A contact that waits, with proposals.
pub fn waiting(number: i64, proposals: Vec<Proposal>) -> ContactRecord {
    ContactRecord { proposals: Some(proposals), ..judged(number, ContactState::Waiting) }
}

pub fn propose_link(proposal: &str, number: i64, to: &str) -> Proposal {
    Proposal {
        id: ProposalId(proposal.into()),
        contact: contact(number),
        proposed: Proposed::Link { customer: customer(to) },
        authority: Authority::Ask(vec!["names-differ".into()]),
        evidence: vec!["email-names-differ".into()],
    }
}

pub fn propose_merge(proposal: &str, number: i64, survivor: &str, absorbed: &[&str]) -> Proposal {
    let absorbed = absorbed.iter().map(|id| customer(id)).collect();
    Proposal {
        id: ProposalId(proposal.into()),
        contact: contact(number),
        proposed: Proposed::Merge { survivor: customer(survivor), absorbed },
        authority: Authority::Automatic,
        evidence: vec!["both-agree".into(), "email".into()],
    }
}

pub fn new_hold(bound: &str) -> NewHold {
    NewHold {
        shop: shop("alfa"),
        kind: HoldKind::Merges,
        reason: "12 merges, 10 allowed (max_merges_per_run)".into(),
        count: 12,
        sample: vec![contact(2), contact(1)],
        bound: hash(bound),
    }
}

/// What a claimer is answered who may not have the lease.
pub fn busy(acquired: Acquired) -> Held {
    match acquired {
        Acquired::Busy(held) => held,
        Acquired::Ours { lease, .. } => panic!("ours: {lease:?}"),
    }
}

/// Succeeds whoever has the lease: it was watched for longer than it lasts.
pub async fn succeed(store: &dyn Store, pid: u32, now: Moment) -> Lease {
    let silent = busy(store.acquire(&claim(pid, now)).await.unwrap());
    let claim = Claim { succession: Some(Succession::Silent(silent)), ..claim(pid, now) };
    ours(store.acquire(&claim).await.unwrap())
}

/// The rules that contacts are judged by here.
pub const RULES: &str = "normalise=1";

/// A question about contacts of the shop `alfa`.
pub fn of(ids: &[ContactId], identifiers: &[Keyed]) -> PageQuery {
    PageQuery { shop: shop("alfa"), ids: ids.to_vec(), identifiers: identifiers.to_vec(), covers: None }
}

/// A question for contacts of a shop that are due by now.
pub fn due_by(shop: &ShopName, now: Moment, limit: u64) -> DueQuery {
    DueQuery { shop: shop.clone(), why: Due::Retry(now), after: 0, limit }
}

/// A store with a lease and a run of the shop `alfa`.
pub struct Pass1 {
    pub store: Arc<dyn Store>,
    pub lease: Lease,
    pub run: RunId,
}

impl Pass1 {
    /// At moment 0.
    pub async fn begin(place: &dyn Place) -> Self {
        let store = place.open().await;
        let lease = ours(store.acquire(&claim(1, at(0))).await.unwrap());
        let new = NewRun { shop: shop("alfa"), source: hash("alfa"), pass: Pass::Sync, partial: false, at: at(0) };
        let run = store.begin(&lease, &new).await.unwrap();
        Self { store, lease, run }
    }

    /// A page of contacts, recorded nowhere yet.
    pub fn page(&self, contacts: Vec<ContactRecord>) -> PageRecord {
        PageRecord { contacts, ..PageRecord::empty(self.run, shop("alfa"), at(1)) }
    }

    /// Records contacts and nothing else, at a second: by whoever knew just before when they are due.
    pub async fn record_at(&self, second: i64, mut contacts: Vec<ContactRecord>) {
        let ids: Vec<ContactId> = contacts.iter().map(|contact| contact.entry.id).collect();
        let known = self.store.known(&of(&ids, &[])).await.unwrap().contacts;
        for contact in &mut contacts {
            contact.was_due = known.get(&contact.entry.id).and_then(|prior| prior.retry_at);
        }
        let page = PageRecord { at: at(second), ..self.page(contacts) };
        self.store.record(&self.lease, &page).await.unwrap();
    }

    /// Records contacts and nothing else.
    pub async fn record(&self, contacts: Vec<ContactRecord>) {
        self.record_at(1, contacts).await;
    }

    /// Indexes contacts of the shop `alfa`.
    pub async fn survey(&self, entries: Vec<IndexEntry>) {
        let after = entries.last().map_or(0, |entry| entry.id.get());
        let step = SurveyStep { shop: shop("alfa"), entries, after, whole: false };
        self.store.survey(&self.lease, &step).await.unwrap();
    }

    /// A write to be declared.
    pub fn declaration(&self, number: i64, to: &str) -> Declaration {
        let field = DeclaredField { source: hash("source"), sent: hash("sent"), before: hash("before") };
        Declaration {
            run: self.run,
            contact: contact(number),
            hashes: Hashes::default(),
            customer: customer(to),
            why: "both-agree".into(),
            fields: BTreeMap::from([(Field::Phone, field)]),
            at: at(1),
        }
    }

    /// What is known of a contact of the shop `alfa`.
    pub async fn prior(&self, number: i64) -> Prior {
        let mut known = self.store.known(&of(&[id(number)], &[])).await.unwrap();
        known.contacts.remove(&id(number)).unwrap()
    }
}
