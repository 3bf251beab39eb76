//! `[server]`: addresses, connections, stopping.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Problems;

/// Where the server listens and how it treats connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address under which clients reach the server, e.g. `https://assize.example.org`; goes into `verify_url`.
    /// Without it, the listening address.
    pub public_url: Option<String>,
    /// Networks of reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, e.g. `10.0.0.0/8`.
    pub trusted_proxies: Vec<Network>,
    /// Connections open at once; more wait in the operating system's queue.
    pub connections_max: usize,
    /// Seconds within which a client must have sent its request headers.
    pub header_timeout_s: u64,
    /// Seconds that running requests and jobs get after a request to stop.
    pub shutdown_grace_s: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            trusted_proxies: Vec::new(),
            connections_max: 1_024,
            header_timeout_s: 30,
            shutdown_grace_s: 20,
        }
    }
}

impl Server {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if let Some(url) = &self.public_url {
            problems.http_url(url, "server.public_url");
        }
        problems.within(self.connections_max as u64, 1, 1 << 20, "server.connections_max");
        problems.within(self.header_timeout_s, 1, 300, "server.header_timeout_s");
        problems.within(self.shutdown_grace_s, 0, 3_600, "server.shutdown_grace_s");
    }
}

/// An address range in CIDR notation; a single address is a range of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// The range of `address` with its first `prefix_bits` bits.
    pub(super) const fn new(address: IpAddr, prefix_bits: u8) -> Self {
        Self { address, prefix_bits }
    }

    /// Whether `address` lies in the range. An IPv4 address written as IPv6 (`::ffff:a.b.c.d`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, own, other) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (32, u128::from(own.to_bits()), u128::from(other.to_bits())),
            (IpAddr::V6(own), IpAddr::V6(other)) => (128, own.to_bits(), other.to_bits()),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        // A shift by the full width is undefined for integers: a prefix of 0 contains everything.
        let host_bits = u32::from(bits - self.prefix_bits);
        host_bits == 128 || own >> host_bits == other >> host_bits
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| format!("'{text}' is not an address or network"))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            None => bits,
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|prefix| *prefix <= bits)
                .ok_or_else(|| format!("'{text}': the part after the slash must be a number from 0 to {bits}"))?,
        };
        Ok(Self { address, prefix_bits })
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}/{}", self.address, self.prefix_bits))
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("0.0.0.0/0", "203.0.113.1", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network:?} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network:?} {outside}");
        }
    }

    #[test]
    fn malformed_networks_are_refused() {
        for text in ["", "ten", "10.0.0.0/33", "10.0.0.0/-1", "::1/129", "10.0.0.0/"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
