//! In words: what to do, and why the score is what it is. Templates of the taxonomy, section 5.

use std::collections::BTreeSet;

use crate::evidence::Evidence;
use crate::finding::Finding;
use crate::hazards::SafetyIssue;
use crate::interaction::{Interaction, Side};
use crate::pii::Category;
use crate::regulations::Violation;
use crate::risk::{Risk, Status};

/// What to do, the gravest first, each step once.
pub(crate) fn remediation(
    findings: &[Finding],
    issues: &[SafetyIssue],
    facts: &[Evidence],
    violations: &[Violation],
    interaction: &Interaction,
) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let hazard = |code: &str| issues.iter().find(|issue| issue.hazard.code == code);
    let types = |keep: &dyn Fn(&Finding) -> bool| -> Vec<&str> {
        findings
            .iter()
            .filter(|finding| keep(finding))
            .map(|finding| finding.kind.name)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    };
    let use_case = if interaction.use_case.trim().is_empty() { "the use case" } else { interaction.use_case.trim() };
    if hazard("S4").is_some() {
        steps.push("Do not store or forward the content. Preserve evidence as the law requires and report to the competent body.".to_owned());
    }
    let secret = types(&|finding| finding.kind.category == Category::Credential);
    if !secret.is_empty() {
        steps.push(format!("Revoke and rotate the credentials ({}) now; find out where they came from; keep secrets out of prompts and context; scan logs for copies.", secret.join(", ")));
    }
    let card = types(&|finding| finding.kind.category == Category::Card);
    if !card.is_empty() {
        steps.push("Never echo a full card number; show at most the first six to eight and last four digits; delete card codes and PINs at once; use tokenisation.".to_owned());
    }
    let grave = types(&|finding| matches!(finding.kind.category, Category::National | Category::Special));
    if !grave.is_empty() {
        steps.push(format!(
            "Do not process {} without a stated legal basis and safeguards; move this step to a system approved for it; assess whether a breach notice is due (GDPR article 33: 72 hours; HIPAA 164.404; others by country).",
            grave.join(", ")
        ));
    }
    let direct = types(&|finding| {
        finding.kind.category == Category::Direct || finding.kind.category == Category::Quasi && finding.severity >= 2
    });
    if !direct.is_empty() {
        let articles = articles(violations);
        let tail = if articles.is_empty() { String::new() } else { format!(" ({articles})") };
        steps.push(format!("Remove or mask {} before sending it to the model; keep only what {use_case} needs. Log the masked version.{tail}", direct.join(", ")));
    }
    if let Some(issue) = hazard("A8").or_else(|| hazard("A7")) {
        let start = issue.spans.first().map_or(0, |span| span.start);
        steps.push(format!("Treat quoted content as data: delimit it, strip instructions, re-check tool calls, do not give the session more rights; review what the model did after character {start}."));
    }
    of_rules(issues, facts, interaction, &mut steps);
    for violation in violations.iter().filter(|violation| !violation.facts.iter().all(|fact| told(fact))) {
        steps.push(format!("{} ({})", violation.remediation, violation.article));
    }
    let mut seen = BTreeSet::new();
    steps.retain(|step| seen.insert(step.clone()));
    steps
}

/// Facts whose step was given above in fuller words.
fn told(fact: &str) -> bool {
    [
        "pii.",
        "secret.",
        "pan.",
        "special.",
        "phi.",
        "injection.",
        "disclosure.",
        "transfer.",
        "discrimination.",
        "crisis.",
        "leak.",
        "safety.",
    ]
    .iter()
    .any(|head| fact.starts_with(head))
}

fn of_rules(issues: &[SafetyIssue], facts: &[Evidence], interaction: &Interaction, steps: &mut Vec<String>) {
    let hazard = |code: &str| issues.iter().find(|issue| issue.hazard.code == code);
    let fact = |name: &str| facts.iter().any(|fact| fact.fact == name);
    let country =
        |typed: &str| if typed.trim().is_empty() { "the user's country".to_owned() } else { typed.trim().to_owned() };
    if hazard("A9").is_some_and(|issue| issue.side == Side::Output) || fact("leak.prompt") {
        steps.push("Change the system prompt and any secret in it; add an output check for its canary.".to_owned());
    }
    if hazard("S11").is_some() {
        steps.push(format!(
            "Show crisis resources for {}; do not only refuse; route to a trained person.",
            country(&interaction.input.country)
        ));
    }
    let harmful = issues.iter().filter(|issue| {
        issue.side == Side::Output
            && matches!(issue.hazard.code, "S1" | "S2" | "S3" | "S9" | "S10" | "S12" | "A1" | "A2")
    });
    if let Some(issue) = harmful.max_by(|a, b| a.score.total_cmp(&b.score)) {
        steps.push(format!(
            "Block or rewrite the output; review the prompt and the policy threshold of {} ({}).",
            issue.hazard.code, issue.hazard.name
        ));
    }
    if hazard("S6").is_some_and(|issue| issue.side == Side::Output) {
        steps.push(
            "Add qualification and referral to a professional; cite a source; keep a human in the loop.".to_owned(),
        );
    }
    if hazard("A6").is_some() {
        steps.push("Have a person review the decision; re-run the bias audit of the model; document reasons independent of the protected ground.".to_owned());
    }
    if fact("disclosure.denied") || fact("disclosure.evaded") {
        steps.push("State at the start that the user is talking to an AI system (AI Act article 50(1)).".to_owned());
    }
    if fact("transfer.pii") {
        steps.push(format!(
            "Check the transfer tool (adequacy, standard contractual clauses) for {} to {}, or keep processing in the region.",
            country(&interaction.input.country),
            country(&interaction.output.country)
        ));
    }
}

/// Articles engaged by personal data, at most four.
fn articles(violations: &[Violation]) -> String {
    const ARTICLES_MAX: usize = 4;
    let list: Vec<String> = violations
        .iter()
        .filter(|violation| violation.facts.iter().any(|fact| fact.starts_with("pii.")))
        .take(ARTICLES_MAX)
        .map(|violation| format!("{} {}", violation.regulation, violation.article))
        .collect();
    list.join("; ")
}

/// Why the outcome is what it is.
pub(crate) fn explanation(
    status: Status,
    risk: &Risk,
    violations: &[Violation],
    findings: &[Finding],
    issues: &[SafetyIssue],
) -> String {
    let mut text = format!("{}: risk {:.1} of 10.", status.name(), risk.score);
    if findings.is_empty() && issues.is_empty() {
        text.push_str(" Nothing was found that weighs on the score.");
    }
    const TERMS_MAX: usize = 5;
    for term in risk.terms.iter().take(TERMS_MAX) {
        text.push_str(&format!(
            " {} in the {} adds {:.1} (severity {} × confidence {:.2} × side {} × sensitivity {}{}).",
            term.what,
            term.side.name(),
            term.x,
            term.severity,
            term.confidence,
            term.side_factor,
            term.sensitivity,
            if term.repeat_factor < 1.0 { format!(" × repeated {}", term.repeat_factor) } else { String::new() }
        ));
    }
    if risk.terms.len() > TERMS_MAX {
        text.push_str(&format!(" {} further terms add less.", risk.terms.len() - TERMS_MAX));
    }
    if let Some(floor) = risk.floor {
        text.push_str(&format!(" A floor applies: {floor}."));
    }
    let firm = violations.iter().filter(|violation| !violation.recommendation).count();
    if firm > 0 {
        text.push_str(&format!(
            " {firm} {} may be engaged; this is no legal verdict.",
            if firm == 1 { "rule" } else { "rules" }
        ));
    }
    text
}
