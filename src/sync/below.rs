//! A page of nobody but newcomers, above all that is known: people who came, or another shop, whose ids are higher. Who stood last below it
//! tells: they are asked for by their ids, which costs a few calls, and only where many came at once after a quiet time.

use super::{
    PassError,
    crossing::{Crossing, Reach},
    due::{self, Fetched},
    reading::fields,
    sorting,
};
use crate::{
    model::ContactId,
    plan::completeness,
    store::{Known, PageQuery},
};

/// So many are asked for.
const ASKED: usize = 8;

impl Crossing<'_> {
    /// Of the last that are known below a page of newcomers only: who is not there, or somebody else now, and how many are there. None where the
    /// page itself tells.
    pub(super) async fn below(
        &self,
        known: &Known,
        newcomers: &[ContactId],
        reach: Reach,
    ) -> Result<Option<(Vec<ContactId>, u64)>, PassError> {
        let Reach::Page { after, resync: false, .. } = reach else { return Ok(None) };
        let (missing, there) = (known.missing.len() as u64, known.contacts.len() as u64);
        if after <= self.tail_after || !completeness::is_all_new(missing, there, newcomers.len() as u64) {
            return Ok(None);
        }
        let bridge = self.bridge;
        let shop = bridge.shop_name();
        let query = |ids, covers| PageQuery { shop: shop.clone(), ids, identifiers: Vec::new(), covers };
        let mut last = bridge.store.known(&query(Vec::new(), Some((self.tail_after, after)))).await?.missing;
        last.sort_unstable();
        let last = last.split_off(last.len().saturating_sub(ASKED));
        let Fetched { records, absent, unread: _ } = due::fetch(bridge, &last, &fields(bridge)).await?;
        let before = bridge.store.known(&query(last.clone(), None)).await?.contacts;
        let members = sorting::normalised(bridge, &records);
        let strangers = members.iter().filter_map(|member| {
            let prior = before.get(&member.contact.id).filter(|prior| prior.judged.is_some())?;
            sorting::is_stranger(prior, &member.hashes).then_some(member.contact.id)
        });
        let mut lacks: Vec<ContactId> = absent.iter().copied().chain(strangers).collect();
        lacks.sort_unstable();
        let there = (last.len() - lacks.len()) as u64;
        Ok(Some((lacks, there)))
    }
}
