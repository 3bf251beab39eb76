//! A report as PDF.

use serde_json::{Value, json};
use typst::foundations::Datetime;
use typst_layout::PagedDocument;

use super::glyphs::{self, Strictness};
use super::{Sheet, compile, files, time, typeset};
use crate::Error;
use crate::charts::{Chart, Medium, risk_terms, statuses_by_day};
use crate::report::{Report, ReportBlock};
use crate::view::PaperSize;

const TEMPLATE: &str = include_str!("report.typ");

const GLYPH_NOTICE: &str = "Characters that the fonts of this document lack are written as code points, such as \
                            [U+5973], and words of over 120 characters are cut. The page at the address below and the \
                            JSON file show them as they are.";

/// Renders a report as PDF/A-2a, tagged and accessible (PDF/UA-1), fonts embedded.
///
/// Takes from tens of milliseconds to seconds of CPU, by its length: call it on a worker thread.
///
/// # Errors
/// [`Error::Time`] when `made_at` is no RFC 3339 time; [`Error::Typeset`] and [`Error::Export`] name what typst refused,
/// which no customer text should be able to cause.
pub fn report_pdf(report: &Report, paper: PaperSize) -> Result<Vec<u8>, Error> {
    let made = time(&report.made_at)?;
    typeset(&report.id, made, |strictness| lay_out(report, paper, made, strictness))
}

fn lay_out(report: &Report, paper: PaperSize, made: Datetime, strictness: Strictness) -> Result<PagedDocument, Error> {
    let mut document = serde_json::to_value(report).expect("a report is plain data with string keys");
    let replaced = glyphs::make_printable(&mut document, strictness);
    let report: Report =
        serde_json::from_value(document.clone()).expect("only free text was replaced: names of variants are ASCII");
    let mut charts = Vec::new();
    for (nth, section) in report.sections.iter().enumerate() {
        let blocks = section.blocks.iter().filter_map(|block| set(block, &mut charts));
        document["sections"][nth]["blocks"] = blocks.collect::<Vec<Value>>().into();
    }
    let sheet = Sheet {
        paper,
        title: &report.title,
        address: &report.address,
        notice: if replaced { GLYPH_NOTICE } else { "" },
    };
    let setting = json!({ "invitation": "Scan to open" });
    compile(TEMPLATE, files(&document, charts.iter(), sheet, setting), made)
}

/// A block as the template reads it: figures become charts, which are files of their own. A chart of nothing is left out.
fn set(block: &ReportBlock, charts: &mut Vec<Chart>) -> Option<Value> {
    let mut chart = match block {
        ReportBlock::Risk { score, terms, floor } => risk_terms(*score, terms, floor.as_deref(), Medium::Print),
        ReportBlock::StatusesByDay { days } => statuses_by_day(days, Medium::Print)?,
        given => return Some(serde_json::to_value(given).expect("a block is plain data with string keys")),
    };
    chart.id = format!("chart-{}", charts.len() + 1);
    let named = json!({ "id": &chart.id, "title": &chart.title, "description": &chart.description });
    charts.push(chart);
    Some(json!({ "is": "chart", "chart": named }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::{DataTable, RiskTermView};
    use crate::pdf::texts_by_page;
    use crate::report::{ReportFact, ReportSection, ReportTone, ReportVerdict};

    fn sample(said: &str) -> Report {
        let text = |text: &str| text.to_owned();
        let mut table = DataTable::new(&["Type", "#Confidence"]);
        table.rows = (0..120).map(|nth| vec![format!("TYPE_{nth}"), text("0.95")]).collect();
        Report {
            kind: text("Interaction audit"),
            id: text("VIRI-0000001Xabcde"),
            title: text("Non-Compliant"),
            owner: text("Example Corp"),
            made_at: text("2026-11-21T10:00:00Z"),
            address: text("http://127.0.0.1:8080/dashboard/interactions/VIRI-0000001Xabcde"),
            verdict: Some(ReportVerdict {
                tone: ReportTone::Fail,
                word: text("Non-Compliant"),
                score: text("6.4"),
                of: text("of 10"),
                percent: 64.0,
                marks: vec![20.0, 60.0],
                legend: text("review from 2, non-compliant from 6"),
                sentence: text(said),
            }),
            facts: vec![ReportFact { name: text("Use case"), value: text(said), mono: false }],
            sections: vec![ReportSection {
                title: text("What was said"),
                lead: String::new(),
                blocks: vec![
                    ReportBlock::Heading { text: text("Input") },
                    ReportBlock::Quote { text: format!("{said}\nwrite to [EMAIL_1]") },
                    ReportBlock::Finding {
                        tone: ReportTone::Unsure,
                        word: text("Medium"),
                        title: text("Art. 5"),
                        text: text(said),
                        note: String::new(),
                    },
                    ReportBlock::Steps { steps: vec![text("Mask it."), text(said)] },
                    ReportBlock::Risk {
                        score: 6.4,
                        terms: vec![RiskTermView { name: text(said), made_of: text("severity 3"), x: 6.4 }],
                        floor: None,
                    },
                    ReportBlock::Table { caption: text("What was found"), table, widths: vec![3.0, 1.0] },
                    ReportBlock::StatusesByDay { days: Vec::new() },
                ],
            }],
        }
    }

    fn pages(report: &Report) -> Vec<String> {
        let made = time(&report.made_at).unwrap();
        texts_by_page(&lay_out(report, PaperSize::A4, made, Strictness::Covered).unwrap())
    }

    #[test]
    fn what_a_customer_wrote_is_never_typst_source() {
        let hostile = r##"#eval("6*7") $x^2$ *b* \ "q" @ref <l> ] } #panic()"##;
        let text = pages(&sample(hostile)).concat();
        assert!(text.matches(r##"#eval("6*7") $x^2$ *b* \ "q" @ref <l> ] } #panic()"##).count() >= 5, "{text}");
        assert!(text.contains("[EMAIL_1]"), "{text}");
    }

    #[test]
    fn every_page_says_its_number_and_long_tables_repeat_their_head() {
        let pages = pages(&sample("Hello"));
        assert!((2..=6).contains(&pages.len()), "{} pages", pages.len());
        for (index, page) in pages.iter().enumerate() {
            assert!(page.contains(&format!("Page {} of {}", index + 1, pages.len())), "{page}");
        }
        assert!(pages.iter().filter(|page| page.contains("TypeConfidence")).count() >= 2);
    }

    #[test]
    fn the_same_report_gives_the_same_archival_bytes() {
        let report = sample("模型 says \u{202e}hello");
        let pdf = report_pdf(&report, PaperSize::A4).unwrap();
        assert!(pdf == report_pdf(&report, PaperSize::A4).unwrap(), "two runs differ");
        let claims = |text: &str| pdf.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(claims("<pdfaid:part>2</pdfaid:part>") && claims("<pdfuaid:part>1</pdfuaid:part>"));
        assert!(pages(&report)[0].contains("[U+6A21 U+578B]") && pages(&report)[0].contains("code points"));
    }
}
