//! Tests over the public interface: the whole life of a certificate, and every way to spoil one.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in a helper")]

mod life;
mod sample;
mod tampering;
