//! Rows on their way through a pipeline: a dense matrix, or columns of which some hold texts.

use std::borrow::Cow;
use std::sync::Arc;

use assize_tables::{ColumnData, MISSING, Table};

use crate::predictor::Error;

/// Row-major numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f64>,
}

/// One column before it is numbers only.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cells {
    Numbers(Vec<f64>),
    /// Codes into the levels; [`MISSING`] where there is no value.
    Texts {
        codes: Vec<u32>,
        levels: Arc<[String]>,
    },
}

/// The input of a step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Matrix(Matrix),
    Columns { rows: usize, columns: Vec<Cells> },
}

impl Matrix {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    pub(super) fn new(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), rows * columns, "a matrix is rectangular");
        Self { rows, columns, values }
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// Rows in order. A matrix without columns still has its rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.rows).map(|row| self.row(row))
    }

    pub(super) fn column(&self, column: usize) -> Vec<f64> {
        self.iter().map(|row| row[column]).collect()
    }

    /// A new matrix of the same height, each row made from one row of this.
    pub(super) fn map_rows(&self, columns: usize, mut fill: impl FnMut(&[f64], &mut [f64])) -> Self {
        let mut mapped = Self::zeros(self.rows, columns);
        for row in 0..self.rows {
            fill(self.row(row), &mut mapped.values[row * columns..(row + 1) * columns]);
        }
        mapped
    }

    /// Position of the largest value of each row; the first among equals, as `numpy.argmax`.
    pub(super) fn argmax(&self) -> Vec<u32> {
        self.iter()
            .map(|row| {
                let best =
                    row.iter().enumerate().fold(0, |best, (at, value)| if *value > row[best] { at } else { best });
                best as u32
            })
            .collect()
    }
}

impl Cells {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Texts { codes, .. } => codes.len(),
        }
    }

    /// Texts of which every one is missing are numbers of which every one is missing.
    fn numbers(&self, column: usize) -> Result<Cow<'_, [f64]>, Error> {
        match self {
            Self::Numbers(values) => Ok(Cow::Borrowed(values)),
            Self::Texts { codes, levels } => match codes.iter().find(|code| **code != MISSING) {
                None => Ok(Cow::Owned(vec![f64::NAN; codes.len()])),
                Some(code) => Err(Error::Input {
                    expected: format!("numbers in column {}", column + 1),
                    found: format!("the text {:?} there", levels[*code as usize]),
                }),
            },
        }
    }
}

impl Data {
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Matrix(matrix) => matrix.rows,
            Self::Columns { rows, .. } => *rows,
        }
    }

    pub(super) fn width(&self) -> usize {
        match self {
            Self::Matrix(matrix) => matrix.columns,
            Self::Columns { columns, .. } => columns.len(),
        }
    }

    /// Rows `from..to` of the named columns of a table.
    pub(super) fn from_table(
        table: &Table,
        columns: &[usize],
        levels: &[Option<Arc<[String]>>],
        from: usize,
        to: usize,
    ) -> Self {
        let numeric = columns.iter().all(|column| matches!(table.columns[*column].data, ColumnData::Numeric(_)));
        if numeric {
            let mut matrix = Matrix::zeros(to - from, columns.len());
            for (at, column) in columns.iter().enumerate() {
                if let ColumnData::Numeric(values) = &table.columns[*column].data {
                    for (row, value) in values[from..to].iter().enumerate() {
                        matrix.values[row * columns.len() + at] = *value;
                    }
                }
            }
            return Self::Matrix(matrix);
        }
        let cells = columns.iter().map(|column| match &table.columns[*column].data {
            ColumnData::Numeric(values) => Cells::Numbers(values[from..to].to_vec()),
            ColumnData::Categorical { codes, .. } => Cells::Texts {
                codes: codes[from..to].to_vec(),
                levels: levels[*column].clone().expect("every categorical column has its levels"),
            },
        });
        Self::Columns { rows: to - from, columns: cells.collect() }
    }

    /// The rows as numbers, exactly `columns` of them.
    pub(super) fn matrix(&self, columns: usize) -> Result<Cow<'_, Matrix>, Error> {
        self.check_width(columns)?;
        match self {
            Self::Matrix(matrix) => Ok(Cow::Borrowed(matrix)),
            Self::Columns { rows, columns } => {
                let mut matrix = Matrix::zeros(*rows, columns.len());
                for (at, cells) in columns.iter().enumerate() {
                    for (row, value) in cells.numbers(at)?.iter().enumerate() {
                        matrix.values[row * columns.len() + at] = *value;
                    }
                }
                Ok(Cow::Owned(matrix))
            }
        }
    }

    /// The rows as numbers without a missing one, which most estimators refuse.
    pub(super) fn finite(&self, columns: usize) -> Result<Cow<'_, Matrix>, Error> {
        let matrix = self.matrix(columns)?;
        check_finite(&matrix)?;
        Ok(matrix)
    }

    /// The rows as numbers that may be missing but not infinite.
    pub(super) fn with_missing(&self, columns: usize) -> Result<Cow<'_, Matrix>, Error> {
        let matrix = self.matrix(columns)?;
        check_bounded(&matrix)?;
        Ok(matrix)
    }

    pub(super) fn check_width(&self, columns: usize) -> Result<(), Error> {
        if self.width() == columns {
            return Ok(());
        }
        Err(Error::Input { expected: format!("{columns} columns"), found: format!("{}", self.width()) })
    }

    /// Chosen columns in the given order; the positions are known to be inside.
    pub(super) fn select(&self, chosen: &[usize]) -> Self {
        match self {
            Self::Matrix(matrix) => Self::Matrix(matrix.map_rows(chosen.len(), |row, out| {
                for (to, from) in out.iter_mut().zip(chosen) {
                    *to = row[*from];
                }
            })),
            Self::Columns { rows, columns } => {
                let columns: Vec<Cells> = chosen.iter().map(|column| columns[*column].clone()).collect();
                Self::of_columns(*rows, columns)
            }
        }
    }

    /// Columns, as a matrix once all of them are numbers.
    pub(super) fn of_columns(rows: usize, columns: Vec<Cells>) -> Self {
        let numbers = columns.iter().all(|cells| matches!(cells, Cells::Numbers(_)));
        let data = Self::Columns { rows, columns };
        if numbers {
            let matrix = data.matrix(data.width()).expect("columns of numbers make a matrix");
            return Self::Matrix(matrix.into_owned());
        }
        data
    }

    /// Every column by itself.
    pub(super) fn into_columns(self) -> Vec<Cells> {
        match self {
            Self::Matrix(matrix) => (0..matrix.columns).map(|column| Cells::Numbers(matrix.column(column))).collect(),
            Self::Columns { columns, .. } => columns,
        }
    }

    /// Blocks side by side.
    pub(super) fn beside(rows: usize, parts: Vec<Data>) -> Self {
        if parts.iter().any(|part| matches!(part, Self::Columns { .. })) {
            return Self::of_columns(rows, parts.into_iter().flat_map(Data::into_columns).collect());
        }
        let width = parts.iter().map(Data::width).sum();
        let mut joined = Matrix::zeros(rows, width);
        let mut at = 0;
        for part in &parts {
            let Self::Matrix(part) = part else { continue };
            for row in 0..rows {
                let start = row * width + at;
                joined.values[start..start + part.columns].copy_from_slice(part.row(row));
            }
            at += part.columns;
        }
        Self::Matrix(joined)
    }
}

fn check_finite(matrix: &Matrix) -> Result<(), Error> {
    match matrix.values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::Input {
            expected: "a number in every cell".to_owned(),
            found: if matrix.values[at].is_nan() {
                format!("a missing value in input column {}", at % matrix.columns + 1)
            } else {
                format!("an infinite value in input column {}", at % matrix.columns + 1)
            },
        }),
    }
}

fn check_bounded(matrix: &Matrix) -> Result<(), Error> {
    match matrix.values.iter().position(|value| value.is_infinite()) {
        None => Ok(()),
        Some(at) => Err(Error::Input {
            expected: "finite numbers".to_owned(),
            found: format!("an infinite value in input column {}", at % matrix.columns + 1),
        }),
    }
}
