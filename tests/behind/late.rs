//! Ids that become visible late, below those already read.

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::json;

use super::{
    people, person,
    support::{On, Town, both, contact},
};

both!(a3_a_contact_that_becomes_visible_late_is_read_within_the_lookback_or_by_the_next_resync, a3);
async fn a3(on: On) {
    let town = people(on, 100).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.append("[schedule]\nlookback_pages = 2");
    let late = town.sandbox.open2b.add_late_contact(contact(0, "Tarda Vista", "tarda@example.it", ""));
    let later = town.sandbox.open2b.add_late_contact(contact(0, "Tarda Assai", "assai@example.it", ""));
    for n in 200..205 {
        town.sandbox.open2b.add_contact(person(n));
    }
    for id in ["tarda", "assai"] {
        let customer = json!({"id": id, "email": format!("{id}@example.it")});
        town.sandbox.vivocha.add_customer(customer.as_object().unwrap().clone());
    }
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts").await, 105);
    assert!(town.sandbox.open2b.show_contact(late));
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(late).await.customer.unwrap(), "tarda", "within the lookback: by the next sync");
    // Far below the lookback by the time it is seen: the next resync finds it.
    for n in 300..350 {
        town.sandbox.open2b.add_contact(person(n));
    }
    town.anagrafe(&["sync"]).await.code(0);
    assert!(town.sandbox.open2b.show_contact(later));
    town.anagrafe(&["sync"]).await.code(0);
    let unseen = format!("SELECT COUNT(*) FROM contacts WHERE id = {later}");
    assert_eq!(town.number(&unseen).await, 0);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(later).await.customer.unwrap(), "assai");
}

both!(a3_a_day_of_history_is_read_whole_once_an_hour, deep);
async fn deep(on: On) {
    let town = people(on, 100).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.append("[schedule]\nlookback_pages = 1");
    town.anagrafe(&["sync"]).await.code(0);
    let late = town.sandbox.open2b.add_late_contact(contact(0, "Tarda Vista", "tarda@example.it", ""));
    for n in 200..250 {
        town.sandbox.open2b.add_contact(person(n));
    }
    // A day ago the hundred had been seen; since then the shop has grown by five pages, and the lookback is one.
    town.execute("UPDATE observations SET at = at - 90000000").await;
    town.anagrafe(&["sync"]).await.code(0);
    assert!(town.sandbox.open2b.show_contact(late));
    town.anagrafe(&["sync"]).await.code(0);
    let seen = format!("SELECT COUNT(*) FROM contacts WHERE id = {late}");
    assert_eq!(town.number(&seen).await, 0, "the last page does not reach it, and the hour is not over");
    town.execute("UPDATE shops SET deep_at = deep_at - 3700000").await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.number(&seen).await, 1);
}

both!(a_survey_that_an_empty_page_cut_short_is_none_and_is_gone_on_with, cut_short);
async fn cut_short(on: On) {
    let town = people(on, 100).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::EmptyPage).after(4));
    let ended = town.anagrafe(&["sync"]).await.code(1);
    assert!(ended.stderr.contains("100 contacts") && ended.stderr.contains("40 were read"), "{ended:?}");
    assert_eq!(town.calls("customers.search"), 0, "who shares what is not known yet");
    town.sandbox.faults().clear();
    town.anagrafe(&["sync"]).await.code(0);
    let linked = "SELECT COUNT(*) FROM contacts WHERE state IS NOT NULL";
    assert_eq!(town.number(linked).await, 100);
}

both!(a_lookback_beyond_a_quarter_of_the_call_budget_is_read_by_its_last_pages_only, unaffordable);
async fn unaffordable(on: On) {
    let town = people(on, 40).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 2"));
    town.append("[schedule]\nlookback_pages = 2");
    town.anagrafe(&["sync"]).await.code(0);
    for n in 200..260 {
        town.sandbox.open2b.add_contact(person(n));
    }
    town.execute("UPDATE observations SET at = at - 90000000").await;
    town.anagrafe(&["sync"]).await.code(0);
    // The day's sixty stand on thirty pages; of a hundred calls an hour a quarter is twenty-five.
    let (full, low) = ("rate = \"100000/s\"\ntimeout", "rate = \"100/1h\"\ntimeout");
    let shop = |from: &str, to: &str| {
        town.edit(|text| {
            let (rest, shop) = text.split_once("[shops.main]").unwrap();
            assert!(shop.contains(from), "{shop}");
            format!("{rest}[shops.main]{}", shop.replace(from, to))
        });
    };
    let pages = async |town: &Town| {
        town.execute("UPDATE shops SET deep_at = deep_at - 3700000").await;
        town.sandbox.clear_journal();
        let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
        (town.calls("contacts.find"), report["read"].as_u64().unwrap())
    };
    let deep = town.number("SELECT deep_at FROM shops").await;
    shop(full, low);
    let (calls, read) = pages(&town).await;
    assert_eq!((calls, read), (3, 4), "two pages, and the one that shows the end");
    let shallow = town.number("SELECT deep_at FROM shops").await;
    assert_eq!(shallow, deep - 3_700_000, "the whole lookback was not read, and stays due");
    shop(low, full);
    let (calls, read) = pages(&town).await;
    assert!(calls >= 31 && read == 60, "{calls} calls, {read} read");
    assert!(town.number("SELECT deep_at FROM shops").await >= deep);
}
