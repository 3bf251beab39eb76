//! Who asks: the API key in `X-API-Key` (or as a bearer token), or, on pages of the dashboard, the session's cookie.
//! What is found goes along with the request; whether a route needs it is the route's own to say, by what it extracts.
//!
//! The cookie is sent to no script (`HttpOnly`), with no form of another site (`SameSite=Lax`), and, once the site is
//! reached through TLS, never without it (`Secure`, under a `__Host-` name, which no other host can set).

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;

use super::Peer;
use crate::api;
use crate::app::{AppError, Caller, Token};
use crate::state::HttpState;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Where clients of the governance and of the robustness interface name their organization.
const ORGANIZATION_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-organization-id"), HeaderName::from_static("org-id")];
/// Pages that look different to a signed-in person, as path and everything below it.
const PAGES: [&str; 3] = ["/dashboard", "/log", "/docs"];
const COOKIE_PLAIN: &str = "assize_session";
const COOKIE_TLS: &str = "__Host-assize_session";

/// What became of the API key of a request.
#[derive(Debug, Clone)]
pub(crate) enum PresentedKey {
    /// It is good, and stands for this caller.
    Good(Caller),
    /// It is none, unknown, ended, or of another organization than the one named.
    Refused,
}

/// Finds out who asks and notes it in the request's extensions: a [`PresentedKey`] when there is a key, a
/// [`crate::app::SignedIn`] when there is a session.
pub(crate) async fn identify_caller(State(state): State<HttpState>, mut request: Request, next: Next) -> Response {
    match identified(&state, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(error) => api::error_response(request.uri().path(), error),
    }
}

async fn identified(state: &HttpState, request: &mut Request) -> Result<(), AppError> {
    let peer = request.extensions().get::<Peer>().copied();
    let address = peer.map(|peer| peer.address);
    if let Some(secret) = api_key(request.headers()) {
        let organization = ORGANIZATION_HEADERS.iter().find_map(|name| request.headers().get(name));
        // A name that is not text names no organization; the key is then of another one.
        let organization = organization.map(|value| value.to_str().unwrap_or_default());
        let presented = match state.app().authenticate(secret, organization, address).await {
            Ok(caller) => PresentedKey::Good(caller),
            Err(AppError::Unauthorized) => PresentedKey::Refused,
            Err(error) => return Err(error),
        };
        request.extensions_mut().insert(presented);
    }
    if is_page(request.uri().path())
        && let Some(token) = session_token(request.headers(), peer.is_some_and(|peer| peer.tls))
        && let Some(signed_in) = state.app().session(&token, address).await?
    {
        request.extensions_mut().insert(signed_in);
    }
    Ok(())
}

/// Whether a path is that of a page that a session opens or changes; programs' paths cost no look for one.
fn is_page(path: &str) -> bool {
    let below = |page: &str| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    path == "/" || PAGES.iter().any(|page| below(page))
}

/// The key of a request: `X-API-Key`, or `Authorization: Bearer`.
fn api_key(headers: &HeaderMap) -> Option<&str> {
    if let Some(value) = headers.get(&X_API_KEY) {
        // A value that is not text is a key that cannot be known.
        return Some(value.to_str().unwrap_or_default());
    }
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| value.trim())
}

/// The token in the cookie that fits how the site is reached: one that came without TLS opens nothing behind it.
fn session_token(headers: &HeaderMap, tls: bool) -> Option<Token> {
    let name = if tls { COOKIE_TLS } else { COOKIE_PLAIN };
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Token::parse(value)
}

/// The cookie that keeps a session.
pub(crate) fn session_cookie(token: &Token, expires_at: Timestamp, now: Timestamp, tls: bool) -> HeaderValue {
    let seconds = expires_at.duration_since(now).as_secs().max(0);
    cookie(token.expose(), seconds, tls)
}

/// The cookie that ends it.
pub(crate) fn ended_session_cookie(tls: bool) -> HeaderValue {
    cookie("", 0, tls)
}

fn cookie(value: &str, seconds: i64, tls: bool) -> HeaderValue {
    let (name, secure) = if tls { (COOKIE_TLS, "; Secure") } else { (COOKIE_PLAIN, "") };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).expect("names, base64url and numbers are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn keys_come_in_their_own_header_or_as_bearer_tokens() {
        assert_eq!(api_key(&headers(&[])), None);
        assert_eq!(api_key(&headers(&[("x-api-key", "ak_live_1")])), Some("ak_live_1"));
        assert_eq!(api_key(&headers(&[("authorization", "bearer  ak_live_2")])), Some("ak_live_2"));
        assert_eq!(api_key(&headers(&[("authorization", "Basic YTpi")])), None);
        let both = headers(&[("authorization", "Bearer b"), ("x-api-key", "a")]);
        assert_eq!(api_key(&both), Some("a"));
    }

    #[test]
    fn cookies_have_all_their_guards() {
        let token = Token::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let at = |s| Timestamp::from_second(s).unwrap();
        let plain = session_cookie(&token, at(100), at(40), false);
        assert_eq!(
            plain.to_str().unwrap(),
            format!("assize_session={}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax", token.expose())
        );
        let secure = session_cookie(&token, at(100), at(40), true);
        let secure = secure.to_str().unwrap();
        assert!(secure.starts_with("__Host-assize_session=") && secure.ends_with("; Secure"), "{secure}");
        assert!(ended_session_cookie(false).to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn a_session_is_read_from_the_cookie_that_fits() {
        let token = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let both = format!("theme=dark; assize_session={token}");
        assert!(session_token(&headers(&[("cookie", &both)]), false).is_some());
        assert!(session_token(&headers(&[("cookie", &both)]), true).is_none());
        let secure = format!("__Host-assize_session={token}");
        assert!(session_token(&headers(&[("cookie", &secure)]), true).is_some());
        assert!(session_token(&headers(&[("cookie", "assize_session=short")]), false).is_none());
    }
}
