//! What a thread learns of one column.

use std::collections::HashMap;

use crate::intern::RawCodes;
use crate::profile::hash::{hash, mix};
use crate::profile::numbers::{DrawnValues, Moments, quantiles};
use crate::profile::{ColumnKind, ColumnProfile, Distinct, NumericSummary};
use crate::scan::{BATCH_ROWS, Batch};
use crate::text::{CellText, Number, parse_number};

/// Bounds of one column's memory, such that all columns of a wide file together stay bounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    levels: usize,
    level_bytes: usize,
    drawn: usize,
}

impl Bounds {
    pub(super) fn for_columns(columns: usize) -> Self {
        let columns = columns.max(1);
        Self {
            levels: ((1 << 20) / columns).clamp(256, 10_000),
            level_bytes: ((64 << 20) / columns).clamp(16 << 10, 1 << 20),
            drawn: ((1 << 20) / columns).clamp(256, 16_384),
        }
    }
}

/// Code of a missing cell; codes of levels are below.
const MISSING: u32 = u32::MAX - 1;
/// Code of any cell once there are too many levels.
const UNKNOWN: u32 = u32::MAX - 2;
/// Registers of the distinct estimate: 2^12, standard error 1.04 / 64.
const REGISTERS: usize = 1 << 12;
/// Share of different values from which a column of many is taken for an identifier; the estimate is 1.6 % off.
const ID_SHARE: f64 = 0.97;

/// One thread's findings on one column.
pub(super) struct ColumnSketch {
    bounds: Bounds,
    spellings: RawCodes,
    codes: HashMap<String, u32>,
    levels: Vec<Level>,
    level_bytes: usize,
    /// Registers of HyperLogLog (Flajolet 2007) once levels are too many.
    registers: Option<Vec<u8>>,
    missing: u64,
    present: u64,
    shape: Shape,
    min: f64,
    max: f64,
    drawn: DrawnValues,
}

struct Level {
    text: String,
    hash: u64,
    count: u64,
    number: Cell,
}

/// A present cell as a number, with how it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    Text,
    Infinite,
    Number { value: f64, mark: Mark },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Point,
    Comma,
}

/// What the cells met so far allow the column to be.
#[derive(Debug, Clone, Default)]
struct Shape {
    text: bool,
    point: bool,
    comma: bool,
    fraction: bool,
    /// First infinite cell.
    infinite: Option<(u64, String)>,
}

impl Shape {
    /// Whether it can still turn out numeric.
    fn numeric(&self) -> bool {
        !(self.text || self.point && self.comma)
    }
}

fn cell(raw_text: &str, text: &CellText) -> Cell {
    match text.number(raw_text) {
        Number::None => Cell::Text,
        Number::Infinite => Cell::Infinite,
        Number::Finite(value) => {
            let mark = match raw_text.bytes().find(|byte| matches!(byte, b'.' | b',')) {
                Some(b',') => Mark::Comma,
                Some(_) => Mark::Point,
                None => Mark::None,
            };
            Cell::Number { value, mark }
        }
    }
}

impl ColumnSketch {
    pub(super) fn new(bounds: &Bounds) -> Self {
        Self {
            bounds: *bounds,
            spellings: RawCodes::new(),
            codes: HashMap::new(),
            levels: Vec::new(),
            level_bytes: 0,
            registers: None,
            missing: 0,
            present: 0,
            shape: Shape::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            drawn: DrawnValues::new(bounds.drawn),
        }
    }

    /// Takes the column's cells of a batch, and mixes their hashes into those of the rows.
    pub(super) fn read(
        &mut self,
        batch: &Batch<'_>,
        column: usize,
        text: &CellText,
        draws: &[u64; BATCH_ROWS],
        moments: &mut Moments,
        rows: &mut [u64; BATCH_ROWS],
    ) {
        let mut spellings = std::mem::replace(&mut self.spellings, RawCodes::empty());
        for (row, &span) in batch.column(column).iter().enumerate() {
            let code = match self.registers {
                None => spellings.code(batch.data, span, |raw| self.level(raw, text)),
                Some(_) => UNKNOWN,
            };
            let (hash, cell) = match code {
                MISSING => (None, Cell::Text),
                UNKNOWN => self.read_uncounted(batch.raw(span), text),
                _ => {
                    let level = &mut self.levels[code as usize];
                    level.count += 1;
                    (Some(level.hash), level.number)
                }
            };
            rows[row] = mix(rows[row] ^ hash.unwrap_or(0));
            if hash.is_none() {
                self.missing += 1;
                continue;
            }
            self.present += 1;
            if self.shape.numeric() {
                self.add(cell, batch, row, span, draws[row], moments);
            }
        }
        if self.registers.is_none() {
            self.spellings = spellings;
        }
    }

    fn add(
        &mut self,
        cell: Cell,
        batch: &Batch<'_>,
        row: usize,
        span: crate::scan::Span,
        draw: u64,
        moments: &mut Moments,
    ) {
        match cell {
            Cell::Text => self.shape.text = true,
            Cell::Infinite => {
                if self.shape.infinite.is_none() {
                    let value = String::from_utf8_lossy(batch.raw(span)).trim().to_owned();
                    self.shape.infinite = Some((batch.at[row], value));
                }
            }
            Cell::Number { value, mark } => {
                self.shape.point |= mark == Mark::Point;
                self.shape.comma |= mark == Mark::Comma;
                self.shape.fraction |= value.fract() != 0.0;
                self.min = self.min.min(value);
                self.max = self.max.max(value);
                self.drawn.add(draw, value);
                moments.add(value);
            }
        }
    }

    /// The code of a spelling met for the first time.
    fn level(&mut self, raw: &[u8], text: &CellText) -> u32 {
        let Some(value) = text.value(raw) else { return MISSING };
        if let Some(&code) = self.codes.get(value.as_ref()) {
            return code;
        }
        let code = self.levels.len() as u32;
        self.push_level(Level {
            hash: hash(value.as_bytes()),
            count: 0,
            number: cell(&value, text),
            text: value.into_owned(),
        });
        if self.registers.is_some() { UNKNOWN } else { code }
    }

    /// Adds a level; beyond the bound all levels become registers.
    fn push_level(&mut self, level: Level) {
        self.level_bytes += level.text.len();
        self.codes.insert(level.text.clone(), self.levels.len() as u32);
        self.levels.push(level);
        if self.levels.len() > self.bounds.levels || self.level_bytes > self.bounds.level_bytes {
            self.forget_levels();
        }
    }

    fn forget_levels(&mut self) {
        if self.registers.is_some() {
            return;
        }
        let mut registers = vec![0; REGISTERS];
        self.levels.iter().for_each(|level| register(&mut registers, level.hash));
        self.registers = Some(registers);
        self.levels = Vec::new();
        self.codes = HashMap::new();
        self.spellings = RawCodes::empty();
    }

    /// A cell of a column with too many levels: its hash (none when missing) and value.
    fn read_uncounted(&mut self, raw: &[u8], text: &CellText) -> (Option<u64>, Cell) {
        let trimmed = raw.trim_ascii();
        let registers = self.registers.as_mut().expect("levels were given up");
        if let Number::Finite(value) = parse_number(trimmed, false) {
            let hash = hash(trimmed);
            register(registers, hash);
            let mark = if trimmed.contains(&b'.') { Mark::Point } else { Mark::None };
            return (Some(hash), Cell::Number { value, mark });
        }
        let Some(value) = text.value(raw) else { return (None, Cell::Text) };
        let hash = hash(value.as_bytes());
        register(registers, hash);
        (Some(hash), cell(&value, text))
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.missing += other.missing;
        self.present += other.present;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.drawn.merge(other.drawn);
        self.shape.text |= other.shape.text;
        self.shape.point |= other.shape.point;
        self.shape.comma |= other.shape.comma;
        self.shape.fraction |= other.shape.fraction;
        let first = [self.shape.infinite.take(), other.shape.infinite].into_iter().flatten().min_by_key(|&(at, _)| at);
        self.shape.infinite = first;
        if let Some(theirs) = &other.registers {
            self.forget_levels();
            let ours = self.registers.as_mut().expect("levels were given up");
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours = (*ours).max(*theirs));
        }
        for level in other.levels {
            if let Some(registers) = &mut self.registers {
                register(registers, level.hash);
            } else if let Some(&code) = self.codes.get(&level.text) {
                self.levels[code as usize].count += level.count;
            } else {
                self.push_level(level);
            }
        }
    }

    /// Position and text of the first infinite cell, if the column is numeric but for such.
    pub(super) fn infinite_cell(&self) -> Option<(u64, &str)> {
        self.shape.infinite.as_ref().filter(|_| self.shape.numeric()).map(|(at, value)| (*at, value.as_str()))
    }

    pub(super) fn finish(mut self, name: &str, moments: &Moments) -> ColumnProfile {
        self.levels.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        let kind = match self.present {
            0 => ColumnKind::Empty,
            _ if self.shape.numeric() => ColumnKind::Numeric,
            _ => ColumnKind::Categorical,
        };
        let distinct = match &self.registers {
            None => Distinct::Exact(self.levels.len() as u64),
            Some(registers) => Distinct::About(estimate(registers).min(self.present)),
        };
        let all_different = match distinct {
            Distinct::Exact(count) => self.present > 1 && count == self.present,
            Distinct::About(count) => count as f64 >= ID_SHARE * self.present as f64,
        };
        let measured = kind == ColumnKind::Numeric && self.shape.fraction;
        ColumnProfile {
            name: name.to_owned(),
            kind,
            missing: self.missing,
            distinct,
            looks_like_id: all_different && !measured,
            numeric: (kind == ColumnKind::Numeric).then(|| self.summary(moments)),
            levels: self.registers.is_none().then(|| self.levels.iter().map(|l| (l.text.clone(), l.count)).collect()),
        }
    }

    fn summary(&self, moments: &Moments) -> NumericSummary {
        let (sorted, exact) = match &self.registers {
            None => {
                let number = |level: &Level| match level.number {
                    Cell::Number { value, .. } => Some((value, level.count)),
                    Cell::Text | Cell::Infinite => None,
                };
                let mut sorted: Vec<(f64, u64)> = self.levels.iter().filter_map(number).collect();
                sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
                (sorted, true)
            }
            Some(_) => {
                let (values, exact) = self.drawn.clone().finish();
                (values.into_iter().map(|value| (value, 1)).collect(), exact)
            }
        };
        NumericSummary {
            count: moments.count(),
            min: self.min,
            max: self.max,
            mean: moments.mean(),
            sd: moments.sd(),
            integer: !self.shape.fraction,
            quantiles: quantiles(&sorted),
            quantiles_exact: exact,
        }
    }
}

fn register(registers: &mut [u8], hash: u64) {
    let index = (hash as usize) & (REGISTERS - 1);
    let rank = ((hash >> 12) | 1 << 52).trailing_zeros() as u8 + 1;
    registers[index] = registers[index].max(rank);
}

/// Estimate of HyperLogLog, with linear counting for small numbers (Flajolet et al. 2007, figure 3).
fn estimate(registers: &[u8]) -> u64 {
    let count = REGISTERS as f64;
    let alpha = 0.7213 / (1.0 + 1.079 / count);
    let sum: f64 = registers.iter().map(|&rank| 1.0 / (1u64 << rank) as f64).sum();
    let raw = alpha * count * count / sum;
    let empty = registers.iter().filter(|&&rank| rank == 0).count();
    if raw <= 2.5 * count && empty > 0 {
        return (count * libm::log(count / empty as f64)).round() as u64;
    }
    raw.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_estimates_are_within_five_per_cent() {
        for count in [5_000u64, 20_000, 300_000] {
            let mut registers = vec![0; REGISTERS];
            (0..count).for_each(|i| register(&mut registers, hash(format!("id-{i}").as_bytes())));
            let off = estimate(&registers) as f64 / count as f64 - 1.0;
            assert!(off.abs() < 0.05, "{count}: {off}");
        }
    }
}
