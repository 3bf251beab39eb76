//! The page: all figures with their tables, nothing from outside, hostile text disarmed.

use assize_reports::{Assets, EmbeddedEvidence, certificate_html};

use crate::sample::{HOSTILE, body, explained_body, hostile_body, revoked, verified, view};

const LINKED: Assets<'_> = Assets::Linked {
    stylesheet: "/assets/assize.css",
    page_script: "/assets/page.js",
    verify_script: "/assets/verify.js",
    icon: "/assets/icon.svg",
};

/// Bytes of the page itself, before compression takes it to a fifth.
const PAGE_BYTES_MAX: usize = 220_000;

/// The drawings inside a page.
fn charts(html: &str) -> Vec<&str> {
    let starts = html.match_indices("<svg xmlns").map(|(start, _)| start);
    let end = |start: usize| html[start..].find("<details").map_or(html.len(), |end| start + end);
    starts
        .filter(|start| html[*start..].starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\""))
        .map(|start| html[start..end(start)].trim())
        .collect()
}

#[test]
fn every_figure_is_there_with_its_data() {
    let (body, verification) = (body(), verified());
    let html = certificate_html(&view(&body, &verification, LINKED));
    for figure in [
        "impact-ratios",
        "selection-rates-1",
        "error-rates-1",
        "threshold-sweep",
        "flips",
        "proxies",
        "missingness",
        "mitigations",
    ] {
        assert!(html.contains(&format!("<figure class=\"figure\" id=\"{figure}\">")), "no figure {figure}");
    }
    let figures = html.matches("<figure ").count();
    assert_eq!(figures, html.matches("Data as a table").count());
    assert_eq!(figures, charts(&html).len());
    assert!(html.len() < PAGE_BYTES_MAX, "{} bytes", html.len());
}

#[test]
fn what_the_decisions_rest_on_is_shown_from_version_2_on() {
    let (old, new, verification) = (body(), explained_body(), verified());
    let html = |body| certificate_html(&view(body, &verification, LINKED));
    let (old, new) = (html(&old), html(&new));
    for figure in ["contributions", "contributions-by-group-1", "contributions-by-group-2"] {
        let figure = format!("<figure class=\"figure\" id=\"{figure}\">");
        assert!(new.contains(&figure) && !old.contains(&figure), "{figure}");
    }
    for said in [
        "What the decisions rest on",
        "Decisions rest most on marital-status",
        "tells sex groups apart most",
        "Kernel SHAP",
    ] {
        assert!(new.contains(said), "the page does not say {said}");
    }
    assert!(!old.contains("What the decisions rest on"));
}

#[test]
fn every_drawing_is_well_formed_and_named() {
    let verification = verified();
    for body in [body(), hostile_body(HOSTILE[2]), hostile_body(HOSTILE[5])] {
        let html = certificate_html(&view(&body, &verification, LINKED));
        for svg in charts(&html) {
            let tree = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
            let root = tree.root_element();
            assert_eq!(root.attribute("role"), Some("img"));
            for name in root.attribute("aria-labelledby").unwrap().split(' ') {
                let named = root.children().find(|node| node.attribute("id") == Some(name)).unwrap();
                assert!(!named.text().unwrap_or_default().is_empty(), "{name} is empty");
            }
        }
    }
}

#[test]
fn first_screen_answers_who_what_and_how_long() {
    let (body, verification) = (body(), verified());
    let html = certificate_html(&view(&body, &verification, LINKED));
    let first = &html[..html.find("id=\"findings\"").unwrap()];
    for said in [
        &*body.organization,
        &body.certificate_id,
        "Valid until",
        "Scan to verify",
        "role=\"img\" aria-label=\"QR code",
    ] {
        assert!(first.contains(said), "first screen lacks {said}");
    }
}

#[test]
fn states_are_words_and_missing_data_is_as_visible_as_failure() {
    let (body, verification) = (body(), verified());
    let html = certificate_html(&view(&body, &verification, LINKED));
    let open = &html[html.find("id=\"findings\"").unwrap()..html.find(": Pass</summary>").unwrap()];
    for word in ["<span class=\"word\">Fail</span>", "<span class=\"word\">Not enough data</span>"] {
        assert!(open.contains(word), "{word}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let verification = verified();
    for text in HOSTILE {
        let body = hostile_body(text);
        let html = certificate_html(&view(&body, &verification, LINKED));
        for markup in ["<script>alert", "<svg onload", "<!--"] {
            assert!(!html.contains(markup), "{markup} of {text}");
        }
        assert_eq!(html.matches("<script").count(), 2, "{text}");
    }
}

#[test]
fn revocation_is_the_first_thing_seen() {
    let (body, verification) = (body(), revoked());
    let html = certificate_html(&view(&body, &verification, LINKED));
    let first = &html[..html.find("<dl").unwrap()];
    assert!(first.contains("Revoked 2026-12-01 00:00 UTC: wrong &#60;data&#62; file"), "{first}");
    assert!(!first.contains("<span class=\"word\">Valid</span>"));
}

#[test]
fn a_file_of_its_own_needs_nothing_else() {
    let (body, verification) = (body(), verified());
    let mut view = view(&body, &verification, Assets::Inline);
    view.evidence = Some(EmbeddedEvidence { document: r#"{"model_name":"</script><b>"}"#, keys: r#"{"keys":[]}"# });
    let html = certificate_html(&view);
    for outside in ["<link", "src=", "@import", "url(http"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains(r#"{"model_name":"\u003c/script>\u003cb>"}"#));
}

#[test]
fn a_strict_content_security_policy_breaks_nothing() {
    let (body, verification) = (body(), verified());
    let html = certificate_html(&view(&body, &verification, LINKED));
    for inline in [" style=", "<style", " onclick=", "javascript:"] {
        assert!(!html.contains(inline), "{inline}");
    }
    assert_eq!(html.matches("<script").count(), html.matches("<script src=").count());
}

#[test]
fn same_view_gives_same_page() {
    let (body, verification) = (body(), verified());
    let page = || certificate_html(&view(&body, &verification, Assets::Inline));
    assert_eq!(page(), page());
}

#[test]
fn a_body_without_any_measurement_is_still_a_page() {
    let mut body = body();
    let results = &mut body.layer_results;
    results.fairness_metrics.attributes.clear();
    results.fairness_metrics.intersections.clear();
    results.fairness_metrics.threshold_sweep.clear();
    results.stress_test.flips.clear();
    results.data_forensics.proxies.clear();
    results.data_forensics.missingness.clear();
    body.mitigations.clear();
    body.findings.clear();
    let verification = verified();
    let html = certificate_html(&view(&body, &verification, LINKED));
    assert!(html.contains("No test was made."));
}
