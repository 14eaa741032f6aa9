//! `anagrafe check --write-probe`: the account's lease, a word of warning, the probe, and its exit code. What is measured is
//! in [`crate::sync::check::probe`].

use std::{sync::Arc, time::Duration};

use super::super::{
    Context, Exit, Failure,
    args::CheckArgs,
    setup::{self, Memory, Purpose},
    signals::Signals,
};
use crate::{
    config::Settings,
    model::{CustomerId, finding::Finding},
    plan::normalise::Region,
    store::Store,
    sync::{PassError, Tenure, check::probe::WriteProbe},
    vivocha::Reader,
};

/// How long a changed value is waited for in searches.
const LAG: Duration = Duration::from_mins(1);

/// The right to write, for as long as a check lasts.
pub struct Right {
    customer: CustomerId,
    /// That of the first shop; a number with a plus is of its own country anyway.
    region: Region,
    store: Arc<dyn Store>,
    tenure: Tenure,
    signals: Signals,
}

impl Right {
    /// Takes the account's lease. The store is made where there is none: without one nobody could be kept out.
    ///
    /// # Errors
    /// If another process works on the account, or writing is paused.
    pub async fn take(
        context: &Context,
        settings: &Settings,
        customer: CustomerId,
        args: &CheckArgs,
    ) -> Result<Self, Failure> {
        let shop =
            settings.shops.keys().next().ok_or_else(|| Failure::usage("there is no shop in the configuration"))?;
        let region = setup::rules(settings, shop)?.region;
        let signals = Signals::listen().map_err(Failure::failed)?;
        let Memory { store, .. } = setup::memory(context, settings, Purpose::Work).await?;
        if store.overview().await?.paused.is_some() {
            return Err(PassError::Paused.into());
        }
        let tenure = Tenure::take(setup::candidacy(settings, &store, "check", args.wait, &signals.stop)).await?;
        Ok(Self { customer, region, store, tenure, signals })
    }

    /// Makes the probe; its findings, and how the command ends for what ended it early.
    pub async fn probe(&self, context: &Context, settings: &Settings, reader: &Reader) -> (Vec<Finding>, Exit) {
        let Self { customer, region, store, tenure, signals } = self;
        context.out.notice(format!(
            "Writing to customer {customer}: `{}` holds a probe for a moment, and everything is put back. If this process is \
             killed, the same command puts it back.",
            settings.vivocha.fields.nickname
        ));
        let probe = WriteProbe {
            reader,
            store: Arc::clone(store),
            by: setup::operator(),
            tenure,
            customer: customer.clone(),
            ids: settings.fields.ids.to.clone(),
            region: *region,
            nonce: nonce(),
            timeout: settings.vivocha.timeout,
            late_apply: settings.vivocha.late_apply,
            lag: LAG,
            stop: signals.stop.clone(),
        };
        let probed = probe.run().await;
        let exit = match (signals.caught(), probed.ended) {
            (Some(number), _) => Exit::Signal(number),
            (None, Some(error)) => Failure::from(error).exit,
            (None, None) => Exit::Done,
        };
        (probed.findings, exit)
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// If the store failed.
    pub async fn end(self) -> Result<(), Failure> {
        Ok(self.tenure.end().await?)
    }
}

fn nonce() -> [u8; 12] {
    let mut bytes = [0; 12];
    // Without randomness the text is only less sure to be found once.
    let _ = getrandom::fill(&mut bytes);
    bytes
}
