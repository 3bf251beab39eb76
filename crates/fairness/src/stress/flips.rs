//! Counterfactual flips: what happens to the decisions when only the protected value is replaced.
//!
//! An approximation of counterfactual fairness (Kusner 2017): everything else is held fixed, so an effect that runs
//! through proxies is not seen here but in layer 1.

use assize_tables::ColumnData;

use super::Asked;
use crate::audit::{Answers, Asker, Groups, NewValues, Replacement};
use crate::document::{Estimate, Flip, FlipTo};
use crate::forensics::share;

/// Replacement values of one attribute; the largest groups are kept.
const VALUES_MAX: usize = 24;
/// Replacement values of each attribute of a pair.
const PAIR_VALUES_MAX: usize = 6;

/// Flips that are to be asked.
pub(crate) struct Flips<'a> {
    asker: &'a Asker<'a>,
    plans: Vec<Plan<'a>>,
}

impl<'a> Flips<'a> {
    /// Of every attribute.
    pub(crate) fn single(asked: &'a Asked<'a>) -> Self {
        let plans = asked.groups.iter().map(|groups| Plan::of(asked, &[groups], VALUES_MAX)).collect();
        Self { asker: &asked.asker, plans }
    }

    /// Of every pair of attributes, both replaced at once.
    pub(crate) fn in_pairs(asked: &'a Asked<'a>) -> Self {
        let mut plans = Vec::new();
        for (index, first) in asked.groups.iter().enumerate() {
            let others = asked.groups[index + 1..].iter();
            plans.extend(others.map(|second| Plan::of(asked, &[first, second], PAIR_VALUES_MAX)));
        }
        Self { asker: &asked.asker, plans }
    }

    /// What to ask.
    pub(crate) fn asks(&self) -> Vec<Vec<Replacement>> {
        let used = self.plans.iter().filter(|plan| plan.used);
        used.flat_map(|plan| plan.targets.iter().map(|target| plan.replacements(self.asker, target))).collect()
    }

    /// `now` are the answers for the rows as they are, `changed` those to [`Self::asks`].
    pub(crate) fn compare(&self, now: &Answers, changed: &[Answers], confidence: f64) -> Vec<Flip> {
        let mut rest = changed;
        let mut compare = |plan: &Plan<'_>| {
            if !plan.used {
                return plan.unread(now.decisions.len(), confidence);
            }
            let (own, others) = rest.split_at(plan.targets.len());
            rest = others;
            plan.compare(now, own, confidence)
        };
        self.plans.iter().map(&mut compare).collect()
    }
}

/// One attribute or pair, with the values everybody is set to.
struct Plan<'a> {
    columns: Vec<&'a Groups>,
    /// Whether the model reads any of them.
    used: bool,
    /// One level a column.
    targets: Vec<Vec<usize>>,
}

impl<'a> Plan<'a> {
    fn of(asked: &Asked<'_>, columns: &[&'a Groups], values_max: usize) -> Self {
        let mut targets: Vec<Vec<usize>> = vec![Vec::new()];
        for groups in columns {
            let levels = largest(groups, values_max);
            targets = targets
                .iter()
                .flat_map(|target| {
                    levels.iter().map(move |level| target.iter().copied().chain([*level]).collect::<Vec<_>>())
                })
                .collect();
        }
        let used = columns.iter().any(|groups| asked.asker.reads(&groups.attribute));
        Self { columns: columns.to_vec(), used, targets }
    }

    fn name(&self) -> String {
        self.columns.iter().map(|groups| groups.attribute.as_str()).collect::<Vec<_>>().join(" x ")
    }

    fn replacements(&self, asker: &Asker<'_>, target: &[usize]) -> Vec<Replacement> {
        let read = self.columns.iter().zip(target).filter(|(groups, _)| asker.reads(&groups.attribute));
        read.map(|(groups, level)| Replacement {
            column: groups.attribute.clone(),
            values: new_values(asker, groups, *level),
        })
        .collect()
    }

    fn compare(&self, now: &Answers, changed: &[Answers], confidence: f64) -> Flip {
        let rows = now.decisions.len();
        let mut flipped = vec![false; rows];
        let mut largest = vec![0.0_f64; rows];
        let mut to_value = Vec::with_capacity(changed.len());
        for (target, answers) in self.targets.iter().zip(changed) {
            let (mut gained, mut lost) = (0_u64, 0_u64);
            for (row, (before, after)) in now.decisions.iter().zip(&answers.decisions).enumerate() {
                gained += u64::from(after > before);
                lost += u64::from(after < before);
                flipped[row] |= after != before;
            }
            if let (Some(before), Some(after)) = (&now.scores, &answers.scores) {
                for ((largest, before), after) in largest.iter_mut().zip(before).zip(after) {
                    *largest = largest.max((after - before).abs());
                }
            }
            let group = self.columns.iter().zip(target).map(|(groups, level)| groups.levels[*level].as_str());
            to_value.push(FlipTo {
                group: group.collect::<Vec<_>>().join(" | "),
                gained: gained as f64 / rows.max(1) as f64,
                lost: lost as f64 / rows.max(1) as f64,
            });
        }
        let hits = flipped.iter().filter(|flipped| **flipped).count() as u64;
        let scored = now.scores.is_some() && rows > 0;
        Flip {
            attribute: self.name(),
            flip_rate: share(hits, rows as u64, confidence),
            to_value,
            mean_max_score_change: scored.then(|| largest.iter().sum::<f64>() / rows as f64),
        }
    }

    /// The model does not read the column: nothing can change.
    fn unread(&self, rows: usize, confidence: f64) -> Flip {
        let reason = format!("the model does not read {}", self.name());
        let flip_rate = Estimate { reason: Some(reason), ..share(0, rows as u64, confidence) };
        Flip { attribute: self.name(), flip_rate, to_value: Vec::new(), mean_max_score_change: None }
    }
}

/// The levels with the most rows, in level order; nobody is set to "missing".
fn largest(groups: &Groups, values_max: usize) -> Vec<usize> {
    let mut sizes = vec![0_u64; groups.levels.len()];
    for code in &groups.codes {
        sizes[usize::from(*code)] += 1;
    }
    let mut levels: Vec<usize> = (0..groups.known()).filter(|level| sizes[*level] > 0).collect();
    levels.sort_by_key(|level| (std::cmp::Reverse(sizes[*level]), *level));
    levels.truncate(values_max);
    levels.sort_unstable();
    levels
}

/// Everybody set to a level: the text of a category, the median of a band. Who is in the band already keeps the value.
fn new_values(asker: &Asker<'_>, groups: &Groups, level: usize) -> NewValues {
    let numbers = match asker.table().column(&groups.attribute).map(|column| &column.data) {
        Some(ColumnData::Numeric(values)) => values,
        // A model may read as texts what the audit cuts into bands: "?" among numbers is a text to it.
        _ if groups.banded => return NewValues::Text(groups.medians[level].to_string()),
        _ => return NewValues::Text(groups.levels[level].clone()),
    };
    let target = if groups.banded {
        groups.medians[level]
    } else {
        groups.levels[level].parse().expect("a level of a numeric column is a number's own text")
    };
    let values = groups.codes.iter().zip(numbers);
    NewValues::Numbers(values.map(|(code, value)| if usize::from(*code) == level { *value } else { target }).collect())
}
