//! The audit of one interaction, end to end: read both sides, find, weigh, hold against the law, make safe versions.
//!
//! Everything here is ordered lists and pure functions: the same interaction, rules and models give the same audit.

use std::collections::BTreeMap;

use crate::detect::{self, About, Known, Read};
use crate::evidence::{self, Evidence, SideText, Sides};
use crate::explain;
use crate::facts;
use crate::finding::Finding;
use crate::hazards::{self, LabelScore, SafetyIssue};
use crate::interaction::{Interaction, Side};
use crate::opinion::{self, Opinion};
use crate::redact::{self, Hide, Placeholders};
use crate::regulations::{self, Country, Regulation, Scene, Violation};
use crate::risk::{self, Risk, Status, Weighing};
use crate::rules::Rules;
use crate::safety::Classifiers;
use crate::tagger::Tagger;

/// The engine, with the learned models it was given.
#[derive(Clone, Copy, Default)]
pub struct Engine<'m> {
    tagger: Option<&'m Tagger>,
    classifiers: Option<&'m Classifiers>,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Outcome for people.
    pub status: Status,
    /// Score with its terms.
    pub risk: Risk,
    /// Personal data of both sides.
    pub pii: Vec<Finding>,
    /// Credentials of both sides.
    pub secrets: Vec<Finding>,
    /// Statements of special categories; they stay readable in the safe versions.
    pub special: Vec<Finding>,
    /// Hazards.
    pub safety: Vec<SafetyIssue>,
    /// Every label's score, reported or not.
    pub scores: Vec<LabelScore>,
    /// Facts of rules, by the catalogues' kinds of evidence.
    pub evidence: Vec<Evidence>,
    /// What is relevant.
    pub regulations: Vec<Regulation>,
    /// What it may engage.
    pub violations: Vec<Violation>,
    /// What to do.
    pub remediation: Vec<String>,
    /// Safe version of the input.
    pub safe_input: String,
    /// Safe version of the output.
    pub safe_output: String,
    /// Placeholders and the values they stand for. To be sealed by the caller or dropped; never stored in the clear.
    pub restore: Vec<(String, String)>,
    /// In words.
    pub explanation: String,
    /// What the caller should know: countries not understood, models not loaded.
    pub warnings: Vec<String>,
}

/// A text made safe, without the audit around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Redacted {
    /// The safe version.
    pub text: String,
    /// What was found, in the original.
    pub findings: Vec<Finding>,
    /// Placeholders and values.
    pub restore: Vec<(String, String)>,
    /// Scanned again, it holds nothing that should be hidden.
    pub clean: bool,
}

/// Passes over a safe version until nothing is found: hiding one value can make another visible (its context changes).
const ROUNDS_MAX: usize = 5;

impl<'m> Engine<'m> {
    /// With these models; either may be left out.
    pub fn new(tagger: Option<&'m Tagger>, classifiers: Option<&'m Classifiers>) -> Self {
        crate::words::prepare();
        Engine { tagger, classifiers }
    }

    /// Audits one interaction.
    pub fn audit(&self, interaction: &Interaction, rules: &Rules) -> Audit {
        self.audit_with(interaction, rules, &[])
    }

    /// Audits one interaction, with opinions of somebody else about its hazards. Where one differs from what was found,
    /// the interaction is to be reviewed at least.
    pub fn audit_with(&self, interaction: &Interaction, rules: &Rules, opinions: &[Opinion]) -> Audit {
        let user = Country::parse(&interaction.input.country);
        let business = Country::parse(&interaction.output.country);
        let domains = regulations::domains(&interaction.use_case);
        let health = domains.contains("healthcare");
        let (input, output) = (detect::read(&interaction.input), detect::read(&interaction.output));
        let known = Known::default();
        let about =
            |side| About { side, country: user.code.as_deref(), health, rules, tagger: self.tagger, known: &known };
        let (pii, secrets) = detect_both(&input, &output, &about);
        let sides = Sides {
            input: SideText::new(Side::Input, &input.view, &input.hits),
            output: SideText::new(Side::Output, &output.view, &output.hits),
            covered_domain: regulations::covered(&domains),
        };
        let mut found = evidence::find(&sides);
        let (mut safety, scores) = self.hazards(&input, &output, &sides, rules, &mut found);
        let disagreed = opinion::apply(opinions, &mut safety);
        let special = facts::special(&found, &input, &output);
        let hidden = self.hide(&input, &output, &pii, &secrets, &safety, rules, &about);
        found.extend(facts::of_findings(&pii, &secrets, &special, &safety, &user, &business, health, hidden.clean));
        let scene = Scene {
            user: &user,
            business: &business,
            domains,
            date: &interaction.date,
            frameworks: &rules.frameworks,
            card: pii.iter().any(|finding| finding.kind.name == "CREDIT_CARD"),
            child: found.iter().any(|fact| fact.fact.starts_with("child.")),
        };
        let relevant = regulations::relevant(&scene);
        let prohibited = relevant.iter().any(|(_, regulation)| regulation.id == "EU_AI_ACT")
            && found.iter().any(|fact| fact.fact == "manipulation.output" && fact.confidence >= 0.7);
        let weighed: Vec<Finding> = pii.iter().chain(&secrets).chain(&special).cloned().collect();
        let weighing = Weighing {
            findings: &weighed,
            issues: &safety,
            health: states_health(&special),
            about_self: sides.input.says(evidence::Says::FirstPerson),
            health_sector: health,
            payment_sector: scene.domains.contains("payments"),
            user_country: user.code.as_deref(),
            prohibited,
        };
        let risk = risk::score(&weighing);
        let weights = facts::weights(&found, &risk, &weighed);
        let violations = regulations::violations(&relevant, &found, &weights, risk.floor.is_some(), &scene);
        let status = match risk::status(&risk, &weighed, &safety, &violations) {
            Status::FullyCompliant if disagreed => Status::ReviewNeeded,
            status => status,
        };
        let warnings = self.warnings(&user, &business, interaction);
        let remediation = explain::remediation(&weighed, &safety, &found, &violations, interaction);
        let explanation = explain::explanation(status, &risk, &violations, &weighed, &safety);
        Audit {
            status,
            risk,
            pii,
            secrets,
            special,
            safety,
            scores,
            evidence: found,
            regulations: relevant.into_iter().map(|(_, regulation)| regulation).collect(),
            violations,
            remediation,
            safe_input: hidden.input,
            safe_output: hidden.output,
            restore: hidden.restore,
            explanation,
            warnings,
        }
    }

    /// A text without an interaction around it.
    fn alone<'a>(&'a self, rules: &'a Rules, known: &'a Known) -> About<'a> {
        About { side: Side::Input, country: None, health: false, rules, tagger: self.tagger, known }
    }

    /// Personal data and credentials of one text, without what an audit adds.
    pub fn find(&self, text: &str, rules: &Rules) -> Vec<Finding> {
        let read = detect::read_str(text);
        let known = Known::default();
        let about = self.alone(rules, &known);
        let (mut findings, mut secrets) = detect::detect(&read, &about);
        findings.append(&mut secrets);
        findings
    }

    /// The safe version of one text.
    pub fn redact(&self, text: &str, rules: &Rules) -> Redacted {
        let read = detect::read_str(text);
        let known = Known::default();
        let about = self.alone(rules, &known);
        let (mut findings, secrets) = detect::detect(&read, &about);
        findings.extend(secrets);
        let mut names = Placeholders::default();
        names.reserve(text);
        let first = redact::apply(text, &hides(&findings, Side::Input, rules), &mut names);
        let (text, clean) = self.until_clean(first, &about, &mut names);
        Redacted { text, findings, restore: names.restore, clean }
    }

    fn hazards(
        &self,
        input: &Read<'_>,
        output: &Read<'_>,
        sides: &Sides<'_>,
        rules: &Rules,
        found: &mut Vec<Evidence>,
    ) -> (Vec<SafetyIssue>, Vec<LabelScore>) {
        let (mut issues, mut scores) = (Vec::new(), Vec::new());
        for (read, side) in [(input, Side::Input), (output, Side::Output)] {
            if let Some(classifiers) = self.classifiers.filter(|_| !read.original.is_empty()) {
                hazards::score(read, side, classifiers, rules, &mut issues, &mut scores);
            }
            hazards::hidden(read, side, &mut issues, found);
        }
        if self.classifiers.is_none() {
            hazards::injection_phrases(&sides.input, input.original, &mut issues);
        }
        hazards::of_facts(found, input.original, output.original, &mut issues);
        hazards::sort(&mut issues);
        (issues, scores)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one audit, used once")]
    fn hide<'a>(
        &self,
        input: &Read<'_>,
        output: &Read<'_>,
        pii: &[Finding],
        secrets: &[Finding],
        safety: &[SafetyIssue],
        rules: &Rules,
        about: &dyn Fn(Side) -> About<'a>,
    ) -> Hidden {
        let mut names = Placeholders::default();
        names.reserve(input.original);
        names.reserve(output.original);
        let all: Vec<Finding> = pii.iter().chain(secrets).cloned().collect();
        let mut safe = |read: &Read<'_>, side: Side| {
            let mut hides = hides(&all, side, rules);
            hides.extend(removals(safety, read, side));
            if hides.is_empty() {
                // Nothing to hide: the scan that said so was of this very text.
                return (read.original.to_owned(), true);
            }
            let first = redact::apply(read.original, &hides, &mut names);
            self.until_clean(first, &about(side), &mut names)
        };
        let (input, input_clean) = safe(input, Side::Input);
        let (output, output_clean) = safe(output, Side::Output);
        Hidden { input, output, clean: input_clean && output_clean, restore: names.restore }
    }

    /// Scans a safe version again and hides what shows, until nothing does.
    fn until_clean(&self, mut text: String, about: &About<'_>, names: &mut Placeholders) -> (String, bool) {
        for _ in 0..ROUNDS_MAX {
            let read = detect::read_str(&text);
            let (mut found, secrets) = detect::detect(&read, about);
            found.extend(secrets);
            let hides = hides(&found, about.side, about.rules);
            if hides.is_empty() {
                return (text, true);
            }
            let next = redact::apply(&text, &hides, names);
            if next == text {
                return (text, false);
            }
            text = next;
        }
        let read = detect::read_str(&text);
        let (found, secrets) = detect::detect(&read, about);
        let clean =
            hides(&found, about.side, about.rules).is_empty() && hides(&secrets, about.side, about.rules).is_empty();
        (text, clean)
    }

    fn warnings(&self, user: &Country, business: &Country, interaction: &Interaction) -> Vec<String> {
        let mut warnings = Vec::new();
        for (country, whose, typed) in
            [(user, "input", &interaction.input.country), (business, "output", &interaction.output.country)]
        {
            if country.unknown {
                warnings.push(format!("{whose}.country {typed:?} is not a known country; treated as global"));
            }
        }
        if user.code.is_none() && business.code.is_none() && !user.unknown && !business.unknown {
            warnings.push("country not given: only rules that hold everywhere were applied".to_owned());
        }
        if self.tagger.is_none() {
            warnings
                .push("no tagger loaded: names, places, organizations and addresses were not looked for".to_owned());
        }
        if self.classifiers.is_none() {
            warnings.push("no safety classifiers loaded: hazards were looked for by rules only".to_owned());
        }
        warnings
    }
}

/// Personal data and credentials of both sides, with what the output merely repeats marked.
fn detect_both<'a>(
    input: &Read<'_>,
    output: &Read<'_>,
    about: &dyn Fn(Side) -> About<'a>,
) -> (Vec<Finding>, Vec<Finding>) {
    let (mut pii, mut secrets) = detect::detect(input, &about(Side::Input));
    let (mut more, mut more_secrets) = detect::detect(output, &about(Side::Output));
    detect::mark_echoes(input, output, &pii, &mut more);
    detect::mark_echoes(input, output, &secrets, &mut more_secrets);
    pii.append(&mut more);
    secrets.append(&mut more_secrets);
    (pii, secrets)
}

/// Sides that state somebody's health.
fn states_health(special: &[Finding]) -> [bool; 2] {
    [Side::Input, Side::Output]
        .map(|side| special.iter().any(|finding| finding.side == side && finding.kind.name == "HEALTH"))
}

struct Hidden {
    input: String,
    output: String,
    clean: bool,
    restore: Vec<(String, String)>,
}

fn hides<'f>(findings: &'f [Finding], side: Side, rules: &Rules) -> Vec<Hide<'f>> {
    findings
        .iter()
        .filter(|finding| finding.side == side && !rules.keep.contains(finding.kind.name))
        .map(|finding| Hide {
            start: finding.span.byte_start,
            end: finding.span.byte_end,
            kind: finding.kind.name,
            severity: finding.severity,
        })
        .collect()
}

/// Whole stretches that a safe version may not carry: sexual content about children, help with weapons of mass harm,
/// instructions smuggled into content, characters that no reader sees.
fn removals<'i>(issues: &'i [SafetyIssue], read: &Read<'_>, side: Side) -> Vec<Hide<'i>> {
    const CERTAIN: f32 = 0.7;
    let mut hides = Vec::new();
    for issue in issues.iter().filter(|issue| issue.side == side && issue.score >= CERTAIN) {
        let kind = match issue.hazard.code {
            "S4" | "S9" => redact::REMOVED_CONTENT,
            "A8" => redact::REMOVED_INSTRUCTION,
            _ => continue,
        };
        hides.extend(issue.spans.iter().map(|span| Hide {
            start: span.byte_start,
            end: span.byte_end,
            kind,
            severity: 10,
        }));
    }
    hides.extend(read.view.tagged.iter().map(|&(_, start, end)| Hide {
        start,
        end,
        kind: redact::REMOVED_HIDDEN,
        severity: 10,
    }));
    hides
}

/// Weight behind each fact.
pub(crate) type Weights = BTreeMap<String, f64>;
