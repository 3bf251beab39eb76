//! What charts of one row a group share: the label line above the mark, the axis below, the note on what is left out.

use super::canvas::{Anchor, At, Canvas, Ink, Lettering, Stroke};
use crate::format::shorten;

/// From the top of a row to the next.
pub(super) const ROW_PX: f64 = 37.0;
/// From the top of a row to its label's base line.
const LABEL_BASE_PX: f64 = 13.0;
/// From the top of a row to its bar.
pub(super) const BAR_TOP_PX: f64 = 18.0;
/// Height of a bar.
pub(super) const BAR_PX: f64 = 11.0;
/// Room for an axis below the last row.
pub(super) const AXIS_PX: f64 = 24.0;
/// Room for the name of a reference line above the first row.
pub(super) const REFERENCE_PX: f64 = 16.0;
/// Longest name on a row, and the shortest that it is cut to for a long value.
const NAME_CHARS_MAX: usize = 25;
const NAME_CHARS_MIN: usize = 12;
/// Name and value together: they fit 304 px, the width of a chart on a phone.
const LABEL_CHARS_MAX: usize = 42;

/// The line of text above a mark: name to the left, value to the right.
pub(super) fn label(canvas: &mut Canvas, top: f64, name: &str, value: &str) {
    let y = top + LABEL_BASE_PX;
    canvas.text(At { x: 0.0, y }, &shorten(name, name_chars(value)), Lettering::LABEL);
    canvas.text(At { x: 1.0, y }, value, Lettering::VALUE);
}

/// What a row says in full, for a pointer that rests on it.
pub(super) fn hover(canvas: &mut Canvas, top: f64, text: &str) {
    canvas.hover(At { x: 0.0, y: top }, At { x: 1.0, y: top + ROW_PX }, text);
}

/// Whether a name is too long for its row beside this value.
pub(super) fn is_cut(name: &str, value: &str) -> bool {
    name.chars().count() > name_chars(value)
}

fn name_chars(value: &str) -> usize {
    LABEL_CHARS_MAX.saturating_sub(value.chars().count()).clamp(NAME_CHARS_MIN, NAME_CHARS_MAX)
}

/// A horizontal axis from zero, with a grid line and a number at each tick.
pub(super) struct Axis<'a> {
    /// Value at the right end.
    pub(super) max: f64,
    /// Tick values, ascending.
    pub(super) ticks: &'a [f64],
    /// How a tick is written.
    pub(super) write: fn(f64) -> String,
}

impl Axis<'_> {
    /// Share of the width at which a value lies, clamped to the axis.
    pub(super) fn at(&self, value: f64) -> f64 {
        (value / self.max).clamp(0.0, 1.0)
    }

    /// Draws grid and numbers between two heights.
    pub(super) fn draw(&self, canvas: &mut Canvas, top: f64, bottom: f64) {
        for (index, tick) in self.ticks.iter().enumerate() {
            let x = self.at(*tick);
            canvas.grid_line(At { x, y: top }, At { x, y: bottom }, Stroke::solid(Ink::Grid, 1.0));
            let anchor = match index {
                0 => Anchor::Start,
                _ if x > 0.95 => Anchor::End,
                _ => Anchor::Middle,
            };
            canvas.text(At { x, y: bottom + 15.0 }, &(self.write)(*tick), Lettering::NOTE.anchor(anchor));
        }
    }

    /// A named reference line over a number of rows; it stops at their labels, which it would strike through.
    pub(super) fn reference(&self, canvas: &mut Canvas, value: f64, name: &str, top: f64, rows: usize) {
        let x = self.at(value);
        for row in 0..rows {
            let row_top = top + ROW_PX * row as f64;
            let (from, to) = (row_top + BAR_TOP_PX - 2.5, row_top + BAR_TOP_PX + BAR_PX + 4.0);
            canvas.line(At { x, y: from }, At { x, y: to }, Stroke::solid(Ink::Text, 1.5));
        }
        let anchor = if x > 0.5 { Anchor::End } else { Anchor::Start };
        canvas.text(At { x, y: top - 4.0 }, name, Lettering::NOTE.ink(Ink::Text).anchor(anchor));
    }
}

/// Ticks of an axis of shares that reaches at least `top`, with the axis' end.
pub(super) fn share_ticks(top: f64) -> (f64, Vec<f64>) {
    let step = match top {
        top if top > 0.6 => 0.25,
        top if top > 0.3 => 0.2,
        top if top > 0.15 => 0.1,
        top if top > 0.06 => 0.05,
        top if top > 0.02 => 0.02,
        _ => 0.005,
    };
    let steps = (top / step).ceil().max(1.0);
    let end = (steps * step).min(1.0);
    let ticks = (0..=steps as u32).map(|index| f64::from(index) * step).filter(|tick| *tick <= end + 1e-9).collect();
    (end, ticks)
}

/// A tick of an axis of shares: `5%`, `0.5%`.
pub(super) fn share_tick(value: f64) -> String {
    let percent = value * 100.0;
    if (percent - percent.round()).abs() < 1e-6 { format!("{percent:.0}%") } else { format!("{percent:.1}%") }
}

/// Says how many rows a chart left to its table; returns the height used.
pub(super) fn left_out(canvas: &mut Canvas, top: f64, count: usize) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let text = if count == 1 { "1 more in the table".to_owned() } else { format!("{count} more in the table") };
    canvas.text(At { x: 0.0, y: top + LABEL_BASE_PX }, &text, Lettering::NOTE);
    20.0
}
