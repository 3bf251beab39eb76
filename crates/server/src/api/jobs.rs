//! `/v1/jobs`: an organization's work of any kind, to be listed, followed, stopped and retried.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Parameters, PathId};
use super::problem::{Problem, ProblemBody};
use crate::app::{AppError, Caller, Job, JobError, JobFilter, JobId, JobState};
use crate::state::HttpState;

/// Jobs of one page, unless asked otherwise.
const PAGE_JOBS: u32 = 20;
/// Jobs of one page at most.
const PAGE_JOBS_MAX: u32 = 100;
/// Seconds between two comments that keep an event stream open through proxies.
const EVENT_KEEPALIVE_S: u64 = 15;
/// How long a stream goes on. Whose key ended meanwhile is told so when asking again.
const STREAM_TIME_MAX: Duration = Duration::from_secs(3_600);
/// Seconds after which to try again when too many event streams are open.
const RETRY_AFTER_STREAMS_S: u64 = 30;

/// One server-sent event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written as an event stream")]
pub(crate) struct JobEvent {
    /// `job` while something changes; of one job, its final state at the end: `succeeded`, `failed`, `cancelled`.
    #[schema(example = "job")]
    event: String,
    /// The job (`JobBody`) as JSON text.
    data: String,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobBody {
    /// Its id.
    #[schema(example = "job_0190c2b4ffff70008000000000000001")]
    job_id: String,
    /// Which work it is.
    #[schema(example = "certify")]
    kind: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    #[schema(example = "running")]
    state: &'static str,
    /// Whether it is a dead letter: it failed because its attempts were used up, so somebody should look.
    dead: bool,
    /// How far the running attempt is, 0 to 1.
    #[schema(example = 0.4)]
    progress: f64,
    /// What it does now.
    #[schema(example = "fairness_metrics")]
    step: String,
    /// How often it was started.
    attempts: u32,
    /// How often it may be started.
    attempts_max: u32,
    /// Whether somebody asked to stop it.
    cancel_requested: bool,
    /// What it answered, once succeeded.
    #[schema(value_type = Option<Object>)]
    result: Option<serde_json::Value>,
    /// Why the last attempt ended without a result.
    error: Option<JobErrorBody>,
    /// When it was enqueued.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// It starts not before this time.
    #[schema(value_type = String, format = DateTime)]
    run_at: Timestamp,
    /// When it was first started.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// Address of this job.
    url: String,
    /// Address of its events.
    events_url: String,
}

/// Why an attempt ended without a result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobErrorBody {
    /// A stable word.
    #[schema(example = "unprocessable")]
    code: String,
    /// A sentence.
    detail: String,
}

impl From<JobError> for JobErrorBody {
    fn from(error: JobError) -> Self {
        Self { code: error.code, detail: error.detail }
    }
}

impl From<Job> for JobBody {
    fn from(job: Job) -> Self {
        let url = format!("/v1/jobs/{}", job.id);
        Self {
            job_id: job.id.to_string(),
            kind: job.kind,
            state: job.state.as_str(),
            dead: job.dead,
            progress: job.progress,
            step: job.step,
            attempts: job.attempts,
            attempts_max: job.attempts_max,
            cancel_requested: job.cancel_requested,
            result: job.result,
            error: job.error.map(JobErrorBody::from),
            created_at: job.created_at,
            run_at: job.run_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            events_url: format!("{url}/events"),
            url,
        }
    }
}

/// Jobs, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobPage {
    jobs: Vec<JobBody>,
    /// Value of `before` for the next page; `null` on the last one.
    next_before: Option<String>,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobsParameters {
    /// Only this kind of work.
    #[param(example = "certify")]
    kind: Option<String>,
    /// Only this state: `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    #[param(example = "failed")]
    state: Option<String>,
    /// Only dead letters.
    #[serde(default)]
    dead: bool,
    /// Jobs made before this one.
    #[param(example = "job_0190c2b4ffff70008000000000000001")]
    before: Option<String>,
    /// At most this many, and 100.
    #[param(example = 20)]
    limit: Option<u32>,
}

/// The organization's jobs.
#[utoipa::path(
    get,
    path = "/v1/jobs",
    tag = "jobs",
    params(JobsParameters),
    responses(
        (status = 200, description = "One page, the newest first", body = JobPage),
        (status = 401, description = "An API key is needed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The key's role does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a state, an id or a number", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_jobs(
    State(state): State<HttpState>,
    caller: Caller,
    Parameters(asked): Parameters<JobsParameters>,
) -> Result<Response, Problem> {
    let of_state = |text: String| {
        let unknown = || AppError::Unprocessable(format!("state: {text:?} is not a state of a job"));
        JobState::parse(&text).ok_or_else(unknown)
    };
    let of_id = |text: String| {
        JobId::parse(&text).ok_or_else(|| AppError::Unprocessable(format!("before: {text:?} is not a job's id")))
    };
    let filter = JobFilter { kind: asked.kind, state: asked.state.map(of_state).transpose()?, dead_only: asked.dead };
    let before = asked.before.map(of_id).transpose()?;
    let limit = asked.limit.unwrap_or(PAGE_JOBS).clamp(1, PAGE_JOBS_MAX);
    let found = state.app().jobs(&caller, &filter, before.as_ref(), limit).await?;
    let full = found.len() == limit as usize;
    let jobs: Vec<JobBody> = found.into_iter().map(JobBody::from).collect();
    let next_before = jobs.last().filter(|_| full).map(|last| last.job_id.clone());
    Ok(uncached(JobPage { jobs, next_before }))
}

/// A job.
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = JobBody),
        (status = 401, description = "An API key is needed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The key's role does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn job(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    Ok(uncached(JobBody::from(state.app().job(&caller, &parse(&id)?).await?)))
}

/// Stop a job.
///
/// One that waits ends at once, one that runs within moments; one that has ended stays as it is.
#[utoipa::path(
    post,
    path = "/v1/jobs/{id}/cancel",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = JobBody),
        (status = 401, description = "An API key is needed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The key's role does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel_job(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    Ok(uncached(JobBody::from(state.app().cancel_job(&caller, &parse(&id)?).await?)))
}

/// Queue a failed or cancelled job again, with all its attempts.
#[utoipa::path(
    post,
    path = "/v1/jobs/{id}/retry",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job, queued", body = JobBody),
        (status = 401, description = "An API key is needed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The key's role does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It has not failed, or what it needs was deleted", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn retry_job(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    Ok(uncached(JobBody::from(state.app().retry_job(&caller, &parse(&id)?).await?)))
}

/// A job's progress as server-sent events.
///
/// `progress` events carry the job; the last event is named after the final state: `succeeded`, `failed` or
/// `cancelled`. After an hour, and when the server stops, the stream ends without one: ask again.
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}/events",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "Events whose data is the job", body = JobEvent, content_type = "text/event-stream"),
        (status = 401, description = "An API key is needed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The key's role does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an id", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many event streams are open", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn job_events(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let jobs = state.app().watch_job(&caller, &parse(&id)?).await?;
    Ok(events(&state, jobs.map(|job| event(if job.state.is_final() { job.state.as_str() } else { "progress" }, job)))?)
}

/// All of the organization's jobs as server-sent events.
///
/// First a `job` event for each of the newest 100 jobs and each that runs, then one whenever one of them changes or a
/// new one is enqueued. The stream ends after an hour and when the server stops: ask again.
#[utoipa::path(
    get,
    path = "/v1/jobs/events",
    tag = "jobs",
    responses(
        (status = 200, description = "Events whose data is a job", body = JobEvent, content_type = "text/event-stream"),
        (status = 401, description = "An API key is needed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The key's role does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many event streams are open", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn jobs_events(State(state): State<HttpState>, caller: Caller) -> Result<Response, Problem> {
    let jobs = state.app().watch_jobs(&caller).await?;
    Ok(events(&state, jobs.map(|job| event("job", job)))?)
}

/// An event stream that ends in time or with the server, under a permit.
pub(crate) fn events(
    state: &HttpState,
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Result<Response, AppError> {
    let permit = state.event_streams().clone().try_acquire_owned();
    let permit = permit.map_err(|_| AppError::Unavailable { retry_after_s: RETRY_AFTER_STREAMS_S })?;
    let (stopping, ended) = (state.stopping().clone().cancelled_owned(), state.clock().sleep(STREAM_TIME_MAX));
    let until_stop = events.take_until(stopping).take_until(ended).map(move |event| {
        // Held as long as the stream lives.
        let _ = &permit;
        event
    });
    let keepalive = KeepAlive::new().interval(Duration::from_secs(EVENT_KEEPALIVE_S));
    let mut response = Sse::new(until_stop).keep_alive(keepalive).into_response();
    // Proxies that buffer would hold the progress back until the end.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn event(name: &str, job: Job) -> Result<Event, Infallible> {
    let data = serde_json::to_string(&JobBody::from(job)).expect("a job's members serialise to JSON");
    Ok(Event::default().event(name).data(data))
}

/// A job id; anything else names no job.
fn parse(id: &str) -> Result<JobId, AppError> {
    JobId::parse(id).ok_or_else(|| AppError::NotFound { what: "job", id: id.to_owned() })
}

/// A job changes while one looks: it is never kept.
fn uncached(body: impl Serialize) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}
