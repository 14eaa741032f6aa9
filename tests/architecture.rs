//! Keeps the house: what may import what, what stays pure, how long a file may be and how it opens. It reads the files as
//! text and knows nothing of what they do. Every failure names the place and says what to do about it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a house that cannot be read does not stand")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Files longer than this hold two ideas.
const LONGEST: usize = 400;

/// Who may import whom, within the crate. A room that is missing here has not been thought about yet.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("plan", &["model"]),
    ("config", &["model"]),
    ("observe", &["model"]),
    ("http", &["model", "observe"]),
    ("open2b", &["http", "model"]),
    ("vivocha", &["http", "model"]),
    ("store", &["model"]),
    ("sync", &["observe", "store", "vivocha", "open2b", "http", "plan", "model"]),
    ("sandbox", &["model"]),
    ("daemon", &["observe", "sync", "store", "http", "plan", "model"]),
    ("cli", &["daemon", "observe", "sync", "store", "vivocha", "open2b", "http", "config", "plan", "model", "sandbox"]),
];

/// What `model/` and `plan/` must not know: decisions wait for nobody, ask no clock and tell no log.
const IMPURE: &[(&str, &str)] = &[
    ("async", "hand in what was gathered instead of awaiting it"),
    ("await", "hand in what was gathered instead of awaiting it"),
    ("tokio", "hand in what was gathered instead of awaiting it"),
    ("sqlx", "let `store` read it and hand it in"),
    ("reqwest", "let `http` fetch it and hand it in"),
    ("tracing", "return it: a decision is data, and `sync` says what is worth logging"),
    ("Instant", "take a Moment as a parameter"),
    ("SystemTime", "take a Moment as a parameter"),
    ("Utc::now", "take a Moment as a parameter"),
    ("Local::now", "take a Moment as a parameter"),
    ("std::fs", "let `sync` or `config` read it and hand it in"),
    ("std::net", "let `http` fetch it and hand it in"),
    ("std::env", "let `config` read it and hand it in"),
];

/// Who in `store/` ends a transaction by its own hand, how often, and why that is no writing one. All that is written is committed by
/// `commit` of `store/sql/lane.rs`, where a test can have the process die.
const COMMIT_THEMSELVES: &[(&str, usize, &str)] = &[
    ("src/store/mortal.rs", 3, "it is that place, with the sandbox"),
    ("src/store/postgres/open.rs", 2, "what was looked at when it was opened"),
    ("src/store/sql/lane.rs", 2, "that place, without the sandbox; and units that read"),
    ("src/store/sqlite/open.rs", 1, "what is opened to be read"),
];

/// A source file, without its comments and without what stands in quotes.
struct Source {
    /// From the root of the repository.
    path: String,
    text: String,
    code: String,
}

impl Source {
    /// `model`, `plan`, …; `lib` and `main` for the two files above the rooms.
    fn room(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap();
        inside.split(['/', '.']).next().unwrap()
    }

    /// The line of a place in the code, which keeps its line breaks.
    fn line(&self, at: usize) -> usize {
        self.code.get(..at).unwrap().matches('\n').count() + 1
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, hidden ones included, in order.
fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap_or_default();
        match (path.is_dir(), name) {
            (true, ".git" | "target") => {}
            (true, _) => files(&path, out),
            (false, _) => out.push(path),
        }
    }
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    files(&root().join(folder), &mut found);
    let rust = found.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    rust.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        Source { path: shown(&path), code: code(&text), text }
    })
    .collect()
}

/// The text with comments and the contents of strings blanked, line by line as it was.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            'r' if raw_string(rest).is_some() && !out.ends_with(is_word) => raw_string(rest).unwrap(),
            '"' => string(rest),
            // A character, and not a lifetime.
            '\'' if rest.starts_with("'\\") => {
                2 + rest.get(3..).and_then(|tail| tail.find('\'')).map_or(0, |end| end + 2)
            }
            '\'' if rest.chars().nth(2) == Some('\'') => rest.char_indices().nth(3).map_or(rest.len(), |(at, _)| at),
            _ => {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap();
                continue;
            }
        };
        let (blank, tail) = rest.split_at(length);
        out.extend(blank.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = tail;
    }
    out
}

/// The length of the raw string that begins here.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix('r')?.chars().take_while(|c| *c == '#').count();
    let body = text.get(1 + hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    body.find(&end).map(|at| 2 + hashes + at + end.len())
}

/// The length of the string that begins here.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a name stands as a word of its own.
fn places<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(name).map(|(at, _)| at).filter(move |at| {
        let (before, after) = (code.get(..*at).unwrap(), code.get(at + name.len()..).unwrap());
        !before.ends_with(is_word) && !after.starts_with(is_word)
    })
}

/// The rooms that a file names behind `crate::`, each with where.
fn imports(source: &Source) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    for at in places(&source.code, "crate") {
        let Some(tail) = source.code.get(at + "crate".len()..).unwrap().strip_prefix("::") else { continue };
        let names = tail.strip_prefix('{').map_or_else(|| vec![word(tail)], first_of_each);
        out.extend(names.into_iter().map(|name| (source.line(at), name)));
    }
    out
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| is_word(*c)).collect()
}

/// The first word of each member of a group, groups within it skipped.
fn first_of_each(text: &str) -> Vec<String> {
    let (mut depth, mut out, mut member) = (0_u32, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => out.push(word(&std::mem::take(&mut member))),
            _ if depth == 0 => member.push(c),
            _ => {}
        }
    }
    out.push(word(&member));
    out.retain(|name| !name.is_empty());
    out
}

/// Fails with everything that was found, not just the first.
fn nothing(found: &[String], what: &str) {
    let mut list = String::new();
    for line in found {
        writeln!(list, "  {line}").unwrap();
    }
    assert!(found.is_empty(), "{what}\n{list}");
}

#[test]
fn imports_run_one_way() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        MAY_IMPORT.iter().map(|(room, others)| (*room, others.iter().copied().collect())).collect();
    let mut found = Vec::new();
    for source in sources("src") {
        let room = source.room();
        if matches!(room, "lib" | "main") {
            continue;
        }
        let Some(may) = allowed.get(room) else {
            found.push(format!("{}: give `{room}` its line in MAY_IMPORT of tests/architecture.rs", source.path));
            continue;
        };
        for (line, other) in imports(&source) {
            if allowed.contains_key(other.as_str()) && other != room && !may.contains(other.as_str()) {
                found.push(format!("{}:{line}: `{room}` imports `{other}`", source.path));
            }
        }
    }
    nothing(
        &found,
        "imports run model ← observe ← plan, config, http ← open2b, vivocha, store ← sync ← daemon ← cli. Move what is shared to the room \
         that both may import (a value belongs to `model`), or hand it in as a parameter:",
    );
}

#[test]
fn what_decides_is_pure() {
    let mut found = Vec::new();
    for source in sources("src").iter().filter(|source| matches!(source.room(), "model" | "plan")) {
        for (name, instead) in IMPURE {
            let here = places(&source.code, name);
            found.extend(here.map(|at| format!("{}:{}: {name}: {instead}", source.path, source.line(at))));
        }
    }
    nothing(&found, "`model/` and `plan/` know no I/O, no clock, no log and wait for nothing:");
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let long = |source: &Source| (source.text.lines().count() > LONGEST).then(|| source.path.clone());
    let found: Vec<String> = sources("src").iter().filter_map(long).collect();
    nothing(
        &found,
        &format!("over {LONGEST} lines: find the two ideas and give each a file (tests: a file `tests.rs`):"),
    );
}

#[test]
fn every_file_says_first_what_it_is() {
    let silent = |source: &Source| (!source.text.starts_with("//! ")).then(|| source.path.clone());
    let found: Vec<String> = sources("src").iter().chain(&sources("tests")).filter_map(silent).collect();
    nothing(&found, "open the file with `//!`: what it is, what it is not, and why where that is not plain:");
}

#[test]
fn nothing_is_left_open() {
    let left = ["todo!", "unimplemented!", "#[ignore"];
    let mut found = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        for open in left {
            let here = source.code.match_indices(open).map(|(at, _)| at);
            found.extend(here.map(|at| format!("{}:{}: {open}", source.path, source.line(at))));
        }
    }
    nothing(&found, "write it, or take it out and say in the issue what is missing:");
}

#[test]
fn the_repository_stands_by_itself() {
    // Made of parts, so that they are not found here.
    let elsewhere = [["..", "shared"].join("/"), ["", "work", "shared"].join("/")];
    let mut all = Vec::new();
    files(root(), &mut all);
    let names =
        |path: &PathBuf| fs::read_to_string(path).is_ok_and(|text| elsewhere.iter().any(|place| text.contains(place)));
    let found: Vec<String> = all.iter().filter(|path| names(path)).map(|path| shown(path)).collect();
    nothing(&found, "a folder outside the repository is named; say what is meant in our own words, here:");
}

#[test]
fn what_is_written_is_committed_in_one_place() {
    let mut found = Vec::new();
    for source in sources("src/store").iter().filter(|source| !source.path.ends_with("/tests.rs")) {
        let known = COMMIT_THEMSELVES.iter().find(|(path, _, _)| *path == source.path);
        let (commits, may) = (source.code.matches(".commit()").count(), known.map_or(0, |(_, often, _)| *often));
        if commits != may {
            found.push(format!("{}: {commits} times, and {may} are known", source.path));
        }
    }
    nothing(
        &found,
        "`.commit()`: commit what is written by `lane::commit`; what only reads is listed in tests/architecture.rs:",
    );
}

#[test]
fn migrations_are_numbered_from_one_without_a_gap() {
    let mut found = Vec::new();
    let mut folders = Vec::new();
    for entry in fs::read_dir(root().join("migrations")).unwrap() {
        folders.push(entry.unwrap().path());
    }
    folders.sort();
    for folder in folders {
        let mut all = Vec::new();
        files(&folder, &mut all);
        let expected = (1..).map(|number| format!("{number:04}_"));
        for (path, number) in all.iter().zip(expected) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let kind = path.extension().is_some_and(|kind| kind == "sql");
            if !name.starts_with(&number) || !kind || path.parent() != Some(folder.as_path()) {
                found.push(format!("{}: the next one is {number}WHAT_IT_DOES.sql, beside the others", shown(path)));
                break;
            }
        }
        if all.is_empty() {
            found.push(format!("{}: no migration", shown(&folder)));
        }
    }
    nothing(&found, "migrations run in the order of their numbers, forward only, and none is ever left out:");
}

#[test]
fn the_reader_of_sources_sees_code_and_nothing_else() {
    let text = "use crate::{model::{Contact, run}, http, store::Store}; // crate::cli\nlet a = \"crate::cli\"; crate::sync::run();\nlet b = r#\"crate::\"cli\"#; let c: &'static str = '\"'.into(); let d = '\\''; crate :: x; pub(in crate::plan) fn e() {}";
    let source = Source { path: "src/x/y.rs".into(), text: text.into(), code: code(text) };
    let found: Vec<(usize, String)> = imports(&source);
    let found: Vec<(usize, &str)> = found.iter().map(|(line, name)| (*line, name.as_str())).collect();
    assert_eq!(found, [(1, "model"), (1, "http"), (1, "store"), (2, "sync"), (3, "plan")]);
    assert_eq!((source.room(), places("asynchronous async", "async").collect::<Vec<_>>()), ("x", vec![13]));
}
