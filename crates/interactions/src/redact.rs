//! Safe versions: found values replaced by numbered placeholders (`[EMAIL_1]`), the same value by the same placeholder in
//! input and output, JSON still JSON, code still code.
//!
//! How JSON stays JSON: a span inside a string is replaced there (a placeholder needs no escape); a span that touches a
//! number, `true` or `null` replaces the whole scalar by a string. How a second pass finds nothing: the caller scans the
//! safe version again and hands back what was found, and placeholders themselves are never findings ([`placeholders`]).

use std::collections::BTreeMap;

use crate::text::json::{self, LeafKind};

/// A value to hide (bytes of the text).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hide<'h> {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Type name; the placeholder's.
    pub(crate) kind: &'h str,
    pub(crate) severity: u8,
}

/// What stands for a stretch that is removed whole.
pub(crate) const REMOVED_CONTENT: &str = "REMOVED: unsafe content";
pub(crate) const REMOVED_INSTRUCTION: &str = "REMOVED: instruction in untrusted content";
pub(crate) const REMOVED_HIDDEN: &str = "REMOVED: hidden characters";

/// Digits of a placeholder's number.
const NUMBER_DIGITS_MAX: usize = 6;

/// Names of values, by type and by what the value is: shared by both sides of an interaction.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    names: BTreeMap<(String, String), usize>,
    counts: BTreeMap<String, usize>,
    /// Placeholder and the value it stands for, in order of appearance: what a caller may seal and keep.
    pub(crate) restore: Vec<(String, String)>,
}

impl Placeholders {
    /// Numbers that a text already uses stay those of whoever wrote them.
    pub(crate) fn reserve(&mut self, text: &str) {
        for (start, end) in placeholders(text) {
            if let Some((kind, number)) = text[start + 1..end - 1].rsplit_once('_')
                && let Ok(number) = number.parse::<usize>()
            {
                let count = self.counts.entry(kind.to_owned()).or_default();
                *count = (*count).max(number);
            }
        }
    }

    fn name(&mut self, kind: &str, value: &str) -> String {
        if kind.starts_with("REMOVED") {
            return format!("[{kind}]");
        }
        // The same number in another grouping, the same address in other case, are the same value.
        let folded: String =
            value.chars().filter(|c| c.is_alphanumeric() || *c == '@').flat_map(char::to_lowercase).collect();
        let folded = if folded.is_empty() { value.to_owned() } else { folded };
        let key = (kind.to_owned(), folded);
        let number = match self.names.get(&key) {
            Some(&number) => number,
            None => {
                let count = self.counts.entry(kind.to_owned()).or_default();
                *count += 1;
                self.names.insert(key, *count);
                self.restore.push((format!("[{kind}_{count}]"), value.to_owned()));
                *count
            }
        };
        format!("[{kind}_{number}]")
    }
}

/// The text with the given values hidden.
pub(crate) fn apply(text: &str, hides: &[Hide<'_>], names: &mut Placeholders) -> String {
    let merged = merge(hides);
    if merged.is_empty() {
        return text.to_owned();
    }
    // A number alone is a JSON document too.
    let looks_json = text.trim_start().starts_with(|c: char| matches!(c, '{' | '[' | '"' | '-') || c.is_ascii_digit());
    match if looks_json { json::leaves(text) } else { None } {
        Some(leaves) => apply_json(text, &merged, &leaves, names),
        None => {
            let mut out = String::with_capacity(text.len());
            let mut at = 0;
            for hide in &merged {
                out.push_str(&text[at..hide.start]);
                out.push_str(&names.name(hide.kind, &text[hide.start..hide.end]));
                at = hide.end;
            }
            out.push_str(&text[at..]);
            out
        }
    }
}

fn apply_json(text: &str, hides: &[Hide<'_>], leaves: &[json::Leaf], names: &mut Placeholders) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut next = 0;
    for leaf in leaves {
        while next < hides.len() && hides[next].end <= leaf.start {
            next += 1;
        }
        let mut cursor = next;
        while cursor < hides.len() && hides[cursor].start < leaf.end {
            let hide = hides[cursor];
            cursor += 1;
            if leaf.kind == LeafKind::Scalar {
                if at <= leaf.start {
                    out.push_str(&text[at..leaf.start]);
                    out.push('"');
                    out.push_str(&names.name(hide.kind, &text[leaf.start..leaf.end]));
                    out.push('"');
                    at = leaf.end;
                }
                continue;
            }
            let start = hide.start.max(leaf.start + 1);
            let end = hide.end.min(leaf.end - 1);
            if start < end {
                out.push_str(&text[at..start]);
                out.push_str(&names.name(hide.kind, &text[start..end]));
                at = end;
            }
        }
    }
    out.push_str(&text[at..]);
    out
}

/// The union of overlapping values, each under the name of the gravest.
fn merge<'h>(hides: &[Hide<'h>]) -> Vec<Hide<'h>> {
    let mut sorted = hides.to_vec();
    sorted.sort_by_key(|hide| (hide.start, hide.end, std::cmp::Reverse(hide.severity)));
    let mut merged: Vec<Hide<'h>> = Vec::new();
    for hide in sorted {
        match merged.last_mut() {
            Some(last) if hide.start < last.end => {
                if hide.severity > last.severity {
                    (last.kind, last.severity) = (hide.kind, hide.severity);
                }
                last.end = last.end.max(hide.end);
            }
            _ => merged.push(hide),
        }
    }
    merged
}

/// Where placeholders stand: `[`, a type's name in upper case, `_`, a number, `]`.
pub(crate) fn placeholders(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'[', bytes).filter_map(|start| placeholder(bytes, start).map(|end| (start, end))).collect()
}

fn placeholder(bytes: &[u8], start: usize) -> Option<usize> {
    const NAME_BYTES_MAX: usize = 32;
    let body = &bytes[start + 1..];
    let close = body.iter().take(NAME_BYTES_MAX + NUMBER_DIGITS_MAX + 2).position(|&byte| byte == b']')?;
    let name = &body[..close];
    let underscore = name.iter().rposition(|&byte| byte == b'_')?;
    let (kind, number) = (&name[..underscore], &name[underscore + 1..]);
    let named = !kind.is_empty()
        && kind.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
        && kind[0].is_ascii_uppercase();
    let numbered =
        (1..=NUMBER_DIGITS_MAX).contains(&number.len()) && number.iter().all(u8::is_ascii_digit) && number[0] != b'0';
    // A name made of digits would carry a number through: no type has more than one digit.
    (named && numbered && kind.iter().filter(|byte| byte.is_ascii_digit()).count() <= 1).then_some(start + close + 2)
}

/// Puts the values back into a safe version.
pub fn restore(safe: &str, values: &[(String, String)]) -> String {
    let by_name: BTreeMap<&str, &str> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut out = String::with_capacity(safe.len());
    let mut at = 0;
    for (start, end) in placeholders(safe) {
        out.push_str(&safe[at..start]);
        out.push_str(by_name.get(&safe[start..end]).copied().unwrap_or(&safe[start..end]));
        at = end;
    }
    out.push_str(&safe[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(text: &str, value: &str, kind: &'static str) -> Hide<'static> {
        let start = text.find(value).unwrap();
        Hide { start, end: start + value.len(), kind, severity: 3 }
    }

    #[test]
    fn one_value_has_one_name_in_any_spelling() {
        let mut names = Placeholders::default();
        let text = "a@b.org, A@B.org and c@d.org";
        let hides = [hide(text, "a@b.org", "EMAIL"), hide(text, "A@B.org", "EMAIL"), hide(text, "c@d.org", "EMAIL")];
        let safe = apply(text, &hides, &mut names);
        assert_eq!(safe, "[EMAIL_1], [EMAIL_1] and [EMAIL_2]");
        assert_eq!(restore(&safe, &names.restore), "a@b.org, a@b.org and c@d.org");
    }

    #[test]
    fn json_stays_json_with_numbers_keys_and_spans_across_values() {
        let text = r#"{"card": 4111111111111111, "a@b.org": ["x y", "z"], "n": null}"#;
        let across =
            Hide { start: text.find("x y").unwrap(), end: text.find("z").unwrap() + 1, kind: "PERSON", severity: 3 };
        let hides = [hide(text, "4111111111111111", "CREDIT_CARD"), hide(text, "a@b.org", "EMAIL"), across];
        let safe = apply(text, &hides, &mut Placeholders::default());
        assert_eq!(safe, r#"{"card": "[CREDIT_CARD_1]", "[EMAIL_1]": ["[PERSON_1]", "[PERSON_2]"], "n": null}"#);
        assert!(serde_json::from_str::<serde_json::Value>(&safe).is_ok());
    }

    #[test]
    fn overlaps_become_one_under_the_gravest_name() {
        let mut a = hide("my card 4111 1111", "card 4111", "PHONE");
        a.severity = 3;
        let mut b = hide("my card 4111 1111", "4111 1111", "CREDIT_CARD");
        b.severity = 8;
        assert_eq!(apply("my card 4111 1111", &[a, b], &mut Placeholders::default()), "my [CREDIT_CARD_1]");
    }

    #[test]
    fn placeholders_are_known_and_numbers_of_the_text_are_kept() {
        let text = "[EMAIL_7] [x_1] [SSN_049262965] [US_SSN_1] [A1B2C3D4_1]";
        let found: Vec<_> = placeholders(text).into_iter().map(|(start, end)| &text[start..end]).collect();
        assert_eq!(found, ["[EMAIL_7]", "[US_SSN_1]"]);
        let mut names = Placeholders::default();
        names.reserve(text);
        assert_eq!(names.name("EMAIL", "a@b.org"), "[EMAIL_8]");
    }
}
