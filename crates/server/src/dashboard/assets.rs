//! Style and scripts: part of the program, served under a name that holds their hash, so that a browser may keep them
//! for ever.

use std::sync::LazyLock;

use assize_reports::{Assets, ICON_SVG, PAGE_JS, STYLE_CSS, VERIFY_JS};
use axum::http::HeaderMap;
use axum::response::Response;
use sha2::{Digest, Sha256};

use crate::api::error_response;
use crate::api::extract::PathId;
use crate::api::negotiate::public;
use crate::api::problem::ProblemBody;
use crate::app::AppError;

/// htmx, Zero-Clause BSD (`assets/htmx`).
const HTMX_JS: &str = include_str!("../../assets/htmx/htmx.min.js");

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

    fn script(stem: &str, content: &'static str) -> Self {
        Self::new(stem, "js", "text/javascript; charset=utf-8", content)
    }
}

/// Style, page script, verification script, htmx, icon, in this order.
static ASSETS: LazyLock<[Asset; 5]> = LazyLock::new(|| {
    [
        Asset::new("assize", "css", "text/css; charset=utf-8", STYLE_CSS),
        Asset::script("page", PAGE_JS),
        Asset::script("verify", VERIFY_JS),
        Asset::script("htmx", HTMX_JS),
        Asset::new("icon", "svg", "image/svg+xml", ICON_SVG),
    ]
});

/// The addresses of style and scripts, for a page.
pub(crate) fn linked_assets() -> Assets<'static> {
    let [style, page, verify, _, icon] = &*ASSETS;
    Assets::Linked { stylesheet: &style.path, page_script: &page.path, verify_script: &verify.path, icon: &icon.path }
}

/// A script that only some pages load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Repeats verifications in the browser.
    Verify,
    /// Replaces a table without loading its page again.
    Htmx,
}

impl Script {
    /// Its address.
    pub(super) fn path(self) -> &'static str {
        let [_, _, verify, htmx, _] = &*ASSETS;
        match self {
            Self::Verify => &verify.path,
            Self::Htmx => &htmx.path,
        }
    }
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
