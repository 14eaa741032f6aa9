//! What the answers to a probe's writes say about updates, in words. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    SUBJECT, Sent,
    trial::{Trial, of},
    value::{Came, came, shortens_names},
};
use crate::{
    http::{CallError, Verdict},
    model::finding::{Finding, Standing},
    plan::normalise::{self, Region},
    sync::{
        PassError,
        check::{account::keys, contradicted, refused, status},
    },
};

const UPDATE: &str = "customers.update";
const ASK_UPDATE: &str = "check vivocha.endpoints.update, and ask Vivocha how a customer is updated";
pub(super) const ASK_LENGTH: &str = "ask Vivocha how long the texts of a customer may be";

/// Findings so far.
#[derive(Default)]
pub(super) struct Told {
    pub(super) findings: Vec<Finding>,
    /// The number of characters this account cuts texts to, where it was seen to.
    pub(super) cut: Option<usize>,
}

/// How an identifier stands in the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing stands there.
    Blank,
    /// As Anagrafe sends it.
    Ours,
    /// Otherwise.
    Other,
}

/// How what stands compares with what Anagrafe sends for a field of `[fields]`.
pub(super) fn form(key: &str, standing: &Value, region: Region) -> Form {
    let text = match standing {
        Value::Null => return Form::Blank,
        Value::String(text) if text.trim().is_empty() => return Form::Blank,
        Value::String(text) => text,
        Value::Object(_) if key == "ids" => return Form::Ours,
        Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Number(_) => return Form::Other,
    };
    let ours = match key {
        "email" => normalise::email(text).ok().flatten().map(|email| email.as_str().to_owned()),
        "phone" => normalise::phone(text, region).ok().flatten().map(|phone| phone.e164().to_owned()),
        _ => None,
    };
    if ours.as_ref() == Some(text) { Form::Ours } else { Form::Other }
}

impl Told {
    fn add(&mut self, subject: impl Into<String>, verdict: Standing, text: impl Into<String>, advice: &str) {
        self.findings.push(Finding::new(subject, verdict, text, advice));
    }

    /// What the first write says; false where the probe has to end.
    pub(super) fn updated(&mut self, trial: &Trial, field: &str, text: &str, sent: &Sent) -> bool {
        if let Err(error) = &sent.answer {
            self.failed(error);
            return false;
        }
        let now = of(&sent.now.document, field);
        if now == of(&trial.before.document, field) {
            let what = format!("an update of `{field}` was answered with success and changed nothing");
            let advice =
                "check vivocha.endpoints.update (its verb and its path), and ask Vivocha how a customer is updated";
            self.add(UPDATE, Standing::Contradicted, what, advice);
            return false;
        }
        self.add("vivocha.auth Customer.update", Standing::Confirmed, "the credentials may update customers", "");
        self.add(UPDATE, Standing::Confirmed, format!("an update of `{field}` is there when it is read by id"), "");
        self.answered(sent);
        self.kept(field, text, now);
        self.partial(trial, field, sent)
    }

    /// Whether what was not sent stays.
    fn partial(&mut self, trial: &Trial, field: &str, sent: &Sent) -> bool {
        let subject = format!("{UPDATE} partial");
        let lost = trial.lost(&sent.now);
        if !lost.is_empty() {
            let what = format!("an update of `{field}` alone dropped fields that were not sent: {}", join(&lost));
            let advice = "a sync would stop at its first update: ask Vivocha how a partial update is made for this account, and \
                          set vivocha.endpoints.update accordingly (with PATCH a JSON Patch is sent)";
            self.add(subject, Standing::Contradicted, what, advice);
            return false;
        }
        let others = trial.before.document.keys().any(|other| other != field && sent.now.document.contains_key(other));
        if others {
            self.add(subject, Standing::Confirmed, "fields that are not sent stay as they are", "");
        } else {
            let what = "the customer holds nothing else, so whether other fields stay cannot be told";
            self.add(subject, Standing::Unknown, what, "name a customer of more fields");
        }
        true
    }

    /// Whether the answer is the document, and the one that stands.
    fn answered(&mut self, sent: &Sent) {
        let subject = format!("{UPDATE} answer");
        let Ok(answer) = &sent.answer else { return };
        if !sent.documented {
            let what = "success is told without the customer, which is then read by id: one call more for each update";
            self.add(subject, Standing::Confirmed, what, "");
        } else if answer.document == sent.now.document {
            self.add(subject, Standing::Confirmed, "the answer is the whole customer, as it stands", "");
        } else {
            let keys: BTreeSet<&String> = answer.document.keys().chain(sent.now.document.keys()).collect();
            let other = |key: &&&String| answer.document.get(**key) != sent.now.document.get(**key);
            let other: BTreeSet<String> = keys.iter().filter(other).map(|key| (*key).clone()).collect();
            let what = format!("the answer is not the customer as it is read by id then: {}", join(&other));
            let advice = "ask Vivocha what its update answers: what comes back is taken for what stands, to tell our own \
                          values from an agent's";
            self.add(subject, Standing::Contradicted, what, advice);
        }
    }

    /// What became of the text.
    fn kept(&mut self, field: &str, text: &str, now: &Value) {
        let subject = format!("{UPDATE} text");
        match came(text, now) {
            Came::Same => self.add(subject, Standing::Confirmed, "a text is kept to the letter", ""),
            Came::Trimmed => {
                let what = "spaces at the ends of a text are trimmed; Anagrafe sends none";
                self.add(subject, Standing::Confirmed, what, "");
            }
            Came::Cut(to) => {
                self.cut = Some(to);
                let (verdict, advice) = if shortens_names(to) {
                    let advice = "names longer than that will stand cut, which Anagrafe takes for its own value; if that is not \
                                  wanted, set the rule of [fields] name to \"never\", or ask Vivocha for longer fields";
                    (Standing::Contradicted, advice)
                } else {
                    (Standing::Confirmed, "")
                };
                let sent = text.trim().chars().count();
                self.add(subject, verdict, format!("a text of {sent} characters in `{field}` is cut to {to}"), advice);
            }
            Came::Otherwise => {
                let what = format!("a text in `{field}` comes back as another text");
                let advice = "ask Vivocha what it does to texts: what comes back is taken for ours, and yet no name is kept as \
                              the shop has it";
                self.add(subject, Standing::Contradicted, what, advice);
            }
        }
    }

    /// A text as long as the longest name was refused, and a shorter one was not.
    pub(super) fn too_long(&mut self, refused: Result<crate::model::Customer, CallError>) {
        let Err(error) = refused else { return };
        let what = format!("a text as long as the longest name is refused, a shorter one is not: {}", error.cause);
        self.add(format!("{UPDATE} text"), Standing::Contradicted, what, ASK_LENGTH);
    }

    /// What a blank does where a text stood; false where the probe has to end.
    pub(super) fn blanked(&mut self, name: &str, field: &str, standing: &Value, sent: &Sent) -> bool {
        let subject = format!("{UPDATE} with {name}");
        if let Err(error) = &sent.answer {
            let advice = if name == "a null" {
                "Anagrafe sends none by itself; `anagrafe customers update` would"
            } else {
                "leave clear = false in [fields]: a blank in the shop cannot blank the customer's field"
            };
            self.findings.push(refused(subject, &error.cause, &keys(), advice));
            return goes_on(error);
        }
        let what = match sent.now.document.get(field) {
            None => "removes the field",
            Some(Value::Null) => "leaves a null",
            Some(Value::String(text)) if text.is_empty() => "leaves an empty text",
            Some(now) => {
                let what = if now == standing { "changes nothing" } else { "leaves another value" };
                let advice = "leave clear = false in [fields]: a blank in the shop cannot blank the customer's field";
                self.add(subject, Standing::Contradicted, format!("{name} {what}"), advice);
                return true;
            }
        };
        self.add(subject, Standing::Confirmed, format!("{name} {what}"), "");
        true
    }

    /// What an update with what stands did; false where the probe has to end.
    pub(super) fn resent(&mut self, key: &str, field: &str, standing: &Value, form: Form, sent: &Sent) -> bool {
        let subject = format!("{UPDATE} {key}");
        if let Err(error) = &sent.answer {
            let advice = format!("set the rule of [fields] {key} to \"never\", or ask Vivocha what `{field}` takes");
            self.findings.push(refused(subject, &error.cause, &keys(), &advice));
            return goes_on(error);
        }
        if of(&sent.now.document, field) != standing {
            let what = format!("`{field}` was sent as it stood, and comes back as something else");
            let advice =
                format!("ask Vivocha what it does to `{field}`, or set the rule of [fields] {key} to \"never\"");
            self.add(subject, Standing::Contradicted, what, &advice);
            return true;
        }
        match form {
            Form::Ours => {
                let what = format!("`{field}` takes what Anagrafe sends, and keeps it to the letter");
                self.add(subject, Standing::Confirmed, what, "");
            }
            Form::Other | Form::Blank => {
                let what = format!("`{field}` takes what stands there, which is not in the form Anagrafe sends");
                let advice = format!("name a customer whose `{field}` is {}", as_sent(key));
                self.add(subject, Standing::Unknown, what, &advice);
            }
        }
        true
    }

    /// Nothing stands that could be sent as it is.
    pub(super) fn absent(&mut self, key: &str, field: &str) {
        let what = format!("the customer has no `{field}`, and none is made up");
        let advice = match key {
            "ids" => format!(
                "ask Vivocha whether a customer can hold an object of ours in `{field}`; until then leave the rule of [fields] \
                 ids at \"never\""
            ),
            _ => format!("name a customer whose `{field}` is {}", as_sent(key)),
        };
        self.add(format!("{UPDATE} {key}"), Standing::Unknown, what, &advice);
    }

    /// The steps ended for something that is not Vivocha's answer.
    pub(super) fn unfinished(&mut self, error: &PassError) {
        let text = match error {
            PassError::Stopped => "stopped by a signal: run the same check again".to_owned(),
            PassError::LeaseLost => {
                "the account's lease could not be proved any more: run the same check again".to_owned()
            }
            PassError::Call(_)
            | PassError::Store(_)
            | PassError::Held(_)
            | PassError::Outage { .. }
            | PassError::Paused
            | PassError::Incomplete { .. }
            | PassError::StillDoubted
            | PassError::Doubted { .. }
            | PassError::Overrides { .. }
            | PassError::Canary { .. }
            | PassError::NotReadBack { .. }
            | PassError::Seal(_)
            | PassError::NoSuchContacts
            | PassError::Unbalanced { .. } => error.to_string(),
        };
        let (what, advice) = text.rsplit_once(": ").unwrap_or((&text, "run the same check again"));
        self.add(UPDATE, Standing::Unknown, format!("not tried to the end: {what}"), advice);
    }

    fn failed(&mut self, error: &CallError) {
        let missing_scope = matches!(status(&error.cause), Some(401 | 403));
        let subject = if missing_scope { "vivocha.auth Customer.update" } else { UPDATE };
        self.findings.push(contradicted(subject, &error.cause, &keys()));
        if status(&error.cause) == Some(404) {
            self.add(SUBJECT, Standing::Unknown, "an update does not know the customer that a get does", ASK_UPDATE);
        }
    }
}

/// Whether a failed step leaves the next one possible.
fn goes_on(error: &CallError) -> bool {
    match error.verdict {
        Verdict::Park | Verdict::Retry => true,
        Verdict::Stop | Verdict::Unknown => false,
    }
}

fn as_sent(key: &str) -> &'static str {
    match key {
        "email" => "in small letters",
        "phone" => "written as +393331234567",
        _ => "an object",
    }
}

fn join(fields: &BTreeSet<String>) -> String {
    fields.iter().cloned().collect::<Vec<_>>().join(", ")
}
