//! The transparency log and the keys, for everybody: what is needed to check a certificate, and the log itself, without
//! trusting this server. Hashes are standard base64; an entry's hash is over the RFC 8785 form of its envelope.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Parameters;
use super::negotiate::public;
use super::problem::{Problem, ProblemBody};
use crate::app::{AppError, CertificateSummary};
use crate::state::HttpState;

/// The head of the log moves: caches ask again.
const CACHE_ASK: &str = "public, no-cache";

/// A proof between two given sizes never changes.
const CACHE_FOREVER: &str = "public, max-age=31536000, immutable";

/// Certificates of one page, unless asked otherwise.
const PAGE_CERTIFICATES: u32 = 20;

/// Certificates of one page at most.
const PAGE_CERTIFICATES_MAX: u32 = 100;

/// Entries of one page, unless asked otherwise.
const PAGE_ENTRIES: u32 = 100;

/// Entries of one page at most: each is about 2 kB.
const PAGE_ENTRIES_MAX: u32 = 1_000;

/// The signed head of the log.
///
/// A signed note (C2SP tlog-checkpoint): the log's name, its size, its root, and the signature.
#[utoipa::path(
    get,
    path = "/log/checkpoint",
    tag = "transparency",
    responses(
        (status = 200, description = "The checkpoint", body = String, content_type = "text/plain"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 404, description = "The log is empty", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn checkpoint(State(state): State<HttpState>, headers: HeaderMap) -> Result<Response, Problem> {
    let none_yet = || AppError::NotFound { what: "checkpoint of size", id: "0".to_owned() };
    let note = state.app().checkpoint().await?.ok_or_else(none_yet)?;
    Ok(public(&headers, "text/plain; charset=utf-8", CACHE_ASK, note))
}

/// Which certificates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CertificatesParameters {
    /// Certificates issued before this one.
    #[param(example = "MP-2026-000101")]
    before: Option<String>,
    /// At most this many, and 100.
    #[param(example = 20)]
    limit: Option<u32>,
}

/// Certificates, the last issued first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CertificatePage {
    certificates: Vec<CertificateRow>,
    /// Value of `before` for the next page; `null` on the last one.
    next_before: Option<String>,
}

/// What lists show of a certificate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CertificateRow {
    #[schema(example = "MP-2026-000001")]
    certificate_id: String,
    #[schema(example = "NOT CERTIFIED")]
    certification_status: String,
    #[schema(example = 57.23)]
    overall_score: Option<f64>,
    model_name: String,
    organization: String,
    domain: String,
    #[schema(value_type = String, format = DateTime)]
    issued_at: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<jiff::Timestamp>,
}

impl From<CertificateSummary> for CertificateRow {
    fn from(summary: CertificateSummary) -> Self {
        Self {
            certificate_id: summary.id.to_string(),
            certification_status: summary.status,
            overall_score: summary.score,
            model_name: summary.model_name,
            organization: summary.organization_name,
            domain: summary.domain,
            issued_at: summary.issued_at,
            expires_at: summary.expires_at,
            revoked_at: summary.revoked_at,
        }
    }
}

/// Every certificate that was ever issued here, the last one first.
#[utoipa::path(
    get,
    path = "/log/certificates",
    tag = "transparency",
    params(CertificatesParameters),
    responses(
        (status = 200, description = "One page", body = CertificatePage),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 422, description = "Not a certificate's id, or not a number", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn certificates(
    State(state): State<HttpState>,
    Parameters(CertificatesParameters { before, limit }): Parameters<CertificatesParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = limit.unwrap_or(PAGE_CERTIFICATES).clamp(1, PAGE_CERTIFICATES_MAX);
    let found = state.app().certificates(before.as_deref(), limit).await?;
    let full = found.len() == limit as usize;
    let certificates: Vec<CertificateRow> = found.into_iter().map(CertificateRow::from).collect();
    let next_before = certificates.last().filter(|_| full).map(|last| last.certificate_id.clone());
    let page = serde_json::to_vec(&CertificatePage { certificates, next_before }).map_err(AppError::internal)?;
    Ok(public(&headers, "application/json", CACHE_ASK, page))
}

/// Which entry, in a log of which size.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct InclusionParameters {
    /// Zero-based index of the entry.
    #[param(example = 0)]
    index: u64,
    /// Size of the log; its present size when left out.
    #[param(example = 1)]
    size: Option<u64>,
}

/// An inclusion proof (RFC 6962 section 2.1.1).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InclusionBody {
    /// Zero-based index of the entry.
    leaf_index: u64,
    /// Size of the log that the proof leads to.
    tree_size: u64,
    /// Hash of the entry, base64.
    leaf_hash: String,
    /// Root of the log at that size, base64.
    root_hash: String,
    /// Siblings from the leaf up, base64.
    proof: Vec<String>,
}

/// Proof that an entry is in the log of a given size.
#[utoipa::path(
    get,
    path = "/log/proof/inclusion",
    tag = "transparency",
    params(InclusionParameters),
    responses(
        (status = 200, description = "The proof", body = InclusionBody),
        (status = 422, description = "No such entry or size", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn inclusion_proof(
    State(state): State<HttpState>,
    Parameters(InclusionParameters { index, size }): Parameters<InclusionParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = state.app().inclusion_proof(index, size).await?;
    let body = InclusionBody {
        leaf_index: found.leaf_index,
        tree_size: found.tree_size,
        leaf_hash: found.leaf_hash,
        root_hash: found.root_hash,
        proof: found.proof,
    };
    json(&headers, cache(size), &body)
}

/// Between which sizes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsistencyParameters {
    /// The smaller size.
    #[param(example = 1)]
    from: u64,
    /// The larger size; the log's present size when left out.
    #[param(example = 2)]
    to: Option<u64>,
}

/// A consistency proof (RFC 6962 section 2.1.2).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsistencyBody {
    /// The smaller size.
    from: u64,
    /// The larger size.
    to: u64,
    /// Root at the smaller size, base64.
    from_root_hash: String,
    /// Root at the larger size, base64.
    to_root_hash: String,
    /// Nodes in the order of the RFC, base64.
    proof: Vec<String>,
}

/// Proof that the log only grew between two sizes.
#[utoipa::path(
    get,
    path = "/log/proof/consistency",
    tag = "transparency",
    params(ConsistencyParameters),
    responses(
        (status = 200, description = "The proof", body = ConsistencyBody),
        (status = 422, description = "No such sizes", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn consistency_proof(
    State(state): State<HttpState>,
    Parameters(ConsistencyParameters { from, to }): Parameters<ConsistencyParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = state.app().consistency_proof(from, to).await?;
    let body = ConsistencyBody {
        from: found.from,
        to: found.to,
        from_root_hash: found.from_root_hash,
        to_root_hash: found.to_root_hash,
        proof: found.proof,
    };
    json(&headers, cache(to), &body)
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntriesParameters {
    /// Index of the first entry.
    #[serde(default)]
    #[param(example = 0)]
    start: u64,
    /// How many, from 1 to 1,000.
    #[serde(default = "page")]
    #[param(example = 10, minimum = 1, maximum = 1000)]
    count: u32,
}

fn page() -> u32 {
    PAGE_ENTRIES
}

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntriesBody {
    /// In order; fewer than asked for at the end of the log.
    entries: Vec<EntryBody>,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryBody {
    /// Zero-based.
    leaf_index: u64,
    /// SHA-256 over a zero byte and the entry, base64.
    leaf_hash: String,
    /// The signed envelope (DSSE).
    #[schema(value_type = Object)]
    entry: serde_json::Value,
}

/// Entries of the log, in order.
#[utoipa::path(
    get,
    path = "/log/entries",
    tag = "transparency",
    params(EntriesParameters),
    responses(
        (status = 200, description = "The entries", body = EntriesBody),
        (status = 422, description = "A count outside 1 to 1,000", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn entries(
    State(state): State<HttpState>,
    Parameters(EntriesParameters { start, count }): Parameters<EntriesParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !(1..=PAGE_ENTRIES_MAX).contains(&count) {
        return Err(AppError::Unprocessable(format!("count: is {count}, must be from 1 to {PAGE_ENTRIES_MAX}")).into());
    }
    let entries = state.app().log_entries(start, count).await?;
    let entries = entries.into_iter().map(|entry| EntryBody {
        leaf_index: entry.leaf_index,
        leaf_hash: entry.leaf_hash,
        entry: entry.entry,
    });
    json(&headers, CACHE_ASK, &EntriesBody { entries: entries.collect() })
}

/// The keys that sign certificates and checkpoints, retired ones included.
#[utoipa::path(
    get,
    path = "/.well-known/assize-keys.json",
    tag = "transparency",
    responses((status = 200, description = "The keys with their times; `assize verify --public-key` reads this file", body = Object))
)]
pub(crate) async fn public_keys(State(state): State<HttpState>, headers: HeaderMap) -> Result<Response, Problem> {
    let keys = state.app().public_keys().await?;
    json(&headers, CACHE_ASK, &keys.to_json())
}

/// How long a proof may be kept: up to a size that was asked for, for ever.
fn cache(size: Option<u64>) -> &'static str {
    if size.is_some() { CACHE_FOREVER } else { CACHE_ASK }
}

fn json(headers: &HeaderMap, cache: &'static str, body: &impl Serialize) -> Result<Response, Problem> {
    let bytes = serde_json::to_vec(body).map_err(AppError::internal)?;
    Ok(public(headers, "application/json", cache, bytes))
}
