//! Runs that die at a point of their own, and a town that is again as it was before, for each of many points.

use std::{fs, os::unix::process::ExitStatusExt as _, process::Stdio};

use anagrafe::store::mortal;
pub use anagrafe::store::mortal::{Death, Side};
use futures::future::join_all;

use super::Town;

/// Towns that go to points at the same time: most of it is waiting.
const ABREAST: usize = 3;

/// Takes a town to each of these points, and lets it be as it was before each.
pub async fn at_each<P: Copy>(points: &[P], ready: impl AsyncFn() -> Town, go: impl AsyncFn(&Town, P)) {
    join_all((0..ABREAST.min(points.len())).map(async |lane| {
        let town = ready().await;
        let kept = town.keep().await;
        for point in points.iter().skip(lane).step_by(ABREAST) {
            town.again(&kept).await;
            go(&town, *point).await;
        }
    }))
    .await;
}

/// A lease so long that no renewal, which comes by a clock, is among the commits.
pub fn without_renewals(town: &Town) {
    town.edit(|text| text.replace("[store]\n", "[store]\nlease = \"1h\"\n"));
}

/// Every way to die of a command that comes to so many commits; or one in `step` of them, on every side.
pub fn deaths(commits: u64, step: usize) -> Vec<Death> {
    let all = (1..=commits).flat_map(|commit| Side::ALL.map(|side| Death { side, commit }));
    all.step_by(step).collect()
}

/// How many commits a command comes to that nothing disturbs.
pub async fn commits(town: &Town, args: &[&str]) -> u64 {
    let file = town.dir.path().join("commits");
    let mut command = town.command(args);
    command.env(mortal::COMMITS, &file);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(ended.status.code(), Some(0), "{args:?}: {ended:?}");
    come_to(town)
}

/// Has a command die.
pub async fn die(town: &Town, args: &[&str], death: Death) {
    let file = town.dir.path().join("commits");
    let mut command = town.command(args);
    command.env(mortal::DIES, death.to_string()).env(mortal::COMMITS, &file);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
    assert_eq!((ended.signal(), come_to(town)), (Some(9), death.commit), "{args:?} was to die {death}: {ended}");
}

fn come_to(town: &Town) -> u64 {
    let file = town.dir.path().join("commits");
    let lines = fs::read_to_string(&file).unwrap().lines().count();
    fs::remove_file(file).unwrap();
    lines as u64
}
