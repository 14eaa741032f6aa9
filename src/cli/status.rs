//! `anagrafe status`: how things stand. Reads the store only.

mod merges;

use serde::Serialize;

use super::{Context, Exit, Failure, keys::PENDING, merges::Desk, output::table, rotating};
use crate::{
    model::{ShopName, state::ContactState},
    plan::alerts,
    store::{Overview, Resync, ShopOverview},
};

pub async fn run(context: &Context) -> Result<Exit, Failure> {
    let desk = Desk::open(context).await?;
    let status = Status::of(&desk).await?;
    if desk.memory.pending {
        context.out.notice(PENDING);
    }
    if desk.memory.sealed > 0 {
        context.out.notice(format!("{}.", rotating::needed(desk.memory.sealed)));
    }
    if context.out.json {
        context.out.json(&status)?;
        return Ok(Exit::Done);
    }
    let Status { overview, merges } = status;
    for line in sentences(&overview, &merges) {
        context.out.line(line);
    }
    let header = ["shop", "read", "checkpoint", "linked", "unmatched", "waiting", "parked", "invalid", "last end seen"];
    let rows = overview.shops.iter().map(|(name, shop)| row(name.as_str(), shop)).collect();
    context.out.line(table(&header, rows));
    for (name, shop) in &overview.shops {
        for line in standing(name, shop) {
            context.out.line(line);
        }
        if !shop.reasons.is_empty() {
            let reasons: Vec<String> = shop.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            context.out.line(format!("{name}: {}", reasons.join(", ")));
        }
    }
    Ok(Exit::Done)
}

/// All of it, for a machine.
#[derive(Serialize)]
pub(super) struct Status {
    /// The store's own.
    #[serde(flatten)]
    pub overview: Overview,
    /// How merges stand.
    pub merges: merges::Merges,
}

impl Status {
    /// Asks the store.
    ///
    /// # Errors
    /// If it failed.
    pub async fn of(desk: &Desk) -> Result<Self, Failure> {
        let overview = desk.memory.store.overview().await?;
        let merges = merges::Merges::of(desk).await?;
        Ok(Self { overview, merges })
    }
}

fn sentences(overview: &Overview, merges: &merges::Merges) -> Vec<String> {
    let mut lines = vec![format!("Account {}", overview.account)];
    if let Some((since, why)) = &overview.paused {
        lines.push(alerts::paused(*since, Some(why)));
    }
    if let Some((holder, until)) = &overview.lease {
        lines.push(format!(
            "{} (pid {} on {}) works on it, until {until} at least",
            holder.purpose, holder.pid, holder.host
        ));
    }
    lines.extend(overview.holds.iter().map(alerts::held));
    lines.extend(merges.alarms());
    lines.push(format!(
        "Waiting for a person: {} links (anagrafe links list); merges proposed: {} (anagrafe merges list)",
        overview.open_links, overview.open_merges
    ));
    lines.extend(merges.sentences());
    if overview.unsettled > 0 {
        lines.push(format!(
            "{} updates were declared and their outcome is not known: runs look at them until it is too late for them",
            overview.unsettled
        ));
    }
    lines
}

fn standing(name: &ShopName, shop: &ShopOverview) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(shop.doubted_at.map(|at| alerts::doubted(name, at)));
    lines.extend(shop.resync.as_ref().map(|resync| {
        let Resync { started_at, read, count, .. } = resync;
        format!(
            "{name}: a resync that began {started_at} has read {read} of {count} contacts; `anagrafe resync` goes on"
        )
    }));
    lines.push(match shop.resynced_at {
        Some(at) => format!("{name}: last resynced {at}"),
        None => format!("{name}: never resynced: edits and deletions are seen by `anagrafe resync` only"),
    });
    lines
}

fn row(name: &str, shop: &ShopOverview) -> Vec<String> {
    let state = |state: ContactState| shop.states.get(&state).copied().unwrap_or(0).to_string();
    let read = match (shop.surveyed, shop.crossed) {
        (false, _) => "being surveyed",
        (true, false) => "being crossed",
        (true, true) => "whole",
    };
    vec![
        name.to_owned(),
        read.to_owned(),
        shop.checkpoint.to_string(),
        state(ContactState::Linked),
        state(ContactState::Unmatched),
        state(ContactState::Waiting),
        state(ContactState::Parked),
        state(ContactState::Invalid),
        shop.observed_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
    ]
}
