//! How far two columns say the same: counts of value pairs, Cramer's V and mutual information.
//!
//! Every column becomes a short code first: categories keep theirs (the rarest share one when there are many), numbers
//! fall into bins of about equal rows. A missing cell is a value of its own: that somebody left a field empty may
//! itself say who they are.

use assize_tables::{ColumnData, MISSING};

/// Bins of a numeric column.
const NUMERIC_BINS: usize = 20;
/// Codes of a categorical column before the rarest are put together.
const LEVELS_MAX: usize = 256;
/// Values looked at to place the bin edges.
const EDGE_SAMPLE_ROWS: usize = 50_000;

/// A column as short codes.
#[derive(Debug, Clone)]
pub(crate) struct Coded {
    pub(crate) codes: Vec<u16>,
    /// Codes are below this.
    pub(crate) width: usize,
}

/// Codes of a column; see the module.
pub(crate) fn code(data: &ColumnData) -> Coded {
    match data {
        ColumnData::Numeric(values) => code_numbers(values),
        ColumnData::Categorical { codes, levels } => code_texts(codes, levels.len()),
    }
}

fn code_numbers(values: &[f64]) -> Coded {
    let edges = bin_edges(values, NUMERIC_BINS);
    let missing = (edges.len() + 1) as u16;
    let code = |value: &f64| {
        if value.is_nan() { missing } else { edges.partition_point(|edge| edge < value) as u16 }
    };
    Coded { codes: values.iter().map(code).collect(), width: usize::from(missing) + 1 }
}

/// Upper edges of all bins but the last: every distinct value its own bin while they are few, else equal row counts.
fn bin_edges(values: &[f64], bins: usize) -> Vec<f64> {
    let step = values.len().div_ceil(EDGE_SAMPLE_ROWS).max(1);
    let mut sorted: Vec<f64> = values.iter().step_by(step).copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let distinct = sorted.chunk_by(|a, b| a == b).count();
    let mut edges: Vec<f64> = if distinct <= bins {
        sorted.clone()
    } else {
        (1..bins).map(|bin| sorted[(sorted.len() - 1) * bin / bins]).collect()
    };
    edges.dedup();
    if edges.last() == sorted.last() {
        edges.pop();
    }
    edges
}

fn code_texts(codes: &[u32], levels: usize) -> Coded {
    let mut counts = vec![0_u64; levels];
    for code in codes.iter().filter(|code| **code != MISSING) {
        counts[*code as usize] += 1;
    }
    let mut order: Vec<usize> = (0..levels).collect();
    order.sort_by_key(|level| (std::cmp::Reverse(counts[*level]), *level));
    let kept = levels.min(LEVELS_MAX);
    let mut short = vec![kept as u16; levels];
    for (rank, level) in order.into_iter().take(kept).enumerate() {
        short[level] = rank as u16;
    }
    let missing = (kept + 1) as u16;
    let code = |code: &u32| if *code == MISSING { missing } else { short[*code as usize] };
    Coded { codes: codes.iter().map(code).collect(), width: usize::from(missing) + 1 }
}

/// Counts of pairs of codes: `rows x columns`, row-major.
#[derive(Debug, Clone)]
pub(crate) struct PairCounts {
    counts: Vec<u64>,
    width: usize,
}

impl PairCounts {
    /// Counts `(a, b)` over all rows; codes of `a` at or above `height` are left out.
    pub(crate) fn count(a: &[u16], height: usize, b: &Coded) -> Self {
        let mut counts = vec![0_u64; height * b.width];
        for (row, column) in a.iter().zip(&b.codes) {
            if usize::from(*row) < height {
                counts[usize::from(*row) * b.width + usize::from(*column)] += 1;
            }
        }
        Self { counts, width: b.width }
    }

    fn margins(&self) -> (Vec<u64>, Vec<u64>) {
        let rows = self.counts.chunks(self.width).map(|row| row.iter().sum()).collect();
        let mut columns = vec![0_u64; self.width];
        for row in self.counts.chunks(self.width) {
            for (sum, count) in columns.iter_mut().zip(row) {
                *sum += count;
            }
        }
        (rows, columns)
    }

    /// The association of the two codes.
    pub(crate) fn association(&self) -> Association {
        let (rows, columns) = self.margins();
        let n: u64 = rows.iter().sum();
        let present = |sums: &[u64]| sums.iter().filter(|sum| **sum > 0).count() as f64;
        let (r, k) = (present(&rows), present(&columns));
        if r < 2.0 || k < 2.0 {
            return Association::default();
        }
        let n = n as f64;
        let (mut chi2, mut information) = (0.0, 0.0);
        for (row, row_sum) in self.counts.chunks(self.width).zip(&rows) {
            for (count, column_sum) in row.iter().zip(&columns) {
                if *row_sum == 0 || *column_sum == 0 {
                    continue;
                }
                let (count, expected) = (*count as f64, *row_sum as f64 * *column_sum as f64 / n);
                chi2 += (count - expected) * (count - expected) / expected;
                if count > 0.0 {
                    information += count / n * libm::log(count / expected);
                }
            }
        }
        let entropy = |sums: &[u64]| -> f64 {
            sums.iter().filter(|sum| **sum > 0).map(|sum| *sum as f64 / n).map(|p| -p * libm::log(p)).sum()
        };
        Association {
            cramers_v: corrected_v(chi2, n, r, k),
            cramers_v_uncorrected: libm::sqrt(chi2 / n / (r.min(k) - 1.0)).min(1.0),
            normalized_mutual_information: (information / entropy(&rows).min(entropy(&columns))).clamp(0.0, 1.0),
        }
    }
}

/// Cramer's V with the correction for bias of Bergsma 2013 (J. Korean Stat. Soc. 42), equations 3 to 5.
pub(crate) fn corrected_v(chi2: f64, n: f64, r: f64, k: f64) -> f64 {
    if n < 2.0 {
        return 0.0;
    }
    let phi2 = (chi2 / n - (r - 1.0) * (k - 1.0) / (n - 1.0)).max(0.0);
    let r = r - (r - 1.0) * (r - 1.0) / (n - 1.0);
    let k = k - (k - 1.0) * (k - 1.0) / (n - 1.0);
    let smaller = r.min(k) - 1.0;
    if smaller > 0.0 { libm::sqrt(phi2 / smaller).min(1.0) } else { 0.0 }
}

/// Strength of an association; all from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Association {
    pub(crate) cramers_v: f64,
    pub(crate) cramers_v_uncorrected: f64,
    pub(crate) normalized_mutual_information: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(codes: &[u32], levels: usize) -> ColumnData {
        ColumnData::Categorical { codes: codes.to_vec(), levels: (0..levels).map(|level| level.to_string()).collect() }
    }

    #[test]
    fn equal_columns_are_wholly_associated_and_independent_ones_not_at_all() {
        let codes: Vec<u32> = (0..400).map(|row| row % 4).collect();
        let own = code(&texts(&codes, 4));
        let same = PairCounts::count(&own.codes, own.width, &own).association();
        assert!((same.cramers_v - 1.0).abs() < 1e-12 && (same.normalized_mutual_information - 1.0).abs() < 1e-12);
        let other = code(&texts(&(0..400).map(|row| row / 4 % 2).collect::<Vec<_>>(), 2));
        let none = PairCounts::count(&own.codes, own.width, &other).association();
        assert_eq!((none.cramers_v, none.cramers_v_uncorrected), (0.0, 0.0));
    }

    #[test]
    fn numbers_fall_into_bins_of_equal_rows_and_missing_into_its_own() {
        let values: Vec<f64> = (0..1000).map(f64::from).chain([f64::NAN]).collect();
        let coded = code(&ColumnData::Numeric(values));
        assert_eq!(coded.codes.iter().filter(|code| **code == 0).count(), 50);
        assert_eq!(usize::from(*coded.codes.last().unwrap()), coded.width - 1);
        let few = code(&ColumnData::Numeric(vec![3.0, 1.0, 3.0, 2.0]));
        assert_eq!(few.codes, [2, 0, 2, 1]);
    }

    #[test]
    fn rare_texts_share_a_code_and_a_constant_says_nothing() {
        let codes: Vec<u32> = (0..300).collect();
        let coded = code(&texts(&codes, 300));
        assert_eq!(coded.codes.iter().filter(|code| **code == LEVELS_MAX as u16).count(), 300 - LEVELS_MAX);
        let constant = code(&texts(&[0; 300], 1));
        assert_eq!(PairCounts::count(&coded.codes, coded.width, &constant).association(), Association::default());
    }
}
