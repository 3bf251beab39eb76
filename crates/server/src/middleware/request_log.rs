//! The request's id, in and out, and its one line in the log. Everything logged while the request is worked stands in
//! a span that carries the id.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::{NoContext, Uuid};

use crate::state::HttpState;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What comes after it in a path is a secret.
const INVITATION_LINKS: &str = "/dashboard/invitations/";

/// Longest request id of a client that is taken over, bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The route, for metrics, of a request that no route took.
const UNMATCHED: &str = "unmatched";

/// Gives the request an id, logs how it ended, and puts the id into the answer.
pub(crate) async fn log_request(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let started = state.clock().now();
    let id = match request.headers().get(&X_REQUEST_ID) {
        Some(id) if acceptable(id) => id.clone(),
        _ => new_id(started),
    };
    let span = tracing::info_span!("request", request.id = id.to_str().unwrap_or_default());
    let (method, path) = (request.method().clone(), loggable(request.uri().path()).to_owned());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = Duration::try_from(state.clock().now().duration_since(started)).unwrap_or_default();
    let route = route.as_deref().unwrap_or(UNMATCHED);
    state.app().metrics().request(method.as_str(), route, response.status().as_u16(), took);
    let duration_ms = took.as_millis();
    span.in_scope(|| {
        tracing::info!(
            http.method = %method,
            http.path = path,
            http.status = response.status().as_u16(),
            duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX),
            "answered {method} {path} with {}",
            response.status().as_u16(),
        );
    });
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

/// The path without what gives whoever reads the log a right: the secret of an invitation's link.
fn loggable(path: &str) -> &str {
    if path.starts_with(INVITATION_LINKS) { "/dashboard/invitations/***" } else { path }
}

/// Whether a client's own id may stand in our log: short, and of letters, digits and `-_.:`.
fn acceptable(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=REQUEST_ID_BYTES_MAX).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
}

/// A time-ordered id (UUID version 7).
fn new_id(now: jiff::Timestamp) -> HeaderValue {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanoseconds));
    HeaderValue::from_str(&id.to_string()).expect("a UUID is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_links_stay_out_of_the_log() {
        assert_eq!(loggable("/dashboard/invitations/AAAA"), "/dashboard/invitations/***");
        assert_eq!(loggable("/dashboard/jobs/job_1"), "/dashboard/jobs/job_1");
    }

    #[test]
    fn only_short_plain_ids_are_taken_over() {
        assert!(acceptable(&HeaderValue::from_static("0190c2b4-ffff-7000-8000-000000000001")));
        assert!(acceptable(&HeaderValue::from_str(&"a".repeat(REQUEST_ID_BYTES_MAX)).unwrap()));
        assert!(!acceptable(&HeaderValue::from_str(&"a".repeat(REQUEST_ID_BYTES_MAX + 1)).unwrap()));
        assert!(!acceptable(&HeaderValue::from_static("")));
        assert!(!acceptable(&HeaderValue::from_static("a b")));
        assert!(!acceptable(&HeaderValue::from_static("a\"}")));
    }
}
