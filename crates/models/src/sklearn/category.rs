//! Categories an encoder has learned, and finding a cell among them.

use std::collections::BTreeMap;

use assize_tables::{MISSING, MISSING_SPELLINGS};

use super::data::Cells;
use super::label::{self, Label};
use super::source::Source;
use crate::pickle::{Kind, View};
use crate::predictor::Error;

/// The categories of one column, by position.
#[derive(Debug)]
pub(super) struct Categories {
    pub(super) count: usize,
    texts: BTreeMap<String, u32>,
    /// Sorted numbers with their positions.
    numbers: Vec<(f64, u32)>,
    /// Position of NaN, or else of None.
    missing: Option<u32>,
    /// Position of a text such as "?", which the reader of data files takes for a missing value.
    spelled: Spelled,
}

/// Whether a text among the categories means "missing" to the reader of data files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelled {
    No,
    As(u32),
    /// More than one: a missing cell could have been any.
    Ambiguous,
}

impl Categories {
    /// From an array of texts, numbers, booleans or a mixture.
    pub(super) fn read(source: &Source<'_>, view: View<'_>) -> Result<Self, Error> {
        let odd = || source.refuse("the categories are neither texts nor numbers");
        let array = source.decode(view)?;
        let values: Vec<Option<Label>> = match array.dtype.kind {
            Kind::Object => array
                .objects()
                .ok_or_else(odd)?
                .iter()
                .map(|view| if view.is_none() { Ok(None) } else { label::label(view).map(Some).ok_or_else(odd) })
                .collect::<Result<_, _>>()?,
            _ => label::labels(&array).ok_or_else(odd)?.into_iter().map(Some).collect(),
        };
        let mut categories = Self {
            count: values.len(),
            texts: BTreeMap::new(),
            numbers: Vec::new(),
            missing: None,
            spelled: Spelled::No,
        };
        let mut none = None;
        for (at, value) in values.into_iter().enumerate() {
            let at = u32::try_from(at).map_err(|_| odd())?;
            let repeated = match value {
                None => none.replace(at).is_some(),
                Some(Label::Text(text)) => categories.texts.insert(text, at).is_some(),
                Some(Label::Bool(value)) => {
                    categories.numbers.push((f64::from(u8::from(value)), at));
                    categories.texts.insert(Label::Bool(value).to_string(), at).is_some()
                }
                Some(Label::Int(value)) => {
                    categories.numbers.push((value as f64, at));
                    false
                }
                Some(Label::Float(value)) if value.is_nan() => categories.missing.replace(at).is_some(),
                Some(Label::Float(value)) => {
                    categories.numbers.push((value, at));
                    false
                }
            };
            if repeated {
                return Err(source.refuse("a category is there twice"));
            }
        }
        categories.missing = categories.missing.or(none);
        categories.spelled = categories.find_spelled(source);
        categories.numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        if categories.numbers.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(source.refuse("a category is there twice"));
        }
        Ok(categories)
    }

    /// From texts in their order. A text such as "?" is what a missing cell may mean.
    pub(super) fn of_texts(texts: Vec<String>) -> Result<Self, Error> {
        let count = texts.len();
        let texts: BTreeMap<String, u32> = texts.into_iter().enumerate().map(|(at, text)| (text, at as u32)).collect();
        if texts.len() != count {
            return Err(Error::Unreadable("a category is there twice".to_owned()));
        }
        let mut spelled = texts.iter().filter(|(text, _)| means_missing(text)).map(|(_, at)| *at);
        let spelled = match (spelled.next(), spelled.next()) {
            (None, _) => Spelled::No,
            (Some(at), None) => Spelled::As(at),
            _ => Spelled::Ambiguous,
        };
        Ok(Self { count, texts, numbers: Vec::new(), missing: None, spelled })
    }

    pub(super) fn missing(&self) -> Option<u32> {
        self.missing
    }

    fn find_spelled(&self, source: &Source<'_>) -> Spelled {
        if self.missing.is_some() {
            return Spelled::No;
        }
        let mut found = Spelled::No;
        for text in self.texts.keys().filter(|text| means_missing(text)) {
            source.notes_spelled_missing(text);
            found = if found == Spelled::No { Spelled::As(self.texts[text]) } else { Spelled::Ambiguous };
        }
        found
    }

    /// Position of a missing cell. Data files spell it in ways that may be a category of their own.
    fn absent(&self, column: usize) -> Result<Option<u32>, Error> {
        match self.spelled {
            Spelled::No => Ok(self.missing),
            Spelled::As(position) => Ok(Some(position)),
            Spelled::Ambiguous => Err(Error::Input {
                expected: format!("a text in every cell of input column {} of an encoder", column + 1),
                found: "a missing value, which more than one category could mean".to_owned(),
            }),
        }
    }

    fn number(&self, value: f64) -> Option<u32> {
        if value.is_nan() {
            return self.missing;
        }
        let at = self.numbers.partition_point(|(number, _)| *number < value);
        self.numbers.get(at).filter(|(number, _)| *number == value).map(|(_, position)| *position)
    }

    /// The position of every cell; `None` for one that is not among the categories.
    pub(super) fn find(&self, cells: &Cells, column: usize) -> Result<Vec<Option<u32>>, Error> {
        match cells {
            Cells::Numbers(values) => {
                let numbers_needed = values.iter().any(|value| !value.is_nan());
                if numbers_needed && self.numbers.is_empty() && !self.texts.is_empty() {
                    return Err(mismatch(column, "texts", "numbers"));
                }
                if numbers_needed || self.spelled == Spelled::No {
                    return Ok(values.iter().map(|value| self.number(*value)).collect());
                }
                Ok(vec![self.absent(column)?; values.len()])
            }
            Cells::Texts { codes, levels } => {
                // Each level is looked up once, and only when a row has it.
                let mut found: Vec<Option<Option<u32>>> = vec![None; levels.len()];
                let mut positions = Vec::with_capacity(codes.len());
                for code in codes {
                    if *code == MISSING {
                        positions.push(self.absent(column)?);
                        continue;
                    }
                    if self.texts.is_empty() && !self.numbers.is_empty() {
                        return Err(mismatch(column, "numbers", "texts"));
                    }
                    let level = &mut found[*code as usize];
                    let position = *level.get_or_insert_with(|| self.texts.get(&levels[*code as usize]).copied());
                    positions.push(position);
                }
                Ok(positions)
            }
        }
    }
}

/// Whether the reader of data files may take a text for a missing value.
fn means_missing(text: &str) -> bool {
    MISSING_SPELLINGS.contains(&text.trim().to_lowercase().as_str())
}

fn mismatch(column: usize, expected: &str, found: &str) -> Error {
    Error::Input {
        expected: format!("{expected} in input column {} of an encoder", column + 1),
        found: found.to_owned(),
    }
}

/// `categories_` of an encoder.
pub(super) fn read_all(source: &Source<'_>) -> Result<Vec<Categories>, Error> {
    source.list("categories_")?.into_iter().map(|view| Categories::read(source, view)).collect()
}
