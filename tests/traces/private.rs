//! What is never in a trace: a person, a secret, an address with either.

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{anagrafe, support::collector::Mood, traced};

/// Whether these bytes are in those.
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_no_trace_shows_a_person_or_a_secret_whatever_goes_wrong_and_however_much_is_logged() {
    let (town, collector) = traced(Mood::Takes).await;
    let town = town.merging();
    let quoted = json!({"error": 400, "message": "anna@example.it", "info": {"path": "anna@example.it"}}).to_string();
    let kinds = [
        FaultKind::NotJson,
        FaultKind::Truncated,
        FaultKind::IgnoredFilter,
        FaultKind::Status { status: 400, retry_after: None, body: Some(quoted) },
        FaultKind::Status { status: 500, retry_after: None, body: None },
    ];
    let talkative = [("ANAGRAFE__OBSERVE__LOG", "trace")];
    for call in ["contacts.find", "customers.search", "customers.update", "customers.get"] {
        for kind in &kinds {
            town.sandbox.faults().clear();
            town.sandbox.faults().set(Fault::next(call, 6, kind.clone()));
            anagrafe(&town, &["sync", "--limit", "20"], &talkative).await;
        }
    }
    town.sandbox.faults().clear();
    anagrafe(&town, &["sync"], &talkative).await;
    anagrafe(&town, &["resync", "-vv"], &talkative).await;
    let customer = town.sandbox.vivocha.customers()[0]["id"].as_str().unwrap().to_owned();
    anagrafe(&town, &["customers", "get", &customer], &talkative).await;
    let spans = collector.spans();
    for name in ["contacts.find", "customers.search", "customers.get", "customers.update", "page", "sync", "resync"] {
        assert!(spans.iter().any(|span| span.name == name), "{name}");
    }
    let sent: Vec<u8> = collector.deliveries().iter().flat_map(|one| one.body.to_vec()).collect();

    assert!(
        holds(&sent, "customers.search") && holds(&sent, "anagrafe.waited_ms"),
        "what is looked for would be found"
    );
    let people = town.sandbox.open2b.contacts().into_iter().flat_map(|c| [Some(c.name), c.email, Some(c.phone)]);
    let people: Vec<String> = people.flatten().collect();
    let chats = town.sandbox.vivocha.customers().into_iter().flat_map(|customer| {
        ["id", "email", "telnum", "firstname", "lastname", "nickname"]
            .map(|field| customer.get(field).and_then(Value::as_str).map(str::to_owned))
    });
    let mut looked_for = 0;
    for personal in people.into_iter().chain(chats.flatten()).filter(|text| text.len() >= 6) {
        looked_for += 1;
        assert!(!holds(&sent, &personal), "{personal} was sent");
    }
    assert!(looked_for > 500, "{looked_for}");
    for secret in [
        "sandbox-secret-key",
        "sandbox-client-secret",
        "Bearer",
        "example.it",
        "?q=",
        "/customers",
        "/api",
        "http://",
        "://",
    ] {
        assert!(!holds(&sent, secret), "{secret} was sent");
    }
    let said = |name: &str| {
        let ours = ["anagrafe.", "http.request.method", "http.request.resend_count", "http.response.status_code"];
        ours.iter().chain(&["server.address", "server.port", "error.type"]).any(|start| name.starts_with(start))
    };
    for span in &spans {
        assert_eq!(span.events, 0, "no line of the log: {span:?}");
        assert!(span.attributes.keys().all(|name| said(name)), "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_decides_nothing_about_traces_nor_traces_about_the_log() {
    let (town, collector) = traced(Mood::Takes).await;
    for quiet in ["error", "off", "warn"] {
        collector.forget();
        anagrafe(&town, &["sync"], &[("ANAGRAFE__OBSERVE__LOG", quiet)]).await.code(0);
        let tree = collector.trees("sync").remove(0);
        assert!(tree.calls().len() > 3, "{quiet}");
    }
    let log = async || {
        let talkative = [("ANAGRAFE__OBSERVE__LOG", "info,anagrafe=trace"), ("ANAGRAFE__OBSERVE__LOG_FORMAT", "json")];
        let ended = anagrafe(&town, &["sync"], &talkative).await.code(0);
        let lines: Vec<Value> = ended.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert!(
            lines.iter().all(|line: &Value| line.get("span").is_none() && line.get("spans").is_none()),
            "{ended:?}"
        );
        lines.iter().map(|line| (line["level"].clone(), line["message"].clone())).collect::<Vec<_>>()
    };
    let with = log().await;
    town.edit(|text| text.replace("otlp_endpoint", "# otlp_endpoint"));
    assert_eq!(with, log().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_environment_goes_along_and_is_told_nowhere() {
    let (town, collector) = traced(Mood::Takes).await;
    let given = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2,x-tenant=acme"),
        ("ANAGRAFE__OBSERVE__LOG", "trace"),
    ];
    let ended = anagrafe(&town, &["sync"], &given).await.code(0);
    for delivery in collector.deliveries() {
        assert_eq!(
            (&delivery.headers["authorization"], &delivery.headers["x-tenant"]),
            (&"Bearer hunter2".parse().unwrap(), &"acme".parse().unwrap())
        );
        assert!(!holds(&delivery.body, "hunter2"));
    }
    assert!(!collector.deliveries().is_empty() && !format!("{ended:?}").contains("hunter2"));

    collector.forget();
    let ended = anagrafe(&town, &["sync"], &[("OTEL_EXPORTER_OTLP_HEADERS", "hunter2")]).await.code(0);
    assert!(ended.stderr.contains("OTEL_EXPORTER_OTLP_HEADERS") && !ended.stderr.contains("hunter2"), "{ended:?}");
    assert_eq!(collector.deliveries().len(), 0, "the run goes on without traces");
}
