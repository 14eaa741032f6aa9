//! The statements of a page, by name: each adapter's tests ask its database how it would carry them out.

use super::{dialect, index, known, lease, proposals, record, runs, writes};

/// The statements of every page: their cost must follow the page, not the shop.
pub(in crate::store) const HOT: &[(&str, &str)] = &[
    ("fence", lease::FENCE),
    ("renew", lease::RENEW),
    ("index", index::INDEX),
    ("advance survey", index::ADVANCE_SURVEY),
    ("shop", index::SHOP),
    ("observed", index::OBSERVED),
    ("tail", index::TAIL),
    ("due", index::DUE),
    ("contacts", known::CONTACTS),
    ("links", known::LINKS),
    ("links of customers", known::LINKS_OF_CUSTOMERS),
    ("rulings", known::RULINGS),
    ("unsettled", known::UNSETTLED),
    ("holders by email", dialect::HOLDERS_BY_EMAIL),
    ("holders by phone", dialect::HOLDERS_BY_PHONE),
    ("paused", known::PAUSED),
    ("declare", writes::DECLARE),
    ("settle", writes::SETTLE),
    ("advance", record::ADVANCE),
    ("observe", record::OBSERVE),
    ("forget observations", record::FORGET_OBSERVATIONS),
    ("judge", record::JUDGE),
    ("heed", record::HEED),
    ("unlink", record::UNLINK),
    ("step back", record::STEP_BACK),
    ("link", record::LINK),
    ("withdraw", proposals::WITHDRAW),
    ("propose", proposals::PROPOSE),
    ("carried out", proposals::CARRIED_OUT),
    ("close older", runs::CLOSE_OLDER),
];
