//! From a certificate as `app` knows it to what the renderers of `reports` read.

use assize_attestation::certificate::Outcome as Checked;
use assize_reports::{CertificateView, Check, Links, LogPosition, Outcome, Revocation, VerificationReport};

use crate::app::PublicCertificate;
use crate::dashboard;

/// Addresses of a certificate's neighbours, from the server's root.
struct Addresses {
    json: String,
    pdf: String,
    badge: String,
}

impl Addresses {
    fn of(id: &str) -> Self {
        Self {
            json: format!("/verify/{id}/certificate.json"),
            pdf: format!("/verify/{id}/certificate.pdf"),
            badge: format!("/verify/{id}/badge.svg"),
        }
    }
}

/// Calls `render` with the view of a certificate.
pub(super) fn with_view<T>(certificate: &PublicCertificate, render: impl FnOnce(&CertificateView<'_>) -> T) -> T {
    let addresses = Addresses::of(&certificate.body.certificate_id);
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
        links: Links {
            home: "/",
            json: &addresses.json,
            pdf: &addresses.pdf,
            badge: &addresses.badge,
            keys: "/.well-known/assize-keys.json",
            checkpoint: "/log/checkpoint",
        },
        // The reader's browser fetches the file and the keys by the links above.
        evidence: None,
        assets: dashboard::linked_assets(),
    })
}

/// Why a certificate does not hold any more, in a word for a badge; `None` while it holds.
pub(super) fn withdrawn_word(certificate: &PublicCertificate) -> Option<&'static str> {
    if certificate.revocation.is_some() {
        return Some("revoked");
    }
    let failed =
        |name: &str| certificate.verification.check(name).is_some_and(|check| check.outcome == Checked::Failed);
    match (certificate.verification.valid, failed("expiry")) {
        (true, _) => None,
        (false, true) => Some("expired"),
        (false, false) => Some("invalid"),
    }
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
