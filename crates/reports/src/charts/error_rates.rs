//! True and false positive rates by group: who is recognised, who is let through wrongly.

use assize_fairness::document::{AttributeMetrics, Estimate, GroupMetrics};

use super::canvas::{At, Canvas, Ink, Lettering, Medium, Stroke};
use super::rows::{self, AXIS_PX, Axis, ROW_PX};
use super::{Chart, DataTable, anchor};
use crate::format::{Scale, count, percent, points};

/// Rows drawn; the table has all.
const ROWS_MAX: usize = 10;
/// Room for the key above the first row.
const KEY_PX: f64 = 18.0;

/// Draws TPR and FPR of each group, lowest TPR first, groups too small for a verdict last; `None` when no group has a label.
pub fn error_rates(metrics: &AttributeMetrics, index: usize, medium: Medium) -> Option<Chart> {
    let mut groups: Vec<&GroupMetrics> = metrics.groups.iter().filter(|group| group.tpr.value.is_some()).collect();
    if groups.is_empty() {
        return None;
    }
    let rate = |group: &GroupMetrics| group.tpr.value.unwrap_or(f64::INFINITY);
    groups.sort_by(|a, b| {
        is_small(a).cmp(&is_small(b)).then(rate(a).total_cmp(&rate(b))).then_with(|| a.group.cmp(&b.group))
    });
    let id = anchor("error-rates", index);
    let title = finding(metrics);
    let description = format!(
        "For each {} group the share selected of those with a favourable label (true positive rate, filled dot) and of \
         those without (false positive rate, ring), with confidence intervals.",
        metrics.attribute
    );

    let drawn = &groups[..groups.len().min(ROWS_MAX)];
    let axis = Axis { max: 1.0, ticks: &[0.0, 0.25, 0.5, 0.75, 1.0], write: rows::share_tick };
    let bottom = KEY_PX + ROW_PX * drawn.len() as f64;
    let mut canvas = Canvas::new(&id, medium);
    canvas.dot(At { x: 0.015, y: 8.0 }, 4.5, Ink::Accent, false);
    canvas.text(At { x: 0.04, y: 12.0 }, "TPR", Lettering::NOTE.ink(Ink::Text));
    canvas.dot(At { x: 0.175, y: 8.0 }, 4.0, Ink::Second, true);
    canvas.text(At { x: 0.2, y: 12.0 }, "FPR", Lettering::NOTE.ink(Ink::Text));
    axis.draw(&mut canvas, KEY_PX, bottom);
    for (row, group) in drawn.iter().enumerate() {
        draw_group(&mut canvas, &axis, KEY_PX + ROW_PX * row as f64, group);
    }
    let rest = rows::left_out(&mut canvas, bottom + AXIS_PX, groups.len() - drawn.len());
    Some(canvas.finish(bottom + AXIS_PX + rest, title, description, table(&groups)))
}

/// Whether too few people have a favourable label for the rate to be scored.
fn is_small(group: &GroupMetrics) -> bool {
    group.small || group.tpr.reason.is_some()
}

fn draw_group(canvas: &mut Canvas, axis: &Axis<'_>, top: f64, group: &GroupMetrics) {
    let short = |estimate: &Estimate| estimate.value.map_or_else(|| "undefined".to_owned(), percent);
    let small = if is_small(group) { " · small" } else { "" };
    let value = format!("TPR {} · FPR {}{small}", short(&group.tpr), short(&group.fpr));
    let said = format!(
        "{}: TPR {}, n {}; FPR {}, n {}",
        group.group,
        Scale::Share.estimate(&group.tpr),
        count(group.tpr.n),
        Scale::Share.estimate(&group.fpr),
        count(group.fpr.n)
    );
    rows::label(canvas, top, &group.group, &value);
    let y = top + 24.0;
    canvas.grid_line(At { x: 0.0, y }, At { x: 1.0, y }, Stroke::solid(Ink::Grid, 1.0));
    for (estimate, ink, hollow) in [(&group.fpr, Ink::Second, true), (&group.tpr, Ink::Accent, false)] {
        if let Some([low, high]) = estimate.interval {
            canvas.whisker(axis.at(low), axis.at(high), y, ink);
        }
        if let Some(value) = estimate.value {
            canvas.dot(At { x: axis.at(value), y }, if hollow { 4.0 } else { 5.0 }, ink, hollow);
        }
    }
    rows::hover(canvas, top, &said);
}

fn finding(metrics: &AttributeMetrics) -> String {
    let tested = &metrics.equal_opportunity_difference;
    match (tested.estimate.value, tested.groups.as_slice()) {
        (Some(value), [worst, best, ..]) => format!(
            "With a favourable label, {worst} is selected {} less often than {best}",
            points(value).trim_start_matches('+')
        ),
        _ => format!("True and false positive rates by {}", metrics.attribute),
    }
}

fn table(groups: &[&GroupMetrics]) -> DataTable {
    let mut table = DataTable::new(&["Group", "#n", "#TPR", "#FPR", "#Precision", "#Accuracy"]);
    for group in groups {
        let share = |estimate: &Estimate| Scale::Share.estimate(estimate);
        table.rows.push(vec![
            group.group.clone(),
            count(group.n),
            share(&group.tpr),
            share(&group.fpr),
            share(&group.ppv),
            share(&group.accuracy),
        ]);
    }
    table
}
