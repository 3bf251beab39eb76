//! Errors of our own routes: problem details (RFC 9457).

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::AppError;

/// Problem details, RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: `code` says which problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Stable code, listed in docs/errors.md.
    #[schema(example = "not_found")]
    code: &'static str,
    /// What is wrong and what to change.
    detail: String,
    /// The same field by field, when fields of a body are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field's name, dotted for nested ones.
    #[schema(example = "name")]
    field: String,
    /// What is wrong and what to change.
    #[schema(example = "must not be empty")]
    detail: String,
}

/// An application error on this face.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) AppError);

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, text) = (self.0.code(), self.0.to_string());
        let (status, text, retry_after_s) = match self.0 {
            AppError::Unprocessable(_) => (StatusCode::UNPROCESSABLE_ENTITY, text, None),
            AppError::Fields(problems) => {
                let errors = problems.into_iter().map(|at| FieldError { field: at.field, detail: at.problem });
                return problem_with(StatusCode::UNPROCESSABLE_ENTITY, code, &text, errors.collect());
            }
            AppError::NotFound { .. } => (StatusCode::NOT_FOUND, text, None),
            AppError::Conflict(_) => (StatusCode::CONFLICT, text, None),
            AppError::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, text, None),
            AppError::Repeated => (StatusCode::CONFLICT, text, Some(1)),
            AppError::Erased { .. } => (StatusCode::GONE, text, None),
            AppError::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, text, None),
            AppError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, text, None),
            AppError::RateLimited { retry_after_s } => (StatusCode::TOO_MANY_REQUESTS, text, Some(retry_after_s)),
            AppError::Unauthorized | AppError::SignInRefused => (StatusCode::UNAUTHORIZED, text, None),
            AppError::Forbidden | AppError::NoSubscription | AppError::InsufficientTokens => {
                (StatusCode::FORBIDDEN, text, None)
            }
            AppError::Unavailable { retry_after_s } => (StatusCode::SERVICE_UNAVAILABLE, text, Some(retry_after_s)),
            AppError::Internal(error) => {
                super::log_internal(&error);
                (StatusCode::INTERNAL_SERVER_ERROR, super::INTERNAL_TEXT.to_owned(), None)
            }
        };
        let mut response = problem(status, code, &text);
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Problem details with a status, a code and a text.
pub(crate) fn problem(status: StatusCode, code: &'static str, detail: &str) -> Response {
    problem_with(status, code, detail, Vec::new())
}

fn problem_with(status: StatusCode, code: &'static str, detail: &str, errors: Vec<FieldError>) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let body =
        ProblemBody { kind: "about:blank", title, status: status.as_u16(), code, detail: detail.to_owned(), errors };
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
