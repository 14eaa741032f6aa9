//! `normalise` from outside: its golden lines, its words, its exit codes.

use std::{fs, path::Path};

use super::{anagrafe, command, ended};

fn golden(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

#[test]
fn each_line_becomes_the_line_that_an_operator_can_read_beside_it() {
    let answered = anagrafe(&["normalise", "--country", "IT"], &golden("normalise.in.jsonl")).code(0);
    let expected = golden("normalise.out.jsonl");
    for (number, (got, wanted)) in answered.stdout.lines().zip(expected.lines()).enumerate() {
        assert_eq!(got, wanted, "line {}", number + 1);
    }
    assert_eq!(answered.stdout.lines().count(), expected.lines().count());
    assert!(answered.stderr.is_empty(), "{answered:?}");
}

#[test]
fn a_bad_line_is_told_by_its_number_and_the_rest_is_still_answered() {
    let answered = anagrafe(&["normalise"], "{\"email\":\"a@x.it\"}\nanna@x.it\n{\"email\":\"b@x.it\"}\n").code(2);
    assert_eq!(answered.stdout.lines().count(), 2);
    assert!(answered.stderr.contains("line 2: not JSON"), "{answered:?}");
    assert!(!answered.stderr.contains("anna"), "{answered:?}");
    anagrafe(&["normalise"], "").code(0);
}

#[test]
fn a_person_gets_words_and_a_machine_the_same_line_as_from_standard_input() {
    let args = ["normalise", "--email", " Anna@X.it ", "--phone", "06 12345678", "--name", "Anna De Luca"];
    let words = anagrafe(&args, "").code(0).stdout;
    for part in ["anna@x.it", "+390612345678, fixed", "asked for as 0612345678", "first Anna, last De Luca"] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
    let machine = anagrafe(&[&args[..], &["--json"]].concat(), "").code(0).stdout;
    let line = "{\"email\":\" Anna@X.it \",\"phone\":\"06 12345678\",\"name\":\"Anna De Luca\"}";
    assert_eq!(machine, anagrafe(&["normalise"], line).code(0).stdout);
    let unusable = anagrafe(&["normalise", "--phone", "12"], "").code(0).stdout;
    assert!(unusable.contains("not usable") && unusable.contains("(phone-"), "{unusable}");
}

#[test]
fn the_country_is_the_one_said_else_that_of_the_only_shop_else_italy() {
    let french = "06 12 34 56 78";
    let phone = |args: &[&str], shop: Option<&str>| {
        let dir = tempfile::tempdir().unwrap();
        let account = "[vivocha]\naccount = \"a\"\n[vivocha.auth]\nid = \"i\"\nsecret = \"s\"\n";
        let shop = shop.map(|country| {
            format!("[shops.x]\nurl = \"https://x.example\"\nsecret_key = \"k\"\ncountry = \"{country}\"\n")
        });
        fs::create_dir(dir.path().join("config")).unwrap();
        let text = format!("[store]\nstate_dir = \"s\"\n{account}{}", shop.unwrap_or_default());
        fs::write(dir.path().join("config/anagrafe.toml"), text).unwrap();
        let args = [&["normalise", "--json", "--phone", french], args].concat();
        let ended = ended(command(dir.path(), &args), "").code(0);
        (ended.json()["phone"].clone(), ended.stderr)
    };
    assert_eq!(phone(&[], Some("FR")), ("+33612345678".into(), String::new()));
    assert_eq!(phone(&["--country", "it"], Some("FR")).0, "+390612345678");
    let (italian, told) = phone(&[], None);
    assert_eq!(italian, "+390612345678");
    assert!(told.contains("config validate"), "a configuration without a shop is not silently ignored: {told}");
}

#[test]
fn a_configuration_that_was_named_must_be_right() {
    anagrafe(&["normalise", "--email", "a@x.it", "--config", "nowhere.toml"], "").code(2);
}

#[test]
fn whoever_stops_reading_stops_it_without_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let lines = "{\"email\":\"a@x.it\"}\n".repeat(200_000);
    fs::write(dir.path().join("in"), lines).unwrap();
    let mut shell = std::process::Command::new("/bin/sh");
    let binary = env!("CARGO_BIN_EXE_anagrafe");
    shell.args(["-c", &format!("{{ '{binary}' normalise < in; echo $? >&2; }} | head -n 1")]).current_dir(dir.path());
    let ended = ended(shell, "").code(0);
    assert_eq!((ended.stdout.lines().count(), ended.stderr.as_str()), (1, "0\n"));
}

#[test]
fn texts_are_told_apart_by_their_at_sign_and_answered_one_by_one() {
    let answered = anagrafe(&["normalise", "--json", "333 1234568", "Anna@X.it", "+39 (0)6 12345678"], "").code(0);
    let lines: Vec<serde_json::Value> =
        answered.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["phone"], "+393331234568");
    assert_eq!(lines[1]["email"], "anna@x.it");
    assert_eq!(lines[2]["phone"], "+390612345678");
    anagrafe(&["normalise", "333 1234568", "--email", "a@x.it"], "").code(2);
}
