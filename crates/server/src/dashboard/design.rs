//! `/dashboard/design`: every token and component of the style sheet, shown and named, so that a new page is made of
//! what is there.

use askama::Template;
use axum::http::HeaderMap;
use axum::response::Response;

use super::frame::{Page, open_page};
use super::visitor::Visitor;

/// The tokens of the style sheet that are colours, as (name, what it is for).
const COLOURS: &[(&str, &[(&str, &str)])] = &[
    (
        "Surfaces and ink",
        &[
            ("page", "behind everything"),
            ("surface", "cards, tables, bar"),
            ("sunken", "code, hover"),
            ("line", "borders"),
            ("line-strong", "borders of controls"),
            ("text", "text"),
            ("muted", "what is less important"),
        ],
    ),
    (
        "Accent",
        &[("accent", "links, the one action"), ("accent-hover", "under the pointer"), ("accent-surface", "chosen")],
    ),
    (
        "Meanings",
        &[
            ("pass", "holds"),
            ("fail", "does not hold, destroys"),
            ("unsure", "measured without a verdict"),
            ("silent", "not measured, not checked"),
        ],
    ),
];

/// The parts of the page, for its contents, as (anchor, name).
const PARTS: &[(&str, &str)] = &[
    ("tokens", "Tokens"),
    ("type", "Type"),
    ("buttons", "Buttons"),
    ("states", "States"),
    ("fields", "Fields"),
    ("notices", "Notices"),
    ("cards", "Cards and facts"),
    ("texts", "Texts of customers"),
    ("tables", "Tables"),
    ("tabs", "Tabs and menus"),
    ("dialogs", "Dialog and toast"),
    ("steps", "Stepper and timeline"),
    ("code", "Code and diff"),
    ("empty", "Empty states"),
];

#[derive(Template)]
#[template(path = "design.html")]
struct Design {
    colours: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    parts: &'static [(&'static str, &'static str)],
}

/// The design system: all tokens and components on one page.
#[utoipa::path(
    get,
    path = "/dashboard/design",
    tag = "pages",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "Unchanged since the given ETag"),
    )
)]
pub(crate) async fn design(visitor: Visitor, headers: HeaderMap) -> Response {
    let body = Design { colours: COLOURS, parts: PARTS }.render().expect("writing to a string cannot fail");
    let page = Page {
        title: "Design system",
        lead: "Every component of these pages, in the theme you chose. New pages are made of these and of nothing else.",
        body_html: &body,
        path: "/dashboard/design",
        parents: &[("Certificates", "/")],
        ..Page::default()
    };
    open_page(&headers, &visitor, &page)
}

#[cfg(test)]
mod tests {
    use assize_reports::STYLE_CSS;

    use super::*;

    #[test]
    fn every_colour_shown_is_a_token_of_the_style_sheet() {
        for (name, _) in COLOURS.iter().flat_map(|(_, colours)| colours.iter()) {
            assert!(STYLE_CSS.contains(&format!("--{name}: light-dark(")), "{name}");
            assert!(STYLE_CSS.contains(&format!(".swatch.{name} ")), "{name} has no swatch");
        }
    }

    #[test]
    fn every_component_of_the_style_sheet_is_shown() {
        let html = Design { colours: COLOURS, parts: PARTS }.render().unwrap();
        for class in [
            "button",
            "primary",
            "quiet",
            "danger",
            "state pass",
            "state fail",
            "state unsure",
            "state silent",
            "state busy",
            "tag",
            "field",
            "errors",
            "notice",
            "card",
            "stat",
            "facts",
            "records",
            "toolbar",
            "pager",
            "tabs",
            "menu",
            "steps",
            "timeline",
            "code",
            "diff",
            "empty",
            "checks",
            "crumbs",
            "chip",
            "chips",
            "meter unsure",
            "said",
            "unseen",
        ] {
            assert!(html.contains(&format!("class=\"{class}")) || html.contains(&format!(" {class}\"")), "{class}");
        }
        for element in ["<dialog", "<progress", "data-toast"] {
            assert!(html.contains(element), "{element}");
        }
        for (anchor, _) in PARTS {
            assert!(html.contains(&format!("id=\"{anchor}\"")), "{anchor}");
        }
    }
}
