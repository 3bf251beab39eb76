//! What is audited: the input of a user, the output of an assistant, and what is known about both.

/// One exchange.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interaction {
    /// What the user sent.
    pub input: Text,
    /// What the assistant answered; empty when only an input is checked.
    pub output: Text,
    /// What the assistant is used for, in the customer's words.
    pub use_case: String,
    /// Date of the exchange, `YYYY-MM-DD`: laws that apply from a later day are named, not applied. Empty: all apply.
    pub date: String,
}

/// One side of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The raw text.
    pub value: String,
    /// What it claims to be.
    pub format: Format,
    /// Country of the user (input) or of the business (output), as typed; empty or `global` when not given.
    pub country: String,
}

/// Format of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Plain text. A text that is valid JSON is treated as JSON all the same.
    #[default]
    Text,
    /// JSON.
    Json,
}

/// Input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// What the user sent.
    Input,
    /// What the assistant answered.
    Output,
}

impl Side {
    /// `input` or `output`.
    pub fn name(self) -> &'static str {
        match self {
            Side::Input => "input",
            Side::Output => "output",
        }
    }
}

impl Text {
    /// A plain text without a country.
    pub fn plain(value: impl Into<String>) -> Self {
        Text { value: value.into(), ..Text::default() }
    }
}
