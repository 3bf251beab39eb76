//! A certificate as `app` knows it, rendered by `reports`: as a served page, as a page that is kept as a file, as PDF.

use assize_attestation::TrustedKeys;
use assize_attestation::certificate::Outcome as Checked;
use assize_reports::{
    Assets, CertificateView, Check, EmbeddedEvidence, Links, LogPosition, Outcome, PaperSize, Revocation,
    VerificationReport, certificate_html, certificate_pdf,
};

use crate::app::{AppError, PublicCertificate};

/// The page as one file that needs nothing else and verifies itself in the reader's browser.
///
/// # Errors
/// When the sealed document is not text, which cannot be.
pub fn self_contained_page(certificate: &PublicCertificate, keys: &TrustedKeys) -> Result<String, AppError> {
    let document = std::str::from_utf8(&certificate.document).map_err(AppError::internal)?;
    let keys = serde_json::to_string(&keys.to_json()).map_err(AppError::internal)?;
    let evidence = Some(EmbeddedEvidence { document, keys: &keys });
    Ok(with_view(certificate, no_links(), evidence, Assets::Inline, certificate_html))
}

/// The certificate on paper. Takes some 100 ms of computing: not for an async thread.
///
/// # Errors
/// When it cannot be typeset: a mistake of ours.
pub fn pdf(certificate: &PublicCertificate, size: PaperSize) -> Result<Vec<u8>, AppError> {
    with_view(certificate, no_links(), None, Assets::Inline, |view| certificate_pdf(view, size))
        .map_err(|error| AppError::Internal(anyhow::Error::new(error).context("a certificate could not be rendered")))
}

/// Calls `render` with the view of a certificate.
pub(crate) fn with_view<T>(
    certificate: &PublicCertificate,
    links: Links<'_>,
    evidence: Option<EmbeddedEvidence<'_>>,
    assets: Assets<'_>,
    render: impl FnOnce(&CertificateView<'_>) -> T,
) -> T {
    let verification = report(certificate);
    render(&CertificateView {
        body: &certificate.body,
        sha256_hash: &certificate.sha256_hash,
        key_id: &certificate.key_id,
        verification: &verification,
        log: Some(LogPosition {
            origin: &certificate.log.origin,
            leaf_index: certificate.log.leaf_index,
            tree_size: certificate.log.tree_size,
        }),
        links,
        evidence,
        assets,
    })
}

/// A file has no neighbours; its public address is in the body.
fn no_links() -> Links<'static> {
    Links { home: "", json: "", pdf: "", badge: "", keys: "", checkpoint: "" }
}

fn report(certificate: &PublicCertificate) -> VerificationReport {
    let checks = certificate.verification.checks.iter().map(|check| Check {
        name: check.name.to_owned(),
        outcome: match check.outcome {
            Checked::Passed => Outcome::Passed,
            Checked::Failed => Outcome::Failed,
            Checked::NotChecked => Outcome::NotChecked,
        },
        detail: check.detail.clone(),
    });
    VerificationReport {
        valid: certificate.verification.valid,
        checks: checks.collect(),
        revoked: certificate
            .revocation
            .as_ref()
            .map(|said| Revocation { reason: said.reason.clone(), revoked_at: said.revoked_at.to_string() }),
    }
}
