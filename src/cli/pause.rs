//! `anagrafe pause` and `resume`: the switch that stops every write to Vivocha.

use super::{
    Context, Exit, Failure,
    args::PauseArgs,
    setup::{self, Purpose},
};
use crate::{
    store::Decision,
    sync::{Clock as _, SystemClock},
};

pub async fn pause(context: &Context, args: PauseArgs) -> Result<Exit, Failure> {
    decide(context, Decision::Pause(args.why)).await?;
    said(context, true, "Paused: nothing is written to Vivocha until `anagrafe resume`.")
}

pub async fn resume(context: &Context) -> Result<Exit, Failure> {
    decide(context, Decision::Resume).await?;
    said(context, false, "Resumed: the next run writes again.")
}

fn said(context: &Context, paused: bool, text: &str) -> Result<Exit, Failure> {
    if context.out.json {
        context.out.json(&serde_json::json!({ "paused": paused }))?;
    } else {
        context.out.line(text);
    }
    Ok(Exit::Done)
}

/// Records a person's decision, in the name of the user at the terminal.
pub(super) async fn decide(context: &Context, decision: Decision) -> Result<(), Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    let memory = setup::memory(context, &settings, Purpose::Look).await?;
    Ok(memory.store.decide(&decision, &setup::operator(), SystemClock.now()).await?)
}
