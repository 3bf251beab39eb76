//! For those who run the server: readiness, and the interface's own description.

use std::sync::LazyLock;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::negotiate::public;
use crate::app::AppError;
use crate::openapi;
use crate::state::HttpState;

/// Whether the server can work, part by part.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`, or `unready` when a part fails.
    #[schema(example = "ready")]
    status: &'static str,
    /// `ok` or `failed`; the log has the cause.
    #[schema(example = "ok")]
    database: &'static str,
    /// `ok` or `failed`; the log has the cause.
    #[schema(example = "ok")]
    objects: &'static str,
}

/// Readiness: can the database and the stored files be reached?
#[utoipa::path(
    get,
    path = "/ready",
    tag = "operations",
    responses(
        (status = 200, description = "All parts work", body = Ready),
        (status = 503, description = "A part fails; do not send requests here now", body = Ready),
    )
)]
pub(crate) async fn ready(State(state): State<HttpState>) -> Response {
    let part = |name: &str, checked: Result<(), AppError>| match checked {
        Ok(()) => "ok",
        Err(error) => {
            tracing::error!(part = name, "the {name} cannot be reached: {error}");
            "failed"
        }
    };
    let database = part("database", state.app().check_database().await);
    let objects = part("objects", state.app().check_objects().await);
    let (status, word) = match (database, objects) {
        ("ok", "ok") => (StatusCode::OK, "ready"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unready"),
    };
    (status, Json(Ready { status: word, database, objects })).into_response()
}

/// This interface as an OpenAPI 3.1 document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    responses((status = 200, description = "The document", body = Object))
)]
pub(crate) async fn openapi_document(headers: HeaderMap) -> Response {
    // Made once, at the first request: its bytes never change while the process lives.
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(openapi::document_json()));
    public(&headers, "application/json", "public, max-age=300", DOCUMENT.clone())
}
