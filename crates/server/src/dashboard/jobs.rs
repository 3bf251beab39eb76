//! Jobs: the list, one job, both live by server-sent events, and what can be done to them.
//!
//! An event carries the row of the list, or the card of the one job, as this server renders it; the page's script puts
//! it in the place of the old one. Without a script the pages say how things stood when they were loaded.

use std::convert::Infallible;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Redirect, Response};
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::answers::{FormAnswers, PageAnswers};
use super::frame::Page;
use super::keys::ConfirmForm;
use super::visitor::{Person, Posted, query_value};
use super::words::Moment;
use crate::api::extract::{Parameters, PathId};
use crate::api::jobs::events;
use crate::app::{AppError, Caller, Job, JobFilter, JobId, JobState, Permission, kinds};
use crate::state::HttpState;

/// Jobs of one page.
const PAGE_JOBS: u32 = 30;

/// A job as pages show it.
pub(super) struct JobRow {
    pub(super) id: String,
    /// What it does, in words.
    pub(super) kind: String,
    /// What it is about; empty when only its id says.
    pub(super) about: String,
    pub(super) tone: &'static str,
    pub(super) state: &'static str,
    /// Percent done.
    pub(super) percent: u32,
    pub(super) step: String,
    pub(super) attempts: u32,
    pub(super) attempts_max: u32,
    pub(super) dead: bool,
    pub(super) running: bool,
    pub(super) ended: bool,
    pub(super) error: String,
    pub(super) certificate: Option<String>,
    pub(super) created: Moment,
    pub(super) started: Option<Moment>,
    pub(super) finished: Option<Moment>,
    /// How long it ran or runs, in words.
    pub(super) took: String,
    pub(super) can_cancel: bool,
    pub(super) can_retry: bool,
    /// Changes when anything that is shown does.
    pub(super) revision: String,
}

impl JobRow {
    pub(super) fn new(job: &Job, caller: &Caller, now: Timestamp) -> Self {
        let (tone, state) = match (job.state, job.dead, job.cancel_requested) {
            (JobState::Queued, _, _) => ("silent", "Queued"),
            (JobState::Running, _, true) => ("busy", "Stopping"),
            (JobState::Running, _, false) => ("busy", "Running"),
            (JobState::Succeeded, _, _) => ("pass", "Succeeded"),
            (JobState::Failed, true, _) => ("fail", "Dead letter"),
            (JobState::Failed, false, _) => ("fail", "Failed"),
            (JobState::Cancelled, _, _) => ("silent", "Cancelled"),
        };
        let text = |pointer: &str| job.args.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default();
        let certificate = job.result.as_ref().and_then(|result| result.get("certificate_id"));
        let percent = (job.progress.clamp(0.0, 1.0) * 100.0).round() as u32;
        let step = job.step.replace('_', " ");
        Self {
            id: job.id.to_string(),
            kind: if job.kind == kinds::CERTIFY.name { "Audit".to_owned() } else { sentence(&job.kind) },
            about: text("/request/model_name").to_owned(),
            tone,
            state,
            revision: format!("{state} {percent} {} {step}", job.attempts),
            percent,
            step,
            attempts: job.attempts,
            attempts_max: job.attempts_max,
            dead: job.dead,
            running: job.state == JobState::Running,
            ended: job.state.is_final(),
            error: job.error.as_ref().map(|error| error.detail.clone()).unwrap_or_default(),
            certificate: certificate.and_then(|id| id.as_str()).map(str::to_owned),
            created: job.created_at.into(),
            started: job.started_at.map(Moment),
            finished: job.finished_at.map(Moment),
            took: took(job, now),
            can_cancel: !job.state.is_final() && !job.cancel_requested && caller.may(Permission::Run),
            can_retry: matches!(job.state, JobState::Failed | JobState::Cancelled) && caller.may(Permission::Manage),
        }
    }
}

/// `tidy_limits` as `Tidy limits`.
fn sentence(kind: &str) -> String {
    let words = kind.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// How long a job ran or runs; empty before it does.
fn took(job: &Job, now: Timestamp) -> String {
    let Some(started) = job.started_at else { return String::new() };
    let seconds = job.finished_at.unwrap_or(now).duration_since(started).as_millis().max(0) as f64 / 1000.0;
    match seconds {
        seconds if seconds < 60.0 => format!("{seconds:.1} s"),
        seconds if seconds < 3600.0 => format!("{} min {:02} s", (seconds / 60.0) as u64, (seconds % 60.0) as u64),
        seconds => format!("{} h {:02} min", (seconds / 3600.0) as u64, (seconds % 3600.0 / 60.0) as u64),
    }
}

/// Which jobs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobsParameters {
    /// `queued`, `running`, `succeeded`, `failed`, `cancelled`, `dead` for dead letters; empty for all.
    #[serde(default)]
    #[param(example = "failed")]
    state: String,
    /// The kind of work; empty for all.
    #[serde(default)]
    #[param(example = "certify")]
    kind: String,
    /// Jobs made before this one.
    #[param(example = "job_0190c2b4000070008000000000000001")]
    before: Option<String>,
}

/// The tabs of the list, as (value of `state`, name).
const TABS: &[(&str, &str)] = &[
    ("", "All"),
    ("running", "Running"),
    ("queued", "Queued"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("dead", "Dead letters"),
    ("cancelled", "Cancelled"),
];

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage<'a> {
    jobs: Vec<JobRow>,
    tabs: &'static [(&'static str, &'static str)],
    state: &'a str,
    kind: &'a str,
    newest: bool,
    older_than: Option<String>,
    /// Query of the filter, to be followed by more.
    filter: String,
    public_url: &'a str,
}

impl JobsPage<'_> {
    /// Whether this tab is open.
    fn is_open(&self, state: &str) -> bool {
        self.state == state
    }
}

#[derive(Template)]
#[template(path = "job_row.html")]
struct RowTemplate<'a> {
    job: &'a JobRow,
}

/// The organization's jobs.
#[utoipa::path(get, path = "/dashboard/jobs", tag = "pages", params(JobsParameters), responses(PageAnswers))]
pub(crate) async fn jobs_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<JobsParameters>,
) -> Response {
    person.answer(list(&state, &person, asked).await)
}

async fn list(state: &HttpState, person: &Person, asked: JobsParameters) -> Result<Response, AppError> {
    let before = asked.before.as_deref().map(parse).transpose()?;
    let wanted = filter(&asked)?;
    let jobs = state.app().jobs(person.caller(), &wanted, before.as_ref(), PAGE_JOBS).await?;
    let full = jobs.len() == PAGE_JOBS as usize;
    let now = state.clock().now();
    let page = JobsPage {
        older_than: jobs.last().filter(|_| full).map(|job| job.id.to_string()),
        jobs: jobs.iter().map(|job| JobRow::new(job, person.caller(), now)).collect(),
        tabs: TABS,
        newest: before.is_none(),
        filter: format!("state={}&kind={}", query_value(&asked.state), query_value(&asked.kind)),
        state: &asked.state,
        kind: &asked.kind,
        public_url: &state.config().public_url(),
    };
    let body = page.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title: "Jobs",
        lead: "Work that takes longer than a request: what waits, what runs, what ended and how.",
        body_html: &body,
        path: "/dashboard/jobs",
        ..Page::default()
    }))
}

fn filter(asked: &JobsParameters) -> Result<JobFilter, AppError> {
    let kind = Some(asked.kind.trim()).filter(|kind| !kind.is_empty()).map(str::to_owned);
    let (state, dead_only) = match asked.state.as_str() {
        "" => (None, false),
        "dead" => (Some(JobState::Failed), true),
        word => {
            let unknown = || AppError::Unprocessable(format!("state: there is no state {word:?}"));
            (Some(JobState::parse(word).ok_or_else(unknown)?), false)
        }
    };
    Ok(JobFilter { kind, state, dead_only })
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage<'a> {
    job: &'a JobRow,
    said: &'static str,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "job_card.html")]
struct CardTemplate<'a> {
    job: &'a JobRow,
}

/// What has just been done.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobParameters {
    /// As this server says it in the address it sends a browser to.
    #[param(example = "cancelled")]
    said: Option<String>,
}

/// One job, and what can be done to it.
#[utoipa::path(
    get,
    path = "/dashboard/jobs/{id}",
    tag = "pages",
    params(("id" = String, Path, description = "The job's id"), JobParameters),
    responses(PageAnswers)
)]
pub(crate) async fn job_page(
    State(state): State<HttpState>,
    person: Person,
    PathId(id): PathId,
    Parameters(asked): Parameters<JobParameters>,
) -> Response {
    person.answer(show(&state, &person, &id, asked.said.as_deref()).await)
}

async fn show(state: &HttpState, person: &Person, id: &str, said: Option<&str>) -> Result<Response, AppError> {
    let job = state.app().job(person.caller(), &parse(id)?).await?;
    let job = JobRow::new(&job, person.caller(), state.clock().now());
    let title = if job.about.is_empty() { job.kind.clone() } else { format!("{} of {}", job.kind, job.about) };
    let said = match said {
        Some("submitted") => "Accepted: the audit runs whatever happens to this page.",
        Some("cancelled") => "The job was told to stop.",
        Some("retried") => "The job is queued again.",
        _ => "",
    };
    let body = JobPage { job: &job, said, csrf: &person.csrf }.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title: &title,
        lead: "",
        body_html: &body,
        path: "/dashboard/jobs",
        parents: &[("Jobs", "/dashboard/jobs")],
        ..Page::default()
    }))
}

/// The organization's jobs as they change, as server-sent events: `job`, with the row as HTML.
#[utoipa::path(
    get,
    operation_id = "dashboard_jobs_events",
    path = "/dashboard/jobs/events",
    tag = "pages",
    responses(PageAnswers)
)]
pub(crate) async fn jobs_events(State(state): State<HttpState>, person: Person) -> Response {
    let watched = state.app().watch_jobs(person.caller()).await;
    person.answer(watched.and_then(|jobs| {
        let (clock, caller) = (state.clone(), person.caller().clone());
        streamed(&state, jobs.map(move |job| event(&job, &caller, clock.clock().now(), row_html)))
    }))
}

/// One job as it changes, as server-sent events: `job`, with the card as HTML.
#[utoipa::path(
    operation_id = "dashboard_job_events",
    get,
    path = "/dashboard/jobs/{id}/events",
    tag = "pages",
    params(("id" = String, Path, description = "The job's id")),
    responses(PageAnswers)
)]
pub(crate) async fn job_events(State(state): State<HttpState>, person: Person, PathId(id): PathId) -> Response {
    let watched = match parse(&id) {
        Ok(id) => state.app().watch_job(person.caller(), &id).await,
        Err(error) => Err(error),
    };
    person.answer(watched.and_then(|jobs| {
        let (clock, caller) = (state.clone(), person.caller().clone());
        streamed(&state, jobs.map(move |job| event(&job, &caller, clock.clock().now(), card_html)))
    }))
}

/// The stream as an answer that nobody keeps.
fn streamed(
    state: &HttpState,
    jobs: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Result<Response, AppError> {
    let mut response = events(state, jobs)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

fn event(job: &Job, caller: &Caller, now: Timestamp, html: fn(&JobRow) -> String) -> Result<Event, Infallible> {
    let row = JobRow::new(job, caller, now);
    let data = json!({ "id": row.id, "html": html(&row), "ended": row.ended, "revision": row.revision });
    Ok(Event::default().event("job").data(data.to_string()))
}

fn row_html(job: &JobRow) -> String {
    RowTemplate { job }.render().expect("writing to a string cannot fail")
}

fn card_html(job: &JobRow) -> String {
    CardTemplate { job }.render().expect("writing to a string cannot fail")
}

/// Stop a job.
#[utoipa::path(
    operation_id = "dashboard_cancel_job",
    post,
    path = "/dashboard/jobs/{id}/cancel",
    tag = "pages",
    params(("id" = String, Path, description = "The job's id")),
    request_body(content = ConfirmForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn cancel_job(
    State(state): State<HttpState>,
    PathId(id): PathId,
    posted: Posted<ConfirmForm>,
) -> Response {
    let cancelled = match parse(&id) {
        Ok(id) => state.app().cancel_job(posted.person.caller(), &id).await,
        Err(error) => Err(error),
    };
    posted.person.answer(cancelled.map(|job| back(&job.id, "cancelled")))
}

/// Queue a failed or cancelled job again.
#[utoipa::path(
    operation_id = "dashboard_retry_job",
    post,
    path = "/dashboard/jobs/{id}/retry",
    tag = "pages",
    params(("id" = String, Path, description = "The job's id")),
    request_body(content = ConfirmForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn retry_job(
    State(state): State<HttpState>,
    PathId(id): PathId,
    posted: Posted<ConfirmForm>,
) -> Response {
    let retried = match parse(&id) {
        Ok(id) => state.app().retry_job(posted.person.caller(), &id).await,
        Err(error) => Err(error),
    };
    posted.person.answer(retried.map(|job| back(&job.id, "retried")))
}

/// To the page of a job.
pub(super) fn back(id: &JobId, said: &str) -> Response {
    Redirect::to(&format!("/dashboard/jobs/{id}?said={said}")).into_response()
}

/// A job id; anything else names no job.
fn parse(id: &str) -> Result<JobId, AppError> {
    JobId::parse(id).ok_or_else(|| AppError::NotFound { what: "job", id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_as_sentences() {
        assert_eq!((sentence("tidy_limits"), sentence("")), ("Tidy limits".to_owned(), String::new()));
    }

    #[test]
    fn filters_take_the_words_of_the_tabs() {
        for (word, _) in TABS {
            let asked = JobsParameters { state: (*word).to_owned(), ..JobsParameters::default() };
            assert!(filter(&asked).is_ok(), "{word}");
        }
        let asked = JobsParameters { state: "asleep".to_owned(), ..JobsParameters::default() };
        assert!(filter(&asked).is_err());
    }
}
