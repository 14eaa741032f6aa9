//! The sections that need no other: rules, safeguards, schedule, listeners, hooks, alerts. Each is read to its end before
//! anything missing ends it.

use std::{net::IpAddr, time::Duration};

use super::{
    cron::cron,
    problem::Wrong,
    reader::{Noted, Reader},
    settings::{Alerts, Hooks, Http, LogFormat, Observe, Schedule, Web},
    values::{DAY, duration, is_e164, is_loopback, listen, log, one_of, pointer, share, timezone, web_url},
};
use crate::model::rules::{AskOrLink, MatchingRules, SafeguardLimits};

const ASK_OR_LINK: &[(&str, AskOrLink)] = &[("ask", AskOrLink::Ask), ("link", AskOrLink::Link)];

pub(super) fn matching(reader: &mut Reader<'_>) -> Option<MatchingRules> {
    let auto_merge = reader.flag("matching.auto_merge");
    let fixed_line_alone = reader.parsed("matching.fixed_line_alone", one_of(ASK_OR_LINK));
    let names_differ = reader.parsed("matching.names_differ", one_of(ASK_OR_LINK));
    let max_share = reader.whole("matching.max_share", 1..=1000);
    let max_cluster = reader.whole("matching.max_cluster", 2..=1000);
    let shared_emails = shared_emails(reader);
    let shared_phones = shared_phones(reader);
    Some(MatchingRules {
        auto_merge: auto_merge?,
        fixed_line_alone: fixed_line_alone?,
        names_differ: names_differ?,
        max_share: max_share?,
        max_cluster: max_cluster?,
        shared_emails,
        shared_phones,
    })
}

/// Compared with normalised addresses, which are in lower case.
fn shared_emails(reader: &mut Reader<'_>) -> Vec<String> {
    let key = "matching.shared_emails";
    let patterns: Vec<String> = reader.list(key).into_iter().map(|pattern| pattern.to_lowercase()).collect();
    for (index, pattern) in patterns.iter().enumerate() {
        let parts = pattern.split_once('@');
        let fits =
            parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
        let everybody = parts == Some(("*", "*"));
        if !fits || everybody || pattern.contains(char::is_whitespace) {
            // Not quoted: it may be a person's address.
            reader.refuse(key, format!("entry {} is no pattern of addresses", index + 1), "give them as \"info@*\"");
        }
    }
    patterns
}

fn shared_phones(reader: &mut Reader<'_>) -> Vec<String> {
    let key = "matching.shared_phones";
    let numbers = reader.list(key);
    for (index, number) in numbers.iter().enumerate() {
        if !is_e164(number) {
            let what = format!("entry {} is no valid number in E.164", index + 1);
            reader.refuse(key, what, "give + and digits, with the country's code and without spaces");
        }
    }
    numbers
}

pub(super) fn safeguards(reader: &mut Reader<'_>) -> Option<SafeguardLimits> {
    let max_merges_per_run = reader.whole("safeguards.max_merges_per_run", 0..=1_000_000);
    let max_merges_per_day = reader.whole("safeguards.max_merges_per_day", 0..=1_000_000);
    let max_merge_share = reader.parsed("safeguards.max_merge_share", share);
    let max_approved_per_day = reader.whole("safeguards.max_approved_per_day", 0..=1_000_000);
    let max_vanished = reader.parsed("safeguards.max_vanished", share);
    let max_updates = reader.parsed("safeguards.max_updates", share);
    let max_parked_same_cause = reader.parsed("safeguards.max_parked_same_cause", share);
    Some(SafeguardLimits {
        max_merges_per_run: max_merges_per_run?,
        max_merges_per_day: max_merges_per_day?,
        max_merge_share: max_merge_share?,
        max_approved_per_day: max_approved_per_day?,
        max_vanished: max_vanished?,
        max_updates: max_updates?,
        max_parked_same_cause: max_parked_same_cause?,
    })
}

pub(super) fn schedule(reader: &mut Reader<'_>) -> Option<Schedule> {
    let days = |most: u32| duration(Duration::from_mins(1), DAY * most);
    let sync = reader.parsed("schedule.sync", cron);
    let resync = reader.parsed("schedule.resync", cron);
    let timezone = reader.parsed("schedule.timezone", timezone);
    let lookback = reader.parsed("schedule.lookback", days(30));
    let lookback_pages = reader.whole("schedule.lookback_pages", 1..=10_000);
    let recheck_linked = reader.parsed("schedule.recheck_linked", days(365));
    let recheck_unmatched = reader.parsed("schedule.recheck_unmatched", days(365));
    let catch_up = reader.flag("schedule.catch_up");
    Some(Schedule {
        sync: sync?,
        resync: resync?,
        timezone: timezone?,
        lookback: lookback?,
        lookback_pages: lookback_pages?,
        recheck_linked: recheck_linked?,
        recheck_unmatched: recheck_unmatched?,
        catch_up: catch_up?,
    })
}

pub(super) fn http(reader: &mut Reader<'_>) -> Option<Http> {
    Some(Http { ca_bundle: reader.path("http.ca_bundle").ok()? })
}

pub(super) fn web(reader: &mut Reader<'_>) -> Option<Web> {
    let address = reader.parsed("web.listen", listen);
    let tokens_file = reader.path("web.tokens_file");
    if let (Some(address), Ok(Some(_))) = (address, &tokens_file)
        && !address.ip().is_loopback()
    {
        reader.warnings.push(format!(
            "web.listen: {address} is reached from other machines, and the page speaks plain HTTP: put TLS in front of it"
        ));
    }
    Some(Web { listen: address?, tokens_file: tokens_file.ok()? })
}

pub(super) fn observe(reader: &mut Reader<'_>) -> Option<Observe> {
    const FORMATS: &[(&str, LogFormat)] =
        &[("auto", LogFormat::Auto), ("pretty", LogFormat::Pretty), ("json", LogFormat::Json)];
    let address = reader.parsed("observe.listen", listen);
    let log = reader.parsed("observe.log", log);
    let log_format = reader.parsed("observe.log_format", one_of(FORMATS));
    let otlp_endpoint = reader.optional("observe.otlp_endpoint", web_url);
    Some(Observe { listen: address?, log: log?, log_format: log_format?, otlp_endpoint: otlp_endpoint.ok()? })
}

/// Given in whole or not at all: what cannot be verified is not worth sending.
pub(super) fn alerts(reader: &mut Reader<'_>) -> Result<Option<Alerts>, Noted> {
    if !reader.mentions("alerts") {
        return Ok(None);
    }
    let url = reader.parsed("alerts.url", web_url);
    let secret = reader.secret("alerts.secret");
    if let Some(url) = &url
        && url.scheme() == "http"
        && !is_loopback(url)
    {
        reader.warnings.push("alerts.url: alerts travel unencrypted: use https".to_owned());
    }
    let age = |reader: &mut Reader<'_>, key: &str| reader.optional(key, duration(Duration::from_secs(1), DAY * 365));
    let (stale_sync, stale_resync) = (age(reader, "alerts.stale_sync"), age(reader, "alerts.stale_resync"));
    let (stale_sync, stale_resync) = (stale_sync?, stale_resync?);
    let alerts = url.zip(secret).map(|(url, secret)| Alerts { url, secret, stale_sync, stale_resync });
    alerts.map(Some).ok_or(Noted)
}

/// Without a secret nobody is listened to: what anybody may send is not worth hearing.
pub(super) fn hooks(reader: &mut Reader<'_>) -> Option<Hooks> {
    let address = reader.parsed("hooks.listen", listen);
    let secret = reader.optional_secret("hooks.secret");
    let customer = reader.list("hooks.customer");
    if customer.is_empty() {
        reader.refuse("hooks.customer", "names no place", "give at least one JSON pointer, as \"/cust_id\"");
    }
    for wrong in customer.iter().filter_map(|text| pointer(text).err()) {
        reader.refuse("hooks.customer", wrong.what, wrong.instead);
    }
    let max_body = reader.whole("hooks.max_body", 1024..=16 << 20);
    if let (Some(address), Ok(Some(_))) = (address, &secret)
        && !address.ip().is_loopback()
    {
        reader.warnings.push(format!(
            "hooks.listen: {address} is reached from other machines, and the calls hold personal data in plain HTTP: put TLS in front of it"
        ));
    }
    Some(Hooks { listen: address?, secret: secret.ok()?, customer, max_body: max_body? })
}

/// No two listeners may want the same port.
pub(super) fn listeners(reader: &mut Reader<'_>, web: &Web, observe: &Observe, hooks: &Hooks) {
    let page = ("web.listen", "the operator's page", web.listen);
    let health = ("observe.listen", "the health checks", observe.listen);
    let calls = ("hooks.listen", "Vivocha's calls", hooks.listen);
    for ((key, one, listens), (other_key, other, other_listens)) in [(page, health), (page, calls), (health, calls)] {
        let unserved = hooks.secret.is_none() && other_key == "hooks.listen";
        let ips = [listens.ip(), other_listens.ip()];
        let one_address = listens.ip() == other_listens.ip() || ips.iter().any(IpAddr::is_unspecified);
        if !unserved && one_address && listens.port() == other_listens.port() && listens.port() != 0 {
            let key = if reader.given(other_key) { other_key } else { key };
            reader.refuse(key, format!("{one} and {other} want the same port"), "give each its own");
        }
    }
}

/// An address that is not this machine's deserves encryption.
pub(super) fn warn_of_plain_http(reader: &mut Reader<'_>, key: &str, url: &url::Url) {
    if url.scheme() == "http" && !is_loopback(url) {
        reader.warnings.push(format!("{key}: keys and personal data travel unencrypted: use https"));
    }
}

/// Refuses what a header cannot carry.
pub(super) fn fits_a_header(text: &str) -> Result<(), Wrong> {
    let fits = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && text.trim() == text;
    let instead = "give printable ASCII characters, on one line";
    if fits { Ok(()) } else { Err(Wrong::new("holds characters that no header can carry", instead)) }
}
