//! Who is asking: the address of the connection, or, behind trusted proxies, the last address in `X-Forwarded-For`
//! that is not one of them. Anything further left in that header was written by the client and is not believed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use crate::config::Network;
use crate::state::HttpState;

/// The client of a request, as an extension of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Whether it reached us through TLS.
    pub(crate) tls: bool,
}

/// Finds the client out and notes it in the request's extensions.
pub(crate) async fn identify_client(State(state): State<HttpState>, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    // Without a connection the router is called inside the process, by a test.
    let connection = connection.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_canonical();
    let peer = peer(connection, request.headers(), &state.config().server.trusted_proxies);
    request.extensions_mut().insert(peer);
    next.run(request).await
}

/// The client behind a connection.
fn peer(connection: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Peer {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(connection) {
        return Peer { address: connection, tls: false };
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut address = connection;
    for hop in hops.iter().rev() {
        let Ok(hop) = hop.parse::<IpAddr>() else { break };
        address = hop.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    let tls = headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
    Peer { address, tls }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(connection: &str, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let peer = peer(connection.parse().unwrap(), &headers, &trusted);
        assert_eq!(peer.address, expected.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn forwarded_addresses_are_believed_from_trusted_proxies_only() {
        check("203.0.113.9", &["198.51.100.1"], "203.0.113.9");
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn addresses_that_the_client_wrote_itself_are_skipped() {
        check("10.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1");
        check("10.0.0.1", &["1.2.3.4", "198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["198.51.100.1, rubbish"], "10.0.0.1");
    }

    #[test]
    fn mapped_addresses_count_as_ipv4() {
        check("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
    }
}
