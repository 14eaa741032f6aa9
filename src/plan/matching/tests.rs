//! The whole table, every combination, as an operator can read it.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fmt::Write as _;

use super::*;

const AGREEMENTS: [Agreement; 3] = [Agreement::Agree, Agreement::Lacking, Agreement::Differ];
const NAMES: [NameMatch; 3] = [NameMatch::Agree, NameMatch::Blank, NameMatch::Differ];

fn rules(fixed_line_alone: AskOrLink, names_differ: AskOrLink) -> MatchingRules {
    MatchingRules {
        auto_merge: true,
        fixed_line_alone,
        names_differ,
        max_share: 3,
        max_cluster: 5,
        shared_emails: vec![],
        shared_phones: vec![],
    }
}

#[test]
fn every_combination_has_its_row() {
    let (strict, lenient) = (rules(AskOrLink::Ask, AskOrLink::Ask), rules(AskOrLink::Link, AskOrLink::Link));
    let mut table = String::from("e-mail  telephone line   names  row                outcome  (policies: link)\n");
    for email in AGREEMENTS {
        for phone in AGREEMENTS {
            for line in [Line::Mobile, Line::Fixed] {
                if phone != Agreement::Agree && line == Line::Fixed {
                    continue;
                }
                for names in NAMES {
                    let row = row(email, phone, line, names);
                    let line = if phone == Agreement::Agree { format!("{line:?}") } else { "-".into() };
                    writeln!(
                        table,
                        "{:<7} {:<9} {:<6} {:<6} {:<18} {:<8} {}",
                        email.as_str(),
                        phone.as_str(),
                        line,
                        format!("{names:?}"),
                        row.as_str(),
                        outcome(row, &strict).as_str(),
                        outcome(row, &lenient).as_str(),
                    )
                    .unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_row_of_the_table_is_reached_and_explained() {
    let mut reached = std::collections::BTreeSet::new();
    for email in AGREEMENTS {
        for phone in AGREEMENTS {
            for line in [Line::Mobile, Line::Fixed] {
                reached.extend(NAMES.map(|names| row(email, phone, line, names)));
            }
        }
    }
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), {
        let mut all = Row::ALL.to_vec();
        all.sort();
        all
    });
    assert!(Row::ALL.iter().all(|row| row.explain().len() > 20));
}
