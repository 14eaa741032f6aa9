//! The units of work, written once and compiled for each database: every adapter takes this folder in as its own module
//! `sql` and gives it, beside itself, what differs:
//! - `Database`: sqlx's type of it;
//! - `TheStore`: the adapter's store, with `account`, `key_check`, `writer` and `readers`, and `origin_now`: where its database is;
//! - `dialect`: the statements that cannot be one text, `failure`: what its errors mean.
//!
//! Not here: opening a store, migrations. The SQL stands in each file above its use and is one text for all:
//! - Many rows come in as one JSON text, through `json_each(text)` with its columns `key`, `value` and `atom`. `SQLite`
//!   has that function; where it is missing the migrations define it.
//! - A row of many is an array and read by place: texts by `value ->> 3`, numbers by `CAST(value ->> 0 AS BIGINT)`, what
//!   stays JSON by `CAST(value -> 5 AS TEXT)`. A plain list is read by `atom`.
//! - Every number is an `i64`, flags too: 1 or 0, in the tables and as parameters.

pub(super) mod account;
mod alerts;
mod by_hand;
mod decisions;
mod due;
mod erasures;
mod held;
#[cfg(test)]
mod hot;
mod index;
mod known;
pub(super) mod lane;
mod lease;
mod links;
mod merges;
mod merging;
mod proposals;
mod quarantine;
mod questions;
mod record;
mod rekey;
mod rekeying;
mod resync;
mod rows;
mod runs;
pub(super) mod schema;
mod statement;
mod story;
mod witness;
mod writes;

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;

pub(super) use self::lane::Lane;
#[cfg(test)]
pub(super) use self::{
    hot::{HOT, OF_RUNS},
    index::survey,
};
use super::{Database, TheStore, dialect, failure};
use crate::{
    model::{
        AccountName, ContactId, ContactKey, CustomerId, Keyed, ShopName,
        hold::{Hold, NewHold},
        merge::Merge,
        proposal::{KeptProposal, ProposalId, ProposalState},
        run::{Pass, RunId, RunReport},
        time::Moment,
    },
    store::{
        Acquired, Before, Claim, Decision, Declaration, Declared, DueQuery, Erased, Erasure, Found, Health, Known,
        Lease, MergeQuery, MergeState, MergeStep, Merges, NewMerge, NewRun, Overview, PageQuery, PageRecord, Parted,
        Quarantine, Questions, RunQuery, ShopProgress, Store, StoreError, Story, SurveyStep, Whose, WriteId,
    },
};

type Connection = <Database as sqlx::Database>::Connection;
type Row = <Database as sqlx::Database>::Row;

/// What a unit of work does within its transaction.
type Unit<'c, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'c>>;

/// Any unit of a result.
type BoxedUnit<T> = Box<dyn for<'c> FnOnce(&'c mut Connection, &'c AccountName) -> Unit<'c, T> + Send>;

impl TheStore {
    /// Runs a unit that writes: whole or not at all, whether or not anybody waits for it.
    pub(in crate::store) async fn write<T: Send + 'static>(
        &self,
        unit: impl for<'c> FnOnce(&'c mut Connection, &'c AccountName) -> Unit<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let key = Arc::clone(&self.key_check);
        self.run(&self.writer, dialect::LONGEST_UNIT, move |c, account| {
            Box::pin(async move {
                rekey::still_under(&mut *c, account, &key).await?;
                unit(c, account).await
            })
        })
        .await
    }

    /// The same for a unit that goes over all rows, and asks by itself under which key.
    async fn write_at_length<T: Send + 'static>(
        &self,
        unit: impl for<'c> FnOnce(&'c mut Connection, &'c AccountName) -> Unit<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.writer, dialect::LONGEST_OF_ALL, unit).await
    }

    /// Runs a unit that reads, on one snapshot.
    async fn read<T: Send + 'static>(
        &self,
        unit: impl for<'c> FnOnce(&'c mut Connection, &'c AccountName) -> Unit<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(&self.readers, dialect::LONGEST_UNIT, unit).await
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: &Arc<Lane>,
        longest: Option<Duration>,
        unit: impl for<'c> FnOnce(&'c mut Connection, &'c AccountName) -> Unit<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (lane, account) = (Arc::clone(lane), Arc::clone(&self.account));
        // Boxed, so that what carries a unit is compiled once for each result, not for each unit.
        let unit: BoxedUnit<T> = Box::new(unit);
        let carried: BoxFuture<'static, _> = Box::pin(async move { lane.run(&account, longest, unit).await });
        match tokio::spawn(carried).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Database(sqlx::Error::WorkerCrashed)),
            },
        }
    }
}

#[async_trait]
impl Questions for TheStore {
    async fn overview(&self) -> Result<Overview, StoreError> {
        self.read(|c, account| Box::pin(questions::overview(c, account))).await
    }

    async fn due_by_shop(&self, now: Moment) -> Result<BTreeMap<ShopName, u64>, StoreError> {
        self.read(move |c, account| Box::pin(due::by_shop(c, account, now))).await
    }

    async fn runs(&self, which: RunQuery) -> Result<Vec<RunReport>, StoreError> {
        self.read(move |c, account| Box::pin(runs::runs(c, account, which))).await
    }

    async fn last_done(&self, pass: Pass) -> Result<BTreeMap<ShopName, Moment>, StoreError> {
        self.read(move |c, account| Box::pin(runs::last_done(c, account, pass))).await
    }

    async fn last_tried(&self, pass: Pass) -> Result<BTreeMap<ShopName, Moment>, StoreError> {
        self.read(move |c, account| Box::pin(runs::last_tried(c, account, pass))).await
    }

    async fn story(&self, of: &Whose) -> Result<Story, StoreError> {
        let of = of.clone();
        self.read(move |c, account| Box::pin(async move { story::story(c, account, &of).await })).await
    }

    async fn proposals(&self, state: Option<ProposalState>) -> Result<Vec<KeptProposal>, StoreError> {
        self.read(move |c, account| Box::pin(proposals::in_state(c, account, state))).await
    }

    async fn holds(&self, all: bool) -> Result<Vec<Hold>, StoreError> {
        self.read(move |c, account| Box::pin(questions::holds(c, account, all))).await
    }

    async fn held(&self, hold: i64, limit: u64) -> Result<Vec<ContactKey>, StoreError> {
        self.read(move |c, account| Box::pin(held::list(c, account, hold, limit))).await
    }

    async fn erasures(&self) -> Result<Vec<Erased>, StoreError> {
        self.read(|c, account| Box::pin(erasures::erasures(c, account))).await
    }

    async fn judged_by(&self, shop: &ShopName) -> Result<BTreeMap<String, u64>, StoreError> {
        let shop = shop.clone();
        self.read(move |c, account| Box::pin(async move { questions::judged_by(c, account, &shop).await })).await
    }

    async fn health(&self) -> Result<Health, StoreError> {
        let read_only = match self.write(|c, account| Box::pin(questions::writable(c, account))).await {
            Ok(()) => None,
            Err(StoreError::ReadOnly(why)) => Some(why),
            Err(error) => return Err(error),
        };
        self.read(|c, _| Box::pin(questions::health(c, read_only))).await
    }
}

#[async_trait]
impl Merges for TheStore {
    async fn merge_state(&self, shop: &ShopName, now: Moment) -> Result<MergeState, StoreError> {
        let shop = shop.clone();
        self.read(move |c, account| Box::pin(async move { merges::state(c, account, &shop, now).await })).await
    }

    async fn to_authorise(&self, shop: &ShopName) -> Result<Vec<KeptProposal>, StoreError> {
        let shop = shop.clone();
        self.read(move |c, account| Box::pin(async move { proposals::to_authorise(c, account, &shop).await })).await
    }

    async fn merges(&self, which: &MergeQuery) -> Result<Vec<Merge>, StoreError> {
        let which = which.clone();
        self.read(move |c, account| Box::pin(async move { merges::merges(c, account, &which).await })).await
    }

    async fn before(&self, of: &ProposalId, now: Moment) -> Result<Vec<Before>, StoreError> {
        let of = of.clone();
        self.read(move |c, account| Box::pin(async move { merges::before(c, account, &of, now).await })).await
    }

    async fn parted(&self, customers: &[CustomerId]) -> Result<Vec<Parted>, StoreError> {
        let customers = customers.to_vec();
        self.read(move |c, account| Box::pin(async move { quarantine::parted(c, account, &customers).await })).await
    }

    async fn quarantine(&self, max_share: u64, limit: u64) -> Result<Quarantine, StoreError> {
        self.read(move |c, account| Box::pin(quarantine::quarantine(c, account, max_share, limit))).await
    }

    async fn declare_merge(&self, lease: &Lease, merge: &NewMerge) -> Result<Declared, StoreError> {
        let (lease, merge) = (lease.clone(), merge.clone());
        self.origin_now()?;
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                merging::declare(c, account, &lease, &merge).await
            })
        })
        .await
    }

    async fn settle_merge(&self, lease: &Lease, step: &MergeStep, now: Moment) -> Result<(), StoreError> {
        let (lease, step) = (lease.clone(), step.clone());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                merging::settle(c, account, &step, now).await
            })
        })
        .await
    }

    async fn hold_merges(
        &self,
        lease: &Lease,
        run: RunId,
        hold: &NewHold,
        proposals: &[ProposalId],
        now: Moment,
    ) -> Result<Hold, StoreError> {
        let (lease, hold, proposals) = (lease.clone(), hold.clone(), proposals.to_vec());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                merging::hold(c, account, run, &hold, &proposals, now).await
            })
        })
        .await
    }
}

#[async_trait]
impl Store for TheStore {
    async fn acquire(&self, claim: &Claim) -> Result<Acquired, StoreError> {
        let (claim, origin) = (claim.clone(), self.origin_now()?);
        self.write(move |c, account| Box::pin(async move { lease::acquire(c, account, &claim, &origin).await })).await
    }

    async fn renew(&self, lease: &Lease, now: Moment) -> Result<Lease, StoreError> {
        // A store that is not the one the lease was taken in holds no lease of ours.
        let (lease, origin) = (lease.clone(), self.origin_now().map_err(|_| StoreError::LeaseLost)?);
        self.write(move |c, account| Box::pin(async move { lease::renew(c, account, &lease, now, &origin).await }))
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |c, account| Box::pin(async move { lease::release(c, account, &lease).await })).await
    }

    async fn begin(&self, lease: &Lease, run: &NewRun) -> Result<RunId, StoreError> {
        let (lease, run) = (lease.clone(), run.clone());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                runs::begin(c, account, &lease, &run).await
            })
        })
        .await
    }

    async fn finish(&self, lease: &Lease, report: &RunReport) -> Result<(), StoreError> {
        let (lease, report) = (lease.clone(), report.clone());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                runs::finish(c, account, &report).await
            })
        })
        .await
    }

    async fn progress(&self, shop: &ShopName, tail: u64, rules: &str) -> Result<ShopProgress, StoreError> {
        let (shop, rules) = (shop.clone(), rules.to_owned());
        self.read(move |c, account| Box::pin(async move { index::progress(c, account, &shop, tail, &rules).await }))
            .await
    }

    async fn survey(&self, lease: &Lease, step: &SurveyStep) -> Result<(), StoreError> {
        let (lease, step) = (lease.clone(), step.clone());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                index::survey(c, account, &step).await
            })
        })
        .await
    }

    async fn known(&self, page: &PageQuery) -> Result<Known, StoreError> {
        let page = page.clone();
        self.read(move |c, account| Box::pin(async move { known::known(c, account, &page).await })).await
    }

    async fn found(&self, customers: &[CustomerId], identifiers: &[Keyed]) -> Result<Found, StoreError> {
        let (customers, identifiers) = (customers.to_vec(), identifiers.to_vec());
        self.read(move |c, account| Box::pin(async move { known::found(c, account, &customers, &identifiers).await }))
            .await
    }

    async fn due(&self, of: &DueQuery) -> Result<Vec<ContactId>, StoreError> {
        let of = of.clone();
        self.read(move |c, account| Box::pin(async move { due::due(c, account, &of).await })).await
    }

    async fn declare(&self, lease: &Lease, writes: &[Declaration]) -> Result<Vec<WriteId>, StoreError> {
        let (lease, writes) = (lease.clone(), writes.to_vec());
        self.origin_now()?;
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                writes::declare(c, account, &lease, &writes).await
            })
        })
        .await
    }

    async fn record(&self, lease: &Lease, page: &PageRecord) -> Result<(), StoreError> {
        let (lease, page) = (lease.clone(), page.clone());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                record::record(c, account, &page).await
            })
        })
        .await
    }

    async fn hold(&self, lease: &Lease, run: RunId, hold: &NewHold, now: Moment) -> Result<Hold, StoreError> {
        let (lease, hold) = (lease.clone(), hold.clone());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                decisions::hold(c, account, run, &hold, now).await
            })
        })
        .await
    }

    async fn decide(&self, decision: &Decision, by: &str, now: Moment) -> Result<(), StoreError> {
        let (decision, by) = (decision.clone(), by.to_owned());
        self.write(move |c, account| Box::pin(async move { decisions::decide(c, account, &decision, &by, now).await }))
            .await
    }

    async fn make_due(&self, contacts: &[ContactKey], now: Moment) -> Result<u64, StoreError> {
        let contacts = contacts.to_vec();
        self.write(move |c, account| Box::pin(async move { due::due_at_once(c, account, &contacts, now).await })).await
    }

    async fn erase(&self, whom: &Erasure, by: &str, now: Moment) -> Result<Erased, StoreError> {
        let (whom, by) = (whom.clone(), by.to_owned());
        self.write(move |c, account| Box::pin(async move { erasures::erase(c, account, &whom, &by, now).await })).await
    }

    async fn lift(&self, erasure: i64, by: &str, now: Moment) -> Result<Erased, StoreError> {
        let by = by.to_owned();
        self.write(move |c, account| Box::pin(async move { erasures::lift(c, account, erasure, &by, now).await })).await
    }

    async fn close(&self) {
        // The last one to leave folds the write-ahead log into the file, and a reader may not.
        self.readers.close().await;
        self.writer.close().await;
    }
}
