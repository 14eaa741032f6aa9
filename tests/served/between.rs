//! What stands between us and a server: a pgbouncer that hands its connections on by transaction, and a line that breaks
//! just when a commit is answered.

use std::{
    fs,
    net::TcpStream as Probe,
    path::Path,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use anagrafe::sandbox::{Options, population::Population};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

use crate::{
    Served, Town, customers_of,
    support::contact,
    support::postgres::{as_servant, free_port},
    undisturbed,
};

/// A pgbouncer, gone with whoever holds it.
struct Bouncer {
    watch: Child,
    port: u16,
    dir: tempfile::TempDir,
}

impl Bouncer {
    fn before(server: u16) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let path = dir.path().join("pgbouncer.ini");
        // Fewer connections than a process opens: they are really handed on.
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 2\n",
            dir.path().join("users").display()
        );
        fs::write(path.clone(), settings).unwrap();
        fs::write(dir.path().join("users"), "\"anagrafe\" \"\"\n").unwrap();
        for readable in [dir.path().to_owned(), path.clone(), dir.path().join("users")] {
            fs::set_permissions(readable, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let mut watch = as_servant(Path::new("sh"));
        watch.args(["-c", "pgbouncer --quiet \"$1\" & cat > /dev/null; kill $!; wait", "watch"]).arg(path);
        watch.env("PATH", "/usr/sbin:/usr/bin:/bin");
        let watch = watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while Probe::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "pgbouncer is there: tests/run says what to install");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { watch, port, dir }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
        let _ = self.dir.path();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_sync_goes_through_a_pgbouncer_that_hands_on_by_transaction() {
    let (states, customers) = undisturbed(13, 500, 300, 50).await;
    let served = Served::of(13, 500, 300).await;
    let behind = served.database.cluster.port;
    let bouncer = Bouncer::before(behind);
    served.replace(&format!(":{behind}/"), &format!(":{}/", bouncer.port));
    served.replace("[shops.main]", "[shops.main]\npage_size = 50");
    let town = &served.town;
    // Others use the same connections meanwhile, so that nobody finds what he left in one.
    let looking = async {
        for _ in 0..6 {
            let looked = town.anagrafe(&["status"]).await;
            assert!(looked.code == 0 || looked.code == 1, "before the first page there is no store: {looked:?}");
        }
    };
    let (synced, ()) = tokio::join!(town.anagrafe(&["sync", "--json"]), looking);
    assert_eq!(synced.code(0).json()["read"], 500);
    assert_eq!(served.contacts().await, states);
    assert_eq!(customers_of(town), customers);
    let left = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
    assert_eq!(served.database.number(left).await, 0);
    town.anagrafe(&["migrate"]).await.code(0);
    town.anagrafe(&["plan"]).await.code(0);
    // Many at once, on few connections: each finds on its own what it prepared.
    let many = (0..16).map(|n| async move {
        let command: &[&str] = if n % 2 == 0 { &["status"] } else { &["sync", "--wait"] };
        town.anagrafe(command).await.code(0);
    });
    futures::future::join_all(many).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pgbouncer_without_its_server_is_a_server_that_is_away() {
    let served = Served::of(1, 60, 60).await;
    let bouncer = Bouncer::before(free_port());
    let behind = served.database.cluster.port;
    served.replace(&format!(":{behind}/"), &format!(":{}/", bouncer.port));
    served.fails(1, &["cannot be reached", &served.database.name]).await;
}

/// A line to a server that breaks once: after so many commits, when the server has answered and before we hear it.
pub struct Line {
    /// Where it begins.
    pub port: u16,
    server: Arc<AtomicU16>,
    commits: Arc<AtomicI64>,
}

impl Line {
    /// To a server of this machine.
    pub async fn to(server: u16) -> Self {
        let server = Arc::new(AtomicU16::new(server));
        let leads = Arc::clone(&server);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let commits = Arc::new(AtomicI64::new(i64::MAX));
        let counted = Arc::clone(&commits);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let port = leads.load(Ordering::SeqCst);
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                    tokio::spawn(carry(client, server, Arc::clone(&counted)));
                }
            }
        });
        Self { port, server, commits }
    }

    /// From now on it leads to another one.
    pub fn leads_to(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }
}

async fn carry(client: TcpStream, server: TcpStream, commits: Arc<AtomicI64>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        (from_server, to_client)
    });
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
        let said = &bytes[..read];
        let commit = said.windows(7).any(|window| window == b"COMMIT\0");
        if commit && commits.fetch_sub(1, Ordering::SeqCst) == 1 {
            return unheard(said, back, &mut to_server).await;
        }
        if to_server.write_all(said).await.is_err() {
            return;
        }
    }
    back.abort();
}

/// Lets the server hear it and answer, and nobody else hear the answer.
async fn unheard(
    commit: &[u8],
    back: tokio::task::JoinHandle<(OwnedReadHalf, OwnedWriteHalf)>,
    to_server: &mut OwnedWriteHalf,
) {
    back.abort();
    // Aborted, it drops both its halves: nothing reaches the client any more.
    let _ = back.await;
    let _ = to_server.write_all(commit).await;
    // It ends once the server has done what it was told and finds us gone.
    let _ = to_server.shutdown().await;
}

async fn one_person() -> Town {
    let customer = json!({"id": "c1", "email": "anna@example.it"});
    let contacts = vec![contact(1, "Anna Neri", "anna@example.it", "333 1234568")];
    let customers = vec![customer.as_object().unwrap().clone()];
    Town::with(Population { contacts, customers, ..Population::default() }, Options::default()).await
}

/// Each commit of a run in turn gets no answer: the run goes on or ends, and in the end all is as it would have been, with
/// one update sent and one declared.
#[tokio::test(flavor = "multi_thread")]
async fn c1_a_commit_without_an_answer_loses_nothing_and_does_nothing_twice() {
    let mut ended = std::collections::BTreeMap::<i32, u32>::new();
    for broken in 1..=40 {
        let served = Served::on(&crate::Cluster::shared(), one_person().await).await;
        let behind = served.database.cluster.port;
        let line = Line::to(behind).await;
        served.replace(&format!(":{behind}/"), &format!(":{}/", line.port));
        served.town.anagrafe(&["migrate"]).await.code(0);
        line.commits.store(broken, Ordering::SeqCst);
        let first = served.town.anagrafe(&["sync"]).await;
        let unbroken = line.commits.swap(i64::MAX, Ordering::SeqCst) > 0;
        *ended.entry(first.code).or_default() += 1;
        if first.code != 0 {
            assert_eq!(first.code, 1, "commit {broken}: {first:?}");
            assert!(first.stderr.contains("not known"), "commit {broken}: {first:?}");
            // A run that could not say that it ended had its lease still; its process is gone.
            served.town.anagrafe(&["sync"]).await.code(0);
        }
        let her = served.town.sandbox.vivocha.customer("c1").unwrap();
        assert_eq!(her["telnum"], "+393331234568", "commit {broken}");
        assert_eq!(served.town.written(), ["c1"], "commit {broken}: {first:?}");
        let kept = served.contacts().await;
        assert_eq!(kept[&1].state.as_deref(), Some("linked"), "commit {broken}");
        let open = "SELECT COUNT(*) FROM writes WHERE outcome IS NULL OR outcome = 'unknown'";
        if served.database.number(open).await > 0 {
            // A doubt lasts until it is too late: that time passes here at once.
            served.database.meddle("UPDATE writes SET settled_at = 1 WHERE outcome = 'unknown'; UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
            served.town.anagrafe(&["sync"]).await.code(0);
        }
        assert_eq!(served.database.number(open).await, 0, "commit {broken}");
        if unbroken {
            assert!(ended[&0] > 3 && ended[&1] >= 2, "some were done again, some ended the run: {ended:?}");
            return;
        }
    }
    panic!("a sync of one person has fewer commits: {ended:?}");
}
