//! `GET /`: what this server is, what it certified last, with which key, and how to take part.

use askama::Template;
use assize_attestation::SignedCheckpoint;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::frame::{Page, open_page};
use super::visitor::Visitor;
use crate::api::extract::Parameters;
use crate::api::problem::{Problem, ProblemBody};
use crate::app::{AppError, CertificateSummary};
use crate::state::HttpState;

/// Certificates of one page.
const PAGE_CERTIFICATES: u32 = 20;

/// Which certificates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LandingParameters {
    /// Certificates issued before this one.
    #[param(example = "MP-2026-000021")]
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing<'a> {
    certificates: Vec<Row>,
    /// Whether this is the first page.
    newest: bool,
    /// Last id of a full page: older ones may follow.
    older_than: Option<String>,
    public_url: &'a str,
    key_id: String,
    key_pem: String,
    log_origin: String,
    log_size: u64,
    /// `None` while the log is empty.
    log_root: Option<String>,
    validity_days: u32,
    audit_timeout_s: u64,
}

struct Row {
    id: String,
    status: String,
    /// Colour and icon of the status: `pass`, `unsure`, `fail` or `silent`. The word is always there too.
    tone: &'static str,
    score: String,
    model: String,
    organization: String,
    issued_at: String,
    issued_on: String,
}

/// The server's front page, with the latest certificates.
#[utoipa::path(
    get,
    path = "/",
    tag = "pages",
    params(LandingParameters),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 422, description = "Not a certificate's id", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn landing(
    State(state): State<HttpState>,
    Parameters(LandingParameters { before }): Parameters<LandingParameters>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let newest = before.is_none();
    let certificates = state.app().certificates(before.as_deref(), PAGE_CERTIFICATES).await?;
    let note = state.app().checkpoint().await?;
    let log = note.map(|note| SignedCheckpoint::parse(&note)).transpose().map_err(AppError::internal)?;
    let log = log.map(|log| log.checkpoint);
    let keys = state.app().public_keys().await?;
    let key = keys.keys().last().ok_or_else(|| AppError::internal("the server has no key"))?;
    let full = certificates.len() == PAGE_CERTIFICATES as usize;
    let page = Landing {
        newest,
        older_than: certificates.last().filter(|_| full).map(|certificate| certificate.id.to_string()),
        certificates: certificates.into_iter().map(Row::from).collect(),
        public_url: &state.config().public_url(),
        key_id: key.key.key_id(),
        key_pem: key.key.to_pem(),
        log_origin: state.config().signing.origin.clone(),
        log_size: log.as_ref().map_or(0, |log| log.size),
        log_root: log.map(|log| log.root.to_hex()),
        validity_days: state.config().passport.validity_days,
        audit_timeout_s: state.config().passport.audit_timeout_s,
    };
    let body = page.render().map_err(AppError::internal)?;
    let page = Page {
        title: "Certified by measurement",
        lead: "This server measures AI systems for bias, signs what it measured, and lets anyone check it.",
        body_html: &body,
        path: "/",
        ..Page::default()
    };
    Ok(open_page(&headers, &visitor, &page))
}

impl From<CertificateSummary> for Row {
    fn from(certificate: CertificateSummary) -> Self {
        let (status, tone) = match (certificate.revoked_at.is_some(), certificate.status.as_str()) {
            (true, _) => ("Revoked".to_owned(), "silent"),
            (false, "CERTIFIED") => ("Certified".to_owned(), "pass"),
            (false, "CONDITIONAL") => ("Conditional".to_owned(), "unsure"),
            (false, "NOT CERTIFIED") => ("Not certified".to_owned(), "fail"),
            (false, _) => (certificate.status, "fail"),
        };
        Self {
            id: certificate.id.to_string(),
            status,
            tone,
            score: certificate.score.map_or_else(|| "–".to_owned(), |score| format!("{score:.1}")),
            model: certificate.model_name,
            organization: certificate.organization_name,
            issued_at: certificate.issued_at.to_string(),
            issued_on: certificate.issued_at.strftime("%Y-%m-%d").to_string(),
        }
    }
}
