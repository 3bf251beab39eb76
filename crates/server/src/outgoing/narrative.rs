//! Asking a language model for a text: Gemini's own protocol, or the one that OpenAI-compatible services share. The
//! caller writes the prompt (measured numbers only) and checks the answer; here is only the exchange.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::{Client, Outgoing, Policy};
use crate::config::{Narrative, NarrativeProvider, Secret};

/// Gemini's public address.
const GEMINI_URL: &str = "https://generativelanguage.googleapis.com";

/// OpenAI's public address.
const OPENAI_URL: &str = "https://api.openai.com";

/// Largest answer, bytes: a page of text in JSON, many times over.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The exchange failed.
    #[error(transparent)]
    Outgoing(#[from] super::Error),
    /// The service refused.
    #[error("the narrative service answered with status {status}")]
    Status {
        /// Its HTTP status.
        status: u16,
    },
    /// The answer holds no text where the protocol puts it.
    #[error("the narrative service answered without a text")]
    NoText,
    /// The address, model and key do not make a request.
    #[error("narrative.{key} cannot be used in a request")]
    Setting {
        /// The configuration key.
        key: &'static str,
    },
}

/// What is spoken with the service.
#[derive(Debug, Clone, Copy)]
enum Protocol {
    Gemini,
    Openai,
}

/// A configured language model.
#[derive(Debug, Clone)]
pub struct Narrator {
    protocol: Protocol,
    base_url: String,
    api_key: Option<Secret>,
    model: String,
    client: Client,
}

impl Narrator {
    /// The model that the configuration names, or `None` when nobody is to be asked.
    #[must_use]
    pub fn from_config(config: &Narrative) -> Option<Self> {
        let (protocol, own_url) = match config.provider {
            NarrativeProvider::None => return None,
            NarrativeProvider::Gemini => (Protocol::Gemini, GEMINI_URL),
            NarrativeProvider::Openai => (Protocol::Openai, OPENAI_URL),
        };
        let policy = Policy {
            timeout: Duration::from_secs(config.timeout_s),
            answer_bytes_max: ANSWER_BYTES_MAX,
            redirects_max: 0,
            allow_private: config.allow_private.clone(),
        };
        Some(Self {
            protocol,
            base_url: config.base_url.as_deref().unwrap_or(own_url).trim_end_matches('/').to_owned(),
            api_key: config.api_key.clone(),
            model: config.model.clone(),
            client: Client::new(policy),
        })
    }

    /// Name of the model, as it goes into the certificate.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The model's answer to a prompt, a JSON value that holds task and numbers; sampled as little as the protocol allows (temperature 0).
    ///
    /// # Errors
    /// See [`Error`]; the caller falls back to its own text.
    pub async fn narrate(&self, prompt: &Value) -> Result<String, Error> {
        let prompt = prompt.to_string();
        let (path, body) = match self.protocol {
            Protocol::Openai => ("/v1/chat/completions".to_owned(), self.openai_body(&prompt)),
            Protocol::Gemini => (format!("/v1beta/models/{}:generateContent", self.model), gemini_body(&prompt)),
        };
        let url = Url::parse(&format!("{}{path}", self.base_url)).map_err(|_| Error::Setting { key: "base_url" })?;
        let headers = self.headers()?;
        let outgoing = Outgoing { method: Method::POST, url, headers, body: Bytes::from(body.to_string()) };
        let answer = self.client.send(outgoing).await?;
        if !answer.status.is_success() {
            return Err(Error::Status { status: answer.status.as_u16() });
        }
        let answer: Value = serde_json::from_slice(&answer.body).map_err(|_| Error::NoText)?;
        let text = match self.protocol {
            Protocol::Openai => openai_text(&answer),
            Protocol::Gemini => gemini_text(&answer),
        };
        text.filter(|text| !text.trim().is_empty()).ok_or(Error::NoText)
    }

    fn headers(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if let Some(key) = &self.api_key {
            let (name, value) = match self.protocol {
                Protocol::Gemini => (HeaderName::from_static("x-goog-api-key"), key.expose().to_owned()),
                Protocol::Openai => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            };
            let mut value = HeaderValue::from_str(&value).map_err(|_| Error::Setting { key: "api_key" })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    fn openai_body(&self, prompt: &str) -> Value {
        json!({"model": self.model, "temperature": 0, "messages": [{"role": "user", "content": prompt}]})
    }
}

fn gemini_body(prompt: &str) -> Value {
    json!({
        "contents": [{"role": "user", "parts": [{"text": prompt}]}],
        "generationConfig": {"temperature": 0, "responseMimeType": "application/json"},
    })
}

/// `choices[0].message.content`.
fn openai_text(answer: &Value) -> Option<String> {
    answer.pointer("/choices/0/message/content")?.as_str().map(str::to_owned)
}

/// The text parts of the first candidate, one after the other.
fn gemini_text(answer: &Value) -> Option<String> {
    let parts = answer.pointer("/candidates/0/content/parts")?.as_array()?;
    Some(parts.iter().filter_map(|part| part.get("text")?.as_str()).collect())
}
