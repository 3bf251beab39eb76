//! Contributions of the columns to the score of each sampled row, by the best method that the model allows: exact tree
//! SHAP for a forest, what a model file says exactly of its own score (trees and linear models), kernel SHAP for
//! anything that answers with few enough columns, shuffling for the rest.

use assize_models::explain::{
    Attributions, BACKGROUND_ROWS_MAX, Contributions, ExactMethod, KernelOptions, ScoreKind, kernel_shap, tree_shap,
};
use assize_tables::{Cancel, Column, ColumnData, Table};

use super::Asked;
use crate::audit::{Error, Trained, select_rows};
use crate::forensics::mix;

/// Columns up to which kernel SHAP is asked: beyond, its questions would be too few for its unknowns.
const KERNEL_COLUMNS_MAX: usize = 64;
/// Coalitions asked for each row of a kernel explanation: at least so many, or four a column.
const COALITIONS_A_COLUMN: usize = 4;
/// Nodes times rows up to which a forest is explained exactly; the work grows with the square of the depth on top. A
/// forest of 100 trees on 22,800 rows of UCI Adult (260 rows explained) took 17 CPU s, the audit around it 0.4.
const EXACT_NODE_ROWS_MAX: usize = 2_000_000;
/// Rows that share their background rows.
const ROWS_A_BACKGROUND: usize = 16;
/// Columns that are shuffled; a wider table is not explained.
const SHUFFLED_COLUMNS_MAX: usize = 1_000;

/// How contributions were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    TreeShap,
    /// Exact, against rows that stand for unknown columns.
    Exact {
        how: ExactMethod,
        background_rows: usize,
    },
    KernelShap {
        coalitions: usize,
        background_rows: usize,
    },
    Permutation,
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TreeShap | Self::Exact { how: ExactMethod::Trees, .. } => "tree_shap",
            Self::Exact { how: ExactMethod::Linear, .. } => "linear_shap",
            Self::KernelShap { .. } => "kernel_shap",
            Self::Permutation => "permutation",
        }
    }

    /// The method in words, for `everybody` rows drawn from all and up to `of_group` from each group.
    pub(super) fn note(self, score: &str, everybody: usize, of_group: usize) -> String {
        let unit = match score {
            "log_odds" => {
                " The score is the logarithm of the odds of the favourable outcome: one that rises from 0 to 1 is a \
                 probability that rises from 50 % to 73 %."
            }
            "raw" => " The score is that of the model before it becomes a probability or a decision.",
            _ => "",
        };
        let how = match self {
            Self::TreeShap => "Exact Shapley values of the trees, path-dependent (Lundberg et al. 2018)".to_owned(),
            Self::Exact { how: ExactMethod::Trees, background_rows } => format!(
                "Exact Shapley values of the trees against {background_rows} background rows at a time, all drawn from \
                 everybody (interventional tree SHAP; Lundberg et al. 2020)"
            ),
            Self::Exact { how: ExactMethod::Linear, background_rows } => format!(
                "Exact Shapley values of the linear score against {background_rows} background rows at a time, all drawn \
                 from everybody (Lundberg and Lee 2017, corollary 1)"
            ),
            Self::KernelShap { coalitions, background_rows } => format!(
                "Kernel SHAP (Lundberg and Lee 2017; pairs drawn as Covert and Lee 2021) with {coalitions} sets of columns \
                 a row and {background_rows} background rows at a time, all drawn from everybody: an estimate"
            ),
            Self::Permutation => {
                "Mean change of the score when a column is shuffled among the rows (after Breiman 2001)".to_owned()
            }
        };
        format!(
            "{how}; {everybody} rows drawn from everybody and up to {of_group} from each group, by a hash of \
             seed and row.{unit}"
        )
    }

    pub(super) fn background_rows(self) -> Option<u64> {
        match self {
            Self::KernelShap { background_rows, .. } | Self::Exact { background_rows, .. } => {
                Some(background_rows as u64)
            }
            _ => None,
        }
    }

    pub(super) fn coalitions(self) -> Option<u64> {
        match self {
            Self::KernelShap { coalitions, .. } => Some(coalitions as u64),
            _ => None,
        }
    }
}

/// Contributions, row-major.
pub(super) struct Attributed {
    pub(super) method: Method,
    pub(super) columns: Vec<String>,
    values: Vec<f64>,
    pub(super) base: Option<f64>,
    /// What the score is, as the document calls it.
    pub(super) score: &'static str,
}

impl Attributed {
    pub(super) fn value(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns.len() + column]
    }
}

/// How much a model is asked.
#[derive(Debug, Clone, Copy)]
struct Effort {
    coalitions_min: usize,
    /// Rows that stand for unknown columns.
    background_rows: usize,
}

/// For a model that was handed in.
const EFFORT_FOR_FILE: Effort = Effort { coalitions_min: 128, background_rows: 8 };
/// For a forest that we trained ourselves: it only stands for a usual model.
const EFFORT_FOR_FOREST: Effort = Effort { coalitions_min: 64, background_rows: 4 };

/// Contributions to the share of trees that decide favourably: exact where the forest is small enough for it.
pub(super) fn of_forest(
    trained: &Trained,
    asked: &Asked<'_>,
    rows: &[u32],
    seed: u64,
    cancel: &Cancel,
) -> Result<Option<Attributed>, Error> {
    if trained.forest.node_count().saturating_mul(rows.len()) > EXACT_NODE_ROWS_MAX {
        return by_asking(asked, EFFORT_FOR_FOREST, seed, cancel);
    }
    let ensemble = trained.forest.ensemble()?;
    let columns: Vec<String> = trained.binned.binner().names().map(str::to_owned).collect();
    let found = tree_shap(&ensemble, &trained.binned.cells(rows), 1, cancel)?;
    Ok(Some(Attributed {
        method: Method::TreeShap,
        columns,
        values: found.values,
        base: Some(found.base),
        score: "probability",
    }))
}

/// Contributions to the score of a model that was handed in: what it says of them exactly, or by asking. The rows of the
/// table are all explained.
pub(super) fn of_model(asked: &Asked<'_>, seed: u64, cancel: &Cancel) -> Result<Option<Attributed>, Error> {
    match exactly(asked, cancel)? {
        Some(attributed) => Ok(Some(attributed)),
        None => by_asking(asked, EFFORT_FOR_FILE, seed, cancel),
    }
}

/// What a model says of its own score, against rows drawn from everybody; `None` from one that can only be asked.
fn exactly(asked: &Asked<'_>, cancel: &Cancel) -> Result<Option<Attributed>, Error> {
    if asked.everybody.is_empty() || asked.table.columns.is_empty() {
        return Ok(None);
    }
    let explain = |part: &[u32], background: &[u32]| {
        let rows: Vec<u32> = part.iter().chain(background).copied().collect();
        asked.model.contributions(&select_rows(&asked.table, &rows), part.len(), asked.class, cancel)
    };
    // One row tells how the model explains itself, if it does.
    let Some(Contributions { method: how, score, .. }) = explain(&[0], &asked.everybody[..1])? else { return Ok(None) };
    let turn = if how == ExactMethod::Linear { LINEAR_TURN } else { TREES_TURN };
    // One that answers for some rows and not for others is asked about all of them.
    let same = |found: &Contributions| (found.method, found.score) == (how, score);
    let found = in_turns(asked, turn, |part, background| {
        Ok(explain(part, background)?.filter(same).map(|found| found.attributions))
    })?;
    let Some((values, base)) = found else { return Ok(None) };
    let background_rows = turn.background_rows.min(asked.everybody.len());
    Ok(Some(Attributed {
        method: Method::Exact { how, background_rows },
        columns: asked.table.columns.iter().map(|column| column.name.clone()).collect(),
        values,
        base: Some(base),
        score: match score {
            ScoreKind::Probability => "probability",
            ScoreKind::LogOdds => "log_odds",
            ScoreKind::Raw => "raw",
        },
    }))
}

/// How many rows are explained against the same background, and of how many rows it is.
#[derive(Debug, Clone, Copy)]
struct Turn {
    rows: usize,
    background_rows: usize,
}

/// For trees that are walked. The more background rows, the steadier each row and the longer the walk: a
/// forest of 100 unlimited trees on UCI Adult took 8.5 CPU s with 120 rows and 2.8 with 32.
const TREES_TURN: Turn = Turn { rows: 64, background_rows: 32 };
/// For one whose score is a sum: all background rows cost no more than one.
const LINEAR_TURN: Turn = Turn { rows: usize::MAX, background_rows: BACKGROUND_ROWS_MAX };

/// Contributions of all rows and the mean score without knowledge of any column. Every few rows have other background
/// rows, so that their means rest on the whole pool and not on a handful.
fn in_turns(
    asked: &Asked<'_>,
    turn: Turn,
    mut explain: impl FnMut(&[u32], &[u32]) -> Result<Option<Attributions>, Error>,
) -> Result<Option<(Vec<f64>, f64)>, Error> {
    let (rows, pool): (Vec<u32>, _) = ((0..asked.table.rows as u32).collect(), &asked.everybody);
    let mut values = Vec::with_capacity(rows.len() * asked.table.columns.len());
    let mut bases = Vec::with_capacity(rows.len());
    for (at, part) in rows.chunks(turn.rows).enumerate() {
        let first = at * turn.background_rows;
        let background: Vec<u32> =
            (first..first + turn.background_rows.min(pool.len())).map(|at| pool[at % pool.len()]).collect();
        let Some(found) = explain(part, &background)? else { return Ok(None) };
        values.extend(found.values);
        bases.extend(part.iter().map(|_| found.base));
    }
    let base = pool.iter().map(|row| bases[*row as usize]).sum::<f64>() / pool.len().max(1) as f64;
    Ok(Some((values, base)))
}

fn by_asking(asked: &Asked<'_>, effort: Effort, seed: u64, cancel: &Cancel) -> Result<Option<Attributed>, Error> {
    let width = asked.table.columns.len();
    if width == 0 || width > SHUFFLED_COLUMNS_MAX {
        return Ok(None);
    }
    let columns: Vec<String> = asked.table.columns.iter().map(|column| column.name.clone()).collect();
    let now = asked.model.predict(&asked.table, cancel)?;
    let score = if now.probabilities.is_some() { "probability" } else { "decision" };
    if width > KERNEL_COLUMNS_MAX {
        let values = shuffled(asked, seed, cancel)?;
        return Ok(Some(Attributed { method: Method::Permutation, columns, values, base: None, score }));
    }
    let coalitions_max = effort.coalitions_min.max(COALITIONS_A_COLUMN * width);
    let options = KernelOptions { class: asked.class, coalitions_max, seed };
    let turn = Turn { rows: ROWS_A_BACKGROUND, background_rows: effort.background_rows };
    let ask = |part: &[u32], background: &[u32]| {
        Ok(Some(kernel_shap(asked.model, &asked.table, part, background, &options, cancel)?))
    };
    let Some((values, base)) = in_turns(asked, turn, ask)? else { return Ok(None) };
    let all = 1_usize.checked_shl(width as u32).unwrap_or(usize::MAX).saturating_sub(2);
    let method = Method::KernelShap {
        coalitions: all.min(coalitions_max),
        background_rows: effort.background_rows.min(asked.everybody.len()),
    };
    Ok(Some(Attributed { method, columns, values, base: Some(base), score }))
}

/// How far the score of each row moves when a column has the cell of another row.
fn shuffled(asked: &Asked<'_>, seed: u64, cancel: &Cancel) -> Result<Vec<f64>, Error> {
    let width = asked.table.columns.len();
    let rows = asked.table.rows;
    let now = scores(asked, &asked.table, cancel)?;
    let mut values = vec![0.0; rows * width];
    let mut changed = asked.table.clone();
    for at in 0..width {
        cancel.check()?;
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_unstable_by_key(|row| (mix(mix(seed ^ at as u64) ^ u64::from(*row)), *row));
        changed.columns[at] = reordered(&asked.table.columns[at], &order);
        for (row, (after, before)) in scores(asked, &changed, cancel)?.iter().zip(&now).enumerate() {
            values[row * width + at] = (after - before).abs();
        }
        changed.columns[at] = asked.table.columns[at].clone();
    }
    Ok(values)
}

fn reordered(column: &Column, order: &[u32]) -> Column {
    let data = match &column.data {
        ColumnData::Numeric(values) => ColumnData::Numeric(order.iter().map(|row| values[*row as usize]).collect()),
        ColumnData::Categorical { codes, levels } => ColumnData::Categorical {
            codes: order.iter().map(|row| codes[*row as usize]).collect(),
            levels: levels.clone(),
        },
    };
    Column { name: column.name.clone(), data }
}

fn scores(asked: &Asked<'_>, table: &Table, cancel: &Cancel) -> Result<Vec<f64>, Error> {
    let answers = crate::audit::ask_model(asked.model, table, asked.class, cancel)?;
    Ok(answers.scores.unwrap_or_else(|| answers.decisions.iter().map(|decision| f64::from(*decision)).collect()))
}
