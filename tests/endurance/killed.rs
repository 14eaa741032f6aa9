//! C1: `kill -9` at random moments of crossings and resyncs, with everything happening behind our back in between. However often it is
//! killed, all is in the end as in a town where nothing was; and what was written was written once.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anagrafe::sandbox::{
    Options,
    drift::{self, Amounts, Drift},
    population,
};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    figure, recheck_everybody, seed,
    support::{On, Town, both},
    with_a_key,
    world::{World, customers, writes},
};

const CONTACTS: usize = 220;
const PAGE: usize = 20;
/// How often one pass is killed before it is let go on to its end.
const IN_A_ROW: usize = 8;
/// What happens between two passes.
const BETWEEN: Amounts = Amounts { edits: 12, deletions: 3, late_ids: 3, chats: 5, merges: 1, agent_edits: 6 };

both!(c1_killed_at_any_moment_any_number_of_times_all_is_in_the_end_as_if_it_had_never_been, c1);
async fn c1(on: On) {
    let wanted = figure(12, 200);
    let mut killer = Killer { dice: ChaCha8Rng::seed_from_u64(seed()), kills: 0, sent: Vec::new() };
    let mut era = 0;
    while killer.kills < wanted {
        let (town, undisturbed) = (town(on, era).await, town(on, era).await);
        let mut truth = (*town.sandbox.truth).clone();
        // Each person is touched by one drift only: after a few, others have to be born.
        for round in 0..4 {
            if killer.kills >= wanted {
                break;
            }
            if round > 0 {
                let drift = both_drift(&town, &undisturbed, &truth, era * 100 + round);
                truth = drift.truth;
                recheck_everybody(&town).await;
                recheck_everybody(&undisturbed).await;
            }
            killer.pass(&town, if round == 0 { &["sync"] } else { &["resync", "sync"] }).await;
            let as_of_one = undisturbed_pass(&undisturbed, round).await;
            let when = format!("era {era}, round {round}, {} kills", killer.kills);
            World::of(&town).await.is(&World::of(&undisturbed).await, &when);
            assert_eq!(killer.sent, as_of_one, "{when}: each write once, and no other");
            nobody_is_lost(&town, &when).await;
            town.sandbox.clear_journal();
            let before = customers(&town);
            for pass in ["sync", "resync"] {
                town.anagrafe(&[pass]).await.code(0);
            }
            assert_eq!(writes(&town), [], "{when}: and then it is quiet");
            assert_eq!(customers(&town), before);
            undisturbed_quiet(&undisturbed).await;
        }
        era += 1;
    }
    eprintln!("{on:?}: {} kills in {era} eras", killer.kills);
}

async fn town(on: On, era: u64) -> Town {
    let town = Town::on(on, population::generate(300 + era, CONTACTS, CONTACTS * 9 / 10), Options::default()).await;
    town.edit(|text| text.replace("[shops.main]", &format!("[shops.main]\npage_size = {PAGE}")));
    with_a_key(on, town)
}

/// The same happens to both.
fn both_drift(one: &Town, other: &Town, truth: &population::Truth, seed: u64) -> Drift {
    let drift = |town: &Town| drift::apply(&town.sandbox.open2b, &town.sandbox.vivocha, truth, seed, &BETWEEN);
    let (one, other) = (drift(one), drift(other));
    assert_eq!(one, other);
    one
}

async fn undisturbed_pass(town: &Town, round: u64) -> Vec<(String, String)> {
    town.sandbox.clear_journal();
    let forms: &[&str] = if round == 0 { &["sync"] } else { &["resync", "sync"] };
    for form in forms {
        town.anagrafe(&[form]).await.code(0);
    }
    writes(town)
}

/// So that the same happened in both towns.
async fn undisturbed_quiet(town: &Town) {
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["resync"]).await.code(0);
}

pub async fn nobody_is_lost(town: &Town, when: &str) {
    let kept = town.contacts().await;
    for contact in town.sandbox.open2b.contacts() {
        let state = kept.get(&contact.id).and_then(|kept| kept.state.as_deref());
        assert!(state.is_some_and(|state| state != "gone" && state != "parked"), "{when}: {} is {state:?}", contact.id);
    }
    let twice = "SELECT COUNT(*) FROM (SELECT customer FROM links WHERE ended_at IS NULL AND role = 'owner' \
                 GROUP BY account, customer HAVING COUNT(*) > 1) AS twice";
    assert_eq!(town.number(twice).await, 0, "{when}");
}

struct Killer {
    dice: ChaCha8Rng,
    kills: usize,
    /// What was written in this pass, over all attempts at it.
    sent: Vec<(String, String)>,
}

impl Killer {
    /// A pass that is killed again and again, now in this form, now in that, and at last let go on to its end, in every form.
    async fn pass(&mut self, town: &Town, forms: &[&str]) {
        // Not cleared in between: a request of one that was killed may be answered, and noted, after its death.
        town.sandbox.clear_journal();
        for _ in 0..IN_A_ROW {
            let form = forms.choose(&mut self.dice).copied().unwrap_or("sync");
            let place = place(town).await;
            let before = town.sandbox.journal().len();
            let ended = self.strike(town, form).await;
            checkpoint_passes_nobody(town, form).await;
            if let (Some(place), "resync") = (place, form) {
                let mut since = town.sandbox.journal().into_iter().skip(before);
                let first = since.find(|entry| entry.call == "contacts.find");
                let after =
                    first.map(|entry| entry.sent.unwrap_or_default()["conditions"]["after"].as_i64().unwrap_or(0));
                assert!(after.is_none_or(|after| after >= place), "a killed resync goes on at {place}: {after:?}");
            }
            if ended && form == forms[0] {
                break;
            }
        }
        for form in forms {
            town.anagrafe(&[form]).await.code(0);
        }
        town.doubts_end().await;
        self.sent = writes(town);
    }

    /// One process, killed after some requests or after some time, unless it has ended by then.
    async fn strike(&mut self, town: &Town, form: &str) -> bool {
        let before = town.sandbox.journal().len();
        let requests = if self.dice.random_ratio(3, 4) { Some(self.dice.random_range(1..90)) } else { None };
        let time = Duration::from_millis(self.dice.random_range(5..700));
        let moment = Duration::from_micros(self.dice.random_range(0..8_000));
        let mut child = town.command(&[form, "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0), "{form} ended by itself");
                break true;
            }
            let is_time = match requests {
                Some(requests) => town.sandbox.journal().len() - before >= requests,
                None => began.elapsed() >= time,
            };
            if is_time {
                tokio::time::sleep(moment).await;
                break child.try_wait().unwrap().is_some();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        child.kill().unwrap();
        child.wait().unwrap();
        self.kills += usize::from(!ended);
        ended
    }
}

/// Where a resync that was interrupted is.
async fn place(town: &Town) -> Option<i64> {
    let at = town.number("SELECT COALESCE(MAX(after), -1) FROM resyncs").await;
    (at > 0).then_some(at)
}

/// The checkpoint never passes an id that is not accounted for.
pub async fn checkpoint_passes_nobody(town: &Town, when: &str) {
    let unaccounted = "SELECT COUNT(*) FROM contacts c JOIN shops s ON s.account = c.account AND s.shop = c.shop \
                       WHERE c.state IS NULL AND c.id <= s.checkpoint";
    assert_eq!(town.number(unaccounted).await, 0, "{when}");
}
