//! API keys: the list, a key with what can be done to it, and the one moment in which a secret is seen.
//!
//! The secret of a new key stands on the page that answers the form and nowhere else: it is in no address, no cookie and
//! no list, and the page is not kept.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answers::{FormAnswers, PageAnswers};
use super::form::FormView;
use super::frame::Page;
use super::visitor::{Person, Posted, query_value};
use super::words::{Moment, role_choices};
use crate::api::extract::{Parameters, PathId};
use crate::app::{AppError, IssuedKey, KeyId, KeyInterface, KeyRecord, NewKey, Role};
use crate::state::HttpState;

/// Keys of one page.
const PAGE_KEYS: u32 = 50;
/// A key that ends within this many days is said to end soon.
const SOON_DAYS: i64 = 14;

/// The fields of the form, as (name, label).
const FIELDS: &[(&str, &str)] =
    &[("name", "Name"), ("interface", "Interface"), ("role", "Role"), ("expires_at", "Expires")];

/// A key as pages show it.
struct KeyView {
    id: String,
    name: String,
    interface: &'static str,
    role: &'static str,
    /// Prefix and last four characters.
    hint: String,
    tone: &'static str,
    state: &'static str,
    live: bool,
    created: Moment,
    created_by: String,
    expires: Option<Moment>,
    used: Option<Moment>,
}

impl KeyView {
    fn new(key: KeyRecord, now: Timestamp) -> Self {
        let soon = |at: Timestamp| at.duration_since(now).as_hours() < SOON_DAYS * 24;
        let (tone, state) = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => ("silent", "Revoked"),
            (None, Some(at)) if at <= now => ("silent", "Expired"),
            (None, Some(at)) if soon(at) => ("unsure", "Ends soon"),
            (None, _) => ("pass", "Works"),
        };
        Self {
            live: key.is_valid(now),
            id: key.id.to_string(),
            hint: format!("{}…{}", key.interface.key_prefix(), key.last_four),
            interface: key.interface.as_str(),
            role: key.role.as_str(),
            name: key.name,
            tone,
            state,
            created: key.created_at.into(),
            created_by: key.created_by,
            expires: key.expires_at.map(Moment),
            used: key.last_used_at.map(Moment),
        }
    }
}

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeysParameters {
    /// Keys made before this one.
    #[param(example = "key_0190c2b4000070008000000000000001")]
    before: Option<String>,
    /// What has just been done, as this server says it in the address it sends a browser to.
    #[param(example = "revoked")]
    said: Option<String>,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage<'a> {
    keys: Vec<KeyView>,
    newest: bool,
    older_than: Option<String>,
    said: &'static str,
    organization: &'a str,
}

/// The organization's API keys.
#[utoipa::path(get, path = "/dashboard/keys", tag = "pages", params(KeysParameters), responses(PageAnswers))]
pub(crate) async fn keys_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<KeysParameters>,
) -> Response {
    person.answer(list(&state, &person, asked).await)
}

async fn list(state: &HttpState, person: &Person, asked: KeysParameters) -> Result<Response, AppError> {
    let before = asked.before.as_deref().map(|id| KeyId::parse(id).ok_or_else(|| unknown(id))).transpose()?;
    let keys = state.app().keys(person.caller(), before.as_ref(), PAGE_KEYS).await?;
    let full = keys.len() == PAGE_KEYS as usize;
    let now = state.clock().now();
    let body = KeysPage {
        newest: before.is_none(),
        older_than: keys.last().filter(|_| full).map(|key| key.id.to_string()),
        keys: keys.into_iter().map(|key| KeyView::new(key, now)).collect(),
        said: match asked.said.as_deref() {
            Some("revoked") => "The key was revoked: what uses it is refused from now on.",
            _ => "",
        },
        organization: person.caller().organization.as_str(),
    };
    let body = body.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title: "Keys",
        lead: "What programs send as X-API-Key. Each is shown once, when it is made; only a digest of it is kept.",
        actions_html: "<a class=\"button primary\" href=\"/dashboard/keys/new\">Make a key</a>",
        body_html: &body,
        path: "/dashboard/keys",
        ..Page::default()
    }))
}

#[derive(Template)]
#[template(path = "key_new.html")]
struct NewKeyPage<'a> {
    form: FormView,
    interfaces: Vec<(&'static str, String)>,
    roles: Vec<(&'static str, String)>,
    csrf: &'a str,
}

/// The form for a new API key.
#[utoipa::path(get, path = "/dashboard/keys/new", tag = "pages", responses(PageAnswers))]
pub(crate) async fn new_key_page(person: Person) -> Response {
    let form = FormView::new(FIELDS).with("interface", KeyInterface::Governance.as_str()).with("role", "auditor");
    person.answer(show_form(&person, form))
}

fn show_form(person: &Person, form: FormView) -> Result<Response, AppError> {
    person.caller().require(crate::app::Permission::Manage)?;
    let status = if form.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = NewKeyPage {
        form,
        interfaces: KeyInterface::ALL.into_iter().map(interface_choice).collect(),
        roles: role_choices(person.caller().role),
        csrf: &person.csrf,
    };
    let body = page.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: "Make a key",
            lead: "One key for each program: then one can be revoked without stopping the others.",
            body_html: &body,
            path: "/dashboard/keys",
            parents: &[("Keys", "/dashboard/keys")],
            ..Page::default()
        },
    ))
}

fn interface_choice(interface: KeyInterface) -> (&'static str, String) {
    let words = match interface {
        KeyInterface::Governance => "Governance (ak_live_…)",
        KeyInterface::Robustness => "Robustness (ak_live_…)",
        KeyInterface::Interactions => "Interactions (sk-viri-…)",
    };
    (interface.as_str(), words.to_owned())
}

/// A new API key, as its form sends it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default)]
#[derive(Default)]
pub(crate) struct KeyForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// What will use it.
    name: String,
    /// `governance`, `robustness` or `interactions`.
    interface: String,
    /// What it may do; not more than its maker.
    role: String,
    /// Last day, as `2027-01-31`; empty for none.
    expires_at: String,
}

/// Make an API key. The answer shows its secret, once.
#[utoipa::path(
    operation_id = "dashboard_create_key",
    post,
    path = "/dashboard/keys",
    tag = "pages",
    request_body(content = KeyForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn create_key(State(state): State<HttpState>, posted: Posted<KeyForm>) -> Response {
    posted.person.answer(create(&state, &posted.person, &posted.form).await)
}

async fn create(state: &HttpState, person: &Person, sent: &KeyForm) -> Result<Response, AppError> {
    let mut form = FormView::new(FIELDS)
        .with("name", &sent.name)
        .with("interface", &sent.interface)
        .with("role", &sent.role)
        .with("expires_at", &sent.expires_at);
    let new = parse(sent, &mut form);
    // What the form alone tells is said together with what the operation finds.
    let made = match new {
        Some(new) => state.app().create_key(person.caller(), &new).await,
        None => return show_form(person, form),
    };
    match made {
        Ok(issued) => issued_page(state, person, issued, "The key was made"),
        Err(error) => show_form(person, form.refused(error)?),
    }
}

/// The form as a key to be made; notes what is wrong with it.
fn parse(sent: &KeyForm, form: &mut FormView) -> Option<NewKey> {
    let interface = KeyInterface::parse(&sent.interface);
    if interface.is_none() {
        form.problem("interface", "choose one of the list");
    }
    let role = Role::parse(&sent.role);
    if role.is_none() {
        form.problem("role", "choose one of the list");
    }
    let expires_at = match sent.expires_at.trim() {
        "" => None,
        day => match end_of(day) {
            Some(at) => Some(at),
            None => {
                form.problem("expires_at", "write a day as 2027-01-31, or leave it empty");
                None
            }
        },
    };
    if sent.name.trim().is_empty() {
        form.problem("name", "must not be empty; say what will use the key");
    }
    if form.is_refused() {
        return None;
    }
    Some(NewKey { name: sent.name.clone(), interface: interface?, role: role?, expires_at })
}

/// The end of a day, UTC.
fn end_of(day: &str) -> Option<Timestamp> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let end = day.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(end.timestamp())
}

#[derive(Template)]
#[template(path = "key_issued.html")]
struct IssuedPage<'a> {
    title: &'a str,
    key: KeyView,
    secret: &'a str,
    public_url: &'a str,
}

/// The page with the secret.
fn issued_page(state: &HttpState, person: &Person, issued: IssuedKey, title: &str) -> Result<Response, AppError> {
    let page = IssuedPage {
        title,
        key: KeyView::new(issued.key, state.clock().now()),
        secret: &issued.secret,
        public_url: &state.config().public_url(),
    };
    let body = page.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title,
        lead: "Copy it to where it is needed now: it is not shown again, and nobody can look it up.",
        body_html: &body,
        path: "/dashboard/keys",
        parents: &[("Keys", "/dashboard/keys")],
        ..Page::default()
    }))
}

#[derive(Template)]
#[template(path = "key.html")]
struct KeyPage<'a> {
    key: KeyView,
    form: FormView,
    overlaps: &'static [(&'static str, &'static str)],
    csrf: &'a str,
}

/// How long both keys of a rotation may work, in hours.
const OVERLAPS: &[(&str, &str)] =
    &[("0", "not at all: it ends at once"), ("1", "1 hour"), ("24", "1 day"), ("168", "7 days"), ("720", "30 days")];

/// One API key, and what can be done to it.
#[utoipa::path(
    get,
    path = "/dashboard/keys/{id}",
    tag = "pages",
    params(("id" = String, Path, description = "The key's id")),
    responses(PageAnswers)
)]
pub(crate) async fn key_page(State(state): State<HttpState>, person: Person, PathId(id): PathId) -> Response {
    person.answer(show_key(&state, &person, &id, FormView::new(&[]).with("overlap_hours", "24")).await)
}

async fn show_key(state: &HttpState, person: &Person, id: &str, form: FormView) -> Result<Response, AppError> {
    let key = KeyView::new(state.app().key(person.caller(), id).await?, state.clock().now());
    let status = if form.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let title = key.name.clone();
    let page = KeyPage { key, form, overlaps: OVERLAPS, csrf: &person.csrf };
    let body = page.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: &title,
            lead: "One key: what it may do, when it was used, and how it ends.",
            body_html: &body,
            path: "/dashboard/keys",
            parents: &[("Keys", "/dashboard/keys")],
            ..Page::default()
        },
    ))
}

/// A rotation, as its form sends it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct RotateForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// Hours in which both keys work.
    overlap_hours: String,
}

/// Replace an API key by a new one. The answer shows its secret, once.
#[utoipa::path(
    operation_id = "dashboard_rotate_key",
    post,
    path = "/dashboard/keys/{id}/rotate",
    tag = "pages",
    params(("id" = String, Path, description = "The key's id")),
    request_body(content = RotateForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn rotate_key(
    State(state): State<HttpState>,
    PathId(id): PathId,
    posted: Posted<RotateForm>,
) -> Response {
    posted.person.answer(rotate(&state, &posted.person, &id, &posted.form).await)
}

async fn rotate(state: &HttpState, person: &Person, id: &str, sent: &RotateForm) -> Result<Response, AppError> {
    let mut form = FormView::new(&[("overlap_hours", "Overlap")]).with("overlap_hours", &sent.overlap_hours);
    let Ok(hours) = sent.overlap_hours.trim().parse() else {
        form.problem("overlap_hours", "is not a whole number of hours");
        return show_key(state, person, id, form).await;
    };
    match state.app().rotate_key(person.caller(), id, hours).await {
        Ok(issued) => issued_page(state, person, issued, "The new key"),
        Err(error) => show_key(state, person, id, form.refused(error)?).await,
    }
}

/// A form that only says yes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct ConfirmForm {
    /// The session's token, from the page.
    csrf_token: String,
}

/// Revoke an API key, for good.
#[utoipa::path(
    operation_id = "dashboard_revoke_key",
    post,
    path = "/dashboard/keys/{id}/revoke",
    tag = "pages",
    params(("id" = String, Path, description = "The key's id")),
    request_body(content = ConfirmForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn revoke_key(
    State(state): State<HttpState>,
    PathId(id): PathId,
    posted: Posted<ConfirmForm>,
) -> Response {
    let revoked = state.app().revoke_key(posted.person.caller(), &id).await;
    posted.person.answer(revoked.map(|_| Redirect::to("/dashboard/keys?said=revoked").into_response()))
}

fn unknown(id: &str) -> AppError {
    AppError::NotFound { what: "key", id: query_value(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_works_until_the_end_of_its_last_day() {
        assert_eq!(end_of("2027-01-31").unwrap().to_string(), "2027-02-01T00:00:00Z");
        for bad in ["31.01.2027", "2027-02-30", "soon", "9999-12-31"] {
            assert_eq!(end_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn everything_wrong_with_a_form_is_said_together() {
        let sent = KeyForm { role: "king".to_owned(), expires_at: "soon".to_owned(), ..KeyForm::default() };
        let mut form = FormView::new(FIELDS);
        assert!(parse(&sent, &mut form).is_none());
        let fields: Vec<&str> = form.summary().iter().map(|(field, _, _)| *field).collect();
        assert_eq!(fields, ["name", "interface", "role", "expires_at"]);
    }
}
