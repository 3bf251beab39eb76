//! What every request passes through, outermost first: who the client is ([`client`]), the request's id and log line
//! ([`request_log`]), a clean answer when a handler panics ([`panics`]), the headers that keep a browser safe
//! ([`security_headers`]), who asks ([`identify`]), the client's rate ([`rate_limit`]), compression of text.
//!
//! Invariants: every answer, errors included, carries `X-Request-Id` and the security headers; a client is identified
//! by the address of its connection unless that connection comes from a trusted proxy.

mod buckets;
mod client;
mod identify;
mod panics;
mod rate_limit;
mod request_log;
mod security_headers;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use crate::state::HttpState;

pub(crate) use client::Peer;
pub(crate) use identify::{PresentedKey, ended_session_cookie, session_cookie};
pub(crate) use panics::text_of as text_of_panic;
pub(crate) use rate_limit::{RateLimits, network_of};

/// Answers shorter than this are not worth compressing, bytes (one TCP segment holds them anyway).
const COMPRESSED_BYTES_MIN: u64 = 860;

/// Wraps a router in all layers.
pub(crate) fn wrap(router: Router, state: &HttpState) -> Router {
    // Server-sent events must not wait in a compressor's buffer, and images and PDF are compressed already.
    let compressible = SizeAbove::new(COMPRESSED_BYTES_MIN)
        .and(NotForContentType::SSE)
        .and(NotForContentType::const_new("image/"))
        .and(NotForContentType::const_new("application/pdf"));
    router
        .layer(CompressionLayer::new().gzip(true).compress_when(compressible))
        .layer(from_fn_with_state(state.clone(), rate_limit::limit_rate))
        .layer(from_fn_with_state(state.clone(), identify::identify_caller))
        .layer(from_fn(security_headers::set_security_headers))
        .layer(from_fn(panics::answer_panics))
        .layer(from_fn_with_state(state.clone(), request_log::log_request))
        .layer(from_fn_with_state(state.clone(), client::identify_client))
}
