//! `[interactions]`: the audit of what assistants say.

use assize_interactions::Rules;
use serde::{Deserialize, Serialize};

use super::Problems;

/// The interaction audit and its ledger of tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Interactions {
    /// Most tokens of one interaction, input and output together.
    pub tokens_max: u32,
    /// Which public vocabulary tokens are counted with.
    pub vocabulary: Vocabulary,
    /// Plan of an organization that has none yet.
    pub default_plan: InteractionPlan,
    /// Tokens that the free plan is brought up to on the first day of each month, UTC.
    pub free_tokens_a_month: u64,
    /// Accepted interactions that wait for their audit; more are refused with 503.
    pub queue_max: u64,
    /// Lines of one batch.
    pub batch_lines_max: u32,
    /// Values that are never findings, such as one's own support address; compared without case.
    pub allow: Vec<String>,
    /// Types that are not looked for, by their names on the interface.
    pub off: Vec<String>,
    /// Types that are reported but stay readable in the safe versions.
    pub keep: Vec<String>,
    /// Voluntary frameworks that interactions are held to, by catalogue, e.g. `NIST_AI_RMF`.
    pub frameworks: Vec<String>,
}

/// A public byte-pair vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Vocabulary {
    /// 200,000 tokens, of 2024.
    #[default]
    #[serde(rename = "o200k_base")]
    O200kBase,
    /// 100,000 tokens, of 2023.
    #[serde(rename = "cl100k_base")]
    Cl100kBase,
}

/// What an organization may submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InteractionPlan {
    /// Nothing.
    None,
    /// A number of tokens a month.
    Free,
    /// What was bought.
    Premium,
    /// Everything.
    #[default]
    Unlimited,
}

impl Default for Interactions {
    fn default() -> Self {
        Self {
            tokens_max: 2_000,
            vocabulary: Vocabulary::default(),
            default_plan: InteractionPlan::default(),
            free_tokens_a_month: 100_000,
            queue_max: 200_000,
            batch_lines_max: 1_000,
            allow: Vec::new(),
            off: Vec::new(),
            keep: Vec::new(),
            frameworks: Vec::new(),
        }
    }
}

impl Interactions {
    /// What is asked of the engine.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            keep: self.keep.iter().cloned().collect(),
            off: self.off.iter().cloned().collect(),
            frameworks: self.frameworks.iter().cloned().collect(),
            ..Rules::default()
        }
        .allow(&self.allow)
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.within(u64::from(self.tokens_max), 1, 1_000_000, "interactions.tokens_max");
        problems.within(self.free_tokens_a_month, 0, 1_000_000_000_000, "interactions.free_tokens_a_month");
        problems.within(self.queue_max, 1, 100_000_000, "interactions.queue_max");
        problems.within(u64::from(self.batch_lines_max), 1, 100_000, "interactions.batch_lines_max");
        let known: Vec<&str> = assize_interactions::kinds().iter().map(|kind| kind.name).collect();
        for (names, key) in [(&self.off, "interactions.off"), (&self.keep, "interactions.keep")] {
            for name in names {
                problems.require(
                    known.contains(&name.as_str()),
                    key,
                    &format!("'{name}' is no type that is looked for"),
                );
            }
        }
    }
}
