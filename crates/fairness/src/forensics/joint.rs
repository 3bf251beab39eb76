//! How well all other columns together predict a protected attribute: removing the column does not remove what it says.
//!
//! For each group a small forest is trained to tell it from the rest on one half of at most [`ROWS_MAX`] rows and
//! judged on the other half. Its AUC is 0.5 when the other columns say nothing.

use std::sync::Arc;

use assize_models::forest::{Binner, ForestOptions, Training, train_binned};
use assize_tables::{Cancel, Table};
use rayon::prelude::*;

use super::leakage::auc;
use crate::audit::{Error, Frame, Groups, select_rows};
use crate::document::{JointProxy, Proxy};

/// Rows looked at: halves of 2,500 place an AUC within about 0.02, enough to tell 0.6 from 0.8.
const ROWS_MAX: usize = 5_000;
/// Trees of each small forest.
const TREES: u32 = 16;
/// Depth of its trees.
const DEPTH_MAX: u32 = 8;
/// Bins of a column: a coarse cut is enough for a shallow tree.
const BINS: u16 = 32;
/// Groups of an attribute that are tried, largest first.
const GROUPS_TRIED_MAX: usize = 6;
/// Columns named as carrying most of it.
const COLUMNS_NAMED: usize = 3;

/// One entry a protected attribute. `proxies` are the single columns, strongest first, and name the carriers.
pub(crate) fn joint_proxies(
    frame: &Frame,
    proxies: &[Proxy],
    group_size_min: u64,
    seed: u64,
    cancel: &Cancel,
) -> Result<Vec<JointProxy>, Error> {
    let mut order: Vec<u32> = (0..frame.table.rows as u32).collect();
    order.sort_unstable_by_key(|row| (super::mix(seed ^ super::mix(u64::from(*row))), *row));
    order.truncate(ROWS_MAX);
    let sample = select_rows(&frame.table, &order);
    let of = |groups: &Groups| -> Result<JointProxy, Error> {
        let codes: Vec<u16> = order.iter().map(|row| groups.codes[*row as usize]).collect();
        let features: Vec<&str> =
            frame.features.iter().map(String::as_str).filter(|name| *name != groups.attribute).collect();
        let carriers = proxies.iter().filter(|proxy| proxy.attribute == groups.attribute);
        let columns = carriers.take(COLUMNS_NAMED).map(|proxy| proxy.column.clone()).collect();
        let tried = tried_groups(groups, &codes, group_size_min);
        if features.is_empty() || tried.is_empty() {
            let reason = Some("no two groups are large enough to train and to judge on".to_owned());
            return Ok(JointProxy { attribute: groups.attribute.clone(), auc: None, columns, reason });
        }
        let aucs: Vec<Option<f64>> = tried
            .par_iter()
            .map(|level| {
                let labels: Vec<u8> = codes.iter().map(|code| u8::from(usize::from(*code) == *level)).collect();
                told_apart(&sample, &features, &labels, seed, cancel)
            })
            .collect::<Result<_, Error>>()?;
        let known: Vec<f64> = aucs.into_iter().flatten().collect();
        let auc = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
        Ok(JointProxy { attribute: groups.attribute.clone(), auc, columns, reason: None })
    };
    frame.groups.par_iter().map(of).collect()
}

/// Groups large enough on both sides, largest first; one of two groups, because each tells the other.
fn tried_groups(groups: &Groups, codes: &[u16], group_size_min: u64) -> Vec<usize> {
    let mut sizes = vec![0_u64; groups.levels.len()];
    for code in codes {
        sizes[usize::from(*code)] += 1;
    }
    let smaller_side = |level: usize| sizes[level].min(codes.len() as u64 - sizes[level]);
    let mut tried: Vec<usize> =
        (0..groups.known()).filter(|level| smaller_side(*level) >= 2 * group_size_min).collect();
    tried.sort_by_key(|level| (std::cmp::Reverse(sizes[*level]), *level));
    tried.truncate(if groups.known() == 2 { 1 } else { GROUPS_TRIED_MAX });
    tried
}

/// Trains on the first half of the (already shuffled) rows, judges on the second.
fn told_apart(
    sample: &Table,
    features: &[&str],
    labels: &[u8],
    seed: u64,
    cancel: &Cancel,
) -> Result<Option<f64>, Error> {
    let half = sample.rows / 2;
    let training: Vec<u32> = (0..half as u32).collect();
    let judged: Vec<u32> = (half as u32..sample.rows as u32).collect();
    let both = |rows: &[u32]| {
        let positives = rows.iter().filter(|row| labels[**row as usize] == 1).count();
        positives > 0 && positives < rows.len()
    };
    if !both(&training) || !both(&judged) {
        return Ok(None);
    }
    let learn = Training { labels, weights: None, rows: Some(&training), features: None };
    let binner = Arc::new(Binner::fit(sample, features, &learn, BINS)?);
    let binned = binner.apply(sample)?;
    let options =
        ForestOptions { trees: TREES, max_depth: Some(DEPTH_MAX), seed, threads: 1, ..ForestOptions::default() };
    let forest = train_binned(&binned, &learn, &options, cancel)?;
    let scores = forest.score(&binned.select(&judged), cancel)?;
    let mut ranked: Vec<(f64, [u64; 2])> = scores
        .iter()
        .zip(&judged)
        .map(|(score, row)| (*score, if labels[*row as usize] == 1 { [0, 1] } else { [1, 0] }))
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(auc(&ranked))
}
