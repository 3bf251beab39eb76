//! What every route of this interface can answer, described once.

use std::collections::BTreeMap;

use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoResponses, ToSchema as _};

use super::error::InteractionError;
use crate::api::described_refusals;

/// The refusals of a route of this interface.
pub(crate) struct ClientAnswers;

impl IntoResponses for ClientAnswers {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let answers = [
            ("400", "The body or the query is wrong; the text says what to change"),
            ("401", "A valid API key is needed in `X-API-Key`"),
            ("403", "The key's role does not allow it, there is no plan, or the tokens do not reach"),
            ("404", "There is no such submission in this organization"),
            ("409", "The same request is being worked"),
            ("413", "The body is too large"),
            ("422", "The `Idempotency-Key` was used for other content"),
            ("429", "Too many requests; `Retry-After` says when to come back"),
            ("503", "Too much waits, or the database is away; `Retry-After` says when to come back"),
        ];
        described_refusals(&answers, &InteractionError::name(), "application/json")
    }
}
