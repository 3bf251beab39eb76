//! Settings of the organization: what it is called. What the server itself is set to stands beside it, to be read.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answers::{FormAnswers, PageAnswers};
use super::form::FormView;
use super::frame::Page;
use super::visitor::{Person, Posted};
use super::words::{Moment, bytes, count};
use crate::api::extract::Parameters;
use crate::app::{AppError, OrganizationRecord, Permission, RetentionKind};
use crate::state::HttpState;

/// The fields of the form, as (name, label).
const FIELDS: &[(&str, &str)] = &[("name", "Name")];
/// The fields of the form for retention, as (name, label).
const RETENTION_FIELDS: &[(&str, &str)] =
    &[("uploads", "Uploaded files"), ("jobs", "Ended jobs"), ("interactions", "Interactions")];

/// What has just been done.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SettingsParameters {
    /// As this server says it in the address it sends a browser to.
    #[param(example = "saved")]
    said: Option<String>,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage<'a> {
    organization: OrganizationRecord,
    created: Moment,
    form: FormView,
    retention: FormView,
    said: &'static str,
    owns: bool,
    /// Settings of the server, as (name, value, key in the configuration).
    server: Vec<(&'static str, String, &'static str)>,
    csrf: &'a str,
}

/// The organization's settings.
#[utoipa::path(get, path = "/dashboard/settings", tag = "pages", params(SettingsParameters), responses(PageAnswers))]
pub(crate) async fn settings_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<SettingsParameters>,
) -> Response {
    let said = if asked.said.as_deref() == Some("saved") { "Saved." } else { "" };
    person.answer(show(&state, &person, Refused::default(), said).await)
}

/// The forms of the page that were refused.
#[derive(Default)]
struct Refused {
    name: Option<FormView>,
    retention: Option<FormView>,
}

async fn show(state: &HttpState, person: &Person, refused: Refused, said: &'static str) -> Result<Response, AppError> {
    person.caller().require(Permission::Manage)?;
    let organization = state.app().organization(person.caller()).await?;
    let any = refused.name.is_some() || refused.retention.is_some();
    let status = if any { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let retention = match refused.retention {
        Some(form) => form,
        None => retention_form(state, person).await?,
    };
    let page = SettingsPage {
        created: organization.created_at.into(),
        form: refused.name.unwrap_or_else(|| FormView::new(FIELDS).with("name", &organization.name)),
        organization,
        retention,
        said,
        owns: person.caller().may(Permission::Own),
        server: of_the_server(state),
        csrf: &person.csrf,
    };
    let body = page.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: "Settings",
            lead: "What this organization is called, and what the server was told.",
            body_html: &body,
            path: "/dashboard/settings",
            ..Page::default()
        },
    ))
}

fn of_the_server(state: &HttpState) -> Vec<(&'static str, String, &'static str)> {
    let config = state.config();
    let hours = |hours: u32| format!("{} h", count(u64::from(hours)));
    vec![
        ("Public address", config.public_url(), "server.public_url"),
        ("Certificates are valid for", format!("{} days", config.passport.validity_days), "passport.validity_days"),
        ("Largest data file", bytes(config.limits.dataset_bytes_max), "limits.dataset_bytes_max"),
        ("A session lasts at most", hours(config.identity.session_hours_max), "identity.session_hours_max"),
        ("An invitation works for", hours(config.identity.invitation_hours), "identity.invitation_hours"),
        (
            "Shortest password",
            format!("{} characters", config.identity.password_chars_min),
            "identity.password_chars_min",
        ),
    ]
}

/// Settings, as their form sends them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct SettingsForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// What the organization is called.
    name: String,
}

/// Change the organization's settings.
#[utoipa::path(
    post,
    path = "/dashboard/settings",
    tag = "pages",
    request_body(content = SettingsForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn save_settings(State(state): State<HttpState>, posted: Posted<SettingsForm>) -> Response {
    let (person, sent) = (&posted.person, &posted.form);
    let answer = match state.app().rename_organization(person.caller(), &sent.name).await {
        Ok(_) => Ok(Redirect::to("/dashboard/settings?said=saved").into_response()),
        Err(error @ AppError::Forbidden) => Err(error),
        Err(error) => match FormView::new(FIELDS).with("name", &sent.name).refused(error) {
            Ok(form) => show(&state, person, Refused { name: Some(form), ..Refused::default() }, "").await,
            Err(error) => Err(error),
        },
    };
    person.answer(answer)
}

/// The form with the days that are set.
async fn retention_form(state: &HttpState, person: &Person) -> Result<FormView, AppError> {
    let days = state.app().retention(person.caller()).await?;
    Ok(days
        .into_iter()
        .fold(FormView::new(RETENTION_FIELDS), |form, (kind, days)| form.with(kind.as_str(), days.to_string())))
}

/// How long things are kept, as the form sends it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct RetentionForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// Days that uploaded files are kept after their audit; empty for the server's own number.
    uploads: String,
    /// Days that jobs are kept after their end; empty for the server's own number.
    jobs: String,
    /// Days that interactions are kept after they came; empty for the server's own number.
    interactions: String,
}

/// Set how long things are kept.
#[utoipa::path(
    post,
    path = "/dashboard/settings/retention",
    tag = "pages",
    request_body(content = RetentionForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn save_retention(State(state): State<HttpState>, posted: Posted<RetentionForm>) -> Response {
    posted.person.answer(set_retention(&state, &posted.person, &posted.form).await)
}

async fn set_retention(state: &HttpState, person: &Person, sent: &RetentionForm) -> Result<Response, AppError> {
    let mut form = FormView::new(RETENTION_FIELDS)
        .with("uploads", &sent.uploads)
        .with("jobs", &sent.jobs)
        .with("interactions", &sent.interactions);
    let kinds = [
        (RetentionKind::Uploads, &sent.uploads),
        (RetentionKind::Jobs, &sent.jobs),
        (RetentionKind::Interactions, &sent.interactions),
    ];
    let mut wanted = Vec::new();
    for (kind, text) in kinds {
        match text.trim() {
            "" => wanted.push((kind, None)),
            text => match text.parse::<u32>() {
                Ok(days) => wanted.push((kind, Some(days))),
                Err(_) => {
                    form.problem(kind.as_str(), "is not a whole number of days; leave it empty for the server's own");
                }
            },
        }
    }
    if form.is_refused() {
        return show(state, person, Refused { retention: Some(form), ..Refused::default() }, "").await;
    }
    for (kind, days) in wanted {
        if let Err(error) = state.app().set_retention(person.caller(), kind, days).await {
            let form = form.refused(error)?;
            return show(state, person, Refused { retention: Some(form), ..Refused::default() }, "").await;
        }
    }
    Ok(Redirect::to("/dashboard/settings?said=saved").into_response())
}
