//! Measures of a group that need scores, from its histogram of 1,024 bins. A score counts as the middle of its bin, so
//! every mean here is within 1/2048 of the one over raw scores; ranks are exact but for ties within a bin.

use libm::{exp, log, log1p, sqrt};

use super::MeasureSettings;
use super::groups::quotient;
use super::tally::{BINS, Histogram, Rate, Tally};
use crate::document::{CalibrationBin, Estimate, GroupScores};
use crate::statistics::{Interval, Share, normal_quantile, wilson};

/// Equal-count bins of the calibration error (Guo 2017).
const CALIBRATION_BINS: usize = 10;
/// Newton steps of the calibration line before it is called undefined.
const NEWTON_STEPS_MAX: usize = 50;
/// A calibration slope beyond this is on its way to infinity: the labels are separable.
const SLOPE_MAX: f64 = 1e3;

/// All score measures; `None` when no row of the group has a score. The bins of the reliability diagram are listed
/// when asked: intersections leave them out to keep certificates small.
pub(crate) fn measure_group(
    tally: &Tally,
    reference: Option<&Tally>,
    settings: &MeasureSettings<'_>,
    list_bins: bool,
) -> Option<GroupScores> {
    let histogram = tally.scores.as_ref()?;
    let [negative, positive, _] = &histogram.weights;
    let z = normal_quantile(0.5 + settings.confidence / 2.0);
    let all: Vec<f64> = (0..BINS).map(|bin| histogram.total(bin)).collect();
    let line = calibration_line(negative, positive);
    let bins = calibration_bins(tally);
    let brier = positive.iter().zip(negative).enumerate().map(|(bin, (p, n))| {
        let s = middle(bin);
        p * (1.0 - s) * (1.0 - s) + n * s * s
    });
    let labelled: f64 = positive.iter().chain(negative).sum();
    Some(GroupScores {
        mean: mean(&all)?,
        auc: auc_estimate(tally, settings, z),
        calibration_error: calibration_estimate(tally, settings, z),
        calibration_slope: line.map(|line| line.slope),
        calibration_intercept: line.map(|line| line.intercept),
        brier: quotient(brier.sum(), labelled),
        balance_positive: mean(positive),
        balance_negative: mean(negative),
        xauc: reference
            .and_then(|reference| reference.scores.as_ref())
            .and_then(|reference| ranked_above(positive, &reference.weights[0])),
        bins: if list_bins { bins.iter().map(|bin| bin.document(settings.confidence)).collect() } else { Vec::new() },
    })
}

/// The score that stands for a bin.
pub(crate) fn middle(bin: usize) -> f64 {
    (bin as f64 + 0.5) / BINS as f64
}

fn mean(weights: &[f64]) -> Option<f64> {
    let sum: f64 = weights.iter().enumerate().map(|(bin, weight)| middle(bin) * weight).sum();
    quotient(sum, weights.iter().sum())
}

/// P(score of one > score of the other) + half the ties; `None` when either is empty.
fn ranked_above(these: &[f64], those: &[f64]) -> Option<f64> {
    let mut below = 0.0;
    let mut sum = 0.0;
    for (this, that) in these.iter().zip(those) {
        sum += this * (below + 0.5 * that);
        below += that;
    }
    quotient(sum, below * these.iter().sum::<f64>())
}

/// AUC with DeLong's standard error (1988); `None` without both labels. A perfect ranking has variance 0 there and
/// takes that of Hanley and McNeil (1982) at an AUC half a pair away from it.
pub(crate) fn auc(tally: &Tally) -> Option<(f64, f64)> {
    let histogram = tally.scores.as_ref()?;
    let [negative, positive, _] = &histogram.weights;
    let area = ranked_above(positive, negative)?;
    let placements = |these: &[f64], those: &[f64], upwards: bool| {
        let (total, all): (f64, f64) = (these.iter().sum(), those.iter().sum());
        let (mut below, mut squares) = (0.0, 0.0);
        for (this, that) in these.iter().zip(those) {
            let under = (below + 0.5 * that) / all;
            let placement = if upwards { under } else { 1.0 - under };
            squares += this * (placement - area) * (placement - area);
            below += that;
        }
        let n = total * tally.scale;
        squares / total / (n - 1.0).max(1.0)
    };
    let variance = placements(positive, negative, true) + placements(negative, positive, false);
    if variance > 1e-18 {
        return Some((area, sqrt(variance)));
    }
    let m = positive.iter().sum::<f64>() * tally.scale;
    let n = negative.iter().sum::<f64>() * tally.scale;
    let a = (area * m * n + 0.5) / (m * n + 1.0);
    let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
    let variance = (a * (1.0 - a) + (m - 1.0).max(0.0) * (q1 - a * a) + (n - 1.0).max(0.0) * (q2 - a * a)) / (m * n);
    Some((area, sqrt(variance.max(0.0))))
}

fn auc_estimate(tally: &Tally, settings: &MeasureSettings<'_>, z: f64) -> Estimate {
    let min = settings.thresholds.group_size_min;
    let (positives, negatives) = (tally.denominator(Rate::Tpr), tally.denominator(Rate::Fpr));
    let n = positives + negatives;
    match auc(tally) {
        None => Estimate { n, reason: Some("needs scored rows of both labels".to_owned()), ..Estimate::default() },
        Some((area, error)) => Estimate {
            value: Some(area),
            interval: Some([(area - z * error).max(0.0), (area + z * error).min(1.0)]),
            n,
            reason: (positives.min(negatives) < min).then(|| {
                format!("{} rows of one label, under the minimum of {min}: not scored", positives.min(negatives))
            }),
        },
    }
}

/// One equal-count bin.
struct Bin {
    weight: f64,
    positive: f64,
    score_sum: f64,
    rows: u64,
    scale: f64,
}

impl Bin {
    fn share(&self) -> Share {
        Share { hits: self.positive * self.scale, n: self.weight * self.scale }
    }

    fn gap(&self) -> f64 {
        (self.score_sum - self.positive).abs() / self.weight
    }

    /// Standard error of the observed share; smoothed so that it is never 0.
    fn error(&self) -> f64 {
        let Share { hits, n } = self.share();
        let p = (hits + 0.5) / (n + 1.0);
        sqrt(p * (1.0 - p) / n)
    }

    fn document(&self, confidence: f64) -> CalibrationBin {
        CalibrationBin {
            score: self.score_sum / self.weight,
            observed: self.positive / self.weight,
            interval: wilson(self.share(), confidence),
            n: self.rows,
        }
    }
}

/// Up to ten bins of as equal weight as whole score bins allow, over the labelled rows.
fn calibration_bins(tally: &Tally) -> Vec<Bin> {
    let Some(histogram) = &tally.scores else { return Vec::new() };
    let [negative, positive, _] = &histogram.weights;
    let total: f64 = positive.iter().chain(negative).sum();
    let empty = || Bin { weight: 0.0, positive: 0.0, score_sum: 0.0, rows: 0, scale: tally.scale };
    let (mut bins, mut open, mut seen) = (Vec::with_capacity(CALIBRATION_BINS), empty(), 0.0);
    for bin in 0..BINS {
        let weight = positive[bin] + negative[bin];
        if weight <= 0.0 {
            continue;
        }
        open.weight += weight;
        open.positive += positive[bin];
        open.score_sum += weight * middle(bin);
        open.rows += histogram.labelled_rows[bin];
        seen += weight;
        let edge = total * (bins.len() + 1) as f64 / CALIBRATION_BINS as f64;
        if seen >= edge && bins.len() + 1 < CALIBRATION_BINS {
            bins.push(std::mem::replace(&mut open, empty()));
        }
    }
    if open.weight > 0.0 {
        bins.push(open);
    }
    bins
}

/// Expected calibration error over equal-count bins with its interval at `z` standard errors; `None` without labelled
/// scores. By the triangle inequality the error in the ECE is at most the weighted sum of the bins' own errors, a sum of
/// half-normals of known mean and variance: so the interval also covers the upward bias that noise gives an ECE.
pub(crate) fn calibration_error(tally: &Tally, z: f64) -> Option<(f64, Interval)> {
    let bins = calibration_bins(tally);
    let total: f64 = bins.iter().map(|bin| bin.weight).sum();
    if total <= 0.0 {
        return None;
    }
    let half_normal_mean = sqrt(2.0 / std::f64::consts::PI);
    let (mut error, mut noise, mut variance) = (0.0, 0.0, 0.0);
    for bin in &bins {
        let share = bin.weight / total;
        error += share * bin.gap();
        noise += share * bin.error() * half_normal_mean;
        variance += share * share * bin.error() * bin.error() * (1.0 - half_normal_mean * half_normal_mean);
    }
    let slack = noise + z * sqrt(variance);
    Some((error, [(error - slack).max(0.0), (error + slack).min(1.0)]))
}

fn calibration_estimate(tally: &Tally, settings: &MeasureSettings<'_>, z: f64) -> Estimate {
    let min = settings.thresholds.group_size_min;
    let n = tally.scores.as_ref().map_or(0, |scores| scores.labelled_rows.iter().sum());
    match calibration_error(tally, z) {
        None => Estimate { n, reason: Some("no scored rows with a label".to_owned()), ..Estimate::default() },
        Some((error, interval)) => Estimate {
            value: Some(error),
            interval: Some(interval),
            n,
            reason: (n < min).then(|| format!("{n} labelled rows, under the minimum of {min}: not scored")),
        },
    }
}

#[derive(Debug, Clone, Copy)]
struct Line {
    slope: f64,
    intercept: f64,
}

/// Logistic regression of the label on logit(score) by Newton's method; `None` when one label is absent, all scores
/// fall in one bin, or the labels are separable (then no maximum exists).
fn calibration_line(negative: &[f64], positive: &[f64]) -> Option<Line> {
    let points: Vec<[f64; 3]> = (0..BINS)
        .filter(|&bin| positive[bin] + negative[bin] > 0.0)
        .map(|bin| [log(middle(bin) / (1.0 - middle(bin))), positive[bin], positive[bin] + negative[bin]])
        .collect();
    let hits: f64 = positive.iter().sum();
    let misses: f64 = negative.iter().sum();
    if points.len() < 2 || hits <= 0.0 || misses <= 0.0 {
        return None;
    }
    let mut line = Line { slope: 0.0, intercept: log(hits / misses) };
    let mut likelihood = log_likelihood(&points, line);
    for _ in 0..NEWTON_STEPS_MAX {
        let step = newton_step(&points, line)?;
        // Halve a step that overshoots: the likelihood is concave, so a short enough one always climbs.
        let mut part = 1.0;
        loop {
            let next =
                Line { slope: line.slope + part * step.slope, intercept: line.intercept + part * step.intercept };
            let reached = log_likelihood(&points, next);
            let moved = part * (step.slope.abs() + step.intercept.abs());
            if reached >= likelihood || moved < 1e-9 {
                (line, likelihood) = (next, reached);
                break;
            }
            part /= 2.0;
        }
        if line.slope.abs() > SLOPE_MAX {
            return None;
        }
        if step.slope.abs() + step.intercept.abs() < 1e-9 {
            return Some(line);
        }
    }
    None
}

/// `points` are (logit of the score, favourable labels, labels).
fn log_likelihood(points: &[[f64; 3]], line: Line) -> f64 {
    let term = |&[x, hits, n]: &[f64; 3]| {
        let odds = line.intercept + line.slope * x;
        // ln(1 + e^odds) without overflow.
        hits * odds - n * (odds.max(0.0) + log1p(exp(-odds.abs())))
    };
    points.iter().map(term).sum()
}

fn newton_step(points: &[[f64; 3]], line: Line) -> Option<Line> {
    let [mut g0, mut g1, mut h00, mut h01, mut h11] = [0.0; 5];
    for &[x, hits, n] in points {
        let p = 1.0 / (1.0 + exp(-(line.intercept + line.slope * x)));
        let (residual, curvature) = (hits - n * p, n * p * (1.0 - p));
        g0 += residual;
        g1 += residual * x;
        h00 += curvature;
        h01 += curvature * x;
        h11 += curvature * x * x;
    }
    let determinant = h00 * h11 - h01 * h01;
    (determinant > 1e-12 * h00 * h11)
        .then(|| Line { intercept: (h11 * g0 - h01 * g1) / determinant, slope: (h00 * g1 - h01 * g0) / determinant })
}

/// The bin that holds the median score of all rows; `None` without scores.
pub(crate) fn median_bin(histograms: &[&Histogram]) -> Option<usize> {
    let weight = |bin: usize| histograms.iter().map(|histogram| histogram.total(bin)).sum::<f64>();
    let total: f64 = (0..BINS).map(weight).sum();
    let mut seen = 0.0;
    (0..BINS).find(|&bin| {
        seen += weight(bin);
        total > 0.0 && seen >= total / 2.0
    })
}
