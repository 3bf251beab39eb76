//! Results made fit to be shown: the certificate as a page, as a PDF and as a badge, reports of other audits as PDF, the
//! charts that all of them share, and the frame and style of every page of the product.
//!
//! Flow: a [`CertificateView`] (plain data) becomes strings, tables and charts, which a template lays out.
//!
//! Invariants: pure functions, the same view gives the same bytes; nothing a customer wrote is ever read as HTML, SVG
//! or typst source; every figure has its data as a table beside it; no outside asset is referred to.

mod badge;
pub mod charts;
mod document;
mod format;
mod html;
mod pdf;
mod qr;
mod report;
mod shell;
mod view;
mod words;

pub use self::badge::badge_svg;
pub use self::html::certificate_html;
pub use self::pdf::{certificate_pdf, report_pdf};
pub use self::qr::qr_svg;
pub use self::report::{Report, ReportBlock, ReportFact, ReportSection, ReportTone, ReportVerdict};
pub use self::shell::{Account, Crumb, NavGroup, NavItem, OrganizationChoice, Reader, ShellView, shell_html};
pub use self::view::{
    Assets, CertificateView, Check, EmbeddedEvidence, Links, LogPosition, Outcome, PaperSize, Revocation,
    VerificationReport,
};

/// Tokens and components of every page, documented by its comments. Serve it, or let [`Assets::Inline`] embed it.
pub const STYLE_CSS: &str = include_str!("../assets/assize.css");

/// Conveniences that pages work without: theme switch, copy buttons, navigation on narrow screens.
pub const PAGE_JS: &str = include_str!("../assets/page.js");

/// The mark of the product, for a browser's tab.
pub const ICON_SVG: &str = include_str!("../assets/icon.svg");

/// Repeats the verification of a certificate in the reader's browser.
pub const VERIFY_JS: &str = include_str!("../assets/verify.js");

/// Why a document could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A time in the document is not RFC 3339.
    #[error("time `{text}` in the document is not RFC 3339, e.g. 2026-11-21T10:00:00Z")]
    Time {
        /// As found.
        text: String,
    },
    /// The typesetter refused the document.
    #[error("the document could not be typeset: {reason}")]
    Typeset {
        /// Its first message.
        reason: String,
    },
    /// The PDF standards refused the document.
    #[error("the document could not be written as PDF/A: {reason}")]
    Export {
        /// Its first message.
        reason: String,
    },
}
