//! Questions that only `check` asks: whether a search is understood in each form a pass writes it in, and whether what was
//! just written is found. Each is one call as it stands: nothing is divided, paged or taken for evidence.

use http::Method;

use super::{
    client::Reader,
    query::{Ask, by_field},
    search::{LIMIT, NAME, Piece, singles},
    session::{Mode, Request, Session},
    wire::{self, Asked},
};
use crate::{
    http::{CallError, Verdict},
    model::{
        Customer,
        finding::{Finding, Standing},
    },
};

/// What a search as it stands was answered.
#[derive(Debug)]
pub struct Looked {
    /// The rows of its first page, whoever they are.
    pub rows: Vec<Customer>,
    /// Whether the account said how many there are in all.
    pub counted: bool,
}

impl Reader {
    /// Whether this account is searched by RQL, many contacts in one call; else by one value at a time.
    ///
    /// # Errors
    /// Where the account has to be asked for that, and does not answer.
    pub async fn searches_many(&self) -> Result<bool, CallError> {
        Ok(self.session.mode().await? == Mode::Rql)
    }

    /// Searches for nobody and expects nobody: whether filters are honoured at all.
    ///
    /// # Errors
    /// Where the search itself fails.
    pub async fn probe_filter(&self) -> Result<Finding, CallError> {
        let nobody = Ask {
            emails: vec!["nobody.anagrafe-probe@does-not-exist.invalid".into()],
            telnums: vec!["+999000000000000".into()],
            vvcu: None,
        };
        let looked = self.look(&[nobody]).await?;
        let text = |found: usize| format!("a search for an impossible address found {found} customers");
        let advice = "the filter is not honoured: set vivocha.search to the other of \"rql\" and \"params\", or ask Vivocha \
                      how customers are searched";
        Ok(match looked.rows.len() {
            0 => Finding::new(NAME, Standing::Confirmed, "a search for an impossible address found nobody", ""),
            found => Finding::new(NAME, Standing::Contradicted, text(found), advice),
        })
    }

    /// Searches for all of these at once; by parameters, for the first value of each kind in one call.
    ///
    /// # Errors
    /// With a verdict.
    pub async fn look(&self, asks: &[Ask]) -> Result<Looked, CallError> {
        let piece = Piece { items: asks.iter().cloned().enumerate().collect() };
        let page = self.session.page(&piece, self.session.mode().await?, 0).await?;
        Ok(Looked { rows: page.rows, counted: page.matching.is_some() })
    }

    /// How many calls a pass makes of these, and asks them one after the other; answers whom they found.
    ///
    /// # Errors
    /// Of the first that fails.
    pub async fn look_as_a_pass(&self, asks: &[Ask]) -> Result<(usize, Vec<Customer>), CallError> {
        let mode = self.session.mode().await?;
        let pieces = match mode {
            Mode::Rql => self.session.batches(asks).await?.0,
            Mode::Params => singles(asks),
        };
        let mut found = Vec::new();
        for piece in &pieces {
            found.extend(self.session.page(piece, mode, 0).await?.rows);
        }
        Ok((pieces.len(), found))
    }

    /// Customers whose field holds just this text; `None` where the account takes no such question.
    ///
    /// # Errors
    /// With a verdict.
    pub async fn look_by(&self, field: &str, text: &str) -> Result<Option<Vec<Customer>>, CallError> {
        match self.session.mode().await? {
            Mode::Rql => self.session.by_field(field, text).await.map(Some),
            Mode::Params => Ok(None),
        }
    }
}

impl Session {
    async fn by_field(&self, field: &str, text: &str) -> Result<Vec<Customer>, CallError> {
        let stop = |cause| self.client.failed(NAME, Verdict::Stop, cause);
        let query = by_field(&self.options.naming, field, text, LIMIT);
        let endpoint = &self.options.endpoints.search;
        let url = self.options.address(&endpoint.path, Some(&query)).map_err(stop)?;
        let request = Request::read(NAME, Asked::Place, Method::clone(&endpoint.method), url);
        wire::customers(&self.options.naming, &self.send(request).await?.body).map_err(stop)
    }
}
