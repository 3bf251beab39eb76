//! Submitting one interaction: `POST /`, as the document has it, and `POST /v1/interactions`.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::Client;
use super::answers::ClientAnswers;
use super::error::Refusal;
use super::wire::{InteractionRequest, SubmittedBody};
use crate::api::idempotency::{Idempotent, json_answer};
use crate::api::unreadable_body;
use crate::app::{Accepted, Answer, Caller, Once, Submission};
use crate::state::HttpState;

/// A body as it was sent.
#[derive(Debug)]
pub(crate) struct Raw(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let path = request.uri().path().to_owned();
        let read = Bytes::from_request(request, state).await;
        read.map(Self).map_err(|rejection| unreadable_body(&path, &rejection))
    }
}

/// Submit an interaction for its audit.
///
/// Answers once the submission is durable; its audit follows within moments.
#[utoipa::path(
    post,
    path = "/",
    tag = "interactions",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    request_body(content = InteractionRequest, description = "The interaction"),
    responses((status = 200, description = "Accepted", body = SubmittedBody), ClientAnswers)
)]
pub(crate) async fn submit_interaction_at_root(
    State(state): State<HttpState>,
    Client(caller): Client,
    request: Result<Idempotent<Raw>, Response>,
) -> Result<Response, Refusal> {
    submit(&state, &caller, request).await
}

/// Submit an interaction for its audit; the same as `POST /`.
#[utoipa::path(
    post,
    path = "/v1/interactions",
    tag = "interactions",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    request_body(content = InteractionRequest, description = "The interaction"),
    responses((status = 200, description = "Accepted", body = SubmittedBody), ClientAnswers)
)]
pub(crate) async fn submit_interaction(
    State(state): State<HttpState>,
    Client(caller): Client,
    request: Result<Idempotent<Raw>, Response>,
) -> Result<Response, Refusal> {
    submit(&state, &caller, request).await
}

/// In the document's order: key, plan, body, tokens, balance.
async fn submit(
    state: &HttpState,
    caller: &Caller,
    request: Result<Idempotent<Raw>, Response>,
) -> Result<Response, Refusal> {
    state.app().check_may_submit(caller).await?;
    let request = match request {
        Ok(request) => request,
        Err(refused) => return Ok(too_many_tokens_if_too_large(state, refused)),
    };
    let work = async |Raw(body): Raw, once: Once<'_, Accepted>| {
        let submission = Submission::parse(&body)?;
        state.app().submit_interaction_once(caller, submission, &once).await
    };
    Ok(request.work(state, caller, submitted, work).await?)
}

/// A body beyond the bound of the route has more tokens than an interaction may have.
pub(super) fn too_many_tokens_if_too_large(state: &HttpState, refused: Response) -> Response {
    match refused.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::from(state.app().above_the_token_limit()).into_response(),
        _ => refused,
    }
}

fn submitted(accepted: &Accepted) -> Answer {
    json_answer(StatusCode::OK, &[], &SubmittedBody::new(&accepted.id))
}
