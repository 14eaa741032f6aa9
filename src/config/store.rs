//! `[store]`: where state lies, under which key and lease.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use humantime::format_duration;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    reader::{Noted, Reader},
    settings::{Store, StoreUrl},
    values::duration,
};
use crate::model::HashKey;

/// What a worker needs besides a call's own deadline to know that its lease still stands.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

pub(super) fn store(reader: &mut Reader<'_>, environment: &BTreeMap<String, String>) -> Option<Store> {
    let state_dir = state_dir(reader, environment);
    let url = reader.secret("store.url");
    let url = url.and_then(|url| store_url(reader, &url, state_dir.as_ref()));
    let lease = reader.parsed("store.lease", duration(Duration::from_secs(10), Duration::from_hours(1)));
    let patience = reader.parsed("store.patience", duration(Duration::ZERO, Duration::from_mins(10)));
    let hash_key = hash_key(reader, url.as_ref());
    let previous = previous_hash_key(reader, hash_key.as_ref().ok().and_then(Option::as_ref));
    Some(Store {
        url: url?,
        state_dir: state_dir?,
        lease: lease?,
        patience: patience?,
        hash_key: hash_key.ok()?,
        previous_hash_key: previous.ok()?,
    })
}

fn store_url(reader: &mut Reader<'_>, secret: &SecretString, state_dir: Option<&PathBuf>) -> Option<StoreUrl> {
    let text = secret.expose_secret();
    let instead = "give \"sqlite://FILE\" or \"postgres://USER@HOST/DATABASE\"";
    let what = if let Some(file) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) {
        if !file.is_empty() && !file.contains(['?', ':', '#']) && !file.ends_with('/') {
            // Joining an absolute path gives that path.
            return state_dir.map(|directory| StoreUrl::Sqlite { path: directory.join(file) });
        }
        "names no file"
    } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        let socket = |url: &Url| url.query_pairs().any(|(key, value)| key == "host" && !value.is_empty());
        if Url::parse(text).is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()) || socket(&url)) {
            return Some(StoreUrl::Postgres { url: secret.clone() });
        }
        "names no server"
    } else {
        "neither SQLite's address nor Postgres'"
    };
    reader.refuse(&reader.secret_key("store.url"), what, instead);
    None
}

fn hash_key(reader: &mut Reader<'_>, url: Option<&StoreUrl>) -> Result<Option<SecretString>, Noted> {
    let key = "store.hash_key";
    let given = reader.optional_secret(key)?;
    match (&given, url) {
        (Some(secret), _) => {
            let instead = "give at least 16, at random, as `openssl rand -hex 32` makes them";
            long_enough(reader, key, secret, instead)?;
        }
        (None, Some(StoreUrl::Postgres { .. })) => {
            let instead = "give it here, or a file's path as `hash_key_file`, the same for every process";
            reader.refuse(key, "missing, and Postgres cannot make one for all processes", instead);
            return Err(Noted);
        }
        (None, Some(StoreUrl::Sqlite { .. }) | None) => {}
    }
    Ok(given)
}

/// What the store was kept under before `hash_key`: a rotation is from one to the other.
fn previous_hash_key(reader: &mut Reader<'_>, current: Option<&SecretString>) -> Result<Option<SecretString>, Noted> {
    let key = "store.previous_hash_key";
    let given = reader.optional_secret(key)?;
    let Some(secret) = &given else { return Ok(None) };
    long_enough(reader, key, secret, "give the whole of the key that the store was kept under")?;
    if current.is_some_and(|current| current.expose_secret() == secret.expose_secret()) {
        let instead = "give the key that the store was kept under before, or leave it out";
        reader.refuse(&reader.secret_key(key), "the same as store.hash_key", instead);
        return Err(Noted);
    }
    Ok(given)
}

fn long_enough(reader: &mut Reader<'_>, key: &str, secret: &SecretString, instead: &str) -> Result<(), Noted> {
    if HashKey::new(secret.expose_secret().as_bytes()).is_err() {
        reader.refuse(&reader.secret_key(key), "shorter than 16 characters", instead);
        return Err(Noted);
    }
    Ok(())
}

/// A write is sent only while the lease outlives the call's deadline; so a short lease would forbid every write.
pub(super) fn lease(reader: &mut Reader<'_>) {
    if reader.refused("store.lease") || reader.refused("vivocha.timeout") {
        return;
    }
    let span = |key: &str| reader.raw(key).and_then(|text| humantime::parse_duration(&text).ok());
    let (given, timeout) = (span("store.lease"), span("vivocha.timeout"));
    let (Some(given), Some(timeout), late) = (given, timeout, span("vivocha.late_apply")) else { return };
    let least = timeout + LEASE_MARGIN;
    if given < least {
        let what =
            format!("{} is too short for a vivocha.timeout of {}", format_duration(given), format_duration(timeout));
        reader.refuse("store.lease", what, format!("give at least {}", format_duration(least)));
    }
    if late.is_some_and(|late| late < timeout) {
        let what = "shorter than vivocha.timeout; a server as slow as that may apply a write later still";
        reader.warnings.push(format!("vivocha.late_apply: {what}"));
    }
}

/// Where the embedded store and its key lie: as given, else as systemd or the desktop would have it.
fn state_dir(reader: &mut Reader<'_>, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let key = "store.state_dir";
    if let Some(path) = reader.path(key).ok()? {
        return Some(path);
    }
    let from = |name: &str| environment.get(name).map(String::as_str).filter(|text| text.starts_with('/'));
    let systemd = from("STATE_DIRECTORY").and_then(|list| list.split(':').next()).map(PathBuf::from);
    let xdg = || from("XDG_STATE_HOME").map(|home| PathBuf::from(home).join("anagrafe"));
    let home = || from("HOME").map(|home| PathBuf::from(home).join(".local/state/anagrafe"));
    let found = systemd
        .map(|path| (path, "$STATE_DIRECTORY"))
        .or_else(|| xdg().map(|path| (path, "$XDG_STATE_HOME")))
        .or_else(|| home().map(|path| (path, "$HOME")));
    if let Some((path, name)) = found {
        reader.derived.insert(key, (path.display().to_string(), name.to_owned()));
        return Some(path);
    }
    let what = "missing, and none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set";
    reader.refuse(key, what, "give a directory, as \"/var/lib/anagrafe\"");
    None
}
