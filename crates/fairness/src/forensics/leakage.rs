//! Columns that give the target away: alone, they predict it too well to be known before the decision.
//!
//! Each column is scored by the label share of its value, taken from one half of the rows and judged on the other, so
//! that a column of many rare values cannot look good by heart.

use super::association::Coded;
use crate::document::Leakage;

/// Area under the ROC curve at which one column is suspicious (a choice of ours; `duration` of the UCI bank data, known
/// only after the call, is the textbook case).
pub(crate) const AUC_MAX: f64 = 0.98;
/// Rows of the overall share mixed into each value's share.
const PRIOR_ROWS: f64 = 10.0;

/// AUC of a column as the only predictor of the labels (0 or 1; others are left out), judged on rows it was not fitted
/// on. `None` when one half has only one label.
pub(crate) fn single_column_auc(column: &Coded, labels: &[u8]) -> Option<f64> {
    let mut halves = [vec![[0_u64; 2]; column.width], vec![[0_u64; 2]; column.width]];
    let labelled = column.codes.iter().zip(labels).filter(|(_, label)| **label < 2);
    for (position, (code, label)) in labelled.enumerate() {
        halves[half(position)][usize::from(*code)][usize::from(*label)] += 1;
    }
    let [a, b] = &halves;
    Some((judged_auc(a, b)? + judged_auc(b, a)?) / 2.0)
}

/// Which half a row is in: a mixed bit of its position, so that neither order nor period of the file matters.
fn half(position: usize) -> usize {
    (super::mix(position as u64) >> 63) as usize
}

fn judged_auc(fitted: &[[u64; 2]], judged: &[[u64; 2]]) -> Option<f64> {
    let total = fitted.iter().fold([0_u64; 2], |sum, counts| [sum[0] + counts[0], sum[1] + counts[1]]);
    if total[0] == 0 || total[1] == 0 {
        return None;
    }
    let overall = total[1] as f64 / (total[0] + total[1]) as f64;
    let share =
        |counts: &[u64; 2]| (counts[1] as f64 + PRIOR_ROWS * overall) / ((counts[0] + counts[1]) as f64 + PRIOR_ROWS);
    let mut ranked: Vec<(f64, [u64; 2])> = fitted.iter().map(share).zip(judged.iter().copied()).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    auc(&ranked)
}

/// AUC of scores in ascending order, each with its (negatives, positives): P(S+ > S-) + 0.5 ties.
pub(crate) fn auc(ranked: &[(f64, [u64; 2])]) -> Option<f64> {
    let (mut below, mut positives, mut wins) = (0_u64, 0_u64, 0_u128);
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let (n, p) = ties.iter().fold((0_u64, 0_u64), |sum, (_, counts)| (sum.0 + counts[0], sum.1 + counts[1]));
        wins += u128::from(p) * (2 * u128::from(below) + u128::from(n));
        below += n;
        positives += p;
    }
    let pairs = u128::from(below) * u128::from(positives);
    (pairs > 0).then(|| wins as f64 / (2 * pairs) as f64)
}

/// The columns over the limit, worst first.
pub(crate) fn leaks(columns: &[(&str, Option<f64>)]) -> Vec<Leakage> {
    let mut leaks: Vec<Leakage> = columns
        .iter()
        .filter_map(|(column, auc)| auc.filter(|auc| *auc > AUC_MAX).map(|auc| (column, auc)))
        .map(|(column, auc)| Leakage {
            column: (*column).to_owned(),
            auc,
            note: format!(
                "alone it ranks the target with an AUC of {auc:.3}; check that it is known before the decision"
            ),
        })
        .collect();
    leaks.sort_by(|a, b| b.auc.total_cmp(&a.auc).then_with(|| a.column.cmp(&b.column)));
    leaks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forensics::association::code;
    use assize_tables::ColumnData;

    #[test]
    fn a_copy_of_the_target_leaks_and_an_identifier_does_not() {
        let labels: Vec<u8> = (0..1000_u32).map(|row| u8::from(row % 3 == 0)).collect();
        let copy = code(&ColumnData::Numeric(labels.iter().map(|label| f64::from(*label) * 7.0).collect()));
        assert_eq!(single_column_auc(&copy, &labels), Some(1.0));
        let identifier = ColumnData::Categorical {
            codes: (0..1000).collect(),
            levels: (0..1000).map(|row| format!("{row:04}")).collect(),
        };
        let auc = single_column_auc(&code(&identifier), &labels).unwrap();
        assert!(auc < 0.7, "{auc}");
        assert_eq!(single_column_auc(&copy, &[1; 1000]), None);
    }

    #[test]
    fn ties_count_half() {
        assert_eq!(auc(&[(0.5, [2, 2])]), Some(0.5));
        assert_eq!(auc(&[(0.1, [2, 0]), (0.9, [0, 3])]), Some(1.0));
        assert_eq!(auc(&[(0.1, [1, 1]), (0.9, [1, 1])]), Some(0.5));
    }
}
