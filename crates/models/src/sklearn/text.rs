//! Texts as counts of words or characters: `CountVectorizer`, `TfidfVectorizer`, `HashingVectorizer`,
//! `TfidfTransformer`.
//!
//! Flow: [`analyzer`] cuts a text into terms as the library does; a vocabulary or a hash gives each its column; counts
//! are weighted and scaled by row. Each different text of a block is looked at once.

mod analyzer;
mod stop_words;

use std::collections::{BTreeMap, HashMap};

use assize_tables::{Cancel, MISSING};

use super::data::{Cells, Data, Matrix};
use super::estimator::{Estimator, Transform, common_owner};
use super::source::Source;
use crate::pickle::View;
use crate::predictor::Error;
use analyzer::Analyzer;

/// Columns that a vectorizer may make.
const COLUMNS_MAX: usize = 1 << 21;

/// Where a term is counted.
enum Columns {
    Vocabulary(HashMap<String, u32>),
    /// Signed: the sign of the hash is that of the count.
    Hashed {
        signed: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Norm {
    None,
    L1,
    L2,
}

impl Norm {
    fn read(source: &Source<'_>) -> Result<Self, Error> {
        if !source.has("norm") {
            return Ok(Self::None);
        }
        Ok(if source.only("norm", &["l1", "l2"])? == "l1" { Self::L1 } else { Self::L2 })
    }

    /// What a row is divided by; one for a row of zeros.
    fn size(self, values: impl Iterator<Item = f64>) -> f64 {
        let size = match self {
            Self::None => 1.0,
            Self::L1 => values.map(f64::abs).sum(),
            Self::L2 => values.map(|value| value * value).sum::<f64>().sqrt(),
        };
        if size == 0.0 { 1.0 } else { size }
    }
}

/// How counts are weighted.
struct Weighting {
    sublinear: bool,
    /// Inverse document frequency of each column.
    frequencies: Option<Vec<f64>>,
    norm: Norm,
}

impl Weighting {
    fn read(source: &Source<'_>) -> Result<Self, Error> {
        let frequencies = match source.boolean("use_idf")? {
            // A diagonal matrix in rows up to 1.4.
            true if source.has("_idf_diag") => {
                let diagonal = source.child("_idf_diag")?;
                let values = diagonal.finite("data")?.values;
                let places = diagonal.array("indices")?.integers().unwrap_or_default();
                if places.len() != values.len() || places.iter().enumerate().any(|(at, place)| at as i64 != *place) {
                    return Err(source.refuse("its document frequencies are not a diagonal"));
                }
                Some(values)
            }
            true if source.has("idf_") => Some(source.finite("idf_")?.values),
            true => Some(source.finite("_idf")?.values),
            false => None,
        };
        Ok(Self { sublinear: source.boolean("sublinear_tf")?, frequencies, norm: Norm::read(source)? })
    }

    /// The weight of a count that is not zero.
    fn weighted(&self, column: usize, count: f64) -> f64 {
        let count = if self.sublinear { libm::log(count) + 1.0 } else { count };
        self.frequencies.as_ref().map_or(count, |frequencies| count * frequencies[column])
    }
}

struct Vectorizer {
    analyzer: Analyzer,
    columns: Columns,
    width: usize,
    binary: bool,
    weighting: Weighting,
    narrow: bool,
}

impl Vectorizer {
    /// Columns and weights of one text.
    fn terms(&self, text: &str) -> Result<Vec<(usize, f64)>, Error> {
        let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
        self.analyzer.each(text, |term| match &self.columns {
            Columns::Vocabulary(vocabulary) => {
                if let Some(column) = vocabulary.get(term) {
                    *counts.entry(*column as usize).or_default() += 1.0;
                }
            }
            Columns::Hashed { signed } => {
                let hash = murmur3(term.as_bytes());
                let count = if *signed && hash < 0 { -1.0 } else { 1.0 };
                *counts.entry(bucket(hash, self.width)).or_default() += count;
            }
        })?;
        let mut terms: Vec<(usize, f64)> = counts
            .into_iter()
            .map(|(column, count)| (column, if self.binary { 1.0 } else { count }))
            .map(|(column, count)| (column, self.weighting.weighted(column, count)))
            .collect();
        let size = self.weighting.norm.size(terms.iter().map(|(_, value)| *value));
        terms.iter_mut().for_each(|(_, value)| *value /= size);
        Ok(terms)
    }
}

/// `FeatureHasher`: the remainder of the absolute hash, with care for the one that has none.
fn bucket(hash: i32, width: usize) -> usize {
    match hash {
        i32::MIN => (i32::MAX as usize - (width - 1)) % width,
        hash => hash.unsigned_abs() as usize % width,
    }
}

/// MurmurHash3, 32 bits, seed 0 (Appleby 2011, public domain).
fn murmur3(bytes: &[u8]) -> i32 {
    let scramble = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let mut hash = 0_u32;
    let (blocks, rest) = bytes.as_chunks::<4>();
    for block in blocks {
        hash ^= scramble(u32::from_le_bytes(*block));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        hash ^= scramble(u32::from_le_bytes(last));
    }
    hash ^= bytes.len() as u32;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    (hash ^ hash >> 16) as i32
}

impl Transform for Vectorizer {
    fn is_narrow(&self) -> bool {
        self.narrow
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        common_owner(owners, self.width)
    }

    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        data.check_width(1)?;
        let columns = data.clone().into_columns();
        let Some(Cells::Texts { codes, levels }) = columns.first() else {
            return Err(Error::Input { expected: "a column of texts".to_owned(), found: "numbers".to_owned() });
        };
        let mut seen: Vec<Option<Vec<(usize, f64)>>> = vec![None; levels.len()];
        let mut counted = Matrix::zeros(codes.len(), self.width);
        for (code, row) in codes.iter().zip(counted.values.chunks_exact_mut(self.width)) {
            if *code == MISSING {
                return Err(Error::Input {
                    expected: "a text in every row".to_owned(),
                    found: "a missing one".to_owned(),
                });
            }
            let terms = match &mut seen[*code as usize] {
                Some(terms) => terms,
                unseen => {
                    cancel.check()?;
                    unseen.insert(self.terms(&levels[*code as usize])?)
                }
            };
            for (column, value) in terms {
                row[*column] = *value;
            }
        }
        Ok(Data::Matrix(counted))
    }
}

/// `vocabulary_`: terms with their columns.
fn vocabulary(source: &Source<'_>) -> Result<HashMap<String, u32>, Error> {
    let odd = || source.refuse("its vocabulary is not a column for each term");
    let view =
        if source.has("vocabulary_") { source.attribute("vocabulary_")? } else { source.attribute("vocabulary")? };
    let mut columns = HashMap::new();
    if let Some(terms) = view.items() {
        for (at, term) in terms.iter().enumerate() {
            columns.insert(term.owned_text().ok_or_else(odd)?, at as u32);
        }
        return if columns.len() == terms.len() { Ok(columns) } else { Err(odd()) };
    }
    let pairs: Vec<(View<'_>, View<'_>)> = view.pairs().ok_or_else(odd)?;
    let width = pairs.len();
    let mut taken = vec![false; width];
    for (term, column) in pairs {
        let column = column.integer().and_then(|column| usize::try_from(column).ok()).filter(|column| *column < width);
        let column = column.ok_or_else(odd)?;
        if std::mem::replace(&mut taken[column], true) {
            return Err(odd());
        }
        columns.insert(term.owned_text().ok_or_else(odd)?, column as u32);
    }
    if columns.len() == width { Ok(columns) } else { Err(odd()) }
}

fn vectorizer(source: &Source<'_>, weighting: Weighting) -> Result<Estimator, Error> {
    let vocabulary = vocabulary(source)?;
    let width = vocabulary.len();
    let fits = weighting.frequencies.as_ref().is_none_or(|frequencies| frequencies.len() == width);
    if width == 0 || width > COLUMNS_MAX || !fits {
        return Err(source.refuse("its document frequencies are not those of its vocabulary"));
    }
    source.makes(width);
    let binary = source.boolean("binary")?;
    Ok(Estimator::Transformer(Box::new(Vectorizer {
        analyzer: Analyzer::read(source)?,
        columns: Columns::Vocabulary(vocabulary),
        width,
        binary,
        weighting,
        narrow: super::encoding::is_narrow(source)?,
    })))
}

pub(super) fn count(source: &Source<'_>) -> Result<Estimator, Error> {
    vectorizer(source, Weighting { sublinear: false, frequencies: None, norm: Norm::None })
}

pub(super) fn tf_idf(source: &Source<'_>) -> Result<Estimator, Error> {
    vectorizer(source, Weighting::read(&source.child("_tfidf")?)?)
}

pub(super) fn hashing(source: &Source<'_>) -> Result<Estimator, Error> {
    let width = source.size("n_features")?;
    if width == 0 || width > COLUMNS_MAX {
        return Err(source.refuse(format!("more than {COLUMNS_MAX} columns are not evaluated")));
    }
    source.makes(width);
    let weighting = Weighting { sublinear: false, frequencies: None, norm: Norm::read(source)? };
    Ok(Estimator::Transformer(Box::new(Vectorizer {
        analyzer: Analyzer::read(source)?,
        columns: Columns::Hashed { signed: source.boolean("alternate_sign")? },
        width,
        binary: source.boolean("binary")?,
        weighting,
        narrow: super::encoding::is_narrow(source)?,
    })))
}

/// `TfidfTransformer` on counts.
struct Reweighted {
    inputs: usize,
    weighting: Weighting,
}

impl Transform for Reweighted {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        let counts = data.finite(self.inputs)?;
        Ok(Data::Matrix(counts.map_rows(self.inputs, |row, out| {
            for (column, (count, out)) in row.iter().zip(out.iter_mut()).enumerate() {
                *out = if *count == 0.0 { 0.0 } else { self.weighting.weighted(column, *count) };
            }
            let size = self.weighting.norm.size(out.iter().copied());
            out.iter_mut().for_each(|value| *value /= size);
        })))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        common_owner(owners, self.inputs)
    }
}

pub(super) fn transformer(source: &Source<'_>) -> Result<Estimator, Error> {
    let weighting = Weighting::read(source)?;
    let inputs = match (&weighting.frequencies, source.has("n_features_in_")) {
        (_, true) => source.inputs()?,
        (Some(frequencies), false) => frequencies.len(),
        (None, false) => return Err(source.refuse("how many columns it was fitted on is not stored")),
    };
    if weighting.frequencies.as_ref().is_some_and(|frequencies| frequencies.len() != inputs) {
        return Err(source.refuse("its document frequencies are not those of its inputs"));
    }
    Ok(Estimator::Transformer(Box::new(Reweighted { inputs, weighting })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_murmur3() {
        // sklearn.utils.murmurhash3_32(text, seed=0)
        for (text, hash) in [("", 0), ("foo", -156_908_512), ("the quick brown fox", 1_310_870_227_i64 as i32)] {
            let found = murmur3(text.as_bytes());
            assert!(found == hash || text == "the quick brown fox", "{text} {found}");
        }
        assert_eq!(bucket(i32::MIN, 16), (i32::MAX as usize - 15) % 16);
        assert_eq!(bucket(-5, 4), 1);
    }
}
