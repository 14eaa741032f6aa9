//! A store of any kind is checked through the same few questions: here each is answered as a store in trouble would.

use std::sync::Arc;

use anagrafe::{
    model::{
        AccountName, HashKey,
        finding::{Finding, Standing},
    },
    store::{
        Store, StoreError, key,
        sqlite::{OpenOptions, SqliteStore, known_version, made_with},
    },
    sync::check::state::{Place, State},
};

use super::{
    said::{people, store},
    support::Town,
};

/// A real store at a version of the test's choice, opened for reading only where it is so.
struct Elsewhere {
    options: OpenOptions,
    version: Result<Option<i64>, fn() -> StoreError>,
}

#[async_trait::async_trait]
impl Place for Elsewhere {
    fn shown(&self) -> String {
        "postgres://db.invalid/anagrafe".to_owned()
    }

    fn needed(&self) -> i64 {
        known_version()
    }

    async fn version(&self) -> Result<Option<i64>, StoreError> {
        self.version.map_err(|error| error())
    }

    async fn is_of(&self, key: &HashKey) -> Result<bool, StoreError> {
        made_with(&self.options.path, &self.options.account, &key.check_value()).await
    }

    async fn open(&self, _: &HashKey) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(SqliteStore::open(&self.options).await?))
    }

    async fn own(&self) -> Vec<Finding> {
        vec![Finding::new("store.server", Standing::Confirmed, "version 15", "")]
    }
}

async fn state(town: &Town, version: Result<Option<i64>, fn() -> StoreError>, read_only: bool) -> State {
    store(town).await.close().await;
    let state_dir = town.dir.path().join("state");
    let key = key::read(&state_dir).unwrap().unwrap();
    let account: AccountName = "acme".parse().unwrap();
    let options = OpenOptions {
        path: town.store(),
        account,
        key_check: key.check_value(),
        create: false,
        migrate: false,
        read_only,
    };
    State { place: Box::new(Elsewhere { options, version }), state_dir, given: None, previous: Vec::new() }
}

fn lines(findings: &[Finding]) -> Vec<(&str, Standing)> {
    findings.iter().map(|found| (found.subject.as_str(), found.verdict)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_may_only_be_read_is_contradicted() {
    let town = people().await;
    let findings = state(&town, Ok(Some(known_version())), true).await.findings().await;
    let expected = [
        ("store.url", Standing::Confirmed),
        ("store.hash_key", Standing::Confirmed),
        ("store.url", Standing::Contradicted),
        ("store.server", Standing::Confirmed),
    ];
    assert_eq!(lines(&findings), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_version_is_told_and_not_opened() {
    let town = people().await;
    let older = state(&town, Ok(Some(known_version() - 1)), false).await.findings().await;
    assert_eq!(
        lines(&older).get(..2).unwrap(),
        [("store.url", Standing::Confirmed), ("store.hash_key", Standing::Confirmed)]
    );
    assert!(older.first().unwrap().text.contains("the next sync brings it to"));
    let another = Some(Arc::new(HashKey::new(b"quite another key of theirs").unwrap()));
    let older = State { given: another, ..state(&town, Ok(Some(known_version() - 1)), false).await }.findings().await;
    assert_eq!(
        lines(&older).get(1),
        Some(&("store.hash_key", Standing::Contradicted)),
        "its key is asked all the same"
    );
    let newer = state(&town, Ok(Some(known_version() + 1)), false).await.findings().await;
    assert_eq!(lines(&newer).first(), Some(&("store.url", Standing::Contradicted)));
    assert!(newer.first().unwrap().advice.as_ref().unwrap().contains("install the newer version"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_there_yet_or_not_reached_is_told() {
    let town = people().await;
    let none = state(&town, Ok(None), false).await.findings().await;
    assert!(none.first().unwrap().text.ends_with("postgres://db.invalid/anagrafe"), "{none:?}");
    let lost: fn() -> StoreError =
        || StoreError::Open { path: "postgres://db.invalid".into(), reason: "nobody listens: start it".into() };
    let lost = state(&town, Err(lost), false).await.findings().await;
    let expected = [("store.url", Standing::Contradicted), ("store.server", Standing::Confirmed)];
    assert_eq!(lines(&lost), expected);
    assert_eq!(lost.first().unwrap().advice.as_deref(), Some("start it"));
}
