//! Normalisation against its specification: the tables under `tests/golden/`, which an operator can read, and what holds
//! for every text. `phones.csv` is Google's own opinion, written by `phones.py`; the other tables are written by hand.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::Path;

use anagrafe::model::Line;
use anagrafe::plan::names::{NameMatch, SplitName, compare, fold, split};
use anagrafe::plan::normalise::{Region, email, phone};

/// The rows of a table, with their line numbers. `\u{…}` in a hand-written one stands for a character nobody would see.
fn table(name: &str) -> Vec<(u64, Vec<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'%')).from_path(path).unwrap();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            (record.position().unwrap().line(), record.iter().map(unescaped).collect())
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        whole.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        whole.push_str(rest);
    }
    whole
}

/// Fails with every row that does not hold, not just the first.
fn assert_all_hold(table: &str, at_least: usize, rows: usize, wrong: &[String]) {
    assert!(rows >= at_least, "{table} has {rows} rows, fewer than the {at_least} it is known to need");
    assert!(wrong.is_empty(), "{} of {rows} rows of {table} do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

fn phone_as_text(text: &str, region: &str) -> (String, &'static str, &'static str) {
    match phone(text, Region::parse(region).unwrap()) {
        Ok(Some(phone)) => (phone.e164().to_owned(), if phone.line() == Line::Mobile { "mobile" } else { "fixed" }, ""),
        Ok(None) => (String::new(), "", ""),
        Err(defect) => (String::new(), "", defect.code()),
    }
}

#[test]
fn telephone_numbers_are_read_as_google_reads_them_or_not_at_all() {
    let rows = table("phones.csv");
    let mut wrong = Vec::new();
    for (line, row) in &rows {
        let [kind, text, region, e164, google, defect] = row.as_slice() else { continue };
        let of_line = if google == "MOBILE" { "mobile" } else { "fixed" };
        let (got, got_line, got_defect) = phone_as_text(text, region);
        let holds = match kind.as_str() {
            "valid" | "repaired" => got == *e164 && got_line == of_line,
            "invalid" => got.is_empty(),
            "refused" => got.is_empty() && got_defect == defect,
            _ => false,
        };
        if !holds {
            wrong.push(format!("{line}: {} -> {got} {got_line} {got_defect}", row.join(" | ")));
        }
    }
    assert_all_hold("phones.csv", 2500, rows.len(), &wrong);
}

#[test]
fn each_rule_about_telephone_numbers_is_a_row_an_operator_can_read() {
    let rows = table("phone-rules.csv");
    let mut wrong = Vec::new();
    for (line, row) in &rows {
        let [text, region, e164, of_line, defect] = row.as_slice() else { continue };
        let (got, got_line, got_defect) = phone_as_text(text, region);
        if (got.as_str(), got_line, got_defect) != (e164.as_str(), of_line.as_str(), defect.as_str()) {
            wrong.push(format!("{line}: {text:?} -> {got:?} {got_line} {got_defect}"));
        }
    }
    assert_all_hold("phone-rules.csv", 100, rows.len(), &wrong);
}

#[test]
fn each_rule_about_e_mails_is_a_row_an_operator_can_read() {
    let rows = table("emails.csv");
    let mut wrong = Vec::new();
    for (line, row) in &rows {
        let [text, expected, defect] = row.as_slice() else { continue };
        let got = match email(text) {
            Ok(read) => (read.map(|email| email.as_str().to_owned()).unwrap_or_default(), ""),
            Err(defect) => (String::new(), defect.code()),
        };
        if (got.0.as_str(), got.1) != (expected.as_str(), defect.as_str()) {
            wrong.push(format!("{line}: {text:?} -> {got:?}"));
        }
    }
    assert_all_hold("emails.csv", 70, rows.len(), &wrong);
}

#[test]
fn names_agree_differ_or_say_nothing_in_both_directions() {
    let rows = table("names.csv");
    let mut wrong = Vec::new();
    for (line, row) in &rows {
        let [a, b, expected] = row.as_slice() else { continue };
        let (a_words, b_words) = (fold(a), fold(b));
        for got in [compare(&a_words, &b_words), compare(&b_words, &a_words)] {
            let got = match got {
                NameMatch::Agree => "agree",
                NameMatch::Differ => "differ",
                NameMatch::Blank => "blank",
            };
            if got != expected {
                wrong.push(format!("{line}: {a:?} {b:?} -> {got} {:?} {:?}", a_words.words(), b_words.words()));
            }
        }
    }
    assert_all_hold("names.csv", 90, rows.len(), &wrong);
}

#[test]
fn a_name_is_split_where_that_is_certain_and_only_there() {
    let rows = table("splits.csv");
    let mut wrong = Vec::new();
    for (line, row) in &rows {
        let [text, first, last, whole] = row.as_slice() else { continue };
        let expected = if first.is_empty() {
            SplitName::Whole(whole.clone())
        } else {
            SplitName::Split { first: first.clone(), last: last.clone() }
        };
        if split(text) != expected {
            wrong.push(format!("{line}: {text:?}"));
        }
    }
    assert_all_hold("splits.csv", 80, rows.len(), &wrong);
}
