//! Prints the OpenAPI document: `cargo run -p assize-server --example openapi > docs/openapi/openapi.json`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(assize_server::openapi::document_json().as_bytes())
}
