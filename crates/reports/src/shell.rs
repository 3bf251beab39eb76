//! The frame that every page of the product shares: skip link, bar on top with search and account, left navigation,
//! breadcrumbs, the page's head with its actions, content, theme switch.
//!
//! The server gives title, navigation, who is signed in and content; it decides which areas exist and which page is
//! open. On a narrow screen the navigation collapses to the bar; without a script it stands unfolded.

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
    /// What a reader can do with the page, in its head, as HTML. The caller has escaped what users wrote.
    pub actions_html: &'a str,
    /// Content as HTML. The caller has escaped what users wrote.
    pub body_html: &'a str,
    /// Who looks.
    pub reader: Reader<'a>,
    /// Where style and scripts come from.
    pub assets: Assets<'a>,
    /// Addresses of further scripts that this page uses.
    pub scripts: &'a [&'a str],
}

/// Who looks at a page.
#[derive(Debug, Clone, Copy)]
pub enum Reader<'a> {
    /// Anybody: the page offers to sign in, at this address, unless it is empty.
    Anybody {
        /// Address of the sign-in page.
        sign_in: &'a str,
    },
    /// A person with a session.
    Person(Account<'a>),
}

/// A signed-in person, the organization they work in, and the forms of the frame.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The person's e-mail address.
    pub email: &'a str,
    /// Their role in the organization.
    pub role: &'a str,
    /// The organizations they may work in; the first marked one is shown.
    pub organizations: &'a [OrganizationChoice<'a>],
    /// Token that every form carries.
    pub csrf: &'a str,
    /// What the search field holds.
    pub query: &'a str,
    /// Address that the search form asks.
    pub search: &'a str,
    /// Address that the form of the organization switch is posted to.
    pub switch: &'a str,
    /// Address that the form for signing out is posted to.
    pub sign_out: &'a str,
    /// Address of the page where one changes one's own password.
    pub account: &'a str,
}

/// An organization that a person may work in.
#[derive(Debug, Clone, Copy)]
pub struct OrganizationChoice<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Whether the person works in it now.
    pub current: bool,
}

/// One area of the navigation.
#[derive(Debug, Clone, Copy)]
pub struct NavGroup<'a> {
    /// Its name; empty for the group below the line.
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
    /// Name of its icon in `templates/shell_icons.html`.
    pub icon: &'a str,
    /// A word behind the name, for what needs one; empty for none.
    pub note: &'a str,
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

impl Account<'_> {
    /// The letter that stands for the person where there is no room for more.
    fn initial(&self) -> String {
        self.email.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
    }

    /// The organization they work in; empty when none is marked.
    fn organization(&self) -> &str {
        self.organizations.iter().find(|choice| choice.current).map_or("", |choice| choice.name)
    }
}
/// Style and scripts as the templates include them.
pub(crate) struct Head<'a> {
    pub(crate) stylesheet: Option<&'a str>,
    pub(crate) page_script: Option<&'a str>,
    pub(crate) verify_script: Option<&'a str>,
    pub(crate) icon: Option<&'a str>,
    pub(crate) css: &'static str,
    pub(crate) page_js: &'static str,
    pub(crate) verify_js: &'static str,
}

impl<'a> Head<'a> {
    pub(crate) fn new(assets: Assets<'a>) -> Head<'a> {
        let (stylesheet, page_script, verify_script, icon) = match assets {
            Assets::Linked { stylesheet, page_script, verify_script, icon } => {
                (Some(stylesheet), Some(page_script), Some(verify_script), Some(icon))
            }
            Assets::Inline => (None, None, None, None),
        };
        Head {
            stylesheet,
            page_script,
            verify_script,
            icon,
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
