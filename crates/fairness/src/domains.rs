//! Deployment domains: which limits, which law and which default age bands an audit uses. Data, not code: the profiles
//! are `data/domains.toml`, embedded at build, with their sources.
//!
//! A submitted domain is a free text; it is matched by alias and falls back to the profile `custom`, so that every
//! domain has limits and the certificate can say which profile chose them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::document::{LawReference, Thresholds};

/// The profile of domains that no alias names.
const FALLBACK: &str = "custom";

/// What a domain decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Name of the profile, e.g. `employment`.
    pub name: String,
    /// Lowercase words that choose this profile.
    pub aliases: Vec<String>,
    /// Column names that usually hold protected attributes in this domain.
    pub protected_hints: Vec<String>,
    /// Inner edges of the default age bands, `(a, b]`.
    pub age_edges: Vec<f64>,
    /// `law` when the edges follow an age limit of a cited law, else `domain`.
    pub age_rule: String,
    /// Where the edges come from.
    pub age_note: String,
    /// The property that should hold where not all can.
    pub hold: String,
    /// Why that property.
    pub hold_why: String,
    #[serde(default)]
    thresholds: BTreeMap<String, f64>,
    /// Law cited on the certificate.
    pub law: Vec<LawReference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    defaults: Thresholds,
    domain: Vec<Domain>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/domains.toml")).expect("the embedded file is parsed by a test")
});

/// The profile for a submitted domain: by alias, without regard to case, else `custom`.
#[must_use]
pub fn find(domain: &str) -> &'static Domain {
    let wanted = domain.trim().to_lowercase().replace(['_', '-'], " ");
    let matches = |profile: &&Domain| profile.aliases.contains(&wanted);
    let fallback = |profile: &&Domain| profile.name == FALLBACK;
    FILE.domain
        .iter()
        .find(matches)
        .or_else(|| FILE.domain.iter().find(fallback))
        .expect("the embedded file has the fallback profile: tested")
}

/// All profiles, in file order.
#[must_use]
pub fn all() -> &'static [Domain] {
    &FILE.domain
}

/// Why a threshold override was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// No threshold has this name.
    #[error("there is no threshold {name}; the names are {}", NAMES.join(", "))]
    Unknown {
        /// The name given.
        name: String,
    },
    /// The value cannot be a limit of that kind.
    #[error("the threshold {name} must be {allowed}")]
    OutOfRange {
        /// Name.
        name: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// Names of the thresholds that can be overridden.
pub const NAMES: [&str; 10] = [
    "disparate_impact_min",
    "demographic_parity_difference_max",
    "equal_opportunity_difference_max",
    "equalized_odds_difference_max",
    "predictive_parity_difference_max",
    "accuracy_difference_max",
    "calibration_error_max",
    "flip_rate_max",
    "group_size_min",
    "group_share_min",
];

impl Domain {
    /// The limits in force: defaults, then the domain's, then the caller's `overrides` by name.
    pub fn thresholds(&self, overrides: &BTreeMap<String, f64>) -> Result<Thresholds, ThresholdError> {
        let mut thresholds = FILE.defaults.clone();
        for (name, value) in self.thresholds.iter().chain(overrides) {
            set(&mut thresholds, name, *value)?;
        }
        Ok(thresholds)
    }
}

fn set(thresholds: &mut Thresholds, name: &str, value: f64) -> Result<(), ThresholdError> {
    let share = match name {
        "disparate_impact_min" => &mut thresholds.disparate_impact_min,
        "demographic_parity_difference_max" => &mut thresholds.demographic_parity_difference_max,
        "equal_opportunity_difference_max" => &mut thresholds.equal_opportunity_difference_max,
        "equalized_odds_difference_max" => &mut thresholds.equalized_odds_difference_max,
        "predictive_parity_difference_max" => &mut thresholds.predictive_parity_difference_max,
        "accuracy_difference_max" => &mut thresholds.accuracy_difference_max,
        "calibration_error_max" => &mut thresholds.calibration_error_max,
        "flip_rate_max" => &mut thresholds.flip_rate_max,
        "group_share_min" => &mut thresholds.group_share_min,
        "group_size_min" => {
            if !(1.0..=1e9).contains(&value) || libm::trunc(value) != value {
                return Err(ThresholdError::OutOfRange { name: name.into(), allowed: "a whole number of at least 1" });
            }
            thresholds.group_size_min = value as u64;
            return Ok(());
        }
        _ => return Err(ThresholdError::Unknown { name: name.into() }),
    };
    if !(0.0..=1.0).contains(&value) {
        return Err(ThresholdError::OutOfRange { name: name.into(), allowed: "a share from 0 to 1" });
    }
    *share = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_of_the_file_is_complete() {
        for domain in all() {
            assert!(!domain.law.is_empty(), "{} cites no law", domain.name);
            assert!(domain.age_edges.is_sorted(), "{} has unordered age edges", domain.name);
            assert!(domain.aliases.contains(&domain.name), "{} is not its own alias", domain.name);
            domain.thresholds(&BTreeMap::new()).unwrap();
        }
        assert!(all().iter().any(|domain| domain.name == FALLBACK));
    }

    #[test]
    fn domains_are_found_by_alias_and_fall_back() {
        for (given, profile) in [
            ("hiring", "employment"),
            ("Employment ", "employment"),
            ("LOAN", "credit"),
            ("lending", "credit"),
            ("health_care", "healthcare"),
            ("benefits", "benefits"),
            ("custom", "custom"),
            ("weather", "custom"),
        ] {
            assert_eq!(find(given).name, profile, "{given}");
        }
    }

    #[test]
    fn overrides_are_checked_by_name_and_range() {
        let domain = find("loan");
        let with = |name: &str, value| domain.thresholds(&BTreeMap::from([(name.to_owned(), value)]));
        assert_eq!(with("disparate_impact_min", 0.9).unwrap().disparate_impact_min, 0.9);
        assert_eq!(with("group_size_min", 50.0).unwrap().group_size_min, 50);
        assert_eq!(domain.thresholds(&BTreeMap::new()).unwrap().calibration_error_max, 0.05);
        for (name, value) in [("disparate_impact_min", 1.5), ("group_size_min", 0.5), ("nonsense", 0.5)] {
            assert!(with(name, value).is_err(), "{name}");
        }
        assert!(with("group_share_min", f64::NAN).is_err());
    }
}
