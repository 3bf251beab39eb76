//! Badge, QR code and page frame.

use assize_fairness::document::CertificationStatus;
use assize_reports::{
    Account, Assets, Crumb, NavGroup, NavItem, OrganizationChoice, Reader, ShellView, badge_svg, qr_svg, shell_html,
};

#[test]
fn badge_says_status_and_score_in_words() {
    for (status, word) in [
        (CertificationStatus::Certified, "certified 91.2"),
        (CertificationStatus::Conditional, "conditional 91.2"),
        (CertificationStatus::NotCertified, "not certified 91.2"),
    ] {
        let badge = badge_svg(status, 91.234);
        let tree = roxmltree::Document::parse(&badge).unwrap();
        assert_eq!(tree.root_element().attribute("aria-label"), Some(&*format!("Assize: {word}")));
    }
}

#[test]
fn code_is_square_with_its_quiet_zone() {
    let svg = qr_svg("https://assize.example/verify/MP-2026-000042").unwrap();
    let tree = roxmltree::Document::parse(&svg).unwrap();
    // Version 3 at level M holds it, because digits pack tighter: 29 modules, and 4 of quiet zone on each side.
    assert_eq!(tree.root_element().attribute("viewBox"), Some("0 0 37 37"));
    assert!(qr_svg(&"x".repeat(3000)).is_none());
}

#[test]
fn frame_marks_where_the_reader_is() {
    let items = [
        NavItem { label: "Audits", href: "/audits", icon: "audit", note: "", active: true },
        NavItem { label: "Public log", href: "/log", icon: "log", note: "", active: false },
    ];
    let html = shell_html(&ShellView {
        title: "Audits <all>",
        lead: "Three ran today.",
        home: "/",
        navigation: &[NavGroup { title: "Certificates", items: &items }],
        breadcrumbs: &[Crumb { label: "Home", href: "/" }],
        actions_html: "",
        body_html: "<p id=\"mine\">content</p>",
        reader: Reader::Anybody { sign_in: "/in" },
        assets: LINKED,
        scripts: &["/more.js"],
    });
    assert_eq!(html.matches("aria-current=\"page\"").count(), 1);
    assert!(html.contains("<h1>Audits &#60;all&#62;</h1>") && html.contains("<p id=\"mine\">content</p>"));
    assert!(html.contains("href=\"#content\"") && !html.contains("/v.js") && html.contains("/more.js"));
    assert!(html.contains("href=\"/in\"") && !html.contains("role=\"search\""));
}

const LINKED: Assets<'static> =
    Assets::Linked { stylesheet: "/s.css", page_script: "/p.js", verify_script: "/v.js", icon: "/i.svg" };

#[test]
fn frame_of_a_person_carries_their_forms() {
    let places = [
        OrganizationChoice { id: "org_a", name: "Acme <GmbH>", current: true },
        OrganizationChoice { id: "org_b", name: "Other", current: false },
    ];
    let account = Account {
        email: "ada@example.org",
        role: "owner",
        organizations: &places,
        csrf: "the-token",
        query: "a\"b",
        search: "/search",
        switch: "/switch",
        sign_out: "/out",
        account: "/me",
    };
    let view = ShellView {
        title: "Home",
        lead: "",
        home: "/",
        navigation: &[],
        breadcrumbs: &[],
        actions_html: "<a class=\"button\">Do</a>",
        body_html: "",
        reader: Reader::Person(account),
        assets: LINKED,
        scripts: &[],
    };
    let html = shell_html(&view);
    // The switch and the way out are posts, and every post carries the token.
    assert_eq!(html.matches("method=\"post\"").count(), 2);
    assert_eq!(html.matches("value=\"the-token\"").count(), 2);
    assert!(html.contains("<option value=\"org_a\" selected>Acme &#60;GmbH&#62;</option>"));
    assert!(html.contains("value=\"a&#34;b\""), "{html}");
    // Somebody with one place has nothing to switch.
    let alone = Account { organizations: &places[..1], ..account };
    let html = shell_html(&ShellView { reader: Reader::Person(alone), ..view });
    assert!(!html.contains("/switch") && html.contains("Acme &#60;GmbH&#62;"));
}
