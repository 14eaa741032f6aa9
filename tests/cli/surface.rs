//! What every command has: help, usage errors, completions, a manual page.

use anagrafe::cli::args::Cli;
use clap::CommandFactory as _;

use super::{anagrafe, command, ended};

/// Every command, by the words that lead to it; and whether it has commands of its own.
fn commands() -> Vec<(Vec<String>, bool)> {
    fn walk(command: &clap::Command, path: &[String], found: &mut Vec<(Vec<String>, bool)>) {
        found.push((path.to_vec(), command.has_subcommands()));
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            walk(below, &[path, &[below.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&Cli::command(), &[], &mut found);
    found
}

#[test]
fn every_command_helps_and_its_help_names_an_example() {
    let commands = commands();
    assert!(commands.len() > 40, "{} commands", commands.len());
    for (path, _) in commands {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = anagrafe(&args, "").code(0);
        assert!(help.stdout.contains("Usage:") && help.stderr.is_empty(), "{path:?}: {help:?}");
        let by_hand = ["contacts", "customers", "config"].contains(&path.first().map_or("", String::as_str));
        if path.len() == 1 && !by_hand || path.len() == 2 && by_hand {
            assert!(help.stdout.contains("Examples:\n  "), "{path:?} has no example");
        }
    }
}

#[test]
fn every_example_is_a_command_line_that_is_read() {
    let mut read = 0;
    for (path, _) in commands() {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = anagrafe(&args, "").stdout;
        let examples = help.split("Examples:\n").nth(1).unwrap_or_default();
        for line in examples.lines().filter(|line| line.starts_with("  ")) {
            // What the shell makes of it: quotes, pipes, a remark behind.
            let line = line.split("   ").next().map(str::trim).filter(|text| !text.is_empty()).unwrap_or(line.trim());
            for part in line.split(" | ").filter(|part| part.starts_with("anagrafe ")) {
                let words = words(part.split(" > ").next().unwrap_or_default());
                let parsed = <Cli as clap::Parser>::try_parse_from(&words);
                assert!(parsed.is_ok(), "{words:?}: {}", parsed.map(drop).unwrap_err());
                read += 1;
            }
        }
    }
    assert!(read > 40, "only {read} examples were found");
}

/// The words of a line, single quotes taken away.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let mut words = vec![String::new()];
    for (index, part) in parts {
        for (position, text) in if index % 2 == 1 { vec![part] } else { part.split(' ').collect() }.iter().enumerate() {
            if position > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(text);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_was_meant() {
    for args in [
        &[][..],
        &["contcts"],
        &["contacts"],
        &["contacts", "get"],
        &["contacts", "get", "0"],
        &["contacts", "find", "--fields", "nome"],
        &["contacts", "find", "--limit", "0"],
        &["contacts", "find", "--order", "phon"],
        &["contacts", "create", "-", "--name", "Anna"],
        &["contacts", "update", "5", "--email", "a@x.it", "--null-email"],
        &["contacts", "delete"],
        &["customers", "search"],
        &["customers", "update", "c1"],
        &["normalise", "--country", "ZZ", "--phone", "1"],
        &["completions", "tcsh"],
        &["config", "validate", "--json", "--csv"],
    ] {
        let ended = anagrafe(args, "").code(2);
        assert!(!ended.stderr.is_empty() && ended.stdout.is_empty(), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_wrong_contact_or_field_ends_with_2_before_anything_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str], stdin: &str| ended(command(dir.path(), args), stdin);
    for (args, stdin, told) in [
        (&["contacts", "create", "--customer", "1"][..], "", "needs its name"),
        (&["contacts", "create", "-"], "{\"name\": \"Anna\"}", "needs its customer"),
        (&["contacts", "create", "-"], "Anna, anna@x.it", "standard input is not JSON (line 1, column 1)"),
        (&["contacts", "create", "-"], "[]", "not one object"),
        (&["contacts", "update", "5"], "", "nothing to change"),
        (&["contacts", "update", "5", "-"], "{\"id\": 6}", "another's"),
        (&["contacts", "delete", "5", "6"], "", "2 to delete"),
    ] {
        let ended = run(args, stdin).code(2);
        assert!(ended.stderr.contains(told) && !ended.stderr.contains("anna@"), "{args:?}: {ended:?}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(anagrafe(&["--version"], "").code(0).stdout, format!("anagrafe {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_gets_a_completion_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = anagrafe(&["completions", shell], "").code(0).stdout;
        for word in ["normalise", "customers", "--null-email", "history"] {
            let word = if shell == "fish" { word.trim_start_matches("--") } else { word };
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let page = anagrafe(&["man"], "").code(0).stdout;
    assert!(page.contains(".TH anagrafe 1") && page.contains("Exit codes"), "{page}");
    let dir = tempfile::tempdir().unwrap();
    ended(command(dir.path(), &["man", "--out", "deep/man1"]), "").code(0);
    for (path, _) in commands() {
        let name = [&["anagrafe".to_owned()][..], &path].concat().join("-");
        let page = std::fs::read_to_string(dir.path().join(format!("deep/man1/{name}.1"))).expect(&name);
        assert!(page.contains(&format!(".TH {name} 1")), "{name}");
    }
}
