//! Kernel SHAP (Lundberg and Lee 2017, theorem 2): Shapley values of any model by a weighted regression.
//!
//! A coalition of features keeps the cells of the explained row, all others come from the background rows; its value
//! is the mean score. Shapley values are the coefficients of the linear function of the coalition that fits those
//! values best under the Shapley kernel, with its ends fixed: no feature gives the base, all features the score. When
//! few enough, all coalitions are asked and the result is exact; otherwise coalitions are drawn in complementary
//! pairs, sizes by the kernel (Covert and Lee 2021).

use assize_tables::{Cancel, Table};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Attributions;
use super::ask::{scores, select};
use crate::predictor::{Error, Predictor};
use crate::random::{scale, shuffle, stream};
use rand_core::Rng;

/// Rows of one question to the model.
const ASK_ROWS_MAX: usize = 1 << 16;

/// How a model is explained.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelOptions {
    /// Class whose score is explained.
    pub class: usize,
    /// Most coalitions asked for one row.
    pub coalitions_max: usize,
    /// Seed of the drawn coalitions.
    pub seed: u64,
}

impl Default for KernelOptions {
    fn default() -> Self {
        Self { class: 1, coalitions_max: 2048, seed: 0 }
    }
}

/// A set of features that are known, and its weight in the regression.
#[derive(Debug, Clone, PartialEq)]
struct Coalition {
    known: Vec<bool>,
    weight: f64,
}

/// Explains `rows` of `table` against `background` rows of it; features are the columns of `table`, all of them.
///
/// # Errors
/// [`Error::Input`] without columns or background, for rows beyond the table, or for an unknown class; those of the
/// model; [`Error::Cancelled`].
pub fn kernel_shap(
    model: &dyn Predictor,
    table: &Table,
    rows: &[u32],
    background: &[u32],
    options: &KernelOptions,
    cancel: &Cancel,
) -> Result<Attributions, Error> {
    let features = table.columns.len();
    let beyond = rows.iter().chain(background).any(|row| *row as usize >= table.rows);
    if features == 0 || background.is_empty() || beyond {
        return Err(Error::Input {
            expected: "at least one column, a background, and rows of the table".to_owned(),
            found: format!("{features} columns, {} background rows, {} rows", background.len(), table.rows),
        });
    }
    let nothing = Coalition { known: vec![false; features], weight: 0.0 };
    let base = values(model, table, 0, background, &[nothing], options.class, cancel)?[0];
    let mut attributions = Vec::with_capacity(rows.len() * features);
    for row in rows {
        let mut random = stream(options.seed, u64::from(*row));
        let mut coalitions = coalitions(features, options.coalitions_max.max(2), &mut random);
        coalitions.push(Coalition { known: vec![true; features], weight: 0.0 });
        let mut values = values(model, table, *row, background, &coalitions, options.class, cancel)?;
        let score = values.pop().expect("the full coalition was asked");
        attributions.extend(fit(&coalitions, &values, base, score));
    }
    Ok(Attributions { base, features, values: attributions })
}

/// All coalitions but the empty and the full one when they are few enough, else drawn ones.
fn coalitions(features: usize, most: usize, random: &mut Xoshiro256PlusPlus) -> Vec<Coalition> {
    let all = u32::try_from(features).ok().and_then(|features| 1_usize.checked_shl(features)).unwrap_or(usize::MAX);
    if features < 63 && all - 2 <= most {
        return (1..all - 1)
            .map(|set| {
                let known: Vec<bool> = (0..features).map(|feature| set >> feature & 1 == 1).collect();
                let size = set.count_ones() as usize;
                let weight = kernel(features, size) / binomial(features, size);
                Coalition { known, weight }
            })
            .collect();
    }
    let sizes: Vec<f64> = (1..features).map(|size| kernel(features, size)).collect();
    let total: f64 = sizes.iter().sum();
    let mut order: Vec<usize> = (0..features).collect();
    let mut drawn = Vec::with_capacity(most + 1);
    while drawn.len() < most {
        let (_, fraction) = scale(random.next_u64(), 1);
        let mut rest = fraction as f64 / 18_446_744_073_709_551_616.0 * total;
        let size = 1 + sizes
            .iter()
            .take(features - 2)
            .take_while(|share| {
                rest -= **share;
                rest >= 0.0
            })
            .count();
        shuffle(random, &mut order);
        let mut known = vec![false; features];
        order[..size].iter().for_each(|feature| known[*feature] = true);
        let unknown = known.iter().map(|known| !known).collect();
        drawn.extend([Coalition { known, weight: 1.0 }, Coalition { known: unknown, weight: 1.0 }]);
    }
    drawn
}

/// Weight of all coalitions of a size together: `(M - 1) / (s (M - s))`.
fn kernel(features: usize, size: usize) -> f64 {
    (features - 1) as f64 / (size * (features - size)) as f64
}

fn binomial(of: usize, choose: usize) -> f64 {
    (0..choose).map(|k| (of - k) as f64 / (k + 1) as f64).product()
}

/// Mean score of each coalition.
fn values(
    model: &dyn Predictor,
    table: &Table,
    row: u32,
    background: &[u32],
    coalitions: &[Coalition],
    class: usize,
    cancel: &Cancel,
) -> Result<Vec<f64>, Error> {
    let mut means = Vec::with_capacity(coalitions.len());
    for part in coalitions.chunks((ASK_ROWS_MAX / background.len()).max(1)) {
        cancel.check()?;
        let columns = table.columns.iter().enumerate().map(|(feature, column)| {
            let cells = part.iter().flat_map(|coalition| {
                let known = coalition.known[feature];
                background.iter().map(move |other| if known { row as usize } else { *other as usize })
            });
            select(column, cells)
        });
        let asked = Table { columns: columns.collect(), rows: part.len() * background.len() };
        let scores = scores(model, &asked, class, cancel)?;
        means.extend(scores.chunks(background.len()).map(|part| part.iter().sum::<f64>() / background.len() as f64));
    }
    Ok(means)
}

/// The weighted least-squares fit, with the last attribution replaced by what the others leave of `score - base`.
fn fit(coalitions: &[Coalition], values: &[f64], base: f64, score: f64) -> Vec<f64> {
    let free = coalitions[0].known.len() - 1;
    let whole = score - base;
    let mut matrix = vec![vec![0.0; free + 1]; free];
    let mut row = vec![0.0; free];
    for (coalition, value) in coalitions.iter().zip(values) {
        let last = f64::from(u8::from(coalition.known[free]));
        for (cell, known) in row.iter_mut().zip(&coalition.known) {
            *cell = f64::from(u8::from(*known)) - last;
        }
        let target = value - base - last * whole;
        for (i, equation) in matrix.iter_mut().enumerate() {
            if row[i] != 0.0 {
                let weighted = coalition.weight * row[i];
                equation.iter_mut().zip(&row).for_each(|(cell, other)| *cell += weighted * other);
                equation[free] += weighted * target;
            }
        }
    }
    let mut solution = solve(matrix);
    solution.push(whole - solution.iter().sum::<f64>());
    solution
}

/// Gaussian elimination with partial pivoting; an unknown that the equations leave open is 0.
fn solve(mut matrix: Vec<Vec<f64>>) -> Vec<f64> {
    let size = matrix.len();
    for column in 0..size {
        let pivot = (column..size).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()));
        matrix.swap(column, pivot.unwrap_or(column));
        let lead = matrix[column].clone();
        if lead[column].abs() < 1e-12 {
            continue;
        }
        for (index, equation) in matrix.iter_mut().enumerate() {
            if index != column {
                let times = equation[column] / lead[column];
                equation[column..].iter_mut().zip(&lead[column..]).for_each(|(cell, other)| *cell -= times * other);
            }
        }
    }
    (0..size)
        .map(|index| if matrix[index][index].abs() < 1e-12 { 0.0 } else { matrix[index][size] / matrix[index][index] })
        .collect()
}
