//! The service manager's side: what it is told on its socket, and that a runner that hangs is not called alive.

use std::{os::unix::net::UnixDatagram, path::Path, time::Duration};

use super::{Daemon, support::On, town, until_async, until_done};

/// What was told so far.
fn heard(socket: &UnixDatagram) -> Vec<String> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length) = socket.recv(&mut buffer) {
        all.extend(String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned));
    }
    all
}

fn listening(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_is_told_that_it_is_ready_lives_reloads_and_stops() {
    let town = town(On::Sqlite).await;
    let path = town.dir.path().join("notify");
    let socket = listening(&path);
    let mut daemon = Daemon::with(&town, |command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "900000");
    });
    until_done(&town, "sync", 1).await;
    let mut all = Vec::new();
    until_async(async || {
        all.extend(heard(&socket));
        all.iter().filter(|line| *line == "WATCHDOG=1").count() >= 3
    })
    .await;
    assert!(all.contains(&"READY=1".to_owned()), "{all:?}");
    assert!(all.iter().any(|line| line == "STATUS=running"), "{all:?}");
    daemon.signal("HUP");
    all.clear();
    until_async(async || {
        all.extend(heard(&socket));
        all.contains(&"READY=1".to_owned())
    })
    .await;
    let at = |wanted: &str| all.iter().position(|line| line.starts_with(wanted)).unwrap_or_else(|| panic!("{all:?}"));
    assert!(at("RELOADING=1") < at("READY=1") && at("MONOTONIC_USEC=") < at("READY=1"), "{all:?}");
    daemon.stop().await;
    assert!(heard(&socket).contains(&"STOPPING=1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_cannot_begin_the_manager_is_asked_for_patience_and_not_told_that_it_is_ready() {
    let town = town(On::Sqlite).await;
    std::fs::write(town.dir.path().join("state"), "a file").unwrap();
    let path = town.dir.path().join("notify");
    let socket = listening(&path);
    let mut daemon = Daemon::with(&town, |command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    until_async(async || daemon.get("/readyz").await.is_some_and(|(status, _)| status == 503)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let all = heard(&socket);
    assert!(all.iter().any(|line| line.starts_with("EXTEND_TIMEOUT_USEC=")), "{all:?}");
    assert!(!all.contains(&"READY=1".to_owned()), "{all:?}");
    daemon.signal("TERM");
    let (code, took) = daemon.end().await;
    assert_eq!(code, Some(143));
    assert!(took < Duration::from_secs(5), "{took:?}");
}
