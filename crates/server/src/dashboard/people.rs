//! People of the organization: who is in it, who is invited, and what can be done about each. Links that let somebody
//! in are shown once, to who asked for them; no mail is sent by this server.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answers::{FormAnswers, PageAnswers};
use super::form::FormView;
use super::frame::Page;
use super::keys::ConfirmForm;
use super::visitor::{Person, Posted, query_value};
use super::words::{Moment, role_choices};
use crate::api::extract::{Parameters, PathId};
use crate::app::{
    Actor, AppError, Caller, InvitationPurpose, InvitationRecord, IssuedInvitation, MemberRecord, Permission, Role,
};
use crate::state::HttpState;

/// People of one page.
const PAGE_PEOPLE: u32 = 100;
/// Open invitations that the page shows.
const INVITATIONS_SHOWN: u32 = 200;

/// The fields of the form, as (name, label).
const FIELDS: &[(&str, &str)] = &[("email", "E-mail address"), ("role", "Role")];

/// A person as pages show them.
struct MemberView {
    id: String,
    name: String,
    email: String,
    role: &'static str,
    since: Moment,
    tone: &'static str,
    state: &'static str,
    /// Whether it is who looks.
    myself: bool,
    /// Whether who looks may change them.
    changeable: bool,
    /// Whether this organization may reset their password.
    resettable: bool,
}

impl MemberView {
    fn new(member: MemberRecord, caller: &Caller) -> Self {
        let (tone, state) = match (&member.user.disabled_at, &member.user.password_hash) {
            (Some(_), _) => ("silent", "Locked out"),
            (None, None) => ("unsure", "No password yet"),
            (None, Some(_)) => ("pass", "Can sign in"),
        };
        let changeable = member.role <= caller.role;
        Self {
            resettable: changeable && member.user.managed_by.as_ref() == Some(&caller.organization),
            changeable,
            myself: caller.actor == Actor::User(member.user.id.clone()),
            id: member.user.id.to_string(),
            name: member.user.name,
            email: member.user.email,
            role: member.role.as_str(),
            since: member.since.into(),
            tone,
            state,
        }
    }
}

/// An open invitation as pages show it.
struct InvitationView {
    id: String,
    email: String,
    role: &'static str,
    purpose: &'static str,
    expires: Moment,
}

impl From<InvitationRecord> for InvitationView {
    fn from(invitation: InvitationRecord) -> Self {
        Self {
            purpose: match invitation.purpose {
                InvitationPurpose::Join => "to join",
                InvitationPurpose::Password => "to set a password",
            },
            id: invitation.id,
            email: invitation.email,
            role: invitation.role.as_str(),
            expires: invitation.expires_at.into(),
        }
    }
}

/// Which people.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PeopleParameters {
    /// People whose e-mail address comes after this one.
    #[serde(default)]
    #[param(example = "ada@example.org")]
    after: String,
    /// What has just been done, as this server says it in the address it sends a browser to.
    #[param(example = "removed")]
    said: Option<String>,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage<'a> {
    people: Vec<MemberView>,
    invitations: Vec<InvitationView>,
    first: bool,
    /// Query value of the last address of a full page.
    after: Option<String>,
    said: &'static str,
    organization: &'a str,
    csrf: &'a str,
}

/// The organization's people and open invitations.
#[utoipa::path(get, path = "/dashboard/people", tag = "pages", params(PeopleParameters), responses(PageAnswers))]
pub(crate) async fn people_page(
    State(state): State<HttpState>,
    person: Person,
    Parameters(asked): Parameters<PeopleParameters>,
) -> Response {
    person.answer(list(&state, &person, &asked).await)
}

async fn list(state: &HttpState, person: &Person, asked: &PeopleParameters) -> Result<Response, AppError> {
    let people = state.app().people(person.caller(), &asked.after, PAGE_PEOPLE).await?;
    let invitations = state.app().invitations(person.caller(), None, INVITATIONS_SHOWN).await?;
    let full = people.len() == PAGE_PEOPLE as usize;
    let page = PeoplePage {
        first: asked.after.is_empty(),
        after: people.last().filter(|_| full).map(|member| query_value(&member.user.email)),
        people: people.into_iter().map(|member| MemberView::new(member, person.caller())).collect(),
        invitations: invitations.into_iter().map(InvitationView::from).collect(),
        said: match asked.said.as_deref() {
            Some("removed") => "The person was taken out of the organization.",
            Some("withdrawn") => "The link does not work any more.",
            _ => "",
        },
        organization: person.caller().organization.as_str(),
        csrf: &person.csrf,
    };
    let body = page.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title: "People",
        lead: "Who works in this organization, and what they may do in it.",
        actions_html: "<a class=\"button primary\" href=\"/dashboard/people/new\">Invite somebody</a>",
        body_html: &body,
        path: "/dashboard/people",
        ..Page::default()
    }))
}

#[derive(Template)]
#[template(path = "person_new.html")]
struct InvitePage<'a> {
    form: FormView,
    roles: Vec<(&'static str, String)>,
    hours: u32,
    csrf: &'a str,
}

/// The form for an invitation.
#[utoipa::path(get, path = "/dashboard/people/new", tag = "pages", responses(PageAnswers))]
pub(crate) async fn invite_page(State(state): State<HttpState>, person: Person) -> Response {
    person.answer(show_form(&state, &person, FormView::new(FIELDS).with("role", "viewer")))
}

fn show_form(state: &HttpState, person: &Person, form: FormView) -> Result<Response, AppError> {
    person.caller().require(Permission::Manage)?;
    let status = if form.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let roles = role_choices(person.caller().role);
    let hours = state.config().identity.invitation_hours;
    let body = InvitePage { form, roles, hours, csrf: &person.csrf }.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: "Invite somebody",
            lead: "You get a link to hand over yourself; this server sends no mail.",
            body_html: &body,
            path: "/dashboard/people",
            parents: &[("People", "/dashboard/people")],
            ..Page::default()
        },
    ))
}

/// An invitation, as its form sends it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct InviteForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// Where mail reaches them; what they will sign in with.
    email: String,
    /// What they may do; not more than who invites.
    role: String,
}

/// Invite somebody. The answer shows the link, once.
#[utoipa::path(
    operation_id = "dashboard_invite",
    post,
    path = "/dashboard/people",
    tag = "pages",
    request_body(content = InviteForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn invite(State(state): State<HttpState>, posted: Posted<InviteForm>) -> Response {
    posted.person.answer(send_invitation(&state, &posted.person, &posted.form).await)
}

async fn send_invitation(state: &HttpState, person: &Person, sent: &InviteForm) -> Result<Response, AppError> {
    let mut form = FormView::new(FIELDS).with("email", &sent.email).with("role", &sent.role);
    let Some(role) = Role::parse(&sent.role) else {
        form.problem("role", "choose one of the list");
        return show_form(state, person, form);
    };
    match state.app().invite(person.caller(), &sent.email, role).await {
        Ok(issued) => link_page(person, &issued),
        Err(error) => show_form(state, person, form.refused(error)?),
    }
}

#[derive(Template)]
#[template(path = "person_link.html")]
struct LinkPage<'a> {
    url: &'a str,
    email: &'a str,
    role: &'static str,
    joins: bool,
    expires: Moment,
}

/// The page with the link.
fn link_page(person: &Person, issued: &IssuedInvitation) -> Result<Response, AppError> {
    let joins = issued.invitation.purpose == InvitationPurpose::Join;
    let page = LinkPage {
        url: &issued.url,
        email: &issued.invitation.email,
        role: issued.invitation.role.as_str(),
        joins,
        expires: issued.invitation.expires_at.into(),
    };
    let body = page.render().map_err(AppError::internal)?;
    Ok(person.page(&Page {
        title: if joins { "The invitation" } else { "The password link" },
        lead: "Hand the link over on a way that only they can read. It works once.",
        body_html: &body,
        path: "/dashboard/people",
        parents: &[("People", "/dashboard/people")],
        ..Page::default()
    }))
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage<'a> {
    member: MemberView,
    form: FormView,
    roles: Vec<(&'static str, String)>,
    said: &'static str,
    csrf: &'a str,
}

/// What has just been done.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SaidParameters {
    /// As this server says it in the address it sends a browser to.
    #[param(example = "changed")]
    said: Option<String>,
}

/// One person, and what can be done about them.
#[utoipa::path(
    get,
    path = "/dashboard/people/{id}",
    tag = "pages",
    params(("id" = String, Path, description = "The person's id"), SaidParameters),
    responses(PageAnswers)
)]
pub(crate) async fn person_page(
    State(state): State<HttpState>,
    person: Person,
    PathId(id): PathId,
    Parameters(asked): Parameters<SaidParameters>,
) -> Response {
    let said = if asked.said.as_deref() == Some("changed") { "The role was changed." } else { "" };
    person.answer(show_person(&state, &person, &id, None, said).await)
}

async fn show_person(
    state: &HttpState,
    person: &Person,
    id: &str,
    refused: Option<FormView>,
    said: &'static str,
) -> Result<Response, AppError> {
    let member = MemberView::new(state.app().one_person(person.caller(), id).await?, person.caller());
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let form = refused.unwrap_or_else(|| FormView::new(FIELDS).with("role", member.role));
    let title = member.name.clone();
    let roles = role_choices(person.caller().role);
    let body = PersonPage { member, form, roles, said, csrf: &person.csrf }.render().map_err(AppError::internal)?;
    Ok(person.page_with(
        status,
        &Page {
            title: &title,
            lead: "What they may do here, and how they get in.",
            body_html: &body,
            path: "/dashboard/people",
            parents: &[("People", "/dashboard/people")],
            ..Page::default()
        },
    ))
}

/// A role, as its form sends it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct RoleForm {
    /// The session's token, from the page.
    csrf_token: String,
    /// The new role.
    role: String,
}

/// Give a person another role.
#[utoipa::path(
    operation_id = "dashboard_change_role",
    post,
    path = "/dashboard/people/{id}/role",
    tag = "pages",
    params(("id" = String, Path, description = "The person's id")),
    request_body(content = RoleForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn change_role(
    State(state): State<HttpState>,
    PathId(id): PathId,
    posted: Posted<RoleForm>,
) -> Response {
    posted.person.answer(set_role(&state, &posted.person, &id, &posted.form).await)
}

async fn set_role(state: &HttpState, person: &Person, id: &str, sent: &RoleForm) -> Result<Response, AppError> {
    let mut form = FormView::new(FIELDS).with("role", &sent.role);
    let Some(role) = Role::parse(&sent.role) else {
        form.problem("role", "choose one of the list");
        return show_person(state, person, id, Some(form), "").await;
    };
    match state.app().change_role(person.caller(), id, role).await {
        Ok(_) => Ok(Redirect::to(&format!("/dashboard/people/{}?said=changed", query_value(id))).into_response()),
        Err(error) => show_person(state, person, id, Some(form.refused(error)?), "").await,
    }
}

/// Make a link with which a person sets another password. The answer shows it, once.
#[utoipa::path(
    post,
    path = "/dashboard/people/{id}/password",
    tag = "pages",
    params(("id" = String, Path, description = "The person's id")),
    request_body(content = ConfirmForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn reset_password(
    State(state): State<HttpState>,
    PathId(id): PathId,
    posted: Posted<ConfirmForm>,
) -> Response {
    let issued = state.app().reset_password(posted.person.caller(), &id).await;
    posted.person.answer(issued.and_then(|issued| link_page(&posted.person, &issued)))
}

/// Take a person out of the organization.
#[utoipa::path(
    operation_id = "dashboard_remove_person",
    post,
    path = "/dashboard/people/{id}/remove",
    tag = "pages",
    params(("id" = String, Path, description = "The person's id")),
    request_body(content = ConfirmForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn remove_person(
    State(state): State<HttpState>,
    PathId(id): PathId,
    posted: Posted<ConfirmForm>,
) -> Response {
    let removed = state.app().remove_person(posted.person.caller(), &id).await;
    match removed {
        Err(error @ AppError::Conflict(_)) => {
            let person = &posted.person;
            let refused = match FormView::new(FIELDS).refused(error) {
                Ok(form) => show_person(&state, person, &id, Some(form), "").await,
                Err(error) => Err(error),
            };
            person.answer(refused)
        }
        other => posted.person.answer(other.map(|()| Redirect::to("/dashboard/people?said=removed").into_response())),
    }
}

/// Withdraw an invitation.
#[utoipa::path(
    operation_id = "dashboard_withdraw_invitation",
    post,
    path = "/dashboard/people/invitations/{id}/withdraw",
    tag = "pages",
    params(("id" = String, Path, description = "The invitation's id")),
    request_body(content = ConfirmForm, content_type = "application/x-www-form-urlencoded"),
    responses(FormAnswers)
)]
pub(crate) async fn withdraw_invitation(
    State(state): State<HttpState>,
    PathId(id): PathId,
    posted: Posted<ConfirmForm>,
) -> Response {
    let withdrawn = state.app().withdraw_invitation(posted.person.caller(), &id).await;
    posted.person.answer(withdrawn.map(|()| Redirect::to("/dashboard/people?said=withdrawn").into_response()))
}
