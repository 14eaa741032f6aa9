//! What holds for every name. The rules themselves are tables under `tests/golden/`.

use proptest::prelude::*;

use super::{FoldedName, NameMatch, SplitName, any_differ, compare, compare_words, fold, split, words};

/// A word in Latin letters that stands for itself.
fn word() -> impl Strategy<Value = String> {
    "[A-Za-zÀ-ÖØ-öø-ž]{2,9}".prop_filter("a word of its own", |word| {
        let folded = fold(word);
        folded.words().iter().all(|word| !words::is_particle(word) && !words::is_title(word)) && !folded.is_blank()
    })
}

/// Names made of everything the rules speak about.
fn name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => word(),
        3 => prop::sample::select(vec![
            "Mario", "ROSSI", "de", "De", "della", "van", "der", "D'", "d", "o", "e", "Dott.", "sig.", "ra", "S.r.l.", "srl",
            "M.", "X", "D'Angelo", "Anna-Maria", ",", "-", "&", "(", "cliente", "7", "Hotel", "'", "\u{200d}", "n/a",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let glue = prop::sample::select(vec![" ", "  ", "", ", ", ".", "\u{a0}"]);
    prop::collection::vec((piece, glue), 0..6)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, glue)| [piece, glue.to_owned()]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_case_of_the_words_counts(
        (words, shuffled) in prop::collection::vec(word(), 1..5)
            .prop_flat_map(|words| (Just(words.clone()), Just(words).prop_shuffle())),
    ) {
        let name = fold(&words.join(" "));
        prop_assert_eq!(&fold(&shuffled.join(" ")), &name);
        prop_assert_eq!(&fold(&words.join(" ").to_uppercase()), &name);
        prop_assert_eq!(&fold(&words.join(" ").to_lowercase()), &name);
    }

    #[test]
    fn words_are_sorted_and_stand_once(text in name()) {
        prop_assert!(fold(&text).words().is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn comparison_is_symmetric_and_the_same_on_hashes_of_the_words(a in name(), b in name()) {
        let (a, b) = (fold(&a), fold(&b));
        let compared = compare(&a, &b);
        prop_assert_eq!(compare(&b, &a), compared);
        let hashed = |name: &FoldedName| {
            let mut hashes: Vec<Vec<u8>> = name.words().iter().map(|word| word.bytes().map(|b| !b).rev().collect()).collect();
            hashes.sort();
            hashes
        };
        prop_assert_eq!(compare_words(&hashed(&a), &hashed(&b)), compared);
        prop_assert_eq!(compared == NameMatch::Blank, a.is_blank() || b.is_blank());
    }

    #[test]
    fn a_name_agrees_with_itself_and_with_more_of_itself(words in prop::collection::vec(word(), 1..4), more in word()) {
        let name = fold(&words.join(" "));
        prop_assert_eq!(compare(&name, &name), NameMatch::Agree);
        prop_assert_eq!(compare(&name, &fold(&format!("{} {more}", words.join(" ")))), NameMatch::Agree);
    }

    #[test]
    fn whether_any_differ_is_what_comparing_each_with_each_says(names in prop::collection::vec("[a-d]( [a-d]){0,3}|", 0..6)) {
        let names: Vec<FoldedName> = names.iter().map(|name| FoldedName::new(name.split_whitespace().map(str::to_owned).collect())).collect();
        let pairs = names.iter().any(|a| names.iter().any(|b| compare(a, b) == NameMatch::Differ));
        prop_assert_eq!(any_differ(names.iter().map(FoldedName::words)), pairs);
    }

    #[test]
    fn a_split_name_is_the_same_name(text in name()) {
        match split(&text) {
            SplitName::Split { first, last } => {
                prop_assert!(!fold(&first).is_blank() && !fold(&last).is_blank());
                prop_assert_eq!(fold(&format!("{first} {last}")), fold(&text));
                prop_assert_eq!(split(&format!("{last}, {first}")), SplitName::Split { first, last });
            }
            SplitName::Whole(whole) => prop_assert_eq!(fold(&whole), fold(&text)),
        }
    }
}
