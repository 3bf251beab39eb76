//! What a rendered certificate needs besides its body: how verification went, where it stands in the log, and the
//! addresses of its neighbours. Plain borrowed data; the caller fills it, the renderers only read it.

use assize_fairness::document::CertificateBody;

/// Everything that the certificate page and the certificate PDF show.
#[derive(Debug, Clone, Copy)]
pub struct CertificateView<'a> {
    /// The measured and signed document.
    pub body: &'a CertificateBody,
    /// Lowercase hex SHA-256 over the canonical certificate.
    pub sha256_hash: &'a str,
    /// Identifier of the signing key.
    pub key_id: &'a str,
    /// How the verification went when the document was rendered.
    pub verification: &'a VerificationReport,
    /// Where the certificate stands in the transparency log; `None` before it is logged.
    pub log: Option<LogPosition<'a>>,
    /// Addresses of the page's neighbours.
    pub links: Links<'a>,
    /// For a page that is kept as a file. A served page has none: its script fetches `links.json` and `links.keys`.
    pub evidence: Option<EmbeddedEvidence<'a>>,
    /// Whether style and scripts are linked or part of the file.
    pub assets: Assets<'a>,
}

/// Outcome of a verification, check by check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerificationReport {
    /// All checks that were made passed, and the certificate is neither revoked nor expired.
    pub valid: bool,
    /// The checks in the order they were made.
    pub checks: Vec<Check>,
    /// Set when the certificate was revoked.
    pub revoked: Option<Revocation>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked, e.g. `Signature`.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
    /// One sentence with the particulars.
    pub detail: String,
}

/// Outcome of one check. A check that was not made says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was made and holds.
    Passed,
    /// It was made and does not hold.
    Failed,
    /// It was not made.
    NotChecked,
}

/// Why and when a certificate was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// As given by the issuer.
    pub reason: String,
    /// RFC 3339, UTC.
    pub revoked_at: String,
}

/// A place in the transparency log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition<'a> {
    /// Name of the log, the first line of its checkpoints.
    pub origin: &'a str,
    /// Zero-based index of the certificate's leaf.
    pub leaf_index: u64,
    /// Size of the tree that the inclusion proof is for.
    pub tree_size: u64,
}

/// Addresses; absolute or relative to the server's root. An empty one is left out of the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Links<'a> {
    /// The landing page.
    pub home: &'a str,
    /// The certificate as JSON.
    pub json: &'a str,
    /// The certificate as PDF.
    pub pdf: &'a str,
    /// The badge as SVG.
    pub badge: &'a str,
    /// The trusted public keys.
    pub keys: &'a str,
    /// The log's checkpoint.
    pub checkpoint: &'a str,
}

/// What a self-contained page carries so that it can be verified without a server: see `assets/verify.js`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbeddedEvidence<'a> {
    /// The certificate file as JSON text, with its seal and log proof.
    pub document: &'a str,
    /// The document of trusted keys as JSON text.
    pub keys: &'a str,
}

/// Where a page takes its style and scripts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assets<'a> {
    /// Served files.
    Linked {
        /// Address of [`STYLE_CSS`](crate::STYLE_CSS).
        stylesheet: &'a str,
        /// Address of [`PAGE_JS`](crate::PAGE_JS).
        page_script: &'a str,
        /// Address of [`VERIFY_JS`](crate::VERIFY_JS).
        verify_script: &'a str,
        /// Address of [`ICON_SVG`](crate::ICON_SVG).
        icon: &'a str,
    },
    /// One self-contained file.
    Inline,
}

/// Sheet of the PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PaperSize {
    /// 210 mm x 297 mm.
    #[default]
    A4,
    /// 8.5 in x 11 in.
    Letter,
}
