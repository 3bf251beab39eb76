//! Group fairness from cells: every rate, difference, ratio, interval, test and remedy that layer 3 reports.
//!
//! Flow: [`measure`] projects the [`Cells`] on each protected attribute and each intersection, computes the group
//! rates, draws the bootstrap of the cells once per attribute, derives the tested aggregates from it, and ends in the
//! layer's document, its findings, the worst subgroups and the computed remedies.
//!
//! Invariants: a pure function of its input, whatever the number of threads; an undefined rate is `None` with a reason;
//! a group under the minimum size is reported and never passes, fails or moves an aggregate.

mod aggregates;
mod bootstrap;
mod disparities;
mod findings;
mod groups;
mod inequality;
mod numeric;
mod roc;
mod score;
mod scores;
mod subgroups;
mod sweep;
pub(crate) mod tally;

use assize_tables::{Cancel, Cancelled, Cells};
use rayon::prelude::*;

use self::aggregates::{Ground, independence};
use self::bootstrap::Draws;
use self::groups::{Reference, choose_reference, measure_groups};
use self::tally::{Attribute, Rate};
use crate::document::{
    AttributeMetrics, ChiSquared, FairnessMetrics, Finding, Mitigation, ReferenceGroup, Stability, Subgroup, Tested,
    Thresholds,
};
use crate::mitigation;
use crate::statistics::{Correction, adjust};

/// Groups of an intersection above which it is not assessed: the certificate would drown in it.
pub const INTERSECTION_GROUPS_MAX: usize = 512;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct MeasureInput<'a> {
    /// Counts of the evaluation rows; `keys` are the protected attributes in the order given.
    pub cells: &'a Cells,
    /// Legitimate strata for conditional demographic disparity; may be empty.
    pub strata: &'a [Strata],
    /// Unbanded values of the numeric protected attributes; may be empty.
    pub numeric: &'a [NumericHistogram],
}

/// The same rows as [`MeasureInput::cells`], split by the values of one stratum column.
#[derive(Debug, Clone)]
pub struct Strata {
    /// The stratum column.
    pub column: String,
    /// Cells of each stratum; keys have the columns of [`MeasureInput::cells`], groups are matched by name.
    pub cells: Vec<Cells>,
}

/// Decisions by value of a numeric protected attribute, before it was cut into bands.
#[derive(Debug, Clone)]
pub struct NumericHistogram {
    /// Column.
    pub column: String,
    /// (value, rows selected, rows rejected) in any order; a value may occur more than once.
    pub values: Vec<(f64, u64, u64)>,
}

/// How it is measured.
#[derive(Debug, Clone, Copy)]
pub struct MeasureSettings<'a> {
    /// Limits that verdicts are held against.
    pub thresholds: &'a Thresholds,
    /// Confidence level of every interval, e.g. 0.95.
    pub confidence: f64,
    /// Bootstrap resamples of the cells, e.g. 2,000.
    pub resamples: u32,
    /// Seed of every draw.
    pub seed: u64,
    /// Multiple-testing correction over all tests of the layer.
    pub correction: Correction,
    /// Reference groups that were given, by attribute (`race`, `race x sex`); the others are chosen.
    pub reference_groups: &'a [ReferenceGroup],
    /// Most attributes in one intersection: 1 (none), 2 or 3.
    pub intersection_depth: usize,
    /// Domain profile, e.g. `employment`: chooses the legal warning of a remedy.
    pub domain: &'a str,
    /// Which of calibration and equal error rates the domain should hold, and why, as a sentence; it closes the
    /// impossibility note.
    pub should_hold: &'a str,
}

/// What [`measure`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredMetrics {
    /// Layer 3; `inequality.consistency` needs rows and is left `None` for the caller.
    pub metrics: FairnessMetrics,
    /// One finding a test, worst first.
    pub findings: Vec<Finding>,
    /// Computed remedies with their price.
    pub mitigations: Vec<Mitigation>,
    /// For layer 2: agreement of the four-fifths verdict over the resamples.
    pub stability: Vec<Stability>,
    /// For layer 2: the subgroups selected least, worst first.
    pub worst_subgroups: Vec<Subgroup>,
    /// The group each attribute and intersection was compared with, and why.
    pub reference_groups: Vec<ReferenceGroup>,
}

/// Which inputs there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Present {
    pub(crate) labels: bool,
    pub(crate) decisions: bool,
    pub(crate) scores: bool,
}

/// Intersections with too many groups.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) attributes: Vec<String>,
    pub(crate) groups_max: usize,
}

/// Measures the fairness of the decisions in the cells. Work runs in the caller's rayon pool; the result does not depend
/// on its size. Attributes are many and small, so one attribute (or intersection) is one piece of work.
pub fn measure(
    input: &MeasureInput<'_>,
    settings: &MeasureSettings<'_>,
    cancel: &Cancel,
) -> Result<MeasuredMetrics, Cancelled> {
    let cells = &input.cells.cells;
    let present = Present {
        labels: cells.iter().any(|cell| cell.label < 2),
        decisions: cells.iter().any(|cell| cell.prediction < 2),
        scores: cells.iter().any(|cell| cell.bin < assize_tables::cells::SCORE_BINS),
    };
    let (attributes, skipped) = tally::project(input.cells, settings.intersection_depth, INTERSECTION_GROUPS_MAX);
    let skipped = Skipped { attributes: skipped, groups_max: INTERSECTION_GROUPS_MAX };
    let mut measured: Vec<Attributed> = attributes
        .par_iter()
        .map(|attribute| measure_attribute(attribute, input, settings, present, cancel))
        .collect::<Result<_, _>>()?;
    cancel.check()?;
    correct(&mut measured, settings.correction);

    let single = input.cells.keys.len();
    let sweep = sweep::sweep(&attributes[..single], settings, present);
    let mitigations = mitigation::compute(
        &mitigation::Ground { cells: input.cells, attributes: &attributes[..single], sweep: &sweep, settings, present },
        cancel,
    )?;
    let stability = measured.iter().filter_map(|measured| measured.stability.clone()).collect();
    let reference_groups = measured.iter().map(|measured| measured.reference.named.clone()).collect();
    let mut metrics: Vec<AttributeMetrics> = measured.into_iter().map(|measured| measured.metrics).collect();
    let findings = findings::tell(&metrics, &skipped, settings);
    let intersections = metrics.split_off(single);
    let (overall_fairness_score, score_terms) = score::score(&metrics);
    Ok(MeasuredMetrics {
        metrics: FairnessMetrics {
            overall_fairness_score,
            status: score::status(&findings, &metrics),
            score_terms,
            rows: cells.iter().map(|cell| cell.count).sum(),
            inequality: inequality::measure(&attributes[..single]),
            threshold_sweep: sweep,
            numeric_attributes: input.numeric.iter().map(numeric::measure).collect(),
            impossibility: impossibility(&attributes[..single], settings),
            attributes: metrics,
            intersections,
        },
        findings,
        mitigations,
        stability,
        worst_subgroups: subgroups::worst(&attributes, settings),
        reference_groups,
    })
}

/// One attribute or intersection, measured.
struct Attributed {
    metrics: AttributeMetrics,
    reference: Reference,
    stability: Option<Stability>,
}

fn measure_attribute(
    attribute: &Attribute,
    input: &MeasureInput<'_>,
    settings: &MeasureSettings<'_>,
    present: Present,
    cancel: &Cancel,
) -> Result<Attributed, Cancelled> {
    let limits = settings.thresholds;
    let reference = choose_reference(attribute, settings);
    let draws = bootstrap::draw(attribute, limits.group_size_min, settings.resamples, settings.seed, cancel)?;
    let ground = Ground { attribute, draws: &draws, reference: reference.group, settings, present };
    let groups = measure_groups(attribute, &reference, settings, present);
    let small = || groups.iter().filter(|group| group.small);
    let decided = independence(attribute, Rate::Selection, &draws.groups);
    let odds = [Rate::Tpr, Rate::Fpr];
    cancel.check()?;
    let metrics = AttributeMetrics {
        attribute: attribute.name.clone(),
        columns: attribute.columns.clone(),
        reference_group: reference.named.group.clone(),
        small_groups: small().map(|group| group.group.clone()).collect(),
        rows_in_small_groups: small().map(|group| group.n).sum(),
        demographic_parity_difference: ground.difference(&[Rate::Selection], limits.demographic_parity_difference_max),
        demographic_parity_ratio: ground.ratio(&[Rate::Selection], limits.disparate_impact_min),
        equal_opportunity_difference: ground.difference(&[Rate::Tpr], limits.equal_opportunity_difference_max),
        equalized_odds_difference: ground.difference(&odds, limits.equalized_odds_difference_max),
        equalized_odds_ratio: ground.ratio(&odds, limits.disparate_impact_min),
        average_odds_difference: ground.average_odds(limits.equalized_odds_difference_max),
        predictive_parity_difference: ground.difference(&[Rate::Ppv], limits.predictive_parity_difference_max),
        accuracy_difference: ground.difference(&[Rate::Accuracy], limits.accuracy_difference_max),
        calibration_error: ground.calibration_error(limits.calibration_error_max),
        auc_difference: ground.auc_difference(limits.accuracy_difference_max),
        abroca: roc::abroca(&ground, settings),
        selection_chi2: ChiSquared {
            chi2: decided.map(|test| test.chi2),
            dof: decided.map_or(0, |test| test.dof),
            p: decided.map(|test| test.p),
        },
        differential_fairness: disparities::differential_fairness(attribute, settings),
        conditional_demographic_disparity: disparities::conditional(attribute, input.strata),
        ll144: disparities::ll144(attribute, settings),
        groups,
    };
    let stability = stability(&metrics, &draws, settings);
    Ok(Attributed { metrics, reference, stability })
}

/// How often the resamples fall on the side of the four-fifths line where the measured ratio is. A resample adds its own
/// noise to that of the data, which pushes the smallest-to-largest ratio of many groups down; so the resampled ratios are
/// moved to have the measured one as their median.
fn stability(metrics: &AttributeMetrics, draws: &Draws, settings: &MeasureSettings<'_>) -> Option<Stability> {
    let line = settings.thresholds.disparate_impact_min;
    let measured = metrics.demographic_parity_ratio.estimate.value?;
    let mut ratios: Vec<f64> = draws.selection_rate_ratios().into_iter().flatten().collect();
    if ratios.is_empty() {
        return None;
    }
    let shift = measured - bootstrap::quantile(&mut ratios, 0.5);
    let same = ratios.iter().filter(|&&ratio| (ratio + shift >= line) == (measured >= line)).count();
    Some(Stability { attribute: metrics.attribute.clone(), agreement: same as f64 / ratios.len() as f64 })
}

/// Adjusts all p-values of the layer as one family: each aggregate that tests a hypothesis of its own, and each group
/// large enough against its reference. A ratio shares the hypothesis of its difference and takes over its p.
fn correct(measured: &mut [Attributed], correction: Correction) {
    let mut family = Vec::new();
    for attributed in measured.iter_mut() {
        each_p(&mut attributed.metrics, &mut |p, _| family.push(p));
    }
    let mut adjusted = adjust(&family, correction).into_iter();
    for attributed in measured {
        each_p(&mut attributed.metrics, &mut |_, target| *target = adjusted.next());
        let metrics = &mut attributed.metrics;
        metrics.demographic_parity_ratio.p_adjusted = metrics.demographic_parity_difference.p_adjusted;
        metrics.equalized_odds_ratio.p_adjusted = metrics.equalized_odds_difference.p_adjusted;
    }
}

/// Visits the p-values of the family with the place of their adjusted value, always in the same order.
fn each_p(metrics: &mut AttributeMetrics, visit: &mut dyn FnMut(f64, &mut Option<f64>)) {
    let tests: [&mut Tested; 6] = [
        &mut metrics.demographic_parity_difference,
        &mut metrics.equal_opportunity_difference,
        &mut metrics.equalized_odds_difference,
        &mut metrics.predictive_parity_difference,
        &mut metrics.accuracy_difference,
        &mut metrics.auc_difference,
    ];
    for tested in tests {
        if let Some(p) = tested.p_value {
            visit(p, &mut tested.p_adjusted);
        }
    }
    for group in metrics.groups.iter_mut().filter(|group| !group.small) {
        if let Some(p) = group.p_value {
            visit(p, &mut group.p_adjusted);
        }
    }
}

/// Where base rates differ, calibration within groups and equal error rates cannot both hold (Kleinberg 2017,
/// Chouldechova 2017). `None` when no base rates differ significantly.
fn impossibility(attributes: &[Attribute], settings: &MeasureSettings<'_>) -> Option<String> {
    let min = settings.thresholds.group_size_min;
    let tests: Vec<(&Attribute, Vec<usize>, f64)> = attributes
        .iter()
        .filter_map(|attribute| {
            let groups: Vec<usize> =
                (0..attribute.groups.len()).filter(|&g| attribute.groups[g].admits(Rate::Base, min)).collect();
            let p = independence(attribute, Rate::Base, &groups)?.p;
            Some((attribute, groups, p))
        })
        .collect();
    let p_values: Vec<f64> = tests.iter().map(|(_, _, p)| *p).collect();
    let adjusted = adjust(&p_values, settings.correction);
    let differing: Vec<String> = tests
        .iter()
        .zip(adjusted)
        .filter(|(_, p)| *p < 1.0 - settings.confidence)
        .map(|((attribute, groups, _), p)| {
            let rates = groups.iter().filter_map(|&group| attribute.groups[group].rate(Rate::Base));
            let (low, high) = rates.fold((1.0_f64, 0.0_f64), |(l, h), rate| (l.min(rate), h.max(rate)));
            let p = if p < 1e-4 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") };
            format!("{} ({low:.2} to {high:.2}, {p})", attribute.name)
        })
        .collect();
    if differing.is_empty() {
        return None;
    }
    Some(format!(
        "The share of favourable labels differs between the groups of {}. So calibration within groups and equal error \
         rates cannot both hold unless predictions are perfect (Kleinberg 2017, Chouldechova 2017). {}",
        differing.join(", "),
        settings.should_hold,
    ))
}
