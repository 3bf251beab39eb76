//! The run itself: the steps in order, and what each hands to the next.

use assize_tables::Profile;

use super::cells::{Counted, count_decisions, count_file, decisions_of_column};
use super::consistency::consistency;
use super::decisions::{self, Decisions, Source};
use super::describe::{CORRECTION, dataset_subject, parameters};
use super::frame::Frame;
use super::{AuditInput, AuditSettings, Error, Groups, Watch, asker, groups, retrain};
use crate::body::Measured;
use crate::document::{
    DataForensics, Explanation, Finding, Governance, LayerResults, Mitigation, Parameters, ReferenceGroup, Severity,
    StressTest, Subject, Thresholds, Verdict,
};
use crate::domains::{self, Domain};
use crate::explanation::explain;
use crate::forensics::{self, ForensicsSettings, mix};
use crate::metrics::{self, MeasureInput, MeasureSettings, MeasuredMetrics};
use crate::narrative::{self, NarrativeStatus};
use crate::stress::{self, Asked, StressInput};
use crate::verdict::{self, Layer, percent};

/// Most attributes in one intersection.
const INTERSECTION_DEPTH: usize = 3;
/// Judged rows that our forest is asked about again: a share of 2 % over so many is known within 0.4 points (95 %).
const ASKED_ROWS_MAX: usize = 5_000;
/// The same for pairs of attributes, whose values multiply: within 0.6 points.
const ASKED_ROWS_IN_PAIRS_MAX: usize = 2_000;
/// Judged rows that a model file is asked about again, some dozen times.
const ASKED_ROWS_OF_FILE_MAX: usize = 4_000;

/// A request that was checked against its data: everything is read, nothing is measured yet.
///
/// What is promised in public before the run ([`Prepared::commitment`]) is taken from here.
pub struct Prepared<'a> {
    input: AuditInput<'a>,
    settings: &'a AuditSettings,
    thresholds: Thresholds,
    domain: &'static Domain,
    profile: Profile,
    frame: Frame,
    /// Decisions that are in the data or that a model file gave; a forest is trained in the run.
    recorded: Option<Decisions>,
}

/// Audits data and decisions; see the module. [`prepare`] and [`Prepared::measure`] in one.
///
/// # Errors
/// Everything in [`Error`]: what is wrong with the request or the data, in a sentence that says what to change, or that
/// the watch stopped the run.
pub fn audit(input: &AuditInput<'_>, settings: &AuditSettings, watch: &dyn Watch) -> Result<Measured, Error> {
    prepare(input, settings, watch)?.measure(watch)
}

/// Reads the data and checks the request against it.
///
/// # Errors
/// As [`audit`].
pub fn prepare<'a>(
    input: &AuditInput<'a>,
    settings: &'a AuditSettings,
    watch: &dyn Watch,
) -> Result<Prepared<'a>, Error> {
    on_threads(settings, || {
        let thresholds = settings.check(input.dataset.column_names())?;
        if input.model.is_some() {
            settings.check_beside_model()?;
        }
        let domain = domains::find(&settings.domain);
        watch.step("profiling the data", 0.0);
        let profile = input.dataset.profile(watch.cancel())?;
        watch.step("reading the rows", 0.1);
        let frame = Frame::read(input, &profile, settings, domain, watch)?;
        given_references(settings, &frame.groups)?;
        let recorded = match (input.model, &settings.prediction_column, &settings.score_column) {
            // A model that does not fit the rows is refused before anything is promised.
            (Some(model), ..) => {
                watch.step("asking the model", 0.15);
                Some(comparable(&frame, decisions::ask(&frame, model, watch.cancel())?)?)
            }
            (None, None, None) => None,
            _ => Some(comparable(&frame, decisions_of_column(&frame, &profile, settings)?)?),
        };
        Ok(Prepared { input: *input, settings, thresholds, domain, profile, frame, recorded })
    })
}

fn on_threads<T: Send>(settings: &AuditSettings, work: impl FnOnce() -> T + Send) -> T {
    match rayon::ThreadPoolBuilder::new().num_threads(settings.threads.max(1)).build() {
        Ok(pool) => pool.install(work),
        // A machine that refuses more threads still audits, on those there are.
        Err(_) => work(),
    }
}

impl Prepared<'_> {
    /// The choices of the run as its certificate will show them in `parameters`, but for what only the run can tell.
    #[must_use]
    pub fn commitment(&self) -> serde_json::Value {
        let parameters = parameters(self.settings, &self.frame, self.domain, self.thresholds.clone());
        let mut value = serde_json::to_value(parameters).expect("parameters are texts and finite numbers");
        if let Some(members) = value.as_object_mut() {
            members.remove("reference_groups");
            members.remove("decision_threshold");
        }
        value
    }

    /// Measures and judges.
    ///
    /// # Errors
    /// As [`audit`].
    pub fn measure(self, watch: &dyn Watch) -> Result<Measured, Error> {
        let settings = self.settings;
        on_threads(settings, || run(&self, watch))
    }
}

/// What the layers measured, before it is judged.
struct Layers {
    data_forensics: DataForensics,
    stress_test: StressTest,
    measured: MeasuredMetrics,
    mitigations: Vec<Mitigation>,
    explanation: Option<Explanation>,
    selection_rate: f64,
}

fn run(prepared: &Prepared<'_>, watch: &dyn Watch) -> Result<Measured, Error> {
    let Prepared { input, settings, thresholds, frame, profile, .. } = prepared;
    let cancel = watch.cancel();
    watch.step("deciding", 0.2);
    let asked_for;
    let decisions = match &prepared.recorded {
        Some(recorded) => recorded,
        None => {
            asked_for = comparable(frame, decisions::train_and_decide(frame, settings, cancel)?)?;
            &asked_for
        }
    };
    watch.step("examining the data", 0.5);
    let forensics_settings = ForensicsSettings {
        confidence: settings.confidence,
        group_size_min: thresholds.group_size_min,
        seed: settings.seed,
    };
    let data_forensics = forensics::examine(frame, profile, &forensics_settings, cancel)?;
    watch.step("counting the groups", 0.6);
    let counted = match decisions.source {
        Source::Column { .. } => count_file(input.dataset, frame, settings, decisions, cancel)?,
        _ => count_decisions(frame, settings, decisions)?,
    };
    watch.step("measuring fairness", 0.65);
    let mut measured = measure(&counted, prepared, watch)?;
    measured.metrics.inequality.consistency = consistency(frame, decisions, settings.seed);
    watch.step("stressing the decisions", 0.75);
    let stress_test = stress(prepared, decisions, &mut measured, watch)?;
    watch.step("computing remedies", 0.85);
    let retrained =
        retrain::remedies(frame, decisions, &measured.metrics.attributes, &data_forensics.proxies, settings, cancel)?;
    let mut mitigations = std::mem::take(&mut measured.mitigations);
    // Weights whose effect was measured by training again replace those that are only computed.
    mitigations.retain(|one| {
        one.after.is_some()
            || !retrained.iter().any(|other| (&other.kind, &other.attribute) == (&one.kind, &one.attribute))
    });
    mitigations.extend(retrained);
    watch.step("explaining the decisions", 0.9);
    let group_size_min = thresholds.group_size_min;
    let explanation = explain(frame, decisions, input.model, settings.seed, group_size_min, cancel)?;
    watch.step("judging", 0.95);
    let selection_rate = selection_rate(&counted);
    let layers = Layers { data_forensics, stress_test, measured, mitigations, explanation, selection_rate };
    Ok(conclude(prepared, decisions, layers))
}

fn stress(
    prepared: &Prepared<'_>,
    decisions: &Decisions,
    measured: &mut MeasuredMetrics,
    watch: &dyn Watch,
) -> Result<StressTest, Error> {
    let Prepared { input, settings, thresholds, frame, .. } = prepared;
    let (rows_max, rows_in_pairs_max) = asked_rows_max(decisions);
    let stress_input = StressInput {
        asked: asked(input, frame, decisions, rows_max, settings.seed)?,
        asked_in_pairs: asked(input, frame, decisions, rows_in_pairs_max, settings.seed)?,
        worst_subgroups: std::mem::take(&mut measured.worst_subgroups),
        stability: std::mem::take(&mut measured.stability),
        metrics: &measured.metrics,
        thresholds,
        confidence: settings.confidence,
        seed: settings.seed,
    };
    stress::examine(stress_input, watch.cancel())
}

/// Judges the layers and puts the result together.
fn conclude(prepared: &Prepared<'_>, decisions: &Decisions, layers: Layers) -> Measured {
    let Prepared { input, settings, thresholds, domain, profile, frame, .. } = prepared;
    let Layers { mut data_forensics, mut stress_test, measured, mitigations, explanation, selection_rate } = layers;
    let mut findings = forensics::judge(&mut data_forensics, frame, thresholds, settings.confidence);
    findings.extend(seen_in_training(frame, decisions));
    findings.extend(unknown_training(decisions));
    findings.extend(stress::judge(&mut stress_test, selection_rate, thresholds, settings.confidence));
    findings.extend(measured.findings);
    verdict::sort(&mut findings);
    let metrics = measured.metrics;
    let scored = [
        Layer { score: data_forensics.health_score, status: data_forensics.status },
        Layer { score: stress_test.bias_score, status: stress_test.status },
        Layer { score: metrics.overall_fairness_score, status: metrics.status },
    ];
    let overall_score = verdict::overall_score(&scored);
    let conclusive = metrics
        .attributes
        .iter()
        .all(|one| matches!(one.demographic_parity_ratio.verdict, Verdict::Pass | Verdict::Fail));
    let model = decisions.subject(frame, settings, input.model);
    let mut result = Measured {
        certification_status: verdict::certification(overall_score, &scored, &findings, conclusive),
        overall_score,
        domain: settings.domain.clone(),
        method: verdict::method(frame, &model, domain, settings, &stress_test),
        subject: Subject { dataset: dataset_subject(input, settings, frame, profile, &model), model },
        parameters: Parameters {
            reference_groups: measured.reference_groups,
            decision_threshold: decisions.scores.is_some().then_some(asker::DECISION_THRESHOLD),
            ..parameters(settings, frame, domain, thresholds.clone())
        },
        layer_results: LayerResults {
            data_forensics,
            stress_test,
            fairness_metrics: metrics,
            gemini_governance: Governance {
                gemini_status: NarrativeStatus::Fallback.as_str().to_owned(),
                narrative_source: narrative::TEMPLATE.to_owned(),
                severity_summary: verdict::severity_summary(&findings),
                numbers_checked: 0,
                note: None,
                checklist: Vec::new(),
            },
        },
        findings,
        mitigations,
        explanation,
    };
    result.layer_results.gemini_governance.checklist = verdict::checklist(&result);
    result
}

/// An attribute can have two groups in the data and one among the judged rows.
fn comparable(frame: &Frame, decisions: Decisions) -> Result<Decisions, Error> {
    for groups in &frame.groups {
        groups::check_comparable(&at_rows(groups, &decisions.rows), decisions.rows.len() as u64)?;
    }
    Ok(decisions)
}

fn measure(counted: &Counted, prepared: &Prepared<'_>, watch: &dyn Watch) -> Result<MeasuredMetrics, Error> {
    let Prepared { settings, thresholds, domain, frame, .. } = prepared;
    let references = given_references(settings, &frame.groups)?;
    let input = MeasureInput { cells: &counted.cells, strata: &counted.strata, numeric: &counted.numeric };
    let should_hold =
        format!("In this domain ({}) what should hold first is {}: {}.", domain.name, domain.hold, domain.hold_why);
    let measure_settings = MeasureSettings {
        thresholds,
        confidence: settings.confidence,
        resamples: settings.resamples,
        seed: settings.seed,
        correction: CORRECTION,
        reference_groups: &references,
        intersection_depth: INTERSECTION_DEPTH,
        domain: &domain.name,
        should_hold: &should_hold,
    };
    Ok(metrics::measure(&input, &measure_settings, watch.cancel())?)
}

/// Reference groups as given, each checked to be a group of its attribute.
fn given_references(settings: &AuditSettings, groups: &[Groups]) -> Result<Vec<ReferenceGroup>, Error> {
    let mut references = Vec::new();
    for (attribute, group) in &settings.reference_groups {
        let own = groups.iter().find(|groups| groups.attribute == *attribute);
        let known = own.map_or(&[][..], |own| own.levels.as_slice());
        if !known.contains(group) && !attribute.contains(" x ") {
            return Err(Error::ReferenceGroup {
                attribute: attribute.clone(),
                group: group.clone(),
                groups: known.to_vec(),
            });
        }
        references.push(ReferenceGroup {
            attribute: attribute.clone(),
            group: group.clone(),
            rule: "given".to_owned(),
        });
    }
    Ok(references)
}

fn selection_rate(counted: &Counted) -> f64 {
    let (mut all, mut selected) = (0_u64, 0_u64);
    for cell in counted.cells.cells.iter().filter(|cell| cell.prediction < 2) {
        all += cell.count;
        selected += cell.count * u64::from(cell.prediction);
    }
    selected as f64 / all.max(1) as f64
}

/// Rows that the model is asked about again: with one attribute changed, and with two.
fn asked_rows_max(decisions: &Decisions) -> (usize, usize) {
    match decisions.source {
        Source::Forest(_) => (ASKED_ROWS_MAX, ASKED_ROWS_IN_PAIRS_MAX),
        Source::Model { .. } => (ASKED_ROWS_OF_FILE_MAX, ASKED_ROWS_OF_FILE_MAX / 2),
        Source::Column { .. } => (0, 0),
    }
}

/// The model with judged rows, all or a seeded sample of many; `None` when the decisions are a column.
fn asked<'a>(
    input: &AuditInput<'a>,
    frame: &Frame,
    decisions: &'a Decisions,
    rows_max: usize,
    seed: u64,
) -> Result<Option<Asked<'a>>, Error> {
    let mut rows = decisions.rows.clone();
    if rows.len() > rows_max {
        rows.sort_unstable_by_key(|row| (mix(mix(seed ^ 0x6173_6b65_6400) ^ u64::from(*row)), *row));
        rows.truncate(rows_max);
        rows.sort_unstable();
    }
    let asker = decisions.asker(frame, input.model, &rows)?;
    let groups = frame.groups.iter().map(|groups| at_rows(groups, &rows)).collect();
    Ok(asker.map(|asker| Asked { asker, groups }))
}

fn at_rows(groups: &Groups, rows: &[u32]) -> Groups {
    Groups { codes: rows.iter().map(|row| groups.codes[*row as usize]).collect(), ..groups.clone() }
}

/// Judged rows that equal a training row flatter the model.
fn seen_in_training(frame: &Frame, decisions: &Decisions) -> Option<Finding> {
    let Source::Forest(trained) = &decisions.source else { return None };
    let seen = forensics::rows_seen_in_training(frame, &trained.training_rows, &decisions.rows);
    let share = seen as f64 / decisions.rows.len() as f64;
    let verdict = if share > 0.05 { Verdict::Fail } else { Verdict::Pass };
    let message = format!("{seen} of {} judged rows ({}) equal a training row.", decisions.rows.len(), percent(share));
    Some(Finding {
        estimate: verdict::exact(share, decisions.rows.len() as u64),
        threshold: Some(0.05),
        ..verdict::finding("data_forensics", "data.split_duplicates", Severity::Low, verdict, "all columns", message)
    })
}

/// A model file does not say which rows it was trained on: that is said, and counts for nothing.
fn unknown_training(decisions: &Decisions) -> Option<Finding> {
    let Source::Model { .. } = &decisions.source else { return None };
    let verdict = Verdict::NotAssessed;
    Some(verdict::finding(
        "data_forensics",
        "data.training_overlap",
        Severity::Medium,
        verdict,
        "all columns",
        format!(
            "Whether the model was trained on any of the {} judged rows cannot be known from its file; on its own training \
             rows a model looks better than it is. Audit it on rows it has not seen.",
            decisions.rows.len()
        ),
    ))
}
