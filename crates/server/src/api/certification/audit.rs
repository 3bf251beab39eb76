//! `POST /audit/full`: hand data in, get the certificate, at once or by a job to follow.

use std::time::Duration;

use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{Detail, DetailBody};
use super::limits::RETRY_AFTER_BUSY_S;
use super::upload::{self, Form};
use super::verify::certificate_response;
use super::wire::{AuditForm, AuditJob, Certificate};
use crate::api::extract::{OpenCaller, Parameters};
use crate::app::{App, AppError, AuditRequest, Caller, JobId, NewAudit, Permission};
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
/// 504. A client that closes its connection stops its audit. With `async=true` or `Prefer: respond-async` the answer
/// is a job, without that bound.
#[utoipa::path(
    post,
    path = "/audit/full",
    tag = "certification",
    params(SubmitParameters, ("Prefer" = Option<String>, Header, description = "`respond-async` for a job")),
    request_body(content = AuditForm, content_type = "multipart/form-data", description = "The data and what to audit it for"),
    responses(
        (status = 200, description = "The certificate", body = Certificate),
        (status = 202, description = "Accepted; follow the job", body = AuditJob,
            headers(("Location" = String, description = "Address of the job"))),
        (status = 401, description = "An API key is needed, or the one sent is not good", body = DetailBody),
        (status = 403, description = "The key's role does not allow it", body = DetailBody),
        (status = 409, description = "Somebody cancelled the audit", body = DetailBody),
        (status = 413, description = "A file or field is larger than it may be", body = DetailBody),
        (status = 422, description = "The form, the data or the model cannot be audited; `detail` says what to change", body = DetailBody),
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
    Parameters(parameters): Parameters<SubmitParameters>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Detail> {
    caller.require(Permission::Run)?;
    let new = received(&state, request).await?;
    let app = state.app();
    let job = app.submit_audit(&caller, new).await?;
    if parameters.asynchronous || prefers_async(&headers) {
        return accepted(app, &caller, &job).await;
    }
    let mut abandoned = CancelOnDrop { app: app.clone(), caller, job, armed: true };
    let patience = Duration::from_secs(state.config().passport.audit_timeout_s);
    let outcome = app.wait_for_audit(&abandoned.caller, &abandoned.job, patience).await;
    abandoned.armed = false;
    let certificate = app.certificate(&outcome?.certificate_id).await?;
    Ok(certificate_response(certificate.document.clone()))
}

/// The form as an audit to run. One upload permit is held while it is received.
async fn received(state: &HttpState, request: Request) -> Result<NewAudit, AppError> {
    let _permit =
        state.uploads().try_acquire().map_err(|_| AppError::Unavailable { retry_after_s: RETRY_AFTER_BUSY_S })?;
    let multipart = Multipart::from_request(request, &()).await.map_err(|rejection| {
        AppError::Unprocessable(format!("send the fields as multipart/form-data: {}", rejection.body_text()))
    })?;
    let form = upload::receive(multipart, &state.config().limits, &state.app().spool()).await?;
    parsed(form)
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
async fn accepted(app: &App, caller: &Caller, job: &JobId) -> Result<Response, Detail> {
    let job = AuditJob::from(app.audit_job(caller, job).await?);
    let location = HeaderValue::from_str(&job.url).map_err(AppError::internal)?;
    let applied = HeaderValue::from_static("respond-async");
    let headers = [(LOCATION, location), (HeaderName::from_static("preference-applied"), applied)];
    Ok((StatusCode::ACCEPTED, headers, axum::Json(job)).into_response())
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
        tokio::spawn(async move {
            tracing::info!(job.id = job.as_str(), "the client went away: cancelling its audit");
            if let Err(error) = app.cancel_audit(&caller, &job).await {
                tracing::warn!(job.id = job.as_str(), "an abandoned audit could not be cancelled: {error}");
            }
        });
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
