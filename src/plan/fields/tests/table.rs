//! Every rule, with every source and target, as an operator can read it.

use crate::{
    model::rules::WriteRule,
    plan::fields::{Source, Target, Verdict, verdict},
};

const RULES: [WriteRule; 4] = [WriteRule::Always, WriteRule::IfEmpty, WriteRule::IfUnedited, WriteRule::Never];
const SOURCES: [Source; 4] = [Source::Absent, Source::Blanked, Source::Unchanged, Source::Changed];
const TARGETS: [Target; 4] = [Target::Blank, Target::Equal, Target::Ours, Target::Foreign];
const BLOCKS: [Option<Verdict>; 3] = [None, Some(Verdict::Shared), Some(Verdict::HeldByAnother)];

fn cases() -> impl Iterator<Item = (WriteRule, bool, Source, Target)> {
    RULES.into_iter().flat_map(|rule| {
        [false, true].into_iter().flat_map(move |clear| {
            SOURCES
                .into_iter()
                .flat_map(move |source| TARGETS.into_iter().map(move |target| (rule, clear, source, target)))
        })
    })
}

#[test]
fn every_combination_has_its_verdict() {
    let mut table = String::from("rule       clear source    target  verdict          if shared        if another's\n");
    for (rule, clear, source, target) in cases() {
        let [free, shared, held] = BLOCKS.map(|block| verdict(rule, clear, source, target, block).as_str());
        let (rule, source, target) = (format!("{rule:?}"), format!("{source:?}"), format!("{target:?}"));
        let clear = if clear { "yes" } else { "no" };
        let line = format!("{rule:<11}{clear:<6}{source:<10}{target:<8}{free:<17}{shared:<17}{held}");
        table += line.trim_end();
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[test]
fn b4_a_write_needs_a_changed_source_and_a_target_that_the_rule_may_touch() {
    for (rule, clear, source, target) in cases() {
        for block in BLOCKS {
            let verdict = verdict(rule, clear, source, target, block);
            let why = format!("{rule:?} {clear} {source:?} {target:?} {block:?} is {verdict:?}");
            match verdict {
                Verdict::Write => {
                    assert!(source == Source::Changed && block.is_none(), "{why}");
                    assert!(target != Target::Equal && rule != WriteRule::Never, "{why}");
                    assert!(rule != WriteRule::IfEmpty || target == Target::Blank, "{why}");
                    assert!(rule != WriteRule::IfUnedited || target != Target::Foreign, "{why}");
                }
                Verdict::Clear => {
                    assert!(clear && source == Source::Blanked, "{why}");
                    assert!(target == Target::Ours || rule == WriteRule::Always, "{why}");
                }
                Verdict::Equal
                | Verdict::SourceUnchanged
                | Verdict::Kept
                | Verdict::NoSource
                | Verdict::Never
                | Verdict::Shared
                | Verdict::HeldByAnother => assert!(!verdict.sends(), "{why}"),
            }
        }
    }
}
