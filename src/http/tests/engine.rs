//! What the engine does with what a scripted transport brings, in paused time.

use std::{collections::VecDeque, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use tokio::time::Instant;

use super::*;

/// Brings what its script says, then 200 for ever; writes down when it was asked.
#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Result<Answer, TransportError>>>,
    always: Option<u16>,
    lasts: Duration,
    asked: Mutex<Vec<Instant>>,
    ended: Mutex<Vec<Instant>>,
    most_at_once: Mutex<usize>,
}

impl Scripted {
    fn of(script: impl IntoIterator<Item = Result<Answer, TransportError>>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() })
    }

    fn asked(&self) -> Vec<Instant> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, _: &Call) -> Result<Answer, TransportError> {
        let in_flight = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(Instant::now());
            asked.len() - self.ended.lock().unwrap().len()
        };
        {
            let mut most = self.most_at_once.lock().unwrap();
            *most = (*most).max(in_flight);
        }
        tokio::time::sleep(self.lasts).await;
        self.ended.lock().unwrap().push(Instant::now());
        let next = self.script.lock().unwrap().pop_front();
        next.unwrap_or_else(|| answer(self.always.unwrap_or(200), &[]))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what a script is made of")]
fn answer(status: u16, headers: &[(header::HeaderName, &str)]) -> Result<Answer, TransportError> {
    let headers = headers.iter().map(|(k, v)| (k.clone(), v.parse().unwrap())).collect();
    Ok(Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::new() })
}

fn throttled(retry_after: &str) -> Result<Answer, TransportError> {
    answer(429, &[(header::RETRY_AFTER, retry_after)])
}

fn refused_connection() -> Cause {
    Cause::Connect { host: "h:1".into(), reason: "refused".into() }
}

fn call(safety: Safety) -> Call {
    call_of(safety, "https://shop.example.com/?q=secret")
}

#[tokio::test(start_paused = true)]
async fn f1_never_faster_than_the_limit_whatever_arrives() {
    let transport = Arc::new(Scripted { lasts: Duration::from_millis(30), ..Scripted::default() });
    let rate = Rate { calls: 10, per: Duration::from_secs(1) };
    let client = client(transport.clone(), Limits::new(rate, 8));
    join_all((0..100_u64).map(|i| {
        let client = client.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(i * 37 % 900)).await;
            client.call(call(Safety::Read), &judge).await.unwrap();
        }
    }))
    .await;
    let asked = transport.asked();
    assert_eq!(asked.len(), 100);
    for (i, first) in asked.iter().enumerate() {
        let within = asked[i..].iter().take_while(|t| **t - *first <= rate.per).count();
        assert!(within <= 10, "{within} in a second from the {i}th on");
    }
}

#[tokio::test(start_paused = true)]
async fn f1_never_before_retry_after_in_either_form_nor_by_any_other_call() {
    for asked_for in ["37", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let transport = Scripted::of([throttled(asked_for)]);
        let client = client(transport.clone(), fast());
        let begun = Instant::now();
        let (one, another) = tokio::join!(client.call(call(Safety::Read), &judge), async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            client.call(call(Safety::Read), &judge).await
        });
        one.unwrap();
        another.unwrap();
        let later: Vec<Duration> = transport.asked()[1..].iter().map(|t| *t - begun).collect();
        assert_eq!(later.len(), 2);
        assert!(later.iter().all(|t| *t >= Duration::from_secs(37)), "{later:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f1_a_shorter_retry_after_does_not_cut_a_longer_one_short() {
    let script = Mutex::new([throttled("60"), throttled("2")].into());
    let transport = Arc::new(Scripted { script, lasts: Duration::from_millis(10), ..Scripted::default() });
    let client = client(transport.clone(), fast());
    let (one, another) = tokio::join!(client.call(call(Safety::Read), &judge), client.call(call(Safety::Read), &judge));
    one.unwrap();
    another.unwrap();
    let asked = transport.asked();
    assert!(asked[2] - asked[0] >= Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn f1_never_before_a_retry_after_too_long_to_wait_for() {
    let transport = Scripted::of([throttled("7200")]);
    let client = client(transport.clone(), fast());
    let error = client.call(call(Safety::Read), &judge).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Retry);
    insta::assert_snapshot!(error, @"shop main: contacts.find: asked not to be called for another 2h, longer than a run waits: run again after that");
    assert_eq!(client.call(call(Safety::Read), &judge).await.unwrap_err().verdict, Verdict::Retry);
    assert_eq!(transport.asked().len(), 1, "the second call was not sent");

    tokio::time::advance(Duration::from_mins(115)).await;
    client.call(call(Safety::Read), &judge).await.unwrap();
    let asked = transport.asked();
    assert!(asked[1] - asked[0] >= Duration::from_hours(2), "what is left is short enough to wait");
}

#[tokio::test(start_paused = true)]
async fn f1_retries_are_at_most_a_fifth_of_the_traffic_to_a_failing_host() {
    let transport = Arc::new(Scripted { always: Some(500), ..Scripted::default() });
    let client = client(transport.clone(), fast());
    for _ in 0..400 {
        assert_eq!(client.call(call(Safety::Read), &judge).await.unwrap_err().verdict, Verdict::Retry);
    }
    let sent = transport.asked().len();
    assert!(sent - 400 <= sent / 5 && sent > 450, "{sent} requests for 400 calls");
    assert_eq!(client.calls(), [("contacts.find", sent as u64)].into());
}

#[tokio::test(start_paused = true)]
async fn a_throttle_that_names_no_time_pauses_the_whole_host() {
    let transport = Scripted::of([answer(429, &[])]);
    let client = client(transport.clone(), fast());
    let (one, another) = tokio::join!(client.call(call(Safety::Read), &judge), client.call(call(Safety::Read), &judge));
    one.unwrap();
    another.unwrap();
    let asked = transport.asked();
    assert!(asked[2] - asked[0] >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_and_what_is_in_doubt() {
    let unsent = |cause| Err(TransportError::unsent(cause));
    let sent = |cause| Err(TransportError::sent(cause));
    let tls = Cause::Tls { host: "h:1".into(), reason: "certificate".into() };
    let cases = [
        (unsent(refused_connection()), "again", "again"),
        (unsent(tls), "Stop", "Stop"),
        (sent(Cause::Timeout(Duration::from_secs(1))), "again", "Unknown"),
        (sent(Cause::Broken), "again", "Unknown"),
        (sent(Cause::TooLarge(9)), "Stop", "Unknown"),
        (throttled("1"), "again", "again"),
        (answer(503, &[]), "again", "Unknown"),
        (answer(302, &[]), "Stop", "Stop"),
        (answer(403, &[]), "Stop", "Stop"),
    ];
    for (outcome, read, write) in cases {
        for (safety, expected) in [(Safety::Read, read), (Safety::Write, write)] {
            let transport = Scripted::of([outcome.clone()]);
            let client = client(transport.clone(), fast());
            let got = match client.call(call(safety), &judge).await {
                Ok(_) => "again".to_owned(),
                Err(error) => format!("{:?}", error.verdict),
            };
            assert_eq!(got, expected, "{outcome:?} to a {safety:?}");
            assert_eq!(transport.asked().len(), if expected == "again" { 2 } else { 1 }, "{outcome:?} to a {safety:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_rests_on_a_look_is_never_sent_again_by_itself_and_may_be_paid_for() {
    for outcome in [throttled("37"), Err(TransportError::unsent(refused_connection()))] {
        let transport = Scripted::of([outcome.clone()]);
        let client = client(transport.clone(), fast());
        let error = client.call(call(Safety::Once), &judge).await.unwrap_err();
        assert_eq!((error.verdict, transport.asked().len()), (Verdict::Retry, 1), "{outcome:?}");
        assert!(client.pay(1).await);
        client.call(Call { paid: true, ..call(Safety::Once) }, &judge).await.unwrap();
        let asked = transport.asked();
        if outcome.is_ok() {
            assert!(asked[1] - asked[0] >= Duration::from_secs(37), "F1: never before Retry-After");
        }
    }
    let client = client(Arc::new(Scripted::default()), fast());
    assert!(!client.pay(4).await, "as often as anything is tried");
    for _ in 0..10 {
        assert!(client.pay(1).await);
    }
    assert!(!client.pay(1).await, "from the budget of all retries");
    for _ in 0..44 {
        client.call(Call { paid: true, ..call(Safety::Once) }, &judge).await.unwrap();
    }
    assert!(!client.pay(1).await, "which one that is paid for does not fill");
    for _ in 0..44 {
        client.call(call(Safety::Once), &judge).await.unwrap();
    }
    assert!(client.pay(1).await);
}

/// Granted until it is withdrawn.
struct Withdrawn(std::sync::atomic::AtomicBool);

impl Permit for Withdrawn {
    fn begins(&self, _: Duration) -> Leave {
        if self.0.load(std::sync::atomic::Ordering::SeqCst) { Leave::LookAgain } else { Leave::Granted }
    }

    fn goes_on(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_turn_was_long_in_coming_is_to_look_again() {
    let transport = Scripted::of([throttled("300")]);
    let client = client(transport.clone(), fast());
    client.call(call(Safety::Once), &judge).await.unwrap_err();
    let permit = Arc::new(Withdrawn(false.into()));
    let write = Call { permit: Some(permit.clone()), ..call(Safety::Once) };
    let begun = Instant::now();
    let (error, ()) = tokio::join!(client.call(write, &judge), async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        permit.0.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    let error = error.unwrap_err();
    assert_eq!((error.verdict, error.cause), (Verdict::Retry, Cause::LookAgain));
    assert!(begun.elapsed() < Duration::from_secs(11), "and the pause is not waited out for it");
    assert_eq!(transport.asked().len(), 1, "it was not sent");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_tried_four_times_and_fails_with_its_last_cause() {
    let transport = Scripted::of((0..9).map(|_| Err(TransportError::unsent(refused_connection()))));
    let client = client(transport.clone(), fast());
    let error = client.call(call(Safety::Write), &judge).await.unwrap_err();
    assert_eq!((error.verdict, error.cause), (Verdict::Retry, refused_connection()));
    assert_eq!(transport.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn f4_a_host_that_never_answers_costs_tries_times_the_deadline() {
    let transport = Arc::new(Scripted { lasts: Duration::from_hours(1), ..Scripted::default() });
    let client = client(transport.clone(), fast());
    let begun = Instant::now();
    let error = client.call(call(Safety::Read), &judge).await.unwrap_err();
    insta::assert_snapshot!(error, @"shop main: contacts.find: no answer within 30s");
    assert!(begun.elapsed() <= Duration::from_secs(4 * 30 + 7));
    assert_eq!(client.call(call(Safety::Write), &judge).await.unwrap_err().verdict, Verdict::Unknown);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_the_ceiling() {
    let transport = Arc::new(Scripted { lasts: Duration::from_millis(50), ..Scripted::default() });
    let client = client(transport.clone(), Limits { concurrency: 3, ..fast() });
    join_all((0..200).map(|_| client.call(call(Safety::Read), &judge))).await;
    assert_eq!(*transport.most_at_once.lock().unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaks_no_place_wherever_it_was() {
    let transport = Arc::new(Scripted { lasts: Duration::from_secs(3), ..Scripted::default() });
    let limits = Limits { concurrency: 1, ..Limits::new(Rate { calls: 4, per: Duration::from_secs(10) }, 1) };
    let client = client(transport.clone(), limits);
    for dropped_after in [0, 1, 500, 2_999] {
        // One is in flight, one at the turnstile, one behind it.
        let three = join_all((0..3).map(|_| client.call(call(Safety::Read), &judge)));
        assert!(tokio::time::timeout(Duration::from_millis(dropped_after), three).await.is_err());
    }
    tokio::time::timeout(Duration::from_secs(20), client.call(call(Safety::Read), &judge)).await.unwrap().unwrap();
}
