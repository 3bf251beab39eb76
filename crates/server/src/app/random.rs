//! Randomness as a parameter: ids and keys take their bytes from a [`Random`]; the process passes [`SystemRandom`],
//! tests a counter.
//!
//! Invariant: this file is the only place that asks the operating system for entropy, and nothing that is measured
//! ever does.

/// A source of bytes nobody can guess.
pub trait Random: Send + Sync + std::fmt::Debug {
    /// Fills the buffer.
    ///
    /// # Errors
    /// When the source cannot give any: then no id and no key is made.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The operating system has no entropy to give.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct RandomUnavailable(String);

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        getrandom::fill(bytes).map_err(|error| RandomUnavailable(error.to_string()))
    }
}
