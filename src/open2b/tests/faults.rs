//! What the client makes of answers that no page of the vendor shows.

use std::sync::Mutex;

use axum::{
    body::Body,
    http::{Request, Response, StatusCode},
};
use tokio::time::Instant;

use super::*;
use crate::{
    http::{CallError, Cause},
    model::Contact,
};

/// A shop that answers every request with this body.
async fn saying(body: impl AsRef<[u8]>) -> Shop {
    let body = body.as_ref().to_vec();
    shop(options(serve(Router::new().fallback(move || async { body })).await))
}

/// A shop whose `contacts.find` answers with these rows.
async fn rows(rows: &str) -> Shop {
    saying(format!(r#"{{"status":"ok","contacts":[{rows}]}}"#)).await
}

async fn fails(shop: &Shop, after: i64) -> CallError {
    shop.page(after, &Field::ALL).await.unwrap_err()
}

fn whole(record: &Record) -> &Contact {
    match record {
        Record::Whole(contact) => contact,
        Record::Malformed { .. } => panic!("{record:?}"),
    }
}

#[tokio::test]
async fn a6_a_page_that_does_not_rise_above_where_it_was_asked_from_stops_the_reading() {
    let error = fails(&rows(r#"{"id":6},{"id":9},{"id":8}"#).await, 5).await;
    assert_eq!(error.verdict, Verdict::Stop);
    insta::assert_snapshot!(error, @"shop main: contacts.find: of the contacts after 5, 8 came behind 9: the shop does not honour the order by id; nothing more is read from it");
    insta::assert_snapshot!(fails(&rows(r#"{"id":6},{"id":6}"#).await, 5).await, @"shop main: contacts.find: of the contacts after 5, 6 came behind 6: the shop does not honour the order by id; nothing more is read from it");
    let repeated = rows(r#"{"id":4},{"id":5}"#).await;
    assert_eq!(repeated.page(0, &Field::ALL).await.unwrap().last, 5);
    insta::assert_snapshot!(fails(&repeated, 5).await, @"shop main: contacts.find: contacts after 5 were asked for, and 4 came: the shop does not honour `after`; nothing more is read from it");
}

#[tokio::test]
async fn a6_a_page_without_a_single_readable_id_stops_the_reading() {
    let error = fails(&rows(r#"{"id":"6","name":"x"},null"#).await, 5).await;
    assert_eq!(error.verdict, Verdict::Stop);
    insta::assert_snapshot!(error, @"shop main: contacts.find: of the 2 contacts that came after 5 not one has a readable id, so there is no way past them");
}

#[tokio::test]
async fn a_page_longer_or_shorter_than_asked_for_is_a_page() {
    let shop = rows(r#"{"id":6},{"id":7},{"id":8}"#).await;
    assert_eq!(shop.page(5, &Field::ALL).await.unwrap().records.len(), 3, "two were asked for");
}

#[tokio::test]
async fn null_blank_and_absent_texts_are_blank() {
    let shop =
        rows(r#"{"id":6,"name":"Anna","email":null,"phone":""},{"id":7,"customer":3,"email":"","note":null}"#).await;
    let page = shop.page(5, &Field::ALL).await.unwrap();
    let (six, seven) = (whole(&page.records[0]), whole(&page.records[1]));
    assert_eq!((six.name.as_str(), six.email.as_str(), six.phone.as_str(), six.owner), ("Anna", "", "", None));
    assert_eq!((seven.name.as_str(), seven.note.as_str(), seven.owner), ("", "", Some(owner(3))));
}

#[tokio::test]
async fn a5_a_malformed_record_does_not_spoil_its_page() {
    let cases = [
        ("7", None, RecordDefect::NotAnObject),
        ("[]", None, RecordDefect::NotAnObject),
        (r#"{"name":"x"}"#, None, RecordDefect::BadId),
        (r#"{"id":"7"}"#, None, RecordDefect::BadId),
        (r#"{"id":7.0}"#, None, RecordDefect::BadId),
        (r#"{"id":-7}"#, None, RecordDefect::BadId),
        (r#"{"id":99999999999999999999}"#, None, RecordDefect::BadId),
        (r#"{"id":7,"phone":333}"#, Some(7), RecordDefect::WrongType(Field::Phone)),
        (r#"{"id":7,"name":{"first":"x"}}"#, Some(7), RecordDefect::WrongType(Field::Name)),
        (r#"{"id":7,"customer":"3"}"#, Some(7), RecordDefect::WrongType(Field::Customer)),
        (r#"{"id":7,"email":1e999}"#, Some(7), RecordDefect::WrongType(Field::Email)),
        (r#"{"id":7,"note":"\ud83d"}"#, Some(7), RecordDefect::CorruptText),
    ];
    for (row, malformed, defect) in cases {
        let shop = rows(&format!(r#"{{"id":6,"name":"A"}},{row},{{"id":8,"name":"B"}}"#)).await;
        let page = shop.page(5, &Field::ALL).await.unwrap();
        assert_eq!(page.records[1], Record::Malformed { id: malformed.map(id), defect }, "{row}");
        assert_eq!((whole(&page.records[0]).id, whole(&page.records[2]).id, page.last), (id(6), id(8), 8), "{row}");
    }
}

#[tokio::test]
async fn a5_bytes_that_are_not_utf8_spoil_only_the_record_they_lie_in() {
    let mut body = br#"{"status":"ok","contacts":[{"id":6,"name":"A"},{"id":7,"name":""#.to_vec();
    body.extend(b"\xE9l\xE9na\"},{\"id\":8,\"name\":\"B\"}]}");
    let page = saying(body).await.page(5, &Field::ALL).await.unwrap();
    assert_eq!(page.records[1], Record::Malformed { id: Some(id(7)), defect: RecordDefect::CorruptText });
    assert_eq!((whole(&page.records[0]).name.as_str(), whole(&page.records[2]).name.as_str()), ("A", "B"));
    let valid = rows("{\"id\":6,\"name\":\"\u{FFFD}\"}").await.page(5, &Field::ALL).await.unwrap();
    assert_eq!(whole(&valid.records[0]).name, "\u{FFFD}", "the shop's own, in proper UTF-8");
}

#[tokio::test]
async fn a4_a_missing_contact_is_null_and_nothing_else() {
    let none = saying(r#"{"status":"ok","contact":null}"#).await;
    assert_eq!(none.get(id(3)).await.unwrap(), None);
    let absent = saying(r#"{"status":"ok"}"#).await.get(id(3)).await.unwrap_err();
    insta::assert_snapshot!(absent, @"shop main: contacts.get: answered ok, but without a readable `contact`: is shops.main.api_version right?");
    let other = saying(r#"{"status":"ok","contact":{"id":4,"name":"A"}}"#).await.get(id(3)).await.unwrap_err();
    insta::assert_snapshot!(other, @"shop main: contacts.get: contact 3 was asked for, and 4 came: no answer can be trusted");
    assert_eq!((absent.verdict, other.verdict), (Verdict::Stop, Verdict::Stop));
}

#[tokio::test]
async fn what_is_not_json_is_asked_for_again_and_then_left_for_later() {
    let bodies: [&[u8]; 4] = [b"<html>Torniamo presto</html>", b"", br#"{"status":"ok","contacts":[{"id"#, b"\xFF\xFE"];
    for body in bodies {
        let shop = saying(body).await;
        let error = fails(&shop, 0).await;
        assert_eq!((error.verdict, shop.calls()["contacts.find"]), (Verdict::Retry, 4));
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"shop main: contacts.find: answered 200 with something that is not JSON, perhaps a login or maintenance page: open shops.main.url in a browser, and check shops.main.api_prefix");
        }
        let patch = ContactPatch { name: Some("A".into()), ..ContactPatch::default() };
        assert_eq!(shop.update(id(3), &patch).await.unwrap_err().verdict, Verdict::Unknown, "a write is in doubt");
        assert_eq!(shop.calls()["contacts.update"], 1);
    }
}

#[tokio::test]
async fn json_that_is_not_open2bs_stops_the_reading() {
    for body in ["[]", "{}", r#"{"status":"success"}"#, r#"{"status":true,"contacts":[]}"#, "null"] {
        let error = fails(&saying(body).await, 0).await;
        assert_eq!(error.verdict, Verdict::Stop);
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"shop main: contacts.find: answered with JSON that is not Open2b's: check shops.main.url and shops.main.api_prefix");
        }
    }
    for body in [r#"{"status":"ok"}"#, r#"{"status":"ok","contacts":{}}"#, r#"{"status":"ok","contacts":null}"#] {
        assert_eq!(
            fails(&saying(body).await, 0).await.verdict,
            Verdict::Stop,
            "no contacts is not an empty page: {body}"
        );
    }
}

#[tokio::test]
async fn a_method_that_was_not_granted_says_what_to_grant() {
    let body = r#"{"status":"error","error":{"field":"","type":"AccessDenied","description":"no"}}"#;
    let shop = saying(body).await;
    let error = fails(&shop, 0).await;
    assert_eq!((error.verdict, shop.calls()["contacts.find"]), (Verdict::Stop, 1));
    insta::assert_snapshot!(error, @"shop main: contacts.find: refused: AccessDenied: in the shop, grant the app the method commerce.contacts.find");
    assert_eq!(shop.get(id(3)).await.unwrap_err().verdict, Verdict::Stop);
}

#[tokio::test]
async fn g1_an_error_without_form_is_a_refusal_that_quotes_nothing() {
    let bodies = [
        r#"{"status":"error"}"#,
        r#"{"status":"error","error":"anna@example.com"}"#,
        r#"{"status":"error","error":{"field":"'anna@example.com'","type":"Bad: anna@example.com"}}"#,
    ];
    for body in bodies {
        let error = fails(&saying(body).await, 0).await;
        assert_eq!(error.verdict, Verdict::Stop);
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"shop main: contacts.find: refused: (unnamed): a type of error that the vendor's page does not list");
        }
    }
}

#[tokio::test]
async fn f4_an_answer_beyond_the_cap_is_refused() {
    let error = fails(&saying(vec![b' '; (1 << 20) + 1]).await, 0).await;
    assert_eq!((error.verdict, error.cause), (Verdict::Stop, Cause::TooLarge(1 << 20)));
}

#[tokio::test]
async fn f1_a_throttled_reading_goes_on_after_the_time_asked_for_in_either_form() {
    #[expect(clippy::disallowed_methods, reason = "the client under test compares the date with the real clock")]
    let date = |seconds| httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(seconds));
    for dated in [false, true] {
        // A date knows whole seconds only.
        let retry_after = if dated { date(3) } else { "1".to_owned() };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let answer = move |_: Request<Body>| async move {
            let mut heard = heard.lock().unwrap();
            heard.push(Instant::now());
            let throttled =
                Response::builder().status(StatusCode::TOO_MANY_REQUESTS).header("retry-after", retry_after);
            match heard.len() {
                1 => throttled.body(Body::from("Too Many Requests")).unwrap(),
                _ => Response::new(Body::from(r#"{"status":"ok","id":4}"#)),
            }
        };
        let shop = shop(options(serve(Router::new().fallback(answer)).await));
        let new = NewContact { owner: owner(9), name: "A".into(), phone: None, email: None, note: None };
        assert_eq!(shop.create(&new).await.unwrap(), id(4), "a throttled write was not applied");
        let asked = asked.lock().unwrap();
        assert!(asked[1] - asked[0] >= Duration::from_millis(990), "{:?}", asked[1] - asked[0]);
    }
}

#[tokio::test]
async fn an_outage_is_waited_out_by_reads_and_leaves_writes_in_doubt() {
    let answer = || async { (StatusCode::BAD_GATEWAY, "<html>") };
    let shop = shop(options(serve(Router::new().fallback(answer)).await));
    let error = fails(&shop, 0).await;
    assert_eq!((error.verdict, shop.calls()["contacts.find"]), (Verdict::Retry, 4));
    insta::assert_snapshot!(error, @"shop main: contacts.find: HTTP 502: an outage of the shop, or its call limit: run again later, and lower shops.main.rate if this recurs");
    assert_eq!(shop.delete(&[id(3)]).await.unwrap_err().verdict, Verdict::Unknown);
}

#[tokio::test]
async fn a_shop_below_a_path_is_called_below_it() {
    let answer = |request: Request<Body>| async move {
        let called = request.uri().path() == "/it/api/v7/commerce.contacts.count";
        format!(r#"{{"status":"ok","count":{}}}"#, u8::from(called))
    };
    let url = serve(Router::new().fallback(answer)).await.join("/it/").unwrap();
    let options = ShopOptions { api_prefix: "api/".into(), api_version: 7, ..options(url) };
    assert_eq!(shop(options).count(Conditions::default()).await.unwrap(), 1);
}

#[test]
fn options_that_form_no_request_are_refused() {
    let of = |change: &dyn Fn(&mut ShopOptions)| {
        let mut options = options(Url::parse("https://shop.example.com/it/").unwrap());
        change(&mut options);
        let transport = Arc::new(ReqwestTransport::new(TransportOptions::default()).unwrap());
        let limits = Limits::new(Rate { calls: 1, per: Duration::from_secs(1) }, 1);
        Shop::new(options, transport, limits, Ambient::real()).map(|_| ())
    };
    assert_eq!(of(&|_| ()), Ok(()));
    assert_eq!(of(&|o| o.url = Url::parse("ftp://shop.example.com").unwrap()), Err(BadShop::Url));
    assert_eq!(of(&|o| o.url = Url::parse("https://u:p@shop.example.com").unwrap()), Err(BadShop::Url));
    assert_eq!(of(&|o| o.key_header = "X Key".into()), Err(BadShop::KeyHeader));
    assert_eq!(of(&|o| o.secret_key = "two\nlines".into()), Err(BadShop::SecretKey));
}
