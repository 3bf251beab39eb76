//! IP addresses (RFC 791, RFC 4291) and MAC addresses (IEEE 802).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::pii::recognizer::{Category, Kind};

pub(crate) const IP: Kind = Kind::new("IP_ADDRESS", Category::Direct, 3);
pub(crate) const MAC: Kind = Kind::new("MAC_ADDRESS", Category::Direct, 2);

pub(crate) const IP_WORDS: &[&str] = &[
    "ip",
    "ip address*",
    "ip-adresse*",
    "adresse ip",
    "dirección ip",
    "indirizzo ip",
    "host",
    "server",
    "connected from",
];

/// The IPv4 address at `start`: end, and whether it is of a private or special range.
pub(crate) fn ipv4(text: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut octets = [0u8; 4];
    let mut at = start;
    for (nth, octet) in octets.iter_mut().enumerate() {
        let digits = text.get(at..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=3).contains(&digits) || digits > 1 && text[at] == b'0' {
            return None;
        }
        let value = text[at..at + digits].iter().fold(0u32, |sum, byte| sum * 10 + u32::from(byte - b'0'));
        *octet = u8::try_from(value).ok()?;
        at += digits;
        if nth < 3 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
    }
    let next = text.get(at).copied().unwrap_or(b' ');
    if next.is_ascii_alphanumeric() || matches!(next, b'.' | b'-') && text.get(at + 1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let address = Ipv4Addr::from(octets);
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_documentation();
    Some((at, special))
}

/// The IPv6 address at `start`. Short ones are refused: `a::b` is a path in many programming languages.
pub(crate) fn ipv6(text: &[u8], start: usize) -> Option<(usize, bool)> {
    let length = text[start..]
        .iter()
        .take(46)
        .take_while(|&&byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        .count();
    let mut end = start + length;
    while end > start && matches!(text[end - 1], b'.' | b':') && !text[start..end].ends_with(b"::") {
        end -= 1;
    }
    let spelled = std::str::from_utf8(&text[start..end]).ok()?;
    if text.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let groups = spelled.split([':', '.']).filter(|group| !group.is_empty()).count();
    let digits = spelled.bytes().filter(u8::is_ascii_digit).count();
    if spelled.matches(':').count() < 2 || groups < 3 || digits < 2 {
        return None;
    }
    let address: Ipv6Addr = spelled.parse().ok()?;
    let first = address.segments()[0];
    let special = address.is_loopback()
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first == 0x2001 && address.segments()[1] == 0xdb8;
    Some((end, special))
}

/// The MAC address at `start`: six pairs with `:` or `-`, or three groups of four with `.`.
pub(crate) fn mac(text: &[u8], start: usize) -> Option<usize> {
    let sep = *text.get(start + 2)?;
    let (groups, width, sep) = match sep {
        b':' | b'-' => (6, 2, sep),
        _ if text.get(start + 4) == Some(&b'.') => (3, 4, b'.'),
        _ => return None,
    };
    let mut at = start;
    for nth in 0..groups {
        if !text.get(at..at + width)?.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        at += width;
        if nth + 1 < groups {
            if text.get(at) != Some(&sep) {
                return None;
            }
            at += 1;
        }
    }
    let next = text.get(at).copied().unwrap_or(b' ');
    let after = text.get(at + 1).copied().unwrap_or(b' ');
    let body = &text[start..at];
    let flat = body.iter().filter(|byte| byte.is_ascii_hexdigit()).all(|&byte| byte == body[0]);
    (!(flat || next.is_ascii_alphanumeric() || next == sep && after.is_ascii_hexdigit())).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_what_only_looks_like_them() {
        assert_eq!(ipv4(b"57.96.157.66 ", 0), Some((12, false)));
        assert_eq!(ipv4(b"10.0.0.1", 0), Some((8, true)));
        for text in ["6.758.3.9550", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.456"] {
            assert_eq!(ipv4(text.as_bytes(), 0), None, "{text}");
        }
        let long = "8fc:4c2f:f61f:bd7:2eea:7908:598c:f30d";
        assert_eq!(ipv6(long.as_bytes(), 0), Some((long.len(), false)));
        assert_eq!(ipv6(b"2001:4860:4860::8888.", 0), Some((20, false)));
        for text in ["a::b", "12:30:45", "std::fs", "::", "dead:beef"] {
            assert_eq!(ipv6(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(mac(b"84:20:57:57:98:4b)", 0), Some(17));
        assert_eq!(mac(b"0011.2233.4455", 0), Some(14));
        assert_eq!(mac(b"00-11-22-33-44-5g", 0), None);
        assert_eq!(mac(b"00:00:00:00:00:00", 0), None);
        assert_eq!(mac(b"a4:3a:1e:c5:d2:76:11", 0), None);
    }
}
