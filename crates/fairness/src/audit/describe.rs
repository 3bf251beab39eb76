//! What was audited and with which choices, in the words of the document.

use assize_tables::{ColumnKind, ColumnProfile, Profile};

use super::frame::Frame;
use super::{AuditInput, AuditSettings};
use crate::document::{ColumnSubject, DatasetSubject, ModelSubject, Parameters, Thresholds};
use crate::domains::Domain;
use crate::statistics::Correction;

/// Correction of the tests of layer 3.
pub(crate) const CORRECTION: Correction = Correction::Holm;

/// The data file and the role of each column.
pub(crate) fn dataset_subject(
    input: &AuditInput<'_>,
    settings: &AuditSettings,
    frame: &Frame,
    profile: &Profile,
    model: &ModelSubject,
) -> DatasetSubject {
    let features = match model {
        ModelSubject::TrainedForest { features, .. } | ModelSubject::File { features, .. } => features.clone(),
        ModelSubject::PredictionColumn { .. } => frame.input_names(),
    };
    let columns = profile.columns.iter().map(|column| ColumnSubject {
        name: column.name.clone(),
        kind: kind(column).to_owned(),
        missing: column.missing,
        distinct: column.levels.as_ref().map(|levels| levels.len() as u64),
        role: role(&column.name, settings, &features).to_owned(),
    });
    DatasetSubject {
        name: input.dataset.name().to_owned(),
        sha256: input.dataset_sha256.to_owned(),
        bytes: input.dataset.bytes(),
        format: input.dataset.format().to_owned(),
        encoding: input.dataset.encoding().map(str::to_owned),
        delimiter: input.dataset.delimiter().map(str::to_owned),
        rows: profile.rows,
        columns: columns.collect(),
    }
}

fn kind(column: &ColumnProfile) -> &'static str {
    match column.kind {
        ColumnKind::Empty => "empty",
        _ if column.distinct.count() == 1 => "constant",
        ColumnKind::Numeric => "numeric",
        ColumnKind::Categorical => "categorical",
    }
}

fn role(name: &str, settings: &AuditSettings, features: &[String]) -> &'static str {
    let is = |column: &Option<String>| column.as_deref() == Some(name);
    if name == settings.target_column {
        "target"
    } else if settings.protected_attributes.iter().any(|attribute| attribute == name) {
        "protected"
    } else if is(&settings.prediction_column) {
        "prediction"
    } else if is(&settings.score_column) {
        "score"
    } else if is(&settings.weight_column) {
        "weight"
    } else if features.iter().any(|feature| feature == name) {
        "feature"
    } else {
        "left_out"
    }
}

/// The parameters as far as the request and the data decide them.
pub(crate) fn parameters(
    settings: &AuditSettings,
    frame: &Frame,
    domain: &Domain,
    thresholds: Thresholds,
) -> Parameters {
    Parameters {
        assize_version: settings.assize_version.clone(),
        seed: settings.seed,
        target_column: settings.target_column.clone(),
        positive_label: frame.outcome.positive.clone(),
        positive_label_rule: frame.outcome.rule.to_owned(),
        negative_label: frame.outcome.negative.clone(),
        protected_attributes: settings.protected_attributes.clone(),
        prediction_column: settings.prediction_column.clone(),
        score_column: settings.score_column.clone(),
        strata: settings.strata.clone(),
        bands: frame.bands.clone(),
        reference_groups: Vec::new(),
        decision_threshold: None,
        weight_column: settings.weight_column.clone(),
        domain_profile: domain.name.clone(),
        thresholds,
        resamples: settings.resamples,
        confidence: settings.confidence,
        correction: CORRECTION.name().to_owned(),
    }
}
