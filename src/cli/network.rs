//! From what the configuration says to the clients that speak with both vendors. Connects to nothing by itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::Utc;
use http::Method;
use url::Url;

use super::{
    exit::{Exit, Failure},
    setup::no_shop,
};
use crate::{
    config::{self, Settings},
    http::{Ambient, Client, Limits, Rate, ReqwestTransport, Transport, TransportOptions},
    model::ShopName,
    open2b::{Shop, ShopOptions},
    vivocha::{self, Reader},
};

/// The connections of a process.
pub struct Network {
    transport: Arc<dyn Transport>,
    limits: fn(Rate, usize) -> Limits,
    /// One client a shop, for as long as the process lives: it remembers how fast it has been.
    shops: Mutex<BTreeMap<ShopName, Shop>>,
}

impl Network {
    /// Reads the CA bundle, if one is given; connects to nothing.
    ///
    /// # Errors
    /// If that file is none.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        let options = TransportOptions { ca_bundle: settings.http.ca_bundle.clone(), ..TransportOptions::default() };
        let transport = ReqwestTransport::new(options).map_err(|e| Failure { exit: Exit::Usage, error: e.into() })?;
        Ok(Self { transport: Arc::new(transport), limits: Limits::new, shops: Mutex::default() })
    }

    /// The same for a person who waits for the answer: a fault is told rather than outlasted.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn impatient(settings: &Settings) -> Result<Self, Failure> {
        let limits = |rate, concurrency| Limits {
            tries: 2,
            longest_wait: Duration::from_secs(20),
            ..Limits::new(rate, concurrency)
        };
        Ok(Self { limits, ..Self::new(settings)? })
    }

    /// A shop's client.
    ///
    /// # Errors
    /// If there is no such shop, or no request could be formed.
    pub fn shop(&self, settings: &Settings, name: &ShopName) -> Result<Shop, Failure> {
        if let Some(shop) = self.shops().get(name) {
            return Ok(shop.clone());
        }
        let shop = settings.shops.get(name).ok_or_else(|| no_shop(settings, name))?;
        let options = ShopOptions {
            name: name.clone(),
            url: shop.url.clone(),
            secret_key: shop.secret_key.clone(),
            key_header: shop.key_header.as_str().into(),
            api_prefix: shop.api_prefix.clone(),
            api_version: u16::from(shop.api_version),
            page_size: shop.page_size,
            timeout: shop.timeout,
        };
        let limits = (self.limits)(rate(shop.rate), 4);
        let shop = Shop::new(options, Arc::clone(&self.transport), limits, Ambient::real())
            .map_err(|error| Failure::usage(format!("shops.{name}: {error}")))?;
        Ok(self.shops().entry(name.clone()).or_insert(shop).clone())
    }

    /// How many calls were made to shops so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.shops().values().map(|shop| shop.calls().values().sum::<u64>()).sum()
    }

    fn shops(&self) -> MutexGuard<'_, BTreeMap<ShopName, Shop>> {
        self.shops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account's client; its world is looked up where no base is configured.
    ///
    /// # Errors
    /// If the account is unknown, or no request could be formed.
    pub async fn reader(&self, settings: &Settings) -> Result<Reader, Failure> {
        let client = self.account(settings);
        let base_url = match &settings.vivocha.base_url {
            Some(base) => base.clone(),
            None => vivocha::world(&client, &settings.vivocha.account, &settings.vivocha.www).await?,
        };
        reader(client, settings, base_url)
    }

    /// The HTTP client of the account's host, and of the door that knows it.
    #[must_use]
    pub fn account(&self, settings: &Settings) -> Client {
        let vivocha = &settings.vivocha;
        let limits = (self.limits)(rate(vivocha.rate), vivocha.concurrency);
        Client::new("vivocha", Arc::clone(&self.transport), limits)
    }
}

/// The account's client at a base that is known.
///
/// # Errors
/// If no request could be formed.
pub fn reader(client: Client, settings: &Settings, base_url: Url) -> Result<Reader, Failure> {
    let vivocha = &settings.vivocha;
    let options = vivocha::Options {
        endpoints: endpoints(settings),
        naming: vivocha.fields.clone(),
        search: match vivocha.search {
            config::SearchMode::Auto => vivocha::SearchMode::Auto,
            config::SearchMode::Rql => vivocha::SearchMode::Rql,
            config::SearchMode::Params => vivocha::SearchMode::Params,
        },
        search_batch: vivocha.search_batch,
        timeout: vivocha.timeout,
        parallel: vivocha.concurrency,
        ..vivocha::Options::new(base_url, vivocha.account.clone(), auth(&vivocha.auth))
    };
    #[expect(clippy::disallowed_methods, reason = "a process takes its clock from here")]
    let clock: vivocha::Clock = Arc::new(Utc::now);
    Reader::new(client, options, clock).map_err(Failure::usage)
}

/// The account's verbs and paths, as they are configured.
#[must_use]
pub fn endpoints(settings: &Settings) -> vivocha::Endpoints {
    let endpoint = |e: &config::Endpoint| vivocha::Endpoint { method: Method::clone(&e.method), path: e.path.clone() };
    let config::Endpoints { search, get, update, merge, merge_body, history } = &settings.vivocha.endpoints;
    vivocha::Endpoints {
        search: endpoint(search),
        get: endpoint(get),
        update: endpoint(update),
        merge: endpoint(merge),
        merge_body: merge_body.to_string(),
        history: endpoint(history),
    }
}

fn auth(auth: &config::Auth) -> vivocha::Auth {
    match auth.clone() {
        config::Auth::Client { id, secret } => vivocha::Auth::Client { id, secret },
        config::Auth::Jwt { uid, secret } => vivocha::Auth::Jwt { uid, secret },
        config::Auth::Oauth { id, secret, scope } => vivocha::Auth::OAuth { client_id: id, secret, scope },
        config::Auth::Basic { account, secret } => vivocha::Auth::Basic { account, secret },
    }
}

fn rate(rate: config::Rate) -> Rate {
    Rate { calls: rate.calls.get(), per: rate.per }
}
