//! Proxies: how far each column stands for each protected attribute, as a heat map with the numbers in its cells.

use std::collections::BTreeMap;

use assize_fairness::document::{JointProxy, Proxy};

use super::canvas::{Anchor, At, Canvas, Ink, Lettering, Medium};
use super::{Chart, DataTable};
use crate::format::{decimal, ratio, shorten};

/// Columns drawn; the table has all.
const COLUMNS_MAX: usize = 12;
/// Attributes drawn.
const ATTRIBUTES_MAX: usize = 5;
/// Share of the width that the names of the columns take.
const NAMES_WIDTH: f64 = 0.36;
const CELL_PX: f64 = 26.0;
const HEAD_PX: f64 = 22.0;
/// Darkest tint: text on it keeps a contrast of at least 4.5 in both themes.
const TINT_MAX: f64 = 0.5;

/// Draws Cramer's V of columns against protected attributes, strongest first; `None` without any.
pub fn proxies(proxies: &[Proxy], joint: &[JointProxy], medium: Medium) -> Option<Chart> {
    let strongest = proxies.iter().max_by(|a, b| a.cramers_v.total_cmp(&b.cramers_v))?;
    let attributes = attributes_in_order(proxies);
    let columns = columns_by_strength(proxies);
    let values: BTreeMap<(&str, &str), &Proxy> =
        proxies.iter().map(|proxy| ((proxy.column.as_str(), proxy.attribute.as_str()), proxy)).collect();
    let id = "proxies".to_owned();
    let title = format!(
        "{} says most about {} (Cramér’s V {})",
        strongest.column,
        strongest.attribute,
        decimal(strongest.cramers_v, 2)
    );
    let description = "Heat map of bias-corrected Cramér’s V between the columns of the data and the protected \
                       attributes: 0 says nothing about the attribute, 1 gives it away."
        .to_owned();

    let drawn = &columns[..columns.len().min(COLUMNS_MAX)];
    let shown = &attributes[..attributes.len().min(ATTRIBUTES_MAX)];
    let cell_width = (1.0 - NAMES_WIDTH) / shown.len() as f64;
    let mut canvas = Canvas::new(&id, medium);
    for (index, attribute) in shown.iter().enumerate() {
        let x = NAMES_WIDTH + cell_width * (index as f64 + 0.5);
        canvas.text(At { x, y: 14.0 }, &shorten(attribute, 14), Lettering::HEADING.anchor(Anchor::Middle));
    }
    for (row, column) in drawn.iter().enumerate() {
        let y = HEAD_PX + CELL_PX * row as f64;
        canvas.text(At { x: 0.0, y: y + 17.0 }, &shorten(column, 17), Lettering::LABEL);
        for (index, attribute) in shown.iter().enumerate() {
            let x = NAMES_WIDTH + cell_width * index as f64;
            draw_cell(&mut canvas, At { x, y }, cell_width, values.get(&(*column, *attribute)).copied());
        }
    }
    let bottom = HEAD_PX + CELL_PX * drawn.len() as f64;
    let rest = super::rows::left_out(&mut canvas, bottom + 4.0, columns.len() - drawn.len());
    Some(canvas.finish(bottom + 6.0 + rest, title, description, table(proxies, joint)))
}

fn draw_cell(canvas: &mut Canvas, corner: At, width: f64, proxy: Option<&Proxy>) {
    let Some(proxy) = proxy else { return };
    let gap = 0.004;
    let strength = 0.03 + (TINT_MAX - 0.03) * proxy.cramers_v.clamp(0.0, 1.0);
    canvas.tint(At { x: corner.x + gap, y: corner.y }, corner.x + width - gap, CELL_PX - 3.0, Ink::Accent, strength);
    let at = At { x: corner.x + width / 2.0, y: corner.y + 16.0 };
    canvas.text(at, &decimal(proxy.cramers_v, 2), Lettering::LABEL.anchor(Anchor::Middle));
}

fn attributes_in_order(proxies: &[Proxy]) -> Vec<&str> {
    let mut attributes: Vec<&str> = Vec::new();
    for proxy in proxies {
        if !attributes.contains(&proxy.attribute.as_str()) {
            attributes.push(&proxy.attribute);
        }
    }
    attributes
}

fn columns_by_strength(proxies: &[Proxy]) -> Vec<&str> {
    let mut strength: BTreeMap<&str, f64> = BTreeMap::new();
    for proxy in proxies {
        let best = strength.entry(&proxy.column).or_insert(f64::NEG_INFINITY);
        *best = best.max(proxy.cramers_v);
    }
    let mut columns: Vec<(&str, f64)> = strength.into_iter().collect();
    columns.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    columns.into_iter().map(|(column, _)| column).collect()
}

fn table(proxies: &[Proxy], joint: &[JointProxy]) -> DataTable {
    let mut table = DataTable::new(&["Column", "Stands for", "#Cramér’s V", "#Normalised mutual information"]);
    for proxy in proxies {
        table.rows.push(vec![
            proxy.column.clone(),
            proxy.attribute.clone(),
            ratio(proxy.cramers_v),
            ratio(proxy.normalized_mutual_information),
        ]);
    }
    for proxy in joint {
        let auc = match (proxy.auc, &proxy.reason) {
            (Some(auc), _) => format!("AUC {}", ratio(auc)),
            (None, Some(reason)) => format!("undefined: {reason}"),
            (None, None) => "undefined".to_owned(),
        };
        let columns = if proxy.columns.is_empty() { String::new() } else { format!(": {}", proxy.columns.join(", ")) };
        table.rows.push(vec![format!("all together{columns}"), proxy.attribute.clone(), auc, String::new()]);
    }
    table
}
