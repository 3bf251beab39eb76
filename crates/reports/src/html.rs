//! The certificate as a page: public, readable without JavaScript, one file when asked for.

use askama::Template;
use assize_fairness::{CERTIFIED_MIN, CONDITIONAL_MIN};

use crate::charts::Medium;
use crate::document::{self, Document};
use crate::qr_svg;
use crate::shell::Head;
use crate::view::{CertificateView, Links};

/// The checks that the page's script can repeat, by the names it looks for.
const BROWSER_CHECKS: [(&str, &str); 3] = [("hash", "Hash"), ("signature", "Signature"), ("inclusion", "Inclusion")];

/// Scores from which a certificate is conditional and certified, as marks on the bar in percent.
const SCORE_MARKS: [(f64, &str); 2] = [(CONDITIONAL_MIN, "conditional"), (CERTIFIED_MIN, "certified")];

#[derive(Template)]
#[template(path = "certificate.html")]
struct CertificateTemplate<'a> {
    doc: Document,
    hash: &'a str,
    links: Links<'a>,
    files: Vec<(&'static str, &'a str)>,
    qr: Option<String>,
    score_marks: &'static [(f64, &'static str)],
    browser_checks: &'static [(&'static str, &'static str)],
    evidence: Option<ScriptJson>,
    head: Head<'a>,
}

/// JSON that may stand inside a script element.
struct ScriptJson {
    document: String,
    keys: String,
}

/// Renders the public page of a certificate: a whole HTML document that refers to nothing outside.
pub fn certificate_html(view: &CertificateView<'_>) -> String {
    let template = CertificateTemplate {
        doc: document::build(view, Medium::Screen),
        hash: view.sha256_hash,
        links: view.links,
        files: document::documents(&view.links),
        qr: qr_svg(&view.body.verify_url),
        score_marks: &SCORE_MARKS,
        browser_checks: &BROWSER_CHECKS,
        evidence: view
            .evidence
            .map(|evidence| ScriptJson { document: script_safe(evidence.document), keys: script_safe(evidence.keys) }),
        head: Head::new(view.assets),
    };
    template.render().expect("writing to a string cannot fail and the template calls nothing fallible")
}

/// Inside a script element only `<` can end or change it; in JSON it can always be written as an escape, because it
/// stands in strings alone.
fn script_safe(json: &str) -> String {
    json.replace('<', "\\u003c")
}
