//! The certificate as PDF.

use std::borrow::Cow;

use assize_fairness::document::CertificateBody;
use assize_fairness::{CERTIFIED_MIN, CONDITIONAL_MIN};
use typst::foundations::Datetime;
use typst_layout::PagedDocument;

use super::glyphs::{self, Strictness};
use super::{Sheet, compile, files, time, typeset};
use crate::Error;
use crate::charts::Medium;
use crate::document;
use crate::view::{CertificateView, PaperSize};

const TEMPLATE: &str = include_str!("certificate.typ");

const GLYPH_NOTICE: &str = "Characters that the fonts of this document lack are written as code points, such as \
                            [U+5973], and words of over 120 characters are cut. The page at the address below shows \
                            them as they are.";

/// Renders the certificate as PDF/A-2a, tagged and accessible (PDF/UA-1), fonts embedded.
///
/// Takes tens of milliseconds of CPU when warm: call it on a worker thread.
///
/// # Errors
/// [`Error::Time`] when `issued_at` is no RFC 3339 time; [`Error::Typeset`] and [`Error::Export`] name what typst
/// refused, which no customer text should be able to cause.
pub fn certificate_pdf(view: &CertificateView<'_>, paper: PaperSize) -> Result<Vec<u8>, Error> {
    let issued = time(&view.body.issued_at)?;
    typeset(&view.body.certificate_id, issued, |strictness| lay_out(view, paper, issued, strictness))
}

fn lay_out(
    view: &CertificateView<'_>,
    paper: PaperSize,
    issued: Datetime,
    strictness: Strictness,
) -> Result<PagedDocument, Error> {
    let (body, replaced) = printable_body(view.body, strictness);
    let document = document::build(&CertificateView { body: &body, ..*view }, Medium::Print);
    let sheet = Sheet {
        paper,
        title: &document.model_name,
        address: &document.verify_url,
        notice: if replaced { GLYPH_NOTICE } else { "" },
    };
    let charts = document.sections.iter().flat_map(|section| &section.charts);
    let setting = serde_json::json!({ "marks": [CONDITIONAL_MIN, CERTIFIED_MIN] });
    compile(TEMPLATE, files(&document, charts, sheet, setting), issued)
}

/// The body with every string made of characters that the fonts have; says whether something had to be replaced.
fn printable_body(body: &CertificateBody, strictness: Strictness) -> (Cow<'_, CertificateBody>, bool) {
    let mut value = serde_json::to_value(body).expect("the body is plain data with string keys");
    if !glyphs::make_printable(&mut value, strictness) {
        return (Cow::Borrowed(body), false);
    }
    let body = serde_json::from_value(value).expect("only free text was replaced: names of variants are ASCII");
    (Cow::Owned(body), true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Assets, Links, VerificationReport};

    /// Body of the sample certificate.
    fn sample() -> CertificateBody {
        serde_json::from_str(include_str!("../../tests/fixtures/certificate_v1.json")).unwrap()
    }

    fn texts_by_page(body: &CertificateBody, paper: PaperSize) -> Vec<String> {
        let verification = VerificationReport::default();
        let view = CertificateView {
            body,
            sha256_hash: "00",
            key_id: "00",
            verification: &verification,
            log: None,
            links: Links::default(),
            evidence: None,
            assets: Assets::Inline,
        };
        let issued = time(&body.issued_at).unwrap();
        let layout = lay_out(&view, paper, issued, Strictness::Covered).unwrap();
        super::super::texts_by_page(&layout)
    }

    #[test]
    fn every_page_says_its_number_and_the_certificate() {
        let body = sample();
        for paper in [PaperSize::A4, PaperSize::Letter] {
            let pages = texts_by_page(&body, paper);
            assert!((8..=40).contains(&pages.len()), "{} pages", pages.len());
            for (index, page) in pages.iter().enumerate() {
                assert!(page.contains(&format!("Page {} of {}", index + 1, pages.len())), "{page}");
                assert!(page.contains(&body.certificate_id), "{page}");
            }
        }
    }

    #[test]
    fn customer_text_is_never_typst_source() {
        let mut body = sample();
        let hostile = r##"#eval("6*7") $x^2$ *b* \ "q" @ref <l> ] } #panic()"##;
        body.model_name = hostile.to_owned();
        body.narrative = hostile.to_owned();
        body.findings[0].message = hostile.to_owned();
        let text = texts_by_page(&body, PaperSize::A4).concat();
        assert!(text.matches(r##"#eval("6*7") $x^2$ *b* \ "q" @ref <l> ] } #panic()"##).count() >= 3, "{text}");
    }

    #[test]
    fn long_tables_repeat_their_header() {
        let mut body = sample();
        let attributes = &mut body.layer_results.fairness_metrics.attributes;
        attributes.extend(attributes.clone());
        attributes.extend(attributes.clone());
        let pages = texts_by_page(&body, PaperSize::A4);
        let with_header = pages.iter().filter(|page| page.contains("MeasureValueThreshold")).count();
        assert!(with_header >= 2, "the table of disparities spans pages: {with_header}");
    }

    #[test]
    fn names_without_glyphs_are_told_apart_by_code_points() {
        let mut body = sample();
        body.model_name = "模型".to_owned();
        let cover = &texts_by_page(&body, PaperSize::A4)[0];
        assert!(cover.contains("[U+6A21 U+578B]") && cover.contains("code points"), "{cover}");
    }
}
