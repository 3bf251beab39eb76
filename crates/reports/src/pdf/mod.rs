//! The certificate as PDF: PDF/A-2a and PDF/UA-1, made by typst from the same document that the page shows.
//!
//! Flow: view -> document (strings and charts) -> JSON and SVG files in a closed world -> typst layout -> PDF.
//! The same view gives the same bytes: the date is the date of issue and the identifier is the certificate's.

mod world;

use std::collections::BTreeMap;

use typst::foundations::{Bytes, Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::Error;
use crate::view::{CertificateView, PaperSize};

use self::world::ClosedWorld;

const TEMPLATE: &str = include_str!("certificate.typ");

/// Memoised results older than this many documents are dropped; without it 50 documents hold 290 MB.
const CACHED_DOCUMENTS_MAX: usize = 2;

/// Renders the certificate as PDF/A-2a, tagged and accessible (PDF/UA-1).
///
/// Takes tens of milliseconds of CPU when warm: call it on a worker thread.
///
/// # Errors
/// [`Error::Time`] when `issued_at` is no RFC 3339 time; [`Error::Typeset`] and [`Error::Export`] name what typst
/// refused, which no customer text should be able to cause.
pub fn certificate_pdf(view: &CertificateView<'_>, paper: PaperSize) -> Result<Vec<u8>, Error> {
    let issued = issue_time(&view.body.issued_at)?;
    let data = serde_json::json!({
        "paper": match paper { PaperSize::A4 => "a4", PaperSize::Letter => "us-letter" },
        "id": view.body.certificate_id,
        "model": view.body.model_name,
    });
    let files = BTreeMap::from([("view.json".to_owned(), Bytes::from_string(data.to_string()))]);
    let world = ClosedWorld::new(TEMPLATE, files, issued);
    let result = typst::compile::<PagedDocument>(&world)
        .output
        .map_err(|errors| Error::Typeset { reason: first_message(&errors) })
        .and_then(|document| export(&document, &view.body.certificate_id, issued));
    comemo::evict(CACHED_DOCUMENTS_MAX);
    result
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
