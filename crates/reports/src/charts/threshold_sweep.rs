//! What other cut-offs on the score would bring: selection rate ratios above, accuracy below, one axis of cut-offs.

use assize_fairness::document::{Parameters, SweepPoint};

use super::canvas::{Anchor, At, Canvas, Ink, Lettering, Medium, Stroke};
use super::{Chart, DataTable};
use crate::format::{decimal, percent, ratio, shorten};

const UPPER_PX: f64 = 170.0;
const LOWER_PX: f64 = 90.0;
/// Room for the names of the vertical lines.
const HEAD_PX: f64 = 48.0;
/// Between the two panels.
const GAP_PX: f64 = 30.0;
/// Share of the width that the plot takes; the rest holds the names of the curves.
const PLOT_WIDTH: f64 = 0.8;
/// Most points a curve is drawn from.
const POINTS_MAX: usize = 50;
/// Cut-offs in the table are this far apart; chosen and best are always there.
const TABLE_STEP: f64 = 0.05;
/// Selection rate from which a cut-off has stopped to select.
const SELECTS_NEARLY_ALL: f64 = 0.95;
const SERIES_INKS: [Ink; 4] = [Ink::Accent, Ink::Second, Ink::Pass, Ink::Unsure];

struct Sweep<'a> {
    points: &'a [SweepPoint],
    parameters: &'a Parameters,
    chosen: Option<f64>,
    best: Option<&'a SweepPoint>,
}

/// Draws the sweep over cut-offs with the chosen and the best one; `None` without scores.
pub fn threshold_sweep(points: &[SweepPoint], parameters: &Parameters, medium: Medium) -> Option<Chart> {
    if points.len() < 2 {
        return None;
    }
    let best = points.iter().find(|point| point.best);
    let sweep = Sweep { points, parameters, chosen: parameters.decision_threshold, best };
    let limit = decimal(parameters.thresholds.disparate_impact_min, 2);
    let title = match best {
        // Where everybody is selected every ratio is 1: no remedy, so no title may sell it as one.
        Some(best) if best.selection_rate > SELECTS_NEARLY_ALL => {
            format!("No single cut-off brings every ratio to {limit} short of selecting nearly everybody")
        }
        Some(best) => format!(
            "A single cut-off of {} would bring every ratio to {limit}{}",
            decimal(best.threshold, 3),
            best.accuracy.map_or_else(String::new, |accuracy| format!(" at {} accuracy", percent(accuracy)))
        ),
        None => format!("No single cut-off brings every ratio to {limit}"),
    };
    let description = "Upper panel: selection rate ratio (lowest over highest group) of each protected attribute over \
                       the cut-off on the score. Lower panel: accuracy. Vertical lines mark the cut-off in use and \
                       the most accurate one that meets the threshold."
        .to_owned();
    let id = "threshold-sweep".to_owned();
    let mut canvas = Canvas::new(&id, medium);
    let upper = Panel { top: HEAD_PX, height: UPPER_PX, low: 0.0, high: 1.0 };
    let lower = sweep.accuracy_panel(upper.bottom() + GAP_PX);
    let bottom = lower.as_ref().map_or(upper.bottom(), Panel::bottom);
    sweep.draw_marks(&mut canvas, bottom);
    sweep.draw_ratios(&mut canvas, &upper);
    if let Some(lower) = &lower {
        sweep.draw_accuracy(&mut canvas, lower);
    }
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let anchor = if tick == 0.0 { Anchor::Start } else { Anchor::Middle };
        let text = if tick == 0.5 { "cut-off 0.50".to_owned() } else { decimal(tick, 2) };
        canvas.text(At { x: tick * PLOT_WIDTH, y: bottom + 15.0 }, &text, Lettering::NOTE.anchor(anchor));
    }
    Some(canvas.finish(bottom + 24.0, title, description, sweep.table()))
}

/// One plot with its own vertical scale.
struct Panel {
    top: f64,
    height: f64,
    low: f64,
    high: f64,
}

impl Panel {
    fn bottom(&self) -> f64 {
        self.top + self.height
    }

    fn place(&self, threshold: f64, value: f64) -> At {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        At { x: threshold.clamp(0.0, 1.0) * PLOT_WIDTH, y: self.bottom() - self.height * share }
    }

    fn grid(&self, canvas: &mut Canvas, value: f64, label: &str) {
        let at = self.place(0.0, value);
        canvas.grid_line(at, self.place(1.0, value), Stroke::solid(Ink::Grid, 1.0));
        canvas.text(At { x: at.x, y: at.y - 3.0 }, label, Lettering::NOTE);
    }
}

impl Sweep<'_> {
    fn thinned(&self) -> impl Iterator<Item = &SweepPoint> {
        let step = self.points.len().div_ceil(POINTS_MAX).max(1);
        self.points.iter().step_by(step)
    }

    fn accuracy_panel(&self, top: f64) -> Option<Panel> {
        let accuracies = || self.points.iter().filter_map(|point| point.accuracy);
        accuracies().next()?;
        let lowest = accuracies().fold(1.0, f64::min);
        let highest = accuracies().fold(0.0, f64::max);
        let low = (lowest * 10.0).floor() / 10.0;
        let high = ((highest * 10.0).ceil() / 10.0).max(low + 0.1);
        Some(Panel { top, height: LOWER_PX, low, high })
    }

    fn draw_marks(&self, canvas: &mut Canvas, bottom: f64) {
        let mut mark = |threshold: f64, y: f64, ink: Ink, text: String| {
            let x = threshold.clamp(0.0, 1.0) * PLOT_WIDTH;
            canvas.line(At { x, y: y + 3.0 }, At { x, y: bottom }, Stroke::dashed(ink));
            let anchor = if x > 0.45 { Anchor::End } else { Anchor::Start };
            canvas.text(At { x, y }, &text, Lettering::NOTE.ink(ink).anchor(anchor));
        };
        if let Some(chosen) = self.chosen {
            mark(chosen, 12.0, Ink::Text, format!("in use {}", decimal(chosen, 2)));
        }
        if let Some(best) = self.best {
            mark(best.threshold, 26.0, Ink::Pass, format!("best fair {}", decimal(best.threshold, 3)));
        }
    }

    fn draw_ratios(&self, canvas: &mut Canvas, panel: &Panel) {
        for (value, label) in [(0.0, "0"), (0.5, "0.50"), (1.0, "ratio 1.00")] {
            panel.grid(canvas, value, label);
        }
        let limit = self.parameters.thresholds.disparate_impact_min;
        canvas.line(panel.place(0.0, limit), panel.place(1.0, limit), Stroke::dashed(Ink::Text));
        let at = panel.place(1.0, limit);
        let name = format!("four-fifths {}", decimal(limit, 2));
        let lettering = Lettering::NOTE.ink(Ink::Text).anchor(Anchor::End);
        canvas.text(At { x: at.x, y: at.y - 3.0 }, &name, lettering);
        let mut names: Vec<(f64, String, Ink)> = Vec::new();
        for (series, attribute) in self.parameters.protected_attributes.iter().enumerate() {
            let ink = SERIES_INKS[series % SERIES_INKS.len()];
            let values = |point: &SweepPoint| point.selection_rate_ratio.get(series).copied().flatten();
            let places: Vec<At> = self
                .thinned()
                .filter_map(|point| values(point).map(|value| panel.place(point.threshold, value)))
                .collect();
            canvas.curve(&places, Stroke::solid(ink, 2.0));
            if let Some(last) = places.last() {
                names.push((last.y, shorten(attribute, 12), ink));
            }
        }
        write_names(canvas, names, panel);
    }

    fn draw_accuracy(&self, canvas: &mut Canvas, panel: &Panel) {
        panel.grid(canvas, panel.low, &percent(panel.low));
        panel.grid(canvas, panel.high, &percent(panel.high));
        let places: Vec<At> = self
            .thinned()
            .filter_map(|point| point.accuracy.map(|accuracy| panel.place(point.threshold, accuracy)))
            .collect();
        canvas.curve(&places, Stroke::solid(Ink::Muted, 2.0));
        if let Some(last) = places.last() {
            canvas.text(At { x: PLOT_WIDTH + 0.015, y: last.y + 4.0 }, "accuracy", Lettering::LABEL.ink(Ink::Muted));
        }
    }

    fn table(&self) -> DataTable {
        let ratios: Vec<String> =
            self.parameters.protected_attributes.iter().map(|attribute| format!("#Ratio {attribute}")).collect();
        let mut labels = vec!["#Cut-off", "#Accuracy", "#Selection rate"];
        labels.extend(ratios.iter().map(String::as_str));
        labels.push("Note");
        let mut table = DataTable::new(&labels);
        let optional =
            |value: Option<f64>, write: fn(f64) -> String| value.map_or_else(|| "undefined".to_owned(), write);
        let mut next = f64::NEG_INFINITY;
        for point in self.points {
            let chosen = self.chosen.is_some_and(|chosen| (chosen - point.threshold).abs() < 1e-9);
            if point.threshold + 1e-9 < next && !point.best && !chosen {
                continue;
            }
            if point.threshold + 1e-9 >= next {
                next = ((point.threshold + 1e-9) / TABLE_STEP).floor() * TABLE_STEP + TABLE_STEP;
            }
            let mut row =
                vec![decimal(point.threshold, 3), optional(point.accuracy, percent), percent(point.selection_rate)];
            for series in 0..self.parameters.protected_attributes.len() {
                row.push(optional(point.selection_rate_ratio.get(series).copied().flatten(), ratio));
            }
            let notes = [(chosen, "in use"), (point.best, "best fair"), (point.pareto, "Pareto")];
            let notes: Vec<&str> = notes.iter().filter(|(holds, _)| *holds).map(|(_, note)| *note).collect();
            row.push(notes.join(", "));
            table.rows.push(row);
        }
        table
    }
}

/// Writes the names of curves beside their ends, pushed apart so that none covers another.
fn write_names(canvas: &mut Canvas, mut names: Vec<(f64, String, Ink)>, panel: &Panel) {
    const LINE_PX: f64 = 15.0;
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    let lowest_start = panel.bottom() - LINE_PX * names.len().saturating_sub(1) as f64;
    let mut y = f64::NEG_INFINITY;
    for (index, (end, name, ink)) in names.into_iter().enumerate() {
        y = end.min(lowest_start + LINE_PX * index as f64).max(y + LINE_PX);
        canvas.text(At { x: PLOT_WIDTH + 0.015, y: y + 4.0 }, &name, Lettering::LABEL.ink(ink));
    }
}
