//! `[vivocha]` with `[vivocha.auth]` and `[vivocha.endpoints]`; its fields are read in [`super::fields`].

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{
    endpoint::{Endpoint, MergeBody},
    problem::Wrong,
    reader::Reader,
    sections::{fits_a_header, warn_of_plain_http},
    settings::{Auth, Endpoints, SearchMode, Vivocha},
    values::{base_url, duration, one_of, quoted, rate},
};
use crate::model::{AccountName, Naming, rules::Spelling};

const SPELLINGS: &[(&str, Spelling)] = &[
    ("e164", Spelling::E164),
    ("00", Spelling::DoubleZero),
    ("bare", Spelling::Bare),
    ("national", Spelling::National),
    ("as-written", Spelling::AsWritten),
];

pub(super) fn vivocha(reader: &mut Reader<'_>, naming: Option<Naming>) -> Option<Vivocha> {
    const MODES: &[(&str, SearchMode)] =
        &[("auto", SearchMode::Auto), ("rql", SearchMode::Rql), ("params", SearchMode::Params)];
    let timeouts = || duration(Duration::from_secs(1), Duration::from_mins(10));
    let account = reader.parsed("vivocha.account", account);
    let base_url = reader.optional("vivocha.base_url", base_url);
    if let Ok(Some(url)) = &base_url {
        warn_of_plain_http(reader, "vivocha.base_url", url);
    }
    let www = reader.parsed("vivocha.www", super::values::base_url);
    let search = reader.parsed("vivocha.search", one_of(MODES));
    let search_batch = reader.whole("vivocha.search_batch", 1..=100);
    let spellings = spellings(reader);
    let rate = reader.parsed("vivocha.rate", rate);
    let concurrency = reader.whole("vivocha.concurrency", 1..=64);
    let timeout = reader.parsed("vivocha.timeout", timeouts());
    let late_apply = reader.parsed("vivocha.late_apply", duration(Duration::from_secs(1), Duration::from_hours(24)));
    let auth = auth(reader);
    let endpoints = endpoints(reader);
    Some(Vivocha {
        account: account?,
        base_url: base_url.ok()?,
        www: www?,
        search: search?,
        search_batch: search_batch?,
        spellings: spellings?,
        rate: rate?,
        concurrency: concurrency?,
        timeout: timeout?,
        late_apply: late_apply?,
        auth: auth?,
        endpoints: endpoints?,
        fields: naming?,
    })
}

fn account(text: &str) -> Result<AccountName, Wrong> {
    let instead = "give the account's name: 1 to 64 letters, digits, '-' or '_'";
    text.parse().map_err(|_| Wrong::new(format!("{} is no name for an account", quoted(text)), instead))
}

fn spellings(reader: &mut Reader<'_>) -> Option<Vec<Spelling>> {
    let key = "vivocha.spellings";
    let mut spellings = Vec::new();
    let mut fit = true;
    for text in reader.list(key) {
        match one_of(SPELLINGS)(&text) {
            Ok(spelling) if spellings.contains(&spelling) => {
                fit = false;
                reader.refuse(key, format!("{} stands there twice", quoted(&text)), "name each once");
            }
            Ok(spelling) => spellings.push(spelling),
            Err(wrong) => {
                fit = false;
                reader.refuse(key, wrong.what, wrong.instead);
            }
        }
    }
    if fit && spellings.is_empty() {
        fit = false;
        reader.refuse(key, "empty: no telephone number could be searched", "name at least \"e164\"");
    }
    fit.then_some(spellings)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Client,
    Jwt,
    Oauth,
    Basic,
}

fn auth(reader: &mut Reader<'_>) -> Option<Auth> {
    const MODES: &[(&str, Mode)] =
        &[("client", Mode::Client), ("jwt", Mode::Jwt), ("oauth", Mode::Oauth), ("basic", Mode::Basic)];
    let mode = reader.parsed("vivocha.auth.mode", one_of(MODES));
    let id = reader.parsed("vivocha.auth.id", |text| {
        if text.is_empty() {
            return Err(Wrong::new("empty", "give the id"));
        }
        fits_a_header(text).map(|()| text.to_owned())
    });
    let secret = reader.secret("vivocha.auth.secret");
    let scope = scope(reader, mode);
    let in_basic = matches!(mode, Some(Mode::Client | Mode::Basic));
    if in_basic && id.as_ref().is_some_and(|id| id.contains(':')) {
        reader.refuse("vivocha.auth.id", "holds a colon, which ends the id in this mode", "give the id alone");
    }
    if let (Some(Mode::Client | Mode::Oauth | Mode::Basic), Some(secret)) = (mode, &secret)
        && let Err(wrong) = fits_a_header(secret.expose_secret())
    {
        reader.refuse(&reader.secret_key("vivocha.auth.secret"), wrong.what, wrong.instead);
    }
    let (mode, id, secret) = (mode?, id?, secret?);
    Some(match mode {
        Mode::Client => Auth::Client { id, secret },
        Mode::Jwt => Auth::Jwt { uid: id, secret },
        Mode::Oauth => Auth::Oauth { id, secret, scope },
        Mode::Basic => Auth::Basic { account: id, secret },
    })
}

/// What is asked for; what we need, where nothing is said.
fn scope(reader: &mut Reader<'_>, mode: Option<Mode>) -> Vec<String> {
    let key = "vivocha.auth.scope";
    if !reader.given(key) {
        return ["Customer.query", "Customer.read", "Customer.update"].map(str::to_owned).to_vec();
    }
    let scope = reader.list(key);
    if mode.is_some_and(|mode| mode != Mode::Oauth) {
        reader.refuse(key, "only the mode \"oauth\" asks for a scope", "take it out, or give mode = \"oauth\"");
    } else if scope.is_empty() || scope.iter().any(|one| one.is_empty() || one.contains(char::is_whitespace)) {
        reader.refuse(key, "not a list of scopes", "give them as [\"Customer.query\", \"Customer.read\"]");
    }
    scope
}

fn endpoints(reader: &mut Reader<'_>) -> Option<Endpoints> {
    let mut read = |name: &str, placeholders: &[&str]| {
        reader.parsed(&format!("vivocha.endpoints.{name}"), |text| Endpoint::parse(text, placeholders))
    };
    let (search, get) = (read("search", &[]), read("get", &["{cid}"]));
    let (update, merge) = (read("update", &["{cid}"]), read("merge", &["{cid1}"]));
    let history = read("history", &["{cid}"]);
    let merge_body = reader.parsed("vivocha.endpoints.merge_body", MergeBody::parse);
    Some(Endpoints {
        search: search?,
        get: get?,
        update: update?,
        merge: merge?,
        merge_body: merge_body?,
        history: history?,
    })
}
