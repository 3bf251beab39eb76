//! `[narrative]`: who writes the governance narrative (layer 4). `[judge]`: who is asked about the hazards of interactions.

use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// A language model that is asked for something: for the narrative, with measured numbers only; about hazards, with
/// safe versions only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Narrative {
    /// `none` (a deterministic text), `gemini`, or `openai` for any compatible endpoint.
    pub provider: NarrativeProvider,
    /// Address of the service; without it the provider's own.
    pub base_url: Option<String>,
    /// Key sent to the service.
    pub api_key: Option<Secret>,
    /// Model asked for, e.g. `gemini-2.5-flash`.
    pub model: String,
    /// Seconds to wait for the whole answer.
    pub timeout_s: u64,
    /// Private addresses that `base_url` may lead to, as host names or addresses; for a model in one's own network.
    pub allow_private: Vec<String>,
}

/// Which protocol the service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NarrativeProvider {
    /// Nobody is asked.
    #[default]
    None,
    /// `POST {base}/v1beta/models/{model}:generateContent`.
    Gemini,
    /// `POST {base}/v1/chat/completions`.
    Openai,
}

impl Default for Narrative {
    fn default() -> Self {
        Self {
            provider: NarrativeProvider::None,
            base_url: None,
            api_key: None,
            model: String::new(),
            timeout_s: 20,
            allow_private: Vec::new(),
        }
    }
}

impl Narrative {
    /// Checks the section of this name.
    pub(super) fn validate(&self, section: &str, problems: &mut Problems) {
        let key = |name: &str| format!("{section}.{name}");
        if let Some(url) = &self.base_url {
            problems.http_url(url, &key("base_url"));
        }
        problems.within(self.timeout_s, 1, 300, &key("timeout_s"));
        if self.provider == NarrativeProvider::None {
            return;
        }
        let model_good = !self.model.is_empty()
            && self.model.len() <= 200
            && self.model.chars().all(|c| c.is_ascii_alphanumeric() || "-._:/".contains(c))
            && !self.model.split('/').any(|part| part.is_empty() || part == "." || part == "..");
        problems.require(model_good, &key("model"), "must name a model (letters, digits and -._:/)");
        // A model in one's own network may be open; the public services are not.
        problems.require(
            self.api_key.is_some() || self.base_url.is_some(),
            &key("api_key"),
            &format!("is needed for the provider's own address; set it in ASSIZE_{}__API_KEY", section.to_uppercase()),
        );
    }
}
