//! Arguments of `check` and of plans.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// Text to audit, as input of an assistant; without TEXT, --file and --jsonl it is read from a pipe
    #[arg(conflicts_with_all = ["file", "jsonl"])]
    pub(crate) text: Option<String>,
    /// File to audit; - reads from a pipe
    #[arg(long, value_name = "FILE", conflicts_with = "jsonl")]
    pub(crate) file: Option<PathBuf>,
    /// Lines of JSON: interaction bodies, or {"id", "text", "country"?}; one result a line, in order; - reads from a pipe
    #[arg(long, value_name = "FILE")]
    pub(crate) jsonl: Option<PathBuf>,
    /// Every line is a text of its own: for filtering what never ends
    #[arg(long, conflicts_with = "jsonl")]
    pub(crate) lines: bool,
    /// Country of who wrote the text: a name, an ISO code, or global
    #[arg(long, value_name = "COUNTRY", default_value = "")]
    pub(crate) country: String,
    /// What the assistant is for
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub(crate) use_case: String,
    /// Print the safe version instead of the result
    #[arg(long)]
    pub(crate) redact: bool,
    /// File with a key of 32 bytes in base64 (`openssl rand -base64 32`), for --restore-to and --restore
    #[arg(long, value_name = "FILE")]
    pub(crate) restore_key: Option<PathBuf>,
    /// With --redact of one text: write what the placeholders stand for, sealed with --restore-key, to this file
    #[arg(long, value_name = "FILE", requires_all = ["redact", "restore_key"], conflicts_with_all = ["jsonl", "lines", "json"])]
    pub(crate) restore_to: Option<PathBuf>,
    /// Print the text with the values of this file put back: undoes --redact, with the same --restore-key
    #[arg(long, value_name = "FILE", requires = "restore_key", conflicts_with_all = ["redact", "jsonl", "lines", "json", "scores", "fail_on"])]
    pub(crate) restore: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Put a score for every category into safety_issues, or for those named (labels or codes, comma-separated)
    #[arg(long, value_name = "CATEGORIES", num_args = 0..=1, default_missing_value = "all", require_equals = true)]
    pub(crate) scores: Option<String>,
    /// Exit with code 3 from this status on
    #[arg(long, value_name = "STATUS")]
    pub(crate) fail_on: Option<FailOn>,
}

/// From which status on a check does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FailOn {
    /// Review Needed
    Review,
    /// Non-Compliant
    NonCompliant,
}

/// A plan for interactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanName {
    /// Nothing may be submitted
    None,
    /// A number of tokens a month
    Free,
    /// What was bought
    Premium,
    /// Everything
    Unlimited,
}
