//! What the codes of a merge mean, each in a sentence.

use crate::{
    model::merge::{Merge, MergeOutcome},
    plan::matching::Row,
};

/// Why a merge asks a person, by code.
pub const REASONS: [(&str, &str); 10] = [
    ("other-email", "one of the customers holds another e-mail than the contact's"),
    ("other-phone", "one of the customers holds another telephone number than the contact's"),
    ("names-differ", "two of the names that stand there are different people's"),
    ("linked-to-another-contact", "another contact of the shop is linked to one of the customers"),
    (
        "no-identifier-agrees",
        "one of the customers holds no identifier of the contact's that is hers alone: an earlier link, or a person's word, brings it here",
    ),
    (
        "names-do-not-confirm",
        "not all of them hold the contact's e-mail, and then every name must be there and agree; one is blank, or of our own writing",
    ),
    ("may-be-our-writing", "what agrees may be what we wrote there ourselves, and that is never evidence"),
    ("auto-merge-off", "matching.auto_merge is off: every merge asks"),
    ("large-cluster", "these are more customers than matching.max_cluster lets go without a look"),
    ("overlapping-clusters", "the merge of another contact names one of these customers, and not all of them"),
];

/// What else a merge may be asked for by.
pub const STANDINGS: [(&str, &str); 3] = [
    ("overlapping", "another proposal names one of its customers, and not all of them"),
    ("sent-in-vain", "Vivocha refused it, or it was sent in vain twice"),
    ("held", "a safeguard holds it"),
];

/// What a person does about a merge that nobody can tell what became of.
pub const TELL: &str = "nothing that can be read tells what became of it. Look at both customers in Vivocha: `merges approve ID` says that they are one now, `merges reject ID` that they are two";

/// A reason in a sentence.
#[must_use]
pub fn reason(code: &str) -> &'static str {
    let known = REASONS.iter().chain(&STANDINGS).find(|(known, _)| *known == code);
    known.map_or("this version does not know what that means", |(_, says)| says)
}

/// A piece of evidence: whose, the row, and the row in a sentence.
#[must_use]
pub fn evidence(text: &str) -> (Option<&str>, &str, &'static str) {
    let (customer, code) = text.rsplit_once(": ").map_or((None, text), |(customer, code)| (Some(customer), code));
    let row = Row::ALL.into_iter().find(|row| row.as_str() == code);
    let says = match (row, code) {
        (Some(row), _) => row.explain(),
        (None, "by-hand") => "a person merged the two by hand, on her own authority",
        (None, _) => "this version does not know that row",
    };
    (customer, code, says)
}

/// What became of a merge.
#[must_use]
pub fn outcome(merge: &Merge) -> &'static str {
    match merge.outcome.map(|(outcome, _)| outcome) {
        None => "it was declared, and a crash or a kill came before its outcome was recorded: the next sync finds out",
        Some(MergeOutcome::Applied) => "both were read, and are one",
        Some(MergeOutcome::NotApplied) => "both were read, later than it could still have been applied, and are two",
        Some(MergeOutcome::Refused) => "Vivocha refused it: both are as they were",
        Some(MergeOutcome::Stale) => "it was not sent",
        Some(MergeOutcome::Unknown) => {
            "it was sent, and what became of it is not known yet: a sync reads both and decides, once vivocha.timeout and vivocha.late_apply are over; it is not sent again before"
        }
        Some(MergeOutcome::Person) => TELL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_and_every_reason_has_its_sentence() {
        for row in Row::ALL {
            assert_eq!(evidence(&format!("c:1: {row}")), (Some("c:1"), row.as_str(), row.explain()));
        }
        assert_eq!(evidence("by-hand").0, None);
        assert_eq!(reason("other-email"), "one of the customers holds another e-mail than the contact's");
        assert!(reason("held").contains("safeguard") && reason("x").contains("does not know"));
    }
}
