//! Being told of chats: what a call brings about within seconds, and what no call can bring about.

use std::{process::Stdio, sync::Arc, time::Duration};

use anagrafe::sandbox::{Fault, FaultKind, Options, population::Population};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

use crate::{
    daemon::{Daemon, seal},
    support::{Town, contact, kept, postgres::free_port},
};

/// How soon a chat's customer is to be linked.
const SOON: Duration = Duration::from_secs(5);

const PEOPLE: [&str; 9] = [
    "anna@example.it",
    "+393331234567",
    "Anna",
    "Rossi",
    "bruno@example.it",
    "+393337654321",
    "Bruno",
    "Verdi",
    "carla@example.it",
];

async fn town(options: Options) -> Town {
    let contacts = vec![
        contact(1, "Anna Rossi", "anna@example.it", "333 1234567"),
        contact(2, "Bruno Verdi", "bruno@example.it", "333 7654321"),
    ];
    Town::with(Population { contacts, ..Population::default() }, options).await
}

fn document(value: &Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Somebody chats: answers the customer's id.
fn chats(town: &Town, customer: &Value) -> String {
    town.sandbox.vivocha.add_customer(document(customer))
}

async fn link(town: &Town, contact: i64) -> Option<String> {
    kept::contacts(&town.store()).await.remove(&contact).and_then(|kept| kept.customer)
}

async fn is_quiet(town: &Town, daemon: &Daemon) {
    let (before, syncs) = (kept::contacts(&town.store()).await, daemon.syncs().await);
    town.sandbox.clear_journal();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(kept::contacts(&town.store()).await, before);
    assert_eq!(daemon.syncs().await, syncs, "no sync came of it");
    assert!(town.sandbox.journal().is_empty(), "{:?}", town.sandbox.journal());
}

fn says_nothing_personal(daemon: &Daemon) {
    let log = daemon.logged();
    for personal in PEOPLE.into_iter().chain([crate::daemon::TOKEN]) {
        assert!(!log.contains(personal), "{personal} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_of_a_chat_is_linked_within_five_seconds_of_the_call() {
    let town = town(Options::default()).await;
    let daemon = Daemon::start(&town, &[]).await;
    assert_eq!(link(&town, 1).await, None);

    // By e-mail as it was typed, by telephone as its shop reads it; wherever in the call the id stands.
    let anna = chats(&town, &json!({ "email": "anna@example.it", "firstname": "Anna" }));
    assert_eq!(daemon.told(&json!({ "type": "chat", "cust_id": anna })).await, 202);
    let took = daemon.within(SOON, "Anna is linked", async || link(&town, 1).await == Some(anna.clone())).await;
    let bruno = chats(&town, &json!({ "telnum": "+393337654321" }));
    assert_eq!(daemon.told(&json!({ "data": { "contact": { "cust_id": bruno } } })).await, 202);
    let again = daemon.within(SOON, "Bruno is linked", async || link(&town, 2).await == Some(bruno.clone())).await;
    println!("linked {took:?} and {again:?} after the call");

    assert_eq!((daemon.heard("accepted").await, daemon.figure("anagrafe_ticks_skipped_total").await), (2, 0));
    says_nothing_personal(&daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_chat_of_a_known_person_is_looked_at_too() {
    let town = town(Options::default()).await;
    let anna = chats(&town, &json!({ "email": "anna@example.it", "telnum": "+393331234567" }));
    let daemon = Daemon::start(&town, &[]).await;
    assert_eq!(link(&town, 1).await, Some(anna));
    let again = chats(&town, &json!({ "email": "anna@example.it", "firstname": "Anna" }));
    assert_eq!(daemon.told(&json!({ "cust_id": again })).await, 202);
    let proposed =
        async || kept::proposals(&town.store()).await.iter().any(|(id, kind, ..)| (*id, kind.as_str()) == (1, "merge"));
    daemon.within(SOON, "the merge is proposed", proposed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_search_does_not_see_yet_is_looked_at_again() {
    let mut options = Options::default();
    options.account.search_lag = Duration::from_secs(10);
    let town = town(options).await;
    let daemon = Daemon::start(&town, &[]).await;
    let anna = chats(&town, &json!({ "email": "anna@example.it" }));
    assert_eq!(daemon.told(&json!({ "cust_id": anna })).await, 202);
    daemon.within(SOON, "a sync looked for her", async || daemon.syncs().await >= 2).await;
    assert_eq!(link(&town, 1).await, None, "the search does not see her yet");
    daemon.within(Duration::from_secs(40), "she is linked", async || link(&town, 1).await == Some(anna.clone())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_chats_and_is_nobody_we_know_costs_one_look() {
    let town = town(Options::default()).await;
    let daemon = Daemon::start(&town, &[]).await;
    let stranger = chats(&town, &json!({ "email": "carla@example.it" }));
    town.sandbox.clear_journal();
    assert_eq!(daemon.told(&json!({ "cust_id": stranger })).await, 202);
    daemon.until("she was read", async || town.calls("customers.get") == 1).await;
    sleep(Duration::from_secs(3)).await;
    let calls: Vec<_> = town.sandbox.journal().into_iter().map(|entry| entry.call).collect();
    assert_eq!(calls, ["customers.get"], "no sync came of it");
    says_nothing_personal(&daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_call_names_a_customer_the_log_says_so_once() {
    let town = town(Options::default()).await;
    let daemon = Daemon::start(&town, &[]).await;
    for call in 0..5 {
        assert_eq!(daemon.told(&json!({ "customer": { "number": call } })).await, 202);
    }
    let logged = daemon.logged();
    assert_eq!(logged.matches("set hooks.customer to where the id stands").count(), 1, "{logged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_calls_cost_nothing_and_change_nothing() {
    let town = town(Options::default()).await;
    let daemon = Daemon::start(&town, &[]).await;
    let anna = chats(&town, &json!({ "email": "anna@example.it" }));
    let body = json!({ "cust_id": anna }).to_string();
    let good = seal(&body);
    let flipped = format!("{}{}", if good.starts_with('0') { "1" } else { "0" }, &good[1..]);
    let other = seal(&format!("{body} "));
    for headers in [
        &[][..],
        &[("x-vvc-hmac", "")],
        &[("x-vvc-hmac", "not hexadecimal")],
        &[("x-vvc-hmac", &good[..20])],
        &[("x-vvc-hmac", &flipped)],
        &[("x-vvc-hmac", &other)],
        &[("x-vvc-hmac", &good), ("x-vvc-acct", "other")],
        &[("x-vvc-acct", "acme")],
    ] {
        assert_eq!(daemon.call(&body, headers).await, 401, "{headers:?}");
    }
    // A body that no parser should see, and one that is not what was sealed.
    assert_eq!(daemon.call(&"[".repeat(200_000), &[("x-vvc-hmac", &good)]).await, 401);
    is_quiet(&town, &daemon).await;
    assert_eq!((daemon.heard("forged").await, daemon.heard("accepted").await), (9, 0));
    assert_eq!(daemon.call(&body, &[("x-vvc-hmac", &good)]).await, 202, "the account need not be named");
    daemon.within(SOON, "she is linked", async || link(&town, 1).await == Some(anna.clone())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_oversized_and_malformed_calls_change_nothing() {
    let town = town(Options::default()).await;
    let daemon = Daemon::start(&town, &[]).await;
    let call = json!({ "cust_id": chats(&town, &json!({ "email": "anna@example.it" })) });
    assert_eq!(daemon.told(&call).await, 202);
    daemon.within(SOON, "she is linked", async || link(&town, 1).await.is_some()).await;
    daemon.until("all is done", async || daemon.syncs().await >= 2).await;
    for _ in 0..5 {
        assert_eq!(daemon.told(&call).await, 202, "it is to have its peace");
    }
    let oversized = json!({ "cust_id": "x".repeat(300_000) });
    assert_eq!(daemon.told(&oversized).await, 413);
    let malformed = "{\"cust_id\": ";
    assert_eq!(daemon.call(malformed, &[("x-vvc-hmac", &seal(malformed))]).await, 400);
    for nobody in
        [json!({}), json!([]), json!({ "cust_id": null }), json!({ "cust_id": "\n" }), json!({ "event": "login" })]
    {
        assert_eq!(daemon.told(&nobody).await, 202);
    }
    is_quiet(&town, &daemon).await;
    let heard = |outcome| daemon.heard(outcome);
    assert!(!daemon.logged().contains("set hooks.customer"), "one has named a customer: {}", daemon.logged());
    assert_eq!((heard("replayed").await, heard("oversized").await), (5, 1));
    assert_eq!((heard("malformed").await, heard("ignored").await, heard("accepted").await), (1, 5, 1));
    // Nothing else is there.
    let url = format!("http://127.0.0.1:{}", daemon.hooks);
    let client = crate::daemon::client();
    let gets = client.get(format!("{url}/hooks/vivocha")).send().await.unwrap().status().as_u16();
    let other = client.post(format!("{url}/status")).send().await.unwrap().status().as_u16();
    assert_eq!((gets, other), (405, 404));
}

/// Says of its body that it comes, and then sends it byte by byte.
async fn dawdles(port: u16) -> Duration {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let seal = "0".repeat(40);
    let head = format!("POST /hooks/vivocha HTTP/1.1\r\nhost: x\r\nx-vvc-hmac: {seal}\r\ncontent-length: 1000\r\n\r\n");
    if stream.write_all(head.as_bytes()).await.is_err() {
        return begun.elapsed();
    }
    let mut answer = [0; 64];
    loop {
        tokio::select! {
            read = stream.read(&mut answer) => if matches!(read, Ok(0) | Err(_)) { return begun.elapsed() },
            () = sleep(Duration::from_millis(300)) => if stream.write_all(b"x").await.is_err() { return begun.elapsed() },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dawdles_is_cut_off_and_keeps_nobody_out_for_long() {
    let town = town(Options::default()).await;
    let daemon = Arc::new(Daemon::start(&town, &[]).await);
    let before = daemon.resident();
    // More than there are places; some of them never say anything at all.
    let slow: Vec<_> = (0..40).map(|_| tokio::spawn(dawdles(daemon.hooks))).collect();
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(("127.0.0.1", daemon.hooks)).await.unwrap());
    }
    sleep(Duration::from_secs(1)).await;
    let anna = chats(&town, &json!({ "email": "anna@example.it" }));
    let call = json!({ "cust_id": anna });
    let begun = Instant::now();
    assert_eq!(daemon.told(&call).await, 202);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    daemon.within(SOON, "she is linked", async || link(&town, 1).await == Some(anna.clone())).await;
    for slow in slow {
        let held = slow.await.unwrap();
        assert!(held < Duration::from_secs(10), "{held:?}");
    }
    assert!(daemon.resident() < before + 16_384, "{} KiB, {before} KiB before", daemon.resident());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_idle_connections_keeps_no_call_waiting() {
    let town = town(Options::default()).await;
    let daemon = Arc::new(Daemon::start(&town, &[]).await);
    let before = daemon.resident();
    let anna = chats(&town, &json!({ "email": "anna@example.it" }));
    // Nothing, half a head, a head and half a body; more of them than are kept.
    let head = format!("POST /hooks/vivocha HTTP/1.1\r\nhost: x\r\nx-vvc-hmac: {}\r\n", "0".repeat(40));
    let body = format!("{head}content-length: 200000\r\n\r\n{}", "x".repeat(100_000));
    let mut idle = Vec::new();
    for (number, says) in ["", head.as_str(), body.as_str()].into_iter().cycle().take(600).enumerate() {
        let mut stream = TcpStream::connect(("127.0.0.1", daemon.hooks)).await.unwrap();
        // One that was cut meanwhile takes no more.
        let _ = stream.write_all(says.as_bytes()).await;
        idle.push(stream);
        if number % 100 == 50 {
            let begun = Instant::now();
            assert_eq!(daemon.told(&json!({ "cust_id": anna, "number": number })).await, 202);
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?} behind {number} idle ones", begun.elapsed());
        }
    }
    assert!(daemon.resident() < before + 65_536, "{} KiB, {before} KiB before", daemon.resident());
    daemon.within(SOON, "she is linked", async || link(&town, 1).await == Some(anna.clone())).await;
    // All of them are cut before long.
    let begun = Instant::now();
    for mut stream in idle {
        let mut answer = [0; 64];
        while !matches!(stream.read(&mut answer).await, Ok(0) | Err(_)) {}
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_calls_makes_few_syncs_and_no_heap() {
    let town = town(Options::default()).await;
    let daemon = Arc::new(Daemon::start(&town, &[]).await);
    let anna = chats(&town, &json!({ "email": "anna@example.it" }));
    let (before, worked) = (daemon.resident(), daemon.worked());
    // Forged ones, as many and as fast as they go.
    let begun = Instant::now();
    let forgers: Vec<_> = (0..8)
        .map(|_| {
            let daemon = Arc::clone(&daemon);
            tokio::spawn(async move {
                let mut refused = 0;
                for number in 0..250 {
                    let body = format!("{{\"cust_id\":\"x{number}\"}}");
                    refused += u32::from(daemon.call(&body, &[("x-vvc-hmac", &seal("another body"))]).await == 401);
                }
                refused
            })
        })
        .collect();
    let mut refused = 0;
    for forger in forgers {
        refused += forger.await.unwrap();
    }
    println!("{refused} forged calls in {:?}, {:?} of a core", begun.elapsed(), daemon.worked().saturating_sub(worked));
    assert_eq!(refused, 2000);

    // And the account's own, each another one about the same customer.
    let syncs = daemon.syncs().await;
    let begun = Instant::now();
    let mut answers = std::collections::BTreeMap::<u16, u32>::new();
    for number in 0..600 {
        *answers.entry(daemon.told(&json!({ "cust_id": anna, "number": number })).await).or_default() += 1;
    }
    daemon.within(SOON, "she is linked", async || link(&town, 1).await == Some(anna.clone())).await;
    sleep(Duration::from_secs(3)).await;
    let (took, syncs) = (begun.elapsed(), daemon.syncs().await - syncs);
    println!(
        "600 calls: {answers:?}, {syncs} syncs in {took:?}, {} KiB more",
        daemon.resident().saturating_sub(before)
    );
    assert!(answers.keys().all(|status| [202, 503].contains(status)), "{answers:?}");
    assert!(syncs <= took.as_secs() / 2 + 6, "{syncs} syncs in {took:?}");
    assert!(daemon.resident() < before + 16_384, "{} KiB, {before} KiB before", daemon.resident());
    assert_eq!(daemon.figure("anagrafe_ticks_skipped_total").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_while_vivocha_is_away_is_heeded_once_it_is_back() {
    let town = town(Options::default()).await;
    let daemon = Daemon::start(&town, &[]).await;
    let anna = chats(&town, &json!({ "email": "anna@example.it" }));
    let kind = FaultKind::Status { status: 503, retry_after: None, body: None };
    // As often as a call is tried.
    town.sandbox.faults().set(Fault { call: "customers.get".into(), after: 0, times: Some(4), kind });
    assert_eq!(daemon.told(&json!({ "cust_id": anna })).await, 202);
    daemon.within(Duration::from_mins(1), "she is linked", async || link(&town, 1).await == Some(anna.clone())).await;
    assert!(town.calls("customers.get") >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_nobody_is_listened_to() {
    let town = town(Options::default()).await;
    let (hooks, observe) = (free_port(), free_port());
    let mut child = town
        .command(&["daemon"])
        .env("ANAGRAFE__HOOKS__LISTEN", format!("127.0.0.1:{hooks}"))
        .env("ANAGRAFE__OBSERVE__LISTEN", format!("127.0.0.1:{observe}"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", observe)).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not start");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(TcpStream::connect(("127.0.0.1", hooks)).await.is_err());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_with_what_to_do() {
    let town = town(Options::default()).await;
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut command = town.command(&["daemon"]);
    command
        .env("ANAGRAFE__HOOKS__LISTEN", taken.local_addr().unwrap().to_string())
        .env("ANAGRAFE__HOOKS__SECRET", crate::daemon::TOKEN)
        .env("ANAGRAFE__OBSERVE__LISTEN", format!("127.0.0.1:{}", free_port()));
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(1) && told.contains("hooks.listen: cannot listen on"), "{told}");
}
