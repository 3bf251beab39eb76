//! From a certificate as `app` knows it to what the renderers of `reports` read.

use assize_attestation::certificate::Outcome as Checked;
use assize_reports::{CertificateView, Links};

use crate::app::PublicCertificate;
use crate::{dashboard, documents};

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

/// Calls `render` with the view of a certificate as this server shows it.
pub(super) fn with_view<T>(certificate: &PublicCertificate, render: impl FnOnce(&CertificateView<'_>) -> T) -> T {
    let addresses = Addresses::of(&certificate.body.certificate_id);
    let links = Links {
        home: "/",
        json: &addresses.json,
        pdf: &addresses.pdf,
        badge: &addresses.badge,
        keys: "/.well-known/assize-keys.json",
        checkpoint: "/log/checkpoint",
    };
    // The reader's browser fetches the file and the keys by these links.
    documents::with_view(certificate, links, None, dashboard::linked_assets(), render)
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
