//! Texts made to hurt: they end, in time that grows with their length, and with a result.

use assize_interactions::safety::Classifiers;
use assize_interactions::tagger::Tagger;
use assize_interactions::{Engine, Interaction, Rules, Text};

fn survives(text: String) -> usize {
    let interaction = Interaction { input: Text::plain(text), ..Interaction::default() };
    Engine::new(None, None).audit(&interaction, &Rules::default()).pii.len()
}

#[test]
fn one_character_ten_million_times() {
    for c in ["a", "1", "@", "-", "[", "{", "\"", "\\", ".", " ", "+", "(", "é", "森", ":", "/", "="] {
        survives(c.repeat(10_000_000 / c.len()));
    }
}

#[test]
fn a_million_combining_marks() {
    survives(format!("e{}", "\u{301}".repeat(1_000_000)));
    survives("a\u{301}".repeat(500_000));
}

#[test]
fn texts_that_make_regular_expressions_explode() {
    for piece in [
        "aaaaaaaaaaaaaaaaaaaaaaaa!",
        "1-1-1-1-",
        "a@a@a@",
        "a.a.a.",
        "0x0x0x",
        "DE89 3704 ",
        "(((((1)",
        "1 1 1 1 ",
        "://a:b@",
        "eyJ",
        "sk-",
        "password=",
        "-----BEGIN ",
        "\u{200b}a",
        "ssn 1 ",
        "geb. 1.1.",
        "AAAA-",
        "12/12/",
        "::1:",
        "key: \"",
        "i have ",
        "12 Rue A, ",
        "1 Old Road, 12345 ",
        "W4 0HJ, ",
        "가1로 1 ",
        "가1",
        "市1丁目",
        "а",
        "aа",
    ] {
        survives(piece.repeat(1_000_000 / piece.len()));
    }
}

#[test]
fn deep_and_broken_json() {
    survives("[".repeat(1_000_000));
    survives(format!("{}\"ana@b.org\"{}", "[".repeat(300_000), "]".repeat(300_000)));
    survives("{\"a\":".repeat(200_000));
    survives(format!("[{}0]", "\"ana@b.org\",".repeat(50_000)));
    survives("\"\\ud800\"".to_owned());
    survives("\0\u{1}\u{fffd}\u{feff}\0".to_owned());
}

#[test]
fn a_hundred_thousand_findings_are_all_hidden() {
    let text = "049-26-2965 ana@b.org 4111111111111111\n".repeat(30_000);
    let engine = Engine::new(None, None);
    let redacted = engine.redact(&text, &Rules::default());
    assert!(redacted.clean);
    assert_eq!(redacted.findings.len(), 90_000);
    assert!(!redacted.text.contains("ana@") && !redacted.text.contains("4111") && !redacted.text.contains("049-"));
}

#[test]
fn the_learned_models_end_too() {
    let engine = Engine::new(Some(Tagger::embedded()), Some(Classifiers::embedded()));
    for piece in ["a", "aé\u{301}", "word ", "No. ", "森", "!?", "1 ", "Ann\n"] {
        let text = piece.repeat(200_000 / piece.len());
        let audit =
            engine.audit(&Interaction { input: Text::plain(text), ..Interaction::default() }, &Rules::default());
        assert!(audit.scores.iter().all(|score| (0.0..=1.0).contains(&score.score)), "{piece}");
    }
}
