//! Documents as PDF: PDF/A-2a and PDF/UA-1, made by typst from the same words that a page shows.
//!
//! Flow: view -> document (strings and charts) -> JSON and SVG files in a closed world -> typst layout -> PDF.
//! The same document gives the same bytes: its date and its identifier are arguments.
//!
//! Invariant: what a customer wrote reaches typst only as JSON strings and as escaped text of SVG, never as source.

mod certificate;
mod glyphs;
mod report;
mod world;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use typst::foundations::{Bytes, Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::charts::Chart;
use crate::format::shorten;
use crate::view::PaperSize;
use crate::{Error, qr_svg};

use self::glyphs::Strictness;
use self::world::ClosedWorld;

pub use self::certificate::certificate_pdf;
pub use self::report::report_pdf;

/// Memoised results older than this many documents are dropped; without it 50 documents hold 290 MB.
const CACHED_DOCUMENTS_MAX: usize = 2;
/// Longest title in the running header.
const RUNNING_CHARS_MAX: usize = 60;

/// Lays a document out and writes it, with every character that a font has; where that is refused, with plain Latin.
fn typeset(
    identifier: &str,
    made: Datetime,
    lay_out: impl Fn(Strictness) -> Result<PagedDocument, Error>,
) -> Result<Vec<u8>, Error> {
    let with = |strictness| export(&lay_out(strictness)?, identifier, made);
    // Shaping can ask for glyphs that no single character did; plain Latin has none of that.
    let result = with(Strictness::Covered).or_else(|_| with(Strictness::Latin));
    comemo::evict(CACHED_DOCUMENTS_MAX);
    result
}

fn compile(template: &str, files: BTreeMap<String, Bytes>, made: Datetime) -> Result<PagedDocument, Error> {
    let world = ClosedWorld::new(template, files, made);
    typst::compile::<PagedDocument>(&world).output.map_err(|errors| Error::Typeset { reason: first_message(&errors) })
}

/// The files of the closed world that every template reads. `setting` is completed with what all of them need.
fn files<'a>(
    document: &impl Serialize,
    charts: impl Iterator<Item = &'a Chart>,
    Sheet { paper, title, address, notice }: Sheet<'_>,
    mut setting: Value,
) -> BTreeMap<String, Bytes> {
    let mut files: BTreeMap<String, Bytes> =
        charts.map(|chart| (format!("charts/{}.svg", chart.id), Bytes::from_string(chart.svg.clone()))).collect();
    let qr = qr_svg(address);
    setting["paper"] = match paper {
        PaperSize::A4 => "a4".into(),
        PaperSize::Letter => "us-letter".into(),
    };
    setting["running"] = shorten(title, RUNNING_CHARS_MAX).into();
    setting["qr"] = qr.as_ref().map(|_| "qr.svg").into();
    setting["notice"] = notice.into();
    if let Some(qr) = qr {
        files.insert("qr.svg".to_owned(), Bytes::from_string(qr));
    }
    let words = serde_json::to_string(document).expect("the document is plain data with string keys");
    files.insert("document.json".to_owned(), Bytes::from_string(words));
    files.insert("setting.json".to_owned(), Bytes::from_string(setting.to_string()));
    files
}

/// What every sheet of a document shows.
struct Sheet<'a> {
    paper: PaperSize,
    title: &'a str,
    address: &'a str,
    /// Said when something could not be shown as it is; else empty.
    notice: &'a str,
}

fn export(document: &PagedDocument, identifier: &str, made: Datetime) -> Result<Vec<u8>, Error> {
    let standards = PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1])
        .expect("PDF/A-2a and PDF/UA-1 are compatible, both based on PDF 1.7");
    let options = PdfOptions {
        ident: Smart::Custom(identifier.to_owned()),
        creator: Smart::Custom(Some("Assize".to_owned())),
        timestamp: Some(Timestamp::new_utc(made)),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(document, &options).map_err(|errors| Error::Export { reason: first_message(&errors) })
}

fn first_message(errors: &[typst::diag::SourceDiagnostic]) -> String {
    errors.first().map_or_else(String::new, |error| error.message.to_string())
}

fn time(text: &str) -> Result<Datetime, Error> {
    let unreadable = || Error::Time { text: text.to_owned() };
    let time = text.parse::<jiff::Timestamp>().map_err(|_| unreadable())?.to_zoned(jiff::tz::TimeZone::UTC);
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

/// What the pages of a layout say, for tests.
#[cfg(test)]
fn texts_by_page(layout: &PagedDocument) -> Vec<String> {
    use typst::layout::{Frame, FrameItem};

    fn collect(frame: &Frame, text: &mut String) {
        for (_, item) in frame.items() {
            match item {
                FrameItem::Group(group) => collect(&group.frame, text),
                FrameItem::Text(run) => text.push_str(&run.text),
                _ => {}
            }
        }
    }

    let text_of = |frame: &Frame| {
        let mut text = String::new();
        collect(frame, &mut text);
        text
    };
    layout.pages().iter().map(|page| text_of(&page.frame)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_time_is_named() {
        let error = time("yesterday").unwrap_err();
        assert!(error.to_string().contains("yesterday"), "{error}");
    }
}
