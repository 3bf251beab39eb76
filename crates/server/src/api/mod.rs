//! The wire: everything that knows a path, a status or the shape of a body. One folder per documented interface, and
//! one file per resource of our own. A handler extracts, calls one operation of `app`, and renders.
//!
//! Four faces for errors: paths of the certification interface answer `{"detail": ...}` and those of the interactions
//! interface `{"error", "status"}`, as their documents say, pages of the dashboard a page, all others problem details (RFC 9457). [`error_response`] picks by path, for what happens outside of any handler.

pub(crate) mod administration;
pub(crate) mod body;
pub(crate) mod certification;
pub(crate) mod extract;
pub(crate) mod idempotency;
pub(crate) mod interactions;
pub(crate) mod jobs;
pub(crate) mod monitoring;
pub(crate) mod negotiate;
pub(crate) mod operations;
pub(crate) mod problem;
pub(crate) mod transparency;

use std::collections::BTreeMap;

use axum::extract::Request;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr, Response as Described, ResponseBuilder};

use crate::app::AppError;
use crate::dashboard;

/// An error on the face that the path belongs to.
pub(crate) fn error_response(path: &str, error: AppError) -> Response {
    if certification::owns(path) {
        certification::Detail(error).into_response()
    } else if interactions::owns(path) {
        interactions::Refusal::from(error).into_response()
    } else if dashboard::owns(path) {
        dashboard::error_page(error)
    } else {
        problem::Problem(error).into_response()
    }
}

/// Answers a path that nothing serves.
pub(crate) async fn no_such_route(request: Request) -> Response {
    let text = format!("Nothing is served at '{}'. See /docs for what is.", request.uri().path());
    status_response(request.uri().path(), StatusCode::NOT_FOUND, "no_such_route", &text)
}

/// Answers a method that a path does not have; the router adds `Allow`.
pub(crate) async fn method_not_allowed(request: Request) -> Response {
    let text = format!("'{}' cannot be asked with {}. See /docs for what can.", request.uri().path(), request.method());
    status_response(request.uri().path(), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &text)
}

/// Answers a body that could not be received.
pub(crate) fn unreadable_body(path: &str, rejection: &BytesRejection) -> Response {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return status_response(path, rejection.status(), "too_large", "the body is larger than this route takes");
    }
    let text = format!("the body cannot be read: {}", rejection.body_text());
    error_response(path, AppError::Unprocessable(text))
}

fn status_response(path: &str, status: StatusCode, code: &'static str, text: &str) -> Response {
    if certification::owns(path) {
        certification::detail(status, text)
    } else if interactions::owns(path) {
        interactions::Refusal::plain(status, text).into_response()
    } else {
        problem::problem(status, code, text)
    }
}

/// Refusals of an interface for its description: statuses with their meaning, all with one body.
pub(crate) fn described_refusals(
    answers: &[(&str, &str)],
    schema: &str,
    content_type: &str,
) -> BTreeMap<String, RefOr<Described>> {
    let answer = |(status, description): &(&str, &str)| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        let described = ResponseBuilder::new().description(*description).content(content_type, content).build();
        ((*status).to_owned(), RefOr::T(described))
    };
    answers.iter().map(answer).collect()
}

/// Logs an internal error, once, in the span of its request.
pub(crate) fn log_internal(error: &anyhow::Error) {
    tracing::error!(error = format!("{error:#}"), "request failed: {error:#}");
}

/// What a client reads of an internal error.
pub(crate) const INTERNAL_TEXT: &str =
    "Internal error. The cause is in the server's log under the X-Request-Id of this answer; nothing was issued.";
