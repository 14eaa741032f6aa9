//! What `explain` says of how things are now: what both systems say, how that is weighed, what a run would do.

use crate::{plan::matching::Row, sync::explain::Live};

/// In lines.
pub fn now(live: &Live, erasures: &[i64]) -> Vec<String> {
    let mut lines = vec!["What both say now".to_owned()];
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(field, value)| format!("{field} {value}")).collect::<Vec<_>>().join(", ")
    };
    lines.push(format!("  shop: {}", pairs(&live.contact)));
    for (id, fields) in &live.customers {
        lines.push(format!("  customer {id}: {}", pairs(fields)));
    }
    if live.erased {
        lines.push(format!("What a run would do\n  {}", excluded(erasures)));
    }
    let Some(plan) = &live.plan else { return lines };
    lines.push("How that is weighed".to_owned());
    for weighing in &plan.weighed {
        lines.push(format!(
            "  customer {}: e-mail {}, telephone {}, names {:?} -> row {}: {} ({})",
            weighing.customer,
            weighing.email.as_str(),
            weighing.phone.as_str(),
            weighing.names,
            weighing.row,
            weighing.outcome.as_str(),
            Row::explain(weighing.row)
        ));
    }
    if plan.weighed.is_empty() {
        lines.push("  no customer holds an identifier of this contact".into());
    }
    let shared = [("e-mail", plan.shared.email), ("telephone", plan.shared.phone)];
    for (what, why) in shared.iter().filter_map(|(what, why)| why.map(|why| (what, why))) {
        lines.push(format!("  the {what} is shared ({}): it never matches alone", why.as_str()));
    }
    lines.extend(plan.defects.iter().map(|defect| format!("  not usable: {defect}")));
    lines.push(format!("What a run would do\n  {plan}"));
    for (field, planned) in plan.patch.fields() {
        lines.push(format!("    {field}: {}", planned.verdict.as_str()));
    }
    lines
}

/// What a run does with a contact who was erased. `erasures`: those that name her id.
fn excluded(erasures: &[i64]) -> String {
    let by = match erasures {
        [] => "an erasure names an e-mail or telephone number of hers".to_owned(),
        [one] => format!("erasure {one} names her"),
        many => format!("erasures {} name her", many.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
    };
    format!("exclude her: {by} (`anagrafe erase list`). No customer is looked for, and nothing is written")
}
