//! Each form in which a pass writes a search is asked by itself: the one that is not understood, or whose filter is not
//! honoured, is told by its name.

use anagrafe::sandbox::{Fault, FaultKind, population::Population};
use serde_json::json;

use super::{
    probing::{home_of, nina, probe, set},
    said::{check, people, replace},
    support::Town,
};

/// The searches of a check in the order in which they are made: one for nobody at all, then form by form.
const RQL: [&str; 10] = [
    "customers.search filter",
    "customers.search e-mail",
    "customers.search number e164",
    "customers.search number 00",
    "customers.search number bare",
    "customers.search number national",
    "customers.search number as-written",
    "customers.search several e-mails",
    "customers.search several numbers",
    "customers.search e-mail or number",
];

fn refused() -> FaultKind {
    FaultKind::Status { status: 400, retry_after: None, body: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_of_either_mode_is_understood_by_an_account_that_has_it() {
    let town = people().await;
    let checked = check(&town).await;
    for form in RQL {
        assert!(checked.subjects("confirmed").contains(form), "{form}");
    }
    let told = checked.told("vivocha.search_batch", "confirmed");
    assert!(told.contains("40 contacts with every spelling"), "{told}");
    assert!(checked.told("customers.search count", "confirmed").contains("how many"));
    replace(&town, "[vivocha]\n", "[vivocha]\nsearch = \"params\"\nspellings = [\"national\", \"e164\"]\n");
    let checked = check(&town).await;
    let forms = checked.subjects("confirmed");
    assert!(forms.contains("customers.search number national") && forms.contains("customers.search e-mail"));
    assert!(!forms.contains("customers.search number bare"), "only what is configured is asked for");
    assert!(!forms.contains("vivocha.search_batch"), "by parameters nothing goes in batches");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_whose_filter_is_ignored_or_that_is_refused_is_named() {
    for (calls, form) in RQL.iter().enumerate().skip(1) {
        let calls = u32::try_from(calls).unwrap();
        let town = people().await;
        set(&town, Fault::next("customers.search", 1, FaultKind::IgnoredFilter).after(calls));
        let checked = check(&town).await;
        checked.contradicts(&[form]);
        assert!(checked.told(form, "contradicted").contains("by what nobody holds"));
        set(&town, Fault::next("customers.search", 1, refused()).after(calls));
        let checked = check(&town).await;
        checked.contradicts(&[form]);
        assert!(checked.told(form, "contradicted").contains("HTTP 400"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_refused_is_told_with_the_size_that_goes_well() {
    let town = people().await;
    set(&town, Fault::next("customers.search", 2, refused()).after(10));
    let checked = check(&town).await;
    checked.contradicts(&["vivocha.search_batch"]);
    let told = checked.told("vivocha.search_batch", "contradicted");
    assert!(told.contains("40 contacts") && told.ends_with("set vivocha.search_batch = 10, which goes well"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_is_not_found_by_what_it_holds_is_told() {
    let town = home_of(&nina()).await;
    // Searches answer, and find nobody: an index that was never filled.
    set(&town, Fault::always("customers.search", FaultKind::EmptyPage));
    let checked = probe(&town).await;
    let contradicted = checked.subjects("contradicted");
    for form in ["by its e-mail", "by its number", "by its e-mail among others", "in a whole batch"] {
        assert!(contradicted.contains(format!("customers.search {form}").as_str()), "{form} in {contradicted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_identifiers_cannot_show_how_searches_find() {
    let customers = vec![json!({"id": "c1", "nickname": "nina"}).as_object().unwrap().clone()];
    let town =
        Town::with(Population { customers, ..Population::default() }, anagrafe::sandbox::Options::default()).await;
    let checked = probe(&town).await;
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    let unknown = checked.subjects("unknown");
    for subject in ["customers.search by its e-mail", "customers.search by its number", "customers.update email"] {
        assert!(unknown.contains(subject), "{subject} in {unknown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_no_page_is_unknown_with_whom_to_ask() {
    let checked = check(&people().await).await;
    for subject in [
        "customers.merge",
        "vivocha.late_apply",
        "vivocha.rate",
        "vivocha.auth Customer.update",
        "vivocha.endpoints.merge_body",
        "fields.ids",
        "shops.main.rate",
        "contacts.find late ids",
    ] {
        assert!(checked.told(subject, "unknown").to_lowercase().contains("ask "), "{subject}");
    }
}
