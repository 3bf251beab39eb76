//! Who is in the data: sizes and label rates by group, and whose cells are missing.

use assize_tables::{ColumnData, MISSING};

use super::association::corrected_v;
use crate::audit::{Frame, Groups};
use crate::document::{Estimate, GroupShare, Missingness, Representation};
use crate::statistics::{Share, chi_squared_independence, wilson};

/// A share with its Wilson interval; undefined over nobody.
pub(crate) fn share(hits: u64, n: u64, confidence: f64) -> Estimate {
    if n == 0 {
        return Estimate { reason: Some("no rows".to_owned()), ..Estimate::default() };
    }
    let interval = wilson(Share { hits: hits as f64, n: n as f64 }, confidence);
    Estimate { value: Some(hits as f64 / n as f64), interval: Some(interval), n, reason: None }
}

/// Sizes, shares and label rates of all groups that occur, attribute by attribute.
pub(crate) fn representation(frame: &Frame, confidence: f64) -> Vec<Representation> {
    let mut people = Vec::new();
    for groups in &frame.groups {
        // Rows, labelled rows, favourable labels.
        let mut counts = vec![[0_u64; 3]; groups.levels.len()];
        for (code, label) in groups.codes.iter().zip(&frame.labels) {
            let count = &mut counts[usize::from(*code)];
            count[0] += 1;
            count[1] += u64::from(*label < 2);
            count[2] += u64::from(*label == 1);
        }
        let reference = frame.reference_shares.get(&groups.attribute);
        for (group, [n, labelled, favourable]) in groups.levels.iter().zip(&counts).filter(|(_, counts)| counts[0] > 0)
        {
            people.push(Representation {
                attribute: groups.attribute.clone(),
                group: group.clone(),
                n: *n,
                share: *n as f64 / frame.table.rows as f64,
                reference_share: reference.and_then(|shares| shares.get(group)).copied(),
                base_rate: share(*favourable, *labelled, confidence),
            });
        }
    }
    people
}

/// Missing cells by group, for every column that misses any but the protected one itself.
pub(crate) fn missingness(frame: &Frame, confidence: f64) -> Vec<Missingness> {
    let mut found = Vec::new();
    for column in &frame.table.columns {
        let Some(missing) = missing_rows(&column.data) else { continue };
        for groups in frame.groups.iter().filter(|groups| groups.attribute != column.name) {
            found.push(by_group(&column.name, &missing, groups, confidence));
        }
    }
    found
}

/// One flag a row, `None` when nothing is missing.
fn missing_rows(data: &ColumnData) -> Option<Vec<bool>> {
    let flags: Vec<bool> = match data {
        ColumnData::Numeric(values) => values.iter().map(|value| value.is_nan()).collect(),
        ColumnData::Categorical { codes, .. } => codes.iter().map(|code| *code == MISSING).collect(),
    };
    flags.contains(&true).then_some(flags)
}

fn by_group(column: &str, missing: &[bool], groups: &Groups, confidence: f64) -> Missingness {
    let mut counts = vec![[0_u64; 2]; groups.levels.len()];
    for (code, missing) in groups.codes.iter().zip(missing) {
        counts[usize::from(*code)][usize::from(*missing)] += 1;
    }
    let table: Vec<Vec<f64>> = counts.iter().map(|[kept, lost]| vec![*kept as f64, *lost as f64]).collect();
    let test = chi_squared_independence(&table);
    let present = counts.iter().filter(|[kept, lost]| kept + lost > 0).count() as f64;
    let by_group = groups.levels.iter().zip(&counts).filter(|(_, [kept, lost])| kept + lost > 0);
    Missingness {
        column: column.to_owned(),
        attribute: groups.attribute.clone(),
        by_group: by_group
            .map(|(group, [kept, lost])| GroupShare {
                group: group.clone(),
                share: share(*lost, kept + lost, confidence),
            })
            .collect(),
        cramers_v: test.as_ref().map_or(0.0, |test| corrected_v(test.chi2, missing.len() as f64, present, 2.0)),
        p_value: test.map(|test| test.p),
    }
}

/// How many of `judged` equal one of `training` in every column, by a hash of 64 bits of the row.
pub(crate) fn rows_seen_in_training(frame: &Frame, training: &[u32], judged: &[u32]) -> u64 {
    let hashes = row_hashes(frame);
    let mut seen: Vec<u64> = training.iter().map(|row| hashes[*row as usize]).collect();
    seen.sort_unstable();
    judged.iter().filter(|row| seen.binary_search(&hashes[**row as usize]).is_ok()).count() as u64
}

/// One hash a row over all columns.
fn row_hashes(frame: &Frame) -> Vec<u64> {
    let mut hashes = vec![0_u64; frame.table.rows];
    for column in &frame.table.columns {
        match &column.data {
            ColumnData::Numeric(values) => {
                for (hash, value) in hashes.iter_mut().zip(values) {
                    // One pattern for each kind of NaN, and for 0 and -0.
                    let bits = if value.is_nan() { u64::MAX } else { (value + 0.0).to_bits() };
                    *hash = super::mix(*hash ^ bits);
                }
            }
            ColumnData::Categorical { codes, .. } => {
                for (hash, code) in hashes.iter_mut().zip(codes) {
                    *hash = super::mix(*hash ^ u64::from(*code));
                }
            }
        }
    }
    hashes
}
