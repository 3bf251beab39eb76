//! Inequality of benefits b = P - Y + 1 (Speicher 2018): 2 for an undeserved favourable decision, 0 for a wrongful
//! unfavourable one, 1 for a right one. Benefits take three values, so the table of counts is enough.

use libm::log;

use super::tally::{Attribute, Table};
use crate::document::{Inequality, NamedValue};

/// Weights of the benefits 0, 1 and 2.
type Benefits = [f64; 3];

/// Over all rows, with the between-group share of each attribute. `consistency` needs rows and stays `None`.
pub(crate) fn measure(attributes: &[Attribute]) -> Inequality {
    let all = attributes.first().map_or([0.0; 3], |attribute| {
        let tables = attribute.groups.iter().map(|tally| benefits(&tally.weights));
        tables.fold([0.0; 3], |sum, b| [sum[0] + b[0], sum[1] + b[1], sum[2] + b[2]])
    });
    let total = entropy(&all);
    let between_group_share = attributes
        .iter()
        .map(|attribute| NamedValue {
            name: attribute.name.clone(),
            value: total.filter(|total| *total > 0.0).and_then(|total| Some(between(attribute, &all)? / total)),
        })
        .collect();
    Inequality { theil: theil(&all), generalized_entropy: total, between_group_share, consistency: None }
}

fn benefits(table: &Table) -> Benefits {
    [table[1][0], table[0][0] + table[1][1], table[0][1]]
}

fn size(benefits: &Benefits) -> f64 {
    benefits.iter().sum()
}

fn mean(benefits: &Benefits) -> Option<f64> {
    let n = size(benefits);
    (n > 0.0).then(|| (benefits[1] + 2.0 * benefits[2]) / n)
}

/// Mean of (b/mu) ln(b/mu); a benefit of 0 adds 0.
fn theil(benefits: &Benefits) -> Option<f64> {
    let mu = mean(benefits).filter(|mu| *mu > 0.0)?;
    let term = |benefit: f64| benefit / mu * log(benefit / mu);
    // Never below 0 but by rounding.
    Some(((benefits[1] * term(1.0) + benefits[2] * term(2.0)) / size(benefits)).max(0.0))
}

/// 1/(n a (a-1)) sum((b/mu)^a - 1) at a = 2.
fn entropy(benefits: &Benefits) -> Option<f64> {
    let mu = mean(benefits).filter(|mu| *mu > 0.0)?;
    let squares = (benefits[1] + 4.0 * benefits[2]) / (mu * mu);
    Some(((squares / size(benefits) - 1.0) / 2.0).max(0.0))
}

/// The entropy when everybody had the mean benefit of their group.
fn between(attribute: &Attribute, all: &Benefits) -> Option<f64> {
    let mu = mean(all).filter(|mu| *mu > 0.0)?;
    let squares: f64 = attribute
        .groups
        .iter()
        .filter_map(|tally| {
            let benefits = benefits(&tally.weights);
            let ratio = mean(&benefits)? / mu;
            Some(size(&benefits) * ratio * ratio)
        })
        .sum();
    Some(((squares / size(all) - 1.0) / 2.0).max(0.0))
}
