//! `POST /audit/full`: hand data in, get the certificate, at once or by a job to follow.

use std::time::Duration;

use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tracing::Instrument as _;
use utoipa::IntoParams;

use super::error::{Detail, DetailBody};
use super::limits::RETRY_AFTER_BUSY_S;
use super::upload::{self, Form};
use super::verify::certificate_response;
use super::wire::{AuditForm, AuditJob, SealedCertificate};
use crate::api::extract::{OpenCaller, Parameters};
use crate::api::idempotency::{self, Fingerprint, IdempotencyKey, json_answer};
use crate::app::{
    Answer, App, AppError, AuditRequest, Caller, JobId, JobView, NamedRequest, NewAudit, Once, Permission,
};
use crate::state::HttpState;

/// How the answer is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SubmitParameters {
    /// `true`: answer 202 with a job at once instead of waiting for the certificate. `Prefer: respond-async` does the
    /// same.
    #[serde(default, rename = "async")]
    #[param(rename = "async", example = false)]
    asynchronous: bool,
}

/// Run the four-layer bias audit.
///
/// Waits for the certificate, at most the configured time (300 s); beyond it the audit is stopped and answered with
/// 504. A client that closes its connection stops its audit, unless it sent an `Idempotency-Key`: then it can send the
/// same request again and gets the certificate. With `async=true` or `Prefer: respond-async` the answer
/// is a job, without that bound.
#[utoipa::path(
    post,
    path = "/audit/full",
    tag = "certification",
    params(SubmitParameters, ("Prefer" = Option<String>, Header, description = "`respond-async` for a job"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    request_body(content = AuditForm, content_type = "multipart/form-data", description = "The data and what to audit it for"),
    responses(
        (status = 200, description = "The certificate", body = SealedCertificate),
        (status = 202, description = "Accepted; follow the job", body = AuditJob,
            headers(("Location" = String, description = "Address of the job"))),
        (status = 401, description = "An API key is needed, or the one sent is not good", body = DetailBody),
        (status = 403, description = "The key's role does not allow it", body = DetailBody),
        (status = 409, description = "Somebody cancelled the audit, or the same request is being worked at this moment", body = DetailBody),
        (status = 413, description = "A file or field is larger than it may be", body = DetailBody),
        (status = 422, description = "The form, the data or the model cannot be audited, or the Idempotency-Key names another request; `detail` says what to change", body = DetailBody),
        (status = 429, description = "Too many audits from this address", body = DetailBody,
            headers(("Retry-After" = u64, description = "Seconds to wait"))),
        (status = 500, description = "Internal error", body = DetailBody),
        (status = 503, description = "The server cannot take more now", body = DetailBody,
            headers(("Retry-After" = u64, description = "Seconds to wait"))),
        (status = 504, description = "The audit took longer than it may, and was stopped", body = DetailBody),
    )
)]
pub(crate) async fn submit_audit(
    State(state): State<HttpState>,
    OpenCaller(caller): OpenCaller,
    key: IdempotencyKey,
    Parameters(parameters): Parameters<SubmitParameters>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Detail> {
    caller.require(Permission::Run)?;
    let (new, form) = received(&state, request).await?;
    let asynchronous = parameters.asynchronous || prefers_async(&headers);
    let form = form.and("answer", if asynchronous { "job" } else { "certificate" });
    match key.request(&state, &caller, form)? {
        Some(request) => submitted_once(&state, &caller, new, &request, asynchronous).await,
        None if asynchronous => {
            let job = state.app().submit_audit(&caller, new).await?;
            Ok(idempotency::response(accepted(&job)))
        }
        None => {
            let job = state.app().submit_audit(&caller, new).await?;
            let mut abandoned = CancelOnDrop { app: state.app().clone(), caller, job: job.id, armed: true };
            let certificate = certificate(&state, &abandoned.caller, &abandoned.job).await;
            abandoned.armed = false;
            certificate
        }
    }
}

/// An audit whose request names itself: it is done once, and goes on when the client goes away, because the client will
/// ask again.
async fn submitted_once(
    state: &HttpState,
    caller: &Caller,
    new: NewAudit,
    request: &NamedRequest,
    asynchronous: bool,
) -> Result<Response, Detail> {
    let app = state.app();
    let once = if asynchronous { Once::new(Some(request), &accepted) } else { Once::answered_later(Some(request)) };
    let known = match app.known_request(caller, request).await? {
        Some(known) => known,
        None => match app.submit_audit_once(caller, new, &once).await {
            Ok(job) if asynchronous => return Ok(idempotency::response(accepted(&job))),
            Ok(job) => return Ok(answered_and_kept(state, caller, request, &job.id).await),
            Err(AppError::Repeated) => app.known_request(caller, request).await?.ok_or(AppError::Repeated)?,
            Err(error) => return Err(error.into()),
        },
    };
    if let Some(answer) = known.answer {
        return Ok(idempotency::replayed(answer));
    }
    let job = JobId::parse(&known.subject).ok_or_else(|| AppError::internal("a worked request made no job"))?;
    Ok(idempotency::mark_replayed(answered_and_kept(state, caller, request, &job).await))
}

/// Waits for the audit and answers how it ended. A certificate is sealed and can be answered again from its job; any
/// other end is kept, but for our own troubles, after which asking again is worth it.
async fn answered_and_kept(state: &HttpState, caller: &Caller, request: &NamedRequest, job: &JobId) -> Response {
    let response = certificate(state, caller, job).await.into_response();
    let ours = matches!(response.status(), StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE);
    if response.status() == StatusCode::OK || ours {
        return response;
    }
    let (answer, response) = idempotency::answer_of(response).await;
    if let Some(answer) = answer {
        state.app().keep_answer(caller, request, job.as_str(), &answer).await;
    }
    response
}

/// Waits for the certificate.
async fn certificate(state: &HttpState, caller: &Caller, job: &JobId) -> Result<Response, Detail> {
    let patience = Duration::from_secs(state.config().passport.audit_timeout_s);
    let outcome = state.app().wait_for_audit(caller, job, patience).await?;
    let certificate = state.app().certificate(&outcome.certificate_id).await?;
    Ok(certificate_response(certificate.document.clone()))
}

/// The form as an audit to run. One upload permit is held while it is received.
async fn received(state: &HttpState, request: Request) -> Result<(NewAudit, Fingerprint), AppError> {
    let _permit =
        state.uploads().try_acquire().map_err(|_| AppError::Unavailable { retry_after_s: RETRY_AFTER_BUSY_S })?;
    let multipart = Multipart::from_request(request, &()).await.map_err(|rejection| {
        AppError::Unprocessable(format!("send the fields as multipart/form-data: {}", rejection.body_text()))
    })?;
    let form = upload::receive(multipart, &state.config().limits, &state.app().spool()).await?;
    let fingerprint = form.fingerprint();
    Ok((parsed(form)?, fingerprint))
}

/// The form's parts, checked; a missing file is reported together with all that is wrong with the text fields.
fn parsed(form: Form) -> Result<NewAudit, AppError> {
    let request = AuditRequest::parse(&form.fields);
    match (form.dataset, request) {
        (Some(dataset), Ok(request)) => Ok(NewAudit { dataset, model: form.model, request }),
        (Some(_), Err(error)) => Err(error),
        (None, Ok(_)) => Err(AppError::Unprocessable("missing required field(s): dataset_file".to_owned())),
        (None, Err(AppError::Unprocessable(problems))) => {
            let others = problems.strip_prefix("missing required field(s): ").map(|others| format!(", {others}"));
            let others = others.unwrap_or_else(|| format!("; {problems}"));
            Err(AppError::Unprocessable(format!("missing required field(s): dataset_file{others}")))
        }
        (None, Err(error)) => Err(error),
    }
}

/// Whether `Prefer` asks for an asynchronous answer (RFC 7240 section 4.1).
fn prefers_async(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences
        .flat_map(|value| value.split([',', ';']))
        .any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}

/// 202 with the job and where to follow it.
fn accepted(job: &JobView) -> Answer {
    let job = AuditJob::from(job.clone());
    let applied = HeaderName::from_static("preference-applied");
    let headers = [(LOCATION, job.url.as_str()), (applied, "respond-async")];
    json_answer(StatusCode::ACCEPTED, &headers, &job)
}

/// Cancels an audit that nobody waits for any more: the client closed its connection, so this handler was dropped.
struct CancelOnDrop {
    app: App,
    caller: Caller,
    job: JobId,
    armed: bool,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let (app, caller, job) = (self.app.clone(), self.caller.clone(), self.job.clone());
        let cancel = async move {
            tracing::info!(job.id = job.as_str(), "the client went away: cancelling its audit");
            if let Err(error) = app.cancel_audit(&caller, &job).await {
                tracing::warn!(job.id = job.as_str(), "an abandoned audit could not be cancelled: {error}");
            }
        };
        tokio::spawn(cancel.in_current_span());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn respond_async_is_found_among_other_preferences() {
        for (value, expected) in [
            ("respond-async", true),
            ("wait=10, Respond-Async", true),
            ("return=minimal", false),
            ("respond-asynchronously", false),
        ] {
            let headers = HeaderMap::from_iter([(HeaderName::from_static("prefer"), value.parse().unwrap())]);
            assert_eq!(prefers_async(&headers), expected, "{value}");
        }
    }

    #[test]
    fn a_missing_file_is_reported_with_the_missing_fields() {
        let Err(AppError::Unprocessable(detail)) = parsed(Form::default()) else {
            panic!("an empty form was accepted")
        };
        assert_eq!(
            detail,
            "missing required field(s): dataset_file, model_name, organization, domain, target_column, protected_attributes"
        );
    }
}
