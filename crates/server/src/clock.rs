//! Time as a parameter. Everything in this crate that needs the hour, or has to wait, takes a [`Clock`]; the process
//! passes [`SystemClock`], tests pass [`MockClock`] and move it by hand.
//!
//! Two times: the hour ([`Clock::now`]), which somebody may set, for what people read; and a stopwatch
//! ([`Clock::steady`]), which nobody can set, for how long something has lasted.
//!
//! Invariant: this file is the only place that asks the operating system for the time.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

/// What the hour is, and waiting for a later one.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present moment, UTC.
    fn now(&self) -> Timestamp;

    /// How long this process has run, whatever was done to the hour meanwhile. Its start means nothing.
    fn steady(&self) -> Duration;

    /// Resolves when `duration` has gone by on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of the system clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one home of the stopwatch")]
    fn steady(&self) -> Duration {
        static STARTED: OnceLock<Instant> = OnceLock::new();
        Instant::now().duration_since(*STARTED.get_or_init(Instant::now))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that stands still until a test moves it. Clones share the hands.
#[derive(Debug, Clone)]
pub struct MockClock(Arc<watch::Sender<Hands>>);

#[derive(Debug, Clone, Copy)]
struct Hands {
    now: Timestamp,
    steady: Duration,
}

impl MockClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(watch::Sender::new(Hands { now, steady: Duration::ZERO })))
    }

    /// Lets time go by and wakes every sleeper whose time has come.
    ///
    /// # Panics
    /// When the moved time leaves the range of [`Timestamp`]: a mistake in a test.
    pub fn advance(&self, duration: Duration) {
        self.0.send_modify(|hands| {
            hands.now = later(hands.now, duration);
            hands.steady += duration;
        });
    }

    /// Sets the hour, as somebody does at a machine. No time goes by.
    pub fn set(&self, now: Timestamp) {
        self.0.send_modify(|hands| hands.now = now);
    }
}

impl Default for MockClock {
    /// Stands at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(Timestamp::from_second(1_767_225_600).expect("a second of the year 2026 is in range"))
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    fn steady(&self) -> Duration {
        self.0.borrow().steady
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut hands = self.0.subscribe();
        let until = self.steady() + duration;
        Box::pin(async move {
            // The sender lives as long as any clone of the clock; when the last is gone nobody can wake us, so the
            // sleep ends rather than hangs.
            let _ = hands.wait_for(|hands| hands.steady >= until).await;
        })
    }
}

/// `duration` after `now`.
fn later(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).expect("tests stay within the range of timestamps")
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn mock_clock_wakes_sleepers_only_when_their_time_has_come() {
        let clock = MockClock::default();
        let start = clock.now();
        let mut sleep = clock.sleep(Duration::from_secs(10));
        clock.advance(Duration::from_secs(9));
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(Duration::from_secs(1));
        sleep.await;
        assert_eq!(clock.now().duration_since(start).as_secs(), 10);
    }

    #[tokio::test]
    async fn setting_the_hour_lets_no_time_go_by() {
        let clock = MockClock::default();
        let mut sleep = clock.sleep(Duration::from_secs(10));
        clock.set(later(clock.now(), Duration::from_secs(86_400)));
        assert!((&mut sleep).now_or_never().is_none());
        assert_eq!(clock.steady(), Duration::ZERO);
        clock.advance(Duration::from_secs(10));
        sleep.await;
    }

    #[tokio::test]
    async fn system_clock_does_not_run_backwards() {
        let clock = SystemClock;
        let (before, started) = (clock.now(), clock.steady());
        clock.sleep(Duration::ZERO).await;
        assert!(clock.now() >= before);
        assert!(clock.steady() >= started);
    }
}
