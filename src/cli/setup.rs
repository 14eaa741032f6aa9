//! From what the configuration says to what a command works with: the key, the store, the rules and the bridge of a shop.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{Context, exit::Failure, keys::Keys, network::Network};
use crate::{
    config::{self, Settings, StoreUrl},
    model::{HashKey, Keyed, ShopName},
    plan::normalise::Region,
    store::{
        Sealed, Store, StoreError,
        postgres::{self, Patience, PostgresStore},
        sqlite::{OpenOptions, SqliteStore},
    },
    sync::{Bridge, Candidacy, Rules, SystemClock, Watch, WitnessFile},
    vivocha::{Reader, Writer},
};

/// The settings, from the file named or found and the environment.
///
/// # Errors
/// Everything that is wrong with them.
pub fn settings(file: Option<&PathBuf>) -> Result<Settings, Failure> {
    let environment: BTreeMap<String, String> = environment();
    Ok(config::load(file.map(PathBuf::as_path), &environment)?)
}

/// The environment; names and values that are not Unicode concern nobody here.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What a command needs the store for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To work: made where it is missing.
    Work,
    /// To look: a missing one is an error that says so.
    Look,
    /// To plan: a throw-away copy, and nothing is written anywhere.
    Plan,
}

/// The key and the store.
pub struct Memory {
    /// The key of the hashes.
    pub key: Arc<HashKey>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The key that is to take the place of this one, where that is another and known.
    pub next: Option<Arc<HashKey>>,
    /// Whether the store is kept under the previous key.
    pub pending: bool,
    /// The key before, where the store remembers it.
    pub former: Option<Arc<HashKey>>,
    /// So many who were erased are known by the key before only.
    pub sealed: u64,
}

impl Memory {
    /// Fails where whoever was erased would not be recognised.
    ///
    /// # Errors
    /// [`StoreError::Sealed`].
    pub fn recognises(&self) -> Result<(), StoreError> {
        if self.sealed > 0 && self.former.is_none() { Err(StoreError::Sealed(self.sealed)) } else { Ok(()) }
    }
}

/// Opens the store with its key.
///
/// # Errors
/// If either cannot be had.
pub async fn memory(context: &Context, settings: &Settings, purpose: Purpose) -> Result<Memory, Failure> {
    let notice = |text: &str| context.out.notice(format!("anagrafe: {text}"));
    memory_told(context, settings, purpose, &notice).await
}

/// The same for whoever is told in a way of his own that a server is away and waited for.
///
/// # Errors
/// If either cannot be had.
pub async fn memory_told(
    context: &Context,
    settings: &Settings,
    purpose: Purpose,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<Memory, Failure> {
    let keys = Keys::of(settings, purpose)?;
    let (key, store) = opened(context, settings, purpose, &keys, notice).await?;
    context.opened(&store);
    let Sealed { count: sealed, former } = match store.sealed().await {
        Ok(sealed) => sealed,
        Err(error) => {
            context.closed(&store).await;
            return Err(error.into());
        }
    };
    let (former, pending) = (keys.former(former), keys.is_previous(&key));
    Ok(Memory { key, store, next: keys.current.filter(|_| pending), pending, former, sealed })
}

/// The store, under the first of the keys that is its own.
async fn opened(
    context: &Context,
    settings: &Settings,
    purpose: Purpose,
    keys: &Keys,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<(Arc<HashKey>, Arc<dyn Store>), StoreError> {
    for key in keys.all() {
        let key_check = key.check_value();
        let opened = match &settings.store.url {
            StoreUrl::Sqlite { path } => embedded(path, settings, key_check, purpose).await,
            StoreUrl::Postgres { url } => served(context, url, settings, key_check, purpose, notice).await,
        };
        match opened {
            Err(StoreError::WrongKey) => {}
            opened => return opened.map(|store| (Arc::clone(key), store)),
        }
    }
    Err(StoreError::WrongKey)
}

/// The store in a file.
async fn embedded(
    path: &Path,
    settings: &Settings,
    key_check: Keyed,
    purpose: Purpose,
) -> Result<Arc<dyn Store>, StoreError> {
    let account = settings.vivocha.account.clone();
    let store = match purpose {
        Purpose::Plan => SqliteStore::scratch(account, key_check, path.exists().then_some(path)).await?,
        Purpose::Work | Purpose::Look => {
            let create = purpose == Purpose::Work;
            let path = path.to_owned();
            let options = OpenOptions { path, account, key_check, create, migrate: true, read_only: false };
            SqliteStore::open(&options).await?
        }
    };
    Ok(Arc::new(store))
}

/// The store of a server.
async fn served(
    context: &Context,
    url: &SecretString,
    settings: &Settings,
    key_check: Keyed,
    purpose: Purpose,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<Arc<dyn Store>, StoreError> {
    let account = settings.vivocha.account.clone();
    let patience = patience(context, settings, purpose);
    if purpose == Purpose::Plan {
        return Ok(Arc::new(postgres::scratch(url, account, key_check, &patience, notice).await?));
    }
    let options = postgres::OpenOptions {
        url: url.clone(),
        account,
        key_check,
        create: purpose == Purpose::Work,
        migrate: true,
        read_only: false,
    };
    Ok(Arc::new(PostgresStore::open(&options, patience, notice).await?))
}

/// How long a server that is away is waited for: a person who only looks does not want to wait long.
#[must_use]
pub fn patience(context: &Context, settings: &Settings, purpose: Purpose) -> Patience {
    let most = match purpose {
        Purpose::Work | Purpose::Plan => Duration::MAX,
        Purpose::Look => Duration::from_secs(5),
    };
    Patience { span: settings.store.patience.min(most), stop: context.stop.clone() }
}

pub(super) fn no_shop(settings: &Settings, name: &ShopName) -> Failure {
    let known: Vec<&str> = settings.shops.keys().map(ShopName::as_str).collect();
    Failure::usage(format!("there is no shop {name} in the configuration; it has {}", known.join(", ")))
}

fn calls_per_hour(rate: config::Rate) -> u64 {
    let hours = Duration::from_hours(1).as_secs_f64() / rate.per.as_secs_f64().max(0.001);
    // A figure of some thousands, from one of some thousands: what is cut off is less than a call.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and far below 2^53")]
    let calls = (f64::from(rate.calls.get()) * hours) as u64;
    calls
}

/// How long an interrupted resync may be gone on with.
fn resync_period(settings: &Settings) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a process takes its clock from here")]
    let now = Utc::now();
    config::resync_period(settings, now).unwrap_or(Duration::from_hours(24))
}

/// The hash of where a shop is: its address without what does not tell shops apart.
#[must_use]
pub fn source(settings: &Settings, name: &ShopName, key: &HashKey) -> Keyed {
    let shop = settings.shops.get(name);
    let url = shop.map(|shop| format!("{}{}", shop.url.as_str().trim_end_matches('/'), shop.api_prefix));
    key.hash("source", &url.unwrap_or_default())
}

/// What a pass over this shop obeys.
///
/// # Errors
/// If there is no such shop.
pub fn rules(settings: &Settings, name: &ShopName) -> Result<Rules, Failure> {
    let shop = settings.shops.get(name).ok_or_else(|| no_shop(settings, name))?;
    let country = shop.country.as_region_str().to_string();
    let region = Region::parse(&country).ok_or_else(|| Failure::usage(format!("shops.{name}.country: {country}")))?;
    Ok(Rules {
        matching: settings.matching.clone(),
        fields: settings.fields.clone(),
        naming: settings.vivocha.fields.clone(),
        safeguards: settings.safeguards.clone(),
        spellings: settings.vivocha.spellings.clone(),
        region,
        country,
        page_size: shop.page_size,
        shop_calls_per_hour: calls_per_hour(shop.rate),
        resync_period: resync_period(settings),
        lookback: settings.schedule.lookback,
        lookback_pages: settings.schedule.lookback_pages,
        recheck_linked: settings.schedule.recheck_linked,
        recheck_unmatched: settings.schedule.recheck_unmatched,
        write_timeout: settings.vivocha.timeout,
        late_apply: settings.vivocha.late_apply,
        concurrency: settings.vivocha.concurrency,
        listens: settings.hooks.secret.is_some(),
    })
}

/// What the account's lease is asked for with.
#[must_use]
pub fn candidacy(
    settings: &Settings,
    store: &Arc<dyn Store>,
    purpose: &'static str,
    wait: bool,
    stop: &CancellationToken,
) -> Candidacy {
    let witness = WitnessFile::of(&settings.store.state_dir, &settings.vivocha.account);
    Candidacy {
        store: Arc::clone(store),
        clock: Arc::new(SystemClock),
        ttl: settings.store.lease,
        longest_call: settings.vivocha.timeout,
        purpose,
        wait,
        witness: Some(Arc::new(witness)),
        stop: stop.clone(),
        busy: None,
    }
}

/// The shops a command is about: the one named, or all.
///
/// # Errors
/// If there is no such shop.
pub fn shops(settings: &Settings, named: Option<&ShopName>) -> Result<Vec<ShopName>, Failure> {
    match named {
        Some(name) if settings.shops.contains_key(name) => Ok(vec![name.clone()]),
        Some(name) => Err(no_shop(settings, name)),
        None => Ok(settings.shops.keys().cloned().collect()),
    }
}

/// Everything a pass over a shop needs.
///
/// # Errors
/// If something of it cannot be had.
#[expect(clippy::too_many_arguments, reason = "a bridge is made of just these")]
pub fn bridge(
    settings: &Settings,
    name: &ShopName,
    network: &Network,
    reader: &Reader,
    memory: &Memory,
    writes: bool,
    watch: Arc<dyn Watch>,
    stop: CancellationToken,
) -> Result<Bridge, Failure> {
    Ok(Bridge {
        account: settings.vivocha.account.clone(),
        shop: network.shop(settings, name)?,
        source: source(settings, name, &memory.key),
        reader: reader.clone(),
        writer: writes.then(|| Writer::new(reader.clone())),
        store: Arc::clone(&memory.store),
        key: Arc::clone(&memory.key),
        former: memory.former.clone().filter(|_| memory.sealed > 0),
        rules: Arc::new(rules(settings, name)?),
        clock: Arc::new(SystemClock),
        watch,
        stop,
    })
}

/// Who sits at the terminal, for the record of decisions: the user behind sudo, else the user.
#[must_use]
pub fn operator() -> String {
    operator_of(&environment(), rustix::process::getuid().as_raw())
}

/// What Anagrafe itself decides is signed `anagrafe`: no person may be taken for it, whatever her account is called.
fn operator_of(environment: &BTreeMap<String, String>, uid: u32) -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].iter().filter_map(|name| environment.get(*name));
    match names.map(String::as_str).map(str::trim).find(|name| !name.is_empty()) {
        Some("anagrafe") => "anagrafe (user)".to_owned(),
        Some(name) => name.to_owned(),
        None => format!("uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_never_taken_for_the_program() {
        let named = |pairs: &[(&str, &str)]| {
            let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            operator_of(&environment, 1000)
        };
        assert_eq!(named(&[("USER", "rossi"), ("LOGNAME", "other")]), "rossi");
        assert_eq!(named(&[("USER", "root"), ("SUDO_USER", "rossi")]), "rossi");
        assert_eq!(named(&[("USER", "anagrafe")]), "anagrafe (user)");
        assert_eq!(named(&[("USER", "root"), ("SUDO_USER", " anagrafe ")]), "anagrafe (user)");
        assert_eq!(named(&[("USER", "")]), "uid 1000");
        assert_eq!(named(&[]), "uid 1000");
    }
}
