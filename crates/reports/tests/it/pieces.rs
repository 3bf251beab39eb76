//! Badge, QR code and page frame.

use assize_fairness::document::CertificationStatus;
use assize_reports::{Assets, Crumb, NavGroup, NavItem, ShellView, badge_svg, qr_svg, shell_html};

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
        NavItem { label: "Audits", href: "/audits", active: true },
        NavItem { label: "Public log", href: "/log", active: false },
    ];
    let html = shell_html(&ShellView {
        title: "Audits <all>",
        lead: "Three ran today.",
        home: "/",
        navigation: &[NavGroup { title: "Certificates", items: &items }],
        breadcrumbs: &[Crumb { label: "Home", href: "/" }],
        body_html: "<p id=\"mine\">content</p>",
        assets: Assets::Linked { stylesheet: "/s.css", page_script: "/p.js", verify_script: "/v.js" },
    });
    assert_eq!(html.matches("aria-current=\"page\"").count(), 1);
    assert!(html.contains("<h1>Audits &#60;all&#62;</h1>") && html.contains("<p id=\"mine\">content</p>"));
    assert!(html.contains("href=\"#content\"") && !html.contains("/v.js"));
}
