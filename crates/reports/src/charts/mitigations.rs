//! Remedies before and after, with their price in accuracy.

use assize_fairness::document::{Mitigation, Thresholds};

use super::canvas::{At, Canvas, Ink, Lettering, Medium, Stroke};
use super::rows::{self, AXIS_PX, Axis, REFERENCE_PX, ROW_PX};
use super::{Chart, DataTable};
use crate::format::{decimal, percent, points, ratio, ratio_beside};
use crate::words::sentence_case;

/// Remedies drawn a scale; the table has all.
const ROWS_MAX: usize = 10;

/// Draws each remedy's metric before and after on one axis; `None` when none has both.
pub fn mitigations(mitigations: &[Mitigation], thresholds: &Thresholds, medium: Medium) -> Option<Chart> {
    let measured: Vec<Measured<'_>> =
        mitigations.iter().filter_map(|mitigation| Some((mitigation, mitigation.before?, mitigation.after?))).collect();
    if measured.is_empty() {
        return None;
    }
    let id = "mitigations".to_owned();
    let limit = thresholds.disparate_impact_min;
    let title = finding(&measured, limit);
    let description = "For each remedy the metric before (ring) and after (filled dot), measured on the same rows, \
                       with the change of accuracy that it costs."
        .to_owned();
    let (ratios, differences): (Vec<&Measured<'_>>, Vec<&Measured<'_>>) =
        measured.iter().partition(|(mitigation, ..)| aims_at_ratio(mitigation));
    let mut canvas = Canvas::new(&id, medium);
    let mut top = 0.0;
    if !ratios.is_empty() {
        let axis = Axis { max: 1.0, ticks: &[0.0, 0.25, 0.5, 0.75, 1.0], write: |tick| decimal(tick, 2) };
        let limit = Some((limit, format!("four-fifths {}", decimal(limit, 2))));
        top = draw_block(&mut canvas, &axis, top, "Ratio of selection rates", &ratios, limit);
    }
    if !differences.is_empty() {
        let widest = differences.iter().map(|(_, before, after)| before.max(*after)).fold(0.05, f64::max);
        let (max, ticks) = rows::share_ticks(widest);
        let axis = Axis { max, ticks: &ticks, write: |tick| decimal(tick, 2) };
        top = draw_block(&mut canvas, &axis, top, "Differences: less is fairer", &differences, None);
    }
    canvas.text(At { x: 0.0, y: top + 13.0 }, "ring before, dot after, accuracy to the right", Lettering::NOTE);
    Some(canvas.finish(top + 20.0, title, description, table(mitigations)))
}

/// A remedy with its metric before and after.
type Measured<'a> = (&'a Mitigation, f64, f64);

/// Draws the remedies of one scale under a heading; returns where the next block may begin.
fn draw_block(
    canvas: &mut Canvas,
    axis: &Axis<'_>,
    top: f64,
    heading: &str,
    measured: &[&Measured<'_>],
    limit: Option<(f64, String)>,
) -> f64 {
    let drawn = &measured[..measured.len().min(ROWS_MAX)];
    canvas.text(At { x: 0.0, y: top + 14.0 }, heading, Lettering::HEADING);
    let first = top + 20.0 + REFERENCE_PX;
    let bottom = first + ROW_PX * drawn.len() as f64;
    axis.draw(canvas, first, bottom);
    if let Some((limit, name)) = limit {
        axis.reference(canvas, limit, &name, first, drawn.len());
    }
    for (row, (mitigation, before, after)) in drawn.iter().enumerate() {
        let top = first + ROW_PX * row as f64;
        rows::label(canvas, top, &name(mitigation), &price(mitigation));
        let y = top + 24.0;
        let (from, to) = (At { x: axis.at(*before), y }, At { x: axis.at(*after), y });
        canvas.grid_line(At { x: 0.0, y }, At { x: 1.0, y }, Stroke::solid(Ink::Grid, 1.0));
        canvas.line(from, to, Stroke::solid(Ink::Accent, 2.0));
        canvas.dot(from, 4.5, Ink::Accent, true);
        canvas.dot(to, 5.0, Ink::Accent, false);
        let said = format!("{}: {} to {}", name(mitigation), ratio(*before), ratio(*after));
        rows::hover(canvas, top, &said);
    }
    bottom + AXIS_PX + rows::left_out(canvas, bottom + AXIS_PX, measured.len() - drawn.len())
}

/// Whether the remedy's metric is a ratio of selection rates (higher is better) and not a difference.
fn aims_at_ratio(mitigation: &Mitigation) -> bool {
    mitigation.goal == "disparate_impact"
}

fn name(mitigation: &Mitigation) -> String {
    format!("{}, {}", sentence_case(&mitigation.kind), mitigation.attribute)
}

/// What the remedy does to accuracy.
pub(crate) fn price(mitigation: &Mitigation) -> String {
    match (mitigation.accuracy_before, mitigation.accuracy_after) {
        (Some(before), Some(after)) => points(after - before),
        _ => "price unknown".to_owned(),
    }
}

fn finding(measured: &[Measured<'_>], limit: f64) -> String {
    let reaching = measured.iter().filter(|(mitigation, _, after)| aims_at_ratio(mitigation) && *after >= limit - 1e-9);
    let loss = |mitigation: &Mitigation| match (mitigation.accuracy_before, mitigation.accuracy_after) {
        (Some(before), Some(after)) => before - after,
        _ => f64::INFINITY,
    };
    match reaching.min_by(|a, b| loss(a.0).total_cmp(&loss(b.0))) {
        Some((mitigation, _, after)) => format!(
            "{} bring the ratio for {} to {} at {} of accuracy",
            sentence_case(&mitigation.kind),
            mitigation.attribute,
            ratio_beside(*after, limit),
            price(mitigation)
        ),
        None => "What the computed remedies bring and what they cost".to_owned(),
    }
}

fn table(mitigations: &[Mitigation]) -> DataTable {
    let mut table =
        DataTable::new(&["Remedy", "Attribute", "Goal", "#Before", "#After", "#Accuracy before", "#Accuracy after"]);
    for mitigation in mitigations {
        let optional =
            |value: Option<f64>, write: fn(f64) -> String| value.map_or_else(|| "undefined".to_owned(), write);
        table.rows.push(vec![
            sentence_case(&mitigation.kind),
            mitigation.attribute.clone(),
            sentence_case(&mitigation.goal),
            optional(mitigation.before, ratio),
            optional(mitigation.after, ratio),
            optional(mitigation.accuracy_before, percent),
            optional(mitigation.accuracy_after, percent),
        ]);
    }
    table
}
