//! A store of each version, with something in every table that was there by then, brought to today's schema on either database:
//! row by row what it was, and fit for work.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that fails says where"
)]

#[path = "../support/migrations.rs"]
mod migrations;
mod place;
#[path = "../support/postgres.rs"]
mod postgres;

use std::time::Duration;

use anagrafe::{
    model::{
        ContactId, ContactKey, CustomerId, HashKey, ShopName,
        proposal::ProposalId,
        run::{Pass, RunId},
        time::Moment,
    },
    store::{
        Acquired, Claim, Holder, MergeQuery, NewRun, PageQuery, RunQuery, Store, Succession, Whose,
        sqlite::known_version,
    },
};
use place::Place;

/// What each version put into the tables that it brought. Both databases take all of it.
const FILLED: [&str; 9] = [
    include_str!("../support/version_1.sql"),
    include_str!("version_2.sql"),
    include_str!("version_3.sql"),
    include_str!("version_4.sql"),
    include_str!("version_5.sql"),
    include_str!("version_6.sql"),
    include_str!("version_7.sql"),
    include_str!("version_8.sql"),
    include_str!("version_9.sql"),
];

fn key() -> HashKey {
    HashKey::new(b"a key for the tests of a store").unwrap()
}

/// The SQL with its hashes in their places.
fn filled(sql: &str) -> String {
    let mut sql = sql.replace("{check}", &key().check_value().to_string());
    for text in ["a", "b", "c", "d", "e", "f"] {
        sql = sql.replace(&format!("{{{text}}}"), &key().hash("test", text).to_string());
    }
    sql
}

fn id(number: i64) -> ContactId {
    number.try_into().unwrap()
}

fn alfa() -> ShopName {
    "alfa".parse().unwrap()
}

fn customer(id: &str) -> CustomerId {
    id.parse().unwrap()
}

/// A store that this version made and filled, step by step as versions came.
async fn of_version(place: &Place, version: usize) {
    for (step, sql) in (1..).zip(&FILLED[..version]) {
        place.migrate(step).await;
        place.fill(filled(sql)).await;
    }
}

#[test]
fn each_version_has_rows_here() {
    assert_eq!(
        i64::try_from(FILLED.len()).unwrap(),
        known_version(),
        "a new migration is tested onto the rows before it"
    );
}

/// What is asked of either, in the words that programs print for themselves.
async fn answers(store: &dyn Store) -> Vec<String> {
    let mut answers = Vec::new();
    macro_rules! ask {
        ($($of:expr),+ $(,)?) => { $( answers.push(format!("{}: {:#?}", stringify!($of), $of.await.unwrap())); )+ };
    }
    let page = PageQuery {
        shop: alfa(),
        ids: (1..6).map(id).collect(),
        identifiers: ["a", "b", "d", "f"].iter().map(|text| key().hash("test", text)).collect(),
        covers: Some((0, 9)),
    };
    let customers: Vec<_> = (1..16).map(|number| customer(&format!("c{number}"))).collect();
    for contact in (1..5).map(id) {
        ask!(store.story(&Whose::Contact(ContactKey { shop: alfa(), id: contact })));
    }
    for customer in &customers {
        ask!(store.story(&Whose::Customer(customer.clone())), store.by_hand(customer));
    }
    for hold in 1..4 {
        ask!(store.held(hold, 9));
    }
    ask!(
        store.overview(),
        store.runs(RunQuery::Last(9)),
        store.last_done(Pass::Resync),
        store.proposals(None),
        store.holds(true),
        store.erasures(),
        store.judged_by(&alfa()),
        store.merges(&MergeQuery::Naming(customers.clone())),
        store.merge_state(&alfa(), Moment::from_millis(110)),
        store.to_authorise(&alfa()),
        store.before(&ProposalId("m".into()), Moment::from_millis(110)),
        store.parted(&customers),
        store.quarantine(1, 9),
        store.progress(&alfa(), 0, "r=1"),
        store.progress(&"beta".parse().unwrap(), 0, "r=1"),
        store.known(&page),
        store.found(&customers, &page.identifiers),
        store.sealed(),
        store.look(),
        store.alerts(),
    );
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn onto_the_rows_of_each_version_every_later_migration_leaves_them_as_they_were() {
    for version in 1..=FILLED.len() {
        let mut found = Vec::new();
        for place in [Place::file(), Place::server().await] {
            of_version(&place, version).await;
            let columns = place.columns().await;
            let before = place.rows(&columns).await;
            if version == FILLED.len() {
                let empty: Vec<_> = before.iter().filter(|(_, rows)| rows.is_empty()).map(|(table, _)| table).collect();
                assert!(empty.is_empty(), "{place:?}: nothing in {empty:?}");
            }
            let store = place.open().await;
            assert_eq!(place.version().await, known_version());
            assert_eq!(place.rows(&columns).await, before, "{place:?} from version {version}");
            assert_eq!(place.broken().await, 0, "{place:?} from version {version}: every row has those it speaks of");
            let answers = answers(&*store).await;
            store.close().await;
            found.push((place.rows(&place.columns().await).await, answers));
        }
        let (on_server, on_file) = (found.pop().unwrap(), found.pop().unwrap());
        assert_eq!(on_file.0, on_server.0, "rows from version {version}");
        for (one, other) in on_file.1.iter().zip(&on_server.1) {
            assert_eq!(one, other, "from version {version}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_the_newer_tables_is_answered_as_it_was_put() {
    for place in [Place::file(), Place::server().await] {
        of_version(&place, FILLED.len()).await;
        let store = place.open().await;
        let overview = store.overview().await.unwrap();
        assert_eq!((overview.open_links, overview.open_merges, overview.unsettled), (1, 1, 1));
        let beta = &overview.shops[&"beta".parse::<ShopName>().unwrap()];
        assert_eq!(beta.doubted_at, Some(Moment::from_millis(660)));
        let resync = beta.resync.as_ref().unwrap();
        assert_eq!((resync.after, resync.read, resync.whole, resync.force), (3, 5, true, false));
        let holds: Vec<_> = store.holds(false).await.unwrap().into_iter().map(|hold| hold.id).collect();
        assert_eq!(
            (holds, store.held(3, 9).await.unwrap()),
            (vec![1, 3], vec![ContactKey { shop: alfa(), id: id(2) }])
        );
        let merges = store.merges(&MergeQuery::Last(9)).await.unwrap();
        let merges: Vec<_> = merges.iter().map(|merge| (merge.proposal.0.as_str(), merge.is_open())).collect();
        assert_eq!(merges, [("d", true), ("h", false), ("u", true), ("m", false)]);
        let made = store.proposals(None).await.unwrap();
        let held = made.iter().find(|kept| kept.proposal.id.0 == "n").unwrap();
        assert_eq!(held.held_by, Some(1));
        let before = store.before(&ProposalId("m".into()), Moment::from_millis(99)).await.unwrap();
        assert_eq!(
            before.iter().map(|before| before.sealed.text.as_str()).collect::<Vec<_>>(),
            ["sealed one", "sealed two"]
        );
        let erasures = store.erasures().await.unwrap();
        assert_eq!(erasures.iter().map(|erased| erased.lifted.is_some()).collect::<Vec<_>>(), [false, true]);
        let former = store.story(&Whose::Customer(customer("c7"))).await.unwrap();
        assert_eq!(former.links[0].ended, Some(Moment::from_millis(55)));
        assert_eq!(store.sealed().await.unwrap().count, 1);
        assert_eq!((store.alerts().await.unwrap().len(), store.by_hand(&customer("c1")).await.unwrap().len()), (3, 2));
        assert_eq!(store.runs(RunQuery::One(RunId(3))).await.unwrap()[0].read, 2);
        let resynced = store.last_done(Pass::Resync).await.unwrap();
        assert_eq!(resynced, [(alfa(), Moment::from_millis(91))].into(), "of the whole");
        goes_on(&*store).await;
        store.close().await;
    }
}

/// The lease is succeeded, a run begun, an erasure lifted and another made: nothing that was there is in the way.
async fn goes_on(store: &dyn Store) {
    let now = Moment::from_millis(999_999);
    let holder = Holder { host: "other".into(), boot: "b".into(), pid: 1, started: 1, purpose: "test".into() };
    let claim = Claim { holder, ttl: Duration::from_mins(1), now, succession: None, witness: None };
    let Acquired::Busy(held) = store.acquire(&claim).await.unwrap() else { panic!("it has a holder") };
    assert_eq!((held.epoch, held.beat, held.ttl), (7, 4, Duration::from_secs(90)));
    let claim = Claim { succession: Some(Succession::Silent(held)), ..claim };
    let Acquired::Ours { lease, went_back } = store.acquire(&claim).await.unwrap() else { panic!("it was silent") };
    assert_eq!((lease.epoch, went_back), (8, true), "it was elsewhere before");
    let new = NewRun { shop: alfa(), source: key().hash("test", "c"), pass: Pass::Sync, partial: false, at: now };
    assert_eq!(store.begin(&lease, &new).await.unwrap(), RunId(7));
    store.lift(1, "eva", now).await.unwrap();
    let whom =
        anagrafe::store::Erasure { contacts: vec![ContactKey { shop: alfa(), id: id(1) }], ..Default::default() };
    assert_eq!(store.erase(&whom, "eva", now).await.unwrap().id, 3);
}
