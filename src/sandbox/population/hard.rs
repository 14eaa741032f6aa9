//! The kinds that a careless program gets wrong: identifiers that belong to several people, and people who use those of
//! others. An identifier that two contacts of different names hold is shared, and a shared one never matches alone.

use rand::Rng;

use super::{
    build::{Build, Chat, Draft, Person},
    names,
    truth::Why,
};

/// A mailbox of an office (listed) or of a family (held under different names). Its own members are found by their mobiles;
/// the mailbox is never written to a customer.
pub(super) fn shared_mailbox(build: &mut Build) {
    let listed = build.one_in(2);
    let count = build.rng.random_range(2..=5);
    let members = if listed { build.people(count) } else { build.relatives(count) };
    let family = members.first().map_or("", |person| person.family.as_str());
    let local = names::pick(
        &mut build.rng,
        if listed { &["info", "amministrazione", "ordini"] } else { &["famiglia", "casa"] },
    );
    let mailbox = loop {
        let (number, family) = (build.rng.random_range(1..10_000), names::plain(family));
        let address =
            if listed { format!("{local}@{family}{number}.it") } else { format!("{local}.{family}{number}@libero.it") };
        if let Some(address) = build.unused(address) {
            break address;
        }
    };
    for person in &members {
        let in_shop = person.mobile.in_shop(&mut build.rng);
        let telnum = person.mobile.findable(&mut build.rng, &in_shop);
        let draft = Draft::of(person, "a shared mailbox").email(&mailbox).phone(&in_shop);
        let draft = match build.rng.random_range(0..4) {
            0 => draft.linked(&build.customer(person, Chat::named(person).email(&mailbox).telnum(telnum))),
            1 => draft.linked(&build.customer(person, Chat::named(person).telnum(telnum))),
            // Even the right name does not make a shared mailbox hers alone.
            2 => draft.counterpart(&build.customer(person, Chat::named(person).email(&mailbox)), true),
            _ => draft,
        };
        build.contact(draft);
    }
}

/// One address under which many people chatted: a library's, a shop's. It says nothing of the one contact that has it.
pub(super) fn public_mailbox(build: &mut Build) {
    let people = build.people(5);
    let Some((person, others)) = people.split_first() else { return };
    for other in others {
        build.customer(other, Chat::named(other).email(&person.email));
    }
    let in_shop = person.mobile.in_shop(&mut build.rng);
    let chat = Chat::named(person).email(&person.email);
    let draft = Draft::of(person, "a public mailbox").email(&person.email).phone(&in_shop);
    if build.one_in(2) {
        let telnum = person.mobile.findable(&mut build.rng, &in_shop);
        let customer = build.customer(person, chat.telnum(telnum));
        build.contact(draft.linked(&customer));
    } else {
        let customer = build.customer(person, chat);
        build.contact(draft.counterpart(&customer, true));
    }
}

/// One landline of many people of a firm. They are found by their e-mails; the line is never written to a customer.
pub(super) fn switchboard(build: &mut Build) {
    let line = build.fixed();
    let count = build.rng.random_range(4..=10);
    for person in &build.people(count) {
        let in_shop = line.in_shop(&mut build.rng);
        let telnum = line.findable(&mut build.rng, &in_shop);
        let draft = Draft::of(person, "a switchboard").email(&person.email).phone(&in_shop);
        let draft = match build.rng.random_range(0..4) {
            0 => draft.linked(&build.customer(person, Chat::named(person).email(&person.email).telnum(telnum))),
            1 => draft.linked(&build.customer(person, Chat::named(person).email(&person.email))),
            2 => draft.counterpart(&build.customer(person, Chat::named(person).telnum(telnum)), true),
            _ => draft,
        };
        build.contact(draft);
    }
}

/// One landline at home.
pub(super) fn family(build: &mut Build) {
    let line = build.fixed();
    let in_shop = line.in_shop(&mut build.rng);
    let telnum = line.findable(&mut build.rng, &in_shop);
    let count = build.rng.random_range(2..=4);
    let members = build.relatives(count);
    let [one, other, ..] = members.as_slice() else { return };
    let contact = |person: &Person, case| Draft::of(person, case).email(&person.email).phone(&in_shop);
    match build.rng.random_range(0..3) {
        0 => {
            // Several of them are contacts, so the line is shared; a customer who left only the line is nobody's.
            if build.one_in(2) {
                build.customer(one, Chat::default().telnum(telnum.clone()));
            }
            for person in &members {
                let draft = contact(person, "a family's line");
                let linked = build.one_in(2);
                let chat = Chat::named(person).email(&person.email);
                let draft = if linked { draft.linked(&build.customer(person, chat)) } else { draft };
                build.contact(draft);
            }
        }
        1 => {
            let customer = build.customer(other, Chat::named(other).telnum(telnum));
            build.contact(contact(one, "a relative chatted").asks(&customer, Why::NamesDiffer));
        }
        _ => {
            build.customer(other, Chat::named(other).email(&other.email).telnum(telnum));
            build.contact(contact(one, "a relative chatted, with her own e-mail"));
        }
    }
}

/// Two people of one name: nothing but the name agrees, and it makes no match.
pub(super) fn namesakes(build: &mut Build) {
    let one = build.person();
    let other = build.person_named(one.given.clone(), one.family.clone());
    let both_chatted = build.one_in(2);
    for (person, chatted) in [(&one, true), (&other, both_chatted)] {
        let in_shop = person.mobile.in_shop(&mut build.rng);
        let draft = Draft::of(person, "a namesake").email(&person.email).phone(&in_shop);
        let draft = if chatted {
            let telnum = person.mobile.findable(&mut build.rng, &in_shop);
            draft.linked(&build.customer(person, Chat::named(person).email(&person.email).telnum(telnum)))
        } else {
            draft
        };
        build.contact(draft);
    }
}

/// One e-mail and two names: somebody who married, or an address that has a new owner. A person must look.
pub(super) fn names_differ(build: &mut Build) {
    let people = build.people(3);
    let [person, second, third] = people.as_slice() else { return };
    let in_shop = person.mobile.in_shop(&mut build.rng);
    let draft = Draft::of(person, "one e-mail, two names").email(&person.email).phone(&in_shop);
    let married = build.one_in(2);
    let holder = if married { Person { family: third.family.clone(), ..person.clone() } } else { second.clone() };
    let chat = Chat::named(&holder).email(&person.email);
    let chat = match build.rng.random_range(0..3) {
        0 => chat.telnum(person.mobile.findable(&mut build.rng, &in_shop)),
        1 => chat.telnum(second.mobile.e164()),
        _ => chat,
    };
    let customer = build.customer(&holder, chat);
    let draft = if married { draft.counterpart(&customer, true) } else { draft };
    build.contact(draft.asks(&customer, Why::NamesDiffer));
}

/// Somebody registered with another's e-mail, and his own name and telephone. It must not change the other's customer, and
/// the borrowed address must not land on his own.
pub(super) fn hostile(build: &mut Build) {
    let people = build.people(2);
    let [hostile, victim] = people.as_slice() else { return };
    let in_shop = hostile.mobile.in_shop(&mut build.rng);
    let written = victim.mobile.in_shop(&mut build.rng);
    let telnum = victim.mobile.findable(&mut build.rng, &written);
    let target = build.customer(victim, Chat::named(victim).email(&victim.email).telnum(telnum));
    let draft = |case| Draft::of(hostile, case).email(&victim.email).phone(&in_shop);
    match build.rng.random_range(0..3) {
        0 => build.contact(draft("a borrowed e-mail").asks(&target, Why::NamesDiffer)),
        1 => {
            let telnum = hostile.mobile.findable(&mut build.rng, &in_shop);
            let own = build.customer(hostile, Chat::named(hostile).telnum(telnum));
            build.contact(
                draft("a borrowed e-mail, and a customer of his own").linked(&own).asks(&target, Why::NamesDiffer),
            );
        }
        _ => {
            // The victim is a contact too: held under two names, the e-mail is shared, and she is found by her mobile.
            build.contact(Draft::of(victim, "the victim").email(&victim.email).phone(&written).linked(&target));
            build.contact(draft("a borrowed e-mail, its owner a contact"));
        }
    }
}

/// One mobile of two people.
pub(super) fn couple(build: &mut Build) {
    let people = build.people(2);
    let [one, other] = people.as_slice() else { return };
    let mobile = &one.mobile;
    let in_shop = mobile.in_shop(&mut build.rng);
    let telnum = mobile.findable(&mut build.rng, &in_shop);
    let contact = |person: &Person, case| Draft::of(person, case).email(&person.email).phone(&in_shop);
    if build.one_in(2) {
        for person in [one, other] {
            let draft = contact(person, "a couple's mobile");
            let draft = match build.rng.random_range(0..3) {
                0 => draft,
                1 => draft
                    .linked(&build.customer(person, Chat::named(person).email(&person.email).telnum(telnum.clone()))),
                _ => draft.linked(&build.customer(person, Chat::named(person).email(&person.email))),
            };
            build.contact(draft);
        }
    } else {
        let customer = build.customer(other, Chat::named(other).telnum(telnum));
        build.contact(contact(one, "the partner chatted").asks(&customer, Why::NamesDiffer));
    }
}
