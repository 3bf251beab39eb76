//! How much one client may ask: a token bucket per address and class of request. Submitting an audit is one class,
//! everything else the other.
//!
//! The bucket is a generic cell rate algorithm (ITU-T I.371): one time per client, at which its bucket is full again.
//! It is our own and not a library's because it runs on the injected clock, tells when the bucket is full again, and
//! holds a bounded number of clients. An IPv6 client is its /64: one machine owns that many addresses.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;

use super::Peer;
use crate::api;
use crate::app::AppError;
use crate::config::{Limits, Rate};
use crate::state::HttpState;

/// Clients remembered at once. Beyond it, those with a full bucket are forgotten, then the one nearest to it: about
/// 10 MB at most.
const CLIENTS_MAX: usize = 100_000;

/// The buckets of both classes.
#[derive(Debug)]
pub(crate) struct RateLimits {
    audits: Buckets,
    reads: Buckets,
}

impl RateLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { audits: Buckets::new(limits.audits, CLIENTS_MAX), reads: Buckets::new(limits.reads, CLIENTS_MAX) }
    }

    fn of(&self, request: &Request) -> &Buckets {
        if request.method() == Method::POST && request.uri().path() == "/audit/full" {
            &self.audits
        } else {
            &self.reads
        }
    }
}

/// Takes a token of the client's bucket, or answers 429; says in either case how the bucket stands.
pub(crate) async fn limit_rate(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let Some(peer) = request.extensions().get::<Peer>().copied() else {
        return next.run(request).await;
    };
    let taken = state.rate_limits().of(&request).take(peer.address, state.clock().now());
    let mut response = if taken.admitted {
        next.run(request).await
    } else {
        api::error_response(request.uri().path(), AppError::RateLimited { retry_after_s: taken.retry_after_s })
    };
    for (name, value) in [
        (HeaderName::from_static("ratelimit-limit"), u64::from(taken.limit)),
        (HeaderName::from_static("ratelimit-remaining"), taken.remaining),
        (HeaderName::from_static("ratelimit-reset"), taken.reset_s),
    ] {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}

/// How a bucket stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    admitted: bool,
    limit: u32,
    remaining: u64,
    /// Seconds until the bucket is full again.
    reset_s: u64,
    /// Seconds until the next token; 0 when admitted.
    retry_after_s: u64,
}

/// One class of buckets.
#[derive(Debug)]
struct Buckets {
    rate: Rate,
    clients_max: usize,
    /// When each client's bucket is full again, microseconds since the epoch.
    full_at_us: Mutex<BTreeMap<IpAddr, u64>>,
}

impl Buckets {
    fn new(rate: Rate, clients_max: usize) -> Self {
        Self { rate, clients_max, full_at_us: Mutex::new(BTreeMap::new()) }
    }

    fn take(&self, address: IpAddr, now: Timestamp) -> Taken {
        let now_us = u64::try_from(now.as_microsecond()).unwrap_or_default();
        let token_us = 60_000_000 / u64::from(self.rate.per_minute);
        let bucket_us = token_us * u64::from(self.rate.burst);
        let mut full_at_us = self.full_at_us.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let client = network_of(address);
        // The clock of the machine may be set back: no bucket is ever further from full than empty.
        let old = full_at_us.get(&client).copied().unwrap_or(now_us).clamp(now_us, now_us + bucket_us);
        let new = old + token_us;
        let admitted = new <= now_us + bucket_us;
        let full_at = if admitted { new } else { old };
        if admitted {
            if full_at_us.len() >= self.clients_max && !full_at_us.contains_key(&client) {
                forget(&mut full_at_us, now_us);
            }
            full_at_us.insert(client, new);
        }
        Taken {
            admitted,
            limit: self.rate.burst,
            remaining: (now_us + bucket_us - full_at) / token_us,
            reset_s: (full_at - now_us).div_ceil(1_000_000),
            retry_after_s: if admitted { 0 } else { (new - now_us - bucket_us).div_ceil(1_000_000) },
        }
    }
}

/// Makes room: forgets every client with a full bucket, or, when there is none, the one nearest to it.
fn forget(full_at_us: &mut BTreeMap<IpAddr, u64>, now_us: u64) {
    let before = full_at_us.len();
    full_at_us.retain(|_, full_at| *full_at > now_us);
    if full_at_us.len() == before
        && let Some(nearest) = full_at_us.iter().min_by_key(|(_, full_at)| **full_at).map(|(client, _)| *client)
    {
        full_at_us.remove(&nearest);
    }
}

/// The network that an address stands for: itself, or the /64 of an IPv6 address, all of which one machine owns.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock, MockClock};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn burst_passes_then_tokens_come_evenly() {
        let clock = MockClock::default();
        let buckets = Buckets::new(Rate { per_minute: 60, burst: 3 }, 10);
        let client = address("192.0.2.1");
        for remaining in [2, 1, 0] {
            let taken = buckets.take(client, clock.now());
            assert!(taken.admitted);
            assert_eq!((taken.remaining, taken.reset_s), (remaining, 3 - remaining));
        }
        let refused = buckets.take(client, clock.now());
        assert_eq!(refused, Taken { admitted: false, limit: 3, remaining: 0, reset_s: 3, retry_after_s: 1 });
        clock.advance(Duration::from_millis(999));
        assert!(!buckets.take(client, clock.now()).admitted);
        clock.advance(Duration::from_millis(1));
        assert!(buckets.take(client, clock.now()).admitted);
        assert!(!buckets.take(client, clock.now()).admitted);
    }

    #[test]
    fn clients_do_not_share_buckets_but_a_64_does() {
        let now = MockClock::default().now();
        let buckets = Buckets::new(Rate { per_minute: 1, burst: 1 }, 10);
        assert!(buckets.take(address("192.0.2.1"), now).admitted);
        assert!(buckets.take(address("192.0.2.2"), now).admitted);
        assert!(!buckets.take(address("::ffff:192.0.2.2"), now).admitted);
        assert!(buckets.take(address("2001:db8::1"), now).admitted);
        assert!(!buckets.take(address("2001:db8::ffff:ffff"), now).admitted);
        assert!(buckets.take(address("2001:db8:0:1::1"), now).admitted);
    }

    #[test]
    fn remembered_clients_are_bounded() {
        let clock = MockClock::default();
        let buckets = Buckets::new(Rate { per_minute: 60, burst: 2 }, 4);
        for last in 0..20_u8 {
            assert!(buckets.take(IpAddr::from([192, 0, 2, last]), clock.now()).admitted);
            assert!(buckets.full_at_us.lock().unwrap().len() <= 4);
        }
        clock.advance(Duration::from_secs(60));
        assert!(buckets.take(address("192.0.2.200"), clock.now()).admitted);
        assert_eq!(buckets.full_at_us.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let clock = MockClock::default();
        let earlier = clock.now();
        clock.advance(Duration::from_secs(86_400));
        let buckets = Buckets::new(Rate { per_minute: 60, burst: 1 }, 10);
        assert!(buckets.take(address("192.0.2.1"), clock.now()).admitted);
        let refused = buckets.take(address("192.0.2.1"), earlier);
        assert_eq!((refused.admitted, refused.retry_after_s), (false, 1));
    }
}
