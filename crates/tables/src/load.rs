//! Loading columns into memory, all rows or a sample of them.
//!
//! Threads read blocks into columns of their own; these are appended in block order, so the table is in file order.
//! Level codes are local to a thread until the fold, and get their final value, the rank in byte order, at the end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Cancel;
use crate::dataset::Dataset;
use crate::error::{Error, Fault, shorten};
use crate::intern::RawCodes;
use crate::profile::{ColumnKind, Profile, mix};
use crate::scan::{Batch, Sink};
use crate::table::{Column, ColumnData, MISSING, Table};
use crate::text::{CellText, Number, parse_number};

/// A sample of the rows: those with the smallest hashes of seed and position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Rows wanted; all rows if the file has no more.
    pub rows: u64,
    /// Seed of the hash.
    pub seed: u64,
}

impl Dataset {
    /// Loads columns (all, when `columns` is `None`), typed as the profile says, in file order.
    ///
    /// # Errors
    /// If a column is absent, the table would take more than [`crate::ReadOptions::max_table_bytes`], or the file is at fault.
    pub fn load(
        &self,
        columns: Option<&[&str]>,
        profile: &Profile,
        sample: Option<Sample>,
        cancel: &Cancel,
    ) -> Result<Table, Error> {
        let mut wanted: Vec<usize> = match columns {
            None => (0..self.column_names().len()).collect(),
            Some(names) => names.iter().map(|name| self.column_index(name)).collect::<Result<_, _>>()?,
        };
        wanted.sort_unstable();
        wanted.dedup();
        let kinds: Vec<ColumnKind> = wanted
            .iter()
            .map(|&index| profile.columns.get(index).map(|column| column.kind).ok_or(Error::Changed))
            .collect::<Result<_, _>>()?;
        let draw = sample.filter(|sample| sample.rows < profile.rows).map(|sample| Draw::new(sample, profile.rows));
        let rows = draw.as_ref().map_or(profile.rows, |draw| draw.rows);
        let limit = self.options().max_table_bytes;
        let needed =
            kinds.iter().map(|kind| if *kind == ColumnKind::Numeric { 8 } else { 4 }).sum::<u64>().saturating_mul(rows);
        if needed > limit {
            return Err(Error::TableTooLarge { needed, limit });
        }
        let text = self.cell_text();
        let names: Vec<&str> = wanted.iter().map(|&index| self.column_names()[index].as_str()).collect();
        let numbers = AtomicUsize::new(0);
        let sink = || LoadSink::new(numbers.fetch_add(1, Ordering::Relaxed), &kinds, &names, draw.as_ref(), &text);
        let mut loaded = Loaded::new(&kinds, limit);
        self.scan(&wanted, cancel, &sink, &mut |part| loaded.append(part))?;
        Ok(loaded.finish(&names, draw.as_ref()))
    }
}

/// Which rows are drawn.
struct Draw {
    rows: u64,
    seed: u64,
    /// Rows with larger hashes cannot be among the smallest; generous, for the exact cut is made at the end.
    limit: u64,
}

impl Draw {
    fn new(sample: Sample, rows: u64) -> Self {
        let wanted = sample.rows as f64;
        // Eight standard deviations above the mean: fewer hashes fall below with probability under 1e-15.
        let share = (wanted + 8.0 * wanted.sqrt() + 64.0) / rows as f64;
        let limit = if share < 1.0 { (share * u64::MAX as f64) as u64 } else { u64::MAX };
        Self { rows: sample.rows, seed: mix(sample.seed), limit }
    }

    fn hash(&self, at: u64) -> u64 {
        mix(self.seed ^ mix(at))
    }
}

/// Cells of one column, of one block or of all so far.
enum Cells {
    Numbers(Vec<f64>),
    Codes(Vec<u32>),
}

impl Cells {
    fn new(kind: ColumnKind) -> Self {
        if kind == ColumnKind::Numeric { Self::Numbers(Vec::new()) } else { Self::Codes(Vec::new()) }
    }

    fn empty(&self) -> Self {
        match self {
            Self::Numbers(_) => Self::Numbers(Vec::new()),
            Self::Codes(_) => Self::Codes(Vec::new()),
        }
    }
}

/// What one block leaves.
struct LoadPart {
    /// Which thread read it: codes are that thread's.
    thread: usize,
    /// Hashes of the rows, when they are drawn.
    hashes: Vec<u64>,
    columns: Vec<(Cells, Vec<String>)>,
    rows: usize,
}

struct LoadSink<'p> {
    thread: usize,
    names: &'p [&'p str],
    text: &'p CellText,
    draw: Option<&'p Draw>,
    hashes: Vec<u64>,
    columns: Vec<LoadColumn>,
    rows: usize,
}

struct LoadColumn {
    cells: Cells,
    spellings: RawCodes,
    codes: HashMap<String, u32>,
    /// Levels met since the last block.
    fresh: Vec<String>,
}

impl<'p> LoadSink<'p> {
    fn new(
        thread: usize,
        kinds: &[ColumnKind],
        names: &'p [&'p str],
        draw: Option<&'p Draw>,
        text: &'p CellText,
    ) -> Self {
        let column = |&kind: &ColumnKind| LoadColumn {
            cells: Cells::new(kind),
            spellings: RawCodes::new(),
            codes: HashMap::new(),
            fresh: Vec::new(),
        };
        Self { thread, names, text, draw, hashes: Vec::new(), columns: kinds.iter().map(column).collect(), rows: 0 }
    }
}

impl Sink for LoadSink<'_> {
    type Part = LoadPart;

    fn batch(&mut self, batch: &Batch<'_>) -> Result<(), Fault> {
        let mut chosen = Vec::with_capacity(batch.rows());
        for (row, &at) in batch.at.iter().enumerate() {
            match self.draw {
                None => chosen.push(row),
                Some(draw) => {
                    let hash = draw.hash(at);
                    if hash <= draw.limit {
                        self.hashes.push(hash);
                        chosen.push(row);
                    }
                }
            }
        }
        self.rows += chosen.len();
        for (index, column) in self.columns.iter_mut().enumerate() {
            let spans = batch.column(index);
            match &mut column.cells {
                Cells::Numbers(numbers) => {
                    for &row in &chosen {
                        numbers.push(read_number(self.text, self.names[index], batch.raw(spans[row]), batch.at[row])?);
                    }
                }
                Cells::Codes(cells) => {
                    let LoadColumn { spellings, codes, fresh, .. } = column;
                    let new = |raw: &[u8]| level_code(self.text, raw, codes, fresh);
                    read_codes(batch, spans, &chosen, spellings, new, cells);
                }
            }
        }
        Ok(())
    }

    fn end_block(&mut self) -> LoadPart {
        let take = |column: &mut LoadColumn| {
            let empty = column.cells.empty();
            (std::mem::replace(&mut column.cells, empty), std::mem::take(&mut column.fresh))
        };
        LoadPart {
            thread: self.thread,
            hashes: std::mem::take(&mut self.hashes),
            columns: self.columns.iter_mut().map(take).collect(),
            rows: std::mem::take(&mut self.rows),
        }
    }
}

fn read_codes(
    batch: &Batch<'_>,
    spans: &[crate::scan::Span],
    chosen: &[usize],
    spellings: &mut RawCodes,
    mut new: impl FnMut(&[u8]) -> u32,
    cells: &mut Vec<u32>,
) {
    for &row in chosen {
        // One below: the map keeps the largest code for itself.
        let code = spellings.code(batch.data, spans[row], &mut new);
        cells.push(if code == CODE_MISSING { MISSING } else { code });
    }
}

/// Missing, inside a thread.
const CODE_MISSING: u32 = MISSING - 1;

fn level_code(text: &CellText, raw: &[u8], codes: &mut HashMap<String, u32>, fresh: &mut Vec<String>) -> u32 {
    let Some(value) = text.value(raw) else { return CODE_MISSING };
    if let Some(&code) = codes.get(value.as_ref()) {
        return code;
    }
    let code = codes.len() as u32;
    fresh.push(value.clone().into_owned());
    codes.insert(value.into_owned(), code);
    code
}

fn read_number(text: &CellText, column: &str, raw: &[u8], at: u64) -> Result<f64, Fault> {
    if let Number::Finite(number) = parse_number(raw, text.decimal_comma) {
        return Ok(number);
    }
    let Some(value) = text.value(raw) else { return Ok(f64::NAN) };
    match text.number(&value) {
        Number::Finite(number) => Ok(number),
        Number::Infinite | Number::None => {
            let (column, value) = (column.to_owned(), shorten(&value));
            Err(Fault::new(at, move |place| Error::NotNumeric { place, column, value }))
        }
    }
}

/// All blocks so far.
struct Loaded {
    columns: Vec<LoadedColumn>,
    hashes: Vec<u64>,
    rows: usize,
    level_bytes: u64,
    limit: u64,
}

struct LoadedColumn {
    cells: Cells,
    levels: Vec<String>,
    codes: HashMap<String, u32>,
    /// For each thread: its codes as codes into `levels`.
    threads: HashMap<usize, Vec<u32>>,
}

impl Loaded {
    fn new(kinds: &[ColumnKind], limit: u64) -> Self {
        let column = |&kind: &ColumnKind| LoadedColumn {
            cells: Cells::new(kind),
            levels: Vec::new(),
            codes: HashMap::new(),
            threads: HashMap::new(),
        };
        Self { columns: kinds.iter().map(column).collect(), hashes: Vec::new(), rows: 0, level_bytes: 0, limit }
    }

    fn append(&mut self, part: LoadPart) -> Result<(), Fault> {
        self.rows += part.rows;
        self.hashes.extend(part.hashes);
        for (column, (cells, fresh)) in self.columns.iter_mut().zip(part.columns) {
            let LoadedColumn { levels, codes, threads, .. } = column;
            let known = threads.entry(part.thread).or_default();
            for level in fresh {
                let code = *codes.entry(level).or_insert_with_key(|level| {
                    self.level_bytes += 2 * level.len() as u64 + 64;
                    levels.push(level.clone());
                    levels.len() as u32 - 1
                });
                known.push(code);
            }
            match (&mut column.cells, cells) {
                (Cells::Numbers(all), Cells::Numbers(numbers)) => all.extend(numbers),
                (Cells::Codes(all), Cells::Codes(codes)) => {
                    all.extend(
                        codes.into_iter().map(|code| if code == MISSING { MISSING } else { known[code as usize] }),
                    );
                }
                _ => unreachable!("a column's kind is fixed before reading"),
            }
        }
        if self.level_bytes > self.limit {
            let (needed, limit) = (self.level_bytes, self.limit);
            return Err(Fault::anywhere(Error::TableTooLarge { needed, limit }));
        }
        Ok(())
    }

    fn finish(self, names: &[&str], draw: Option<&Draw>) -> Table {
        let chosen = draw.map(|draw| smallest(&self.hashes, draw.rows as usize));
        let rows = chosen.as_ref().map_or(self.rows, Vec::len);
        let column = |(column, name): (LoadedColumn, &&str)| Column {
            name: (*name).to_owned(),
            data: column.finish(chosen.as_deref()),
        };
        Table { columns: self.columns.into_iter().zip(names).map(column).collect(), rows }
    }
}

impl LoadedColumn {
    fn finish(self, chosen: Option<&[usize]>) -> ColumnData {
        match self.cells {
            Cells::Numbers(numbers) => ColumnData::Numeric(match chosen {
                None => numbers,
                Some(chosen) => chosen.iter().map(|&row| numbers[row]).collect(),
            }),
            Cells::Codes(codes) => {
                let mut codes = match chosen {
                    None => codes,
                    Some(chosen) => chosen.iter().map(|&row| codes[row]).collect(),
                };
                let levels = sort_levels(&mut codes, self.levels);
                ColumnData::Categorical { codes, levels }
            }
        }
    }
}

/// Gives the levels that occur their codes in byte order.
fn sort_levels(codes: &mut [u32], levels: Vec<String>) -> Vec<String> {
    let mut used = vec![false; levels.len()];
    codes.iter().filter(|&&code| code != MISSING).for_each(|&code| used[code as usize] = true);
    let mut sorted: Vec<(String, usize)> =
        levels.into_iter().enumerate().filter(|(code, _)| used[*code]).map(|(code, level)| (level, code)).collect();
    sorted.sort_unstable();
    let mut ranks = vec![MISSING; used.len()];
    sorted.iter().enumerate().for_each(|(rank, (_, code))| ranks[*code] = rank as u32);
    codes.iter_mut().filter(|code| **code != MISSING).for_each(|code| *code = ranks[*code as usize]);
    sorted.into_iter().map(|(level, _)| level).collect()
}

/// Indexes of the `count` smallest hashes, rising.
fn smallest(hashes: &[u64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..hashes.len()).collect();
    if count < order.len() {
        order.select_nth_unstable_by_key(count, |&index| (hashes[index], index));
        order.truncate(count);
        order.sort_unstable();
    }
    order
}
