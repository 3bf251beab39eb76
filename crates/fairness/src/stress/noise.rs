//! Decisions under small changes of everything but the protected attributes: do some groups stand on thinner ice?

use assize_tables::{ColumnData, MISSING};

use super::Asked;
use crate::audit::{Answers, Groups, NewValues, Replacement};
use crate::document::{GroupShare, Perturbation};
use crate::forensics::{mix, share};

/// Steps of numeric columns, as shares of their range.
const STEPS: [f64; 2] = [0.01, 0.05];
/// Draws of another category before a row keeps its own.
const DRAWS_MAX: u64 = 8;

/// Kinds of change that are to be asked.
pub(crate) struct Noise {
    kinds: Vec<(String, Vec<Replacement>)>,
}

impl Noise {
    /// Those that the columns of the asked rows allow.
    pub(crate) fn new(asked: &Asked<'_>, seed: u64) -> Self {
        let Asked { asker, groups } = asked;
        let is_free = |name: &str| asker.reads(name) && groups.iter().all(|groups| groups.attribute != name);
        let columns = asker.table().columns.iter().filter(|column| is_free(&column.name));
        let free: Vec<(usize, &str, &ColumnData)> =
            columns.enumerate().map(|(index, column)| (index, column.name.as_str(), &column.data)).collect();
        let mut kinds: Vec<(String, Vec<Replacement>)> = STEPS
            .iter()
            .map(|step| (format!("numeric +-{} % of range", step * 100.0), stepped(&free, *step, seed)))
            .collect();
        kinds.push(("one category swapped".to_owned(), swapped(&free, asker.table().rows, seed)));
        kinds.retain(|(_, replacements)| !replacements.is_empty());
        Self { kinds }
    }

    /// What to ask.
    pub(crate) fn asks(&self) -> impl Iterator<Item = Vec<Replacement>> {
        self.kinds.iter().map(|(_, replacements)| replacements.clone())
    }

    /// Shares of changed decisions by group, for each kind of change and each attribute. `now` are the answers for the
    /// rows as they are, `changed` those to [`Self::asks`].
    pub(crate) fn compare(
        &self,
        asked: &Asked<'_>,
        now: &Answers,
        changed: &[Answers],
        group_size_min: u64,
        confidence: f64,
    ) -> Vec<Perturbation> {
        let mut found = Vec::new();
        for ((change, _), after) in self.kinds.iter().zip(changed) {
            let moved: Vec<bool> =
                now.decisions.iter().zip(&after.decisions).map(|(before, after)| before != after).collect();
            let groups = asked.groups.iter();
            found.extend(groups.map(|groups| by_group(change, &moved, groups, group_size_min, confidence)));
        }
        found
    }
}

/// Every number up or down by the step, at random.
fn stepped(free: &[(usize, &str, &ColumnData)], step: f64, seed: u64) -> Vec<Replacement> {
    let mut replacements = Vec::new();
    for (index, name, data) in free {
        let ColumnData::Numeric(values) = data else { continue };
        let present = || values.iter().copied().filter(|value| !value.is_nan());
        let range = present().fold(f64::NEG_INFINITY, f64::max) - present().fold(f64::INFINITY, f64::min);
        if !range.is_finite() || range <= 0.0 {
            continue;
        }
        let sign = |row: usize| if draw(seed, *index, row) >> 63 == 1 { 1.0 } else { -1.0 };
        let new = values.iter().enumerate().map(|(row, value)| value + sign(row) * step * range).collect();
        replacements.push(Replacement { column: (*name).to_owned(), values: NewValues::Numbers(new) });
    }
    replacements
}

/// In every row one text column, chosen at random, takes the value of another row.
fn swapped(free: &[(usize, &str, &ColumnData)], rows: usize, seed: u64) -> Vec<Replacement> {
    let mut texts: Vec<(&str, &[u32], Vec<u32>)> = free
        .iter()
        .filter_map(|(_, name, data)| match data {
            ColumnData::Categorical { codes, .. } => Some((*name, codes.as_slice(), codes.clone())),
            ColumnData::Numeric(_) => None,
        })
        .collect();
    if texts.is_empty() {
        return Vec::new();
    }
    for row in 0..rows {
        let chosen = (draw(seed, usize::MAX, row) % texts.len() as u64) as usize;
        let (_, codes, new) = &mut texts[chosen];
        let other =
            (0..DRAWS_MAX).map(|attempt| codes[(mix(draw(seed, chosen, row) ^ attempt) % rows as u64) as usize]);
        if let Some(code) = other.into_iter().find(|code| *code != codes[row] && *code != MISSING) {
            new[row] = code;
        }
    }
    let replacement = |(name, _, new): (&str, &[u32], Vec<u32>)| Replacement {
        column: name.to_owned(),
        values: NewValues::Codes(new),
    };
    texts.into_iter().map(replacement).collect()
}

fn draw(seed: u64, column: usize, row: usize) -> u64 {
    mix(mix(seed ^ 0x6e6f_6973_6500_0000) ^ mix(column as u64) ^ (row as u64).rotate_left(32))
}

fn by_group(change: &str, moved: &[bool], groups: &Groups, group_size_min: u64, confidence: f64) -> Perturbation {
    let mut counts = vec![[0_u64; 2]; groups.levels.len()];
    for (code, moved) in groups.codes.iter().zip(moved) {
        let count = &mut counts[usize::from(*code)];
        count[0] += 1;
        count[1] += u64::from(*moved);
    }
    let large = counts.iter().filter(|[n, _]| *n >= group_size_min);
    let rates: Vec<f64> = large.map(|[n, hits]| *hits as f64 / *n as f64).collect();
    let span =
        rates.iter().copied().fold(f64::NEG_INFINITY, f64::max) - rates.iter().copied().fold(f64::INFINITY, f64::min);
    let by_group = groups.levels.iter().zip(&counts).filter(|(_, [n, _])| *n > 0);
    Perturbation {
        attribute: groups.attribute.clone(),
        change: change.to_owned(),
        by_group: by_group
            .map(|(group, [n, hits])| GroupShare { group: group.clone(), share: share(*hits, *n, confidence) })
            .collect(),
        range: (rates.len() > 1).then_some(span),
    }
}
