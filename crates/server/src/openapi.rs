//! The OpenAPI 3.1 document: what the routes themselves declare, with a head, in one stable order. It is committed as
//! `docs/openapi/openapi.json` (`cargo run -p assize-server --example openapi > docs/openapi/openapi.json`) and a test
//! holds the two together.

use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use crate::router;

pub use crate::api::idempotency::{ANSWERING, CREATING, REPEATABLE};

const DESCRIPTION: &str = "Assize examines AI systems and attests what it measured. Certification: hand in data, get a \
signed bias-audit certificate that anyone can check. Interactions: hand in what an assistant was asked and answered, get \
personal data, hazards, law, risk and safe versions. Errors of `POST /`, `/v1/interactions` and `/v1/usage` are \
`{\"error\": \"...\", \"status\": \"error\"}`; errors of `/audit`, `/verify` and `/health` are \
`{\"detail\": \"...\"}`; all others are problem details (RFC 9457). Every answer carries `X-Request-Id` and \
`RateLimit-Limit`, `-Remaining` and `-Reset`; beyond the rate it is 429 with `Retry-After`. \
Interactions that are handed in with a key have no rate.";

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    router::documented_routes().into_openapi()
}

/// The document as text, ending in a line break.
///
/// # Panics
/// Never: the document's members are texts and numbers.
#[must_use]
pub fn document_json() -> String {
    let mut text = document().to_pretty_json().expect("texts and numbers serialise to JSON");
    text.push('\n');
    text
}

/// The head of the document, before any route.
pub(crate) fn head() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Assize")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license));
    let tags = [
        ("certification", "Submit audits, look certificates up, check them."),
        ("interactions", "Audit what an assistant was asked and answered."),
        ("jobs", "Work that an organization has waiting, running and done."),
        ("transparency", "The public log and the keys."),
        ("administration", "An organization's own keys and people. Send an API key as `X-API-Key`."),
        ("webhooks", "Have yourself told of what happens, signed per Standard Webhooks."),
        ("operations", "For those who run the server."),
        ("pages", "For people."),
    ];
    let tags = tags.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    OpenApiBuilder::new().info(info.build()).tags(Some(tags)).build()
}
