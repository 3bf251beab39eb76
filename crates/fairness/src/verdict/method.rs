//! How it was measured, what it cannot say, and the law behind it: sentences for the certificate.

use crate::audit::{AuditSettings, Frame};
use crate::document::{Method, ModelSubject, StressTest};
use crate::domains::Domain;

/// The method of one run.
pub(crate) fn method(
    frame: &Frame,
    model: &ModelSubject,
    domain: &Domain,
    settings: &AuditSettings,
    stress: &StressTest,
) -> Method {
    Method {
        score_formula: super::SCORE_FORMULA.to_owned(),
        steps: steps(frame, model, settings, stress),
        limits: limits(frame, model, domain, settings, stress),
        law: domain.law.clone(),
    }
}

fn steps(frame: &Frame, model: &ModelSubject, settings: &AuditSettings, stress: &StressTest) -> Vec<String> {
    let mut steps = vec![format!("The file was profiled in one pass over all {} rows.", frame.rows_total)];
    if frame.is_sample() {
        steps.push(format!(
            "Proxies, leakage and, without a decision column, training and stress used a sample of {} rows, drawn by a hash of \
             seed and row.",
            frame.table.rows
        ));
    }
    steps.push(match model {
        ModelSubject::TrainedForest { training_rows, evaluation_rows, trees, .. } => format!(
            "A random forest of {trees} trees was trained on {training_rows} rows with all usable columns, protected ones \
             included, and decided {evaluation_rows} rows it had not seen; everything is measured on these."
        ),
        ModelSubject::PredictionColumn { column, favourable: Some(favourable), .. } => format!(
            "The decisions are those of column '{column}', where '{favourable}' is favourable, counted over all rows."
        ),
        ModelSubject::PredictionColumn { column, .. } => {
            format!("The decisions are those of column '{column}', counted over all rows.")
        }
        ModelSubject::File { name, .. } => {
            format!("The model file '{name}' was read as data, never executed, and asked about the labelled rows.")
        }
    });
    for bands in &frame.bands {
        steps.push(format!(
            "'{}' was cut into bands, open below and closed above: {} (rule: {}).",
            bands.column,
            bands.labels.join(", "),
            bands.rule
        ));
    }
    steps.extend(asked_again(stress));
    steps.push(format!(
        "Rates have Wilson intervals, differences Newcombe's, ratios Katz's, aggregates a bootstrap of the cells with {} \
         resamples; p-values are corrected over all tests.",
        settings.resamples
    ));
    steps.push(
        "A test fails when its whole interval lies beyond the limit and passes when it lies wholly inside; anything else is not \
         enough data. Groups under the minimum size are reported and never scored."
            .to_owned(),
    );
    steps
}

/// On how many rows the model was asked about changed values.
fn asked_again(stress: &StressTest) -> Option<String> {
    let rows = |pairs: bool| {
        let of_kind = stress.flips.iter().filter(|flip| flip.attribute.contains(" x ") == pairs);
        of_kind.map(|flip| flip.flip_rate.n).max()
    };
    let in_pairs = rows(true).map_or_else(String::new, |rows| format!(", flips of two attributes on {rows}"));
    rows(false).map(|rows| {
        format!("Flips of one attribute and noise were asked on {rows} judged rows{in_pairs}, drawn by a hash where there are more.")
    })
}

fn limits(
    frame: &Frame,
    model: &ModelSubject,
    domain: &Domain,
    settings: &AuditSettings,
    stress: &StressTest,
) -> Vec<String> {
    let mut limits = vec![
        "The four-fifths line (29 CFR 1607.4(D)) is a rule of thumb of US employment selection; elsewhere it is a flag, not a \
         verdict of law."
            .to_owned(),
        "All other limits and the points of the scores are choices of this project; no law sets them. This is no legal advice."
            .to_owned(),
        "Labels are taken as they are: where past decisions were unfair, error rates against them hide it.".to_owned(),
        "A flip holds everything else fixed and so misses what works through proxies.".to_owned(),
    ];
    if let ModelSubject::TrainedForest { .. } = model {
        limits.push(
            "No model was handed in: the forest shows what these data teach a usual model, not what a system in use decides."
                .to_owned(),
        );
    }
    if let ModelSubject::File { training_overlap, .. } = model {
        limits.push(format!("Whether the model was trained on the audited rows is {training_overlap}."));
    }
    if let Some(reason) = &stress.flips_reason {
        limits.push(format!("Flips and noise were not measured: {reason}."));
    }
    if settings.without_labels() {
        limits.push("Target and decision are the same column: there are no labels, so no error rates.".to_owned());
    }
    if frame.bands.iter().any(|bands| bands.rule == domain.age_rule) {
        limits.push(format!("Age bands: {}.", domain.age_note));
    }
    limits
}
