//! Names and values: who was certified, what was measured with which parameters, what the seal says.

use assize_fairness::document::{CertificateBody, ModelSubject};
use serde::Serialize;

use crate::format::{self, count, decimal, percent};
use crate::view::CertificateView;
use crate::words::sentence_case;

/// A name and its value.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Machine time when the value is a time, else empty.
    pub(crate) time: String,
    /// Set in the mono-spaced font: digests, keys, commands.
    pub(crate) mono: bool,
}

impl Fact {
    pub(crate) fn new(name: &str, value: impl Into<String>) -> Fact {
        Fact { name: name.to_owned(), value: value.into(), time: String::new(), mono: false }
    }

    fn time(name: &str, time: &str) -> Fact {
        Fact { time: time.to_owned(), ..Fact::new(name, format::minute(time)) }
    }

    fn mono(name: &str, value: impl Into<String>) -> Fact {
        Fact { mono: true, ..Fact::new(name, value) }
    }
}

/// The first screen: who, what, when, for how long.
pub(super) fn summary(body: &CertificateBody) -> Vec<Fact> {
    let dataset = &body.subject.dataset;
    vec![
        Fact::new("Domain", &body.domain),
        Fact::new("Decisions by", model_source(&body.subject.model)),
        Fact::new("Data", format!("{}, {} rows", dataset.name, count(dataset.rows))),
        Fact::new("Measured on", format!("{} rows", count(body.layer_results.fairness_metrics.rows))),
        Fact::new("Protected attributes", body.parameters.protected_attributes.join(", ")),
        Fact::new(
            "Favourable outcome",
            format!("{} = {}", body.parameters.target_column, body.parameters.positive_label),
        ),
        Fact::time("Issued", &body.issued_at),
        Fact::time("Valid until", &body.expires_at),
    ]
}

fn model_source(model: &ModelSubject) -> String {
    match model {
        ModelSubject::TrainedForest { trees, accuracy, .. } => {
            format!("random forest of {trees} trees, accuracy {}", percent(*accuracy))
        }
        ModelSubject::PredictionColumn { column, .. } => format!("column {column} of the data"),
        ModelSubject::File { name, description, .. } => format!("{name} ({description})"),
    }
}

/// Everything that repeats the run.
pub(super) fn parameters(body: &CertificateBody) -> Vec<Fact> {
    let parameters = &body.parameters;
    let thresholds = &parameters.thresholds;
    let mut facts = vec![
        Fact::mono("Version", format!("assize {}", parameters.assize_version)),
        Fact::mono("Seed", parameters.seed.to_string()),
        Fact::new("Rules", &parameters.domain_profile),
        Fact::new(
            "Favourable label",
            format!(
                "{} (rule: {}); other label {}",
                parameters.positive_label, parameters.positive_label_rule, parameters.negative_label
            ),
        ),
        Fact::new(
            "Decision cut-off",
            parameters
                .decision_threshold
                .map_or_else(|| "none, decisions were given".to_owned(), |cut| decimal(cut, 3)),
        ),
        Fact::new("Weights", parameters.weight_column.clone().unwrap_or_else(|| "none".to_owned())),
        Fact::new(
            "Intervals",
            format!(
                "{} confidence, {} resamples, {} correction",
                percent(parameters.confidence),
                count(u64::from(parameters.resamples)),
                sentence_case(&parameters.correction)
            ),
        ),
        Fact::new("Smallest group scored", count(thresholds.group_size_min)),
        Fact::new("Impact ratio at least", decimal(thresholds.disparate_impact_min, 2)),
        Fact::new("Parity difference at most", decimal(thresholds.demographic_parity_difference_max, 2)),
        Fact::new("TPR difference at most", decimal(thresholds.equal_opportunity_difference_max, 2)),
        Fact::new("Odds difference at most", decimal(thresholds.equalized_odds_difference_max, 2)),
        Fact::new("Precision difference at most", decimal(thresholds.predictive_parity_difference_max, 2)),
        Fact::new("Accuracy difference at most", decimal(thresholds.accuracy_difference_max, 2)),
        Fact::new("Calibration error at most", decimal(thresholds.calibration_error_max, 2)),
        Fact::new("Flips at most", percent(thresholds.flip_rate_max)),
    ];
    for bands in &parameters.bands {
        facts.push(Fact::new(
            &format!("Bands of {}", bands.column),
            format!("{} (rule: {})", bands.labels.join(" "), bands.rule),
        ));
    }
    for reference in &parameters.reference_groups {
        let name = format!("Reference of {}", reference.attribute);
        facts.push(Fact::new(&name, format!("{} ({})", reference.group, reference.rule)));
    }
    facts
}

/// The laws that the domain's rules cite.
pub(super) fn law(body: &CertificateBody) -> Vec<Fact> {
    let law = body.method.law.iter();
    law.map(|law| Fact::new(&format!("{}, {}", law.name, law.reference), &law.why)).collect()
}

/// Digest, key and place in the log.
pub(super) fn seal(view: &CertificateView<'_>) -> Vec<Fact> {
    let mut facts = vec![
        Fact::mono("Certificate SHA-256", view.sha256_hash),
        Fact::mono("Data SHA-256", &view.body.subject.dataset.sha256),
    ];
    if let ModelSubject::File { sha256, .. } = &view.body.subject.model {
        facts.push(Fact::mono("Model SHA-256", sha256));
    }
    facts.push(Fact::mono("Signing key", view.key_id));
    if let Some(log) = view.log {
        let place = format!("entry {} of {}", count(log.leaf_index), count(log.tree_size));
        facts.push(Fact::new("Transparency log", format!("{}, {place}", log.origin)));
    }
    facts.push(Fact::new("Committed before the run", format!("log entry {}", count(view.body.commitment_index))));
    facts
}

/// A command that repeats the audit, ready for a shell.
pub(super) fn reproduce(body: &CertificateBody) -> String {
    let parameters = &body.parameters;
    let mut words = vec!["assize".to_owned(), "audit".to_owned(), quoted(&body.subject.dataset.name)];
    let mut option = |name: &str, value: &str| {
        words.push(format!("--{name}"));
        words.push(quoted(value));
    };
    option("target", &parameters.target_column);
    option("protected", &parameters.protected_attributes.join(","));
    option("positive", &parameters.positive_label);
    option("domain", &body.domain);
    if let ModelSubject::File { name, .. } = &body.subject.model {
        option("model", name);
    }
    let columns = [
        ("prediction", &parameters.prediction_column),
        ("score", &parameters.score_column),
        ("weight", &parameters.weight_column),
    ];
    for (name, column) in columns {
        if let Some(column) = column {
            option(name, column);
        }
    }
    if let Some(bands) = parameters.bands.iter().find(|bands| bands.rule == "given") {
        let edges: Vec<String> = bands.edges.iter().map(f64::to_string).collect();
        option("age-bins", &edges.join(","));
    }
    let references: Vec<String> = parameters
        .reference_groups
        .iter()
        .filter(|reference| reference.rule == "given" && parameters.protected_attributes.contains(&reference.attribute))
        .map(|reference| format!("{}={}", reference.attribute, reference.group))
        .collect();
    if !references.is_empty() {
        option("reference", &references.join(","));
    }
    if !parameters.strata.is_empty() {
        option("strata", &parameters.strata.join(","));
    }
    option("seed", &parameters.seed.to_string());
    words.join(" ")
}

/// A word for a POSIX shell, quoted only when it needs to be.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-,/=:".contains(character);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_cannot_break_out() {
        assert_eq!(quoted("adult.csv"), "adult.csv");
        assert_eq!(quoted(">50K"), "'>50K'");
        assert_eq!(quoted("a'; rm -rf ~"), "'a'\\''; rm -rf ~'");
        assert_eq!(quoted("-x"), "'-x'");
        assert_eq!(quoted(""), "''");
    }
}
