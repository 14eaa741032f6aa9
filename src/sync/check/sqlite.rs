//! The place of a store in a file: whether files can be made where it lies, and how soon they reach the disk.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::state::{Place, rounded};
use crate::{
    model::{
        AccountName, HashKey,
        finding::{Finding, Standing},
    },
    store::{
        Store, StoreError,
        sqlite::{OpenOptions, SqliteStore, known_version, made_with, schema_version},
    },
};

const STATE_DIR: &str = "store.state_dir";
/// What a transaction of a page writes at least.
const PAGE: [u8; 4096] = [0; 4096];
/// A disk that takes longer holds up every record of a pass.
const SLOW: Duration = Duration::from_millis(200);

/// A file, and the folder of the key.
#[derive(Debug)]
pub struct SqlitePlace {
    /// The file.
    pub path: PathBuf,
    /// The folder that holds the key, where none is configured.
    pub state_dir: PathBuf,
    /// The account it is opened for.
    pub account: AccountName,
}

#[async_trait]
impl Place for SqlitePlace {
    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn needed(&self) -> i64 {
        known_version()
    }

    async fn version(&self) -> Result<Option<i64>, StoreError> {
        if self.path.exists() { schema_version(&self.path).await.map(Some) } else { Ok(None) }
    }

    async fn is_of(&self, key: &HashKey) -> Result<bool, StoreError> {
        made_with(&self.path, &self.account, &key.check_value()).await
    }

    /// Takes the right to write for a moment, as every opening does.
    async fn open(&self, key: &HashKey) -> Result<Arc<dyn Store>, StoreError> {
        let options = OpenOptions {
            path: self.path.clone(),
            account: self.account.clone(),
            key_check: key.check_value(),
            create: false,
            migrate: false,
            read_only: false,
        };
        Ok(Arc::new(SqliteStore::open(&options).await?))
    }

    async fn own(&self) -> Vec<Finding> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        let mut folders = vec![parent];
        if !self.path.exists() && self.state_dir != parent {
            folders.push(&self.state_dir);
        }
        folders.into_iter().map(folder).collect()
    }
}

/// Whether files can be made in a folder, or in the one it is going to be made in. Asked by making one and taking it
/// away again: permissions alone do not tell (a read-only mount, another user's folder, a disk that is full).
fn folder(wanted: &Path) -> Finding {
    let here = if wanted.as_os_str().is_empty() { Path::new(".") } else { wanted };
    let Some(there) = here.ancestors().find(|folder| folder.exists()) else {
        let text = format!("{} cannot be made: none of its folders exists", here.display());
        return Finding::new(STATE_DIR, Standing::Contradicted, text, "name a folder that can be made");
    };
    let probe = there.join(format!(".anagrafe-check.{}", std::process::id()));
    match kept(&probe) {
        Ok(took) => {
            let can = if there == here { "can be written to" } else { "can be made" };
            let text = format!("{} {can}; a write reaches the disk in {}", here.display(), rounded(took));
            let advice =
                if took > SLOW { "every page of a pass waits for that: name a folder on a local disk" } else { "" };
            Finding::new(STATE_DIR, Standing::Confirmed, text, advice)
        }
        Err(error) => {
            let text = format!("files cannot be made in {}: {error}", there.display());
            let advice = format!("make {} writable for the user Anagrafe runs as, or name another", here.display());
            Finding::new(STATE_DIR, Standing::Contradicted, text, &advice)
        }
    }
}

/// Makes a file, waits until the disk has it, and takes it away again, whatever came of it.
fn kept(probe: &Path) -> io::Result<Duration> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(probe)?;
    let begun = Instant::now();
    let written = file.write_all(&PAGE).and_then(|()| file.sync_all());
    let took = begun.elapsed();
    let removed = fs::remove_file(probe);
    written.and(removed).map(|()| took)
}
