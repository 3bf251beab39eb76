//! The face of errors on the interactions interface: `{"error": "...", "status": "error"}` with the documented texts and
//! statuses (ViriSIM API, "Error Codes"); statuses that its document does not list keep the body.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::AppError;

/// An error of this interface.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InteractionError {
    /// What is wrong and what to change.
    #[schema(example = "user_id required in request body")]
    pub(crate) error: String,
    /// Always `error`.
    #[schema(example = "error")]
    pub(crate) status: &'static str,
}

/// A refusal on this face.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    text: String,
    retry_after_s: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after_s: None }
    }

    /// There is no key.
    pub(crate) fn no_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "API key required in X-API-Key header")
    }

    /// The key is not good.
    pub(crate) fn bad_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized access!")
    }

    /// A status with a text of the router's.
    pub(crate) fn plain(status: StatusCode, text: &str) -> Self {
        Self::new(status, text)
    }

    /// What is said, for a line of a batch.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        let text = error.to_string();
        let (status, retry_after_s) = match error {
            AppError::Unprocessable(_) | AppError::Fields(_) => (StatusCode::BAD_REQUEST, None),
            AppError::NotFound { .. } => (StatusCode::NOT_FOUND, None),
            AppError::Conflict(_) => (StatusCode::CONFLICT, None),
            AppError::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, None),
            AppError::Repeated => (StatusCode::CONFLICT, Some(1)),
            AppError::Erased { .. } => (StatusCode::GONE, None),
            AppError::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, None),
            AppError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, None),
            AppError::RateLimited { retry_after_s } => (StatusCode::TOO_MANY_REQUESTS, Some(retry_after_s)),
            AppError::Unauthorized | AppError::SignInRefused => return Self::bad_key(),
            AppError::NoSubscription | AppError::InsufficientTokens | AppError::Forbidden => {
                (StatusCode::FORBIDDEN, None)
            }
            AppError::Unavailable { retry_after_s } => (StatusCode::SERVICE_UNAVAILABLE, Some(retry_after_s)),
            AppError::Internal(error) => {
                crate::api::log_internal(&error);
                // The document's own text.
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
            }
        };
        Self { status, text, retry_after_s }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = InteractionError { error: self.text, status: "error" };
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
