//! The key of the hashes, where it is a file of the state directory: made on first use, readable by its owner only.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::model::HashKey;

/// The file in the state directory.
pub const KEY_FILE: &str = "hash.key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key of the hashes, {}: {why}. It must be readable by the user Anagrafe runs as, and it must be the one this store was made with", path.display())]
    Unread {
        /// Where.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// There is none yet, and none can be made.
    #[error("store.state_dir: cannot make {KEY_FILE} in {}: {why}; give a folder that the user Anagrafe runs as may write to", state_dir.display())]
    Unmade {
        /// The folder.
        state_dir: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// It is no key.
    #[error("{} is no key of hashes (64 hexadecimal digits): put the right file back, or set store.hash_key_file", .0.display())]
    Malformed(PathBuf),
    /// There is a store, and its key is not there.
    #[error("there is a store, and its key {} is gone: put it back, or name it in store.hash_key_file; without it nothing of the store can be used", .0.display())]
    Gone(PathBuf),
    /// The randomness of the system failed.
    #[error("the system gives no random bytes for a new key")]
    Random,
}

/// Reads the key; `None` if there is none yet.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read(state_dir: &Path) -> Result<Option<HashKey>, KeyError> {
    let path = state_dir.join(KEY_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(why) => return Err(KeyError::Unread { path, why }),
    };
    let bytes = hex::decode(text.trim()).ok().filter(|bytes| bytes.len() == 32);
    let key = bytes.and_then(|bytes| HashKey::new(&bytes).ok());
    key.map(Some).ok_or(KeyError::Malformed(path))
}

/// What a text may mean: the 32 bytes that its 64 digits write, as the file of a state directory does, or itself.
#[must_use]
pub fn forms(text: &str) -> Vec<HashKey> {
    let written = hex::decode(text.trim()).ok().filter(|bytes| bytes.len() == 32);
    written.iter().map(Vec::as_slice).chain([text.as_bytes()]).filter_map(|bytes| HashKey::new(bytes).ok()).collect()
}

/// Reads the key, or makes one. Two processes that start at once agree on one: the second finds the first's.
///
/// # Errors
/// If it cannot be read or made.
pub fn read_or_make(state_dir: &Path) -> Result<HashKey, KeyError> {
    if let Some(key) = read(state_dir)? {
        return Ok(key);
    }
    make(state_dir).map_err(|why| KeyError::Unmade { state_dir: state_dir.to_owned(), why })?;
    read(state_dir)?.ok_or_else(|| KeyError::Malformed(state_dir.join(KEY_FILE)))
}

/// Written whole beside its place and then linked there, so that nobody ever reads half a key and none is replaced.
fn make(state_dir: &Path) -> io::Result<()> {
    let (mut bytes, mut name) = ([0; 32], [0; 8]);
    for random in [&mut bytes[..], &mut name[..]] {
        getrandom::fill(random).map_err(|_| io::Error::other(KeyError::Random))?;
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir)?;
    // Not named by the process: two containers that share the folder are both process 1.
    let draft = state_dir.join(format!(".{KEY_FILE}.{}", hex::encode(name)));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
        file.write_all(hex::encode(bytes).as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    let linked = written.and_then(|()| fs::hard_link(&draft, state_dir.join(KEY_FILE)));
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && state_dir.join(KEY_FILE).exists() => Ok(()),
        other => other,
    }
}

/// A key for this process only: what a plan uses where there is no store yet.
///
/// # Errors
/// If the system gives no random bytes.
pub fn ephemeral() -> Result<HashKey, KeyError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| KeyError::Random)?;
    HashKey::new(&bytes).map_err(|_| KeyError::Random)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end so")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        assert!(read(&state).unwrap().is_none());
        let first = read_or_make(&state).unwrap();
        let again = read_or_make(&state).unwrap();
        assert_eq!(first.check_value(), again.check_value());
        assert_eq!(fs::metadata(state.join(KEY_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_made_key_is_recognised_by_its_text_too() {
        let dir = tempfile::tempdir().unwrap();
        let made = read_or_make(dir.path()).unwrap().check_value();
        let text = fs::read_to_string(dir.path().join(KEY_FILE)).unwrap();
        let forms = forms(text.trim_end());
        assert_eq!((forms.len(), forms[0].check_value()), (2, made));
        assert_eq!(forms[1].check_value(), HashKey::new(text.trim_end().as_bytes()).unwrap().check_value());
        assert_eq!(super::forms("a key that a person chose").len(), 1);
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(KEY_FILE), "not a key").unwrap();
        assert!(matches!(read_or_make(dir.path()), Err(KeyError::Malformed(_))));
        assert_eq!(fs::read_to_string(dir.path().join(KEY_FILE)).unwrap(), "not a key");
    }

    #[test]
    fn many_at_once_agree_on_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let keys: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
            let make = || read_or_make(dir.path()).map(|key| key.check_value().to_string());
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        assert_eq!(keys.len(), 1);
    }
}
