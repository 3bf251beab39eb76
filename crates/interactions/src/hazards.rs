//! Safety issues: which hazard a classifier's label belongs to, how grave it is on which side, and what rules add.
//!
//! Codes S1 to S14 are those of MLCommons AILuminate and Llama Guard 3; A-codes are of this taxonomy.

use crate::detect::{Layer, Read};
use crate::evidence::lexicon::Says;
use crate::evidence::{Evidence, SideText};
use crate::finding::{Span, spans};
use crate::interaction::Side;
use crate::rules::Rules;
use crate::safety::{Category, Classifiers};
use crate::text::decode;
use crate::words::{self, Hits, Tag};

/// A hazard of the taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hazard {
    /// Code, such as `S10`.
    pub code: &'static str,
    /// Name.
    pub name: &'static str,
    /// Severity in the input, 0 to 10.
    pub severity_input: u8,
    /// Severity in the output, 0 to 10.
    pub severity_output: u8,
}

/// All hazards that can be reported; S13, S14 and A3 to A5 by a judge alone.
pub const HAZARDS: &[Hazard] = &[
    hazard("S1", "violent crimes", 6, 8),
    hazard("S2", "non-violent crimes", 5, 7),
    hazard("S3", "sex-related crimes", 7, 9),
    hazard("S4", "child sexual exploitation", 10, 10),
    hazard("S5", "defamation", 2, 5),
    hazard("S6", "specialised advice", 1, 4),
    hazard("S7", "privacy violation", 5, 7),
    hazard("S8", "intellectual property", 2, 4),
    hazard("S9", "indiscriminate weapons", 8, 10),
    hazard("S10", "hate", 5, 8),
    hazard("S11", "suicide and self-harm", 7, 9),
    hazard("S12", "sexual content", 3, 5),
    hazard("S13", "elections", 3, 6),
    hazard("S14", "code interpreter abuse", 6, 6),
    hazard("A1", "harassment and toxicity", 3, 6),
    hazard("A2", "graphic violence", 4, 6),
    hazard("A3", "malware and intrusion", 6, 8),
    hazard("A4", "fraud and social engineering", 5, 7),
    hazard("A5", "misinformation or unsupported claim", 2, 4),
    hazard("A6", "discrimination", 0, 7),
    hazard("A7", "jailbreak or prompt injection", 6, 0),
    hazard("A8", "indirect injection", 7, 7),
    hazard("A9", "system-prompt leak", 4, 7),
    hazard("A11", "missing AI disclosure", 0, 3),
    hazard("A12", "automated decision without human route", 0, 6),
    hazard("A13", "hidden text", 5, 5),
    hazard("A14", "over-refusal", 0, 1),
];

const fn hazard(code: &'static str, name: &'static str, severity_input: u8, severity_output: u8) -> Hazard {
    Hazard { code, name, severity_input, severity_output }
}

/// A hazard found.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyIssue {
    /// Which.
    pub hazard: Hazard,
    /// What found it: a classifier's label, or the fact of a rule.
    pub label: String,
    /// Input or output.
    pub side: Side,
    /// Probability, or the rule's confidence.
    pub score: f32,
    /// Where.
    pub spans: Vec<Span>,
}

impl SafetyIssue {
    /// Severity on its side.
    pub fn severity(&self) -> u8 {
        match self.side {
            Side::Input => self.hazard.severity_input,
            Side::Output => self.hazard.severity_output,
        }
    }
}

/// A label's score, reported or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelScore {
    /// Label of the classifiers.
    pub label: &'static str,
    /// Input or output.
    pub side: Side,
    /// Probability, 0 to 1.
    pub score: f32,
}

/// From which probability a label is reported: the classifiers are calibrated to this.
const THRESHOLD: f32 = 0.5;

fn of(category: Category) -> Option<&'static Hazard> {
    use Category as C;
    let code = match category {
        C::S1 | C::Violence | C::HateThreatening => "S1",
        C::S2 | C::HarmfulRequest => "S2",
        C::S3 => "S3",
        C::S4 | C::SexualMinors => "S4",
        C::S5 => "S5",
        C::S6 => "S6",
        C::S7 => "S7",
        C::S8 => "S8",
        C::S9 => "S9",
        C::S10 | C::Hate => "S10",
        C::S11 | C::SelfHarm => "S11",
        C::S12 | C::Sexual => "S12",
        C::Harassment | C::Toxic => "A1",
        C::ViolenceGraphic => "A2",
        C::Injection | C::Jailbreak => "A7",
        C::Indirect => "A8",
        C::PromptLeak => "A9",
    };
    by_code(code)
}

/// Puts issues into their order: by side, the gravest first.
pub(crate) fn sort(issues: &mut [SafetyIssue]) {
    issues.sort_by(|a, b| {
        a.side.cmp(&b.side).then(b.severity().cmp(&a.severity())).then(a.hazard.code.cmp(b.hazard.code))
    });
}

/// The hazard that a classifier's label speaks for.
pub(crate) fn of_label(label: &str) -> Option<&'static Hazard> {
    Category::ALL.into_iter().find(|category| category.label() == label).and_then(of)
}

pub(crate) fn by_code(code: &str) -> Option<&'static Hazard> {
    HAZARDS.iter().find(|hazard| hazard.code == code)
}

/// Scores one side, its decoded layers included.
pub(crate) fn score(
    read: &Read<'_>,
    side: Side,
    classifiers: &Classifiers,
    rules: &Rules,
    issues: &mut Vec<SafetyIssue>,
    scores: &mut Vec<LabelScore>,
) {
    for scored in classifiers.score(&read.view.text, read.tokens()) {
        let label = scored.category.label();
        scores.push(LabelScore { label, side, score: scored.probability });
        let (start, end) = read.view.original(scored.start, scored.end);
        report(read.original, side, scored.category, scored.probability, (start, end), rules, issues);
    }
    for layer in &read.layers {
        let tokens = crate::tokens::tokenize(&layer.text);
        for scored in classifiers.score(&layer.text, &tokens) {
            report(read.original, side, scored.category, scored.probability, (layer.start, layer.end), rules, issues);
        }
    }
}

fn report(
    text: &str,
    side: Side,
    category: Category,
    probability: f32,
    at: (usize, usize),
    rules: &Rules,
    issues: &mut Vec<SafetyIssue>,
) {
    let label = category.label();
    let threshold = rules.safety_thresholds.get(label).copied().unwrap_or(THRESHOLD);
    let Some(hazard) = of(category).filter(|_| probability >= threshold) else { return };
    let severity = if side == Side::Input { hazard.severity_input } else { hazard.severity_output };
    if severity == 0 {
        return;
    }
    // One issue a hazard and side: the surest label, all its places.
    let span = spans(text, &[at])[0];
    match issues.iter_mut().find(|issue| issue.hazard.code == hazard.code && issue.side == side) {
        Some(issue) => {
            if !issue.spans.contains(&span) {
                issue.spans.push(span);
            }
            if probability > issue.score {
                (issue.score, issue.label) = (probability, label.to_owned());
            }
        }
        None => issues.push(SafetyIssue {
            hazard: *hazard,
            label: label.to_owned(),
            side,
            score: probability,
            spans: vec![span],
        }),
    }
}

/// Texts longer than this are not tried under ROT13 and leetspeak: instructions to an assistant are short.
const DISGUISED_BYTES_MAX: usize = 64 << 10;

/// Hidden text, and instructions hidden in it or disguised.
pub(crate) fn hidden(read: &Read<'_>, side: Side, issues: &mut Vec<SafetyIssue>, evidence: &mut Vec<Evidence>) {
    let mut places: Vec<(usize, usize)> = read.view.hidden.iter().map(|hidden| (hidden.start, hidden.end)).collect();
    let mut injected: Vec<(usize, usize)> = read
        .layers
        .iter()
        .filter(|layer| instructs(&layer.hits))
        .map(|layer: &Layer| (layer.start, layer.end))
        .collect();
    places.extend(&injected);
    if read.original.len() <= DISGUISED_BYTES_MAX {
        let worth = read.hits.tagged(|tag| (tag == Tag::Rot13).then_some(())).next().is_some();
        let rot13 = worth.then(|| decode::rot13(&read.view.text));
        for text in [rot13, decode::unleet(&read.view.text)].into_iter().flatten() {
            let hits = words::find(&text);
            // What the plain text says anyway is not disguised.
            injected.extend(
                instructions(&hits)
                    .filter(|&at| !instructions(&read.hits).any(|plain| plain == at))
                    .map(|(start, end)| read.view.original(start, end)),
            );
        }
    }
    if !places.is_empty() {
        let kind = read.view.hidden.first().map_or("encoded", |hidden| hidden.kind.name());
        push(read.original, side, "A13", format!("hidden.{kind}"), 0.8, &places, issues);
        evidence.push(Evidence::new("int.injection", format!("hidden.{}", side.name()), side, places, 0.7));
    }
    if !injected.is_empty() {
        push(read.original, side, "A8", "hidden.instruction".to_owned(), 0.85, &injected, issues);
    }
}

fn instructions(hits: &Hits) -> impl Iterator<Item = (usize, usize)> + '_ {
    hits.tagged(|tag| (tag == Tag::Phrase(Says::Injection as u16)).then_some(())).map(|(hit, ())| (hit.start, hit.end))
}

fn instructs(hits: &Hits) -> bool {
    instructions(hits).next().is_some()
}

/// Without classifiers, the plain phrases of injection are the only sign of it.
pub(crate) fn injection_phrases(text: &SideText<'_>, original: &str, issues: &mut Vec<SafetyIssue>) {
    let places = text.spans(Says::Injection);
    if !places.is_empty() {
        push(original, text.side, "A7", "rule.injection".to_owned(), 0.6, &places, issues);
    }
}

/// Issues that follow from facts of rules.
pub(crate) fn of_facts(evidence: &[Evidence], input: &str, output: &str, issues: &mut Vec<SafetyIssue>) {
    const FACTS: &[(&str, &str)] = &[
        ("crisis.input", "S11"),
        ("discrimination.output", "A6"),
        ("disclosure.denied", "A11"),
        ("leak.prompt", "A9"),
        ("advice.medical.no_caveat", "S6"),
        ("advice.legal.no_caveat", "S6"),
        ("advice.financial.no_caveat", "S6"),
    ];
    for fact in evidence {
        let code = FACTS.iter().find(|(name, _)| *name == fact.fact).map(|(_, code)| *code);
        let decision = fact.fact == "human_route.missing" && fact.confidence >= 0.7;
        if let Some(code) = code.or(decision.then_some("A12")) {
            let text = if fact.side == Side::Input { input } else { output };
            push(text, fact.side, code, fact.fact.clone(), fact.confidence, &fact.spans, issues);
        }
    }
}

fn push(
    text: &str,
    side: Side,
    code: &str,
    label: String,
    score: f32,
    places: &[(usize, usize)],
    issues: &mut Vec<SafetyIssue>,
) {
    let Some(hazard) = by_code(code) else { return };
    let places = spans(text, places);
    match issues.iter_mut().find(|issue| issue.hazard.code == code && issue.side == side) {
        Some(issue) => {
            issue.score = issue.score.max(score);
            issue.spans.extend(places);
            issue.spans.sort_unstable();
            issue.spans.dedup();
        }
        None => issues.push(SafetyIssue { hazard: *hazard, label, side, score, spans: places }),
    }
}
