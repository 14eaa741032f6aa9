//! A server that will not have us, or may only be read: said in so many words.

use std::{fs, sync::Arc};

use crate::{Cluster, Served, Town};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_needs_a_key_that_is_given_and_it_must_be_the_right_one() {
    let served = Served::of(1, 60, 60).await;
    served.town.anagrafe(&["sync"]).await.code(0);
    served.replace("hash_key = \"a key for the tests of a server\"", "hash_key = \"quite another key of theirs\"");
    served.fails(2, &["hash key", "store.hash_key_file"]).await;
    served.town.anagrafe(&["status"]).await.code(2);
    served.town.anagrafe(&["plan"]).await.code(2);
    served.replace("hash_key = \"quite another key of theirs\"\n", "");
    served.fails(2, &["store.hash_key"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_may_come_from_a_file() {
    let served = Served::of(1, 60, 60).await;
    let (database, port) = (&served.database.name, served.database.cluster.port);
    served.database.meddle(format!("CREATE ROLE locked LOGIN PASSWORD 'correct' IN ROLE anagrafe; ALTER DATABASE {database} OWNER TO locked; ALTER SCHEMA public OWNER TO locked")).await;
    let url = served.database.url();
    let locked = format!("postgres://locked@127.0.0.1:{port}/{database}");
    served.replace(&url, &locked);
    served.fails(1, &["password authentication failed", "store.url_file", "PGPASSFILE"]).await;

    let dir = served.town.dir.path();
    fs::write(dir.join("store.url"), format!("postgres://locked:correct@127.0.0.1:{port}/{database}\n")).unwrap();
    served.replace(&format!("url = \"{locked}\""), "url_file = \"store.url\"");
    served.town.anagrafe(&["sync"]).await.code(0);

    served.replace("url_file = \"store.url\"", &format!("url = \"{locked}\""));
    let passwords = dir.join("pgpass");
    fs::write(&passwords, format!("127.0.0.1:{port}:{database}:locked:correct\n")).unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(&mut fs::metadata(&passwords).unwrap().permissions(), 0o600);
    fs::set_permissions(&passwords, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut command = served.town.command(&["status"]);
    command.env("PGPASSFILE", &passwords);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_a_newer_version_is_left_alone() {
    let served = Served::of(1, 60, 60).await;
    served.town.anagrafe(&["sync"]).await.code(0);
    served.database.meddle("INSERT INTO _sqlx_migrations VALUES (9999, 'later', now(), TRUE, '', 0)").await;
    served.fails(1, &["9999", "newer"]).await;
    served.town.anagrafe(&["plan"]).await.code(1);
    served.town.anagrafe(&["migrate"]).await.code(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_rights_is_told_what_a_dba_runs() {
    let served = Served::of(1, 60, 60).await;
    served.database.meddle("ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO anagrafe").await;
    served.fails(1, &["GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"anagrafe\"", &served.database.name]).await;
    served.database.meddle("GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"anagrafe\"").await;
    served.town.anagrafe(&["sync"]).await.code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_say_which_cluster_it_is_is_no_hindrance() {
    let served = Served::of(1, 60, 60).await;
    served.database.meddle("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC").await;
    served.town.anagrafe(&["sync"]).await.code(0);
    served.town.anagrafe(&["sync"]).await.code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_said_to_take_none_and_can_still_be_looked_at() {
    let served = Served::of(1, 60, 60).await;
    served.town.anagrafe(&["sync"]).await.code(0);
    served.town.sandbox.open2b.edit_contact(1, |contact| contact.phone = "333 7654321".into());
    let name = &served.database.name;
    served.database.meddle(format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    served.fails(1, &["read-only transaction", name]).await;
    served.town.anagrafe(&["status"]).await.code(0);
    served.town.anagrafe(&["plan", "--full"]).await.code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_can_be_looked_at_and_not_worked_on_until_it_has_taken_over() {
    let cluster = Arc::new(Cluster::new(&[]));
    let served = Served::on(&cluster, Town::of(1, 200, 200).await).await;
    served.town.anagrafe(&["sync", "--limit", "100"]).await.code(0);
    let standby = Cluster::standby(&cluster);
    served.replace(&format!(":{}/", cluster.port), &format!(":{}/", standby.port));
    served.fails(1, &["read-only"]).await;
    served.town.anagrafe(&["status"]).await.code(0);
    let plan = served.town.anagrafe(&["plan", "--json"]).await.code(0).json_lines().pop().unwrap();
    assert_eq!(plan["report"]["read"], 100, "{plan}");

    cluster.control(&["stop", "--mode", "immediate"]);
    standby.control(&["promote"]);
    // The standby may have been behind: whoever takes over is in doubt until a resync.
    served.town.anagrafe(&["sync"]).await.code(4);
    let status = served.town.anagrafe(&["status", "--json"]).await.code(0).json();
    assert!(status["shops"]["main"]["doubted_at"].is_string(), "{status}");
    let report = served.town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["read"], 200, "{report}");
    served.town.anagrafe(&["sync"]).await.code(0);
}
