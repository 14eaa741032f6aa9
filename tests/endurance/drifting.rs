//! What changes between two passes: people edited, deleted, seen late, who chat, whom agents merge and edit. All of it is found,
//! nothing is misread, no field is overwritten against its rule; whatever an account answers of customers that were merged away.

use anagrafe::sandbox::{
    Absorbed, Options,
    drift::{self, Amounts, Change},
    population,
};

use super::{
    figure, recheck_everybody,
    support::{On, Town, both},
    truth,
    world::{customers, nothing, writes},
};

both!(a_drift_is_found_where_absorbed_customers_answer_404, not_found);
async fn not_found(on: On) {
    found(on, Absorbed::NotFound, 5).await;
}

both!(a_drift_is_found_where_absorbed_customers_answer_410, gone);
async fn gone(on: On) {
    found(on, Absorbed::Gone, 6).await;
}

both!(a_drift_is_found_where_absorbed_customers_answer_as_the_survivor, as_survivor);
async fn as_survivor(on: On) {
    found(on, Absorbed::AnswersAsSurvivor, 7).await;
}

fn amounts() -> Amounts {
    Amounts {
        edits: figure(24, 300),
        deletions: figure(7, 50),
        late_ids: figure(5, 30),
        chats: figure(14, 200),
        merges: figure(6, 40),
        agent_edits: figure(16, 100),
    }
}

async fn found(on: On, absorbed: Absorbed, seed: u64) {
    let mut options = Options::default();
    options.account.absorbed = absorbed;
    let contacts = figure(400, 20_000);
    let town = Town::on(on, population::generate(70 + seed, contacts, contacts * 9 / 10), options).await;
    town.anagrafe(&["sync"]).await.code(0);
    let amounts = amounts();
    let drift = drift::apply(&town.sandbox.open2b, &town.sandbox.vivocha, &town.sandbox.truth, seed, &amounts);
    let Amounts { edits, deletions, late_ids, chats, merges, agent_edits } = amounts;
    let all = edits + deletions + late_ids + chats + merges + agent_edits;
    assert_eq!(drift.count(|change| change != Change::Heir), all, "there were people enough for all of it");
    let before = customers(&town);
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await.code(0);
    recheck_everybody(&town).await;
    town.anagrafe(&["resync"]).await.code(0);
    let when = format!("{on:?} {absorbed:?}");
    nothing(&truth::contacts(&drift, &town.contacts().await), &when);
    nothing(&truth::proposals(&drift, &town).await, &when);
    nothing(&truth::fields(&drift, &before, &customers(&town)), &when);
    assert_eq!(writes(&town).len(), truth::written(&drift), "{when}: one write for each who is to get something");
    recheck_everybody(&town).await;
    town.sandbox.clear_journal();
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(writes(&town), [], "{when}: and then it is quiet");
}
