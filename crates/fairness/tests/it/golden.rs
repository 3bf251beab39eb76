//! Adult under a fixed rule, against the numbers of fairlearn, scipy and pandas: every number of the fixture, to 1e-9.

use assize_fairness::document::{AttributeMetrics, Estimate, GroupMetrics};
use assize_fairness::statistics::chi_squared_independence;
use assize_tables::{Cancel, KeySpec};
use serde_json::Value;

use crate::metrics_support::{adult, adult_cells, attribute, count_adult, measure_with, settings, thresholds};

const TOLERANCE: f64 = 1e-9;

fn golden() -> Value {
    serde_json::from_str(include_str!("../fixtures/golden_adult_rule.json")).expect("the fixture is JSON")
}

#[track_caller]
fn close(name: &str, measured: Option<f64>, expected: &Value) {
    let expected = expected.as_f64().expect("a number of the fixture");
    let measured = measured.expect(name);
    assert!((measured - expected).abs() <= TOLERANCE, "{name}: {measured} is not {expected}");
}

/// For numbers that span many magnitudes.
#[track_caller]
fn relatively_close(name: &str, measured: Option<f64>, expected: &Value) {
    let expected = expected.as_f64().expect("a number of the fixture");
    let measured = measured.expect(name);
    assert!((measured / expected - 1.0).abs() <= TOLERANCE, "{name}: {measured} is not {expected}");
}

fn check_group(group: &GroupMetrics, expected: &Value) -> usize {
    let estimate = |name: &str| -> &Estimate {
        match name {
            "base_rate" => &group.base_rate,
            "selection_rate" => &group.selection_rate,
            "tpr" => &group.tpr,
            "fpr" => &group.fpr,
            "ppv" => &group.ppv,
            "npv" => &group.npv,
            "accuracy" => &group.accuracy,
            _ => panic!("no such rate: {name}"),
        }
    };
    let fields = expected.as_object().expect("a group of the fixture");
    for (name, value) in fields {
        match name.as_str() {
            "n" => assert_eq!(Some(group.n), value.as_u64()),
            "tp" => assert_eq!(Some(group.tp), value.as_u64()),
            "fp" => assert_eq!(Some(group.fp), value.as_u64()),
            "fn" => assert_eq!(Some(group.fn_), value.as_u64()),
            "tn" => assert_eq!(Some(group.tn), value.as_u64()),
            _ => match name.strip_suffix("_ci95") {
                Some(rate) => {
                    let interval = estimate(rate).interval.expect("a rate with an interval");
                    close(name, Some(interval[0]), &value[0]);
                    close(name, Some(interval[1]), &value[1]);
                }
                None => close(name, estimate(name).value, value),
            },
        }
    }
    fields.len()
}

fn check_attribute(measured: &AttributeMetrics, expected: &Value) -> usize {
    let mut checked = 0;
    for (name, value) in expected.as_object().expect("an attribute of the fixture") {
        let tested = match name.as_str() {
            "groups" => {
                let groups = value.as_object().expect("groups of the fixture");
                assert_eq!(groups.len(), measured.groups.len());
                for (group, value) in groups {
                    let name = group.replace('|', " | ");
                    let group = measured.groups.iter().find(|group| group.group == name);
                    checked += check_group(group.expect("the group is measured"), value);
                }
                continue;
            }
            "chi2_selection" => {
                relatively_close("chi2", measured.selection_chi2.chi2, &value["chi2"]);
                relatively_close("p", measured.selection_chi2.p, &value["p"]);
                assert_eq!(Some(u64::from(measured.selection_chi2.dof)), value["dof"].as_u64());
                checked += 3;
                continue;
            }
            "dp_difference" => &measured.demographic_parity_difference,
            "dp_ratio" => &measured.demographic_parity_ratio,
            "eo_difference" => &measured.equalized_odds_difference,
            "eo_ratio" => &measured.equalized_odds_ratio,
            "equal_opportunity_difference" => &measured.equal_opportunity_difference,
            _ => panic!("a number without a test: {name}"),
        };
        close(name, tested.estimate.value, value);
        let [low, high] = tested.estimate.interval.expect("an aggregate with an interval");
        let point = tested.estimate.value.expect("checked above");
        assert!(low <= point && point <= high, "{name}: {point} outside {low}..{high}");
        checked += 1;
    }
    checked
}

#[test]
fn adult_rule_has_the_numbers_of_fairlearn_scipy_and_pandas() {
    // The reference tools know no minimum group size.
    let thresholds = thresholds(0);
    let measured = measure_with(&adult_cells(false), &settings(&thresholds));
    let golden = golden();
    let mut checked = 0;
    for (name, expected) in golden["audit"].as_object().expect("the fixture") {
        checked += check_attribute(attribute(&measured, &name.replace('|', " x ")), expected);
    }
    assert!(checked > 300, "only {checked} numbers were checked");
}

/// The fixture's Cramer's V is the uncorrected one: sqrt(chi2 / n / (levels - 1)).
#[test]
fn chi_squared_of_adult_columns_gives_the_cramers_v_of_scipy() {
    for (pair, expected) in golden()["cramers_v"].as_object().expect("the fixture") {
        let (a, b) = pair.split_once('|').expect("two columns");
        let categories = |column: &str| KeySpec::Categories { column: column.to_owned() };
        // The label is no key: it is counted in the cells anyway.
        let keys = if b == "income" { vec![categories(a)] } else { vec![categories(a), categories(b)] };
        let cells = count_adult(keys);
        let width = cells.keys.get(1).map_or(2, |key| key.levels.len());
        let mut table = vec![vec![0.0; width]; cells.keys[0].levels.len()];
        for cell in &cells.cells {
            let levels = &cells.groups[cell.group as usize];
            let column = levels.get(1).map_or(usize::from(cell.label), |level| usize::from(*level));
            table[usize::from(levels[0])][column] += cell.count as f64;
        }
        let chi2 = chi_squared_independence(&table).expect("two levels or more").chi2;
        let v = (chi2 / cells.rows() as f64 / (width.min(table.len()) - 1) as f64).sqrt();
        close(pair, Some(v), expected);
    }
}

#[test]
fn missing_cells_of_adult_are_those_of_pandas() {
    let profile = adult().profile(&Cancel::new()).expect("Adult is well formed");
    let golden = golden();
    for column in &profile.columns {
        let expected = golden["missing"].get(&column.name).map_or(Some(0), Value::as_u64);
        assert_eq!(Some(column.missing), expected, "{}", column.name);
    }
}
