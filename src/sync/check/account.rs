//! The account: where it lives, whether it lets us in, searches, filters and reads, and what its own specification says.
//! Searches for nobody and asks for a customer that does not exist: nothing personal comes back.

use serde_json::Value;
use url::Url;

use super::{FIRST, Keys, contradicted, forms, status, unreached};
use crate::{
    http::{CallError, Cause, Client, Verdict},
    model::{
        AccountName, CustomerId,
        finding::{Finding, Standing},
        rules::{FieldRule, FieldRules, Spelling, WriteRule},
    },
    vivocha::{self, Auth, Reader, SearchMode},
};

/// No account gives a customer this id.
const NOBODY: &str = "anagrafe-probe-of-nobody";

pub(super) fn keys() -> Keys {
    Keys { address: "vivocha.base_url".into(), timeout: "vivocha.timeout".into(), whom: "Vivocha" }
}

/// Looks the account's world up, for a configuration without `base_url`.
pub async fn world(client: &Client, account: &AccountName, door: &Url) -> (Finding, Option<Url>) {
    match vivocha::world(client, account, door).await {
        Ok(base) => {
            let text = format!("account {account} lives at {base}");
            (Finding::new("vivocha.account", Standing::Confirmed, text, ""), Some(base))
        }
        Err(error) => (contradicted("vivocha.account", &error.cause, &keys()), None),
    }
}

/// What three questions were answered.
struct Tried {
    specification: Result<Value, CallError>,
    /// A search for nobody: whether it found nobody.
    search: Result<Finding, CallError>,
    /// A customer that does not exist: whether the answer says so.
    get: Result<bool, CallError>,
}

/// What of the configuration is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `[vivocha] spellings`
    pub spellings: &'a [Spelling],
    /// `[fields]`
    pub fields: &'a FieldRules,
    /// Whether a write probe will tell what only a write can.
    pub probed: bool,
}

/// Asks the account.
pub async fn account(reader: &Reader, asked: Asked<'_>) -> Vec<Finding> {
    let specification = reader.openapi().await;
    if let Some(error) = specification.as_ref().err().filter(|error| unreached(&error.cause)) {
        let rest = "credentials, search and specification were not asked: the account was not reached";
        return vec![
            contradicted("vivocha.base_url", &error.cause, &keys()),
            Finding::new("vivocha.*", Standing::Unknown, rest, FIRST),
        ];
    }
    let search = reader.probe_filter().await;
    let get = match NOBODY.parse::<CustomerId>() {
        Ok(nobody) => reader.get(&nobody).await.map(|found| found.is_none()),
        // The constant is an id.
        Err(_) => Ok(false),
    };
    let tried = Tried { specification, search, get };
    let mut out = vec![tried.lives_there(reader), tried.let_in(reader)];
    out.extend(tried.scopes(asked.probed));
    out.extend(tried.searches());
    if tried.search.as_ref().is_ok_and(|filter| filter.verdict == Standing::Confirmed) {
        match forms::understood(reader, asked.spellings).await {
            Ok(forms) => out.extend(forms),
            Err(error) => out.push(contradicted("vivocha.search", &error.cause, &keys())),
        }
    }
    out.push(tried.reads());
    out.push(tried.tells_history(reader).await);
    out.extend(tried.described(reader, asked.fields));
    out.extend(on_no_page());
    out
}

/// What no page says and no reading can show.
fn on_no_page() -> [Finding; 2] {
    let unknown = |subject: &str, text: &str, advice: &str| Finding::new(subject, Standing::Unknown, text, advice);
    [
        unknown(
            "customers.merge",
            "which id survives a merge, and what the other one answers then, is on no page",
            "ask Vivocha; it is read from every answer and confirmed by reading both, and a shop's first merges are held",
        ),
        unknown(
            "vivocha.late_apply",
            "how long after a call ran into its timeout it may still be carried out is on no page",
            "ask Vivocha; until then vivocha.late_apply is taken at its word",
        ),
    ]
}

impl Tried {
    /// Not one address below the base is known there.
    fn nowhere(&self) -> bool {
        let missing = |error: Option<&CallError>| error.is_some_and(|error| status(&error.cause) == Some(404));
        missing(self.specification.as_ref().err()) && missing(self.search.as_ref().err())
    }

    /// The refusal of the credentials, by any of the calls that need them.
    fn refused(&self) -> Option<&CallError> {
        [self.search.as_ref().err(), self.get.as_ref().err()]
            .into_iter()
            .flatten()
            .find(|error| error.call == "token" || matches!(status(&error.cause), Some(401 | 403)))
    }

    fn lives_there(&self, reader: &Reader) -> Finding {
        const SUBJECT: &str = "vivocha.base_url";
        if !self.nowhere() {
            return Finding::new(SUBJECT, Standing::Confirmed, "the account answers", "");
        }
        let text = format!("neither a specification nor customers at {}", reader.options().base_url);
        let advice = "check vivocha.base_url and vivocha.account; without base_url the account's world is looked up";
        Finding::new(SUBJECT, Standing::Contradicted, text, advice)
    }

    fn let_in(&self, reader: &Reader) -> Finding {
        const SUBJECT: &str = "vivocha.auth";
        let accepted = match &reader.options().auth {
            Auth::Client { .. } => "the client's id and secret are accepted (mode \"client\")",
            Auth::Jwt { .. } => "a token signed with the account's secret is accepted (mode \"jwt\")",
            Auth::OAuth { .. } => "a token is given for the credentials, and accepted (mode \"oauth\")",
            Auth::Basic { .. } => "account and secret token are accepted (mode \"basic\")",
        };
        match (self.refused(), &self.search) {
            (Some(error), _) => contradicted(SUBJECT, &error.cause, &keys()),
            (None, Ok(_)) => Finding::new(SUBJECT, Standing::Confirmed, accepted, ""),
            (None, Err(_)) => {
                let text = "no answer came that tells whether the credentials are accepted";
                Finding::new(SUBJECT, Standing::Unknown, text, "set the others right and check again")
            }
        }
    }

    /// What the credentials may do, each scope by a call that needs it.
    fn scopes(&self, probed: bool) -> Vec<Finding> {
        let subject = |scope: &str| format!("vivocha.auth {scope}");
        let mut out = Vec::new();
        for (scope, worked) in [("Customer.query", self.search.is_ok()), ("Customer.read", self.get.is_ok())] {
            if worked {
                out.push(Finding::new(subject(scope), Standing::Confirmed, "the credentials carry it", ""));
            }
        }
        if self.refused().is_none() && !probed {
            let text = "only a write tells whether the credentials may update and merge customers";
            let advice =
                "anagrafe check --write-probe CUSTOMER, with one made for it; or ask Vivocha which scopes they carry";
            out.push(Finding::new(subject("Customer.update"), Standing::Unknown, text, advice));
        }
        out
    }

    /// No sync needs it, so that without it nothing stands in the way.
    async fn tells_history(&self, reader: &Reader) -> Finding {
        const SUBJECT: &str = "customers.history";
        const ASK: &str =
            "ask Vivocha how the chats of a customer are read; only `anagrafe customers history` needs it";
        let answer = match NOBODY.parse::<CustomerId>() {
            Ok(nobody) if self.refused().is_none() => reader.history(&nobody).await,
            Ok(_) | Err(_) => return not_told(SUBJECT),
        };
        match answer {
            Err(error) if error.verdict == Verdict::Park && status(&error.cause) == Some(404) => {
                let text =
                    "permitted; an unknown id is answered as such. Its shape is on no page: it is shown as it comes";
                Finding::new(SUBJECT, Standing::Confirmed, text, "")
            }
            Ok(_) => Finding::new(SUBJECT, Standing::Unknown, "an id that nobody has was answered with a history", ASK),
            Err(error) => {
                let text = format!("an id that nobody has was answered with {}", error.cause);
                Finding::new(SUBJECT, Standing::Unknown, text, ASK)
            }
        }
    }

    fn searches(&self) -> Vec<Finding> {
        const SUBJECT: &str = "customers.search";
        match &self.search {
            Ok(filter) => vec![
                Finding::new(SUBJECT, Standing::Confirmed, "permitted", ""),
                Finding { subject: format!("{SUBJECT} filter"), ..filter.clone() },
            ],
            Err(error) if self.is_general(error) => vec![not_told(SUBJECT)],
            Err(error) => vec![contradicted(SUBJECT, &error.cause, &keys())],
        }
    }

    fn reads(&self) -> Finding {
        const SUBJECT: &str = "customers.get";
        match &self.get {
            Ok(true) => Finding::new(SUBJECT, Standing::Confirmed, "permitted; an unknown id is answered as such", ""),
            Ok(false) => Finding::new(
                SUBJECT,
                Standing::Contradicted,
                "an id that nobody has was answered with a customer",
                "check vivocha.endpoints.get, or ask Vivocha how one customer is read",
            ),
            Err(error) if self.is_general(error) => not_told(SUBJECT),
            Err(error) if is_about_the_id(&error.cause) => {
                let text = format!("an id that nobody has was answered with {}", error.cause);
                let advice = "ask Vivocha what its customers' ids look like; a first `anagrafe plan` reads real ones";
                Finding::new(SUBJECT, Standing::Unknown, text, advice)
            }
            Err(error) => contradicted(SUBJECT, &error.cause, &keys()),
        }
    }

    /// Said already, and of the account as a whole.
    fn is_general(&self, error: &CallError) -> bool {
        self.refused().is_some_and(|refused| refused.cause == error.cause)
            || (self.nowhere() && status(&error.cause) == Some(404))
    }

    fn described(&self, reader: &Reader, fields: &FieldRules) -> Vec<Finding> {
        const SUBJECT: &str = "openapi.json";
        const ASK: &str = "ask Vivocha for the account's specification; until then [vivocha.endpoints] and [vivocha.fields] \
                           are taken at their word";
        let options = reader.options();
        let mode = |text: &str| match options.search {
            SearchMode::Auto => Some(Finding::new("vivocha.search", Standing::Confirmed, text, "")),
            SearchMode::Rql | SearchMode::Params => None,
        };
        match &self.specification {
            Ok(document) => {
                let rql = vivocha::offers_rql(document, options);
                let text = if rql {
                    "\"auto\" means \"rql\" here"
                } else {
                    "\"auto\" means \"params\" here: q is not offered"
                };
                let target = |key, rule: &FieldRule, object| {
                    let found = vivocha::read_target(document, options, key, &rule.to, object);
                    // What is never written stands in nobody's way.
                    let harmless = rule.rule == WriteRule::Never && found.verdict == Standing::Contradicted;
                    if harmless { Finding { verdict: Standing::Unknown, ..found } } else { found }
                };
                let targets = [target("note", &fields.note, false), target("ids", &fields.ids, true)];
                let read = vivocha::read_openapi(document, options);
                mode(text).into_iter().chain(read).chain(targets).collect()
            }
            Err(error) if status(&error.cause) == Some(404) => {
                let text = "\"auto\" means \"params\" here: there is no specification";
                let missing = Finding::new(SUBJECT, Standing::Unknown, "the account has no specification", ASK);
                [missing].into_iter().chain(mode(text)).collect()
            }
            Err(error) => {
                let text = format!("the specification cannot be read: {}", error.cause);
                vec![Finding::new(SUBJECT, Standing::Unknown, text, ASK)]
            }
        }
    }
}

fn not_told(subject: &str) -> Finding {
    Finding::new(subject, Standing::Unknown, "whether it is permitted cannot be told before that is right", FIRST)
}

/// Their framework answers an id of the wrong form like any value of the wrong form.
fn is_about_the_id(cause: &Cause) -> bool {
    matches!(status(cause), Some(400 | 500))
}
