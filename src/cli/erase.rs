//! `anagrafe erase`: forgets a person, and sees to it that no later pass brings her back. What stays is a tombstone: the contact's id,
//! or the keyed hash of an address. What stands in the shop and in Vivocha is theirs to erase.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    Context, Exit, Failure,
    explain::contact_key,
    person::Given,
    setup::{self, Memory, Purpose},
};
use crate::{
    config::Settings,
    model::{ContactKey, Keyed},
    plan::normalise::{self, Region},
    store::{Erased, Erasure},
    sync::{Clock as _, SystemClock},
};

/// `erase`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "Whoever has a given e-mail is excluded, in every shop, today and later; of a contact given by its id only that record is. A telephone number is
often a household's: it excludes only if asked for. Nothing is changed in the shop or in Vivocha.

Examples:
  anagrafe erase main/59068
  anagrafe erase --email anna@example.it
  anagrafe erase list
  anagrafe erase --lift 3"
)]
pub struct EraseArgs {
    /// Contacts, as SHOP/ID, or only ID where there is one shop
    #[arg(value_name = "CONTACT", required_unless_present_any = ["email", "phone", "lift"])]
    contacts: Vec<String>,
    /// Whoever has this e-mail; may be given many times
    #[arg(long, value_name = "EMAIL")]
    email: Vec<Given>,
    /// Whoever has this telephone number; may be given many times
    #[arg(long, value_name = "PHONE", allow_hyphen_values = true)]
    phone: Vec<Given>,
    /// Lifts an erasure: whom it excluded, and no other excludes, is new again, and looked at by the next sync
    #[arg(long, value_name = "ERASURE", conflicts_with_all = ["contacts", "email", "phone"])]
    lift: Option<i64>,
    /// Instead of erasing
    #[command(subcommand)]
    command: Option<EraseCommand>,
}

/// `erase …`
#[derive(Debug, Subcommand)]
pub enum EraseCommand {
    /// The erasures, and what each excludes: ids and figures
    List,
}

pub async fn run(context: &Context, args: EraseArgs) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    match (args.command, args.lift) {
        (Some(EraseCommand::List), _) => list(context, &settings).await,
        (None, Some(erasure)) => lift(context, &settings, erasure).await,
        (None, None) => erase(context, &settings, &args.contacts, &args.email, &args.phone).await,
    }
}

async fn erase(
    context: &Context,
    settings: &Settings,
    contacts: &[String],
    emails: &[Given],
    phones: &[Given],
) -> Result<Exit, Failure> {
    let memory = setup::memory(context, settings, Purpose::Look).await?;
    let contacts: Vec<ContactKey> =
        contacts.iter().map(|text| contact_key(settings, text)).collect::<Result<_, _>>()?;
    let whom = Erasure {
        contacts,
        emails: hashed_emails(&memory, emails)?,
        phones: hashed_phones(settings, &memory, phones)?,
    };
    recognise(settings, &memory, emails, phones).await?;
    let erased = memory.store.erase(&whom, &setup::operator(), SystemClock.now()).await?;
    if context.out.json {
        context.out.json(&erased)?;
        return Ok(Exit::Done);
    }
    context.out.line(format!("Erasure {}: {}. {}", erased.id, excludes(&erased), removed(&erased)));
    context.out.notice(
        "No later pass brings them back; `anagrafe erase --lift` does. In the shop and in Vivocha they still stand: erase them there too. Backups of the store made before hold what was removed.",
    );
    if whom.emails.is_empty() {
        context.out.notice(
            "A new contact with the same e-mail is a new person to Anagrafe: give --email as well to exclude that.",
        );
    }
    Ok(Exit::Done)
}

/// What is known of them by a former key only is known by this one from now on: the erasure before, and who is gone from the shop.
async fn recognise(settings: &Settings, memory: &Memory, emails: &[Given], phones: &[Given]) -> Result<(), Failure> {
    let Some(former) = &memory.former else { return Ok(()) };
    let emails = emails.iter().filter_map(|Given(text)| normalise::email(text).ok().flatten());
    let emails = emails.map(|email| (memory.key.sealed(&former.email(&email)), memory.key.email(&email)));
    let regions = regions(settings);
    let phones = phones.iter().flat_map(|Given(text)| {
        regions.iter().filter_map(move |region| normalise::phone(text, *region).ok().flatten())
    });
    let phones = phones.map(|phone| (memory.key.sealed(&former.phone(&phone)), memory.key.phone(&phone)));
    let met: Vec<(Keyed, Keyed)> = emails.chain(phones).collect();
    memory.store.recognise(&met).await?;
    Ok(())
}

fn regions(settings: &Settings) -> Vec<Region> {
    settings.shops.values().filter_map(|shop| Region::parse(shop.country.as_region_str().as_ref())).collect()
}

async fn lift(context: &Context, settings: &Settings, erasure: i64) -> Result<Exit, Failure> {
    let memory = setup::memory(context, settings, Purpose::Look).await?;
    let erased = memory.store.lift(erasure, &setup::operator(), SystemClock.now()).await?;
    let left = left(&erased, &memory.store.erasures().await?);
    if context.out.json {
        context.out.json(&Lifted { erased, left })?;
        return Ok(Exit::Done);
    }
    context.out.line(format!("Erasure {erasure} is lifted: {}.", left.words()));
    if left.addresses {
        context.out.notice("Whoever has an e-mail or telephone number that another erasure names stays excluded too.");
    }
    Ok(Exit::Done)
}

/// A lifted erasure, and what that changes.
#[derive(Serialize)]
struct Lifted {
    #[serde(flatten)]
    erased: Erased,
    #[serde(flatten)]
    left: Left,
}

/// Whom an erasure let go, and whom another one keeps.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Left {
    /// Contacts that no other erasure names.
    anew: usize,
    /// Contacts that remain excluded, by the erasure that names them; one that two name is with each.
    excluded_by: BTreeMap<i64, usize>,
    /// How many those are.
    excluded: usize,
    /// Whether erasures stand that name addresses: whose they are is known only once they are read.
    #[serde(skip)]
    addresses: bool,
}

/// What is left of an erasure that was lifted, of all there are.
fn left(lifted: &Erased, all: &[Erased]) -> Left {
    let standing = || all.iter().filter(|other| other.lifted.is_none() && other.id != lifted.id);
    let of = |other: &Erased| lifted.contacts.iter().filter(|contact| other.contacts.contains(contact)).count();
    let excluded_by = standing().map(|other| (other.id, of(other))).filter(|(_, count)| *count > 0).collect();
    let named = |contact: &&ContactKey| standing().any(|other| other.contacts.contains(contact));
    let excluded = lifted.contacts.iter().filter(named).count();
    let addresses = standing().any(|other| other.emails + other.phones > 0);
    Left { anew: lifted.contacts.len() - excluded, excluded_by, excluded, addresses }
}

impl Left {
    fn words(&self) -> String {
        let contacts = |count: usize| if count == 1 { "1 contact".to_owned() } else { format!("{count} contacts") };
        let looked_at = format!("the next sync looks at {} anew", contacts(self.anew));
        let by = self.excluded_by.iter().map(|(erasure, count)| match self.excluded_by.len() {
            1 => format!("by erasure {erasure}"),
            _ => format!("{count} by erasure {erasure}"),
        });
        let by = by.collect::<Vec<_>>().join(", ");
        match self.excluded {
            0 => looked_at,
            1 => format!("{looked_at}; 1 remains excluded, {by}"),
            many => format!("{looked_at}; {many} remain excluded, {by}"),
        }
    }
}

async fn list(context: &Context, settings: &Settings) -> Result<Exit, Failure> {
    let memory = setup::memory(context, settings, Purpose::Look).await?;
    let erasures = memory.store.erasures().await?;
    context.out.list(
        &erasures,
        &["erasure", "at", "by", "excludes", "removed", "lifted"],
        |erased| {
            let lifted = erased.lifted.as_ref().map(|(at, by)| format!("{at} by {by}"));
            vec![
                erased.id.to_string(),
                erased.at.to_string(),
                erased.by.clone(),
                excludes(erased),
                removed(erased),
                lifted.unwrap_or_default(),
            ]
        },
        "Nobody was erased.",
    )?;
    Ok(Exit::Done)
}

fn excludes(erased: &Erased) -> String {
    let Erased { contacts, emails, phones, .. } = erased;
    format!("{} contacts, {emails} e-mails and {phones} telephone numbers are excluded", contacts.len())
}

fn removed(erased: &Erased) -> String {
    let parts: Vec<String> = erased.removed.iter().map(|(what, count)| format!("{count} {what}")).collect();
    if parts.is_empty() { "nothing was kept of them".into() } else { format!("removed: {}", parts.join(", ")) }
}

fn hashed_emails(memory: &Memory, given: &[Given]) -> Result<Vec<Keyed>, Failure> {
    given
        .iter()
        .map(|Given(text)| match normalise::email(text) {
            Ok(Some(email)) => Ok(memory.key.email(&email)),
            Ok(None) => Err(Failure::usage("--email: it is blank")),
            Err(defect) => {
                Err(Failure::usage(format!("--email: {defect}; `anagrafe normalise` shows what becomes of it")))
            }
        })
        .collect()
}

/// A number without a country is what it is in any of the shops' countries.
fn hashed_phones(settings: &Settings, memory: &Memory, given: &[Given]) -> Result<Vec<Keyed>, Failure> {
    let regions = regions(settings);
    let mut hashes = Vec::new();
    for Given(text) in given {
        let found: Vec<Keyed> = regions
            .iter()
            .filter_map(|region| normalise::phone(text, *region).ok().flatten())
            .map(|phone| memory.key.phone(&phone))
            .collect();
        if found.is_empty() {
            return Err(Failure::usage(
                "--phone: it is no valid number in any shop's country; `anagrafe normalise` shows why",
            ));
        }
        hashes.extend(found);
    }
    hashes.sort_unstable();
    hashes.dedup();
    Ok(hashes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use super::*;

    fn erased(id: i64, contacts: &[i64], emails: u64, lifted: bool) -> Erased {
        let key = |id: &i64| ContactKey { shop: "main".parse().unwrap(), id: (*id).try_into().unwrap() };
        let lifted = lifted.then(|| (crate::model::time::Moment::default(), "eva".to_owned()));
        Erased { id, contacts: contacts.iter().map(key).collect(), emails, lifted, ..Erased::default() }
    }

    #[test]
    fn only_whom_no_other_erasure_names_is_looked_at_anew() {
        let lifted = erased(1, &[1, 2, 3, 4], 0, true);
        let alone = left(&lifted, &[lifted.clone(), erased(2, &[1, 2], 0, true), erased(3, &[9], 0, false)]);
        assert_eq!(alone.words(), "the next sync looks at 4 contacts anew");
        assert!(!alone.addresses);
        let one = left(&lifted, &[lifted.clone(), erased(2, &[1], 1, false)]);
        assert_eq!(one.words(), "the next sync looks at 3 contacts anew; 1 remains excluded, by erasure 2");
        assert!(one.addresses);
        let two = left(&lifted, &[lifted.clone(), erased(2, &[1, 2], 0, false), erased(3, &[2, 3], 0, false)]);
        assert_eq!(
            two.words(),
            "the next sync looks at 1 contact anew; 3 remain excluded, 2 by erasure 2, 2 by erasure 3"
        );
        assert_eq!((two.anew, two.excluded, two.excluded_by), (1, 3, BTreeMap::from([(2, 2), (3, 2)])));
    }
}
