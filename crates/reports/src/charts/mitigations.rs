//! Remedies before and after, with their price in accuracy.

use assize_fairness::document::{Mitigation, Thresholds};

use super::canvas::{At, Canvas, Ink, Lettering, Medium, Stroke};
use super::rows::{self, AXIS_PX, Axis, REFERENCE_PX, ROW_PX};
use super::{Chart, DataTable};
use crate::format::{decimal, percent, points, ratio, ratio_beside};
use crate::words::sentence_case;

/// Remedies drawn; the table has all.
const ROWS_MAX: usize = 10;

/// Draws each remedy's metric before and after on one axis; `None` when none has both.
pub fn mitigations(mitigations: &[Mitigation], thresholds: &Thresholds, medium: Medium) -> Option<Chart> {
    let measured: Vec<(&Mitigation, f64, f64)> =
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
    let drawn = &measured[..measured.len().min(ROWS_MAX)];
    let axis = Axis { max: 1.0, ticks: &[0.0, 0.25, 0.5, 0.75, 1.0], write: |tick| decimal(tick, 2) };
    let bottom = REFERENCE_PX + ROW_PX * drawn.len() as f64;
    let mut canvas = Canvas::new(&id, medium);
    axis.draw(&mut canvas, REFERENCE_PX, bottom);
    if drawn.iter().any(|(mitigation, ..)| aims_at_ratio(mitigation)) {
        axis.reference(&mut canvas, limit, &format!("four-fifths {}", decimal(limit, 2)), REFERENCE_PX, drawn.len());
    }
    for (row, (mitigation, before, after)) in drawn.iter().enumerate() {
        let top = REFERENCE_PX + ROW_PX * row as f64;
        rows::label(&mut canvas, top, &name(mitigation), &price(mitigation));
        let y = top + 24.0;
        let (from, to) = (At { x: axis.at(*before), y }, At { x: axis.at(*after), y });
        canvas.grid_line(At { x: 0.0, y }, At { x: 1.0, y }, Stroke::solid(Ink::Grid, 1.0));
        canvas.line(from, to, Stroke::solid(Ink::Accent, 2.0));
        canvas.dot(from, 4.5, Ink::Accent, true);
        canvas.dot(to, 5.0, Ink::Accent, false);
        let said = format!("{}: {} to {}", name(mitigation), ratio(*before), ratio(*after));
        rows::hover(&mut canvas, top, &said);
    }
    let note = At { x: 0.0, y: bottom + AXIS_PX + 13.0 };
    canvas.text(note, "ring before, dot after, accuracy to the right", Lettering::NOTE);
    let rest = rows::left_out(&mut canvas, bottom + AXIS_PX + 18.0, measured.len() - drawn.len());
    Some(canvas.finish(bottom + AXIS_PX + 20.0 + rest, title, description, table(mitigations)))
}

/// Whether the remedy's metric is a ratio of selection rates (higher is better) and not a difference.
fn aims_at_ratio(mitigation: &Mitigation) -> bool {
    matches!(mitigation.goal.as_str(), "disparate_impact" | "demographic_parity")
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

fn finding(measured: &[(&Mitigation, f64, f64)], limit: f64) -> String {
    let reaching = measured.iter().filter(|(mitigation, _, after)| aims_at_ratio(mitigation) && *after >= limit - 1e-9);
    let loss = |mitigation: &Mitigation| match (mitigation.accuracy_before, mitigation.accuracy_after) {
        (Some(before), Some(after)) => before - after,
        _ => f64::INFINITY,
    };
    match reaching.min_by(|a, b| loss(a.0).total_cmp(&loss(b.0))) {
        Some((mitigation, _, after)) => format!(
            "{} brings the ratio for {} to {} for {} of accuracy",
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
