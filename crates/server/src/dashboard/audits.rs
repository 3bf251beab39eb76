//! Audits: the list, and the form that hands data in for the signed-in organization. The form's parts are received as
//! those of `POST /audit/full` are; what was typed is kept when it is refused, only the files must be chosen again.

use askama::Template;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answers::{FormAnswers, PageAnswers};
use super::form::FormView;
use super::frame::Page;
use super::jobs::{JobRow, back};
use super::visitor::{Person, out_of_date};
use super::words::bytes;
use crate::api::certification::upload::{self, Form};
use crate::api::extract::Parameters;
use crate::app::{AppError, AuditRequest, JobFilter, JobId, NewAudit, Permission, kinds};
use crate::state::HttpState;

/// Audits of one page.
const PAGE_AUDITS: u32 = 30;
/// Seconds after which to try again when every upload permit is taken.
const RETRY_AFTER_BUSY_S: u64 = 5;

/// The fields of the form, as (name, label).
const FIELDS: &[(&str, &str)] = &[
    ("model_name", "Model"),
    ("organization", "Organization on the certificate"),
    ("domain", "Domain"),
    ("target_column", "Outcome column"),
    ("protected_attributes", "Protected attributes"),
    ("prediction_column", "Decision column"),
    ("score_column", "Score column"),
    ("positive_label", "Favourable value"),
    ("sample_weight", "Weight column"),
    ("reference_group", "Reference groups"),
    ("age_bins", "Cut points of ages"),
    ("strata", "Strata"),
    ("seed", "Seed"),
    ("dataset_file", "Data file"),
    ("model_file", "Model file"),
];

/// Which audits.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditsParameters {
    /// Audits handed in before this job.
    #[param(example = "job_0190c2b4000070008000000000000001")]
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "audits.html")]
struct AuditsPage<'a> {
    jobs: Vec<JobRow>,
    newest: bool,
    older_than: Option<String>,
    public_url: &'a str,
}

/// The organization's audits.
#[utoipa::path(get, path = "/dashboard/audits", tag = "pages", params(AuditsParameters), responses(PageAnswers))]
pub(crate) async fn audits_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<AuditsParameters>,
) -> Response {
    person.answer(list(&state, &person, asked).await)
}

async fn list(state: &HttpState, person: &Person, asked: AuditsParameters) -> Result<Response, AppError> {
    let unknown = |id: &str| AppError::NotFound { what: "job", id: id.to_owned() };
    let before = asked.before.as_deref().map(|id| JobId::parse(id).ok_or_else(|| unknown(id))).transpose()?;
    let filter = JobFilter { kind: Some(kinds::CERTIFY.name.to_owned()), ..JobFilter::default() };
    let jobs = state.app().jobs(person.caller(), &filter, before.as_ref(), PAGE_AUDITS).await?;
    let full = jobs.len() == PAGE_AUDITS as usize;
    let now = state.clock().now();
    let page = AuditsPage {
        older_than: jobs.last().filter(|_| full).map(|job| job.id.to_string()),
        jobs: jobs.iter().map(|job| JobRow::new(job, person.caller(), now)).collect(),
        newest: before.is_none(),
        public_url: &state.config().public_url(),
    };
    let body = page.render().map_err(AppError::internal)?;
    let new = "<a class=\"button primary\" href=\"/dashboard/audits/new\">New audit</a>";
    Ok(person.page(&Page {
        title: "Audits",
        lead: "What this organization had measured for bias, and the certificates that came of it.",
        actions_html: if person.caller().may(Permission::Run) { new } else { "" },
        body_html: &body,
        path: "/dashboard/audits",
        ..Page::default()
    }))
}

#[derive(Template)]
#[template(path = "audit_new.html")]
struct NewAuditPage<'a> {
    form: FormView,
    /// Whether a file was sent and must be chosen again.
    again: bool,
    dataset_max: String,
    csrf: &'a str,
}

/// The form for an audit.
#[utoipa::path(get, path = "/dashboard/audits/new", tag = "pages", responses(PageAnswers))]
pub(crate) async fn new_audit_page(State(state): State<HttpState>, person: Person) -> Response {
    let form = FormView::new(FIELDS).with("organization", &person.signed_in.organization_name);
    person.answer(show_form(&state, &person, form, false))
}

fn show_form(state: &HttpState, person: &Person, form: FormView, again: bool) -> Result<Response, AppError> {
    person.caller().require(Permission::Run)?;
    let status = if form.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let dataset_max = bytes(state.config().limits.dataset_bytes_max);
    let body = NewAuditPage { form, again, dataset_max, csrf: &person.csrf }.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: "New audit",
            lead: "Hand in data with outcomes; the answer is a signed certificate of what was measured. No row of the data outlives the audit.",
            body_html: &body,
            path: "/dashboard/audits",
            parents: &[("Audits", "/dashboard/audits")],
            ..Page::default()
        },
    ))
}

/// An audit, as its form sends it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form; the parts are received one by one")]
pub(crate) struct AuditUpload {
    /// The session's token, from the page; before the files.
    csrf_token: String,
    /// Human-readable name of the model.
    model_name: String,
    /// Who the certificate is for.
    organization: String,
    /// Where the model decides.
    domain: String,
    /// Column with the outcome.
    target_column: String,
    /// Columns to audit, with commas between.
    protected_attributes: String,
    /// The data, CSV or Parquet.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    dataset_file: String,
}

/// Hand in an audit. The answer is the address of its job.
#[utoipa::path(
    post,
    path = "/dashboard/audits",
    tag = "pages",
    request_body(content = AuditUpload, content_type = "multipart/form-data"),
    responses(FormAnswers)
)]
pub(crate) async fn submit_audit_form(State(state): State<HttpState>, person: Person, request: Request) -> Response {
    person.answer(submit(&state, &person, request).await)
}

async fn submit(state: &HttpState, person: &Person, request: Request) -> Result<Response, AppError> {
    person.caller().require(Permission::Run)?;
    let busy = |_| AppError::Unavailable { retry_after_s: RETRY_AFTER_BUSY_S };
    let _permit = state.uploads().try_acquire().map_err(busy)?;
    let multipart = Multipart::from_request(request, &()).await.map_err(|rejection| {
        AppError::Unprocessable(format!("send the fields as multipart/form-data: {}", rejection.body_text()))
    })?;
    let (sent, received) = upload::receive_keeping(multipart, &state.config().limits, &state.app().spool()).await;
    if !sent.csrf_token.as_deref().is_some_and(|token| person.signed_in.token.csrf_matches(token)) {
        return Ok(out_of_date(person));
    }
    let again = sent.dataset.is_some();
    let mut form = FIELDS.iter().fold(FormView::new(FIELDS), |form, (name, _)| match sent.fields.get(*name) {
        Some(value) => form.with(name, value),
        None => form,
    });
    if let Err(error) = received {
        return show_form(state, person, form.refused(error)?, again);
    }
    match parsed(sent, &mut form) {
        Some(new) => match state.app().submit_audit(person.caller(), new).await {
            Ok(job) => Ok(back(&job.id, "submitted")),
            Err(error) => show_form(state, person, form.refused(error)?, true),
        },
        None => show_form(state, person, form, again),
    }
}

/// The form as an audit to run; notes what is wrong with it, at the fields.
fn parsed(sent: Form, form: &mut FormView) -> Option<NewAudit> {
    let request = AuditRequest::parse(&sent.fields);
    if sent.dataset.as_ref().is_none_or(|file| file.bytes == 0) {
        form.problem("dataset_file", "is missing; choose a CSV or Parquet file");
    }
    match (request, sent.dataset) {
        (Ok(request), Some(dataset)) if !form.is_refused() => Some(NewAudit { dataset, model: sent.model, request }),
        (Err(AppError::Unprocessable(problems)), _) => {
            note(&problems, form);
            None
        }
        _ => None,
    }
}

/// Puts what is wrong with a request to its fields: `field: problem; field: problem`, and the missing ones by name.
fn note(problems: &str, form: &mut FormView) {
    let mut rest = Vec::new();
    for problem in problems.split("; ") {
        if let Some(missing) = problem.strip_prefix("missing required field(s): ") {
            missing.split(", ").for_each(|field| form.problem(field, "must not be empty"));
        } else if let Some((field, words)) = problem.split_once(": ")
            && FIELDS.iter().any(|(name, _)| *name == field)
        {
            form.problem(field, words);
        } else {
            rest.push(problem);
        }
    }
    if !rest.is_empty() {
        form.problem("form", rest.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_a_request_stand_at_their_fields() {
        let mut form = FormView::new(FIELDS);
        note("missing required field(s): model_name, domain; seed: \"x\" is no number; and this", &mut form);
        let summary: Vec<(&str, &str)> = form.summary().iter().map(|(field, _, words)| (*field, *words)).collect();
        assert_eq!(
            summary,
            [
                ("model_name", "must not be empty"),
                ("domain", "must not be empty"),
                ("seed", "\"x\" is no number"),
                ("form", "and this")
            ]
        );
    }
}
