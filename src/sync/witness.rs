//! The witness: a small file beside the store that says how far the store had come. A store that is behind its witness was restored
//! from a copy, and authorises nothing until a resync has looked at everything again.
//!
//! It is no second store: losing it loses nothing but this notice, and where the state directory cannot be written to (a job in a
//! cluster) there is none.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{model::AccountName, store::Witness};

/// The witness of one account on this machine.
#[derive(Debug)]
pub struct WitnessFile {
    path: PathBuf,
    seen: Mutex<Option<Witness>>,
}

impl WitnessFile {
    /// The witness in the state directory. What cannot be read says nothing: a pass then tells no worse than without it.
    #[must_use]
    pub fn of(state_dir: &Path, account: &AccountName) -> Self {
        let path = state_dir.join(format!("witness-{account}.json"));
        let seen = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        Self { path, seen: Mutex::new(seen) }
    }

    /// What it saw last.
    #[must_use]
    pub fn seen(&self) -> Option<Witness> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees the store at least as far as this.
    pub fn see(&self, now: Witness) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.unwrap_or_default();
        let further = Witness { epoch: before.epoch.max(now.epoch), run: before.run.max(now.run) };
        if further == before {
            return;
        }
        *seen = Some(further);
        if let Err(error) = self.write(further) {
            tracing::debug!(%error, "the witness of the store could not be written; a restored store may go unnoticed");
        }
    }

    /// Whole or not at all: a reader finds the old one or the new one.
    fn write(&self, witness: Witness) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        fs::write(&beside, serde_json::to_vec(&witness)?)?;
        fs::rename(&beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end so")]
    use super::*;

    #[test]
    fn it_only_grows_and_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let account: AccountName = "acme".parse().unwrap();
        let witness = WitnessFile::of(dir.path(), &account);
        assert_eq!(witness.seen(), None);
        witness.see(Witness { epoch: 4, run: 0 });
        witness.see(Witness { epoch: 2, run: 9 });
        assert_eq!(WitnessFile::of(dir.path(), &account).seen(), Some(Witness { epoch: 4, run: 9 }));
        assert_eq!(WitnessFile::of(dir.path(), &"other".parse().unwrap()).seen(), None);
    }

    #[test]
    fn a_folder_that_is_not_there_costs_the_notice_and_nothing_else() {
        let witness = WitnessFile::of(Path::new("/nonexistent"), &"acme".parse().unwrap());
        witness.see(Witness { epoch: 1, run: 1 });
        assert_eq!(witness.seen(), Some(Witness { epoch: 1, run: 1 }));
    }
}
