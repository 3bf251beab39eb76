//! Reliability diagrams: one small panel a group, observed share of favourable labels over mean score.

use assize_fairness::document::{AttributeMetrics, GroupMetrics, GroupScores};

use super::canvas::{Anchor, At, Canvas, Ink, Lettering, Medium, Stroke};
use super::{Chart, DataTable, anchor};
use crate::format::{Scale, count, percent, ratio, shorten};

/// Panels drawn; the table has all groups and bins.
const PANELS_MAX: usize = 4;
const PANELS_ACROSS: usize = 2;
/// Height of the plot inside a panel.
const PLOT_PX: f64 = 120.0;
/// Room for a panel's name above its plot.
const NAME_PX: f64 = 22.0;
/// From the top of a panel to the top of the one below.
const PANEL_PX: f64 = NAME_PX + PLOT_PX + 26.0;
/// Width of a panel's plot, share of the chart.
const PANEL_WIDTH: f64 = 0.46;

/// Draws the calibration of the largest groups of one attribute, worst first; `None` without scores.
pub fn calibration(metrics: &AttributeMetrics, index: usize, medium: Medium) -> Option<Chart> {
    let mut groups: Vec<(&GroupMetrics, &GroupScores)> = metrics
        .groups
        .iter()
        .filter_map(|group| group.scores.as_ref().map(|scores| (group, scores)))
        .filter(|(_, scores)| !scores.bins.is_empty())
        .collect();
    if groups.is_empty() {
        return None;
    }
    let error = |scores: &GroupScores| scores.calibration_error.value.unwrap_or(0.0);
    groups.sort_by(|a, b| {
        a.0.small.cmp(&b.0.small).then(error(b.1).total_cmp(&error(a.1))).then_with(|| a.0.group.cmp(&b.0.group))
    });
    let id = anchor("calibration", index);
    let (worst, worst_scores) = groups[0];
    let title = format!(
        "Scores of {} are off by {} on average, the most of any {} group",
        worst.group,
        ratio(error(worst_scores)),
        metrics.attribute
    );
    let description = "One panel a group: mean score to the right, observed share of favourable labels upwards, with \
                       intervals. On the diagonal a score means what it says; points above it are people scored too \
                       low."
        .to_owned();

    let drawn = &groups[..groups.len().min(PANELS_MAX)];
    let mut canvas = Canvas::new(&id, medium);
    for (position, (group, scores)) in drawn.iter().enumerate() {
        let left = if position % PANELS_ACROSS == 0 { 0.0 } else { 1.0 - PANEL_WIDTH };
        let top = PANEL_PX * (position / PANELS_ACROSS) as f64;
        draw_panel(&mut canvas, At { x: left, y: top }, group, scores);
    }
    let height = PANEL_PX * drawn.len().div_ceil(PANELS_ACROSS) as f64;
    let rest = super::rows::left_out(&mut canvas, height - 4.0, groups.len() - drawn.len());
    Some(canvas.finish(height + rest, title, description, table(&groups)))
}

fn draw_panel(canvas: &mut Canvas, corner: At, group: &GroupMetrics, scores: &GroupScores) {
    let (top, bottom) = (corner.y + NAME_PX, corner.y + NAME_PX + PLOT_PX);
    let place = |score: f64, observed: f64| At {
        x: corner.x + PANEL_WIDTH * score.clamp(0.0, 1.0),
        y: bottom - PLOT_PX * observed.clamp(0.0, 1.0),
    };
    let y = corner.y + 14.0;
    canvas.text(At { x: corner.x, y }, &shorten(&group.group, 15), Lettering::HEADING);
    if let Some(error) = scores.calibration_error.value {
        canvas.text(At { x: corner.x + PANEL_WIDTH, y }, &format!("off {}", ratio(error)), Lettering::VALUE);
    }
    for share in [0.0, 0.5, 1.0] {
        canvas.grid_line(place(0.0, share), place(1.0, share), Stroke::solid(Ink::Grid, 1.0));
    }
    canvas.grid_line(place(0.0, 0.0), place(1.0, 1.0), Stroke::dashed(Ink::Muted));
    let axis = [(0.0, "0", Anchor::Start), (0.5, "score 0.5", Anchor::Middle), (1.0, "1", Anchor::End)];
    for (score, text, anchor) in axis {
        let at = At { x: place(score, 0.0).x, y: bottom + 14.0 };
        canvas.text(at, text, Lettering::NOTE.anchor(anchor));
    }
    let points: Vec<At> = scores.bins.iter().map(|bin| place(bin.score, bin.observed)).collect();
    canvas.curve(&points, Stroke::solid(Ink::Accent, 1.75));
    for bin in &scores.bins {
        let [low, high] = bin.interval;
        canvas.line(place(bin.score, low), place(bin.score, high), Stroke::solid(Ink::Accent, 1.25));
    }
    canvas.points(&points, 6.0, Ink::Accent);
    canvas.text(At { x: corner.x, y: top + 11.0 }, "100% observed", Lettering::NOTE);
}

/// One row a bin: what the panels draw, and the group's error beside its first bin.
fn table(groups: &[(&GroupMetrics, &GroupScores)]) -> DataTable {
    let mut table = DataTable::new(&["Group", "#Mean score", "#Observed", "#n", "#Calibration error"]);
    for (group, scores) in groups {
        for (index, bin) in scores.bins.iter().enumerate() {
            let error = if index == 0 { Scale::Number.estimate(&scores.calibration_error) } else { String::new() };
            table.rows.push(vec![
                group.group.clone(),
                ratio(bin.score),
                format!("{} {}", percent(bin.observed), Scale::Share.interval(bin.interval)),
                count(bin.n),
                error,
            ]);
        }
    }
    table
}
