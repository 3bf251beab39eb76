//! Style and scripts: part of the program, served under a name that holds their hash, so that a browser may keep them
//! for ever.

use std::sync::LazyLock;

use assize_reports::{Assets, PAGE_JS, STYLE_CSS, VERIFY_JS};
use axum::http::HeaderMap;
use axum::response::Response;
use sha2::{Digest, Sha256};

use crate::api::error_response;
use crate::api::extract::PathId;
use crate::api::negotiate::public;
use crate::api::problem::ProblemBody;
use crate::app::AppError;

/// The name holds the content's hash: what is kept is never stale.
const CACHE_FOREVER: &str = "public, max-age=31536000, immutable";

/// One file.
struct Asset {
    path: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let hash = hex::encode(Sha256::digest(content));
        Self { path: format!("/assets/{stem}-{}.{extension}", &hash[..16]), content_type, content }
    }
}

/// Style, page script, verification script, in this order.
static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("assize", "css", "text/css; charset=utf-8", STYLE_CSS),
        Asset::new("page", "js", "text/javascript; charset=utf-8", PAGE_JS),
        Asset::new("verify", "js", "text/javascript; charset=utf-8", VERIFY_JS),
    ]
});

/// The addresses of style and scripts, for a page.
pub(crate) fn linked_assets() -> Assets<'static> {
    let [style, page, verify] = &*ASSETS;
    Assets::Linked { stylesheet: &style.path, page_script: &page.path, verify_script: &verify.path }
}

/// A file that pages refer to.
#[utoipa::path(
    get,
    path = "/assets/{name}",
    tag = "pages",
    params(("name" = String, Path, description = "The file's name, with its hash")),
    responses(
        (status = 200, description = "The file; it never changes", body = String, content_type = "text/css"),
        (status = 304, description = "Unchanged since the given ETag"),
        (status = 404, description = "No such file", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a name", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn asset(PathId(name): PathId, headers: HeaderMap) -> Response {
    let path = format!("/assets/{name}");
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => public(&headers, asset.content_type, CACHE_FOREVER, asset.content),
        None => error_response(&path, AppError::NotFound { what: "asset", id: name }),
    }
}
