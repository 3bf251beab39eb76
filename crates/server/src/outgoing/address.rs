//! Which addresses are on the public internet. Everything else is refused, by the special-purpose registries of IANA
//! (RFC 6890 and its updates); an IPv6 address that carries an IPv4 address is judged by that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is on the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local() // also the metadata service of most clouds, 169.254.169.254
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0 // RFC 791 "this network"
        || (a == 100 && b & 0b1100_0000 == 64) // RFC 6598 carrier-grade NAT
        || (a == 192 && b == 0 && c == 0) // RFC 6890 protocol assignments
        || (a == 192 && b == 88 && c == 99) // RFC 7526 6to4 relays
        || (a == 198 && b & 0b1111_1110 == 18) // RFC 2544 benchmarks
        || a >= 240 // RFC 1112 reserved
        || address == Ipv4Addr::new(168, 63, 129, 16); // Azure's host service, public only by its number
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let [a, b, c, d, ..] = address.segments();
    // Only 2000::/3 is given out (IANA); within it, some ranges are special.
    let special = a & 0xe000 != 0x2000
        || (a == 0x2001 && b < 0x0200) // RFC 2928 protocol assignments, with Teredo 2001::/32
        || (a == 0x2001 && b == 0x0db8) // RFC 3849 documentation
        || (a == 0x3fff && b < 0x1000) // RFC 9637 documentation
        || (a == 0x2620 && b == 0x004f && c == 0x8000 && d == 0); // RFC 7534 AS112
    !special
}

/// The IPv4 address within an IPv6 address: mapped, compatible, translated (NAT64), 6to4, or ISATAP (RFC 5214), whose
/// interface identifier is 0:5efe or, for an address it takes for global, 200:5efe before the IPv4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let low = Ipv4Addr::from_bits((bits & 0xffff_ffff) as u32);
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(low),
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Some(low),
        [0x2002, ..] => Some(Ipv4Addr::from_bits(((bits >> 80) & 0xffff_ffff) as u32)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001::1",
            // Teredo (RFC 4380): the client's IPv4 address stands inverted in the last bits; refused as a range.
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:0:7f00:1::f5ff:fffe",
            // Discard-only, SIIT's translated form, ISATAP under a public prefix.
            "100::",
            "::ffff:0:127.0.0.1",
            "2606:4700::5efe:10.0.0.1",
            "2606:4700::200:5efe:127.0.0.1",
            "2002:a9fe:a9fe::",
            "64:ff9b::10.0.0.1",
            "::10.0.0.1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "4000::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn ordinary_addresses_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
