//! What an audit is asked, and what is known of it before it runs.

use std::collections::BTreeMap;

use assize_models::Predictor;
use assize_tables::Dataset;
use assize_tables::cells::KEYS_MAX;

use super::Error;
use super::decisions::check_inputs;
use crate::document::{Bands, Thresholds};
use crate::domains;

/// Resamples of the cells when nothing else is asked.
const RESAMPLES_DEFAULT: u32 = 2_000;
/// Most resamples; more changes nothing that is printed.
const RESAMPLES_MAX: u32 = 100_000;
/// Most protected attributes in one audit: the keys of a cell less one for a stratum.
const ATTRIBUTES_MAX: usize = KEYS_MAX - 1;

/// The choices of one audit.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditSettings {
    /// The outcome column. May equal `prediction_column`: then there are decisions and no labels.
    pub target_column: String,
    /// Protected columns, in the order they are reported.
    pub protected_attributes: Vec<String>,
    /// Deployment domain in the caller's words; chooses thresholds and law.
    pub domain: String,
    /// The favourable value of the outcome; chosen by a stated rule when absent.
    pub positive_label: Option<String>,
    /// Column with the decisions of the audited system, in the values of the target.
    pub prediction_column: Option<String>,
    /// Column with scores from 0 to 1 of the audited system.
    pub score_column: Option<String>,
    /// Column with row weights of at least 0.
    pub weight_column: Option<String>,
    /// Inner band edges, ascending, for the numeric protected attribute that holds ages.
    pub age_bins: Option<Vec<f64>>,
    /// Group the others are compared with, by attribute; else the one with the highest selection rate.
    pub reference_groups: BTreeMap<String, String>,
    /// Thresholds by name that override those of the domain.
    pub thresholds: BTreeMap<String, f64>,
    /// Expected shares of groups, by attribute and group.
    pub reference_shares: BTreeMap<String, BTreeMap<String, f64>>,
    /// Columns of legitimate strata for conditional disparities.
    pub strata: Vec<String>,
    /// Seed of every random draw.
    pub seed: u64,
    /// Bootstrap resamples of the cells.
    pub resamples: u32,
    /// Confidence level of intervals, e.g. 0.95.
    pub confidence: f64,
    /// Threads to use; changes no result.
    pub threads: usize,
    /// Version of the program, for the certificate.
    pub assize_version: String,
}

impl AuditSettings {
    /// Settings with defaults for everything that is not named here: no predictions, seed 0, 2,000 resamples, 95 %.
    #[must_use]
    pub fn new(target_column: &str, protected_attributes: &[&str], domain: &str) -> Self {
        Self {
            target_column: target_column.to_owned(),
            protected_attributes: protected_attributes.iter().map(|&name| name.to_owned()).collect(),
            domain: domain.to_owned(),
            positive_label: None,
            prediction_column: None,
            score_column: None,
            weight_column: None,
            age_bins: None,
            reference_groups: BTreeMap::new(),
            thresholds: BTreeMap::new(),
            reference_shares: BTreeMap::new(),
            strata: Vec::new(),
            seed: 0,
            resamples: RESAMPLES_DEFAULT,
            confidence: 0.95,
            threads: 1,
            assize_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether the outcome column holds decisions only, no labels.
    pub(crate) fn without_labels(&self) -> bool {
        self.prediction_column.as_deref() == Some(self.target_column.as_str())
    }

    /// Checks everything that needs no data, and columns against `present`.
    pub(crate) fn check(&self, present: &[String]) -> Result<Thresholds, Error> {
        self.check_ranges()?;
        self.check_columns(present)?;
        Ok(domains::find(&self.domain).thresholds(&self.thresholds)?)
    }

    /// Decisions come from one place.
    pub(crate) fn check_beside_model(&self) -> Result<(), Error> {
        let given = [("prediction_column", &self.prediction_column), ("score_column", &self.score_column)];
        match given.into_iter().find(|(_, column)| column.is_some()) {
            Some((name, _)) => {
                let message = "cannot be given beside a model: the decisions come from one of them; leave one out";
                Err(Error::Setting { name, message: message.to_owned() })
            }
            None => Ok(()),
        }
    }

    fn check_ranges(&self) -> Result<(), Error> {
        let fail = |name, message: &str| Err(Error::Setting { name, message: message.to_owned() });
        if !(0.5..=0.999).contains(&self.confidence) {
            return fail("confidence", "must be from 0.5 to 0.999");
        }
        if !(100..=RESAMPLES_MAX).contains(&self.resamples) {
            return fail("resamples", "must be from 100 to 100,000");
        }
        if self.protected_attributes.len() > ATTRIBUTES_MAX {
            return fail("protected_attributes", "at most 7 columns can be audited together");
        }
        if let Some(edges) = &self.age_bins {
            let ascending = edges.windows(2).all(|pair| pair[0] < pair[1]);
            if edges.is_empty() || edges.len() > 31 || !ascending || !edges.iter().all(|edge| edge.is_finite()) {
                return fail("age_bins", "must be 1 to 31 numbers in ascending order, e.g. 25,40,65");
            }
        }
        let shares = self.reference_shares.values().flat_map(BTreeMap::values);
        if shares.into_iter().any(|share| !(0.0..=1.0).contains(share)) {
            return fail("reference_shares", "must be shares from 0 to 1");
        }
        Ok(())
    }

    /// Every column of the request with its role, in the order of the request.
    fn named_columns(&self) -> Vec<(&str, &'static str)> {
        let mut named = vec![(self.target_column.as_str(), "the target")];
        named.extend(self.protected_attributes.iter().map(|name| (name.as_str(), "a protected attribute")));
        let optional = [
            (&self.prediction_column, "the prediction"),
            (&self.score_column, "the score"),
            (&self.weight_column, "the weight"),
        ];
        named.extend(optional.into_iter().filter_map(|(name, role)| name.as_deref().map(|name| (name, role))));
        named.extend(self.strata.iter().map(|name| (name.as_str(), "a stratum")));
        named
    }

    fn check_columns(&self, present: &[String]) -> Result<(), Error> {
        if self.protected_attributes.is_empty() {
            let hints = &domains::find(&self.domain).protected_hints;
            let known = present.iter().find(|name| hints.contains(&name.to_lowercase())).or(hints.first());
            return Err(Error::NoProtectedAttributes { hint: known.cloned().unwrap_or_default() });
        }
        let named = self.named_columns();
        let mut absent: Vec<String> = Vec::new();
        for (name, _) in &named {
            if !present.iter().any(|column| column == name) && !absent.iter().any(|column| column == name) {
                absent.push((*name).to_owned());
            }
        }
        if !absent.is_empty() {
            return Err(Error::ColumnsAbsent { absent, present: present.to_vec() });
        }
        for (index, (name, first)) in named.iter().enumerate() {
            for (_, second) in named[index + 1..].iter().filter(|(other, _)| other == name) {
                let decisions_only = (*first, *second) == ("the target", "the prediction");
                if !decisions_only {
                    return Err(Error::ColumnInTwoRoles { column: (*name).to_owned(), first, second });
                }
            }
        }
        Ok(())
    }
}

/// Checks a request against the header of its data, which is quick; [`prepare`](super::prepare) does so against the rows.
///
/// # Errors
/// [`Error`]: a choice out of its range, a column that is absent or in two roles, an unknown threshold.
pub fn check_request(dataset: &Dataset, settings: &AuditSettings) -> Result<(), Error> {
    settings.check(dataset.column_names()).map(|_| ())
}

/// Checks a model against a request and the header of its data, which needs no row.
///
/// # Errors
/// [`Error`]: decisions from two places, inputs of the model that the data lacks.
pub fn check_model(dataset: &Dataset, settings: &AuditSettings, model: &dyn Predictor) -> Result<(), Error> {
    settings.check_beside_model()?;
    let not_input = [settings.weight_column.as_deref(), Some(settings.target_column.as_str())];
    let present = dataset.column_names().iter().filter(|name| !not_input.contains(&Some(name.as_str()))).cloned();
    check_inputs(&present.collect::<Vec<_>>(), model)
}

/// Looks up the bands of a column.
pub(crate) fn bands_of<'a>(bands: &'a [Bands], column: &str) -> Option<&'a Bands> {
    bands.iter().find(|bands| bands.column == column)
}
