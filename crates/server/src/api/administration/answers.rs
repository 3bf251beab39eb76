//! What every route with a key can answer, described once.

use std::collections::BTreeMap;

use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoResponses, ToSchema as _};

use crate::api::described_refusals;
use crate::api::problem::ProblemBody;

/// The refusals of a route with a key.
pub(crate) struct KeyedAnswers;

impl IntoResponses for KeyedAnswers {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let answers = [
            ("401", "A valid API key is needed"),
            ("403", "The key's role does not allow it"),
            ("404", "There is no such thing in this organization"),
            ("409", "The thing is in a state that does not allow it"),
            ("413", "The body is too large"),
            ("422", "The request cannot be worked with; `errors` names every field that is wrong"),
            ("429", "Too many requests; `Retry-After` says when to come back"),
            ("503", "The server cannot answer now; `Retry-After` says when to come back"),
        ];
        described_refusals(&answers, &ProblemBody::name(), "application/problem+json")
    }
}
