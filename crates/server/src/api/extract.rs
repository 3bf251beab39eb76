//! Extractors whose refusals wear the face of the path: a malformed path or query is answered like any other error.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::error_response;
use crate::app::AppError;

/// Longest id that is looked for, bytes; longer ones cannot exist.
const ID_BYTES_MAX: usize = 200;

/// The one id in a path, decoded.
#[derive(Debug)]
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let unknown = || AppError::Unprocessable("the id in the path is not a short UTF-8 text".to_owned());
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) if id.len() <= ID_BYTES_MAX => Ok(Self(id)),
            Ok(_) | Err(_) => Err(error_response(parts.uri.path(), unknown())),
        }
    }
}

/// The query, as a struct.
#[derive(Debug)]
pub(crate) struct Parameters<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(error_response(
                parts.uri.path(),
                AppError::Unprocessable(format!("query: {}", rejection.body_text())),
            )),
        }
    }
}
