//! The promise about automatic merges, checked the long way: pair by pair, from the documents, knowing what we wrote because it was
//! watched being written.

use crate::{
    model::{
        CustomerId,
        proposal::{Authority, Proposed},
    },
    plan::{
        evidence::{Candidate, Evidence, Side},
        names::{FoldedName, NameMatch, compare},
        page::{ContactPlan, PagePlan},
        shared,
    },
};

use super::world::World;

/// The customers that hold an identifier in any spelling, by field.
pub fn holders(evidence: &Evidence, field: &str, value: &serde_json::Value) -> Vec<CustomerId> {
    let text = value.as_str().unwrap();
    let holds = |candidate: &&Candidate| match field {
        "email" => matches!(&candidate.email, Side::Is(email) if email.as_str() == text),
        _ => matches!(&candidate.phone, Side::Is(phone) if phone.e164() == text),
    };
    evidence.customers.values().filter(holds).map(|candidate| candidate.customer.id.clone()).collect()
}

pub fn automatic_merges_are_safe(world: &World, plan: &PagePlan) -> Result<(), String> {
    for contact in &plan.contacts {
        for proposal in contact.proposals.iter().filter(|proposal| proposal.authority == Authority::Automatic) {
            let Proposed::Merge { survivor, absorbed } = &proposal.proposed else {
                return Err("a link was proposed as automatic".into());
            };
            let cluster: Vec<&CustomerId> = absorbed.iter().chain([survivor]).collect();
            safe(world, plan, contact, &cluster)?;
        }
    }
    Ok(())
}

fn safe(world: &World, plan: &PagePlan, contact: &ContactPlan, cluster: &[&CustomerId]) -> Result<(), String> {
    let ensure = |holds: bool, clause: &str| if holds { Ok(()) } else { Err(clause.to_owned()) };
    let evidence = world.evidence();
    let identity = world.identity(&contact.contact);
    let members: Vec<&Candidate> = cluster.iter().map(|id| &evidence.customers[*id]).collect();
    ensure(world.matching.auto_merge && cluster.len() <= world.matching.max_cluster as usize, "rules")?;
    ensure(contact.link.as_ref().is_some_and(|link| cluster.contains(&&link.customer)), "not linked to the survivor")?;

    // Contradictions, whoever wrote them.
    let is = |side: &Side<_>, mine: Option<&str>, text: &dyn Fn(&str) -> bool| match side {
        Side::Blank => true,
        Side::Is(()) => mine.is_some_and(text),
        Side::Unreadable | Side::Opaque => false,
    };
    let names: Vec<&FoldedName> = members.iter().map(|member| &member.name).chain([&identity.name]).collect();
    for member in &members {
        let email = unit(&member.email);
        let theirs = |mine: &str| matches!(&member.email, Side::Is(email) if email.as_str() == mine);
        ensure(is(&email, identity.email.as_ref().map(crate::model::Email::as_str), &theirs), "another e-mail")?;
        let phone = unit(&member.phone);
        let theirs = |mine: &str| matches!(&member.phone, Side::Is(phone) if phone.e164() == mine);
        ensure(is(&phone, identity.phone.as_ref().map(crate::model::Phone::e164), &theirs), "another number")?;
        let to_others = |id: &CustomerId| {
            let known = world.links.values().any(|link| link.customer == *id && link.contact != contact.contact);
            let now = plan.contacts.iter().filter(|other| other.contact != contact.contact);
            known || now.filter_map(|other| other.link.as_ref()).any(|link| link.customer == *id)
        };
        ensure(!to_others(&member.customer.id), "linked to another contact")?;
    }
    for (at, one) in names.iter().enumerate() {
        ensure(names[at..].iter().all(|other| compare(one, other) != NameMatch::Differ), "names differ")?;
    }

    // Grounds, none of them ours.
    let field = |member: &Candidate, field: &str| !world.wrote(member.customer.id.as_str(), field);
    let email_usable = identity.email.as_ref().is_some_and(|email| {
        shared::listed_email(email, &world.matching.shared_emails).is_none()
            && usable(
                world,
                &evidence,
                |c| world.identity(c).email.as_ref() == Some(email),
                |m| field(m, "email") && matches!(&m.email, Side::Is(theirs) if theirs == email),
            )
    });
    let phone_usable = identity.phone.as_ref().is_some_and(|phone| {
        shared::listed_phone(phone, &world.matching.shared_phones).is_none()
            && usable(
                world,
                &evidence,
                |c| world.identity(c).phone.as_ref() == Some(phone),
                |m| field(m, "telnum") && matches!(&m.phone, Side::Is(theirs) if theirs == phone),
            )
    });
    let by_email = |m: &Candidate| email_usable && field(m, "email") && matches!(m.email, Side::Is(_));
    let by_phone = |m: &Candidate| phone_usable && field(m, "telnum") && matches!(m.phone, Side::Is(_));
    ensure(
        members.iter().all(|member| by_email(member) || by_phone(member)),
        "a member without an identifier of its own",
    )?;
    if !members.iter().all(|member| by_email(member)) {
        let own = |m: &Candidate| {
            if m.name.is_blank() { field(m, "nickname") } else { field(m, "firstname") && field(m, "lastname") }
        };
        ensure(members.iter().all(|member| own(member)), "a name that we wrote confirms")?;
        let called = |m: &Candidate| if m.name.is_blank() { m.nickname.clone() } else { m.name.clone() };
        let names: Vec<FoldedName> = members.iter().map(|m| called(m)).chain([identity.name.clone()]).collect();
        for one in &names {
            let all = names.iter().all(|other| compare(one, other) == NameMatch::Agree);
            ensure(all, "a telephone or a bridge without agreeing names")?;
        }
    }
    Ok(())
}

/// Whether few enough hold it: contacts of no two names, and no more nameless ones than may be.
fn usable(
    world: &World,
    evidence: &Evidence,
    contact: impl Fn(&crate::model::ContactKey) -> bool,
    customer: impl Fn(&Candidate) -> bool,
) -> bool {
    let names: Vec<FoldedName> =
        world.contacts.keys().filter(|key| contact(key)).map(|key| world.identity(key).name).collect();
    let apart = names.iter().any(|one| names.iter().any(|other| compare(one, other) == NameMatch::Differ));
    let people = |names: &[FoldedName]| {
        let blank = names.iter().filter(|name| name.is_blank()).count();
        blank + usize::from(blank < names.len())
    };
    let theirs: Vec<FoldedName> = evidence
        .customers
        .values()
        .filter(|candidate| customer(candidate))
        .map(|candidate| if candidate.name.is_blank() { candidate.nickname.clone() } else { candidate.name.clone() })
        .collect();
    let most = world.matching.max_share as usize;
    !apart && people(&names) <= most && people(&theirs) <= most
}

fn unit<T>(side: &Side<T>) -> Side<()> {
    match side {
        Side::Blank => Side::Blank,
        Side::Is(_) => Side::Is(()),
        Side::Unreadable => Side::Unreadable,
        Side::Opaque => Side::Opaque,
    }
}
