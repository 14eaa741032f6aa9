//! The store: whether it opens, at which version, under this key, can be written to, and how long a unit takes. Makes none:
//! the first sync does. Whatever kind it is, it is asked through [`Store`]; what a check needs besides is a [`Place`].

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    model::{
        HashKey,
        finding::{Finding, Standing},
        time::Moment,
    },
    store::{Lease, Store, StoreError, key},
};
use async_trait::async_trait;

const KEY: &str = "store.hash_key";
pub(super) const URL: &str = "store.url";
const LATENCY: &str = "store.latency";
const MATCHES: &str = "the key is the one this store was made with";

/// A unit that takes longer is felt: every page of a pass waits for some of them.
const SLOW: Duration = Duration::from_millis(100);
/// So many units are timed; the middle one counts.
const TIMED: usize = 5;
/// An epoch that no lease has: they begin at 1 and grow.
const NOBODYS: i64 = -1;

/// Where a store is or is to be, as its adapter knows it.
#[async_trait]
pub trait Place: Send + Sync {
    /// Where it is, for a person; without a password.
    fn shown(&self) -> String;
    /// The schema version this binary needs.
    fn needed(&self) -> i64;
    /// The schema version found; `None` where there is no store yet.
    async fn version(&self) -> Result<Option<i64>, StoreError>;
    /// Whether it holds the account, made with this key; [`StoreError::WrongKey`] if with another. Of whatever version it is: asked by
    /// reading alone.
    async fn is_of(&self, key: &HashKey) -> Result<bool, StoreError>;
    /// Opens it as a sync does, but makes nothing and brings nothing up to date.
    async fn open(&self, key: &HashKey) -> Result<Arc<dyn Store>, StoreError>;
    /// What only this kind of store has: folders, a server's version, rights on tables.
    async fn own(&self) -> Vec<Finding>;
}

/// A store under check.
pub struct State {
    /// Where it is.
    pub place: Box<dyn Place>,
    /// The folder that holds the key, where none is configured.
    pub state_dir: PathBuf,
    /// The key of the configuration.
    pub given: Option<Arc<HashKey>>,
    /// The key before that, in each form its text may mean.
    pub previous: Vec<Arc<HashKey>>,
}

impl State {
    /// Looks at it.
    pub async fn findings(&self) -> Vec<Finding> {
        let mut out = match self.place.version().await {
            Ok(Some(found)) => self.standing(found).await,
            Ok(None) => self.to_come(),
            Err(error) => vec![failing(URL, &error)],
        };
        out.extend(self.place.own().await);
        out
    }

    fn to_come(&self) -> Vec<Finding> {
        let text = format!("none yet; the first sync makes it: {}", self.place.shown());
        let key = match self.key() {
            Ok(Some(_)) => Finding::new(KEY, Standing::Confirmed, "there is a key", ""),
            Ok(None) => Finding::new(KEY, Standing::Confirmed, "none yet; the first sync makes it", ""),
            Err(finding) => finding,
        };
        vec![Finding::new(URL, Standing::Confirmed, text, ""), key]
    }

    async fn standing(&self, found: i64) -> Vec<Finding> {
        let needed = self.place.needed();
        if found > needed {
            return vec![failing(URL, &StoreError::TooNew { found, known: needed })];
        }
        let (text, advice) = if found < needed {
            let text = format!("schema version {found}; the next sync brings it to {needed}");
            (text, "keep a copy of it first: there is no way back")
        } else {
            (format!("schema version {found}"), "")
        };
        let version = Finding::new(URL, Standing::Confirmed, text, advice);
        let key = match self.key() {
            Ok(Some(key)) => key,
            Ok(None) => return vec![version, self.key_is_gone()],
            Err(finding) => return vec![version, finding],
        };
        if found < needed {
            // Opening it would have to change it.
            return vec![version, self.older(&key).await];
        }
        [version].into_iter().chain(self.opened(&key).await).collect()
    }

    /// The key of a store that is not opened, for its version.
    async fn older(&self, key: &HashKey) -> Finding {
        match self.place.is_of(key).await {
            Ok(true) => Finding::new(KEY, Standing::Confirmed, MATCHES, ""),
            Ok(false) => {
                let text = "there is a key; the store holds nothing of this account yet";
                Finding::new(KEY, Standing::Unknown, text, "check vivocha.account, or let the first sync make it")
            }
            Err(error @ StoreError::WrongKey) => failing(KEY, &error),
            Err(error) => failing(URL, &error),
        }
    }

    async fn opened(&self, key: &HashKey) -> Vec<Finding> {
        let (store, of_key) = match self.under_either(key).await {
            Ok(opened) => opened,
            Err(error @ StoreError::WrongKey) => return vec![failing(KEY, &error)],
            Err(error) => return vec![failing(URL, &error)],
        };
        let mut out = vec![of_key];
        out.extend(of_the_erased(&*store, &self.previous).await);
        out.extend(in_the_way(&*store).await);
        match timed(&*store).await {
            Ok((reading, writing)) => {
                out.push(Finding::new(URL, Standing::Confirmed, "opens, and can be written to", ""));
                out.push(latency(reading, writing));
            }
            Err(error) => out.push(failing(URL, &error)),
        }
        store.close().await;
        out
    }

    /// The store, and what is to be said of its key.
    async fn under_either(&self, key: &HashKey) -> Result<(Arc<dyn Store>, Finding), StoreError> {
        match self.place.open(key).await {
            Err(StoreError::WrongKey) => {}
            opened => return opened.map(|store| (store, of_key(false))),
        }
        for previous in &self.previous {
            match self.place.open(previous).await {
                Err(StoreError::WrongKey) => {}
                opened => return opened.map(|store| (store, of_key(true))),
            }
        }
        Err(StoreError::WrongKey)
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

/// What there is to say of the key under which a store opens.
#[must_use]
pub fn of_key(pending: bool) -> Finding {
    if pending {
        let text = "the store is kept under store.previous_hash_key still";
        return Finding::new(KEY, Standing::Confirmed, text, "`anagrafe resync` changes it to this one");
    }
    Finding::new(KEY, Standing::Confirmed, "the key is the one this store was made with", "")
}

/// What keeps a sync from writing is told of under these names.
pub const IN_THE_WAY: [&str; 2] = ["store.pause", "store.doubt"];

/// What keeps a sync from writing though all else is right: a person's word, or a store that went back in time.
pub async fn in_the_way(store: &dyn Store) -> Vec<Finding> {
    let overview = match store.overview().await {
        Ok(overview) => overview,
        Err(error) => return vec![failing(URL, &error)],
    };
    let paused = overview.paused.map(|(since, _)| {
        let text = format!("writing is paused since {since}: a run that has something to write ends as held");
        Finding::new(
            IN_THE_WAY[0],
            Standing::Contradicted,
            text,
            "`anagrafe status` says why; `anagrafe resume` lets it go on",
        )
    });
    let doubted = overview.shops.into_iter().filter_map(|(shop, its)| Some((shop, its.doubted_at?)));
    let doubted = doubted.map(|(shop, since)| {
        let text = format!("the store went back in time, found {since}: no sync of shop {shop} begins before a resync");
        Finding::new(IN_THE_WAY[1], Standing::Contradicted, text, "let `anagrafe resync` run to its end")
    });
    paused.into_iter().chain(doubted).collect()
}

/// Whether those who were erased are recognised, where that takes the key before.
pub async fn of_the_erased(store: &dyn Store, previous: &[Arc<HashKey>]) -> Option<Finding> {
    const PREVIOUS: &str = "store.previous_hash_key";
    let sealed = match store.sealed().await {
        Ok(sealed) if sealed.count == 0 => return None,
        Ok(sealed) => sealed,
        Err(error) => return Some(failing(URL, &error)),
    };
    if !previous.iter().any(|key| Some(key.check_value()) == sealed.former) {
        return Some(failing(PREVIOUS, &StoreError::Sealed(sealed.count)));
    }
    let text = format!("{} erased addresses are recognised by it only", sealed.count);
    Some(Finding::new(PREVIOUS, Standing::Confirmed, text, "leave it here, or repeat those erasures by address"))
}

/// How long a unit that reads and one that writes take. The one that writes gives back a lease that nobody has: it needs
/// the right to write, and changes nothing.
async fn timed(store: &dyn Store) -> Result<(Duration, Duration), StoreError> {
    let nobodys = Lease { epoch: NOBODYS, expires: Moment::from_millis(0), ttl: Duration::ZERO };
    let (mut reading, mut writing) = (Vec::new(), Vec::new());
    for _ in 0..TIMED {
        let begun = Instant::now();
        store.overview().await?;
        reading.push(begun.elapsed());
        let begun = Instant::now();
        store.release(&nobodys).await?;
        writing.push(begun.elapsed());
    }
    Ok((middle(reading), middle(writing)))
}

fn middle(mut spans: Vec<Duration>) -> Duration {
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

fn latency(reading: Duration, writing: Duration) -> Finding {
    let text = format!("a unit that reads takes {}, one that writes {}", rounded(reading), rounded(writing));
    let advice = if reading.max(writing) > SLOW {
        "every page waits for several units: keep the store near, on a disk or network that answers sooner"
    } else {
        ""
    };
    Finding::new(LATENCY, Standing::Confirmed, text, advice)
}

/// In milliseconds, to a tenth.
pub(super) fn rounded(span: Duration) -> String {
    let tenths = span.as_micros().div_ceil(100);
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

pub(super) fn failing(subject: &str, error: &StoreError) -> Finding {
    let text = error.to_string();
    let (what, advice) = text.rsplit_once(": ").unwrap_or((&text, "look at [store]"));
    Finding::new(subject, Standing::Contradicted, what, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_what_was_timed_counts_and_a_slow_store_is_told_what_to_do() {
        let ms = Duration::from_millis;
        assert_eq!(middle(vec![ms(900), ms(2), ms(3), ms(1), ms(4)]), ms(3));
        assert_eq!(latency(ms(2), ms(3)).advice, None);
        let slow = latency(ms(2), ms(101));
        assert!(slow.verdict == Standing::Confirmed && slow.text.contains("101.0 ms"), "{slow:?}");
        assert!(slow.advice.is_some_and(|advice| advice.contains("keep the store near")));
        assert_eq!(rounded(Duration::from_micros(1_234)), "1.3 ms");
    }
}
