//! The words and tones in which states are shown: never colour alone, and a "not" state as visible as a failure.

use assize_fairness::document::{CertificationStatus, Severity, Status, Verdict};

use crate::view::Outcome;

/// The look of a state: names the colour and the icon that stand beside its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tone {
    Pass,
    Fail,
    /// Measured, but without a verdict.
    Unsure,
    /// Not measured.
    Silent,
}

impl Tone {
    /// Class suffix in the style sheet and key of the icon.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Tone::Pass => "pass",
            Tone::Fail => "fail",
            Tone::Unsure => "unsure",
            Tone::Silent => "silent",
        }
    }
}

pub(crate) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "Fail",
        Verdict::NotEnoughData => "Not enough data",
        Verdict::NotAssessed => "Not assessed",
        Verdict::Pass => "Pass",
    }
}

pub(crate) fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Fail => Tone::Fail,
        Verdict::NotEnoughData => Tone::Unsure,
        Verdict::NotAssessed => Tone::Silent,
        Verdict::Pass => Tone::Pass,
    }
}

pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Pass => "Pass",
        Status::Warn => "Warning",
        Status::Fail => "Fail",
    }
}

pub(crate) fn status_tone(status: Status) -> Tone {
    match status {
        Status::Pass => Tone::Pass,
        Status::Warn => Tone::Unsure,
        Status::Fail => Tone::Fail,
    }
}

pub(crate) fn certification_word(status: CertificationStatus) -> &'static str {
    match status {
        CertificationStatus::Certified => "Certified",
        CertificationStatus::Conditional => "Conditional",
        CertificationStatus::NotCertified => "Not certified",
    }
}

pub(crate) fn certification_tone(status: CertificationStatus) -> Tone {
    match status {
        CertificationStatus::Certified => Tone::Pass,
        CertificationStatus::Conditional => Tone::Unsure,
        CertificationStatus::NotCertified => Tone::Fail,
    }
}

pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
    }
}

pub(crate) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "Passed",
        Outcome::Failed => "Failed",
        Outcome::NotChecked => "Not checked",
    }
}

pub(crate) fn outcome_tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Passed => Tone::Pass,
        Outcome::Failed => Tone::Fail,
        Outcome::NotChecked => Tone::Silent,
    }
}

/// The layer's name for people.
pub(crate) fn layer_name(layer: &str) -> &str {
    match layer {
        "data_forensics" => "Data",
        "stress_test" => "Stress test",
        "fairness_metrics" => "Fairness metrics",
        "gemini_governance" => "Governance",
        other => other,
    }
}

/// A stable key as words: `group_thresholds` is `Group thresholds`.
pub(crate) fn sentence_case(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => words,
    }
}
