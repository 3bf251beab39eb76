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
    let unit = Unit::of(explanation);
    let id = "contributions".to_owned();
    let title = format!(
        "Decisions rest most on {} ({} of the score on average)",
        strongest.column,
        unit.amount(strongest.overall.mean_absolute)
    );
    let description = format!(
        "Bars of the mean absolute contribution of each column to the score, {}; protected attributes are named as such.",
        unit.words()
    );
    let drawn = &explanation.columns[..explanation.columns.len().min(COLUMNS_MAX)];
    let highest = drawn.iter().filter_map(|column| column.overall.mean_absolute).fold(0.01, f64::max);
    let (max, ticks) = unit.ticks(highest);
    let axis = Axis { max, ticks: &ticks, write: unit.tick() };
    let mut canvas = Canvas::new(&id, medium);
    let bottom = REFERENCE_PX + ROW_PX * drawn.len() as f64;
    axis.draw(&mut canvas, REFERENCE_PX, bottom);
    for (row, column) in drawn.iter().enumerate() {
        let top = REFERENCE_PX + ROW_PX * row as f64;
        let protected = if column.protected { " · protected" } else { "" };
        let value = format!("{}{protected}", unit.amount(column.overall.mean_absolute));
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
    let unit = Unit::of(explanation);
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
        "Heat map of the mean contribution of each column to the score within each {attribute} group, {}; a minus moves \
         away from the favourable outcome.",
        unit.words()
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
            let text = if signed { unit.signed(value) } else { unit.number(value) };
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
    let unit = Unit::of(explanation);
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
            unit.signed(low.0),
            low.1,
            unit.signed(high.0),
            high.1
        ),
        _ => format!("No column contributes differently by {attribute}"),
    }
}

/// What contributions are counted in: what the score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Probabilities and decisions, in points of 100.
    Points,
    LogOdds,
    /// The model's own.
    Score,
}

impl Unit {
    fn of(explanation: &Explanation) -> Self {
        match explanation.score.as_str() {
            "log_odds" => Self::LogOdds,
            "raw" => Self::Score,
            _ => Self::Points,
        }
    }

    /// `in points of 100`.
    fn words(self) -> &'static str {
        match self {
            Self::Points => "in points of 100",
            Self::LogOdds => "in log-odds of the favourable outcome",
            Self::Score => "in units of the model's own score",
        }
    }

    /// Behind the name of a column of a table.
    fn short(self) -> &'static str {
        match self {
            Self::Points => ", points",
            Self::LogOdds => ", log-odds",
            Self::Score => "",
        }
    }

    /// `8.2`, or `0.35` of something else than points.
    fn number(self, value: f64) -> String {
        if self == Self::Points { decimal(value * 100.0, 1) } else { decimal(value, 2) }
    }

    /// With a decimal more, for tables.
    fn exact(self, value: f64) -> String {
        if self == Self::Points { decimal(value * 100.0, 2) } else { decimal(value, 3) }
    }

    /// `8.2 points`.
    fn amount(self, value: Option<f64>) -> String {
        let Some(value) = value else { return "undefined".to_owned() };
        match self {
            Self::Points => format!("{} points", self.number(value)),
            Self::LogOdds => format!("{} log-odds", self.number(value)),
            Self::Score => self.number(value),
        }
    }

    /// `+8.2`, `−0.3`.
    fn signed(self, value: f64) -> String {
        let text = self.number(value.abs());
        let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        let sign = match value {
            _ if is_zero => "",
            value if value < 0.0 => "−",
            _ => "+",
        };
        format!("{sign}{text}")
    }

    /// The end of the axis and its ticks.
    fn ticks(self, highest: f64) -> (f64, Vec<f64>) {
        if self == Self::Points {
            return rows::share_ticks(highest);
        }
        // The share of the next larger power of ten.
        let scale = 10_f64.powi(highest.log10().ceil() as i32);
        let (end, ticks) = rows::share_ticks(highest / scale);
        (end * scale, ticks.into_iter().map(|tick| tick * scale).collect())
    }

    fn tick(self) -> fn(f64) -> String {
        if self == Self::Points { rows::share_tick } else { plain_tick }
    }
}

/// `0.5`, `20`.
fn plain_tick(value: f64) -> String {
    if value >= 10.0 || value == 0.0 { decimal(value, 0) } else { decimal(value, if value < 0.1 { 3 } else { 2 }) }
}

fn overall_table(explanation: &Explanation) -> DataTable {
    let unit = Unit::of(explanation);
    let (absolute, mean) = (format!("#Mean absolute{}", unit.short()), format!("#Mean{}", unit.short()));
    let mut table = DataTable::new(&["Column", "Protected", &absolute, &mean, "#Rows"]);
    for column in &explanation.columns {
        table.rows.push(vec![
            column.column.clone(),
            if column.protected { "yes" } else { "no" }.to_owned(),
            column.overall.mean_absolute.map_or_else(String::new, |value| unit.exact(value)),
            column.overall.mean.map_or_else(String::new, |value| unit.signed(value)),
            count(column.overall.n),
        ]);
    }
    table
}

fn group_table(explanation: &Explanation, attribute: &str) -> DataTable {
    let unit = Unit::of(explanation);
    let (absolute, mean) = (format!("#Mean absolute{}", unit.short()), format!("#Mean{}", unit.short()));
    let mut table = DataTable::new(&["Column", "Group", &mean, &absolute, "#Rows"]);
    for column in &explanation.columns {
        for group in column.groups.iter().filter(|group| group.attribute == attribute) {
            let own = &group.contribution;
            table.rows.push(vec![
                column.column.clone(),
                group.group.clone(),
                own.mean.map_or_else(|| own.reason.clone().unwrap_or_default(), |value| unit.signed(value)),
                own.mean_absolute.map_or_else(String::new, |value| unit.exact(value)),
                count(own.n),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_score_is_written_in_its_own_unit() {
        let written =
            |unit: Unit| [unit.amount(Some(1.234)), unit.signed(-1.234), unit.signed(0.0001), unit.exact(0.5)];
        assert_eq!(written(Unit::Points), ["123.4 points", "−123.4", "0.0", "50.00"]);
        assert_eq!(written(Unit::LogOdds), ["1.23 log-odds", "−1.23", "0.00", "0.500"]);
        assert_eq!(written(Unit::Score), ["1.23", "−1.23", "0.00", "0.500"]);
    }

    #[test]
    fn axes_reach_beyond_one() {
        for highest in [0.02, 0.7, 1.9, 37.0] {
            let (end, ticks) = Unit::LogOdds.ticks(highest);
            assert!(end >= highest && end <= highest * 3.0 && ticks.len() >= 3, "{highest}: {end} {ticks:?}");
        }
        assert_eq!([0.0, 0.05, 0.5, 20.0].map(plain_tick), ["0", "0.050", "0.50", "20"]);
    }
}
