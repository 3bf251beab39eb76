//! Corrections for testing many hypotheses at once.

/// How p-values are adjusted for the number of tests made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Correction {
    /// Holm (1979): bounds the chance of any false alarm, whatever the dependence between the tests.
    #[default]
    Holm,
    /// Benjamini and Hochberg (1995): bounds the expected share of false alarms among the alarms.
    BenjaminiHochberg,
}

impl Correction {
    /// The name that certificates use: `holm` or `benjamini-hochberg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Holm => "holm",
            Self::BenjaminiHochberg => "benjamini-hochberg",
        }
    }
}

/// Adjusted p-values, in the order given.
#[must_use]
pub fn adjust(p_values: &[f64], correction: Correction) -> Vec<f64> {
    let tests = p_values.len();
    let mut order: Vec<usize> = (0..tests).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]).then(a.cmp(&b)));
    let mut adjusted = vec![0.0; tests];
    match correction {
        Correction::Holm => {
            let mut floor: f64 = 0.0;
            for (rank, &index) in order.iter().enumerate() {
                floor = floor.max((p_values[index] * (tests - rank) as f64).min(1.0));
                adjusted[index] = floor;
            }
        }
        Correction::BenjaminiHochberg => {
            let mut ceiling: f64 = 1.0;
            for (rank, &index) in order.iter().enumerate().rev() {
                ceiling = ceiling.min(p_values[index] * tests as f64 / (rank + 1) as f64);
                adjusted[index] = ceiling;
            }
        }
    }
    adjusted
}
