//! Pages for people, in the product's frame, from the same operations that programs call. They read without JavaScript
//! and refer to nothing outside this server.

mod assets;
mod docs;
mod frame;
mod landing;
mod withdrawn;

pub(crate) use assets::{__path_asset, asset, linked_assets};
pub(crate) use docs::{__path_docs, docs};
pub(crate) use frame::certificate_not_found;
pub(crate) use landing::{__path_landing, landing};
pub(crate) use withdrawn::withdrawn_badge;
