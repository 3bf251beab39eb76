//! `/audit/jobs/{id}`: follow an audit, or stop it.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::error::{Detail, DetailBody};
use super::limits::EVENT_KEEPALIVE_S;
use super::wire::{AuditEvent, AuditJob};
use crate::api::extract::{OpenCaller, PathId};
use crate::app::{AppError, JobId, JobView};
use crate::state::HttpState;

/// How an audit stands.
#[utoipa::path(
    get,
    path = "/audit/jobs/{id}",
    tag = "certification",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = AuditJob),
        (status = 401, description = "An API key is needed, or the one sent is not good", body = DetailBody),
        (status = 403, description = "The key's role does not allow it", body = DetailBody),
        (status = 404, description = "No such job", body = DetailBody),
        (status = 422, description = "Not an id", body = DetailBody),
        (status = 429, description = "Too many requests", body = DetailBody),
    )
)]
pub(crate) async fn audit_job(
    State(state): State<HttpState>,
    OpenCaller(caller): OpenCaller,
    PathId(id): PathId,
) -> Result<Response, Detail> {
    let job = state.app().audit_job(&caller, &parse(&id)?).await?;
    Ok(job_response(job))
}

/// The audit's progress as server-sent events.
///
/// `progress` events carry the job; the last event is named after the final state: `succeeded`, `failed` or
/// `cancelled`. When the server stops, the stream ends without one: ask again.
#[utoipa::path(
    get,
    path = "/audit/jobs/{id}/events",
    tag = "certification",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "Events whose data is the job", body = AuditEvent, content_type = "text/event-stream"),
        (status = 401, description = "An API key is needed, or the one sent is not good", body = DetailBody),
        (status = 403, description = "The key's role does not allow it", body = DetailBody),
        (status = 404, description = "No such job", body = DetailBody),
        (status = 422, description = "Not an id", body = DetailBody),
        (status = 429, description = "Too many requests", body = DetailBody),
    )
)]
pub(crate) async fn audit_events(
    State(state): State<HttpState>,
    OpenCaller(caller): OpenCaller,
    PathId(id): PathId,
) -> Result<Response, Detail> {
    let id = parse(&id)?;
    state.app().audit_job(&caller, &id).await?;
    let events = state.app().watch_audit(&caller, &id).map(event);
    let until_stop = events.take_until(state.stopping().clone().cancelled_owned());
    let keepalive = KeepAlive::new().interval(Duration::from_secs(EVENT_KEEPALIVE_S));
    let mut response = Sse::new(until_stop).keep_alive(keepalive).into_response();
    // Proxies that buffer would hold the progress back until the end.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Stop an audit.
#[utoipa::path(
    post,
    path = "/audit/jobs/{id}/cancel",
    tag = "certification",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job; one that runs ends within moments, one that has ended stays as it is", body = AuditJob),
        (status = 401, description = "An API key is needed, or the one sent is not good", body = DetailBody),
        (status = 403, description = "The key's role does not allow it", body = DetailBody),
        (status = 404, description = "No such job", body = DetailBody),
        (status = 422, description = "Not an id", body = DetailBody),
        (status = 429, description = "Too many requests", body = DetailBody),
    )
)]
pub(crate) async fn cancel_audit(
    State(state): State<HttpState>,
    OpenCaller(caller): OpenCaller,
    PathId(id): PathId,
) -> Result<Response, Detail> {
    let job = state.app().cancel_audit(&caller, &parse(&id)?).await?;
    Ok(job_response(job))
}

/// Stop an audit (the same as `POST .../cancel`).
#[utoipa::path(
    delete,
    path = "/audit/jobs/{id}",
    tag = "certification",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job; one that runs ends within moments, one that has ended stays as it is", body = AuditJob),
        (status = 401, description = "An API key is needed, or the one sent is not good", body = DetailBody),
        (status = 403, description = "The key's role does not allow it", body = DetailBody),
        (status = 404, description = "No such job", body = DetailBody),
        (status = 422, description = "Not an id", body = DetailBody),
        (status = 429, description = "Too many requests", body = DetailBody),
    )
)]
pub(crate) async fn delete_audit(state: State<HttpState>, caller: OpenCaller, id: PathId) -> Result<Response, Detail> {
    cancel_audit(state, caller, id).await
}

/// A job id; anything else names no job.
fn parse(id: &str) -> Result<JobId, AppError> {
    JobId::parse(id).ok_or_else(|| AppError::NotFound { what: "job", id: id.to_owned() })
}

/// A job changes while one looks: it is never kept.
fn job_response(job: JobView) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(AuditJob::from(job))).into_response()
}

fn event(job: JobView) -> Result<Event, Infallible> {
    let job = AuditJob::from(job);
    let name = if job.is_final() { job.state } else { "progress" };
    let data = serde_json::to_string(&job).expect("a job's members serialise to JSON");
    Ok(Event::default().event(name).data(data))
}
