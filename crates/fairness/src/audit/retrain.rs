//! Remedies that need the model trained again: reweighing, and leaving out the column closest to a protected attribute.
//!
//! Both are measured on the rows that no training saw, against a forest of the same small size on the same rows, so
//! that the difference is the remedy's and not the size's.

use assize_models::forest::{Binned, Forest, ForestOptions, Training, train_binned};
use assize_tables::Cancel;
use assize_tables::cells::{Key, count_rows};

use super::decisions::{Decisions, Source, Trained, forest_options};
use super::frame::Frame;
use super::{AuditSettings, Error, Groups};
use crate::document::{AttributeMetrics, Mitigation, NamedValue, Proxy, Verdict};
use crate::mitigation::reweighing_weights;

/// Trees of each forest trained for a comparison: enough to rank remedies, a fifth of the audited forest's work.
const TREES: u32 = 20;
/// Rows drawn for each of these trees, as a share of the training rows.
const SAMPLE_SHARE: f64 = 0.4;
/// Least rows in a leaf: few trees of smaller leaves fit noise. On UCI Adult 10 and a share of 0.4 are more accurate
/// (0.8633) than 5 and a share of 0.5 (0.8609), and the remedies differ less between seeds.
const LEAF_ROWS_MIN: u32 = 10;

/// Which disparity a remedy is measured by.
const GOAL: &str = "disparate_impact";

/// Computed remedies for every attribute whose disparate impact failed; empty when no forest was trained here.
pub(crate) fn remedies(
    frame: &Frame,
    decisions: &Decisions,
    attributes: &[AttributeMetrics],
    proxies: &[Proxy],
    settings: &AuditSettings,
    cancel: &Cancel,
) -> Result<Vec<Mitigation>, Error> {
    let Source::Forest(trained) = &decisions.source else { return Ok(Vec::new()) };
    let failed: Vec<&AttributeMetrics> =
        attributes.iter().filter(|attribute| attribute.demographic_parity_ratio.verdict == Verdict::Fail).collect();
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    let judged = trained.binned.select(&decisions.rows);
    let bench = Bench { frame, decisions, trained, judged, settings, cancel };
    let before = bench.outcome(&bench.train(frame.weights.as_deref(), None)?)?;
    let mut found = Vec::new();
    for attribute in failed {
        let Some(groups) = frame.groups.iter().find(|groups| groups.attribute == attribute.attribute) else { continue };
        let scored: Vec<&str> =
            attribute.groups.iter().filter(|group| !group.small).map(|group| group.group.as_str()).collect();
        found.push(bench.reweigh(groups, &scored, &before)?);
        let closest = proxies.iter().find(|proxy| proxy.attribute == groups.attribute && proxy.cramers_v > 0.3);
        if let Some(proxy) = closest {
            found.extend(bench.drop_proxy(groups, &scored, proxy, &before)?);
        }
    }
    Ok(found)
}

/// Where remedies are tried.
struct Bench<'a> {
    frame: &'a Frame,
    decisions: &'a Decisions,
    trained: &'a Trained,
    judged: Binned,
    settings: &'a AuditSettings,
    cancel: &'a Cancel,
}

/// What a forest decides on the judged rows.
struct Outcome {
    decisions: Vec<u8>,
    accuracy: f64,
}

impl Bench<'_> {
    fn train(&self, weights: Option<&[f64]>, features: Option<&[usize]>) -> Result<Forest, Error> {
        let training =
            Training { labels: &self.frame.labels, weights, rows: Some(&self.trained.training_rows), features };
        let options = ForestOptions {
            sample_share: SAMPLE_SHARE,
            min_samples_leaf: LEAF_ROWS_MIN,
            ..forest_options(self.settings, TREES)
        };
        Ok(train_binned(&self.trained.binned, &training, &options, self.cancel)?)
    }

    fn outcome(&self, forest: &Forest) -> Result<Outcome, Error> {
        let scores = forest.score(&self.judged, self.cancel)?;
        let decisions: Vec<u8> =
            scores.iter().map(|score| u8::from(*score >= super::asker::DECISION_THRESHOLD)).collect();
        let labels = self.decisions.labels(self.frame);
        let right = decisions.iter().zip(&labels).filter(|(decision, label)| decision == label).count();
        Ok(Outcome { accuracy: right as f64 / decisions.len() as f64, decisions })
    }

    fn reweigh(&self, groups: &Groups, scored: &[&str], before: &Outcome) -> Result<Mitigation, Error> {
        let rows = &self.trained.training_rows;
        let at = |values: &[u8]| -> Vec<u8> { rows.iter().map(|row| values[*row as usize]).collect() };
        let labels = at(&self.frame.labels);
        let codes: Vec<u16> = rows.iter().map(|row| groups.codes[*row as usize]).collect();
        let own: Option<Vec<f64>> =
            self.frame.weights.as_ref().map(|weights| rows.iter().map(|row| weights[*row as usize]).collect());
        let keys: [(Key, Vec<u16>); 1] = [(groups.key(), codes)];
        let cells = count_rows(&keys, Some(&labels), &labels, None, own.as_deref());
        let factors = reweighing_weights(&cells, 0);
        let mut by_group = vec![[1.0_f64; 2]; groups.levels.len()];
        for factor in &factors {
            if let Some(level) = groups.levels.iter().position(|level| *level == factor.group) {
                by_group[level][usize::from(factor.label)] = factor.weight;
            }
        }
        let weights: Vec<f64> = (0..self.frame.table.rows)
            .map(|row| {
                let label = usize::from(self.frame.labels[row].min(1));
                let own = self.frame.weights.as_ref().map_or(1.0, |weights| weights[row]);
                by_group[usize::from(groups.codes[row])][label] * own
            })
            .collect();
        let after = self.outcome(&self.train(Some(&weights), None)?)?;
        let label_text = |label: u8| {
            if label == 1 { &self.frame.outcome.positive } else { &self.frame.outcome.negative }
        };
        let settings = factors
            .iter()
            .map(|factor| NamedValue {
                name: format!("{} with {}", factor.group, label_text(factor.label)),
                value: Some(factor.weight),
            })
            .collect();
        let note = format!(
            "Train with these row weights (Kamiran, Calders 2012). Measured with {TREES} trees before and after; the model never \
             sees the weights when it decides."
        );
        Ok(self.mitigation("reweighing", groups, scored, settings, before, &after, note))
    }

    fn drop_proxy(
        &self,
        groups: &Groups,
        scored: &[&str],
        proxy: &Proxy,
        before: &Outcome,
    ) -> Result<Option<Mitigation>, Error> {
        let binner = self.trained.binned.binner();
        let dropped = [binner.index(&proxy.column), binner.index(&groups.attribute)];
        let features: Vec<usize> = (0..binner.len()).filter(|feature| !dropped.contains(&Some(*feature))).collect();
        if features.is_empty() {
            return Ok(None);
        }
        let after = self.outcome(&self.train(self.frame.weights.as_deref(), Some(&features))?)?;
        let settings = vec![NamedValue { name: proxy.column.clone(), value: Some(proxy.cramers_v) }];
        let note = format!(
            "Train without '{}' and without '{}'. Measured with {TREES} trees before and after; other columns may carry the same \
             information.",
            proxy.column, groups.attribute
        );
        Ok(Some(self.mitigation("drop_proxy", groups, scored, settings, before, &after, note)))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call a remedy; a struct would only rename the document's fields"
    )]
    fn mitigation(
        &self,
        kind: &str,
        groups: &Groups,
        scored: &[&str],
        settings: Vec<NamedValue>,
        before: &Outcome,
        after: &Outcome,
        note: String,
    ) -> Mitigation {
        let mut changed = vec![0_u64; groups.levels.len()];
        for (place, row) in self.decisions.rows.iter().enumerate() {
            changed[usize::from(groups.codes[*row as usize])] +=
                u64::from(before.decisions[place] != after.decisions[place]);
        }
        let changed = groups.levels.iter().zip(changed).filter(|(_, count)| *count > 0);
        Mitigation {
            kind: kind.to_owned(),
            attribute: groups.attribute.clone(),
            goal: GOAL.to_owned(),
            settings,
            before: self.ratio(groups, scored, before),
            after: self.ratio(groups, scored, after),
            accuracy_before: Some(before.accuracy),
            accuracy_after: Some(after.accuracy),
            changed: changed
                .map(|(group, count)| NamedValue { name: group.clone(), value: Some(count as f64) })
                .collect(),
            note,
        }
    }

    /// Lowest over highest selection rate among the groups large enough.
    fn ratio(&self, groups: &Groups, scored: &[&str], outcome: &Outcome) -> Option<f64> {
        let mut counts = vec![[0_u64; 2]; groups.levels.len()];
        for (row, decision) in self.decisions.rows.iter().zip(&outcome.decisions) {
            let count = &mut counts[usize::from(groups.codes[*row as usize])];
            count[0] += 1;
            count[1] += u64::from(*decision);
        }
        let rates: Vec<f64> = groups
            .levels
            .iter()
            .zip(&counts)
            .filter(|(level, [n, _])| *n > 0 && scored.contains(&level.as_str()))
            .map(|(_, [n, selected])| *selected as f64 / *n as f64)
            .collect();
        let high = rates.iter().copied().fold(0.0, f64::max);
        let low = rates.iter().copied().fold(f64::INFINITY, f64::min);
        (rates.len() > 1 && high > 0.0).then(|| low / high)
    }
}
