//! `/v1/webhooks`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::answers::KeyedAnswers;
use super::wire::PageParameters;
use super::{created, page, private};
use crate::api::body::Members;
use crate::api::extract::{Parameters, PathId, PathIds};
use crate::api::idempotency::{Idempotent, NoBody};
use crate::api::problem::Problem;
use crate::app::{
    Answer, AppError, Caller, DeliveryRecord, DeliveryState, IssuedWebhook, NewWebhook, Once, WebhookChange, WebhookId,
    WebhookRecord,
};
use crate::state::HttpState;

/// A webhook, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookBody {
    /// Its id.
    #[schema(example = "wh_019aa3e0a0b07cc2a1b2c3d4e5f60718")]
    id: String,
    /// Where it leads.
    #[schema(example = "https://example.org/webhooks/compliance")]
    url: String,
    /// What it is told of.
    #[schema(example = json!(["interaction.audited"]))]
    events: Vec<String>,
    /// What its owner says of it.
    description: String,
    /// Whether it is told anything.
    active: bool,
    /// Since when nothing has come through, RFC 3339, UTC.
    failing_since: Option<String>,
    /// What went wrong last; null once something has come through.
    last_error: Option<String>,
    /// Deliveries that wait.
    waiting: u64,
    /// Until when the secret before the last rotation signs too.
    old_secret_until: Option<String>,
    /// The user or key that made it, or `operator`.
    created_by: String,
    /// RFC 3339, UTC.
    created_at: String,
    /// When its settings last changed.
    updated_at: String,
}

impl From<WebhookRecord> for WebhookBody {
    fn from(webhook: WebhookRecord) -> Self {
        Self {
            id: webhook.id.to_string(),
            url: webhook.url,
            events: webhook.events,
            description: webhook.description,
            active: webhook.active,
            failing_since: webhook.failing_since.map(|at| at.to_string()),
            last_error: webhook.last_error,
            waiting: webhook.waiting,
            old_secret_until: webhook.old_secret.map(|(_, until)| until.to_string()),
            created_by: webhook.created_by,
            created_at: webhook.created_at.to_string(),
            updated_at: webhook.updated_at.to_string(),
        }
    }
}

/// A webhook whose secret has just been set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssuedWebhookBody {
    #[serde(flatten)]
    webhook: WebhookBody,
    /// The secret. It is shown now and never again.
    #[schema(example = "whsec_...")]
    secret: String,
}

/// Webhooks, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhooksBody {
    webhooks: Vec<WebhookBody>,
    /// Cursor of the next page; null after the last.
    next: Option<String>,
}

/// A webhook to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Members` reads member by member")]
pub(crate) struct NewWebhookBody {
    /// Where it leads: https, and not into a private network unless the server is configured so.
    #[schema(example = "https://example.org/webhooks/compliance")]
    url: String,
    /// What it is told of: `model.registered`, `assessment.completed`, `violation.detected`, `policy.violated`,
    /// `risk.elevated`, `interaction.audited`, `webhook.test`.
    #[schema(example = json!(["interaction.audited"]))]
    events: Vec<String>,
    /// What signs: 24 to 64 bytes in base64 behind `whsec_`, or a text of 16 to 256 bytes; made when there is none.
    secret: Option<String>,
    /// What to say of it, up to 200 characters.
    description: Option<String>,
}

/// What of a webhook is to be changed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Members` reads member by member")]
pub(crate) struct WebhookChangeBody {
    /// Where it leads.
    url: Option<String>,
    /// What it is told of.
    events: Option<Vec<String>>,
    /// What to say of it.
    description: Option<String>,
    /// Whether it is told anything; switching it on tries what waits at once.
    active: Option<bool>,
}

/// Something that was or is to be told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryBody {
    /// Its id, sent as `webhook-id`; the same in every attempt.
    #[schema(example = "whd_019aa3e0a0b07cc2a1b2c3d4e5f60718")]
    id: String,
    /// What happened.
    #[schema(example = "interaction.audited")]
    event: String,
    /// `queued`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When it was queued, RFC 3339, UTC.
    created_at: String,
    /// Not to be tried before this time, while it is queued.
    next_at: Option<String>,
    /// When it was taken or given up.
    ended_at: Option<String>,
    /// HTTP status of the last answer.
    response_status: Option<u32>,
    /// Why the last attempt failed.
    last_error: Option<String>,
    /// What is sent; null when its key was destroyed.
    #[schema(value_type = Option<Object>)]
    request: Option<serde_json::Value>,
    /// The first 1,024 bytes of the last answer.
    response: Option<String>,
}

impl From<DeliveryRecord> for DeliveryBody {
    fn from(record: DeliveryRecord) -> Self {
        let delivery = record.delivery;
        let queued = delivery.state == DeliveryState::Queued;
        Self {
            id: delivery.id.to_string(),
            event: delivery.event,
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            created_at: delivery.created_at.to_string(),
            next_at: queued.then(|| delivery.next_at.to_string()),
            ended_at: delivery.ended_at.map(|at| at.to_string()),
            response_status: delivery.response_status,
            last_error: delivery.last_error,
            request: record.request,
            response: record.response,
        }
    }
}

/// Deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveriesBody {
    deliveries: Vec<DeliveryBody>,
    /// Cursor of the next page; null after the last.
    next: Option<String>,
}

/// The organization's webhooks, newest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    params(PageParameters),
    responses((status = 200, description = "A page of webhooks", body = WebhooksBody), KeyedAnswers)
)]
pub(crate) async fn webhooks(
    State(state): State<HttpState>,
    caller: Caller,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Response, Problem> {
    let before = parameters.cursor.as_deref().map(cursor).transpose()?;
    let rows = parameters.rows();
    let found = state.app().webhooks(&caller, before.as_ref(), rows + 1).await?;
    let (found, next) = page(found, rows, |webhook| webhook.id.to_string());
    let webhooks = found.into_iter().map(WebhookBody::from).collect();
    Ok(private(StatusCode::OK, WebhooksBody { webhooks, next }))
}

/// Make a webhook. Its secret is in the answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    request_body(content = NewWebhookBody, description = "The webhook to make"),
    responses((status = 201, description = "The webhook with its secret", body = IssuedWebhookBody), KeyedAnswers)
)]
pub(crate) async fn create_webhook(
    State(state): State<HttpState>,
    caller: Caller,
    request: Idempotent<Members>,
) -> Result<Response, Problem> {
    let create = async |mut body: Members, once: Once<'_, IssuedWebhook>| {
        let new = NewWebhook {
            url: body.parsed("url", |text| Ok(text.to_owned())),
            events: body.texts_or_none("events").unwrap_or_default(),
            description: body.text_or_none("description").unwrap_or_default(),
            secret: body.text_or_none("secret"),
        };
        body.finish()?;
        state.app().create_webhook(&caller, new, &once).await
    };
    Ok(request.work(&state, &caller, issued, create).await?)
}

/// One webhook of the organization.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 200, description = "The webhook", body = WebhookBody), KeyedAnswers)
)]
pub(crate) async fn webhook(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    Ok(private(StatusCode::OK, WebhookBody::from(state.app().webhook(&caller, &id).await?)))
}

/// Change a webhook. Members that are not there stay as they are.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id")),
    request_body(content = WebhookChangeBody, description = "What to change"),
    responses((status = 200, description = "The webhook as it is now", body = WebhookBody), KeyedAnswers)
)]
pub(crate) async fn update_webhook(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
    mut body: Members,
) -> Result<Response, Problem> {
    let change = WebhookChange {
        url: body.text_or_none("url"),
        events: body.texts_or_none("events"),
        description: body.text_or_none("description"),
        active: body.flag_or_none("active"),
    };
    body.finish()?;
    Ok(private(StatusCode::OK, WebhookBody::from(state.app().update_webhook(&caller, &id, &change).await?)))
}

/// Delete a webhook with its deliveries.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 204, description = "It is gone"), KeyedAnswers)
)]
pub(crate) async fn delete_webhook(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    state.app().delete_webhook(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Give a webhook another secret. For 24 hours both sign.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/rotate-secret",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    responses((status = 201, description = "The webhook with its new secret", body = IssuedWebhookBody), KeyedAnswers)
)]
pub(crate) async fn rotate_webhook_secret(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
    request: Idempotent<NoBody>,
) -> Result<Response, Problem> {
    let rotate =
        async |_: NoBody, once: Once<'_, IssuedWebhook>| state.app().rotate_webhook_secret(&caller, &id, &once).await;
    Ok(request.work(&state, &caller, issued, rotate).await?)
}

/// Have a webhook told that this is a test.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/test",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that sending it again does nothing twice and gets the same answer")),
    responses((status = 201, description = "The delivery, queued", body = DeliveryBody), KeyedAnswers)
)]
pub(crate) async fn test_webhook(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
    request: Idempotent<NoBody>,
) -> Result<Response, Problem> {
    let test = async |_: NoBody, once: Once<'_, DeliveryRecord>| state.app().test_webhook(&caller, &id, &once).await;
    let answer = |record: &DeliveryRecord| created(&DeliveryBody::from(record.clone()));
    Ok(request.work(&state, &caller, answer, test).await?)
}

/// What a webhook was and is to be told, newest first, with what was answered.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), PageParameters),
    responses((status = 200, description = "A page of deliveries", body = DeliveriesBody), KeyedAnswers)
)]
pub(crate) async fn webhook_deliveries(
    State(state): State<HttpState>,
    caller: Caller,
    PathId(id): PathId,
    Parameters(parameters): Parameters<PageParameters>,
) -> Result<Response, Problem> {
    let (rows, before) = (parameters.rows(), parameters.cursor.as_deref());
    let found = state.app().webhook_deliveries(&caller, &id, before, rows + 1).await?;
    let (found, next) = page(found, rows, |record| record.delivery.id.to_string());
    let deliveries = found.into_iter().map(DeliveryBody::from).collect();
    Ok(private(StatusCode::OK, DeliveriesBody { deliveries, next }))
}

/// Queue a delivery that has ended again, and try what waits at once.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"),
        ("delivery_id" = String, Path, description = "The delivery's id")),
    responses((status = 200, description = "The delivery as it is now, without what was sent and answered", body = DeliveryBody), KeyedAnswers)
)]
pub(crate) async fn redeliver(
    State(state): State<HttpState>,
    caller: Caller,
    PathIds(id, delivery): PathIds,
) -> Result<Response, Problem> {
    let delivery = state.app().redeliver(&caller, &id, &delivery).await?;
    let record = DeliveryRecord { delivery, request: None, response: None };
    Ok(private(StatusCode::OK, DeliveryBody::from(record)))
}

fn issued(issued: &IssuedWebhook) -> Answer {
    created(&IssuedWebhookBody { webhook: issued.webhook.clone().into(), secret: issued.secret.clone() })
}

fn cursor(text: &str) -> Result<WebhookId, AppError> {
    WebhookId::parse(text)
        .ok_or_else(|| AppError::Unprocessable("cursor: must be `next` of the page before".to_owned()))
}
