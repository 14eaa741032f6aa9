//! A shop: whether it is reached, takes the key, has the API's version, permits what a sync calls, and pages as a reading
//! needs it to. Of contacts it tells numbers only.

use super::{FIRST, Keys, contradicted, refused, status, unreached};
use crate::{
    http::{CallError, Cause},
    model::{
        ContactId,
        finding::{Finding, Standing},
    },
    open2b::{Conditions, Field, FindQuery, Order, Record, Shop},
};

/// Contacts of the pages that show how the shop pages.
const FEW: u32 = 10;

/// What came of a page, asked for by rising id.
struct Came {
    /// Ids, as they came.
    ids: Vec<ContactId>,
    rows: usize,
    /// Why some cannot be read: each reason once.
    defects: Vec<String>,
}

impl From<Vec<Record>> for Came {
    fn from(records: Vec<Record>) -> Self {
        let mut defects: Vec<String> = records
            .iter()
            .filter_map(|record| match record {
                Record::Whole(_) => None,
                Record::Malformed { id: _, defect } => Some(defect.to_string()),
            })
            .collect();
        defects.sort_unstable();
        defects.dedup();
        let ids = records.iter().filter_map(Record::id).collect();
        Self { ids, rows: records.len(), defects }
    }
}

/// The calls of a sync, each tried once.
struct Tried {
    count: Result<u64, CallError>,
    find: Result<Came, CallError>,
    get: Result<Got, CallError>,
}

/// What `contacts.get` said.
enum Got {
    Found,
    /// That there is no such contact, which had just come on a page.
    Denied(ContactId),
    NobodyToAskFor,
}

impl Tried {
    /// Whether pages are empty though contacts are counted.
    fn denies_all(&self) -> bool {
        self.find.as_ref().is_ok_and(|came| came.rows == 0) && self.count.as_ref().is_ok_and(|count| *count > 0)
    }

    fn causes(&self) -> [Option<&Cause>; 3] {
        [self.count.as_ref().err(), self.find.as_ref().err(), self.get.as_ref().err()].map(|e| e.map(|e| &e.cause))
    }

    /// Whether the shop understood any of them: then key and version are right, whatever it refused.
    fn understood(&self) -> bool {
        self.causes().iter().any(|cause| matches!(cause, None | Some(Cause::Refused(_))))
    }

    fn answered(&self, statuses: &[u16]) -> Option<&Cause> {
        self.causes().into_iter().flatten().find(|cause| status(cause).is_some_and(|code| statuses.contains(&code)))
    }
}

/// A shop under check.
struct Subject<'a> {
    shop: &'a Shop,
    version: u8,
    page_size: u32,
    keys: Keys,
}

/// Asks the shop, which is configured with this version of the API and this page size.
pub async fn shop(shop: &Shop, version: u8, page_size: u32) -> Vec<Finding> {
    let key = |last| format!("shops.{}.{last}", shop.name());
    let keys = Keys { address: key("url"), timeout: key("timeout"), whom: "the shop's host" };
    Subject { shop, version, page_size, keys }.findings().await
}

impl Subject<'_> {
    async fn findings(&self) -> Vec<Finding> {
        let count = self.shop.count(Conditions::default()).await;
        if let Some(error) = count.as_ref().err().filter(|error| unreached(&error.cause)) {
            let rest = "key, version, methods and paging were not asked: the shop was not reached";
            let reached = contradicted(self.key("url"), &error.cause, &self.keys);
            return vec![reached, Finding::new(self.key("*"), Standing::Unknown, rest, FIRST)];
        }
        let find = self.rows(0, FEW, false, &Field::ALL).await;
        let known = find.as_ref().ok().and_then(|rows| rows.ids.first().copied());
        let get = self.got(known).await;
        let tried = Tried { count, find, get };
        let mut out = vec![self.reached(), self.accepted(&tried), self.versioned(&tried)];
        out.extend(self.permitted(&tried));
        out.extend(self.paging(&tried).await);
        out
    }

    /// Asks for a contact that was just seen; without one, for any.
    async fn got(&self, known: Option<ContactId>) -> Result<Got, CallError> {
        let Some(id) = known.or_else(|| ContactId::try_from(1).ok()) else { return Ok(Got::NobodyToAskFor) };
        Ok(match (self.shop.get(id).await?, known) {
            (Some(_), _) => Got::Found,
            (None, Some(id)) => Got::Denied(id),
            (None, None) => Got::NobodyToAskFor,
        })
    }

    fn key(&self, last: &str) -> String {
        format!("shops.{}.{last}", self.shop.name())
    }

    fn reached(&self) -> Finding {
        Finding::new(self.key("url"), Standing::Confirmed, "the shop answers", "")
    }

    fn accepted(&self, tried: &Tried) -> Finding {
        let subject = self.key("secret_key");
        if tried.understood() {
            Finding::new(subject, Standing::Confirmed, "the key is accepted", "")
        } else if let Some(refused) = tried.answered(&[403]) {
            contradicted(subject, refused, &self.keys)
        } else {
            Finding::new(subject, Standing::Unknown, "no answer came that tells whether the key is accepted", FIRST)
        }
    }

    fn versioned(&self, tried: &Tried) -> Finding {
        let (subject, version) = (self.key("api_version"), self.version);
        if tried.understood() {
            Finding::new(subject, Standing::Confirmed, format!("version {version} of the API answers"), "")
        } else if let Some(missing) = tried.answered(&[404, 405]) {
            contradicted(subject, missing, &self.keys)
        } else {
            let text = format!("no answer came that tells whether the shop has version {version} of the API");
            Finding::new(subject, Standing::Unknown, text, FIRST)
        }
    }

    fn permitted(&self, tried: &Tried) -> [Finding; 3] {
        let count = match (&tried.count, &tried.find) {
            (Ok(count), Ok(found)) if to_u64(found.rows) > *count => Err(Finding::new(
                "contacts.count",
                Standing::Contradicted,
                format!("it says {}, and a page of {} came", contacts(*count), found.rows),
                "check again; if it stays so, ask Open2b: the safeguard against a shrunk shop rests on it",
            )),
            (Ok(count), Ok(_) | Err(_)) => Ok(format!("permitted; the shop has {}", contacts(*count))),
            (Err(error), _) => Err(self.refused("contacts.count", tried, error)),
        };
        let find = match &tried.find {
            Ok(_) if tried.denies_all() => Err(Finding::new(
                "contacts.find",
                Standing::Contradicted,
                format!(
                    "no contact came, and contacts.count says {}",
                    contacts(tried.count.as_ref().ok().copied().unwrap_or_default())
                ),
                "check again; if it stays so, ask Open2b why, and whether this key may read contacts: nobody is read from \
                 this shop while that is so",
            )),
            Ok(Came { rows, defects, .. }) if defects.is_empty() => {
                Ok(format!("permitted; {} came", contacts(to_u64(*rows))))
            }
            Ok(Came { rows, defects, .. }) => Ok(format!(
                "permitted; {} came, and not all can be read: {}",
                contacts(to_u64(*rows)),
                defects.join("; ")
            )),
            Err(error) => Err(self.refused("contacts.find", tried, error)),
        };
        let get = match &tried.get {
            Ok(Got::Found) => Ok("permitted".to_owned()),
            Ok(Got::NobodyToAskFor) => Ok("permitted; there was no contact to ask for".to_owned()),
            Ok(Got::Denied(id)) => Err(Finding::new(
                "contacts.get",
                Standing::Contradicted,
                format!("contact {id} came on a page, and was then said not to exist"),
                "check again; if it stays so, ask Open2b: a deletion is concluded from such an answer",
            )),
            Err(error) => Err(self.refused("contacts.get", tried, error)),
        };
        [("contacts.count", count), ("contacts.find", find), ("contacts.get", get)].map(|(call, told)| match told {
            Ok(text) => Finding::new(call, Standing::Confirmed, text, ""),
            Err(finding) => finding,
        })
    }

    /// A key or a version that is wrong says nothing about a method.
    fn refused(&self, call: &'static str, tried: &Tried, error: &CallError) -> Finding {
        let general = !tried.understood() && matches!(status(&error.cause), Some(403..=405));
        if general {
            Finding::new(call, Standing::Unknown, "whether it is permitted cannot be told before that is right", FIRST)
        } else {
            contradicted(call, &error.cause, &self.keys)
        }
    }

    async fn paging(&self, tried: &Tried) -> Vec<Finding> {
        let unasked = |why| vec![Finding::new(self.key("page_size"), Standing::Unknown, why, FIRST)];
        let Ok(found) = &tried.find else {
            return unasked("order, after and limit were not asked: contacts.find fails");
        };
        if tried.denies_all() {
            return unasked("order, after and limit were not asked: the pages of contacts.find are empty");
        }
        let falling = self.rows(0, FEW, true, &[Field::Id]).await;
        let mut out = vec![self.ordered(found, falling.as_ref().ok()), self.after(found).await];
        let highest = [Some(found), falling.as_ref().ok()].into_iter().flatten().flat_map(|came| &came.ids).max();
        if let (Some(highest), Ok(_)) = (highest, &tried.get) {
            out.push(self.denies(*highest).await);
        }
        out.push(self.limited(tried.count.as_ref().ok().copied()).await);
        out.extend(self.on_no_page());
        out
    }

    /// Whether contacts come in the order asked for. The order of a page that nobody asked for is on no page, so that a
    /// shop which ignores the order may still happen to give the right one: the reverse tells.
    fn ordered(&self, found: &Came, falling: Option<&Came>) -> Finding {
        const SUBJECT: &str = "contacts.find order";
        if found.ids.len() < 2 {
            return too_few(SUBJECT, found);
        }
        if !rising(&found.ids) {
            let text = "contacts do not come by rising id";
            return Finding::new(SUBJECT, Standing::Contradicted, text, &self.cannot_read("order"));
        }
        let turns = falling
            .is_some_and(|came| came.ids.len() > 1 && rising(&came.ids.iter().rev().copied().collect::<Vec<_>>()));
        if turns {
            let text = "contacts come by rising id, and by falling id where that is asked for";
            return Finding::new(SUBJECT, Standing::Confirmed, text, "");
        }
        let text =
            "contacts come by rising id, and do so too where the reverse is asked for: the order may be the shop's own";
        let advice =
            format!("ask Open2b whether version {} honours `order`; a page out of order stops a run", self.version);
        Finding::new(SUBJECT, Standing::Unknown, text, &advice)
    }

    /// Asks for a contact far above all others: a deletion is concluded from just such an answer.
    async fn denies(&self, highest: ContactId) -> Finding {
        const SUBJECT: &str = "contacts.get nobody";
        const FAR: i64 = 1_000_000;
        let advice = "ask Open2b how a contact that was deleted is answered: a deletion is concluded from null alone";
        let Ok(nobody) = ContactId::try_from(highest.get().saturating_add(FAR)) else {
            return Finding::new(SUBJECT, Standing::Unknown, "there is no id above all others to ask for", advice);
        };
        match self.shop.get(nobody).await {
            Ok(None) => Finding::new(SUBJECT, Standing::Confirmed, "an id that nobody has is answered with null", ""),
            Ok(Some(_)) => {
                let text = "an id far above all others is answered with a contact";
                Finding::new(SUBJECT, Standing::Unknown, text, advice)
            }
            Err(error) => refused(SUBJECT, &error.cause, &self.keys, advice),
        }
    }

    /// What no page of the vendor says and no reading can show.
    fn on_no_page(&self) -> [Finding; 2] {
        let rate = self.key("rate");
        [
            Finding::new(
                rate.clone(),
                Standing::Unknown,
                "the vendor names 1000 calls in 5 minutes (200 for older shops), and not whether key, app or shop has them",
                &format!("ask Open2b for this shop's limit; lower {rate} if other apps share it or fewer are allowed"),
            ),
            Finding::new(
                "contacts.find late ids",
                Standing::Unknown,
                "whether a contact can become visible after one with a higher id is on no page",
                "ask Open2b; until then the last ids are read again for as long as schedule.lookback says",
            ),
        ]
    }

    /// Asks for what comes after the middle of what came: some of it has to come, and nothing else.
    async fn after(&self, found: &Came) -> Finding {
        const SUBJECT: &str = "contacts.find after";
        let mut ids = found.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        let Some(middle) = ids.get((ids.len().max(1) - 1) / 2).copied().filter(|_| ids.len() > 1) else {
            return too_few(SUBJECT, found);
        };
        let text = match self.rows(middle.get(), FEW, false, &[Field::Id]).await {
            Ok(Came { ids, .. }) if ids.is_empty() => {
                format!("after {middle} nothing came, though contacts stand there")
            }
            Ok(Came { ids, .. }) if ids.iter().any(|id| *id <= middle) => {
                format!("after {middle} contacts came that do not lie above it")
            }
            Ok(Came { ids, .. }) if !rising(&ids) => format!("after {middle} contacts did not come by rising id"),
            Ok(_) => return Finding::new(SUBJECT, Standing::Confirmed, "only contacts above the id given come", ""),
            Err(error) => return contradicted(SUBJECT, &error.cause, &self.keys),
        };
        Finding::new(SUBJECT, Standing::Contradicted, text, &self.cannot_read("after"))
    }

    fn cannot_read(&self, what: &str) -> String {
        format!(
            "no contact is read from this shop while that is so: ask Open2b whether version {} honours `{what}`, and check \
             that {} is the shop's own version",
            self.version,
            self.key("api_version")
        )
    }

    async fn limited(&self, count: Option<u64>) -> Finding {
        let (subject, size) = (self.key("page_size"), self.page_size);
        let rows = match self.rows(0, size, false, &[Field::Id]).await {
            Ok(Came { rows, .. }) => rows,
            Err(error) => {
                let remedy = format!("lower {}", self.key("page_size"));
                return refused(subject, &error.cause, &self.keys, &remedy);
            }
        };
        // Without a count nobody can say whether more were there.
        let expected = count.map_or(0, |count| count.min(u64::from(size)));
        if rows == 0 && expected > 0 {
            let text =
                format!("{size} were asked for and none came, though the shop has at least {}", contacts(expected));
            return Finding::new(subject, Standing::Contradicted, text, &format!("lower {}", self.key("page_size")));
        }
        let text = format!("{size} were asked for, {rows} came");
        let advice = if rows > 0 && to_u64(rows) < expected {
            format!(
                "set {} = {rows}: the shop gives no more at once; nothing is lost either way",
                self.key("page_size")
            )
        } else {
            String::new()
        };
        Finding::new(subject, Standing::Confirmed, text, &advice)
    }

    async fn rows(&self, after: i64, limit: u32, descending: bool, fields: &[Field]) -> Result<Came, CallError> {
        let query = FindQuery {
            conditions: Conditions { customer: None, after: Some(after) },
            fields: fields.to_vec(),
            order: vec![Order { by: Field::Id, descending }],
            limit,
            first: None,
        };
        self.shop.find(&query).await.map(Came::from)
    }
}

fn too_few(subject: &str, found: &Came) -> Finding {
    let text = format!("too few to tell: {}", contacts(to_u64(found.ids.len())));
    Finding::new(subject, Standing::Unknown, text, "check again once the shop has a few more")
}

fn contacts(count: u64) -> String {
    if count == 1 { "1 contact".to_owned() } else { format!("{count} contacts") }
}

fn rising(ids: &[ContactId]) -> bool {
    ids.iter().zip(ids.iter().skip(1)).all(|(id, next)| id < next)
}

fn to_u64(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
