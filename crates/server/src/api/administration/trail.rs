//! The audit trail for those who may see it: pages with filters, and an export that can be checked elsewhere.

use assize_store::audit_trail::{AuditFilter, AuditRow};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answers::KeyedAnswers;
use super::{PAGE_ROWS, PAGE_ROWS_MAX, page, private};
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::app::{AppError, Caller};
use crate::state::HttpState;

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TrailParameters {
    /// Only what this actor did: a person's or key's id, `operator`, `system`, `anonymous`.
    #[param(example = "operator")]
    actor: Option<String>,
    /// Only this action, `noun.verb`.
    #[param(example = "certificate.issue")]
    action: Option<String>,
    /// Only what was done to this thing.
    #[param(example = "MP-2026-000001")]
    subject: Option<String>,
    /// Not before this time (RFC 3339).
    #[param(value_type = Option<String>, example = "2026-01-01T00:00:00Z")]
    since: Option<Timestamp>,
    /// Before this time (RFC 3339).
    #[param(value_type = Option<String>, example = "2027-01-01T00:00:00Z")]
    until: Option<Timestamp>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// How many rows, 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200, example = 50)]
    limit: Option<u32>,
}

/// Rows, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrailPage {
    rows: Vec<TrailRow>,
    /// Value of `cursor` for the next page; `null` on the last one.
    next: Option<String>,
}

/// One state change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrailRow {
    /// Its place in the organization's trail, from 1.
    seq: u64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who: a person's or key's id, `operator`, `system` or `anonymous`.
    actor: String,
    #[schema(example = "certificate.issue")]
    action: String,
    /// To what.
    #[schema(example = "MP-2026-000001")]
    subject: String,
    /// What else matters, e.g. from which address.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    /// Lowercase hex SHA-256 of the subject before; `null` where it has none.
    before_hash: Option<String>,
    /// Lowercase hex SHA-256 of the subject after.
    after_hash: Option<String>,
    /// The hash of the row before.
    prev_hash: String,
    /// The hash over this row and the one before.
    hash: String,
}

impl From<AuditRow> for TrailRow {
    fn from(row: AuditRow) -> Self {
        Self {
            seq: row.seq,
            at: row.event.at,
            actor: row.event.actor,
            action: row.event.action,
            subject: row.event.subject,
            detail: row.event.detail,
            before_hash: row.event.before_hash.map(hex::encode),
            after_hash: row.event.after_hash.map(hex::encode),
            prev_hash: hex::encode(row.prev_hash),
            hash: hex::encode(row.hash),
        }
    }
}

/// The audit trail of your organization, the newest change first.
///
/// Needs the role auditor or above.
#[utoipa::path(
    get,
    path = "/v1/audit-trail",
    tag = "administration",
    params(TrailParameters),
    responses(
        (status = 200, description = "One page", body = TrailPage),
        KeyedAnswers
    )
)]
pub(crate) async fn audit_trail(
    State(state): State<HttpState>,
    caller: Caller,
    Parameters(parameters): Parameters<TrailParameters>,
) -> Result<Response, Problem> {
    let limit = parameters.limit.unwrap_or(PAGE_ROWS).clamp(1, PAGE_ROWS_MAX);
    let TrailParameters { actor, action, subject, since, until, cursor, .. } = parameters;
    let no_cursor = |_| AppError::Unprocessable("cursor: must be `next` of the page before".to_owned());
    let before = cursor.map(|cursor| cursor.parse().map_err(no_cursor)).transpose()?;
    let filter = AuditFilter { actor, action, subject, since, until };
    if [&filter.actor, &filter.action, &filter.subject].into_iter().flatten().any(|text| text.contains('\0')) {
        return Err(AppError::Unprocessable("query: a filter holds a NUL character".to_owned()).into());
    }
    let rows = state.app().audit_trail(&caller, &filter, before, limit + 1).await?;
    let (rows, next) = page(rows, limit, |row| row.seq.to_string());
    Ok(private(StatusCode::OK, TrailPage { rows: rows.into_iter().map(TrailRow::from).collect(), next }))
}

/// The whole audit trail of your organization with its hashes and log proofs, as lines of JSON.
///
/// `assize verify FILE --public-key KEYS` checks the file without this server. Needs the role auditor or above.
#[utoipa::path(
    get,
    path = "/v1/audit-trail/export",
    tag = "administration",
    responses(
        (status = 200, description = "The lines: head, rows, checkpoints, end", body = String, content_type = "application/x-ndjson"),
        KeyedAnswers
    )
)]
pub(crate) async fn export_audit_trail(State(state): State<HttpState>, caller: Caller) -> Result<Response, Problem> {
    let lines = state.app().export_audit_trail(&caller).await?;
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_DISPOSITION, "attachment; filename=\"audit-trail.ndjson\""),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}
