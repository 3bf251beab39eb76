//! What somebody else thinks of the hazards of an interaction, such as a language model that read the safe versions: it may
//! raise any, and lower only what the engine itself was not sure of. What was found by check digits, formats or words is
//! none of its business.

use crate::hazards::{self, SafetyIssue};
use crate::interaction::Side;

/// An opinion about one hazard on one side.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Code of the hazard, such as `S10`; unknown ones are ignored.
    pub code: String,
    /// Input or output.
    pub side: Side,
    /// Probability, 0 to 1; others are ignored.
    pub score: f32,
}

/// Probability from which a hazard is there.
const THERE: f32 = 0.5;
/// What the engine is this sure of stays.
const SURE: f32 = 0.7;

/// Changes the issues; answers whether a hazard came or went.
pub(crate) fn apply(opinions: &[Opinion], issues: &mut Vec<SafetyIssue>) -> bool {
    let mut disagreed = false;
    for opinion in opinions.iter().filter(|opinion| (0.0..=1.0).contains(&opinion.score)) {
        let Some(hazard) = hazards::by_code(&opinion.code) else { continue };
        let found = issues.iter_mut().find(|issue| issue.hazard.code == hazard.code && issue.side == opinion.side);
        match found {
            Some(issue) if opinion.score >= THERE => issue.score = issue.score.max(opinion.score),
            Some(issue) if issue.score < SURE => {
                issues.retain(|issue| !(issue.hazard.code == hazard.code && issue.side == opinion.side));
                disagreed = true;
            }
            Some(_) => disagreed = true,
            None if opinion.score >= THERE => {
                let issue = SafetyIssue {
                    hazard: *hazard,
                    label: "judge".to_owned(),
                    side: opinion.side,
                    score: opinion.score,
                    spans: Vec::new(),
                };
                if issue.severity() > 0 {
                    issues.push(issue);
                    disagreed = true;
                }
            }
            None => {}
        }
    }
    hazards::sort(issues);
    disagreed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(code: &str, score: f32) -> SafetyIssue {
        let hazard = *hazards::by_code(code).unwrap();
        SafetyIssue { hazard, label: "hate".to_owned(), side: Side::Input, score, spans: Vec::new() }
    }

    fn opinion(code: &str, score: f32) -> Opinion {
        Opinion { code: code.to_owned(), side: Side::Input, score }
    }

    #[test]
    fn what_is_sure_stays_and_what_is_not_may_go() {
        let mut issues = vec![issue("S10", 0.9), issue("S1", 0.6)];
        assert!(apply(&[opinion("S10", 0.0), opinion("S1", 0.1)], &mut issues));
        assert_eq!(issues.iter().map(|issue| (issue.hazard.code, issue.score)).collect::<Vec<_>>(), [("S10", 0.9)]);
    }

    #[test]
    fn hazards_are_raised_and_added() {
        let mut issues = vec![issue("S10", 0.6)];
        assert!(!apply(&[opinion("S10", 0.8), opinion("S9", 0.2)], &mut issues));
        assert_eq!(issues[0].score, 0.8);
        assert!(apply(&[opinion("S9", 0.9), opinion("A5", 0.7)], &mut issues));
        assert_eq!(issues.len(), 3);
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut issues = vec![issue("S10", 0.6)];
        let nonsense = [opinion("S99", 1.0), opinion("S10", f32::NAN), opinion("S10", 7.0), opinion("A6", 0.9)];
        // Discrimination is a hazard of outputs alone.
        assert!(!apply(&nonsense, &mut issues));
        assert_eq!(issues, [issue("S10", 0.6)]);
    }
}
