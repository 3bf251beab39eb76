//! From a protected column to groups: categories as they are, numbers in bands by a stated rule.
//!
//! A numeric column with few distinct values is taken as categories. Otherwise its bands come, in this order, from the
//! caller (`given`), from the age limits of the domain (`law` or `domain`) when the column holds ages, or from the
//! quartiles. Bands are open below and closed above, `(a, b]`. A missing value is a group of its own.

use assize_tables::cells::{Key, MISSING_GROUP};
use assize_tables::{Column, ColumnData, MISSING, NumericSummary};

use super::frame::QUARTILES;
use super::{AuditSettings, Error};
use crate::document::Bands;
use crate::domains::Domain;

/// Most groups of one attribute.
pub(crate) const GROUPS_MAX: usize = 255;
/// A numeric column with at most this many distinct values holds categories.
const CATEGORIES_MAX: u64 = 12;
/// Nobody is older.
const AGE_MAX: f64 = 130.0;

/// What is known of a protected column before its rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ColumnFacts<'a> {
    pub(crate) column: &'a str,
    pub(crate) distinct: u64,
    /// For numbers.
    pub(crate) numeric: Option<&'a NumericSummary>,
}

/// One protected attribute over the rows of a table.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    pub(crate) attribute: String,
    /// Names; [`MISSING_GROUP`] last when it occurs.
    pub(crate) levels: Vec<String>,
    /// Index into `levels`, one a row.
    pub(crate) codes: Vec<u16>,
    /// For bands: the median value of each level.
    pub(crate) medians: Vec<f64>,
    pub(crate) banded: bool,
}

impl Groups {
    /// The key that counts these groups in cells.
    pub(crate) fn key(&self) -> Key {
        Key { column: self.attribute.clone(), levels: self.levels.clone() }
    }

    /// Index of the group of missing values, when it occurs.
    pub(crate) fn missing(&self) -> Option<u16> {
        let last = self.levels.len().checked_sub(1)?;
        (self.levels[last] == MISSING_GROUP).then_some(last as u16)
    }

    /// Number of groups that are not the missing one.
    pub(crate) fn known(&self) -> usize {
        self.levels.len() - usize::from(self.missing().is_some())
    }
}

/// The bands of a protected column, or `None` when it is taken as categories.
pub(crate) fn bands(facts: &ColumnFacts<'_>, settings: &AuditSettings, domain: &Domain) -> Option<Bands> {
    let numeric = facts.numeric?;
    let holds_age = names_age(facts.column) && numeric.min >= 0.0 && numeric.max <= AGE_MAX;
    if let Some(edges) = &settings.age_bins
        && (holds_age || settings.protected_attributes.len() == 1)
    {
        return Some(named(facts.column, edges.clone(), "given"));
    }
    if facts.distinct <= CATEGORIES_MAX {
        return None;
    }
    let inside = |edges: &[f64]| -> Vec<f64> {
        let mut edges: Vec<f64> =
            edges.iter().copied().filter(|edge| *edge >= numeric.min && *edge < numeric.max).collect();
        edges.dedup();
        edges
    };
    if holds_age {
        let edges = inside(&domain.age_edges);
        if !edges.is_empty() {
            return Some(named(facts.column, edges, &domain.age_rule));
        }
    }
    let mut edges = inside(&QUARTILES.map(|quartile| numeric.quantiles[quartile]));
    if edges.is_empty() {
        edges.push(numeric.min);
    }
    Some(named(facts.column, edges, "quantiles"))
}

/// Whether a column name says that it holds ages.
fn names_age(column: &str) -> bool {
    column
        .to_lowercase()
        .split(|character: char| !character.is_alphanumeric())
        .any(|word| matches!(word, "age" | "ages"))
}

fn named(column: &str, edges: Vec<f64>, rule: &str) -> Bands {
    let mut labels = vec![format!("up to {}", edges[0])];
    labels.extend(edges.windows(2).map(|pair| format!("({}, {}]", pair[0], pair[1])));
    labels.push(format!("over {}", edges[edges.len() - 1]));
    Bands { column: column.to_owned(), edges, rule: rule.to_owned(), labels }
}

/// Groups the rows of one protected column.
pub(crate) fn group_rows(column: &Column, bands: Option<&Bands>) -> Result<Groups, Error> {
    let attribute = column.name.clone();
    match (&column.data, bands) {
        (ColumnData::Numeric(values), Some(bands)) => Ok(by_bands(attribute, values, bands)),
        (ColumnData::Numeric(values), None) => {
            let texts: Vec<Option<String>> = values.iter().map(|value| number_text(*value)).collect();
            let mut levels: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
            levels.sort_unstable();
            levels.dedup();
            let code = |text: &str| levels.binary_search(&text).expect("every text is among the levels") as u32;
            let codes: Vec<u32> = texts.iter().map(|text| text.as_deref().map_or(MISSING, code)).collect();
            by_codes(attribute, &codes, levels.into_iter().map(str::to_owned).collect())
        }
        (ColumnData::Categorical { codes, levels }, _) => by_codes(attribute, codes, levels.clone()),
    }
}

/// How a number is spelled as a group; `None` when missing.
fn number_text(value: f64) -> Option<String> {
    (!value.is_nan()).then(|| format!("{value}"))
}

fn by_bands(attribute: String, values: &[f64], bands: &Bands) -> Groups {
    let missing = bands.labels.len() as u16;
    let codes: Vec<u16> = values
        .iter()
        .map(|value| if value.is_nan() { missing } else { bands.edges.partition_point(|edge| edge < value) as u16 })
        .collect();
    let mut levels = bands.labels.clone();
    if codes.contains(&missing) {
        levels.push(MISSING_GROUP.to_owned());
    }
    let mut members: Vec<Vec<f64>> = vec![Vec::new(); levels.len()];
    for (code, value) in codes.iter().zip(values).filter(|(code, _)| **code != missing) {
        members[usize::from(*code)].push(*value);
    }
    let medians = members
        .iter_mut()
        .map(|values| {
            values.sort_unstable_by(f64::total_cmp);
            values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
        })
        .collect();
    Groups { attribute, levels, codes, medians, banded: true }
}

fn by_codes(attribute: String, codes: &[u32], mut levels: Vec<String>) -> Result<Groups, Error> {
    if levels.len() > GROUPS_MAX {
        return Err(Error::TooManyGroups { attribute, distinct: levels.len().to_string(), limit: GROUPS_MAX });
    }
    let missing = levels.len() as u32;
    let codes: Vec<u16> = codes.iter().map(|code| (*code).min(missing) as u16).collect();
    if codes.iter().any(|code| u32::from(*code) == missing) {
        levels.push(MISSING_GROUP.to_owned());
    }
    Ok(Groups { attribute, levels, codes, medians: Vec::new(), banded: false })
}

/// Refuses an attribute in which nobody can be compared with anybody.
pub(crate) fn check_comparable(groups: &Groups, rows: u64) -> Result<(), Error> {
    let mut seen = vec![false; groups.levels.len()];
    for code in &groups.codes {
        seen[usize::from(*code)] = true;
    }
    let mut present = (0..groups.known()).filter(|level| seen[*level]);
    let attribute = groups.attribute.clone();
    match (present.next(), present.next()) {
        (None, _) => Err(Error::ColumnEmpty { column: attribute, rows }),
        (Some(only), None) => Err(Error::OneGroup { attribute, group: groups.levels[only].clone() }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains;

    fn summary(min: f64, max: f64) -> NumericSummary {
        let mut quantiles = vec![min; 21];
        (quantiles[5], quantiles[10], quantiles[15]) = (10.0, 20.0, 20.0);
        NumericSummary { count: 99, min, max, mean: 0.0, sd: 1.0, integer: true, quantiles, quantiles_exact: true }
    }

    fn numeric(values: &[f64]) -> Column {
        Column { name: "age".into(), data: ColumnData::Numeric(values.to_vec()) }
    }

    #[test]
    fn bands_come_from_the_caller_then_the_domain_then_the_quartiles() {
        let mut settings = AuditSettings::new("y", &["age", "sex"], "hiring");
        let of = |column: &str, distinct: u64, (min, max): (f64, f64), settings: &AuditSettings| {
            let facts = ColumnFacts { column, distinct, numeric: Some(&summary(min, max)) };
            bands(&facts, settings, domains::find("hiring"))
        };
        let law = of("age", 70, (17.0, 90.0), &settings).unwrap();
        assert_eq!((law.rule.as_str(), law.edges.as_slice()), ("law", [24.0, 39.0, 54.0, 64.0].as_slice()));
        assert_eq!(law.labels, ["up to 24", "(24, 39]", "(39, 54]", "(54, 64]", "over 64"]);
        let quantiles = of("height", 70, (5.0, 90.0), &settings).unwrap();
        assert_eq!((quantiles.rule.as_str(), quantiles.edges.as_slice()), ("quantiles", [10.0, 20.0].as_slice()));
        assert_eq!(of("age", 12, (1.0, 12.0), &settings), None, "few values are categories");
        settings.age_bins = Some(vec![25.0]);
        assert_eq!(of("applicant_age", 12, (1.0, 80.0), &settings).unwrap().rule, "given");
        assert_eq!(of("wage", 70, (5.0, 90.0), &settings).unwrap().rule, "quantiles", "a wage is no age");
    }

    #[test]
    fn an_edge_belongs_to_the_band_below() {
        let groups =
            group_rows(&numeric(&[25.0, 25.5, f64::NAN, 40.0]), Some(&named("age", vec![25.0, 40.0], "given")));
        let groups = groups.unwrap();
        assert_eq!(groups.codes, [0, 1, 3, 1]);
        assert_eq!(groups.levels, ["up to 25", "(25, 40]", "over 40", MISSING_GROUP]);
        assert_eq!(&groups.medians[..2], [25.0, 25.5]);
        assert_eq!((groups.missing(), groups.known()), (Some(3), 3));
    }

    #[test]
    fn one_group_or_none_cannot_be_compared() {
        let groups = |values: &[f64]| group_rows(&numeric(values), None).unwrap();
        assert!(
            matches!(check_comparable(&groups(&[1.0, f64::NAN]), 2), Err(Error::OneGroup { group, .. }) if group == "1")
        );
        assert!(matches!(check_comparable(&groups(&[f64::NAN]), 1), Err(Error::ColumnEmpty { .. })));
        assert!(check_comparable(&groups(&[1.0, 2.0]), 2).is_ok());
    }
}
