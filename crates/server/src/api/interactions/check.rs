//! Audits while the client waits: one interaction, for guarding inline, and batches.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Client;
use super::answers::ClientAnswers;
use super::error::Refusal;
use super::submit::{Raw, too_many_tokens_if_too_large};
use super::wire::{BatchAnswer, CheckedBody, InteractionRequest, RestoreRequest, RestoredBody};
use crate::api::extract::Parameters;
use crate::app::{AppError, CheckOptions, NamedLine, Permission, RestoreKey, Submission};
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

/// The header with the key that values are sealed with: 32 bytes in base64.
const RESTORE_KEY: &str = "x-restore-key";

fn restore_key(headers: &HeaderMap) -> Result<Option<RestoreKey>, AppError> {
    // What is no text is no key either.
    let text = headers.get(RESTORE_KEY).map(|value| value.to_str().unwrap_or_default());
    text.map(RestoreKey::parse).transpose()
}

/// Audit an interaction now: the result is in the answer.
///
/// With an `X-Restore-Key` the answer has a `restore_blob` too: what the placeholders stand for, sealed with that key.
/// Neither is kept here.
#[utoipa::path(
    post,
    path = "/v1/interactions/check",
    tag = "interactions",
    params(
        CheckParameters,
        ("X-Restore-Key" = Option<String>, Header, description = "32 bytes in base64, which nobody else has"),
    ),
    request_body(content = InteractionRequest, description = "The interaction"),
    responses((status = 200, description = "The result", body = CheckedBody), ClientAnswers)
)]
pub(crate) async fn check_interaction(
    State(state): State<HttpState>,
    Client(caller): Client,
    Parameters(parameters): Parameters<CheckParameters>,
    headers: HeaderMap,
    body: Result<Raw, Response>,
) -> Result<Response, Refusal> {
    state.app().check_may_submit(&caller).await?;
    let key = restore_key(&headers)?;
    let Raw(body) = match body {
        Ok(body) => body,
        Err(refused) => return Ok(too_many_tokens_if_too_large(&state, refused)),
    };
    let submission = Submission::parse(&body)?;
    let options = CheckOptions { keep: parameters.record, scores: parameters.scores, restore: key.as_ref() };
    let checked = state.app().check_interaction(&caller, submission, options).await?;
    Ok(axum::Json(CheckedBody::from(checked)).into_response())
}

/// Put the values back into a text with placeholders, with the key that they were sealed with. Nothing is charged or kept.
#[utoipa::path(
    post,
    path = "/v1/interactions/restore",
    tag = "interactions",
    params(("X-Restore-Key" = String, Header, description = "The key of the check, 32 bytes in base64")),
    request_body(content = RestoreRequest, description = "The text and the blob of the check"),
    responses((status = 200, description = "The text with its values", body = RestoredBody), ClientAnswers)
)]
pub(crate) async fn restore_text(
    Client(caller): Client,
    headers: HeaderMap,
    body: Result<Raw, Response>,
) -> Result<Response, Refusal> {
    caller.require(Permission::Read)?;
    let Raw(body) = match body {
        Ok(body) => body,
        Err(refused) => return Ok(refused),
    };
    let key = restore_key(&headers)?;
    let key = key.ok_or_else(|| AppError::Unprocessable("X-Restore-Key: is needed to put values back".to_owned()))?;
    let asked: RestoreRequest =
        serde_json::from_slice(&body).map_err(|error| AppError::Unprocessable(format!("body: {error}")))?;
    let text = key.restore(&asked.text, &asked.restore_blob)?;
    Ok(axum::Json(RestoredBody { text, status: "success" }).into_response())
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
