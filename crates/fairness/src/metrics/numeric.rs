//! Band-free tests of numeric protected attributes: a verdict on age must not hang on where its bands were cut
//! (AIF360 #197, #265).

use libm::sqrt;

use super::NumericHistogram;
use crate::document::NumericAttribute;
use crate::statistics::two_sided_p;

/// Slope of the decision on the value (least squares, p by the large-sample z of the slope) and the Kolmogorov-Smirnov
/// distance between the values of the selected and of the rejected. Values that are not finite are left out.
pub(crate) fn measure(histogram: &NumericHistogram) -> NumericAttribute {
    let mut values: Vec<(f64, f64, f64)> = histogram
        .values
        .iter()
        .filter(|(value, selected, rejected)| value.is_finite() && selected + rejected > 0)
        .map(|&(value, selected, rejected)| (value, selected as f64, rejected as f64))
        .collect();
    // Also by counts, so that the order of equal values cannot move a rounding.
    values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2)));
    let slope = slope(&values);
    NumericAttribute {
        attribute: histogram.column.clone(),
        selection_slope: slope.map(|(slope, _)| slope),
        p_value: slope.and_then(|(_, p)| p),
        ks: kolmogorov_smirnov(&values),
    }
}

fn slope(values: &[(f64, f64, f64)]) -> Option<(f64, Option<f64>)> {
    let n: f64 = values.iter().map(|(_, selected, rejected)| selected + rejected).sum();
    let selected: f64 = values.iter().map(|(_, selected, _)| selected).sum();
    let mean = values.iter().map(|(x, s, r)| x * (s + r)).sum::<f64>() / n;
    let rate = selected / n;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (x, s, r) in values {
        let d = x - mean;
        covariance += d * (s * (1.0 - rate) - r * rate);
        variance += d * d * (s + r);
    }
    if !(variance > 0.0 && variance.is_finite()) {
        return None;
    }
    let slope = covariance / variance;
    let residual = n * rate * (1.0 - rate) - slope * covariance;
    let error = sqrt(residual.max(0.0) / (n - 2.0).max(1.0) / variance);
    let p = (n > 2.0 && error > 0.0).then(|| two_sided_p(slope / error));
    Some((slope, p))
}

fn kolmogorov_smirnov(values: &[(f64, f64, f64)]) -> Option<f64> {
    let selected: f64 = values.iter().map(|(_, selected, _)| selected).sum();
    let rejected: f64 = values.iter().map(|(_, _, rejected)| rejected).sum();
    if selected <= 0.0 || rejected <= 0.0 {
        return None;
    }
    let (mut f, mut g, mut distance) = (0.0, 0.0, 0.0_f64);
    for (index, (x, s, r)) in values.iter().enumerate() {
        f += s;
        g += r;
        let last_of_value = values.get(index + 1).is_none_or(|next| next.0 > *x);
        if last_of_value {
            distance = distance.max((f / selected - g / rejected).abs());
        }
    }
    Some(distance.min(1.0))
}
