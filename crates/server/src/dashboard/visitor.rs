//! Who looks at a page, and what a person may send: anybody reads what is public; a page of the dashboard needs a
//! session and sends whoever has none to sign in; a form needs the session's token beside it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use askama::Template;
use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::de::DeserializeOwned;

use super::frame::{Page, framed, own_page};
use crate::app::{AppError, Caller, SignedIn};
use crate::state::HttpState;

/// Name of the field that carries the session's token in every form.
pub(super) const CSRF_FIELD: &str = "csrf_token";

/// Who looks.
#[derive(Debug, Clone)]
pub(crate) enum Visitor {
    /// Anybody.
    Anybody,
    /// A signed-in person.
    Person(Box<Person>),
}

impl Visitor {
    /// The person, when it is one.
    pub(super) fn person(&self) -> Option<&Person> {
        match self {
            Self::Anybody => None,
            Self::Person(person) => Some(person),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let signed_in = parts.extensions.get::<SignedIn>().cloned();
        Ok(signed_in.map_or(Self::Anybody, |signed_in| Self::Person(Box::new(Person::from(signed_in)))))
    }
}

/// A signed-in person. As an extractor it sends whoever is not to the sign-in page, and back afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(super) signed_in: SignedIn,
    /// The token that their forms carry.
    pub(super) csrf: String,
}

impl From<SignedIn> for Person {
    fn from(signed_in: SignedIn) -> Self {
        Self { csrf: signed_in.token.csrf(), signed_in }
    }
}

impl Person {
    /// Whom operations act for.
    pub(super) fn caller(&self) -> &Caller {
        &self.signed_in.caller
    }

    /// A page of the dashboard in its frame.
    pub(super) fn page(&self, page: &Page<'_>) -> Response {
        self.page_with(StatusCode::OK, page)
    }

    /// A page with another status.
    pub(super) fn page_with(&self, status: StatusCode, page: &Page<'_>) -> Response {
        own_page(status, framed(page, &Visitor::Person(Box::new(self.clone()))))
    }

    /// What an operation came to, or the page that says why it did not.
    pub(super) fn answer(&self, result: Result<Response, AppError>) -> Response {
        result.unwrap_or_else(|error| failed(&Visitor::Person(Box::new(self.clone())), error))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Ok(visitor) = Visitor::from_request_parts(parts, state).await;
        match visitor {
            Visitor::Person(person) => Ok(*person),
            Visitor::Anybody => Err(to_sign_in(&parts.uri)),
        }
    }
}

/// A form of a signed-in person that carried the session's token.
#[derive(Debug)]
pub(crate) struct Posted<T> {
    pub(super) person: Person,
    pub(super) form: T,
}

impl<T: DeserializeOwned> FromRequest<HttpState> for Posted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let person = Person::from_request_parts(&mut parts, state).await?;
        let fields = fields(Request::from_parts(parts, body), state).await;
        let fields = fields.map_err(|error| person.answer(Err(error)))?;
        if !fields.get(CSRF_FIELD).is_some_and(|sent| person.signed_in.token.csrf_matches(sent)) {
            return Err(out_of_date(&person));
        }
        let form = read(&fields).map_err(|error| person.answer(Err(error)))?;
        Ok(Self { person, form })
    }
}

/// A form that anybody may post: there is no session yet. Browsers say where a form stands; one that stands on another
/// site's page is refused, so that nobody is signed in as somebody else without noticing.
#[derive(Debug)]
pub(crate) struct OpenForm<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<HttpState> for OpenForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Response> {
        if from_another_site(request.headers()) {
            return Err(failed(&Visitor::Anybody, AppError::Forbidden));
        }
        let form = fields(request, state).await.and_then(|fields| read(&fields));
        form.map(Self).map_err(|error| failed(&Visitor::Anybody, error))
    }
}

/// The fields of a form; of those sent twice the last.
async fn fields(request: Request, state: &HttpState) -> Result<BTreeMap<String, String>, AppError> {
    let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, state)
        .await
        .map_err(|rejection| AppError::Unprocessable(format!("the form cannot be read: {}", rejection.body_text())))?;
    Ok(pairs.into_iter().collect())
}

/// The fields as a struct of texts.
fn read<T: DeserializeOwned>(fields: &BTreeMap<String, String>) -> Result<T, AppError> {
    let fields = serde_json::to_value(fields).map_err(AppError::internal)?;
    serde_json::from_value(fields).map_err(|error| AppError::Unprocessable(format!("the form cannot be read: {error}")))
}

/// Whether a browser says that the request comes from another site's page (Fetch Metadata; `Origin` where it is not
/// sent). A program says neither.
fn from_another_site(headers: &HeaderMap) -> bool {
    let site = headers.get(HeaderName::from_static("sec-fetch-site")).and_then(|value| value.to_str().ok());
    site.is_some_and(|site| site == "cross-site" || site == "same-site")
}

/// To the sign-in page, and back afterwards when the page can be asked for again.
fn to_sign_in(uri: &Uri) -> Response {
    let wanted = uri.path_and_query().map_or("/dashboard", |path| path.as_str());
    let mut address = "/dashboard/sign-in".to_owned();
    if wanted != "/dashboard" && wanted.len() <= NEXT_BYTES_MAX {
        address.push_str("?next=");
        address.push_str(&query_value(wanted));
    }
    Redirect::to(&address).into_response()
}

/// Longest address that is gone back to after signing in, bytes.
const NEXT_BYTES_MAX: usize = 1000;

/// An address of this dashboard, and nothing that a browser could take for another site's.
pub(super) fn own_address(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let ours = text == "/dashboard" || text.starts_with("/dashboard/") || text.starts_with("/dashboard?");
    let page = !text.starts_with("/dashboard/sign-");
    (plain && ours && page && text.len() <= NEXT_BYTES_MAX).then_some(text)
}

/// A text as the value of a query parameter: everything but letters, digits and a few marks as percent signs.
pub(super) fn query_value(text: &str) -> String {
    use std::fmt::Write as _;
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            value.push(char::from(byte));
        } else {
            write!(value, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    value
}

#[derive(Template)]
#[template(path = "failed.html")]
struct Failed<'a> {
    text: &'a str,
    back: &'a str,
}

/// The page that says why something could not be done.
pub(super) fn failed(visitor: &Visitor, error: AppError) -> Response {
    use axum::http::header::RETRY_AFTER;
    let (status, title) = match &error {
        AppError::NotFound { .. } => (StatusCode::NOT_FOUND, "Not here"),
        AppError::Forbidden => (StatusCode::FORBIDDEN, "Your role does not allow this"),
        AppError::NoSubscription | AppError::InsufficientTokens => (StatusCode::FORBIDDEN, "No tokens left"),
        AppError::Unauthorized | AppError::SignInRefused => (StatusCode::FORBIDDEN, "Not signed in"),
        AppError::Erased { .. } => (StatusCode::GONE, "Erased"),
        // No form of these pages names its requests, so the first two do not come up.
        AppError::KeyReused | AppError::Repeated | AppError::Conflict(_) => {
            (StatusCode::CONFLICT, "It cannot be done now")
        }
        AppError::Unprocessable(_) | AppError::Fields(_) => (StatusCode::UNPROCESSABLE_ENTITY, "It cannot be done"),
        AppError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        AppError::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        AppError::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, "It took too long"),
        AppError::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "Not now"),
        AppError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "A mistake of ours"),
    };
    let retry_after_s = match &error {
        AppError::RateLimited { retry_after_s } | AppError::Unavailable { retry_after_s } => Some(*retry_after_s),
        _ => None,
    };
    let text = match error {
        AppError::Forbidden => {
            "Ask an administrator of the organization for another role, or for the thing itself.".to_owned()
        }
        AppError::Internal(error) => {
            crate::api::log_internal(&error);
            crate::api::INTERNAL_TEXT.to_owned()
        }
        other => other.to_string(),
    };
    let back = if visitor.person().is_some() { "/dashboard" } else { "/" };
    let body = Failed { text: &text, back }.render().expect("writing to a string cannot fail");
    let mut response = own_page(status, framed(&Page { title, body_html: &body, ..Page::default() }, visitor));
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The page for an error that arises outside of any handler.
pub(crate) fn error_page(error: AppError) -> Response {
    failed(&Visitor::Anybody, error)
}

/// Whether a path belongs to the pages that need a session, errors included.
pub(crate) fn owns(path: &str) -> bool {
    path == "/dashboard" || path.starts_with("/dashboard/")
}

/// A form without the session's token: its page is older than the session, or it stands on another site.
pub(super) fn out_of_date(person: &Person) -> Response {
    let text = "This form does not belong to your present session, so nothing was changed. Go back, load the page again, and send it once more.";
    let body = Failed { text, back: "/dashboard" }.render().expect("writing to a string cannot fail");
    person.page_with(
        StatusCode::FORBIDDEN,
        &Page { title: "The form is out of date", body_html: &body, ..Page::default() },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_back_to() {
        for good in ["/dashboard", "/dashboard/jobs?state=failed", "/dashboard?said=done"] {
            assert_eq!(own_address(good), Some(good));
        }
        for bad in [
            "",
            "/",
            "//evil.example/dashboard",
            "https://evil.example/dashboard",
            "/dashboardx",
            "/dashboard/\\evil",
            "/dashboard/sign-out",
            "/dashboard/\nx",
        ] {
            assert_eq!(own_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn query_values_keep_what_they_were() {
        assert_eq!(query_value("/dashboard/jobs?a=b&c=d e"), "/dashboard/jobs%3Fa%3Db%26c%3Dd%20e");
    }

    #[test]
    fn forms_on_other_sites_are_told_apart() {
        let mut headers = HeaderMap::new();
        assert!(!from_another_site(&headers));
        for (site, other) in [("same-origin", false), ("none", false), ("cross-site", true), ("same-site", true)] {
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            assert_eq!(from_another_site(&headers), other, "{site}");
        }
    }
}
