//! Every form in which a pass writes a search: one value and several, each spelling of a number, both kinds at once, a whole
//! batch. Asked for what nobody can hold, each has to be understood and to find nobody; asked for what a customer holds
//! whom the operator named, each has to find that one.

use crate::{
    http::CallError,
    model::{
        Customer, CustomerId,
        finding::{Finding, Standing},
        rules::Spelling,
    },
    plan::{
        normalise::{self, Region},
        spellings,
    },
    sync::check::{account::keys, contradicted, refused},
    vivocha::{Ask, Reader},
};

const SUBJECT: &str = "customers.search";
const FILTER: &str = "ask Vivocha how customers are searched: an answer that holds strangers ends every run";
/// A page is full at this many rows: whoever is not on it may be on the next.
const FULL: usize = 100;
const ALL: [Spelling; 5] =
    [Spelling::E164, Spelling::DoubleZero, Spelling::Bare, Spelling::National, Spelling::AsWritten];

/// The configuration's word for a spelling.
const fn word(spelling: Spelling) -> &'static str {
    match spelling {
        Spelling::E164 => "e164",
        Spelling::DoubleZero => "00",
        Spelling::Bare => "bare",
        Spelling::National => "national",
        Spelling::AsWritten => "as-written",
    }
}

/// A number of a country that does not exist, written so.
fn nobodys(spelling: Spelling, which: usize) -> String {
    let tail = format!("{which:07}");
    match spelling {
        Spelling::E164 => format!("+99900000{tail}"),
        Spelling::DoubleZero => format!("0099900000{tail}"),
        Spelling::Bare => format!("99900000{tail}"),
        Spelling::National => format!("0000{tail}"),
        Spelling::AsWritten => format!("+999 (000) 00/{tail}"),
    }
}

/// An address under a name that is reserved to exist nowhere, with every sign that an address may bring.
fn nobody(which: usize) -> String {
    format!("nobody.o'neil+anagrafe_{which}@does-not-exist.invalid")
}

fn email(text: String) -> Ask {
    Ask { emails: vec![text], ..Ask::default() }
}

fn number(text: String) -> Ask {
    Ask { telnums: vec![text], ..Ask::default() }
}

/// Contacts that nobody is, in all the ways a pass would ask for them.
fn strangers(count: usize, spelled: &[Spelling]) -> Vec<Ask> {
    let stranger = |which| Ask {
        emails: vec![nobody(which), nobody(which).to_uppercase()],
        telnums: spelled.iter().map(|spelling| nobodys(*spelling, which)).collect(),
        vvcu: None,
    };
    (0..count).map(stranger).collect()
}

/// Whether each form is understood, and finds nobody where there is nobody.
pub async fn understood(reader: &Reader, spelled: &[Spelling]) -> Result<Vec<Finding>, CallError> {
    let many = reader.searches_many().await?;
    let numbers = |which| spelled.iter().map(move |spelling| nobodys(*spelling, which)).collect();
    let mut forms: Vec<(String, Ask)> = vec![("e-mail".into(), email(nobody(0)))];
    forms.extend(spelled.iter().map(|one| (format!("number {}", word(*one)), number(nobodys(*one, 0)))));
    if many {
        let several = Ask { emails: vec![nobody(0), nobody(1)], ..Ask::default() };
        forms.push(("several e-mails".into(), several));
        forms.push(("several numbers".into(), Ask { telnums: numbers(0), ..Ask::default() }));
        forms.push(("e-mail or number".into(), Ask { emails: vec![nobody(0)], telnums: numbers(0), ..Ask::default() }));
    }
    let mut out = Vec::new();
    let mut counted = None;
    for (name, ask) in forms {
        let looked = reader.look(&[ask]).await;
        counted = looked.as_ref().ok().map(|looked| looked.counted).or(counted);
        out.push(empty(&name, looked.map(|looked| looked.rows)));
    }
    if many {
        out.push(batch(reader, spelled).await);
    }
    out.extend(counted.map(count));
    Ok(out)
}

fn count(counted: bool) -> Finding {
    let subject = format!("{SUBJECT} count");
    if counted {
        let text = "an answer says how many customers match in all";
        return Finding::new(subject, Standing::Confirmed, text, "");
    }
    let text = "an answer does not say how many customers match in all (Results-Matching)";
    let advice = "ask Vivocha how an answer is known to be whole; until then longer ones are asked after once more";
    Finding::new(subject, Standing::Unknown, text, advice)
}

fn empty(name: &str, found: Result<Vec<Customer>, CallError>) -> Finding {
    let subject = format!("{SUBJECT} {name}");
    match found {
        Ok(rows) if rows.is_empty() => {
            Finding::new(subject, Standing::Confirmed, "understood, and finds nobody where nobody is", "")
        }
        Ok(rows) => {
            let text = format!("finds {} customers by what nobody holds", rows.len());
            Finding::new(subject, Standing::Contradicted, text, FILTER)
        }
        Err(error) => {
            let remedy = "not every search is understood: set vivocha.search to the other of \"rql\" and \"params\", take the \
                          spelling out of vivocha.spellings, or ask Vivocha how such a value is searched";
            refused(subject, &error.cause, &keys(), remedy)
        }
    }
}

/// A batch as long as they come; where it is refused, the longest half of a half that is not.
async fn batch(reader: &Reader, spelled: &[Spelling]) -> Finding {
    const BATCH: &str = "vivocha.search_batch";
    let wanted = reader.options().search_batch;
    let refusal = match reader.look_as_a_pass(&strangers(wanted, spelled)).await {
        Ok((calls, found)) if found.is_empty() => {
            let calls = if calls == 1 { "one call".to_owned() } else { format!("{calls} calls") };
            let text = format!("{wanted} contacts with every spelling are asked for in {calls}");
            return Finding::new(BATCH, Standing::Confirmed, text, "");
        }
        Ok((_, found)) => return empty("batch", Ok(found)),
        Err(error) => error,
    };
    let mut smaller = wanted / 2;
    while smaller > 0 {
        if reader.look_as_a_pass(&strangers(smaller, spelled)).await.is_ok_and(|(_, found)| found.is_empty()) {
            let text = format!("{wanted} contacts in one search are refused: {}", refusal.cause);
            let advice = format!("set vivocha.search_batch = {smaller}, which goes well");
            return Finding::new(BATCH, Standing::Contradicted, text, &advice);
        }
        smaller /= 2;
    }
    contradicted(BATCH, &refusal.cause, &keys())
}

/// Whether a customer is found by what it holds, in each form.
pub async fn finds(reader: &Reader, customer: &Customer, region: Region) -> Vec<Finding> {
    let naming = &reader.options().naming;
    let text = |field: &str| customer.text(field).as_str().map(str::to_owned);
    let (address, telephone) = (text(&naming.email), text(&naming.telnum));
    let Ok(many) = reader.searches_many().await else { return Vec::new() };
    let look = Look { reader, id: &customer.id };
    let mut out = Vec::new();
    match &address {
        Some(address) => out.extend(look.by_email(address, many).await),
        None => out.push(lacks("e-mail")),
    }
    match &telephone {
        Some(telephone) => out.extend(look.by_number(telephone, many, region).await),
        None => out.push(lacks("number")),
    }
    if many && (address.is_some() || telephone.is_some()) {
        let own = Ask { emails: address.into_iter().collect(), telnums: telephone.into_iter().collect(), vvcu: None };
        let mut asks = strangers(reader.options().search_batch.saturating_sub(1), &ALL);
        asks.push(own);
        let found = reader.look_as_a_pass(&asks).await.map(|(_, found)| found);
        out.push(look.found("in a whole batch", found));
    }
    out
}

/// Whether a finding says that the customer is not found.
pub fn is_about_finding(finding: &Finding) -> bool {
    finding.verdict == Standing::Contradicted && finding.subject.starts_with(SUBJECT)
}

struct Look<'a> {
    reader: &'a Reader,
    id: &'a CustomerId,
}

impl Look<'_> {
    async fn by_email(&self, address: &str, many: bool) -> Vec<Finding> {
        let mut out = vec![self.one("by its e-mail", email(address.to_owned())).await];
        if many {
            let among = Ask { emails: vec![nobody(0), address.to_owned(), nobody(1)], ..Ask::default() };
            out.push(self.one("by its e-mail among others", among).await);
        }
        let (upper, lower) = (address.to_uppercase(), address.to_lowercase());
        let other = if address == lower { upper } else { lower };
        if let Ok(found) = self.holds(email(other)).await {
            let text = if found {
                "an e-mail is found in capitals and in small letters alike"
            } else {
                "an e-mail is compared letter by letter: it is asked for in small letters and as the shop has it"
            };
            out.push(Finding::new(format!("{SUBJECT} letter case"), Standing::Confirmed, text, ""));
        }
        out
    }

    async fn by_number(&self, telephone: &str, many: bool, region: Region) -> Vec<Finding> {
        let mut out = vec![self.one("by its number", number(telephone.to_owned())).await];
        if many {
            let others = [nobodys(Spelling::E164, 0), telephone.to_owned(), nobodys(Spelling::AsWritten, 1)];
            let among = Ask { telnums: others.into(), ..Ask::default() };
            out.push(self.one("by its number among others", among).await);
        }
        let Ok(Some(phone)) = normalise::phone(telephone, region) else { return out };
        let (mut by, mut not_by) = (Vec::new(), Vec::new());
        for spelling in ALL {
            let ways = spellings::of_phone(telephone, &phone, region, &[spelling]);
            for way in ways.into_iter().filter(|way| way != telephone) {
                match self.holds(number(way)).await {
                    Ok(true) => by.push(word(spelling)),
                    Ok(false) => not_by.push(word(spelling)),
                    Err(_) => {}
                }
            }
        }
        if !by.is_empty() || !not_by.is_empty() {
            let text = if by.is_empty() {
                "a number is found only as it is written there: each spelling has to be asked for".to_owned()
            } else if not_by.is_empty() {
                "a number is found in whatever spelling: one in vivocha.spellings would do".to_owned()
            } else {
                format!("a number written otherwise is found as {}, and not as {}", by.join(", "), not_by.join(", "))
            };
            out.push(Finding::new(format!("{SUBJECT} spellings"), Standing::Confirmed, text, ""));
        }
        out
    }

    async fn holds(&self, ask: Ask) -> Result<bool, CallError> {
        Ok(self.reader.look(&[ask]).await?.rows.iter().any(|row| row.id == *self.id))
    }

    async fn one(&self, how: &str, ask: Ask) -> Finding {
        self.found(how, self.reader.look(&[ask]).await.map(|looked| looked.rows))
    }

    fn found(&self, how: &str, found: Result<Vec<Customer>, CallError>) -> Finding {
        let subject = format!("{SUBJECT} {how}");
        match found {
            Ok(rows) if rows.iter().any(|row| row.id == *self.id) => {
                Finding::new(subject, Standing::Confirmed, "the customer is found", "")
            }
            Ok(rows) if rows.len() >= FULL => {
                let text = "so many customers hold the same that this one is not on the first page";
                Finding::new(subject, Standing::Unknown, text, "name a customer of his own")
            }
            Ok(_) => {
                let text = format!("customer {} is not found by what it holds", self.id);
                let advice = "set vivocha.search to the other of \"rql\" and \"params\", or ask Vivocha how customers are \
                              searched; if the customer is new, its search may lag: check again";
                Finding::new(subject, Standing::Contradicted, text, advice)
            }
            Err(error) => contradicted(subject, &error.cause, &keys()),
        }
    }
}

fn lacks(what: &str) -> Finding {
    let text = format!("the customer has no {what} to be found by");
    Finding::new(format!("{SUBJECT} by its {what}"), Standing::Unknown, text, "name one that has both")
}
