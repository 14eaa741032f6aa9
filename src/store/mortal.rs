//! Death at a commit, for tests: a process that was told to kills itself, as `kill -9` would, at one of the transactions it writes. There
//! with the feature `sandbox` only.
//!
//! Every commit of a writing transaction is counted, in the order in which the process comes to it: those of units of work, of opening a
//! store, of renewing a lease. Whoever knows how many there are can have a run die at each.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    io::Write as _,
    path::PathBuf,
    pin::pin,
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, Database, Transaction};

/// The variable that says where to die: `before:7`.
pub const DIES: &str = "ANAGRAFE_SANDBOX_DIES";
/// The variable that names a file, which gets a line for each commit that was come to.
pub const COMMITS: &str = "ANAGRAFE_SANDBOX_COMMITS";

/// The side of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// All is written, and the database was not asked to keep it.
    Before,
    /// It was asked, and its answer is not heard: perhaps it does, perhaps it does not.
    Amid,
    /// It keeps it, and nobody was told.
    After,
}

/// Where to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// On which side.
    pub side: Side,
    /// Of which commit; the first is 1.
    pub commit: u64,
}

impl Side {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::Amid, Self::After];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Amid => "amid",
            Self::After => "after",
        }
    }
}

impl Death {
    /// How long the database is left with a commit that was asked for: another span at each, so that it is found now at the
    /// beginning, now near the end of it.
    const fn moment(self) -> Duration {
        Duration::from_micros(self.commit % 8 * 100)
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.side.as_str(), self.commit)
    }
}

impl FromStr for Death {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (side, commit) = text.split_once(':')?;
            let side = Side::ALL.into_iter().find(|known| known.as_str() == side)?;
            Some(Self { side, commit: commit.parse().ok().filter(|commit| *commit > 0)? })
        };
        read().ok_or_else(|| format!("{DIES}: `{text}` is no place to die: give before:N, amid:N or after:N, N from 1"))
    }
}

/// What a process was told.
#[derive(Debug, Default)]
struct Fate {
    death: Option<Death>,
    commits: Option<PathBuf>,
    come_to: AtomicU64,
}

static FATE: OnceLock<Fate> = OnceLock::new();

impl Fate {
    fn of(environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let death = environment.get(DIES).map(|text| text.parse()).transpose()?;
        Ok(Self { death, commits: environment.get(COMMITS).map(PathBuf::from), come_to: AtomicU64::new(0) })
    }

    /// The next commit is come to: where to die at it, if at all.
    fn next(&self) -> io::Result<Option<Death>> {
        let commit = self.come_to.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(file) = &self.commits {
            fs::OpenOptions::new().append(true).create(true).open(file)?.write_all(format!("{commit}\n").as_bytes())?;
        }
        Ok(self.death.filter(|death| death.commit == commit))
    }
}

/// Hears what the environment says of it, once.
///
/// # Errors
/// What cannot be read.
pub fn told(environment: &BTreeMap<String, String>) -> Result<(), String> {
    let fate = Fate::of(environment)?;
    // Who was told already keeps to that.
    drop(FATE.set(fate));
    Ok(())
}

/// Commits what was written, or dies at it.
pub(in crate::store) async fn commit<DB: Database>(mut written: Transaction<'_, DB>) -> Result<(), sqlx::Error> {
    let Some(death) = FATE.get().map(Fate::next).transpose()?.flatten() else { return written.commit().await };
    match death.side {
        Side::Before => die(),
        Side::Amid => {
            // What is still to be heard of earlier statements is heard first: then the one step below sends the word.
            written.ping().await?;
            let mut commit = pin!(written.commit());
            let _ = futures::poll!(commit.as_mut());
            std::thread::sleep(death.moment());
            die()
        }
        Side::After => {
            written.commit().await?;
            die()
        }
    }
}

/// As `kill -9`: nothing is tidied up, nobody is told.
fn die() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end so")]
    use super::*;

    fn told_so(dies: &str) -> Result<Fate, String> {
        Fate::of(&BTreeMap::from([(DIES.to_owned(), dies.to_owned())]))
    }

    #[test]
    fn a_process_dies_at_the_commit_it_was_told_and_on_that_side() {
        for side in Side::ALL {
            let death = Death { side, commit: 3 };
            let fate = told_so(&death.to_string()).unwrap();
            let met: Vec<Option<Death>> = (0..5).map(|_| fate.next().unwrap()).collect();
            assert_eq!(met, [None, None, Some(death), None, None]);
        }
    }

    #[test]
    fn who_was_told_nothing_lives() {
        let fate = Fate::of(&BTreeMap::new()).unwrap();
        assert!((0..100).all(|_| fate.next().unwrap().is_none()));
    }

    #[test]
    fn what_is_no_place_to_die_is_refused() {
        for nowhere in ["", "7", "before", "before:", "before:0", "before:-1", "after:x", "during:1", "before:1:2"] {
            let error = told_so(nowhere).unwrap_err();
            assert!(error.contains(DIES) && error.contains("before:N"), "{error}");
        }
    }

    #[test]
    fn every_commit_that_was_come_to_is_written_down() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("commits");
        let told = BTreeMap::from([(COMMITS.to_owned(), file.to_str().unwrap().to_owned())]);
        let fate = Fate::of(&told).unwrap();
        for _ in 0..3 {
            assert_eq!(fate.next().unwrap(), None);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "1\n2\n3\n");
    }
}
