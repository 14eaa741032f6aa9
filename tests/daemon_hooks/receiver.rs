//! A receiver of alerts: keeps what it is sent, and answers as it is told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use anagrafe::model::time::Moment;
use aws_lc_rs::hmac;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::postgres::free_port;

/// What signs alerts.
pub const SECRET: &str = "what signs alerts";

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    Takes,
    Fails,
    Redirects,
    Hangs,
}

#[derive(Default)]
struct Inside {
    answers: Option<Answers>,
    /// Each try: how it was answered, and the body.
    tries: Vec<(Answers, Value)>,
}

/// A receiver.
pub struct Receiver {
    address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
    serving: Option<JoinHandle<()>>,
}

impl Receiver {
    /// One that is away.
    pub fn away() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        Self { address, inside: Arc::default(), serving: None }
    }

    /// One that answers so.
    pub async fn that(answers: Answers) -> Self {
        let mut receiver = Self::away();
        receiver.come(answers).await;
        receiver
    }

    /// It is there from now on, and answers so.
    pub async fn come(&mut self, answers: Answers) {
        self.inside.lock().unwrap().answers = Some(answers);
        if self.serving.is_none() {
            let listener = TcpListener::bind(self.address).await.unwrap();
            let router = Router::new()
                .route("/alerts", post(receive))
                .route("/elsewhere", post(|| async { StatusCode::OK }))
                .with_state(Arc::clone(&self.inside));
            self.serving = Some(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
        }
    }

    /// What a daemon is told of it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ANAGRAFE__ALERTS__URL", format!("http://{}/alerts", self.address)),
            ("ANAGRAFE__ALERTS__SECRET", SECRET.to_owned()),
        ]
    }

    /// The alerts it took, in their order.
    pub fn taken(&self) -> Vec<Value> {
        let inside = self.inside.lock().unwrap();
        inside.tries.iter().filter(|(answers, _)| *answers == Answers::Takes).map(|(_, body)| body.clone()).collect()
    }

    /// Each as `subject kind state`.
    pub fn told(&self) -> Vec<String> {
        self.taken().iter().map(in_short).collect()
    }

    /// All tries.
    pub fn tries(&self) -> Vec<(Answers, Value)> {
        self.inside.lock().unwrap().tries.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// `subject kind state`.
pub fn in_short(alert: &Value) -> String {
    let word = |name: &str| alert[name].as_str().unwrap_or("-").to_owned();
    format!("{} {} {}", word("subject"), word("kind"), word("state"))
}

async fn receive(State(inside): State<Arc<Mutex<Inside>>>, headers: HeaderMap, body: Bytes) -> Response {
    let signature = hex::decode(headers.get("x-anagrafe-signature").unwrap().as_bytes()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, &body, &signature).expect("it is signed");
    assert_eq!(headers.get(header::CONTENT_TYPE), Some(&HeaderValue::from_static("application/json")));
    let alert: Value = serde_json::from_slice(&body).unwrap();
    check(&alert);
    let answers = {
        let mut inside = inside.lock().unwrap();
        let answers = inside.answers.unwrap();
        inside.tries.push((answers, alert));
        answers
    };
    match answers {
        Answers::Takes => StatusCode::NO_CONTENT.into_response(),
        Answers::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Answers::Redirects => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]).into_response(),
        Answers::Hangs => std::future::pending().await,
    }
}

/// It has the form that the documentation gives it.
fn check(alert: &Value) {
    let keys: Vec<&str> = alert.as_object().unwrap().keys().map(String::as_str).collect();
    let form =
        ["version", "id", "sequence", "account", "shop", "subject", "kind", "state", "since", "at", "summary", "todo"];
    assert_eq!(keys, form, "{alert}");
    assert_eq!((&alert["version"], alert["account"].as_str()), (&Value::from(1), Some("acme")));
    assert_eq!(alert["id"].as_str().unwrap().len(), 32);
    let moment = |name: &str| Moment::try_from(alert[name].as_str().unwrap().to_owned()).unwrap();
    assert!(moment("since") <= moment("at"), "{alert}");
    assert!(alert["summary"].as_str().unwrap().len() > 10 && alert["todo"].is_array(), "{alert}");
}
