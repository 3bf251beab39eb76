//! The frame that every page of the product shares: skip link, left navigation, breadcrumbs, content, theme switch.
//!
//! The server gives title, navigation and content; it decides which areas exist and which one is open.

use askama::Template;

use crate::view::Assets;

/// One page in its frame.
#[derive(Debug, Clone, Copy)]
pub struct ShellView<'a> {
    /// The page's name, in the tab and as heading.
    pub title: &'a str,
    /// One sentence that answers the page's question; empty for none.
    pub lead: &'a str,
    /// Address of the landing page.
    pub home: &'a str,
    /// The left navigation.
    pub navigation: &'a [NavGroup<'a>],
    /// From the root to the parent of this page.
    pub breadcrumbs: &'a [Crumb<'a>],
    /// Content as HTML. The caller has escaped what users wrote.
    pub body_html: &'a str,
    /// Where style and scripts come from.
    pub assets: Assets<'a>,
}

/// One area of the navigation.
#[derive(Debug, Clone, Copy)]
pub struct NavGroup<'a> {
    /// Its name.
    pub title: &'a str,
    /// Its pages.
    pub items: &'a [NavItem<'a>],
}

/// One page in the navigation.
#[derive(Debug, Clone, Copy)]
pub struct NavItem<'a> {
    /// Its name.
    pub label: &'a str,
    /// Its address.
    pub href: &'a str,
    /// Whether it is the page shown.
    pub active: bool,
}

/// One step of the breadcrumbs.
#[derive(Debug, Clone, Copy)]
pub struct Crumb<'a> {
    /// Its name.
    pub label: &'a str,
    /// Its address.
    pub href: &'a str,
}

#[derive(Template)]
#[template(path = "shell.html")]
struct ShellTemplate<'a> {
    view: &'a ShellView<'a>,
    head: Head<'a>,
}

/// Style and scripts as the templates include them.
pub(crate) struct Head<'a> {
    pub(crate) stylesheet: Option<&'a str>,
    pub(crate) page_script: Option<&'a str>,
    pub(crate) verify_script: Option<&'a str>,
    pub(crate) css: &'static str,
    pub(crate) page_js: &'static str,
    pub(crate) verify_js: &'static str,
}

impl<'a> Head<'a> {
    pub(crate) fn new(assets: Assets<'a>) -> Head<'a> {
        let (stylesheet, page_script, verify_script) = match assets {
            Assets::Linked { stylesheet, page_script, verify_script } => {
                (Some(stylesheet), Some(page_script), Some(verify_script))
            }
            Assets::Inline => (None, None, None),
        };
        Head {
            stylesheet,
            page_script,
            verify_script,
            css: crate::STYLE_CSS,
            page_js: crate::PAGE_JS,
            verify_js: crate::VERIFY_JS,
        }
    }
}

/// Renders a page in the product's frame.
pub fn shell_html(view: &ShellView<'_>) -> String {
    let template = ShellTemplate { view, head: Head::new(view.assets) };
    template.render().expect("writing to a string cannot fail and the template calls nothing fallible")
}
