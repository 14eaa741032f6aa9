//! What holds in every world: random people, random histories of edits and passes, random rules.

use std::collections::BTreeMap;

use proptest::{prelude::*, strategy::ValueTree as _};
use serde_json::{Value, json};

use super::{
    oracle,
    world::{World, id, key, rule},
};
use crate::{
    model::{
        CustomerId,
        link::Ruling,
        rules::{AskOrLink, WriteRule},
    },
    plan::{
        evidence::{Candidate, Evidence},
        page,
    },
};

const NAMES: [&str; 8] =
    ["", "Mario Rossi", "Mario Rossi", "ROSSI MARIO", "Mario", "Rossi", "Luca Verdi", "Hotel Bellavista"];
const EMAILS: [&str; 6] = ["", "mario@x.it", "Mario@X.it", "m@y.it", "info@x.it", "not an address"];
const PHONES: [&str; 6] = ["", "333 1234567", "+393331234567", "06 98765432", "06 12345678", "12"];
/// Customers know less: of many only what they typed into a chat.
const TYPED_EMAILS: [&str; 6] = ["", "", "", "mario@x.it", "MARIO@x.it", "m@y.it"];
const TYPED_PHONES: [&str; 6] = ["", "", "", "3331234567", "0039 333 1234567", "06/98765432"];
const TYPED_NAMES: [&str; 5] = ["", "", "Mario", "Mario Rossi", "Luca"];

/// An edit by a person: in the shop, or by an agent.
#[derive(Debug, Clone)]
enum Edit {
    Contact(usize, [String; 3]),
    Customer(usize, &'static str, Value),
    /// Deleted in the shop.
    Gone(usize),
    /// All of those are back.
    Back,
    /// Merged by an agent, the first into the second.
    Absorbed(usize, usize),
}

fn text(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(of).prop_map(str::to_owned)
}

fn contact() -> impl Strategy<Value = [String; 3]> {
    (text(&NAMES), text(&EMAILS), text(&PHONES)).prop_map(<[String; 3]>::from)
}

/// Texts mostly; now and then something that is none.
fn value(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        30 => text(of).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => text(of).prop_map(|text| json!([text])),
    ]
}

fn customer() -> impl Strategy<Value = Value> {
    let names = (value(&TYPED_NAMES), value(&["", "Rossi"]), value(&["", "", "mario", "Gigi"]));
    (value(&TYPED_EMAILS), value(&TYPED_PHONES), names).prop_map(|(email, telnum, (first, last, nickname))| {
        json!({"email": email, "telnum": telnum, "firstname": first, "lastname": last, "nickname": nickname, "note": "kept"})
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    let field = prop_oneof![
        (Just("email"), value(&TYPED_EMAILS)),
        (Just("telnum"), value(&TYPED_PHONES)),
        (Just("firstname"), value(&["", "Mario", "Luca"])),
        (Just("nickname"), value(&["", "mario", "Gigi"])),
    ];
    prop_oneof![
        4 => (0..6_usize, contact()).prop_map(|(at, contact)| Edit::Contact(at, contact)),
        4 => (0..6_usize, field).prop_map(|(at, (field, value))| Edit::Customer(at, field, value)),
        3 => (0..6_usize).prop_map(Edit::Gone),
        3 => Just(Edit::Back),
        3 => (0..6_usize, 0..6_usize).prop_map(|(at, into)| Edit::Absorbed(at, into)),
    ]
}

fn write_rule() -> impl Strategy<Value = WriteRule> {
    prop::sample::select(vec![WriteRule::Always, WriteRule::IfEmpty, WriteRule::IfUnedited, WriteRule::Never])
}

/// A world at its beginning.
fn world(every: impl Strategy<Value = WriteRule>) -> impl Strategy<Value = World> {
    let people = (prop::collection::vec(contact(), 1..6), prop::collection::vec(customer(), 1..6));
    let policy = || prop::sample::select(vec![AskOrLink::Ask, AskOrLink::Link]);
    let rules = (every, any::<bool>(), policy(), policy(), 1..6_u32, 2..5_u32);
    let rulings = prop::collection::vec((0..6_usize, 0..6_usize, any::<bool>()), 0..3);
    let elsewhere = prop::collection::vec(any::<bool>(), 6);
    (people, rules, rulings, elsewhere).prop_map(|((contacts, customers), rules, rulings, elsewhere)| {
        let (every, clear, fixed, names, max_share, max_cluster) = rules;
        let mut world = World::writing(every);
        for field in [&mut world.fields.name, &mut world.fields.email, &mut world.fields.phone] {
            field.clear = clear;
        }
        world.fields.ids = rule("ids", every);
        world.matching.fixed_line_alone = fixed;
        world.matching.names_differ = names;
        (world.matching.max_share, world.matching.max_cluster) = (max_share, max_cluster);
        for (at, [name, email, phone]) in contacts.iter().enumerate() {
            world.set_contact(&who(at), name, email, phone);
            // Another shop's contacts are known, and never of the page.
            if elsewhere[at] && at % 2 == 1 {
                world.elsewhere.insert(key(&who(at)));
            }
        }
        for (at, customer) in customers.into_iter().enumerate() {
            world = world.customer(&whom(at), customer);
        }
        for (at, to, same) in rulings {
            if world.contacts.contains_key(&key(&who(at))) {
                world = world.ruled(&who(at), &whom(to), if same { Ruling::Same } else { Ruling::Different });
            }
        }
        world
    })
}

fn who(at: usize) -> String {
    if at % 2 == 1 { format!("b/{at}") } else { format!("a/{}", at + 1) }
}

fn whom(at: usize) -> String {
    format!("C{at}")
}

fn edited(world: &mut World, edit: &Edit) {
    match edit {
        // Also of one that was gone: it is back, or its number is somebody else's.
        Edit::Contact(at, [name, email, phone]) => {
            let key = key(&who(*at));
            if world.contacts.contains_key(&key) || world.former.contains_key(&key) {
                world.set_contact(&who(*at), name, email, phone);
            }
        }
        Edit::Customer(at, field, value) => world.by_agent(&whom(*at), field, value),
        Edit::Gone(at) => {
            world.elsewhere.remove(&key(&who(*at)));
            world.gone(&who(*at));
        }
        Edit::Back => world.all_back(),
        Edit::Absorbed(at, into) if at != into && world.customers.contains_key(&id(&whom(*into))) => {
            world.absorbed(&whom(*at), &whom(*into));
            // Whose page knows that we wrote it, if its contact is of another one? There it counts as typed by the agent.
            if world.contacts.len() > 1 {
                world.forget(&whom(*into));
            }
        }
        Edit::Absorbed(..) => {}
    }
}

/// A world with a history.
fn lived(every: impl Strategy<Value = WriteRule>) -> impl Strategy<Value = World> {
    (world(every), prop::collection::vec(edit(), 0..7)).prop_map(|(mut world, edits)| {
        for edit in edits {
            world.pass();
            edited(&mut world, &edit);
        }
        world
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn b4_a_patch_holds_fields_of_ours_only_and_blanks_nothing_unless_told(world in lived(write_rule())) {
        let allowed = ["firstname", "lastname", "nickname", "email", "telnum", "ids"];
        for contact in world.plan().contacts {
            let Some(link) = &contact.link else {
                prop_assert!(contact.patch.is_empty());
                continue;
            };
            for (field, value) in contact.patch.body() {
                prop_assert!(allowed.contains(&field.as_str()), "{field}");
                if value.as_str().is_some_and(|text| text.trim().is_empty()) {
                    let is_name = ["firstname", "lastname", "nickname"].contains(&field.as_str());
                    let ours = is_name && world.ours(link.customer.as_str()).contains(&crate::model::link::Field::Name);
                    prop_assert!(world.fields.name.clear || ours, "{field} of a stranger is blanked");
                }
            }
        }
    }

    #[test]
    fn b4_a_field_that_is_never_written_stays_as_it_is(mut world in lived(Just(WriteRule::Never))) {
        let before = world.customers.clone();
        world.pass();
        prop_assert_eq!(before, world.customers);
    }

    #[test]
    fn b6_the_same_evidence_in_any_order_gives_the_same_plan(world in lived(write_rule()), seed in any::<u64>()) {
        let straight = world.evidence();
        let mut shuffled = straight.clone();
        let mut state = seed;
        shuffled.subjects.sort_by_cached_key(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        });
        // The store's links in another order.
        let customers: BTreeMap<CustomerId, Candidate> = straight
            .customers
            .iter()
            .map(|(id, candidate)| {
                let links = candidate.links.iter().rev().cloned().collect();
                (id.clone(), Candidate::read(candidate.customer.clone(), links, &[], &world.reading()))
            })
            .collect();
        let shuffled = Evidence { customers, ..shuffled };
        let plan = page::plan(&straight, &world.matching, &world.reading());
        let other = page::plan(&shuffled, &world.matching, &world.reading());
        prop_assert_eq!(serde_json::to_string(&plan).unwrap(), serde_json::to_string(&other).unwrap());
        prop_assert_eq!(plan, other);
    }

    #[test]
    fn b7_no_automatic_merge_rests_on_less_than_the_promise(mut world in lived(write_rule())) {
        // At once, and after our own writing.
        for _ in 0..3 {
            let plan = world.plan();
            if let Err(why) = oracle::automatic_merges_are_safe(&world, &plan) {
                prop_assert!(false, "{}\n{}\n{:#?}\n{:?}", why, plan, world.customers, world.contacts.keys());
            }
            world.apply(&plan);
        }
    }

    #[test]
    fn b8_with_no_change_outside_a_second_run_writes_nothing(mut world in world(prop::sample::select(vec![WriteRule::IfEmpty, WriteRule::IfUnedited]))) {
        world.pass();
        let links = world.links.clone();
        let again = world.pass();
        prop_assert!(again.is_empty(), "{again:?}");
        prop_assert_eq!(links, world.links);
    }

    #[test]
    fn b8_no_field_is_written_back_and_forth(mut world in lived(write_rule())) {
        // A value that is replaced may free an identifier, or an overwritten name a match, for the run after: each run
        // carries on where the last one ended, and never returns to what stood before.
        let mut seen: Vec<BTreeMap<CustomerId, serde_json::Map<String, Value>>> = vec![world.customers.clone()];
        let mut writes = world.pass();
        for _ in 0..6 {
            if writes.is_empty() {
                break;
            }
            prop_assert!(!seen.contains(&world.customers), "back where it was");
            seen.push(world.customers.clone());
            writes = world.pass();
        }
        prop_assert!(writes.is_empty(), "{writes:?}");
        let links = world.links.clone();
        prop_assert!(world.pass().is_empty());
        prop_assert_eq!(links, world.links);
    }

    #[test]
    fn an_agents_edit_is_never_overwritten_under_if_unedited(
        mut world in lived(Just(WriteRule::IfUnedited)),
        (at, field) in (0..3_usize, 0..3_usize),
        edits in prop::collection::vec(edit(), 1..6),
    ) {
        let (field, value) = [("email", "agent@z.it"), ("telnum", "335 9998887"), ("firstname", "Agnese")][field];
        world.by_agent(&whom(at), field, &json!(value));
        for edit in &edits {
            world.pass();
            if !matches!(edit, Edit::Customer(of, ..) if *of == at) {
                edited(&mut world, edit);
            }
        }
        world.pass();
        if world.customers.contains_key(&id(&whom(at))) {
            prop_assert_eq!(world.stands(&whom(at), field), value);
        }
    }

    #[test]
    fn an_identifier_lands_only_where_it_is_not_shared_and_nobody_else_holds_it(mut world in lived(write_rule())) {
        let plan = world.plan();
        let before = world.evidence();
        let written = world.apply(&plan);
        for (customer, field, value) in written.iter().filter(|(_, _, value)| value.as_str().is_some_and(|t| !t.is_empty())) {
            if field == "email" || field == "telnum" {
                oracle::holders(&before, field, value)
                    .into_iter()
                    .chain(written.iter().filter(|(_, f, v)| f == field && v == value).map(|(c, _, _)| c.clone()))
                    .try_for_each(|holder| {
                        prop_assert_eq!(&holder, customer);
                        Ok(())
                    })?;
            }
        }
    }

    #[test]
    fn a_customer_never_has_two_owners(mut world in lived(write_rule())) {
        for _ in 0..2 {
            world.pass();
            prop_assert!(world.has_one_owner_a_customer());
        }
    }

    #[test]
    fn who_is_linked_has_a_link_and_every_contact_one_plan(world in lived(write_rule())) {
        let plan = world.plan();
        prop_assert_eq!(plan.contacts.len(), world.contacts.len() - world.elsewhere.len());
        for contact in &plan.contacts {
            prop_assert_eq!(contact.state == crate::model::state::ContactState::Linked, contact.link.is_some());
            prop_assert!(!contact.reason.is_empty());
            prop_assert!(contact.proposals.is_sorted());
        }
    }
}

#[test]
fn the_worlds_are_worth_walking() {
    // Were no automatic merge among them, the promise above would hold of nothing.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = lived(write_rule());
    let (mut automatic, mut asking, mut secondary, mut written, mut restored, mut heirs) = (0, 0, 0, 0, 0, 0);
    for _ in 0..400 {
        let mut world = strategy.new_tree(&mut runner).unwrap().current();
        let told = world.told().join("\n");
        automatic += usize::from(told.contains("(automatic)"));
        asking += usize::from(told.contains("?merge") && told.contains("(asks"));
        secondary += usize::from(told.contains("secondary"));
        written += usize::from(!world.pass().is_empty());
        let before = world.links.clone();
        world.absorbed("C0", "C1");
        let moved = |who: &crate::model::ContactKey| before.get(who).is_some_and(|link| link.customer == id("C0"));
        heirs += world.plan().contacts.iter().filter(|plan| moved(&plan.contact) && plan.link.is_some()).count();
        (0..6).for_each(|at| world.gone(&who(at)));
        world.all_back();
        let standing = |plan: &&page::ContactPlan| plan.link.as_ref().is_some_and(|link| link.standing);
        restored += world.plan().contacts.iter().filter(standing).count();
    }
    assert!(
        automatic > 8 && asking > 40 && secondary > 30 && written > 15 && restored > 40 && heirs > 10,
        "{automatic} {asking} {secondary} {written} {restored} {heirs}"
    );
}
