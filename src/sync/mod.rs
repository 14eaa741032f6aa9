//! Doing it: reads a shop, gathers evidence, has it planned, applies the plan, records what came of it. Decides nothing
//! about people itself: that is [`crate::plan`]'s.
//!
//! ```text
//! run ─▶ survey ─▶ due, then pages, by a sync or a resync ─▶ crossing: sort ─▶ gather ─▶ plan ─▶ apply ─▶ record ─▶ merging
//!        under a tenure: the account's lease, renewed while the run lasts               (the next page in flight meanwhile)
//! ```

pub mod apply;
mod below;
pub mod by_hand;
pub mod check;
pub mod clock;
mod commit;
pub mod crossing;
mod doubts;
mod due;
pub mod error;
pub mod explain;
pub mod gather;
mod guards;
mod holding;
pub mod host;
pub mod merging;
pub mod named;
pub mod pages;
mod portions;
mod putback;
mod reading;
mod recognise;
pub mod record;
mod resync;
pub mod rotation;
pub mod run;
mod sorting;
mod stopping;
pub mod survey;
pub mod tally;
pub mod tenure;
mod update;
mod vanished;
pub mod watch;
mod watcher;
pub mod witness;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub use clock::{Clock, SystemClock};
pub use error::PassError;
pub use tenure::{Candidacy, Tenure};
pub use watch::{Interlude, Silent, Watch};
pub use witness::WitnessFile;

use crate::{
    model::{
        AccountName, HashKey, Keyed, Naming, ShopName,
        rules::{FieldRules, MatchingRules, SafeguardLimits, Spelling},
    },
    open2b::Shop,
    plan::{fields::Reading, fingerprint, normalise::Region},
    store::Store,
    vivocha::{Reader, Writer},
};

/// All that an operator decided and a pass obeys.
#[derive(Debug, Clone)]
pub struct Rules {
    /// `[matching]`
    pub matching: MatchingRules,
    /// `[fields]`
    pub fields: FieldRules,
    /// `[vivocha.fields]`
    pub naming: Naming,
    /// `[safeguards]`
    pub safeguards: SafeguardLimits,
    /// `[vivocha] spellings`
    pub spellings: Vec<Spelling>,
    /// The shop's country.
    pub region: Region,
    /// The same, in two letters.
    pub country: String,
    /// Contacts per page.
    pub page_size: u32,
    /// How many calls the shop bears in an hour.
    pub shop_calls_per_hour: u64,
    /// The time between two resyncs by the schedule: a resync interrupted longer ago begins anew.
    pub resync_period: Duration,
    /// `[schedule] lookback`
    pub lookback: Duration,
    /// `[schedule] lookback_pages`
    pub lookback_pages: u32,
    /// `[schedule] recheck_linked`
    pub recheck_linked: Duration,
    /// `[schedule] recheck_unmatched`
    pub recheck_unmatched: Duration,
    /// Deadline of a call to Vivocha: no write is sent that the lease does not outlive.
    pub write_timeout: Duration,
    /// `[vivocha] late_apply`: how long a write without an answer may still be applied.
    pub late_apply: Duration,
    /// Writes in flight at once.
    pub concurrency: usize,
    /// Whether a daemon is called when somebody chats: a page is then handled in portions.
    pub listens: bool,
}

impl Rules {
    /// How long after a write was sent it is too late for it to be applied: its call has run into its timeout, and `late_apply` is over.
    #[must_use]
    pub fn too_late(&self) -> Duration {
        self.write_timeout + self.late_apply
    }
}

/// One shop, the account, and what stands between them.
#[derive(Clone)]
pub struct Bridge {
    /// The account.
    pub account: AccountName,
    /// The shop.
    pub shop: Shop,
    /// Reads customers.
    pub reader: Reader,
    /// Writes customers; a dry run has none.
    pub writer: Option<Writer>,
    /// The hash of where the shop is.
    pub source: Keyed,
    /// Remembers.
    pub store: Arc<dyn Store>,
    /// Hashes.
    pub key: Arc<HashKey>,
    /// The key before that, while somebody who was erased is known by it only.
    pub former: Option<Arc<HashKey>>,
    /// What to obey.
    pub rules: Arc<Rules>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Is told how it goes.
    pub watch: Arc<dyn Watch>,
    /// Asks to stop.
    pub stop: CancellationToken,
}

impl Bridge {
    /// The shop's name.
    #[must_use]
    pub fn shop_name(&self) -> &ShopName {
        self.shop.name()
    }

    /// How fields are read and compared.
    #[must_use]
    pub fn reading(&self) -> Reading<'_> {
        Reading { rules: &self.rules.fields, naming: &self.rules.naming, region: self.rules.region, key: &self.key }
    }

    /// The rules as they go into fingerprints.
    #[must_use]
    pub fn rules_print(&self) -> String {
        let Rules { spellings, matching, fields, naming, country, .. } = &*self.rules;
        fingerprint::rules(country, spellings, matching, fields, naming, &self.key)
    }
}
