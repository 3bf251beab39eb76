//! Holding an answer of a language model against the measurement: every number in it must have been measured.
//!
//! A number passes when a fact has its value, within the rounding that its digits show, and a word that the fact belongs
//! to (a group, a column, "rows", "limit") stands in the same or the preceding sentence. Names of columns and groups and
//! citations of law are not numbers. What this cannot see: a wrong direction, a wrong cause. So the answer is printed with
//! the name of the model that wrote it, beside the measured figures.

use serde::Deserialize;

use super::facts::{Fact, Kind, facts, literals};
use super::numbers::{Number, numbers, vague_quantity};
use super::{Narrative, NarrativeStatus};
use crate::body::Measured;

/// Longest narrative, in characters.
const TEXT_MAX: usize = 4_000;
/// Most entries of a checklist.
const CHECKLIST_MAX: usize = 12;
/// Longest entry.
const ENTRY_MAX: usize = 600;

/// An answer that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedNarrative {
    /// The text.
    pub text: String,
    /// The checklist; empty when the answer had none.
    pub checklist: Vec<String>,
    /// Numbers found and matched.
    pub numbers_checked: u32,
}

/// Why an answer was not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A number that was not measured, or not of what the sentence is about.
    #[error("the number {number} was not measured of what the sentence is about: \"{sentence}\"")]
    Number {
        /// As written.
        number: String,
        /// The sentence, shortened.
        sentence: String,
    },
    /// A quantity in words that cannot be checked.
    #[error("the quantity \"{word}\" cannot be checked; numbers must be in digits")]
    Vague {
        /// The word.
        word: String,
    },
    /// Not a text for a certificate.
    #[error("the answer is {0}")]
    Unusable(&'static str),
}

/// The form that [`super::prompt`] asks for.
#[derive(Deserialize)]
struct Answer {
    narrative: String,
    #[serde(default)]
    checklist: Vec<String>,
}

/// Checks an answer: JSON with `narrative` and `checklist`, or a plain text.
///
/// # Errors
/// [`Rejection`] with what was wrong first.
pub fn check(answer: &str, measured: &Measured) -> Result<CheckedNarrative, Rejection> {
    let answer = parse(answer);
    check_form(&answer)?;
    let checker = Checker { facts: facts(measured), literals: literals(measured) };
    let mut numbers_checked = checker.check_text(&answer.narrative)?;
    for entry in &answer.checklist {
        numbers_checked += checker.check_text(entry)?;
    }
    Ok(CheckedNarrative { text: answer.narrative, checklist: answer.checklist, numbers_checked })
}

impl CheckedNarrative {
    /// As a narrative by `source`; without a checklist of its own it gets the measured one.
    #[must_use]
    pub fn into_narrative(self, source: &str, measured: &Measured) -> Narrative {
        let checklist = if self.checklist.is_empty() {
            measured.layer_results.gemini_governance.checklist.clone()
        } else {
            self.checklist
        };
        Narrative {
            text: self.text,
            checklist,
            source: source.to_owned(),
            status: NarrativeStatus::Ok,
            numbers_checked: self.numbers_checked,
            note: None,
        }
    }
}

fn parse(answer: &str) -> Answer {
    let trimmed = answer.trim();
    let inner = trimmed.strip_prefix("```json").or_else(|| trimmed.strip_prefix("```")).unwrap_or(trimmed);
    let inner = inner.strip_suffix("```").unwrap_or(inner).trim();
    serde_json::from_str(inner).unwrap_or_else(|_| Answer { narrative: inner.to_owned(), checklist: Vec::new() })
}

fn check_form(answer: &Answer) -> Result<(), Rejection> {
    let all = || std::iter::once(&answer.narrative).chain(&answer.checklist);
    if answer.narrative.trim().is_empty() {
        return Err(Rejection::Unusable("empty"));
    }
    let too_long = answer.narrative.chars().count() > TEXT_MAX
        || answer.checklist.len() > CHECKLIST_MAX
        || answer.checklist.iter().any(|entry| entry.chars().count() > ENTRY_MAX);
    if too_long {
        return Err(Rejection::Unusable("too long"));
    }
    if all().any(|text| text.contains("://") || text.contains("www.")) {
        return Err(Rejection::Unusable("a text with links"));
    }
    if all().any(|text| text.contains(['<', '>']) && text.contains("</")) {
        return Err(Rejection::Unusable("marked up"));
    }
    if all().any(|text| text.chars().any(|c| c.is_control() && c != '\n')) {
        return Err(Rejection::Unusable("a text with control characters"));
    }
    Ok(())
}

struct Checker {
    facts: Vec<Fact>,
    /// Names that may hold digits, longest first.
    literals: Vec<String>,
}

impl Checker {
    /// Numbers found and matched.
    fn check_text(&self, text: &str) -> Result<u32, Rejection> {
        let mut checked = 0;
        let mut before = String::new();
        for sentence in sentences(text) {
            let masked = self.masked(sentence);
            if let Some(word) = vague_quantity(&masked) {
                return Err(Rejection::Vague { word });
            }
            let near = format!("{before} {sentence}").to_lowercase();
            for number in numbers(&masked) {
                if !self.facts.iter().any(|fact| belongs(fact, &near) && matches(fact, &number, &near)) {
                    let sentence = sentence.chars().take(160).collect();
                    return Err(Rejection::Number { number: number.text, sentence });
                }
                checked += 1;
            }
            before = sentence.to_owned();
        }
        Ok(checked)
    }

    /// The sentence with names and citations blanked out.
    fn masked(&self, sentence: &str) -> String {
        let mut masked = sentence.to_owned();
        for literal in &self.literals {
            if masked.contains(literal.as_str()) {
                masked = masked.replace(literal.as_str(), " _ ");
            }
        }
        masked
    }
}

/// Sentences, and lines; a leading list number is no number of the text.
fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim_start_matches(['-', '*', ' ']);
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let numbered =
            (1..=2).contains(&digits) && line[digits..].starts_with(['.', ')']) && line[digits + 1..].starts_with(' ');
        let line = if numbered { &line[digits + 1..] } else { line };
        found.extend(line.split_inclusive(". ").map(str::trim).filter(|sentence| !sentence.is_empty()));
    }
    found
}

/// Whether a name of the fact stands near, as a word of its own, and a word for what it measures.
fn belongs(fact: &Fact, near: &str) -> bool {
    let spoken_of = fact.metric.is_empty() || fact.metric.iter().any(|word| near.contains(word));
    let interval = !fact.name.contains("_interval_") || near.contains("interval") || near.contains("confidence");
    spoken_of
        && interval
        && fact.context.iter().any(|word| {
            let word = word.to_lowercase();
            near.match_indices(&word).any(|(at, _)| {
                let before = near[..at].chars().next_back();
                let after = near[at + word.len()..].chars().next();
                let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                outside(before) && outside(after)
            })
        })
}

/// Whether a number can be the printed form of a fact.
fn matches(fact: &Fact, number: &Number, near: &str) -> bool {
    let rounding = 0.5 * libm::pow(10.0, -f64::from(number.decimals)) + 1e-9;
    let close = |value: f64| (value.abs() - number.value).abs() <= rounding;
    // A bare 0 or 1 rounds to every share; two decimals tell them apart.
    let precise = |value: f64| close(value) && (number.decimals >= 2 || (value.abs() - number.value).abs() < 1e-9);
    let lower = ["lower", "less", "fewer", "below"].iter().any(|word| near.contains(word));
    match fact.kind {
        Kind::Count => !number.percent && number.decimals == 0 && (fact.value - number.value).abs() < 1e-9,
        Kind::Points => close(fact.value),
        Kind::Share => {
            if number.percent {
                close(fact.value * 100.0)
            } else {
                precise(fact.value)
            }
        }
        Kind::Ratio if number.percent => close(fact.value * 100.0) || lower && close((1.0 - fact.value) * 100.0),
        Kind::Ratio => {
            let inverse = fact.value > 0.0 && number.decimals >= 1 && near.contains("times") && close(1.0 / fact.value);
            precise(fact.value) || inverse
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checker() -> Checker {
        let fact = |name: &str, value, kind, context: &[&str]| Fact {
            name: name.to_owned(),
            about: None,
            groups: Vec::new(),
            value,
            kind,
            context: context.iter().map(|word| (*word).to_owned()).collect(),
            metric: &[],
        };
        Checker {
            facts: vec![
                fact("selection_rate", 0.0812, Kind::Share, &["Female"]),
                fact("selection_rate", 0.2539, Kind::Share, &["Male"]),
                fact("disparate_impact", 0.3198, Kind::Ratio, &["Female"]),
                fact("overall_score", 57.23, Kind::Points, &["score"]),
                fact("rows", 32_561.0, Kind::Count, &["rows"]),
            ],
            literals: vec!["29 CFR 1607.4(D)".to_owned(), "(25, 40]".to_owned(), ">50K".to_owned()],
        }
    }

    #[test]
    fn measured_numbers_pass_in_every_usual_form() {
        for text in [
            "Female applicants are selected at 8.1 %, Male ones at 25.39%.",
            "The Female rate is 8 percent; the ratio is 0.32 (29 CFR 1607.4(D)).",
            "Female applicants have 68 % lower odds of selection. That is a ratio of 0.320.",
            "Male applicants outnumber Female ones: 3.1 times the rate.",
            "The score is 57.2 over 32,561 rows.",
            "1. Review >50K labels of age (25, 40].\n2) Retrain.",
        ] {
            assert!(checker().check_text(text).is_ok(), "{text}: {:?}", checker().check_text(text));
        }
    }

    #[test]
    fn other_numbers_are_rejected_with_the_number() {
        for (text, number) in [
            ("Female applicants are selected at 9.1 %.", "9.1"),
            ("Male applicants are selected at 8.1 %.", "8.1"),
            ("The ratio for Female is 0.33.", "0.33"),
            ("The score is 1 over 32,561 rows.", "1"),
            ("There are 32,562 rows.", "32,562"),
            ("There are seven rows.", "seven"),
        ] {
            let found = checker().check_text(text);
            assert!(matches!(&found, Err(Rejection::Number { number: n, .. }) if n == number), "{text}: {found:?}");
        }
        assert!(matches!(checker().check_text("Female is selected half as often."), Err(Rejection::Vague { .. })));
    }
}
