//! `anagrafe contacts`: the contacts of a shop, by hand: every method and every parameter of the vendor's page. People are
//! shown as they are. Nothing is remembered: what is changed here reaches Vivocha with the pass that next reads it.

mod values;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use self::values::{Changes, field, id, order, value};
use super::{
    Context, Exit, Failure, logging,
    network::Network,
    person::{Given, lines, object_on_stdin, visible},
    setup,
};
use crate::{
    http::{CallError, Cause, Verdict},
    model::{ContactId, ShopCustomerId, ShopName},
    open2b::{Conditions, ErrorKind, Field, FindQuery, Order, Record, Shop, ShopError},
};

/// `contacts …`
#[derive(Debug, Subcommand)]
pub enum ContactsCommand {
    /// Contacts that meet conditions, as the shop has them
    #[command(after_long_help = "Examples:
  anagrafe contacts find --customer 37091
  anagrafe contacts find --after 59068 --order id,-name --fields id,name,email --limit 500 --csv")]
    Find(FindArgs),
    /// One contact
    #[command(after_long_help = "An id the shop does not know ends with exit code 1; with --json it prints null.

Examples:
  anagrafe contacts get 59068
  anagrafe contacts get 59068 --fields name,phone --json")]
    Get {
        /// Its id
        #[arg(value_parser = id::<ContactId>())]
        id: ContactId,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        shop: OfShop,
    },
    /// How many contacts meet conditions
    #[command(after_long_help = "Examples:
  anagrafe contacts count
  anagrafe contacts count --customer 37091")]
    Count {
        #[command(flatten)]
        conditions: Where,
        #[command(flatten)]
        shop: OfShop,
    },
    /// A new contact; prints its id
    #[command(after_long_help = "Examples:
  anagrafe contacts create --customer 37091 --name 'Anna Rossi' --email anna@example.it
  echo '{\"customer\": 37091, \"name\": \"Anna Rossi\"}' | anagrafe contacts create -")]
    Create {
        #[command(flatten)]
        said: SaidArgs,
        #[command(flatten)]
        shop: OfShop,
    },
    /// Changes a contact; what is not named stays as it is
    #[command(after_long_help = "Examples:
  anagrafe contacts update 59068 --phone '+39 333 1234567'
  anagrafe contacts update 59068 --null-email
  echo '{\"note\": \"moved\"}' | anagrafe contacts update 59068 -")]
    Update {
        /// Its id
        #[arg(value_parser = id::<ContactId>())]
        id: ContactId,
        #[command(flatten)]
        said: SaidArgs,
        /// Takes the e-mail away, as `--email ''` does
        #[arg(long, conflicts_with_all = ["email", "stdin"])]
        null_email: bool,
        #[command(flatten)]
        shop: OfShop,
    },
    /// Deletes contacts; there is no way back
    #[command(
        after_long_help = "An id the shop does not know is no error to it. A deleted contact's link is found gone by a later pass.

Examples:
  anagrafe contacts delete 59068 --yes
  anagrafe contacts delete 59068 12078 23939 --yes"
    )]
    Delete {
        /// Their ids
        #[arg(required = true, value_parser = id::<ContactId>())]
        ids: Vec<ContactId>,
        /// Yes, delete them
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        shop: OfShop,
    },
}

/// Of which shop.
#[derive(Debug, Args)]
pub struct OfShop {
    /// The shop, where there are several
    #[arg(long)]
    shop: Option<ShopName>,
}

/// Which contacts.
#[derive(Debug, Args)]
pub struct Where {
    /// Those of this shop customer
    #[arg(long, value_name = "ID", value_parser = id::<ShopCustomerId>())]
    customer: Option<ShopCustomerId>,
    /// Those with an id above this one
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
}

/// Which fields.
#[derive(Debug, Args)]
pub struct Which {
    /// Fields to return [default: all]
    #[arg(long, value_delimiter = ',', value_name = "FIELD", value_parser = field())]
    fields: Vec<Field>,
}

/// `contacts find`
#[derive(Debug, Args)]
pub struct FindArgs {
    #[command(flatten)]
    conditions: Where,
    #[command(flatten)]
    which: Which,
    /// Sorted by these, each from the highest down with `-` before it
    #[arg(long, value_delimiter = ',', value_name = "FIELD", default_value = "id", allow_hyphen_values = true)]
    #[arg(value_parser = order())]
    order: Vec<Order>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Leaves out so many at the beginning
    #[arg(long, value_name = "N")]
    first: Option<u32>,
    #[command(flatten)]
    shop: OfShop,
}

/// What a contact is to say.
#[derive(Debug, Args)]
pub struct SaidArgs {
    /// Reads them as a JSON object from standard input instead: {"customer", "name", "phone", "email", "note"}
    #[arg(value_name = "-", value_parser = ["-"])]
    #[arg(conflicts_with_all = ["customer", "name", "phone", "email", "note"])]
    stdin: Option<String>,
    /// The shop customer it belongs to
    #[arg(long, value_name = "ID", value_parser = id::<ShopCustomerId>())]
    customer: Option<ShopCustomerId>,
    /// Its name, 1 to 50 characters
    #[arg(long)]
    name: Option<Given>,
    /// Its telephone number, up to 15 characters
    #[arg(long)]
    phone: Option<Given>,
    /// Its e-mail, 3 to 120 characters; '' for none
    #[arg(long)]
    email: Option<Given>,
    /// Its note, up to 255 characters
    #[arg(long)]
    note: Option<Given>,
}

impl SaidArgs {
    fn changes(self, id: Option<ContactId>) -> Result<Changes, Failure> {
        if self.stdin.is_some() {
            return Changes::read(&object_on_stdin()?, id);
        }
        let text = |given: Option<Given>| given.map(|Given(text)| text);
        Ok(Changes {
            owner: self.customer,
            name: text(self.name),
            phone: text(self.phone),
            email: text(self.email),
            note: text(self.note),
        })
    }
}

pub async fn run(context: &Context, command: ContactsCommand) -> Result<Exit, Failure> {
    match command {
        ContactsCommand::Find(args) => find(context, args).await,
        ContactsCommand::Get { id, which, shop } => get(context, id, which, &shop).await,
        ContactsCommand::Count { conditions, shop } => {
            let count = client(context, &shop)?.count(conditions.conditions()).await?;
            said(context, &json!({ "count": count }), &count.to_string())
        }
        ContactsCommand::Create { said, shop } => create(context, said, &shop).await,
        ContactsCommand::Update { id, said, null_email, shop } => update(context, id, said, null_email, &shop).await,
        ContactsCommand::Delete { ids, yes, shop } => delete(context, ids, yes, &shop).await,
    }
}

impl Where {
    const fn conditions(&self) -> Conditions {
        Conditions { customer: self.customer, after: self.after }
    }
}

impl Which {
    /// The fields to show, each once.
    fn fields(&self) -> Vec<Field> {
        let mut once = Vec::new();
        for field in if self.fields.is_empty() { &Field::ALL[..] } else { &self.fields } {
            if !once.contains(field) {
                once.push(*field);
            }
        }
        once
    }
}

fn client(context: &Context, of: &OfShop) -> Result<Shop, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    logging::begin(context, &settings);
    let shops = setup::shops(&settings, of.shop.as_ref())?;
    let [name] = shops.as_slice() else {
        let names: Vec<&str> = shops.iter().map(ShopName::as_str).collect();
        return Err(Failure::usage(format!("there are several shops: say which with --shop ({})", names.join(", "))));
    };
    Network::new(&settings)?.shop(&settings, name)
}

fn said(context: &Context, json: &Value, text: &str) -> Result<Exit, Failure> {
    if context.out.json {
        context.out.json(json)?;
    } else {
        context.out.line(text);
    }
    Ok(Exit::Done)
}

async fn find(context: &Context, args: FindArgs) -> Result<Exit, Failure> {
    let fields = args.which.fields();
    let query = FindQuery {
        conditions: args.conditions.conditions(),
        fields: Field::with_id(&fields),
        order: args.order,
        limit: args.limit,
        first: args.first,
    };
    let records = client(context, &args.shop)?.find(&query).await?;
    list(context, &records, &fields)?;
    if records.len() as u64 >= u64::from(args.limit) {
        context.out.notice(format!("{} contacts, as many as --limit allows: there may be more", records.len()));
    }
    Ok(Exit::Done)
}

/// Records in the vendor's shape; what cannot be read is there by id and defect.
fn list(context: &Context, records: &[Record], fields: &[Field]) -> Result<(), Failure> {
    let rows: Vec<Map<String, Value>> = records.iter().map(|record| value(record, fields)).collect();
    let mut header: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
    let unreadable = records.iter().filter(|record| matches!(record, Record::Malformed { .. })).count();
    if unreadable > 0 {
        header.extend((!fields.contains(&Field::Id)).then_some("id"));
        header.push("defect");
        let plural = if unreadable == 1 { "contact" } else { "contacts" };
        context.out.notice(format!("{unreadable} {plural} cannot be read and stand there by id and defect"));
    }
    let raw = context.out.csv;
    let cell = |row: &Map<String, Value>, field: &str| {
        let text = row.get(field).map(super::person::shown).unwrap_or_default();
        if raw { text } else { visible(&text) }
    };
    let row = |row: &Map<String, Value>| header.iter().map(|field| cell(row, field)).collect();
    context.out.list(&rows, &header, row, "No contact meets that.")
}

async fn get(context: &Context, id: ContactId, which: Which, shop: &OfShop) -> Result<Exit, Failure> {
    let fields = which.fields();
    let Some(record) = client(context, shop)?.get_fields(id, &fields).await? else {
        if context.out.json {
            context.out.json(&Value::Null)?;
        }
        return Err(no_contact(id));
    };
    if context.out.csv {
        list(context, &[record], &fields)?;
        return Ok(Exit::Done);
    }
    if let Record::Malformed { id: _, defect } = &record {
        context.out.notice(format!("contact {id} cannot be read: {defect}"));
    }
    let document = value(&record, &fields);
    if context.out.json {
        context.out.json(&document)?;
    } else {
        for line in lines(&document) {
            context.out.line(line);
        }
    }
    Ok(Exit::Done)
}

async fn create(context: &Context, said_args: SaidArgs, shop: &OfShop) -> Result<Exit, Failure> {
    let changes = said_args.changes(None)?;
    let owner = changes.owner;
    let contact = changes.contact()?;
    let id = client(context, shop)?.create(&contact).await.map_err(|error| refusal(error, None, owner, "created"))?;
    said(context, &json!({ "id": id }), &format!("Contact {id} is created."))
}

async fn update(
    context: &Context,
    id: ContactId,
    said_args: SaidArgs,
    null_email: bool,
    shop: &OfShop,
) -> Result<Exit, Failure> {
    let mut changes = said_args.changes(Some(id))?;
    if null_email {
        changes.email = Some(String::new());
    }
    let owner = changes.owner;
    let patch = changes.patch()?;
    let client = client(context, shop)?;
    client.update(id, &patch).await.map_err(|error| refusal(error, Some(id), owner, "changed"))?;
    said(context, &json!({ "updated": id }), &format!("Contact {id} is changed."))
}

async fn delete(context: &Context, ids: Vec<ContactId>, yes: bool, shop: &OfShop) -> Result<Exit, Failure> {
    let mut once: Vec<ContactId> = Vec::new();
    for id in ids {
        if !once.contains(&id) {
            once.push(id);
        }
    }
    if !yes {
        let count = once.len();
        return Err(Failure::usage(format!(
            "{count} to delete, and there is no way back: say --yes; nothing was done"
        )));
    }
    client(context, shop)?.delete(&once).await.map_err(|error| refusal(error, None, None, "deleted"))?;
    let list: Vec<String> = once.iter().map(ToString::to_string).collect();
    said(context, &json!({ "deleted": once }), &format!("Deleted: {}.", list.join(", ")))
}

fn no_contact(id: ContactId) -> Failure {
    Failure::failed(anyhow::anyhow!("contact {id} does not exist"))
}

/// A refused or doubtful write, in words for who wrote it.
fn refusal(error: CallError, id: Option<ContactId>, owner: Option<ShopCustomerId>, done: &str) -> Failure {
    let lacks = |field: &str| {
        let refused = ShopError { field: Some(field.to_owned()), kind: ErrorKind::NotFound };
        matches!(&error.cause, Cause::Refused(text) if *text == refused.to_string())
    };
    match (id, owner) {
        (Some(id), _) if lacks("id") => no_contact(id),
        (_, Some(owner)) if lacks("customer") => {
            Failure::failed(anyhow::anyhow!("customer {owner} does not exist in the shop: name one that does"))
        }
        (_, _) if error.verdict == Verdict::Unknown => Failure::failed(
            anyhow::Error::from(error)
                .context(format!("perhaps {done}, perhaps not: look with `anagrafe contacts` before doing it again")),
        ),
        (_, _) => error.into(),
    }
}
