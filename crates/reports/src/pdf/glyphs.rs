//! What the embedded fonts can show. They hold Latin, Greek, Cyrillic, Hebrew and more, but no Chinese, Japanese or
//! Korean; PDF/A forbids a missing glyph. A character without a glyph is written as its code point, so that two names
//! stay two names and the reader can look them up. A word of thousands of characters is cut: breaking it into lines
//! costs minutes. The page on the web shows both as they are.

use std::fmt::Write;

use serde_json::Value;

use super::world::FONTS;
use crate::format::shorten;

/// Replaces in every string of a document what cannot be shown; says whether anything was replaced.
pub(super) fn make_printable(value: &mut Value, strictness: Strictness) -> bool {
    let mut replaced = false;
    match value {
        Value::String(text) => {
            if let Some(printable) = printable(text, strictness) {
                *text = printable;
                replaced = true;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| replaced |= make_printable(value, strictness)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(_, value)| replaced |= make_printable(value, strictness));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    replaced
}

/// Longest word that is printed whole; digests have 64 characters.
const WORD_CHARS_MAX: usize = 120;

/// Which characters are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// All that a font has.
    Covered,
    /// Only Latin letters and common signs, for text whose shaping asks for glyphs that its characters did not.
    Latin,
}

/// The text as it can be printed, or `None` when nothing had to change.
fn printable(text: &str, strictness: Strictness) -> Option<String> {
    let spelled = spell_out(text, strictness);
    let text = spelled.as_deref().unwrap_or(text);
    if text.split_whitespace().all(|word| word.len() <= WORD_CHARS_MAX) {
        return spelled;
    }
    let words: Vec<String> = text.split(' ').map(|word| shorten(word, WORD_CHARS_MAX)).collect();
    Some(words.join(" "))
}

/// The text with code points for what cannot be shown, or `None` when all of it can.
fn spell_out(text: &str, strictness: Strictness) -> Option<String> {
    let shown = |character: char| is_shown(character, strictness);
    if text.chars().all(shown) {
        return None;
    }
    let mut replaced = String::with_capacity(text.len() * 2);
    let mut in_codes = false;
    for character in text.chars() {
        let keep = shown(character);
        match (keep, in_codes) {
            (false, false) => replaced.push('['),
            (false, true) => replaced.push(' '),
            (true, true) => replaced.push(']'),
            (true, false) => {}
        }
        if keep {
            replaced.push(character);
        } else {
            write!(replaced, "U+{:04X}", u32::from(character)).expect("writing to a string cannot fail");
        }
        in_codes = !keep;
    }
    if in_codes {
        replaced.push(']');
    }
    Some(replaced)
}

fn is_shown(character: char, strictness: Strictness) -> bool {
    match character {
        ' '..='~' | '\n' => true,
        // Controls, soft hyphen, joiners and bidirectional marks, byte order mark, private use: no glyph of their own.
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' => false,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => false,
        '\u{f0000}'..='\u{10ffff}' => false,
        other if strictness == Strictness::Latin => matches!(other, '\u{a0}'..='\u{17f}' | '\u{2013}'..='\u{2026}'),
        other => (0..).map_while(|index| FONTS.book().info(index)).any(|font| font.coverage.contains(u32::from(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fonts_have_is_kept() {
        for text in ["Ünïcödé", "Женщина", "γυναίκα", "אישה", "“a” – b … ≥ 0.8"] {
            assert_eq!(printable(text, Strictness::Covered), None, "{text}");
        }
    }

    #[test]
    fn endless_words_are_cut() {
        let cut = printable(&format!("a {} b", "x".repeat(5000)), Strictness::Covered).unwrap();
        assert_eq!(cut.chars().count(), WORD_CHARS_MAX + 4);
        assert_eq!(printable(&"words and ".repeat(500), Strictness::Covered), None);
    }

    #[test]
    fn what_they_lack_becomes_code_points() {
        assert_eq!(printable("女 x", Strictness::Covered).as_deref(), Some("[U+5973] x"));
        assert_eq!(printable("女性", Strictness::Covered).as_deref(), Some("[U+5973 U+6027]"));
        assert_eq!(printable("a\u{202e}b", Strictness::Covered).as_deref(), Some("a[U+202E]b"));
    }
}
