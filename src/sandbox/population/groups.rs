//! The kinds of people and how many of each there are, and the simpler kinds: who never chatted, who cannot be found, who
//! became several customers, who registered twice. The harder ones are in `hard`.

use rand::Rng;

use super::{
    build::{Build, Chat, Draft, Make},
    hard,
    plain::{email_in_shop, junk_email, junk_phone, odd_email},
    truth::{Kind, Why},
};

/// Every kind but plain people, with its share of a thousand contacts.
pub(super) const SPECIAL: &[(Kind, usize, Make)] = &[
    (Kind::SeveralCustomers, 40, several_customers),
    (Kind::RegisteredTwice, 30, registered_twice),
    (Kind::SharedMailbox, 30, hard::shared_mailbox),
    (Kind::PublicMailbox, 5, hard::public_mailbox),
    (Kind::Switchboard, 30, hard::switchboard),
    (Kind::Family, 30, hard::family),
    (Kind::Namesakes, 20, hard::namesakes),
    (Kind::NamesDiffer, 20, hard::names_differ),
    (Kind::Hostile, 15, hard::hostile),
    (Kind::Couple, 15, hard::couple),
    (Kind::Doubtful, 15, doubtful),
    (Kind::NotFindable, 40, not_findable),
    (Kind::Unusable, 20, unusable),
    (Kind::NoCounterpart, 140, no_counterpart),
];

/// A contact of somebody who never chatted.
pub(super) fn no_counterpart(build: &mut Build) {
    let person = build.person();
    let mut draft = Draft::of(&person, "never chatted");
    let fixed = build.fixed();
    let phone = match build.rng.random_range(0..4) {
        0 => fixed.in_shop(&mut build.rng),
        1 => String::new(),
        _ => person.mobile.in_shop(&mut build.rng),
    };
    if phone.is_empty() || !build.one_in(6) {
        let email = email_in_shop(build, &person.email);
        draft = draft.email(&email);
    }
    build.contact(draft.phone(&phone));
}

/// A customer who is no contact.
pub(super) fn stranger(build: &mut Build) {
    let person = build.person();
    let mut chat = if build.one_in(3) { Chat::default() } else { Chat::named(&person) };
    if !build.one_in(3) {
        chat = chat.email(&person.email);
    }
    if build.one_in(2) {
        let mobile = person.mobile.findable(&mut build.rng, &person.mobile.e164());
        chat = chat.telnum(mobile);
    }
    build.customer(&person, chat);
}

/// The person is there, and no spelling that is searched is hers.
fn not_findable(build: &mut Build) {
    let person = build.person();
    let in_shop = person.mobile.in_shop_compact(&mut build.rng);
    let (by_email, by_phone) = match build.rng.random_range(0..4) {
        0 => (true, false),
        1 => (true, true),
        _ => (false, true),
    };
    let mut chat = Chat::named(&person);
    if by_email {
        let email = odd_email(build, &person.email);
        chat = chat.email(&email);
    }
    if by_phone {
        chat = chat.telnum(person.mobile.unfindable(&mut build.rng));
    }
    let customer = build.customer(&person, chat);
    let draft = Draft::of(&person, "oddly spelled").email(&person.email).phone(&in_shop);
    build.contact(draft.counterpart(&customer, false));
}

/// One person who became two customers, or three.
fn several_customers(build: &mut Build) {
    let person = build.person();
    let in_shop = person.mobile.in_shop(&mut build.rng);
    let telnum = person.mobile.findable(&mut build.rng, &in_shop);
    let other = build.mobile().e164();
    let named = || Chat::named(&person);
    let blank = Chat::default;
    let (email, contact) =
        (person.email.as_str(), |case| Draft::of(&person, case).email(&person.email).phone(&in_shop));
    let chats = |build: &mut Build, chats: Vec<Chat>| {
        let mut ids: Vec<String> = chats.into_iter().map(|chat| build.customer(&person, chat)).collect();
        // Where nothing else decides, the smallest id remains.
        ids.sort();
        let survivor = ids.remove(0);
        (survivor, ids)
    };
    let draft = match build.rng.random_range(0..7) {
        0 => {
            // The second has fewer of the contact's identifiers, so the first remains whatever its id.
            let full = build.customer(&person, named().email(email).telnum(telnum));
            let blank_name = build.one_in(2);
            let less = build.customer(&person, if blank_name { blank() } else { named() }.email(email));
            contact("one has both, one the e-mail").linked(&full).merge(&full, vec![less], true)
        }
        1 => {
            let (survivor, absorbed) = chats(build, vec![named().email(email), named().email(email)]);
            let draft = contact("both have the e-mail").linked(&survivor).merge(&survivor, absorbed, true);
            draft.writes("telnum", person.mobile.e164())
        }
        2 => {
            // Neither gets the other's identifier: another customer holds it.
            let (survivor, absorbed) = chats(build, vec![named().email(email), named().telnum(telnum)]);
            contact("a bridge").linked(&survivor).merge(&survivor, absorbed, true)
        }
        3 => {
            let nameless = build.customer(&person, blank().telnum(telnum));
            let by_email = build.customer(&person, named().email(email));
            let (survivor, absorbed) =
                if nameless < by_email { (&nameless, &by_email) } else { (&by_email, &nameless) };
            let draft = contact("a bridge, one without a name").linked(survivor);
            let draft = draft.merge(survivor, vec![absorbed.clone()], false);
            if survivor == &nameless {
                draft.writes("firstname", person.given.clone()).writes("lastname", person.family.clone())
            } else {
                draft
            }
        }
        4 => {
            let full = build.customer(&person, named().email(email).telnum(telnum));
            let against = build.customer(&person, named().email(email).telnum(other));
            contact("one has another telephone").linked(&full).merge(&full, vec![against], false)
        }
        5 => {
            let second = person.mobile.findable(&mut build.rng, &in_shop);
            let (survivor, absorbed) = chats(build, vec![named().telnum(telnum), named().telnum(second)]);
            let draft = contact("both have the telephone").linked(&survivor).merge(&survivor, absorbed, true);
            draft.writes("email", person.email.clone())
        }
        _ => {
            let three = vec![named().email(email), named().email(email), named().email(email)];
            let (survivor, absorbed) = chats(build, three);
            let draft = contact("three have the e-mail").linked(&survivor).merge(&survivor, absorbed, true);
            draft.writes("telnum", person.mobile.e164())
        }
    };
    build.contact(draft);
}

/// One person whom the shop has twice: both are linked, one owns.
fn registered_twice(build: &mut Build) {
    let person = build.person();
    let in_shop = person.mobile.in_shop(&mut build.rng);
    let telnum = person.mobile.findable(&mut build.rng, &in_shop);
    let named = Chat::named(&person);
    let again = if build.one_in(2) { person.id } else { person.id + 1_000_000 };
    let first = |case| Draft::of(&person, case).email(&person.email).phone(&in_shop);
    let second = |case| Draft::of(&person, case).owned_by(again);
    match build.rng.random_range(0..3) {
        0 => {
            let customer = build.customer(&person, named.email(&person.email).telnum(telnum));
            build.contact(first("registered twice, with both").linked(&customer));
            build.contact(second("registered twice, by e-mail").email(&person.email).linked(&customer).secondary());
        }
        1 => {
            let customer = build.customer(&person, named.email(&person.email).telnum(telnum));
            build.contact(first("registered twice, with both").linked(&customer));
            build.contact(second("registered twice, by telephone").phone(&in_shop).linked(&customer).secondary());
        }
        _ => {
            let customer = build.customer(&person, named.email(&person.email));
            let contest = build.new_contest();
            let case = "registered twice, alike";
            for draft in [first(case), second(case).email(&person.email).phone(&in_shop)] {
                let draft = draft.linked(&customer).contest(contest);
                build.contact(draft.writes("telnum", person.mobile.e164()));
            }
        }
    }
}

/// Something agrees, and it is too little.
fn doubtful(build: &mut Build) {
    let person = build.person();
    if build.one_in(2) {
        let line = build.fixed();
        let in_shop = line.in_shop(&mut build.rng);
        let telnum = line.findable(&mut build.rng, &in_shop);
        let customer = build.customer(&person, Chat::default().telnum(telnum));
        let draft = Draft::of(&person, "a fixed line without a name").email(&person.email).phone(&in_shop);
        build.contact(draft.counterpart(&customer, true).asks(&customer, Why::FixedLineAlone));
    } else {
        let in_shop = person.mobile.in_shop(&mut build.rng);
        let telnum = person.mobile.findable(&mut build.rng, &in_shop);
        let other = build.email(&person.given, &person.family);
        let customer = build.customer(&person, Chat::default().email(&other).telnum(telnum));
        let draft = Draft::of(&person, "another e-mail without a name").email(&person.email).phone(&in_shop);
        build.contact(draft.counterpart(&customer, true).asks(&customer, Why::EmailDiffers));
    }
}

/// Nothing to find anybody by.
fn unusable(build: &mut Build) {
    let person = build.person();
    let mut draft = Draft::of(&person, "no identifier");
    if build.one_in(2) {
        draft = draft.email(junk_email(build));
    }
    if build.one_in(2) {
        draft = draft.phone(junk_phone(build));
    }
    build.contact(draft.invalid());
}
