//! What holds for any text: safe versions show nothing and stay what they are, spans lie on characters, results repeat.

use assize_interactions::Engine;
use proptest::prelude::*;

use crate::{engines, exchange, rules};

/// Pieces of text that findings are made of, among text of all kinds.
fn pieces() -> impl Strategy<Value = String> {
    let values = prop::sample::select(vec![
        "ana@b.org",
        "049-26-2965",
        "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00",
        "+34 885 59 95 58",
        "57.96.157.66",
        "PESEL 65050592633",
        "BSN: 921619121",
        "password=Winter9768!",
        "born 5 January 1970",
        "マイナンバーは745500948308",
        "de:cf:53:06:ab:55",
        "cvv 123",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "MRN 739146",
        "my name is Ana Ruiz",
        "aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM=",
        "[EMAIL_1]",
        "[PHONE_99]",
        "https://x.com/ada_l",
        "exp 09/27",
        "é😀e\u{301}",
        "森 太郎",
        "שלום",
        "\u{202e}",
        "\u{200b}",
        "４１１１",
    ]);
    let glue = prop::sample::select(vec![
        " ", ", ", "\n", "\t", ": ", "; ", " and ", "\"", "'", "-", ".", "/", "(", ")", "", "{", "}", "\\", "、",
    ]);
    let noise = proptest::string::string_regex("\\PC{0,12}").expect("the expression is a constant");
    prop::collection::vec((prop_oneof![4 => values.prop_map(str::to_owned), 1 => noise], glue), 0..14)
        .prop_map(|parts| parts.into_iter().map(|(piece, glue)| format!("{piece}{glue}")).collect())
}

/// A JSON value with such text in keys, strings and numbers.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        pieces().prop_map(serde_json::Value::from),
        Just(serde_json::json!(4_111_111_111_111_111_u64)),
        Just(serde_json::json!(49_262_965)),
        Just(serde_json::json!(null)),
        Just(serde_json::json!(-1.5e3)),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map(pieces(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_safe_version_scanned_again_shows_nothing_and_does_not_change(text in pieces()) {
        for engine in engines() {
            let safe = engine.redact(&text, &rules());
            prop_assert!(safe.clean, "{text:?} -> {:?}", safe.text);
            let again = engine.redact(&safe.text, &rules());
            prop_assert_eq!(&again.text, &safe.text);
            prop_assert!(again.findings.is_empty(), "{:?} in {:?}", again.findings, safe.text);
        }
    }

    #[test]
    fn json_stays_json(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.expect("a value is written");
        for engine in engines() {
            let safe = engine.redact(&text, &rules());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&safe.text).is_ok(), "{text} -> {}", safe.text);
            prop_assert!(safe.clean, "{text} -> {}", safe.text);
        }
    }

    #[test]
    fn spans_lie_on_characters_in_both_measures_and_never_overlap(text in pieces()) {
        for engine in engines() {
            let audit = engine.audit(&exchange(&text, "", "Germany", ""), &rules());
            let mut all: Vec<_> = audit.pii.iter().chain(&audit.secrets).map(|finding| finding.span).collect();
            all.sort();
            for span in &all {
                prop_assert!(span.byte_start < span.byte_end);
                prop_assert_eq!(text[..span.byte_start].chars().count(), span.start);
                prop_assert_eq!(text[..span.byte_end].chars().count(), span.end);
            }
            prop_assert!(all.windows(2).all(|pair| pair[0].byte_end <= pair[1].byte_start), "{:?}", all);
        }
    }

    #[test]
    fn the_same_exchange_gives_the_same_audit(input in pieces(), output in pieces()) {
        let interaction = exchange(&input, &output, "USA", "Hospital");
        let engine = Engine::new(None, None);
        let audit = engine.audit(&interaction, &rules());
        prop_assert_eq!(&engine.audit(&interaction, &rules()), &audit);
        prop_assert!((0.0..=10.0).contains(&audit.risk.score));
        prop_assert!(audit.evidence.iter().all(|fact| fact.fact != "masking.incomplete"), "{input:?} {output:?} -> {:?} {:?}", audit.safe_input, audit.safe_output);
    }
}
