//! `[vivocha.fields]` and `[fields]`: what the account calls things, and which contact field goes where. The targets
//! leave here in the account's own words.

use super::{
    reader::Reader,
    values::{field_name, one_of, quoted},
};
use crate::model::{
    Naming,
    rules::{FieldRule, FieldRules, WriteRule},
};

const RULES: &[(&str, WriteRule)] = &[
    ("always", WriteRule::Always),
    ("if-empty", WriteRule::IfEmpty),
    ("if-unedited", WriteRule::IfUnedited),
    ("never", WriteRule::Never),
];

/// `[vivocha.fields]`; no two things are called the same.
pub(super) fn naming(reader: &mut Reader<'_>) -> Option<Naming> {
    let mut read = |key: &str| reader.parsed(&format!("vivocha.fields.{key}"), field_name);
    let (id, email, telnum, vvcu) = (read("id"), read("email"), read("telnum"), read("vvcu"));
    let (first_name, last_name, nickname) = (read("first_name"), read("last_name"), read("nickname"));
    let naming = Naming {
        id: id?,
        email: email?,
        telnum: telnum?,
        vvcu: vvcu?,
        first_name: first_name?,
        last_name: last_name?,
        nickname: nickname?,
    };
    let all = names(&naming);
    let mut apart = true;
    for (index, (key, name)) in all.iter().enumerate() {
        if let Some((earlier, _)) = all.iter().take(index).find(|(_, other)| other == name) {
            apart = false;
            // The one that was given is the one to change.
            let (changed, other) =
                if reader.given(&format!("vivocha.fields.{key}")) { (key, earlier) } else { (earlier, key) };
            let what = format!("{} is also what vivocha.fields.{other} is called", quoted(name));
            reader.refuse(&format!("vivocha.fields.{changed}"), what, "give each its own name");
        }
    }
    apart.then_some(naming)
}

fn names(naming: &Naming) -> [(&'static str, &str); 7] {
    let Naming { id, email, telnum, vvcu, first_name, last_name, nickname } = naming;
    [
        ("id", id),
        ("email", email),
        ("telnum", telnum),
        ("vvcu", vvcu),
        ("first_name", first_name),
        ("last_name", last_name),
        ("nickname", nickname),
    ]
}

/// `[fields]`; without a naming (one that is refused) each rule is still read, though not what concerns several.
pub(super) fn rules(reader: &mut Reader<'_>, naming: Option<&Naming>) -> Option<FieldRules> {
    let name = unit(reader);
    let ours = Naming::default();
    let mut of = |field: &str| rule(reader, field, naming.unwrap_or(&ours));
    let (email, phone, note, ids) = (of("email"), of("phone"), of("note"), of("ids"));
    let (rules, naming) = (FieldRules { name: name?, email: email?, phone: phone?, note: note?, ids: ids? }, naming?);
    if targets(reader, &rules, naming) {
        collisions(reader, &rules, naming);
    }
    Some(rules)
}

/// The name has one target only: the unit of first name, last name and nickname.
fn unit(reader: &mut Reader<'_>) -> Option<FieldRule> {
    let to = reader.parsed("fields.name.to", one_of(&[("name", ())]));
    let (rule, clear) = how(reader, "name");
    to?;
    Some(FieldRule { to: "name".to_owned(), rule: rule?, clear: clear? })
}

fn rule(reader: &mut Reader<'_>, field: &str, naming: &Naming) -> Option<FieldRule> {
    let to = reader.parsed(&format!("fields.{field}.to"), |text| field_name(text).map(|to| resolved(to, naming)));
    let (rule, clear) = how(reader, field);
    Some(FieldRule { to: to?, rule: rule?, clear: clear? })
}

fn how(reader: &mut Reader<'_>, field: &str) -> (Option<WriteRule>, Option<bool>) {
    let rule = reader.parsed(&format!("fields.{field}.rule"), one_of(RULES));
    (rule, reader.flag(&format!("fields.{field}.clear")))
}

/// Our word for an identifier, in the account's.
fn resolved(to: String, naming: &Naming) -> String {
    match to.as_str() {
        "email" => naming.email.clone(),
        "telnum" => naming.telnum.clone(),
        "vvcu" => naming.vvcu.clone(),
        _ => to,
    }
}

/// Nobody writes the id; and who a customer is known by is not overwritten with something else. Whether all are
/// right.
fn targets(reader: &mut Reader<'_>, rules: &FieldRules, naming: &Naming) -> bool {
    let before = reader.problems.len();
    let FieldRules { name: _, email, phone, note, ids } = rules;
    let Naming { id, email: mail, telnum, vvcu, .. } = naming;
    let mut refuse = |field: &str, rule: &FieldRule, reserved: &[&String]| {
        if reserved.contains(&&rule.to) {
            let what = format!("{} is the customer's id or identity, which this field is not", quoted(&rule.to));
            reader.refuse(&format!("fields.{field}.to"), what, "give another customer field");
        } else if rule.to == "name" {
            let what = "\"name\" stands for first name, last name and nickname, which only fields.name fills";
            reader.refuse(&format!("fields.{field}.to"), what, "give another customer field");
        }
    };
    refuse("email", email, &[id, telnum]);
    refuse("phone", phone, &[id, mail]);
    refuse("note", note, &[id, mail, telnum, vvcu]);
    refuse("ids", ids, &[id, mail, telnum, vvcu]);
    reader.problems.len() == before
}

/// Two that write one field would overwrite each other for ever.
fn collisions(reader: &mut Reader<'_>, rules: &FieldRules, naming: &Naming) {
    let FieldRules { name, email, phone, note, ids } = rules;
    let mut taken: Vec<(&str, &str)> = Vec::new();
    if name.rule != WriteRule::Never {
        taken.extend([&naming.first_name, &naming.last_name, &naming.nickname].map(|part| (part.as_str(), "name")));
    }
    for (field, rule) in [("email", email), ("phone", phone), ("note", note), ("ids", ids)] {
        if rule.rule == WriteRule::Never {
            continue;
        }
        if let Some((to, other)) = taken.iter().find(|(to, _)| *to == rule.to) {
            let what = format!("fields.{other} writes {} too", quoted(to));
            reader.refuse(&format!("fields.{field}.to"), what, "give each its own, or one of them the rule \"never\"");
        }
        taken.push((&rule.to, field));
    }
}
