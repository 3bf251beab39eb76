//! The one error of the application layer: HTTP-agnostic, with a stable code per variant. Each face turns it into its
//! documented status and body in one `match` without wildcard (`api/*/error.rs`); `docs/errors.md` lists the codes.

use std::fmt;

/// Why an operation could not be done. The text is for the person who asked, except of [`AppError::Internal`], whose
/// text is for the log only.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// What was handed in cannot be worked with; the text says what to change.
    #[error("{0}")]
    Unprocessable(String),
    /// Fields of what was handed in are wrong; all of them are named.
    #[error("{}", spelled(.0))]
    Fields(Vec<FieldProblem>),
    /// No such thing, or one of another organization.
    #[error("{what} '{id}' not found")]
    NotFound {
        /// The kind of thing, lowercase, e.g. `certificate`.
        what: &'static str,
        /// The id as asked for.
        id: String,
    },
    /// The thing is in a state that does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The request's `Idempotency-Key` names another request.
    #[error("Idempotency-Key: was used for a request with other content; choose a new key for a new request")]
    KeyReused,
    /// The same request is being worked, or was worked just now.
    #[error("the same request is being worked already; ask again in a moment")]
    Repeated,
    /// It was there, and its key was destroyed: nobody can read it any more.
    #[error("{what} was erased: the key that it was sealed with is destroyed")]
    Erased {
        /// What is gone, e.g. `this person's data`.
        what: &'static str,
    },
    /// The work took longer than it may, and was stopped.
    #[error("the work exceeded {seconds} seconds and was stopped")]
    TimedOut {
        /// The bound that was exceeded.
        seconds: u64,
    },
    /// Something handed in is larger than it may be.
    #[error("{what} is larger than {bytes_max} bytes")]
    TooLarge {
        /// Which part, e.g. `dataset_file`.
        what: String,
        /// The limit.
        bytes_max: u64,
    },
    /// Too many requests of one client.
    #[error("too many requests; try again in {retry_after_s} seconds")]
    RateLimited {
        /// Seconds until the next request is let through.
        retry_after_s: u64,
    },
    /// No key, or none that is known.
    #[error("a valid API key is needed: send it as X-API-Key")]
    Unauthorized,
    /// The e-mail address and the password do not go together; which of the two is wrong is not said.
    #[error("the e-mail address or the password is wrong")]
    SignInRefused,
    /// The organization has no plan under which it may submit interactions.
    #[error("No Subscription")]
    NoSubscription,
    /// The organization's tokens do not reach.
    #[error("Insufficient Tokens")]
    InsufficientTokens,
    /// The key's role does not allow it.
    #[error("the role of this key does not allow it")]
    Forbidden,
    /// The server cannot do it now.
    #[error("the server cannot take this now; try again in {retry_after_s} seconds")]
    Unavailable {
        /// Seconds after which to try again.
        retry_after_s: u64,
    },
    /// A mistake of ours or of the machine. Never shown to a client.
    #[error(transparent)]
    Internal(anyhow::Error),
}

impl AppError {
    /// The codes of all variants, in their order.
    pub const CODES: [&str; 17] = [
        "unprocessable",
        "invalid_fields",
        "not_found",
        "conflict",
        "idempotency_key_reused",
        "repeated",
        "timed_out",
        "too_large",
        "rate_limited",
        "unauthorized",
        "sign_in_refused",
        "forbidden",
        "unavailable",
        "internal",
        "erased",
        "no_subscription",
        "insufficient_tokens",
    ];

    /// The stable code of this error, as listed in `docs/errors.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        let index = match self {
            Self::Unprocessable(_) => 0,
            Self::Fields(_) => 1,
            Self::NotFound { .. } => 2,
            Self::Conflict(_) => 3,
            Self::KeyReused => 4,
            Self::Repeated => 5,
            Self::TimedOut { .. } => 6,
            Self::TooLarge { .. } => 7,
            Self::RateLimited { .. } => 8,
            Self::Unauthorized => 9,
            Self::SignInRefused => 10,
            Self::Forbidden => 11,
            Self::Unavailable { .. } => 12,
            Self::Internal(_) => 13,
            Self::Erased { .. } => 14,
            Self::NoSubscription => 15,
            Self::InsufficientTokens => 16,
        };
        Self::CODES[index]
    }

    /// An internal error from anything that displays.
    pub fn internal(error: impl fmt::Display) -> Self {
        Self::Internal(anyhow::anyhow!("{error}"))
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field's name, dotted for nested ones.
    pub field: String,
    /// What is wrong and what to change, to be read after the name.
    pub problem: String,
}

/// All problems as one sentence.
fn spelled(problems: &[FieldProblem]) -> String {
    problems.iter().map(|at| format!("{}: {}", at.field, at.problem)).collect::<Vec<_>>().join("; ")
}

/// An outage is the caller's to wait for; anything else of the store is a mistake or an operator's to mend.
impl From<assize_store::Error> for AppError {
    fn from(error: assize_store::Error) -> Self {
        match error {
            assize_store::Error::Unavailable { .. } => {
                tracing::warn!("storage is unavailable: {:#}", anyhow::Error::new(error));
                Self::Unavailable { retry_after_s: RETRY_AFTER_OUTAGE_S }
            }
            assize_store::Error::Conflict { what } => Self::Conflict(what),
            other => Self::Internal(anyhow::Error::new(other)),
        }
    }
}

/// Seconds after which to ask again when the database or the object store does not answer.
const RETRY_AFTER_OUTAGE_S: u64 = 5;
