//! What clients hand in: the body of the interface's document, read and checked in the order and with the words that the
//! document fixes (ViriSIM API, "Field Reference" and "Error Codes").
//!
//! Every refusal is a sentence of its own, the first one that applies: clients match on these texts.

use assize_interactions::{Country, Format, Interaction, Text};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::super::error::AppError;

/// Longest identifier or name beside the texts, characters.
pub const LABEL_CHARS_MAX: usize = 256;

/// One interaction as handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The client's own identifier (`user_id`).
    pub client_user: String,
    /// Whose assistant it is (`company_name`).
    pub company: String,
    /// What the assistant is for.
    pub use_case: String,
    /// When the exchange took place.
    pub occurred_at: Timestamp,
    /// Who of the client's users took part (`your_company_user_id`); their data can be erased alone.
    pub subject: Option<String>,
    /// In which session (`your_company_user_session_id`).
    pub session: Option<String>,
    /// Which version of the client's model answered.
    pub model_version: Option<String>,
    /// What the user sent.
    pub input: Text,
    /// What the assistant answered.
    pub output: Text,
}

impl Submission {
    /// Reads a body.
    ///
    /// # Errors
    /// `Unprocessable` with the documented text of the first thing that is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, AppError> {
        Self::from_object(&object(body)?)
    }

    /// Reads the members of a body.
    ///
    /// # Errors
    /// As [`Submission::parse`].
    pub fn from_object(body: &Map<String, Value>) -> Result<Self, AppError> {
        let top = Level { members: body, prefix: "" };
        let client_user = top.label("user_id")?;
        let company = top.label("company_name")?;
        let use_case = top.label("use_case")?;
        let occurred_at = timestamp(&top.required("timestamp")?)?;
        let input = top.text("input", "Input")?;
        let output = top.text("output", "Output")?;
        Ok(Self {
            client_user,
            company,
            use_case,
            occurred_at,
            subject: top.label_or_none("your_company_user_id")?,
            session: top.label_or_none("your_company_user_session_id")?,
            model_version: top.label_or_none("model_version")?,
            input,
            output,
        })
    }

    /// As the engine takes it.
    #[must_use]
    pub fn interaction(&self) -> Interaction {
        Interaction {
            input: self.input.clone(),
            output: self.output.clone(),
            use_case: self.use_case.clone(),
            date: self.occurred_at.to_zoned(TimeZone::UTC).date().to_string(),
        }
    }
}

/// The members of a body that must be a JSON object.
///
/// # Errors
/// `Unprocessable` saying what the body is instead.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, AppError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(refused("the request body must be a JSON object")),
        Err(_) if contains(body, b"new Date()") => Err(refused(NEW_DATE)),
        Err(error) => Err(refused(format!("the request body is not valid JSON: {error}"))),
    }
}

/// What the document's own example sends as it is printed.
const NEW_DATE: &str = "timestamp: `new Date()` is JavaScript and not JSON; send the time as ISO 8601 text, e.g. \
    \"2026-01-31T12:00:00Z\"";

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn refused(text: impl Into<String>) -> AppError {
    AppError::Unprocessable(text.into())
}

/// The members of the body or of one side.
struct Level<'a> {
    members: &'a Map<String, Value>,
    prefix: &'a str,
}

impl Level<'_> {
    /// A text that must be there and must not be empty.
    fn required(&self, name: &str) -> Result<String, AppError> {
        let missing = || refused(format!("{}{name} required in request body", self.prefix));
        self.text_or_none(name)?.filter(|text| !text.is_empty()).ok_or_else(missing)
    }

    fn text_or_none(&self, name: &str) -> Result<Option<String>, AppError> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(refused(format!("{}{name} must be a string", self.prefix))),
        }
    }

    /// A short text that is kept beside the interaction and can be searched for.
    fn label(&self, name: &str) -> Result<String, AppError> {
        self.checked(name, self.required(name)?)
    }

    fn label_or_none(&self, name: &str) -> Result<Option<String>, AppError> {
        let text = self.text_or_none(name)?.filter(|text| !text.is_empty());
        text.map(|text| self.checked(name, text)).transpose()
    }

    fn checked(&self, name: &str, text: String) -> Result<String, AppError> {
        let prefix = self.prefix;
        if text.chars().nth(LABEL_CHARS_MAX).is_some() {
            return Err(refused(format!("{prefix}{name} is longer than {LABEL_CHARS_MAX} characters")));
        }
        if text.chars().any(char::is_control) {
            return Err(refused(format!("{prefix}{name} must not hold control characters")));
        }
        Ok(text)
    }

    /// A side: `{"value", "format", "country"}`.
    fn text(&self, name: &str, spoken: &str) -> Result<Text, AppError> {
        let prefix = format!("{name}.");
        let side = match self.members.get(name) {
            None | Some(Value::Null) => return Err(refused(format!("{name} required in request body"))),
            Some(Value::Object(members)) => Level { members, prefix: &prefix },
            Some(_) => return Err(refused(format!("{name} must be an object with value, format and country"))),
        };
        let value = side.required("value")?;
        let format = match side.required("format")?.as_str() {
            "text" => Format::Text,
            "json" if is_json(&value) => Format::Json,
            "json" => {
                return Err(refused(format!("{spoken} format claims to be JSON but content is not valid JSON")));
            }
            _ => return Err(refused(format!("{prefix}format must be \"text\" or \"json\""))),
        };
        let country = side.label("country")?;
        if Country::parse(&country).unknown {
            return Err(refused(format!(
                "{prefix}country is not known: send a country's English name, its ISO 3166-1 code (\"DE\", \"DEU\") or \
                 \"global\""
            )));
        }
        Ok(Text { value, format, country })
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// ISO 8601 as clients write it: with an offset, or without one (then UTC, as Python's `datetime.isoformat` leaves it).
fn timestamp(text: &str) -> Result<Timestamp, AppError> {
    let trimmed = text.trim();
    if trimmed == "new Date()" {
        return Err(refused(NEW_DATE));
    }
    let utc = |at: DateTime| at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let parsed = trimmed.parse::<Timestamp>().ok();
    let parsed = parsed.or_else(|| trimmed.parse::<DateTime>().ok().and_then(utc));
    let parsed = parsed.or_else(|| trimmed.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0))));
    parsed.ok_or_else(|| refused("timestamp must be ISO 8601, e.g. \"2026-01-31T12:00:00Z\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body() -> Value {
        json!({
            "user_id": "user_12345",
            "company_name": "Example Corp",
            "use_case": "Customer Support",
            "timestamp": "2026-11-21T10:00:00Z",
            "your_company_user_id": "internal_user_001",
            "input": { "value": "How do I delete my account?", "format": "text", "country": "Germany" },
            "output": { "value": "Click 'Delete Account'.", "format": "text", "country": "global" },
        })
    }

    fn told(body: &Value) -> String {
        Submission::parse(body.to_string().as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_documented_body_is_taken() {
        let read = Submission::parse(body().to_string().as_bytes()).unwrap();
        assert_eq!(read.client_user, "user_12345");
        assert_eq!(read.subject.as_deref(), Some("internal_user_001"));
        assert_eq!((read.session, read.model_version), (None, None));
        assert_eq!(read.occurred_at, "2026-11-21T10:00:00Z".parse().unwrap());
    }

    #[test]
    fn what_is_missing_is_named_first_come_first() {
        let fields = [
            "/user_id",
            "/company_name",
            "/use_case",
            "/timestamp",
            "/input",
            "/input/value",
            "/input/format",
            "/input/country",
            "/output",
            "/output/value",
            "/output/format",
            "/output/country",
        ];
        for field in fields {
            for empty in [Value::Null, json!("")] {
                let whole = matches!(field, "/input" | "/output");
                if whole && empty == json!("") {
                    continue;
                }
                let mut body = body();
                *body.pointer_mut(field).unwrap() = empty;
                let name = field[1..].replace('/', ".");
                assert_eq!(told(&body), format!("{name} required in request body"));
            }
        }
        assert_eq!(told(&json!({})), "user_id required in request body");
    }

    #[test]
    fn times_are_iso_8601_and_nothing_else() {
        for good in ["2026-11-21T10:00:00.123456", "2026-11-21 10:00", "2026-11-21", "2026-11-21T10:00:00+02:00"] {
            let mut body = body();
            body["timestamp"] = json!(good);
            assert!(Submission::parse(body.to_string().as_bytes()).is_ok(), "{good}");
        }
        for bad in [json!("yesterday"), json!("1700000000"), json!("2026-13-01")] {
            let mut body = body();
            body["timestamp"] = bad;
            assert!(told(&body).starts_with("timestamp must be ISO 8601"), "{}", told(&body));
        }
        let mut body = body();
        body["timestamp"] = json!(1_700_000_000);
        assert_eq!(told(&body), "timestamp must be a string");
        body["timestamp"] = json!("new Date()");
        assert!(told(&body).contains("send the time as ISO 8601"), "{}", told(&body));
        let literal = body.to_string().replace("\"new Date()\"", "new Date()");
        let error = Submission::parse(literal.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("send the time as ISO 8601"), "{error}");
    }

    #[test]
    fn formats_countries_and_types_are_checked() {
        let with = |pointer: &str, value: Value| {
            let mut body = body();
            *body.pointer_mut(pointer).unwrap() = value;
            told(&body)
        };
        let mut claimed = body();
        claimed["input"]["format"] = json!("json");
        assert_eq!(told(&claimed), "Input format claims to be JSON but content is not valid JSON");
        let mut claimed = body();
        claimed["output"]["format"] = json!("json");
        assert_eq!(told(&claimed), "Output format claims to be JSON but content is not valid JSON");
        assert_eq!(with("/input/format", json!("xml")), "input.format must be \"text\" or \"json\"");
        assert!(with("/output/country", json!("Atlantis")).starts_with("output.country is not known"));
        assert_eq!(with("/user_id", json!(7)), "user_id must be a string");
        assert_eq!(with("/input", json!("text")), "input must be an object with value, format and country");
        assert_eq!(with("/use_case", json!("a\u{0}b")), "use_case must not hold control characters");
        let long = with("/company_name", json!("x".repeat(LABEL_CHARS_MAX + 1)));
        assert_eq!(long, "company_name is longer than 256 characters");
        assert_eq!(told(&json!([1])), "the request body must be a JSON object");
    }

    #[test]
    fn texts_may_hold_anything_that_json_can_say() {
        let mut body = body();
        body["input"]["value"] = json!("nul \u{0}, emoji 👩‍👩‍👧, \u{202e}rtl, e\u{301}");
        assert!(Submission::parse(body.to_string().as_bytes()).is_ok());
        let lone = body.to_string().replace("nul", "\\ud800");
        assert!(Submission::parse(lone.as_bytes()).unwrap_err().to_string().contains("not valid JSON"));
        assert!(Submission::parse(b"{\"user_id\": \"\xff\"}").unwrap_err().to_string().contains("not valid JSON"));
    }
}
