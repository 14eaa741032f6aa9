//! The store: whether it opens, at which version, under this key, and can be written to. Makes none: the first sync does.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    model::{
        AccountName, HashKey,
        finding::{Finding, Standing},
    },
    store::{
        Store as _, StoreError, key,
        sqlite::{OpenOptions, SqliteStore, known_version, schema_version},
    },
};

const KEY: &str = "store.hash_key";
const URL: &str = "store.url";
const STATE_DIR: &str = "store.state_dir";

/// Where a SQLite store is to be.
#[derive(Debug)]
pub struct State {
    /// Its file.
    pub path: PathBuf,
    /// The folder that holds the key, where none is configured.
    pub state_dir: PathBuf,
    /// The account it is opened for.
    pub account: AccountName,
    /// The key of the configuration.
    pub given: Option<Arc<HashKey>>,
}

impl State {
    /// Looks at it.
    pub async fn findings(&self) -> Vec<Finding> {
        if self.path.exists() { self.standing().await } else { self.to_come() }
    }

    fn to_come(&self) -> Vec<Finding> {
        let place = Finding::new(
            URL,
            Standing::Confirmed,
            format!("none yet; the first sync makes it: {}", self.path.display()),
            "",
        );
        let key = match self.key() {
            Ok(Some(_)) => Finding::new(KEY, Standing::Confirmed, "there is a key", ""),
            Ok(None) => Finding::new(KEY, Standing::Confirmed, "none yet; the first sync makes it", ""),
            Err(finding) => finding,
        };
        let mut folders = vec![self.path.parent().unwrap_or(Path::new(".")), self.state_dir.as_path()];
        folders.dedup();
        [place, key].into_iter().chain(folders.into_iter().map(folder)).collect()
    }

    async fn standing(&self) -> Vec<Finding> {
        let (found, needed) = match schema_version(&self.path).await {
            Ok(found) => (found, known_version()),
            Err(error) => return vec![failing(URL, &error)],
        };
        if found > needed {
            return vec![failing(URL, &StoreError::TooNew { found, known: needed })];
        }
        let (text, advice) = if found < needed {
            let text = format!("schema version {found}; the next sync brings it to {needed}");
            (text, "keep a copy of the file first: there is no way back")
        } else {
            (format!("schema version {found}"), "")
        };
        let version = Finding::new(URL, Standing::Confirmed, text, advice);
        let key = match self.key() {
            Ok(Some(key)) => key,
            Ok(None) => return vec![version, self.key_is_gone()],
            Err(finding) => return vec![version, finding],
        };
        let parent = self.path.parent().unwrap_or(Path::new("."));
        if found < needed {
            // Opening it would have to change it.
            let text = "there is a key; whether it is this store's is told once the schema is brought up to date";
            return vec![version, Finding::new(KEY, Standing::Unknown, text, ""), folder(parent)];
        }
        [version].into_iter().chain(self.opened(&key).await).chain([folder(parent)]).collect()
    }

    /// Opens it as a sync does, which takes the right to write for a moment, and writes nothing.
    async fn opened(&self, key: &HashKey) -> Vec<Finding> {
        let options = OpenOptions {
            path: self.path.clone(),
            account: self.account.clone(),
            key_check: key.check_value(),
            create: false,
            migrate: false,
            read_only: false,
        };
        match SqliteStore::open(&options).await {
            Ok(store) => {
                store.close().await;
                vec![
                    Finding::new(KEY, Standing::Confirmed, "the key is the one this store was made with", ""),
                    Finding::new(URL, Standing::Confirmed, "opens, and can be written to", ""),
                ]
            }
            Err(error @ StoreError::WrongKey) => vec![failing(KEY, &error)],
            Err(error) => vec![failing(URL, &error)],
        }
    }

    fn key(&self) -> Result<Option<Arc<HashKey>>, Finding> {
        match &self.given {
            Some(given) => Ok(Some(Arc::clone(given))),
            None => key::read(&self.state_dir).map(|key| key.map(Arc::new)).map_err(|error| {
                let text = error.to_string();
                let (what, advice) = text.rsplit_once(". ").or_else(|| text.rsplit_once(": ")).unwrap_or((&text, ""));
                Finding::new(KEY, Standing::Contradicted, what, advice)
            }),
        }
    }

    fn key_is_gone(&self) -> Finding {
        let text = format!("there is a store, and {} is gone", self.state_dir.join(key::KEY_FILE).display());
        let advice = "put the key back, or name it in store.hash_key_file: without it nothing of the store can be used";
        Finding::new(KEY, Standing::Contradicted, text, advice)
    }
}

fn failing(subject: &str, error: &StoreError) -> Finding {
    let text = error.to_string();
    let (what, advice) = text.rsplit_once(": ").unwrap_or((&text, ""));
    Finding::new(subject, Standing::Contradicted, what, advice)
}

/// Whether files can be made in a folder, or in the one it is going to be made in. Asked by making one and taking it
/// away again: permissions alone do not tell (a read-only mount, another user's folder).
fn folder(wanted: &Path) -> Finding {
    let here = if wanted.as_os_str().is_empty() { Path::new(".") } else { wanted };
    let Some(there) = here.ancestors().find(|folder| folder.exists()) else {
        let text = format!("{} cannot be made: none of its folders exists", here.display());
        return Finding::new(STATE_DIR, Standing::Contradicted, text, "name a folder that can be made");
    };
    let probe = there.join(format!(".anagrafe-check.{}", std::process::id()));
    let made = fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    match made.and_then(|_| fs::remove_file(&probe)) {
        Ok(()) => {
            let text = if there == here { "can be written to".to_owned() } else { "can be made".to_owned() };
            Finding::new(STATE_DIR, Standing::Confirmed, format!("{} {text}", here.display()), "")
        }
        Err(error) => {
            let text = format!("files cannot be made in {}: {error}", there.display());
            let advice = format!("make {} writable for the user Anagrafe runs as, or name another", here.display());
            Finding::new(STATE_DIR, Standing::Contradicted, text, &advice)
        }
    }
}
