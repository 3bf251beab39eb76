//! Token buckets of one class of requests, in this process.
//!
//! A bucket is a generic cell rate algorithm (ITU-T I.371): one time, at which it is full again. It is our own and not
//! a library's because it runs on the injected stopwatch (so that nobody who sets the clock locks anybody out), tells
//! when the bucket is full again, holds a bounded number of clients, and can stand before a bucket that several
//! processes share: then it remembers how that one stood, and tokens taken from it in advance.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assize_store::rate_limits::{BucketSize, Granted};

use crate::app::OrganizationId;
use crate::config::Rate;

/// Whose bucket it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    /// Whoever asks from a network without a key.
    Network(IpAddr),
    /// Whoever asks for an organization.
    Organization(OrganizationId),
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(address) => address.fmt(f),
            Self::Organization(id) => id.fmt(f),
        }
    }
}

/// How a bucket stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) admitted: bool,
    pub(super) limit: u32,
    pub(super) remaining: u64,
    /// Seconds until the bucket is full again.
    pub(super) reset_s: u64,
    /// Seconds until the next token; 0 when admitted.
    pub(super) retry_after_s: u64,
}

/// One class of buckets.
#[derive(Debug)]
pub(super) struct Buckets {
    rate: Rate,
    clients_max: usize,
    clients: Mutex<BTreeMap<Client, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// When it is full again, microseconds on the stopwatch.
    full_at_us: u64,
    /// Tokens taken from the shared bucket in advance.
    reserve: u32,
}

impl Buckets {
    pub(super) fn new(rate: Rate, clients_max: usize) -> Self {
        Self { rate, clients_max, clients: Mutex::default() }
    }

    /// What the shared bucket holds.
    pub(super) fn size(&self) -> BucketSize {
        BucketSize { tokens_max: self.rate.burst, token_us: self.token_us() }
    }

    /// Takes a token of a bucket that is this process's alone.
    pub(super) fn take(&self, client: &Client, now: Duration) -> Taken {
        let mut clients = self.lock();
        let now_us = micros(now);
        let mut bucket = Self::bucket(&clients, client, now_us);
        let admitted = bucket.full_at_us + self.token_us() <= now_us + self.bucket_us();
        if admitted {
            bucket.full_at_us += self.token_us();
            self.keep(&mut clients, client, bucket, now_us);
        }
        self.taken(bucket, admitted, now_us)
    }

    /// Takes a token of the reserve, or refuses because of what is known of the shared bucket. `None`: it must be asked.
    pub(super) fn take_reserved(&self, client: &Client, now: Duration) -> Option<Taken> {
        let mut clients = self.lock();
        let now_us = micros(now);
        let mut bucket = Self::bucket(&clients, client, now_us);
        if bucket.reserve > 0 {
            bucket.reserve -= 1;
            self.keep(&mut clients, client, bucket, now_us);
            return Some(self.taken(bucket, true, now_us));
        }
        // Others can only have taken more since it was asked.
        let empty = bucket.full_at_us + self.token_us() > now_us + self.bucket_us();
        empty.then(|| self.taken(bucket, false, now_us))
    }

    /// Takes the first of the tokens that the shared bucket granted, if it granted any, and keeps the others.
    pub(super) fn take_granted(&self, client: &Client, granted: Granted, now: Duration) -> Taken {
        let mut clients = self.lock();
        let now_us = micros(now);
        let mut bucket = Self::bucket(&clients, client, now_us);
        let admitted = granted.tokens > 0;
        bucket.full_at_us = now_us + micros(granted.full_in).min(self.bucket_us());
        bucket.reserve = bucket.reserve.saturating_add(granted.tokens.saturating_sub(1));
        self.keep(&mut clients, client, bucket, now_us);
        self.taken(bucket, admitted, now_us)
    }

    fn taken(&self, bucket: Bucket, admitted: bool, now_us: u64) -> Taken {
        let free_us = (now_us + self.bucket_us()).saturating_sub(bucket.full_at_us);
        let next_us = (bucket.full_at_us + self.token_us()).saturating_sub(now_us + self.bucket_us());
        Taken {
            admitted,
            limit: self.rate.burst,
            remaining: free_us / self.token_us() + u64::from(bucket.reserve),
            reset_s: (bucket.full_at_us - now_us).div_ceil(1_000_000),
            retry_after_s: if admitted { 0 } else { next_us.div_ceil(1_000_000).max(1) },
        }
    }

    /// The bucket as it is now; one that nobody has used is full.
    fn bucket(clients: &BTreeMap<Client, Bucket>, client: &Client, now_us: u64) -> Bucket {
        let kept = clients.get(client).copied().unwrap_or(Bucket { full_at_us: now_us, reserve: 0 });
        Bucket { full_at_us: kept.full_at_us.max(now_us), ..kept }
    }

    fn keep(&self, clients: &mut BTreeMap<Client, Bucket>, client: &Client, bucket: Bucket, now_us: u64) {
        if clients.len() >= self.clients_max && !clients.contains_key(client) {
            forget(clients, now_us);
        }
        clients.insert(client.clone(), bucket);
    }

    fn token_us(&self) -> u64 {
        60_000_000 / u64::from(self.rate.per_minute)
    }

    fn bucket_us(&self) -> u64 {
        self.token_us() * u64::from(self.rate.burst)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Client, Bucket>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room: forgets every client with a full bucket, or, when there is none, the one nearest to it.
fn forget(clients: &mut BTreeMap<Client, Bucket>, now_us: u64) {
    let before = clients.len();
    clients.retain(|_, bucket| bucket.full_at_us > now_us);
    if clients.len() == before
        && let Some(nearest) =
            clients.iter().min_by_key(|(_, bucket)| bucket.full_at_us).map(|(client, _)| client.clone())
    {
        clients.remove(&nearest);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, MockClock};

    fn client(last: u8) -> Client {
        Client::Network(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn burst_passes_then_tokens_come_evenly() {
        let clock = MockClock::default();
        let buckets = Buckets::new(Rate { per_minute: 60, burst: 3 }, 10);
        for remaining in [2, 1, 0] {
            let taken = buckets.take(&client(1), clock.steady());
            assert!(taken.admitted);
            assert_eq!((taken.remaining, taken.reset_s), (remaining, 3 - remaining));
        }
        let refused = buckets.take(&client(1), clock.steady());
        assert_eq!(refused, Taken { admitted: false, limit: 3, remaining: 0, reset_s: 3, retry_after_s: 1 });
        clock.advance(Duration::from_millis(999));
        assert!(!buckets.take(&client(1), clock.steady()).admitted);
        clock.advance(Duration::from_millis(1));
        assert!(buckets.take(&client(1), clock.steady()).admitted);
        assert!(!buckets.take(&client(1), clock.steady()).admitted);
    }

    #[test]
    fn clients_do_not_share_buckets() {
        let organization = |id| Client::Organization(OrganizationId::parse(id).unwrap());
        let buckets = Buckets::new(Rate { per_minute: 1, burst: 1 }, 10);
        for client in [client(1), client(2), organization("org_a"), organization("org_b")] {
            assert!(buckets.take(&client, Duration::ZERO).admitted);
            assert!(!buckets.take(&client, Duration::ZERO).admitted);
        }
    }

    #[test]
    fn remembered_clients_are_bounded() {
        let clock = MockClock::default();
        let buckets = Buckets::new(Rate { per_minute: 60, burst: 2 }, 4);
        for last in 0..20_u8 {
            assert!(buckets.take(&client(last), clock.steady()).admitted);
            assert!(buckets.lock().len() <= 4);
        }
        clock.advance(Duration::from_secs(60));
        assert!(buckets.take(&client(200), clock.steady()).admitted);
        assert_eq!(buckets.lock().len(), 1);
    }

    #[test]
    fn shared_bucket_is_asked_only_when_it_may_have_something() {
        let clock = MockClock::default();
        let buckets = Buckets::new(Rate { per_minute: 60, burst: 3 }, 10);
        let full_in = |seconds| Duration::from_secs(seconds);
        assert_eq!(buckets.take_reserved(&client(1), clock.steady()), None);
        // Two tokens came, one of them in advance; another process had taken the third.
        let granted = Granted { tokens: 2, full_in: full_in(3) };
        assert!(buckets.take_granted(&client(1), granted, clock.steady()).admitted);
        assert!(buckets.take_reserved(&client(1), clock.steady()).unwrap().admitted);
        let refused = buckets.take_reserved(&client(1), clock.steady()).unwrap();
        assert_eq!((refused.admitted, refused.remaining, refused.retry_after_s), (false, 0, 1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(buckets.take_reserved(&client(1), clock.steady()), None, "a token may have come");
        // Somebody else was faster.
        let granted = Granted { tokens: 0, full_in: full_in(3) };
        assert!(!buckets.take_granted(&client(1), granted, clock.steady()).admitted);
        assert!(!buckets.take_reserved(&client(1), clock.steady()).unwrap().admitted);
    }
}
