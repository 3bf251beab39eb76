//! Missing cells by group: whose data is incomplete.

use assize_fairness::document::{GroupShare, Missingness};

use super::canvas::{At, Canvas, Ink, Lettering, Medium};
use super::rows::{self, AXIS_PX, Axis, BAR_PX, BAR_TOP_PX, ROW_PX};
use super::{Chart, DataTable};
use crate::format::{Scale, count, p_value, percent, ratio, shorten};

/// Column and attribute pairs drawn; the table has all.
const PAIRS_MAX: usize = 4;
/// Groups drawn a pair, most missing first.
const GROUPS_MAX: usize = 5;
/// Room for the name of a pair.
const HEADING_PX: f64 = 22.0;

/// Draws the share of missing cells by group where it differs most; `None` when nothing is missing.
pub fn missingness(missingness: &[Missingness], medium: Medium) -> Option<Chart> {
    let mut pairs: Vec<&Missingness> = missingness.iter().filter(|pair| !pair.by_group.is_empty()).collect();
    pairs.sort_by(|a, b| {
        b.cramers_v.total_cmp(&a.cramers_v).then_with(|| (&a.column, &a.attribute).cmp(&(&b.column, &b.attribute)))
    });
    let first = pairs.first()?;
    let id = "missingness".to_owned();
    let title = finding(first);
    let description = "Bars of the share of missing cells of a column in each group, with intervals, for the columns \
                       and attributes where the groups differ most."
        .to_owned();

    let drawn = &pairs[..pairs.len().min(PAIRS_MAX)];
    let highs = drawn.iter().flat_map(|pair| &pair.by_group).filter_map(|group| group.share.interval);
    let (max, ticks) = rows::share_ticks(highs.map(|[_, high]| high).fold(0.01, f64::max));
    let axis = Axis { max, ticks: &ticks, write: rows::share_tick };
    let mut canvas = Canvas::new(&id, medium);
    let height: f64 = drawn.iter().map(|pair| HEADING_PX + ROW_PX * pair.by_group.len().min(GROUPS_MAX) as f64).sum();
    axis.draw(&mut canvas, HEADING_PX, height);
    let mut top = 0.0;
    for pair in drawn {
        let heading = format!("{} by {}", shorten(&pair.column, 20), shorten(&pair.attribute, 16));
        canvas.text(At { x: 0.0, y: top + 16.0 }, &heading, Lettering::HEADING);
        top += HEADING_PX;
        for group in most_missing(pair).iter().take(GROUPS_MAX) {
            draw_group(&mut canvas, &axis, top, group);
            top += ROW_PX;
        }
    }
    let rest = rows::left_out(&mut canvas, height + AXIS_PX, pairs.len() - drawn.len());
    Some(canvas.finish(height + AXIS_PX + rest, title, description, table(&pairs)))
}

fn most_missing(pair: &Missingness) -> Vec<&GroupShare> {
    let mut groups: Vec<&GroupShare> = pair.by_group.iter().collect();
    let share = |group: &GroupShare| group.share.value.unwrap_or(-1.0);
    groups.sort_by(|a, b| share(b).total_cmp(&share(a)).then_with(|| a.group.cmp(&b.group)));
    groups
}

fn finding(pair: &Missingness) -> String {
    let groups = most_missing(pair);
    match (groups.first(), groups.last()) {
        (Some(most), Some(least)) if most.group != least.group => format!(
            "{} is missing for {} of {} and {} of {}",
            pair.column,
            most.share.value.map_or_else(|| "an unknown share".to_owned(), percent),
            most.group,
            least.share.value.map_or_else(|| "an unknown share".to_owned(), percent),
            least.group
        ),
        _ => format!("Missing cells of {}", pair.column),
    }
}

fn draw_group(canvas: &mut Canvas, axis: &Axis<'_>, top: f64, group: &GroupShare) {
    let value = format!("{} · n {}", Scale::Share.estimate(&group.share), count(group.share.n));
    rows::label(canvas, top, &group.group, &value);
    let from = At { x: 0.0, y: top + BAR_TOP_PX };
    canvas.bar(from, 1.0, BAR_PX, Ink::Grid);
    if let Some(share) = group.share.value {
        canvas.bar(from, axis.at(share), BAR_PX, Ink::Accent);
    }
    if let Some([low, high]) = group.share.interval {
        canvas.whisker(axis.at(low), axis.at(high), from.y + BAR_PX / 2.0, Ink::Text);
    }
    if rows::is_cut(&group.group, &value) {
        rows::hover(canvas, top, &format!("{}: {value}", group.group));
    }
}

fn table(pairs: &[&Missingness]) -> DataTable {
    let mut table = DataTable::new(&["Column", "Attribute", "Group", "#n", "#Missing", "#Cramér’s V", "#Independence"]);
    for pair in pairs {
        for group in &pair.by_group {
            table.rows.push(vec![
                pair.column.clone(),
                pair.attribute.clone(),
                group.group.clone(),
                count(group.share.n),
                Scale::Share.estimate(&group.share),
                ratio(pair.cramers_v),
                pair.p_value.map_or_else(|| "undefined".to_owned(), p_value),
            ]);
        }
    }
    table
}
