//! The chi-squared distribution and the test of independence.

use libm::{exp, lgamma, log};

/// A chi-squared test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquaredTest {
    /// Pearson's statistic, without continuity correction.
    pub chi2: f64,
    /// Degrees of freedom.
    pub dof: u32,
    /// P(X >= chi2).
    pub p: f64,
}

/// Pearson's test that rows and columns of a table of counts are independent. Rows and columns without any count are
/// left out; `None` when fewer than two of either are left.
#[must_use]
pub fn chi_squared_independence(table: &[Vec<f64>]) -> Option<ChiSquaredTest> {
    let width = table.first()?.len();
    let rows: Vec<f64> = table.iter().map(|row| row.iter().sum()).collect();
    let columns: Vec<f64> = (0..width).map(|c| table.iter().map(|row| row[c]).sum()).collect();
    let live = |sums: &[f64]| sums.iter().filter(|&&s| s > 0.0).count();
    let (live_rows, live_columns) = (live(&rows), live(&columns));
    if live_rows < 2 || live_columns < 2 {
        return None;
    }
    let total: f64 = rows.iter().sum();
    let mut chi2 = 0.0;
    for (row, row_sum) in table.iter().zip(&rows) {
        for (observed, column_sum) in row.iter().zip(&columns) {
            let expected = row_sum * column_sum / total;
            if expected > 0.0 {
                chi2 += (observed - expected) * (observed - expected) / expected;
            }
        }
    }
    let dof = u32::try_from((live_rows - 1) * (live_columns - 1)).ok()?;
    Some(ChiSquaredTest { chi2, dof, p: chi_squared_upper_tail(chi2, dof) })
}

/// P(X >= x) of a chi-squared distribution.
#[must_use]
pub fn chi_squared_upper_tail(x: f64, dof: u32) -> f64 {
    if x <= 0.0 || dof == 0 {
        return 1.0;
    }
    regularized_gamma_upper(f64::from(dof) / 2.0, x / 2.0)
}

/// Q(a, x), the regularized upper incomplete gamma function: for a multiple of 1/2 (all that chi-squared needs) by its
/// finite recurrence Q(a+1, x) = Q(a, x) + x^a e^-x / Gamma(a+1), whose terms are all positive, so nothing cancels.
/// Above 200 terms, by the series or the continued fraction (Press et al., Numerical Recipes, 6.2).
fn regularized_gamma_upper(a: f64, x: f64) -> f64 {
    if a <= 200.0 {
        return finite_sum(a, x);
    }
    if x < a + 1.0 { 1.0 - lower_series(a, x) } else { upper_fraction(a, x) }
}

fn finite_sum(a: f64, x: f64) -> f64 {
    let half_integer = (2.0 * a) % 2.0 != 0.0;
    // Each term is x^k e^-x / Gamma(k+1), built by k -> k+1 from its predecessor.
    let (mut sum, mut term, mut k) = if half_integer {
        (libm::erfc(libm::sqrt(x)), 2.0 * libm::sqrt(x / std::f64::consts::PI) * exp(-x), 0.5)
    } else {
        (0.0, exp(-x), 0.0)
    };
    if term == 0.0 && x < 1e6 {
        // e^-x underflowed while later terms may not.
        return upper_fraction(a, x);
    }
    while k < a - 0.25 {
        sum += term;
        k += 1.0;
        term *= x / k;
    }
    sum.min(1.0)
}

fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..100_000 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum * exp(a * log(x) - x - lgamma(a))
}

/// Lentz's method.
fn upper_fraction(a: f64, x: f64) -> f64 {
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..100_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = an * d + b;
        d = if d.abs() < tiny { tiny } else { d };
        c = b + an / c;
        c = if c.abs() < tiny { tiny } else { c };
        d = 1.0 / d;
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h * exp(a * log(x) - x - lgamma(a))
}
