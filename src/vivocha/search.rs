//! Searching: many contacts per call, and when an answer is evidence.
//!
//! An answer that is full, or shorter than the server says there are matches, proves nothing: one mailbox with 500
//! customers would hide those of its batch mates. A batch is then halved, a single ask read page by page. And a customer
//! that holds no spelling asked for proves that the filter is not honoured, which ends the run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::{
    query::{Ask, params_query, rql_query},
    session::{Mode, Request, Session},
    wire::{self, Asked},
};
use crate::{
    http::{CallError, Cause, Verdict},
    model::{Customer, CustomerId, Naming},
};

pub(super) const NAME: &str = "customers.search";

/// The most rows a page may have; asking for more is an error with some versions and cut in silence by others.
pub(super) const LIMIT: usize = 100;

/// An answer that says there are more and gives no more than these hides somebody; that many hold an identifier it does not show.
const FEW: usize = 10;

/// How many refusals one batch is divided for, looking for the ask that causes them; an outage must not be dissected.
const REFUSALS: usize = 12;

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Searched {
    /// Customers that hold at least one of the spellings asked for.
    pub customers: BTreeMap<CustomerId, Customer>,
    /// Indexes of asks whose answer could not be read whole: what they ask for is held by too many to say who.
    pub crowded: Vec<usize>,
    /// Indexes of asks that could not be made, and why: nothing is known about them. To be tried again later.
    pub failed: Vec<(usize, CallError)>,
}

impl Searched {
    fn take(&mut self, rows: Vec<Customer>) {
        self.customers.extend(rows.into_iter().map(|customer| (customer.id.clone(), customer)));
    }

    fn merge(&mut self, other: Self) {
        self.customers.extend(other.customers);
        self.crowded.extend(other.crowded);
        self.failed.extend(other.failed);
    }

    fn in_order(mut self) -> Self {
        self.crowded.sort_unstable();
        self.crowded.dedup();
        self.failed.sort_by_key(|(index, _)| *index);
        self.failed.dedup_by_key(|(index, _)| *index);
        self
    }
}

/// The asks of one call, each with its index; never none.
pub(super) struct Piece {
    pub(super) items: Vec<(usize, Ask)>,
}

impl Piece {
    fn asks(&self) -> impl Iterator<Item = &Ask> + Clone {
        self.items.iter().map(|(_, ask)| ask)
    }

    /// The second half first, so that the first is popped first.
    fn halves(mut self) -> [Self; 2] {
        let second = self.items.split_off(self.items.len() / 2);
        [Self { items: second }, self]
    }

    fn indexes(&self) -> impl Iterator<Item = usize> {
        self.items.iter().map(|(index, _)| *index)
    }
}

/// What came of one piece.
enum Read {
    Whole(Vec<Customer>),
    /// Not read whole, and not to be divided.
    Crowded(Vec<Customer>),
    Divide,
}

pub(super) struct Page {
    pub(super) rows: Vec<Customer>,
    /// How many there are in all, if the server says so.
    pub(super) matching: Option<usize>,
}

impl Page {
    /// Whether this page, the last of `received` rows, is certainly the last there is. Of a server that does not count
    /// and may cut in silence only a page shorter than one it was seen not to cut is believed.
    fn ends(&self, received: usize, uncut: usize) -> bool {
        let rows = self.rows.len();
        rows < LIMIT && self.matching.map_or(rows < uncut || rows == 0, |matching| received >= matching)
    }
}

impl Session {
    pub(super) async fn search(&self, asks: &[Ask]) -> Result<Searched, CallError> {
        let mode = self.mode().await?;
        let (pieces, mut out) = match mode {
            Mode::Rql => self.batches(asks).await?,
            Mode::Params => (singles(asks), Searched::default()),
        };
        let parts = stream::iter(pieces).map(|piece| self.settle(piece, mode)).buffered(self.options.parallel);
        let parts: Vec<Searched> = parts.try_collect().await?;
        for part in parts {
            out.merge(part);
        }
        Ok(out.in_order())
    }

    /// As many asks per call as number and length allow; an ask too long by itself is divided.
    pub(super) async fn batches(&self, asks: &[Ask]) -> Result<(Vec<Piece>, Searched), CallError> {
        let room = self.room().await?;
        let fits = |items: &[(usize, Ask)]| self.length(items) <= room;
        let mut out = Searched::default();
        let mut pieces: Vec<Piece> = Vec::new();
        for (index, ask) in asks.iter().enumerate() {
            let ask = ask.trimmed();
            let parts = if fits(&[(index, ask.clone())]) { vec![ask] } else { ask.singly() };
            for item in parts.into_iter().filter(|part| !part.is_empty()).map(|part| (index, part)) {
                if !fits(std::slice::from_ref(&item)) {
                    let cause =
                        Cause::Protocol("a spelling is too long to be searched for: shorten it in the shop".into());
                    out.failed.push((index, self.client.failed(NAME, Verdict::Park, cause)));
                    continue;
                }
                let open = pieces.last_mut().filter(|piece| piece.items.len() < self.options.search_batch);
                let overflow = match open {
                    Some(piece) => {
                        piece.items.push(item);
                        if fits(&piece.items) { None } else { piece.items.pop() }
                    }
                    None => Some(item),
                };
                pieces.extend(overflow.map(|item| Piece { items: vec![item] }));
            }
        }
        Ok((pieces, out))
    }

    /// How long an address may be: a long token takes its share of what a server accepts of address and headers.
    async fn room(&self) -> Result<usize, CallError> {
        const USUAL: usize = 200;
        let header = self.authorization().await?.header.len();
        Ok(self.options.max_url_bytes.saturating_sub(header.saturating_sub(USUAL)))
    }

    fn length(&self, items: &[(usize, Ask)]) -> usize {
        // The skip of a later page is longer than that of the first.
        let query = rql_query(&self.options.naming, items.iter().map(|(_, ask)| ask), LIMIT, 1_000_000);
        self.options
            .address(&self.options.endpoints.search.path, Some(&query))
            .map_or(usize::MAX, |url| url.as_str().len())
    }

    /// Reads one piece to the end, dividing it where its answer is no evidence or is refused.
    async fn settle(&self, piece: Piece, mode: Mode) -> Result<Searched, CallError> {
        let mut out = Searched::default();
        let mut open = vec![piece];
        let mut refusals = 0;
        while let Some(piece) = open.pop() {
            match self.read(&piece, mode).await {
                Ok(Read::Whole(rows)) => out.take(rows),
                Ok(Read::Crowded(rows)) => {
                    out.take(rows);
                    out.crowded.extend(piece.indexes());
                }
                Ok(Read::Divide) => open.extend(piece.halves()),
                Err(error) => match error.verdict {
                    Verdict::Stop | Verdict::Unknown => return Err(error),
                    Verdict::Park if piece.items.len() > 1 && refusals < REFUSALS => {
                        refusals += 1;
                        open.extend(piece.halves());
                    }
                    Verdict::Park | Verdict::Retry => {
                        out.failed.extend(piece.indexes().map(|index| (index, error.clone())));
                    }
                },
            }
        }
        Ok(out)
    }

    async fn read(&self, piece: &Piece, mode: Mode) -> Result<Read, CallError> {
        let page = self.checked_page(piece, mode, 0).await?;
        let rows = page.rows.len();
        if page.ends(rows, self.uncut.load(Ordering::Relaxed)) || self.is_uncut(piece, mode, &page).await? {
            Ok(Read::Whole(page.rows))
        } else if piece.items.len() > 1 {
            Ok(Read::Divide)
        } else {
            self.pages(piece, mode, page).await
        }
    }

    /// Asks a server that does not count for what lies behind a first page. Where nothing does, pages shorter than this one
    /// need not be asked after again, so that this costs a few calls of a run and not one per search.
    async fn is_uncut(&self, piece: &Piece, mode: Mode, first: &Page) -> Result<bool, CallError> {
        let rows = first.rows.len();
        if first.matching.is_some() || rows >= LIMIT {
            return Ok(false);
        }
        let behind = self.checked_page(piece, mode, rows).await?.rows;
        if behind.is_empty() {
            self.uncut.fetch_max(rows, Ordering::Relaxed);
            return Ok(true);
        }
        // The same rows again: `skip` is not honoured, and there is no way to see further.
        Ok(behind.len() <= rows && behind.iter().all(|row| first.rows.iter().any(|seen| seen.id == row.id)))
    }

    /// Reads one ask page by page. There is no snapshot: a total that shrinks on the way means that a row may have slipped
    /// past between two pages.
    async fn pages(&self, piece: &Piece, mode: Mode, first: Page) -> Result<Read, CallError> {
        let total = first.matching;
        let mut found = BTreeMap::new();
        let mut received = 0;
        let mut page = first;
        for number in 1..=self.options.max_pages {
            received += page.rows.len();
            let ends = page.ends(received, self.uncut.load(Ordering::Relaxed)) || page.rows.is_empty();
            let shrunk = page.matching < total;
            let matching = page.matching;
            let before = found.len();
            found.extend(page.rows.into_iter().map(|customer| (customer.id.clone(), customer)));
            // No new id: `skip` is not honoured, and more pages would say the same.
            if ends || shrunk || found.len() == before {
                let all = matching.map_or(ends, |matching| found.len() >= matching);
                if !all && !shrunk && found.len() < FEW {
                    let cause = Cause::Protocol(format!(
                        "the answer says that {} customers match and gives {}: nothing can be concluded from it",
                        matching.unwrap_or_default(),
                        found.len()
                    ));
                    return Err(self.client.failed(NAME, Verdict::Park, cause));
                }
                let rows = found.into_values().collect();
                return Ok(if all && !shrunk { Read::Whole(rows) } else { Read::Crowded(rows) });
            }
            if number < self.options.max_pages {
                page = self.checked_page(piece, mode, received).await?;
            } else {
                break;
            }
        }
        Ok(Read::Crowded(found.into_values().collect()))
    }

    async fn checked_page(&self, piece: &Piece, mode: Mode, skip: usize) -> Result<Page, CallError> {
        let page = self.page(piece, mode, skip).await?;
        let wanted = Wanted::of(piece);
        match page.rows.iter().find(|customer| !wanted.holds(customer, &self.options.naming)) {
            None => Ok(page),
            Some(stranger) => Err(self.client.failed(
                NAME,
                Verdict::Stop,
                Cause::Protocol(format!(
                    "the search filter is not honoured: customer {} holds nothing that was asked for; set vivocha.search to \
                     the other of \"rql\" and \"params\", or ask Vivocha how customers are searched",
                    stranger.id
                )),
            )),
        }
    }

    pub(super) async fn page(&self, piece: &Piece, mode: Mode, skip: usize) -> Result<Page, CallError> {
        let stop = |cause| self.client.failed(NAME, Verdict::Stop, cause);
        let naming = &self.options.naming;
        let query = match (mode, piece.items.as_slice()) {
            (Mode::Params, [(_, ask)]) => params_query(naming, ask, LIMIT, skip),
            (Mode::Rql | Mode::Params, _) => rql_query(naming, piece.asks(), LIMIT, skip),
        };
        let endpoint = &self.options.endpoints.search;
        let url = self.options.address(&endpoint.path, Some(&query)).map_err(stop)?;
        let mut request = Request::read(NAME, Asked::Place, endpoint.method.clone(), url);
        // A batch that fails is divided, which is a try of its own.
        request.patience = if piece.items.len() > 1 { 1 } else { 2 };
        let answer = self.send(request).await?;
        let matching = answer.headers.get("results-matching").and_then(|value| value.to_str().ok());
        let matching = matching.and_then(|text| text.trim().parse().ok());
        Ok(Page { rows: wire::customers(naming, &answer.body).map_err(stop)?, matching })
    }
}

/// One call per value. The vendor's page says that a customer matches *one of* the parameters; a server that meant *all of*
/// them would hide whoever holds only one, and nothing in its answer would tell. Asked one by one, both mean the same.
pub(super) fn singles(asks: &[Ask]) -> Vec<Piece> {
    let values = asks.iter().enumerate().flat_map(|(index, ask)| {
        let values = ask.trimmed().singly();
        values.into_iter().map(move |value| Piece { items: vec![(index, value)] })
    });
    values.collect()
}

/// What was asked for, to be compared leniently: a server that ignores case or punctuation is not one that ignores the
/// filter.
struct Wanted {
    texts: BTreeSet<String>,
    digits: BTreeSet<String>,
    vvcu: BTreeSet<String>,
}

impl Wanted {
    fn of(piece: &Piece) -> Self {
        let telnums = || piece.asks().flat_map(|ask| &ask.telnums);
        Self {
            texts: piece.asks().flat_map(|ask| &ask.emails).chain(telnums()).map(|text| folded(text)).collect(),
            digits: telnums().map(|text| digits(text)).filter(|digits| !digits.is_empty()).collect(),
            vvcu: piece.asks().flat_map(|ask| &ask.vvcu).map(|text| folded(text)).collect(),
        }
    }

    fn holds(&self, customer: &Customer, naming: &Naming) -> bool {
        let field = |name: &String, fits: &dyn Fn(&str) -> bool| {
            customer.document.get(name).is_some_and(|value| any_text(value, fits))
        };
        field(&naming.email, &|text| self.texts.contains(&folded(text)))
            || field(&naming.telnum, &|text| self.texts.contains(&folded(text)) || self.digits.contains(&digits(text)))
            || field(&naming.vvcu, &|text| self.vvcu.contains(&folded(text)))
    }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A filter on a list matches any of its members, and a number may have been stored as one.
fn any_text(value: &Value, fits: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => fits(text),
        Value::Number(number) => fits(&number.to_string()),
        Value::Array(values) => values.iter().any(|value| any_text(value, fits)),
        Value::Object(_) | Value::Bool(_) | Value::Null => false,
    }
}
