//! `anagrafe demo`: the main job, end to end, on this machine alone. Starts both systems in miniature, and does to them
//! just what an operator does on the first day, with the same commands; then says in plain words what became of a few people. With
//! `--merges` it is a few people only, told in [`merges`].

mod merges;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};

use clap::Args;
use owo_colors::OwoColorize as _;
use serde_json::{Map, Value, json};

use super::{
    Context, Exit, Failure,
    args::{CheckArgs, SyncArgs},
    check,
    output::Output,
    signals::Signals,
    sync,
};
use crate::sandbox::{
    Options, Sandbox,
    population::{self, ContactTruth, Expected, Kind, ShopContact},
};

/// `demo`
#[derive(Debug, Args)]
#[command(
    after_long_help = "Everything happens in a folder of its own that is removed at the end; no real shop or account is touched.

Examples:
  anagrafe demo
  anagrafe demo --contacts 5000 --seed 7
  anagrafe demo --merges         (a few people who are one, and a few who only look so)
  anagrafe demo --serve          (afterwards both systems go on, to play with)"
)]
pub struct DemoArgs {
    /// How many contacts the shop has
    #[arg(long, default_value_t = 2000, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(50..=200_000))]
    contacts: usize,
    /// Which people
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// A small town instead, of people who are one and of people who only look so: what is merged, what waits, and why
    #[arg(long, conflicts_with_all = ["contacts", "seed"])]
    merges: bool,
    /// Goes on serving both systems afterwards, until Ctrl-C
    #[arg(long)]
    serve: bool,
}

pub async fn run(context: &Context, args: DemoArgs) -> Result<Exit, Failure> {
    let began = Instant::now();
    let folder = Folder::make()?;
    let population = if args.merges {
        merges::people()
    } else {
        population::generate(args.seed, args.contacts, args.contacts * 4 / 5)
    };
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = Options { bind, latency: Duration::from_millis(1), ..Options::default() };
    let sandbox = Sandbox::start(population, options).await.map_err(Failure::failed)?;
    let config = folder.path().join("anagrafe.toml");
    std::fs::write(&config, sandbox.configuration(&folder.path().join("state"))).map_err(Failure::failed)?;
    let mut globals = context.globals.clone();
    globals.config = Some(config.clone());
    let town = Town { context: Context::new(globals, context.out), sandbox };
    let exit = if args.merges { merges::tell(&town, began).await? } else { town.tell(began).await? };
    if args.serve && exit == Exit::Done {
        town.serve(&config).await?;
    }
    Ok(exit)
}

/// A folder that goes with the demo.
struct Folder(std::path::PathBuf);

impl Folder {
    fn make() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("anagrafe-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(Failure::failed)?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the folder for temporary files, which is cleared without us.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Town {
    context: Context,
    sandbox: Sandbox,
}

impl Town {
    fn out(&self) -> Output {
        self.context.out
    }

    fn chapter(&self, text: &str) {
        if !self.out().json {
            self.out().line(format!("\n{}", text.bold()));
        }
    }

    fn say(&self, text: impl AsRef<str>) {
        if !self.out().json {
            self.out().line(text);
        }
    }

    async fn tell(&self, began: Instant) -> Result<Exit, Failure> {
        let before = self.sandbox.vivocha.customers();
        self.say(format!(
            "A town in miniature: an Open2b shop with {} contacts and a Vivocha account with {} customers, both over real HTTP on this machine.",
            self.sandbox.open2b.contacts().len(),
            before.len()
        ));
        self.chapter("anagrafe check: could a sync work?");
        let checked = check::run(&self.context, CheckArgs::default()).await?;
        if checked != Exit::Done {
            return Ok(checked);
        }
        self.chapter("anagrafe sync: the shop is surveyed, then crossed for the first time");
        let first = self.pass().await?;
        self.chapter(
            "anagrafe sync, once more: nothing changed, so nothing is asked of Vivocha and nothing is written",
        );
        let second = self.pass().await?;
        self.chapter("Life goes on: somebody registers who had chatted before, somebody registers who never did, a stranger chats");
        let newcomers = self.newcomers();
        let third = self.pass().await?;
        self.chapter("What became of a few of them");
        self.stories(&newcomers);
        self.say(format!(
            "\nAll of that took {:.1} s and {} calls. A shop's first merges wait until a person has looked: `anagrafe demo --merges` tells how that goes on. The folder of this demo is removed now.",
            began.elapsed().as_secs_f64(),
            self.sandbox.journal().len()
        ));
        // The hold of a shop's first merges is how a first day is to end.
        let first = if first == Exit::Held { Exit::Done } else { first };
        Ok(first.and(second).and(third))
    }

    async fn pass(&self) -> Result<Exit, Failure> {
        let ended = sync::run(&self.context, SyncArgs { shop: None, limit: None, wait: false }).await;
        self.context.close().await;
        ended
    }

    /// One who chatted before she registered, one who never chatted.
    fn newcomers(&self) -> [i64; 2] {
        let chat = json!({"email": "ines.sartori@example.it", "telnum": "", "nickname": "ines"});
        if let Value::Object(chat) = chat {
            self.sandbox.vivocha.add_customer(chat);
        }
        let stranger: Map<String, Value> = Map::from_iter([("nickname".to_owned(), json!("passante"))]);
        self.sandbox.vivocha.add_customer(stranger);
        let contact = |name: &str, email: &str, phone: &str| ShopContact {
            id: 0,
            customer: 1,
            name: name.into(),
            email: Some(email.into()),
            phone: phone.into(),
            note: String::new(),
        };
        [
            self.sandbox.open2b.add_contact(contact("Ines Sartori", "Ines.Sartori@Example.IT", "347 9900112")),
            self.sandbox.open2b.add_contact(contact("Tullio Sartori", "tullio.sartori@example.it", "")),
        ]
    }

    fn stories(&self, newcomers: &[i64; 2]) {
        let mut told = Vec::new();
        let truth = self.sandbox.truth.contacts.values();
        let pick = |of: &dyn Fn(&ContactTruth) -> bool| truth.clone().find(|truth| of(truth));
        let linked = |truth: &ContactTruth| truth.state == Expected::Linked;
        told.extend(pick(&|t| t.kind == Kind::Plain && linked(t) && t.writes.len() > 1).map(|t| self.updated(t)));
        told.extend(pick(&|t| t.merge.as_ref().is_some_and(|merge| merge.automatic)).map(|t| self.several(t)));
        told.extend(pick(&|t| t.kind == Kind::Hostile && t.state == Expected::Waiting).map(|t| self.hostile(t)));
        told.extend(
            pick(&|t| t.kind == Kind::Switchboard && t.state == Expected::Unmatched).map(|t| self.switchboard(t)),
        );
        told.extend(pick(&|t| t.kind == Kind::NoCounterpart).map(|t| {
            format!("{} never chatted: looked for again tomorrow, and after every edit.", self.name(t.contact))
        }));
        told.push(self.newcomer(newcomers[0]));
        for story in told {
            self.say(format!("- {story}"));
        }
        self.say("  (Any of them in full: `anagrafe explain contact ID`, while `anagrafe demo --serve` runs.)");
    }

    fn contact(&self, id: i64) -> ShopContact {
        self.sandbox.open2b.contacts().into_iter().find(|contact| contact.id == id).unwrap_or_default()
    }

    fn name(&self, id: i64) -> String {
        format!("{} (contact {id})", self.contact(id).name)
    }

    /// A field as the account holds it now.
    fn now(&self, customer: &str, field: &str) -> String {
        let customer = self.sandbox.vivocha.customer(customer).unwrap_or_default();
        customer.get(field).and_then(Value::as_str).unwrap_or("").to_owned()
    }

    fn updated(&self, truth: &ContactTruth) -> String {
        let customer = truth.customer.as_deref().unwrap_or_default();
        let fields: Vec<String> =
            truth.writes.keys().map(|field| format!("{field} \"{}\"", self.now(customer, field))).collect();
        format!(
            "{} stood in Vivocha as customer {customer} without all of that. Now it says {}; what it said before is untouched.",
            self.name(truth.contact),
            fields.join(", ")
        )
    }

    fn several(&self, truth: &ContactTruth) -> String {
        let merge = truth.merge.as_ref();
        let count = merge.map_or(0, |merge| merge.absorbed.len() + 1);
        format!(
            "{} is {count} customers in Vivocha. The link goes to the one that will stay, and the merge is proposed: a shop's first merges always wait for a look.",
            self.name(truth.contact)
        )
    }

    fn hostile(&self, truth: &ContactTruth) -> String {
        format!(
            "{} registered with an address that another person chatted with: the names differ, so nothing is linked and nothing written. A person decides: `anagrafe links list`.",
            self.name(truth.contact)
        )
    }

    fn switchboard(&self, truth: &ContactTruth) -> String {
        format!(
            "{} shares a number with colleagues. A number that several people hold says nothing about one of them, so it matched nobody.",
            self.name(truth.contact)
        )
    }

    fn newcomer(&self, id: i64) -> String {
        let customers = self.sandbox.vivocha.customers();
        let text = |customer: &Map<String, Value>, field: &str| {
            customer.get(field).and_then(Value::as_str).unwrap_or("").to_owned()
        };
        let hers = customers.iter().find(|customer| text(customer, "email") == "ines.sartori@example.it");
        let Some(hers) = hers.filter(|hers| !text(hers, "telnum").is_empty()) else {
            return format!(
                "{} registered after she had chatted, and was not linked: look at `anagrafe runs`.",
                self.name(id)
            );
        };
        format!(
            "{} registered after she had chatted: customer {} is hers, found though the shop spells her e-mail otherwise, and has her number {} now. Her nickname \"{}\" is hers and stays.",
            self.name(id),
            text(hers, "id"),
            text(hers, "telnum"),
            text(hers, "nickname"),
        )
    }

    async fn serve(&self, config: &Path) -> Result<(), Failure> {
        let signals = Signals::listen().map_err(Failure::failed)?;
        self.say(format!("\nBoth systems go on. In another terminal: anagrafe --config {} status", config.display()));
        self.say(format!("Faults and the journal: {}. Ctrl-C ends it.", self.sandbox.control_url()));
        signals.stop.cancelled().await;
        Ok(())
    }
}
