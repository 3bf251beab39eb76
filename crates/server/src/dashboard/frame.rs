//! The product's frame with this server's navigation, and the pages that say that something is not there.

use askama::Template;
use assize_reports::{Crumb, NavGroup, NavItem, ShellView, shell_html};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::assets::linked_assets;

/// A page: its name, the sentence under it, its content, its address.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) lead: &'a str,
    pub(super) body_html: &'a str,
    /// The entry of the navigation that is open; empty for none.
    pub(super) path: &'a str,
}

/// The areas of the navigation that exist.
const AREAS: [(&str, &[(&str, &str)]); 2] = [
    ("Certificates", &[("Latest", "/"), ("Public log", "/log/checkpoint"), ("Keys", "/.well-known/assize-keys.json")]),
    ("Interface", &[("Reference", "/docs"), ("OpenAPI", "/openapi.json")]),
];

/// The page in its frame.
pub(super) fn framed(page: &Page<'_>) -> String {
    let item = |(label, href): &(&'static str, &'static str)| NavItem { label, href, active: *href == page.path };
    let areas: Vec<(&str, Vec<NavItem<'_>>)> =
        AREAS.iter().map(|(title, items)| (*title, items.iter().map(item).collect())).collect();
    let navigation: Vec<NavGroup<'_>> = areas.iter().map(|(title, items)| NavGroup { title, items }).collect();
    let to_root = [Crumb { label: "Certificates", href: "/" }];
    shell_html(&ShellView {
        title: page.title,
        lead: page.lead,
        home: "/",
        navigation: &navigation,
        breadcrumbs: if page.path == "/" { &[] } else { &to_root },
        body_html: page.body_html,
        assets: linked_assets(),
    })
}

#[derive(Template)]
#[template(path = "certificate_not_found.html")]
struct CertificateNotFound<'a> {
    id: &'a str,
}

/// The page for an id that names no certificate.
pub(crate) fn certificate_not_found(id: &str) -> Response {
    let body = CertificateNotFound { id }.render().expect("writing to a string cannot fail");
    let page = Page {
        title: "Certificate not found",
        lead: "This server has issued no certificate with this number.",
        body_html: &body,
        path: "",
    };
    (StatusCode::NOT_FOUND, Html(framed(&page))).into_response()
}
