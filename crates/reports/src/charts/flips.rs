//! Counterfactual flips: how many decisions change when only the protected value is replaced, and in which direction.

use assize_fairness::document::{Flip, Thresholds};

use super::canvas::{At, Canvas, Ink, Lettering, Medium, Stroke};
use super::rows::{self, AXIS_PX, Axis, BAR_PX, BAR_TOP_PX, REFERENCE_PX, ROW_PX};
use super::{Chart, DataTable};
use crate::format::{Scale, count, decimal, percent};

/// Replacement values drawn; the table has all.
const REPLACEMENTS_MAX: usize = 5;
/// Room for the heading of the lower part.
const HEADING_PX: f64 = 34.0;

/// Draws flip rates by attribute and, below, what each replacement value gains and loses; `None` without flips.
pub fn flips(flips: &[Flip], thresholds: &Thresholds, medium: Medium) -> Option<Chart> {
    let worst = flips.iter().max_by(|a, b| rate(a).total_cmp(&rate(b)))?;
    let id = "flips".to_owned();
    let title = match worst.flip_rate.value {
        Some(value) => format!("{} of decisions change when only {} is replaced", percent(value), worst.attribute),
        None => "Decisions under replaced protected values".to_owned(),
    };
    let description = "Bars of the share of decisions that change when only the protected value is replaced, with \
                       intervals and the largest share allowed. Below, for each replacement value, the share that \
                       becomes favourable to the right and unfavourable to the left."
        .to_owned();
    let mut sorted: Vec<&Flip> = flips.iter().collect();
    sorted.sort_by(|a, b| rate(b).total_cmp(&rate(a)).then_with(|| a.attribute.cmp(&b.attribute)));

    let highs = sorted.iter().filter_map(|flip| flip.flip_rate.interval).map(|[_, high]| high);
    let (max, ticks) = rows::share_ticks(highs.fold(thresholds.flip_rate_max * 1.1, f64::max));
    let axis = Axis { max, ticks: &ticks, write: rows::share_tick };
    let mut canvas = Canvas::new(&id, medium);
    let bottom = REFERENCE_PX + ROW_PX * sorted.len() as f64;
    axis.draw(&mut canvas, REFERENCE_PX, bottom);
    for (row, flip) in sorted.iter().enumerate() {
        draw_rate(&mut canvas, &axis, REFERENCE_PX + ROW_PX * row as f64, flip, thresholds);
    }
    let limit = thresholds.flip_rate_max;
    axis.reference(&mut canvas, limit, &format!("allowed {}", percent(limit)), REFERENCE_PX, sorted.len());
    let height = draw_replacements(&mut canvas, bottom + AXIS_PX, &sorted);
    Some(canvas.finish(height, title, description, table(&sorted)))
}

fn rate(flip: &Flip) -> f64 {
    flip.flip_rate.value.unwrap_or(-1.0)
}

fn draw_rate(canvas: &mut Canvas, axis: &Axis<'_>, top: f64, flip: &Flip, thresholds: &Thresholds) {
    let estimate = &flip.flip_rate;
    let value = format!("{} · n {}", Scale::Share.estimate(estimate), count(estimate.n));
    rows::label(canvas, top, &flip.attribute, &value);
    let from = At { x: 0.0, y: top + BAR_TOP_PX };
    canvas.bar(from, 1.0, BAR_PX, Ink::Grid);
    if let Some(value) = estimate.value {
        let beyond = estimate.interval.map_or(value, |[low, _]| low) > thresholds.flip_rate_max;
        canvas.bar(from, axis.at(value), BAR_PX, if beyond { Ink::Fail } else { Ink::Accent });
    }
    if let Some([low, high]) = estimate.interval {
        canvas.whisker(axis.at(low), axis.at(high), from.y + BAR_PX / 2.0, Ink::Text);
    }
}

/// Draws gains and losses by replacement value; returns the height of the whole chart.
fn draw_replacements(canvas: &mut Canvas, top: f64, flips: &[&Flip]) -> f64 {
    let mut replacements: Vec<_> =
        flips.iter().flat_map(|flip| flip.to_value.iter().map(move |to| (&flip.attribute, to))).collect();
    if replacements.is_empty() {
        return top;
    }
    replacements.sort_by(|a, b| (b.1.gained + b.1.lost).total_cmp(&(a.1.gained + a.1.lost)));
    let drawn = &replacements[..replacements.len().min(REPLACEMENTS_MAX)];
    let widest = drawn.iter().map(|(_, to)| to.gained.max(to.lost)).fold(1e-6, f64::max);
    canvas.text(At { x: 0.0, y: top + 20.0 }, "Everybody set to one value", Lettering::HEADING);
    let first = top + HEADING_PX - 4.0;
    for (row, (attribute, to)) in drawn.iter().enumerate() {
        let top = first + ROW_PX * row as f64;
        let value = format!("{} lose · {} gain", percent(to.lost), percent(to.gained));
        rows::label(canvas, top, &to.group, &value);
        let y = top + BAR_TOP_PX;
        canvas.bar(At { x: 0.5, y }, 0.5 - 0.5 * to.lost / widest, BAR_PX, Ink::Fail);
        canvas.bar(At { x: 0.5, y }, 0.5 + 0.5 * to.gained / widest, BAR_PX, Ink::Accent);
        canvas.line(At { x: 0.5, y: y - 1.0 }, At { x: 0.5, y: y + BAR_PX + 1.0 }, Stroke::solid(Ink::Text, 1.0));
        rows::hover(canvas, top, &format!("Everybody {attribute} = {}: {value}", to.group));
    }
    let bottom = first + ROW_PX * drawn.len() as f64;
    bottom + rows::left_out(canvas, bottom, replacements.len() - drawn.len())
}

fn table(flips: &[&Flip]) -> DataTable {
    let mut table =
        DataTable::new(&["Attribute", "Replaced by", "#Changed", "#Lost", "#Gained", "#Mean largest change of score"]);
    for flip in flips {
        table.rows.push(vec![
            flip.attribute.clone(),
            "any other value".to_owned(),
            Scale::Share.estimate(&flip.flip_rate),
            String::new(),
            String::new(),
            flip.mean_max_score_change.map_or_else(|| "no score".to_owned(), |change| decimal(change, 4)),
        ]);
        for to in &flip.to_value {
            table.rows.push(vec![
                flip.attribute.clone(),
                to.group.clone(),
                percent(to.lost + to.gained),
                percent(to.lost),
                percent(to.gained),
                String::new(),
            ]);
        }
    }
    table
}
