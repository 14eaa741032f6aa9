//! How long a search does not see what was just written: by the new text itself where the account takes such a question,
//! and by what the customer's own row shows, which is found by an identifier that did not change.

use std::time::{Duration, Instant};

use humantime::format_duration;
use tokio::time::sleep;

use super::{
    WriteProbe,
    trial::{Trial, of},
};
use crate::{
    model::{
        Customer,
        finding::{Finding, Standing},
    },
    vivocha::Ask,
};

const SUBJECT: &str = "customers.search lag";
const ASK: &str = "ask Vivocha how late its search is; what Anagrafe has just written it reads by id";
/// The first wait between two searches, and the longest.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);
/// So much longer the text itself is searched for, once the customer's row shows it.
const GRACE: Duration = Duration::from_secs(3);

impl WriteProbe<'_> {
    /// Waits until a search sees what stands in the field now. `found`: whether it found the customer before it was changed.
    pub(super) async fn search_lag(&self, trial: &Trial, field: &str, found: bool) -> Finding {
        let unknown = |text: &str| Finding::new(SUBJECT, Standing::Unknown, text, ASK);
        let Some(text) = trial.shown(field) else { return unknown("not measured: the text does not stand there") };
        if !found {
            return unknown("not measured: the customer was not found by what it held before, either");
        }
        let begun = Instant::now();
        let own = self.own_row(trial);
        let (mut by_text, mut shown, mut pause) = (true, None, FIRST);
        loop {
            if by_text {
                match self.reader.look_by(field, &text).await {
                    Ok(Some(found)) if found.iter().any(|row| row.id == self.customer) => {
                        return confirmed(begun.elapsed(), "a changed text is found");
                    }
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => by_text = false,
                }
            }
            if let (Some(own), None) = (&own, shown)
                && self.row_shows(own, field, &text).await
            {
                shown = Some(begun.elapsed());
            }
            match shown {
                Some(after) if !by_text => return confirmed(after, "the customer's row shows a changed text"),
                Some(after) if begun.elapsed() > after + GRACE => {
                    let what = "the customer's row shows a changed text, which is not found by itself,";
                    return confirmed(after, what);
                }
                Some(_) | None => {}
            }
            if !by_text && own.is_none() {
                return unknown("not measured: the customer has neither an e-mail nor a number to be searched by");
            }
            if self.stop.is_cancelled() {
                return unknown("not measured: stopped by a signal");
            }
            if begun.elapsed() >= self.lag {
                let waited = format_duration(self.lag);
                return unknown(&format!(
                    "a changed text, read by id at once, is not seen by a search within {waited}"
                ));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// The search that finds the customer by what did not change.
    fn own_row(&self, trial: &Trial) -> Option<Ask> {
        let naming = &self.reader.options().naming;
        let text = |field: &str| trial.before.text(field).as_str().map(str::to_owned);
        let by_email = |email| Ask { emails: vec![email], ..Ask::default() };
        let by_number = |number| Ask { telnums: vec![number], ..Ask::default() };
        text(&naming.email).map(by_email).or_else(|| text(&naming.telnum).map(by_number))
    }

    async fn row_shows(&self, own: &Ask, field: &str, text: &str) -> bool {
        let shows = |row: &Customer| row.id == self.customer && of(&row.document, field).as_str() == Some(text);
        self.reader.look(std::slice::from_ref(own)).await.is_ok_and(|looked| looked.rows.iter().any(shows))
    }
}

fn confirmed(after: Duration, what: &str) -> Finding {
    let after = format_duration(Duration::from_millis(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)));
    Finding::new(SUBJECT, Standing::Confirmed, format!("{what} by a search {after} after it was written"), "")
}
