//! The witness: a small file beside the store that says how far the store had come. A store that is behind its witness was restored
//! from a copy, and authorises nothing until a resync has looked at everything again.
//!
//! It is no second store: losing it loses nothing but this notice, and where the state directory cannot be written to (a job in a
//! cluster) there is none.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{model::AccountName, store::Witness};

/// The witness of one account on this machine.
#[derive(Debug)]
pub struct WitnessFile {
    path: PathBuf,
    seen: Mutex<Witness>,
}

impl WitnessFile {
    /// The witness in the state directory. What cannot be read says nothing: a pass then tells no worse than without it.
    #[must_use]
    pub fn of(state_dir: &Path, account: &AccountName) -> Self {
        let path = state_dir.join(format!("witness-{account}.json"));
        Self { path, seen: Mutex::default() }
    }

    /// How far the store was seen, by this process or another on this machine: who waits for a lease finds what was seen meanwhile.
    #[must_use]
    pub fn seen(&self) -> Option<Witness> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = seen.and(self.read());
        Some(*seen).filter(|seen| *seen != Witness::default())
    }

    /// Sees the store at least as far as this.
    pub fn see(&self, now: Witness) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.read();
        let further = seen.and(before).and(now);
        *seen = further;
        if further == before {
            return;
        }
        if let Err(error) = self.write(further) {
            tracing::debug!(%error, "the witness of the store could not be written; a restored store may go unnoticed");
        }
    }

    fn read(&self) -> Witness {
        let read = match fs::read_to_string(&self.path) {
            Ok(text) => serde_json::from_str(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Witness::default(),
            Err(error) => Err(error),
        };
        read.unwrap_or_else(|error| {
            let file = self.path.display();
            tracing::warn!(%file, %error, "the witness of the store cannot be read: if the store was restored, that goes unnoticed now");
            Witness::default()
        })
    }

    /// Whole or not at all: a reader finds the old one or the new one. With a store elsewhere nobody has made the folder yet.
    fn write(&self, witness: Witness) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
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
        let at = |epoch, run, beat| Witness { epoch, run, beat };
        witness.see(at(4, 0, 0));
        witness.see(at(2, 9, 7));
        assert_eq!(WitnessFile::of(dir.path(), &account).seen(), Some(at(4, 9, 0)), "a beat counts within its epoch");
        witness.see(at(4, 0, 3));
        witness.see(at(4, 0, 2));
        assert_eq!(WitnessFile::of(dir.path(), &account).seen(), Some(at(4, 9, 3)));
        witness.see(at(5, 0, 0));
        assert_eq!(witness.seen(), Some(at(5, 9, 0)));
        assert_eq!(WitnessFile::of(dir.path(), &"other".parse().unwrap()).seen(), None);
    }

    #[test]
    fn what_another_process_saw_meanwhile_is_not_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let [waiting, working] = [(); 2].map(|()| WitnessFile::of(dir.path(), &"acme".parse().unwrap()));
        assert_eq!(waiting.seen(), None);
        working.see(Witness { epoch: 4, run: 9, beat: 2 });
        assert_eq!(waiting.seen(), Some(Witness { epoch: 4, run: 9, beat: 2 }));
        waiting.see(Witness { epoch: 5, run: 0, beat: 0 });
        working.see(Witness { epoch: 4, run: 9, beat: 3 });
        assert_eq!(waiting.seen(), Some(Witness { epoch: 5, run: 9, beat: 0 }));
    }

    #[test]
    fn a_witness_of_before_beats_were_counted_is_read_and_one_that_is_torn_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let witness = WitnessFile::of(dir.path(), &"acme".parse().unwrap());
        fs::write(dir.path().join("witness-acme.json"), r#"{"epoch":4,"run":9}"#).unwrap();
        assert_eq!(witness.seen(), Some(Witness { epoch: 4, run: 9, beat: 0 }));
        for torn in ["", "{\"epoch\":", "\u{0}\u{0}\u{0}"] {
            fs::write(dir.path().join("witness-beta.json"), torn).unwrap();
            let other = WitnessFile::of(dir.path(), &"beta".parse().unwrap());
            assert_eq!(other.seen(), None, "{torn:?}");
            other.see(Witness { epoch: 1, run: 1, beat: 0 });
            assert_eq!(
                WitnessFile::of(dir.path(), &"beta".parse().unwrap()).seen().unwrap().epoch,
                1,
                "it is made anew"
            );
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_the_notice_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let witness = WitnessFile::of(&file.path().join("no/folder"), &"acme".parse().unwrap());
        let seen = Witness { epoch: 1, run: 1, beat: 0 };
        witness.see(seen);
        assert_eq!(witness.seen(), Some(seen));
    }
}
