//! Selection rate by group of one attribute, with intervals and the four-fifths line.

use assize_fairness::document::{AttributeMetrics, GroupMetrics, Thresholds, Verdict};

use super::canvas::{At, Canvas, Ink, Medium};
use super::rows::{self, AXIS_PX, Axis, BAR_PX, BAR_TOP_PX, REFERENCE_PX, ROW_PX};
use super::{Chart, DataTable, anchor};
use crate::format::{Scale, count, decimal, percent, ratio, ratio_beside};
use crate::words::verdict_word;

/// Rows drawn; the table has all.
const ROWS_MAX: usize = 10;

/// Draws the selection rates of one attribute or intersection, lowest first, groups under the minimum size last.
pub fn selection_rates(metrics: &AttributeMetrics, thresholds: &Thresholds, index: usize, medium: Medium) -> Chart {
    let groups = sorted(&metrics.groups);
    let id = anchor("selection-rates", index);
    let title = finding(metrics, thresholds);
    let limit = thresholds.disparate_impact_min;
    let reference = metrics.groups.iter().find(|group| group.group == metrics.reference_group);
    let description = format!(
        "Bars of the share of each {} group that gets the favourable decision, with confidence intervals. \
         The vertical line marks {} of the rate of {}.",
        metrics.attribute,
        decimal(limit, 2),
        metrics.reference_group
    );

    let drawn = &groups[..groups.len().min(ROWS_MAX)];
    let highest = drawn.iter().filter_map(|group| group.selection_rate.interval).map(|[_, high]| high);
    let (max, ticks) = rows::share_ticks(highest.fold(0.01, f64::max));
    let axis = Axis { max, ticks: &ticks, write: rows::share_tick };

    let mut canvas = Canvas::new(&id, medium);
    let bottom = REFERENCE_PX + ROW_PX * drawn.len() as f64;
    axis.draw(&mut canvas, REFERENCE_PX, bottom);
    for (row, group) in drawn.iter().enumerate() {
        draw_group(&mut canvas, &axis, REFERENCE_PX + ROW_PX * row as f64, group);
    }
    if let Some(rate) = reference.and_then(|group| group.selection_rate.value) {
        let name = format!("{} of {}", decimal(limit, 2), percent(rate));
        axis.reference(&mut canvas, rate * limit, &name, REFERENCE_PX, drawn.len());
    }
    let rest = rows::left_out(&mut canvas, bottom + AXIS_PX, groups.len() - drawn.len());
    canvas.finish(bottom + AXIS_PX + rest, title, description, table(&groups))
}

fn sorted(groups: &[GroupMetrics]) -> Vec<&GroupMetrics> {
    let mut sorted: Vec<&GroupMetrics> = groups.iter().collect();
    let rate = |group: &GroupMetrics| group.selection_rate.value.unwrap_or(f64::INFINITY);
    sorted.sort_by(|a, b| a.small.cmp(&b.small).then(rate(a).total_cmp(&rate(b))).then_with(|| a.group.cmp(&b.group)));
    sorted
}

fn draw_group(canvas: &mut Canvas, axis: &Axis<'_>, top: f64, group: &GroupMetrics) {
    let rate = &group.selection_rate;
    let small = if group.small { ", small" } else { "" };
    let value = format!("{} · n {}{small}", Scale::Share.estimate(rate), count(rate.n));
    rows::label(canvas, top, &group.group, &value);
    let from = At { x: 0.0, y: top + BAR_TOP_PX };
    canvas.bar(from, 1.0, BAR_PX, Ink::Grid);
    if let Some(share) = rate.value {
        let end = axis.at(share);
        match group.disparate_impact_verdict {
            _ if group.small => canvas.hatched_bar(from, end, BAR_PX),
            Verdict::Fail => canvas.bar(from, end, BAR_PX, Ink::Fail),
            Verdict::NotEnoughData => canvas.bar(from, end, BAR_PX, Ink::Unsure),
            Verdict::NotAssessed | Verdict::Pass => canvas.bar(from, end, BAR_PX, Ink::Accent),
        }
    }
    if let Some([low, high]) = rate.interval {
        canvas.whisker(axis.at(low), axis.at(high), from.y + BAR_PX / 2.0, Ink::Text);
    }
    if rows::is_cut(&group.group, &value) {
        rows::hover(canvas, top, &format!("{}: {value}", group.group));
    }
}

fn finding(metrics: &AttributeMetrics, thresholds: &Thresholds) -> String {
    let tested = &metrics.demographic_parity_ratio;
    let (Some(value), [worst, best, ..]) = (tested.estimate.value, tested.groups.as_slice()) else {
        return format!("Selection rate by {}: no two groups large enough to compare", metrics.attribute);
    };
    let limit = thresholds.disparate_impact_min;
    let share = ratio_beside(value, limit);
    match tested.verdict {
        Verdict::Pass => {
            format!("Every {} group is selected at {share} or more of the highest rate", metrics.attribute)
        }
        Verdict::Fail => format!("{worst} is selected at {share} of the rate of {best}"),
        Verdict::NotEnoughData | Verdict::NotAssessed => {
            format!("{worst} is selected at {share} of the rate of {best}: not enough data for a verdict")
        }
    }
}

fn table(groups: &[&GroupMetrics]) -> DataTable {
    let mut table = DataTable::new(&["Group", "#n", "#Selected", "#Selection rate", "#Impact ratio", "Verdict"]);
    for group in groups {
        table.rows.push(vec![
            group.group.clone(),
            count(group.n),
            count(group.tp + group.fp),
            Scale::Share.estimate(&group.selection_rate),
            group.disparate_impact.value.map_or_else(|| "undefined".to_owned(), ratio),
            verdict_word(group.disparate_impact_verdict).to_owned(),
        ]);
    }
    table
}
