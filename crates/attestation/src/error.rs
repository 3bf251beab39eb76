//! The crate's error: one variant for each operation that can fail, each saying what to change.

/// Why something could not be parsed, signed, proven or verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not JSON, or not JSON of the expected shape.
    #[error("{what} is not readable: {reason}")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// Why it is not that.
        reason: String,
    },
    /// Larger than the limit for this kind of input.
    #[error("{what} has {bytes} bytes, the limit is {bytes_max}")]
    TooLarge {
        /// What was being read.
        what: &'static str,
        /// Size found.
        bytes: usize,
        /// Size allowed.
        bytes_max: usize,
    },
    /// JSON whose bytes are not its RFC 8785 form nor a plain re-indentation of it.
    #[error("the text differs from its canonical form (RFC 8785) at byte {offset}")]
    NotCanonical {
        /// First byte that differs, counted from 0.
        offset: usize,
    },
    /// An integer that a double cannot hold exactly, so RFC 8785 would change it.
    #[error("the number at {path} would lose digits in canonical JSON (RFC 8785): use at most 2^53 - 1, or a text")]
    UnsafeInteger {
        /// JSON pointer of the number.
        path: String,
    },
    /// A key could not be read.
    #[error("the key is not readable: {0}")]
    Key(String),
    /// A signature does not hold.
    #[error("the signature does not match its text and the key {key_id}")]
    Signature {
        /// The key it was checked with.
        key_id: String,
    },
    /// No trusted key made the signature.
    #[error("signed by the key {key_id}, which is not among the {trusted} trusted keys")]
    UntrustedKey {
        /// The key that the signature names.
        key_id: String,
        /// How many keys are trusted.
        trusted: usize,
    },
    /// A trusted key was used outside its time.
    #[error("the key {key_id} {reason}")]
    KeyNotInForce {
        /// The key.
        key_id: String,
        /// `was retired ...`, `is valid only from ...`.
        reason: String,
    },
    /// The certificate body lacks a member that the statement is made from.
    #[error("the certificate has no usable {member}: {reason}")]
    Body {
        /// Dotted name of the member.
        member: String,
        /// What is wrong.
        reason: String,
    },
    /// A stored node that a proof needs is missing.
    #[error("the log has no node at level {level}, index {index}")]
    MissingNode {
        /// Height over the leaves.
        level: u8,
        /// Position from the left at that level.
        index: u64,
    },
    /// An index or size outside the tree.
    #[error("{what} is outside the log: {value} of {size}")]
    OutsideLog {
        /// What was asked for.
        what: &'static str,
        /// The value asked for.
        value: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A Merkle proof that does not lead to the root.
    #[error("the {0} proof does not lead to the root of the checkpoint")]
    Proof(&'static str),
    /// Leaves and signed heads of a log disagree.
    #[error("{0}")]
    LogDisagrees(String),
}

impl Error {
    #[expect(clippy::needless_pass_by_value, reason = "takes errors and texts as they come at the end of a chain")]
    pub(crate) fn malformed(what: &'static str, reason: impl ToString) -> Error {
        Error::Malformed { what, reason: reason.to_string() }
    }
}
