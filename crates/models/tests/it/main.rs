//! What the crate promises, seen from outside.

mod forest;
mod support;
