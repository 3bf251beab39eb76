//! What the decisions rest on: mean absolute contribution of each column, and the mean contribution by group.

use assize_fairness::document::{ColumnContribution, Explanation, GroupContribution};

use super::canvas::{Anchor, At, Canvas, Ink, Lettering, Medium};
use super::rows::{self, AXIS_PX, Axis, BAR_PX, BAR_TOP_PX, REFERENCE_PX, ROW_PX};
use super::{Chart, DataTable, anchor};
use crate::format::{count, decimal, shorten};

/// Columns drawn; the tables have all.
const COLUMNS_MAX: usize = 10;
/// Groups of one attribute drawn; the table has all.
const GROUPS_MAX: usize = 5;
/// Share of the width that the names of the columns take.
const NAMES_WIDTH: f64 = 0.34;
const CELL_PX: f64 = 26.0;
/// Characters of all group names together that fit above the cells on a phone; longer ones stand below, one a line.
const HEAD_CHARS_MAX: usize = 24;
const LEGEND_CHARS_MAX: usize = 40;
const LEGEND_PX: f64 = 16.0;
const HEAD_PX: f64 = 22.0;
/// Darkest tint: text on it keeps a contrast of at least 4.5 in both themes.
const TINT_MAX: f64 = 0.5;

/// Draws how much each column moves the score, strongest first; `None` without any.
pub fn contributions(explanation: &Explanation, medium: Medium) -> Option<Chart> {
    let strongest = explanation.columns.first()?;
    let id = "contributions".to_owned();
    let title = format!(
        "Decisions rest most on {} ({} of the score on average)",
        strongest.column,
        points(strongest.overall.mean_absolute)
    );
    let description = "Bars of the mean absolute contribution of each column to the score, in points of 100; \
                       protected attributes are named as such."
        .to_owned();
    let drawn = &explanation.columns[..explanation.columns.len().min(COLUMNS_MAX)];
    let highest = drawn.iter().filter_map(|column| column.overall.mean_absolute).fold(0.01, f64::max);
    let (max, ticks) = rows::share_ticks(highest);
    let axis = Axis { max, ticks: &ticks, write: rows::share_tick };
    let mut canvas = Canvas::new(&id, medium);
    let bottom = REFERENCE_PX + ROW_PX * drawn.len() as f64;
    axis.draw(&mut canvas, REFERENCE_PX, bottom);
    for (row, column) in drawn.iter().enumerate() {
        let top = REFERENCE_PX + ROW_PX * row as f64;
        let protected = if column.protected { " · protected" } else { "" };
        let value = format!("{}{protected}", points(column.overall.mean_absolute));
        rows::label(&mut canvas, top, &column.column, &value);
        let ink = if column.protected { Ink::Text } else { Ink::Accent };
        let end = axis.at(column.overall.mean_absolute.unwrap_or(0.0));
        canvas.bar(At { x: 0.0, y: top + BAR_TOP_PX }, end, BAR_PX, ink);
        rows::hover(&mut canvas, top, &format!("{}: {value}", column.column));
    }
    let left = explanation.columns.len() - drawn.len() + explanation.columns_left_out as usize;
    let rest = rows::left_out(&mut canvas, bottom + AXIS_PX, left);
    Some(canvas.finish(bottom + AXIS_PX + rest, title, description, overall_table(explanation)))
}

/// Draws what each column contributes within the groups of one attribute; `None` when no group has enough rows.
pub fn group_contributions(explanation: &Explanation, attribute: &str, index: usize, medium: Medium) -> Option<Chart> {
    let signed = explanation.columns.first()?.overall.mean.is_some();
    let of = |contribution: &GroupContribution| {
        let own = &contribution.contribution;
        if signed { own.mean } else { own.mean_absolute }
    };
    let first = explanation.columns.first()?;
    let mut groups: Vec<&str> = Vec::new();
    let known = first.groups.iter().filter(|group| group.attribute == attribute && of(group).is_some());
    groups.extend(known.map(|group| group.group.as_str()));
    if groups.is_empty() {
        return None;
    }
    let cell = |column: &ColumnContribution, group: &str| {
        column.groups.iter().find(|one| one.attribute == attribute && one.group == group).and_then(of)
    };
    let shown = &groups[..groups.len().min(GROUPS_MAX)];
    let drawn = &explanation.columns[..explanation.columns.len().min(COLUMNS_MAX)];
    let values = || drawn.iter().flat_map(|column| shown.iter().filter_map(|group| cell(column, group)));
    let widest = values().map(f64::abs).fold(1e-9, f64::max);

    let id = anchor("contributions-by-group", index);
    let title = finding(explanation, attribute, shown, &cell);
    let description = format!(
        "Heat map of the mean contribution of each column to the score within each {attribute} group, in points of 100; \
         a minus moves away from the favourable outcome."
    );
    let width = (1.0 - NAMES_WIDTH) / shown.len() as f64;
    let mut canvas = Canvas::new(&id, medium);
    // Names that would be cut or touch on a phone stand below, by number.
    let chars = HEAD_CHARS_MAX / shown.len();
    let numbered = shown.iter().any(|group| group.chars().count() > chars);
    for (at, group) in shown.iter().enumerate() {
        let x = NAMES_WIDTH + width * (at as f64 + 0.5);
        let head = if numbered { (at + 1).to_string() } else { (*group).to_owned() };
        canvas.text(At { x, y: 14.0 }, &head, Lettering::HEADING.anchor(Anchor::Middle));
    }
    for (row, column) in drawn.iter().enumerate() {
        let y = HEAD_PX + CELL_PX * row as f64;
        canvas.text(At { x: 0.0, y: y + 17.0 }, &shorten(&column.column, 16), Lettering::LABEL);
        for (at, group) in shown.iter().enumerate() {
            let Some(value) = cell(column, group) else { continue };
            let x = NAMES_WIDTH + width * at as f64;
            let strength = 0.03 + (TINT_MAX - 0.03) * (value.abs() / widest);
            let ink = if value < 0.0 { Ink::Fail } else { Ink::Accent };
            canvas.tint(At { x: x + 0.004, y }, x + width - 0.004, CELL_PX - 3.0, ink, strength);
            let text = if signed { signed_points(value) } else { decimal(value * 100.0, 1) };
            let at = At { x: x + width / 2.0, y: y + 16.0 };
            canvas.text(at, &text, Lettering::LABEL.anchor(Anchor::Middle));
        }
    }
    let bottom = HEAD_PX + CELL_PX * drawn.len() as f64;
    let mut end = bottom + 6.0;
    for (at, group) in shown.iter().enumerate().filter(|_| numbered) {
        let text = format!("{}  {}", at + 1, shorten(group, LEGEND_CHARS_MAX));
        canvas.text(At { x: 0.0, y: end + 12.0 }, &text, Lettering::NOTE);
        end += LEGEND_PX;
    }
    let left = explanation.columns.len() - drawn.len();
    end += rows::left_out(&mut canvas, end, left);
    Some(canvas.finish(end, title, description, group_table(explanation, attribute)))
}

/// The column that moves the groups furthest apart, in one sentence.
fn finding(
    explanation: &Explanation,
    attribute: &str,
    groups: &[&str],
    cell: &dyn Fn(&ColumnContribution, &str) -> Option<f64>,
) -> String {
    let spread = |column: &ColumnContribution| {
        let mut values: Vec<(f64, &str)> =
            groups.iter().filter_map(|group| Some((cell(column, group)?, *group))).collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        let (low, high) = (*values.first()?, *values.last()?);
        Some((high.0 - low.0, low, high))
    };
    let widest = explanation.columns.iter().filter_map(|column| Some((spread(column)?, column)));
    match widest.max_by(|a, b| a.0.0.total_cmp(&b.0.0)) {
        Some(((distance, low, high), column)) if distance > 0.0 => format!(
            "{} tells {attribute} groups apart most: {} for {}, {} for {}",
            column.column,
            signed_points(low.0),
            low.1,
            signed_points(high.0),
            high.1
        ),
        _ => format!("No column contributes differently by {attribute}"),
    }
}

/// `8.2 points`.
fn points(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |value| format!("{} points", decimal(value * 100.0, 1)))
}

/// `+8.2`, `−0.3`.
fn signed_points(value: f64) -> String {
    let text = decimal(value.abs() * 100.0, 1);
    let sign = if text == "0.0" {
        ""
    } else if value < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text}")
}

fn overall_table(explanation: &Explanation) -> DataTable {
    let mut table = DataTable::new(&["Column", "Protected", "#Mean absolute, points", "#Mean, points", "#Rows"]);
    for column in &explanation.columns {
        table.rows.push(vec![
            column.column.clone(),
            if column.protected { "yes" } else { "no" }.to_owned(),
            column.overall.mean_absolute.map_or_else(String::new, |value| decimal(value * 100.0, 2)),
            column.overall.mean.map_or_else(String::new, signed_points),
            count(column.overall.n),
        ]);
    }
    table
}

fn group_table(explanation: &Explanation, attribute: &str) -> DataTable {
    let mut table = DataTable::new(&["Column", "Group", "#Mean, points", "#Mean absolute, points", "#Rows"]);
    for column in &explanation.columns {
        for group in column.groups.iter().filter(|group| group.attribute == attribute) {
            let own = &group.contribution;
            table.rows.push(vec![
                column.column.clone(),
                group.group.clone(),
                own.mean.map_or_else(|| own.reason.clone().unwrap_or_default(), signed_points),
                own.mean_absolute.map_or_else(String::new, |value| decimal(value * 100.0, 2)),
                count(own.n),
            ]);
        }
    }
    table
}
