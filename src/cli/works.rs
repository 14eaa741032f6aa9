//! What `sync` and `resync` share: the account's lease, a bridge for each shop, surveys before crossings.

use std::{collections::BTreeMap, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    Context, Exit, Failure, exit,
    keys::PENDING,
    logging,
    network::Network,
    setup::{self, Memory, Purpose},
    signals::Signals,
    voice::Voice,
};
use crate::{
    config::Settings,
    model::{
        HashKey, Keyed, ShopName,
        run::{RunReport, SurveyNote},
    },
    sync::{
        Bridge, Candidacy, PassError, Tenure,
        run::{Ran, Surveyed, SyncOptions, survey, sync},
        tenure::{NoTenure, OnBusy},
    },
    vivocha::Reader,
};

/// A command that works on the account.
pub struct Works {
    /// The configuration.
    pub settings: Settings,
    /// Who asks it to stop.
    pub signals: Signals,
    /// How it is told.
    pub voice: Voice,
    /// The store, and its key.
    pub memory: Arc<Memory>,
    network: Network,
    reader: Reader,
}

impl Works {
    /// Opens everything.
    ///
    /// # Errors
    /// If something of it cannot be had.
    pub async fn open(context: &Context) -> Result<Self, Failure> {
        let settings = setup::settings(context.globals.config.as_ref())?;
        logging::begin(context, &settings);
        let signals = Signals::cancelling(&context.stop).map_err(Failure::failed)?;
        let memory = setup::memory(context, &settings, Purpose::Work).await?;
        Self::under(memory, settings, signals, Voice::Command(context.out)).await
    }

    /// The same with a store that was opened already, for whoever has a voice of his own.
    ///
    /// # Errors
    /// If something of it cannot be had.
    pub async fn under(memory: Memory, settings: Settings, signals: Signals, voice: Voice) -> Result<Self, Failure> {
        memory.recognises()?;
        if memory.pending {
            voice.notice(PENDING);
        }
        let network = Network::new(&settings)?;
        let reader = network.reader(&settings).await?;
        Ok(Self { settings, signals, voice, memory: Arc::new(memory), network, reader })
    }

    /// Takes the account's lease.
    ///
    /// # Errors
    /// Busy, or the store failed.
    pub async fn tenure(&self, purpose: &'static str, wait: bool) -> Result<Tenure, Failure> {
        self.candidate(purpose, wait, &self.signals.stop, None).await.map_err(|error| {
            self.signals.caught().map_or_else(
                || Failure::from(error),
                |signal| Failure {
                    exit: Exit::Signal(signal),
                    error: anyhow::anyhow!("stopped by a signal; nothing was done"),
                },
            )
        })
    }

    /// The same for whoever may be asked to stop by somebody else, too.
    ///
    /// # Errors
    /// Busy, stopped, or the store failed.
    pub async fn candidate(
        &self,
        purpose: &'static str,
        wait: bool,
        stop: &CancellationToken,
        busy: Option<OnBusy>,
    ) -> Result<Tenure, NoTenure> {
        let candidacy = setup::candidacy(&self.settings, &self.memory.store, purpose, wait, stop);
        let tenure = Tenure::take(Candidacy { busy, ..candidacy }).await?;
        if tenure.went_back() {
            let doubted = self.memory.store.overview().await?.shops.values().any(|shop| shop.doubted_at.is_some());
            self.voice.notice(if doubted {
                "The store went back in time: it was restored from a copy, or failed over. Until `anagrafe resync` has looked at everything again, a sync writes nothing to Vivocha."
            } else {
                "The store knows nothing of what this machine has seen in it: it is another one, or was lost. Everything is read anew; what persons decided then, and whom they erased, is not in it."
            });
        }
        Ok(tenure)
    }

    /// The bridge of a shop.
    ///
    /// # Errors
    /// If there is no such shop.
    pub fn bridge(&self, shop: &ShopName) -> Result<Bridge, Failure> {
        let watch = self.voice.watch(shop.as_str());
        let until = self.signals.stop.clone();
        setup::bridge(&self.settings, shop, &self.network, &self.reader, &self.memory, true, watch, until)
    }

    /// Reads customers.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// How many calls were made so far, over both vendors: whether a run comes on.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.reader.calls().values().sum::<u64>() + self.network.calls()
    }

    /// The key that is to take the place of the one the store is kept under, if one is.
    #[must_use]
    pub fn next_key(&self) -> Option<Arc<HashKey>> {
        self.memory.next.clone()
    }

    /// Where all shops are, under a key.
    #[must_use]
    pub fn sources(&self, key: &HashKey) -> BTreeMap<ShopName, Keyed> {
        let shops = self.settings.shops.keys();
        shops.map(|shop| (shop.clone(), setup::source(&self.settings, shop, key))).collect()
    }

    /// Surveys the shops that need it; answers those that can be crossed.
    ///
    /// # Errors
    /// If a run could not be begun or recorded.
    pub async fn surveyed(
        &self,
        shops: &[ShopName],
        tenure: &Tenure,
        exit: &mut Exit,
    ) -> Result<Vec<(Bridge, Option<SurveyNote>)>, Failure> {
        let mut ready = Vec::new();
        for shop in shops {
            let bridge = self.bridge(shop)?;
            match survey(&bridge, tenure).await? {
                Surveyed::Whole(note) => ready.push((bridge, note)),
                Surveyed::Ended(ran) => {
                    self.voice.report(&ran.report, false)?;
                    *exit = exit.and(exit::of_run(&ran.report, self.signals.caught(), false));
                }
            }
        }
        Ok(ready)
    }

    /// One sync of a shop, told; answers its exit code, and whether it came to its end.
    ///
    /// # Errors
    /// If the run could not be begun or recorded.
    pub async fn sync(
        &self,
        bridge: &Bridge,
        tenure: &Tenure,
        options: SyncOptions,
        surveyed: Option<SurveyNote>,
    ) -> Result<(Exit, bool), Failure> {
        self.told(async { sync(bridge, tenure, options, surveyed).await }).await
    }

    /// Tells how a run ended, and answers its exit code, and whether it came to its end.
    ///
    /// # Errors
    /// If the run could not be begun or recorded.
    pub async fn told(&self, run: impl Future<Output = Result<Ran, PassError>>) -> Result<(Exit, bool), Failure> {
        let standing: Vec<i64> = self.memory.store.holds(false).await?.into_iter().map(|hold| hold.id).collect();
        let Ran { report, error } = run.await?;
        let stood = stood(&report, &standing);
        self.voice.report(&report, stood)?;
        if matches!(error, Some(PassError::NoSuchContacts)) {
            return Ok((Exit::Usage, false));
        }
        Ok((exit::of_run(&report, self.signals.caught(), stood), error.is_none()))
    }

    /// The end of a command, however it ended: the lease is given back.
    ///
    /// # Errors
    /// What it ended with; or the store failed.
    pub async fn end(&self, tenure: Tenure, ended: Result<Exit, Failure>) -> Result<Exit, Failure> {
        let given_back = tenure.end().await;
        let exit = ended?;
        given_back?;
        Ok(self.signals.caught().map_or(exit, |number| exit.and(Exit::Signal(number))))
    }
}

/// Whether nothing was held but what was held before. A pause puts up no hold; it is told every time, for whoever forgot it.
fn stood(report: &RunReport, standing: &[i64]) -> bool {
    !report.holds.is_empty() && report.holds.iter().all(|hold| standing.contains(&hold.id))
}
