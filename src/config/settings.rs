//! What was meant: the configuration as types. A value that exists has passed every check; secrets hide in `Debug`.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use chrono_tz::Tz;
use croner::Cron;
use http::HeaderName;
use rlibphonenumber::Region;
use secrecy::SecretString;
use url::Url;

use super::{
    endpoint::{Endpoint, MergeBody},
    show::Shown,
};
use crate::model::{
    AccountName, Naming, ShopName,
    rules::{FieldRules, MatchingRules, SafeguardLimits, Spelling},
};

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[store]`.
    pub store: Store,
    /// `[vivocha]` and its tables.
    pub vivocha: Vivocha,
    /// `[shops.NAME]`; never empty.
    pub shops: BTreeMap<ShopName, Shop>,
    /// `[matching]`.
    pub matching: MatchingRules,
    /// `[fields]`, each target already in the account's own words.
    pub fields: FieldRules,
    /// `[safeguards]`.
    pub safeguards: SafeguardLimits,
    /// `[schedule]`.
    pub schedule: Schedule,
    /// `[http]`.
    pub http: Http,
    /// `[web]`.
    pub web: Web,
    /// `[observe]`.
    pub observe: Observe,
    /// `[hooks]`.
    pub hooks: Hooks,
    /// `[alerts]`, where they are wanted.
    pub alerts: Option<Alerts>,
    /// What is allowed but hardly meant; for the log at start and for `config validate`.
    pub warnings: Vec<String>,
    /// What `config show` shows.
    pub(super) shown: Vec<Shown>,
}

/// `[store]`.
#[derive(Debug, Clone)]
pub struct Store {
    /// Where state is kept.
    pub url: StoreUrl,
    /// The directory for the embedded store and the key of the hashes.
    pub state_dir: PathBuf,
    /// How long the exclusive right to an account lasts without being renewed.
    pub lease: Duration,
    /// How long a database that is away is waited for.
    pub patience: Duration,
    /// The key of the hashes, at least 16 bytes; always there with Postgres.
    pub hash_key: Option<SecretString>,
    /// The one before it: what the store is kept under until a resync has changed it.
    pub previous_hash_key: Option<SecretString>,
}

/// Which store, and where.
#[derive(Debug, Clone)]
pub enum StoreUrl {
    /// The embedded one.
    Sqlite {
        /// The file; a relative one was resolved into the state directory.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// The whole address, which may hold a password.
        url: SecretString,
    },
}

/// `[vivocha]`.
#[derive(Debug, Clone)]
pub struct Vivocha {
    /// The account; keys all state.
    pub account: AccountName,
    /// The base of its API, with `/` at its end, so that [`Url::join`] appends; none: to be looked up.
    pub base_url: Option<Url>,
    /// The host that knows the world of an account, asked where there is no base.
    pub www: Url,
    /// How customers are searched.
    pub search: SearchMode,
    /// Contacts per search call, 1 to 100.
    pub search_batch: usize,
    /// How a number may be written there; never empty, each once.
    pub spellings: Vec<Spelling>,
    /// Calls at most.
    pub rate: Rate,
    /// Calls at once at most, 1 to 64.
    pub concurrency: usize,
    /// One call's deadline.
    pub timeout: Duration,
    /// How long after a timeout a write may still be applied.
    pub late_apply: Duration,
    /// How we prove who we are.
    pub auth: Auth,
    /// Which calls there are.
    pub endpoints: Endpoints,
    /// What the account calls things.
    pub fields: Naming,
}

/// How customers are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchMode {
    /// `Rql` where the account's own specification offers it, else `Params`.
    Auto,
    /// Many contacts per call.
    Rql,
    /// One contact per call.
    Params,
}

/// So many calls per span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub calls: NonZeroU32,
    /// In how long; never zero.
    pub per: Duration,
}

/// `[vivocha.auth]`.
#[derive(Debug, Clone)]
pub enum Auth {
    /// An API client's id and secret, as Basic.
    Client {
        /// The client's id.
        id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// Tokens we sign ourselves with the account's secret.
    Jwt {
        /// In whose name.
        uid: String,
        /// What signs.
        secret: SecretString,
    },
    /// OAuth 2 client credentials.
    Oauth {
        /// `client_id`.
        id: String,
        /// `client_secret`.
        secret: SecretString,
        /// What is asked for; never empty.
        scope: Vec<String>,
    },
    /// The account and its secret token, as Basic.
    Basic {
        /// The account.
        account: String,
        /// Its token.
        secret: SecretString,
    },
}

/// `[vivocha.endpoints]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Customers by e-mail or telephone.
    pub search: Endpoint,
    /// One customer; `{cid}`.
    pub get: Endpoint,
    /// Changes one; `{cid}`.
    pub update: Endpoint,
    /// Merges `{cid2}` into `{cid1}`.
    pub merge: Endpoint,
    /// What a merge sends.
    pub merge_body: MergeBody,
    /// What became of one; `{cid}`.
    pub history: Endpoint,
}

/// `[shops.NAME]`.
#[derive(Debug, Clone)]
pub struct Shop {
    /// Its address, with `/` at its end.
    pub url: Url,
    /// The key it was given; fit for a header.
    pub secret_key: SecretString,
    /// The header the key travels in.
    pub key_header: HeaderName,
    /// What stands before `/v10`: begins with `/` and does not end with one; or empty.
    pub api_prefix: String,
    /// 6 to 13.
    pub api_version: u8,
    /// Where a telephone number without a country belongs.
    pub country: Region,
    /// Contacts per page, 1 to 10 000.
    pub page_size: u32,
    /// Calls at most.
    pub rate: Rate,
    /// One call's deadline.
    pub timeout: Duration,
}

/// `[schedule]`.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// When syncs begin.
    pub sync: Cron,
    /// When resyncs begin.
    pub resync: Cron,
    /// Whose clock the two mean.
    pub timezone: Tz,
    /// How long an id that became visible late is waited for.
    pub lookback: Duration,
    /// Pages a sync reads again at most.
    pub lookback_pages: u32,
    /// When an unchanged linked contact is looked at again.
    pub recheck_linked: Duration,
    /// When an unchanged contact without a customer is.
    pub recheck_unmatched: Duration,
    /// Whether one missed run is made up for at start.
    pub catch_up: bool,
}

/// `[http]`.
#[derive(Debug, Clone)]
pub struct Http {
    /// Certificate authorities trusted besides the system's, in PEM.
    pub ca_bundle: Option<PathBuf>,
}

/// `[web]`.
#[derive(Debug, Clone)]
pub struct Web {
    /// Where the operator's page listens.
    pub listen: SocketAddr,
    /// Who may do what there.
    pub tokens_file: Option<PathBuf>,
}

/// `[observe]`.
#[derive(Debug, Clone)]
pub struct Observe {
    /// Where health and metrics listen.
    pub listen: SocketAddr,
    /// What is logged: a filter that `tracing_subscriber::EnvFilter` understands.
    pub log: String,
    /// How.
    pub log_format: LogFormat,
    /// Where traces go, if anywhere.
    pub otlp_endpoint: Option<Url>,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people on a terminal, else for machines.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// `[hooks]`.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// Where Vivocha's calls are answered.
    pub listen: SocketAddr,
    /// The account's secret token, which signs them; without it no call is answered.
    pub secret: Option<SecretString>,
    /// Where in a call the id of the customer may stand: JSON pointers, in this order; never empty.
    pub customer: Vec<String>,
    /// The longest call, in bytes.
    pub max_body: usize,
}

/// `[alerts]`.
#[derive(Debug, Clone)]
pub struct Alerts {
    /// Where they are posted.
    pub url: Url,
    /// What signs them.
    pub secret: SecretString,
    /// How old the last good sync may be; without it three periods of its schedule.
    pub stale_sync: Option<Duration>,
    /// The same of a resync; without it two periods.
    pub stale_resync: Option<Duration>,
}
