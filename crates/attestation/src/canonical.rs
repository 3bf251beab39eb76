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
/// [`Error::UnsafeInteger`] when an integer is beyond ±(2^53 - 1): the canonical form would silently change it.
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
            if magnitude.is_some_and(|magnitude| magnitude > INTEGER_MAX) {
                return Err(Error::UnsafeInteger { path: path.clone() });
            }
            Ok(())
        }
        Value::Array(items) => items.iter().enumerate().try_for_each(|(at, item)| under(&at.to_string(), item)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| under(name, member)),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}
