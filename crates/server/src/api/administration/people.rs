//! `/v1/users` and `/v1/invitations`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answers::KeyedAnswers;
use super::wire::{
    InvitationsBody, InviteBody, IssuedInvitationBody, PageParameters, PeopleBody, PersonBody, ROLES, RoleBody,
};
use super::{created, page, private};
use crate::api::body::Members;
use crate::api::extract::{Parameters, PathId};
use crate::api::idempotency::{Idempotent, NoBody};
use crate::api::problem::Problem;
use crate::app::{Answer, Caller, IssuedInvitation, Once, Role, parse_email};
use crate::state::HttpState;

/// The people of the organization, by e-mail address.
#[utoipa::path(
    get,
    path = "/v1/users",
    tag = "administration",
    params(PageParameters),
    responses((status = 200, description = "A page of people", body = PeopleBody), KeyedAnswers)
)]
pub(crate) async fn people(
    State(state): State<HttpState>,
    caller: Caller,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Response, Problem> {
    let rows = parameters.rows();
    let after = parameters.cursor.unwrap_or_default();
    let found = state.app().people(&caller, &after, rows + 1).await?;
    let (found, next) = page(found, rows, |member| member.user.email.clone());
    Ok(private(StatusCode::OK, PeopleBody { users: found.into_iter().map(PersonBody::from).collect(), next }))
}

/// One person of the organization.
#[utoipa::path(
    get,
    path = "/v1/users/{id}",
    tag = "administration",
    params(("id" = String, Path, description = "The person's id")),
    responses((status = 200, description = "The person", body = PersonBody), KeyedAnswers)
)]
pub(crate) async fn person(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    Ok(private(StatusCode::OK, PersonBody::from(state.app().one_person(&caller, &id).await?)))
}

/// Give a person another role.
#[utoipa::path(
    patch,
    path = "/v1/users/{id}",
    tag = "administration",
    params(("id" = String, Path, description = "The person's id")),
    request_body(content = RoleBody, description = "The new role"),
    responses((status = 200, description = "The person", body = PersonBody), KeyedAnswers)
)]
pub(crate) async fn change_role(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
    mut body: Members,
) -> Result<Response, Problem> {
    let role = body.word("role", &ROLES, Role::Submitter);
    body.finish()?;
    Ok(private(StatusCode::OK, PersonBody::from(state.app().change_role(&caller, &id, role).await?)))
}

/// Take a person out of the organization.
#[utoipa::path(
    delete,
    path = "/v1/users/{id}",
    tag = "administration",
    params(("id" = String, Path, description = "The person's id")),
    responses((status = 204, description = "Done; the account itself stays"), KeyedAnswers)
)]
pub(crate) async fn remove_person(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    state.app().remove_person(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Make a link with which a person sets another password.
///
/// Only for accounts that this organization invited into being.
#[utoipa::path(
    post,
    path = "/v1/users/{id}/password-link",
    tag = "administration",
    params(("id" = String, Path, description = "The person's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    responses((status = 201, description = "The link, shown once", body = IssuedInvitationBody), KeyedAnswers)
)]
pub(crate) async fn password_link(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
    request: Idempotent<NoBody>,
) -> Result<Response, Problem> {
    let reset =
        async |_: NoBody, once: Once<'_, IssuedInvitation>| state.app().reset_password_once(&caller, &id, &once).await;
    Ok(request.work(&state, &caller, issued, reset).await?)
}

/// The open invitations, newest first.
#[utoipa::path(
    get,
    path = "/v1/invitations",
    tag = "administration",
    params(PageParameters),
    responses((status = 200, description = "A page of invitations", body = InvitationsBody), KeyedAnswers)
)]
pub(crate) async fn invitations(
    State(state): State<HttpState>,
    caller: Caller,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Response, Problem> {
    let rows = parameters.rows();
    let found = state.app().invitations(&caller, parameters.cursor.as_deref(), rows + 1).await?;
    let (found, next) = page(found, rows, |invitation| invitation.id.clone());
    Ok(private(StatusCode::OK, InvitationsBody { invitations: found.into_iter().map(Into::into).collect(), next }))
}

/// Invite somebody. The link is in the answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/invitations",
    tag = "administration",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    request_body(content = InviteBody, description = "Whom, and as what"),
    responses((status = 201, description = "The invitation with its link", body = IssuedInvitationBody), KeyedAnswers)
)]
pub(crate) async fn invite(
    State(state): State<HttpState>,
    caller: Caller,
    request: Idempotent<Members>,
) -> Result<Response, Problem> {
    let invite = async |mut body: Members, once: Once<'_, IssuedInvitation>| {
        let email = body.parsed("email", parse_email);
        let role = body.word("role", &ROLES, Role::Submitter);
        body.finish()?;
        state.app().invite_once(&caller, &email, role, &once).await
    };
    Ok(request.work(&state, &caller, issued, invite).await?)
}

fn issued(issued: &IssuedInvitation) -> Answer {
    created(&IssuedInvitationBody::from(issued))
}

/// Withdraw an invitation.
#[utoipa::path(
    delete,
    path = "/v1/invitations/{id}",
    tag = "administration",
    params(("id" = String, Path, description = "The invitation's id")),
    responses((status = 204, description = "Withdrawn; its link does not work any more"), KeyedAnswers)
)]
pub(crate) async fn withdraw_invitation(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    state.app().withdraw_invitation(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
