//! How a plan reads: one line a contact, ids and codes only, so that it can be shown anywhere.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};

use crate::model::{
    link::Role,
    proposal::{Authority, Proposed},
};

use super::{ContactPlan, PagePlan, Patch};

pub(super) fn patch<S: Serializer>(patch: &Patch, serializer: S) -> Result<S::Ok, S::Error> {
    let verdicts: BTreeMap<&str, &str> =
        patch.fields().iter().map(|(field, plan)| (field.as_str(), plan.verdict.as_str())).collect();
    verdicts.serialize(serializer)
}

impl fmt::Display for ContactPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.contact, self.state, self.reason)?;
        if let Some(link) = &self.link {
            let role = match link.role {
                Role::Owner => "",
                Role::Secondary => ", secondary",
            };
            write!(f, " -> {}{role}", link.customer)?;
        }
        for (field, plan) in self.patch.sent() {
            write!(f, " +{field}:{}", plan.verdict.as_str())?;
        }
        for proposal in &self.proposals {
            let authority = match &proposal.authority {
                Authority::Automatic => "automatic".to_owned(),
                Authority::Ask(reasons) => format!("asks: {}", reasons.join(", ")),
            };
            match &proposal.proposed {
                Proposed::Link { customer } => write!(f, " ?link {customer} ({authority})")?,
                Proposed::Merge { survivor, absorbed } => {
                    let absorbed: Vec<&str> = absorbed.iter().map(crate::model::CustomerId::as_str).collect();
                    write!(f, " ?merge {} into {survivor} ({authority})", absorbed.join(", "))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for PagePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for contact in &self.contacts {
            writeln!(f, "{contact}")?;
        }
        Ok(())
    }
}
