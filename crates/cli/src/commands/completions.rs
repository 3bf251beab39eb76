//! `assize completions SHELL`.

use clap::CommandFactory;

use crate::arguments::{Arguments, CompletionsOptions};
use crate::outcome::Outcome;

/// Prints the completion script.
pub(crate) fn run(options: &CompletionsOptions) -> Outcome {
    clap_complete::generate(options.shell, &mut Arguments::command(), "assize", &mut std::io::stdout());
    Outcome::Done
}
