//! The pages of a shop, the next one in flight while this one is worked on.

use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, Span};

use crate::{
    http::CallError,
    observe::traces,
    open2b::{Field, Page, Shop},
};

type InFlight = (AbortOnDropHandle<Result<Page, CallError>>, Span);

/// A reading of a shop by rising id. Ends with the first empty page; ids strictly rise, so it does end.
pub struct Pages {
    shop: Shop,
    fields: Vec<Field>,
    next: Option<InFlight>,
    ahead: bool,
}

impl Pages {
    /// Begins after an id. `ahead`: fetch the next page while this one is worked on.
    #[must_use]
    pub fn after(shop: Shop, after: i64, fields: Vec<Field>, ahead: bool) -> Self {
        let next = Some(fetch(&shop, after, &fields));
        Self { shop, fields, next, ahead }
    }

    /// The next page, and its span, in which it is to be worked on; `None` at the end.
    ///
    /// # Errors
    /// Where the call failed, or the page breaks the protocol.
    pub async fn next(&mut self) -> Result<Option<(Page, Span)>, CallError> {
        let Some((in_flight, span)) = self.next.take() else { return Ok(None) };
        let page = match in_flight.await {
            Ok(page) => page?,
            // The task is only ever aborted by dropping `self`, and a panic in it is a panic here.
            Err(error) => std::panic::resume_unwind(error.try_into_panic().unwrap_or_else(|e| Box::new(e))),
        };
        traces::arrived(&span, page.last, page.records.len());
        if page.records.is_empty() {
            return Ok(None);
        }
        if self.ahead {
            self.next = Some(fetch(&self.shop, page.last, &self.fields));
        }
        Ok(Some((page, span)))
    }

    /// Goes on after `after`, where pages are not fetched ahead.
    pub fn go_on(&mut self, after: i64) {
        if !self.ahead {
            self.next = Some(fetch(&self.shop, after, &self.fields));
        }
    }
}

fn fetch(shop: &Shop, after: i64, fields: &[Field]) -> InFlight {
    let (shop, fields) = (shop.clone(), fields.to_vec());
    let span = traces::page(after);
    let fetching = async move { shop.page(after, &fields).await }.instrument(span.clone());
    (AbortOnDropHandle::new(tokio::spawn(fetching)), span)
}
