//! Training of the safety classifiers.

/// A text with the labels that are known of it.
#[derive(Debug, Clone, Default)]
pub struct LabelledText {
    /// The text.
    pub text: String,
}

/// How to train.
#[derive(Debug, Clone, Default)]
pub struct SafetyOptions {}

/// Trains.
pub fn train_safety(_texts: &[LabelledText], _options: &SafetyOptions) -> Vec<u8> {
    Vec::new()
}
