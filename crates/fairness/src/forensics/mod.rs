//! Layer 1, the data: who is in it, what is missing for whom, which columns stand for a protected attribute, which give
//! the target away, and which should not be there.
//!
//! Flow: [`examine`] reads the rows of a [`Frame`] column by column into the layer's document; [`judge`] holds it
//! against limits and takes points off a score of 100.
//!
//! Invariants: no value of a row leaves this module; the order of rows changes nothing but which rows a bounded sample
//! takes.

mod association;
mod columns;
mod joint;
mod judge;
mod leakage;
mod people;

use assize_tables::{Cancel, Column, Profile};
use rayon::prelude::*;

use crate::audit::{Error, Frame};
use crate::document::{DataForensics, Proxy, Status};
use association::{Coded, PairCounts, code};

pub(crate) use columns::is_unusable;
pub(crate) use judge::judge;
pub(crate) use leakage::auc;
pub(crate) use people::{rows_seen_in_training, share};

/// Proxies listed per attribute.
const PROXIES_LISTED_MAX: usize = 30;

/// One step of SplitMix64 (Steele, Lea, Flood 2014): a cheap, well mixed function of 64 bits.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What the layer needs besides the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForensicsSettings {
    pub(crate) confidence: f64,
    pub(crate) group_size_min: u64,
    pub(crate) seed: u64,
}

/// Measures the layer; score, status and warnings are left to [`judge`].
pub(crate) fn examine(
    frame: &Frame,
    profile: &Profile,
    settings: &ForensicsSettings,
    cancel: &Cancel,
) -> Result<DataForensics, Error> {
    let others: Vec<&Column> = frame.table.columns.iter().filter(|column| frame.is_input(&column.name)).collect();
    let coded: Vec<(&str, Coded)> =
        others.par_iter().map(|column| (column.name.as_str(), code(&column.data))).collect();
    cancel.check()?;
    let proxies = proxies(frame, &coded);
    cancel.check()?;
    let aucs: Vec<(&str, Option<f64>)> =
        coded.par_iter().map(|(name, column)| (*name, leakage::single_column_auc(column, &frame.labels))).collect();
    cancel.check()?;
    let joint_proxies = joint::joint_proxies(frame, &proxies, settings.group_size_min, settings.seed, cancel)?;
    let (labelled, favourable) = frame.label_counts();
    Ok(DataForensics {
        health_score: 0.0,
        status: Status::Pass,
        warnings: Vec::new(),
        score_terms: Vec::new(),
        rows_examined: frame.table.rows as u64,
        duplicate_rows: profile.duplicates.rows,
        base_rate: if labelled == 0 { 0.0 } else { favourable as f64 / labelled as f64 },
        rows_without_label: profile.column(&frame.outcome.column).map_or(0, |column| column.missing),
        representation: people::representation(frame, settings.confidence),
        missingness: people::missingness(frame, settings.confidence),
        proxies,
        joint_proxies,
        leakage: leakage::leaks(&aucs),
        column_notes: columns::notes(profile, &frame.table),
    })
}

/// Every input column against every protected attribute, strongest first.
fn proxies(frame: &Frame, coded: &[(&str, Coded)]) -> Vec<Proxy> {
    let mut proxies = Vec::new();
    for groups in &frame.groups {
        let mut own: Vec<Proxy> = coded
            .par_iter()
            .filter(|(name, _)| *name != groups.attribute)
            .map(|(name, column)| {
                let association = PairCounts::count(&groups.codes, groups.known(), column).association();
                Proxy {
                    attribute: groups.attribute.clone(),
                    column: (*name).to_owned(),
                    cramers_v: association.cramers_v,
                    cramers_v_uncorrected: association.cramers_v_uncorrected,
                    normalized_mutual_information: association.normalized_mutual_information,
                }
            })
            .collect();
        own.sort_by(|a, b| b.cramers_v.total_cmp(&a.cramers_v).then_with(|| a.column.cmp(&b.column)));
        own.truncate(PROXIES_LISTED_MAX);
        proxies.extend(own);
    }
    proxies.sort_by(|a, b| b.cramers_v.total_cmp(&a.cramers_v));
    proxies
}
