//! `GET /verify/{id}` and what hangs on it: anyone may look a certificate up and check it, without a key.

use assize_reports::{PaperSize, badge_svg, certificate_html, certificate_pdf as render_pdf, qr_svg};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::error::{Detail, DetailBody};
use super::view;
use super::wire::{Certificate, SealedCertificate};
use crate::api::extract::{Parameters, PathId};
use crate::api::negotiate::{prefers_html, public};
use crate::app::{AppError, PublicCertificate};
use crate::dashboard;
use crate::state::HttpState;

/// What a certificate shows may change with the hour (expiry) and by revocation: caches ask again.
const CACHE_ASK: &str = "public, no-cache";

/// Images on other people's pages may be some minutes old.
const CACHE_BADGE: &str = "public, max-age=300";

/// Look a certificate up and check it.
///
/// JSON for programs; a page for browsers (`Accept: text/html`).
#[utoipa::path(
    get,
    path = "/verify/{id}",
    tag = "certification",
    params(("id" = String, Path, description = "The certificate's id", example = "MP-2026-000001")),
    responses(
        (status = 200, description = "The certificate with what the checks say today", content(
            (Certificate = "application/json"),
            (String = "text/html"),
        )),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 404, description = "No such certificate", body = DetailBody),
        (status = 422, description = "Not an id", body = DetailBody),
    )
)]
pub(crate) async fn certificate(
    State(state): State<HttpState>,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Response, Detail> {
    let html = prefers_html(&headers);
    let certificate = match state.app().certificate(&id).await {
        Ok(certificate) => certificate,
        Err(AppError::NotFound { .. }) if html => return Ok(dashboard::certificate_not_found(&id)),
        Err(error) => return Err(error.into()),
    };
    if !html {
        return Ok(public(&headers, "application/json", CACHE_ASK, certificate.presented.clone()));
    }
    let key = shown(&certificate, "html");
    let page = state.rendered().get(&key, move || Ok(page(&certificate))).await?;
    Ok(public(&headers, "text/html; charset=utf-8", CACHE_ASK, page))
}

/// The certificate as the file that was sealed, to keep and to check offline.
#[utoipa::path(
    get,
    path = "/verify/{id}/certificate.json",
    tag = "certification",
    params(("id" = String, Path, description = "The certificate's id", example = "MP-2026-000001")),
    responses(
        (status = 200, description = "The sealed document, byte for byte", body = SealedCertificate, content_type = "application/json"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 404, description = "No such certificate", body = DetailBody),
        (status = 422, description = "Not an id", body = DetailBody),
    )
)]
pub(crate) async fn certificate_file(
    State(state): State<HttpState>,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Response, Detail> {
    let certificate = state.app().certificate(&id).await?;
    let name = format!("attachment; filename=\"{}.json\"", certificate.body.certificate_id);
    let mut response = public(&headers, "application/json", CACHE_ASK, certificate.document.clone());
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(AppError::internal)?);
    Ok(response)
}

/// The sheet of the PDF.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PdfParameters {
    /// `a4` or `letter`.
    #[serde(default)]
    #[param(inline, example = "a4")]
    paper: Paper,
}

/// Sheet sizes.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Paper {
    /// 210 mm x 297 mm.
    #[default]
    A4,
    /// 8.5 in x 11 in.
    Letter,
}

/// The certificate as PDF (PDF/A-2a, tagged).
#[utoipa::path(
    get,
    path = "/verify/{id}/certificate.pdf",
    tag = "certification",
    params(("id" = String, Path, description = "The certificate's id", example = "MP-2026-000001"), PdfParameters),
    responses(
        (status = 200, description = "The document", body = Vec<u8>, content_type = "application/pdf"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 404, description = "No such certificate", body = DetailBody),
        (status = 422, description = "Not an id, or no such sheet", body = DetailBody),
    )
)]
pub(crate) async fn certificate_pdf(
    State(state): State<HttpState>,
    PathId(id): PathId,
    Parameters(PdfParameters { paper }): Parameters<PdfParameters>,
    headers: HeaderMap,
) -> Result<Response, Detail> {
    let certificate = state.app().certificate(&id).await?;
    let name = format!("inline; filename=\"{}.pdf\"", certificate.body.certificate_id);
    let key = shown(&certificate, &format!("{paper:?}"));
    let document = state.rendered().get(&key, move || pdf(&certificate, paper)).await?;
    let mut response = public(&headers, "application/pdf", CACHE_ASK, document);
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_str(&name).map_err(AppError::internal)?);
    Ok(response)
}

/// Names everything that a rendering shows: the presented bytes hold the body and the outcome of every check.
fn shown(certificate: &PublicCertificate, form: &str) -> String {
    format!("{form} {}", hex::encode(Sha256::digest(&certificate.presented)))
}

fn page(certificate: &PublicCertificate) -> Vec<u8> {
    view::with_view(certificate, certificate_html).into_bytes()
}

fn pdf(certificate: &PublicCertificate, paper: Paper) -> Result<Vec<u8>, AppError> {
    let size = match paper {
        Paper::A4 => PaperSize::A4,
        Paper::Letter => PaperSize::Letter,
    };
    view::with_view(certificate, |view| render_pdf(view, size))
        .map_err(|error| AppError::Internal(anyhow::Error::new(error).context("a certificate could not be rendered")))
}

/// The certificate's status and score as an image for a model card.
#[utoipa::path(
    get,
    path = "/verify/{id}/badge.svg",
    tag = "certification",
    params(("id" = String, Path, description = "The certificate's id", example = "MP-2026-000001")),
    responses(
        (status = 200, description = "The badge; a revoked or expired certificate says so", body = String, content_type = "image/svg+xml"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 404, description = "No such certificate", body = DetailBody),
        (status = 422, description = "Not an id", body = DetailBody),
    )
)]
pub(crate) async fn badge(
    State(state): State<HttpState>,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Response, Detail> {
    let certificate = state.app().certificate(&id).await?;
    let svg = match view::withdrawn_word(&certificate) {
        Some(word) => dashboard::withdrawn_badge(word),
        None => badge_svg(certificate.body.certification_status, certificate.body.overall_score),
    };
    Ok(public(&headers, "image/svg+xml", CACHE_BADGE, svg))
}

/// A QR code of the certificate's public address.
#[utoipa::path(
    get,
    path = "/verify/{id}/qr.svg",
    tag = "certification",
    params(("id" = String, Path, description = "The certificate's id", example = "MP-2026-000001")),
    responses(
        (status = 200, description = "The code", body = String, content_type = "image/svg+xml"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 404, description = "No such certificate", body = DetailBody),
        (status = 422, description = "Not an id", body = DetailBody),
    )
)]
pub(crate) async fn certificate_qr(
    State(state): State<HttpState>,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Response, Detail> {
    let certificate = state.app().certificate(&id).await?;
    let svg = qr_svg(&certificate.body.verify_url)
        .ok_or_else(|| AppError::internal("the public address is too long for a QR code"))?;
    Ok(public(&headers, "image/svg+xml", CACHE_BADGE, svg))
}

/// A certificate just issued: its presented form, for the one who asked.
pub(super) fn certificate_response(presented: impl Into<Bytes>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, presented.into()).into_response()
}
