//! Reweighing (Kamiran and Calders 2012): training weights under which label and group are independent.

use assize_tables::Cells;

/// The training weight of the rows of one group with one label.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupWeight {
    /// Group name.
    pub group: String,
    /// 1 favourable, 0 unfavourable.
    pub label: u8,
    /// P(group) P(label) / P(group, label).
    pub weight: f64,
}

/// w = P(g) P(y) / P(g, y) over the labelled rows, for every group of the key with this index and each label that
/// occurs in it; in group order, label 0 first. Empty without labels.
#[must_use]
pub fn reweighing_weights(cells: &Cells, key: usize) -> Vec<GroupWeight> {
    let levels = cells.keys[key].levels.len();
    let mut table = vec![[0.0_f64; 2]; levels];
    for cell in cells.cells.iter().filter(|cell| cell.label < 2) {
        let level = usize::from(cells.groups[cell.group as usize][key]);
        table[level][usize::from(cell.label)] += cell.weight as f64;
    }
    let total: f64 = table.iter().flatten().sum();
    let by_label = [0, 1].map(|label| table.iter().map(|row| row[label]).sum::<f64>());
    let mut weights = Vec::new();
    for (name, row) in cells.keys[key].levels.iter().zip(&table) {
        for (label, &joint) in row.iter().enumerate() {
            if joint > 0.0 {
                let weight = (row[0] + row[1]) * by_label[label] / (total * joint);
                weights.push(GroupWeight { group: name.clone(), label: label as u8, weight });
            }
        }
    }
    weights
}
