//! The certificate as PDF: PDF/A-2a and PDF/UA-1, made by typst from the same document that the page shows.
//!
//! Flow: view -> document (strings and charts) -> JSON and SVG files in a closed world -> typst layout -> PDF.
//! The same view gives the same bytes: the date is the date of issue and the identifier is the certificate's.
//!
//! Invariant: what a customer wrote reaches typst only as JSON strings and as escaped text of SVG, never as source.

mod glyphs;
mod world;

use std::borrow::Cow;
use std::collections::BTreeMap;

use assize_fairness::document::CertificateBody;
use assize_fairness::{CERTIFIED_MIN, CONDITIONAL_MIN};
use typst::foundations::{Bytes, Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::charts::Medium;
use crate::document::{self, Document};
use crate::format::shorten;
use crate::view::{CertificateView, PaperSize};
use crate::{Error, qr_svg};

use self::glyphs::Strictness;
use self::world::ClosedWorld;

const TEMPLATE: &str = include_str!("certificate.typ");

/// Memoised results older than this many documents are dropped; without it 50 documents hold 290 MB.
const CACHED_DOCUMENTS_MAX: usize = 2;
/// Longest model name in the running header.
const RUNNING_CHARS_MAX: usize = 60;
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
    let issued = issue_time(&view.body.issued_at)?;
    let result = typeset(view, paper, issued, Strictness::Covered)
        // Shaping can ask for glyphs that no single character did; plain Latin has none of that.
        .or_else(|_| typeset(view, paper, issued, Strictness::Latin));
    comemo::evict(CACHED_DOCUMENTS_MAX);
    result
}

fn typeset(
    view: &CertificateView<'_>,
    paper: PaperSize,
    issued: Datetime,
    strictness: Strictness,
) -> Result<Vec<u8>, Error> {
    let layout = lay_out(view, paper, issued, strictness)?;
    export(&layout, &view.body.certificate_id, issued)
}

fn lay_out(
    view: &CertificateView<'_>,
    paper: PaperSize,
    issued: Datetime,
    strictness: Strictness,
) -> Result<PagedDocument, Error> {
    let (body, replaced) = printable_body(view.body, strictness);
    let document = document::build(&CertificateView { body: &body, ..*view }, Medium::Print);
    let world = ClosedWorld::new(TEMPLATE, files(&document, paper, replaced), issued);
    typst::compile::<PagedDocument>(&world).output.map_err(|errors| Error::Typeset { reason: first_message(&errors) })
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

/// The files of the closed world.
fn files(document: &Document, paper: PaperSize, replaced: bool) -> BTreeMap<String, Bytes> {
    let mut files = BTreeMap::new();
    for chart in document.sections.iter().flat_map(|section| &section.charts) {
        files.insert(format!("charts/{}.svg", chart.id), Bytes::from_string(chart.svg.clone()));
    }
    let qr = qr_svg(&document.verify_url);
    let setting = serde_json::json!({
        "paper": match paper { PaperSize::A4 => "a4", PaperSize::Letter => "us-letter" },
        "running": shorten(&document.model_name, RUNNING_CHARS_MAX),
        "qr": qr.as_ref().map(|_| "qr.svg"),
        "marks": [CONDITIONAL_MIN, CERTIFIED_MIN],
        "notice": if replaced { GLYPH_NOTICE } else { "" },
    });
    if let Some(qr) = qr {
        files.insert("qr.svg".to_owned(), Bytes::from_string(qr));
    }
    let words = serde_json::to_string(document).expect("the document is plain data with string keys");
    files.insert("document.json".to_owned(), Bytes::from_string(words));
    files.insert("setting.json".to_owned(), Bytes::from_string(setting.to_string()));
    files
}

fn export(document: &PagedDocument, identifier: &str, issued: Datetime) -> Result<Vec<u8>, Error> {
    let standards = PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1])
        .expect("PDF/A-2a and PDF/UA-1 are compatible, both based on PDF 1.7");
    let options = PdfOptions {
        ident: Smart::Custom(identifier.to_owned()),
        creator: Smart::Custom(Some("Assize".to_owned())),
        timestamp: Some(Timestamp::new_utc(issued)),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(document, &options).map_err(|errors| Error::Export { reason: first_message(&errors) })
}

fn first_message(errors: &[typst::diag::SourceDiagnostic]) -> String {
    errors.first().map_or_else(String::new, |error| error.message.to_string())
}

fn issue_time(issued_at: &str) -> Result<Datetime, Error> {
    let unreadable = || Error::Time { text: issued_at.to_owned() };
    let time = issued_at.parse::<jiff::Timestamp>().map_err(|_| unreadable())?.to_zoned(jiff::tz::TimeZone::UTC);
    let small = |value: i8| u8::try_from(value).expect("calendar fields are not negative");
    Datetime::from_ymd_hms(
        i32::from(time.year()),
        small(time.month()),
        small(time.day()),
        small(time.hour()),
        small(time.minute()),
        small(time.second()),
    )
    .ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use typst::layout::{Frame, FrameItem};

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
        let issued = issue_time(&body.issued_at).unwrap();
        let layout = lay_out(&view, paper, issued, Strictness::Covered).unwrap();
        let text_of = |frame: &Frame| {
            let mut text = String::new();
            collect(frame, &mut text);
            text
        };
        layout.pages().iter().map(|page| text_of(&page.frame)).collect()
    }

    fn collect(frame: &Frame, text: &mut String) {
        for (_, item) in frame.items() {
            match item {
                FrameItem::Group(group) => collect(&group.frame, text),
                FrameItem::Text(run) => text.push_str(&run.text),
                _ => {}
            }
        }
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

    #[test]
    fn unreadable_time_is_named() {
        let error = issue_time("yesterday").unwrap_err();
        assert!(error.to_string().contains("yesterday"), "{error}");
    }
}
