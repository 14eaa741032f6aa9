//! `anagrafe runs`: what was done, run by run.

use super::{
    Context, Exit, Failure,
    args::RunsArgs,
    report::show,
    setup::{self, Purpose},
};
use crate::{model::run::RunId, store::RunQuery};

pub async fn run(context: &Context, args: RunsArgs) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    let memory = setup::memory(context, &settings, Purpose::Look).await?;
    if let Some(id) = args.id {
        let runs = memory.store.runs(RunQuery::One(RunId(id))).await?;
        let run = runs.first().ok_or_else(|| Failure::usage(format!("there is no run {id}: see `anagrafe runs`")))?;
        show(run, context.out)?;
        return Ok(Exit::Done);
    }
    let runs = memory.store.runs(RunQuery::Last(args.last)).await?;
    let header =
        ["run", "shop", "pass", "outcome", "started", "ms", "read", "linked", "updated", "waiting", "parked", "calls"];
    context.out.list(
        &runs,
        &header,
        |run| {
            let calls: u64 = run.calls.open2b.values().sum::<u64>() + run.calls.vivocha.values().sum::<u64>();
            vec![
                run.run.to_string(),
                run.shop.to_string(),
                run.pass.as_str().into(),
                run.outcome.as_str().into(),
                run.started_at.to_string(),
                run.duration_ms.to_string(),
                run.read.to_string(),
                run.counts.linked.to_string(),
                run.counts.updated.to_string(),
                run.counts.waiting.to_string(),
                run.counts.parked.to_string(),
                calls.to_string(),
            ]
        },
        "No run yet: `anagrafe plan` says what one would do, `anagrafe sync` is one.",
    )?;
    Ok(Exit::Done)
}
