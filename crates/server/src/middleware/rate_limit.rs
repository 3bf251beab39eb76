//! How much one client may ask: a token bucket per client and class of request. Who has a key or a session is their
//! organization; everybody else is the network they come from (an IPv6 client is its /64: one machine owns that many
//! addresses).
//!
//! On a shared database all processes share the buckets. What this process knows of a shared bucket stands before it:
//! a client beyond its rate is refused without a question to the database, and large buckets hand out some tokens in
//! advance. When the database does not answer at once, the process counts for itself for a while: a limit that is a few
//! times too high for a moment is better than an interface that waits.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use assize_store::rate_limits::Granted;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use super::buckets::{Buckets, Client, Taken};
use super::{Peer, PresentedKey};
use crate::api;
use crate::app::{AppError, SignedIn};
use crate::config::{ClassRates, Limits};
use crate::state::HttpState;

/// Clients remembered at once, per class. Beyond it, those with a full bucket are forgotten, then the one nearest to
/// it: about 10 MB at most.
const CLIENTS_MAX: usize = 100_000;

/// Longest wait for the shared bucket.
const SHARED_WAIT_MAX: Duration = Duration::from_millis(250);
/// Time for which a process counts for itself after the shared bucket could not be reached.
const SHARED_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Share of a bucket that is handed out in advance, and the most of it.
const ADVANCE_DIVISOR: u32 = 100;
const ADVANCE_TOKENS_MAX: u32 = 20;

/// Paths that say whether the process lives: they must not wait for a database that does not answer.
const PROBES: [&str; 2] = ["/health", "/ready"];

/// Classes of requests, each with buckets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Submitting an audit.
    Audits,
    /// Anything else that changes something.
    Writes,
    /// Looking.
    Reads,
}

impl Class {
    fn of(method: &Method, path: &str) -> Self {
        match (method, path) {
            (&Method::POST, "/audit/full" | "/dashboard/audits") => Self::Audits,
            (&Method::GET | &Method::HEAD | &Method::OPTIONS, _) => Self::Reads,
            _ => Self::Writes,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Audits => "audits",
            Self::Writes => "writes",
            Self::Reads => "reads",
        }
    }
}

/// All buckets.
#[derive(Debug)]
pub(crate) struct RateLimits {
    networks: ClassBuckets,
    organizations: ClassBuckets,
    /// Until when on the stopwatch the shared buckets are left alone, microseconds.
    alone_until_us: AtomicU64,
}

#[derive(Debug)]
struct ClassBuckets {
    audits: Buckets,
    writes: Buckets,
    reads: Buckets,
}

impl ClassBuckets {
    fn new(rates: &ClassRates) -> Self {
        Self {
            audits: Buckets::new(rates.audits, CLIENTS_MAX),
            writes: Buckets::new(rates.writes, CLIENTS_MAX),
            reads: Buckets::new(rates.reads, CLIENTS_MAX),
        }
    }

    fn of(&self, class: Class) -> &Buckets {
        match class {
            Class::Audits => &self.audits,
            Class::Writes => &self.writes,
            Class::Reads => &self.reads,
        }
    }
}

impl RateLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        let networks = ClassRates { audits: limits.audits, writes: limits.writes, reads: limits.reads };
        Self {
            networks: ClassBuckets::new(&networks),
            organizations: ClassBuckets::new(&limits.organization),
            alone_until_us: AtomicU64::new(0),
        }
    }

    async fn take(&self, state: &HttpState, class: Class, client: &Client, probe: bool) -> Taken {
        let buckets = match client {
            Client::Network(_) => self.networks.of(class),
            Client::Organization(_) => self.organizations.of(class),
        };
        let now = state.clock().steady();
        if !state.app().store().is_shared() || probe || micros(now) < self.alone_until_us.load(Ordering::Relaxed) {
            return buckets.take(client, now);
        }
        if let Some(taken) = buckets.take_reserved(client, now) {
            return taken;
        }
        match self.ask_shared(state, class, client, buckets).await {
            Some(granted) => buckets.take_granted(client, granted, now),
            None => buckets.take(client, now),
        }
    }

    /// Takes tokens from the shared bucket; `None` when it cannot be reached now.
    async fn ask_shared(&self, state: &HttpState, class: Class, client: &Client, buckets: &Buckets) -> Option<Granted> {
        let (size, name) = (buckets.size(), format!("{} {client}", class.name()));
        let tokens = (size.tokens_max / ADVANCE_DIVISOR).clamp(1, ADVANCE_TOKENS_MAX);
        let mut limits = state.app().store().rate_limits();
        let asked = limits.take(&name, size, tokens, state.clock().now());
        let problem = match tokio::time::timeout(SHARED_WAIT_MAX, asked).await {
            Ok(Ok(granted)) => return Some(granted),
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        let until = state.clock().steady() + SHARED_AGAIN_AFTER;
        self.alone_until_us.store(micros(until), Ordering::Relaxed);
        tracing::warn!("the shared rate limits cannot be reached, this process counts for itself: {problem}");
        None
    }
}

/// Takes a token of the client's bucket, or answers 429; says in either case how the bucket stands.
pub(crate) async fn limit_rate(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let Some(client) = client(&request) else {
        return next.run(request).await;
    };
    let path = request.uri().path();
    if matches!(client, Client::Organization(_)) && is_submission(request.method(), path) {
        return next.run(request).await;
    }
    let (class, probe) = (Class::of(request.method(), path), PROBES.contains(&path));
    let taken = state.rate_limits().take(&state, class, &client, probe).await;
    let mut response = if taken.admitted {
        next.run(request).await
    } else {
        api::error_response(path, AppError::RateLimited { retry_after_s: taken.retry_after_s })
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

/// Whether a request hands in interactions: the document promises that their number is not limited. What bounds them is
/// the balance of tokens and the queue of audits.
fn is_submission(method: &Method, path: &str) -> bool {
    method == Method::POST
        && matches!(path, "/" | "/v1/interactions" | "/v1/interactions/check" | "/v1/interactions/batch")
}

/// Whose bucket a request uses. A key that is not good is nobody's: guessing is charged to the network.
fn client(request: &Request) -> Option<Client> {
    let extensions = request.extensions();
    if let Some(PresentedKey::Good(caller)) = extensions.get::<PresentedKey>() {
        return Some(Client::Organization(caller.organization.clone()));
    }
    if let Some(signed_in) = extensions.get::<SignedIn>() {
        return Some(Client::Organization(signed_in.caller.organization.clone()));
    }
    extensions.get::<Peer>().map(|peer| Client::Network(network_of(peer.address)))
}

/// The network that an address stands for: a machine with IPv6 owns a /64 of addresses.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_64_is_one_client() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:ffff"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.2"), network("192.0.2.2"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn submissions_are_told_from_everything_else() {
        assert!(is_submission(&Method::POST, "/") && is_submission(&Method::POST, "/v1/interactions/check"));
        assert!(!is_submission(&Method::GET, "/") && !is_submission(&Method::POST, "/v1/interactions/erase"));
    }

    #[test]
    fn every_request_has_a_class() {
        for (method, path, class) in [
            (Method::POST, "/audit/full", Class::Audits),
            (Method::GET, "/audit/full", Class::Reads),
            (Method::HEAD, "/", Class::Reads),
            (Method::POST, "/v1/keys", Class::Writes),
            (Method::DELETE, "/audit/jobs/job_1", Class::Writes),
            (Method::PATCH, "/nothing", Class::Writes),
        ] {
            assert_eq!(Class::of(&method, path), class, "{method} {path}");
        }
    }
}
