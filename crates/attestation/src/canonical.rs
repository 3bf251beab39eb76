//! Canonical JSON (RFC 8785) and SHA-256: the bytes that hashes and signatures are made over.
//!
//! Written by `serde_json_canonicalizer`; this module adds what a hash needs beside it: integers that a double cannot
//! hold are refused instead of rounded, and [`parse`] accepts a text only if it *is* the canonical form, possibly laid
//! out for reading in one of a few regular ways. Two texts that differ in one byte are therefore never both accepted
//! for the same value: a respelled number or escape, a duplicate key, a changed order or a stray blank is noticed.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Error;

/// Largest JSON text that is read, in bytes. A certificate with every table filled stays under 2 MiB.
pub const JSON_BYTES_MAX: usize = 16 << 20;

/// Largest integer that every JSON reader keeps exactly: 2^53 - 1 (RFC 8785 section 3.2.2.3, RFC 7493 section 2.2).
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Widest indentation that [`parse`] accepts, in characters.
const INDENT_CHARS_MAX: usize = 8;

/// The RFC 8785 bytes of a value.
///
/// # Errors
/// [`Error::UnsafeInteger`] when the canonical form would change the digits of an integer beyond ±(2^53 - 1).
pub fn to_bytes(value: &Value) -> Result<Vec<u8>, Error> {
    check_integers(value, &mut String::new())?;
    serde_json_canonicalizer::to_vec(value).map_err(|error| Error::malformed("the JSON value", error))
}

/// Lowercase hex SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Whether `bytes` are JSON in canonical form, as [`parse`] understands it.
pub fn is_canonical(bytes: &[u8]) -> bool {
    parse(bytes).is_ok()
}

/// Reads JSON and insists that the text is the canonical form of its value: compact as RFC 8785 writes it, or with
/// `, ` and `: ` between members, or indented by 1 to 8 blanks or a tab as `jq` does; one final line feed may follow.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Malformed`] when it is not JSON (or nested deeper than 128), [`Error::NotCanonical`].
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    let value = parse_any(bytes)?;
    check_layout(bytes, &to_bytes(&value)?)?;
    Ok(value)
}

/// Reads JSON in any spelling, within the size limit.
pub(crate) fn parse_any(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.len() > JSON_BYTES_MAX {
        return Err(Error::TooLarge { what: "the JSON text", bytes: bytes.len(), bytes_max: JSON_BYTES_MAX });
    }
    serde_json::from_slice(bytes).map_err(|error| Error::malformed("the JSON text", error))
}

/// Whether `bytes` lay out `canonical` in an accepted way.
pub(crate) fn check_layout(bytes: &[u8], canonical: &[u8]) -> Result<(), Error> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let expected = match layout_of(text) {
        Layout::Compact => canonical.to_vec(),
        Layout::Spaced => lay_out(canonical, b", ", None),
        Layout::Indented(indent) => lay_out(canonical, b",", Some(indent)),
    };
    match text.iter().zip(&expected).position(|(found, wanted)| found != wanted) {
        Some(offset) => Err(Error::NotCanonical { offset }),
        None if text.len() != expected.len() => Err(Error::NotCanonical { offset: text.len().min(expected.len()) }),
        None => Ok(()),
    }
}

/// How the tokens of an accepted text are set apart.
enum Layout<'a> {
    Compact,
    Spaced,
    Indented(&'a [u8]),
}

/// Reads the layout off the first blanks: a line feed after the opening bracket, or a blank after the first colon.
fn layout_of(text: &[u8]) -> Layout<'_> {
    if let Some(rest) = text.strip_prefix(b"{\n").or_else(|| text.strip_prefix(b"[\n")) {
        let blank = rest.first().copied().unwrap_or(b' ');
        let width = rest.iter().take_while(|byte| **byte == blank && matches!(blank, b' ' | b'\t')).count();
        let fits = (1..=INDENT_CHARS_MAX).contains(&width) && (blank == b' ' || width == 1);
        return if fits { Layout::Indented(&rest[..width]) } else { Layout::Compact };
    }
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b':' | b',' if !in_string => {
                return if text.get(at + 1) == Some(&b' ') { Layout::Spaced } else { Layout::Compact };
            }
            _ => {}
        }
    }
    Layout::Compact
}

/// Sets the tokens of compact JSON apart: `separator` after a member, `: ` after a key, a new line with `indent` for
/// each level when one is given. Empty brackets stay closed.
fn lay_out(compact: &[u8], separator: &[u8], indent: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() + compact.len() / 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let new_line = |out: &mut Vec<u8>, depth: usize| {
        if let Some(indent) = indent {
            out.push(b'\n');
            (0..depth).for_each(|_| out.extend_from_slice(indent));
        }
    };
    for (at, byte) in compact.iter().enumerate() {
        if in_string {
            out.push(*byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(*byte);
                depth += 1;
                if !matches!(compact.get(at + 1), Some(b'}' | b']')) {
                    new_line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(at.checked_sub(1).and_then(|before| compact.get(before)), Some(b'{' | b'[')) {
                    new_line(&mut out, depth);
                }
                out.push(*byte);
            }
            b',' => {
                out.extend_from_slice(separator);
                new_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => {
                in_string = *byte == b'"';
                out.push(*byte);
            }
        }
    }
    out
}

fn check_integers(value: &Value, path: &mut String) -> Result<(), Error> {
    let mut under = |name: &str, value: &Value| {
        let length = path.len();
        path.push('/');
        path.push_str(name);
        let checked = check_integers(value, path);
        path.truncate(length);
        checked
    };
    match value {
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            let large = magnitude.is_some_and(|magnitude| magnitude > INTEGER_MAX);
            // A large double is spelled as an integer too (1e17) and stays as it is; a large counter would not.
            let kept = |text: Vec<u8>| text == number.to_string().as_bytes();
            if large && !serde_json_canonicalizer::to_vec(number).is_ok_and(kept) {
                return Err(Error::UnsafeInteger { path: path.clone() });
            }
            Ok(())
        }
        Value::Array(items) => items.iter().enumerate().try_for_each(|(at, item)| under(&at.to_string(), item)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| under(name, member)),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn canonical(text: &str) -> String {
        String::from_utf8(to_bytes(&parse_any(text.as_bytes()).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn examples_of_rfc_8785() {
        // Section 3.2.2 and 3.2.3.
        let input = r#"{
          "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
          "literals": [null, true, false]
        }"#;
        let expected = concat!(
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
            r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        assert_eq!(canonical(input), expected);
        // Section 3.2.3: sorted by UTF-16 code units.
        let input = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let order: Vec<String> = canonical(input).split("\",\"").map(str::to_owned).collect();
        let names = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
        assert!(order.iter().zip(names).all(|(member, name)| member.contains(name)), "{order:?}");
        // Appendix B.
        for (bits, expected) in [
            (0x0000_0000_0000_0001_u64, "5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0001, "9007199254740994"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x8000_0000_0000_0000, "0"),
        ] {
            assert_eq!(to_bytes(&json!(f64::from_bits(bits))).unwrap(), expected.as_bytes());
        }
    }

    #[test]
    fn integers_that_would_lose_digits_are_refused() {
        assert!(to_bytes(&json!({"seed": INTEGER_MAX})).is_ok());
        assert!(is_canonical(&to_bytes(&json!({"mean": 1e17, "max": 1_152_921_504_606_846_976_f64})).unwrap()));
        assert!(to_bytes(&json!(-(INTEGER_MAX as i64))).is_ok());
        for value in [json!({"a": [0, INTEGER_MAX + 2]}), json!({"a": [0, u64::MAX]}), json!({"a": [0, i64::MIN]})] {
            assert_eq!(to_bytes(&value), Err(Error::UnsafeInteger { path: "/a/1".to_owned() }));
        }
    }

    #[test]
    fn only_canonical_text_and_its_regular_layouts_parse() {
        let check = |text: &str, expected: bool| assert_eq!(is_canonical(text.as_bytes()), expected, "{text:?}");
        check(r#"{"a":[1,{}],"b":"x: y, z"}"#, true);
        check("{\"a\":1}\n", true);
        check("7", true);
        check(r#"{"a": [1, {}], "b": "x: y, z"}"#, true);
        check("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}\n", true);
        check("{\n\t\"a\": 1\n}", true);
        check("{\n  \"a\": 1\n }", false);
        check("{\n  \"a\": 1\r}", false);
        check("{\n   \"a\": [\n    1\n  ]\n}", false);
        check("{\"a\":1}\n\n", false);
        check(" {\"a\":1}", false);
        check(r#"{"a": [1,{}]}"#, false);
        check(r#"{"b":1,"a":2}"#, false);
        check(r#"{"a":1,"a":1}"#, false);
        check(r#"{"a":1.0}"#, false);
        check(r#"{"a":0.10000000000000001}"#, false);
        check(r#"{"a":1e2}"#, false);
        check(r#"{"a":-0}"#, false);
        check(r#"{"a":"\u0041"}"#, false);
        check(r#"{"a":"\/"}"#, false);
        check(r#"{"a":9007199254740993}"#, false);
        check("", false);
        check(&"[".repeat(100_000), false);
        check(&format!("{}{}", "[".repeat(127), "]".repeat(127)), true);
    }

    #[test]
    fn the_size_limit_is_named() {
        let at = |bytes: usize| parse(format!("\"{}\"", "a".repeat(bytes - 2)).as_bytes());
        assert!(at(JSON_BYTES_MAX).is_ok());
        assert!(matches!(at(JSON_BYTES_MAX + 1), Err(Error::TooLarge { .. })));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(INTEGER_MAX as i64)..INTEGER_MAX as i64).prop_map(Value::from),
            (0.0..1e22_f64).prop_map(|x| Value::from(x.trunc())),
            any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{0,8}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_layout_of_a_value_parses_to_the_same_canonical_bytes(value in any_json()) {
            let bytes = to_bytes(&value).unwrap();
            let pretty = lay_out(&bytes, b",", Some(b"  "));
            let canonical_value: Value = serde_json::from_slice(&bytes).unwrap();
            for text in [bytes.clone(), lay_out(&bytes, b", ", None), pretty] {
                let parsed = parse(&text).unwrap();
                prop_assert_eq!(&parsed, &canonical_value);
                prop_assert_eq!(to_bytes(&parsed).unwrap(), bytes.clone());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
