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
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_clean_500_on_the_face_of_the_path() {
        let handler = get(async || -> () { panic!("the password is hunter2") });
        let router = Router::new().route("/audit/x", handler.clone()).route("/log/x", handler);
        let router = router.layer(from_fn(answer_panics));
        for (path, member) in [("/audit/x", "detail"), ("/log/x", "code")] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 500);
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains(member) && !body.contains("hunter2"), "{path}: {body}");
        }
    }
}
