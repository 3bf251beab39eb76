//! Another population, the same behaviour towards each group: totals when group shares change.

use crate::document::{AttributeMetrics, GroupMetrics, Shift};

/// Two shifted populations an attribute: all groups equally frequent, and the smallest group doubled.
pub(crate) fn shifts(attributes: &[AttributeMetrics]) -> Vec<Shift> {
    let mut shifts = Vec::new();
    for attribute in attributes {
        let groups: Vec<&GroupMetrics> = attribute.groups.iter().filter(|group| !group.small).collect();
        if groups.len() < 2 {
            continue;
        }
        shifts.extend(shifted(&attribute.attribute, "all groups equally frequent", &groups, |_| 1.0));
        let smallest = groups.iter().min_by_key(|group| group.n).expect("there are two groups");
        let weight = |group: &GroupMetrics| group.n as f64 * if group.group == smallest.group { 2.0 } else { 1.0 };
        shifts.extend(shifted(&attribute.attribute, &format!("{} share doubled", smallest.group), &groups, weight));
    }
    shifts
}

fn shifted(
    attribute: &str,
    shift: &str,
    groups: &[&GroupMetrics],
    weight: impl Fn(&GroupMetrics) -> f64,
) -> Option<Shift> {
    let mean = |rate: fn(&GroupMetrics) -> Option<f64>| {
        let (mut sum, mut total) = (0.0, 0.0);
        for group in groups {
            sum += weight(group) * rate(group)?;
            total += weight(group);
        }
        (total > 0.0).then_some(sum / total)
    };
    Some(Shift {
        attribute: attribute.to_owned(),
        shift: shift.to_owned(),
        selection_rate: mean(|group| group.selection_rate.value)?,
        accuracy: mean(|group| group.accuracy.value),
    })
}
