//! Being told: Vivocha calls when somebody chats, and the customer it names is looked at at once instead of with the next recheck.
//!
//! ```text
//! POST /hooks/vivocha ─▶ seal verified ─▶ not a replay ─▶ ids ─▶ queue ─202─▶
//!                                                                 └▶ worker: customer read, contacts that may be it due now ─▶ a sync
//! ```
//!
//! A run that lasts meanwhile, of this process or of another one, looks at them between two of its pages.
//!
//! A call only makes work due. Losing every call changes nothing but the delay, and a false one could change nothing either: what is done
//! about a contact is decided by a sync on what it reads. So all that strangers may cost us is bounded: connections, their time, the
//! length of a body, what all of them send together; idle ones keep nobody waiting; and nothing is read of a body before its seal is
//! verified. Any of several daemons may be called.
//!
//! The vendor documents the headers (`x-vvc-acct`, `x-vvc-hmac`: hex HMAC-SHA1 of the body with the account's secret token) and not
//! what a body holds: where a customer's id may stand is a setting.

mod call;
mod replays;
mod worker;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::BytesMut;
use futures::StreamExt as _;
use tokio::{
    net::TcpListener,
    sync::mpsc::{Sender, channel},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub use call::Token;
use replays::{Replays, Seal};

use super::{Present, Seldom, State, port::Bounded};
use crate::{
    model::{AccountName, CustomerId},
    observe::metrics,
    sync::{clock::uptime, named::Named},
};

/// Calls that wait to be handled.
const QUEUE: usize = 256;
/// How long a connection may last.
const LIFE: Duration = Duration::from_secs(6);
/// How long a body may take to arrive.
const ARRIVES: Duration = Duration::from_secs(4);

/// What listening takes of the present crew.
#[derive(Debug, Clone)]
pub struct Ears {
    /// Whose calls are heard.
    pub account: AccountName,
    /// What seals them.
    pub token: Arc<Token>,
    /// Where in a call ids of customers may stand.
    pub places: Arc<[String]>,
    /// The longest call.
    pub max_body: usize,
    /// Looks at whoever is named.
    pub named: Arc<Named>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Whoever it names is looked at.
    Accepted,
    /// It is the account's, and names no customer.
    Ignored,
    /// It is not the account's.
    Forged,
    /// It came already.
    Replayed,
    /// It is too long.
    Oversized,
    /// Too many wait, or nobody works yet.
    Flooded,
    /// It is no JSON, or did not arrive.
    Malformed,
}

impl Heard {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Ignored => "ignored",
            Self::Forged => "forged",
            Self::Replayed => "replayed",
            Self::Oversized => "oversized",
            Self::Flooded => "flooded",
            Self::Malformed => "malformed",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            // A replay is mostly the vendor's own second try: it is to have its peace.
            Self::Accepted | Self::Ignored | Self::Replayed => StatusCode::ACCEPTED,
            Self::Forged => StatusCode::UNAUTHORIZED,
            Self::Oversized => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Flooded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for Heard {
    fn into_response(self) -> Response {
        // One call a connection: none is kept for the next.
        let closes = [(header::CONNECTION, HeaderValue::from_static("close"))];
        (self.status(), closes, format!("{}\n", self.as_str())).into_response()
    }
}

/// What the route answers from.
#[derive(Clone)]
struct Door {
    present: Arc<Present<Ears>>,
    queue: Sender<Vec<CustomerId>>,
    replays: Arc<Mutex<Replays>>,
    naming: Arc<Naming>,
}

/// Whether calls name customers where `hooks.customer` looks for them.
#[derive(Default)]
struct Naming {
    ever: AtomicBool,
    told: Seldom,
}

impl Naming {
    /// One names nobody. Some may, of events that are nobody's; where none ever did, the setting is wrong.
    fn nobody(&self, now: Duration) {
        let text = "calls of Vivocha arrive, and none has named a customer yet: see what a call holds, and set hooks.customer to where the id stands";
        if !self.ever.load(Ordering::Relaxed) && self.told.says(text, now) {
            tracing::warn!("{text}");
        } else {
            tracing::debug!("a call of Vivocha names no customer at any of the places of hooks.customer");
        }
    }
}

/// Takes the port.
///
/// # Errors
/// If it is taken, or not ours to take.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        anyhow::anyhow!(
            "hooks.listen: cannot listen on {address}: {error}; is another daemon running, or give another address"
        )
    })
}

/// Listens until it is stopped.
pub async fn serve(listener: TcpListener, state: Arc<State>, present: Arc<Present<Ears>>, stop: CancellationToken) {
    let (queue, named) = channel(QUEUE);
    let worker = tokio::spawn(worker::work(named, state, Arc::clone(&present), stop.clone()));
    let door = Door { present, queue, replays: Arc::default(), naming: Arc::default() };
    let router = Router::new().route("/hooks/vivocha", post(called)).with_state(door);
    let served = axum::serve(Bounded::new(listener, LIFE), router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "calls of Vivocha are not answered any more");
    }
    worker.abort();
}

async fn called(Shared(door): Shared<Door>, request: Request) -> Heard {
    let heard = door.hear(request).await;
    metrics::hook(heard.as_str());
    tracing::debug!(outcome = heard.as_str(), "the hook was called");
    heard
}

impl Door {
    async fn hear(&self, request: Request) -> Heard {
        let Some(ears) = self.present.get() else { return Heard::Flooded };
        let (head, body) = request.into_parts();
        let Some(seal) = sealed(&head.headers) else { return Heard::Forged };
        let body = match timeout(ARRIVES, whole(&head.headers, body, ears.max_body)).await {
            Ok(Ok(body)) => body,
            Ok(Err(refused)) => return refused,
            Err(_elapsed) => return Heard::Malformed,
        };
        if !ears.token.sealed(&body, &seal) || !is_of(&head.headers, &ears.account) {
            return Heard::Forged;
        }
        self.take(&ears, &body, seal)
    }

    /// A call of the account's.
    fn take(&self, ears: &Ears, body: &[u8], seal: Seal) -> Heard {
        let mut replays = self.replays.lock().unwrap_or_else(PoisonError::into_inner);
        let now = uptime();
        if replays.know(&seal, now) {
            return Heard::Replayed;
        }
        let Some(named) = call::customers(body, &ears.places) else { return Heard::Malformed };
        let heard = if named.is_empty() {
            self.naming.nobody(now);
            Heard::Ignored
        } else if self.queue.try_send(named).is_ok() {
            self.naming.ever.store(true, Ordering::Relaxed);
            Heard::Accepted
        } else {
            // Not remembered: it may come again.
            return Heard::Flooded;
        };
        replays.remember(seal, now);
        heard
    }
}

fn sealed(headers: &HeaderMap) -> Option<Seal> {
    call::seal(headers.get("x-vvc-hmac")?.as_bytes())
}

/// Whether a call says that it is another account's.
fn is_of(headers: &HeaderMap, account: &AccountName) -> bool {
    headers.get("x-vvc-acct").is_none_or(|named| named.as_bytes() == account.as_str().as_bytes())
}

/// The body, if it is no longer than it may be.
async fn whole(headers: &HeaderMap, body: Body, most: usize) -> Result<BytesMut, Heard> {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|length| length > most) {
        return Err(Heard::Oversized);
    }
    let mut whole = BytesMut::new();
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Heard::Malformed)?;
        if whole.len() + part.len() > most {
            return Err(Heard::Oversized);
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole)
}
