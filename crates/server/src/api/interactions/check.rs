//! Audits while the client waits: one interaction, for guarding inline, and batches.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Client;
use super::answers::ClientAnswers;
use super::error::Refusal;
use super::submit::{Raw, too_many_tokens_if_too_large};
use super::wire::{BatchAnswer, CheckedBody, InteractionRequest};
use crate::api::extract::Parameters;
use crate::app::{AppError, NamedLine, Submission};
use crate::state::HttpState;

/// How to check.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CheckParameters {
    /// Whether the interaction is kept in the log; it is charged in any case.
    #[serde(default = "yes")]
    #[param(default = true)]
    record: bool,
    /// Whether `safety_issues` holds every category's score.
    #[serde(default)]
    scores: bool,
}

fn yes() -> bool {
    true
}

/// Audit an interaction now: the result is in the answer.
#[utoipa::path(
    post,
    path = "/v1/interactions/check",
    tag = "interactions",
    params(CheckParameters),
    request_body(content = InteractionRequest, description = "The interaction"),
    responses((status = 200, description = "The result", body = CheckedBody), ClientAnswers)
)]
pub(crate) async fn check_interaction(
    State(state): State<HttpState>,
    Client(caller): Client,
    Parameters(parameters): Parameters<CheckParameters>,
    body: Result<Raw, Response>,
) -> Result<Response, Refusal> {
    state.app().check_may_submit(&caller).await?;
    let Raw(body) = match body {
        Ok(body) => body,
        Err(refused) => return Ok(too_many_tokens_if_too_large(&state, refused)),
    };
    let submission = Submission::parse(&body)?;
    let checked = state.app().check_interaction(&caller, submission, parameters.record, parameters.scores).await?;
    Ok(axum::Json(CheckedBody::from(checked)).into_response())
}

/// How to check a batch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BatchParameters {
    /// Whether `safety_issues` holds every category's score.
    #[serde(default)]
    scores: bool,
}

/// Audit many interactions now: lines of JSON in, lines of JSON out, in the same order.
///
/// A line is an interaction body (kept in the log), or `{"id", "text", "country"?}`, audited as input and not kept. The
/// answer's line carries the same `id` and the result, or `error`.
#[utoipa::path(
    post,
    path = "/v1/interactions/batch",
    tag = "interactions",
    params(BatchParameters),
    request_body(content((String = "application/x-ndjson"), (String = "text/plain")), description = "Up to 1,000 lines"),
    responses(
        (status = 200, description = "A line an answer", body = BatchAnswer, content_type = "application/x-ndjson"),
        ClientAnswers
    )
)]
pub(crate) async fn check_batch(
    State(state): State<HttpState>,
    Client(caller): Client,
    Parameters(parameters): Parameters<BatchParameters>,
    body: Result<Raw, Response>,
) -> Result<Response, Refusal> {
    state.app().check_may_submit(&caller).await?;
    let Raw(body) = match body {
        Ok(body) => body,
        Err(refused) => return Ok(refused),
    };
    let lines: Vec<&[u8]> =
        body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    let lines_max = state.config().interactions.batch_lines_max as usize;
    if lines.is_empty() || lines.len() > lines_max {
        let text = format!("a batch has from 1 to {lines_max} lines of JSON, this one has {}", lines.len());
        return Err(AppError::Unprocessable(text).into());
    }
    let (mut ids, mut read) = (Vec::with_capacity(lines.len()), Vec::with_capacity(lines.len()));
    for line in lines {
        match NamedLine::parse(line) {
            Ok(named) => {
                ids.push(named.id);
                read.push(Ok(named.line));
            }
            Err((id, error)) => {
                ids.push(id);
                read.push(Err(error));
            }
        }
    }
    let checked = state.app().check_batch(&caller, read, parameters.scores).await?;
    let mut answer = Vec::new();
    for (id, checked) in ids.into_iter().zip(checked) {
        let line = BatchAnswer::new(id, checked.map_err(Refusal::from));
        serde_json::to_writer(&mut answer, &line).map_err(AppError::internal)?;
        answer.push(b'\n');
    }
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from(answer)).into_response())
}
