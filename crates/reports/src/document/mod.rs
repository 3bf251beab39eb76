//! The certificate as readers meet it: every string, table and chart in reading order, before any layout.
//!
//! Page and PDF are two layouts of this one document, so they cannot disagree. Built by [`build`] from a
//! [`CertificateView`]; serialised as it is for typst.

mod facts;
mod figures;
mod findings;
mod tables;

use serde::Serialize;

use crate::charts::{Chart, DataTable, Medium};
use crate::format;
use crate::view::{CertificateView, Links};
use crate::words::{self, Tone};

pub(crate) use self::facts::Fact;
pub(crate) use self::findings::FindingGroup;

/// The whole document.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) model_name: String,
    pub(crate) organization: String,
    pub(crate) domain: String,
    pub(crate) verdict: Verdict,
    pub(crate) standing: Standing,
    /// Who, what, when, for how long.
    pub(crate) facts: Vec<Fact>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) narrative: Vec<String>,
    pub(crate) narrative_source: String,
    pub(crate) findings: Vec<FindingGroup>,
    pub(crate) sections: Vec<FigureSection>,
    pub(crate) remedies: Remedies,
    pub(crate) remediation: Vec<String>,
    pub(crate) tables: Vec<NamedTable>,
    pub(crate) method: Method,
    pub(crate) parameters: Vec<Fact>,
    pub(crate) reproduce: String,
    pub(crate) verification: Verification,
    pub(crate) verify_url: String,
}

/// The certification and its score.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) score: String,
    /// Set when the certificate does not stand: what it says instead of the word, which is then history.
    pub(crate) withdrawn: &'static str,
    /// 0 to 100, for the score bar.
    pub(crate) score_percent: f64,
    /// One sentence that answers the page's question.
    pub(crate) sentence: String,
}

/// Whether the certificate stands today.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) detail: String,
}

/// One layer of the audit.
#[derive(Debug, Serialize)]
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    /// Empty for the layer without a score.
    pub(crate) score: String,
    pub(crate) summary: String,
    pub(crate) terms: Vec<String>,
}

/// Figures under one heading.
#[derive(Debug, Serialize)]
pub(crate) struct FigureSection {
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) charts: Vec<Chart>,
}

/// The computed remedies.
#[derive(Debug, Serialize)]
pub(crate) struct Remedies {
    pub(crate) table: DataTable,
    /// By the numbers in the last column of the table.
    pub(crate) notes: Vec<String>,
}

/// A table that no chart carries.
#[derive(Debug, Serialize)]
pub(crate) struct NamedTable {
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) table: DataTable,
    /// Whether it stands on paper too, where long particulars only hide what matters.
    pub(crate) printed: bool,
}

/// How it was measured and what it cannot say.
#[derive(Debug, Serialize)]
pub(crate) struct Method {
    pub(crate) score_formula: String,
    pub(crate) steps: Vec<String>,
    pub(crate) limits: Vec<String>,
    pub(crate) law: Vec<Fact>,
    /// Empty when the measures do not contradict each other.
    pub(crate) impossibility: String,
}

/// The seal and how its verification went.
#[derive(Debug, Serialize)]
pub(crate) struct Verification {
    pub(crate) checks: Vec<CheckRow>,
    pub(crate) seal: Vec<Fact>,
}

/// One check.
#[derive(Debug, Serialize)]
pub(crate) struct CheckRow {
    /// Stable name; the page's script finds the row by it.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) detail: String,
}

/// Puts the document together, with charts for the medium.
pub(crate) fn build(view: &CertificateView<'_>, medium: Medium) -> Document {
    let body = view.body;
    let governance = &body.layer_results.gemini_governance;
    Document {
        id: body.certificate_id.clone(),
        model_name: body.model_name.clone(),
        organization: body.organization.clone(),
        domain: body.domain.clone(),
        verdict: verdict(view),
        standing: standing(view),
        facts: facts::summary(body),
        layers: findings::layers(body, medium),
        narrative: paragraphs(&body.narrative),
        narrative_source: narrative_source(&governance.narrative_source, governance.numbers_checked),
        findings: findings::groups(body),
        sections: figures::sections(body, medium),
        remedies: figures::remedies(body),
        remediation: body.remediation_checklist.clone(),
        tables: tables::all(body),
        method: Method {
            score_formula: body.method.score_formula.clone(),
            steps: body.method.steps.clone(),
            limits: body.method.limits.clone(),
            law: facts::law(body),
            impossibility: body.layer_results.fairness_metrics.impossibility.clone().unwrap_or_default(),
        },
        parameters: facts::parameters(body),
        reproduce: facts::reproduce(body),
        verification: verification(view),
        verify_url: body.verify_url.clone(),
    }
}

fn verdict(view: &CertificateView<'_>) -> Verdict {
    let body = view.body;
    let score = format::decimal(body.overall_score, 1);
    let standing = standing(view);
    let stands = matches!(standing.tone, Tone::Pass | Tone::Silent);
    Verdict {
        word: words::certification_word(body.certification_status),
        tone: if stands { words::certification_tone(body.certification_status) } else { standing.tone },
        withdrawn: if stands { "" } else { standing.word },
        sentence: format!("{}{}", findings::beside_the_score(body), findings::tally(&body.findings)),
        score,
        score_percent: body.overall_score.clamp(0.0, 100.0),
    }
}

fn standing(view: &CertificateView<'_>) -> Standing {
    let verification = view.verification;
    if let Some(revocation) = &verification.revoked {
        let detail = format!("Revoked {}: {}", format::minute(&revocation.revoked_at), revocation.reason);
        return Standing { word: "Revoked", tone: Tone::Fail, detail };
    }
    let expired = |check: &crate::view::Check| check.name == "expiry" && check.outcome == crate::view::Outcome::Failed;
    if verification.valid {
        let detail = format!("Verified; valid until {}", format::minute(&view.body.expires_at));
        Standing { word: "Valid", tone: Tone::Pass, detail }
    } else if verification.checks.iter().any(expired) {
        let detail = format!("Expired {}", format::minute(&view.body.expires_at));
        Standing { word: "Expired", tone: Tone::Unsure, detail }
    } else if verification.checks.is_empty() {
        let detail = "This copy was made without verification; scan the code to verify it".to_owned();
        Standing { word: "Not verified here", tone: Tone::Silent, detail }
    } else {
        let detail = "At least one check failed; do not rely on this copy".to_owned();
        Standing { word: "Does not verify", tone: Tone::Fail, detail }
    }
}

fn verification(view: &CertificateView<'_>) -> Verification {
    let checks = view.verification.checks.iter().map(|check| CheckRow {
        key: check.name.clone(),
        name: words::sentence_case(&check.name),
        word: words::outcome_word(check.outcome),
        tone: words::outcome_tone(check.outcome),
        detail: check.detail.clone(),
    });
    Verification { checks: checks.collect(), seal: facts::seal(view) }
}

fn narrative_source(source: &str, numbers_checked: u32) -> String {
    let writer = if source == "template" { "Written by Assize from the measured results" } else { source };
    format!("{writer}; {numbers_checked} numbers checked against the measurement.")
}

fn paragraphs(text: &str) -> Vec<String> {
    text.split("\n").map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A link that is shown only when it leads somewhere.
pub(crate) fn documents<'a>(links: &Links<'a>) -> Vec<(&'static str, &'a str)> {
    [("Certificate as PDF", links.pdf), ("Raw JSON", links.json), ("Badge", links.badge)]
        .into_iter()
        .filter(|(_, href)| !href.is_empty())
        .collect()
}
