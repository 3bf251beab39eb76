//! One interaction as a report for print. It holds the safe versions and no text as it came: a file is passed on.

use assize_reports::charts::DataTable;
use assize_reports::{Report, ReportBlock, ReportFact, ReportSection, ReportTone, ReportVerdict};

use super::findings::{FindingsView, LawView, state_of, terms, without_result};
use crate::app::{Findings, InteractionRecord, OpenedInteraction, id_of};

/// Characters of a safe version that are printed.
const SAID_CHARS_MAX: usize = 20_000;
/// Where on the scale the status changes, percent of it (formula `risk-1`).
const MARKS: [f64; 2] = [20.0, 60.0];

/// The report of an interaction. `owner` is the organization's name, `public_url` the address of this server.
pub(crate) fn interaction_report(opened: &OpenedInteraction, owner: &str, public_url: &str) -> Report {
    let OpenedInteraction { record, findings, .. } = opened;
    let id = id_of(record).to_string();
    let view = findings.as_ref().map(|findings| FindingsView::new(&findings.document));
    let verdict = findings.as_ref().zip(view.as_ref()).map(|(findings, view)| verdict(findings, view));
    let mut sections = Vec::new();
    match findings.as_ref().zip(view.as_ref()) {
        Some((findings, view)) => {
            sections.push(said(findings));
            sections.push(score(findings, view));
            sections.push(laws(view));
            sections.extend(steps(view));
            sections.extend(found(view));
            sections.push(method(view));
        }
        None => sections.push(ReportSection {
            title: "No result".to_owned(),
            lead: String::new(),
            blocks: vec![ReportBlock::Paragraph { text: without_result(record).to_owned() }],
        }),
    }
    Report {
        kind: "Interaction audit".to_owned(),
        address: format!("{public_url}/dashboard/interactions/{id}"),
        id,
        title: record.use_case.clone(),
        owner: owner.to_owned(),
        made_at: record.audited_at.unwrap_or(record.received_at).to_string(),
        verdict,
        facts: facts(record, findings.as_ref()),
        sections,
    }
}

pub(super) fn fact(name: &str, value: impl Into<String>) -> ReportFact {
    ReportFact { name: name.to_owned(), value: value.into(), mono: false }
}

pub(super) fn minute(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The look of a state as pages name it.
fn tone(name: &str) -> ReportTone {
    match name {
        "pass" => ReportTone::Pass,
        "fail" => ReportTone::Fail,
        "unsure" | "busy" => ReportTone::Unsure,
        _ => ReportTone::Silent,
    }
}

fn facts(record: &InteractionRecord, findings: Option<&Findings>) -> Vec<ReportFact> {
    let id = |name, value: &Option<String>| value.clone().map(|value| ReportFact { mono: true, ..fact(name, value) });
    let country = |name, country: &String| (!country.is_empty()).then(|| fact(name, country));
    let mut facts = vec![
        fact("Company", &record.company),
        fact("Took place", minute(record.occurred_at)),
        fact("Received", minute(record.received_at)),
    ];
    if findings.is_none() {
        facts.push(fact("State", state_of(record).1));
    }
    facts.extend(record.audited_at.map(|at| fact("Audited", minute(at))));
    facts.extend(country("Input from", &record.input_country));
    facts.extend(country("Output to", &record.output_country));
    facts.extend(id("User", &record.client_user));
    facts.extend(id("Person", &record.subject));
    facts.extend(id("Session", &record.session));
    facts.extend(id("Model version", &record.model_version));
    facts.push(fact("Tokens charged", record.tokens.to_string()));
    facts.extend(findings.map(|found| fact("Audit took", format!("{:.2} ms", found.audit_us as f64 / 1_000.0))));
    facts
}

fn verdict(findings: &Findings, view: &FindingsView) -> ReportVerdict {
    let score = findings.document.risk_score;
    ReportVerdict {
        tone: tone(view.tone),
        word: view.status.clone(),
        score: format!("{score:.1}"),
        of: "of 10".to_owned(),
        percent: score * 10.0,
        marks: MARKS.to_vec(),
        legend: "risk: review needed from 2, non-compliant from 6".to_owned(),
        sentence: view.summary.clone(),
    }
}

fn said(findings: &Findings) -> ReportSection {
    let mut blocks = Vec::new();
    for (side, text) in [("Input", &findings.document.safe_input), ("Output", &findings.document.safe_output)] {
        blocks.push(ReportBlock::Heading { text: side.to_owned() });
        if text.is_empty() {
            blocks.push(ReportBlock::Note { text: "Empty.".to_owned() });
            continue;
        }
        let (shown, chars) = (text.chars().take(SAID_CHARS_MAX).collect::<String>(), text.chars().count());
        blocks.push(ReportBlock::Quote { text: shown });
        if chars > SAID_CHARS_MAX {
            let text = format!("The first {SAID_CHARS_MAX} of {chars} characters; the JSON file holds all of them.");
            blocks.push(ReportBlock::Note { text });
        }
    }
    ReportSection {
        title: "What was said".to_owned(),
        lead: "The safe versions: what was found stands as a placeholder, the same for the same value on both sides. \
               The texts as they came stay in the log."
            .to_owned(),
        blocks,
    }
}

fn score(findings: &Findings, view: &FindingsView) -> ReportSection {
    let document = &findings.document;
    ReportSection {
        title: "Risk".to_owned(),
        lead: String::new(),
        blocks: vec![
            ReportBlock::Risk {
                score: document.risk_score,
                terms: terms(document),
                floor: document.risk_floor.clone(),
            },
            ReportBlock::Paragraph { text: view.explanation.clone() },
        ],
    }
}

fn laws(view: &FindingsView) -> ReportSection {
    let mut blocks = Vec::new();
    if view.laws.is_empty() {
        let text = "Nothing was found that a law of these countries speaks to.".to_owned();
        blocks.push(ReportBlock::Paragraph { text });
    }
    blocks.extend(view.laws.iter().flat_map(law));
    if !view.recommended.is_empty() {
        blocks.push(ReportBlock::Note { text: "Voluntary frameworks that recommend something:".to_owned() });
        blocks.extend(view.recommended.iter().flat_map(law));
    }
    if !view.quiet.is_empty() {
        let names: Vec<&str> = view.quiet.iter().map(|law| law.title.as_str()).collect();
        blocks.push(ReportBlock::Note { text: format!("Looked at and not engaged: {}.", names.join("; ")) });
    }
    ReportSection {
        title: "Laws that may be engaged".to_owned(),
        lead: "Held against the catalogues of law for both countries and the use case. No legal verdict.".to_owned(),
        blocks,
    }
}

/// A law with its articles.
fn law(law: &LawView) -> Vec<ReportBlock> {
    let mut blocks = vec![ReportBlock::Heading { text: law.title.clone() }];
    if !law.because.is_empty() {
        blocks.push(ReportBlock::Note { text: format!("Relevant because {}", law.because) });
    }
    blocks.extend(law.rows.iter().map(|row| ReportBlock::Finding {
        tone: tone(row.tone),
        word: row.severity.clone(),
        title: format!("{} {}", row.article, row.title),
        text: row.why.clone(),
        note: if row.remediation.is_empty() { String::new() } else { format!("What to do: {}", row.remediation) },
    }));
    blocks
}

fn steps(view: &FindingsView) -> Option<ReportSection> {
    (!view.steps.is_empty()).then(|| ReportSection {
        title: "What to do".to_owned(),
        lead: String::new(),
        blocks: vec![ReportBlock::Steps { steps: view.steps.clone() }],
    })
}

fn found(view: &FindingsView) -> Option<ReportSection> {
    let mut blocks = Vec::new();
    if !view.found.is_empty() {
        let mut table = DataTable::new(&[
            "Type",
            "Side",
            "Value, masked",
            "Found because",
            "#Confidence",
            "#Severity",
            "#Characters",
        ]);
        table.rows = view
            .found
            .iter()
            .map(|row| {
                let severity = row.severity.to_string();
                let how = if row.note.is_empty() { row.how.clone() } else { format!("{}; {}", row.how, row.note) };
                let (confidence, place) = (row.confidence.clone(), row.place.clone());
                vec![row.kind.clone(), row.side.clone(), row.masked.clone(), how, confidence, severity, place]
            })
            .collect();
        let caption = match view.found_count - view.found.len() {
            0 => "Personal data and credentials".to_owned(),
            more => format!("Personal data and credentials; the JSON file holds {more} more"),
        };
        blocks.push(ReportBlock::Table { caption, table, widths: vec![1.7, 0.8, 1.7, 3.0, 1.1, 1.0, 1.2] });
    }
    if !view.hazards.is_empty() {
        let mut table = DataTable::new(&["Hazard", "Name", "Side", "#Score", "#Severity"]);
        table.rows = view
            .hazards
            .iter()
            .map(|row| {
                let severity = row.severity.to_string();
                vec![row.code.clone(), row.name.clone(), row.side.clone(), row.score.clone(), severity]
            })
            .collect();
        blocks.push(ReportBlock::Table { caption: "Hazards".to_owned(), table, widths: vec![0.7, 4.0, 1.0, 0.8, 0.9] });
    }
    if !view.facts.is_empty() {
        let mut table = DataTable::new(&["Kind", "Fact", "#Confidence", "Where"]);
        table.rows = view
            .facts
            .iter()
            .map(|fact| vec![fact.kind.clone(), fact.fact.clone(), fact.confidence.clone(), fact.places.clone()])
            .collect();
        let caption = "Facts that rules found".to_owned();
        blocks.push(ReportBlock::Table { caption, table, widths: vec![1.6, 3.4, 1.0, 1.8] });
    }
    (!blocks.is_empty()).then(|| ReportSection {
        title: "What was found".to_owned(),
        lead: "Characters are counted from 1 in the texts as they came.".to_owned(),
        blocks,
    })
}

fn method(view: &FindingsView) -> ReportSection {
    let mut text = format!("Engine {}, rules {}, formula of the score {}.", view.engine, view.rules, view.formula);
    if !view.organization_rules.is_empty() {
        text.push_str(&format!(" Rules of the organization: {}.", view.organization_rules));
    }
    let mut blocks = vec![ReportBlock::Paragraph { text }];
    blocks.extend(view.warnings.iter().map(|warning| ReportBlock::Note { text: warning.clone() }));
    ReportSection {
        title: "How it was measured".to_owned(),
        lead: "The same texts, rules and version give the same result to the digit.".to_owned(),
        blocks,
    }
}
