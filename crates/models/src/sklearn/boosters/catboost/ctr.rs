//! Statistics of the target by category: a table of counts by the hash of one or several categories.

use std::collections::HashMap;

use super::LIBRARY;
use crate::predictor::Error;

/// Which statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Share of rows whose class is above a border.
    Borders,
    /// Share of rows of one class.
    Buckets,
    /// Mean of the target.
    Mean,
    /// Frequency.
    Counter,
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "Borders" => Self::Borders,
            "Buckets" => Self::Buckets,
            "BinarizedTargetMeanValue" => Self::Mean,
            "Counter" | "FeatureFreq" => Self::Counter,
            _ => return None,
        })
    }

    /// By the number in the binary form (`ECtrType`).
    pub(super) fn numbered(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Borders,
            1 => Self::Buckets,
            2 => Self::Mean,
            4 | 5 => Self::Counter,
            _ => return None,
        })
    }
}

/// Counts by hash.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Counts {
    pub(super) by_hash: HashMap<u64, Vec<f32>>,
    pub(super) denominator: f32,
}

/// A statistic with the borders trees hold it against.
#[derive(Debug, Clone)]
pub(super) struct Ctr {
    pub(super) kind: Kind,
    /// Categorical inputs that together are the key.
    pub(super) keys: Vec<usize>,
    pub(super) border: usize,
    pub(super) prior: (f32, f32),
    pub(super) shift: f32,
    pub(super) scale: f32,
    pub(super) borders: Vec<f32>,
    pub(super) counts: std::sync::Arc<Counts>,
}

impl Ctr {
    /// The category that it is made of, when it is one.
    pub(super) fn only_input(&self) -> Option<usize> {
        if let [only] = self.keys.as_slice() { Some(*only) } else { None }
    }

    pub(super) fn check(&self, categorical: usize) -> Result<(), Error> {
        let numbers = [self.prior.0, self.prior.1, self.shift, self.scale, self.counts.denominator];
        let known = !self.keys.is_empty() && self.keys.iter().all(|key| *key < categorical);
        let width = match self.kind {
            Kind::Borders | Kind::Buckets => self.border + 1,
            Kind::Mean => 2,
            Kind::Counter => 1,
        };
        let counted = self.counts.by_hash.values().all(|counts| counts.len() >= width);
        if known && counted && numbers.iter().all(|number| number.is_finite()) {
            return Ok(());
        }
        Err(LIBRARY.refuse("the statistics of a category are not understood"))
    }

    fn value(&self, counts: Option<&Vec<f32>>) -> f32 {
        let (part, whole) = match (self.kind, counts) {
            (Kind::Counter, counts) => (counts.map_or(0.0, |counts| counts[0]), self.counts.denominator),
            (_, None) => (0.0, 0.0),
            (Kind::Mean, Some(counts)) => (counts[0], counts[1]),
            (Kind::Borders, Some(counts)) => (counts[self.border + 1..].iter().sum(), counts.iter().sum()),
            (Kind::Buckets, Some(counts)) => (counts[self.border], counts.iter().sum()),
        };
        let statistic = (part + self.prior.0) / (whole + self.prior.1);
        (statistic + self.shift) * self.scale
    }

    /// The statistic of every row.
    pub(super) fn of(&self, hashes: &[Vec<i32>], rows: usize) -> Vec<f32> {
        let key = |row: usize| self.keys.iter().fold(0, |hash, key| combine(hash, i64::from(hashes[*key][row]) as u64));
        (0..rows).map(|row| self.value(self.counts.by_hash.get(&key(row)))).collect()
    }
}

/// `CalcHash` of CatBoost (`catboost/private/libs/ctr_description`).
fn combine(first: u64, second: u64) -> u64 {
    const MULTIPLIER: u64 = 0x4906_ba49_4954_cb65;
    MULTIPLIER.wrapping_mul(first.wrapping_add(MULTIPLIER.wrapping_mul(second)))
}
