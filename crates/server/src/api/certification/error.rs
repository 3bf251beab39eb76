//! The face of errors on the certification interface: `{"detail": "..."}` with the documented status
//! (ModelPassport API, "Error Codes"; statuses that its document does not list keep the body).

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::AppError;

/// An error of this interface.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetailBody {
    /// What is wrong and what to change.
    #[schema(example = "Certificate 'MP-2026-999999' not found.")]
    detail: String,
}

/// An application error on this face.
#[derive(Debug)]
pub(crate) struct Detail(pub(crate) AppError);

impl From<AppError> for Detail {
    fn from(error: AppError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Detail {
    fn into_response(self) -> Response {
        let text = self.0.to_string();
        let (status, text, retry_after_s) = match self.0 {
            AppError::Unprocessable(_) | AppError::Fields(_) => (StatusCode::UNPROCESSABLE_ENTITY, text, None),
            AppError::NotFound { what, id } => (StatusCode::NOT_FOUND, not_found(what, &id), None),
            AppError::Conflict(_) => (StatusCode::CONFLICT, text, None),
            AppError::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, text, None),
            AppError::Repeated => (StatusCode::CONFLICT, text, Some(1)),
            AppError::Erased { .. } => (StatusCode::GONE, text, None),
            AppError::TimedOut { seconds } => (StatusCode::GATEWAY_TIMEOUT, timed_out(seconds), None),
            AppError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, text, None),
            AppError::RateLimited { retry_after_s } => (StatusCode::TOO_MANY_REQUESTS, text, Some(retry_after_s)),
            AppError::Unauthorized | AppError::SignInRefused => (StatusCode::UNAUTHORIZED, text, None),
            AppError::Forbidden | AppError::NoSubscription | AppError::InsufficientTokens => {
                (StatusCode::FORBIDDEN, text, None)
            }
            AppError::Unavailable { retry_after_s } => (StatusCode::SERVICE_UNAVAILABLE, text, Some(retry_after_s)),
            AppError::Internal(error) => {
                crate::api::log_internal(&error);
                (StatusCode::INTERNAL_SERVER_ERROR, crate::api::INTERNAL_TEXT.to_owned(), None)
            }
        };
        let mut response = detail(status, &text);
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A body of this face.
pub(crate) fn detail(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(DetailBody { detail: text.to_owned() })).into_response()
}

/// The documented sentence: "Certificate 'MP-2026-999999' not found."
fn not_found(what: &str, id: &str) -> String {
    let (first, rest) = what.split_at(what.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest} '{id}' not found.", first.to_uppercase())
}

/// The documented sentence, with the bound in force.
fn timed_out(seconds: u64) -> String {
    format!(
        "Timeout — audit pipeline exceeded {seconds} seconds. Try with a smaller dataset or fewer protected attributes."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(error: AppError) -> (u16, Option<String>, String) {
        let response = Detail(error).into_response();
        let retry_after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1);
        (status, retry_after, body["detail"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn documented_sentences_are_exact() {
        let not_found = AppError::NotFound { what: "certificate", id: "MP-2026-999999".to_owned() };
        assert_eq!(answer(not_found).await, (404, None, "Certificate 'MP-2026-999999' not found.".to_owned()));
        let (status, _, detail) = answer(AppError::TimedOut { seconds: 300 }).await;
        assert_eq!(status, 504);
        assert_eq!(
            detail,
            "Timeout — audit pipeline exceeded 300 seconds. Try with a smaller dataset or fewer protected attributes."
        );
    }

    #[tokio::test]
    async fn refusals_for_now_say_when_to_come_back() {
        assert_eq!(answer(AppError::RateLimited { retry_after_s: 7 }).await.1.as_deref(), Some("7"));
        assert_eq!(answer(AppError::Unavailable { retry_after_s: 9 }).await.1.as_deref(), Some("9"));
    }

    #[tokio::test]
    async fn internal_errors_keep_their_cause_to_themselves() {
        let (status, _, detail) = answer(AppError::internal("password=hunter2 at /srv/db")).await;
        assert_eq!(status, 500);
        assert!(!detail.contains("hunter2") && !detail.contains("/srv"), "{detail}");
    }
}
