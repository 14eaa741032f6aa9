//! C1 and F3: a daemon under load that is asked to stop, and killed, at random moments, again and again, with everything happening behind
//! its back in between. It ends in time whenever it is asked to; and all is in the end as in a town where nothing was.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anagrafe::sandbox::{
    Options,
    drift::{self, Amounts},
    population,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    figure, recheck_everybody, seed,
    support::{On, Town, both},
    with_a_key,
    world::{World, writes},
};

const CONTACTS: usize = 220;
/// What happens between two passes.
const BETWEEN: Amounts = Amounts { edits: 12, deletions: 3, late_ids: 3, chats: 5, merges: 1, agent_edits: 6 };
/// Signals of each kind between two drifts. Each person is touched by one drift only: after a few, others have to be born.
const IN_A_ROW: usize = 5;
const DRIFTS: u64 = 3;

both!(c1_f3_a_daemon_stopped_and_killed_again_and_again_ends_in_time_and_loses_nothing, battered);
async fn battered(on: On) {
    let wanted = figure(10, 100);
    let mut dice = ChaCha8Rng::seed_from_u64(seed());
    let (mut stops, mut kills, mut era) = (0, 0, 0);
    while stops < wanted || kills < wanted {
        let (town, undisturbed) = (town(on, era).await, town(on, era).await);
        let mut truth = (*town.sandbox.truth).clone();
        for round in 0..=DRIFTS {
            if stops >= wanted && kills >= wanted {
                break;
            }
            if round > 0 {
                let drift = |town: &Town| {
                    drift::apply(&town.sandbox.open2b, &town.sandbox.vivocha, &truth, era * 100 + round, &BETWEEN)
                };
                let (one, other) = (drift(&town), drift(&undisturbed));
                assert_eq!(one, other);
                truth = one.truth;
                recheck_everybody(&town).await;
                recheck_everybody(&undisturbed).await;
            }
            // Not cleared in between: a request of one that was killed may be answered, and noted, after its death.
            town.sandbox.clear_journal();
            for blow in 0..2 * IN_A_ROW {
                owe_everything(&town).await;
                let mut daemon = Daemon::of(&town);
                strike(&town, &mut dice).await;
                if blow % 2 == 0 {
                    daemon.stopped().await;
                    stops += 1;
                } else {
                    daemon.killed();
                    kills += 1;
                }
            }
            let sent = settled(&town).await;
            undisturbed.sandbox.clear_journal();
            let as_of_one = settled(&undisturbed).await;
            let when = format!("era {era}, round {round}, {stops} stops, {kills} kills");
            World::of(&town).await.is(&World::of(&undisturbed).await, &when);
            assert_eq!(sent, as_of_one, "{when}: each write once, and no other");
        }
        era += 1;
    }
}

async fn town(on: On, era: u64) -> Town {
    let town = Town::on(on, population::generate(700 + era, CONTACTS, CONTACTS * 9 / 10), Options::default()).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 20"));
    let town = with_a_key(on, town);
    town.anagrafe(&["migrate"]).await.code(0);
    town
}

/// So that a daemon has a sync and a resync to make up for as soon as it starts.
async fn owe_everything(town: &Town) {
    town.execute("UPDATE runs SET started_at = started_at - 200000000").await;
}

/// The moment comes: after some requests, or some time.
async fn strike(town: &Town, dice: &mut ChaCha8Rng) {
    let requests = town.sandbox.journal().len() + dice.random_range(1..120);
    let time = Duration::from_millis(dice.random_range(50..2_500));
    let began = Instant::now();
    while town.sandbox.journal().len() < requests && began.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_micros(dice.random_range(0..8_000))).await;
}

/// Lets all of it come to its end, and answers what was written.
async fn settled(town: &Town) -> Vec<(String, String)> {
    for pass in ["resync", "sync"] {
        town.anagrafe(&[pass, "--wait"]).await.code(0);
    }
    town.doubts_end().await;
    writes(town)
}

struct Daemon(Child);

impl Daemon {
    fn of(town: &Town) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = town.command(&["daemon"]);
        command.env("ANAGRAFE__OBSERVE__LISTEN", format!("127.0.0.1:{port}"));
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    async fn stopped(&mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "it does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        // One that had not come to listen for signals yet was ended by the system.
        assert!(matches!(status.code(), Some(143) | None), "{status:?}");
    }

    fn killed(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
