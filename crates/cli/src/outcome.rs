//! How a command ends: the four exit codes of the command line.

use std::process::ExitCode;

use assize_server::app::AppError;

/// A command that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what was asked.
    Done,
    /// It measured, and what it measured does not pass.
    DoesNotPass,
}

impl Outcome {
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::DoesNotPass => ExitCode::from(3),
        }
    }
}

/// The user can mend it: a wrong argument, a file that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadInput(pub(crate) String);

/// 2 for what the user can mend, 1 for everything else.
pub(crate) fn exit_code_of(error: &anyhow::Error) -> ExitCode {
    let bad_input = error.chain().any(|cause| {
        cause.is::<BadInput>()
            || cause.is::<figment::Error>()
            || matches!(
                cause.downcast_ref::<AppError>(),
                Some(
                    AppError::Unprocessable(_)
                        | AppError::Fields(_)
                        | AppError::NotFound { .. }
                        | AppError::Conflict(_)
                        | AppError::TooLarge { .. }
                )
            )
    });
    ExitCode::from(if bad_input { 2 } else { 1 })
}
