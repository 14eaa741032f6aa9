//! The same input gives the same rows, whatever keeps them: the same people, the same passes and the same key, on either store.

use anagrafe::sandbox::{
    Options,
    drift::{self, Amounts},
    population,
};

use super::{
    figure, recheck_everybody,
    support::{On, Town},
    with_a_key,
    world::{World, writes},
};

const BETWEEN: Amounts = Amounts { edits: 24, deletions: 8, late_ids: 4, chats: 12, merges: 4, agent_edits: 16 };

#[tokio::test(flavor = "multi_thread")]
async fn the_same_input_gives_the_same_rows_on_both_stores() {
    let (file, server) = (town(On::Sqlite).await, town(On::Postgres).await);
    for (step, pass) in ["sync", "sync", "resync", "sync"].into_iter().enumerate() {
        for town in [&file, &server] {
            if step == 1 {
                drift::apply(&town.sandbox.open2b, &town.sandbox.vivocha, &town.sandbox.truth, 8, &BETWEEN);
            }
            if step == 2 {
                recheck_everybody(town).await;
            }
            town.sandbox.clear_journal();
            town.anagrafe(&[pass]).await.code(0);
        }
        let when = format!("pass {step}, a {pass}");
        let world = World::of(&file).await;
        assert!(world.rows.len() > file.sandbox.open2b.contacts().len(), "{when}");
        World::of(&server).await.is(&world, &when);
        assert_eq!(writes(&server), writes(&file), "{when}");
    }
}

async fn town(on: On) -> Town {
    let people = figure(200, 10_000);
    let town = Town::on(on, population::generate(88, people, people * 9 / 10), Options::default()).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 50"));
    with_a_key(on, town)
}
