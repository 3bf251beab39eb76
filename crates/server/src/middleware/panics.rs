//! A handler that panics is answered with a clean 500. A panic is a mistake of ours: it is logged, and its text never
//! reaches the client.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;

use crate::api;
use crate::app::AppError;

/// Runs the rest of the stack; a panic in it becomes an internal error on the request's face.
pub(crate) async fn answer_panics(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let text = format!("a handler panicked: {}", text_of(panic.as_ref()));
            api::error_response(&path, AppError::internal(text))
        }
    }
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}
