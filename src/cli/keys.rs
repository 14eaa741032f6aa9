//! The keys that a store may be kept under: the one of the configuration, and the one before it, until a resync has gone from one to the
//! other. Which of them it is, the store says by its check value.

use std::{fs, sync::Arc};

use secrecy::ExposeSecret as _;

use super::{
    exit::{Exit, Failure},
    setup::Purpose,
};
use crate::{
    config::{Settings, StoreUrl},
    model::{HashKey, Keyed},
    store::{
        StoreError,
        key::{self, KeyError},
    },
};

/// What is said while a rotation is not done.
pub const PENDING: &str = "A change of the hash key is pending: all goes on under store.previous_hash_key until a whole `anagrafe resync` has ended well.";

/// Those of a configuration.
pub struct Keys {
    /// `hash_key`, or what lies in the state directory. None where somebody only looks and there is none.
    pub current: Option<Arc<HashKey>>,
    /// `previous_hash_key`, in each form its text may mean.
    pub previous: Vec<Arc<HashKey>>,
}

impl Keys {
    /// Reads them; the one in the state directory is made where there is none, by whoever works.
    ///
    /// # Errors
    /// If there is none, or it is no key.
    pub fn of(settings: &Settings, purpose: Purpose) -> Result<Self, Failure> {
        let previous = previous(settings);
        let current = match current(settings, purpose)? {
            Some(key) => Some(Arc::new(key)),
            None if !previous.is_empty() => None,
            None if purpose == Purpose::Plan => Some(Arc::new(key::ephemeral().map_err(Failure::failed)?)),
            None => {
                let path = settings.store.state_dir.display().to_string();
                let reason = "there is no store yet: `anagrafe sync` makes it, or look at store.state_dir".into();
                return Err(StoreError::Open { path, reason }.into());
            }
        };
        Ok(Self { current, previous })
    }

    /// All of them, in the order in which they are tried.
    pub fn all(&self) -> impl Iterator<Item = &Arc<HashKey>> {
        self.current.iter().chain(&self.previous)
    }

    /// Whether this is not the key of today.
    #[must_use]
    pub fn is_previous(&self, key: &HashKey) -> bool {
        self.current.as_ref().is_none_or(|current| current.check_value() != key.check_value())
    }

    /// The previous key, if it is recognised so.
    #[must_use]
    pub fn former(&self, check: Option<Keyed>) -> Option<Arc<HashKey>> {
        self.previous.iter().find(|key| Some(key.check_value()) == check).map(Arc::clone)
    }
}

/// The previous key. What a state directory holds is a text of 64 digits that means 32 bytes; what a person gave means itself.
#[must_use]
pub fn previous(settings: &Settings) -> Vec<Arc<HashKey>> {
    let given = settings.store.previous_hash_key.as_ref();
    given.map(|text| key::forms(text.expose_secret())).unwrap_or_default().into_iter().map(Arc::new).collect()
}

/// Whether there is a store in a file already. Asked before its key is: a store is made after its key.
fn stands(settings: &Settings) -> bool {
    matches!(&settings.store.url, StoreUrl::Sqlite { path } if fs::metadata(path).is_ok_and(|file| file.len() > 0))
}

/// The key in the state directory. A store that stands has to have one, for another opens nothing of it; but where the previous one is given,
/// which a resync goes from to the new one. By whoever works it is made where it may be.
fn lying_there(settings: &Settings, purpose: Purpose) -> Result<Option<HashKey>, KeyError> {
    let state_dir = &settings.store.state_dir;
    let stands = stands(settings);
    match (key::read(state_dir)?, purpose) {
        (None, _) if stands && settings.store.previous_hash_key.is_none() => {
            Err(KeyError::Gone(state_dir.join(key::KEY_FILE)))
        }
        (_, Purpose::Work) => key::read_or_make(state_dir).map(Some),
        (found, Purpose::Look | Purpose::Plan) => Ok(found),
    }
}

fn current(settings: &Settings, purpose: Purpose) -> Result<Option<HashKey>, Failure> {
    if let Some(given) = &settings.store.hash_key {
        let key = HashKey::new(given.expose_secret().as_bytes());
        return key.map(Some).map_err(|e| Failure::usage(format!("store.hash_key: {e}")));
    }
    lying_there(settings, purpose).map_err(|error| match error {
        KeyError::Malformed(_) | KeyError::Gone(_) => Failure { exit: Exit::Usage, error: error.into() },
        KeyError::Unread { .. } | KeyError::Unmade { .. } | KeyError::Random => Failure::failed(error),
    })
}
