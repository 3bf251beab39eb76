//! Erasing a person: everything that one of the organization's own users said, for good. Its own page, because it cannot
//! be undone; the id is typed once more.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::LOG;
use super::filter::address;
use crate::api::extract::Parameters;
use crate::app::{AppError, InteractionFilter, Permission};
use crate::dashboard::answers::{FormAnswers, PageAnswers};
use crate::dashboard::form::FormView;
use crate::dashboard::frame::Page;
use crate::dashboard::visitor::{Person, Posted, query_value};
use crate::dashboard::words::count;
use crate::state::HttpState;

/// The fields of the form, as (name, label).
const FIELDS: &[(&str, &str)] = &[("person", "Person"), ("again", "The same once more")];

/// Whom.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct ErasePersonParameters {
    /// `your_company_user_id` of the person.
    #[param(example = "internal_user_001")]
    person: String,
}

#[derive(Template)]
#[template(path = "interactions_erase.html")]
struct EraseTemplate<'a> {
    form: FormView,
    person: &'a str,
    /// What there is of them, in words.
    known: String,
    log_href: String,
    csrf: &'a str,
}

/// The question whether a person is to be erased.
#[utoipa::path(
    get,
    path = "/dashboard/interactions/erase",
    tag = "pages",
    params(ErasePersonParameters),
    responses(PageAnswers)
)]
pub(crate) async fn erase_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<ErasePersonParameters>,
) -> Response {
    let form = FormView::new(FIELDS).with("person", &asked.person);
    person.answer(show(&state, &person, &asked.person, form).await)
}

async fn show(state: &HttpState, person: &Person, subject: &str, form: FormView) -> Result<Response, AppError> {
    person.caller().require(Permission::Own)?;
    let status = if form.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let known = if subject.is_empty() || subject.contains('\0') {
        String::new()
    } else {
        let filter = InteractionFilter { subject: Some(subject.to_owned()), ..InteractionFilter::default() };
        let (tally, more) = state.app().interaction_tally(person.caller(), &filter).await?;
        match tally.counted {
            1 => "1 interaction".to_owned(),
            counted if more => format!("more than {} interactions", count(counted)),
            counted => format!("{} interactions", count(counted)),
        }
    };
    let log_href = address(&format!("your_company_user_id={}", query_value(subject)));
    let body = EraseTemplate { form, person: subject, known, log_href, csrf: &person.csrf };
    let body = body.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: "Erase a person",
            lead: "Everything that one of your users said is erased for good, in backups too: the key that seals it is destroyed.",
            body_html: &body,
            path: LOG,
            parents: &[("I/O Logs", LOG)],
            ..Page::default()
        },
    ))
}

/// Whom to erase, as the form sends it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct EraseForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// `your_company_user_id` of the person.
    person: String,
    /// The same, typed once more.
    again: String,
}

/// Erase a person. The answer is the log's address.
#[utoipa::path(
    post,
    path = "/dashboard/interactions/erase",
    tag = "pages",
    request_body(content = EraseForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn erase_form(State(state): State<HttpState>, posted: Posted<EraseForm>) -> Response {
    posted.person.answer(erase(&state, &posted.person, &posted.form).await)
}

async fn erase(state: &HttpState, person: &Person, sent: &EraseForm) -> Result<Response, AppError> {
    person.caller().require(Permission::Own)?;
    let mut form = FormView::new(FIELDS).with("person", &sent.person).with("again", &sent.again);
    if sent.person.is_empty() {
        form.problem("person", "must not be empty");
    } else if sent.again != sent.person {
        form.problem("again", "is another id; nothing was erased");
    }
    if form.is_refused() {
        return show(state, person, &sent.person, form).await;
    }
    match state.app().erase_person(person.caller(), &sent.person).await {
        Ok(erased) => Ok(Redirect::to(&address(&format!("said=erased-{erased}"))).into_response()),
        Err(error) => show(state, person, &sent.person, form.refused(error)?).await,
    }
}
