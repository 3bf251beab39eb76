//! What a customer may set: values never reported, thresholds by type, types kept in safe versions, frameworks held to.

use std::collections::{BTreeMap, BTreeSet};

use crate::pii::{KindId, REGISTRY};

/// Version of the engine: a change of what is found or how it is scored changes it.
pub const ENGINE_VERSION: &str = "1.0.0";
/// Version of the built-in rules: entity types, phrases, triggers, catalogues.
pub const RULES_VERSION: &str = "2026-11-21";

/// Confidence from which a finding is reported unless a type says otherwise.
const THRESHOLD: f32 = 0.5;
/// Mail addresses of documentation domains have confidence 0.3 and are reported all the same: people do put real local
/// parts there, and hiding one costs nothing.
const THRESHOLD_EMAIL: f32 = 0.3;

/// Settings of an organization.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// Values that are never findings, such as the company's own support address; compared without case.
    pub allow: BTreeSet<String>,
    /// Confidence from which a type is reported, by type name.
    pub thresholds: BTreeMap<String, f32>,
    /// Types that are reported but stay readable in the safe versions.
    pub keep: BTreeSet<String>,
    /// Types that are not looked at.
    pub off: BTreeSet<String>,
    /// Probability from which a safety label is reported, by label; the classifier's own where absent.
    pub safety_thresholds: BTreeMap<String, f32>,
    /// Voluntary frameworks to hold interactions to, by catalogue id (`NIST_AI_RMF`, `ISO_42001`).
    pub frameworks: BTreeSet<String>,
    /// Version of these settings, for the result.
    pub version: String,
}

impl Rules {
    pub(crate) fn threshold(&self, kind: KindId) -> f32 {
        let name = REGISTRY.kind(kind).name;
        if self.off.contains(name) {
            return f32::INFINITY;
        }
        let default = if name == "EMAIL" { THRESHOLD_EMAIL } else { THRESHOLD };
        self.thresholds.get(name).copied().unwrap_or(default)
    }

    /// A secret is reported unless its type is off or its threshold is higher.
    pub(crate) fn reports(&self, name: &str, confidence: f32) -> bool {
        !self.off.contains(name) && confidence >= self.thresholds.get(name).copied().unwrap_or(THRESHOLD)
    }

    pub(crate) fn allows(&self, value: &str) -> bool {
        !self.allow.is_empty() && self.allow.contains(&value.to_lowercase())
    }

    /// Builds the set of allowed values as they are compared.
    pub fn allow(mut self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.allow.extend(values.into_iter().map(|value| value.as_ref().to_lowercase()));
        self
    }
}
