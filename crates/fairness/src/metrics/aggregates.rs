//! Aggregates over the groups of an attribute, held against their thresholds.
//!
//! Each is the range (or smallest ratio) of a rate over the groups whose denominator of that rate is large enough. With
//! fewer than two such groups it is undefined and the verdict is "not enough data", never 0 and never a pass.

use libm::exp;

use super::bootstrap::{Draws, Scale, Spread, against_one_quantile, range_interval, stream};
use super::groups::{at_least, at_most};
use super::scores;
use super::tally::{Attribute, Rate};
use super::{MeasureSettings, Present};
use crate::document::{Estimate, Tested, Verdict};
use crate::statistics::{ChiSquaredTest, Interval, chi_squared_independence, chi_squared_upper_tail, normal_quantile};

/// Stream of the normal draws behind the AUC difference: apart from the streams of the tables.
const AUC_STREAM: u64 = 1 << 32;

/// What the aggregates of one attribute are computed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) attribute: &'a Attribute,
    pub(crate) draws: &'a Draws,
    pub(crate) reference: Option<usize>,
    pub(crate) settings: &'a MeasureSettings<'a>,
    pub(crate) present: Present,
}

impl Ground<'_> {
    /// max - min of a rate over the groups; of several rates the largest range.
    pub(crate) fn difference(&self, rates: &[Rate], threshold: f64) -> Tested {
        let groups = match self.admissible(rates) {
            Ok(groups) => groups,
            Err(absent) => return absent.tested(threshold),
        };
        let ranges = rates.iter().zip(&groups).map(|(&rate, groups)| self.extremes(rate, groups));
        let widest = ranges.fold(None, |best: Option<Extremes>, next| match best {
            Some(best) if best.high - best.low >= next.high - next.low => Some(best),
            _ => Some(next),
        });
        let Some(widest) = widest else { return Absent::few(rates, self.min()).tested(threshold) };
        let [low, high] = self.interval(rates, &groups, Scale::Plain);
        self.tested(
            widest.high - widest.low,
            [low, high.min(1.0)],
            threshold,
            Held { verdict: at_most, ends: &widest, rates, groups: &groups },
        )
    }

    /// min / max of a rate over the groups; of several rates the smallest ratio.
    pub(crate) fn ratio(&self, rates: &[Rate], threshold: f64) -> Tested {
        let groups = match self.admissible(rates) {
            Ok(groups) => groups,
            Err(absent) => return absent.tested(threshold),
        };
        let ranges = rates.iter().zip(&groups).map(|(&rate, groups)| self.extremes(rate, groups));
        let lowest = ranges.filter(|ends| ends.high > 0.0).fold(None, |best: Option<Extremes>, next| match best {
            Some(best) if best.low / best.high <= next.low / next.high => Some(best),
            _ => Some(next),
        });
        let Some(lowest) = lowest else {
            let reason = "no group has a favourable decision: the ratio is undefined".to_owned();
            return Absent { verdict: Verdict::NotEnoughData, reason }.tested(threshold);
        };
        let value = lowest.low / lowest.high;
        let [low, high] = self.interval(rates, &groups, Scale::Log);
        // The logarithms are smoothed, the point is not: take the point in.
        let interval = [exp(-high).min(value), exp(-low).max(value).min(1.0)];
        self.tested(value, interval, threshold, Held { verdict: at_least, ends: &lowest, rates, groups: &groups })
    }

    /// (|TPR - TPR of the reference| + |FPR - FPR of the reference|) / 2 of the worst group.
    pub(crate) fn average_odds(&self, threshold: f64) -> Tested {
        let rates = [Rate::Tpr, Rate::Fpr];
        let admissible = match self.admissible(&rates) {
            Ok(groups) => groups,
            Err(absent) => return absent.tested(threshold),
        };
        let groups: Vec<usize> = admissible[0].iter().copied().filter(|group| admissible[1].contains(group)).collect();
        let reference = self.reference.and_then(|group| groups.iter().position(|&other| other == group));
        let (Some(reference), true) = (reference, groups.len() >= 2) else {
            let reason = format!("the reference or every other group has under {} rows of one label", self.min());
            return Absent { verdict: Verdict::NotEnoughData, reason }.tested(threshold);
        };
        let spreads = rates.map(|rate| self.draws.spread(self.attribute, rate, &groups, Scale::Plain));
        let [tpr, fpr] = &spreads;
        let q = against_one_quantile(&[tpr, fpr], reference, self.settings.confidence);
        let mean = |group: usize, q: f64| {
            let (a, b) = (tpr.distance(group, reference, q), fpr.distance(group, reference, q));
            [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])]
        };
        let (mut worst, mut value, mut interval) = (reference, 0.0, [0.0_f64, 0.0_f64]);
        for group in (0..groups.len()).filter(|&group| group != reference) {
            let [point, _] = mean(group, 0.0);
            if worst == reference || point > value {
                (worst, value) = (group, point);
            }
            let [low, high] = mean(group, q);
            interval = [interval[0].max(low), interval[1].max(high.min(1.0))];
        }
        let mut tested = self.finish(value, interval, threshold, at_most, &groups);
        tested.groups = [worst, reference].iter().map(|&index| self.name(groups[index])).collect();
        tested
    }

    /// Largest difference of AUC between two groups; intervals from DeLong's variance.
    pub(crate) fn auc_difference(&self, threshold: f64) -> Tested {
        let groups = match self.ranked() {
            Ok(groups) => groups,
            Err(absent) => return absent.tested(threshold),
        };
        let curves = groups.iter().filter_map(|&group| scores::auc(&self.attribute.groups[group]));
        let (estimates, errors): (Vec<f64>, Vec<f64>) = curves.unzip();
        let ends = extremes_of(&estimates, &groups);
        let test = heterogeneity(&estimates, &errors);
        let mut random = stream(self.settings.seed, AUC_STREAM, self.attribute.stream);
        let spread = Spread::normal(estimates, errors, self.settings.resamples, &mut random);
        let [low, high] = range_interval(&[&spread], self.settings.confidence);
        let mut tested = self.finish(ends.high - ends.low, [low, high.min(1.0)], threshold, at_most, &groups);
        tested.groups = vec![self.name(ends.lowest), self.name(ends.highest)];
        tested.p_value = test.map(|test| test.p);
        tested
    }

    /// Largest expected calibration error of a group.
    pub(crate) fn calibration_error(&self, threshold: f64) -> Tested {
        if let Err(absent) = self.scored() {
            return absent.tested(threshold);
        }
        let groups: Vec<usize> = self.labelled_and_scored().collect();
        if groups.len() < 2 {
            return Absent::few(&[Rate::Accuracy], self.min()).tested(threshold);
        }
        // Bonferroni: the interval holds for all groups at once.
        let z = normal_quantile(1.0 - (1.0 - self.settings.confidence) / (2.0 * groups.len() as f64));
        let errors = groups
            .iter()
            .filter_map(|&group| Some((group, scores::calibration_error(&self.attribute.groups[group], z)?)));
        let mut worst: Option<(usize, f64)> = None;
        let mut interval = [0.0_f64, 0.0_f64];
        for (group, (error, [low, high])) in errors {
            if worst.is_none_or(|(_, largest)| error > largest) {
                worst = Some((group, error));
            }
            interval = [interval[0].max(low), interval[1].max(high)];
        }
        let Some((group, value)) = worst else {
            return Absent::few(&[Rate::Accuracy], self.min()).tested(threshold);
        };
        let mut tested = self.finish(value, interval, threshold, at_most, &groups);
        tested.groups = vec![self.name(group)];
        tested
    }

    /// Groups with enough scored rows of both labels, for ROC curves.
    pub(crate) fn ranked(&self) -> Result<Vec<usize>, Absent> {
        self.scored()?;
        let groups: Vec<usize> = (0..self.attribute.groups.len())
            .filter(|&group| {
                let tally = &self.attribute.groups[group];
                tally.admits(Rate::Tpr, self.min())
                    && tally.admits(Rate::Fpr, self.min())
                    && scores::auc(tally).is_some()
            })
            .collect();
        if groups.len() < 2 { Err(Absent::few(&[Rate::Tpr, Rate::Fpr], self.min())) } else { Ok(groups) }
    }

    fn labelled_and_scored(&self) -> impl Iterator<Item = usize> {
        (0..self.attribute.groups.len()).filter(|&group| {
            let tally = &self.attribute.groups[group];
            tally.admits(Rate::Accuracy, self.min())
                && tally.scores.as_ref().is_some_and(|scores| scores.labelled_rows.iter().sum::<u64>() >= self.min())
        })
    }

    fn scored(&self) -> Result<(), Absent> {
        let reason = match (self.present.labels, self.present.scores) {
            (true, true) => return Ok(()),
            (false, _) => "no labels were handed in",
            (true, false) => "no scores were handed in",
        };
        Err(Absent { verdict: Verdict::NotAssessed, reason: reason.to_owned() })
    }

    /// For each rate the groups with a denominator large enough; an answer why not when there are fewer than two.
    fn admissible(&self, rates: &[Rate]) -> Result<Vec<Vec<usize>>, Absent> {
        if !self.present.decisions {
            let reason = "no decisions were handed in".to_owned();
            return Err(Absent { verdict: Verdict::NotAssessed, reason });
        }
        if !self.present.labels && rates.iter().any(|&rate| rate != Rate::Selection) {
            let reason = "no labels were handed in".to_owned();
            return Err(Absent { verdict: Verdict::NotAssessed, reason });
        }
        let groups: Vec<Vec<usize>> = rates
            .iter()
            .map(|&rate| {
                self.draws
                    .groups
                    .iter()
                    .copied()
                    .filter(|&group| self.attribute.groups[group].admits(rate, self.min()))
                    .collect()
            })
            .collect();
        match rates.iter().zip(&groups).find(|(_, groups)| groups.len() < 2) {
            Some((&rate, _)) => Err(Absent::few(&[rate], self.min())),
            None => Ok(groups),
        }
    }

    fn extremes(&self, rate: Rate, groups: &[usize]) -> Extremes {
        let rates: Vec<f64> =
            groups.iter().map(|&group| self.attribute.groups[group].rate(rate).unwrap_or(f64::NAN)).collect();
        extremes_of(&rates, groups)
    }

    fn interval(&self, rates: &[Rate], groups: &[Vec<usize>], scale: Scale) -> Interval {
        let spreads: Vec<Spread> = rates
            .iter()
            .zip(groups)
            .map(|(&rate, groups)| self.draws.spread(self.attribute, rate, groups, scale))
            .collect();
        let spreads: Vec<&Spread> = spreads.iter().collect();
        range_interval(&spreads, self.settings.confidence)
    }

    fn tested(&self, value: f64, interval: Interval, threshold: f64, held: Held<'_>) -> Tested {
        let mut tested = self.finish(value, interval, threshold, held.verdict, &held.groups.concat());
        tested.groups = vec![self.name(held.ends.lowest), self.name(held.ends.highest)];
        tested.p_value = self.equality(held.rates, held.groups).map(|test| test.p);
        tested
    }

    fn finish(
        &self,
        value: f64,
        interval: Interval,
        threshold: f64,
        verdict: fn(Interval, f64) -> Verdict,
        groups: &[usize],
    ) -> Tested {
        let mut counted = groups.to_vec();
        counted.sort_unstable();
        counted.dedup();
        let n = counted.iter().map(|&group| self.attribute.groups[group].n()).sum();
        // Without resamples there is no interval, and without an interval no pass and no fail.
        let drawn = self.settings.resamples > 0;
        Tested {
            estimate: Estimate {
                value: Some(value),
                interval: drawn.then_some(interval),
                n,
                reason: (!drawn).then(|| "no resamples were asked for: no interval".to_owned()),
            },
            threshold,
            verdict: if drawn { verdict(interval, threshold) } else { Verdict::NotEnoughData },
            groups: Vec::new(),
            p_value: None,
            p_adjusted: None,
        }
    }

    /// Chi-squared test that the rates are equal in all their groups.
    pub(crate) fn equality(&self, rates: &[Rate], groups: &[Vec<usize>]) -> Option<ChiSquaredTest> {
        let (mut chi2, mut dof) = (0.0, 0);
        for (&rate, groups) in rates.iter().zip(groups) {
            let test = independence(self.attribute, rate, groups)?;
            chi2 += test.chi2;
            dof += test.dof;
        }
        Some(ChiSquaredTest { chi2, dof, p: chi_squared_upper_tail(chi2, dof) })
    }

    fn name(&self, group: usize) -> String {
        self.attribute.groups[group].name.clone()
    }

    fn min(&self) -> u64 {
        self.settings.thresholds.group_size_min
    }
}

/// Chi-squared test of groups x (hit or not) in effective counts.
pub(crate) fn independence(attribute: &Attribute, rate: Rate, groups: &[usize]) -> Option<ChiSquaredTest> {
    let table: Vec<Vec<f64>> = groups
        .iter()
        .map(|&group| {
            let share = attribute.groups[group].share(rate);
            vec![share.hits, share.n - share.hits]
        })
        .collect();
    chi_squared_independence(&table)
}

/// How a defined aggregate is judged and told.
#[derive(Clone, Copy)]
struct Held<'a> {
    verdict: fn(Interval, f64) -> Verdict,
    ends: &'a Extremes,
    rates: &'a [Rate],
    groups: &'a [Vec<usize>],
}

/// The two ends of a range.
struct Extremes {
    low: f64,
    high: f64,
    lowest: usize,
    highest: usize,
}

/// The smallest and the largest value; of equals the first.
fn extremes_of(values: &[f64], groups: &[usize]) -> Extremes {
    let mut ends = Extremes { low: f64::INFINITY, high: f64::NEG_INFINITY, lowest: 0, highest: 0 };
    for (&value, &group) in values.iter().zip(groups) {
        if value < ends.low {
            (ends.low, ends.lowest) = (value, group);
        }
        if value > ends.high {
            (ends.high, ends.highest) = (value, group);
        }
    }
    ends
}

/// Cochran's test that independent estimates with these standard errors are equal.
fn heterogeneity(estimates: &[f64], errors: &[f64]) -> Option<ChiSquaredTest> {
    if errors.iter().any(|&error| error <= 0.0) {
        return None;
    }
    let weights: Vec<f64> = errors.iter().map(|error| 1.0 / (error * error)).collect();
    let total: f64 = weights.iter().sum();
    let mean: f64 = estimates.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>() / total;
    let chi2 = estimates.iter().zip(&weights).map(|(x, w)| (x - mean) * (x - mean) * w).sum();
    let dof = u32::try_from(estimates.len()).ok()?.checked_sub(1)?;
    Some(ChiSquaredTest { chi2, dof, p: chi_squared_upper_tail(chi2, dof) })
}

/// Why an aggregate has no value.
pub(crate) struct Absent {
    verdict: Verdict,
    pub(crate) reason: String,
}

impl Absent {
    fn few(rates: &[Rate], min: u64) -> Self {
        let what: Vec<&str> = rates.iter().map(|rate| rate.denominator()).collect();
        let reason = format!("fewer than two groups have {min} {}", what.join(" and "));
        Self { verdict: Verdict::NotEnoughData, reason }
    }

    pub(crate) fn tested(self, threshold: f64) -> Tested {
        Tested {
            estimate: Estimate { reason: Some(self.reason), ..Estimate::default() },
            threshold,
            verdict: self.verdict,
            groups: Vec::new(),
            p_value: None,
            p_adjusted: None,
        }
    }
}
