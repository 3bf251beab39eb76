//! What pages of the dashboard answer, for the interface's description: alike everywhere, so said once.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Response, ResponseBuilder};

/// A page for a signed-in person.
pub(crate) struct PageAnswers;

/// A form of a signed-in person.
pub(crate) struct FormAnswers;

impl IntoResponses for PageAnswers {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[
            ("200", "The page", true),
            ("303", "Nobody is signed in: the address of the sign-in page", false),
            ("403", "The person's role does not allow it", true),
            ("404", "There is no such thing in this organization", true),
            ("410", "It was there, and was erased", true),
            ("422", "A parameter cannot be read", true),
            ("503", "The server cannot answer now", true),
        ])
    }
}

impl IntoResponses for FormAnswers {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[
            ("200", "Done; what is shown once stands on the page", true),
            ("303", "Done: the address of the next page; or nobody is signed in: that of the sign-in page", false),
            ("403", "The form does not carry the session's token, or the person's role does not allow it", true),
            ("404", "There is no such thing in this organization", true),
            ("410", "It was there, and was erased", true),
            ("409", "The thing is in a state that does not allow it", true),
            ("413", "What was sent is too large", true),
            ("415", "The body is not a form", true),
            ("422", "The form again, with what to change", true),
            ("429", "Too many tries", true),
            ("503", "The server cannot take it now", true),
        ])
    }
}

fn described(answers: &[(&str, &str, bool)]) -> BTreeMap<String, RefOr<Response>> {
    let answer = |(status, description, page): &(&str, &str, bool)| {
        let mut response = ResponseBuilder::new().description(*description);
        if *page {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            response = response.content("text/html", ContentBuilder::new().schema(Some(text)).build());
        }
        ((*status).to_owned(), RefOr::T(response.build()))
    };
    answers.iter().map(answer).collect()
}
