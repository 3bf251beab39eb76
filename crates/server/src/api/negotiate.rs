//! What the client would rather read (RFC 9110 section 12.5.1), and whether it has it already (section 13).

use axum::body::Bytes;
use axum::http::header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Whether a page suits the client better than JSON. A client that takes both alike gets JSON: it is no browser.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let accept: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accept = accept.join(",");
    quality(&accept, "text", "html") > quality(&accept, "application", "json")
}

/// The weight that `accept` gives to a media type: that of its most specific range.
fn quality(accept: &str, kind: &str, subtype: &str) -> f32 {
    let mut best = (0_u8, 0.0_f32);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let specificity = match media.split_once('/') {
            Some((k, s)) if k == kind && s == subtype => 3,
            Some((k, "*")) if k == kind => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        let weight = parts
            .find_map(|parameter| parameter.strip_prefix("q="))
            .map_or(1.0, |weight| weight.parse().unwrap_or(0.0_f32).clamp(0.0, 1.0));
        if specificity > best.0 || (specificity == best.0 && weight > best.1) {
            best = (specificity, weight);
        }
    }
    best.1
}

/// A representation of something public: with its tag, or 304 when the client holds it already. Anyone's page may read
/// it: certificates and the log are for everybody.
pub(crate) fn public(
    headers: &HeaderMap,
    content_type: &'static str,
    cache: &'static str,
    body: impl Into<Bytes>,
) -> Response {
    let body = body.into();
    // Weak, because compression changes the bytes and not the meaning.
    let tag = format!("W/\"{}\"", &hex::encode(Sha256::digest(&body))[..32]);
    let held = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let fresh = held.flat_map(|value| value.split(',')).any(|held| held.trim() == tag || held.trim() == "*");
    let mut response = if fresh { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let answer = response.headers_mut();
    if !fresh {
        answer.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    answer.insert(ETAG, HeaderValue::from_str(&tag).expect("hex and quotes are ASCII"));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer.append(VARY, HeaderValue::from_static("accept"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: Option<&str>, html: bool) {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(ACCEPT, accept.parse().unwrap());
        }
        assert_eq!(prefers_html(&headers), html, "{accept:?}");
    }

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        check(Some("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"), true);
        check(Some("text/html"), true);
        check(Some("TEXT/HTML;q=0.5"), true);
        check(Some("text/*, application/json;q=0.9"), true);
        check(None, false);
        check(Some("*/*"), false);
        check(Some("application/json"), false);
        check(Some("application/json, text/html"), false);
        check(Some("application/json, text/html;q=0.9"), false);
        check(Some("text/html;q=0, */*"), false);
        check(Some("text/html;q=nonsense"), false);
    }

    #[test]
    fn a_held_representation_is_not_sent_again() {
        let mut headers = HeaderMap::new();
        let first = public(&headers, "text/plain", "no-cache", "content");
        assert_eq!(first.status(), StatusCode::OK);
        headers.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        let second = public(&headers, "text/plain", "no-cache", "content");
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
        let changed = public(&headers, "text/plain", "no-cache", "other content");
        assert_eq!(changed.status(), StatusCode::OK);
    }
}
