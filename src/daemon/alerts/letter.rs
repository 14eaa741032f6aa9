//! A letter: an alert as it is posted. The same alert gives the same bytes at each try.

use serde::Serialize;

use crate::model::{
    AccountName, ShopName,
    alert::{About, Alert, AlertState},
    time::Moment,
};

/// Of the form below.
const VERSION: u32 = 1;

/// Its form is settled; receivers read it.
#[derive(Serialize)]
struct Letter<'a> {
    version: u32,
    /// The same over all tries: one that was seen is dropped.
    id: &'a str,
    /// Rises with each change of the subject: what comes with a lower one is old.
    sequence: i64,
    account: &'a AccountName,
    /// None: the account's.
    shop: Option<&'a ShopName>,
    subject: &'static str,
    /// Which of that subject: a pass, what is held. None where there is one only.
    kind: Option<&'static str>,
    state: &'static str,
    since: Moment,
    at: Moment,
    summary: &'a str,
    /// Commands to type.
    todo: &'a [String],
}

/// The body.
///
/// # Errors
/// If there is no memory for it.
pub(super) fn body(alert: &Alert, account: &AccountName) -> serde_json::Result<Vec<u8>> {
    let Alert { about: About { shop, subject }, state, revision, id, causes: _, since, at, summary, todo } = alert;
    serde_json::to_vec(&Letter {
        version: VERSION,
        id,
        sequence: *revision,
        account,
        shop: shop.as_ref(),
        subject: subject.word(),
        kind: Some(subject.kind()).filter(|kind| !kind.is_empty()),
        state: AlertState::as_str(*state),
        since: *since,
        at: *at,
        summary,
        todo,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{
        alert::{HeldBy, Subject},
        hold::HoldKind,
    };

    #[test]
    fn a_letter_has_this_form() {
        let alert = Alert {
            about: About { shop: "main".parse().ok(), subject: Subject::Held(HeldBy::Hold(HoldKind::Merges)) },
            state: AlertState::Raised,
            revision: 3,
            id: "5f".into(),
            causes: BTreeSet::new(),
            since: Moment::from_millis(0),
            at: Moment::from_millis(60_000),
            summary: "HELD (merges): why; see `anagrafe holds show 2`".into(),
            todo: vec!["anagrafe holds show 2".into()],
        };
        let body = |alert: &Alert| {
            let account = "acme".parse().map_err(|_| ());
            account.ok().and_then(|account| body(alert, &account).ok()).and_then(|body| String::from_utf8(body).ok())
        };
        insta::assert_snapshot!(body(&alert).unwrap_or_default(), @r#"{"version":1,"id":"5f","sequence":3,"account":"acme","shop":"main","subject":"held","kind":"merges","state":"raised","since":"1970-01-01T00:00:00.000Z","at":"1970-01-01T00:01:00.000Z","summary":"HELD (merges): why; see `anagrafe holds show 2`","todo":["anagrafe holds show 2"]}"#);
        let account =
            Alert { about: About { shop: None, subject: Subject::Doubt }, state: AlertState::Recovered, ..alert };
        let account = body(&account).unwrap_or_default();
        assert!(account.contains(r#""shop":null,"subject":"doubt","kind":null,"state":"recovered""#), "{account}");
    }
}
