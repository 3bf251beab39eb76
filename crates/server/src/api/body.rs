//! JSON bodies, read member by member, so that everything that is wrong with one is reported together, each problem
//! under the member's name. Members that are not asked for are accepted and ignored.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{error_response, unreadable_body};
use crate::app::{AppError, FieldProblems};

/// The members of a JSON object that was sent, and what is wrong with them so far.
#[derive(Debug, Default)]
pub(crate) struct Members {
    object: Map<String, Value>,
    problems: FieldProblems,
}

impl<S: Send + Sync> FromRequest<S> for Members {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let path = request.uri().path().to_owned();
        let refused = |text: String| error_response(&path, AppError::Unprocessable(text));
        let body = Bytes::from_request(request, state).await.map_err(|rejection| unreadable_body(&path, &rejection))?;
        match serde_json::from_slice(&body) {
            Ok(Value::Object(object)) => Ok(Self { object, problems: FieldProblems::default() }),
            Ok(_) => Err(refused("the body must be a JSON object".to_owned())),
            Err(error) => Err(refused(format!("the body is not JSON: {error}"))),
        }
    }
}

impl Members {
    /// A text that must be there, parsed. Something of the kind is answered when it is wrong, for [`Members::finish`]
    /// will refuse the whole.
    pub(crate) fn parsed<T: Default>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> T {
        let parsed = match self.object.get(name) {
            None | Some(Value::Null) => Err("is required".to_owned()),
            Some(Value::String(text)) => parse(text),
            Some(other) => Err(format!("must be a text, not {}", kind(other))),
        };
        self.problems.take(name, parsed).unwrap_or_default()
    }

    /// One of some words.
    pub(crate) fn word<T>(&mut self, name: &str, words: &[(&str, T)], otherwise: T) -> T
    where
        T: Copy,
    {
        let known = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let parsed = match self.object.get(name) {
            None | Some(Value::Null) => Err(format!("is required: {}", known())),
            Some(Value::String(text)) => match words.iter().find(|(word, _)| word == text) {
                Some((_, value)) => Ok(*value),
                None => Err(format!("must be one of {}", known())),
            },
            Some(other) => Err(format!("must be one of {}, not {}", known(), kind(other))),
        };
        self.problems.take(name, parsed).unwrap_or(otherwise)
    }

    /// A moment, when there is one.
    pub(crate) fn time_or_none(&mut self, name: &str) -> Option<Timestamp> {
        let parsed = match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => match text.parse() {
                Ok(at) => Ok(Some(at)),
                Err(_) => Err("must be a moment such as 2027-01-31T12:00:00Z (RFC 3339)".to_owned()),
            },
            Some(other) => Err(format!("must be a moment as text, not {}", kind(other))),
        };
        self.problems.take(name, parsed).flatten()
    }

    /// A whole number from 0 to `max`; 0 when there is none.
    pub(crate) fn count_or_zero(&mut self, name: &str, max: u32) -> u32 {
        let parsed = match self.object.get(name) {
            None | Some(Value::Null) => Ok(0),
            Some(value) => value
                .as_u64()
                .and_then(|count| u32::try_from(count).ok())
                .filter(|count| *count <= max)
                .ok_or_else(|| format!("must be a whole number from 0 to {max}")),
        };
        self.problems.take(name, parsed).unwrap_or_default()
    }

    /// A text, when there is one.
    pub(crate) fn text_or_none(&mut self, name: &str) -> Option<String> {
        self.read_or_none(name, |value| value.as_str().map(str::to_owned).ok_or("a text"))
    }

    /// A list of texts, when there is one.
    pub(crate) fn texts_or_none(&mut self, name: &str) -> Option<Vec<String>> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let read = |value: &Value| value.as_array().and_then(|items| items.iter().map(text).collect());
        self.read_or_none(name, |value| read(value).ok_or("an array of texts"))
    }

    /// A yes or no, when there is one.
    pub(crate) fn flag_or_none(&mut self, name: &str) -> Option<bool> {
        self.read_or_none(name, |value| value.as_bool().ok_or("true or false"))
    }

    /// What is neither missing nor null; `read` says what it must be.
    fn read_or_none<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, &'static str>) -> Option<T> {
        let value = self.object.get(name).filter(|value| !value.is_null())?;
        let parsed = read(value).map_err(|must| format!("must be {must}"));
        self.problems.take(name, parsed)
    }

    /// Refuses the body when anything was wrong.
    ///
    /// # Errors
    /// `Fields` with everything that was.
    pub(crate) fn finish(self) -> Result<(), AppError> {
        self.problems.finish()
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Members {
        match value {
            Value::Object(object) => Members { object, problems: FieldProblems::default() },
            _ => Members::default(),
        }
    }

    #[test]
    fn everything_wrong_is_reported_together() {
        let mut body = members(json!({ "name": 7, "role": "king", "expires_at": "tomorrow", "hours": -1, "more": 1 }));
        let parse = |text: &str| Ok(text.to_owned());
        assert_eq!(body.parsed("name", parse), "");
        assert_eq!(body.word("role", &[("viewer", 1), ("owner", 2)], 1), 1);
        assert_eq!(body.time_or_none("expires_at"), None);
        assert_eq!(body.count_or_zero("hours", 10), 0);
        assert_eq!(body.parsed("missing", parse), "");
        let told = body.finish().unwrap_err().to_string();
        assert_eq!(
            told,
            "name: must be a text, not a number; role: must be one of viewer, owner; expires_at: must be a moment such \
             as 2027-01-31T12:00:00Z (RFC 3339); hours: must be a whole number from 0 to 10; missing: is required"
        );
    }

    #[test]
    fn good_members_come_through() {
        let mut body =
            members(json!({ "name": "x", "role": "owner", "expires_at": "2027-01-31T12:00:00Z", "hours": 3 }));
        assert_eq!(body.parsed("name", |text| Ok(text.to_owned())), "x");
        assert_eq!(body.word("role", &[("viewer", 1), ("owner", 2)], 1), 2);
        assert!(body.time_or_none("expires_at").is_some() && body.time_or_none("absent").is_none());
        assert_eq!((body.count_or_zero("hours", 3), body.count_or_zero("absent", 3)), (3, 0));
        body.finish().unwrap();
    }

    #[test]
    fn members_may_be_absent_and_must_be_of_their_kind() {
        let mut body = members(json!({ "text": "x", "list": ["a", "b"], "flag": false, "none": null }));
        assert_eq!((body.text_or_none("text").as_deref(), body.text_or_none("none")), (Some("x"), None));
        assert_eq!(body.texts_or_none("list"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!((body.flag_or_none("flag"), body.flag_or_none("absent")), (Some(false), None));
        body.finish().unwrap();
        let mut body = members(json!({ "text": 1, "list": ["a", 2], "flag": "yes" }));
        assert_eq!((body.text_or_none("text"), body.texts_or_none("list")), (None, None));
        assert_eq!(body.flag_or_none("flag"), None);
        assert_eq!(
            body.finish().unwrap_err().to_string(),
            "text: must be a text; list: must be an array of texts; flag: must be true or false"
        );
    }
}
