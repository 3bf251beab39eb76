//! Extractors whose refusals wear the face of the path: a malformed path or query is answered like any other error.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::error_response;
use crate::app::{AppError, Caller};
use crate::middleware::{Peer, PresentedKey};
use crate::state::HttpState;

/// Longest id that is looked for, bytes; longer ones cannot exist.
const ID_BYTES_MAX: usize = 200;

/// Who asks, by their API key; without a good one the request is refused.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match parts.extensions.get::<PresentedKey>() {
            Some(PresentedKey::Good(caller)) => Ok(caller.clone()),
            Some(PresentedKey::Refused) | None => Err(error_response(parts.uri.path(), AppError::Unauthorized)),
        }
    }
}

/// Who asks an interface that is open unless the configuration closes it: whoever has a key acts for its organization,
/// others for the public one. A key that is not good is refused all the same: whoever sends one means it.
#[derive(Debug)]
pub(crate) struct OpenCaller(pub(crate) Caller);

impl FromRequestParts<HttpState> for OpenCaller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Response> {
        match parts.extensions.get::<PresentedKey>() {
            Some(PresentedKey::Good(caller)) => Ok(Self(caller.clone())),
            None if !state.config().passport.require_key => {
                Ok(Self(Caller::anonymous(parts.extensions.get::<Peer>().map(|peer| peer.address))))
            }
            Some(PresentedKey::Refused) | None => Err(error_response(parts.uri.path(), AppError::Unauthorized)),
        }
    }
}

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

/// The two ids in a path, decoded.
#[derive(Debug)]
pub(crate) struct PathIds(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathIds {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((first, second))) if first.len().max(second.len()) <= ID_BYTES_MAX => Ok(Self(first, second)),
            Ok(_) | Err(_) => {
                let error = AppError::Unprocessable("the ids in the path are not short UTF-8 texts".to_owned());
                Err(error_response(parts.uri.path(), error))
            }
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
