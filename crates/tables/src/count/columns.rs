//! The columns of a count, from raw cells to small codes; one of each a thread.

use std::collections::HashMap;

use crate::cells::{MISSING_GROUP, NONE};
use crate::count::{BinarySpec, KeySpec, LEVELS_MAX, number_fault};
use crate::error::{Error, Fault};
use crate::intern::RawCodes;
use crate::scan::{BATCH_ROWS, Batch};
use crate::text::{CellText, Number, parse_number};

/// Code of a missing protected value.
pub(crate) const LEVEL_MISSING: u16 = u16::MAX;
/// Code of a cell that is no number where bands need one.
const LEVEL_FAULTY: u32 = u16::MAX as u32 - 1;
/// Largest weight: far above any survey weight, far below the fixed point's end.
const WEIGHT_MAX: f64 = 1e9;

/// A protected column.
pub(crate) struct KeyColumn<'p> {
    spec: &'p KeySpec,
    text: &'p CellText,
    spellings: RawCodes,
    codes: HashMap<String, u16>,
    levels: Vec<String>,
    /// Whether a missing value was met.
    pub(crate) missing: bool,
}

impl<'p> KeyColumn<'p> {
    pub(crate) fn new(spec: &'p KeySpec, text: &'p CellText) -> Self {
        Self { spec, text, spellings: RawCodes::new(), codes: HashMap::new(), levels: Vec::new(), missing: false }
    }

    /// Levels met, in the order of their codes; one more than [`LEVELS_MAX`] at most.
    pub(crate) fn levels(&self) -> impl Iterator<Item = &String> {
        self.levels.iter()
    }

    /// Number of bands, if it is banded.
    pub(crate) fn bands(&self) -> Option<usize> {
        match self.spec {
            KeySpec::Bands { labels, .. } => Some(labels.len()),
            KeySpec::Categories { .. } => None,
        }
    }

    /// Appends this column's code to the packed group of each row.
    pub(crate) fn read(
        &mut self,
        batch: &Batch<'_>,
        column: usize,
        groups: &mut [u128; BATCH_ROWS],
    ) -> Result<(), Fault> {
        let Self { spec, text, spellings, codes, levels, missing } = self;
        for (row, &span) in batch.column(column).iter().enumerate() {
            let code = spellings.code(batch.data, span, |raw| match spec {
                KeySpec::Categories { .. } => category_code(text, raw, codes, levels),
                KeySpec::Bands { edges, .. } => band_code(text, raw, edges),
            });
            if code >= LEVEL_FAULTY {
                if code == LEVEL_FAULTY {
                    return Err(number_fault(text, spec.column(), batch.raw(span), batch.at[row]));
                }
                *missing = true;
            }
            groups[row] = groups[row] << 16 | u128::from(code);
        }
        Ok(())
    }
}

fn category_code(text: &CellText, raw: &[u8], codes: &mut HashMap<String, u16>, levels: &mut Vec<String>) -> u32 {
    let Some(value) = text.value(raw).filter(|value| value.as_ref() != MISSING_GROUP) else {
        return u32::from(LEVEL_MISSING);
    };
    if let Some(&code) = codes.get(value.as_ref()) {
        return u32::from(code);
    }
    if levels.len() > LEVELS_MAX {
        // The column is refused at the end; until then memory stays bounded.
        return LEVELS_MAX as u32;
    }
    let code = levels.len() as u16;
    levels.push(value.clone().into_owned());
    codes.insert(value.into_owned(), code);
    u32::from(code)
}

fn band_code(text: &CellText, raw: &[u8], edges: &[f64]) -> u32 {
    let Some(value) = text.value(raw) else { return u32::from(LEVEL_MISSING) };
    match text.number(&value) {
        Number::Finite(number) => edges.partition_point(|&edge| edge < number) as u32,
        Number::Infinite | Number::None => LEVEL_FAULTY,
    }
}

/// A label or prediction column.
pub(crate) struct BinaryColumn<'p> {
    positive: String,
    text: &'p CellText,
    spellings: RawCodes,
    /// Different values met; three at most, for then it is not binary.
    values: Vec<String>,
}

impl<'p> BinaryColumn<'p> {
    pub(crate) fn new(spec: &BinarySpec, text: &'p CellText) -> Self {
        Self { positive: label_text(&spec.positive), text, spellings: RawCodes::new(), values: Vec::new() }
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &String> {
        self.values.iter()
    }

    /// 1, 0 or [`NONE`] for each row.
    pub(crate) fn read(&mut self, batch: &Batch<'_>, column: usize, out: &mut [u8; BATCH_ROWS]) {
        let Self { positive, text, spellings, values } = self;
        for (out, &span) in out.iter_mut().zip(batch.column(column)) {
            let code = spellings.code(batch.data, span, |raw| {
                let Some(value) = text.value(raw) else { return u32::from(NONE) };
                let value = label_text(&value);
                let code = u32::from(value == *positive);
                if values.len() < 3 && !values.contains(&value) {
                    values.push(value);
                }
                code
            });
            *out = code as u8;
        }
    }
}

/// What labels are compared by; see [`super::same_label`].
pub(crate) fn label_text(label: &str) -> String {
    let label = label.trim();
    match parse_number(label.as_bytes(), false) {
        Number::Finite(number) => number.to_string(),
        _ => label.strip_suffix('.').filter(|rest| !rest.is_empty()).unwrap_or(label).to_owned(),
    }
}

/// A column of scores or weights.
pub(crate) struct NumberColumn<'p> {
    column: &'p str,
    text: &'p CellText,
    /// Smallest and largest number met.
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl<'p> NumberColumn<'p> {
    pub(crate) fn new(column: &'p str, text: &'p CellText) -> Self {
        Self { column, text, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }

    /// The number of a cell, `None` where it is missing.
    #[inline]
    pub(crate) fn read(&mut self, raw: &[u8], at: u64) -> Result<Option<f64>, Fault> {
        let number = match parse_number(raw, self.text.decimal_comma) {
            Number::Finite(number) => Some(number),
            Number::Infinite | Number::None => self.read_unusual(raw, at)?,
        };
        if let Some(number) = number {
            self.min = self.min.min(number);
            self.max = self.max.max(number);
        }
        Ok(number)
    }

    #[cold]
    fn read_unusual(&self, raw: &[u8], at: u64) -> Result<Option<f64>, Fault> {
        let Some(value) = self.text.value(raw) else { return Ok(None) };
        match self.text.number(&value) {
            Number::Finite(number) => Ok(Some(number)),
            Number::Infinite | Number::None => Err(number_fault(self.text, self.column, raw, at)),
        }
    }

    /// A weight in fixed point.
    #[inline]
    pub(crate) fn read_weight(&mut self, raw: &[u8], at: u64) -> Result<i64, Fault> {
        match self.read(raw, at) {
            Ok(Some(weight)) if (0.0..=WEIGHT_MAX).contains(&weight) => Ok(crate::cells::fixed_weight(weight)),
            Ok(_) | Err(_) => {
                let value = crate::error::shorten(&self.text.text(raw));
                let column = self.column.to_owned();
                Err(Fault::new(at, move |place| Error::BadWeight { place, column, value }))
            }
        }
    }
}
