//! The interactions interface (ViriSIM): hand in what an assistant was asked and answered, get its audit. The document
//! fixes `POST /`, its texts and `{"error", "status"}`; results, batches, the log, checks while the client waits and
//! usage are ours.

mod answers;
mod check;
mod error;
pub(crate) mod export;
pub(crate) mod log;
mod submit;
pub(crate) mod usage;
mod wire;

pub(crate) use check::{
    __path_check_batch, __path_check_interaction, __path_restore_text, check_batch, check_interaction, restore_text,
};
pub(crate) use error::Refusal;
pub(crate) use export::{
    __path_export_interaction, __path_export_interactions, export_interaction, export_interactions,
};
pub(crate) use log::{
    __path_erase_person, __path_interaction, __path_interactions, erase_person, interaction, interactions,
};
pub(crate) use submit::{
    __path_submit_interaction, __path_submit_interaction_at_root, submit_interaction, submit_interaction_at_root,
};
pub(crate) use usage::{__path_ledger, __path_usage, ledger, usage};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};

use crate::app::Caller;
use crate::middleware::PresentedKey;

/// Largest body of a route that takes one interaction, bytes. Six bytes of JSON may stand for one of the text, and no
/// vocabulary has tokens of more than 128 bytes: what is longer has more tokens than any limit in use allows.
pub(crate) const INTERACTION_BYTES_MAX: usize = 4 << 20;
/// Largest body of a batch, bytes.
pub(crate) const BATCH_BYTES_MAX: usize = 32 << 20;

/// Whether a path belongs to this interface, errors included.
pub(crate) fn owns(path: &str) -> bool {
    let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    path == "/" || below("/v1/interactions") || below("/v1/usage")
}

/// Who asks, by their API key, refused with the document's own words.
#[derive(Debug)]
pub(crate) struct Client(pub(crate) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match parts.extensions.get::<PresentedKey>() {
            Some(PresentedKey::Good(caller)) => Ok(Self(caller.clone())),
            Some(PresentedKey::Refused) => Err(Refusal::bad_key().into_response()),
            None => Err(Refusal::no_key().into_response()),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_its_own_paths_wear_its_face() {
        for path in ["/", "/v1/interactions", "/v1/interactions/VIRI-0000001Xabcde", "/v1/usage"] {
            assert!(super::owns(path), "{path}");
        }
        for path in ["/v1/interactionsx", "/v1/jobs", "/audit/full", "/dashboard"] {
            assert!(!super::owns(path), "{path}");
        }
    }
}
