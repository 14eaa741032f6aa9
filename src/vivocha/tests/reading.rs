//! Searching and reading.

use serde_json::json;

use super::{fake::Server, id, started};
use crate::{
    http::{Cause, Verdict},
    model::finding::Standing,
    vivocha::{Ask, SearchMode, Searched},
};

fn ask(emails: &[&str], telnums: &[&str]) -> Ask {
    let own = |values: &[&str]| values.iter().map(ToString::to_string).collect();
    Ask { emails: own(emails), telnums: own(telnums), vvcu: None }
}

fn ids(found: &Searched) -> Vec<&str> {
    found.customers.keys().map(crate::model::CustomerId::as_str).collect()
}

/// The values that an encoding could damage, each on a customer of its own.
const AWKWARD: [&str; 9] = [
    "u3@x.it",
    "o'neil@x.it",
    "a+b@x.it",
    "<a>@x.it",
    "a,b)(c@x.it",
    "100%@x.it",
    "è@x.it",
    "string:x@x.it",
    "a/b~c*$&|=@x.it",
];

#[tokio::test]
async fn every_value_arrives_as_it_was_meant_in_one_call() {
    let server = Server::default();
    for (at, email) in AWKWARD.iter().enumerate() {
        server.put(json!({"id": format!("c{at}"), "email": email}));
    }
    server.put(json!({"id": "digits", "telnum": "3331234567"}));
    server.put(json!({"id": "plus", "telnum": "+39 333 1234567"}));
    server.put(json!({"id": "other", "email": "somebody@x.it", "telnum": "0612345678"}));
    let reader = started(&server, |_| ()).await;
    let mut asks: Vec<Ask> = AWKWARD.iter().map(|email| ask(&[email], &[])).collect();
    asks.push(ask(&[], &["3331234567", "+39 333 1234567"]));
    let found = reader.search(&asks).await.unwrap();
    assert_eq!(found.customers.len(), AWKWARD.len() + 2);
    assert!(!found.customers.contains_key(&id("other")));
    assert_eq!((found.crowded, found.failed), (vec![], vec![]));
    assert_eq!(server.searches().len(), 1);
}

#[tokio::test]
async fn the_same_by_parameters() {
    let server = Server::default();
    server.lock().filters = [false, true];
    for (at, email) in AWKWARD.iter().enumerate() {
        server.put(json!({"id": format!("c{at}"), "email": email}));
    }
    server.put(json!({"id": "phone", "telnum": "3331234567"}));
    let reader = started(&server, |options| options.search = SearchMode::Params).await;
    let mut asks: Vec<Ask> = AWKWARD.iter().map(|email| ask(&[email], &[])).collect();
    asks.push(ask(&["nobody@x.it", "u3@x.it"], &["+393331234567", "00393331234567", "3331234567"]));
    let found = reader.search(&asks).await.unwrap();
    assert_eq!(found.customers.len(), AWKWARD.len() + 1);
    assert_eq!(server.searches().len(), AWKWARD.len() + 5, "a call for each value");
}

#[tokio::test]
async fn asks_are_batched_by_number_and_by_length() {
    let server = Server::default();
    let reader = started(&server, |options| options.search_batch = 40).await;
    let asks: Vec<Ask> = (0..100).map(|n| ask(&[&format!("someone.{n}@example.it")], &[])).collect();
    reader.search(&asks).await.unwrap();
    assert_eq!(server.searches().len(), 3);
    let server = Server::default();
    server.put(json!({"id": "last", "email": "99@x.it"}));
    let reader = started(&server, |options| options.max_url_bytes = 600).await;
    let mut asks: Vec<Ask> = (0..99).map(|n| ask(&[&format!("someone.{n}@example.it")], &[])).collect();
    asks.push(ask(&["99@x.it"], &[]));
    assert_eq!(ids(&reader.search(&asks).await.unwrap()), ["last"]);
    let longest = server.lock().seen.iter().map(|call| call.1.len()).max().unwrap();
    assert!(longest <= 600 && server.searches().len() > 3, "{longest}");
}

#[tokio::test]
async fn an_ask_too_long_for_one_address_takes_several_and_a_value_too_long_is_told() {
    let server = Server::default();
    server.put(json!({"id": "c1", "telnum": "last"}));
    let reader = started(&server, |options| options.max_url_bytes = 600).await;
    let many: Vec<String> = (0..60).map(|n| format!("+39 333 12345{n:02}")).chain(["last".into()]).collect();
    let asks = [Ask { telnums: many, ..Ask::default() }, ask(&["x".repeat(900).as_str()], &[]), ask(&["", " "], &[])];
    let found = reader.search(&asks).await.unwrap();
    assert_eq!(ids(&found), ["c1"]);
    assert_eq!(found.failed.iter().map(|(at, error)| (*at, error.verdict)).collect::<Vec<_>>(), [(1, Verdict::Park)]);
}

#[tokio::test]
async fn a_full_answer_is_divided_so_that_one_mailbox_starves_nobody() {
    for (counts, clamp) in [(true, usize::MAX), (false, usize::MAX), (true, 30), (false, 30), (false, 32)] {
        let server = Server::default();
        server.lock().counts = counts;
        server.lock().clamp = clamp;
        for n in 0..250 {
            server.put(json!({"id": format!("a{n:03}"), "email": "info@x.it"}));
        }
        server.put(json!({"id": "z", "email": "anna@x.it"}));
        let reader = started(&server, |_| ()).await;
        let asks = [ask(&["info@x.it"], &[]), ask(&["anna@x.it"], &[]), ask(&["nobody@x.it"], &[])];
        let found = reader.search(&asks).await.unwrap();
        assert_eq!(found.customers.len(), 251, "counts {counts}, clamp {clamp}");
        assert_eq!(found.crowded, Vec::<usize>::new());
    }
}

#[tokio::test]
async fn a_server_that_neither_counts_nor_gives_what_was_asked_hides_nobody() {
    for clamp in [3, 7, 16, usize::MAX] {
        let server = Server::default();
        server.lock().counts = false;
        server.lock().clamp = clamp;
        let address = |n: usize| format!("a{n}@x.it");
        for n in 0..20 {
            server.put(json!({"id": format!("c{n:02}"), "email": address(n)}));
        }
        let reader = started(&server, |_| ()).await;
        let asks: Vec<Ask> = (0..20).map(|n| ask(&[&address(n)], &[])).collect();
        assert_eq!(reader.search(&asks).await.unwrap().customers.len(), 20, "clamp {clamp}");
        let before = server.searches().len();
        assert_eq!(reader.search(&asks[..2]).await.unwrap().customers.len(), 2);
        assert_eq!(server.searches().len(), before + 1, "a short answer is believed");
        if clamp == usize::MAX {
            assert_eq!(before, 2, "the batch, and once what lies behind it");
        }
    }
}

#[tokio::test]
async fn what_too_many_hold_is_crowded_and_reading_ends() {
    let server = Server::default();
    for n in 0..250 {
        server.put(json!({"id": format!("a{n:03}"), "email": "info@x.it"}));
    }
    server.put(json!({"id": "z", "email": "anna@x.it"}));
    let reader = started(&server, |options| options.max_pages = 2).await;
    let found = reader.search(&[ask(&["anna@x.it"], &[]), ask(&["info@x.it"], &[])]).await.unwrap();
    assert_eq!(found.crowded, [1]);
    assert!(found.customers.contains_key(&id("z")));
    assert_eq!(server.searches().len(), 4, "the batch, the halves, one more page");
}

#[tokio::test]
async fn a_filter_that_is_ignored_stops_the_run_and_names_no_person() {
    for mode in [SearchMode::Rql, SearchMode::Params] {
        let server = Server::default();
        server.lock().filters = [false, false];
        server.put(json!({"id": "c1", "email": "anna@x.it", "telnum": "3331234567"}));
        let reader = started(&server, |options| options.search = mode).await;
        let error = reader.search(&[ask(&["berta@x.it"], &["+390612345678"])]).await.unwrap_err();
        assert_eq!(error.verdict, Verdict::Stop);
        let told = error.to_string();
        assert!(told.contains("not honoured") && told.contains("c1"), "{told}");
        assert!(!told.contains('@') && !told.contains("333"), "{told}");
        assert_eq!(reader.probe_filter().await.unwrap().verdict, Standing::Contradicted);
    }
    let server = Server::default();
    server.put(json!({"id": "c1", "email": "anna@x.it"}));
    let reader = started(&server, |_| ()).await;
    assert_eq!(reader.probe_filter().await.unwrap().verdict, Standing::Confirmed);
}

#[tokio::test]
async fn an_ask_they_cannot_parse_does_not_keep_its_batch_from_being_answered() {
    let server = Server::default();
    server.lock().poison = Some("poison".into());
    for n in 0..20 {
        server.put(json!({"id": format!("c{n:02}"), "email": format!("u{n}@x.it")}));
    }
    let reader = started(&server, |_| ()).await;
    let mut asks: Vec<Ask> = (0..20).map(|n| ask(&[&format!("u{n}@x.it")], &[])).collect();
    asks.insert(7, ask(&["poison@x.it"], &[]));
    let found = reader.search(&asks).await.unwrap();
    assert_eq!(found.customers.len(), 20);
    assert_eq!(found.failed.iter().map(|(at, error)| (*at, error.verdict)).collect::<Vec<_>>(), [(7, Verdict::Park)]);
}

#[tokio::test]
async fn an_outage_is_not_dissected() {
    let server = Server::default();
    server.lock().faults.extend([500; 1000]);
    let reader = started(&server, |_| ()).await;
    let asks: Vec<Ask> = (0..40).map(|n| ask(&[&format!("u{n}@x.it")], &[])).collect();
    let found = reader.search(&asks).await.unwrap();
    assert_eq!(found.failed.len(), 40);
    assert!(server.searches().len() < 50, "{}", server.searches().len());
}

#[tokio::test]
async fn auto_asks_the_specification_once_and_takes_parameters_where_it_offers_no_q() {
    for (parameters, expected) in [(json!([{"name": "q", "in": "query"}]), "q="), (json!([]), "email=")] {
        let server = Server::default();
        server.lock().openapi = json!({"paths": {"/customers": {"get": {"parameters": parameters}}}});
        let reader = started(&server, |options| options.search = SearchMode::Auto).await;
        for _ in 0..2 {
            reader.search(&[ask(&["a@x.it"], &[])]).await.unwrap();
        }
        assert!(server.searches().iter().all(|query| query.starts_with(expected)), "{:?}", server.searches());
    }
}

#[tokio::test]
async fn a_customer_is_read_and_an_unknown_one_is_nothing() {
    let server = Server::default();
    server.put(json!({"id": "c/1?", "email": "anna@x.it", "other": {"kept": [1]}}));
    let reader = started(&server, |_| ()).await;
    let customer = reader.get(&id("c/1?")).await.unwrap().unwrap();
    assert_eq!((customer.id, customer.document["other"].clone()), (id("c/1?"), json!({"kept": [1]})));
    assert_eq!(reader.get(&id("nobody")).await.unwrap(), None);
    assert_eq!(reader.history(&id("c/1?")).await.unwrap(), json!({"contacts": ["c/1?"]}));
    assert_eq!(reader.history(&id("nobody")).await.unwrap_err().verdict, Verdict::Park);
}

#[tokio::test]
async fn a_wrong_address_is_never_taken_for_an_unknown_customer() {
    let server = Server::default();
    let reader = started(&server, |options| options.endpoints.get = "GET people/{cid}".parse().unwrap()).await;
    assert_eq!(reader.get(&id("c1")).await.unwrap_err().verdict, Verdict::Stop);
}

#[tokio::test]
async fn passing_faults_pass_and_an_internal_error_parks() {
    let server = Server::default();
    server.put(json!({"id": "c1"}));
    let reader = started(&server, |_| ()).await;
    for faults in [vec![429], vec![503, 502], vec![500, 500]] {
        server.lock().faults.extend(faults);
        assert!(reader.get(&id("c1")).await.unwrap().is_some());
    }
    server.lock().faults.extend([500, 500, 500]);
    let error = reader.get(&id("c1")).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Park);
    assert!(matches!(error.cause, Cause::Status { status: 500, .. }));
}

#[tokio::test]
async fn reading_may_be_spawned() {
    let server = Server::default();
    let reader = started(&server, |_| ()).await;
    let found = tokio::spawn(async move { reader.search(&[ask(&["a@x.it"], &["1"])]).await });
    assert_eq!(found.await.unwrap().unwrap(), Searched::default());
}

#[tokio::test]
async fn what_the_server_would_choke_on_is_what_the_server_of_these_tests_chokes_on() {
    let server = Server::default();
    server.put(json!({"id": "c1", "email": "u3@x.it", "telnum": "3331234567"}));
    let base = format!("{}/a/acme/api/v3/customers", server.start().await);
    let transport = crate::http::ReqwestTransport::new(crate::http::TransportOptions::default()).unwrap();
    let table = [
        ("q=eq(email,u3%2540x.it)", 200, 1),
        ("q=eq(email,u3%40x.it)", 500, 0),
        ("q=eq(email,u3@x.it)", 500, 0),
        ("q=eq(telnum,3331234567)", 200, 0),
        ("q=eq(telnum,string:3331234567)", 200, 1),
        ("limit=101", 400, 0),
        ("limit=100&skip=0", 200, 1),
    ];
    for (query, status, rows) in table {
        let call = crate::http::Call {
            name: "probe",
            safety: crate::http::Safety::Read,
            method: http::Method::GET,
            url: format!("{base}?{query}").parse().unwrap(),
            headers: http::HeaderMap::new(),
            body: None,
            timeout: std::time::Duration::from_secs(5),
            permit: None,
            paid: false,
        };
        let answer = crate::http::Transport::send(&transport, &call).await.unwrap();
        assert_eq!(answer.status.as_u16(), status, "{query}");
        if status == 200 {
            let told: Vec<serde_json::Value> = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(told.len(), rows, "{query}");
        }
    }
}
