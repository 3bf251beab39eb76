//! The `assize` command: arguments in, one operation called, its result printed. No rule of the product lives here.
//!
//! Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 measured and it does not pass.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line prints; nothing below it does")]

mod arguments;
mod commands;
mod logging;
mod outcome;
mod settings;
mod traces;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use outcome::Outcome;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            eprintln!("assize: {error:#}");
            outcome::exit_code_of(&error)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let shared = arguments.shared;
    match arguments.command {
        Command::Serve(options) => commands::serve::run(&shared, &options),
        Command::Worker(options) => commands::worker::run(&shared, &options),
        Command::Audit(options) => commands::audit::run(&shared, &options),
        Command::Check(options) => commands::check::run(&shared, &options),
        Command::Predict(options) => commands::predict::run(&options),
        Command::Scan(options) => commands::scan::run(&options),
        Command::Verify(options) => commands::verify::run(&shared, &options),
        Command::Certificate(command) => commands::certificate::run(&shared, &command),
        Command::Org(command) => commands::people::organizations(&shared, &command),
        Command::User(command) => commands::people::users(&shared, &command),
        Command::Key(command) => commands::people::keys(&shared, &command),
        Command::SigningKey(command) => commands::signing_key::run(&shared, &command),
        Command::MasterKey(command) => commands::master_key::run(&shared, &command),
        Command::Retention(command) => commands::retention::run(&shared, &command),
        Command::Backup(options) => commands::backup::backup(&shared, &options),
        Command::Restore(options) => commands::backup::restore(&shared, &options),
        Command::Doctor(options) => commands::doctor::run(&shared, &options),
        Command::Migrate => commands::migrate::run(&shared),
        Command::Openapi => Ok(commands::openapi::run()),
        Command::Config(command) => commands::config::run(&shared, &command),
        Command::Completions(options) => Ok(commands::completions::run(&options)),
        Command::Sandbox => commands::sandbox::run(),
    }
}
