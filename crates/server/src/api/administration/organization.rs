//! `/v1/organization`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::answers::KeyedAnswers;
use super::private;
use super::wire::{OrganizationBody, RenameBody};
use crate::api::body::Members;
use crate::api::problem::Problem;
use crate::app::{Caller, parse_name};
use crate::state::HttpState;

/// The organization that the key is of.
#[utoipa::path(
    get,
    path = "/v1/organization",
    tag = "administration",
    responses((status = 200, description = "The organization", body = OrganizationBody), KeyedAnswers)
)]
pub(crate) async fn organization(State(state): State<HttpState>, caller: Caller) -> Result<Response, Problem> {
    Ok(private(StatusCode::OK, OrganizationBody::from(state.app().organization(&caller).await?)))
}

/// Call the organization something else.
#[utoipa::path(
    patch,
    path = "/v1/organization",
    tag = "administration",
    request_body(content = RenameBody, description = "The new name"),
    responses((status = 200, description = "The organization", body = OrganizationBody), KeyedAnswers)
)]
pub(crate) async fn rename_organization(
    State(state): State<HttpState>,
    caller: Caller,
    mut body: Members,
) -> Result<Response, Problem> {
    let name = body.parsed("name", parse_name);
    body.finish()?;
    Ok(private(StatusCode::OK, OrganizationBody::from(state.app().rename_organization(&caller, &name).await?)))
}
