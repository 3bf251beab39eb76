//! The PDF: conformance as claimed in its metadata, the same bytes for the same view, any text survived.

use assize_reports::{Assets, PaperSize, certificate_pdf};

use crate::sample::{HOSTILE, body, hostile_body, verified, view};

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn claims_archival_and_accessible_conformance() {
    let (body, verification) = (body(), verified());
    let pdf = certificate_pdf(&view(&body, &verification, Assets::Inline), PaperSize::A4).unwrap();
    assert!(pdf.starts_with(b"%PDF-1.7"));
    for claim in
        ["<pdfaid:part>2</pdfaid:part>", "<pdfaid:conformance>A</pdfaid:conformance>", "<pdfuaid:part>1</pdfuaid:part>"]
    {
        assert!(contains(&pdf, claim), "metadata lacks {claim}");
    }
    for object in ["/StructTreeRoot", "/MarkInfo", "/Lang"] {
        assert!(contains(&pdf, object), "no {object}");
    }
}

#[test]
fn same_view_gives_same_bytes_on_each_paper() {
    let (body, verification) = (body(), verified());
    let render = |paper| certificate_pdf(&view(&body, &verification, Assets::Inline), paper).unwrap();
    let (a4, letter) = (render(PaperSize::A4), render(PaperSize::Letter));
    assert!(a4 == render(PaperSize::A4), "A4 differs between two runs");
    assert!(letter == render(PaperSize::Letter), "Letter differs between two runs");
    assert!(a4 != letter);
}

#[test]
fn any_text_can_be_typeset() {
    let verification = verified();
    let (markup, scripts) = HOSTILE.split_at(3);
    for text in [markup.join(" "), scripts.join(" "), "x".repeat(3000)] {
        let mut body = hostile_body(&text);
        // One of each is enough: without optimisation a whole certificate takes seconds.
        body.findings.truncate(3);
        body.mitigations.truncate(1);
        body.layer_results.fairness_metrics.attributes.truncate(1);
        body.layer_results.fairness_metrics.intersections.clear();
        body.layer_results.data_forensics.missingness.truncate(1);
        let pdf = certificate_pdf(&view(&body, &verification, Assets::Inline), PaperSize::A4);
        assert!(pdf.is_ok(), "{text:?}: {:?}", pdf.err());
    }
}
