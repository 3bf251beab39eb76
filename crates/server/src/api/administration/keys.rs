//! `/v1/keys`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::answers::KeyedAnswers;
use super::wire::{IssuedKeyBody, KeyBody, KeysBody, NewKeyBody, PageParameters, ROLES, RotateBody};
use super::{created, page, private};
use crate::api::body::Members;
use crate::api::extract::{Parameters, PathId};
use crate::api::idempotency::Idempotent;
use crate::api::problem::Problem;
use crate::app::{
    Answer, AppError, Caller, IssuedKey, KeyId, KeyInterface, NewKey, OVERLAP_HOURS_MAX, Once, Role, parse_name,
};
use crate::state::HttpState;

const INTERFACES: [(&str, KeyInterface); 3] = [
    ("governance", KeyInterface::Governance),
    ("robustness", KeyInterface::Robustness),
    ("interactions", KeyInterface::Interactions),
];

/// The organization's API keys, newest first.
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "administration",
    params(PageParameters),
    responses((status = 200, description = "A page of keys", body = KeysBody), KeyedAnswers)
)]
pub(crate) async fn keys(
    State(state): State<HttpState>,
    caller: Caller,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Response, Problem> {
    let before = parameters.cursor.as_deref().map(cursor).transpose()?;
    let rows = parameters.rows();
    let found = state.app().keys(&caller, before.as_ref(), rows + 1).await?;
    let (found, next) = page(found, rows, |key| key.id.to_string());
    let now = state.clock().now();
    let keys = found.into_iter().map(|key| KeyBody::new(key, now)).collect();
    Ok(private(StatusCode::OK, KeysBody { keys, next }))
}

/// Make an API key. Its secret is in the answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/keys",
    tag = "administration",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    request_body(content = NewKeyBody, description = "The key to make"),
    responses((status = 201, description = "The key with its secret", body = IssuedKeyBody), KeyedAnswers)
)]
pub(crate) async fn create_key(
    State(state): State<HttpState>,
    caller: Caller,
    request: Idempotent<Members>,
) -> Result<Response, Problem> {
    let create = async |mut body: Members, once: Once<'_, IssuedKey>| {
        let new = NewKey {
            name: body.parsed("name", parse_name),
            interface: body.word("interface", &INTERFACES, KeyInterface::Governance),
            role: body.word("role", &ROLES, Role::Submitter),
            expires_at: body.time_or_none("expires_at"),
        };
        body.finish()?;
        state.app().create_key_once(&caller, &new, &once).await
    };
    Ok(request.work(&state, &caller, issued, create).await?)
}

/// One key of the organization.
#[utoipa::path(
    get,
    path = "/v1/keys/{id}",
    tag = "administration",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 200, description = "The key", body = KeyBody), KeyedAnswers)
)]
pub(crate) async fn key(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let key = state.app().key(&caller, &id).await?;
    Ok(private(StatusCode::OK, KeyBody::new(key, state.clock().now())))
}

/// Make a key like this one and let this one end, at once or after an overlap.
#[utoipa::path(
    post,
    path = "/v1/keys/{id}/rotate",
    tag = "administration",
    params(("id" = String, Path, description = "The key's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    request_body(content = RotateBody, description = "How long both work"),
    responses((status = 201, description = "The new key with its secret", body = IssuedKeyBody), KeyedAnswers)
)]
pub(crate) async fn rotate_key(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
    request: Idempotent<Members>,
) -> Result<Response, Problem> {
    let rotate = async |mut body: Members, once: Once<'_, IssuedKey>| {
        let overlap_hours = body.count_or_zero("overlap_hours", OVERLAP_HOURS_MAX);
        body.finish()?;
        state.app().rotate_key_once(&caller, &id, overlap_hours, &once).await
    };
    Ok(request.work(&state, &caller, issued, rotate).await?)
}

/// Revoke a key, for good.
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    tag = "administration",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 200, description = "The key, revoked", body = KeyBody), KeyedAnswers)
)]
pub(crate) async fn revoke_key(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let key = state.app().revoke_key(&caller, &id).await?;
    Ok(private(StatusCode::OK, KeyBody::new(key, state.clock().now())))
}

fn issued(issued: &IssuedKey) -> Answer {
    // The same bytes whenever it is rendered: as the key was when it was made.
    let key = KeyBody::new(issued.key.clone(), issued.key.created_at);
    created(&IssuedKeyBody { key, secret: issued.secret.clone() })
}

fn cursor(text: &str) -> Result<KeyId, AppError> {
    KeyId::parse(text).ok_or_else(|| AppError::Unprocessable("cursor: must be `next` of the page before".to_owned()))
}
