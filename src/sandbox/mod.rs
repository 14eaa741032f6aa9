//! Both systems in miniature, over real HTTP: what `anagrafe sandbox` and `anagrafe demo` serve and what tests and
//! benchmarks run against. Written from the vendors' pages and sharing no code with the clients it is there to test.
//!
//! Three ports of the two vendors (a shop, an account, and the host that knows the account's world), one of our own, where
//! faults are set and the journal is read, and one for each further shop that feeds the account.
//!
//! ```text
//!  request ─▶ serve ─▶ desk ─▶ faults ─▶ open2b | vivocha | world ─▶ garble ─▶ reply
//!             (port)    └─▶ journal        (population: people, and the truth about them)
//! ```

mod control;
mod desk;
pub mod drift;
mod faults;
mod garble;
mod journal;
mod open2b;
pub mod population;
mod serve;
#[cfg(test)]
mod tests;
mod vivocha;
mod wire;

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use faults::{Fault, FaultKind, Faults, Malformed, RetryAfter};
pub use journal::Entry;
use journal::Journal;
pub use open2b::{CallLimit, RetryForm, Shop, ShopOptions};
use population::{OtherShop, Population, Truth};
pub use vivocha::{Absorbed, Account, AccountOptions, AuthMode, Kept, Specification, Survivor};

/// Where and how it is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long every answer takes.
    pub latency: Duration,
    /// The address; with port 0 each system gets a port of its own, otherwise this one and the three after it; further shops
    /// follow those.
    pub bind: SocketAddr,
    /// How the shop behaves.
    pub shop: ShopOptions,
    /// How further shops behave, by name; without a word about one, as usual and with a key of its own.
    pub others: BTreeMap<String, ShopOptions>,
    /// How the account behaves.
    pub account: AccountOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            shop: ShopOptions::default(),
            others: BTreeMap::new(),
            account: AccountOptions::default(),
        }
    }
}

/// Both systems, running until dropped.
pub struct Sandbox {
    /// The shop, from the inside.
    pub open2b: Arc<Shop>,
    /// Further shops of the account, by name.
    pub others: BTreeMap<String, Arc<Shop>>,
    /// The account, from the inside.
    pub vivocha: Arc<Account>,
    /// What is true of the population it started with.
    pub truth: Arc<Truth>,
    faults: Arc<Faults>,
    journal: Arc<Journal>,
    addresses: Addresses,
    stop: CancellationToken,
    serving: Vec<JoinHandle<()>>,
}

/// Where it listens.
#[derive(Debug, Clone)]
struct Addresses {
    shop: SocketAddr,
    others: BTreeMap<String, SocketAddr>,
    account: SocketAddr,
    www: SocketAddr,
    control: SocketAddr,
}

impl Sandbox {
    /// Starts serving a population. Needs a tokio runtime, whose tasks serve it.
    ///
    /// # Errors
    /// An address that cannot be listened on.
    pub async fn start(population: Population, options: Options) -> io::Result<Self> {
        let Population { contacts, customers, truth, others: further } = population;
        let open2b = Arc::new(Shop::new(options.shop, contacts));
        let account = options.account.account.clone();
        let vivocha = Arc::new(Account::new(options.account, customers));
        let world = Arc::new(vivocha::World::new(account));
        let (faults, journal) = (Arc::new(Faults::default()), Arc::new(Journal::new()));
        let stopping = CancellationToken::new();
        let desk = |system: Arc<dyn wire::System>, shop: Option<&str>| {
            let (journal, faults) = (Arc::clone(&journal), Arc::clone(&faults));
            Arc::new(desk::Desk { system, shop: shop.map(str::to_owned), journal, faults, latency: options.latency })
        };
        let at = |offset: u16| {
            let port = options.bind.port();
            SocketAddr::new(options.bind.ip(), if port == 0 { 0 } else { port.saturating_add(offset) })
        };
        let main = desk(Arc::clone(&open2b) as _, Some(MAIN));
        let (shop, first) = serve::system(main, at(0), stopping.clone()).await?;
        let (account, second) = serve::system(desk(Arc::clone(&vivocha) as _, None), at(1), stopping.clone()).await?;
        world.set_origin(format!("http://{account}"));
        let (www, third) = serve::system(desk(world as _, None), at(2), stopping.clone()).await?;
        let mut serving = vec![first, second, third];
        let (mut others, mut other_addresses) = (BTreeMap::new(), BTreeMap::new());
        for (OtherShop { name, contacts }, port) in further.into_iter().zip(4..) {
            let options = options.others.get(&name).cloned().unwrap_or_else(|| ShopOptions {
                secret_key: format!("{}-of-{name}", ShopOptions::default().secret_key),
                ..ShopOptions::default()
            });
            let shop = Arc::new(Shop::new(options, contacts));
            let desk = desk(Arc::clone(&shop) as _, Some(&name));
            let (address, task) = serve::system(desk, at(port), stopping.clone()).await?;
            serving.push(task);
            other_addresses.insert(name.clone(), address);
            others.insert(name, shop);
        }
        let truth = Arc::new(truth);
        let hand = control::Hand {
            open2b: Arc::clone(&open2b),
            vivocha: Arc::clone(&vivocha),
            truth: Arc::clone(&truth),
            faults: Arc::clone(&faults),
            journal: Arc::clone(&journal),
        };
        let (control, fourth) = serve::router(control::router(hand), at(3), stopping.clone()).await?;
        serving.push(fourth);
        let addresses = Addresses { shop, others: other_addresses, account, www, control };
        Ok(Self { open2b, others, vivocha, truth, faults, journal, addresses, stop: stopping, serving })
    }

    /// `[shops.main] url`.
    #[must_use]
    pub fn shop_url(&self) -> String {
        format!("http://{}", self.addresses.shop)
    }

    /// `[shops.NAME] url` of a further shop, if there is one of that name.
    #[must_use]
    pub fn other_shop_url(&self, name: &str) -> Option<String> {
        self.addresses.others.get(name).map(|address| format!("http://{address}"))
    }

    /// `[vivocha] base_url`.
    #[must_use]
    pub fn vivocha_base_url(&self) -> String {
        format!("http://{}/a/{}/api/v3", self.addresses.account, self.vivocha.options().account)
    }

    /// What stands for `https://www.vivocha.com`.
    #[must_use]
    pub fn www_url(&self) -> String {
        format!("http://{}", self.addresses.www)
    }

    /// Where a person sets faults and reads the journal.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}/_sandbox", self.addresses.control)
    }

    /// Every request so far, of all systems.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.journal.read()
    }

    /// Forgets the requests so far.
    pub fn clear_journal(&self) {
        self.journal.clear();
    }

    /// The switchboard of faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A whole `anagrafe.toml` that points here, with limits that do not slow a test down.
    #[must_use]
    pub fn configuration(&self, state_dir: &Path) -> String {
        let account = self.vivocha.options();
        let mut text = format!(
            "# Written by the sandbox: both systems in miniature.\n\
             [store]\n\
             url = \"sqlite://anagrafe.db\"\n\
             state_dir = {}\n\n\
             [vivocha]\n\
             account = {}\n\
             base_url = {}\n\
             rate = \"100000/s\"\n\
             timeout = \"5s\"\n\
             late_apply = \"5s\"\n\n\
             [vivocha.auth]\n\
             mode = \"client\"\n\
             id = {}\n\
             secret = {}\n",
            quoted(&state_dir.to_string_lossy()),
            quoted(&account.account),
            quoted(&self.vivocha_base_url()),
            quoted(&account.client_id),
            quoted(&account.client_secret),
        );
        text.push_str(&shop_table(MAIN, &self.shop_url(), &self.open2b.options()));
        for (name, address) in &self.addresses.others {
            let options = self.others.get(name).map(|shop| shop.options()).unwrap_or_default();
            text.push_str(&shop_table(name, &format!("http://{address}"), &options));
        }
        text
    }

    /// Cuts every connection and frees the ports before it answers.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        for serving in std::mem::take(&mut self.serving) {
            // A server that panicked has ended as well.
            let _ = serving.await;
        }
    }
}

/// What the configuration calls the first shop.
const MAIN: &str = "main";

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn shop_table(name: &str, url: &str, options: &ShopOptions) -> String {
    format!(
        "\n[shops.{name}]\n\
         url = {}\n\
         secret_key = {}\n\
         key_header = {}\n\
         rate = \"100000/s\"\n\
         timeout = \"5s\"\n",
        quoted(url),
        quoted(&options.secret_key),
        quoted(&options.key_header),
    )
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
