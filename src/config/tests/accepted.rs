//! What is accepted becomes what it says.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::{path::Path, time::Duration};

use chrono::{TimeZone, Utc};
use secrecy::ExposeSecret;

use super::{base_with, read};
use crate::{
    config::{Auth, SearchMode, Settings, StoreUrl, schedule_preview},
    model::rules::{Share, Spelling, WriteRule},
};

fn settings(heading: &str, line: &str) -> Settings {
    read(&base_with(heading, line)).unwrap()
}

#[test]
fn the_defaults_are_those_of_the_surface() {
    let settings = settings("[store]", "");
    let StoreUrl::Sqlite { path } = &settings.store.url else { unreachable!() };
    assert_eq!(path, Path::new("/state/anagrafe.db"));
    let vivocha = &settings.vivocha;
    assert_eq!((vivocha.search, vivocha.search_batch, vivocha.concurrency), (SearchMode::Auto, 40, 8));
    assert_eq!((vivocha.rate.calls.get(), vivocha.rate.per), (20, Duration::from_secs(1)));
    assert_eq!(vivocha.spellings.first(), Some(&Spelling::E164));
    assert_eq!(vivocha.spellings.len(), 5);
    assert_eq!(vivocha.endpoints.update.to_string(), "PUT customers/{cid}");
    assert!(matches!(vivocha.auth, Auth::Client { .. }));
    let shop = settings.shops.values().next().unwrap();
    assert_eq!((shop.rate.calls.get(), shop.rate.per), (1000, Duration::from_mins(5)));
    assert_eq!((shop.api_version, shop.country), (10, rlibphonenumber::Region::IT));
    assert_eq!(shop.key_header, "x-secret-key");
    assert_eq!(settings.safeguards.max_merge_share, Share(100));
    assert_eq!(settings.safeguards.max_vanished, Share(2000));
    assert_eq!(settings.schedule.recheck_linked, Duration::from_hours(24 * 7));
    assert_eq!(settings.fields.phone.rule, WriteRule::IfUnedited);
    assert_eq!((settings.hooks.listen.port(), settings.hooks.max_body), (9482, 262_144));
    assert!(settings.hooks.secret.is_none() && settings.hooks.customer.iter().any(|place| place == "/cust_id"));
    assert!(settings.alerts.is_none() && settings.web.tokens_file.is_none() && settings.http.ca_bundle.is_none());
}

#[test]
fn a_store_is_a_file_or_a_server() {
    let file = |url: &str| match settings("[store]", &format!("url = \"{url}\"")).store.url {
        StoreUrl::Sqlite { path } => path,
        StoreUrl::Postgres { .. } => unreachable!(),
    };
    assert_eq!(file("sqlite://data/a.db"), Path::new("/state/data/a.db"));
    assert_eq!(file("sqlite:///srv/a.db"), Path::new("/srv/a.db"));
    for url in
        ["postgres://u:p@host/db", "postgresql://host:1/db?sslmode=require", "postgres:///db?host=/run/postgresql"]
    {
        let store = settings("[store]", &format!("url = \"{url}\"\nhash_key = \"0123456789abcdef\"")).store;
        let StoreUrl::Postgres { url: read } = store.url else { unreachable!() };
        assert_eq!(read.expose_secret(), url);
    }
}

#[test]
fn rates_and_shares_read_as_they_are_written() {
    for (text, calls, seconds) in [("100/m", 100, 60), ("1000/5m", 1000, 300), ("1/30s", 1, 30), ("7/h", 7, 3600)] {
        let rate = settings("[vivocha]", &format!("rate = \"{text}\"")).vivocha.rate;
        assert_eq!((rate.calls.get(), rate.per), (calls, Duration::from_secs(seconds)));
    }
    for (text, hundredths) in [("0%", 0), ("0.5%", 50), ("0.05%", 5), ("12.34%", 1234), ("100%", 10_000)] {
        let share = settings("[safeguards]", &format!("max_updates = \"{text}\"")).safeguards.max_updates;
        assert_eq!(share, Share(hundredths));
    }
}

#[test]
fn each_way_to_prove_who_we_are_is_its_own() {
    let auth = |more: &str| settings("[vivocha.auth]", more).vivocha.auth;
    assert!(matches!(auth("mode = \"jwt\""), Auth::Jwt { uid, .. } if uid == "client"));
    assert!(matches!(auth("mode = \"basic\""), Auth::Basic { account, .. } if account == "client"));
    assert!(matches!(auth("mode = \"oauth\""), Auth::Oauth { scope, .. } if scope.len() == 3));
    assert!(matches!(auth("mode = \"oauth\"\nscope = [\"a\"]"), Auth::Oauth { scope, .. } if scope == ["a"]));
}

#[test]
fn targets_leave_in_the_accounts_own_words() {
    let settings = settings("[vivocha.fields]", "email = \"mail\"\ntelnum = \"mobile\"");
    assert_eq!((settings.fields.email.to.as_str(), settings.fields.phone.to.as_str()), ("mail", "mobile"));
    assert_eq!(settings.fields.name.to, "name");
    assert_eq!(settings.fields.ids.to, "open2b");
}

#[test]
fn an_unencrypted_address_of_another_machine_is_warned_of() {
    let warnings = |url: &str| settings("[shops.main]", &format!("url = \"{url}\"")).warnings;
    assert_eq!(warnings("http://127.0.0.1:8000"), Vec::<String>::new());
    assert_eq!(warnings("http://localhost:8000"), Vec::<String>::new());
    assert_eq!(warnings("http://[::1]:8000"), Vec::<String>::new());
    assert_eq!(
        warnings("http://shop.example.com"),
        ["shops.main.url: keys and personal data travel unencrypted: use https"]
    );
}

#[test]
fn a_late_apply_shorter_than_the_timeout_is_warned_of() {
    let warnings = settings("[vivocha]", "late_apply = \"5s\"").warnings;
    let expected =
        "vivocha.late_apply: shorter than vivocha.timeout; a server as slow as that may apply a write later still";
    assert_eq!(warnings, [expected]);
}

#[test]
fn the_preview_follows_the_clock_of_the_time_zone() {
    let settings =
        settings("[schedule]", "sync = \"0 */12 * * *\"\nresync = \"30 2 * * *\"\ntimezone = \"Europe/Rome\"");
    // The night in which Rome's clocks go from 2 to 3: half past two does not exist.
    let now = Utc.with_ymd_and_hms(2026, 3, 28, 12, 0, 0).unwrap();
    let coming: Vec<String> = schedule_preview(&settings, now, 3)
        .iter()
        .map(|run| format!("{} {} {}", run.pass, run.local, run.at))
        .collect();
    insta::assert_snapshot!(coming.join("\n"), @r"
    sync Sun 2026-03-29 00:00 CET 2026-03-28 23:00:00 UTC
    resync Sun 2026-03-29 03:00 CEST 2026-03-29 01:00:00 UTC
    sync Sun 2026-03-29 12:00 CEST 2026-03-29 10:00:00 UTC
    sync Mon 2026-03-30 00:00 CEST 2026-03-29 22:00:00 UTC
    resync Mon 2026-03-30 02:30 CEST 2026-03-30 00:30:00 UTC
    resync Tue 2026-03-31 02:30 CEST 2026-03-31 00:30:00 UTC
    ");
}
