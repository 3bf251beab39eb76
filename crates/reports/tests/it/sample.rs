//! A certificate body with all that a page can show, and the same with hostile names.

use assize_fairness::document::CertificateBody;
use assize_reports::{Assets, CertificateView, Check, Links, LogPosition, Outcome, Revocation, VerificationReport};

/// Names that break what is put together from strings.
pub(crate) const HOSTILE: [&str; 8] = [
    r##"#eval("1+1") $x$ *b* \ " ' ] } @a"##,
    "</script><script>alert(1)</script><!--",
    "\"><svg onload=alert(1)> & &amp; ]]>",
    "女性 👩‍👩‍👧 \u{e000} ﷽",
    "مرحبا שלום \u{202e}evil",
    "a\u{0}b\u{7}c\u{fffe}\u{200b}",
    "ﬁ क्षि ก็ น้ำ",
    "{{ model }} {% raw %} \\u003c ${x} `y`",
];

pub(crate) fn body() -> CertificateBody {
    serde_json::from_str(include_str!("../fixtures/certificate_v1.json"))
        .expect("the sample has the shape of this version")
}

/// The sample as version 2 of the document has it.
pub(crate) fn explained_body() -> CertificateBody {
    let explanation = serde_json::from_str(include_str!("../fixtures/explanation_v2.json"));
    let explanation = explanation.expect("the explanation has the shape of this version");
    CertificateBody { schema_version: 2, explanation: Some(explanation), ..body() }
}

/// The sample with a hostile text wherever a customer's text is shown.
pub(crate) fn hostile_body(text: &str) -> CertificateBody {
    let mut body = explained_body();
    for column in body.explanation.iter_mut().flat_map(|explanation| &mut explanation.columns).take(3) {
        column.column = text.to_owned();
    }
    for field in [
        &mut body.model_name,
        &mut body.organization,
        &mut body.domain,
        &mut body.narrative,
        &mut body.parameters.target_column,
        &mut body.parameters.positive_label,
        &mut body.subject.dataset.name,
    ] {
        *field = text.to_owned();
    }
    let results = &mut body.layer_results;
    for metrics in results.fairness_metrics.attributes.iter_mut().chain(&mut results.fairness_metrics.intersections) {
        metrics.attribute = text.to_owned();
        for (index, group) in metrics.groups.iter_mut().enumerate() {
            group.group = format!("{text} {index}");
        }
        metrics.demographic_parity_ratio.groups = vec![text.to_owned(), text.to_owned()];
    }
    for proxy in &mut results.data_forensics.proxies {
        proxy.column = text.to_owned();
    }
    for missing in &mut results.data_forensics.missingness {
        missing.column = text.to_owned();
    }
    for finding in &mut body.findings {
        finding.about = text.to_owned();
        finding.message = text.to_owned();
    }
    for column in &mut body.subject.dataset.columns {
        column.name = text.to_owned();
    }
    body
}

pub(crate) fn verified() -> VerificationReport {
    let passed = |name: &str| Check { name: name.to_owned(), outcome: Outcome::Passed, detail: "it holds".to_owned() };
    VerificationReport {
        valid: true,
        checks: vec![passed("hash"), passed("signature"), passed("expiry")],
        revoked: None,
    }
}

pub(crate) fn revoked() -> VerificationReport {
    let revoked = Revocation { reason: "wrong <data> file".to_owned(), revoked_at: "2026-12-01T00:00:00Z".to_owned() };
    VerificationReport { valid: false, revoked: Some(revoked), ..verified() }
}

pub(crate) fn view<'a>(
    body: &'a CertificateBody,
    verification: &'a VerificationReport,
    assets: Assets<'a>,
) -> CertificateView<'a> {
    CertificateView {
        body,
        sha256_hash: "3f0a1d6b5c9e2f4478812b6f3ddca5a0c8b1e44e0a7a55f3b6de9a1f20c4d7e8",
        key_id: "9d2f1b5c0e8aa7436cc3a1c1f5c4c1a7cfb37b2f6c1c4c64c2bb4d9b0a5e6f71",
        verification,
        log: Some(LogPosition { origin: "assize.example/log", leaf_index: 113, tree_size: 118 }),
        links: Links {
            home: "/",
            json: "/verify/MP-2026-000042",
            pdf: "/verify/MP-2026-000042/certificate.pdf",
            badge: "/verify/MP-2026-000042/badge.svg",
            keys: "/keys",
            checkpoint: "/log/checkpoint",
        },
        evidence: None,
        assets,
    }
}
