//! Mail addresses: an `@` with a local part before and a domain with a top-level label after (RFC 5321, the dot-atom form
//! people write). Addresses of documentation domains (RFC 2606) are reported with low confidence.

use crate::pii::recognizer::{Category, Kind};

pub(crate) const EMAIL: Kind = Kind::new("EMAIL", Category::Direct, 3);

/// RFC 5321 section 4.5.3.1: 64 octets of local part, 255 of domain.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;

/// The address around the `@` at `at`: start, end, confidence.
pub(crate) fn address(text: &str, at: usize) -> Option<(usize, usize, f32)> {
    let bytes = text.as_bytes();
    let local = bytes[..at].iter().rev().take(LOCAL_BYTES_MAX + 1).take_while(|&&byte| is_local(byte)).count();
    let mut start = at - local;
    // Non-ASCII bytes may begin inside a character when the part is over-long.
    while !text.is_char_boundary(start) {
        start += 1;
    }
    while start < at && matches!(bytes[start], b'.' | b'-' | b'\'' | b'/' | b'=') {
        start += 1;
    }
    // A word of a script without spaces runs into the address: 邮箱xiu@… is the address xiu@….
    if let Some((offset, c)) = text[start..at].char_indices().rev().find(|(_, c)| crate::words::unspaced(*c)) {
        start += offset + c.len_utf8();
    }
    let domain = bytes[at + 1..].iter().take(DOMAIN_BYTES_MAX + 1).take_while(|&&byte| is_domain(byte)).count();
    let mut end = at + 1 + domain;
    while end > at + 1 && matches!(bytes[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let name = &bytes[at + 1..end];
    if start == at || local > LOCAL_BYTES_MAX || domain > DOMAIN_BYTES_MAX || bytes[at - 1] == b'.' {
        return None;
    }
    let mut labels = name.split(|&byte| byte == b'.');
    let top = labels.next_back()?;
    let second = labels.next_back()?;
    let valid = name.split(|&byte| byte == b'.').all(|label| !label.is_empty() && label.len() <= 63);
    if !valid || !(2..=24).contains(&top.len()) || !top.iter().all(u8::is_ascii_alphabetic) && !top.starts_with(b"xn--")
    {
        return None;
    }
    let documentation = second.eq_ignore_ascii_case(b"example")
        || [b"test".as_slice(), b"example", b"invalid", b"localhost"].iter().any(|name| top.eq_ignore_ascii_case(name));
    Some((start, end, if documentation { 0.3 } else { 0.95 }))
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || b"._%+-'/=!#$&*?^`{|}~".contains(&byte) && !b"'/=`{|}".contains(&byte)
        || byte == b'\''
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        address(text, text.find('@').unwrap()).map(|(start, end, _)| &text[start..end])
    }

    #[test]
    fn addresses_are_cut_from_what_surrounds_them() {
        assert_eq!(found("write to ana.b+tag@mail.example.org."), Some("ana.b+tag@mail.example.org"));
        assert_eq!(found("(ana@b.co)"), Some("ana@b.co"));
        assert_eq!(found("邮箱xiuying25@b.net"), Some("xiuying25@b.net"));
        assert_eq!(found("mailto:ana@b.co?x"), Some("ana@b.co"));
        assert_eq!(found("\"ana@b.com.au\","), Some("ana@b.com.au"));
        assert_eq!(found("josé@correo.es"), Some("josé@correo.es"));
    }

    #[test]
    fn handles_and_code_are_no_addresses() {
        for text in ["@user", "a@b", "x @ y.com", "a@b.c", "pkg@1.2.3", "foo.@b.com", "user@host"] {
            assert_eq!(found(text), None, "{text}");
        }
        assert_eq!(address("a@example.com", 1).map(|(_, _, confidence)| confidence), Some(0.3));
        assert_eq!(address("a@b.test", 1).map(|(_, _, confidence)| confidence), Some(0.3));
    }
}
