//! What an operator can set: one struct per section, defaults that work with no file at all, and a check of the whole.
//! `cli` reads the file, the environment and the flags (in this order) and passes a [`Config`] down; nothing else in
//! the workspace reads the environment. `assize.default.toml` documents every key and is tested to parse to
//! [`Config::default`].
//!
//! Invariants: unknown keys are errors; a [`Secret`] never prints; after [`Config::validate`] no value is re-checked.

mod certification;
mod identity;
mod interactions;
mod limits;
mod logging;
mod metrics;
mod narrative;
mod retention;
mod secret;
mod server;
mod signing;
mod storage;
mod tracing;
mod vault;
mod webhooks;
mod worker;

use serde::{Deserialize, Serialize};

pub use certification::Certification;
pub use identity::Identity;
pub use interactions::{InteractionPlan, Interactions, Vocabulary};
pub use limits::{ClassRates, Limits, Rate};
pub use logging::{LogFormat, Logging};
pub use metrics::Metrics;
pub use narrative::{Narrative, NarrativeProvider};
pub use retention::Retention;
pub use secret::Secret;
pub use server::{Network, Server};
pub use signing::Signing;
pub use storage::{S3, Storage};
pub use tracing::Tracing;
pub use vault::Vault;
pub use webhooks::Webhooks;
pub use worker::Worker;

/// All sections.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[server]`: addresses, connections, stopping.
    pub server: Server,
    /// `[storage]`: where everything durable lives.
    pub storage: Storage,
    /// `[passport]`: the certification interface.
    pub passport: Certification,
    /// `[identity]`: people and how they sign in.
    pub identity: Identity,
    /// `[interactions]`: the audit of what assistants say.
    pub interactions: Interactions,
    /// `[worker]`: the jobs.
    pub worker: Worker,
    /// `[signing]`: the key that signs certificates and log checkpoints.
    pub signing: Signing,
    /// `[retention]`: how long things are kept.
    pub retention: Retention,
    /// `[vault]`: the key that seals stored texts and files.
    pub vault: Vault,
    /// `[narrative]`: who writes the governance narrative.
    pub narrative: Narrative,
    /// `[judge]`: who else is asked about the hazards of interactions.
    pub judge: Narrative,
    /// `[webhooks]`: where webhooks may lead.
    pub webhooks: Webhooks,
    /// `[limits]`: sizes and rates.
    pub limits: Limits,
    /// `[logging]`: what the process says about itself.
    pub logging: Logging,
    /// `[metrics]`: what monitoring may read.
    pub metrics: Metrics,
    /// `[tracing]`: OpenTelemetry traces.
    pub tracing: Tracing,
}

/// Everything that is wrong with a configuration, one sentence a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Invalid(pub Vec<String>);

impl Config {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// All problems together, each naming its key and what to change.
    pub fn validate(&self) -> Result<(), Invalid> {
        let mut problems = Problems::default();
        self.server.validate(&mut problems);
        self.storage.validate(&mut problems);
        self.passport.validate(&mut problems);
        self.identity.validate(&mut problems);
        self.interactions.validate(&mut problems);
        self.worker.validate(&mut problems);
        self.signing.validate(&mut problems);
        self.retention.validate(&mut problems);
        self.vault.validate(&mut problems);
        self.narrative.validate("narrative", &mut problems);
        self.judge.validate("judge", &mut problems);
        self.webhooks.validate(&mut problems);
        self.limits.validate(&mut problems);
        self.logging.validate(&mut problems);
        self.metrics.validate(&mut problems);
        self.tracing.validate(&mut problems);
        if problems.0.is_empty() { Ok(()) } else { Err(Invalid(problems.0)) }
    }

    /// The address under which clients reach this server, without a slash at the end: `server.public_url`, or the
    /// listening address.
    #[must_use]
    pub fn public_url(&self) -> String {
        match &self.server.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.server.listen),
        }
    }
}

/// Collects what is wrong.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    /// Notes `problem` about `key` unless `good`.
    fn require(&mut self, good: bool, key: &str, problem: &str) {
        if !good {
            self.0.push(format!("{key}: {problem}"));
        }
    }

    /// Notes when a number lies outside `[low, high]`.
    fn within(&mut self, value: u64, low: u64, high: u64, key: &str) {
        if value < low || value > high {
            self.0.push(format!("{key}: is {value}, must be from {low} to {high}"));
        }
    }

    /// Notes when a text is not an absolute http(s) address without query.
    fn http_url(&mut self, url: &str, key: &str) {
        let good = reqwest::Url::parse(url).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        self.require(
            good,
            key,
            "must be an absolute http or https address without query, e.g. https://assize.example.org",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documented file of the repository.
    const DEFAULT_TOML: &str = include_str!("../../../../assize.default.toml");

    #[test]
    fn default_file_parses_to_the_defaults() {
        let parsed: Config = toml::from_str(DEFAULT_TOML).unwrap();
        assert_eq!(parsed, Config::default());
        parsed.validate().unwrap();
    }

    #[test]
    fn default_file_documents_every_key_in_its_section() {
        let sections = serde_json::to_value(Config::default()).unwrap();
        for (section, keys) in sections.as_object().unwrap() {
            assert_documented(section, keys.as_object().unwrap());
        }
    }

    fn assert_documented(section: &str, keys: &serde_json::Map<String, serde_json::Value>) {
        let text = DEFAULT_TOML.split_once(&format!("\n[{section}]\n")).unwrap_or_else(|| panic!("no [{section}]")).1;
        let own = text.split("\n[").next().unwrap();
        for (key, value) in keys {
            match value.as_object() {
                Some(inner) => assert_documented(&format!("{section}.{key}"), inner),
                None => assert!(
                    own.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} = "))),
                    "assize.default.toml does not document {section}.{key}"
                ),
            }
        }
    }

    #[test]
    fn unknown_keys_are_errors_that_name_the_key() {
        for text in ["[server]\nlisen = \"127.0.0.1:1\"\n", "[servr]\n", "[limits.audits]\nper_minut = 3\n"] {
            let error = toml::from_str::<Config>(text).unwrap_err().to_string();
            assert!(error.contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn all_problems_are_reported_together() {
        let mut config = Config::default();
        config.server.public_url = Some("assize.example.org".to_owned());
        config.passport.validity_days = 0;
        config.narrative.provider = NarrativeProvider::Gemini;
        let Invalid(problems) = config.validate().unwrap_err();
        for key in ["server.public_url", "passport.validity_days", "narrative.api_key"] {
            assert!(problems.iter().any(|problem| problem.starts_with(key)), "{key} is not in {problems:?}");
        }
    }

    #[test]
    fn secrets_never_print() {
        let mut config = Config::default();
        config.narrative.api_key = Some(Secret::new("hunter2"));
        config.judge.api_key = Some(Secret::new("hunter2"));
        config.storage.database_url = Some(Secret::new("postgres://assize:hunter2@db/assize"));
        config.vault.master_key = Some(Secret::new("assize-master-key-1:hunter2"));
        config.metrics.token = Some(Secret::new("hunter2"));
        config.storage.s3.secret_access_key = Some(Secret::new("hunter2"));
        config.storage.object_environment.push(("aws_secret_access_key".to_owned(), Secret::new("hunter2")));
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
}
