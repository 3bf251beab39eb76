//! The product's frame with this server's navigation: which areas there are, who may see which, how a page is
//! answered, and the pages that say that something is not there.
//!
//! A page for anybody may be kept by anybody; a page for a person belongs to that person alone and is never kept.

use askama::Template;
use assize_reports::{Account, Crumb, NavGroup, NavItem, OrganizationChoice, Reader, ShellView, shell_html};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::assets::{Script, linked_assets};
use super::visitor::{Person, Visitor};
use crate::api::negotiate::public;
use crate::app::Permission;

/// A page: its name, the sentence under it, its content, its address.
#[derive(Default)]
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) lead: &'a str,
    /// What can be done with the page, in its head, as HTML.
    pub(super) actions_html: &'a str,
    pub(super) body_html: &'a str,
    /// The entry of the navigation that is open; empty for none.
    pub(super) path: &'a str,
    /// The pages between the root and this one, as (name, address).
    pub(super) parents: &'a [(&'a str, &'a str)],
    pub(super) scripts: &'a [Script],
    /// What the search field holds.
    pub(super) query: &'a str,
}

/// A page in the navigation.
struct Entry {
    label: &'static str,
    href: &'static str,
    icon: &'static str,
    /// What the reader must be allowed to see it.
    needs: Permission,
    note: &'static str,
}

/// An entry that everybody who can read sees.
const fn entry(label: &'static str, href: &'static str, icon: &'static str) -> Entry {
    Entry { label, href, icon, needs: Permission::Read, note: "" }
}

impl Entry {
    const fn needing(self, needs: Permission) -> Self {
        Self { needs, ..self }
    }

    const fn noted(self, note: &'static str) -> Self {
        Self { note, ..self }
    }
}

/// What anybody can open.
const PUBLIC: &[(&str, &[Entry])] = &[
    (
        "Certificates",
        &[
            entry("Latest", "/", "seal"),
            entry("Public log", "/log", "log"),
            entry("Signing keys", "/.well-known/assize-keys.json", "key"),
        ],
    ),
    ("Interface", &[entry("Reference", "/docs", "book"), entry("OpenAPI", "/openapi.json", "braces")]),
];

/// What people with a session can open, in the order of their day. An area that this version does not have says so.
const DASHBOARD: &[(&str, &[Entry])] = &[
    ("", &[entry("Home", "/dashboard", "home").needing(Permission::Submit)]),
    (
        "Interactions",
        &[
            entry("I/O Logs", "/dashboard/interactions", "chat"),
            entry("Playground", "/dashboard/interactions/playground", "try"),
        ],
    ),
    (
        "Certificates",
        &[
            entry("Audits", "/dashboard/audits", "audit"),
            entry("Latest certificates", "/", "seal"),
            entry("Public log", "/log", "log"),
        ],
    ),
    ("Robustness", &[entry("About robustness", "/dashboard/robustness", "shield").noted(NOT_YET)]),
    ("Governance", &[entry("About governance", "/dashboard/governance", "scale").noted(NOT_YET)]),
    (
        "",
        &[
            entry("Jobs", "/dashboard/jobs", "jobs"),
            entry("Usage", "/dashboard/usage", "usage"),
            entry("Keys", "/dashboard/keys", "key").needing(Permission::Manage),
            entry("People", "/dashboard/people", "people").needing(Permission::Manage),
            entry("Audit trail", "/dashboard/trail", "trail").needing(Permission::Run),
            entry("Settings", "/dashboard/settings", "settings").needing(Permission::Manage),
            entry("Reference", "/docs", "book"),
        ],
    ),
];

/// The page that everybody without a session is led to.
pub(super) const SIGN_IN: &str = "/dashboard/sign-in";

const NOT_YET: &str = "not yet";

/// The pages that a person can open, as (name, address), for the search.
pub(super) fn pages_of(person: &Person) -> impl Iterator<Item = (&'static str, &'static str)> {
    let may = |entry: &&Entry| person.caller().may(entry.needs);
    DASHBOARD.iter().flat_map(|(_, entries)| entries.iter()).filter(may).map(|entry| (entry.label, entry.href))
}

/// The page in its frame.
pub(super) fn framed(page: &Page<'_>, visitor: &Visitor) -> String {
    let person = visitor.person();
    let may = |entry: &&Entry| person.is_none_or(|person| person.caller().may(entry.needs));
    let item = |entry: &Entry| NavItem {
        label: entry.label,
        href: entry.href,
        icon: entry.icon,
        note: entry.note,
        active: entry.href == page.path,
    };
    let areas = if person.is_some() { DASHBOARD } else { PUBLIC };
    let areas: Vec<(&str, Vec<NavItem<'_>>)> =
        areas.iter().map(|(title, entries)| (*title, entries.iter().filter(may).map(item).collect())).collect();
    let navigation: Vec<NavGroup<'_>> = areas.iter().map(|(title, items)| NavGroup { title, items }).collect();
    let breadcrumbs: Vec<Crumb<'_>> = page.parents.iter().map(|(label, href)| Crumb { label, href }).collect();
    let scripts: Vec<&str> = page.scripts.iter().map(|script| script.path()).collect();
    let organizations: Vec<OrganizationChoice<'_>> = person.map(choices).unwrap_or_default();
    let reader = match person {
        None => Reader::Anybody { sign_in: if page.path == SIGN_IN { "" } else { "/dashboard" } },
        Some(person) => Reader::Person(Account {
            email: &person.signed_in.email,
            role: person.caller().role.as_str(),
            organizations: &organizations,
            csrf: &person.csrf,
            query: page.query,
            search: "/dashboard/search",
            switch: "/dashboard/organization",
            sign_out: "/dashboard/sign-out",
            account: "/dashboard/account",
        }),
    };
    shell_html(&ShellView {
        title: page.title,
        lead: page.lead,
        home: if person.is_some() { "/dashboard" } else { "/" },
        navigation: &navigation,
        breadcrumbs: &breadcrumbs,
        actions_html: page.actions_html,
        body_html: page.body_html,
        reader,
        assets: linked_assets(),
        scripts: &scripts,
    })
}

fn choices(person: &Person) -> Vec<OrganizationChoice<'_>> {
    let current = person.caller().organization.as_str();
    let places = person.signed_in.places.iter().map(|place| (place.organization.as_str(), &place.organization_name));
    places.map(|(id, name)| OrganizationChoice { id, name, current: id == current }).collect()
}

/// A page that anybody may open: what a person sees of it is theirs alone, what everybody sees may be kept.
pub(super) fn open_page(headers: &HeaderMap, visitor: &Visitor, page: &Page<'_>) -> Response {
    let html = framed(page, visitor);
    let mut response = match visitor {
        Visitor::Anybody => public(headers, HTML, "no-cache", html),
        Visitor::Person(_) => own_page(StatusCode::OK, html),
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("cookie"));
    response
}

/// A page for one person.
pub(super) fn own_page(status: StatusCode, html: String) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(HTML)),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    (status, headers, html).into_response()
}

const HTML: &str = "text/html; charset=utf-8";

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
        parents: &[("Certificates", "/")],
        ..Page::default()
    };
    (StatusCode::NOT_FOUND, Html(framed(&page, &Visitor::Anybody))).into_response()
}
