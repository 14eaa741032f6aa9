//! `sandbox`: what it writes is ready, the same seed gives the same people, and a signal ends it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use serde_json::Value;

use super::{command, ended};

/// A sandbox that serves; ended with the test.
struct Serving {
    child: Child,
    told: Value,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(dir: &Path, args: &[&str]) -> Serving {
    let mut command = command(dir, &[&["sandbox", "--json"], args].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Serving { child, told: serde_json::from_str(&line).unwrap() }
}

#[test]
fn the_configuration_it_writes_is_ready_and_a_signal_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut serving = serve(dir.path(), &["--contacts", "40", "--customers", "50", "--seed", "3"]);
    let config = serving.told["config"].as_str().unwrap().to_owned();
    assert_eq!(Path::new(&config), dir.path().canonicalize().unwrap().join("sandbox.toml"));
    let run = |args: &[&str]| ended(command(dir.path(), &[args, &["--config", "sandbox.toml"]].concat()), "");
    run(&["config", "validate"]).code(0);
    assert_eq!(run(&["contacts", "count"]).code(0).stdout, "40\n");
    let first = run(&["contacts", "find", "--json"]).code(0).json();
    let id = i32::try_from(serving.child.id()).unwrap();
    std::process::Command::new("/bin/kill").args(["-TERM", &id.to_string()]).status().unwrap();
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));

    let same = serve(dir.path(), &["--contacts", "40", "--customers", "50", "--seed", "3"]);
    assert_eq!(run(&["contacts", "find", "--json"]).code(0).json(), first, "the same seed gives the same people");
    assert_eq!(same.told["config"], config, "its own file is written anew");
}

#[test]
fn what_no_sandbox_wrote_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine.toml"), "[vivocha]\n").unwrap();
    let refused = ended(command(dir.path(), &["sandbox", "--config-out", "mine.toml"]), "").code(2);
    assert!(refused.stderr.contains("--config-out"), "{refused:?}");
    assert_eq!(fs::read_to_string(dir.path().join("mine.toml")).unwrap(), "[vivocha]\n");
}

#[test]
fn the_demo_ends_well_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = command(dir.path(), &["demo", "--contacts", "120"]);
    demo.env("TMPDIR", dir.path());
    let told = ended(demo, "").code(0);
    for word in ["anagrafe check", "first merges", "What became of a few of them"] {
        assert!(told.stdout.contains(word), "{word}: {}", told.stdout);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
