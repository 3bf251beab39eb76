//! The effective configuration: defaults, then the file, then the environment, then flags. This is the only place of
//! the workspace that reads the environment.

use std::path::{Path, PathBuf};

use anyhow::Context;
use assize_server::config::{Config, Secret};
use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use crate::arguments::Shared;
use crate::outcome::BadInput;

/// File that is read when it lies in the working folder and no other is named.
const FILE: &str = "assize.toml";

/// A configuration and where each of its values comes from.
pub(crate) struct Settings {
    /// Checked.
    pub(crate) config: Config,
    figment: Figment,
}

/// A flag that sets one key.
pub(crate) struct Flag {
    name: &'static str,
    key: &'static str,
    value: Value,
}

impl Flag {
    /// The flag `name` sets `key` to `value`.
    pub(crate) fn new(name: &'static str, key: &'static str, value: impl Into<Value>) -> Self {
        Self { name, key, value: value.into() }
    }
}

impl Provider for Flag {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let nested = figment::util::nest(self.key, self.value.clone());
        let dict = nested.into_dict().unwrap_or_default();
        Ok(Profile::Default.collect(dict))
    }
}

/// Credentials and addresses of object stores, under the names that their own tools use (`AWS_ACCESS_KEY_ID`,
/// `AWS_ENDPOINT_URL`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME`, ...).
#[expect(clippy::disallowed_methods, reason = "this file is the one home of the environment")]
fn object_store_options() -> Vec<(String, String)> {
    std::env::vars()
        .filter(|(name, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix)))
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect()
}

/// Reads and checks the configuration. `flags` are those of the command, beside the shared ones.
pub(crate) fn load(shared: &Shared, flags: Vec<Flag>) -> anyhow::Result<Settings> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = file(shared)? {
        figment = figment.merge(Toml::file_exact(file));
    }
    figment = figment.merge(Env::prefixed("ASSIZE_").filter(|key| key.as_str().contains("__")).split("__"));
    for flag in shared_flags(shared)?.into_iter().chain(flags) {
        figment = figment.merge(flag);
    }
    let mut config: Config = figment.extract().context("the configuration cannot be used")?;
    let environment = object_store_options().into_iter().map(|(name, value)| (name, Secret::new(value)));
    config.storage.object_environment = environment.collect();
    config.validate().map_err(|invalid| BadInput(format!("the configuration cannot be used: {invalid}")))?;
    Ok(Settings { config, figment })
}

fn file(shared: &Shared) -> anyhow::Result<Option<PathBuf>> {
    match &shared.config {
        Some(file) if !file.is_file() => Err(BadInput(format!("--config: there is no file {}", file.display())).into()),
        Some(file) => Ok(Some(file.clone())),
        None => Ok(Path::new(FILE).is_file().then(|| PathBuf::from(FILE))),
    }
}

fn shared_flags(shared: &Shared) -> anyhow::Result<Vec<Flag>> {
    let mut flags = Vec::new();
    if let Some(home) = &shared.home {
        let home = home.to_str().ok_or_else(|| BadInput("--home: the path is not UTF-8".to_owned()))?;
        flags.push(Flag::new("--home or ASSIZE_HOME", "storage.home", home));
    }
    if let Some(url) = &shared.database {
        flags.push(Flag::new("--database", "storage.database_url", url.as_str()));
    }
    if let Some(url) = &shared.objects {
        flags.push(Flag::new("--objects", "storage.objects_url", url.as_str()));
    }
    Ok(flags)
}

/// One setting as `assize config show` prints it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Shown {
    /// Dotted name.
    pub(crate) key: String,
    /// Effective value; secrets masked.
    pub(crate) value: serde_json::Value,
    /// Where it comes from.
    pub(crate) origin: String,
}

impl Settings {
    /// Every setting with its origin, in the order of the sections.
    pub(crate) fn shown(&self) -> anyhow::Result<Vec<Shown>> {
        let mut shown = Vec::new();
        let values = serde_json::to_value(&self.config)?;
        self.flatten(String::new(), &values, &mut shown);
        Ok(shown)
    }

    fn flatten(&self, prefix: String, value: &serde_json::Value, shown: &mut Vec<Shown>) {
        if let Some(object) = value.as_object() {
            for (name, value) in object {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                self.flatten(key, value, shown);
            }
            return;
        }
        let origin = self.origin(&prefix);
        shown.push(Shown { key: prefix, value: value.clone(), origin });
    }

    fn origin(&self, key: &str) -> String {
        let Some(metadata) = self.figment.find_metadata(key) else { return "default".to_owned() };
        match &metadata.source {
            Some(figment::Source::File(path)) => path.display().to_string(),
            _ if metadata.name.contains("environment variable") => {
                format!("ASSIZE_{}", key.replace('.', "__").to_uppercase())
            }
            _ if metadata.name.starts_with("--") => metadata.name.to_string(),
            _ => "default".to_owned(),
        }
    }
}
