//! The table of faults: every kind of the sandbox, and the calls that it is set on.

use anagrafe::sandbox::{
    FaultKind::{self, *},
    Malformed,
    RetryAfter::{Date, Seconds},
};

use super::support::figure;

const PAGES: &[&str] = &["contacts.find", "customers.search"];
const SHOP: &[&str] = &["contacts.count", "contacts.find", "contacts.get"];
const WRITES: &[&str] = &["customers.update"];
/// What reads and writes people.
const PEOPLE: &[&str] =
    &["contacts.count", "contacts.find", "contacts.get", "customers.search", "customers.get", "customers.update"];
/// Those, and what has to go well before.
const ALL: &[&str] = &[
    "world",
    "token",
    "openapi",
    "contacts.count",
    "contacts.find",
    "contacts.get",
    "customers.search",
    "customers.get",
    "customers.update",
];
/// The front door has a deadline of its own, half a minute: too long to be waited for here.
const ALL_BUT_THE_DOOR: &[&str] = ALL.split_at(1).1;

/// The table; and a match, so that a fault that is added to the sandbox and not here is an error of the compiler.
macro_rules! table {
    ($($pattern:pat => $([$($kind:expr),+] on $calls:expr),+;)+) => {
        fn table() -> Vec<(Vec<FaultKind>, &'static [&'static str])> {
            vec![$($((vec![$($kind),+], $calls)),+),+]
        }

        const fn has_a_row(kind: &FaultKind) {
            match kind {
                $($pattern => {})+
            }
        }
    };
}

pub const fn status(status: u16) -> FaultKind {
    Status { status, retry_after: None, body: None }
}

table! {
    Status { .. } => [
        status(400), status(401), status(403), status(404), status(410), status(500),
        Status { status: 429, retry_after: Some(Date(1)), body: None }
    ] on PEOPLE, [
        status(503),
        Status { status: 429, retry_after: Some(Seconds(1)), body: None }
    ] on ALL;
    StatusAfter { .. } => [StatusAfter { status: 500 }, StatusAfter { status: 503 }] on PEOPLE;
    ResetBefore => [ResetBefore] on ALL;
    ResetAfter => [ResetAfter] on ALL;
    HangBefore => [HangBefore] on ALL_BUT_THE_DOOR;
    HangAfter => [HangAfter] on ALL_BUT_THE_DOOR;
    LateApply { .. } => [LateApply { ms: 1500 }] on ALL_BUT_THE_DOOR;
    Latency { .. } => [Latency { ms: 20 }] on ALL;
    Truncated => [Truncated] on ALL;
    NotJson => [NotJson] on ALL;
    InvalidUtf8 => [InvalidUtf8] on ALL;
    Nested { .. } => [Nested { depth: 100_000 }] on ALL;
    Huge { .. } => [Huge { bytes: 33 << 20 }] on PEOPLE;
    Bomb { .. } => [Bomb { bytes: 33 << 20 }] on PEOPLE;
    Redirect { .. } => [Redirect { location: "http://127.0.0.1:9/elsewhere".into() }] on ALL;
    RepeatedPage => [RepeatedPage] on PAGES;
    ReversedPage => [ReversedPage] on PAGES;
    EmptyPage => [EmptyPage] on PAGES;
    MalformedRecord { .. } => [
        MalformedRecord { how: Malformed::Types },
        MalformedRecord { how: Malformed::Id },
        MalformedRecord { how: Malformed::Null }
    ] on PAGES;
    IgnoredFilter => [IgnoredFilter] on &["contacts.count", "contacts.find", "customers.search"];
    OverridingUpdate => [OverridingUpdate] on WRITES;
    TrimmingUpdate { .. } => [TrimmingUpdate { to: 5 }] on WRITES;
    SilentUpdate => [SilentUpdate] on WRITES;
    StrictSchema => [StrictSchema] on WRITES;
    SearchLag { .. } => [SearchLag { ms: 60_000 }] on WRITES;
    LateIds { .. } => [LateIds { every: 3 }] on SHOP;
    OtherPeople => [OtherPeople] on &["contacts.find", "contacts.get"];
    AnotherId => [AnotherId] on &["contacts.get", "customers.get", "customers.update"];
    WrongCount { .. } => [WrongCount { to: 0 }, WrongCount { to: 1_000_000 }] on &["contacts.count", "customers.search"];
}

/// Every kind on every call; where a kind has several forms they take turns, and all come on every call in the slow programme.
pub fn cases() -> Vec<(FaultKind, &'static str)> {
    let slow = figure(false, true);
    let of = |(kinds, calls): (Vec<FaultKind>, &'static [&'static str])| {
        let forms = move |(turn, call): (usize, &&'static str)| {
            let all = kinds.iter().cloned().enumerate();
            let taken: Vec<_> =
                all.filter(|(at, _)| slow || turn % kinds.len() == *at).map(|(_, kind)| (kind, *call)).collect();
            taken
        };
        calls.iter().enumerate().flat_map(forms).collect::<Vec<_>>()
    };
    let cases: Vec<_> = table().into_iter().flat_map(of).collect();
    for (kind, _) in &cases {
        has_a_row(kind);
    }
    cases
}
