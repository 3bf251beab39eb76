//! Signing in and out, answering an invitation, one's own password, and which organization one looks at.
//!
//! Passwords travel in form bodies only; no page shows one again. A failed sign-in keeps the address that was typed and
//! does not say which of the two was wrong.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answers::{FormAnswers, PageAnswers};
use super::form::FormView;
use super::frame::{Page, SIGN_IN, framed, own_page};
use super::keys::ConfirmForm;
use super::visitor::{OpenForm, Person, Posted, Visitor, failed, own_address};
use super::words::Moment;
use crate::api::extract::{Parameters, PathId};
use crate::app::{Acceptance, AppError, InvitationPurpose, Token};
use crate::middleware::{Peer, ended_session_cookie, session_cookie};
use crate::state::HttpState;

/// The fields of the sign-in form, as (name, label).
const SIGN_IN_FIELDS: &[(&str, &str)] = &[("email", "E-mail address"), ("password", "Password")];
/// The fields of the invitation's form, as (name, label).
const INVITATION_FIELDS: &[(&str, &str)] = &[("name", "Name"), ("password", "Password")];
/// The fields of the form for one's own password, as (name, label).
const PASSWORD_FIELDS: &[(&str, &str)] = &[("present", "Present password"), ("password", "New password")];

/// Where to go after signing in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SignInParameters {
    /// An address of the dashboard.
    #[serde(default)]
    #[param(example = "/dashboard/jobs")]
    next: String,
    /// What has just been done, as this server says it in the address it sends a browser to.
    #[param(example = "signed-out")]
    said: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    form: FormView,
    next: &'a str,
    said: &'static str,
}

/// The form for signing in.
#[utoipa::path(get, path = "/dashboard/sign-in", tag = "pages", params(SignInParameters), responses(PageAnswers))]
pub(crate) async fn sign_in_page(visitor: Visitor, Parameters(asked): Parameters<SignInParameters>) -> Response {
    if visitor.person().is_some() {
        return Redirect::to(own_address(&asked.next).unwrap_or("/dashboard")).into_response();
    }
    let said = match asked.said.as_deref() {
        Some("signed-out") => "You are signed out.",
        Some("joined") => "Your account is ready: sign in with your password.",
        _ => "",
    };
    show_sign_in(FormView::new(SIGN_IN_FIELDS), &asked.next, said)
}

fn show_sign_in(form: FormView, next: &str, said: &'static str) -> Response {
    let status = if form.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let body = SignInPage { form, next, said }.render().expect("writing to a string cannot fail");
    let page = Page {
        title: "Sign in",
        lead: "For the people of the organizations on this server. Certificates and the log are open to everybody.",
        body_html: &body,
        path: SIGN_IN,
        ..Page::default()
    };
    own_page(status, framed(&page, &Visitor::Anybody))
}

/// Address and password, as the form sends them.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct SignInForm {
    /// The account's e-mail address.
    email: String,
    /// Its password.
    password: String,
    /// The address of the dashboard to go to.
    next: String,
}

/// Sign in. The answer sets the session's cookie.
#[utoipa::path(
    post,
    path = "/dashboard/sign-in",
    tag = "pages",
    request_body(content = SignInForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn sign_in(
    State(state): State<HttpState>,
    Extension(peer): Extension<Peer>,
    OpenForm(sent): OpenForm<SignInForm>,
) -> Response {
    match state.app().sign_in(&sent.email, &sent.password, Some(peer.address)).await {
        Ok(session) => {
            let cookie = session_cookie(&session.token, session.expires_at, state.clock().now(), peer.tls);
            let next = own_address(&sent.next).unwrap_or("/dashboard");
            with_cookie(Redirect::to(next).into_response(), cookie)
        }
        Err(error) => match FormView::new(SIGN_IN_FIELDS).with("email", &sent.email).refused(error) {
            Ok(form) => show_sign_in(form, &sent.next, ""),
            Err(error) => failed(&Visitor::Anybody, error),
        },
    }
}

/// Sign out. The session ends here, whatever becomes of the cookie.
#[utoipa::path(
    post,
    path = "/dashboard/sign-out",
    tag = "pages",
    request_body(content = ConfirmForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn sign_out(
    State(state): State<HttpState>,
    Extension(peer): Extension<Peer>,
    posted: Posted<ConfirmForm>,
) -> Response {
    let ended = state.app().sign_out(&posted.person.signed_in).await;
    posted.person.answer(ended.map(|()| {
        let response = Redirect::to("/dashboard/sign-in?said=signed-out").into_response();
        with_cookie(response, ended_session_cookie(peer.tls))
    }))
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

/// An organization, as the switch sends it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct SwitchForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// Id of one of the person's organizations.
    organization: String,
}

/// Look at another organization.
#[utoipa::path(
    post,
    path = "/dashboard/organization",
    tag = "pages",
    request_body(content = SwitchForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn switch_organization(State(state): State<HttpState>, posted: Posted<SwitchForm>) -> Response {
    let person = &posted.person;
    let switched = state.app().switch_organization(&person.signed_in, &posted.form.organization).await;
    person.answer(switched.map(|()| Redirect::to("/dashboard").into_response()))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    person: &'a Person,
    form: FormView,
    said: &'static str,
    chars_min: u32,
}

/// What has just been done.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccountParameters {
    /// As this server says it in the address it sends a browser to.
    #[param(example = "changed")]
    said: Option<String>,
}

/// One's own account.
#[utoipa::path(get, path = "/dashboard/account", tag = "pages", params(AccountParameters), responses(PageAnswers))]
pub(crate) async fn account_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<AccountParameters>,
) -> Response {
    let said = match asked.said.as_deref() {
        Some("changed") => "Your password was changed, and your other sessions were ended.",
        _ => "",
    };
    person.answer(show_account(&state, &person, FormView::new(PASSWORD_FIELDS), said))
}

fn show_account(state: &HttpState, person: &Person, form: FormView, said: &'static str) -> Result<Response, AppError> {
    let status = if form.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let chars_min = state.config().identity.password_chars_min;
    let body = AccountPage { person, form, said, chars_min }.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: "Your account",
            lead: "Where you belong, and the password that lets you in.",
            body_html: &body,
            path: "/dashboard/account",
            ..Page::default()
        },
    ))
}

/// A new password, as its form sends it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct PasswordForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// The present password.
    present: String,
    /// The new one.
    password: String,
}

/// Set another password for oneself.
#[utoipa::path(
    post,
    path = "/dashboard/account",
    tag = "pages",
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn change_password(State(state): State<HttpState>, posted: Posted<PasswordForm>) -> Response {
    let (person, sent) = (&posted.person, &posted.form);
    let changed = state.app().change_password(&person.signed_in, &sent.present, &sent.password).await;
    let answer = match changed {
        Ok(()) => Ok(Redirect::to("/dashboard/account?said=changed").into_response()),
        Err(AppError::SignInRefused) => {
            let mut form = FormView::new(PASSWORD_FIELDS);
            form.problem("present", "is not your password");
            show_account(&state, person, form, "")
        }
        Err(error) => {
            let form = FormView::new(PASSWORD_FIELDS).refused(error);
            form.and_then(|form| show_account(&state, person, form, ""))
        }
    };
    person.answer(answer)
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage<'a> {
    token: &'a str,
    form: FormView,
    email: &'a str,
    organization: &'a str,
    role: &'static str,
    joins: bool,
    expires: Moment,
    chars_min: u32,
}

/// The page behind an invitation's or password link.
#[utoipa::path(
    get,
    path = "/dashboard/invitations/{token}",
    tag = "pages",
    params(("token" = String, Path, description = "The link's secret")),
    responses(PageAnswers)
)]
pub(crate) async fn invitation_page(State(state): State<HttpState>, PathId(token): PathId) -> Response {
    let shown = show_invitation(&state, &token, FormView::new(INVITATION_FIELDS)).await;
    shown.unwrap_or_else(|error| failed(&Visitor::Anybody, error))
}

async fn show_invitation(state: &HttpState, text: &str, form: FormView) -> Result<Response, AppError> {
    let token = Token::parse(text).ok_or_else(no_such_link)?;
    let (invitation, organization) = state.app().invitation(&token).await?.ok_or_else(no_such_link)?;
    let status = if form.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let joins = invitation.purpose == InvitationPurpose::Join;
    let page = InvitationPage {
        token: text,
        form,
        email: &invitation.email,
        organization: &organization,
        role: invitation.role.as_str(),
        joins,
        expires: invitation.expires_at.into(),
        chars_min: state.config().identity.password_chars_min,
    };
    let body = page.render().map_err(AppError::internal)?;
    let title = if joins { format!("Join {organization}") } else { "Set another password".to_owned() };
    let page = Page {
        title: &title,
        lead: if joins {
            "You were invited to work here."
        } else {
            "The link that you were given lets you do this once."
        },
        body_html: &body,
        ..Page::default()
    };
    Ok(own_page(status, framed(&page, &Visitor::Anybody)))
}

/// Who answers an invitation, as the form sends it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct InvitationForm {
    /// What they are called; not needed for a password link or with an account.
    name: String,
    /// A new password, or the present one of the account under the address.
    password: String,
}

/// Join, or set the password.
#[utoipa::path(
    post,
    path = "/dashboard/invitations/{token}",
    tag = "pages",
    params(("token" = String, Path, description = "The link's secret")),
    request_body(content = InvitationForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn accept_invitation(
    State(state): State<HttpState>,
    Extension(peer): Extension<Peer>,
    PathId(token): PathId,
    OpenForm(sent): OpenForm<InvitationForm>,
) -> Response {
    let accepted = accept(&state, peer, &token, &sent).await;
    accepted.unwrap_or_else(|error| failed(&Visitor::Anybody, error))
}

async fn accept(state: &HttpState, peer: Peer, text: &str, sent: &InvitationForm) -> Result<Response, AppError> {
    let token = Token::parse(text).ok_or_else(no_such_link)?;
    let answer = Acceptance { name: &sent.name, password: &sent.password, address: Some(peer.address) };
    match state.app().accept_invitation(&token, &answer).await {
        Ok(_) => Ok(Redirect::to("/dashboard/sign-in?said=joined").into_response()),
        Err(AppError::SignInRefused) => {
            let mut form = FormView::new(INVITATION_FIELDS).with("name", &sent.name);
            form.problem("password", "is not the password of the account under this address; use your present one");
            show_invitation(state, text, form).await
        }
        Err(error) => {
            let form = FormView::new(INVITATION_FIELDS).with("name", &sent.name).refused(error)?;
            show_invitation(state, text, form).await
        }
    }
}

fn no_such_link() -> AppError {
    AppError::NotFound { what: "link", id: "of this address: it was used, withdrawn, or has run out".to_owned() }
}
