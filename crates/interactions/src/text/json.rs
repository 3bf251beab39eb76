//! Just enough JSON to redact it and stay JSON: a validating walk without recursion that lists strings and scalars with
//! their places. No value is built, so depth costs one byte a level and time is linear.

/// A leaf of a document, or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// First byte: for a string that of its opening quote.
    pub(crate) start: usize,
    /// First byte after it.
    pub(crate) end: usize,
    pub(crate) kind: LeafKind,
}

/// What a leaf is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeafKind {
    Key,
    String,
    /// Number, `true`, `false` or `null`.
    Scalar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// The leaves of a JSON text (RFC 8259), or `None` when it is not one.
pub(crate) fn leaves(text: &str) -> Option<Vec<Leaf>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    // One byte a level: `true` for an object.
    let mut stack: Vec<bool> = Vec::new();
    let mut expect = Expect::Value;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
            continue;
        }
        let value_due = matches!(expect, Expect::Value | Expect::ValueOrEnd);
        match byte {
            b'{' | b'[' if value_due => {
                stack.push(byte == b'{');
                expect = if byte == b'{' { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
                at += 1;
            }
            b'}' | b']' => {
                let object = stack.pop()?;
                let may_end = expect == Expect::CommaOrEnd
                    || expect == if object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
                if object != (byte == b'}') || !may_end {
                    return None;
                }
                expect = if stack.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
                at += 1;
            }
            b',' if expect == Expect::CommaOrEnd => {
                expect = if *stack.last()? { Expect::Key } else { Expect::Value };
                at += 1;
            }
            b':' if expect == Expect::Colon => {
                expect = Expect::Value;
                at += 1;
            }
            b'"' if value_due || matches!(expect, Expect::Key | Expect::KeyOrEnd) => {
                let end = string_end(bytes, at)?;
                found.push(Leaf { start: at, end, kind: if value_due { LeafKind::String } else { LeafKind::Key } });
                expect = match (value_due, stack.is_empty()) {
                    (false, _) => Expect::Colon,
                    (true, true) => Expect::Nothing,
                    (true, false) => Expect::CommaOrEnd,
                };
                at = end;
            }
            _ if value_due => {
                let end = scalar_end(bytes, at)?;
                found.push(Leaf { start: at, end, kind: LeafKind::Scalar });
                expect = if stack.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
                at = end;
            }
            _ => return None,
        }
    }
    (expect == Expect::Nothing).then_some(found)
}

fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => match *bytes.get(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' => {
                    hex4(bytes, at + 2)?;
                    at += 6;
                }
                _ => return None,
            },
            0..0x20 => return None,
            _ => at += 1,
        }
    }
}

fn scalar_end(bytes: &[u8], start: usize) -> Option<usize> {
    for word in [b"true".as_slice(), b"false", b"null"] {
        if bytes[start..].starts_with(word) {
            return Some(start + word.len());
        }
    }
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let first = if bytes[start] == b'-' { start + 1 } else { start };
    let mut end = digits(first);
    if end == first || bytes[first] == b'0' && end > first + 1 {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if fraction == end + 1 {
            return None;
        }
        end = fraction;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent == end + 1 + sign {
            return None;
        }
        end = exponent;
    }
    Some(end)
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    four.iter().try_fold(0, |sum, &byte| Some(sum * 16 + char::from(byte).to_digit(16)?))
}

/// The character that `\uXXXX` (or a surrogate pair of them) at `at` spells, and its end; a lone surrogate reads as
/// U+FFFD.
pub(crate) fn unicode_escape(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let high = hex4(bytes, at + 2)?;
    if (0xd800..0xdc00).contains(&high)
        && bytes.get(at + 6) == Some(&b'\\')
        && bytes.get(at + 7) == Some(&b'u')
        && let Some(low @ 0xdc00..0xe000) = hex4(bytes, at + 8)
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return Some((char::from_u32(code)?, at + 12));
    }
    Some((char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), at + 6))
}

/// Levels of a JSON pointer that are spelled out; a deeper place has none.
const POINTER_LEVELS_MAX: usize = 64;

/// The JSON pointers (RFC 6901) of the leaves that hold the given byte positions (rising); a key has its value's pointer.
pub(crate) fn pointers(text: &str, positions: &[usize]) -> Vec<Option<String>> {
    let Some(leaves) = leaves(text) else { return vec![None; positions.len()] };
    let bytes = text.as_bytes();
    let mut path: Vec<Step> = Vec::new();
    let mut answers = Vec::with_capacity(positions.len());
    let mut at = 0;
    let mut wanted = positions.iter().peekable();
    for leaf in &leaves {
        walk(bytes, at, leaf.start, &mut path);
        if leaf.kind == LeafKind::Key
            && let Some(step) = path.last_mut()
        {
            *step = Step::Key(leaf.start + 1, leaf.end - 1);
        }
        while let Some(&&position) = wanted.peek()
            && position < leaf.end
        {
            answers.push((path.len() <= POINTER_LEVELS_MAX).then(|| spell(text, &path)));
            wanted.next();
        }
        at = leaf.end;
    }
    answers.resize(positions.len(), None);
    answers
}

#[derive(Clone, Copy)]
enum Step {
    Index(usize),
    Key(usize, usize),
}

/// Follows brackets and commas between two leaves.
fn walk(bytes: &[u8], from: usize, to: usize, path: &mut Vec<Step>) {
    for &byte in &bytes[from..to] {
        match byte {
            b'[' => path.push(Step::Index(0)),
            b'{' => path.push(Step::Key(0, 0)),
            b']' | b'}' => {
                path.pop();
            }
            b',' => {
                if let Some(Step::Index(index)) = path.last_mut() {
                    *index += 1;
                }
            }
            _ => {}
        }
    }
}

fn spell(text: &str, path: &[Step]) -> String {
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match *step {
            Step::Index(index) => pointer.push_str(&index.to_string()),
            Step::Key(start, end) => {
                let key = &text[start..end];
                // Keys are shown as they are written, with the two escapes of RFC 6901.
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_agrees_with_serde_json_on_what_json_is() {
        let good = ["{}", "[]", "1", "-0.5e+3", "\"a\\u00e9\\n\"", "[1,{\"a\":[true,null]},\"x\"]", " { \"a\" : 1 } "];
        let bad = [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "01",
            "1.",
            "\"a",
            "\"\\x\"",
            "[1 2]",
            "{\"a\":1,}",
            "]",
            "1 2",
            "\"\t\"",
        ];
        for text in good {
            assert!(leaves(text).is_some() && serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
        for text in bad {
            assert!(leaves(text).is_none() && serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_by_memory_alone() {
        let deep = format!("{}1{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(leaves(&deep).unwrap().len(), 1);
        assert_eq!(pointers(&deep, &[1_000_000]), [None]);
    }

    #[test]
    fn pointers_name_the_place() {
        let text = r#"{"a": [1, {"b/c": "x"}], "d": 2}"#;
        let x = text.find('x').unwrap();
        let two = text.find('2').unwrap();
        assert_eq!(pointers(text, &[x, two]), [Some("/a/1/b~1c".to_owned()), Some("/d".to_owned())]);
    }
}
