//! `Idempotency-Key`: a client that did not hear the answer sends its request again, and gets the same answer without
//! anything happening twice (IETF draft-ietf-httpapi-idempotency-key-header).
//!
//! A key is one client's on one path: an organization's, or, without an API key, a network's. What was sent is known by
//! a fingerprint: for JSON the bytes of the body; for an uploaded form its fields and the digests of its files, which
//! are taken while they are streamed to disk, because a client that sends a form again separates its parts by another
//! boundary. Same key and other content is a 422. What had no effect (a refused form, a full queue) is not remembered
//! and may be sent again under the same key.
//!
//! [`CREATING`] lists every POST that makes something; a test holds it against the OpenAPI document.

use std::collections::BTreeMap;
use std::net::IpAddr;

use assize_store::Digest;
use assize_store::idempotency::ANSWER_BYTES_MAX;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{error_response, unreadable_body};
use crate::app::{Actor, Answer, AppError, Caller, KnownRequest, NamedRequest, Once};
use crate::middleware::network_of;
use crate::state::HttpState;

/// Every POST that makes something: each takes an `Idempotency-Key`.
pub const CREATING: &[&str] = &[
    "/",
    "/audit/full",
    "/v1/interactions",
    "/v1/invitations",
    "/v1/keys",
    "/v1/keys/{id}/rotate",
    "/v1/users/{id}/password-link",
    "/v1/webhooks",
    "/v1/webhooks/{id}/rotate-secret",
    "/v1/webhooks/{id}/test",
];

/// Every POST that makes nothing: sent twice, it does no more than once.
pub const REPEATABLE: &[&str] = &[
    "/audit/jobs/{id}/cancel",
    "/v1/interactions/erase",
    "/v1/jobs/{id}/cancel",
    "/v1/jobs/{id}/retry",
    "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
];

/// POSTs whose work is their answer: sent again they are worked, charged and, if asked, kept again.
pub const ANSWERING: &[&str] = &["/v1/interactions/batch", "/v1/interactions/check", "/v1/interactions/restore"];

/// Longest key, bytes.
const KEY_BYTES_MAX: usize = 255;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest body that is kept, bytes: encrypting adds 16.
const KEPT_BYTES_MAX: usize = ANSWER_BYTES_MAX - 16;

/// Headers that belong to an answer and not to the connection or the moment.
static KEPT_HEADERS: [HeaderName; 5] =
    [CONTENT_TYPE, LOCATION, ETAG, CACHE_CONTROL, HeaderName::from_static("preference-applied")];

/// The key of a request, if it has one.
#[derive(Debug)]
pub(crate) struct IdempotencyKey {
    path: String,
    key: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let path = parts.uri.path().to_owned();
        match key(&parts.headers) {
            Ok(key) => Ok(Self { path, key }),
            Err(error) => Err(error_response(&path, error)),
        }
    }
}

impl IdempotencyKey {
    /// The request as one that is worked once; `None` without a key.
    pub(crate) fn request(
        &self,
        state: &HttpState,
        caller: &Caller,
        fingerprint: Fingerprint,
    ) -> Result<Option<NamedRequest>, AppError> {
        let Some(key) = &self.key else { return Ok(None) };
        // The organization is part of the row; those without a key share one and are told apart by their network.
        let network = caller.address.filter(|_| caller.actor == Actor::Anonymous).map(network_of);
        let slot = Fingerprint::new("slot").and("path", &self.path).and("network", &text(network)).and("key", key);
        state.app().named_request(key, slot.digest(), fingerprint.digest()).map(Some)
    }
}

fn text(network: Option<IpAddr>) -> String {
    network.map(|network| network.to_string()).unwrap_or_default()
}

/// The key in the headers: one, of visible ASCII.
fn key(headers: &HeaderMap) -> Result<Option<String>, AppError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let good = values.next().is_none()
        && (1..=KEY_BYTES_MAX).contains(&value.len())
        && value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if good => Ok(Some(key.to_owned())),
        _ => Err(AppError::Unprocessable(format!(
            "Idempotency-Key: send one of 1 to {KEY_BYTES_MAX} letters, digits and signs, a UUID for instance"
        ))),
    }
}

/// What a request is known by: a digest over named parts.
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// An empty one, of a kind.
    pub(crate) fn new(kind: &str) -> Self {
        Self(Sha256::new()).and("kind", kind)
    }

    /// Adds a part. Lengths stand before the texts, so that no two lists of parts look alike.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        for text in [name, value] {
            self.0.update((text.len() as u64).to_be_bytes());
            self.0.update(text);
        }
        self
    }

    fn digest(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// For routes that look at no body.
pub(crate) struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Response;

    async fn from_request(_: Request, _: &S) -> Result<Self, Response> {
        Ok(Self)
    }
}

/// A body of up to the route's limit, as another extractor takes it, and the request as one that is worked once.
pub(crate) struct Idempotent<B> {
    body: B,
    key: IdempotencyKey,
    query: String,
    sha256: String,
}

impl<S: Send + Sync, B: FromRequest<S, Rejection = Response>> FromRequest<S> for Idempotent<B> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let key = IdempotencyKey::from_request_parts(&mut parts, state).await?;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await;
        let bytes = bytes.map_err(|rejection| unreadable_body(&key.path, &rejection))?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let body = B::from_request(Request::from_parts(parts, Body::from(bytes)), state).await?;
        Ok(Self { body, key, query, sha256 })
    }
}

impl<B> Idempotent<B> {
    /// Works the request once: `work` gets the body and what it needs to seal its effect, and answers what it made;
    /// `answer` says how that is answered.
    pub(crate) async fn work<M, W>(
        self,
        state: &HttpState,
        caller: &Caller,
        answer: impl Fn(&M) -> Answer + Sync,
        work: W,
    ) -> Result<Response, AppError>
    where
        W: AsyncFnOnce(B, Once<'_, M>) -> Result<M, AppError>,
    {
        let fingerprint = Fingerprint::new("body").and("query", &self.query).and("body", &self.sha256);
        let request = self.key.request(state, caller, fingerprint)?;
        if let Some(request) = &request
            && let Some(known) = state.app().known_request(caller, request).await?
        {
            return again(known);
        }
        match (work(self.body, Once::new(request.as_ref(), &answer)).await, &request) {
            (Ok(made), _) => Ok(response(answer(&made))),
            (Err(AppError::Repeated), Some(request)) => {
                let known = state.app().known_request(caller, request).await?;
                again(known.ok_or(AppError::Repeated)?)
            }
            (Err(error), _) => Err(error),
        }
    }
}

/// The answer that was given before.
fn again(known: KnownRequest) -> Result<Response, AppError> {
    // Sealed together with the effect, so one without the other cannot be.
    let answer = known.answer.ok_or_else(|| AppError::internal("a worked request has no answer"))?;
    Ok(replayed(answer))
}

/// A JSON answer that can be kept.
pub(crate) fn json_answer(status: StatusCode, headers: &[(HeaderName, &str)], body: &impl Serialize) -> Answer {
    let mut kept: BTreeMap<String, String> =
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), (*value).to_owned())).collect();
    kept.insert(CONTENT_TYPE.as_str().to_owned(), "application/json".to_owned());
    let body = serde_json::to_vec(body).expect("wire bodies serialise to JSON");
    Answer { status: status.as_u16(), headers: kept, body }
}

/// An answer that was given before, marked as such.
pub(crate) fn replayed(answer: Answer) -> Response {
    mark_replayed(response(answer))
}

/// Marks an answer as one that was given before.
pub(crate) fn mark_replayed(mut response: Response) -> Response {
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    response
}

/// An answer as it is sent.
pub(crate) fn response(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// What is to be kept of a response, and the response; nothing of one that is too long.
pub(crate) async fn answer_of(response: Response) -> (Option<Answer>, Response) {
    let (parts, body) = response.into_parts();
    if body.size_hint().upper().is_none_or(|bytes| bytes > KEPT_BYTES_MAX as u64) {
        return (None, Response::from_parts(parts, body));
    }
    let Ok(bytes) = axum::body::to_bytes(body, KEPT_BYTES_MAX).await else {
        return (None, Response::from_parts(parts, Body::empty()));
    };
    let text = |name: &HeaderName| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    let headers = KEPT_HEADERS.iter().filter_map(|name| Some((name.as_str().to_owned(), text(name)?)));
    let answer = Answer { status: parts.status.as_u16(), headers: headers.collect(), body: bytes.to_vec() };
    (Some(answer), Response::from_parts(parts, Body::from(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (IDEMPOTENCY_KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap())).collect()
    }

    #[test]
    fn keys_are_short_and_visible() {
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
        let longest = "k".repeat(KEY_BYTES_MAX);
        for good in ["8e03978e-40d5-43dd-bc93-6894a57f9324", "\"quoted\"", longest.as_str()] {
            assert_eq!(key(&headers(&[good])).unwrap().as_deref(), Some(good));
        }
        let long = "k".repeat(KEY_BYTES_MAX + 1);
        for bad in [&["a", "b"][..], &[""], &["two words"], &["é"], &[long.as_str()]] {
            assert!(matches!(key(&headers(bad)), Err(AppError::Unprocessable(_))), "{bad:?}");
        }
    }

    #[test]
    fn fingerprints_tell_parts_apart() {
        let of = |parts: &[(&str, &str)]| {
            parts.iter().fold(Fingerprint::new("form"), |all, (name, value)| all.and(name, value)).digest()
        };
        assert_eq!(of(&[("a", "b")]), of(&[("a", "b")]));
        assert_ne!(of(&[("a", "b")]), of(&[("ab", "")]));
        assert_ne!(of(&[("a", "bc"), ("d", "")]), of(&[("a", "b"), ("cd", "")]));
        assert_ne!(Fingerprint::new("form").digest(), Fingerprint::new("json").digest());
    }

    #[tokio::test]
    async fn answers_are_kept_and_given_again_byte_for_byte() {
        let sent = json_answer(StatusCode::CREATED, &[(LOCATION, "/v1/things/1")], &serde_json::json!({ "id": 1 }));
        let (kept, first) = answer_of(response(sent.clone())).await;
        assert_eq!(kept.as_ref(), Some(&sent));
        let again = replayed(kept.unwrap());
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!((first.status(), &first.headers()[LOCATION]), (again.status(), &again.headers()[LOCATION]));
        let bytes = async |response: Response| axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        assert_eq!(bytes(first).await, bytes(again).await);

        let long = Response::new(Body::from(vec![b'x'; KEPT_BYTES_MAX + 1]));
        let (kept, sent) = answer_of(long).await;
        assert_eq!((kept, sent.into_body().size_hint().exact()), (None, Some(KEPT_BYTES_MAX as u64 + 1)));
    }
}
