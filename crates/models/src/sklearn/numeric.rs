//! Functions of scipy and numpy that several estimators share.

/// `scipy.special.expit`, the logistic function.
pub(super) fn expit(value: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-value))
}

/// `sklearn.utils.extmath.softmax` of one row.
pub(super) fn softmax(row: &mut [f64]) {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for value in row.iter_mut() {
        *value = libm::exp(*value - largest);
    }
    normalize(row);
}

/// Divides by the sum; a sum of zero leaves the row as it is.
pub(super) fn normalize(row: &mut [f64]) {
    let sum: f64 = row.iter().sum();
    if sum != 0.0 {
        row.iter_mut().for_each(|value| *value /= sum);
    }
}

/// Sum of products, in four lanes so that the processor can work ahead.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_lanes, a_rest) = a.as_chunks::<4>();
    let (b_lanes, b_rest) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (x, y) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Sum of squared differences.
pub(super) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}
