//! Disparities that are reported and not held against a threshold: differential fairness, conditional demographic
//! disparity, and the table New York City asks for.

use libm::log;

use super::MeasureSettings;
use super::Strata;
use super::groups::quotient;
use super::scores::median_bin;
use super::tally::{Attribute, BINS, Rate, Tally, project_one, sum};
use crate::document::{ConditionalDisparity, DifferentialFairness, Ll144Row};

/// Smoothed differential fairness (Foulds 2020) over the groups large enough: the largest |ln ratio| of the smoothed
/// rates (k + 1) / (n + 2) of either decision, with the pair that causes it (AIF360 #558).
pub(crate) fn differential_fairness(attribute: &Attribute, settings: &MeasureSettings<'_>) -> DifferentialFairness {
    let min = settings.thresholds.group_size_min;
    let smoothed: Vec<(&Tally, f64)> = attribute
        .groups
        .iter()
        .filter(|tally| tally.admits(Rate::Selection, min))
        .map(|tally| {
            let share = tally.share(Rate::Selection);
            (tally, (share.hits + 1.0) / (share.n + 2.0))
        })
        .collect();
    if smoothed.len() < 2 {
        return DifferentialFairness { epsilon: None, groups: Vec::new() };
    }
    // The extremes of the rate are the extremes of both logarithms.
    let by_rate = |a: &&(&Tally, f64), b: &&(&Tally, f64)| a.1.total_cmp(&b.1);
    let low = smoothed.iter().min_by(by_rate).expect("two groups or more");
    let high = smoothed.iter().rev().max_by(by_rate).expect("two groups or more");
    let selected = log(high.1 / low.1);
    let rejected = log((1.0 - low.1) / (1.0 - high.1));
    DifferentialFairness {
        epsilon: Some(selected.max(rejected)),
        groups: vec![low.0.name.clone(), high.0.name.clone()],
    }
}

/// Conditional demographic disparity (Wachter 2021) of each group within each stratum column. Strata in which nobody is
/// selected or nobody rejected have no such shares and are left out of the mean.
pub(crate) fn conditional(attribute: &Attribute, strata: &[Strata]) -> Vec<ConditionalDisparity> {
    let mut disparities = Vec::new();
    for stratified in strata {
        let tables: Vec<Attribute> = stratified
            .cells
            .iter()
            .filter_map(|cells| {
                let place = |column: &String| cells.keys.iter().position(|key| key.column == *column);
                let keys: Option<Vec<usize>> = attribute.columns.iter().map(place).collect();
                project_one(cells, &keys?, 0, usize::MAX)
            })
            .collect();
        for group in &attribute.groups {
            if let Some(value) = conditional_of(&group.name, &tables) {
                disparities.push(ConditionalDisparity {
                    stratum: stratified.column.clone(),
                    group: group.name.clone(),
                    value,
                });
            }
        }
    }
    disparities
}

fn conditional_of(group: &str, strata: &[Attribute]) -> Option<f64> {
    let (mut weighted, mut total) = (0.0, 0.0);
    for stratum in strata {
        let count = |tally: &Tally| {
            let (hits, all) = Rate::Selection.places();
            let selected = sum(&tally.weights, hits);
            [selected, sum(&tally.weights, all) - selected]
        };
        let all = stratum.groups.iter().map(count).fold([0.0, 0.0], |a, b| [a[0] + b[0], a[1] + b[1]]);
        let here = stratum.groups.iter().find(|tally| tally.name == group).map_or([0.0, 0.0], count);
        if all[0] > 0.0 && all[1] > 0.0 {
            let n = all[0] + all[1];
            weighted += n * (here[1] / all[1] - here[0] / all[0]);
            total += n;
        }
    }
    quotient(weighted, total)
}

/// The table of 6 RCNY 5-301: rates and impact ratios by group. Groups under the minimum share of the rows, and rows
/// whose category is unknown, are listed and left out of the ratios (5-301(d) and (e)). The scoring rate is the share
/// scored over the median of all rows; scores of the median's own bin count as not over it.
pub(crate) fn ll144(attribute: &Attribute, settings: &MeasureSettings<'_>) -> Vec<Ll144Row> {
    let total: u64 = attribute.groups.iter().map(Tally::n).sum();
    let histograms: Vec<_> = attribute.groups.iter().filter_map(|tally| tally.scores.as_ref()).collect();
    let median = median_bin(&histograms);
    let mut rows: Vec<Ll144Row> = attribute
        .groups
        .iter()
        .map(|tally| {
            let share = quotient(tally.n() as f64, total as f64).unwrap_or(0.0);
            Ll144Row {
                group: tally.name.clone(),
                n: tally.n(),
                share,
                selection_rate: tally.rate(Rate::Selection),
                impact_ratio: None,
                scoring_rate: median.and_then(|median| scoring_rate(tally, median)),
                scoring_impact_ratio: None,
                left_out: tally.missing || share < settings.thresholds.group_share_min,
            }
        })
        .collect();
    let highest = |rate: fn(&Ll144Row) -> Option<f64>| {
        rows.iter().filter(|row| !row.left_out).filter_map(rate).fold(0.0, f64::max)
    };
    let (selection, scoring) = (highest(|row| row.selection_rate), highest(|row| row.scoring_rate));
    for row in rows.iter_mut().filter(|row| !row.left_out) {
        row.impact_ratio = row.selection_rate.and_then(|rate| quotient(rate, selection));
        row.scoring_impact_ratio = row.scoring_rate.and_then(|rate| quotient(rate, scoring));
    }
    rows
}

fn scoring_rate(tally: &Tally, median: usize) -> Option<f64> {
    let histogram = tally.scores.as_ref()?;
    let over: f64 = (median + 1..BINS).map(|bin| histogram.total(bin)).sum();
    quotient(over, (0..BINS).map(|bin| histogram.total(bin)).sum())
}
