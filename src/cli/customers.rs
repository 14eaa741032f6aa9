//! `anagrafe customers`: the customers of the account, by hand: the whole of the vendor's class. People are shown as they are. A
//! write refuses while writing is paused, is declared before it is sent, and compared with what was there.

mod fields;
mod merge;
mod writing;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value};

use self::{
    fields::{Came, assignments},
    writing::{hand, sent_to, to_write},
};
use super::{
    Context, Exit, Failure, logging,
    network::Network,
    person::{Given, lines, shown, visible},
    setup,
};
use crate::{
    config::Settings,
    http::{CallError, Cause, Verdict},
    model::{Customer, CustomerId},
    plan::{
        normalise::{self, Region},
        spellings,
    },
    vivocha::{Ask, Reader, Writer},
};

/// `customers …`
#[derive(Debug, Subcommand)]
pub enum CustomersCommand {
    /// Customers that hold one of these, written just so
    #[command(
        after_long_help = "Vivocha compares texts letter by letter: +39 333 1234567 and 3331234567 are two numbers to it.
--spellings asks for each in all the ways a pass would.

Examples:
  anagrafe customers search --email anna@example.it --telnum 3331234567
  anagrafe customers search --telnum '+39 333 1234567' --spellings"
    )]
    Search(SearchArgs),
    /// One customer, whole
    #[command(after_long_help = "An id Vivocha does not know ends with exit code 1; with --json it prints null.

Examples:
  anagrafe customers get 5f1e8a
  anagrafe customers get 5f1e8a --json | jq .tags")]
    Get {
        /// Its id
        id: CustomerId,
    },
    /// Sends fields as given, whether they change something or not
    #[command(
        after_long_help = "key=value sends a text, key:=JSON anything else. Fields that are not named stay, but an object that is sent
replaces the one that stands there. What came back is shown and compared: a field that vanished or did not take ends
with exit code 1.

Examples:
  anagrafe customers update 5f1e8a nickname=nina 'tags:=[\"vip\"]'
  echo '{\"nickname\": null}' | anagrafe customers update 5f1e8a -"
    )]
    Update(WriteArgs),
    /// Reads first, and sends only fields that change
    #[command(after_long_help = "Examples:
  anagrafe customers save 5f1e8a firstname=Anna lastname=Rossi
  echo '{\"tags\": [\"vip\"]}' | anagrafe customers save 5f1e8a -")]
    Save(WriteArgs),
    /// Makes one customer of two, on your authority; there is no way back
    #[command(
        after_long_help = "The first stays, the second goes into it. Without --yes both are shown, and nothing is sent. It takes the account's
lease, counts towards safeguards.max_approved_per_day, and is remembered: see merges show, merges restore.
Which id remains is read afterwards; it is Vivocha that decides.

Exit code 1 where what became of it is not known: never send it again by hand, a later sync finds out.

Examples:
  anagrafe customers merge 5f1e8a 6a02c1
  anagrafe customers merge 5f1e8a 6a02c1 --yes"
    )]
    Merge(merge::MergeArgs),
    /// The chats of a customer, as the account has them
    #[command(after_long_help = "Examples:
  anagrafe customers history 5f1e8a
  anagrafe customers history 5f1e8a --json | jq length")]
    History {
        /// Its id
        id: CustomerId,
    },
}

/// `customers search`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("criteria").args(["email", "telnum", "vvcu"]).required(true).multiple(true))]
pub struct SearchArgs {
    /// An e-mail; may be repeated
    #[arg(long)]
    email: Vec<Given>,
    /// A telephone number; may be repeated
    #[arg(long)]
    telnum: Vec<Given>,
    /// One of Vivocha's unique user identifiers; may be repeated
    #[arg(long)]
    vvcu: Vec<Given>,
    /// Asks for e-mails and numbers in all the ways a pass would
    #[arg(long)]
    spellings: bool,
}

/// `customers update` and `save`
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// Its id
    id: CustomerId,
    /// key=TEXT or key:=JSON; or `-` for a JSON object on standard input
    #[arg(required = true, value_name = "FIELD")]
    fields: Vec<Given>,
}

pub async fn run(context: &Context, command: CustomersCommand) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    logging::begin(context, &settings);
    match command {
        CustomersCommand::Search(args) => search(context, &settings, args).await,
        CustomersCommand::Get { id } => {
            let customer = read(context, &reader(&settings).await?, &id).await?;
            show(context, &settings, &customer)?;
            Ok(Exit::Done)
        }
        CustomersCommand::Update(args) => update(context, &settings, args).await,
        CustomersCommand::Save(args) => save(context, &settings, args).await,
        CustomersCommand::Merge(args) => merge::run(context, &settings, args).await,
        CustomersCommand::History { id } => history(context, &settings, &id).await,
    }
}

async fn reader(settings: &Settings) -> Result<Reader, Failure> {
    Network::new(settings)?.reader(settings).await
}

async fn search(context: &Context, settings: &Settings, args: SearchArgs) -> Result<Exit, Failure> {
    let none = if args.spellings {
        "No customer holds one of these."
    } else {
        "No customer holds one of these written just so; --spellings asks for more ways."
    };
    let asks = asks(context, settings, args);
    let found = reader(settings).await?.search(&asks).await?;
    let customers: Vec<Customer> = found.customers.into_values().collect();
    list(context, settings, &customers, none)?;
    for index in &found.crowded {
        context.out.notice(format!(
            "value {} is held by more customers than a search can read: these are not all of them",
            index + 1
        ));
    }
    match found.failed.into_iter().next() {
        None => Ok(Exit::Done),
        Some((index, error)) => Err(Failure::failed(
            anyhow::Error::from(error).context(format!("value {} could not be searched for", index + 1)),
        )),
    }
}

/// One ask per value, in the order e-mails, numbers, identifiers.
fn asks(context: &Context, settings: &Settings, args: SearchArgs) -> Vec<Ask> {
    let SearchArgs { email, telnum, vvcu, spellings } = args;
    let spelled = |index: usize, text: String, ways: Result<Vec<String>, normalise::Defect>| match ways {
        Ok(ways) if !ways.is_empty() => ways,
        Ok(_) => vec![text],
        Err(defect) => {
            context.out.notice(format!("value {}: {}; searched as written only", index + 1, defect.explain()));
            vec![text]
        }
    };
    let mut asks = Vec::new();
    for Given(text) in email {
        let ways = if spellings { email_ways(&text) } else { Ok(Vec::new()) };
        asks.push(Ask { emails: spelled(asks.len(), text, ways), ..Ask::default() });
    }
    for Given(text) in telnum {
        let ways = if spellings { phone_ways(settings, &text) } else { Ok(Vec::new()) };
        asks.push(Ask { telnums: spelled(asks.len(), text, ways), ..Ask::default() });
    }
    asks.extend(vvcu.into_iter().map(|Given(text)| Ask { vvcu: Some(text), ..Ask::default() }));
    asks
}

fn email_ways(text: &str) -> Result<Vec<String>, normalise::Defect> {
    let email = normalise::email(text)?;
    Ok(email.map(|email| spellings::of_email(text, &email)).unwrap_or_default())
}

/// In the ways of every shop's country: a pass of each would ask so.
fn phone_ways(settings: &Settings, text: &str) -> Result<Vec<String>, normalise::Defect> {
    let mut all: Vec<String> = Vec::new();
    let mut defect = None;
    for shop in settings.shops.values() {
        let Some(region) = Region::parse(&shop.country.as_region_str()) else { continue };
        match normalise::phone(text, region) {
            Ok(Some(phone)) => {
                all.extend(spellings::of_phone(text, &phone, region, &settings.vivocha.spellings));
            }
            Ok(None) => {}
            Err(error) => defect = Some(error),
        }
    }
    match defect {
        Some(defect) if all.is_empty() => Err(defect),
        Some(_) | None => {
            let mut once = std::collections::BTreeSet::new();
            all.retain(|text| once.insert(text.clone()));
            Ok(all)
        }
    }
}

/// The fields an account surely has; `--json` shows whole documents.
fn list(context: &Context, settings: &Settings, customers: &[Customer], none: &str) -> Result<(), Failure> {
    if context.out.json {
        let documents: Vec<&Map<String, Value>> = customers.iter().map(|customer| &customer.document).collect();
        return context.out.json(&documents);
    }
    let naming = &settings.vivocha.fields;
    let header: Vec<&str> = [
        &naming.id,
        &naming.email,
        &naming.telnum,
        &naming.vvcu,
        &naming.first_name,
        &naming.last_name,
        &naming.nickname,
    ]
    .map(String::as_str)
    .to_vec();
    let rows: Vec<Vec<String>> = customers
        .iter()
        .map(|customer| {
            let text = |field: &&str| customer.document.get(*field).map(shown).unwrap_or_default();
            header.iter().map(text).collect()
        })
        .collect();
    let raw = context.out.csv;
    let row = |row: &Vec<String>| row.iter().map(|text| if raw { text.clone() } else { visible(text) }).collect();
    context.out.list(&rows, &header, row, none)
}

fn show(context: &Context, settings: &Settings, customer: &Customer) -> Result<(), Failure> {
    if context.out.csv {
        return list(context, settings, std::slice::from_ref(customer), "");
    }
    if context.out.json {
        return context.out.json(&customer.document);
    }
    for line in lines(&customer.document) {
        context.out.line(line);
    }
    Ok(())
}

async fn read(context: &Context, reader: &Reader, id: &CustomerId) -> Result<Customer, Failure> {
    let Some(customer) = reader.get(id).await? else {
        if context.out.json {
            context.out.json(&Value::Null)?;
        }
        return Err(no_customer(id));
    };
    if customer.id != *id {
        context.out.notice(format!("customer {id} is {} now: the two were merged", customer.id));
    }
    Ok(customer)
}

fn no_customer(id: &CustomerId) -> Failure {
    Failure::failed(anyhow::anyhow!("customer {id} does not exist"))
}

async fn update(context: &Context, settings: &Settings, args: WriteArgs) -> Result<Exit, Failure> {
    let sent = assignments(args.fields, &settings.vivocha.fields.id)?;
    let hand = hand(context, settings, "customers update").await?;
    let reader = reader(settings).await?;
    let before = to_write(&reader, &args.id).await?;
    let write = async |writer: &Writer| writer.update(&args.id, sent.clone()).await;
    let after = sent_to(&hand, &reader, &before, &sent, write).await?;
    compared(context, settings, &reader, &before, &sent, after).await
}

async fn save(context: &Context, settings: &Settings, args: WriteArgs) -> Result<Exit, Failure> {
    let mut sent = assignments(args.fields, &settings.vivocha.fields.id)?;
    let reader = reader(settings).await?;
    let before = to_write(&reader, &args.id).await?;
    sent.retain(|field, value| before.document.get(field) != Some(value));
    if !sent.is_empty() {
        let mut wanted = before.clone();
        wanted.document.extend(sent.clone());
        let hand = hand(context, settings, "customers save").await?;
        let write = async |writer: &Writer| writer.save(&before, &wanted).await;
        if let Some(after) = sent_to(&hand, &reader, &before, &sent, write).await? {
            return compared(context, settings, &reader, &before, &sent, after).await;
        }
    }
    context.out.notice("nothing to send: the customer holds all of that");
    show(context, settings, &before)?;
    Ok(Exit::Done)
}

/// Shows the customer as it came back, and tells what is not as it was to be. An answer that looks wrong may be a poor
/// answer to a good write: the customer itself is read before it is believed.
async fn compared(
    context: &Context,
    settings: &Settings,
    reader: &Reader,
    before: &Customer,
    sent: &Map<String, Value>,
    mut after: Customer,
) -> Result<Exit, Failure> {
    if !Came::of(before, sent, &after).as_meant()
        && let Ok(Some(read)) = reader.get(&before.id).await
    {
        after = read;
    }
    show(context, settings, &after)?;
    let came = Came::of(before, sent, &after);
    for field in &came.otherwise {
        context.out.notice(format!("{field} came back as another value than was sent"));
    }
    match came.complaint(&before.id) {
        None => Ok(Exit::Done),
        Some(complaint) => {
            if !context.out.json && !context.out.csv {
                for (field, value) in came.vanished.iter().filter_map(|field| before.document.get_key_value(field)) {
                    context.out.line(format!("vanished: {field} was {}", visible(&value.to_string())));
                }
            }
            Err(Failure::failed(anyhow::anyhow!("{complaint}")))
        }
    }
}

async fn history(context: &Context, settings: &Settings, id: &CustomerId) -> Result<Exit, Failure> {
    let history = match reader(settings).await?.history(id).await {
        Ok(history) => history,
        Err(CallError { cause: Cause::Status { status: 404, .. }, verdict: Verdict::Park, .. }) => {
            return Err(no_customer(id));
        }
        Err(error) => return Err(error.into()),
    };
    // Its shape is the account's own affair, so that people get it as JSON too, only with line breaks.
    if context.out.json {
        context.out.json(&history)?;
    } else {
        context.out.line(serde_json::to_string_pretty(&history).map_err(Failure::failed)?);
    }
    Ok(Exit::Done)
}
