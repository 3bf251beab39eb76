//! Encoders: one-hot, ordinal and target.

use assize_tables::Cancel;

use super::category::{self, Categories};
use super::data::{Data, Matrix};
use super::estimator::{Estimator, Transform};
use super::source::Source;
use crate::pickle::{Dtype, Kind, View};
use crate::predictor::Error;

/// What happens to a cell that is not among the categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    Ignored,
    /// Joins the infrequent categories, where there are any.
    Infrequent,
}

/// Infrequent categories of one column share a position.
struct Grouping {
    /// New position of each category.
    mapping: Vec<u32>,
    infrequent: u32,
}

struct OneHot {
    columns: Vec<OneHotColumn>,
    unknown: Unknown,
    width: usize,
    narrow: bool,
}

struct OneHotColumn {
    categories: Categories,
    grouping: Option<Grouping>,
    /// Position (after grouping) without an output of its own.
    dropped: Option<u32>,
    offset: usize,
}

impl Transform for OneHot {
    fn is_narrow(&self) -> bool {
        self.narrow
    }

    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        data.check_width(self.columns.len())?;
        let mut encoded = Matrix::zeros(data.rows(), self.width);
        for (at, (cells, column)) in data.clone().into_columns().iter().zip(&self.columns).enumerate() {
            for (row, position) in column.categories.find(cells, at)?.into_iter().enumerate() {
                let position = match (position, &column.grouping) {
                    (Some(position), None) => position,
                    (Some(position), Some(grouping)) => grouping.mapping[position as usize],
                    (None, _) if self.unknown == Unknown::Refused => return Err(unknown(at)),
                    (None, Some(grouping)) if self.unknown == Unknown::Infrequent => grouping.infrequent,
                    (None, _) => continue,
                };
                let place = match column.dropped {
                    Some(dropped) if dropped == position => continue,
                    Some(dropped) if dropped < position => position - 1,
                    _ => position,
                };
                encoded.values[row * self.width + column.offset + place as usize] = 1.0;
            }
        }
        Ok(Data::Matrix(encoded))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        if owners.len() != self.columns.len() {
            return None;
        }
        let ends = self.columns.iter().skip(1).map(|column| column.offset).chain([self.width]);
        let made = self.columns.iter().zip(ends).map(|(column, end)| end - column.offset);
        Some(owners.iter().zip(made).flat_map(|(owner, made)| std::iter::repeat_n(*owner, made)).collect())
    }
}

fn unknown(column: usize) -> Error {
    Error::Input {
        expected: format!("only categories seen in training in input column {} of an encoder", column + 1),
        found: "another one".to_owned(),
    }
}

/// Whether the outputs are float32; a type that is neither that nor wider is refused.
pub(super) fn is_narrow(source: &Source<'_>) -> Result<bool, Error> {
    if !source.has("dtype") {
        return Ok(false);
    }
    let view = source.attribute("dtype")?;
    let name: Option<&str> = match view.global() {
        Some(global) if ["numpy", "builtins"].contains(&global.module.as_ref()) => Some(global.name.as_ref()),
        Some(_) => None,
        None => view.text(),
    };
    match (name, name.is_none().then(|| Dtype::from_view(view)).flatten()) {
        (Some("float64" | "double" | "float" | "f8" | "int" | "int64" | "int32" | "int16" | "int8" | "intp"), _) => {
            Ok(false)
        }
        (Some("float32" | "single" | "f4"), _) => Ok(true),
        (None, Some(dtype)) if dtype.kind == Kind::Int || (dtype.kind == Kind::Float && dtype.size == 8) => Ok(false),
        (None, Some(dtype)) if dtype.kind == Kind::Float && dtype.size == 4 => Ok(true),
        _ => Err(source.refuse("its dtype is not evaluated")),
    }
}

pub(super) fn one_hot(source: &Source<'_>) -> Result<Estimator, Error> {
    let narrow = is_narrow(source)?;
    let unknown = match source.text("handle_unknown")? {
        "error" => Unknown::Refused,
        "ignore" => Unknown::Ignored,
        "infrequent_if_exist" | "warn" => Unknown::Infrequent,
        other => return Err(source.refuse(format!("handle_unknown={other:?} is not evaluated"))),
    };
    let categories = category::read_all(source)?;
    if categories.len() != source.inputs()? {
        return Err(source.refuse("categories_ has not one entry for each input"));
    }
    let groupings = groupings(source, &categories)?;
    let dropped = dropped(source, categories.len(), groupings.iter().any(Option::is_some))?;
    let mut columns = Vec::with_capacity(categories.len());
    let mut offset = 0;
    for ((categories, grouping), dropped) in categories.into_iter().zip(groupings).zip(dropped) {
        let positions = match &grouping {
            Some(grouping) => grouping.mapping.iter().max().map_or(0, |last| *last as usize + 1),
            None => categories.count,
        };
        if dropped.is_some_and(|dropped| dropped as usize >= positions) {
            return Err(source.refuse("a dropped category is out of range"));
        }
        columns.push(OneHotColumn { categories, grouping, dropped, offset });
        offset += positions - usize::from(dropped.is_some());
    }
    source.makes(offset);
    Ok(Estimator::Transformer(Box::new(OneHot { columns, unknown, width: offset, narrow })))
}

/// `_default_to_infrequent_mappings`, present when `min_frequency` or `max_categories` is set.
fn groupings(source: &Source<'_>, categories: &[Categories]) -> Result<Vec<Option<Grouping>>, Error> {
    let enabled = source.has("_infrequent_enabled") && source.boolean("_infrequent_enabled")?;
    if !enabled {
        return Ok(categories.iter().map(|_| None).collect());
    }
    let odd = || source.refuse("the infrequent categories are not understood");
    let mappings = source.list("_default_to_infrequent_mappings")?;
    let infrequent = source.list("_infrequent_indices")?;
    if mappings.len() != categories.len() || infrequent.len() != categories.len() {
        return Err(odd());
    }
    let mut groupings = Vec::with_capacity(categories.len());
    for ((mapping, infrequent), categories) in mappings.into_iter().zip(infrequent).zip(categories) {
        if mapping.is_none() && infrequent.is_none() {
            groupings.push(None);
            continue;
        }
        let mapping: Vec<u32> =
            positions(source, mapping).filter(|mapping| mapping.len() == categories.count).ok_or_else(odd)?;
        let first = positions(source, infrequent).and_then(|infrequent| infrequent.first().copied()).ok_or_else(odd)?;
        let infrequent = *mapping.get(first as usize).ok_or_else(odd)?;
        if mapping.iter().any(|position| *position as usize >= categories.count) {
            return Err(odd());
        }
        groupings.push(Some(Grouping { mapping, infrequent }));
    }
    Ok(groupings)
}

fn positions(source: &Source<'_>, view: View<'_>) -> Option<Vec<u32>> {
    let integers = source.decode(view).ok()?.integers()?;
    integers.into_iter().map(|position| u32::try_from(position).ok()).collect()
}

/// Position without an output for each column.
fn dropped(source: &Source<'_>, columns: usize, grouped: bool) -> Result<Vec<Option<u32>>, Error> {
    let attribute = match source.has("_drop_idx_after_grouping") {
        true => "_drop_idx_after_grouping",
        false if !source.has("drop_idx_") => return Ok(vec![None; columns]),
        false if grouped => {
            return Err(source.refuse("drop together with infrequent categories is not evaluated for this version"));
        }
        false => "drop_idx_",
    };
    let array = source.array(attribute)?;
    let odd = || source.refuse(format!("{attribute} has not one entry for each input"));
    let positions: Option<Vec<Option<u32>>> = match array.objects() {
        Some(objects) => objects
            .iter()
            .map(|view| if view.is_none() { Some(None) } else { u32::try_from(view.integer()?).ok().map(Some) })
            .collect(),
        None => array.integers().and_then(|all| all.into_iter().map(|at| u32::try_from(at).ok().map(Some)).collect()),
    };
    positions.filter(|positions| positions.len() == columns).ok_or_else(odd)
}

struct Ordinal {
    columns: Vec<OrdinalColumn>,
    /// Value of a cell that is not among the categories; `None` refuses it.
    unknown: Option<f64>,
    narrow: bool,
}

struct OrdinalColumn {
    categories: Categories,
    /// Value of each category.
    values: Vec<f64>,
}

impl Transform for Ordinal {
    fn is_narrow(&self) -> bool {
        self.narrow
    }

    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        data.check_width(self.columns.len())?;
        let width = self.columns.len();
        let mut encoded = Matrix::zeros(data.rows(), width);
        for (at, (cells, column)) in data.clone().into_columns().iter().zip(&self.columns).enumerate() {
            for (row, position) in column.categories.find(cells, at)?.into_iter().enumerate() {
                encoded.values[row * width + at] = match (position, self.unknown) {
                    (Some(position), _) => column.values[position as usize],
                    (None, Some(value)) => value,
                    (None, None) => return Err(unknown(at)),
                };
            }
        }
        Ok(Data::Matrix(encoded))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        Some(owners.to_vec())
    }
}

pub(super) fn ordinal(source: &Source<'_>) -> Result<Estimator, Error> {
    let narrow = is_narrow(source)?;
    let unknown = match source.only("handle_unknown", &["error", "use_encoded_value"])? {
        "error" => None,
        _ => Some(encoded_value(source, "unknown_value")?),
    };
    let missing =
        if source.has("encoded_missing_value") { encoded_value(source, "encoded_missing_value")? } else { f64::NAN };
    let categories = category::read_all(source)?;
    if categories.len() != source.inputs()? {
        return Err(source.refuse("categories_ has not one entry for each input"));
    }
    let groupings = groupings(source, &categories)?;
    let columns = categories.into_iter().zip(groupings).map(|(categories, grouping)| {
        let mut values: Vec<f64> = match grouping {
            Some(grouping) => grouping.mapping.into_iter().map(f64::from).collect(),
            None => (0..categories.count).map(|position| position as f64).collect(),
        };
        if let Some(position) = categories.missing() {
            values[position as usize] = missing;
        }
        OrdinalColumn { categories, values }
    });
    Ok(Estimator::Transformer(Box::new(Ordinal { columns: columns.collect(), unknown, narrow })))
}

/// A parameter that may be NaN.
fn encoded_value(source: &Source<'_>, parameter: &str) -> Result<f64, Error> {
    source.attribute(parameter)?.number().ok_or_else(|| source.refuse(format!("{parameter} is not a number")))
}

struct Target {
    categories: Vec<Categories>,
    /// One output after the other: the feature it encodes, its values, and the value of an unknown category.
    outputs: Vec<(usize, Vec<f64>, f64)>,
}

impl Transform for Target {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        data.check_width(self.categories.len())?;
        let mut positions = Vec::with_capacity(self.categories.len());
        for (at, (cells, categories)) in data.clone().into_columns().iter().zip(&self.categories).enumerate() {
            positions.push(categories.find(cells, at)?);
        }
        let width = self.outputs.len();
        let mut encoded = Matrix::zeros(data.rows(), width);
        for (at, (feature, values, unknown)) in self.outputs.iter().enumerate() {
            for (row, position) in positions[*feature].iter().enumerate() {
                encoded.values[row * width + at] = position.map_or(*unknown, |position| values[position as usize]);
            }
        }
        Ok(Data::Matrix(encoded))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        self.outputs.iter().map(|(feature, ..)| owners.get(*feature).copied()).collect()
    }
}

/// `TargetEncoder.transform`; for more than two classes a feature has one output for each.
pub(super) fn target(source: &Source<'_>) -> Result<Estimator, Error> {
    let categories = category::read_all(source)?;
    let encodings = source.list_of_numbers("encodings_")?;
    let means = match source.attribute("target_mean_")?.number() {
        Some(mean) => vec![mean],
        None => source.finite("target_mean_")?.values,
    };
    if categories.len() != source.inputs()? || encodings.len() != categories.len() * means.len() {
        return Err(source.refuse("the encodings are not those of its inputs"));
    }
    let mut outputs = Vec::with_capacity(encodings.len());
    for (at, encoding) in encodings.into_iter().enumerate() {
        let (feature, class) = (at / means.len(), at % means.len());
        if encoding.values.len() != categories[feature].count || encoding.values.iter().any(|value| !value.is_finite())
        {
            return Err(source.refuse("an encoding has not one finite number for each category"));
        }
        outputs.push((feature, encoding.values, means[class]));
    }
    source.makes(outputs.len());
    Ok(Estimator::Transformer(Box::new(Target { categories, outputs })))
}
