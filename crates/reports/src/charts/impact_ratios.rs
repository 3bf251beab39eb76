//! Disparate impact ratios over all attributes and intersections, one dot a group, against the four-fifths line.

use assize_fairness::document::{FairnessMetrics, GroupMetrics, Thresholds, Verdict};

use super::canvas::{Anchor, At, Canvas, Ink, Lettering, Medium, Stroke};
use super::rows::{self, AXIS_PX, Axis, REFERENCE_PX, ROW_PX};
use super::{Chart, DataTable};
use crate::format::{Scale, count, decimal, percent};
use crate::words::verdict_word;

/// Rows drawn; the table has all.
const ROWS_MAX: usize = 10;
const AXIS_TICKS: [f64; 6] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25];

struct Row<'a> {
    attribute: &'a str,
    group: &'a GroupMetrics,
    reference: &'a str,
}

/// Draws every group's selection rate over that of its reference group: failures first, then what lacks data.
pub fn impact_ratios(metrics: &FairnessMetrics, thresholds: &Thresholds, medium: Medium) -> Chart {
    let rows = sorted_rows(metrics);
    let limit = thresholds.disparate_impact_min;
    let failed = rows.iter().filter(|row| row.group.disparate_impact_verdict == Verdict::Fail).count();
    let title = match failed {
        0 => format!("No group fails the four-fifths line of {}", decimal(limit, 2)),
        _ => format!("{failed} of {} groups are below {} of their reference", rows.len(), decimal(limit, 2)),
    };
    let description = "Dots of each group's selection rate divided by that of its reference group, with confidence \
                       intervals, sorted by verdict and ratio. The vertical line marks the four-fifths threshold."
        .to_owned();
    let id = "impact-ratios".to_owned();

    let drawn = &rows[..rows.len().min(ROWS_MAX)];
    let axis = Axis { max: 1.3, ticks: &AXIS_TICKS, write: |tick| decimal(tick, 2) };
    let bottom = REFERENCE_PX + ROW_PX * drawn.len() as f64;
    let mut canvas = Canvas::new(&id, medium);
    axis.draw(&mut canvas, REFERENCE_PX, bottom);
    axis.reference(&mut canvas, limit, &format!("four-fifths {}", decimal(limit, 2)), REFERENCE_PX, drawn.len());
    for (index, row) in drawn.iter().enumerate() {
        draw_row(&mut canvas, &axis, REFERENCE_PX + ROW_PX * index as f64, row);
    }
    let rest = rows::left_out(&mut canvas, bottom + AXIS_PX, rows.len() - drawn.len());
    canvas.finish(bottom + AXIS_PX + rest, title, description, table(&rows))
}

fn sorted_rows(metrics: &FairnessMetrics) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for attribute in metrics.attributes.iter().chain(&metrics.intersections) {
        let compared = attribute.groups.iter().filter(|group| group.group != attribute.reference_group);
        rows.extend(compared.map(|group| Row {
            attribute: &attribute.attribute,
            group,
            reference: &attribute.reference_group,
        }));
    }
    let value = |row: &Row<'_>| row.group.disparate_impact.value.unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| {
        let verdicts = a.group.disparate_impact_verdict.cmp(&b.group.disparate_impact_verdict);
        verdicts.then(value(a).total_cmp(&value(b)))
    });
    rows
}

fn draw_row(canvas: &mut Canvas, axis: &Axis<'_>, top: f64, row: &Row<'_>) {
    let estimate = &row.group.disparate_impact;
    let verdict = row.group.disparate_impact_verdict;
    let ink = match verdict {
        Verdict::Fail => Ink::Fail,
        Verdict::NotEnoughData => Ink::Unsure,
        Verdict::NotAssessed => Ink::Muted,
        Verdict::Pass => Ink::Accent,
    };
    let written = Scale::Number.estimate(estimate);
    let said = format!(
        "{} ({}) against {}: {written}, n {}: {}",
        row.group.group,
        row.attribute,
        row.reference,
        count(row.group.n),
        verdict_word(verdict)
    );
    let value = match verdict {
        Verdict::NotEnoughData => {
            format!("{} · not enough data", estimate.value.map_or_else(String::new, |v| decimal(v, 2)))
        }
        _ => written,
    };
    rows::label(canvas, top, &row.group.group, &value);
    let y = top + 24.0;
    canvas.grid_line(At { x: 0.0, y }, At { x: 1.0, y }, Stroke::solid(Ink::Grid, 1.0));
    if let Some([low, high]) = estimate.interval {
        canvas.whisker(axis.at(low), axis.at(high), y, ink);
    }
    if let Some(value) = estimate.value {
        canvas.dot(At { x: axis.at(value), y }, 5.0, ink, verdict != Verdict::Fail && verdict != Verdict::Pass);
        if value > axis.max {
            canvas.text(At { x: 0.985, y: y + 4.0 }, "→", Lettering::NOTE.anchor(Anchor::End));
        }
    }
    rows::hover(canvas, top, &said);
}

fn table(rows: &[Row<'_>]) -> DataTable {
    let mut table = DataTable::new(&["Attribute", "Group", "#n", "#Selection rate", "#Impact ratio", "Verdict"]);
    for row in rows {
        table.rows.push(vec![
            row.attribute.to_owned(),
            row.group.group.clone(),
            count(row.group.n),
            row.group.selection_rate.value.map_or_else(|| "undefined".to_owned(), percent),
            Scale::Number.estimate(&row.group.disparate_impact),
            verdict_word(row.group.disparate_impact_verdict).to_owned(),
        ]);
    }
    table
}
