//! Plain people: one contact, one customer. Every row of the table is a pair that links, by a different road, and says what
//! the customer then lacks.

use rand::Rng;

use super::{
    build::{Build, Chat, Draft, Person},
    names,
    numbers::Number,
};

/// The contact's telephone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Mobile,
    Fixed,
    Abroad,
    Junk,
    None,
}

/// The contact's e-mail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mail {
    Own,
    Junk,
    None,
}

/// What the customer holds of an identifier.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// The contact's, in a spelling that is searched.
    Same,
    /// The contact's, in a spelling that is not; comes only beside another that is found.
    Odd,
    /// Another one of the person's.
    Other,
    /// Something that is none.
    Junk,
    /// Blank.
    None,
}

/// The customer's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Called {
    /// The contact's, perhaps typed otherwise.
    Same,
    /// A nickname only.
    Nick,
    /// Blank.
    None,
}

/// Weight, case, and the pair.
type Row = (u32, &'static str, (Mail, Line), (Held, Held, Called));

const ROWS: &[Row] = &[
    (240, "both identifiers", (Mail::Own, Line::Mobile), (Held::Same, Held::Same, Called::Same)),
    (130, "customer lacks the telephone", (Mail::Own, Line::Mobile), (Held::Same, Held::None, Called::Same)),
    (80, "customer lacks the e-mail", (Mail::Own, Line::Mobile), (Held::None, Held::Same, Called::Same)),
    (70, "customer lacks a name", (Mail::Own, Line::Mobile), (Held::Same, Held::Same, Called::None)),
    (40, "customer lacks telephone and name", (Mail::Own, Line::Mobile), (Held::Same, Held::None, Called::None)),
    (30, "customer lacks e-mail and name", (Mail::Own, Line::Mobile), (Held::None, Held::Same, Called::None)),
    (40, "customer has a nickname only", (Mail::Own, Line::Mobile), (Held::Same, Held::Same, Called::Nick)),
    (60, "contact without telephone", (Mail::Own, Line::None), (Held::Same, Held::None, Called::Same)),
    (30, "contact without telephone, customer with", (Mail::Own, Line::None), (Held::Same, Held::Other, Called::Same)),
    (30, "contact without e-mail", (Mail::None, Line::Mobile), (Held::None, Held::Same, Called::Same)),
    (20, "contact without e-mail, customer with", (Mail::None, Line::Mobile), (Held::Other, Held::Same, Called::Same)),
    (40, "telephones differ", (Mail::Own, Line::Mobile), (Held::Same, Held::Other, Called::Same)),
    (20, "telephones differ, no name", (Mail::Own, Line::Mobile), (Held::Same, Held::Other, Called::None)),
    (30, "e-mails differ", (Mail::Own, Line::Mobile), (Held::Other, Held::Same, Called::Same)),
    (20, "e-mails differ, fixed line", (Mail::Own, Line::Fixed), (Held::Other, Held::Same, Called::Same)),
    (30, "fixed line and e-mail", (Mail::Own, Line::Fixed), (Held::Same, Held::Same, Called::Same)),
    (20, "fixed line alone, names agree", (Mail::Own, Line::Fixed), (Held::None, Held::Same, Called::Same)),
    (20, "customer lacks the fixed line", (Mail::Own, Line::Fixed), (Held::Same, Held::None, Called::Same)),
    (30, "number abroad", (Mail::Own, Line::Abroad), (Held::Same, Held::Same, Called::Same)),
    (15, "number abroad alone", (Mail::None, Line::Abroad), (Held::None, Held::Same, Called::Same)),
    (20, "contact's telephone is none", (Mail::Own, Line::Junk), (Held::Same, Held::None, Called::Same)),
    (15, "contact's e-mail is none", (Mail::Junk, Line::Mobile), (Held::None, Held::Same, Called::Same)),
    (10, "customer's e-mail is none", (Mail::Own, Line::Mobile), (Held::Junk, Held::Same, Called::Same)),
    (30, "telephone oddly spelled", (Mail::Own, Line::Mobile), (Held::Same, Held::Odd, Called::Same)),
    (20, "e-mail oddly spelled", (Mail::Own, Line::Mobile), (Held::Odd, Held::Same, Called::Same)),
];

/// One plain person.
pub(super) fn make(build: &mut Build) {
    let (case, (mail, line), (held_mail, held_line, called)) = row(build);
    let person = build.person();
    let number = match line {
        Line::Mobile => Some(person.mobile.clone()),
        Line::Fixed => Some(build.fixed()),
        Line::Abroad => Some(build.abroad()),
        Line::Junk | Line::None => None,
    };
    let in_shop = match (line, &number) {
        (Line::Junk, _) => junk_phone(build).to_owned(),
        // The odd spelling must not be the shop's own: that one is searched.
        (_, Some(number)) if held_line == Held::Odd => number.in_shop_compact(&mut build.rng),
        (_, Some(number)) => number.in_shop(&mut build.rng),
        (_, None) => String::new(),
    };
    let shop_email = match mail {
        Mail::Own => Some(email_in_shop(build, &person.email)),
        Mail::Junk => Some(junk_email(build).to_owned()),
        Mail::None => None,
    };
    let (name, first, last) =
        if called == Called::Same { agreeing(build, &person) } else { (person.name(), None, None) };
    let chat = Chat {
        email: held_email(build, held_mail, &person, shop_email.as_deref()),
        telnum: held_telnum(build, held_line, number.as_ref(), &in_shop),
        first,
        last,
        nick: (called == Called::Nick).then(|| names::nickname(&mut build.rng)),
    };
    let customer = build.customer(&person, chat);
    let mut draft = Draft::of(&person, case).name(name).phone(&in_shop).linked(&customer);
    if let Some(email) = &shop_email {
        draft = draft.email(email);
    }
    if mail == Mail::Own && held_mail == Held::None {
        draft = draft.writes("email", person.email.clone());
    }
    if let (Some(number), Held::None) = (&number, held_line) {
        draft = draft.writes("telnum", number.e164());
    }
    if called == Called::None {
        draft = draft.writes("firstname", person.given.clone()).writes("lastname", person.family.clone());
    }
    build.contact(draft);
}

fn row(build: &mut Build) -> (&'static str, (Mail, Line), (Held, Held, Called)) {
    let total: u32 = ROWS.iter().map(|row| row.0).sum();
    let mut at = build.rng.random_range(0..total);
    for (weight, case, contact, customer) in ROWS {
        if at < *weight {
            return (case, *contact, *customer);
        }
        at -= weight;
    }
    ("both identifiers", (Mail::Own, Line::Mobile), (Held::Same, Held::Same, Called::Same))
}

fn held_email(build: &mut Build, held: Held, person: &Person, in_shop: Option<&str>) -> Option<String> {
    match held {
        Held::Same => {
            let as_shop = in_shop.filter(|_| build.one_in(2));
            Some(as_shop.unwrap_or(&person.email).to_owned())
        }
        Held::Odd => Some(odd_email(build, &person.email)),
        Held::Other => Some(build.email(&person.given, &person.family)),
        Held::Junk => Some(junk_email(build).to_owned()),
        Held::None => None,
    }
}

fn held_telnum(build: &mut Build, held: Held, number: Option<&Number>, in_shop: &str) -> Option<String> {
    match (held, number) {
        (Held::Same, Some(number)) => Some(number.findable(&mut build.rng, in_shop)),
        (Held::Odd, Some(number)) => Some(number.unfindable(&mut build.rng)),
        (Held::Other, _) => Some(build.mobile().e164()),
        (Held::Junk, _) => Some(junk_phone(build).to_owned()),
        (Held::Same | Held::Odd, None) | (Held::None, _) => None,
    }
}

/// One name in two hands: how the shop wrote it, and the customer's first and last name.
fn agreeing(build: &mut Build, person: &Person) -> (String, Option<String>, Option<String>) {
    let (given, family) = (person.given.as_str(), person.family.as_str());
    let exact = || (person.name(), given.to_owned(), family.to_owned());
    let (name, first, last) = match build.rng.random_range(0..20) {
        0 => (format!("{family} {given}"), given.to_owned(), family.to_owned()),
        1 => (person.name().to_uppercase(), given.to_owned(), family.to_owned()),
        2 => (person.name(), given.to_lowercase(), family.to_lowercase()),
        3 => (person.name(), family.to_owned(), given.to_owned()),
        4 => {
            let (with, without) = names::accented(&mut build.rng);
            (format!("{with} {family}"), without.to_owned(), family.to_owned())
        }
        5 => (format!("{given} Maria Grazia {family}"), given.to_owned(), family.to_owned()),
        6 => {
            let family = names::particle(&mut build.rng);
            (format!("{given} {family}"), given.to_owned(), family.to_owned())
        }
        7 => {
            let firm = names::firm(&mut build.rng, family);
            return (firm.clone(), None, Some(firm));
        }
        8 => (format!("  {given}  {family} "), given.to_owned(), family.to_owned()),
        _ => exact(),
    };
    (name, Some(first), Some(last))
}

/// As the shop may have written it: it is searched like this, and in lower case.
pub(super) fn email_in_shop(build: &mut Build, email: &str) -> String {
    match build.rng.random_range(0..6) {
        0 => email.to_uppercase(),
        1 => capital(email),
        _ => email.to_owned(),
    }
}

/// Neither lower case nor as any shop here writes it.
pub(super) fn odd_email(build: &mut Build, email: &str) -> String {
    match build.rng.random_range(0..3) {
        0 => format!("{email} "),
        1 => format!(" {}", capital(email)),
        _ => {
            let (local, domain) = email.split_once('@').unwrap_or((email, ""));
            format!("{local}@{}", domain.to_uppercase())
        }
    }
}

pub(super) fn capital(email: &str) -> String {
    let mut letters = email.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

pub(super) fn junk_phone(build: &mut Build) -> &'static str {
    names::pick(&mut build.rng, &["-", "123", "000000", "n.d.", "non disponibile", "0", "chiedere", "333"])
}

pub(super) fn junk_email(build: &mut Build) -> &'static str {
    names::pick(
        &mut build.rng,
        &["n/d", "nessuna", "senza@", "@libero.it", "rossi.libero.it", "anna@@libero.it", "non ha"],
    )
}
