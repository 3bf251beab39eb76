//! `assize openapi`: the document of the interfaces, as the server serves it.

use crate::outcome::Outcome;

/// Prints the document.
pub(crate) fn run() -> Outcome {
    print!("{}", assize_server::openapi::document_json());
    Outcome::Done
}
